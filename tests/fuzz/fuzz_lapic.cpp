// SPDX-License-Identifier: Apache-2.0
// Several local APICs and the interconnect's core under random register accesses, MSR writes, messages, pins, timers
// and acknowledges. After each operation the architecture's own rules are checked from outside, through the debug view
// of the registers: priorities, what may be pending, what may be sent, and that a #GP changes nothing.
#include "fuzz_code.h"
#include "fuzz_main.h"

#include "interconnect.h"

#include <array>
#include <cstring>
#include <vector>

namespace
{

constexpr std::size_t APICS = 4;
constexpr unsigned STEPS = 400;
constexpr std::uint32_t TPR = 0x80, PPR = 0xa0, SVR = 0xf0, ISR = 0x100, IRR = 0x200, ESR = 0x280, ICR = 0x300,
                        LVT_CMCI = 0x2f0, LVT_TIMER = 0x320, LVT_LINT0 = 0x350, LVT_ERROR = 0x370;
constexpr std::uint64_t BASE_EXTD = 0x400, BASE_EN = 0x800;

class lapic_machine
{
  public:
    explicit lapic_machine(std::uint64_t seed) : m_random{seed * 2 + 1}
    {
        for (int i = 0; i < 8; i++)
            fuzz_next(&m_random);
        for (std::size_t i = 0; i < APICS; i++) {
            m_sides[i] = side{this, i};
            const bool x2apic = below(4) != 0;
            const std::uint32_t id =
                below(3) ? static_cast<std::uint32_t>(i) : static_cast<std::uint32_t>(below(x2apic ? 0x12000 : 0xff));
            const struct lapic_config config = {id,
                                                i == 0,
                                                x2apic,
                                                static_cast<std::uint8_t>(32 + below(21)),
                                                static_cast<std::uint32_t>(1 + below(3)),
                                                below(4) != 0,
                                                below(2) != 0};
            const struct lapic_bus bus = make_bus(&m_sides[i]);
            m_sides[i].apic = lapic_create(&config, &bus);
            m_apics[i] = m_sides[i].apic;
            if (below(4))
                lapic_mmio_write(m_apics[i], SVR, 4, 0x1ff, 0);
        }
        struct interconnect_config config = {};
        config.latency_cycles = 10;
        m_interconnect = interconnect_create(&config);
    }
    ~lapic_machine()
    {
        interconnect_destroy(m_interconnect);
        for (struct lapic *apic : m_apics)
            lapic_destroy(apic);
    }
    lapic_machine(const lapic_machine &) = delete;
    lapic_machine &operator=(const lapic_machine &) = delete;

    std::string run(std::uint64_t &work)
    {
        for (unsigned step = 0; step < STEPS && m_wrong.empty(); step++, work++) {
            m_now += below(8) ? below(40) : below(1000000);
            operate(static_cast<std::size_t>(below(APICS)));
            deliver();
            for (side &s : m_sides)
                check(s);
            if (!m_wrong.empty())
                m_wrong += " (step " + std::to_string(step) + ")";
        }
        return m_wrong;
    }

  private:
    struct side {
        lapic_machine *machine = nullptr;
        std::size_t index = 0;
        struct lapic *apic = nullptr;
        bool pins[2] = {false, false};
        bool extint = false;        // a message waits
        bool asked_vector = false;  // inta was called
        bool core_got_init = false; // the core answers INIT by resetting the APIC
    };
    struct flight {
        struct ipi_msg msg;
        std::size_t to;
    };

    std::uint64_t below(std::uint64_t n) { return fuzz_below(&m_random, n); }
    void wrong(const char *what)
    {
        if (m_wrong.empty())
            m_wrong = what;
    }
    static side &of(void *ctx) { return *static_cast<side *>(ctx); }

    static struct lapic_bus make_bus(side *s)
    {
        struct lapic_bus bus = {};
        bus.ctx = s;
        bus.send = [](void *ctx, const struct ipi_msg *msg) { of(ctx).machine->sent(of(ctx), *msg); };
        bus.nmi = [](void *) {};
        bus.init = [](void *ctx) { of(ctx).core_got_init = true; };
        bus.startup = [](void *, std::uint8_t) {};
        bus.eoi_broadcast = [](void *ctx, std::uint8_t vector) {
            if (vector < 16)
                of(ctx).machine->wrong("EOI broadcast of an illegal vector");
        };
        bus.inta = [](void *ctx) {
            of(ctx).asked_vector = true;
            return std::uint8_t{0x21};
        };
        return bus;
    }

    std::uint32_t reg(const struct lapic *l, std::uint32_t offset) const { return lapic_debug_read(l, offset, m_now); }
    bool bit(const struct lapic *l, std::uint32_t bank, unsigned vector) const
    {
        return (reg(l, bank + 16 * (vector / 32)) >> (vector % 32) & 1) != 0;
    }
    int highest(const struct lapic *l, std::uint32_t bank) const
    {
        for (int v = 255; v >= 0; v--)
            if (bit(l, bank, static_cast<unsigned>(v)))
                return v;
        return -1;
    }
    std::uint64_t base(struct lapic *l) const
    {
        std::uint64_t value = 0;
        if (lapic_msr_read(l, LAPIC_MSR_BASE, m_now, &value) != VP_OK)
            return 0;
        return value;
    }

