// SPDX-License-Identifier: Apache-2.0
// Cached code is always the code in memory: whoever writes it, through whatever mapping, in whatever mode. Judge: SDM
// Vol. 3, "Self-Modifying Code" and "Handling Self- and Cross-Modifying Code".
#include "protected_fixture.h"

namespace
{
using code = std::vector<std::uint8_t>;
enum { RAX, RCX, RDX, RBX };
constexpr std::uint8_t HLT = 0xf4;

class code_cache : public protected_fixture
{
  protected:
    void write_code(std::uint64_t pa, const code &bytes)
    {
        for (std::size_t i = 0; i < bytes.size(); i++)
            put(pa + i, bytes[i]);
    }
    // Runs to HLT from `rip`.
    void run(cpu *c, std::uint64_t rip)
    {
        cpu_regs r;
        cpu_get_regs(c, &r);
        r.rip = rip;
        cpu_set_regs(c, &r);
        core_state s;
        core_get(c, &s);
        s.rip = rip;
        core_set(c, &s);
        EXPECT_EQ(cpu_run(c, cpu_now(c) + 100000), CPU_STOP_HALT);
    }
    void run(std::uint64_t rip) { run(core, rip); }
    static std::uint64_t gpr(cpu *c, int number)
    {
        cpu_regs r;
        cpu_get_regs(c, &r);
        return r.gpr[number];
    }
    void set_gpr(int number, std::uint64_t value)
    {
        cpu_regs r;
        cpu_get_regs(core, &r);
        r.gpr[number] = value;
        cpu_set_regs(core, &r);
    }
    static code mov_eax(std::uint32_t value)
    {
        return {0xb8, std::uint8_t(value), std::uint8_t(value >> 8), std::uint8_t(value >> 16),
                std::uint8_t(value >> 24)};
    }
    // MOV EAX, value; HLT
    static code answer(std::uint32_t value)
    {
        code c = mov_eax(value);
        c.push_back(HLT);
        return c;
    }
    void map_4k(std::uint64_t la, std::uint64_t pa)
    {
        constexpr std::uint64_t PT = 0x4000;
        put(PD + 8 * (la >> 21), PT | 7);
        put(PT + 8 * ((la >> 12) & 511), pa | 7);
    }
};

// The store changes the next instruction, in the same block.
TEST_F(code_cache, a_store_into_the_next_instruction)
{
    start_long(0);
    set_gpr(RBX, CODE + 4);               // the immediate of the MOV
    write_code(CODE, {0xc6, 0x03, 0x77}); // mov byte [rbx], 77h
    write_code(CODE + 3, answer(0x11));
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 0x77u);
}

// A loop patches its own body in each round.
TEST_F(code_cache, a_loop_that_changes_itself)
{
    start_long(0);
    set_gpr(RBX, CODE + 1);
    set_gpr(RCX, 50);
    set_gpr(RDX, 0);
    write_code(CODE, {0xb8, 0, 0, 0, 0,  // mov eax, imm32
                      0x01, 0xc2,        // add edx, eax
                      0xff, 0x03,        // inc dword [rbx]
                      0xe2, 0xf5, HLT}); // loop to the start
    run(CODE);
    EXPECT_EQ(gpr(core, RDX), 49u * 50 / 2);
}

TEST_F(code_cache, a_chained_successor_on_another_page_is_dropped)
{
    start_long(0);
    const std::uint64_t other = CODE + 0x1000;
    write_code(CODE, {0xe9, 0xfb, 0x0f, 0, 0}); // jmp other
    write_code(other, answer(1));
    drop_code(other);
    for (int i = 0; i < 3; i++)
        run(CODE);
    EXPECT_EQ(gpr(core, RAX), 1u);
    set_gpr(RBX, other + 1);
    write_code(CODE + 0x2000, {0xc6, 0x03, 2, HLT}); // mov byte [rbx], 2
    run(CODE + 0x2000);
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 2u);
}

TEST_F(code_cache, another_core_changes_the_code)
{
    start_long(0);
    cpu *second = create_another();
    core_set(second, &state);
    write_code(CODE, answer(1));
    for (int i = 0; i < 3; i++) {
        run(CODE);
        run(second, CODE);
    }
    EXPECT_EQ(gpr(second, RAX), 1u);
    set_gpr(RBX, CODE + 1);
    write_code(CODE + 0x2000, {0xc6, 0x03, 2, HLT});
    run(CODE + 0x2000);
    run(second, CODE);
    EXPECT_EQ(gpr(second, RAX), 2u);
    cpu_destroy(second);
}

