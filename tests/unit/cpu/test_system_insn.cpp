// SPDX-License-Identifier: Apache-2.0
// System instructions, one at a time: privilege, mode and feature conditions, and what they change. Judge: SDM Vol. 2,
// the instructions' pages. Each instruction costs one cycle here, so a run of one cycle is one instruction, or one
// exception.
#include "protected_fixture.h"

namespace
{
using code = std::vector<std::uint8_t>;
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R11 = 11 };

class system_insn : public protected_fixture
{
  protected:
    // Executes one instruction at CODE; answers the vector of its exception, or -1.
    int run(const code &bytes)
    {
        for (std::size_t i = 0; i < bytes.size(); i++)
            put(CODE + i, bytes[i]);
        drop_code(CODE);
        m_before = cpu_now(core);
        (void)!cpu_run(core, m_before + 1);
        const std::uint64_t rip = now().rip;
        if (rip >= HANDLER && rip < HANDLER + 16 * 256)
            return static_cast<int>((rip - HANDLER) / 16);
        return -1;
    }
    void set_gpr(int reg, std::uint64_t v)
    {
        cpu_regs r;
        cpu_get_regs(core, &r);
        r.gpr[reg] = v;
        cpu_set_regs(core, &r);
    }
    std::uint64_t gpr(int reg)
    {
        cpu_regs r;
        cpu_get_regs(core, &r);
        return r.gpr[reg];
    }
    void set_cr4(std::uint64_t bits)
    {
        state = now();
        state.cr4 |= bits;
        set();
    }
    std::uint64_t m_before = 0;
};

const struct {
    const char *name;
    code bytes;
} PRIVILEGED[] = {
    {"hlt", {0xf4}},
    {"cli", {0xfa}},
    {"sti", {0xfb}},
    {"in al, 60h", {0xe4, 0x60}},
    {"out dx, eax", {0xef}},
    {"lgdt", {0x0f, 0x01, 0x10}},
    {"lidt", {0x0f, 0x01, 0x18}},
    {"lldt", {0x0f, 0x00, 0xd0}},
    {"ltr", {0x0f, 0x00, 0xd8}},
    {"mov cr0", {0x0f, 0x22, 0xc0}},
    {"mov from cr3", {0x0f, 0x20, 0xd8}},
    {"mov cr8", {0x44, 0x0f, 0x22, 0xc0}},
    {"mov dr0", {0x0f, 0x23, 0xc0}},
    {"mov from dr7", {0x0f, 0x21, 0xf8}},
    {"clts", {0x0f, 0x06}},
    {"lmsw", {0x0f, 0x01, 0xf0}},
    {"invlpg", {0x0f, 0x01, 0x38}},
    {"wbinvd", {0x0f, 0x09}},
    {"invd", {0x0f, 0x08}},
    {"rdmsr", {0x0f, 0x32}},
    {"wrmsr", {0x0f, 0x30}},
    {"swapgs", {0x0f, 0x01, 0xf8}},
    {"sysexit", {0x0f, 0x35}},
    {"rdpmc", {0x0f, 0x33}},
};

TEST_F(system_insn, privileged_instructions_are_gp_at_cpl_3)
{
    for (const auto &i : PRIVILEGED) {
        start_long(3);
        put(TSS + 0x66, std::uint16_t{0x68}); // the I/O map begins beyond the limit
        state.seg[CORE_TR].limit = 0x67;
        set();
        EXPECT_EQ(run(i.bytes), EXC_GP) << i.name;
        EXPECT_EQ(frame64(0), 0u) << i.name;
        EXPECT_EQ(frame64(1), CODE) << i.name;
    }
}