    // --- what may leave ---
    void sent(side &s, const struct ipi_msg &msg)
    {
        const bool has_vector = msg.delivery_mode == IPI_FIXED || msg.delivery_mode == IPI_LOWEST_PRIORITY;
        if (has_vector && msg.vector < 16)
            wrong("an illegal vector was sent");
        if (msg.delivery_mode == 3 || msg.delivery_mode >= IPI_EXTINT)
            wrong("a reserved delivery mode was sent");
        if (msg.x2apic != lapic_is_x2apic(s.apic) || msg.source != lapic_id(s.apic))
            wrong("a message does not name its sender");
        if (!lapic_mmio_enabled(s.apic) && !lapic_is_x2apic(s.apic))
            wrong("a disabled APIC has sent");
        std::array<std::size_t, APICS> targets{};
        const std::size_t count =
            interconnect_route(m_interconnect, &msg, m_apics.data(), APICS, s.index, targets.data());
        for (std::size_t i = 0; i < count; i++) {
            if (targets[i] >= APICS || (i > 0 && targets[i] <= targets[i - 1]))
                wrong("targets are not ascending indexes");
            if (msg.shorthand == IPI_TO_SELF && targets[i] != s.index)
                wrong("a self-IPI reaches another");
            if (msg.shorthand == IPI_TO_OTHERS && targets[i] == s.index)
                wrong("all excluding self reaches the sender");
            m_flights.push_back({msg, targets[i]});
        }
        if (msg.delivery_mode == IPI_LOWEST_PRIORITY && count > 1)
            wrong("lowest priority reaches several");
    }

    void accept(std::size_t to, const struct ipi_msg &msg)
    {
        side &s = m_sides[to];
        if (lapic_accept(s.apic, &msg, m_now) && msg.delivery_mode == IPI_EXTINT)
            s.extint = true;
    }

    void deliver()
    {
        while (!m_flights.empty()) {
            const flight f = m_flights.back();
            m_flights.pop_back();
            accept(f.to, f.msg);
        }
        for (side &s : m_sides)
            if (s.core_got_init) {
                s.core_got_init = s.extint = false;
                lapic_init(s.apic);
            }
    }

    // --- operations ---
    std::uint64_t value() { return fuzz_value(&m_random, 0x100000); }
    std::uint32_t offset() { return static_cast<std::uint32_t>(below(16) ? below(64) * 16 : below(0x1100)); }

    void write_msr(side &s, std::uint32_t msr, std::uint64_t v)
    {
        std::vector<std::uint32_t> before = view(s.apic);
        const std::uint64_t base_before = base(s.apic);
        if (lapic_msr_write(s.apic, msr, v, m_now) == VP_OK) {
            if ((base(s.apic) & BASE_EN) == 0)
                s.extint = false;
        } else if (before != view(s.apic) || base_before != base(s.apic)) {
            wrong("a #GP has changed something");
        }
    }

    void operate(std::size_t i)
    {
        side &s = m_sides[i];
        struct lapic *l = s.apic;
        const std::uint32_t size = below(8) ? 4 : static_cast<std::uint32_t>(1 + below(8));
        std::uint64_t got = 0;
        lapic_advance(l, m_now);
        switch (below(16)) {
        case 0:
        case 1:
        case 2: lapic_mmio_write(l, offset(), size, value(), m_now); break;
        case 3: (void)lapic_mmio_read(l, offset(), size, m_now); break;
        case 4:
        case 5: write_msr(s, LAPIC_MSR_X2APIC_FIRST + offset() / 16, value()); break;
        case 6: (void)!lapic_msr_read(l, LAPIC_MSR_X2APIC_FIRST + offset() / 16, m_now, &got); break;
        case 7:
            if (below(3) == 0)
                write_msr(s, LAPIC_MSR_BASE, below(2) ? 0xfee00000 | below(16) << 8 : value());
            else
                write_msr(s, LAPIC_MSR_TSC_DEADLINE, below(2) ? m_now + below(1000) : value());
            break;
        case 8: random_message(i); break;
        case 9:
        case 10: acknowledge(s); break;
        case 11: lapic_eoi(l); break;
        case 12: {
            const auto pin = static_cast<unsigned>(below(2));
            s.pins[pin] = below(2) != 0;
            lapic_set_pin(l, static_cast<enum lapic_lvt>(LAPIC_LVT_LINT0 + pin), s.pins[pin], m_now);
            break;
        }
        case 13: {
            const enum lapic_lvt events[] = {LAPIC_LVT_CMCI, LAPIC_LVT_THERMAL, LAPIC_LVT_PERF};
            lapic_signal(l, events[below(3)], m_now);
            break;
        }
        case 14:
            lapic_send_user_ipi(l, static_cast<std::uint32_t>(below(2) ? below(4) << 8 : below(0x20000)),
                                static_cast<std::uint8_t>(below(256)), 1 + below(1000), m_now);
            break;
        default:
            if (below(8) == 0)
                lapic_set_tsc_offset(l, value(), m_now);
            else
                lapic_set_cr8(l, static_cast<std::uint8_t>(below(16)));
            break;
        }
    }

