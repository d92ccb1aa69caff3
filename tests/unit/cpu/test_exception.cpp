// SPDX-License-Identifier: Apache-2.0
// Delivery through the IDT: frames, stacks, error codes, double faults, shutdown. Judge: SDM Vol. 3, "Interrupt and
// Exception Handling"; Vol. 2, "INT n/INTO/INT3/INT1".
#include "protected_fixture.h"

namespace
{
class exception_long : public protected_fixture
{
  protected:
    void deliver(std::uint8_t vector, std::uint32_t code = 0, std::uint64_t address = 0)
    {
        core_deliver_exception(core, vector, code, address);
    }
};

TEST_F(exception_long, from_user_to_kernel_switches_to_rsp0)
{
    start_long(3);
    state.rflags |= bits::TF | bits::NT | bits::AC;
    set();
    deliver(EXC_GP, 0x1234);
    EXPECT_EQ(now().rip, handler(EXC_GP));
    EXPECT_EQ(now().cpl, 0);
    EXPECT_EQ(now().rsp, STACK0 - 6 * 8);
    EXPECT_EQ(now().seg[CORE_SS].selector, 0) << "a null SS with RPL 0";
    EXPECT_EQ(now().seg[CORE_CS].selector, CODE0);
    EXPECT_EQ(now().rflags, 2u | bits::AC) << "IF, TF, NT, RF cleared, AC kept";
    EXPECT_EQ(frame64(0), 0x1234u);
    EXPECT_EQ(frame64(1), CODE);
    EXPECT_EQ(frame64(2), std::uint64_t(CODE3 | 3));
    EXPECT_EQ(frame64(3), 2u | bits::IF | bits::TF | bits::NT | bits::AC | bits::RF) << "a fault sets RF in the image";
    EXPECT_EQ(frame64(4), STACK3);
    EXPECT_EQ(frame64(5), std::uint64_t(DATA3 | 3));
    EXPECT_EQ(cpu_stats(core)->exceptions, 1u);
}

TEST_F(exception_long, at_the_same_level_the_stack_is_aligned_and_ss_stays)
{
    start_long(0);
    state.rsp = STACK0 - 5;
    set();
    deliver(EXC_UD);
    EXPECT_EQ(now().rsp, STACK0 - 16 - 5 * 8);
    EXPECT_EQ(frame64(3), STACK0 - 5) << "no error code: slot 3 is RSP";
    EXPECT_EQ(now().seg[CORE_SS].selector, DATA0);
}

TEST_F(exception_long, ist_is_used_at_any_level)
{
    start_long(0);
    gate64(EXC_UD, CODE0, 0x8e, 1);
    deliver(EXC_UD);
    EXPECT_EQ(now().rsp, STACK_IST - 5 * 8);
}

TEST_F(exception_long, a_trap_gate_keeps_if)
{
    start_long(3);
    gate64(EXC_UD, CODE0, 0x8f);
    deliver(EXC_UD);
    EXPECT_EQ(now().rflags & bits::IF, bits::IF);
}

TEST_F(exception_long, a_page_fault_loads_cr2)
{
    start_long(3);
    deliver(EXC_PF, 7, 0x00007fff12345678);
    EXPECT_EQ(now().cr2, 0x00007fff12345678u);
    EXPECT_EQ(frame64(0), 7u);
}

TEST_F(exception_long, a_debug_trap_has_no_rf_and_clears_gd)
{
    start_long(3);
    state.dr7 |= 0x2000;
    set();
    deliver(EXC_DB);
    EXPECT_EQ(frame64(2) & bits::RF, 0u);
    EXPECT_EQ(now().dr7 & 0x2000, 0u);
}

TEST_F(exception_long, an_interrupt_pushes_no_error_code)
{
    start_long(3);
    core_deliver_interrupt(core, 0x40);
    EXPECT_EQ(now().rip, handler(0x40));
    EXPECT_EQ(frame64(0), CODE);
    EXPECT_EQ(frame64(2), 2u | bits::IF);
    EXPECT_EQ(cpu_stats(core)->exceptions, 0u);
}

TEST_F(exception_long, int_n_needs_the_gates_dpl)
{
    start_long(3);
    core_deliver_software(core, 0x80, CODE + 2);
    EXPECT_EQ(now().rip, handler(EXC_GP));
    EXPECT_EQ(frame64(0), 0x80u * 8 + 2) << "no EXT";
    EXPECT_EQ(frame64(1), CODE) << "the fault is INT's";

    start_long(3);
    gate64(0x80, CODE0, 0xee);
    core_deliver_software(core, 0x80, CODE + 2);
    EXPECT_EQ(now().rip, handler(0x80));
    EXPECT_EQ(frame64(0), CODE + 2);
    EXPECT_EQ(frame64(2) & bits::RF, 0u);
}

TEST_F(exception_long, an_exception_does_not_need_the_gates_dpl_but_ext_is_set_on_its_way)
{
    start_long(3);
    gate64(EXC_UD, CODE0, 0x0e); // not present
    deliver(EXC_UD);
    EXPECT_EQ(now().rip, handler(EXC_NP));
    EXPECT_EQ(frame64(0), EXC_UD * 8u + 2 + 1);

    start_long(3);
    gate64(0x41, CODE0, 0x0e);
    core_deliver_interrupt(core, 0x41);
    EXPECT_EQ(frame64(0), 0x41u * 8 + 2 + 1);

    start_long(3);
    gate64(0x42, CODE0, 0x6e); // DPL 3, not present: INT n gets no EXT
    core_deliver_software(core, 0x42, CODE + 2);
    EXPECT_EQ(now().rip, handler(EXC_NP));
    EXPECT_EQ(frame64(0), 0x42u * 8 + 2);
}

TEST_F(exception_long, bad_gates_and_bad_targets)
{
    struct {
        std::uint16_t selector;
        std::uint8_t type;
        int vector;
        std::uint32_t code;
    } const cases[] = {
        {CODE0, 0x86, EXC_GP, 0x40 * 8 + 3}, // 16-bit gate
        {CODE0, 0x85, EXC_GP, 0x40 * 8 + 3}, // task gate
        {CODE0, 0x9e, EXC_GP, 0x40 * 8 + 3}, // S set
        {0, 0x8e, EXC_GP, 1},                // null
        {DATA0, 0x8e, EXC_GP, DATA0 + 1},    // no code
        {CODE3, 0x8e, EXC_GP, CODE3 + 1},    // an outer level
        {CODE32_0, 0x8e, EXC_GP, CODE32_0 + 1},
        {BAD_CODE, 0x8e, EXC_GP, BAD_CODE + 1},
        {ABSENT_CODE, 0x8e, EXC_NP, ABSENT_CODE + 1},
        {GDT_BYTES, 0x8e, EXC_GP, GDT_BYTES + 1}, // beyond the table
    };
    for (const auto &c : cases) {
        start_long(0);
        gate64(0x40, c.selector, c.type);
        core_deliver_interrupt(core, 0x40);
        EXPECT_EQ(now().rip, handler(unsigned(c.vector))) << "selector " << c.selector << " type " << int(c.type);
        EXPECT_EQ(frame64(0), c.code) << "selector " << c.selector << " type " << int(c.type);
    }
    start_long(0);
    put(IDT + 16 * 0x40 + 8, std::uint64_t{0x8000}); // handler not canonical
    core_deliver_interrupt(core, 0x40);
    EXPECT_EQ(now().rip, handler(EXC_GP));
    EXPECT_EQ(frame64(0), 1u);
}

TEST_F(exception_long, a_vector_beyond_the_limit)
{
    start_long(0);
    state.idt_limit = 0x40 * 16 + 14;
    set();
    core_deliver_interrupt(core, 0x40);
    EXPECT_EQ(now().rip, handler(EXC_GP));
    EXPECT_EQ(frame64(0), 0x40u * 8 + 3);
}

TEST_F(exception_long, conforming_code_runs_at_the_interrupted_level)
{
    start_long(3);
    gate64(EXC_UD, CONFORMING, 0x8e);
    deliver(EXC_UD);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().seg[CORE_CS].selector, CONFORMING | 3);
    EXPECT_EQ(now().rsp, STACK3 - 5 * 8);
}

