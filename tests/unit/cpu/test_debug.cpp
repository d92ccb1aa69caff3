// SPDX-License-Identifier: Apache-2.0
// Debug registers: instruction, data and I/O breakpoints, single steps, RF, general detect. Judge: SDM Vol. 3, "Debug
// Registers" and "Debug Exceptions".
#include "insn_fixture.h"

namespace
{
constexpr std::uint64_t AT = 0x60000, DR6_NONE = 0xffff0ff0, BS = 0x4000, BD = 0x2000, CR4_DE = 8;
enum { EXECUTE, WRITE, IO, READ_WRITE };
enum { LEN1, LEN2, LEN8, LEN4 };
const std::vector<std::uint8_t> NOP = {0x90}, LOAD = {0x48, 0x8b, 0x07}, STORE = {0x48, 0x89, 0x07}, // [rdi], rax
    STORE8 = {0x88, 0x07};

class debug : public insn_fixture
{
  protected:
    debug()
    {
        config.features.has[CPU_FEATURE_de] = true;
        create();
    }
    // DRn = address; enabled in DR7 (global) with type and length.
    void breakpoint(unsigned n, std::uint64_t address, unsigned type, unsigned length)
    {
        const core_state before = now();
        set_gpr(RAX, address);
        EXPECT_EQ(run({0x0f, 0x23, static_cast<std::uint8_t>(0xc0 | n << 3)}), COMPLETED);
        state = now();
        state.rip = before.rip;
        state.dr7 |= std::uint64_t{2} << (2 * n) | std::uint64_t{type | length << 2} << (16 + 4 * n);
        set();
    }
    void start()
    {
        start_long(0);
        state = now();
        state.dr6 = DR6_NONE;
        state.dr7 = 0x400;
        set();
    }
    // Executes `bytes` at CODE and the step after it. Answers DR6, or 0 if the step was no #DB.
    std::uint64_t trap_of(const code &bytes)
    {
        place(bytes);
        place({0x90, 0x90}, CODE + bytes.size());
        set_rip(CODE);
        if (step_once() != COMPLETED)
            return 0;
        m_length = bytes.size();
        return step_once() == EXC_DB ? now().dr6 : 0;
    }
    std::size_t m_length = 0;
};

TEST_F(debug, data_breakpoints_by_type_and_place)
{
    const struct {
        unsigned type, length;
        std::uint64_t offset; // of the access
        const code &insn;
        bool hits;
    } cases[] = {
        {WRITE, LEN8, 0, STORE, true},
        {WRITE, LEN8, 0, LOAD, false},
        {READ_WRITE, LEN8, 0, LOAD, true},
        {READ_WRITE, LEN8, 0, STORE, true},
        {WRITE, LEN1, 7, STORE8, false},
        {WRITE, LEN8, 7, STORE8, true},
        {WRITE, LEN8, 8, STORE8, false},
        {WRITE, LEN4, 3, STORE8, true},
        {WRITE, LEN4, 4, STORE8, false},
        {WRITE, LEN2, 1, STORE8, true},
        {WRITE, LEN2, 2, STORE8, false},
        {WRITE, LEN1, ~std::uint64_t{6}, STORE, true},
        {WRITE, LEN1, ~std::uint64_t{7}, STORE, false},
        {EXECUTE, LEN1, 0, STORE, false},
    };
    for (const auto &c : cases) {
        start();
        breakpoint(2, AT, c.type, c.length);
        set_gpr(RDI, AT + c.offset), set_gpr(RAX, 0x55);
        EXPECT_EQ(trap_of(c.insn), c.hits ? DR6_NONE | 4 : 0) << c.type << c.length << " " << c.offset;
        if (c.hits) {
            EXPECT_EQ(frame64(0), CODE + m_length) << "a trap: the next instruction";
            EXPECT_EQ(frame64(2) & bits::RF, 0u);
        }
    }
    // A breakpoint's address is aligned to its length.
    start();
    breakpoint(0, AT + 3, WRITE, LEN4);
    set_gpr(RDI, AT);
    EXPECT_EQ(trap_of(STORE8), DR6_NONE | 1);
}

TEST_F(debug, the_store_is_done_and_all_hits_are_reported)
{
    start();
    breakpoint(0, AT, WRITE, LEN8);
    breakpoint(3, AT + 4, READ_WRITE, LEN4);
    put(AT, std::uint64_t{0});
    set_gpr(RDI, AT), set_gpr(RAX, 0x1234567890);
    EXPECT_EQ(trap_of(STORE), DR6_NONE | 9);
    EXPECT_EQ(get<std::uint64_t>(AT), 0x1234567890u);
    // Read-modify-write, push and string instructions.
    start();
    breakpoint(0, AT, WRITE, LEN8);
    set_gpr(RDI, AT);
    EXPECT_EQ(trap_of({0x48, 0xff, 0x07}), DR6_NONE | 1); // inc qword [rdi]
    start();
    breakpoint(0, STACK0 - 8, WRITE, LEN8);
    EXPECT_EQ(trap_of({0x50}), DR6_NONE | 1); // push rax
    start();
    breakpoint(0, AT + 24, WRITE, LEN8);
    set_gpr(RDI, AT), set_gpr(RCX, 10);
    place({0xf3, 0x48, 0xab}); // rep stosq
    place({0xeb, 0xfe}, handler(EXC_DB));
    set_rip(CODE);
    (void)!cpu_run(core, cpu_now(core) + 50); // the trap comes after the iteration that hit
    EXPECT_EQ(regs().rip, handler(EXC_DB));
    EXPECT_EQ(now().dr6, DR6_NONE | 1);
    EXPECT_EQ(gpr(RCX), 6u);
    EXPECT_EQ(frame64(0), CODE);
    EXPECT_NE(frame64(2) & bits::RF, 0u) << "iterations are left";
}

TEST_F(debug, a_faulting_instruction_hits_nothing)
{
    start();
    breakpoint(0, STACK0 - 8, WRITE, LEN8);
    breakpoint(1, AT, READ_WRITE, LEN8);
    set_gpr(RDI, 0x40000000), set_gpr(RSI, AT), set_gpr(RCX, 1);
    place({0xa5}); // movsd: the load hits, the store faults
    set_rip(CODE);
    EXPECT_EQ(step_once(), EXC_PF);
    EXPECT_EQ(now().dr6, DR6_NONE);
    (void)step_once();
    EXPECT_NE(regs().rip, handler(EXC_DB));
}

TEST_F(debug, instruction_breakpoints_are_faults_that_rf_suppresses)
{
    start();
    breakpoint(1, CODE + 1, EXECUTE, LEN1);
    place({0x90, 0x48, 0xff, 0xc3, 0x90}); // nop; inc rbx
    set_gpr(RBX, 0);
    set_rip(CODE);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(step_once(), EXC_DB);
    EXPECT_EQ(now().dr6, DR6_NONE | 2);
    EXPECT_EQ(gpr(RBX), 0u);
    EXPECT_EQ(frame64(0), CODE + 1);
    EXPECT_EQ(frame64(2) & bits::RF, 0u);
    put(now().rsp + 16, frame64(2) | bits::RF); // what a debugger does
    const std::uint64_t at = regs().rip;
    place({0x48, 0xcf}, at); // iretq
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_NE(now().rflags & bits::RF, 0u);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(gpr(RBX), 1u);
    EXPECT_EQ(now().rflags & bits::RF, 0u);
    set_rip(CODE + 1);
    EXPECT_EQ(step_once(), EXC_DB) << "for one instruction only";
}

TEST_F(debug, breakpoints_fire_in_running_code)
{
    start();
    breakpoint(0, CODE + 5, EXECUTE, LEN1);
    place({0x48, 0xff, 0xc3, 0xeb, 0xfb}); // inc rbx; jmp
    set_rip(CODE), set_gpr(RBX, 0), set_gpr(RDI, AT);
    (void)!cpu_run(core, cpu_now(core) + 1000);
    EXPECT_GT(gpr(RBX), 400u) << "not in the loop";
    place(
        {0x48, 0xff, 0xc3, 0x80, 0xfb, 0x64, 0x75, 0xf8, 0x48, 0x89, 0x1f, 0xeb, 0xf3}); // until bl = 100; store; again
    breakpoint(1, AT, WRITE, LEN8);
    place({0xeb, 0xfe}, handler(EXC_DB));
    place({0x48, 0xff, 0xc3, 0x80, 0xfb, 0x64, 0x75, 0xf8, 0x48, 0x89, 0x1f, 0xeb, 0xf3});
    state = now();
    state.dr7 &= ~std::uint64_t{3}; // only the data breakpoint
    set();
    set_rip(CODE), set_gpr(RBX, 0);
    (void)!cpu_run(core, cpu_now(core) + 2000);
    EXPECT_EQ(regs().rip, handler(EXC_DB));
    EXPECT_EQ(frame64(0), CODE + 11);
    EXPECT_EQ(gpr(RBX), 100u);
}

TEST_F(debug, io_breakpoints_need_cr4_de)
{
    for (bool de : {false, true}) {
        start();
        if (de)
            set_cr(0, CR4_DE);
        breakpoint(0, 0x64, IO, LEN1);
        set_gpr(RDX, 0x64);
        EXPECT_EQ(trap_of({0xe4, 0x64}), de ? DR6_NONE | 1 : 0); // in al, 64h
        start();
        if (de)
            set_cr(0, CR4_DE);
        breakpoint(0, 0x64, IO, LEN1);
        set_gpr(RDX, 0x61);
        EXPECT_EQ(trap_of({0xef}), de ? DR6_NONE | 1 : 0); // out dx, eax: 61h..64h
        start();
        if (de)
            set_cr(0, CR4_DE);
        breakpoint(0, 0x64, IO, LEN1);
        EXPECT_EQ(trap_of({0xe4, 0x65}), 0u);
    }
    start();
    EXPECT_OK(core_write_cr(core, 4, bits::CR4_PAE | CR4_DE));
    EXPECT_EQ(run({0x0f, 0x21, 0xe0}), EXC_UD) << "no DR4 with CR4.DE";
}

TEST_F(debug, single_steps)
{
    start();
    state = now();
    state.rflags |= bits::TF;
    set();
    EXPECT_EQ(trap_of(NOP), DR6_NONE | BS);
    EXPECT_EQ(frame64(0), CODE + 1);
    // With a data breakpoint both are reported at once.
    start();
    breakpoint(0, AT, WRITE, LEN8);
    state = now();
    state.rflags |= bits::TF;
    set();
    set_gpr(RDI, AT);
    EXPECT_EQ(trap_of(STORE), DR6_NONE | BS | 1);
}

// IA32_DEBUGCTL.BTF: only a taken branch is a step, and the bit is good for one trap.
TEST_F(debug, single_steps_on_branches)
{
    constexpr std::uint32_t DEBUGCTL = 0x1d9;
    start();
    EXPECT_OK(core_msr_write(core, DEBUGCTL, 2));
    EXPECT_FAULT(core_msr_write(core, DEBUGCTL, 0x40), EXC_GP, 0);
    place({0x90, 0x31, 0xc0, 0x75, 0x02, 0x74, 0x02, 0x90, 0x90, 0x90}); // nop; xor eax, eax; jne +2; je +2
    state = now();
    state.rip = CODE;
    state.rflags |= bits::TF;
    set();
    for (unsigned i = 0; i < 4; i++)
        ASSERT_EQ(step_once(), COMPLETED) << i;
    EXPECT_EQ(now().rip, CODE + 9);
    EXPECT_EQ(step_once(), EXC_DB);
    EXPECT_EQ(now().dr6, DR6_NONE | BS);
    EXPECT_EQ(frame64(0), CODE + 9);
    std::uint64_t v = 1;
    EXPECT_OK(core_msr_read(core, DEBUGCTL, &v));
    EXPECT_EQ(v, 0u);
}

TEST_F(debug, mov_ss_delays_traps_by_one_instruction)
{
    start();
    breakpoint(0, AT, READ_WRITE, LEN2);
    put(AT, std::uint16_t{DATA0});
    set_gpr(RDI, AT);
    place({0x8e, 0x17, 0x90, 0x90}); // mov ss, [rdi]; nop
    set_rip(CODE);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(regs().rip, CODE + 3);
    EXPECT_EQ(step_once(), EXC_DB);
    EXPECT_EQ(now().dr6, DR6_NONE | 1);
    EXPECT_EQ(frame64(0), CODE + 3);
    // ... and an instruction breakpoint behind it does not fire.
    start();
    breakpoint(0, CODE + 2, EXECUTE, LEN1);
    set_gpr(RDI, AT);
    place({0x8e, 0x17, 0x90, 0x90});
    set_rip(CODE);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(now().dr6, DR6_NONE);
}

TEST_F(debug, general_detect)
{
    start();
    state = now();
    state.dr7 = 0x2400;
    set();
    EXPECT_EQ(run({0x0f, 0x21, 0xf0}), EXC_DB); // mov rax, dr6
    EXPECT_EQ(now().dr6, DR6_NONE | BD);
    EXPECT_EQ(frame64(0), CODE) << "a fault";
    EXPECT_NE(frame64(2) & bits::RF, 0u);
    EXPECT_EQ(now().dr7, 0x400u) << "the handler may use the registers";
}

TEST_F(debug, mov_to_dr7_switches_breakpoints_on_and_off)
{
    start();
    breakpoint(0, AT, WRITE, LEN8);
    set_gpr(RAX, 0x400);
    EXPECT_EQ(run({0x0f, 0x23, 0xf8}), COMPLETED);
    set_gpr(RDI, AT);
    EXPECT_EQ(trap_of(STORE), 0u);
    set_gpr(RAX, 0x90402);
    EXPECT_EQ(run({0x0f, 0x23, 0xf8}), COMPLETED); // G0, write, 8 bytes
    EXPECT_EQ(trap_of(STORE), DR6_NONE | 1);
}

} // namespace
