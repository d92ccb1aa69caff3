// SPDX-License-Identifier: Apache-2.0
// MONITOR, MWAIT, UMONITOR, UMWAIT, TPAUSE: who may, what ends a wait, what it costs, and two cores on one line. Judge:
// SDM Vol. 2, the instructions' pages. The test plays the shell: time passes by cpu_idle_until.
#include "insn_fixture.h"

namespace
{
constexpr std::uint64_t LINE = 0x60000, LIMIT_MSR = 0xe1;
const std::vector<std::uint8_t> MONITOR = {0x0f, 0x01, 0xc8}, MWAIT = {0x0f, 0x01, 0xc9},
                                UMONITOR = {0xf3, 0x0f, 0xae, 0xf0}, // rax
    UMWAIT = {0xf2, 0x0f, 0xae, 0xf3},                               // ebx
    TPAUSE = {0x66, 0x0f, 0xae, 0xf3};

class waiting : public insn_fixture
{
  protected:
    waiting()
    {
        for (bool &has : config.features.has)
            has = true;
        create();
    }
    // Runs up to a little later; true if the core waits now.
    bool waits()
    {
        (void)!cpu_run(core, cpu_now(core) + 1);
        return cpu_is_waiting(core);
    }
    void arm(const code &insn, std::uint64_t address = LINE)
    {
        set_gpr(RAX, address), set_gpr(RCX, 0), set_gpr(RDX, 0);
        ASSERT_EQ(run(insn), COMPLETED);
    }
    void deadline(std::uint64_t tsc) { set_gpr(RAX, tsc & 0xffffffff), set_gpr(RDX, tsc >> 32), set_gpr(RBX, 0); }
    bool cf() { return regs().rflags & 1; }
};

TEST_F(waiting, mwait_ends_by_a_store_to_the_line)
{
    for (std::uint64_t offset : {0u, 63u}) {
        start_long(0);
        arm(MONITOR, LINE + 17);
        EXPECT_EQ(run(MWAIT), COMPLETED);
        EXPECT_TRUE(waits());
        EXPECT_EQ(cpu_wake_cycle(core), VP_NEVER);
        EXPECT_OK(core_view_write(core, CORE_SUPERVISOR, LINE + 64, 1));
        EXPECT_TRUE(waits());
        EXPECT_OK(core_view_write(core, CORE_SUPERVISOR, LINE - 8, 1));
        EXPECT_TRUE(waits());
        EXPECT_OK(core_view_write(core, CORE_SUPERVISOR, LINE + offset, 1));
        EXPECT_FALSE(cpu_is_waiting(core));
        place({0x48, 0xff, 0xc3}, CODE + MWAIT.size()); // inc rbx
        set_gpr(RBX, 0);
        (void)!cpu_run(core, cpu_now(core) + 1);
        EXPECT_EQ(gpr(RBX), 1u);
    }
}

TEST_F(waiting, without_an_armed_monitor_there_is_no_wait)
{
    start_long(0);
    EXPECT_EQ(run(MWAIT), COMPLETED);
    EXPECT_FALSE(cpu_is_waiting(core));
    arm(MONITOR);
    set_gpr(RDI, LINE);
    EXPECT_EQ(run({0x48, 0x89, 0x07}), COMPLETED); // the core's own store disarms
    EXPECT_EQ(run(MWAIT), COMPLETED);
    EXPECT_FALSE(cpu_is_waiting(core));
    arm(MONITOR);
    EXPECT_EQ(run(MWAIT), COMPLETED);
    EXPECT_TRUE(cpu_is_waiting(core));
}

// A store by the fast path of another core, whose translation of the page was cached before the line was monitored.
TEST_F(waiting, another_core_wakes_the_waiting_one)
{
    config.cores = 2;
    create();
    start_long(0);
    cpu *const waiter = core;
    core = create_another();
    ASSERT_NE(core, nullptr);
    core_get(core, &state);
    start_long(0);
    set_gpr(RDI, LINE + 8);
    place({0x48, 0x89, 0x07, 0x48, 0x89, 0x07, 0x48, 0xff, 0xc3, 0xeb, 0xf5}, CODE + 0x100); // loop: store, store, inc
    set_rip(CODE + 0x100);
    (void)!cpu_run(core, cpu_now(core) + 1000);
    EXPECT_GT(gpr(RBX), 100u);
    cpu *const writer = core;

    core = waiter;
    arm(MONITOR);
    EXPECT_EQ(run(MWAIT), COMPLETED);
    EXPECT_TRUE(waits());
    const std::uint64_t before = cpu_now(writer);
    (void)!cpu_run(writer, before + 100);
    EXPECT_FALSE(cpu_is_waiting(waiter));
    ASSERT_EQ(monitor_hits.size(), 1u);
    EXPECT_GE(monitor_hits[0], before);
    EXPECT_LE(monitor_hits[0], before + 3);
    EXPECT_EQ(woken.size(), 1u) << "the writer's shell is told";
    cpu_destroy(writer);
}

TEST_F(waiting, a_device_wakes_too)
{
    start_long(0);
    arm(MONITOR);
    EXPECT_EQ(run(MWAIT), COMPLETED);
    drop_code(LINE); // what a platform calls for writes of devices
    EXPECT_FALSE(cpu_is_waiting(core));
}

TEST_F(waiting, interrupts_end_mwait)
{
    for (bool enabled : {true, false})
        for (std::uint64_t ecx : {0u, 1u}) {
            start_long(0);
            state = now();
            state.rflags = enabled ? 2 | bits::IF : 2;
            set();
            arm(MONITOR);
            set_gpr(RCX, ecx);
            EXPECT_EQ(run(MWAIT), COMPLETED);
            EXPECT_TRUE(waits());
            interrupt = 0x40;
            cpu_signal_interrupt(core);
            EXPECT_EQ(cpu_is_waiting(core), !enabled && ecx == 0);
            place({0x90, 0x90, 0x90}, CODE + MWAIT.size());
            (void)!cpu_run(core, cpu_now(core) + 1);
            if (enabled) {
                EXPECT_EQ(regs().rip & ~std::uint64_t{3}, handler(0x40)) << "and perhaps its first instruction";
                EXPECT_EQ(frame64(0), CODE + MWAIT.size());
            } else {
                EXPECT_EQ(regs().rip, CODE + MWAIT.size() + ecx) << "goes on, the interrupt stays pending";
            }
            interrupt = 0;
        }
}

TEST_F(waiting, conditions_of_monitor_and_mwait)
{
    for (const code &c : {MONITOR, MWAIT}) {
        start_long(3);
        set_gpr(RAX, LINE), set_gpr(RCX, 0);
        EXPECT_EQ(run(c), EXC_UD) << "CPL 3";
        start_long(0);
        set_gpr(RAX, LINE), set_gpr(RCX, 2);
        EXPECT_EQ(run(c), EXC_GP);
        start_long(0);
        EXPECT_OK(core_msr_write(core, 0x1a0, 1));
        set_gpr(RAX, LINE), set_gpr(RCX, 0);
        EXPECT_EQ(run(c), EXC_UD) << "IA32_MISC_ENABLE[18] = 0";
        std::uint32_t r[4];
        core_cpuid(core, 1, 0, r);
        EXPECT_EQ(r[2] & 8, 0u);
        EXPECT_OK(core_msr_write(core, 0x1a0, 0x40001));
        core_cpuid(core, 1, 0, r);
        EXPECT_EQ(r[2] & 8, 8u);
    }
    start_long(0);
    set_gpr(RAX, 0x40000000), set_gpr(RCX, 0);
    EXPECT_EQ(run(MONITOR), EXC_PF);
    start_long(0);
    set_gpr(RAX, 0x800000000000), set_gpr(RCX, 0);
    EXPECT_EQ(run(MONITOR), EXC_GP);
    start_long(3);
    set_gpr(RAX, 0x100000000 + LINE); // with 67H the address is EAX
    EXPECT_EQ(run({0x67, 0xf3, 0x0f, 0xae, 0xf0}), COMPLETED);
}

TEST_F(waiting, umwait_and_tpause_end_at_the_deadline)
{
    for (const code &c : {UMWAIT, TPAUSE}) {
        start_long(3);
        const std::uint64_t offset = 1000000;
        EXPECT_OK(core_msr_write(core, 0x3b, offset)); // IA32_TSC_ADJUST
        arm(UMONITOR);
        const std::uint64_t at = cpu_now(core) + 5000;
        deadline(at + offset);
        cpu_regs r = regs();
        r.rflags |= 0x8d5;
        cpu_set_regs(core, &r);
        EXPECT_EQ(run(c), COMPLETED);
        EXPECT_TRUE(waits());
        EXPECT_EQ(cpu_wake_cycle(core), at);
        EXPECT_EQ(regs().rflags & 0x8d5, 0u);
        const std::uint64_t insns = cpu_stats(core)->instructions;
        cpu_idle_until(core, at - 1);
        EXPECT_TRUE(waits() || cpu_now(core) >= at);
        cpu_idle_until(core, at);
        EXPECT_FALSE(cpu_is_waiting(core));
        EXPECT_EQ(cpu_stats(core)->instructions, insns) << "nothing was executed";
        place({0x90, 0x90}, CODE + 4);
        (void)!cpu_run(core, cpu_now(core) + 1);
        EXPECT_FALSE(cf());
        EXPECT_EQ(regs().rip, CODE + 5);
        // A deadline that has passed is no wait.
        deadline(offset);
        arm(UMONITOR);
        deadline(offset);
        EXPECT_EQ(run(c), COMPLETED);
        EXPECT_FALSE(cpu_is_waiting(core));
        EXPECT_OK(core_msr_write(core, 0x3b, 0));
    }
}

TEST_F(waiting, the_operating_systems_limit_sets_cf)
{
    EXPECT_FAULT(core_msr_write(core, LIMIT_MSR, 2), EXC_GP, 0);
    EXPECT_FAULT(core_msr_write(core, LIMIT_MSR, std::uint64_t{1} << 32), EXC_GP, 0);
    for (const code &c : {UMWAIT, TPAUSE}) {
        start_long(3);
        EXPECT_OK(core_msr_write(core, LIMIT_MSR, 1001)); // 1000, C0.2 off
        arm(UMONITOR);
        deadline(cpu_now(core) + 5000);
        const std::uint64_t before = cpu_now(core);
        EXPECT_EQ(run(c), COMPLETED);
        EXPECT_TRUE(cpu_is_waiting(core));
        EXPECT_EQ(cpu_wake_cycle(core), before + 1000);
        cpu_idle_until(core, before + 1000);
        place({0x90, 0x90}, CODE + 4);
        (void)!cpu_run(core, cpu_now(core) + 1);
        EXPECT_TRUE(cf());
        arm(UMONITOR);
        deadline(cpu_now(core) + 500); // shorter than the limit
        EXPECT_EQ(run(c), COMPLETED);
        cpu_idle_until(core, cpu_wake_cycle(core));
        place({0x90, 0x90}, CODE + 4);
        (void)!cpu_run(core, cpu_now(core) + 1);
        EXPECT_FALSE(cf());
    }
}

TEST_F(waiting, masked_interrupts_end_umwait_and_tpause)
{
    for (const code &c : {UMWAIT, TPAUSE}) {
        start_long(0);
        state = now();
        state.rflags = 2;
        set();
        arm(UMONITOR);
        deadline(~std::uint64_t{0});
        EXPECT_EQ(run(c), COMPLETED);
        EXPECT_TRUE(waits());
        interrupt = 0x40;
        cpu_signal_interrupt(core);
        EXPECT_FALSE(cpu_is_waiting(core));
        place({0x90, 0x90}, CODE + 4);
        (void)!cpu_run(core, cpu_now(core) + 1);
        EXPECT_EQ(regs().rip, CODE + 5);
        EXPECT_FALSE(cf());
        interrupt = 0;
    }
}

TEST_F(waiting, conditions_of_the_user_instructions)
{
    for (const code &c : {UMWAIT, TPAUSE}) {
        start_long(3);
        arm(UMONITOR);
        deadline(0);
        set_gpr(RBX, 2);
        EXPECT_EQ(run(c), EXC_GP);
        start_long(3);
        set_cr(0, 4); // TSD
        deadline(0);
        EXPECT_EQ(run(c), EXC_GP);
        start_long(3);
        deadline(0);
        set_gpr(RBX, 1);
        EXPECT_EQ(run(c), COMPLETED);
    }
    config.features.has[CPU_FEATURE_waitpkg] = config.features.has[CPU_FEATURE_monitor] = false;
    create();
    for (const code &c : {UMWAIT, TPAUSE, UMONITOR, MONITOR, MWAIT}) {
        start_long(0);
        EXPECT_EQ(run(c), EXC_UD);
    }
    EXPECT_FAULT(core_msr_write(core, LIMIT_MSR, 0), EXC_GP, 0);
}

// A notification for this core arrives in TPAUSE at CPL 3: the wait ends and the user interrupt is delivered after it.
TEST_F(waiting, a_user_interrupt_ends_tpause)
{
    constexpr std::uint64_t UPID = 0x62000, USER_HANDLER = 0x63000;
    start_long(3);
    set_cr(0, 1u << 25);
    EXPECT_OK(core_msr_write(core, 0x986, USER_HANDLER));
    EXPECT_OK(core_msr_write(core, 0x988, std::uint64_t{0xec} << 32));
    EXPECT_OK(core_msr_write(core, 0x989, UPID));
    put(UPID, std::uint64_t{1});
    put(UPID + 8, std::uint64_t{1} << 5);
    ASSERT_EQ(run({0xf3, 0x0f, 0x01, 0xef}), COMPLETED); // stui
    deadline(~std::uint64_t{0});
    EXPECT_EQ(run(TPAUSE), COMPLETED);
    EXPECT_TRUE(waits());
    interrupt = 0xec;
    cpu_signal_interrupt(core);
    place({0x90, 0x90}, USER_HANDLER);
    place({0x90, 0x90}, CODE + 4);
    (void)!cpu_run(core, cpu_now(core) + 1);
    EXPECT_EQ(regs().rip & ~std::uint64_t{1}, USER_HANDLER);
    EXPECT_EQ(frame64(0), 5u) << "the vector";
    EXPECT_EQ(frame64(1), CODE + 4) << "the instruction after TPAUSE";
}

TEST_F(waiting, monitor_leaf)
{
    std::uint32_t r[4];
    core_cpuid(core, 5, 0, r);
    EXPECT_EQ(r[0], 64u);
    EXPECT_EQ(r[1], 64u);
    EXPECT_EQ(r[2], 3u);
}

} // namespace