TEST_F(exception_long, a_tss_too_short_for_the_stack)
{
    start_long(3);
    gate64(EXC_TS, CODE0, 0x8e, 0);
    state.seg[CORE_TR].limit = 10;
    set();
    deliver(EXC_UD);
    EXPECT_TRUE(now().shutdown) << "#TS cannot find a stack either";

    start_long(3);
    gate64(EXC_UD, CODE0, 0x8e, 7); // IST7 beyond the limit, RSP0 is there
    state.seg[CORE_TR].limit = 60;
    set();
    deliver(EXC_UD);
    EXPECT_EQ(now().rip, handler(EXC_TS));
    EXPECT_EQ(frame64(0), std::uint64_t(TSS_SEL | 1));
}

TEST_F(exception_long, a_stack_that_is_not_canonical)
{
    start_long(3);
    put(TSS + 36, std::uint64_t{1} << 50);
    gate64(EXC_UD, CODE0, 0x8e, 1);
    deliver(EXC_UD);
    EXPECT_EQ(now().rip, handler(EXC_SS));
    EXPECT_EQ(frame64(0), 1u);
}

TEST_F(exception_long, two_contributory_faults_are_a_double_fault)
{
    start_long(3);
    gate64(EXC_GP, CODE0, 0x0e);
    deliver(EXC_GP, 0x50);
    EXPECT_EQ(now().rip, handler(EXC_DF));
    EXPECT_EQ(frame64(0), 0u);
    EXPECT_EQ(frame64(1), CODE);
}

