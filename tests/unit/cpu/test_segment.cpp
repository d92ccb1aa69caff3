// SPDX-License-Identifier: Apache-2.0
// Segment loads, far transfers, call gates, IRET, the I/O permission map. Judge: SDM Vol. 2, "MOV", "LLDT", "LTR",
// "JMP", "CALL", "RET", "IRET/IRETD/IRETQ"; Vol. 3, "Protection".
#include "protected_fixture.h"

namespace
{
class segment : public protected_fixture
{
  protected:
    void expect_bad(int seg, std::uint16_t selector, int vector, std::uint32_t code)
    {
        const core_segment before = now().seg[seg];
        const core_fault f = core_load_segment(core, seg, selector);
        EXPECT_TRUE(f.raised) << selector;
        EXPECT_EQ(int(f.vector), vector) << selector;
        EXPECT_EQ(f.error_code, code) << selector;
        EXPECT_EQ(now().seg[seg].selector, before.selector) << "nothing changes";
    }
    void push64(std::initializer_list<std::uint64_t> values) // first value on top
    {
        state = now();
        state.rsp -= 8 * values.size();
        std::uint64_t at = state.rsp;
        for (std::uint64_t v : values)
            put(at, v), at += 8;
        set();
    }
};

TEST_F(segment, data_segments)
{
    start_32(3);
    define(GATE, descriptor(0x12345678, 0x00fff, 0xf2, 0x4));
    EXPECT_OK(core_load_segment(core, CORE_DS, GATE | 3));
    EXPECT_EQ(now().seg[CORE_DS].base, 0x12345678u);
    EXPECT_EQ(now().seg[CORE_DS].limit, 0xfffu);
    EXPECT_EQ(get<std::uint8_t>(GDT + GATE + 5), 0xf3) << "the accessed bit is set in memory";
    expect_bad(CORE_DS, DATA0 | 3, EXC_GP, DATA0); // an inner level
    expect_bad(CORE_DS, EXECUTE_ONLY, EXC_GP, EXECUTE_ONLY);
    expect_bad(CORE_DS, TSS_SEL | 3, EXC_GP, TSS_SEL); // not a code or data segment
    expect_bad(CORE_DS, GDT_BYTES | 3, EXC_GP, GDT_BYTES);
    expect_bad(CORE_DS, 0x0f, EXC_GP, 0x0c); // no LDT
    EXPECT_OK(core_load_segment(core, CORE_ES, CONFORMING | 3));
    EXPECT_OK(core_load_segment(core, CORE_GS, 3));
    EXPECT_EQ(now().seg[CORE_GS].attr, 0) << "null";
    start_32(0);
    expect_bad(CORE_DS, ABSENT_DATA, EXC_NP, ABSENT_DATA);
}

TEST_F(segment, stack_segments)
{
    start_32(0);
    EXPECT_OK(core_load_segment(core, CORE_SS, DATA0));
    expect_bad(CORE_SS, 0, EXC_GP, 0);
    expect_bad(CORE_SS, DATA0 | 3, EXC_GP, DATA0);
    expect_bad(CORE_SS, DATA3, EXC_GP, DATA3);
    expect_bad(CORE_SS, READ_ONLY, EXC_GP, READ_ONLY);
    expect_bad(CORE_SS, CODE0, EXC_GP, CODE0);
    expect_bad(CORE_SS, ABSENT_DATA, EXC_SS, ABSENT_DATA);
    start_long(0);
    EXPECT_OK(core_load_segment(core, CORE_SS, 0)); // 64-bit mode below CPL 3
    start_long(3);
    expect_bad(CORE_SS, 3, EXC_GP, 0);
}

TEST_F(segment, local_descriptor_table)
{
    start_32(0);
    put(0x13000 + 8, descriptor(0x700, 0xff, 0x93, 0x4));
    EXPECT_OK(core_load_ldtr(core, LDT_SEL));
    EXPECT_OK(core_load_segment(core, CORE_DS, 0x0c));
    EXPECT_EQ(now().seg[CORE_DS].base, 0x700u);
    EXPECT_FAULT(core_load_segment(core, CORE_DS, 0x104), EXC_GP, 0x104);
    EXPECT_FAULT(core_load_ldtr(core, DATA0), EXC_GP, DATA0);
    EXPECT_FAULT(core_load_ldtr(core, LDT_SEL | 4), EXC_GP, LDT_SEL | 4);
    EXPECT_OK(core_load_ldtr(core, 0));
    EXPECT_FAULT(core_load_segment(core, CORE_DS, 0x0c), EXC_GP, 0x0c);
    define(LDT_SEL, descriptor(0x13000, 0xff, 0x02, 0));
    EXPECT_FAULT(core_load_ldtr(core, LDT_SEL), EXC_NP, LDT_SEL);
}

TEST_F(segment, task_register)
{
    start_long(0);
    define(TSS_SEL + 8, 0xffff8000);
    EXPECT_OK(core_load_tr(core, TSS_SEL));
    EXPECT_EQ(now().seg[CORE_TR].base, 0xffff800000000000 | TSS);
    EXPECT_EQ(get<std::uint8_t>(GDT + TSS_SEL + 5), 0x8b) << "busy";
    EXPECT_FAULT(core_load_tr(core, TSS_SEL), EXC_GP, TSS_SEL); // busy
    EXPECT_FAULT(core_load_tr(core, 0), EXC_GP, 0);
    EXPECT_FAULT(core_load_tr(core, LDT_SEL), EXC_GP, LDT_SEL);
    define(TSS_SEL, descriptor(TSS, 0x67, 0x89, 0));
    define(TSS_SEL + 8, 0x00008000); // base not canonical
    EXPECT_FAULT(core_load_tr(core, TSS_SEL), EXC_GP, TSS_SEL);
    define(TSS_SEL + 8, std::uint64_t{9} << 40); // upper type not 0
    EXPECT_FAULT(core_load_tr(core, TSS_SEL), EXC_GP, TSS_SEL);
    define(TSS_SEL, descriptor(TSS, 0x67, 0x09, 0));
    EXPECT_FAULT(core_load_tr(core, TSS_SEL), EXC_NP, TSS_SEL);
    define(TSS_SEL, descriptor(TSS, 0x67, 0x81, 0)); // 16-bit TSS
    EXPECT_FAULT(core_load_tr(core, TSS_SEL), EXC_GP, TSS_SEL);
}

TEST_F(segment, real_mode_loads_the_base_only)
{
    state.cr0 = 0x10;
    state.seg[CORE_DS] = {0, 0xffffffff, 0x10, 0xc093}; // as protected mode left it
    set();
    EXPECT_OK(core_load_segment(core, CORE_DS, 0x1234));
    EXPECT_EQ(now().seg[CORE_DS].base, 0x12340u);
    EXPECT_EQ(now().seg[CORE_DS].limit, 0xffffffffu);
}

// --- far transfers ---
class far : public segment
{
};

TEST_F(far, jumps_to_code)
{
    start_32(0);
    EXPECT_OK(core_far_jump(core, CODE32_0, 0x1234, 4));
    EXPECT_EQ(now().rip, 0x1234u);
    EXPECT_EQ(now().seg[CORE_CS].selector, CODE32_0);
    EXPECT_OK(core_far_jump(core, CONFORMING | 3, 0x99, 4));
    EXPECT_EQ(now().seg[CORE_CS].selector, CONFORMING) << "RPL is replaced by CPL";
    EXPECT_FAULT(core_far_jump(core, 0, 0, 4), EXC_GP, 0);
    EXPECT_FAULT(core_far_jump(core, CODE3, 0, 4), EXC_GP, CODE3);
    EXPECT_FAULT(core_far_jump(core, CODE0 | 3, 0, 4), EXC_GP, CODE0); // RPL above CPL
    EXPECT_FAULT(core_far_jump(core, DATA0, 0, 4), EXC_GP, DATA0);
    EXPECT_FAULT(core_far_jump(core, ABSENT_CODE, 0, 4), EXC_NP, ABSENT_CODE);
    EXPECT_FAULT(core_far_jump(core, LDT_SEL, 0, 4), EXC_GP, LDT_SEL);
    define(GATE, descriptor(0, 0x00ff, 0x9b, 0x4));
    EXPECT_FAULT(core_far_jump(core, GATE, 0x100, 4), EXC_GP, 0); // beyond the limit
    EXPECT_OK(core_far_jump(core, GATE, 0x100ff, 2));
    EXPECT_EQ(now().rip, 0xffu) << "a 16-bit offset";
}

TEST_F(far, between_compatibility_and_64_bit_code)
{
    start_long(0);
    EXPECT_OK(core_far_jump(core, CODE32_0, 0x5000, 8));
    EXPECT_FALSE(now().code64);
    EXPECT_TRUE(now().code32);
    EXPECT_OK(core_far_jump(core, CODE0, 0x6000, 4));
    EXPECT_TRUE(now().code64);
    EXPECT_FAULT(core_far_jump(core, BAD_CODE, 0x5000, 8), EXC_GP, BAD_CODE);
    EXPECT_FAULT(core_far_jump(core, CODE0, std::uint64_t{1} << 47, 8), EXC_GP, 0);
}

TEST_F(far, call_and_return)
{
    start_32(0);
    EXPECT_OK(core_far_call(core, CODE32_0, 0x7000, 4, 0x50005));
    EXPECT_EQ(now().rsp, STACK0 - 8);
    EXPECT_EQ(frame32(0), 0x50005u);
    EXPECT_EQ(frame32(1), std::uint32_t(CODE0));
    EXPECT_OK(core_far_return(core, 4, 12));
    EXPECT_EQ(now().rip, 0x50005u);
    EXPECT_EQ(now().rsp, STACK0 + 12);
    EXPECT_EQ(now().seg[CORE_CS].selector, CODE0);
}

TEST_F(far, real_mode_call_and_return)
{
    state.cr0 = 0x10;
    state.seg[CORE_CS] = {0x10000, 0xffff, 0x1000, 0x9b};
    state.seg[CORE_SS] = {0x20000, 0xffff, 0x2000, 0x93};
    state.rsp = 0x100;
    set();
    EXPECT_OK(core_far_call(core, 0x0800, 0x20, 2, 0x55));
    EXPECT_EQ(now().seg[CORE_CS].base, 0x8000u);
    EXPECT_EQ(get<std::uint16_t>(0x200fc), 0x55);
    EXPECT_EQ(get<std::uint16_t>(0x200fe), 0x1000);
    EXPECT_OK(core_far_return(core, 2, 0));
    EXPECT_EQ(now().seg[CORE_CS].base, 0x10000u);
    EXPECT_FAULT(core_far_jump(core, 0x0800, 0x10000, 4), EXC_GP, 0);
}

TEST_F(far, return_to_an_outer_level_drops_inner_segments)
{
    start_32(0);
    state.rsp -= 16;
    put(state.rsp, std::uint32_t(CODE));
    put(state.rsp + 4, std::uint32_t(CODE3 | 3));
    put(state.rsp + 8, std::uint32_t(STACK3));
    put(state.rsp + 12, std::uint32_t(DATA3 | 3));
    state.seg[CORE_ES] = {0, 0xffffffff, DATA3 | 3, 0xc0f3};
    set();
    EXPECT_OK(core_far_return(core, 4, 0));
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rsp, STACK3);
    EXPECT_EQ(now().seg[CORE_SS].selector, DATA3 | 3);
    EXPECT_EQ(now().seg[CORE_DS].selector, 0) << "a DPL 0 segment is not for CPL 3";
    EXPECT_EQ(now().seg[CORE_ES].selector, DATA3 | 3);
}

