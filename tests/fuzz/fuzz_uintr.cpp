// SPDX-License-Identifier: Apache-2.0
// Two user-interrupt units on one small memory full of random and slightly corrupt UPIDs and UITTs: SENDUIPI,
// notification, delivery, UIRET, MSRs and XSAVE images with any values. SENDUIPI and notification are compared with a
// second reading of the manual (SDM Vol. 2 "SENDUIPI", Vol. 3 "User-Interrupt Notification Processing"); everywhere a
// fault must have changed nothing, and nothing outside of memory may be touched (sanitizers tell).
#include "fuzz_code.h"
#include "fuzz_main.h"

#include "uintr.h"

#include <array>
#include <cstring>
#include <optional>
#include <vector>

namespace
{

constexpr std::uint64_t MEMORY = 0x2000, BASE = 0x10000; // linear addresses BASE .. BASE + MEMORY - 1 are mapped
constexpr unsigned STEPS = 300;
constexpr std::uint32_t MSR_RR = 0x985, MSR_MISC = 0x988, MSR_PD = 0x989, MSR_TT = 0x98a;

using memory = std::array<std::uint8_t, MEMORY>;

struct ipi {
    std::uint32_t ndst;
    std::uint8_t nv;
};
struct state { // everything that software can see of a unit
    std::array<std::uint64_t, 6> msr;
    bool uif;
    bool operator==(const state &o) const { return msr == o.msr && uif == o.uif; }
};

class uintr_machine
{
  public:
    explicit uintr_machine(std::uint64_t seed) : m_random{seed * 2 + 1}
    {
        for (int i = 0; i < 8; i++)
            fuzz_next(&m_random);
        const struct uintr_config config = {below(2) ? 48u : 57u, below(2) != 0};
        m_width = config.linear_width;
        const struct uintr_bus bus = make_bus(this);
        for (struct uintr *&u : m_units)
            u = uintr_create(&config, &bus);
        for (std::uint64_t a = 0; a < MEMORY; a += 16)
            put_slot(a);
    }
    ~uintr_machine()
    {
        for (struct uintr *u : m_units)
            uintr_destroy(u);
    }
    uintr_machine(const uintr_machine &) = delete;
    uintr_machine &operator=(const uintr_machine &) = delete;

    std::string run(std::uint64_t &work)
    {
        for (unsigned step = 0; step < STEPS && m_wrong.empty(); step++, work++) {
            operate(m_units[below(2)]);
            if (!m_wrong.empty())
                m_wrong += " (step " + std::to_string(step) + ")";
        }
        return m_wrong;
    }

  private:
    std::uint64_t below(std::uint64_t n) { return fuzz_below(&m_random, n); }
    void wrong(const char *what)
    {
        if (m_wrong.empty())
            m_wrong = what;
    }

    // --- memory ---
    std::uint64_t get64(const memory &m, std::uint64_t at) const
    {
        std::uint64_t v = 0;
        std::memcpy(&v, &m[at], 8);
        return v;
    }
    void put64(std::uint64_t at, std::uint64_t v) { std::memcpy(&m_memory[at], &v, 8); }

    // 16 bytes that are a sound UITT entry, a sound UPID, one of them with a bit flipped, or noise.
    void put_slot(std::uint64_t at)
    {
        std::uint64_t low = 0, high = 0;
        if (below(2)) {
            low = 1 | below(64) << 8;
            high = BASE + below(MEMORY / 64) * 64;
        } else {
            low = below(4) | below(256) << 16 | below(0x100000000) << 32;
            high = below(2) ? 0 : fuzz_next(&m_random);
        }
        if (below(4) == 0)
            (below(2) ? low : high) ^= std::uint64_t{1} << below(64);
        if (below(32) == 0)
            low = fuzz_next(&m_random);
        put64(at, low);
        put64(at + 8, high);
    }

    static bool is_mapped(std::uint64_t la, std::uint64_t size)
    {
        return la >= BASE && la < BASE + MEMORY && size <= BASE + MEMORY - la;
    }
    static bool faults(std::uint64_t la, std::uint64_t size, struct vp_fault *fault)
    {
        if (is_mapped(la, size))
            return false;
        *fault = {};
        fault->vector = 14;
        fault->has_error_code = true;
        fault->address = la;
        return true;
    }

