// SPDX-License-Identifier: Apache-2.0
// Where code ends: the limit of the code segment inside a block of cached code, the boundary of canonical addresses;
// and how wide the processor's own accesses are in compatibility mode. QEMU does not check limits. Judge: SDM Vol. 3,
// "Limit Checking", "System Data Structures in IA-32e Mode"; Vol. 1, "Canonical Addressing".
#include "insn_fixture.h"

namespace
{
constexpr std::uint8_t INC_EAX = 0x40, MOV_EAX = 0xb8;
const std::vector<std::uint8_t> FOR_EVER{0xeb, 0xfe};

class fetch_limit : public insn_fixture
{
  protected:
    // Runs whole blocks until the handler of the exception, which stays where it is.
    int run_to_exception()
    {
        for (unsigned v = 0; v < 32; v++)
            place(FOR_EVER, handler(v));
        (void)!cpu_run(core, cpu_now(core) + 1000);
        return vector_at(regs().rip);
    }
    void limit_code(std::uint32_t limit)
    {
        state = now();
        state.seg[CORE_CS].limit = limit;
        state.rip = CODE;
        set();
        set_gpr(RAX, 0);
    }
};

TEST_F(fetch_limit, the_block_ends_at_the_limit)
{
    for (bool is_long : {false, true}) {
        if (is_long)
            start_long(0);
        else
            start_32(0);
        state = now();
        state.seg[CORE_CS].attr = 0xc09b; // compatibility mode where it is_long
        set();
        place({INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, 0xeb, 0xfe});
        limit_code(CODE + 3);
        EXPECT_EQ(run_to_exception(), EXC_GP);
        EXPECT_EQ(gpr(RAX), 4u);
        EXPECT_EQ(is_long ? frame64(0) : frame32(0), 0u) << "error code";
        EXPECT_EQ(is_long ? frame64(1) : frame32(1), CODE + 4);
    }
}

TEST_F(fetch_limit, an_instruction_over_the_limit_is_not_executed)
{
    start_32(0);
    place({INC_EAX, INC_EAX, MOV_EAX, 9, 0, 0, 0, 0xeb, 0xfe});
    for (unsigned last : {2u, 5u}) {
        limit_code(static_cast<std::uint32_t>(CODE) + last);
        EXPECT_EQ(run_to_exception(), EXC_GP);
        EXPECT_EQ(gpr(RAX), 2u);
        EXPECT_EQ(frame32(1), CODE + 2);
    }
    limit_code(CODE + 6); // all of the MOV, nothing of the jump
    EXPECT_EQ(run_to_exception(), EXC_GP);
    EXPECT_EQ(gpr(RAX), 9u);
    EXPECT_EQ(frame32(1), CODE + 7);
}

// The page behind the limit is never asked for.
TEST_F(fetch_limit, the_limit_comes_before_the_page_behind_it)
{
    start_long(0);
    put(PD, std::uint64_t{0x15007}); // 4 KiB pages, CODE's second page is absent
    for (unsigned i = 0; i < 512; i++)
        put(0x15000 + 8 * i, i == CODE / 4096 + 1 ? 0 : std::uint64_t{4096} * i | 7);
    state = now();
    state.seg[CORE_CS].attr = 0xc09b;
    set();
    place({MOV_EAX, 1}, CODE + 0xffe);
    limit_code(CODE + 0xfff);
    set_rip(CODE + 0xffe);
    EXPECT_EQ(run_to_exception(), EXC_GP);
    EXPECT_EQ(frame64(1), CODE + 0xffe);
}

TEST_F(fetch_limit, cached_code_under_a_smaller_limit)
{
    start_32(0);
    define(CODE32_0, descriptor(0, CODE + 3, 0x9b, 4)); // in bytes
    // Eight times INC, then the same again by way of the other segment.
    place({INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, INC_EAX, 0xea, CODE & 0xff, CODE >> 8 & 0xff,
           CODE >> 16, 0, CODE32_0, 0});
    set_gpr(RAX, 0);
    set_rip(CODE);
    EXPECT_EQ(run_to_exception(), EXC_GP);
    EXPECT_EQ(gpr(RAX), 12u);
    EXPECT_EQ(frame32(1), CODE + 4);
    EXPECT_EQ(frame32(2), std::uint32_t(CODE32_0));
}

TEST_F(fetch_limit, real_mode_code_ends_at_64_kib)
{
    state.cr0 = 0x10;
    state.seg[CORE_CS] = {CODE - 0x1000, 0xffff, (CODE - 0x1000) >> 4, 0x9b};
    state.seg[CORE_SS] = {0x20000, 0xffff, 0x2000, 0x93};
    state.idt_base = IDT;
    state.idt_limit = 0x3ff;
    state.rip = 0xfffd;
    state.rsp = 0x100;
    set();
    for (unsigned v = 0; v < 32; v++)
        put(IDT + 4 * v, std::uint32_t((HANDLER >> 4) << 16 | 16 * v));
    place({INC_EAX, INC_EAX, MOV_EAX, 9, 0}, CODE - 0x1000 + 0xfffd);
    for (unsigned v = 0; v < 32; v++)
        place(FOR_EVER, handler(v));
    (void)!cpu_run(core, cpu_now(core) + 100);
    EXPECT_EQ(regs().rip, 16u * EXC_GP);
    EXPECT_EQ(gpr(RAX) & 0xffff, 2u);
    EXPECT_EQ(get<std::uint16_t>(0x200fa), 0xffff);
}

// The last 2 MiB below the hole of non-canonical addresses, and the first above it, are the third of RAM.
class wide_address : public fetch_limit
{
  protected:
    static constexpr std::uint64_t HIGH = 0xffff800000000000, FRAME = 0x200000;
    void SetUp() override
    {
        start_long(0);
        put(PML4 + 8 * 255, std::uint64_t{0x16007});
        put(PML4 + 8 * 256, std::uint64_t{0x16007});
        put(0x16000, std::uint64_t{0x17007});
        put(0x16000 + 8 * 511, std::uint64_t{0x17007});
        put(0x17000, FRAME | 0x87);
        put(0x17000 + 8 * 511, FRAME | 0x87);
    }
};

TEST_F(wide_address, an_instruction_over_the_canonical_boundary_is_gp)
{
    constexpr std::uint64_t LAST = 0x7fffffffffff;
    place({0xeb}, FRAME + 0x1fffff);
    place({0xf0}, FRAME); // what lies at FFFF8000_00000000H
    set_rip(LAST);
    EXPECT_EQ(run_to_exception(), EXC_GP);
    EXPECT_EQ(frame64(0), 0u);
    EXPECT_EQ(frame64(1), LAST);
    place({0x90}, FRAME + 0x1fffff);
    set_rip(LAST);
    EXPECT_EQ(run_to_exception(), EXC_GP);
    EXPECT_EQ(frame64(1), LAST + 1);
}

TEST_F(wide_address, a_gate_over_two_pages_in_compatibility_mode)
{
    constexpr unsigned VECTOR = 16;
    constexpr std::uint64_t TABLE = 0x12ff8 - 16 * VECTOR; // the gate's halves are on two pages
    put(FRAME + TABLE + 16 * VECTOR,
        (handler(VECTOR) & 0xffff) | CODE0 << 16 | std::uint64_t{0x8e00} << 32 | handler(VECTOR) >> 16 << 48);
    put(FRAME + TABLE + 16 * VECTOR + 8, std::uint64_t{0});
    state = now();
    state.seg[CORE_CS].attr = 0xc09b;
    state.idt_base = HIGH + TABLE;
    state.idt_limit = 16 * VECTOR + 15;
    set();
    place({0xcd, VECTOR});
    set_rip(CODE);
    EXPECT_EQ(run_to_exception(), int(VECTOR));
    EXPECT_EQ(frame64(0), CODE + 2);
}
} // namespace