TEST_F(far, return_to_an_inner_level_is_gp)
{
    start_32(3);
    state.rsp -= 8;
    put(state.rsp, std::uint32_t(CODE));
    put(state.rsp + 4, std::uint32_t(CODE0));
    set();
    EXPECT_FAULT(core_far_return(core, 4, 0), EXC_GP, CODE0);
    EXPECT_EQ(now().rsp, STACK3 - 8);
}

TEST_F(far, call_gate_to_an_inner_level_copies_parameters)
{
    start_32(3);
    define(GATE, 0x1234u | std::uint64_t(CODE0) << 16 | std::uint64_t{2} << 32 | std::uint64_t{0xec} << 40 |
                     std::uint64_t{4} << 48);
    put(STACK3, std::uint32_t{0xaaaa});
    put(STACK3 + 4, std::uint32_t{0xbbbb});
    EXPECT_OK(core_far_call(core, GATE | 3, 0xdead, 4, 0x50007));
    EXPECT_EQ(now().rip, 0x41234u);
    EXPECT_EQ(now().cpl, 0);
    EXPECT_EQ(now().rsp, STACK0 - 6 * 4);
    const std::uint32_t expected[] = {0x50007, CODE3 | 3, 0xaaaa, 0xbbbb, std::uint32_t(STACK3), DATA3 | 3};
    for (unsigned i = 0; i < 6; i++)
        EXPECT_EQ(frame32(i), expected[i]) << i;
    EXPECT_OK(core_far_return(core, 4, 8));
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rip, 0x50007u);
    EXPECT_EQ(now().rsp, STACK3 + 8) << "the parameters are popped from both stacks";
}

