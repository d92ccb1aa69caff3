// SPDX-License-Identifier: Apache-2.0
// Branches, stack instructions and string instructions against the host processor.
#include "oracle.h"

namespace
{

using oracle_flow = oracle_test;

constexpr std::uint64_t CODE = native_cpu::CODE, DATA = native_cpu::DATA, TAKEN = native_cpu::TAKEN;

// Relative distance from the end of an instruction of `length` bytes at CODE to where branches go.
std::vector<std::uint8_t> relative32(unsigned length)
{
    auto d = static_cast<std::uint32_t>(TAKEN - CODE - length);
    return {static_cast<std::uint8_t>(d), static_cast<std::uint8_t>(d >> 8), static_cast<std::uint8_t>(d >> 16),
            static_cast<std::uint8_t>(d >> 24)};
}

std::vector<std::uint8_t> join(std::vector<std::uint8_t> a, const std::vector<std::uint8_t> &b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

void put64(std::uint64_t *reg_or_stack, std::uint64_t v) { std::memcpy(reg_or_stack, &v, 8); }

TEST_F(oracle_flow, jump_and_call)
{
    judge().check_bytes("jmp", join({0xe9}, relative32(5)), STATUS);
    judge().check_bytes("call", join({0xe8}, relative32(5)), STATUS);
    for (unsigned r = 0; r < 16; r++) {
        if (r == RSP)
            continue;
        auto modrm = [r](unsigned ext) { return static_cast<std::uint8_t>(0xc0 | ext << 3 | (r & 7)); };
        auto rex = static_cast<std::uint8_t>(0x40 | r >> 3);
        auto prepare = [r](oracle_case &c, random_source &) { c.state.gpr[r] = TAKEN; };
        judge().check_bytes("call rm", {rex, 0xff, modrm(2)}, STATUS, prepare, 70);
        judge().check_bytes("jmp rm", {rex, 0xff, modrm(4)}, STATUS, prepare, 70);
    }
}

TEST_F(oracle_flow, loops)
{
    auto few = [](oracle_case &c, random_source &random) {
        if (random.one_in(2))
            c.state.gpr[RCX] = random.below(3);
        if (random.one_in(3))
            c.state.gpr[RCX] &= 0xffffffff00000000;
    };
    // Short branches over a JMP that leads on, to what the near JMP behind it reaches.
    for (unsigned opcode = 0xe0; opcode < 0xe4; opcode++)
        for (bool address32 : {false, true}) {
            std::vector<std::uint8_t> b;
            if (address32)
                b.push_back(0x67);
            b.insert(b.end(), {static_cast<std::uint8_t>(opcode), 2, 0xeb, 5});
            auto length = static_cast<unsigned>(b.size()) + 5;
            judge().check_bytes(text("loop %02lX address %lu", opcode, address32 ? 4 : 8),
                                join(join(b, {0xe9}), relative32(length)), STATUS, few);
        }
    for (unsigned cc = 0; cc < 16; cc++) {
        std::vector<std::uint8_t> b = {static_cast<std::uint8_t>(0x70 + cc), 2, 0xeb, 5, 0xe9};
        judge().check_bytes(text("jcc short %lX", cc), join(b, relative32(9)), STATUS);
    }
}

TEST_F(oracle_flow, push_and_pop)
{
    for (unsigned r = 0; r < 8; r++) {
        auto plus = [r](unsigned opcode) { return static_cast<std::uint8_t>(opcode + r); };
        judge().check_bytes("push", {plus(0x50)}, STATUS, nullptr, 130);
        judge().check_bytes("push r8..", {0x41, plus(0x50)}, STATUS, nullptr, 130);
        judge().check_bytes("push 16", {0x66, plus(0x50)}, STATUS, nullptr, 130);
        judge().check_bytes("pop", {plus(0x58)}, STATUS, nullptr, 130);
        judge().check_bytes("pop r8..", {0x41, plus(0x58)}, STATUS, nullptr, 130);
        judge().check_bytes("pop 16", {0x66, plus(0x58)}, STATUS, nullptr, 130);
    }
    judge().check_bytes("push imm8", {0x6a, 0x91}, STATUS);
    judge().check_bytes("push imm8, 16", {0x66, 0x6a, 0x91}, STATUS);
    judge().check_bytes("push imm32", {0x68, 0x91, 1, 2, 0x83}, STATUS);
    judge().check_bytes("push imm16", {0x66, 0x68, 0x91, 0x81}, STATUS);
    judge().check_bytes("pushf", {0x9c}, STATUS);
    judge().check_bytes("pushf 16", {0x66, 0x9c}, STATUS);
    judge().check_bytes("pushf popf", {0x50, 0x9c, 0x5b, 0x58, 0x53, 0x9d}, STATUS);
    // popf of random status flags: mov [rsp], eax; popf
    judge().check_bytes("popf", {0x50, 0x9d}, STATUS, [](oracle_case &c, random_source &random) {
        c.state.gpr[RAX] = 0x202 | (random.bits() & (STATUS | DF));
    });
    judge().check_bytes("popf 16", {0x66, 0x50, 0x66, 0x9d}, STATUS, [](oracle_case &c, random_source &random) {
        c.state.gpr[RAX] = 0x202 | (random.bits() & (STATUS | DF));
    });
    encoding push;
    push.opcode = {0xff};
    push.size = 4;
    push.ext = 6;
    // The address of a memory operand must not depend on RSP, nor RSP be the operand: the stack would be elsewhere.
    auto accepts = [](const instruction &in) { return in.base != RSP && (in.has_memory || in.rm != RSP); };
    judge().check({"push rm", push, STATUS, nullptr, nullptr, accepts});
    push.size = 2;
    judge().check({"push rm 16", push, STATUS, nullptr, nullptr, accepts});
    encoding pop;
    pop.opcode = {0x8f};
    pop.size = 4;
    pop.ext = 0;
    judge().check({"pop rm", pop, STATUS, nullptr, nullptr, accepts});
    pop.size = 2;
    judge().check({"pop rm 16", pop, STATUS, nullptr, nullptr, accepts});
    // POP computes an address with RSP after it has incremented RSP.
    judge().check_bytes("pop [rsp]", {0x8f, 0x04, 0x24}, STATUS);
    judge().check_bytes("pop [rsp + 8]", {0x8f, 0x44, 0x24, 0x08}, STATUS);
    judge().check_bytes("push [rsp]", {0xff, 0x34, 0x24}, STATUS);
}

TEST_F(oracle_flow, frames)
{
    auto frame = [](oracle_case &c, random_source &random) {
        c.state.gpr[RBP] = native_cpu::STACK + 0x900 + 8 * random.below(16);
    };
    judge().check_bytes("leave", {0xc9}, STATUS, frame);
    for (unsigned level = 0; level < 34; level++)
        judge().check_bytes("enter", {0xc8, 0x20, 0x01, static_cast<std::uint8_t>(level)}, STATUS, frame, 40);
    judge().check_bytes("enter 16", {0x66, 0xc8, 0x20, 0x00, 0}, STATUS, frame);
    // push of the target, then ret: the return address is the one pushed
    auto target = [](oracle_case &c, random_source &) { put64(&c.state.gpr[RAX], TAKEN); };
    judge().check_bytes("ret", {0x50, 0xc3}, STATUS, target);
    judge().check_bytes("ret imm", {0x50, 0xc2, 0x18, 0x00}, STATUS, target);
}

// --- strings ---

struct string_op {
    const char *name;
    unsigned opcode;
    bool compares;
};
constexpr string_op STRING_OPS[] = {
    {"movs", 0xa4, false}, {"cmps", 0xa6, true}, {"stos", 0xaa, false}, {"lods", 0xac, false}, {"scas", 0xae, true}};

// Pointers somewhere in the data such that `count` elements stay inside in either direction.
void prepare_string(oracle_case &c, random_source &random, unsigned size, bool rep, bool address32)
{
    static constexpr unsigned limits[] = {2, 5, 70, 400};
    std::uint64_t count = rep ? random.below(limits[random.below(4)]) : 1;
    std::uint64_t bytes = count * size;
    bool down = random.one_in(3);
    auto place = [&] {
        std::uint64_t room = native_cpu::DATA_SIZE - 16;
        std::uint64_t low = random.one_in(3)
                                ? 0x1000 - random.below(static_cast<unsigned>(bytes + 9)) // over a page's end
                                : random.below(static_cast<unsigned>(room - bytes));
        return DATA + low + (down ? bytes : 0);
    };
    std::uint64_t si = place(), di = place();
    if (random.one_in(4)) // overlapping, in both orders
        di = si + random.below(24) - 12;
    di = di < DATA + 16 + (down ? bytes : 0) ? DATA + 16 + (down ? bytes : 0) : di;
    std::uint64_t high = address32 ? random.bits() << 32 : 0;
    c.state.gpr[RSI] = si | high;
    c.state.gpr[RDI] = di | high;
    if (rep)
        c.state.gpr[RCX] = count | (address32 ? random.bits() << 32 : 0);
    if (down)
        c.state.rflags |= DF;
    // Runs of equal elements, so that comparisons do not end at once.
    if (random.one_in(2))
        c.state.gpr[RAX] = random.one_in(2) ? 0 : 0x4141414141414141;
}

TEST_F(oracle_flow, strings)
{
    for (const string_op &op : STRING_OPS)
        for (unsigned size : {1u, 2u, 4u, 8u})
            for (unsigned prefix : {0u, 0xf3u, 0xf2u})
                for (bool address32 : {false, true}) {
                    std::vector<std::uint8_t> b;
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
                        prepare_string(c, random, size, prefix != 0, address32);
                    };
                    judge().check_bytes(op.name +
                                            text(" size %lu prefix %02lX address %lu", size, prefix, address32 ? 4 : 8),
                                        b, STATUS, prepare);
                }
}

// Memory full of equal bytes and a repeated comparison that walks over it.
TEST_F(oracle_flow, long_scans)
{
    for (unsigned opcode : {0xa6u, 0xaeu})
        for (unsigned size : {1u, 2u, 4u, 8u})
            for (unsigned prefix : {0xf3u, 0xf2u}) {
                // rep stosb over the whole area first: lea rdi, [rsi]; mov ecx, ebx; ... needs only registers
                std::vector<std::uint8_t> b = {0x57, 0x51, 0x48, 0x89, 0xdf,
                                               0xb9, 0x00, 0x20, 0x00, 0x00, // push rdi, rcx; mov
                                               0xf3, 0xaa, 0x59, 0x5f};      // rep stosb; pop
                // one odd byte: mov [r8], dl
                b.insert(b.end(), {0x41, 0x88, 0x10});
                b.push_back(size == 2 ? 0x66 : 0x3e);
                b.push_back(static_cast<std::uint8_t>(prefix));
                b.push_back(size == 8 ? 0x48 : 0x40);
                b.push_back(static_cast<std::uint8_t>(opcode + (size > 1)));
                auto prepare = [=](oracle_case &c, random_source &random) {
                    c.state.gpr[RBX] = DATA;
                    c.state.gpr[RAX] = 0x5a5a5a5a5a5a5a5a;
                    c.state.gpr[R8] = DATA + random.below(0x2000);
                    c.state.gpr[RCX] = random.below(0x1000 / size);
                    c.state.gpr[RSI] = DATA + random.below(0x800);
                    c.state.gpr[RDI] = DATA + random.below(0x1000);
                    if (prefix == 0xf2)
                        c.state.gpr[RAX] = random.value() | 0x5a;
                };
                judge().check_bytes("long scan", b, STATUS, prepare, 80);
            }
}

} // namespace