TEST_F(code_cache, written_through_another_mapping)
{
    start_long(0);
    const std::uint64_t alias = 0x200000 + 0x5000;
    map_4k(alias, CODE);
    set();
    write_code(CODE, answer(1));
    run(CODE);
    run(alias);
    EXPECT_EQ(gpr(core, RAX), 1u);
    set_gpr(RBX, alias + 1);
    write_code(CODE + 0x2000, {0xc6, 0x03, 3, HLT});
    run(CODE + 0x2000);
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 3u);
    run(alias);
    EXPECT_EQ(gpr(core, RAX), 3u);
}

// The instruction begins on one page and ends on the next; each part is changed in turn.
TEST_F(code_cache, an_instruction_on_two_pages)
{
    start_long(0);
    const std::uint64_t at = CODE + 0x1000 - 3;
    write_code(at, answer(0x01020304));
    run(at);
    EXPECT_EQ(gpr(core, RAX), 0x01020304u);
    write_code(CODE + 0x2000, {0xc6, 0x03, 0x55, HLT});
    set_gpr(RBX, at + 4); // the last byte of the immediate, second page
    run(CODE + 0x2000);
    run(at);
    EXPECT_EQ(gpr(core, RAX), 0x55020304u);
    set_gpr(RBX, at + 1); // the first byte, first page
    run(CODE + 0x2000);
    run(at);
    EXPECT_EQ(gpr(core, RAX), 0x55020355u);
}

// The second page of such an instruction is mapped to another physical page.
TEST_F(code_cache, an_instruction_whose_second_page_is_remapped)
{
    start_long(0);
    const std::uint64_t la = 0x200000 + 0x5000, first = 0x60000, one = 0x61000, two = 0x62000;
    map_4k(la, first);
    map_4k(la + 0x1000, one);
    set();
    write_code(first + 0xffd, {0xb8, 1, 2});
    write_code(one, {3, 4, HLT});
    write_code(two, {5, 6, HLT});
    run(la + 0xffd);
    EXPECT_EQ(gpr(core, RAX), 0x04030201u);
    map_4k(la + 0x1000, two);
    set_gpr(RBX, la + 0x1000);
    write_code(CODE, {0x0f, 0x01, 0x3b, HLT}); // invlpg [rbx]
    run(CODE);
    run(la + 0xffd);
    EXPECT_EQ(gpr(core, RAX), 0x06050201u);
}

TEST_F(code_cache, remapped_and_invalidated)
{
    start_long(0);
    const std::uint64_t la = 0x200000 + 0x5000;
    write_code(0x60000, answer(1));
    write_code(0x61000, answer(2));
    map_4k(la, 0x60000);
    set();
    run(la);
    EXPECT_EQ(gpr(core, RAX), 1u);
    map_4k(la, 0x61000);
    set_gpr(RBX, la);
    write_code(CODE, {0x0f, 0x01, 0x3b, 0xff, 0xe3}); // invlpg [rbx]; jmp rbx
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 2u);
}

// 48 B8 is MOV RAX, imm64 in 64-bit mode; DEC EAX, MOV EAX, imm32 outside it.
TEST_F(code_cache, the_same_bytes_in_another_mode)
{
    const code bytes{0x48, 0xb8, 1, 0, 0, 0, HLT, 0, 0, 0, HLT};
    start_long(0);
    write_code(CODE, bytes);
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 0x000000f400000001u);
    start_32(0);
    write_code(CODE, bytes);
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 1u);
    EXPECT_EQ(now().rip, CODE + 7);
    start_long(0);
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 0x000000f400000001u);
}

// Nobody tells when a device changes what it shows: nothing of it may be kept.
TEST_F(code_cache, code_in_a_device)
{
    device_from = CODE;
    start_long(0);
    cpu_destroy(core); // direct pages are asked anew
    core = nullptr;
    create();
    start_long(0);
    set_gpr(RAX, 0);
    set_gpr(RCX, 100);
    write_code(CODE, {0xff, 0xc0, 0xe2, 0xfc, HLT}); // inc eax; loop to the start
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 100u);
    // Direct jumps from the device into RAM and back: each block is the other's successor.
    const std::uint64_t ram = CODE - 0x1000;
    write_code(CODE, {0xff, 0xc0, 0xe9, 0xf9, 0xef, 0xff, 0xff}); // inc eax; jmp ram
    write_code(ram, {0xff, 0xc2, 0xff, 0xc2, 0xff, 0xc2, 0xff, 0xc9, 0x0f, 0x85, 0xf2, 0x0f, 0, 0,
                     HLT}); // inc edx, 3 times; dec ecx; jne CODE; hlt
    set_gpr(RAX, 0);
    set_gpr(RCX, 100);
    set_gpr(RDX, 0);
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 100u);
    EXPECT_EQ(gpr(core, RDX), 300u);
    write_code(CODE, answer(7)); // behind the core's back
    run(CODE);
    EXPECT_EQ(gpr(core, RAX), 7u);
}
} // namespace
