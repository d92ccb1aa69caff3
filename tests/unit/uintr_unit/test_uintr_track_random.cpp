// SPDX-License-Identifier: Apache-2.0
// Properties of the tracker under random interleavings, with fixed seeds: first with calls that make no sense at all,
// then with real UINTR units on cores whose clocks drift apart, threads that migrate, nested handlers and notifications
// that find nobody.
#include "fake_machine.h"
#include "track_fixture.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <random>

namespace
{

TEST(uintr_track_random, senseless_calls_never_break_a_record)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        SCOPED_TRACE(seed);
        tracked w(3);
        std::mt19937_64 rng(seed);
        auto pick = [&](std::uint64_t n) { return rng() % n; };
        for (int i = 0; i < 20000; i++) {
            auto core = static_cast<std::uint32_t>(pick(3));
            std::uint64_t cycle = pick(8) == 0 ? rng() : static_cast<std::uint64_t>(i) + pick(500);
            std::uint64_t upid = 0x1000 + 64 * pick(3);
            auto vector = static_cast<std::uint8_t>(pick(64));
            std::uint64_t frame = 0x7000 + 32 * pick(6);
            switch (pick(10)) {
            case 0: uintr_track_send_begin(w.t, core, cycle); break;
            case 1:
            case 2: uintr_track_posted(w.t, core, upid, vector, pick(2) != 0, pick(2) != 0, pick(2) != 0, cycle); break;
            case 3: uintr_track_sent(w.t, core, cycle); break;
            case 4: uintr_track_arrived(w.t, pick(static_cast<std::uint64_t>(i) + 1), core, cycle); break;
            case 5:
                uintr_track_notify_begin(w.t, core, cycle);
                if (pick(4) == 0)
                    uintr_track_own_ipi(w.t, core);
                break;
            case 6: uintr_track_notified(w.t, core, upid, rng() & rng(), rng(), cycle); break;
            case 7: uintr_track_deliver_begin(w.t, core, upid, vector, cycle); break;
            case 8:
                uintr_track_receiver(w.t, core, pick(20000), pick(20000));
                uintr_track_delivered(w.t, core, frame, cycle);
                break;
            default:
                uintr_track_uiret_begin(w.t, core, upid, frame + 8, cycle);
                if (pick(4) != 0)
                    uintr_track_returned(w.t, core, cycle + pick(50));
                break;
            }
            if (pick(5000) == 0)
                uintr_track_finish(w.t);
        }
        uintr_track_finish(w.t);
        using stats = uintr_track_stats;
        EXPECT_EQ(w.sum(&stats::posted), w.done.size() + w.sum(&stats::merged) + w.sum(&stats::dropped));
        EXPECT_EQ(w.sum(&stats::posted), w.sum(&stats::sent) + w.sum(&stats::coalesced) + w.sum(&stats::suppressed));
        auto complete = static_cast<std::uint64_t>(
            std::count_if(w.done.begin(), w.done.end(), [](const finished &f) { return f.complete; }));
        EXPECT_EQ(w.sum(&stats::returned), complete);
        EXPECT_GT(complete, 0u);
    }
}

// Cores with real units over one memory, an interconnect of fixed latency, and an operating system that moves threads
// as the software contract says: SN set and XSAVES on leaving; XRSTORS, UINV, NDST, SN clear, self-IPI on coming back.
class world
{
  public:
    static constexpr std::uint32_t CORES = 3, THREADS = 5, UV = 0xec;
    static constexpr std::uint64_t LATENCY = 300, QUANTUM = 300, UITT = 0x10000, UPIDS = 0x20000;
    static constexpr int NOBODY = -1;

    tracked track{CORES};
    std::uint64_t deliveries = 0;

    explicit world(unsigned seed) : m_rng(seed)
    {
        for (std::uint32_t i = 0; i < CORES; i++) {
            m_cores.push_back(std::make_unique<core>(&m_memory));
            m_cores.back()->thread = NOBODY;
        }
        for (std::uint32_t i = 0; i < THREADS; i++) {
            thread &th = m_threads[i];
            fake_machine setup;
            setup.write(0x986, 0x400000);
            setup.write(0x987, 128);
            setup.write(0x989, upid(i));
            uintr_set_uif(setup.u, true);
            uintr_xsave(setup.u, th.image.data());
            th.regs = {0x401000, 0x7f0000000000, 0x202}; // equal stack addresses: no difference between threads
            m_memory.put64(upid(i), std::uint64_t{UV} << 16 | 2);
        }
    }

    void act()
    {
        std::uint32_t c = pick_core();
        core &cpu = *m_cores[c];
        cpu.now += 1 + pick(40);
        switch (pick(8)) {
        case 0:
        case 1:
        case 2: send(c); break;
        case 3:
            if (pick(4) == 0)
                move(c);
            break;
        case 4: uiret(c); break;
        case 5:
            if (pick(4) == 0 && cpu.thread != NOBODY)
                uintr_set_uif(cpu.u(), pick(2) != 0);
            break;
        default: break;
        }
        boundary(c);
    }

