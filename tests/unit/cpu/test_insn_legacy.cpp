// SPDX-License-Identifier: Apache-2.0
// Instructions that user code of 64-bit mode cannot reach or that touch segments, ports and other privilege levels:
// segment loads, far transfers, BOUND, ARPL, INTO, ports. Judge: SDM Vol. 2, the instructions' pages.
#include "insn_fixture.h"

namespace
{
class insn_legacy : public insn_fixture
{
};

// 32-bit code: ES, SS, DS, FS, GS are pushed as zero-extended selectors and come back.
TEST_F(insn_legacy, push_and_pop_of_segments)
{
    const struct {
        code push, pop;
        int seg;
    } cases[] = {{{0x06}, {0x07}, CORE_ES},
                 {{0x16}, {0x17}, CORE_SS},
                 {{0x1e}, {0x1f}, CORE_DS},
                 {{0x0f, 0xa0}, {0x0f, 0xa1}, CORE_FS},
                 {{0x0f, 0xa8}, {0x0f, 0xa9}, CORE_GS}};
    for (const auto &c : cases) {
        start_32(0);
        state = now();
        state.seg[c.seg] = {0, 0xffffffff, DATA0, 0xc093};
        set();
        EXPECT_EQ(run(c.push), -1);
        EXPECT_EQ(now().rsp, STACK0 - 4);
        EXPECT_EQ(get<std::uint16_t>(STACK0 - 4), DATA0);
        start_32(0);
        state = now();
        state.rsp = STACK0 - 4;
        set();
        put(STACK0 - 4, std::uint32_t{READ_ONLY});
        const bool is_ss = c.seg == CORE_SS;
        EXPECT_EQ(run(c.pop), is_ss ? EXC_GP : -1) << "SS must be writable";
        if (!is_ss) {
            EXPECT_EQ(now().seg[c.seg].selector, READ_ONLY);
            EXPECT_EQ(now().rsp, STACK0);
        }
    }
    start_32(0);
    EXPECT_EQ(run({0x0e}), -1);
    EXPECT_EQ(get<std::uint16_t>(STACK0 - 4), CODE0) << "PUSH CS";
}

TEST_F(insn_legacy, pop_ss)
{
    start_32(0);
    define(BAD_CODE, descriptor(0, 0xffff, 0x93, 0)); // a 16-bit stack
    state = now();
    state.rsp = STACK0 - 4;
    state.rflags |= bits::TF;
    set();
    put(STACK0 - 4, std::uint32_t{0xffff0000 | BAD_CODE});
    EXPECT_EQ(run({0x17, 0x90, 0x90}), COMPLETED);
    EXPECT_EQ(now().seg[CORE_SS].selector, BAD_CODE);
    EXPECT_EQ(now().seg[CORE_SS].limit, 0xffffu);
    EXPECT_EQ(now().rsp, STACK0) << "the old stack has 32 bits";
    set_gpr(RSP, 0x8000);
    int vector = step_once(); // nop: the trap after POP SS is held off, that of the next instruction is not
    if (vector == COMPLETED)
        vector = step_once();
    EXPECT_EQ(vector, EXC_DB);
    EXPECT_EQ(frame32(0), CODE + 2);
}

TEST_F(insn_legacy, mov_from_segment)
{
    start_32(0);
    set_gpr(RAX, 0xffffffff);
    EXPECT_EQ(run({0x8c, 0xc8}), -1); // mov eax, cs
    EXPECT_EQ(gpr(RAX), std::uint64_t{CODE0});
    start_32(0);
    set_gpr(RBX, STACK3);
    put(STACK3, std::uint32_t{0xaaaaaaaa});
    EXPECT_EQ(run({0x8c, 0x0b}), -1); // mov [ebx], cs: always a word
    EXPECT_EQ(get<std::uint32_t>(STACK3), 0xaaaa0000u | CODE0);
}

TEST_F(insn_legacy, far_pointers_load_segment_and_register)
{
    const struct {
        code bytes;
        int seg;
    } cases[] = {{{0xc4, 0x03}, CORE_ES},
                 {{0xc5, 0x03}, CORE_DS},
                 {{0x0f, 0xb4, 0x03}, CORE_FS},
                 {{0x0f, 0xb5, 0x03}, CORE_GS},
                 {{0x0f, 0xb2, 0x03}, CORE_SS}};
    for (const auto &c : cases) {
        start_32(0);
        set_gpr(RBX, STACK3);
        put(STACK3, std::uint32_t{0x12345678});
        put(STACK3 + 4, std::uint16_t{DATA0});
        EXPECT_EQ(run(c.bytes), -1);
        EXPECT_EQ(gpr(RAX), 0x12345678u);
        EXPECT_EQ(now().seg[c.seg].selector, DATA0);
        start_32(0);
        set_gpr(RBX, STACK3);
        set_gpr(RAX, 5);
        put(STACK3 + 4, std::uint16_t{GDT_BYTES});
        EXPECT_EQ(run(c.bytes), EXC_GP);
        EXPECT_EQ(gpr(RAX), 5u) << "the register is not loaded when the segment faults";
    }
}

TEST_F(insn_legacy, far_calls_and_returns)
{
    start_32(0);
    EXPECT_EQ(run({0x9a, 0x00, 0x00, 0x06, 0x00, CONFORMING, 0x00}), -1); // call CONFORMING:60000h
    EXPECT_EQ(now().rip, 0x60000u);
    EXPECT_EQ(now().seg[CORE_CS].selector, CONFORMING);
    EXPECT_EQ(frame32(0), CODE + 7);
    EXPECT_EQ(frame32(1), std::uint32_t{CODE0});
    for (bool with_pop : {false, true}) {
        start_32(0);
        state = now();
        state.rsp = STACK0 - 8;
        set();
        put(STACK0 - 8, std::uint32_t{0x60010});
        put(STACK0 - 4, std::uint32_t{CODE0});
        EXPECT_EQ(run(with_pop ? code{0xca, 0x10, 0x00} : code{0xcb}), -1);
        EXPECT_EQ(now().rip, 0x60010u);
        EXPECT_EQ(now().rsp, STACK0 + (with_pop ? 0x10 : 0));
    }
    for (bool is_call : {false, true}) { // through memory
        start_32(0);
        set_gpr(RBX, STACK3);
        put(STACK3, std::uint32_t{0x60020});
        put(STACK3 + 4, std::uint16_t{CODE0});
        EXPECT_EQ(run({0xff, std::uint8_t(is_call ? 0x1b : 0x2b)}), -1);
        EXPECT_EQ(now().rip, 0x60020u);
        EXPECT_EQ(now().rsp, STACK0 - (is_call ? 8 : 0));
    }
    start_32(0);
    EXPECT_EQ(run({0xea, 0x30, 0x00, 0x06, 0x00, CODE0, 0x00}), -1);
    EXPECT_EQ(now().rip, 0x60030u);
}

TEST_F(insn_legacy, iret_and_into)
{
    start_32(0);
    state = now();
    state.rsp = STACK0 - 12;
    set();
    put(STACK0 - 12, std::uint32_t{0x60040});
    put(STACK0 - 8, std::uint32_t{CODE0});
    put(STACK0 - 4, std::uint32_t{0x246});
    EXPECT_EQ(run({0xcf}), -1);
    EXPECT_EQ(now().rip, 0x60040u);
    EXPECT_EQ(now().rflags, 0x246u);
    for (bool overflow : {false, true}) {
        start_32(0);
        state = now();
        state.rflags = 2 | (overflow ? 0x800 : 0);
        set();
        EXPECT_EQ(run({0xce}), overflow ? 4 : -1);
        if (overflow) {
            EXPECT_EQ(frame32(0), CODE + 1) << "#OF is a trap";
        }
    }
}

TEST_F(insn_legacy, bound)
{
    const struct {
        std::uint32_t index;
        int expected;
    } cases[] = {{9, 5}, {10, -1}, {15, -1}, {20, -1}, {21, 5}, {0xffffffff, 5}};
    for (const auto &c : cases) {
        start_32(0);
        set_gpr(RBX, STACK3);
        set_gpr(RAX, c.index);
        put(STACK3, std::uint32_t{10});
        put(STACK3 + 4, std::uint32_t{20});
        EXPECT_EQ(run({0x62, 0x03}), c.expected) << c.index;
        if (c.expected == 5) {
            EXPECT_EQ(frame32(0), CODE) << "#BR is a fault";
        }
    }
}

TEST_F(insn_legacy, arpl)
{
    for (std::uint16_t destination : {std::uint16_t{0x20}, std::uint16_t{0x22}}) {
        start_32(3);
        set_gpr(RAX, destination);
        set_gpr(RCX, 0x31);
        EXPECT_EQ(run({0x63, 0xc8}), -1); // arpl ax, cx
        const bool raised = (destination & 3) < 1;
        EXPECT_EQ(gpr(RAX), raised ? (destination & ~3u) | 1u : destination);
        EXPECT_EQ(now().rflags & 0x40, raised ? 0x40u : 0u);
    }
}

TEST_F(insn_legacy, ports_of_all_widths)
{
    const struct {
        code bytes;
        std::uint32_t size;
        bool is_out;
    } cases[] = {{{0xe4, 0x60}, 1, false},
                 {{0xe5, 0x60}, 4, false},
                 {{0x66, 0xe5, 0x60}, 2, false},
                 {{0xec}, 1, false},
                 {{0xed}, 4, false},
                 {{0xe6, 0x60}, 1, true},
                 {{0xe7, 0x60}, 4, true},
                 {{0x66, 0xe7, 0x60}, 2, true},
                 {{0xee}, 1, true},
                 {{0xef}, 4, true}};
    for (const auto &c : cases) {
        start_long(0);
        set_gpr(RDX, 0x60);
        set_gpr(RAX, 0x1122334455667788);
        ports.clear();
        EXPECT_EQ(run(c.bytes), -1);
        ASSERT_EQ(ports.size(), 3u);
        EXPECT_EQ(ports[0], 0x60u);
        EXPECT_EQ(ports[1], c.size);
        const std::uint64_t mask = c.size == 4 ? 0xffffffff : (1ull << (8 * c.size)) - 1;
        if (c.is_out) {
            EXPECT_EQ(ports[2], 0x55667788 & mask);
        } else {
            const std::uint64_t kept = c.size == 4 ? 0 : 0x1122334455667788 & ~mask;
            EXPECT_EQ(gpr(RAX), kept | (0x87654321 & mask)) << "a doubleword clears the upper half";
        }
    }
}

TEST_F(insn_legacy, outs_reads_through_a_segment)
{
    for (const code &bytes : {code{0x6e}, code{0x6f}}) {
        start_long(0);
        set_gpr(RDX, 0x60);
        set_gpr(RSI, STACK3);
        put(STACK3, std::uint32_t{0x99aabbcc});
        ports.clear();
        EXPECT_EQ(run(bytes), -1);
        ASSERT_EQ(ports.size(), 3u);
        EXPECT_EQ(ports[2], bytes[0] == 0x6e ? 0xccu : 0x99aabbccu);
        EXPECT_EQ(gpr(RSI), STACK3 + (bytes[0] == 0x6e ? 1 : 4));
    }
}

TEST_F(insn_legacy, clac_stac_and_serialize)
{
    start_long(0);
    EXPECT_EQ(run({0x0f, 0x01, 0xcb}), -1);
    EXPECT_EQ(now().rflags & bits::AC, bits::AC + 0);
    start_long(0);
    state = now();
    state.rflags |= bits::AC;
    set();
    EXPECT_EQ(run({0x0f, 0x01, 0xca}), -1);
    EXPECT_EQ(now().rflags & bits::AC, 0u);
    for (std::uint8_t modrm : code{0xca, 0xcb}) {
        start_long(3);
        EXPECT_EQ(run({0x0f, 0x01, modrm}), EXC_UD) << "at CPL 3";
    }
    start_long(3);
    EXPECT_EQ(run({0x0f, 0x01, 0xe8}), -1);
    EXPECT_EQ(now().rip, CODE + 3);
}

TEST_F(insn_legacy, cpuid_writes_all_four_registers)
{
    start_long(3);
    for (int reg : {RAX, RCX, RDX, RBX})
        set_gpr(reg, 0xffffffff00000000);
    EXPECT_EQ(run({0x0f, 0xa2}), -1);
    EXPECT_EQ(gpr(RBX), 0x756e6547u) << "Genu";
    EXPECT_EQ(gpr(RDX), 0x49656e69u) << "ineI";
    EXPECT_EQ(gpr(RCX), 0x6c65746eu) << "ntel";
    EXPECT_GE(gpr(RAX), 0x16u);
}

TEST_F(insn_legacy, gs_base_by_instruction)
{
    start_long(3);
    set_cr(0, 1u << 16);
    state = now();
    state.seg[CORE_GS].base = 0x123456789000;
    set();
    EXPECT_EQ(run({0xf3, 0x48, 0x0f, 0xae, 0xc8}), -1); // rdgsbase rax
    EXPECT_EQ(gpr(RAX), 0x123456789000u);
    start_long(3);
    EXPECT_EQ(run({0xf3, 0x48, 0x0f, 0xae, 0xc8}), EXC_UD) << "without CR4.FSGSBASE";
}
} // namespace