TEST_F(system_insn, umip)
{
    const code insns[] = {
        {0x0f, 0x01, 0x00}, {0x0f, 0x01, 0x08}, {0x0f, 0x00, 0xc0}, {0x0f, 0x00, 0xc8}, {0x0f, 0x01, 0xe0}};
    for (const code &insn : insns) { // SGDT, SIDT, SLDT, STR, SMSW
        start_long(3);
        set_gpr(RAX, STACK3);
        EXPECT_EQ(run(insn), -1);
        start_long(3);
        set_gpr(RAX, STACK3);
        set_cr4(1u << 11);
        EXPECT_EQ(run(insn), EXC_GP);
    }
}

TEST_F(system_insn, table_registers)
{
    start_long(0);
    set_gpr(RAX, STACK3);
    EXPECT_EQ(run({0x0f, 0x01, 0x00}), -1); // sgdt [rax]
    EXPECT_EQ(get<std::uint16_t>(STACK3), GDT_BYTES - 1);
    EXPECT_EQ(get<std::uint64_t>(STACK3 + 2), GDT);
    put(STACK3, std::uint16_t{0x1ff});
    put(STACK3 + 2, std::uint64_t{0xffff800000011000});
    start_long(0);
    set_gpr(RAX, STACK3);
    EXPECT_EQ(run({0x0f, 0x01, 0x18}), -1); // lidt [rax]
    EXPECT_EQ(now().idt_base, 0xffff800000011000u);
    EXPECT_EQ(now().idt_limit, 0x1ff);
    start_long(0);
    put(STACK3 + 2, std::uint64_t{1} << 47);
    set_gpr(RAX, STACK3);
    EXPECT_EQ(run({0x0f, 0x01, 0x18}), EXC_GP);
}

TEST_F(system_insn, a_16_bit_lgdt_loads_24_bits_of_base)
{
    start_32(0);
    put(STACK3, std::uint16_t{0x7f});
    put(STACK3 + 2, std::uint32_t{0x12345678});
    set_gpr(RAX, STACK3);
    EXPECT_EQ(run({0x66, 0x0f, 0x01, 0x10}), -1);
    EXPECT_EQ(now().gdt_base, 0x345678u);
}

TEST_F(system_insn, control_registers)
{
    start_long(0);
    set_gpr(RAX, 0x123456789abcdef0);
    EXPECT_EQ(run({0x0f, 0x22, 0xd0}), -1); // mov cr2, rax
    EXPECT_EQ(now().cr2, 0x123456789abcdef0u);
    for (int number : {1, 5, 6, 7}) {
        start_long(0);
        EXPECT_EQ(run({0x0f, 0x20, std::uint8_t(0xc0 | number << 3)}), EXC_UD) << number;
        start_long(3);
        EXPECT_EQ(run({0x0f, 0x22, std::uint8_t(0xc0 | number << 3)}), EXC_UD) << "before the privilege";
    }
    start_long(0);
    set_gpr(RAX, 9);
    EXPECT_EQ(run({0x44, 0x0f, 0x22, 0xc0}), -1); // mov cr8, rax
    EXPECT_EQ(cr8, 9);
    start_long(0);
    EXPECT_EQ(run({0x44, 0x0f, 0x20, 0xc3}), -1); // mov rbx, cr8
    EXPECT_EQ(gpr(RBX), 9u);
    start_long(0);
    set_gpr(RAX, 16);
    EXPECT_EQ(run({0x44, 0x0f, 0x22, 0xc0}), EXC_GP);
    start_long(0);
    set_gpr(RAX, std::uint64_t{1} << 32);
    EXPECT_EQ(run({0x0f, 0x22, 0xc0}), EXC_GP); // mov cr0, rax
}

