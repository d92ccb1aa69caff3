// SPDX-License-Identifier: Apache-2.0
// Faults of instructions without a ModRM memory operand, against the host processor: stacks that are absent, read-only,
// not canonical or end in the middle of an access; repeated string instructions that fault on the way; instructions
// that user code may not execute; #DE, #UD, #BP. (oracle.h puts ModRM operands where they fault.)
#include "oracle.h"

namespace
{

using oracle_fault = oracle_test;
using bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t PAGE = native_cpu::PAGE, DATA = native_cpu::DATA;

// Around the places where an access of up to `reach` bytes begins or ceases to fault.
std::uint64_t near_fault(random_source &random, unsigned reach)
{
    const std::uint64_t edges[] = {native_cpu::STACK,     native_cpu::STACK + PAGE,     native_cpu::ABSENT[0],
                                   native_cpu::READ_ONLY, native_cpu::READ_ONLY + PAGE, native_cpu::ABSENT[0] + PAGE};
    const std::uint64_t edge = edges[random.below(6)];
    switch (random.below(8)) {
    case 0: return choose_target(operand_place::non_canonical, 1, reach, random);
    case 1: return edge; // aligned: nothing is cut
    case 2: return edge + 8 * random.below(4) - 8 * random.below(4);
    default: return edge + random.below(reach + 1) - random.below(reach + 1);
    }
}

// An address where 8 bytes cannot be read.
std::uint64_t unreadable(random_source &random)
{
    return random.one_in(3) ? choose_target(operand_place::non_canonical, 1, 0, random)
                            : native_cpu::ABSENT[random.below(2)] - 7 + random.below(PAGE);
}

void bad_stack(oracle_case &c, random_source &random) { c.state.gpr[RSP] = near_fault(random, 24); }

struct named {
    const char *name;
    bytes code;
};

TEST_F(oracle_fault, stack)
{
    const named forms[] = {{"push", {0x50}},
                           {"push 16", {0x66, 0x50}},
                           {"push imm8", {0x6a, 0x91}},
                           {"push imm32", {0x68, 1, 2, 3, 0x84}},
                           {"push imm16", {0x66, 0x68, 1, 0x82}},
                           {"push fs", {0x0f, 0xa0}},
                           {"push gs, 16", {0x66, 0x0f, 0xa8}},
                           {"pop", {0x58}},
                           {"pop 16", {0x66, 0x58}},
                           {"pop rsp", {0x5c}},
                           {"pushf", {0x9c}},
                           {"pushf 16", {0x66, 0x9c}},
                           {"call", {0xe8, 0xfb, 0, 0, 0}},
                           {"push [rsp]", {0xff, 0x34, 0x24}},
                           {"pop [rsp]", {0x8f, 0x04, 0x24}},
                           {"pop [rsp + 8]", {0x8f, 0x44, 0x24, 0x08}}};
    for (const named &f : forms)
        judge().check_bytes(f.name, f.code, STATUS, bad_stack);
    // Either the stack or the target is bad: which is found first is not defined.
    judge().check_bytes("call rm", {0xff, 0xd0}, STATUS, [](oracle_case &c, random_source &random) {
        c.state.gpr[RAX] = native_cpu::TAKEN;
        if (random.one_in(2))
            bad_stack(c, random);
        else
            c.state.gpr[RAX] = choose_target(operand_place::non_canonical, 1, 0, random);
    });
    judge().check_bytes("call m", {0xff, 0x10}, STATUS,
                        [](oracle_case &c, random_source &random) { c.state.gpr[RAX] = unreadable(random); });
    judge().check_bytes("jmp rm", {0xff, 0xe0}, STATUS, [](oracle_case &c, random_source &random) {
        c.state.gpr[RAX] =
            random.one_in(4) ? native_cpu::TAKEN : choose_target(operand_place::non_canonical, 1, 0, random);
    });
}

TEST_F(oracle_fault, returns_and_frames)
{
    // Data on the stack is noise, no address to return to: the pop itself must fault.
    for (const named &f : {named{"ret", {0xc3}}, named{"ret imm", {0xc2, 0x18, 0}}})
        judge().check_bytes(f.name, f.code, STATUS,
                            [](oracle_case &c, random_source &random) { c.state.gpr[RSP] = unreadable(random); });
    auto frame = [](oracle_case &c, random_source &random) {
        if (random.one_in(2))
            c.state.gpr[RBP] = near_fault(random, 24);
        else
            c.state.gpr[RBP] = native_cpu::STACK + 0x900 + 8 * random.below(16);
        if (random.one_in(2))
            c.state.gpr[RSP] = near_fault(random, 60);
    };
    judge().check_bytes("leave", {0xc9}, STATUS, frame);
    judge().check_bytes("leave 16", {0x66, 0xc9}, STATUS, frame);
    judge().check_bytes("enter", {0xc8, 0x20, 0, 0}, STATUS, frame);
    judge().check_bytes("enter 16", {0x66, 0xc8, 0x20, 0, 0}, STATUS, frame);
    judge().check_bytes("enter, level 1", {0xc8, 0x20, 0, 1}, STATUS, frame);
}

// Both pointers may meet a bad page after some elements, upwards or downwards.
TEST_F(oracle_fault, strings)
{
    struct {
        const char *name;
        unsigned opcode;
    } const ops[] = {{"movs", 0xa4}, {"cmps", 0xa6}, {"stos", 0xaa}, {"lods", 0xac}, {"scas", 0xae}};
    for (const auto &op : ops)
        for (unsigned size : {1u, 2u, 4u, 8u})
            for (unsigned prefix : {0u, 0xf3u, 0xf2u})
                for (bool address32 : {false, true}) {
                    bytes b;
                    if (address32)
                        b.push_back(0x67);
                    if (size == 2)
                        b.push_back(0x66);
                    if (prefix)
                        b.push_back(static_cast<std::uint8_t>(prefix));
                    if (size == 8)
                        b.push_back(0x48);
                    b.push_back(static_cast<std::uint8_t>(op.opcode + (size > 1)));
                    auto prepare = [=](oracle_case &c, random_source &random) {
                        auto pointer = [&] {
                            const unsigned reach = 40 * size;
                            std::uint64_t p =
                                random.one_in(3) ? DATA + 0x400 + random.below(0x800) : near_fault(random, reach);
                            if (address32) // what is above does not count; an address that is not canonical cannot be
                                p = p - native_cpu::BASE < native_cpu::SIZE ? p | random.bits() << 32 : DATA + 0x800;
                            return p;
                        };
                        c.state.gpr[RSI] = pointer();
                        c.state.gpr[RDI] = pointer();
                        if (op.opcode == 0xa6) // which of two bad pointers is found first is not defined
                            c.state.gpr[random.one_in(2) ? RSI : RDI] = DATA + 0x800;
                        if (prefix)
                            c.state.gpr[RCX] =
                                random.below(random.one_in(2) ? 64 : 5) | (address32 ? random.bits() << 32 : 0);
                        if (random.one_in(3))
                            c.state.rflags |= DF;
                        // Equal memory, so that comparisons go on until they fault.
                        c.state.gpr[RAX] = random.one_in(2) ? 0 : 0x4141414141414141;
                    };
                    family f;
                    f.name = std::string(op.name) +
                             text(" size %lu prefix %02lX address %lu, faults", size, prefix, address32 ? 4 : 8);
                    f.prepare = prepare;
                    // SDM Vol. 2, "REP": a fault on the way restores the flags of before; not so on all processors.
                    f.settle = [](const oracle_case &c, outcome &want, outcome &, oracle_guest &) {
                        if (want.vector >= 0)
                            want.state.rflags = (want.state.rflags & ~STATUS) | (c.state.rflags & STATUS);
                    };
                    judge().check_bytes(f, b);
                }
}

TEST_F(oracle_fault, not_for_user_code)
{
    const named forms[] = {
        {"hlt", {0xf4}},
        {"cli", {0xfa}},
        {"sti", {0xfb}},
        {"clts", {0x0f, 0x06}},
        {"invd", {0x0f, 0x08}},
        {"wbinvd", {0x0f, 0x09}},
        {"rdmsr", {0x0f, 0x32}},
        {"wrmsr", {0x0f, 0x30}},
        {"mov cr0", {0x0f, 0x20, 0xc0}},
        {"mov to cr3", {0x0f, 0x22, 0xd8}},
        {"mov dr7", {0x0f, 0x21, 0xf8}},
        {"swapgs", {0x0f, 0x01, 0xf8}},
        {"invlpg", {0x0f, 0x01, 0x38}},
        {"lgdt", {0x0f, 0x01, 0x10}},
        {"lidt", {0x0f, 0x01, 0x18}},
        {"lmsw", {0x0f, 0x01, 0xf0}},
        {"lldt", {0x0f, 0x00, 0xd0}},
        {"ltr", {0x0f, 0x00, 0xd8}},
        {"sysret", {0x0f, 0x07}},
        {"in al, imm8", {0xe4, 0x70}},
        {"in eax, imm8", {0xe5, 0x70}},
        {"out imm8, al", {0xe6, 0x70}},
        {"out imm8, eax", {0xe7, 0x70}},
        {"xsetbv", {0x0f, 0x01, 0xd1}},
        {"int 20H", {0xcd, 0x20}},
        {"int 0", {0xcd, 0x00}},
        {"ud2", {0x0f, 0x0b}},
        {"ud1", {0x0f, 0xb9, 0xc0}},
        {"ud0", {0x0f, 0xff, 0xc0}},
        {"push es", {0x06}},
        {"daa", {0x27}},
        {"pusha", {0x60}},
        {"into", {0xce}},
        {"aam", {0xd4, 0x0a}},
        {"salc", {0xd6}},
        {"lock, no memory", {0xf0, 0x01, 0xc8}},
        {"lock mov", {0xf0, 0x89, 0x08}},
        {"clac", {0x0f, 0x01, 0xca}},
        {"stac", {0x0f, 0x01, 0xcb}},
        {"int3", {0xcc}},
        {"int 3", {0xcd, 0x03}},
        {"monitor", {0x0f, 0x01, 0xc8}},
        {"mwait", {0x0f, 0x01, 0xc9}},
        {"mov to dr7", {0x0f, 0x23, 0xf8}},
        {"sysexit", {0x0f, 0x35}},
    };
    for (const named &f : forms)
        judge().check_bytes(f.name, f.code, STATUS);
    for (std::uint8_t opcode : {std::uint8_t{0xec}, std::uint8_t{0xed}, std::uint8_t{0xee}, std::uint8_t{0xef},
                                std::uint8_t{0x6c}, std::uint8_t{0x6d}, std::uint8_t{0x6e}, std::uint8_t{0x6f}})
        judge().check_bytes(text("port in DX: %02lX", opcode), {opcode}, STATUS, [](oracle_case &c, random_source &) {
            c.state.gpr[RDX] = 0x70;
            c.state.gpr[RSI] = c.state.gpr[RDI] = DATA + 0x100;
        });
}

} // namespace