    // Nobody sends any more: every thread gets a core until nothing is left anywhere.
    void settle()
    {
        for (int round = 0; round < 4; round++)
            for (std::uint32_t i = 0; i < THREADS; i++) {
                std::uint32_t c = i % CORES;
                leave(c);
                for (std::uint32_t other = 0; other < CORES; other++)
                    if (m_cores[other]->thread == static_cast<int>(i))
                        leave(other);
                enter(c, i);
                for (int n = 0; n < 300; n++) {
                    m_cores[c]->now += LATENCY;
                    if (m_threads[i].frames.empty())
                        uintr_set_uif(m_cores[c]->u(), true);
                    boundary(c);
                    uiret(c);
                }
            }
    }

  private:
    struct ipi {
        std::uint64_t number, at;
    };
    struct core {
        fake_machine m;
        std::uint64_t now = 1000;
        int thread = NOBODY;
        std::deque<ipi> queue; // arrivals; the vector is always UV
        explicit core(fake_memory *memory) : m(48, false, memory) {}
        struct uintr *u() { return m.u; }
    };
    struct thread {
        std::array<std::uint8_t, UINTR_XSAVE_SIZE> image{};
        struct uintr_regs regs = {};
        std::vector<std::uint64_t> frames;
    };

    std::mt19937_64 m_rng;
    fake_memory m_memory;
    std::vector<std::unique_ptr<core>> m_cores;
    std::array<thread, THREADS> m_threads;

    std::uint64_t pick(std::uint64_t n) { return m_rng() % n; }
    static std::uint64_t upid(std::uint64_t i) { return UPIDS + 64 * i; }

    // Any core that is less than a quantum ahead of the last one.
    std::uint32_t pick_core()
    {
        std::uint64_t least = m_cores[0]->now;
        for (auto &c : m_cores)
            least = std::min(least, c->now);
        for (;;) {
            auto c = static_cast<std::uint32_t>(pick(CORES));
            if (m_cores[c]->now < least + QUANTUM)
                return c;
        }
    }

    // Hands the unit's steps to the tracker, a few cycles apart, and its IPIs to the interconnect.
    void report(std::uint32_t c)
    {
        core &cpu = *m_cores[c];
        struct uintr_track *t = track.t;
        std::uint64_t pd = cpu.m.read(0x989), number = 0;
        for (const auto &[step, info] : cpu.m.steps) {
            cpu.now += pick(12);
            std::uint64_t at = cpu.now;
            switch (step) {
            case UINTR_STEP_SEND_BEGIN: uintr_track_send_begin(t, c, at); break;
            case UINTR_STEP_UITTE_READ: break;
            case UINTR_STEP_POSTED:
                number =
                    uintr_track_posted(t, c, info.upid_la, info.vector, info.notify, info.suppressed, info.again, at);
                break;
            case UINTR_STEP_SENT: uintr_track_sent(t, c, at); break;
            case UINTR_STEP_NOTIFY_BEGIN: uintr_track_notify_begin(t, c, at); break;
            case UINTR_STEP_NOTIFIED: uintr_track_notified(t, c, info.upid_la, info.mask, info.already, at); break;
            case UINTR_STEP_DELIVER_BEGIN: uintr_track_deliver_begin(t, c, pd, info.vector, at); break;
            case UINTR_STEP_DELIVERED: uintr_track_delivered(t, c, info.frame_la, at); break;
            case UINTR_STEP_UIRET_BEGIN: uintr_track_uiret_begin(t, c, pd, info.frame_la, at); break;
            case UINTR_STEP_RETURNED: uintr_track_returned(t, c, at); break;
            }
        }
        for (const fake_call &call : cpu.m.calls("ipi"))
            queue_ipi(static_cast<std::uint32_t>(call.a >> 8), number, cpu.now + LATENCY);
        cpu.m.steps.clear();
        cpu.m.log.clear();
    }

    void queue_ipi(std::uint32_t target, std::uint64_t number, std::uint64_t at)
    {
        m_cores[target]->queue.push_back({number, at});
    }

    void send(std::uint32_t c)
    {
        std::uint64_t to = pick(THREADS), vector = pick(4) == 0 ? pick(64) : pick(3);
        m_memory.put64(UITT, 1 | vector << 8);
        m_memory.put64(UITT + 8, upid(to));
        core &cpu = *m_cores[c];
        std::uint64_t tt = cpu.m.read(0x98a);
        cpu.m.write(0x98a, UITT | 1);
        cpu.m.fail_what = pick(10) == 0 ? "modify" : "";
        cpu.m.fail_after = 0;
        bool fails = !cpu.m.fail_what.empty();
        EXPECT_EQ(uintr_send(cpu.u(), 0, &cpu.m.fault), fails ? VP_FAULT : VP_OK);
        cpu.m.fail_what.clear();
        cpu.m.write(0x98a, tt);
        report(c);
    }