TEST_F(system_insn, debug_registers)
{
    start_long(0);
    set_gpr(RAX, 0xffffffff);
    EXPECT_EQ(run({0x0f, 0x23, 0xf0}), -1); // mov dr6, rax
    EXPECT_EQ(now().dr6, 0xffffeffful & 0xffffefffu);
    start_long(0);
    set_gpr(RAX, 0);
    EXPECT_EQ(run({0x0f, 0x23, 0xe8}), -1); // mov dr5, rax: DR7
    EXPECT_EQ(now().dr7, 0x400u);
    start_long(0);
    set_gpr(RAX, std::uint64_t{1} << 32);
    EXPECT_EQ(run({0x0f, 0x23, 0xf8}), EXC_GP); // mov dr7, rax
    start_long(0);
    state.dr7 = 0x2400; // GD
    set();
    EXPECT_EQ(run({0x0f, 0x21, 0xc0}), EXC_DB);
    EXPECT_NE(now().dr6 & 0x2000, 0u);
    EXPECT_EQ(now().dr7, 0x400u);
    EXPECT_EQ(frame64(0), CODE) << "a fault";
}

TEST_F(system_insn, time)
{
    start_long(3);
    const std::uint64_t at = cpu_now(core);
    EXPECT_EQ(run({0x0f, 0x31}), -1);
    EXPECT_EQ(gpr(RDX) << 32 | gpr(RAX), at);
    EXPECT_OK(core_msr_write(core, 0xc0000103, 77));
    start_long(3);
    EXPECT_EQ(run({0x0f, 0x01, 0xf9}), -1); // rdtscp
    EXPECT_EQ(gpr(RCX), 77u);
    start_long(3);
    EXPECT_EQ(run({0xf3, 0x0f, 0xc7, 0xf8}), -1); // rdpid rax
    EXPECT_EQ(gpr(RAX), 77u);
    start_long(3);
    set_cr4(4); // TSD
    EXPECT_EQ(run({0x0f, 0x31}), EXC_GP);
    start_long(0);
    set_cr4(4);
    EXPECT_EQ(run({0x0f, 0x31}), -1);
}

TEST_F(system_insn, ports)
{
    start_long(0);
    set_gpr(RAX, ~std::uint64_t{0});
    set_gpr(RDX, 0x3f8);
    EXPECT_EQ(run({0xec}), -1); // in al, dx
    EXPECT_EQ(gpr(RAX), 0xffffffffffffff21u);
    EXPECT_EQ(ports, (std::vector<std::uint64_t>{0x3f8, 1, 0}));
    start_long(0);
    EXPECT_EQ(run({0x66, 0xed}), -1);
    EXPECT_EQ(gpr(RAX), 0xffffffffffff4321u);
    start_long(0);
    EXPECT_EQ(run({0xed}), -1);
    EXPECT_EQ(gpr(RAX), 0x87654321u);
    start_long(0);
    EXPECT_EQ(run({0x66, 0x48, 0xed}), -1); // REX.W: 66H does not count, and there are no 8 bytes
    EXPECT_EQ(gpr(RAX), 0x87654321u);
    ports.clear();
    start_long(0);
    EXPECT_EQ(run({0xe6, 0xf4}), -1);
    EXPECT_EQ(ports, (std::vector<std::uint64_t>{0xf4, 1, 0x21}));
}

TEST_F(system_insn, a_free_write_is_an_instruction_that_takes_no_time)
{
    start_long(0);
    set_gpr(RSI, CODE);
    set_gpr(RDX, 0x5e0);
    writes_are_free = true;
    const std::uint64_t before = cpu_now(core), insns = cpu_stats(core)->instructions;
    EXPECT_EQ(run({0xef, 0xee, 0xef, 0x90}), -1); // out dx, eax; out dx, al; out dx, eax; nop
    EXPECT_EQ(now().rip, CODE + 4);
    EXPECT_EQ(ports.size(), 9u);
    EXPECT_EQ(cpu_now(core), before + 1);
    EXPECT_EQ(cpu_stats(core)->instructions, insns + 4);

    start_long(0);
    set_gpr(RSI, CODE);
    set_gpr(RDX, 0x5e0);
    EXPECT_EQ(run({0x6f, 0xed, 0x90}), -1); // outsd
    EXPECT_EQ(now().rip, CODE + 1) << "OUTS is charged";
    start_long(0);
    EXPECT_EQ(run({0xed, 0x90}), -1); // in eax, dx
    EXPECT_EQ(now().rip, CODE + 1) << "and nothing is left of it for the next";
    writes_are_free = false;
    start_long(0);
    EXPECT_EQ(run({0xef, 0x90}), -1);
    EXPECT_EQ(now().rip, CODE + 1);
}

