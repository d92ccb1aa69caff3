// SPDX-License-Identifier: Apache-2.0
// FXSAVE, FXRSTOR, the XSAVE group, XCR0, IA32_XSS and CPUID 0DH. Judges: the host processor for what user programs can
// do (the same image is restored and saved on both), else SDM Vol. 1, "Managing State Using the XSAVE Feature Set".
#include "insn_fixture.h"

#include <array>
#include <cpuid.h>
#include <random>

namespace
{
constexpr std::uint64_t AREA = 0x60000, OUT = 0x61000, CR4_OSFXSR = 1u << 9, CR4_OSXSAVE = 1u << 18;
constexpr std::uint64_t COMPACTED = std::uint64_t{1} << 63, UINTR = 1u << 14;
constexpr std::uint32_t UINTR_MSR_OF[] = {0x986, 0x987, 0x988, 0x989, 0x985, 0x98a}; // in the order of the image

// Operands: [rsi] for restores, [rdi] for saves. The W forms have REX.W.
const std::vector<std::uint8_t> FXSAVE = {0x48, 0x0f, 0xae, 0x07}, FXRSTOR = {0x48, 0x0f, 0xae, 0x0e},
                                FXSAVE32 = {0x0f, 0xae, 0x07}, FXRSTOR32 = {0x0f, 0xae, 0x0e},
                                XSAVE = {0x48, 0x0f, 0xae, 0x27}, XRSTOR = {0x48, 0x0f, 0xae, 0x2e},
                                XSAVEOPT = {0x48, 0x0f, 0xae, 0x37}, XSAVEC = {0x48, 0x0f, 0xc7, 0x27},
                                XSAVES = {0x48, 0x0f, 0xc7, 0x2f}, XRSTORS = {0x48, 0x0f, 0xc7, 0x1e},
                                XGETBV = {0x0f, 0x01, 0xd0}, XSETBV = {0x0f, 0x01, 0xd1};

struct alignas(64) image {
    std::array<std::uint8_t, 1024> bytes{};
    template <typename T>
    void put(std::size_t at, T v)
    {
        std::memcpy(&bytes[at], &v, sizeof v);
    }
    template <typename T>
    T get(std::size_t at) const
    {
        T v;
        std::memcpy(&v, &bytes[at], sizeof v);
        return v;
    }
};

class xsave : public insn_fixture
{
  protected:
    xsave()
    {
        config.features.has[CPU_FEATURE_sse] = config.features.has[CPU_FEATURE_fpu] = true;
        create();
    }
    // All enabled: XCR0 = 3, IA32_XSS = 4000H.
    void start(std::uint8_t cpl)
    {
        start_long(0);
        set_cr(0, CR4_OSFXSR | CR4_OSXSAVE);
        set_gpr(RAX, 3), set_gpr(RDX, 0), set_gpr(RCX, 0);
        ASSERT_EQ(run(XSETBV), COMPLETED);
        EXPECT_OK(core_msr_write(core, 0xda0, UINTR));
        if (cpl)
            become(cpl, true);
        set_gpr(RSI, AREA), set_gpr(RDI, OUT);
        ask(3);
    }
    void ask(std::uint64_t mask)
    {
        set_gpr(RAX, mask & 0xffffffff);
        set_gpr(RDX, mask >> 32);
    }
    void write(std::uint64_t at, const image &i)
    {
        for (std::size_t k = 0; k < i.bytes.size(); k++)
            put(at + k, i.bytes[k]);
    }
    image read(std::uint64_t at)
    {
        image i;
        for (std::size_t k = 0; k < i.bytes.size(); k++)
            i.bytes[k] = get<std::uint8_t>(at + k);
        return i;
    }
    image random_state()
    {
        image i;
        for (auto &b : i.bytes)
            b = static_cast<std::uint8_t>(m_random());
        for (unsigned st = 0; st < 8; st++)
            i.put(32 + 16 * st + 10, std::uint32_t{0}), i.put(32 + 16 * st + 14, std::uint16_t{0});
        i.put(5, std::uint8_t{0});
        i.put(8, std::uint64_t{m_random() & 0x7fffffffffff});
        i.put(16, std::uint64_t{m_random() & 0x7fffffffffff});
        i.put(24, static_cast<std::uint32_t>(m_random() & 0xffff));
        for (std::size_t k = 512; k < 1024; k++)
            i.bytes[k] = 0;
        return i;
    }
    std::uint64_t msr(std::uint32_t number)
    {
        std::uint64_t v = 0;
        EXPECT_OK(core_msr_read(core, number, &v));
        return v;
    }
    void load_uintr(const std::array<std::uint64_t, 6> &values)
    {
        for (unsigned i = 0; i < 6; i++)
            EXPECT_OK(core_msr_write(core, UINTR_MSR_OF[i], values[i]));
    }
    std::mt19937_64 m_random{20260202};
};

bool host_has_xsavec()
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 27)) && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 2) &&
           (a & 1);
}