    static uintr_machine &of(void *ctx) { return *static_cast<uintr_machine *>(ctx); }
    static struct uintr_bus make_bus(uintr_machine *m)
    {
        struct uintr_bus bus = {};
        bus.ctx = m;
        bus.load_supervisor = [](void *ctx, std::uint64_t la, void *bytes, std::uint32_t size, struct vp_fault *f) {
            if (faults(la, size, f))
                return VP_FAULT;
            std::memcpy(bytes, &of(ctx).m_memory[la - BASE], size);
            return VP_OK;
        };
        bus.modify_supervisor = [](void *ctx, std::uint64_t la, std::uint32_t size, uintr_modify_fn *fn, void *arg,
                                   struct vp_fault *f) {
            if (faults(la, size, f))
                return VP_FAULT;
            std::array<std::uint8_t, 16> bytes{};
            std::memcpy(bytes.data(), &of(ctx).m_memory[la - BASE], size);
            if (fn(arg, bytes.data()))
                std::memcpy(&of(ctx).m_memory[la - BASE], bytes.data(), size);
            return VP_OK;
        };
        bus.load_stack = [](void *ctx, std::uint64_t la, std::uint64_t *value, struct vp_fault *f) {
            if (faults(la, 8, f))
                return VP_FAULT;
            *value = of(ctx).get64(of(ctx).m_memory, la - BASE);
            return VP_OK;
        };
        bus.store_stack = [](void *ctx, std::uint64_t la, std::uint64_t value, struct vp_fault *f) {
            if (faults(la, 8, f))
                return VP_FAULT;
            of(ctx).put64(la - BASE, value);
            return VP_OK;
        };
        bus.send_ipi = [](void *ctx, std::uint32_t ndst, std::uint8_t nv) { of(ctx).m_ipis.push_back({ndst, nv}); };
        bus.eoi = [](void *ctx) { of(ctx).m_eois++; };
        bus.step = [](void *, enum uintr_step, const struct uintr_step_info *) {};
        return bus;
    }

    static state state_of(const struct uintr *u)
    {
        state s{};
        for (std::uint32_t i = 0; i < s.msr.size(); i++)
            s.msr[i] = uintr_msr_read(u, MSR_RR + i);
        s.uif = uintr_uif(u);
        return s;
    }
    static bool is_gp0(const struct vp_fault &f) { return f.vector == 13 && f.has_error_code && f.error_code == 0; }
    bool is_canonical(std::uint64_t v) const
    {
        const auto moved = static_cast<std::int64_t>(v << (64 - m_width)) >> (64 - m_width);
        return static_cast<std::uint64_t>(moved) == v;
    }

    // --- operations ---
    void operate(struct uintr *u)
    {
        struct vp_fault fault = {};
        m_ipis.clear();
        m_eois = 0;
        const state before = state_of(u);
        const memory memory_before = m_memory;
        switch (below(12)) {
        case 0:
        case 1:
        case 2: write_msr(u, before); break;
        case 3:
        case 4:
        case 5: send(u, before, memory_before); break;
        case 6:
        case 7: notify(u, before, memory_before); break;
        case 8:
            if (uintr_is_pending(u))
                deliver(u, before);
            break;
        case 9: {
            struct uintr_regs regs = {fuzz_next(&m_random), BASE + below(MEMORY + 64), fuzz_next(&m_random)};
            const struct uintr_regs regs_before = regs;
            if (uintr_uiret(u, &regs, m_width, &fault) != VP_OK &&
                (!(before == state_of(u)) || std::memcmp(&regs, &regs_before, sizeof regs) != 0))
                wrong("a faulting UIRET has changed something");
            if (memory_before != m_memory)
                wrong("UIRET has written memory");
            break;
        }
        case 10: restore(u, before); break;
        default:
            if (below(2))
                uintr_set_uif(u, below(2) != 0);
            else
                put_slot(below(MEMORY / 16) * 16);
            break;
        }
    }