    // From a device, or anything else that reaches the pins of the bus.
    void random_message(std::size_t to)
    {
        struct ipi_msg msg = {};
        msg.vector = static_cast<std::uint8_t>(below(256));
        msg.delivery_mode = static_cast<std::uint8_t>(below(3) ? 0 : below(8));
        msg.level = below(2) != 0;
        msg.assert_level = below(4) != 0;
        msg.number = below(4) ? 0 : below(1000);
        accept(to, msg);
    }

    bool wants_extint(const side &s) const
    {
        if ((base(s.apic) & BASE_EN) == 0)
            return s.pins[0];
        bool wanted = s.extint;
        for (unsigned pin = 0; pin < 2; pin++)
            wanted = wanted || (s.pins[pin] && (reg(s.apic, LVT_LINT0 + 16 * pin) & 0x10700) == 0x700);
        return wanted;
    }

    void acknowledge(side &s)
    {
        const int irrv = highest(s.apic, IRR);
        const bool extint = wants_extint(s);
        const bool pending = lapic_has_interrupt(s.apic);
        std::uint64_t number = 0, arrived = 0;
        s.asked_vector = false;
        const std::uint8_t vector = lapic_ack(s.apic, &number, &arrived);
        if (s.asked_vector != extint)
            wrong("an INTA cycle without ExtINT, or none with it");
        if (extint)
            s.extint = false;
        else if (!pending && vector != (reg(s.apic, SVR) & 0xff))
            wrong("nothing deliverable, but not the spurious vector");
        else if (pending && (vector != irrv || bit(s.apic, IRR, vector) || !bit(s.apic, ISR, vector)))
            wrong("the acknowledged vector did not go from IRR to ISR");
        if (!extint && pending && arrived > m_now)
            wrong("an interrupt from the future");
    }

    // --- rules ---
    std::vector<std::uint32_t> view(const struct lapic *l) const
    {
        std::vector<std::uint32_t> all;
        for (std::uint32_t o = 0; o < 0x400; o += 16)
            all.push_back(reg(l, o));
        return all;
    }

    void check(side &s)
    {
        struct lapic *l = s.apic;
        const std::uint64_t mode = base(l) & (BASE_EN | BASE_EXTD);
        if (mode == BASE_EXTD)
            wrong("x2APIC mode without the enable bit");
        if ((reg(l, IRR) | reg(l, ISR)) & 0xffff)
            wrong("a vector below 16 is pending or in service");
        const int irrv = highest(l, IRR), isrv = highest(l, ISR);
        const std::uint32_t tpr = reg(l, TPR), isr_class = isrv < 0 ? 0 : static_cast<std::uint32_t>(isrv) & 0xf0;
        const std::uint32_t ppr = (tpr & 0xf0) >= isr_class ? tpr : isr_class;
        if (reg(l, PPR) != ppr)
            wrong("PPR is not what TPR and ISR say");
        const bool deliverable = irrv >= 0 && (static_cast<std::uint32_t>(irrv) & 0xf0) > (ppr & 0xf0);
        if (lapic_has_interrupt(l) != (deliverable || wants_extint(s)))
            wrong("has_interrupt is not what IRR, PPR and ExtINT say");
        if (mode == 0 && (irrv >= 0 || isrv >= 0))
            wrong("a disabled APIC has interrupts");
        if (reg(l, ESR) & ~0xe0u)
            wrong("ESR has other bits than 5 to 7");
        if ((reg(l, SVR) & ~0x13ffu) || tpr > 0xff)
            wrong("reserved bits of SVR or TPR are set");
        if (lapic_cr8(l) != tpr >> 4)
            wrong("CR8 is not TPR[7:4]");
        bool all_masked = (reg(l, LVT_CMCI) & 0x10000) != 0;
        for (std::uint32_t o = LVT_TIMER; o <= LVT_ERROR; o += 16)
            all_masked = all_masked && (reg(l, o) & 0x10000);
        if (!(reg(l, SVR) & 0x100) && !all_masked)
            wrong("software disabled, but an LVT entry is not masked");
        if ((reg(l, ICR) & 0xfff33000) != 0)
            wrong("reserved bits of ICR are set");
        lapic_advance(l, m_now);
        if (lapic_next_deadline(l) <= m_now)
            wrong("the timer is late");
    }

    struct fuzz_random m_random;
    std::uint64_t m_now = 0;
    std::array<side, APICS> m_sides;
    std::array<struct lapic *, APICS> m_apics{};
    struct interconnect *m_interconnect = nullptr;
    std::vector<flight> m_flights;
    std::string m_wrong;
};

std::string try_case(std::uint64_t seed, std::uint64_t &work) { return lapic_machine(seed).run(work); }

} // namespace

int main(int argc, char **argv) { return fuzz_main(argc, argv, {"fuzz_lapic", "operations", try_case}); }