TEST_F(system_insn, syscall_and_sysret)
{
    start_long(3);
    state.efer |= 1;
    state.rflags = 2 | bits::IF | bits::AC;
    set();
    EXPECT_OK(core_msr_write(core, 0xc0000081, std::uint64_t{0x001b0008} << 32));
    EXPECT_OK(core_msr_write(core, 0xc0000082, 0x60000));
    EXPECT_OK(core_msr_write(core, 0xc0000084, bits::IF | bits::AC));
    EXPECT_EQ(run({0x0f, 0x05}), -1);
    EXPECT_EQ(now().rip, 0x60000u);
    EXPECT_EQ(now().cpl, 0);
    EXPECT_EQ(now().seg[CORE_CS].selector, 0x08);
    EXPECT_EQ(now().seg[CORE_SS].selector, 0x10);
    EXPECT_EQ(gpr(RCX), CODE + 2);
    EXPECT_EQ(gpr(R11), 2u | bits::IF | bits::AC);
    EXPECT_EQ(now().rflags, 2u);
    EXPECT_EQ(now().rsp, STACK3) << "the stack stays";
    EXPECT_EQ(cpu_stats(core)->syscalls, 1u);

    EXPECT_EQ(cpu_user_since(core), 0u) << "not by an instruction yet";
    put(0x60000, std::uint8_t{0x48}), put(0x60001, std::uint16_t{0x070f}); // sysretq
    const std::uint64_t leaves = cpu_now(core);
    (void)!cpu_run(core, leaves + 1);
    EXPECT_GE(cpu_user_since(core), leaves);
    EXPECT_LE(cpu_user_since(core), cpu_now(core));
    EXPECT_EQ(now().rip, CODE + 2);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().seg[CORE_CS].selector, 0x2b);
    EXPECT_EQ(now().seg[CORE_SS].selector, 0x23);
    EXPECT_EQ(now().rflags, 2u | bits::IF | bits::AC);
    EXPECT_TRUE(now().code64);
}

TEST_F(system_insn, syscall_and_sysret_conditions)
{
    start_long(3);
    EXPECT_EQ(run({0x0f, 0x05}), EXC_UD) << "EFER.SCE is clear";
    start_long(0);
    state.efer |= 1;
    set();
    set_gpr(RCX, std::uint64_t{1} << 47);
    EXPECT_EQ(run({0x48, 0x0f, 0x07}), EXC_GP);
    EXPECT_EQ(frame64(2), std::uint64_t(CODE0)) << "at CPL 0";
    start_long(3);
    state.efer |= 1;
    set();
    EXPECT_EQ(run({0x48, 0x0f, 0x07}), EXC_GP);
    start_long(0);
    state.efer |= 1;
    set();
    EXPECT_OK(core_msr_write(core, 0xc0000081, std::uint64_t{0x001b0008} << 32));
    set_gpr(RCX, 0x5555512345678);
    EXPECT_EQ(run({0x0f, 0x07}), -1); // sysretl
    EXPECT_EQ(now().rip, 0x12345678u);
    EXPECT_TRUE(now().code32);
    EXPECT_EQ(now().seg[CORE_CS].selector, 0x1b);
}