TEST_F(exception_long, a_fault_while_delivering_a_page_fault_is_a_double_fault)
{
    start_long(3);
    gate64(EXC_PF, CODE0, 0x0e);
    deliver(EXC_PF, 4, 0x1000);
    EXPECT_EQ(now().rip, handler(EXC_DF));

    start_long(3);
    gate64(EXC_PF, CODE0, 0x8e, 1);
    put(TSS + 36, std::uint64_t{0x40000000}); // not mapped
    deliver(EXC_PF, 4, 0x1000);
    EXPECT_EQ(now().rip, handler(EXC_DF));
    EXPECT_EQ(now().cr2, 0x40000000u - 8) << "the second fault's address";
}

TEST_F(exception_long, a_page_fault_while_delivering_a_contributory_fault_is_delivered)
{
    start_long(3);
    gate64(EXC_GP, CODE0, 0x8e, 1);
    put(TSS + 36, std::uint64_t{0x40000000});
    deliver(EXC_GP, 0x50);
    EXPECT_EQ(now().rip, handler(EXC_PF));
    EXPECT_EQ(frame64(0), 2u) << "supervisor write, page absent; #PF has no EXT";
}

TEST_F(exception_long, benign_then_anything_is_delivered_serially)
{
    start_long(3);
    gate64(EXC_UD, CODE0, 0x0e);
    deliver(EXC_UD);
    EXPECT_EQ(now().rip, handler(EXC_NP));
}

TEST_F(exception_long, a_fault_of_the_double_fault_shuts_the_core_down)
{
    start_long(3);
    state.idt_limit = 0;
    set();
    deliver(EXC_PF, 6, 0xdead000);
    EXPECT_TRUE(now().shutdown);
    const vp_fault *f = cpu_last_fault(core);
    EXPECT_EQ(int(f->vector), EXC_PF) << "what began it";
    EXPECT_EQ(f->error_code, 6u);
    EXPECT_EQ(f->address, 0xdead000u);
    EXPECT_EQ(now().rip, CODE);
    EXPECT_EQ(now().cpl, 3);
}

TEST_F(exception_long, from_compatibility_mode_the_frame_is_64_bit)
{
    start_long(3);
    state.seg[CORE_CS] = {0, 0xffffffff, CODE32_3 | 3, 0xc0fb};
    set();
    ASSERT_TRUE(now().code32);
    deliver(EXC_GP, 0x10);
    EXPECT_TRUE(now().code64);
    EXPECT_EQ(frame64(2), std::uint64_t(CODE32_3 | 3));
    EXPECT_EQ(frame64(5), std::uint64_t(DATA3 | 3));
}

TEST_F(exception_long, iretq_goes_back_to_where_the_exception_came_from)
{
    start_long(3);
    deliver(EXC_UD);
    EXPECT_OK(core_iret(core, 8));
    EXPECT_EQ(now().rip, CODE);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rsp, STACK3);
    EXPECT_EQ(now().seg[CORE_SS].selector, DATA3 | 3);
    EXPECT_EQ(now().rflags, 2u | bits::IF | bits::RF);
}

// --- 32-bit protected mode ---
class exception_32 : public exception_long
{
};

