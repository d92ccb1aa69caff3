// SPDX-License-Identifier: Apache-2.0
// What the oracle cannot see of SSE: control registers, features that are off, SIMD exceptions and their state, page
// faults, 32-bit mode, and that the simulator's own MXCSR stays as it was.
#include "fx_fixture.h"
#include "system_fixture.h"

#include <xmmintrin.h>

namespace
{

using code = std::vector<std::uint8_t>;
constexpr int EXC_NM = 7, EXC_AC = 17, EXC_XM = 19;
constexpr std::uint32_t MASKED = 0x1f80, IE = 1, DE = 2, ZE = 4, OE = 8, PE = 0x20, ONE = 0x3f800000;
constexpr std::uint32_t SNAN = 0x7f800001, LEAST = 0x00800000, MOST = 0x7f7fffff;

const code MOVAPS = {0x0f, 0x28, 0xc1}, ADDPS = {0x0f, 0x58, 0xc1}, DIVPS = {0x0f, 0x5e, 0xc1};
const code MULPS = {0x0f, 0x59, 0xc1}, COMISS = {0x0f, 0x2f, 0xc1}, CVTPS2DQ = {0x66, 0x0f, 0x5b, 0xc1};

class sse : public fx_fixture
{
  protected:
    sse()
    {
        for (unsigned i = 0; i < 16; i++)
            fx.xmm[i][0] = fx.xmm[i][1] = 0x0101010101010101 * (i + 1);
    }
    void set_cr4(std::uint64_t clear)
    {
        core_state s;
        core_get(machine.core(), &s);
        s.cr4 = (s.cr4 | OSFXSR | OSXMMEXCPT) & ~clear;
        core_set(machine.core(), &s);
    }
    // The low single of XMM0 and XMM1; the others are 1.
    void singles(std::uint32_t a, std::uint32_t b)
    {
        fx.xmm[0][0] = std::uint64_t{ONE} << 32 | a;
        fx.xmm[1][0] = std::uint64_t{ONE} << 32 | b;
        fx.xmm[0][1] = fx.xmm[1][1] = std::uint64_t{ONE} << 32 | ONE;
    }
    std::uint32_t low(unsigned reg) const { return static_cast<std::uint32_t>(fx.xmm[reg][0]); }

