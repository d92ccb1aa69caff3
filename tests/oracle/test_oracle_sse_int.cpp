// SPDX-License-Identifier: Apache-2.0
// Integer, logic and shuffle instructions on XMM registers against the host processor: SSE2, SSSE3, SSE4.1, SSE4.2.
#include "sse_form.h"

namespace
{

class oracle_sse_int : public oracle_sse
{
};

TEST_F(oracle_sse_int, sse2)
{
    static constexpr sse_row rows[] = {
        {"punpcklbw", P66, 0x60},  {"punpcklwd", P66, 0x61},  {"punpckldq", P66, 0x62}, {"packsswb", P66, 0x63},
        {"pcmpgtb", P66, 0x64},    {"pcmpgtw", P66, 0x65},    {"pcmpgtd", P66, 0x66},   {"packuswb", P66, 0x67},
        {"punpckhbw", P66, 0x68},  {"punpckhwd", P66, 0x69},  {"punpckhdq", P66, 0x6a}, {"packssdw", P66, 0x6b},
        {"punpcklqdq", P66, 0x6c}, {"punpckhqdq", P66, 0x6d}, {"pcmpeqb", P66, 0x74},   {"pcmpeqw", P66, 0x75},
        {"pcmpeqd", P66, 0x76},    {"psrlw", P66, 0xd1},      {"psrld", P66, 0xd2},     {"psrlq", P66, 0xd3},
        {"paddq", P66, 0xd4},      {"pmullw", P66, 0xd5},     {"psubusb", P66, 0xd8},   {"psubusw", P66, 0xd9},
        {"pminub", P66, 0xda},     {"pand", P66, 0xdb},       {"paddusb", P66, 0xdc},   {"paddusw", P66, 0xdd},
        {"pmaxub", P66, 0xde},     {"pandn", P66, 0xdf},      {"pavgb", P66, 0xe0},     {"psraw", P66, 0xe1},
        {"psrad", P66, 0xe2},      {"pavgw", P66, 0xe3},      {"pmulhuw", P66, 0xe4},   {"pmulhw", P66, 0xe5},
        {"psubsb", P66, 0xe8},     {"psubsw", P66, 0xe9},     {"pminsw", P66, 0xea},    {"por", P66, 0xeb},
        {"paddsb", P66, 0xec},     {"paddsw", P66, 0xed},     {"pmaxsw", P66, 0xee},    {"pxor", P66, 0xef},
        {"psllw", P66, 0xf1},      {"pslld", P66, 0xf2},      {"psllq", P66, 0xf3},     {"pmuludq", P66, 0xf4},
        {"pmaddwd", P66, 0xf5},    {"psadbw", P66, 0xf6},     {"psubb", P66, 0xf8},     {"psubw", P66, 0xf9},
        {"psubd", P66, 0xfa},      {"psubq", P66, 0xfb},      {"paddb", P66, 0xfc},     {"paddw", P66, 0xfd},
        {"paddd", P66, 0xfe},
    };
    for (auto &row : rows)
        judge().check(sse_form(row.name, row.prefix, {0x0f, row.opcode}));
}

TEST_F(oracle_sse_int, logic)
{
    static constexpr sse_row rows[] = {
        {"andps", NP, 0x54},    {"andpd", P66, 0x54},    {"andnps", NP, 0x55},   {"andnpd", P66, 0x55},
        {"orps", NP, 0x56},     {"orpd", P66, 0x56},     {"xorps", NP, 0x57},    {"xorpd", P66, 0x57},
        {"unpcklps", NP, 0x14}, {"unpcklpd", P66, 0x14}, {"unpckhps", NP, 0x15}, {"unpckhpd", P66, 0x15},
    };
    for (auto &row : rows)
        judge().check(sse_form(row.name, row.prefix, {0x0f, row.opcode}));
}

TEST_F(oracle_sse_int, map_0f38)
{
    static constexpr sse_row rows[] = {
        {"pshufb", P66, 0x00},     {"phaddw", P66, 0x01},   {"phaddd", P66, 0x02},   {"phaddsw", P66, 0x03},
        {"pmaddubsw", P66, 0x04},  {"phsubw", P66, 0x05},   {"phsubd", P66, 0x06},   {"phsubsw", P66, 0x07},
        {"psignb", P66, 0x08},     {"psignw", P66, 0x09},   {"psignd", P66, 0x0a},   {"pmulhrsw", P66, 0x0b},
        {"pblendvb", P66, 0x10},   {"blendvps", P66, 0x14}, {"blendvpd", P66, 0x15}, {"ptest", P66, 0x17},
        {"pabsb", P66, 0x1c},      {"pabsw", P66, 0x1d},    {"pabsd", P66, 0x1e},    {"pmuldq", P66, 0x28},
        {"pcmpeqq", P66, 0x29},    {"packusdw", P66, 0x2b}, {"pcmpgtq", P66, 0x37},  {"pminsb", P66, 0x38},
        {"pminsd", P66, 0x39},     {"pminuw", P66, 0x3a},   {"pminud", P66, 0x3b},   {"pmaxsb", P66, 0x3c},
        {"pmaxsd", P66, 0x3d},     {"pmaxuw", P66, 0x3e},   {"pmaxud", P66, 0x3f},   {"pmulld", P66, 0x40},
        {"phminposuw", P66, 0x41},
    };
    for (auto &row : rows)
        judge().check(sse_form(row.name, row.prefix, {0x0f, 0x38, row.opcode}));
}

// Operands that are equal, contained in each other, zero.
TEST_F(oracle_sse_int, test_and_compare)
{
    auto alike = [](machine_state &, fx_image &fx, random_source &random) {
        for (auto &r : fx.xmm)
            for (auto &lane : r)
                lane = random.one_in(3)   ? 0
                       : random.one_in(2) ? ~std::uint64_t{0}
                                          : std::uint64_t{1} << random.below(64);
    };
    for (fx_form f : {sse_form("ptest", P66, {0x0f, 0x38, 0x17}), sse_form("pcmpeqq", P66, {0x0f, 0x38, 0x29}),
                      sse_form("pcmpgtq", P66, {0x0f, 0x38, 0x37}), sse_form("phminposuw", P66, {0x0f, 0x38, 0x41})}) {
        f.prepare = alike;
        judge().check(registers_only(f));
    }
}

// Sources of 8, 4 and 2 bytes, which need not be aligned.
TEST_F(oracle_sse_int, extensions)
{
    for (unsigned opcode : {0x20u, 0x21u, 0x22u, 0x23u, 0x24u, 0x25u, 0x30u, 0x31u, 0x32u, 0x33u, 0x34u, 0x35u})
        judge().check(unaligned(sse_form("pmovsx/pmovzx", P66, {0x0f, 0x38, static_cast<std::uint8_t>(opcode)})));
}

// Counts that shift something out only in part.
TEST_F(oracle_sse_int, shift_counts)
{
    for (unsigned opcode : {0xd1u, 0xd2u, 0xd3u, 0xe1u, 0xe2u, 0xf1u, 0xf2u, 0xf3u}) {
        fx_form f = sse_form("shift", P66, {0x0f, static_cast<std::uint8_t>(opcode)});
        f.prepare = [](machine_state &, fx_image &fx, random_source &random) {
            for (auto &r : fx.xmm) {
                r[0] = random.one_in(2) ? random.below(70) : random.bits();
                r[1] = random.one_in(2) ? 0 : random.bits(); // not part of the count
            }
        };
        judge().check(registers_only(f));
    }
}

TEST_F(oracle_sse_int, shifts_by_immediate)
{
    for (unsigned opcode : {0x71u, 0x72u, 0x73u})
        for (int ext = 0; ext < 8; ext++) { // those that do not exist are #UD
            const fx_form f =
                registers_only(with_ext(sse_form("shift imm", P66, {0x0f, static_cast<std::uint8_t>(opcode)}), ext));
            judge().check(with_imm(f), 100, 5);
            for (int imm = 0; imm < 256; imm += imm < 80 ? 1 : 25)
                judge().check(with_imm(f, imm), 3, 5);
        }
}

TEST_F(oracle_sse_int, immediates)
{
    check_all_imm(sse_form("pshufd", P66, {0x0f, 0x70}));
    check_all_imm(sse_form("pshufhw", F3, {0x0f, 0x70}));
    check_all_imm(sse_form("pshuflw", F2, {0x0f, 0x70}));
    check_all_imm(sse_form("shufps", NP, {0x0f, 0xc6}));
    check_all_imm(sse_form("shufpd", P66, {0x0f, 0xc6}));
    check_all_imm(sse_form("blendps", P66, {0x0f, 0x3a, 0x0c}));
    check_all_imm(sse_form("blendpd", P66, {0x0f, 0x3a, 0x0d}));
    check_all_imm(sse_form("pblendw", P66, {0x0f, 0x3a, 0x0e}));
    check_all_imm(sse_form("palignr", P66, {0x0f, 0x3a, 0x0f}));
    check_all_imm(sse_form("mpsadbw", P66, {0x0f, 0x3a, 0x42}));
    check_all_imm(unaligned(sse_form("insertps", P66, {0x0f, 0x3a, 0x21})));
}

} // namespace