TEST_F(exception_32, from_user_to_kernel_switches_to_ss0_esp0)
{
    start_32(3);
    deliver(EXC_GP, 0x1234);
    EXPECT_EQ(now().rip, handler(EXC_GP));
    EXPECT_EQ(now().cpl, 0);
    EXPECT_EQ(now().rsp, STACK0 - 6 * 4);
    EXPECT_EQ(now().seg[CORE_SS].selector, DATA0);
    EXPECT_EQ(frame32(0), 0x1234u);
    EXPECT_EQ(frame32(1), CODE);
    EXPECT_EQ(frame32(2), std::uint32_t(CODE3 | 3));
    EXPECT_EQ(frame32(4), STACK3);
    EXPECT_EQ(frame32(5), std::uint32_t(DATA3 | 3));
    EXPECT_OK((core_state{}, put(now().rsp + 4, std::uint32_t(CODE)), state = now(), state.rsp += 4, set(),
               core_iret(core, 4)));
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rsp, STACK3);
}

TEST_F(exception_32, at_the_same_level_three_slots)
{
    start_32(0);
    deliver(EXC_UD);
    EXPECT_EQ(now().rsp, STACK0 - 3 * 4);
    EXPECT_EQ(frame32(0), CODE);
}

TEST_F(exception_32, a_16_bit_gate_pushes_words)
{
    start_32(0);
    state.rip = 0x8123;
    set();
    gate32(EXC_GP, CODE0, 0x86);
    deliver(EXC_GP, 0x50);
    EXPECT_EQ(now().rsp, STACK0 - 8);
    EXPECT_EQ(get<std::uint16_t>(STACK0 - 8), 0x50);
    EXPECT_EQ(get<std::uint16_t>(STACK0 - 6), 0x8123);
    EXPECT_EQ(now().rip, handler(EXC_GP) & 0xffff) << "16-bit offset";
}

TEST_F(exception_32, bad_inner_stacks_are_invalid_tss)
{
    struct {
        std::uint16_t ss;
        int vector;
        std::uint32_t code;
    } const cases[] = {
        {0, EXC_TS, 1},
        {DATA3, EXC_TS, DATA3 + 1},
        {READ_ONLY, EXC_TS, READ_ONLY + 1},
        {CODE0, EXC_TS, CODE0 + 1},
        {GDT_BYTES, EXC_TS, GDT_BYTES + 1},
        {DATA0 | 3, EXC_TS, DATA0 + 1},
        {ABSENT_DATA, EXC_SS, ABSENT_DATA + 1},
    };
    for (const auto &c : cases) {
        start_32(3);
        put(TSS + 8, c.ss);
        for (unsigned v : {unsigned(EXC_TS), unsigned(EXC_SS)})
            gate32(v, CONFORMING, 0x8e); // stays on the user's stack
        deliver(EXC_UD);
        EXPECT_EQ(now().rip, handler(unsigned(c.vector))) << c.ss;
        EXPECT_EQ(frame32(0), c.code) << c.ss;
    }
}

// --- real mode ---
class exception_real : public exception_long
{
};

TEST_F(exception_real, the_vector_table_and_three_words)
{
    put(4 * 6, std::uint16_t{0x1234});
    put(4 * 6 + 2, std::uint16_t{0x0500});
    state.cr0 = 0x10;
    state.idt_base = 0, state.idt_limit = 0x3ff;
    state.seg[CORE_CS] = {0x10000, 0xffff, 0x1000, 0x9b};
    state.seg[CORE_SS] = {0x20000, 0xffff, 0x2000, 0x93};
    state.rip = 0x42, state.rsp = 0x100;
    state.rflags = 2 | bits::IF | bits::TF | bits::AC;
    set();
    deliver(EXC_UD);
    EXPECT_EQ(now().rip, 0x1234u);
    EXPECT_EQ(now().seg[CORE_CS].base, 0x5000u);
    EXPECT_EQ(now().rsp, 0xfau);
    EXPECT_EQ(get<std::uint16_t>(0x200fa), 0x42);
    EXPECT_EQ(get<std::uint16_t>(0x200fc), 0x1000);
    EXPECT_EQ(get<std::uint16_t>(0x200fe) & 0xfff, 0x302);
    EXPECT_EQ(now().rflags & (bits::IF | bits::TF | bits::AC), 0u);
    EXPECT_OK(core_iret(core, 2));
    EXPECT_EQ(now().rip, 0x42u);
    EXPECT_EQ(now().seg[CORE_CS].base, 0x10000u);
    EXPECT_EQ(now().rsp, 0x100u);
}

TEST_F(exception_real, no_table_is_shutdown)
{
    state.cr0 = 0x10;
    state.idt_limit = 0;
    set();
    deliver(EXC_UD);
    EXPECT_TRUE(now().shutdown);
    EXPECT_EQ(int(cpu_last_fault(core)->vector), EXC_UD);
}
} // namespace
