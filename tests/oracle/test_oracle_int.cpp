// SPDX-License-Identifier: Apache-2.0
// Every family of integer instructions against the host processor: all operand sizes, register and memory forms, random
// operands. Flags that the manual leaves undefined are not compared.
#include "oracle.h"

namespace
{

// Opcode of a family with a separate byte form: the V form is one higher.
encoding sized(std::vector<std::uint8_t> opcode, unsigned size, int ext = -1, unsigned imm_bytes = 0)
{
    encoding e;
    if (size > 1)
        opcode.back() = static_cast<std::uint8_t>(opcode.back() + 1);
    e.opcode = std::move(opcode);
    e.size = size;
    e.ext = ext;
    e.imm_bytes = imm_bytes;
    return e;
}
// Opcode that has no byte form.
encoding wide(std::vector<std::uint8_t> opcode, unsigned size, int ext = -1, unsigned imm_bytes = 0)
{
    encoding e;
    e.opcode = std::move(opcode);
    e.size = size;
    e.ext = ext;
    e.imm_bytes = imm_bytes;
    return e;
}
unsigned imm_size(unsigned size) { return size == 8 ? 4 : size; }

constexpr unsigned SIZES[] = {1, 2, 4, 8};
constexpr unsigned WIDE_SIZES[] = {2, 4, 8};

using oracle_insn = oracle_test;

TEST_F(oracle_insn, arithmetic)
{
    static const char *const names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
    for (unsigned op = 0; op < 8; op++)
        for (unsigned size : SIZES) {
            std::uint64_t defined = op == 1 || op == 4 || op == 6 ? STATUS & ~AF : STATUS;
            auto base = static_cast<std::uint8_t>(op * 8);
            int ext = static_cast<int>(op);
            encoding to_rm = sized({base}, size), to_reg = sized({static_cast<std::uint8_t>(base + 2)}, size);
            encoding imm = sized({0x80}, size, ext, imm_size(size));
            to_rm.lock_allowed = imm.lock_allowed = op != 7;
            judge().check({names[op], to_rm, defined});
            judge().check({names[op], to_reg, defined});
            judge().check({names[op], imm, defined});
            if (size > 1)
                judge().check({names[op], wide({0x83}, size, ext, 1), defined});
        }
}

// ADD AL/AX/EAX/RAX, imm and the like: no ModRM.
TEST_F(oracle_insn, arithmetic_accumulator)
{
    for (unsigned op = 0; op < 9; op++)
        for (unsigned size : SIZES)
            for (unsigned i = 0; i < 10; i++) {
                std::vector<std::uint8_t> b;
                if (size == 2)
                    b.push_back(0x66);
                if (size == 8)
                    b.push_back(0x48);
                unsigned opcode = op == 8 ? 0xa8 : op * 8 + 4; // TEST
                b.push_back(static_cast<std::uint8_t>(opcode + (size > 1)));
                std::uint64_t imm = judge().random().value();
                for (unsigned k = 0; k < imm_size(size); k++)
                    b.push_back(static_cast<std::uint8_t>(imm >> (8 * k)));
                judge().check_bytes(text("accumulator %02lX size %lu", opcode, size), b,
                                    op == 1 || op == 4 || op == 6 || op == 8 ? STATUS & ~AF : STATUS, nullptr, 130);
            }
}

TEST_F(oracle_insn, test)
{
    for (unsigned size : SIZES) {
        judge().check({"test", sized({0x84}, size), STATUS & ~AF});
        judge().check({"test", sized({0xf6}, size, 0, imm_size(size)), STATUS & ~AF});
        judge().check({"test", sized({0xf6}, size, 1, imm_size(size)), STATUS & ~AF});
    }
}

TEST_F(oracle_insn, unary)
{
    for (unsigned size : SIZES) {
        encoding inc = sized({0xfe}, size, 0), dec = sized({0xfe}, size, 1), no = sized({0xf6}, size, 2);
        encoding neg = sized({0xf6}, size, 3);
        inc.lock_allowed = dec.lock_allowed = no.lock_allowed = neg.lock_allowed = true;
        judge().check({"inc", inc});
        judge().check({"dec", dec});
        judge().check({"not", no});
        judge().check({"neg", neg});
    }
}

TEST_F(oracle_insn, multiply)
{
    for (unsigned size : SIZES) {
        judge().check({"mul", sized({0xf6}, size, 4), CF | OF});
        judge().check({"imul", sized({0xf6}, size, 5), CF | OF});
        if (size == 1)
            continue;
        judge().check({"imul reg", wide({0x0f, 0xaf}, size), CF | OF});
        judge().check({"imul imm", wide({0x69}, size, -1, imm_size(size)), CF | OF});
        judge().check({"imul imm8", wide({0x6b}, size, -1, 1), CF | OF});
    }
}

TEST_F(oracle_insn, divide)
{
    // Half of the dividends are small enough to divide; the others show where #DE begins.
    auto prepare = [](oracle_case &c, random_source &random) {
        if (random.one_in(2))
            c.state.gpr[RDX] = random.one_in(2) ? 0 : ~std::uint64_t{0};
        if (random.one_in(3))
            c.state.gpr[RDX] = random.below(8);
        if (random.one_in(3))
            c.state.gpr[RAX] = random.value() & 0x7fff;
        if (random.one_in(16)) { // the most negative dividends
            c.state.gpr[RAX] = 0x8000;
            c.state.gpr[RDX] = 0xffff;
        }
    };
    for (unsigned size : SIZES) {
        judge().check({"div", sized({0xf6}, size, 6), 0, prepare}, 80);
        judge().check({"idiv", sized({0xf6}, size, 7), 0, prepare}, 80);
    }
}

// Which flags a shift by `count` places (masked) defines.
std::uint64_t shift_flags(unsigned op, unsigned bits, unsigned count)
{
    if (count == 0)
        return STATUS;
    bool rotate = op < 4;
    std::uint64_t defined = rotate ? STATUS & ~OF : STATUS & ~(OF | AF);
    if ((op == 2 || op == 3) && count % (bits + 1) == 0)
        return STATUS & ~OF;
    if (count == 1)
        defined |= OF;
    if ((op == 4 || op == 5 || op == 6) && count >= bits)
        defined &= ~CF;
    return defined;
}

void small_count(oracle_case &c, random_source &random)
{
    static constexpr unsigned ranges[] = {3, 9, 18, 34, 66, 256};
    c.state.gpr[RCX] = (random.bits() & ~std::uint64_t{0xff}) | random.below(ranges[random.below(6)]);
}

TEST_F(oracle_insn, shift)
{
    static const char *const names[] = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"};
    for (unsigned op = 0; op < 8; op++)
        for (unsigned size : SIZES) {
            unsigned bits = size * 8, mask = size == 8 ? 63 : 31;
            int ext = static_cast<int>(op);
            auto by_imm = [=](const oracle_case &c) {
                return shift_flags(op, bits, static_cast<unsigned>(c.imm) & mask);
            };
            auto by_cl = [=](const oracle_case &c) {
                return shift_flags(op, bits, static_cast<unsigned>(c.state.gpr[RCX]) & mask);
            };
            auto count = [](random_source &random) { return std::uint64_t{random.below(random.one_in(4) ? 256 : 34)}; };
            // AIM may change RCX; the flags are those of the RCX that was used, so it must not be an address register.
            auto leaves_rcx = [](const instruction &in) { return in.base != RCX && in.index != RCX; };
            judge().check({names[op], sized({0xc0}, size, ext, 1), 0, nullptr, by_imm, nullptr, count}, 120);
            judge().check({names[op], sized({0xd0}, size, ext), 0, nullptr,
                           [=](const oracle_case &) { return shift_flags(op, bits, 1); }});
            judge().check({names[op], sized({0xd2}, size, ext), 0, small_count, by_cl, leaves_rcx}, 60, 80);
        }
}

TEST_F(oracle_insn, double_shift)
{
    for (unsigned size : WIDE_SIZES)
        for (unsigned right = 0; right < 2; right++) {
            unsigned bits = size * 8, mask = size == 8 ? 63 : 31;
            auto flags = [=](unsigned count) {
                return count == 0 ? STATUS : count == 1 ? STATUS & ~AF : STATUS & ~(AF | OF);
            };
            // Larger counts than the size leave even the result undefined.
            auto count = [=](random_source &random) {
                return std::uint64_t{random.one_in(5) ? random.below(2)
                                                      : random.below(size == 2 ? bits + 1 : mask + 1)};
            };
            auto imm_flags = [=](const oracle_case &c) { return flags(static_cast<unsigned>(c.imm) & mask); };
            auto cl_flags = [=](const oracle_case &c) { return flags(static_cast<unsigned>(c.state.gpr[RCX]) & mask); };
            auto prepare = [=](oracle_case &c, random_source &random) {
                c.state.gpr[RCX] = (random.bits() & ~std::uint64_t{0xff}) | count(random);
            };
            auto leaves_rcx = [](const instruction &in) { return in.base != RCX && in.index != RCX; };
            auto opcode = static_cast<std::uint8_t>(right ? 0xac : 0xa4);
            auto opcode_cl = static_cast<std::uint8_t>(opcode + 1);
            const char *name = right ? "shrd" : "shld";
            judge().check({name, wide({0x0f, opcode}, size, -1, 1), 0, nullptr, imm_flags, nullptr, count}, 120);
            judge().check({name, wide({0x0f, opcode_cl}, size), 0, prepare, cl_flags, leaves_rcx}, 60, 80);
        }
}

TEST_F(oracle_insn, bit_test)
{
    static const char *const names[] = {"bt", "bts", "btr", "btc"};
    for (unsigned op = 0; op < 4; op++)
        for (unsigned size : WIDE_SIZES) {
            // The bit number reaches at most 1 KiB from the operand, which lies in the middle of the data.
            auto prepare = [=](oracle_case &c, random_source &random) {
                auto number = static_cast<std::int64_t>(random.below(16384)) - 8192;
                auto &reg = c.state.gpr[c.insn.reg];
                if (!c.insn.has_memory)
                    return;
                auto bits = static_cast<std::uint64_t>(c.may_fault() ? random.below(size * 8) : number);
                std::uint64_t mask = size == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
                reg = (reg & ~mask) | (bits & mask);
                if (c.may_fault())
                    return;
                if (c.target < native_cpu::DATA + 0x800 || c.target > native_cpu::DATA + 0x1800)
                    c.target = native_cpu::DATA + 0x1000 - random.below(16);
            };
            auto in_reach = [](const instruction &in) {
                auto reg = static_cast<int>(in.reg);
                bool fixed = in.has_memory && in.index < 0 && (in.base < 0 || in.base == 16);
                return !in.has_memory || (!fixed && reg != in.base && reg != in.index && in.base >= 0);
            };
            encoding reg = wide({0x0f, static_cast<std::uint8_t>(0xa3 + 8 * op)}, size);
            encoding imm = wide({0x0f, 0xba}, size, static_cast<int>(4 + op), 1);
            reg.lock_allowed = imm.lock_allowed = op != 0;
            judge().check({names[op], reg, CF | ZF, prepare, nullptr, in_reach}, 60);
            judge().check({names[op], imm, CF | ZF});
        }
}

TEST_F(oracle_insn, bit_count)
{
    for (unsigned size : WIDE_SIZES) {
        encoding tzcnt = wide({0x0f, 0xbc}, size), lzcnt = wide({0x0f, 0xbd}, size), popcnt = wide({0x0f, 0xb8}, size);
        tzcnt.mandatory = lzcnt.mandatory = popcnt.mandatory = 0xf3;
        judge().check({"bsf", wide({0x0f, 0xbc}, size), ZF});
        judge().check({"bsr", wide({0x0f, 0xbd}, size), ZF});
        judge().check({"tzcnt", tzcnt, CF | ZF, nullptr, nullptr, nullptr, nullptr, CPU_FEATURE_bmi1});
        judge().check({"lzcnt", lzcnt, CF | ZF, nullptr, nullptr, nullptr, nullptr, CPU_FEATURE_lzcnt});
        judge().check({"popcnt", popcnt, STATUS, nullptr, nullptr, nullptr, nullptr, CPU_FEATURE_popcnt});
    }
}

TEST_F(oracle_insn, atomic)
{
    for (unsigned size : SIZES) {
        // Half of the comparisons succeed.
        auto prepare = [=](oracle_case &c, random_source &random) {
            if (!c.insn.has_memory && random.one_in(2))
                c.state.gpr[RAX] = c.state.gpr[c.insn.rm];
            if (c.insn.has_memory && !c.may_fault() && random.one_in(2))
                std::memcpy(&c.state.gpr[RAX], native_cpu::at(c.target), size);
        };
        encoding xadd = sized({0x0f, 0xc0}, size), cmpxchg = sized({0x0f, 0xb0}, size), xchg = sized({0x86}, size);
        xadd.lock_allowed = cmpxchg.lock_allowed = xchg.lock_allowed = true;
        judge().check({"xadd", xadd});
        judge().check({"cmpxchg", cmpxchg, STATUS, prepare}, 80);
        judge().check({"xchg", xchg});
    }
}

TEST_F(oracle_insn, compare_exchange_double)
{
    for (unsigned size : {4u, 8u}) {
        auto prepare = [=](oracle_case &c, random_source &random) {
            // Else #GP(0); which comes first at an address that is not canonical either, nobody says.
            if (size == 8 && (c.place == operand_place::non_canonical || !random.one_in(16)))
                c.target &= ~std::uint64_t{15};
            if (!c.may_fault() && random.one_in(2)) {
                std::memcpy(&c.state.gpr[RAX], native_cpu::at(c.target), size);
                std::memcpy(&c.state.gpr[RDX], native_cpu::at(c.target) + size, size);
            }
        };
        // Registers that the instruction compares must not be changed for the address; 16 bytes must be aligned.
        auto accepts = [=](const instruction &in) {
            auto free = [](int r) { return r != RAX && r != RDX; };
            return free(in.base) && free(in.index) && in.base >= 0 && in.base < 16;
        };
        encoding e = wide({0x0f, 0xc7}, size, 1);
        e.register_allowed = false;
        e.lock_allowed = true;
        judge().check({"cmpxchg8b/16b", e, STATUS, prepare, nullptr, accepts}, 80);
    }
}

TEST_F(oracle_insn, moves)
{
    for (unsigned size : SIZES) {
        judge().check({"mov store", sized({0x88}, size)});
        judge().check({"mov load", sized({0x8a}, size)});
        judge().check({"mov imm", sized({0xc6}, size, 0, imm_size(size))});
        encoding cmov = wide({0x0f, 0x40}, size), lea = wide({0x8d}, size);
        lea.register_allowed = false;
        if (size == 1)
            continue;
        judge().check({"lea", lea});
        for (unsigned cc = 0; cc < 16; cc++) {
            cmov.opcode.back() = static_cast<std::uint8_t>(0x40 + cc);
            judge().check({"cmov", cmov}, 10);
        }
        encoding byte = wide({0x0f, 0xb6}, size), word = wide({0x0f, 0xb7}, size);
        byte.rm_bytes = 1;
        judge().check({"movzx byte", byte});
        judge().check({"movzx word", word});
        byte.opcode.back() = 0xbe;
        word.opcode.back() = 0xbf;
        judge().check({"movsx byte", byte});
        judge().check({"movsx word", word});
        judge().check({"movsxd", wide({0x63}, size)});
        if (oracle_ledger::get().host_has(CPU_FEATURE_movbe)) {
            encoding movbe = wide({0x0f, 0x38, 0xf0}, size);
            movbe.register_allowed = false;
            judge().check({"movbe load", movbe});
            movbe.opcode.back() = 0xf1;
            judge().check({"movbe store", movbe});
        }
    }
    for (unsigned cc = 0; cc < 16; cc++)
        judge().check({"setcc", wide({0x0f, static_cast<std::uint8_t>(0x90 + cc)}, 1, 0)}, 10);
}

// Conditions after a comparison in the same block go other ways than after flags from elsewhere.
TEST_F(oracle_insn, conditions)
{
    static const std::vector<std::vector<std::uint8_t>> setters = {
        {0x38, 0xd8},
        {0x66, 0x39, 0xd8},
        {0x39, 0xd8},
        {0x48, 0x39, 0xd8}, // cmp rax, rbx
        {0x84, 0xd8},
        {0x66, 0x85, 0xd8},
        {0x85, 0xd8},
        {0x48, 0x85, 0xd8}, // test rax, rbx
        {0x01, 0xd8},
        {0x48, 0x29, 0xd8},
        {0xff, 0xc0},
        {0xfe, 0xc8},
        {0x66, 0xff, 0xc8}, // add, sub, inc, dec
        {0xd1, 0xe0},
        {0x48, 0x11, 0xd8},
        {0x18, 0xd8},
        {0xf7, 0xd8},
        {0x48, 0x31, 0xd8}, // shl, adc, sbb, neg, xor
        {0xc1, 0xe8, 0x01},
        {0x66, 0xc1, 0xf8, 0x01},
        {0xc1, 0xe0, 0x00},
        {0xd3, 0xe0}, // shr, sar, shl by 0, shl by cl
        {0x0f, 0xb1, 0xd9},
        {0x0f, 0xc0, 0xd9},
        {0x66, 0x0f, 0xc1, 0xd9}, // cmpxchg, xadd
        {},
    };
    auto prepare = [](oracle_case &c, random_source &random) {
        if (random.one_in(3))
            c.state.gpr[RBX] = c.state.gpr[RAX] + random.below(3) - 1;
        if (c.insn.bytes[0] == 0xd3) // OF is defined only for counts of 0 and 1
            c.state.gpr[RCX] = random.below(2);
    };
    for (const auto &setter : setters)
        for (unsigned cc = 0; cc < 16; cc++) {
            bool rest = setter.empty() || setter[0] == 0x01 || setter[0] == 0x18; // AF is compared where it is defined
            std::uint64_t defined = rest ? STATUS : STATUS & ~AF;
            std::vector<std::uint8_t> b = setter;
            auto distance = static_cast<std::uint8_t>(native_cpu::TAKEN - native_cpu::CODE - b.size() - 6);
            std::vector<std::uint8_t> near = b, condition = b;
            near.insert(near.end(), {0x0f, static_cast<std::uint8_t>(0x80 + cc), distance, 0, 0, 0});
            judge().check_bytes(text("jcc near %lX", cc), near, defined, prepare, 150);
            condition.insert(condition.end(), {0x0f, static_cast<std::uint8_t>(0x90 + cc), 0xc2}); // setcc dl
            condition.insert(condition.end(),
                             {0x48, 0x0f, static_cast<std::uint8_t>(0x40 + cc), 0xfe}); // cmovcc rdi, rsi
            judge().check_bytes(text("setcc, cmovcc %lX", cc), condition, defined, prepare, 150);
        }
}

// Flags that one instruction keeps and another set lazily before it.
TEST_F(oracle_insn, flags_between_instructions)
{
    static const std::vector<std::vector<std::uint8_t>> setters = {
        {0x00, 0xd8},       {0x66, 0x01, 0xd8}, {0x01, 0xd8},       {0x48, 0x01, 0xd8}, // add
        {0x28, 0xd8},       {0x66, 0x29, 0xd8}, {0x29, 0xd8},       {0x48, 0x29, 0xd8}, // sub
        {0xfe, 0xc0},       {0x66, 0xff, 0xc0}, {0xff, 0xc8},       {0x48, 0xff, 0xc8}, // inc, dec
        {0x48, 0x11, 0xd8}, {0x18, 0xd8},       {0xf9, 0xff, 0xc0}, {0xf5, 0xff, 0xc8}, // adc, sbb, stc inc, cmc dec
    };
    static const std::vector<std::vector<std::uint8_t>> keepers = {
        {0xd1, 0xc6},
        {0x48, 0xd1, 0xce},
        {0xd0, 0xd6},
        {0x66, 0xd1, 0xde}, // rol, ror, rcl, rcr by one
        {0xfe, 0xc2},
        {0x48, 0xff, 0xca},
        {0xf8},
        {0xf9},
        {0xf5},
        {0x9f},
        {0x9e}, // inc, dec, clc, stc, cmc, lahf, sahf
        {0xf7, 0xd6},
        {0x87, 0xf7},
        {0xfc},
        {0xc1, 0xe6, 0x00},
        {0x9c, 0x9d}, // not, xchg, cld, shl by 0, pushf popf
        {0x0f, 0x92, 0xc2, 0x11, 0xfe},
        {0x0f, 0x92, 0xc2, 0x1b, 0xfe},
        {0xfd}, // setc dl; adc, sbb; std
    };
    for (const auto &setter : setters)
        for (const auto &keeper : keepers) {
            std::vector<std::uint8_t> b = setter;
            b.insert(b.end(), keeper.begin(), keeper.end());
            judge().check_bytes("kept flags", b, STATUS, nullptr, 60);
        }
    // BT and its relatives keep ZF; the others are undefined.
    for (const auto &setter : setters)
        for (unsigned ext = 4; ext < 8; ext++) {
            std::vector<std::uint8_t> b = setter;
            b.insert(b.end(), {0x0f, 0xba, static_cast<std::uint8_t>(0xc6 | ext << 3), 5});
            judge().check_bytes("bt", b, CF | ZF, nullptr, 60);
        }
}

// Instructions that only advise the processor, and fences: no register, flag or byte changes.
TEST_F(oracle_insn, hints_and_fences)
{
    for (std::uint8_t opcode : std::vector<std::uint8_t>{0x0d, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f}) {
        encoding e = wide({0x0f, opcode}, 4, opcode == 0x0d ? 1 : opcode == 0x18 ? 3 : 0);
        e.register_allowed = opcode > 0x18;
        judge().check({"hint", e, STATUS}, 10);
    }
    for (std::uint8_t modrm : std::vector<std::uint8_t>{0xe8, 0xf0, 0xf8})
        judge().check_bytes(text("fence %02lX", modrm), {0x0f, 0xae, modrm}, STATUS);
    encoding clflush = wide({0x0f, 0xae}, 4, 7);
    clflush.register_allowed = false;
    judge().check({"clflush", clflush, STATUS}, 10);
    judge().check_bytes("pause", {0xf3, 0x90}, STATUS);
    judge().check_bytes("endbr64", {0xf3, 0x0f, 0x1e, 0xfa}, STATUS);
    judge().check_bytes("endbr32", {0xf3, 0x0f, 0x1e, 0xfb}, STATUS);
    for (unsigned size : {4u, 8u}) {
        encoding movnti = wide({0x0f, 0xc3}, size);
        movnti.register_allowed = false;
        judge().check({"movnti", movnti, STATUS}, 20);
    }
}

TEST_F(oracle_insn, one_byte)
{
    judge().check_bytes("cbw", {0x66, 0x98}, STATUS);
    judge().check_bytes("cwde", {0x98}, STATUS);
    judge().check_bytes("cdqe", {0x48, 0x98}, STATUS);
    judge().check_bytes("cwd", {0x66, 0x99}, STATUS);
    judge().check_bytes("cdq", {0x99}, STATUS);
    judge().check_bytes("cqo", {0x48, 0x99}, STATUS);
    judge().check_bytes("lahf", {0x9f}, STATUS);
    judge().check_bytes("sahf", {0x9e}, STATUS);
    judge().check_bytes("nop", {0x90}, STATUS);
    judge().check_bytes("xchg r8, rax", {0x49, 0x90}, STATUS);
    judge().check_bytes("xchg r8d, eax", {0x41, 0x90}, STATUS);
    judge().check_bytes("nop rm", {0x0f, 0x1f, 0xc0}, STATUS);
    judge().check_bytes("xlat", {0xd7}, STATUS,
                        [](oracle_case &c, random_source &) { c.state.gpr[RBX] = native_cpu::DATA + 0x1f80; });
    judge().check_bytes("xlat, 32-bit address", {0x67, 0xd7}, STATUS, [](oracle_case &c, random_source &random) {
        c.state.gpr[RBX] = (native_cpu::DATA + 0x200) | random.bits() << 32;
    });
    for (unsigned r = 0; r < 8; r++) {
        auto n = static_cast<std::uint8_t>(r);
        auto plus = [n](unsigned opcode) { return static_cast<std::uint8_t>(opcode + n); };
        judge().check_bytes("bswap 32", {0x0f, plus(0xc8)}, STATUS, nullptr, 130);
        judge().check_bytes("bswap 64", {0x49, 0x0f, plus(0xc8)}, STATUS, nullptr, 130);
        judge().check_bytes("xchg 64", {0x48, plus(0x90)}, STATUS, nullptr, 130);
        judge().check_bytes("xchg 32", {plus(0x90)}, STATUS, nullptr, 130);
        judge().check_bytes("xchg 16", {0x66, 0x41, plus(0x90)}, STATUS, nullptr, 130);
        judge().check_bytes("mov imm8", {plus(0xb0), 0x91}, STATUS, nullptr, 130);
        judge().check_bytes("mov imm8, REX", {0x40, plus(0xb0), 0x91}, STATUS, nullptr, 130);
        judge().check_bytes("mov imm16", {0x66, plus(0xb8), 0x91, 0x82}, STATUS, nullptr, 130);
        judge().check_bytes("mov imm32", {plus(0xb8), 0x91, 0x82, 0x73, 0xe4}, STATUS, nullptr, 130);
        judge().check_bytes("mov imm64", {0x49, plus(0xb8), 1, 2, 3, 4, 5, 6, 7, 0x88}, STATUS, nullptr, 130);
    }
    // MOV between accumulator and a 64-bit or (67H) 32-bit absolute address
    std::vector<std::uint8_t> address(8);
    std::uint64_t at = native_cpu::DATA + 0xffd;
    std::memcpy(address.data(), &at, 8);
    for (unsigned opcode = 0xa0; opcode < 0xa4; opcode++)
        for (unsigned prefix : {0u, 0x66u, 0x48u, 0x67u}) {
            std::vector<std::uint8_t> b;
            if (prefix)
                b.push_back(static_cast<std::uint8_t>(prefix));
            b.push_back(static_cast<std::uint8_t>(opcode));
            b.insert(b.end(), address.begin(), address.begin() + (prefix == 0x67 ? 4 : 8));
            judge().check_bytes("mov moffs", b, STATUS, nullptr, 250);
        }
}

} // namespace