TEST_F(system_insn, sysenter_and_sysexit)
{
    start_long(3);
    EXPECT_EQ(run({0x0f, 0x34}), EXC_GP) << "no code segment";
    start_long(3);
    EXPECT_OK(core_msr_write(core, 0x174, 8));
    EXPECT_OK(core_msr_write(core, 0x175, STACK0));
    EXPECT_OK(core_msr_write(core, 0x176, 0x60000));
    EXPECT_EQ(run({0x0f, 0x34}), -1);
    EXPECT_EQ(now().rip, 0x60000u);
    EXPECT_EQ(now().rsp, STACK0);
    EXPECT_EQ(now().cpl, 0);
    EXPECT_EQ(now().rflags & bits::IF, 0u);
    start_long(0);
    set_gpr(RCX, STACK3), set_gpr(RDX, CODE + 0x80);
    EXPECT_EQ(run({0x48, 0x0f, 0x35}), -1);
    EXPECT_EQ(now().rip, CODE + 0x80);
    EXPECT_EQ(now().rsp, STACK3);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().seg[CORE_CS].selector, 8 + 32 + 3);
    EXPECT_EQ(now().seg[CORE_SS].selector, 8 + 40 + 3);
}

TEST_F(system_insn, software_interrupts)
{
    start_long(3);
    gate64(EXC_BP, CODE0, 0xee);
    EXPECT_EQ(run({0xcc}), EXC_BP);
    EXPECT_EQ(frame64(0), CODE + 1) << "a trap";
    EXPECT_EQ(cpu_stats(core)->instructions, 1u);
    start_long(3);
    EXPECT_EQ(run({0xcd, 0x80}), EXC_GP);
    EXPECT_EQ(cpu_stats(core)->instructions, 1u) << "it did not retire";
    start_long(3);
    gate64(EXC_DB, CODE0, 0x8e); // INT1 ignores the DPL
    EXPECT_EQ(run({0xf1}), EXC_DB);
    EXPECT_EQ(frame64(0), CODE + 1);
    start_long(3);
    EXPECT_EQ(run({0xce}), EXC_UD) << "no INTO in 64-bit mode";
    for (int last : {0x0b, 0xb9, 0xff}) {
        start_long(3);
        EXPECT_EQ(run({0x0f, std::uint8_t(last), 0xc0}), EXC_UD);
    }
}

TEST_F(system_insn, questions_about_selectors)
{
    auto ask = [&](const code &insn, std::uint16_t selector) {
        start_long(3);
        set_gpr(RAX, selector);
        set_gpr(RBX, 0x1111);
        EXPECT_EQ(run(insn), -1);
        return (now().rflags & 0x40) != 0;
    };
    const code lar = {0x0f, 0x02, 0xd8}, lsl = {0x0f, 0x03, 0xd8}, verr = {0x0f, 0x00, 0xe0}, verw = {0x0f, 0x00, 0xe8};
    EXPECT_TRUE(ask(lar, DATA3));
    EXPECT_EQ(gpr(RBX), 0xc0f300u);
    EXPECT_FALSE(ask(lar, DATA0));
    EXPECT_EQ(gpr(RBX), 0x1111u);
    EXPECT_FALSE(ask(lar, 0));
    EXPECT_FALSE(ask(lar, GDT_BYTES));
    EXPECT_TRUE(ask(lar, CONFORMING));
    EXPECT_TRUE(ask(lsl, DATA3));
    EXPECT_EQ(gpr(RBX), 0xffffffffu);
    EXPECT_TRUE(ask(verr, DATA3));
    EXPECT_TRUE(ask(verw, DATA3));
    EXPECT_TRUE(ask(verr, CODE3));
    EXPECT_FALSE(ask(verw, CODE3));
    EXPECT_FALSE(ask(verr, TSS_SEL));
}

