// SPDX-License-Identifier: Apache-2.0
// At which instruction boundary a user interrupt is delivered, where the boundary itself is the question: after MOV SS,
// POP SS and STI, on every kind of return to CPL 3, in compatibility mode, and what a notification without a delivery
// does to a core that waits. The test makes the request between two instructions. Judge: SDM Vol. 3, "User-Interrupt
// Delivery" and "User-Interrupt Notification Processing".
#include "insn_fixture.h"

namespace
{
constexpr std::uint64_t USER_HANDLER = 0x63000, CR4_UINTR = 1u << 25, SYSENTER_CS = 0x174;
using code_bytes = std::vector<std::uint8_t>;
const code_bytes STUI = {0xf3, 0x0f, 0x01, 0xef}, MOV_SS = {0x8e, 0xd0}, SYSRETQ = {0x48, 0x0f, 0x07},
                 SYSEXITQ = {0x48, 0x0f, 0x35}, RETFQ = {0x48, 0xcb}, IRETQ = {0x48, 0xcf};

class uintr_conformance : public insn_fixture
{
  protected:
    void start(std::uint8_t cpl)
    {
        start_long(cpl);
        set_cr(0, CR4_UINTR);
        EXPECT_OK(core_msr_write(core, 0x986, USER_HANDLER));
        EXPECT_OK(core_msr_write(core, 0x987, 128));
        place({0x90, 0xeb, 0xfd}, USER_HANDLER);
        place(code_bytes(64, 0x90), CODE + 0x200);
        ASSERT_EQ(run(STUI), COMPLETED);
    }
    void request(unsigned vector) { EXPECT_OK(core_msr_write(core, 0x985, std::uint64_t{1} << vector)); }
    void step() { (void)!cpu_run(core, cpu_now(core) + 1); }
    bool in_handler() { return regs().rip >= USER_HANDLER && regs().rip < USER_HANDLER + 16; }
    std::uint64_t pushed_rip() { return get<std::uint64_t>(STACK3 - 128 - 32 + 8); }
    // A frame of quadwords on the stack of CPL 0.
    void push0(const std::vector<std::uint64_t> &frame)
    {
        state = now();
        state.rsp = STACK0 - 8 * frame.size();
        set();
        for (std::size_t i = 0; i < frame.size(); i++)
            put(STACK0 - 8 * frame.size() + 8 * i, frame[i]);
    }
    void expect_delivery_at(std::uint64_t rip)
    {
        EXPECT_FALSE(in_handler());
        step();
        EXPECT_TRUE(in_handler());
        EXPECT_EQ(pushed_rip(), rip);
    }
};

TEST_F(uintr_conformance, D12_mov_ss_and_pop_ss_hold_a_delivery_for_one_instruction)
{
    // POP SS does not exist in 64-bit mode; MOV SS from a register and from memory do.
    for (const code_bytes &insn : {MOV_SS, code_bytes{0x8e, 0x13}}) {
        start(3);
        set_gpr(RAX, DATA3 | 3);
        set_gpr(RBX, 0x64000);
        put(0x64000, std::uint16_t(DATA3 | 3));
        place({0x90, 0x90, 0x90, 0x90}, CODE + 2);
        place(insn);
        set_rip(CODE);
        step();
        ASSERT_EQ(regs().rip, CODE + 2);
        request(5);
        step();
        EXPECT_EQ(regs().rip, CODE + 3) << "one instruction runs under the shadow";
        expect_delivery_at(CODE + 3);
    }
}

TEST_F(uintr_conformance, D13_sti_does_not_hold_a_delivery)
{
    start(3);
    state = now();
    state.rflags = 2 | bits::IOPL3;
    set();
    place({0xfb, 0x90, 0x90, 0x90});
    set_rip(CODE);
    step();
    ASSERT_EQ(regs().rip, CODE + 1);
    ASSERT_NE(regs().rflags & bits::IF, 0u);
    request(5);
    expect_delivery_at(CODE + 1);
    // The shadow of STI is over: an ordinary interrupt is taken before the handler's first instruction.
    start(3);
    state = now();
    state.rflags = 2 | bits::IOPL3;
    set();
    place({0xfb, 0x90, 0x90, 0x90});
    set_rip(CODE);
    step();
    request(5);
    step();
    interrupt = 0x55;
    cpu_signal_interrupt(core);
    step();
    EXPECT_EQ(vector_at(regs().rip), 0x55);
}

TEST_F(uintr_conformance, D21_every_return_to_cpl_3_delivers_before_the_first_instruction)
{
    const std::uint64_t target = CODE + 0x200;
    start(0); // IRETQ
    push0({target, CODE3 | 3, 2, STACK3, DATA3 | 3});
    request(5);
    ASSERT_EQ(run(IRETQ), COMPLETED);
    ASSERT_EQ(regs().rip, target);
    expect_delivery_at(target);

    start(0); // far RET
    push0({target, CODE3 | 3, STACK3, DATA3 | 3});
    request(5);
    ASSERT_EQ(run(RETFQ), COMPLETED);
    ASSERT_EQ(regs().rip, target);
    expect_delivery_at(target);

    start(0); // SYSRET
    EXPECT_OK(core_msr_write(core, 0xc0000080, now().efer | 1));
    EXPECT_OK(core_msr_write(core, 0xc0000081, std::uint64_t{DATA3 - 8} << 48 | std::uint64_t{CODE0} << 32));
    set_gpr(RCX, target), set_gpr(R11, 2), set_gpr(RSP, STACK3);
    request(5);
    ASSERT_EQ(run(SYSRETQ), COMPLETED);
    ASSERT_EQ(regs().rip, target);
    expect_delivery_at(target);

    start(0); // SYSEXIT with REX.W: CS is IA32_SYSENTER_CS + 32
    EXPECT_OK(core_msr_write(core, SYSENTER_CS, CODE0));
    set_gpr(RDX, target), set_gpr(RCX, STACK3);
    request(5);
    ASSERT_EQ(run(SYSEXITQ), COMPLETED);
    ASSERT_EQ(regs().rip, target);
    expect_delivery_at(target);
}

// Setting CR4.UINTR looks at UIRR again: what was requested before is delivered (SDM Vol. 3, "Recognition").
TEST_F(uintr_conformance, a_request_outlives_the_clearing_of_cr4_uintr)
{
    const std::uint64_t target = CODE + 0x200;
    start(0);
    push0({target, CODE3 | 3, 2, STACK3, DATA3 | 3});
    request(5);
    EXPECT_OK(core_write_cr(core, 4, now().cr4 & ~CR4_UINTR));
    place({0x90});
    set_rip(CODE);
    step();
    EXPECT_OK(core_write_cr(core, 4, now().cr4 | CR4_UINTR));
    ASSERT_EQ(run(IRETQ), COMPLETED);
    ASSERT_EQ(regs().rip, target);
    expect_delivery_at(target);
}

TEST_F(uintr_conformance, D19_iret_to_compatibility_mode_defers_and_the_far_jump_back_delivers)
{
    start(0);
    push0({CODE + 0x100, CODE32_3 | 3, 2, STACK3, DATA3 | 3});
    request(5);
    place({0x90, 0x90, 0xea, 0x00, 0x02, 0x05, 0x00, CODE3 | 3, 0x00}, CODE + 0x100); // nop; nop; ljmp CODE3:CODE+200H
    ASSERT_EQ(run(IRETQ), COMPLETED);
    for (std::uint64_t rip : {CODE + 0x101, CODE + 0x102, CODE + 0x200}) {
        step();
        EXPECT_EQ(regs().rip, rip) << "no delivery in compatibility mode";
    }
    expect_delivery_at(CODE + 0x200);
}

// With UIF = 0 no delivery follows that would end the wait by itself: only the notification can.
TEST_F(uintr_conformance, N14_a_notification_ends_mwait_umwait_and_tpause_but_not_hlt)
{
    constexpr std::uint64_t UPID = 0x62000, LINE = 0x60000;
    const code_bytes MONITOR = {0x0f, 0x01, 0xc8}, UMONITOR = {0xf3, 0x0f, 0xae, 0xf0}, CLUI = {0xf3, 0x0f, 0x01, 0xee};
    struct {
        const char *name;
        code_bytes arm, wait;
        std::uint8_t cpl;
        bool ends;
    } waits[] = {
        {"MWAIT", MONITOR, {0x0f, 0x01, 0xc9}, 0, true},
        {"UMWAIT", UMONITOR, {0xf2, 0x0f, 0xae, 0xf3}, 3, true},
        {"UMWAIT at CPL 0", UMONITOR, {0xf2, 0x0f, 0xae, 0xf3}, 0, true},
        {"TPAUSE", {0x90}, {0x66, 0x0f, 0xae, 0xf3}, 3, true},
        {"TPAUSE at CPL 0", {0x90}, {0x66, 0x0f, 0xae, 0xf3}, 0, true},
        {"HLT", {0x90}, {0xf4}, 0, false},
    };
    for (bool &has : config.features.has)
        has = true;
    create();
    for (const auto &w : waits) {
        SCOPED_TRACE(w.name);
        start(w.cpl);
        ASSERT_EQ(run(CLUI), COMPLETED);
        state = now();
        state.rflags = 2 | bits::IF;
        state.rsp = w.cpl == 0 ? STACK0 : STACK3;
        set();
        EXPECT_OK(core_msr_write(core, 0x988, std::uint64_t{0xec} << 32));
        EXPECT_OK(core_msr_write(core, 0x989, UPID));
        put(UPID, std::uint64_t{1});
        put(UPID + 8, std::uint64_t{1} << 5);
        set_gpr(RAX, LINE), set_gpr(RCX, 0), set_gpr(RDX, 0);
        ASSERT_EQ(run(w.arm), COMPLETED);
        set_gpr(RAX, UINT32_MAX), set_gpr(RDX, UINT32_MAX), set_gpr(RBX, 0); // the deadline
        if (w.wait[0] == 0x0f)
            set_gpr(RAX, 0), set_gpr(RDX, 0); // MWAIT: hints
        const std::uint64_t next = CODE + w.wait.size();
        place(code_bytes(16, 0x90), CODE);
        ASSERT_EQ(run(w.wait), COMPLETED);
        step();
        ASSERT_EQ(regs().rip, next) << "it waits";
        interrupt = 0xec;
        cpu_signal_interrupt(core);
        step();
        step();
        std::uint64_t uirr = 0;
        EXPECT_OK(core_msr_read(core, 0x985, &uirr));
        EXPECT_EQ(uirr, std::uint64_t{1} << 5);
        EXPECT_EQ(get<std::uint64_t>(UPID), 0u);
        EXPECT_EQ(get<std::uint64_t>(UPID + 8), 0u);
        if (w.ends)
            EXPECT_GT(regs().rip, next);
        else
            EXPECT_EQ(regs().rip, next);
        EXPECT_FALSE(in_handler());
        set_gpr(RAX, LINE); // the IDT's handlers are zeros: ADD [RAX], AL
        interrupt = 0x55;   // an ordinary one ends HLT too
        cpu_signal_interrupt(core);
        step();
        EXPECT_EQ(vector_at(regs().rip), 0x55);
    }
}

TEST_F(uintr_conformance, I06_the_five_are_undefined_in_protected_mode)
{
    for (const code_bytes &insn : {code_bytes{0xf3, 0x0f, 0x01, 0xec}, code_bytes{0xf3, 0x0f, 0x01, 0xed},
                                   code_bytes{0xf3, 0x0f, 0x01, 0xee}, STUI, code_bytes{0xf3, 0x0f, 0xc7, 0xf0}})
        for (unsigned cpl : {0u, 3u}) {
            start_32(static_cast<std::uint8_t>(cpl));
            set_cr(0, CR4_UINTR);
            EXPECT_EQ(run(insn), EXC_UD) << int(insn[3]);
        }
}

TEST_F(uintr_conformance, E11_init_and_reset_clear_the_registers_and_the_timer)
{
    for (bool reset : {true, false}) {
        for (bool &has : config.features.has)
            has = true;
        create();
        start(3);
        request(5);
        EXPECT_OK(core_msr_write(core, 0x1b00, 0x12340));
        if (reset) {
            cpu_reset(core);
        } else {
            cpu_signal_init(core);
            (void)!cpu_run(core, cpu_now(core) + 1);
        }
        std::uint64_t value = 1;
        for (std::uint32_t msr : {0x985u, 0x986u, 0x987u, 0x988u, 0x989u, 0x98au, 0x1b00u}) {
            EXPECT_OK(core_msr_read(core, msr, &value));
            EXPECT_EQ(value, 0u) << std::hex << msr;
        }
    }
}
} // namespace