TEST_F(far, call_gate_of_64_bits)
{
    start_long(3);
    define(GATE, 0x1234u | std::uint64_t(CODE0) << 16 | std::uint64_t{0xec} << 40 | std::uint64_t{4} << 48);
    define(GATE + 8, 0);
    EXPECT_OK(core_far_call(core, GATE | 3, 0, 4, 0x50007));
    EXPECT_EQ(now().rip, 0x41234u);
    EXPECT_EQ(now().rsp, STACK0 - 4 * 8);
    const std::uint64_t expected[] = {0x50007, CODE3 | 3, STACK3, DATA3 | 3};
    for (unsigned i = 0; i < 4; i++)
        EXPECT_EQ(frame64(i), expected[i]) << i;
    EXPECT_EQ(now().seg[CORE_SS].selector, 0);
    EXPECT_OK(core_far_return(core, 8, 0));
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rsp, STACK3);
}

TEST_F(far, call_gates_are_checked)
{
    start_long(3);
    auto gate = [&](std::uint16_t target, std::uint8_t type) {
        define(GATE, 0x1234u | std::uint64_t(target) << 16 | std::uint64_t(type) << 40);
        define(GATE + 8, 0);
        return core_far_call(core, GATE | 3, 0, 4, 0x50007);
    };
    EXPECT_FAULT(gate(CODE0, 0x8c), EXC_GP, GATE); // DPL 0
    EXPECT_FAULT(gate(CODE0, 0x6c), EXC_NP, GATE);
    EXPECT_FAULT(gate(0, 0xec), EXC_GP, 0);
    EXPECT_FAULT(gate(DATA0, 0xec), EXC_GP, DATA0);
    EXPECT_FAULT(gate(CODE32_0, 0xec), EXC_GP, CODE32_0);
    EXPECT_FAULT(gate(ABSENT_CODE, 0xec), EXC_NP, ABSENT_CODE);
    EXPECT_FAULT(gate(CODE0, 0xe5), EXC_GP, GATE); // task gate
    define(GATE, 0x1234u | std::uint64_t(CODE0) << 16 | std::uint64_t{0xec} << 40);
    define(GATE + 8, std::uint64_t{1} << 40);
    EXPECT_FAULT(core_far_call(core, GATE | 3, 0, 4, 0x50007), EXC_GP, GATE);
    define(GATE + 8, 0);
    EXPECT_FAULT(core_far_jump(core, GATE | 3, 0, 4), EXC_GP, CODE0); // JMP cannot go to an inner level
}