TEST_F(system_insn, fs_and_gs_bases)
{
    start_long(3);
    EXPECT_EQ(run({0xf3, 0x0f, 0xae, 0xc0}), EXC_UD) << "CR4.FSGSBASE is clear";
    start_long(3);
    set_cr4(1u << 16);
    set_gpr(RAX, 0x7fff12345678);
    EXPECT_EQ(run({0xf3, 0x48, 0x0f, 0xae, 0xd0}), -1); // wrfsbase rax
    EXPECT_EQ(now().seg[CORE_FS].base, 0x7fff12345678u);
    start_long(3);
    set_cr4(1u << 16);
    set_gpr(RAX, std::uint64_t{1} << 47);
    EXPECT_EQ(run({0xf3, 0x48, 0x0f, 0xae, 0xd8}), EXC_GP); // wrgsbase rax
    start_long(0);
    EXPECT_OK(core_msr_write(core, 0xc0000102, 0x1000));
    EXPECT_OK(core_msr_write(core, 0xc0000101, 0x2000));
    EXPECT_EQ(run({0x0f, 0x01, 0xf8}), -1); // swapgs
    EXPECT_EQ(now().seg[CORE_GS].base, 0x1000u);
}

TEST_F(system_insn, hlt_waits)
{
    start_long(0);
    put(CODE, std::uint8_t{0xf4});
    drop_code(CODE);
    EXPECT_EQ(cpu_run(core, cpu_now(core) + 100), CPU_STOP_HALT);
    EXPECT_EQ(now().rip, CODE + 1);
    EXPECT_TRUE(cpu_is_waiting(core));
}

// SDM Vol. 3, "Single-Step Exception Condition": the trap follows HLT as it follows any instruction, and ends the wait.
TEST_F(system_insn, a_single_step_trap_ends_hlt)
{
    start_long(0);
    state = now();
    state.rflags |= bits::TF;
    set();
    put(CODE, std::uint8_t{0xf4});
    put(handler(EXC_DB), std::uint16_t{0xfeeb}); // jmp to itself
    drop_code(CODE);
    EXPECT_EQ(cpu_run(core, cpu_now(core) + 100), CPU_STOP_UNTIL);
    EXPECT_EQ(now().rip, handler(EXC_DB));
    EXPECT_EQ(frame64(0), CODE + 1);
}

// --- user interrupts ---
class uintr_insn : public system_insn
{
  protected:
    static constexpr std::uint64_t UITT = 0x70000, UPID = 0x71000;
    const code clui{0xf3, 0x0f, 0x01, 0xee}, stui{0xf3, 0x0f, 0x01, 0xef}, testui{0xf3, 0x0f, 0x01, 0xed},
        uiret{0xf3, 0x0f, 0x01, 0xec}, senduipi_rax{0xf3, 0x0f, 0xc7, 0xf0};

    void enable(std::uint8_t cpl)
    {
        start_long(cpl);
        set_cr4(1u << 25);
        EXPECT_OK(core_msr_write(core, 0x98a, UITT | 1));
        EXPECT_OK(core_msr_write(core, 0x988, std::uint64_t{0xec} << 32 | 3));
        put(UITT, std::uint64_t{1} | 5u << 8);
        put(UITT + 8, UPID);
        put(UPID, std::uint64_t{0x77} << 16 | std::uint64_t{0x0100} << 32);
        put(UPID + 8, std::uint64_t{0});
        steps.clear();
    }
};

TEST_F(uintr_insn, undefined_without_cr4_or_feature_or_64_bit_mode)
{
    for (const code &insn : {clui, stui, testui, uiret, senduipi_rax}) {
        start_long(3);
        EXPECT_EQ(run(insn), EXC_UD) << "CR4.UINTR is clear";
        start_32(0);
        set_cr4(1u << 25);
        EXPECT_EQ(run(insn), EXC_UD) << "not 64-bit mode";
        enable(3);
        code locked{0xf0};
        locked.insert(locked.end(), insn.begin(), insn.end());
        EXPECT_EQ(run(locked), EXC_UD) << "LOCK";
    }
    enable(3);
    EXPECT_OK(core_msr_write(core, 0x98a, UITT));
    EXPECT_EQ(run(senduipi_rax), EXC_UD) << "IA32_UINTR_TT[0] is clear";
}

