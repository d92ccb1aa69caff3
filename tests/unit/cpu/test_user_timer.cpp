// SPDX-License-Identifier: Apache-2.0
// The user timer in a core: at which cycle its event is taken, what holds it off, which waits it ends, and what a
// change of the TSC does to it. Judge: ISE reference, "User-Timer Events and Interrupts". The register:
// test_uintr_timer.cpp.
#include "insn_fixture.h"

namespace
{
constexpr std::uint64_t TIMER = 0x1b00, USER_HANDLER = 0x63000, CR4_UINTR = 1u << 25;
const std::vector<std::uint8_t> STUI = {0xf3, 0x0f, 0x01, 0xef}, CLUI = {0xf3, 0x0f, 0x01, 0xee},
                                TPAUSE = {0x66, 0x0f, 0xae, 0xf3}, IRETQ = {0x48, 0xcf};

class user_timer : public insn_fixture
{
  protected:
    user_timer() { with(true, true); }
    void with(bool utmr, bool uintr)
    {
        for (bool &has : config.features.has)
            has = true;
        config.features.has[CPU_FEATURE_utmr] = utmr;
        config.features.has[CPU_FEATURE_uintr] = uintr;
        create();
    }
    // CPL 3 in an endless loop of one-cycle instructions at CODE, UIF as given.
    void start(bool uif, std::uint8_t cpl = 3)
    {
        start_long(cpl);
        set_cr(0, CR4_UINTR);
        EXPECT_OK(core_msr_write(core, 0x986, USER_HANDLER));
        EXPECT_OK(core_msr_write(core, 0x987, 128));
        ASSERT_EQ(run(uif ? STUI : CLUI), COMPLETED);
        place({0x48, 0xff, 0xc3, 0xeb, 0xfb}, CODE + 0x100); // l: inc rbx; jmp l
        place({0xeb, 0xfe}, USER_HANDLER);
        set_rip(CODE + 0x100);
    }
    std::uint64_t tsc()
    {
        std::uint64_t value = 0;
        EXPECT_OK(core_msr_read(core, 0x10, &value));
        return value;
    }
    // The first multiple of 64 at or after the TSC in `cycles`.
    std::uint64_t deadline_in(std::uint64_t cycles) { return (tsc() + cycles + 63) & ~std::uint64_t{63}; }
    void arm(std::uint64_t deadline, unsigned vector) { EXPECT_OK(core_msr_write(core, TIMER, deadline | vector)); }
    std::uint64_t msr(std::uint32_t number)
    {
        std::uint64_t value = 0;
        EXPECT_OK(core_msr_read(core, number, &value));
        return value;
    }
    void run_for(std::uint64_t cycles) { (void)!cpu_run(core, cpu_now(core) + cycles); }
    bool in_handler() { return (regs().rip & ~std::uint64_t{15}) == USER_HANDLER; }
    std::uint64_t delivered_at() // the cycle of the last delivery's beginning
    {
        for (auto s = steps.rbegin(); s != steps.rend(); ++s)
            if (s->kind == UINTR_STEP_DELIVER_BEGIN)
                return s->cycle;
        return 0;
    }
};

TEST_F(user_timer, W02_taken_at_the_first_boundary_at_or_after_the_deadline)
{
    for (std::uint64_t distance : {1u, 64u, 700u, 12345u}) {
        start(true);
        const std::uint64_t deadline = deadline_in(distance), cycle = cpu_now(core) + (deadline - tsc());
        arm(deadline, 37);
        (void)!cpu_run(core, cycle);
        EXPECT_FALSE(in_handler());
        EXPECT_EQ(msr(TIMER), deadline | 37);
        (void)!cpu_run(core, cycle + 5);
        EXPECT_TRUE(in_handler());
        EXPECT_EQ(delivered_at(), cycle) << "every instruction takes one cycle";
        EXPECT_EQ(frame64(0), 37u);
        EXPECT_EQ(msr(TIMER), 0u);
        EXPECT_EQ(msr(0x985), 0u);
    }
}

TEST_F(user_timer, W02_a_run_that_goes_far_beyond_the_deadline_does_not_pass_it)
{
    start(true);
    const std::uint64_t deadline = deadline_in(5000), cycle = cpu_now(core) + (deadline - tsc());
    arm(deadline, 1);
    run_for(1000000);
    EXPECT_EQ(delivered_at(), cycle);
}

TEST_F(user_timer, W02_a_deadline_in_the_past_is_due_at_once)
{
    start(true);
    run_for(1000);
    arm(64, 63);
    run_for(2);
    EXPECT_TRUE(in_handler());
    EXPECT_EQ(frame64(0), 63u);
}

TEST_F(user_timer, W03_with_uif_clear_it_stays_in_the_timer)
{
    start(false);
    const std::uint64_t deadline = deadline_in(100);
    arm(deadline, 5);
    run_for(1000);
    EXPECT_FALSE(in_handler());
    EXPECT_EQ(msr(TIMER), deadline | 5);
    EXPECT_EQ(msr(0x985), 0u);
    ASSERT_EQ(run(STUI), COMPLETED);
    run_for(1);
    EXPECT_TRUE(in_handler());
    EXPECT_EQ(frame64(0), 5u);
    EXPECT_EQ(frame64(1), CODE + 4) << "directly after STUI";
}

TEST_F(user_timer, W04_zero_withdraws_it_also_after_the_deadline)
{
    start(false);
    arm(deadline_in(100), 5);
    run_for(1000);
    arm(0, 0);
    ASSERT_EQ(run(STUI), COMPLETED);
    run_for(1000);
    EXPECT_FALSE(in_handler());
}

TEST_F(user_timer, W05_at_cpl_0_it_waits_for_the_return)
{
    start(true, 0);
    const std::uint64_t deadline = deadline_in(100);
    arm(deadline, 6);
    run_for(1000);
    EXPECT_EQ(msr(TIMER), deadline | 6);
    // IRETQ to CPL 3.
    const std::uint64_t frame[] = {CODE + 0x200, CODE3 | 3, 2, STACK3, DATA3 | 3};
    state = now();
    state.rsp = STACK0 - sizeof frame;
    set();
    for (unsigned i = 0; i < 5; i++)
        put(STACK0 - sizeof frame + 8 * i, frame[i]);
    ASSERT_EQ(run(IRETQ), COMPLETED);
    run_for(1);
    EXPECT_TRUE(in_handler());
    EXPECT_EQ(frame64(1), CODE + 0x200) << "before the first user instruction";
}

TEST_F(user_timer, cr4_uintr_and_compatibility_mode_hold_it_off)
{
    start(true);
    state = now();
    state.cr4 &= ~CR4_UINTR;
    set();
    const std::uint64_t deadline = deadline_in(100);
    arm(deadline, 6);
    run_for(1000);
    EXPECT_FALSE(in_handler());
    EXPECT_EQ(msr(TIMER), deadline | 6);
    set_cr(0, CR4_UINTR);
    const std::uint16_t attr = now().seg[CORE_CS].attr;
    state = now();
    state.seg[CORE_CS].attr = std::uint16_t((attr & ~0x2000) | 0x4000);
    set();
    run_for(1000);
    EXPECT_FALSE(in_handler());
    state = now();
    state.seg[CORE_CS].attr = attr;
    set();
    run_for(1);
    EXPECT_TRUE(in_handler());
}

TEST_F(user_timer, ends_tpause_at_its_cycle_if_it_may_be_taken)
{
    for (bool uif : {true, false}) {
        start(uif);
        const std::uint64_t deadline = deadline_in(5000), cycle = cpu_now(core) + (deadline - tsc());
        arm(deadline, 2);
        set_gpr(RAX, 0xffffffff), set_gpr(RDX, 0xffffffff), set_gpr(RBX, 0);
        ASSERT_EQ(run(TPAUSE), COMPLETED);
        run_for(1);
        EXPECT_TRUE(cpu_is_waiting(core));
        EXPECT_EQ(cpu_wake_cycle(core), uif ? cycle : VP_NEVER);
        cpu_idle_until(core, cycle - 1);
        EXPECT_TRUE(cpu_is_waiting(core));
        cpu_idle_until(core, cycle);
        EXPECT_EQ(cpu_is_waiting(core), !uif);
        run_for(1);
        EXPECT_EQ(in_handler(), uif);
        if (uif) {
            EXPECT_EQ(frame64(1), CODE + TPAUSE.size());
        }
    }
}

TEST_F(user_timer, follows_the_tsc)
{
    start(true);
    arm(deadline_in(100000), 2);
    run_for(100);
    EXPECT_FALSE(in_handler());
    EXPECT_OK(core_msr_write(core, 0x10, tsc() + 200000)); // now it lies in the past
    run_for(2);
    EXPECT_TRUE(in_handler());
    start(true);
    arm(deadline_in(200), 2);
    EXPECT_OK(core_msr_write(core, 0x3b, 0)); // IA32_TSC_ADJUST: back by 200000
    run_for(1000);
    EXPECT_FALSE(in_handler());
    run_for(300000);
    EXPECT_TRUE(in_handler());
}

TEST_F(user_timer, an_ordinary_interrupt_comes_first)
{
    start(true);
    state = now();
    state.rflags |= bits::IF;
    set();
    arm(64, 4);
    interrupt = 0x55;
    cpu_signal_interrupt(core);
    (void)!cpu_run(core, cpu_now(core) + 1);
    EXPECT_EQ(vector_at(regs().rip), 0x55);
    EXPECT_EQ(msr(TIMER), 64u | 4);
}

TEST_F(user_timer, exists_only_with_its_feature)
{
    with(false, true);
    start_long(0);
    std::uint64_t value = 0;
    EXPECT_FAULT(core_msr_read(core, TIMER, &value), EXC_GP, 0);
    EXPECT_FAULT(core_msr_write(core, TIMER, 0), EXC_GP, 0);
    std::uint32_t out[4];
    core_cpuid(core, 7, 1, out);
    EXPECT_EQ(out[3] & 1u << 13, 0u);
    with(true, true);
    core_cpuid(core, 7, 1, out);
    EXPECT_NE(out[3] & 1u << 13, 0u);
}

// UIRET ends address monitoring, as IRET does: an UMWAIT that was interrupted after its UMONITOR must not wait.
TEST_F(user_timer, uiret_disarms_the_monitor)
{
    start(true);
    set_gpr(RAX, 0x70000);
    ASSERT_EQ(run({0xf3, 0x0f, 0xae, 0xf0}), COMPLETED); // umonitor rax
    const std::uint64_t image[] = {CODE + 0x40, 2, STACK3};
    for (unsigned i = 0; i < 3; i++)
        put(STACK3 - 64 + 8 * i, image[i]);
    set_gpr(RSP, STACK3 - 64);
    ASSERT_EQ(run({0xf3, 0x0f, 0x01, 0xec}), COMPLETED); // uiret
    EXPECT_EQ(regs().rip, CODE + 0x40);
    set_gpr(RAX, 0xffffffff), set_gpr(RDX, 0xffffffff), set_gpr(RBX, 0);
    ASSERT_EQ(run({0xf2, 0x0f, 0xae, 0xf3}), COMPLETED); // umwait ebx
    run_for(1);
    EXPECT_FALSE(cpu_is_waiting(core));
}
} // namespace
