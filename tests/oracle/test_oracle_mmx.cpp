// SPDX-License-Identifier: Apache-2.0
// Every instruction on MM registers against the host processor: results, the transition of the x87 stack, pending x87
// exceptions, and exceptions of the conversions.
#include "fx_oracle.h"

namespace
{

using oracle_mmx = fx_oracle_test;

struct mmx_row {
    const char *name;
    std::uint8_t opcode;
};

fx_form form(const char *name, std::vector<std::uint8_t> opcode, int ext = -1, unsigned imm_bytes = 0)
{
    fx_form f;
    f.name = name;
    f.enc.opcode = std::move(opcode);
    f.enc.size = 4;
    f.enc.ext = ext;
    f.enc.imm_bytes = imm_bytes;
    f.memory = FX_VECTOR;
    f.control = true;
    return f;
}
fx_form prefixed(const char *name, std::uint8_t prefix, std::uint8_t opcode)
{
    fx_form f = form(name, {0x0f, opcode});
    f.enc.mandatory = prefix;
    return f;
}
fx_form registers_only(fx_form f)
{
    f.enc.memory_allowed = false;
    return f;
}

TEST_F(oracle_mmx, two_operands)
{
    static constexpr mmx_row rows[] = {
        {"punpcklbw", 0x60}, {"punpcklwd", 0x61}, {"punpckldq", 0x62}, {"packsswb", 0x63},  {"pcmpgtb", 0x64},
        {"pcmpgtw", 0x65},   {"pcmpgtd", 0x66},   {"packuswb", 0x67},  {"punpckhbw", 0x68}, {"punpckhwd", 0x69},
        {"punpckhdq", 0x6a}, {"packssdw", 0x6b},  {"movq", 0x6f},      {"pcmpeqb", 0x74},   {"pcmpeqw", 0x75},
        {"pcmpeqd", 0x76},   {"movq", 0x7f},      {"psrlw", 0xd1},     {"psrld", 0xd2},     {"psrlq", 0xd3},
        {"paddq", 0xd4},     {"pmullw", 0xd5},    {"psubusb", 0xd8},   {"psubusw", 0xd9},   {"pminub", 0xda},
        {"pand", 0xdb},      {"paddusb", 0xdc},   {"paddusw", 0xdd},   {"pmaxub", 0xde},    {"pandn", 0xdf},
        {"pavgb", 0xe0},     {"psraw", 0xe1},     {"psrad", 0xe2},     {"pavgw", 0xe3},     {"pmulhuw", 0xe4},
        {"pmulhw", 0xe5},    {"psubsb", 0xe8},    {"psubsw", 0xe9},    {"pminsw", 0xea},    {"por", 0xeb},
        {"paddsb", 0xec},    {"paddsw", 0xed},    {"pmaxsw", 0xee},    {"pxor", 0xef},      {"psllw", 0xf1},
        {"pslld", 0xf2},     {"psllq", 0xf3},     {"pmuludq", 0xf4},   {"pmaddwd", 0xf5},   {"psadbw", 0xf6},
        {"psubb", 0xf8},     {"psubw", 0xf9},     {"psubd", 0xfa},     {"psubq", 0xfb},     {"paddb", 0xfc},
        {"paddw", 0xfd},     {"paddd", 0xfe},
    };
    for (auto &row : rows)
        judge().check(form(row.name, {0x0f, row.opcode}));
}

// Counts that shift something out only in part.
TEST_F(oracle_mmx, shift_counts)
{
    static constexpr std::uint8_t opcodes[] = {0xd1, 0xd2, 0xd3, 0xe1, 0xe2, 0xf1, 0xf2, 0xf3};
    for (std::uint8_t opcode : opcodes) {
        fx_form f = registers_only(form("shift", {0x0f, opcode}));
        f.prepare = [](machine_state &, fx_image &fx, random_source &random) {
            for (auto &r : fx.st)
                r[0] = random.one_in(2) ? random.below(70) : random.bits();
        };
        judge().check(f);
    }
}

TEST_F(oracle_mmx, ssse3)
{
    static constexpr mmx_row rows[] = {{"pshufb", 0x00},    {"phaddw", 0x01}, {"phaddd", 0x02}, {"phaddsw", 0x03},
                                       {"pmaddubsw", 0x04}, {"phsubw", 0x05}, {"phsubd", 0x06}, {"phsubsw", 0x07},
                                       {"psignb", 0x08},    {"psignw", 0x09}, {"psignd", 0x0a}, {"pmulhrsw", 0x0b},
                                       {"pabsb", 0x1c},     {"pabsw", 0x1d},  {"pabsd", 0x1e}};
    for (auto &row : rows)
        judge().check(form(row.name, {0x0f, 0x38, row.opcode}));
    judge().check(form("palignr", {0x0f, 0x3a, 0x0f}, -1, 1), 400, 6);
}

TEST_F(oracle_mmx, immediates)
{
    for (std::uint8_t opcode : {std::uint8_t{0x71}, std::uint8_t{0x72}, std::uint8_t{0x73}})
        for (int ext = 0; ext < 8; ext++) // those that do not exist are #UD
            judge().check(registers_only(form("shift imm", {0x0f, opcode}, ext, 1)), 200, 8);
    judge().check(form("pshufw", {0x0f, 0x70}, -1, 1), 300, 6);
    judge().check(form("pinsrw", {0x0f, 0xc4}, -1, 1), 100, 12);
    judge().check(registers_only(form("pextrw", {0x0f, 0xc5}, -1, 1)), 100, 12);
}

TEST_F(oracle_mmx, moves)
{
    for (unsigned size : {4u, 8u}) {
        fx_form load = form("movd", {0x0f, 0x6e}), store = form("movd", {0x0f, 0x7e});
        load.enc.size = store.enc.size = size;
        store.enc.no_rsp = true;
        judge().check(load);
        judge().check(store);
        fx_form mask = registers_only(form("pmovmskb", {0x0f, 0xd7}));
        mask.enc.size = size;
        judge().check(mask);
    }
    fx_form movntq = form("movntq", {0x0f, 0xe7});
    movntq.enc.register_allowed = false;
    judge().check(movntq);
    judge().check(registers_only(prefixed("movq2dq", 0xf3, 0xd6)));
    judge().check(registers_only(prefixed("movdq2q", 0xf2, 0xd6)));
    judge().check_bytes(form("emms", {}), {0x0f, 0x77});
}

// REP prefixes on opcodes that have no such form.
TEST_F(oracle_mmx, reserved_prefixes)
{
    for (unsigned prefix : {0xf2u, 0xf3u})
        for (unsigned opcode = 0x60; opcode <= 0xfe; opcode++) {
            bool is_mmx = (opcode < 0x70 && opcode != 0x6c && opcode != 0x6d) || (opcode >= 0x74 && opcode < 0x77) ||
                          opcode >= 0xd1;
            bool has_form = opcode == 0x6f || opcode == 0x7e || opcode == 0xd6 || opcode == 0xe6 || opcode == 0xf0;
            if (!is_mmx || has_form)
                continue;
            fx_form f = form("reserved prefix", {});
            judge().check_bytes(f, {static_cast<std::uint8_t>(prefix), 0x0f, static_cast<std::uint8_t>(opcode), 0xc1},
                                10);
        }
}

TEST_F(oracle_mmx, masked_store)
{
    fx_form f = registers_only(form("maskmovq", {0x0f, 0xf7}));
    f.prepare = [](machine_state &state, fx_image &fx, random_source &random) {
        state.gpr[RDI] = native_cpu::DATA + (random.one_in(4) ? 0x1000 - random.below(8) : random.below(0x2000));
        if (random.one_in(3))
            fx.st[random.below(8)][0] = random.one_in(2) ? 0 : ~std::uint64_t{0};
    };
    judge().check(f, 100, 20);
}

// CVTPI2PS with a memory operand: by the manual a transition as with a register (unlike CVTPI2PD); AMD's processors do
// without.
void nothing_pending(machine_state &, fx_image &fx, random_source &)
{
    fx.fcw |= 0x3f;
    fx.fsw = static_cast<std::uint16_t>(fx.fsw & ~(FSW_ES | FSW_B));
}
void transition(const machine_state &, const fx_image &fx, machine_state &, fx_image &after)
{
    unsigned top = (fx.fsw >> 11) & 7;
    after.fsw = static_cast<std::uint16_t>(after.fsw & ~0x3800);
    after.tags = 0xff;
    for (unsigned i = 0; i < 8; i++)
        std::memcpy(after.st[i], fx.st[(i - top) & 7], 16);
}

fx_form conversion(fx_form f)
{
    f.may_transit = true;
    return f;
}

TEST_F(oracle_mmx, conversions)
{
    judge().check(conversion(registers_only(form("cvtpi2ps", {0x0f, 0x2a}))), 60, 60);
    fx_form from_memory = conversion(form("cvtpi2ps", {0x0f, 0x2a}));
    from_memory.enc.register_allowed = false;
    from_memory.prepare = nothing_pending;
    from_memory.correct = transition;
    judge().check(from_memory, 60, 60);
    judge().check(conversion(form("cvttps2pi", {0x0f, 0x2c})), 60, 60);
    judge().check(conversion(form("cvtps2pi", {0x0f, 0x2d})), 60, 60);
    judge().check(conversion(prefixed("cvtpi2pd", 0x66, 0x2a)), 60, 60);
    fx_form truncating = conversion(prefixed("cvttpd2pi", 0x66, 0x2c)),
            rounding = conversion(prefixed("cvtpd2pi", 0x66, 0x2d));
    truncating.align = rounding.align = 16;
    judge().check(truncating, 60, 60);
    judge().check(rounding, 60, 60);
}

} // namespace