TEST_F(uintr_insn, flag_instructions)
{
    enable(3);
    EXPECT_EQ(run(stui), -1);
    state = now();
    state.rip = CODE;
    state.rflags |= 0x8d4;
    set();
    EXPECT_EQ(run(testui), -1);
    EXPECT_EQ(now().rflags & 0x8d5, 1u);
    state = now();
    state.rip = CODE;
    set();
    EXPECT_EQ(run(clui), -1);
    state = now();
    state.rip = CODE;
    set();
    EXPECT_EQ(run(testui), -1);
    EXPECT_EQ(now().rflags & 0x8d5, 0u);
}

TEST_F(uintr_insn, senduipi_posts_and_charges_stage_by_stage)
{
    model.insn_cost = [](void *, const timing_insn *i) -> std::uint32_t {
        return i->cls == TIMING_CLASS_senduipi ? 10 : 1;
    };
    model.uintr_cost = [](void *, std::uint32_t, std::uint32_t stage, std::uint64_t upid) -> std::uint32_t {
        const std::uint32_t cost = stage == TIMING_STAGE_post ? 300 : stage == TIMING_STAGE_issue ? 4000 : 0;
        return upid == UPID ? cost : 1;
    };
    create();
    enable(3);
    set_gpr(RAX, 0);
    const std::uint64_t start = cpu_now(core);
    EXPECT_EQ(run(senduipi_rax), -1);
    EXPECT_EQ(now().rip, CODE + 4);
    EXPECT_EQ(get<std::uint64_t>(UPID + 8), 1u << 5);
    EXPECT_EQ(get<std::uint8_t>(UPID) & 3, 1) << "ON";
    ASSERT_EQ(steps.size(), 4u);
    EXPECT_EQ(steps[0].kind, UINTR_STEP_SEND_BEGIN);
    EXPECT_EQ(steps[0].cycle, start);
    EXPECT_EQ(steps[2].kind, UINTR_STEP_POSTED);
    EXPECT_EQ(steps[2].cycle, start + 310);
    EXPECT_EQ(steps[3].kind, UINTR_STEP_SENT);
    EXPECT_EQ(steps[3].cycle, start + 4310);
    ASSERT_EQ(user_ipis.size(), 1u);
    EXPECT_EQ(user_ipis[0].cycle, start + 4310) << "the message leaves after `issue`";
    EXPECT_EQ(user_ipis[0].nv, 0x77);
    EXPECT_EQ(user_ipis[0].ndst, 0x0100u);
    EXPECT_EQ(cpu_now(core), start + 4310);
    EXPECT_EQ(cpu_stats(core)->uintr_sent, 1u);
    EXPECT_EQ(cpu_stats(core)->instructions, 1u);
}

TEST_F(uintr_insn, senduipi_counts_coalesced_and_suppressed)
{
    enable(3);
    put(UPID, get<std::uint64_t>(UPID) | 1);
    EXPECT_EQ((set_gpr(RAX, 0), run(senduipi_rax)), -1);
    EXPECT_EQ(cpu_stats(core)->uintr_coalesced, 1u);
    enable(3);
    put(UPID, get<std::uint64_t>(UPID) | 2);
    EXPECT_EQ((set_gpr(RAX, 0), run(senduipi_rax)), -1);
    EXPECT_EQ(cpu_stats(core)->uintr_suppressed, 1u);
    EXPECT_TRUE(user_ipis.empty());
}

TEST_F(uintr_insn, senduipi_faults_are_its_own)
{
    enable(3);
    set_gpr(RAX, 4); // UITTSZ is 3
    EXPECT_EQ(run(senduipi_rax), EXC_GP);
    EXPECT_EQ(frame64(1), CODE);
    enable(3);
    put(UITT + 8, std::uint64_t{0x40000000}); // not mapped
    set_gpr(RAX, 0);
    EXPECT_EQ(run(senduipi_rax), EXC_PF);
    EXPECT_EQ(frame64(0), 2u) << "a supervisor write";
    EXPECT_EQ(now().cr2, 0x40000000u);
}

