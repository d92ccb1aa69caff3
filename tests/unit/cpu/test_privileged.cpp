// SPDX-License-Identifier: Apache-2.0
// What privileged instructions do when they complete, at CPL 0: the host processor can judge none of them. Judge: SDM
// Vol. 2, the instructions' pages. That they fault elsewhere: test_system_insn.cpp.
#include "insn_fixture.h"

namespace
{

class privileged : public insn_fixture
{
  protected:
    static constexpr std::uint64_t CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_LOW = 0xf;
    static constexpr std::uint64_t DATA = 0x60000;

    // Executes `bytes` at CPL 0; it must complete and go on behind itself.
    void complete(const code &bytes)
    {
        EXPECT_EQ(run(bytes), COMPLETED);
        EXPECT_EQ(regs().rip, CODE + bytes.size());
    }
};

TEST_F(privileged, lmsw_loads_four_bits_and_does_not_clear_pe)
{
    start_long(0);
    const std::uint64_t cr0 = now().cr0;
    set_gpr(RAX, 0xfffffffffffffffe); // all but PE
    complete({0x0f, 0x01, 0xf0});     // lmsw ax
    EXPECT_EQ(now().cr0, cr0 | CR0_LOW);
    set_gpr(RAX, 0);
    complete({0x0f, 0x01, 0xf0});
    EXPECT_EQ(now().cr0, (cr0 & ~CR0_LOW) | bits::CR0_PE);
    put(DATA, std::uint16_t{CR0_TS | CR0_MP});
    set_gpr(RBX, DATA);
    complete({0x0f, 0x01, 0x33}); // lmsw [rbx]
    EXPECT_EQ(now().cr0, cr0 | CR0_TS | CR0_MP);
    start_32(0);
    set_gpr(RAX, CR0_EM);
    complete({0x0f, 0x01, 0xf0});
    EXPECT_EQ(now().cr0 & CR0_LOW, bits::CR0_PE | CR0_EM);
}

TEST_F(privileged, lmsw_is_refused_before_its_operand_is_read)
{
    start_long(3);
    set_gpr(RBX, std::uint64_t{1} << 40); // absent
    EXPECT_EQ(run({0x0f, 0x01, 0x33}), EXC_GP);
    start_long(0);
    set_gpr(RBX, std::uint64_t{1} << 40);
    EXPECT_EQ(run({0x0f, 0x01, 0x33}), EXC_PF);
}

TEST_F(privileged, clts_clears_ts_alone)
{
    start_long(0);
    set_cr(CR0_TS | CR0_MP, 0);
    const std::uint64_t cr0 = now().cr0;
    complete({0x0f, 0x06});
    EXPECT_EQ(now().cr0, cr0 & ~CR0_TS);
    complete({0xdb, 0xe3}); // fninit: no #NM any more
}

TEST_F(privileged, caches_are_written_back_or_forgotten_without_a_trace)
{
    for (const code &bytes : {code{0x0f, 0x08}, code{0x0f, 0x09}, code{0xf3, 0x0f, 0x09}}) { // invd, wbinvd, wbnoinvd
        start_long(0);
        put(DATA, std::uint32_t{0});
        set_gpr(RBX, DATA);
        set_gpr(RAX, 0x12345678);
        complete({0x89, 0x03}); // mov [rbx], eax
        const cpu_regs before = regs();
        complete(bytes);
        EXPECT_EQ(get<std::uint32_t>(DATA), 0x12345678u) << "stores go through: no cache holds them";
        EXPECT_EQ(std::memcmp(before.gpr, regs().gpr, sizeof before.gpr), 0);
        EXPECT_EQ(regs().rflags, before.rflags);
        start_long(3);
        EXPECT_EQ(run(bytes), EXC_GP);
    }
}

TEST_F(privileged, ins_of_each_size)
{
    const struct {
        code bytes;
        std::uint32_t size;
    } cases[] = {{{0x6c}, 1}, {{0x66, 0x6d}, 2}, {{0x6d}, 4}, {{0x48, 0x6d}, 4}};
    for (const auto &c : cases)
        for (bool down : {false, true}) {
            start_long(0);
            state = now();
            state.rflags |= down ? 0x400 : 0; // DF
            set();
            ports.clear();
            put(DATA, std::uint64_t{0});
            set_gpr(RDI, DATA);
            set_gpr(RDX, 0xffff1234);
            complete(c.bytes);
            EXPECT_EQ(ports, (std::vector<std::uint64_t>{0x1234, c.size, 0}));
            EXPECT_EQ(get<std::uint64_t>(DATA), 0x87654321u & ((std::uint64_t{1} << 8 * c.size) - 1));
            EXPECT_EQ(gpr(RDI), down ? DATA - c.size : DATA + c.size);
        }
}

TEST_F(privileged, wrmsr_and_rdmsr)
{
    start_long(0);
    set_gpr(RCX, 0xffffffff00000176); // IA32_SYSENTER_EIP: ECX counts
    set_gpr(RAX, 0xaaaaaaaa12345678);
    set_gpr(RDX, 0xbbbbbbbb00007fff);
    complete({0x0f, 0x30});
    set_gpr(RAX, ~std::uint64_t{0});
    set_gpr(RDX, ~std::uint64_t{0});
    complete({0x0f, 0x32});
    EXPECT_EQ(gpr(RAX), 0x12345678u);
    EXPECT_EQ(gpr(RDX), 0x7fffu);
    set_gpr(RCX, 0x12345678); // none
    EXPECT_EQ(run({0x0f, 0x32}), EXC_GP);
    start_long(0);
    set_gpr(RCX, 0x12345678);
    EXPECT_EQ(run({0x0f, 0x30}), EXC_GP);
}

TEST_F(privileged, lldt_and_ltr)
{
    for (bool is_long : {true, false}) {
        is_long ? start_long(0) : start_32(0);
        set_gpr(RAX, LDT_SEL);
        complete({0x0f, 0x00, 0xd0}); // lldt ax
        EXPECT_EQ(now().seg[CORE_LDTR].selector, LDT_SEL);
        EXPECT_EQ(now().seg[CORE_LDTR].base, 0x13000u);
        EXPECT_EQ(now().seg[CORE_LDTR].limit, 0xffu);
        set_gpr(RAX, 0);
        complete({0x0f, 0x00, 0xd0}); // null: no LDT
        EXPECT_EQ(now().seg[CORE_LDTR].selector, 0u);
        set_gpr(RAX, TSS_SEL);
        complete({0x0f, 0x00, 0xd8}); // ltr ax
        EXPECT_EQ(now().seg[CORE_TR].selector, TSS_SEL);
        EXPECT_EQ(now().seg[CORE_TR].base, TSS);
        EXPECT_EQ(now().seg[CORE_TR].limit, 0x2067u);
        EXPECT_EQ(get<std::uint8_t>(GDT + TSS_SEL + 5), 0x8b) << "busy in memory";
        set_gpr(RAX, TSS_SEL);
        EXPECT_EQ(run({0x0f, 0x00, 0xd8}), EXC_GP) << "it is busy now";
    }
}

TEST_F(privileged, mov_from_debug_registers)
{
    start_long(0);
    set_gpr(RAX, 0x7fff12345678);
    complete({0x0f, 0x23, 0xd0}); // mov dr2, rax
    complete({0x0f, 0x21, 0xd3}); // mov rbx, dr2
    EXPECT_EQ(gpr(RBX), 0x7fff12345678u);
    complete({0x0f, 0x21, 0xf1}); // mov rcx, dr6
    EXPECT_EQ(gpr(RCX), 0xffff0ff0u);
    complete({0x0f, 0x21, 0xe1}); // mov rcx, dr4: DR6 while CR4.DE is clear
    EXPECT_EQ(gpr(RCX), 0xffff0ff0u);
    set_cr(0, 8);
    EXPECT_EQ(run({0x0f, 0x21, 0xe1}), EXC_UD) << "CR4.DE";
}

} // namespace
