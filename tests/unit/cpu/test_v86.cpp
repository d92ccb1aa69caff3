// SPDX-License-Identifier: Apache-2.0
// Virtual-8086 mode: the way in by IRET and by a task switch, segments of real mode under paging privileges of CPL 3,
// IOPL-sensitive instructions, and the frame of events. Judge: SDM Vol. 3, "Virtual-8086 Mode".
#include "insn_fixture.h"

namespace
{
constexpr std::uint64_t VM = 1u << 17, TSS2 = 0x14000;
constexpr std::uint32_t V86_CS = 0x5000, V86_SS = 0x3000, V86_DS = 0x6000, V86_ES = 0x6100, V86_FS = 0x6200,
                        V86_GS = 0x6300; // CODE is 5000H:0

class v86 : public insn_fixture
{
  protected:
    // IRETD from CPL 0 to 5000H:0000.
    void enter(std::uint32_t flags)
    {
        start_32(0);
        put(TSS + 0x66, std::uint16_t{0x68}); // the I/O map
        for (unsigned i = 0; i < 64; i++)
            put(TSS + 0x68 + i, std::uint8_t(i == 8 ? 0 : 0xff)); // ports 40H..47H
        state = now();
        state.rsp = STACK0 - 36;
        set();
        const std::uint32_t frame[] = {0,      V86_CS, std::uint32_t(VM) | 2 | flags, 0x1000, V86_SS, V86_ES, V86_DS,
                                       V86_FS, V86_GS};
        for (unsigned i = 0; i < 9; i++)
            put(STACK0 - 36 + 4 * i, frame[i]);
        place({0xcf}, 0x51000);
        set_rip(0x51000);
        ASSERT_EQ(step_once(), COMPLETED);
    }
};

TEST_F(v86, iret_enters)
{
    enter(bits::IF);
    EXPECT_EQ(now().rip, 0u);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().rsp, 0x1000u);
    EXPECT_NE(now().rflags & VM, 0u);
    EXPECT_EQ(now().seg[CORE_CS].base, CODE);
    EXPECT_EQ(now().seg[CORE_GS].selector, V86_GS);
    EXPECT_EQ(now().seg[CORE_DS].base, V86_DS * 16u);
    EXPECT_EQ(now().seg[CORE_SS].limit, 0xffffu);
    EXPECT_FALSE(now().code32);
}

TEST_F(v86, iret_checks_the_new_ip)
{
    start_32(0);
    state = now();
    state.rsp = STACK0 - 36;
    set();
    const std::uint32_t frame[] = {0x10000, V86_CS, std::uint32_t(VM) | 2, 0x1000, V86_SS, V86_ES, V86_DS,
                                   V86_FS,  V86_GS};
    for (unsigned i = 0; i < 9; i++)
        put(STACK0 - 36 + 4 * i, frame[i]);
    EXPECT_EQ(run({0xcf}), EXC_GP);
    EXPECT_EQ(frame32(1), CODE) << "it belongs to IRET";
    EXPECT_EQ(frame32(3) & VM, 0u);
}

TEST_F(v86, runs_16_bit_code_on_segments_of_real_mode)
{
    enter(bits::IF);
    put(V86_DS * 16u + 0x10, std::uint16_t{0x1234});
    // mov ax, [10h]; mov bx, 6400h; mov ds, bx; mov [20h], ax; push ax; call 5100h:0
    place({0xa1, 0x10, 0x00, 0xbb, 0x00, 0x64, 0x8e, 0xdb, 0xa3, 0x20, 0x00, 0x50, 0x9a, 0x00, 0x00, 0x00, 0x51});
    place({0xcb}, 0x51000); // retf
    for (unsigned i = 0; i < 7; i++)
        ASSERT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(now().rip, 0x11u);
    EXPECT_EQ(get<std::uint16_t>(0x64020), 0x1234);
    EXPECT_EQ(get<std::uint16_t>(V86_SS * 16u + 0xffe), 0x1234);
    EXPECT_EQ(now().seg[CORE_CS].selector, V86_CS);
    // Beyond the limit
    enter(bits::IF);
    place({0x67, 0x66, 0xa1, 0x00, 0x00, 0x01, 0x00}); // mov eax, [10000h]
    EXPECT_EQ(step_once(), EXC_GP);
}

TEST_F(v86, events_leave_with_all_segments_on_the_stack)
{
    enter(bits::IF | bits::IOPL3);
    place({0xcd, 0x40}); // int 40h
    gate32(0x40, CODE0, 0xee);
    EXPECT_EQ(step_once(), 0x40);
    EXPECT_EQ(now().cpl, 0);
    EXPECT_EQ(now().rflags & VM, 0u);
    EXPECT_EQ(now().rsp, STACK0 - 36);
    const std::uint32_t expected[] = {
        2, V86_CS, std::uint32_t(VM | bits::IF | bits::IOPL3 | 2), 0x1000, V86_SS, V86_ES, V86_DS, V86_FS, V86_GS};
    for (unsigned i = 0; i < 9; i++)
        EXPECT_EQ(frame32(i), expected[i]) << i;
    for (int s : {CORE_DS, CORE_ES, CORE_FS, CORE_GS})
        EXPECT_EQ(now().seg[s].selector, 0);
    const std::uint64_t handler_rip = regs().rip;
    place({0xcf}, handler_rip);
    EXPECT_EQ(step_once(), COMPLETED); // and back
    EXPECT_EQ(now().rip, 2u);
    EXPECT_NE(now().rflags & VM, 0u);
    // A handler that is conforming or not at level 0 is #GP(selector).
    enter(bits::IF | bits::IOPL3);
    gate32(0x40, CONFORMING, 0xee);
    place({0xcd, 0x40});
    EXPECT_EQ(step_once(), EXC_GP);
    EXPECT_EQ(frame32(0), CONFORMING);
}