TEST_F(uintr_insn, supervisor_tables_serve_user_programs)
{
    enable(3);
    for (unsigned i = 0; i < 2; i++)
        put(PD + 8 * i, get<std::uint64_t>(PD + 8 * i)); // user pages
    put(PD, std::uint64_t{0x4003 | 4});                  // the first 2 MiB by 4 KiB pages
    for (unsigned i = 0; i < 512; i++)
        put(0x4000 + 8 * i, std::uint64_t{i} * 4096 | (i == UITT >> 12 || i == UPID >> 12 ? 3 : 7));
    state = now();
    set();
    set_gpr(RAX, 0);
    EXPECT_EQ(run(senduipi_rax), -1);
    EXPECT_EQ(get<std::uint64_t>(UPID + 8), 1u << 5);
}

TEST_F(uintr_insn, delivery_and_uiret)
{
    model.insn_cost = [](void *, const timing_insn *i) -> std::uint32_t {
        return i->cls == TIMING_CLASS_uiret ? 7 : 1;
    };
    model.uintr_cost = [](void *, std::uint32_t, std::uint32_t stage, std::uint64_t) -> std::uint32_t {
        return stage == TIMING_STAGE_deliver ? 50 : stage == TIMING_STAGE_return ? 600 : 0;
    };
    create();
    enable(3);
    EXPECT_OK(core_msr_write(core, 0x986, 0x60000));
    EXPECT_OK(core_msr_write(core, 0x987, 128));
    EXPECT_OK(core_msr_write(core, 0x985, 1u << 9 | 1u << 3));
    put(0x60000, std::uint32_t{0x08c48348}); // add rsp, 8
    put(0x60004, std::uint32_t{0xec010ff3}); // uiret
    drop_code(0x60000);
    EXPECT_EQ(run(stui), -1) << "no shadow: delivered before the next instruction";
    (void)!cpu_run(core, cpu_now(core) + 1);
    ASSERT_GE(steps.size(), 2u);
    EXPECT_EQ(steps[0].kind, UINTR_STEP_DELIVER_BEGIN);
    EXPECT_EQ(steps[0].info.vector, 9) << "the highest first";
    EXPECT_EQ(steps[1].kind, UINTR_STEP_DELIVERED);
    EXPECT_EQ(steps[1].cycle, steps[0].cycle + 50);
    EXPECT_EQ(now().rip, 0x60000u);
    EXPECT_EQ(now().rsp, STACK3 - 128 - 32);
    EXPECT_EQ(frame64(0), 9u);
    EXPECT_EQ(frame64(1), CODE + 4);
    EXPECT_EQ(frame64(3), STACK3);
    (void)!cpu_run(core, cpu_now(core) + 1);
    EXPECT_EQ(now().rip, 0x60004u);
    const std::uint64_t start = cpu_now(core);
    (void)!cpu_run(core, start + 1);
    ASSERT_GE(steps.size(), 4u);
    EXPECT_EQ(steps[2].kind, UINTR_STEP_UIRET_BEGIN);
    EXPECT_EQ(steps[2].cycle, start);
    EXPECT_EQ(steps[3].kind, UINTR_STEP_RETURNED);
    EXPECT_EQ(steps[3].cycle, start + 607);
    EXPECT_EQ(now().rip, CODE + 4);
    EXPECT_EQ(now().rsp, STACK3);
    (void)!cpu_run(core, cpu_now(core) + 1);
    EXPECT_EQ(now().rip, 0x60000u) << "UIF is set again: the other one follows";
    EXPECT_EQ(frame64(0), 3u);
    EXPECT_EQ(cpu_stats(core)->uintr_delivered, 2u);
    EXPECT_EQ(cpu_stats(core)->uintr_returned, 1u);
}
} // namespace