    std::uint64_t address(std::uint64_t alignment)
    {
        switch (below(8)) {
        case 0: return fuzz_value(&m_random, BASE + MEMORY);
        case 1: return BASE + MEMORY - alignment; // the last slot
        case 2: return BASE + below(MEMORY);      // any alignment
        default: return BASE + below(MEMORY / alignment) * alignment;
        }
    }

    void write_msr(struct uintr *u, const state &before)
    {
        const auto msr = static_cast<std::uint32_t>(MSR_RR + below(6));
        std::uint64_t v = fuzz_value(&m_random, BASE + MEMORY);
        if (msr == MSR_PD)
            v = address(64);
        else if (msr == MSR_TT)
            v = address(16) | 1;
        else if (msr == MSR_MISC && below(4))
            v = below(64) | below(256) << 32;
        static constexpr std::uint64_t reserved[6] = {0, 0, 0, 0xffffff0000000000, 0x3f, 0xe};
        const bool checks_address = msr != MSR_RR && msr != MSR_MISC;
        const bool legal = !(v & reserved[msr - MSR_RR]) && (!checks_address || is_canonical(v));
        if ((uintr_msr_write(u, msr, v) == VP_OK) != legal)
            wrong("WRMSR: #GP does not follow the rules");
        state want = before;
        if (legal)
            want.msr[msr - MSR_RR] = v;
        if (!(want == state_of(u)))
            wrong("WRMSR: not what was written");
    }

    void send(struct uintr *u, const state &before, const memory &m)
    {
        const std::uint64_t index = below(4) ? below(20) : fuzz_next(&m_random);
        const std::uint64_t entry_la = (before.msr[5] & ~std::uint64_t{0xf}) + index * 16;
        const std::uint64_t size = before.msr[3] & 0xffffffff;
        memory want = m;
        std::optional<ipi> want_ipi;
        unsigned want_fault = 0;

        if (index > size) {
            want_fault = 13;
        } else if (!is_mapped(entry_la, 16)) {
            want_fault = 14;
        } else {
            const std::uint64_t low = get64(m, entry_la - BASE), upid = get64(m, entry_la - BASE + 8);
            const bool is_valid = (low & 1) && (low & ~std::uint64_t{0x3f01}) == 0 && upid % 64 == 0;
            if (!is_valid) {
                want_fault = 13;
            } else if (!is_mapped(upid, 16)) {
                want_fault = 14;
            } else {
                std::uint64_t control = get64(m, upid - BASE);
                const std::uint64_t pir = get64(m, upid - BASE + 8) | std::uint64_t{1} << (low >> 8);
                if (control & 0xff00fffc) {
                    want_fault = 13;
                } else {
                    if ((control & 3) == 0) {
                        want_ipi =
                            ipi{static_cast<std::uint32_t>(control >> 32), static_cast<std::uint8_t>(control >> 16)};
                        control |= 1;
                    }
                    std::memcpy(&want[upid - BASE], &control, 8);
                    std::memcpy(&want[upid - BASE + 8], &pir, 8);
                }
            }
        }

        struct vp_fault fault = {};
        const enum vp_status status = uintr_send(u, index, &fault);
        if ((status == VP_OK) != (want_fault == 0) || (status != VP_OK && fault.vector != want_fault))
            wrong("SENDUIPI: another fault than the manual's");
        if (want_fault == 13 && status != VP_OK && !is_gp0(fault))
            wrong("SENDUIPI: not #GP(0)");
        if (want != m_memory)
            wrong("SENDUIPI: memory is not as the manual says");
        if (!(before == state_of(u)) || m_eois != 0)
            wrong("SENDUIPI has changed the sender");
        if (m_ipis.size() != (want_ipi ? 1u : 0u) ||
            (want_ipi && (m_ipis[0].ndst != want_ipi->ndst || m_ipis[0].nv != want_ipi->nv)))
            wrong("SENDUIPI: not the notification that the manual says");
    }