    // At an instruction boundary: the first arrival that is due, then delivery.
    void boundary(std::uint32_t c)
    {
        core &cpu = *m_cores[c];
        auto due = std::find_if(cpu.queue.begin(), cpu.queue.end(), [&](const ipi &i) { return i.at <= cpu.now; });
        if (due != cpu.queue.end()) {
            ipi i = *due;
            cpu.queue.erase(due);
            if (i.number != 0)
                uintr_track_arrived(track.t, i.number, c, i.at);
            if (uintr_uinv(cpu.u()) == UV) { // otherwise the IDT and a software EOI
                EXPECT_EQ(uintr_notify(cpu.u(), &cpu.m.fault), VP_OK);
                report(c);
            }
        }
        if (cpu.thread == NOBODY || !uintr_uif(cpu.u()) || !uintr_is_pending(cpu.u()))
            return;
        thread &th = m_threads[static_cast<std::size_t>(cpu.thread)];
        cpu.m.fail_what = pick(10) == 0 ? "push" : "";
        cpu.m.fail_after = static_cast<int>(pick(4));
        if (uintr_deliver(cpu.u(), &th.regs, 48, &cpu.m.fault) == VP_OK) {
            deliveries++;
            th.frames.push_back(th.regs.rsp);
        }
        cpu.m.fail_what.clear();
        report(c);
    }

    // The frames live in the thread's own memory; here they are put back because all threads share the addresses.
    void uiret(std::uint32_t c)
    {
        core &cpu = *m_cores[c];
        if (cpu.thread == NOBODY)
            return;
        thread &th = m_threads[static_cast<std::size_t>(cpu.thread)];
        if (th.frames.empty())
            return;
        th.regs.rsp = th.frames.back() + 8;
        m_memory.put64(th.regs.rsp, 0x401000);
        m_memory.put64(th.regs.rsp + 8, 0x202);
        m_memory.put64(th.regs.rsp + 16, th.frames.size() == 1 ? 0x7f0000000000 : th.frames[th.frames.size() - 2]);
        cpu.m.fail_what = pick(10) == 0 ? "pop" : "";
        cpu.m.fail_after = static_cast<int>(pick(3));
        if (uintr_uiret(cpu.u(), &th.regs, 48, &cpu.m.fault) == VP_OK)
            th.frames.pop_back();
        else
            th.regs.rsp = th.frames.back();
        cpu.m.fail_what.clear();
        report(c);
    }

    void leave(std::uint32_t c)
    {
        core &cpu = *m_cores[c];
        if (cpu.thread == NOBODY)
            return;
        auto i = static_cast<std::uint64_t>(cpu.thread);
        m_memory.put64(upid(i), m_memory.get64(upid(i)) | 2);
        uintr_xsave(cpu.u(), m_threads[i].image.data());
        uintr_xsave_done(cpu.u());
        cpu.thread = NOBODY;
    }

    void enter(std::uint32_t c, std::uint32_t i)
    {
        core &cpu = *m_cores[c];
        ASSERT_EQ(uintr_xrstor(cpu.u(), m_threads[i].image.data()), VP_OK);
        cpu.thread = static_cast<int>(i);
        cpu.m.write(0x988, std::uint64_t{UV} << 32);
        std::uint64_t low = m_memory.get64(upid(i)) & 1;
        m_memory.put64(upid(i), low | std::uint64_t{UV} << 16 | std::uint64_t{c} << 40);
        if (m_memory.get64(upid(i) + 8) != 0)
            queue_ipi(c, 0, cpu.now); // self-IPI, which is software's
    }

    void move(std::uint32_t c)
    {
        leave(c);
        auto i = static_cast<std::uint32_t>(pick(THREADS));
        for (auto &other : m_cores)
            if (other->thread == static_cast<int>(i))
                return;
        enter(c, i);
    }
};

TEST(uintr_track_random, real_units_with_migration_and_drifting_clocks_lose_nothing)
{
    for (unsigned seed = 1; seed <= 10; seed++) {
        SCOPED_TRACE(seed);
        world w(seed);
        for (int i = 0; i < 20000; i++)
            w.act();
        w.settle();
        using stats = uintr_track_stats;
        tracked &t = w.track;
        std::uint64_t complete = t.done.size();
        for (const finished &f : t.done)
            EXPECT_TRUE(f.complete) << f.record.number;
        EXPECT_EQ(t.sum(&stats::untracked), 0u);
        EXPECT_EQ(t.sum(&stats::dropped), 0u);
        EXPECT_EQ(t.sum(&stats::delivered), w.deliveries);
        EXPECT_EQ(t.sum(&stats::returned), w.deliveries);
        EXPECT_EQ(complete, w.deliveries);
        EXPECT_EQ(t.sum(&stats::posted), complete + t.sum(&stats::merged));
        std::uint64_t merged = 0;
        for (const finished &f : t.done)
            merged += f.record.merged;
        EXPECT_EQ(merged, t.sum(&stats::merged));
        uintr_track_finish(t.t);
        EXPECT_EQ(t.done.size(), complete);
        // The run has seen what it is meant to see.
        EXPECT_GT(t.sum(&stats::sent), 100u);
        EXPECT_GT(t.sum(&stats::coalesced), 100u);
        EXPECT_GT(t.sum(&stats::suppressed), 100u);
        EXPECT_GT(merged, 100u);
    }
}

} // namespace