// fxrstor-like `restore` of `from`, then `save` to `to`, with XCR0-style masks in EAX; the host's own state comes back.
#define HOST_INSN(name, restore, save)                                                                                 \
    void host_##name(const image &first, const image &from, image &to, std::uint32_t load, std::uint32_t mask)         \
    {                                                                                                                  \
        image keep;                                                                                                    \
        asm volatile("fxsave64 (%0)\n xor %%edx, %%edx\n fxrstor64 (%5)\n mov %3, %%eax\n" restore                     \
                     "mov %4, %%eax\n" save "fxrstor64 (%0)"                                                           \
                     :                                                                                                 \
                     : "r"(&keep), "r"(&from), "r"(&to), "r"(load), "r"(mask), "r"(&first)                             \
                     : "rax", "rdx", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");                                  \
    }
HOST_INSN(fx, "fxrstor64 (%1)\n", "fxsave64 (%2)\n")
HOST_INSN(xsave, "xrstor64 (%1)\n", "xsave64 (%2)\n")
HOST_INSN(xsaveopt, "xrstor64 (%1)\n", "xsaveopt64 (%2)\n")
HOST_INSN(xsavec, "xrstor64 (%1)\n", "xsavec64 (%2)\n")

// MXCSR_MASK names what the host has (AMD: bit 17), and AMD keeps the x87 pointers only for pending exceptions.
void level(image &i)
{
    i.put(28, std::uint32_t{0});
    i.put(6, std::uint16_t{0});
    i.put(8, std::uint64_t{0}), i.put(16, std::uint64_t{0});
}

std::string difference(image got, image expected)
{
    level(got), level(expected);
    for (std::size_t i = 0; i < got.bytes.size(); i++)
        if (got.bytes[i] != expected.bytes[i])
            return "byte " + std::to_string(i) + " is " + std::to_string(got.bytes[i]) + " expected " +
                   std::to_string(expected.bytes[i]);
    return "";
}

TEST_F(xsave, fxsave_and_fxrstor_as_the_host)
{
    start(3);
    for (unsigned n = 0; n < 500; n++) {
        image in = random_state(), native, out;
        native.bytes.fill(0xa5), out.bytes.fill(0xa5);
        host_fx(in, in, native, 0, 0);
        write(AREA, in), write(OUT, out);
        ASSERT_EQ(run(FXRSTOR), COMPLETED);
        ASSERT_EQ(run(FXSAVE), COMPLETED);
        ASSERT_EQ(difference(read(OUT), native), "") << n;
    }
}

TEST_F(xsave, user_instructions_as_the_host)
{
    if (!host_has_xsavec())
        GTEST_SKIP() << "the host has no XSAVEC";
    start(3);
    const struct {
        const char *name;
        const std::vector<std::uint8_t> &insn;
        void (*native)(const image &, const image &, image &, std::uint32_t, std::uint32_t);
    } kinds[] = {{"xsave", XSAVE, host_xsave}, {"xsaveopt", XSAVEOPT, host_xsaveopt}, {"xsavec", XSAVEC, host_xsavec}};
    for (const auto &kind : kinds)
        for (unsigned n = 0; n < 1000; n++) {
            // Both start from `first`, load the components `load` of `in`, in either format, and save those of `mask`.
            image first = random_state(), in = random_state(), native, out;
            const auto load = static_cast<std::uint32_t>(m_random() & 3),
                       mask = static_cast<std::uint32_t>(m_random() & 3);
            in.put(512, m_random() & 3);
            if (m_random() & 1)
                in.put(520, COMPACTED | in.get<std::uint64_t>(512) | (m_random() & 3));
            if (m_random() & 1)
                in.put(24, std::uint32_t{0x1f80});
            write(AREA, first);
            ASSERT_EQ(run(FXRSTOR), COMPLETED);
            write(AREA, in);
            ask(load);
            ASSERT_EQ(run(XRSTOR), COMPLETED);
            native.bytes.fill(0xa5), out.bytes.fill(0xa5);
            write(OUT, out);
            ask(mask);
            ASSERT_EQ(run(kind.insn), COMPLETED);
            kind.native(first, in, native, load, mask);
            ASSERT_EQ(difference(read(OUT), native), "")
                << kind.name << " " << n << " load " << load << " mask " << mask << " xstate_bv " << int(in.bytes[512]);
        }
}

TEST_F(xsave, x87_pointers_in_both_layouts)
{
    config.features.has[CPU_FEATURE_fcs_fds_deprecated] = false;
    create();
    start(3);
    image in = random_state();
    in.put(8, std::uint64_t{0x123456789abc}), in.put(16, std::uint64_t{0x876543210def}),
        in.put(6, std::uint16_t{0x5a3});
    write(AREA, in);
    ASSERT_EQ(run(FXRSTOR), COMPLETED);
    ASSERT_EQ(run(FXSAVE), COMPLETED);
    EXPECT_EQ(read(OUT).get<std::uint64_t>(8), 0x123456789abcu);
    EXPECT_EQ(read(OUT).get<std::uint64_t>(16), 0x876543210defu);
    EXPECT_EQ(read(OUT).get<std::uint16_t>(6), 0x5a3);
    ASSERT_EQ(run(FXSAVE32), COMPLETED);
    EXPECT_EQ(read(OUT).get<std::uint64_t>(8), 0x56789abcu) << "FCS is unknown after the wide form";
    in.put(12, std::uint16_t{0x33}), in.put(20, std::uint16_t{0x2b});
    write(AREA, in);
    ASSERT_EQ(run(FXRSTOR32), COMPLETED);
    ASSERT_EQ(run(FXSAVE32), COMPLETED);
    EXPECT_EQ(read(OUT).get<std::uint16_t>(12), 0x33);
    EXPECT_EQ(read(OUT).get<std::uint16_t>(20), 0x2b);
    EXPECT_EQ(read(OUT).get<std::uint32_t>(28), 0xffffu) << "MXCSR_MASK";
    config.features.has[CPU_FEATURE_fcs_fds_deprecated] = true;
    create();
    start(3);
    write(AREA, in);
    ASSERT_EQ(run(FXRSTOR32), COMPLETED);
    ASSERT_EQ(run(FXSAVE32), COMPLETED);
    EXPECT_EQ(read(OUT).get<std::uint16_t>(12) | read(OUT).get<std::uint16_t>(20), 0) << "FCS and FDS are deprecated";
}

TEST_F(xsave, outside_64_bit_mode_there_are_eight_xmm_registers)
{
    start(0);
    image in = random_state(), out;
    in.put(512, std::uint64_t{3});
    write(AREA, in);
    ASSERT_EQ(run(FXRSTOR), COMPLETED);
    state = now();
    state.seg[CORE_CS] = {0, 0xffffffff, CODE32_0, 0xc09b};
    set();
    out.bytes.fill(0xa5);
    write(OUT, out);
    ASSERT_EQ(run(FXSAVE32), COMPLETED);
    image got = read(OUT);
    EXPECT_EQ(std::memcmp(&got.bytes[160], &in.bytes[160], 128), 0);
    EXPECT_EQ(got.get<std::uint64_t>(288), 0xa5a5a5a5a5a5a5a5u);
    image zero;
    write(AREA, zero); // XSTATE_BV = 0: to the initial configuration, but XMM8..15 keep their values
    ask(3);
    ASSERT_EQ(run({0x0f, 0xae, 0x2e}), COMPLETED);
    set_gpr(RCX, 1);
    ASSERT_EQ(run(XGETBV), COMPLETED);
    EXPECT_EQ(gpr(RAX), 0u);
    state = now();
    state.seg[CORE_CS] = {0, 0xffffffff, CODE0, 0xa09b};
    set();
    ASSERT_EQ(run(FXSAVE), COMPLETED);
    got = read(OUT);
    EXPECT_EQ(std::memcmp(&got.bytes[288], &in.bytes[288], 128), 0);
    EXPECT_EQ(got.get<std::uint64_t>(160), 0u);
}

TEST_F(xsave, alignment_and_bad_mxcsr_are_gp)
{
    start(3);
    write(AREA, image{});
    const struct {
        const std::vector<std::uint8_t> &insn;
        std::uint64_t alignment;
    } cases[] = {{FXSAVE, 16}, {FXRSTOR, 16}, {XSAVE, 64}, {XSAVEOPT, 64}, {XSAVEC, 64}, {XRSTOR, 64}};
    for (const auto &c : cases) {
        start(3);
        set_gpr(RSI, AREA + c.alignment / 2), set_gpr(RDI, AREA + c.alignment / 2);
        EXPECT_EQ(run(c.insn), EXC_GP);
        start(3);
        set_gpr(RSI, AREA + c.alignment), set_gpr(RDI, OUT + c.alignment);
        EXPECT_EQ(run(c.insn), COMPLETED);
    }
    for (const auto *insn : {&FXRSTOR, &XRSTOR}) {
        start(3);
        image in;
        in.put(24, std::uint32_t{0x11f80});
        write(AREA, in);
        EXPECT_EQ(run(*insn), EXC_GP) << "the standard form looks at MXCSR whatever XSTATE_BV says";
    }
    start(3);
    image compacted;
    compacted.put(24, std::uint32_t{0x11f80});
    compacted.put(520, COMPACTED | 3);
    write(AREA, compacted);
    EXPECT_EQ(run(XRSTOR), COMPLETED) << "the compacted form only if SSE is loaded";
}

TEST_F(xsave, bad_headers_are_gp)
{
    const struct {
        const char *what;
        unsigned at;
        std::uint64_t value;
        unsigned at2;
        std::uint64_t value2;
        bool is_good, is_good_for_xrstors;
    } cases[] = {
        {"empty", 512, 0, 520, 0, true, false},
        {"XSTATE_BV beyond XCR0", 512, 4, 520, 0, false, false},
        {"XCOMP_BV without bit 63", 512, 0, 520, 1, false, false},
        {"bytes 23:16", 528, 1, 520, 0, false, false},
        {"bytes 63:24, standard", 536, 1, 520, 0, true, false},
        {"compacted", 512, 3, 520, COMPACTED | 3, true, true},
        {"XCOMP_BV beyond XCR0", 512, 3, 520, COMPACTED | 7, false, false},
        {"XSTATE_BV beyond XCOMP_BV", 512, 3, 520, COMPACTED | 1, false, false},
        {"bytes 63:24, compacted", 568, 1, 520, COMPACTED | 3, false, false},
        {"supervisor component", 512, 3, 520, COMPACTED | 3 | UINTR, false, true},
    };
    for (const auto &c : cases)
        for (bool supervisor : {false, true}) {
            start(0);
            image in;
            in.put(24, std::uint32_t{0x1f80});
            in.put(c.at, c.value), in.put(c.at2, c.value2);
            write(AREA, in);
            const bool good = supervisor ? c.is_good_for_xrstors : c.is_good;
            EXPECT_EQ(run(supervisor ? XRSTORS : XRSTOR), good ? COMPLETED : int(EXC_GP)) << c.what << supervisor;
        }
}

TEST_F(xsave, conditions_of_mode_and_privilege)
{
    for (const auto *insn : {&FXSAVE, &FXRSTOR})
        for (std::uint64_t bit : {std::uint64_t{4}, std::uint64_t{8}}) { // EM, TS
            start(0);
            set_cr(bit, 0);
            EXPECT_EQ(run(*insn), 7);
        }
    for (const auto *insn : {&XSAVE, &XRSTOR, &XSAVEOPT, &XSAVEC, &XSAVES, &XRSTORS}) {
        start(0);
        image in;
        in.put(520, COMPACTED);
        write(AREA, in);
        EXPECT_EQ(run(*insn), COMPLETED);
        start(0);
        set_cr(8, 0);
        EXPECT_EQ(run(*insn), 7);
        start(0);
        state = now();
        state.cr4 &= ~CR4_OSXSAVE;
        state.cr0 |= 8;
        set();
        EXPECT_EQ(run(*insn), EXC_UD);
        start(0);
        code locked = {0xf0};
        locked.insert(locked.end(), insn->begin(), insn->end());
        EXPECT_EQ(run(locked), EXC_UD);
        start(0);
        code with_66 = {0x66};
        with_66.insert(with_66.end(), insn->begin(), insn->end());
        EXPECT_NE(run(with_66), 7);
    }
    for (const auto *insn : {&XSAVES, &XRSTORS}) {
        start(3);
        EXPECT_EQ(run(*insn), EXC_GP);
    }
}

TEST_F(xsave, a_fault_in_the_second_page_changes_nothing)
{
    // PAGES: the second 2 MiB by 4 KiB pages, of which the second is absent.
    constexpr std::uint64_t PT = 0x70000, LAST = 0x200000 + 0x1000 - 64;
    for (const auto *insn : {&FXSAVE, &XSAVE, &XSAVEC, &XSAVES, &FXRSTOR, &XRSTOR, &XRSTORS}) {
        start(0);
        put(PD + 8, PT | 7);
        put(PT, std::uint64_t{0x200007});
        put(PT + 8, std::uint64_t{0});
        state = now();
        set();
        for (unsigned i = 0; i < 64; i++)
            put(LAST + i, std::uint8_t{0x5a});
        set_gpr(RSI, LAST), set_gpr(RDI, LAST);
        EXPECT_EQ(run(*insn), EXC_PF);
        EXPECT_EQ(now().cr2 & ~std::uint64_t{0xfff}, 0x201000u);
        for (unsigned i = 0; i < 64; i++)
            ASSERT_EQ(get<std::uint8_t>(LAST + i), 0x5a) << i;
        put(PT + 8, std::uint64_t{0x201007});
        state = now();
        set();
        image in;
        in.put(520, COMPACTED), in.put(24, std::uint32_t{0x1f80});
        write(LAST, in);
        EXPECT_EQ(run(*insn), COMPLETED);
    }
}

TEST_F(xsave, xsaves_and_xrstors_carry_user_interrupts)
{
    start(0);
    const std::array<std::uint64_t, 6> values = {
        0x1111000, 0x2001, 0x00000042'00000007 /* UINV 42H, size 7 */, 0x9040, 0x8000000000000001, 0xa001};
    load_uintr(values);
    image out;
    out.bytes.fill(0xa5);
    std::memset(&out.bytes[512], 0, 64); // what XSAVES does not write of the header must be zero for XRSTORS
    write(OUT, out);
    ask(~std::uint64_t{0});
    ASSERT_EQ(run(XSAVES), COMPLETED);
    image saved = read(OUT);
    EXPECT_EQ(saved.get<std::uint64_t>(520), COMPACTED | UINTR | 3);
    EXPECT_NE(saved.get<std::uint64_t>(512) & UINTR, 0u);
    for (unsigned i = 0; i < 6; i++)
        EXPECT_EQ(saved.get<std::uint64_t>(576 + 8 * i), values[i]) << i;
    EXPECT_EQ(msr(0x988), 7u) << "UINV is cleared, the rest stays";
    EXPECT_EQ(msr(0x985), 0x8000000000000001u);

    write(AREA, saved);
    EXPECT_OK(core_msr_write(core, 0x988, std::uint64_t{0x43} << 32));
    EXPECT_EQ(run(XRSTORS), EXC_GP) << "a live UINV";
    start(0);
    write(AREA, saved);
    ask(~std::uint64_t{0});
    load_uintr({0, 0, 0, 0, 0, 0});
    ASSERT_EQ(run(XRSTORS), COMPLETED);
    for (unsigned i = 0; i < 6; i++)
        EXPECT_EQ(msr(UINTR_MSR_OF[i]), values[i]) << i;

    // Bad values change nothing, not even the components before.
    const struct {
        unsigned at;
        std::uint64_t value;
    } bad[] = {{0, 0x800000000000}, {8, 0x800000000000}, {16, std::uint64_t{1} << 40}, {24, 0x21}, {40, 2}};
    for (const auto &b : bad) {
        start(0);
        load_uintr({0x5000, 0, 0, 0, 0, 0});
        image broken = saved;
        broken.put(512, UINTR | 3);
        broken.put(24, std::uint32_t{0x1f80});
        broken.put(576 + b.at, b.value);
        broken.put(160, std::uint64_t{0x77});
        write(AREA, broken);
        ask(~std::uint64_t{0});
        EXPECT_EQ(run(XRSTORS), EXC_GP) << b.at;
        EXPECT_EQ(msr(0x986), 0x5000u);
        set_gpr(RDI, OUT);
        ASSERT_EQ(run(FXSAVE), COMPLETED);
        EXPECT_NE(read(OUT).get<std::uint64_t>(160), 0x77u);
    }

    // XSTATE_BV[14] = 0: everything to zero.
    start(0);
    load_uintr({0x5000, 0, 9, 0, 4, 0});
    image init;
    init.put(520, COMPACTED | UINTR);
    write(AREA, init);
    ask(UINTR);
    ASSERT_EQ(run(XRSTORS), COMPLETED);
    for (std::uint32_t number : UINTR_MSR_OF)
        EXPECT_EQ(msr(number), 0u);
    // In the initial configuration XSAVES writes nothing of it.
    write(OUT, out);
    ASSERT_EQ(run(XSAVES), COMPLETED);
    EXPECT_EQ(read(OUT).get<std::uint64_t>(512), 0u);
    EXPECT_EQ(read(OUT).get<std::uint64_t>(520), COMPACTED | UINTR);
    EXPECT_EQ(read(OUT).get<std::uint64_t>(576), 0xa5a5a5a5a5a5a5a5u);
}

TEST_F(xsave, xcr0)
{
    start(0);
    set_gpr(RCX, 0);
    ASSERT_EQ(run(XGETBV), COMPLETED);
    EXPECT_EQ(gpr(RAX), 3u);
    for (std::uint64_t bad : {0u, 2u, 5u, 0x4003u}) {
        start(0);
        set_gpr(RCX, 0);
        ask(bad);
        EXPECT_EQ(run(XSETBV), EXC_GP) << bad;
    }
    start(0);
    set_gpr(RCX, 1);
    EXPECT_EQ(run(XSETBV), EXC_GP);
    start(3);
    set_gpr(RCX, 0);
    EXPECT_EQ(run(XSETBV), EXC_GP);
    start(3);
    set_gpr(RCX, 2);
    EXPECT_EQ(run(XGETBV), EXC_GP);
    start_long(0);
    EXPECT_EQ(run(XGETBV), EXC_UD);
    // XGETBV(1) tells what is in use.
    start(3);
    image in;
    in.put(512, std::uint64_t{2}), in.put(24, std::uint32_t{0x1f80}), in.put(176, std::uint8_t{1});
    write(AREA, in);
    ASSERT_EQ(run(XRSTOR), COMPLETED);
    set_gpr(RCX, 1);
    ASSERT_EQ(run(XGETBV), COMPLETED);
    EXPECT_EQ(gpr(RAX), 2u);
    // IA32_XSS takes component 14 only.
    EXPECT_FAULT(core_msr_write(core, 0xda0, 0x100), EXC_GP, 0);
    EXPECT_OK(core_msr_write(core, 0xda0, 0));
}

TEST_F(xsave, enumeration)
{
    std::uint32_t r[4];
    start_long(0);
    core_cpuid(core, 1, 0, r);
    EXPECT_EQ(r[2] & (3u << 26), 1u << 26) << "XSAVE without OSXSAVE";
    start(0);
    core_cpuid(core, 1, 0, r);
    EXPECT_EQ(r[2] & (3u << 26), 3u << 26);
    core_cpuid(core, 0xd, 0, r);
    EXPECT_EQ(r[0], 3u);
    EXPECT_EQ(r[1], 576u);
    EXPECT_EQ(r[2], 576u);
    EXPECT_EQ(r[3], 0u);
    core_cpuid(core, 0xd, 1, r);
    EXPECT_EQ(r[0], 0xfu);
    EXPECT_EQ(r[1], 576u + 48u);
    EXPECT_EQ(r[2], 0x4000u);
    EXPECT_OK(core_msr_write(core, 0xda0, 0));
    core_cpuid(core, 0xd, 1, r);
    EXPECT_EQ(r[1], 576u);
    core_cpuid(core, 0xd, 14, r);
    EXPECT_EQ(r[0], 48u);
    EXPECT_EQ(r[1], 0u);
    EXPECT_EQ(r[2], 1u);
    core_cpuid(core, 0xd, 2, r);
    EXPECT_EQ(r[0] | r[1] | r[2] | r[3], 0u);
}

} // namespace