    void notify(struct uintr *u, const state &before, const memory &m)
    {
        memory want_memory = m;
        state want = before;
        const std::uint64_t upid = before.msr[4];
        const bool is_there = is_mapped(upid, 16);
        if (is_there) {
            const std::uint64_t control = get64(m, upid - BASE) & ~std::uint64_t{1}, none = 0;
            want.msr[0] |= get64(m, upid - BASE + 8);
            std::memcpy(&want_memory[upid - BASE], &control, 8);
            std::memcpy(&want_memory[upid - BASE + 8], &none, 8);
        }
        struct vp_fault fault = {};
        if ((uintr_notify(u, &fault) == VP_OK) != is_there)
            wrong("notification: another fault than the manual's");
        if (m_eois != 1 || !m_ipis.empty())
            wrong("notification: not exactly one EOI");
        if (!(want == state_of(u)) || want_memory != m_memory)
            wrong("notification: UIRR or the UPID is not as the manual says");
        if (uintr_is_pending(u) != (want.msr[0] != 0))
            wrong("recognition does not follow UIRR");
    }

    void deliver(struct uintr *u, const state &before)
    {
        struct uintr_regs regs = {fuzz_next(&m_random), BASE + below(MEMORY + 64), fuzz_next(&m_random)};
        const struct uintr_regs old = regs;
        struct vp_fault fault = {};
        if (uintr_deliver(u, &regs, below(4) ? m_width : 48, &fault) != VP_OK) {
            if (!(before == state_of(u)) || std::memcmp(&regs, &old, sizeof regs) != 0)
                wrong("a faulting delivery has changed something");
            return;
        }
        unsigned vector = 63;
        while (!(before.msr[0] >> vector & 1))
            vector--;
        state want = before;
        want.msr[0] &= ~(std::uint64_t{1} << vector);
        want.uif = false;
        if (!(want == state_of(u)))
            wrong("delivery: not the highest vector, or UIF is not clear");
        const std::uint64_t adjust = before.msr[2];
        const std::uint64_t top = ((adjust & 1) ? adjust : old.rsp - adjust) & ~std::uint64_t{0xf};
        if (regs.rsp != top - 32 || regs.rip != before.msr[1] || (regs.rflags & 0x10100) != 0)
            wrong("delivery: RSP, RIP or RFLAGS");
        const std::uint64_t at = regs.rsp - BASE;
        if (get64(m_memory, at) != vector || get64(m_memory, at + 8) != old.rip ||
            get64(m_memory, at + 16) != old.rflags || get64(m_memory, at + 24) != old.rsp)
            wrong("delivery: the frame");
    }

    // An image of a unit, or one with flipped bits.
    void restore(struct uintr *u, const state &before)
    {
        std::array<std::uint8_t, UINTR_XSAVE_SIZE> image{};
        uintr_xsave(m_units[below(2)], image.data());
        const bool flips = below(2) != 0;
        for (int i = 0; flips && i < 3; i++)
            image[below(image.size())] ^= static_cast<std::uint8_t>(1u << below(8));
        if (uintr_xrstor(u, image.data()) != VP_OK) {
            if (!(before == state_of(u)))
                wrong("a faulting XRSTORS has changed something");
            return;
        }
        const state after = state_of(u);
        if ((after.msr[3] & 0xffffff0000000000) || (after.msr[4] & 0x3f) || (after.msr[5] & 0xe))
            wrong("XRSTORS has loaded reserved bits");
        for (unsigned i : {1u, 2u, 4u, 5u})
            if (!is_canonical(after.msr[i]))
                wrong("XRSTORS has loaded an address that is not canonical");
    }

    struct fuzz_random m_random;
    unsigned m_width = 48;
    memory m_memory{};
    std::array<struct uintr *, 2> m_units{};
    std::vector<ipi> m_ipis;
    unsigned m_eois = 0;
    std::string m_wrong;
};

std::string try_case(std::uint64_t seed, std::uint64_t &work) { return uintr_machine(seed).run(work); }

} // namespace

int main(int argc, char **argv) { return fuzz_main(argc, argv, {"fuzz_uintr", "operations", try_case}); }