TEST_F(v86, iopl_guards_the_interrupt_flag)
{
    const std::vector<std::uint8_t> sensitive[] = {{0xfa}, {0xfb}, {0x9c}, {0x9d}, {0xcd, 0x40}, {0xcf}};
    for (const auto &c : sensitive) {
        enter(bits::IF);
        place(c);
        EXPECT_EQ(step_once(), EXC_GP) << int(c[0]);
        EXPECT_EQ(frame32(0), 0u);
        EXPECT_EQ(frame32(1), 0u) << "RIP";
    }
    enter(bits::IF | bits::IOPL3);
    place({0xfa, 0x9c, 0xfb, 0x9d}); // cli, pushf, sti, popf
    for (unsigned i = 0; i < 4; i++)
        ASSERT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(now().rflags & (bits::IF | bits::IOPL3), bits::IOPL3);
    // INT3 does not look at IOPL; IRET with IOPL 3 stays in the mode and keeps IOPL.
    enter(bits::IF);
    gate32(EXC_BP, CODE0, 0xee);
    place({0xcc});
    EXPECT_EQ(step_once(), EXC_BP);
    enter(bits::IF | bits::IOPL3);
    put(V86_SS * 16u + 0x1000, std::uint16_t{0x77}), put(V86_SS * 16u + 0x1002, std::uint16_t{0x4000});
    put(V86_SS * 16u + 0x1004, std::uint16_t{0});
    place({0xcf});
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(now().rip, 0x77u);
    EXPECT_EQ(now().seg[CORE_CS].base, 0x40000u);
    EXPECT_EQ(now().rflags & (VM | bits::IF | bits::IOPL3), VM | bits::IOPL3);
}

TEST_F(v86, ports_ask_the_map_whatever_iopl)
{
    for (std::uint64_t iopl : {std::uint64_t{0}, bits::IOPL3}) {
        enter(static_cast<std::uint32_t>(bits::IF | iopl));
        place({0xe4, 0x40, 0xe4, 0x48}); // in al, 40h; in al, 48h
        EXPECT_EQ(step_once(), COMPLETED);
        EXPECT_EQ(step_once(), EXC_GP);
    }
}

TEST_F(v86, privileged_and_protected_mode_instructions)
{
    const struct {
        std::vector<std::uint8_t> insn;
        int vector;
    } cases[] = {
        {{0xf4}, EXC_GP},
        {{0x0f, 0x20, 0xc0}, EXC_GP},
        {{0x0f, 0x01, 0x16, 0, 0}, EXC_GP}, // hlt, cr, lgdt
        {{0x0f, 0x02, 0xc0}, EXC_UD},
        {{0x0f, 0x00, 0xc0}, EXC_UD},
        {{0x63, 0xc0}, EXC_UD}, // lar, sldt, arpl
    };
    for (const auto &c : cases) {
        enter(bits::IF | bits::IOPL3);
        place(c.insn);
        EXPECT_EQ(step_once(), c.vector) << int(c.insn[0]) << " " << int(c.insn[1]);
    }
}

TEST_F(v86, a_task_switch_enters_and_leaves)
{
    start_32(0);
    define(TSS_SEL, descriptor(TSS, 0x2067, 0x8b, 0));
    define(0xa0, descriptor(TSS2, 0x67, 0x89, 0));
    state = now();
    state.gdt_limit = 0xff;
    set();
    for (unsigned i = 0; i < 0x68; i++)
        put(TSS2 + i, std::uint8_t{0});
    put(TSS2 + 4, std::uint32_t(STACK0)), put(TSS2 + 8, std::uint16_t{DATA0});
    put(TSS2 + 0x24, std::uint32_t(VM | 2));
    put(TSS2 + 0x38, std::uint32_t{0x1000});
    const std::uint32_t selectors[] = {V86_ES, V86_CS, V86_SS, V86_DS, V86_FS, V86_GS};
    for (unsigned i = 0; i < 6; i++)
        put(TSS2 + 0x48 + 4 * i, static_cast<std::uint16_t>(selectors[i]));
    place({0xea, 0, 0, 0, 0, 0xa0, 0}, 0x51000);
    set_rip(0x51000);
    place({0x90, 0xf4});
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(now().cpl, 3);
    EXPECT_EQ(now().seg[CORE_CS].base, CODE);
    EXPECT_EQ(now().rip, 0u);
    EXPECT_EQ(step_once(), COMPLETED);
    EXPECT_EQ(step_once(), EXC_GP);
    EXPECT_NE(frame32(3) & VM, 0u);
    EXPECT_EQ(frame32(9), V86_GS);
}

} // namespace