    static constexpr std::uint64_t OSFXSR = 1u << 9, OSXMMEXCPT = 1u << 10;
};

// SDM Vol. 2, "Exceptions" of the instructions; Vol. 3, "Control Registers". Last: those that no SSE state belongs to.
TEST_F(sse, control_bits)
{
    constexpr unsigned EM = 4, TS = 8;
    const code needing[] = {MOVAPS,
                            ADDPS,
                            {0x66, 0x0f, 0xfc, 0xc1},             // paddb
                            {0x66, 0x0f, 0x38, 0x17, 0xc1},       // ptest
                            {0x66, 0x0f, 0x3a, 0x63, 0xc1, 0x00}, // pcmpistri
                            {0x0f, 0xae, 0x1b},                   // stmxcsr
                            {0x66, 0x0f, 0xd7, 0xc1},             // pmovmskb
                            {0x66, 0x0f, 0x3a, 0x16, 0xc0, 0x00}, // pextrd
                            {0x66, 0x0f, 0x6e, 0xc0},             // movd
                            {0xf3, 0x0f, 0x2a, 0xc0},             // cvtsi2ss
                            {0x0f, 0x2a, 0xc1},                   // cvtpi2ps
                            {0xf3, 0x0f, 0xd6, 0xc1}};            // movq2dq
    const code without[] = {{0xf2, 0x0f, 0x38, 0xf1, 0xc1},       // crc32
                            {0x0f, 0xc3, 0x03},                   // movnti
                            {0x0f, 0xae, 0xf8},                   // sfence
                            {0x0f, 0xae, 0xe8},                   // lfence
                            {0x0f, 0x18, 0x0b},                   // prefetcht0
                            {0xf3, 0x90}};                        // pause
    set_gpr(RBX, DATA);
    for (const code &insn : needing) {
        SCOPED_TRACE(testing::PrintToString(insn));
        fx_enable(machine.core(), 0, EM | TS);
        EXPECT_EQ(run(insn), -1);
        fx_enable(machine.core(), TS, EM);
        EXPECT_EQ(run(insn), EXC_NM);
        fx_enable(machine.core(), TS | EM, 0);
        EXPECT_EQ(run(insn), EXC_UD);
        fx_enable(machine.core(), EM, TS);
        EXPECT_EQ(run(insn), EXC_UD);
        fx_enable(machine.core(), 0, EM | TS);
        set_cr4(OSFXSR);
        EXPECT_EQ(run(insn), EXC_UD);
        fx_enable(machine.core(), TS, EM); // sets OSFXSR again
        set_cr4(OSFXSR);
        EXPECT_EQ(run(insn), EXC_UD);
        set_cr4(0);
    }
    fx_enable(machine.core(), TS | EM, 0);
    set_cr4(OSFXSR);
    for (const code &insn : without) {
        set_gpr(RBX, DATA);
        EXPECT_EQ(run(insn), -1) << testing::PrintToString(insn);
    }
}

// Flags of MXCSR are set, the destination and RFLAGS are as before. SDM Vol. 1, "SIMD Floating-Point Exceptions".
TEST_F(sse, unmasked_exceptions)
{
    const struct {
        const code &insn;
        std::uint32_t a, b, unmasked, flags;
    } cases[] = {
        {ADDPS, ONE, SNAN, IE, IE},
        {ADDPS, ONE, 1, DE, DE},
        {DIVPS, ONE, 0, ZE, ZE},
        {MULPS, MOST, MOST, OE, OE | PE},
        {MULPS, LEAST, LEAST, 0x10, 0x10},
        {DIVPS, ONE, 0x40400000, PE, PE},
        {MULPS, LEAST, 0x3f000000, 0x10, 0x10}, // tiny, exact: only an underflow where it is unmasked
        {COMISS, SNAN, ONE, IE, IE},
        {CVTPS2DQ, ONE, MOST, IE, IE},
    };
    for (auto &c : cases) {
        SCOPED_TRACE(testing::Message() << testing::PrintToString(c.insn) << " " << c.a << " " << c.b);
        for (bool has_handler : {true, false}) {
            set_cr4(has_handler ? 0 : OSXMMEXCPT);
            singles(c.a, c.b);
            fx.mxcsr = MASKED & ~(c.unmasked << 7);
            const fx_image before = fx;
            EXPECT_EQ(run(c.insn), has_handler ? EXC_XM : EXC_UD);
            EXPECT_EQ(fx.mxcsr, before.mxcsr | c.flags);
            EXPECT_EQ(std::memcmp(fx.xmm, before.xmm, sizeof fx.xmm), 0);
        }
        set_cr4(0);
        singles(c.a, c.b);
        fx.mxcsr = MASKED;
        EXPECT_EQ(run(c.insn), -1);
    }
    // An unmasked flag that is set already raises nothing by itself.
    singles(ONE, ONE);
    fx.mxcsr = 0x3f;
    EXPECT_EQ(run(ADDPS), -1);
    EXPECT_EQ(low(0), 0x40000000u);
    EXPECT_EQ(fx.mxcsr, 0x3fu);
}

// Results in one run under changing control: the host's MXCSR follows.
TEST_F(sse, control_changes)
{
    const std::uint32_t up = MASKED | 0x4000, down = MASKED | 0x2000, unmasked = MASKED & ~(ZE << 7);
    machine.write(DATA, &up, 4);
    machine.write(DATA + 4, &down, 4);
    machine.write(DATA + 8, &unmasked, 4);
    set_gpr(RBX, DATA);
    singles(ONE, 0x40400000);
    fx.xmm[2][0] = fx.xmm[3][0] = ONE;
    EXPECT_EQ(run({0x0f, 0xae, 0x13,         // ldmxcsr [rbx]
                   0xf3, 0x0f, 0x5e, 0xd1,   // divss xmm2, xmm1
                   0x0f, 0xae, 0x5b, 0x10,   // stmxcsr [rbx + 16]
                   0x0f, 0xae, 0x53, 0x04,   // ldmxcsr [rbx + 4]
                   0xf3, 0x0f, 0x5e, 0xd9,   // divss xmm3, xmm1
                   0x0f, 0xae, 0x43, 0x40}), // fxsave [rbx + 64]
              -1);
    EXPECT_EQ(low(2), 0x3eaaaaabu);
    EXPECT_EQ(low(3), 0x3eaaaaaau);
    EXPECT_EQ(fx.mxcsr, down | PE);
    EXPECT_EQ(static_cast<std::uint32_t>(machine.read64(DATA + 16)), up | PE);
    EXPECT_EQ(static_cast<std::uint32_t>(machine.read64(DATA + 64 + 24)), down | PE);
    EXPECT_EQ(machine.read64(DATA + 64 + 28) & 0xffffffff, 0xffffu); // MXCSR_MASK
    fx.xmm[4][0] = 0;
    EXPECT_EQ(run({0xf3, 0x0f, 0x5e, 0xd1, 0x0f, 0xae, 0x53, 0x08, 0xf3, 0x0f, 0x5e, 0xd4}),
              EXC_XM); // divss xmm2, xmm4
    EXPECT_EQ(fx.mxcsr, unmasked | ZE);
}

// Also bit 17, which AMD's processors define.
TEST_F(sse, reserved_bits_of_mxcsr)
{
    set_gpr(RBX, DATA);
    for (unsigned bit = 0; bit < 32; bit++) {
        const std::uint32_t v = MASKED ^ 1u << bit;
        machine.write(DATA, &v, 4);
        fx.mxcsr = MASKED;
        EXPECT_EQ(run({0x0f, 0xae, 0x13}), bit < 16 ? -1 : int(EXC_GP)) << bit;
        EXPECT_EQ(fx.mxcsr, bit < 16 ? v : MASKED) << bit;
    }
}

TEST_F(sse, page_faults)
{
    const code stores[] = {{0x0f, 0x11, 0x03},                   // movups
                           {0xf3, 0x0f, 0x7f, 0x03},             // movdqu
                           {0xf2, 0x0f, 0x11, 0x03},             // movsd
                           {0x0f, 0x17, 0x03},                   // movhps
                           {0x66, 0x0f, 0xd6, 0x03},             // movq
                           {0xf3, 0x0f, 0x11, 0x03},             // movss
                           {0x66, 0x0f, 0x3a, 0x16, 0x03, 0x01}, // pextrd
                           {0x66, 0x0f, 0xf7, 0xc1}};            // maskmovdqu
    const code loads[] = {{0x0f, 0x10, 0x03}, {0xf2, 0x0f, 0x58, 0x03}, {0x66, 0x0f, 0x3a, 0x63, 0x03, 0x0c}};
    const fx_image before = fx;
    fx.xmm[1][0] = fx.xmm[1][1] = ~std::uint64_t{0}; // the mask: all bytes
    for (unsigned offset = 1; offset < 4; offset++) {
        set_gpr(RBX, ABSENT - offset);
        set_gpr(RDI, ABSENT - offset);
        machine.write(ABSENT - 32, code(32, 0xcc));
        for (const code &insn : stores) {
            SCOPED_TRACE(testing::PrintToString(insn));
            EXPECT_EQ(run(insn), EXC_PF);
            core_state s;
            core_get(machine.core(), &s);
            EXPECT_EQ(s.cr2, ABSENT);
            EXPECT_EQ(machine.read64(ABSENT - 8), 0xccccccccccccccccu);
        }
        for (const code &insn : loads) {
            fx.xmm[0][0] = before.xmm[0][0];
            EXPECT_EQ(run(insn), EXC_PF);
            EXPECT_EQ(fx.xmm[0][0], before.xmm[0][0]);
        }
    }
    // What is misaligned is so before its pages are looked at.
    set_gpr(RBX, ABSENT + 8);
    EXPECT_EQ(run({0x0f, 0x28, 0x03}), EXC_GP); // movaps
    EXPECT_EQ(run({0x0f, 0x29, 0x03}), EXC_GP);
    EXPECT_EQ(run({0x0f, 0x58, 0x03}), EXC_GP); // addps
    EXPECT_EQ(run({0x0f, 0x2b, 0x03}), EXC_GP); // movntps
    set_gpr(RBX, ABSENT);
    EXPECT_EQ(run({0x0f, 0x28, 0x03}), EXC_PF);
    EXPECT_EQ(run({0x0f, 0x29, 0x03}), EXC_PF);
    // Not canonical
    set_gpr(RBX, std::uint64_t{1} << 60);
    EXPECT_EQ(run({0x0f, 0x10, 0x03}), EXC_GP);
}

TEST_F(sse, alignment_check)
{
    const struct {
        code insn;
        int vector;
    } accesses[] = {{{0xf2, 0x0f, 0x10, 0x03}, EXC_AC}, {{0xf3, 0x0f, 0x11, 0x03}, EXC_AC},
                    {{0x0f, 0x12, 0x03}, EXC_AC},       {{0x66, 0x0f, 0x6e, 0x03}, EXC_AC},
                    {{0x0f, 0xae, 0x1b}, EXC_AC},       {{0x0f, 0x28, 0x03}, EXC_GP}};
    for (auto &access : accesses) {
        core_state s;
        core_get(machine.core(), &s);
        s.cr0 |= bits::CR0_AM;
        s.cpl = 3;
        s.rflags = bits::AC | bits::IOPL3 | 2;
        core_set(machine.core(), &s);
        set_gpr(RBX, DATA + 2);
        EXPECT_EQ(run(access.insn), access.vector) << testing::PrintToString(access.insn);
    }
}

TEST_F(sse, devices)
{
    std::vector<std::uint8_t> written;
    machine.on_device_read = [](std::uint64_t pa, std::uint8_t *bytes, std::uint32_t size) {
        EXPECT_EQ(_mm_getcsr() & ~0x3fu, MASKED); // the simulator's
        for (std::uint32_t i = 0; i < size; i++)
            bytes[i] = static_cast<std::uint8_t>(pa + i);
    };
    machine.on_device_write = [&](std::uint64_t, const std::uint8_t *bytes, std::uint32_t size) {
        EXPECT_EQ(_mm_getcsr() & ~0x3fu, MASKED);
        written.insert(written.end(), bytes, bytes + size);
    };
    set_gpr(RBX, cpu_fixture::DEVICE);
    fx.mxcsr = MASKED | 0xe040; // FTZ, truncation, DAZ
    singles(ONE, 0x40400000);
    const std::uint32_t host = _mm_getcsr();
    EXPECT_EQ(run({0x0f, 0x5e, 0xc1, 0x0f, 0x28, 0x13, 0x0f, 0x5e, 0xd9, 0x0f, 0x29, 0x13}),
              -1); // divps, movaps, twice
    EXPECT_EQ(fx.xmm[2][0], 0x0706050403020100u);
    EXPECT_EQ(written, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
    EXPECT_EQ(_mm_getcsr(), host);
    fx.mxcsr = 0; // nothing masked
    singles(ONE, 0x40400000);
    EXPECT_EQ(run(DIVPS), EXC_XM);
    EXPECT_EQ(_mm_getcsr(), host);
}

// Two cores take turns: each has its own control and flags.
TEST_F(sse, cores_do_not_mix)
{
    cpu_fixture other;
    other.start64();
    fx_enable(other.core(), 0x20, 0);
    fx_image theirs = fx;
    theirs.mxcsr = MASKED | 0x4000;
    theirs.xmm[0][0] = ONE;
    theirs.xmm[1][0] = 0x40400000;
    other.write(CODE, {0xf3, 0x0f, 0x5e, 0xc1, 0xe6, 0xf4}); // divss
    cpu_regs r = other.regs();
    r.rip = CODE;
    other.set_regs(r);
    fx_set(other.core(), &theirs);
    fx.mxcsr = MASKED | 0x2000;
    singles(ONE, 0);
    EXPECT_EQ(run(DIVPS), -1);
    EXPECT_TRUE(other.run_to_stop());
    fx_get(other.core(), &theirs);
    EXPECT_EQ(fx.mxcsr, MASKED | 0x2000 | ZE);
    EXPECT_EQ(theirs.mxcsr, MASKED | 0x4000 | PE);
    EXPECT_EQ(theirs.xmm[0][0], 0x3eaaaaabu);
}

// XMM0 to XMM7 and 32-bit operands only; what would be REX is INC or DEC.
TEST(sse_32_bit, registers)
{
    cpu_fixture machine;
    machine.start32();
    fx_enable(machine.core(), 0, 0);
    fx_image fx = {};
    fx.mxcsr = MASKED;
    for (unsigned i = 0; i < 16; i++)
        fx.xmm[i][0] = fx.xmm[i][1] = std::uint64_t{0x1111111111111111} * i;
    fx_image want = fx;
    auto run = [&](code bytes) {
        bytes.insert(bytes.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        machine.write(cpu_fixture::BOOT, bytes);
        cpu_regs r = machine.regs();
        r.rip = cpu_fixture::BOOT;
        machine.set_regs(r);
        fx_set(machine.core(), &fx);
        EXPECT_TRUE(machine.run_to_stop());
        fx_get(machine.core(), &fx);
    };
    const std::uint64_t rbp = machine.regs().gpr[RBP];
    run({0x45, 0x0f, 0x28, 0xfe}); // inc ebp; movaps xmm7, xmm6
    std::memcpy(want.xmm[7], want.xmm[6], 16);
    EXPECT_EQ(machine.regs().gpr[RBP], rbp + 1);
    EXPECT_EQ(std::memcmp(fx.xmm, want.xmm, sizeof fx.xmm), 0);
    run({0x48, 0x66, 0x0f, 0x7e, 0xf9});             // dec eax; movd ecx, xmm7
    EXPECT_EQ(machine.regs().gpr[RCX], 0x66666666u); // 32 bits
    run({0x66, 0x0f, 0x3a, 0x16, 0xf2, 0x01});       // pextrd edx, xmm6, 1
    EXPECT_EQ(machine.regs().gpr[RDX], 0x66666666u);
    run({0xf2, 0x0f, 0x38, 0xf1, 0xc9}); // crc32 ecx, ecx
    EXPECT_EQ(machine.regs().gpr[RCX] >> 32, 0u);
    EXPECT_EQ(std::memcmp(fx.xmm, want.xmm, sizeof fx.xmm), 0);
}

// A level that is off in cpu.features is off in CPUID, and its instructions are undefined; the others work.
class sse_features : public system_fixture
{
  protected:
    static constexpr std::uint64_t CODE = 0x1000, HANDLERS = 0x4000, IDT = 0x3000;
    // Flat 32-bit protected mode, with gates for #UD.
    int run(const code &bytes)
    {
        for (std::size_t i = 0; i < bytes.size(); i++)
            put(CODE + i, bytes[i]);
        drop_code(CODE);
        put(0x2008, std::uint64_t{0x00cf9b000000ffff});
        put(IDT + 8 * EXC_UD, std::uint64_t{0x00008e0000080000} | (HANDLERS & 0xffff));
        state.gdt_base = 0x2000, state.gdt_limit = 0x3f;
        state.idt_base = IDT, state.idt_limit = 0xff;
        state.cr0 = bits::CR0_PE;
        state.rip = CODE;
        state.rsp = 0x9000;
        state.rflags = 2;
        for (int s : {CORE_ES, CORE_CS, CORE_SS, CORE_DS})
            state.seg[s] = {0, 0xffffffff, static_cast<std::uint16_t>(s == CORE_CS ? 8 : 0x10),
                            static_cast<std::uint16_t>(s == CORE_CS ? 0xc09b : 0xc093)};
        state.code32 = state.stack32 = true;
        set();
        fx_enable(core, 0, 0);
        (void)!cpu_run(core, cpu_now(core) + 1);
        cpu_regs r;
        cpu_get_regs(core, &r);
        EXPECT_TRUE(r.rip == HANDLERS || r.rip == CODE + bytes.size()) << r.rip;
        return r.rip == HANDLERS ? EXC_UD : -1;
    }
};

TEST_F(sse_features, levels)
{
    const struct {
        const char *name;
        unsigned reg, bit; // of CPUID leaf 1
        std::vector<code> insns;
    } levels[] = {
        {"sse", 3, 25, {MOVAPS, ADDPS, {0x0f, 0xae, 0xf8}, {0x0f, 0xe0, 0xc1}}},                   // sfence, pavgb mm
        {"sse2", 3, 26, {{0x66, 0x0f, 0xfc, 0xc1}, {0xf2, 0x0f, 0x58, 0xc1}, {0x0f, 0xd4, 0xc1}}}, // paddq mm
        {"sse3", 2, 0, {{0xf2, 0x0f, 0x7c, 0xc1}, {0xf3, 0x0f, 0x12, 0xc1}}},
        {"ssse3", 2, 9, {{0x66, 0x0f, 0x38, 0x1c, 0xc1}, {0x0f, 0x38, 0x1c, 0xc1}, {0x66, 0x0f, 0x3a, 0x0f, 0xc1, 1}}},
        {"sse4_1", 2, 19, {{0x66, 0x0f, 0x38, 0x17, 0xc1}, {0x66, 0x0f, 0x3a, 0x08, 0xc1, 1}}},
        {"sse4_2",
         2,
         20,
         {{0x66, 0x0f, 0x38, 0x37, 0xc1}, {0xf2, 0x0f, 0x38, 0xf1, 0xc1}, {0x66, 0x0f, 0x3a, 0x63, 0xc1, 1}}},
    };
    for (auto &off : levels) {
        config.features = cpu_features_default();
        config.features.has[cpu_feature_find(off.name)] = false;
        create();
        for (auto &level : levels) {
            const bool is_on = &level != &off;
            std::uint32_t out[4];
            core_cpuid(core, 1, 0, out);
            EXPECT_EQ(out[level.reg] >> level.bit & 1, is_on ? 1u : 0u) << level.name << " without " << off.name;
            for (const code &insn : level.insns)
                EXPECT_EQ(run(insn), is_on ? -1 : int(EXC_UD))
                    << level.name << " without " << off.name << ": " << testing::PrintToString(insn);
        }
    }
}

} // namespace