// --- IRET ---
class iret : public segment
{
};

TEST_F(iret, in_64_bit_mode_ss_and_rsp_are_always_popped)
{
    start_long(0);
    push64({CODE + 0x100, CODE0, 2 | bits::IF, STACK_IST, 0});
    EXPECT_OK(core_iret(core, 8));
    EXPECT_EQ(now().rip, CODE + 0x100);
    EXPECT_EQ(now().rsp, STACK_IST);
    EXPECT_EQ(now().seg[CORE_SS].selector, 0) << "null below CPL 3";
}

TEST_F(iret, to_compatibility_mode)
{
    start_long(0);
    push64({0x8000, CODE32_3 | 3, 2 | bits::IF, 0x9000, DATA3 | 3});
    EXPECT_OK(core_iret(core, 8));
    EXPECT_TRUE(now().code32);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rsp, 0x9000u);
}

TEST_F(iret, checks)
{
    struct {
        std::uint64_t rip, cs, ss;
        int vector;
        std::uint32_t code;
    } const cases[] = {
        {CODE, 0, 0, EXC_GP, 0},
        {CODE, DATA0, 0, EXC_GP, DATA0},
        {CODE, CODE3, DATA3, EXC_GP, CODE3}, // DPL is not RPL
        {CODE, BAD_CODE, DATA0, EXC_GP, BAD_CODE},
        {CODE, ABSENT_CODE, DATA0, EXC_NP, ABSENT_CODE},
        {std::uint64_t{1} << 47, CODE0, DATA0, EXC_GP, 0},
        {CODE, CODE3 | 3, 3, EXC_GP, 0}, // null SS for CPL 3
        {CODE, CODE3 | 3, DATA0, EXC_GP, DATA0},
        {CODE, CODE0, DATA0 | 3, EXC_GP, DATA0},
        {CODE, CODE0, READ_ONLY, EXC_GP, READ_ONLY},
        {CODE, CODE0, ABSENT_DATA, EXC_SS, ABSENT_DATA},
        {CODE, CODE32_0, 0, EXC_GP, 0}, // null SS for compatibility mode
    };
    for (const auto &c : cases) {
        start_long(0);
        push64({c.rip, c.cs, 2, STACK_IST, c.ss});
        const core_fault f = core_iret(core, 8);
        EXPECT_TRUE(f.raised) << c.cs << " " << c.ss;
        EXPECT_EQ(int(f.vector), c.vector) << c.cs << " " << c.ss;
        EXPECT_EQ(f.error_code, c.code) << c.cs << " " << c.ss;
        EXPECT_EQ(now().rsp, STACK0 - 40);
    }
}

