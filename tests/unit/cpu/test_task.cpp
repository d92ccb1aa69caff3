// SPDX-License-Identifier: Apache-2.0
// Hardware task switches: what is saved and loaded, busy flags, NT and links, faults of the old and of the new task.
// Judge: SDM Vol. 3, "Task Management".
#include "insn_fixture.h"

namespace
{
constexpr std::uint64_t TSS2 = 0x14000, LDT = 0x15000, TASK_CODE = 0x52000, TASK_STACK = 0x34000;
constexpr std::uint16_t TSS2_SEL = 0xa0, TASK_GATE = 0xa8, TSS16_SEL = 0xb0, SMALL_SEL = 0xb8;
enum { T_LINK = 0, T_CR3 = 0x1c, T_EIP = 0x20, T_FLAGS = 0x24, T_EAX = 0x28, T_ES = 0x48, T_LDT = 0x60, T_T = 0x64 };

class task : public insn_fixture
{
  protected:
    // The current task is TSS (busy); the other, at TSS2, is ready to run TASK_CODE at CPL 0.
    void start()
    {
        start_32(0);
        define(TSS_SEL, descriptor(TSS, 0x2067, 0x8b, 0));
        define(TSS2_SEL, descriptor(TSS2, 0x67, 0x89, 0));
        define(TASK_GATE, std::uint64_t{TSS2_SEL} << 16 | std::uint64_t{0x85} << 40);
        define(TSS16_SEL, descriptor(TSS2, 0x2b, 0x81, 0));
        define(SMALL_SEL, descriptor(TSS2, 0x66, 0x89, 0));
        for (unsigned i = 0; i < 0x68; i++)
            put(TSS2 + i, std::uint8_t{0});
        put(TSS2 + T_EIP, std::uint32_t(TASK_CODE));
        put(TSS2 + T_FLAGS, std::uint32_t{0x202});
        for (unsigned i = 0; i < 8; i++)
            put(TSS2 + T_EAX + 4 * i, std::uint32_t{0x11110000} + i);
        put(TSS2 + T_EAX + 4 * 4, std::uint32_t(TASK_STACK));
        for (unsigned i = 0; i < 6; i++)
            put(TSS2 + T_ES + 4 * i, std::uint16_t(i == 1 ? CODE0 : DATA0));
        put(TSS2 + T_LDT, std::uint16_t{LDT_SEL});
        for (std::uint64_t at : {TASK_CODE, TASK_CODE + 8})
            put(at, std::uint64_t{0x9090909090909090});
        drop_code(TASK_CODE);
        state = now();
        state.gdt_limit = 0xff;
        set();
    }
    int jump(std::uint16_t selector) { return run(far(0xea, selector)); }
    int call(std::uint16_t selector) { return run(far(0x9a, selector)); }
    static code far(std::uint8_t opcode, std::uint16_t selector)
    {
        return {opcode, 0, 0, 0, 0, static_cast<std::uint8_t>(selector), static_cast<std::uint8_t>(selector >> 8)};
    }
    bool is_busy(std::uint16_t selector) { return get<std::uint8_t>(GDT + selector + 5) & 2; }
    std::uint32_t saved(unsigned at) { return get<std::uint32_t>(TSS + at); }
};

TEST_F(task, jump_saves_one_task_and_loads_the_other)
{
    start();
    for (int r : {RAX, RCX, RDX, RBX, RBP, RSI, RDI})
        set_gpr(r, 0x22220000u + static_cast<unsigned>(r));
    const std::uint64_t rsp = now().rsp;
    EXPECT_EQ(jump(TSS2_SEL), COMPLETED);
    EXPECT_EQ(regs().rip, TASK_CODE);
    for (int r : {RAX, RCX, RDX, RBX, RBP, RSI, RDI}) {
        EXPECT_EQ(gpr(r), 0x11110000u + static_cast<unsigned>(r));
        EXPECT_EQ(saved(T_EAX + 4 * static_cast<unsigned>(r)), 0x22220000u + static_cast<unsigned>(r));
    }
    EXPECT_EQ(gpr(RSP), TASK_STACK);
    EXPECT_EQ(saved(T_EAX + 4 * RSP), rsp);
    EXPECT_EQ(saved(T_EIP), CODE + 7);
    EXPECT_EQ(saved(T_FLAGS), 2 | bits::IF);
    EXPECT_EQ(get<std::uint16_t>(TSS + T_ES + 4), CODE0);
    EXPECT_EQ(get<std::uint16_t>(TSS + T_ES + 12), DATA0);
    EXPECT_FALSE(is_busy(TSS_SEL));
    EXPECT_TRUE(is_busy(TSS2_SEL));
    EXPECT_EQ(now().seg[CORE_TR].selector, TSS2_SEL);
    EXPECT_EQ(now().seg[CORE_TR].base, TSS2);
    EXPECT_EQ(now().seg[CORE_LDTR].selector, LDT_SEL);
    EXPECT_EQ(now().seg[CORE_LDTR].base, 0x13000u);
    EXPECT_NE(now().cr0 & 8, 0u) << "TS";
    EXPECT_EQ(now().rflags & bits::NT, 0u);
    EXPECT_EQ(get<std::uint16_t>(TSS2 + T_LINK), 0);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(regs().rip, TASK_CODE + 1);
}

TEST_F(task, call_nests_and_iret_returns)
{
    for (std::uint16_t selector : {TSS2_SEL, TASK_GATE}) {
        start();
        set_gpr(RBX, 0x1234);
        EXPECT_EQ(call(selector), COMPLETED);
        EXPECT_EQ(regs().rip, TASK_CODE);
        EXPECT_NE(now().rflags & bits::NT, 0u);
        EXPECT_EQ(get<std::uint16_t>(TSS2 + T_LINK), TSS_SEL);
        EXPECT_TRUE(is_busy(TSS_SEL));
        EXPECT_TRUE(is_busy(TSS2_SEL));
        put(TASK_CODE, std::uint8_t{0xcf}); // iret
        drop_code(TASK_CODE);
        EXPECT_EQ(step_once(), COMPLETED);
        EXPECT_EQ(regs().rip, CODE + 7);
        EXPECT_EQ(gpr(RBX), 0x1234u);
        EXPECT_EQ(now().rflags & bits::NT, 0u);
        EXPECT_EQ(now().seg[CORE_TR].selector, TSS_SEL);
        EXPECT_TRUE(is_busy(TSS_SEL));
        EXPECT_FALSE(is_busy(TSS2_SEL));
        EXPECT_EQ(get<std::uint32_t>(TSS2 + T_FLAGS) & bits::NT, 0u) << "the task that returned has NT cleared";
        EXPECT_EQ(get<std::uint32_t>(TSS2 + T_EIP), TASK_CODE + 1);
    }
}

TEST_F(task, a_task_gate_in_the_idt_serves_exceptions)
{
    start();
    put(IDT + 8 * EXC_GP, std::uint64_t{TSS2_SEL} << 16 | std::uint64_t{0x85} << 40);
    core_deliver_exception(core, EXC_GP, 0x1234, 0);
    EXPECT_EQ(now().rip, TASK_CODE);
    EXPECT_EQ(now().rsp, TASK_STACK - 4);
    EXPECT_EQ(frame32(0), 0x1234u) << "the error code";
    EXPECT_EQ(saved(T_EIP), CODE);
    EXPECT_NE(saved(T_FLAGS) & bits::RF, 0u) << "a fault";
    EXPECT_NE(now().rflags & bits::NT, 0u);
    // INT n checks the gate's DPL.
    start();
    put(IDT + 8 * 0x40, std::uint64_t{TSS2_SEL} << 16 | std::uint64_t{0x85} << 40);
    EXPECT_EQ(run({0xcd, 0x40}), COMPLETED);
    EXPECT_EQ(now().rip, TASK_CODE);
    EXPECT_EQ(saved(T_EIP), CODE + 2);
    start();
    become(3, false);
    state = now();
    state.gdt_limit = 0xff;
    set();
    put(IDT + 8 * 0x40, std::uint64_t{TSS2_SEL} << 16 | std::uint64_t{0x85} << 40);
    EXPECT_EQ(run({0xcd, 0x40}), EXC_GP);
    EXPECT_EQ(frame32(0), 0x40u * 8 + 2);
}

TEST_F(task, sixteen_bit_tasks)
{
    start();
    for (unsigned i = 0; i < 0x2c; i++)
        put(TSS2 + i, std::uint8_t{0});
    put(TSS2 + 0x0e, std::uint16_t{0x1000}); // IP
    put(TSS2 + 0x10, std::uint16_t{0x202});
    for (unsigned i = 0; i < 8; i++)
        put(TSS2 + 0x12 + 2 * i, std::uint16_t(0x3300 + i));
    const std::uint16_t selectors[] = {DATA0, CODE0, DATA0, DATA0};
    for (unsigned i = 0; i < 4; i++)
        put(TSS2 + 0x22 + 2 * i, selectors[i]);
    put(0x1000, std::uint8_t{0xcf}); // iret
    EXPECT_EQ(call(TSS16_SEL), COMPLETED);
    EXPECT_EQ(regs().rip, 0x1000u);
    EXPECT_EQ(gpr(RAX) & 0xffff, 0x3300u);
    EXPECT_EQ(gpr(RDI) & 0xffff, 0x3307u);
    EXPECT_EQ(now().seg[CORE_FS].selector, 0);
    EXPECT_EQ(get<std::uint16_t>(TSS2), TSS_SEL);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(regs().rip, CODE + 7);
    EXPECT_EQ(get<std::uint16_t>(TSS2 + 0x0e), 0x1001);
    EXPECT_EQ(get<std::uint16_t>(TSS2 + 0x2a), 0) << "the LDT selector is not saved";
}

TEST_F(task, faults_of_the_old_task_change_nothing)
{
    const struct {
        const char *what;
        std::uint16_t selector;
        std::uint64_t descriptor;
        int vector;
        std::uint32_t code;
    } cases[] = {
        {"busy", TSS2_SEL, descriptor(TSS2, 0x67, 0x8b, 0), EXC_GP, TSS2_SEL},
        {"absent", TSS2_SEL, descriptor(TSS2, 0x67, 0x09, 0), EXC_NP, TSS2_SEL},
        {"too small", TSS2_SEL, descriptor(TSS2, 0x66, 0x89, 0), EXC_TS, TSS2_SEL},
        {"too small, 16 bits", TSS2_SEL, descriptor(TSS2, 0x2a, 0x81, 0), EXC_TS, TSS2_SEL},
        {"absent gate", TASK_GATE, std::uint64_t{TSS2_SEL} << 16 | std::uint64_t{0x05} << 40, EXC_NP, TASK_GATE},
        {"gate to no TSS", TASK_GATE, std::uint64_t{DATA0} << 16 | std::uint64_t{0x85} << 40, EXC_GP, DATA0},
        {"gate into the LDT", TASK_GATE, std::uint64_t{TSS2_SEL | 4} << 16 | std::uint64_t{0x85} << 40, EXC_GP,
         TSS2_SEL | 4},
    };
    for (const auto &c : cases) {
        start();
        define(c.selector, c.descriptor);
        EXPECT_EQ(call(c.selector), c.vector) << c.what;
        EXPECT_EQ(frame32(0), c.code) << c.what;
        EXPECT_EQ(frame32(1), CODE) << c.what;
        EXPECT_EQ(now().seg[CORE_TR].selector, TSS_SEL);
        EXPECT_EQ(saved(T_EIP), 0u) << c.what;
    }
    start(); // DPL 0 from CPL 3
    become(3, false);
    state = now();
    state.gdt_limit = 0xff;
    set();
    EXPECT_EQ(jump(TSS2_SEL), EXC_GP);
    EXPECT_EQ(frame32(0), TSS2_SEL);
    // IRET to a task that is not busy
    start();
    put(TSS + T_LINK, TSS2_SEL);
    state = now();
    state.rflags |= bits::NT;
    set();
    EXPECT_EQ(run({0xcf}), EXC_TS);
    EXPECT_EQ(frame32(0), TSS2_SEL);
    // Long mode has no task switches.
    start_long(0);
    state.rflags |= bits::NT;
    set();
    EXPECT_EQ(run({0x48, 0xcf}), EXC_GP);
}

TEST_F(task, faults_of_the_new_task_are_its_own)
{
    const struct {
        const char *what;
        unsigned at;
        std::uint16_t selector;
        int vector;
    } cases[] = {
        {"read-only is no fault in DS", T_ES + 12, READ_ONLY, COMPLETED},
        {"DS execute-only", T_ES + 12, EXECUTE_ONLY, EXC_TS},
        {"DS absent", T_ES + 12, ABSENT_DATA, EXC_NP},
        {"ES beyond the table", T_ES, 0x1000, EXC_TS},
        {"null in GS", T_ES + 20, 0, COMPLETED},
    };
    for (const auto &c : cases) {
        start();
        put(TSS2 + c.at, c.selector);
        EXPECT_EQ(jump(TSS2_SEL), c.vector) << c.what;
        EXPECT_EQ(now().seg[CORE_TR].selector, TSS2_SEL);
        if (c.vector == COMPLETED)
            continue;
        EXPECT_EQ(frame32(0), c.selector);
        EXPECT_EQ(frame32(1), TASK_CODE) << c.what;
        EXPECT_EQ(now().rsp, TASK_STACK - 4 * 4);
    }
    // No stack in the new task: its handler must be a task again.
    for (std::uint16_t bad :
         {std::uint16_t{0}, std::uint16_t{READ_ONLY}, std::uint16_t{DATA3}, std::uint16_t{ABSENT_DATA}}) {
        start();
        put(TSS2 + T_ES + 8, bad);
        define(TSS_SEL, descriptor(TSS, 0x2067, 0x8b, 0));
        const unsigned vector = bad == ABSENT_DATA ? EXC_SS : EXC_TS;
        put(IDT + 8 * vector, std::uint64_t{TSS_SEL} << 16 | std::uint64_t{0x85} << 40);
        EXPECT_EQ(jump(TSS2_SEL), COMPLETED); // makes TSS available again
        EXPECT_EQ(now().seg[CORE_TR].selector, TSS_SEL) << bad;
        EXPECT_EQ(now().rip, CODE + 7);
        EXPECT_EQ(frame32(0), bad & 0xfffcu);
        EXPECT_EQ(get<std::uint32_t>(TSS2 + T_EIP), TASK_CODE);
    }
    start();
    put(TSS2 + T_ES + 4, CONFORMING);
    EXPECT_EQ(jump(TSS2_SEL), COMPLETED);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(now().rip, TASK_CODE + 1);
}

TEST_F(task, another_privilege_level_and_another_address_space)
{
    constexpr std::uint64_t DIR1 = 0x16000, DIR2 = 0x17000;
    start();
    put(DIR1, std::uint32_t{0x87}), put(DIR2, std::uint32_t{0x87}); // 4 MiB to themselves
    state = now();
    state.cr0 |= bits::CR0_PG;
    state.cr4 |= bits::CR4_PSE;
    state.cr3 = DIR1;
    set();
    put(TSS2 + T_CR3, std::uint32_t(DIR2));
    put(TSS2 + 4, std::uint32_t(STACK0)), put(TSS2 + 8, std::uint16_t{DATA0}); // ESP0, SS0
    for (unsigned i = 0; i < 6; i++)
        put(TSS2 + T_ES + 4 * i, std::uint16_t((i == 1 ? CODE3 : DATA3) | 3));
    EXPECT_EQ(jump(TSS2_SEL), COMPLETED);
    EXPECT_EQ(now().cr3, DIR2);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(run({0xf4}), EXC_GP) << "HLT at CPL 3";
}

TEST_F(task, the_t_bit_traps_and_local_breakpoints_end)
{
    start();
    put(TSS2 + T_T, std::uint16_t{1});
    state = now();
    state.dr7 = 0x400 | 0x100 | 0x33; // L0, G0, L2, G2, LE
    set();
    EXPECT_EQ(jump(TSS2_SEL), COMPLETED);
    EXPECT_EQ(now().dr7, 0x400u | 0x22u);
    EXPECT_EQ(step_once(), EXC_DB);
    EXPECT_EQ(now().dr6 & 0x8000, 0x8000u);
    EXPECT_EQ(frame32(0), TASK_CODE);
}

} // namespace