TEST_F(iret, nested_task_is_gp_in_long_mode)
{
    start_long(0);
    push64({CODE, CODE0, 2, STACK_IST, DATA0});
    state = now();
    state.rflags |= bits::NT;
    set();
    EXPECT_FAULT(core_iret(core, 8), EXC_GP, 0);
}

TEST_F(iret, from_user_mode_iopl_and_if_stay)
{
    start_long(3);
    push64({CODE, CODE3 | 3, 2 | bits::IOPL3 | bits::TF, STACK3, DATA3 | 3});
    EXPECT_OK(core_iret(core, 8));
    EXPECT_EQ(now().rflags, 2u | bits::IF | bits::TF);
}

TEST_F(iret, from_the_kernel_everything_is_loaded)
{
    start_long(0);
    push64({CODE, CODE3 | 3, ~std::uint64_t{0}, STACK3, DATA3 | 3});
    EXPECT_OK(core_iret(core, 8));
    EXPECT_EQ(now().rflags & 0x247fd7, 0x247fd7u);
    EXPECT_EQ(now().rflags & ~std::uint64_t{0x3f7fd7}, 0u) << "no reserved bit";
    EXPECT_EQ(now().rflags & 1u << 17, 0u) << "VM stays clear in long mode";
}

TEST_F(iret, ends_the_blocking_of_nmi_even_if_it_faults)
{
    start_long(0);
    state.nmi_blocked = true;
    set();
    push64({CODE, 0, 2, STACK_IST, DATA0});
    EXPECT_FAULT(core_iret(core, 8), EXC_GP, 0);
    EXPECT_FALSE(now().nmi_blocked);
}

// --- ports ---
TEST_F(segment, io_permission_map)
{
    start_long(3);
    put(TSS + 0x66, std::uint16_t{0x68});
    for (unsigned i = 0; i < 0x2000; i++)
        put(TSS + 0x68 + i, std::uint8_t{0xff});
    state.seg[CORE_TR].limit = 0x68 + 0x10; // ports 0..7FH
    set();
    EXPECT_FAULT(core_check_io(core, 0x60, 1), EXC_GP, 0);
    put(TSS + 0x68 + 0x60 / 8, std::uint8_t{0xfe});
    EXPECT_OK(core_check_io(core, 0x60, 1));
    EXPECT_FAULT(core_check_io(core, 0x60, 2), EXC_GP, 0); // the neighbour is closed
    put(TSS + 0x68 + 8, std::uint16_t{0xfe7f});
    EXPECT_OK(core_check_io(core, 0x47, 2));               // across a byte
    EXPECT_FAULT(core_check_io(core, 0x80, 1), EXC_GP, 0); // beyond the limit
    state.rflags |= bits::IOPL3;
    set();
    EXPECT_OK(core_check_io(core, 0x80, 4));
    start_long(0);
    EXPECT_OK(core_check_io(core, 0xffff, 1));
}
} // namespace
