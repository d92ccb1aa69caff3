// SPDX-License-Identifier: Apache-2.0
// Moves between XMM registers, general registers and memory, single elements, masks, MXCSR, and what does not exist.
#include "sse_form.h"

namespace
{

class oracle_sse_move : public oracle_sse
{
};

TEST_F(oracle_sse_move, whole_registers)
{
    static constexpr sse_row aligned[] = {
        {"movaps", NP, 0x28},  {"movaps store", NP, 0x29},  {"movapd", P66, 0x28},  {"movapd store", P66, 0x29},
        {"movdqa", P66, 0x6f}, {"movdqa store", P66, 0x7f}, {"movsldup", F3, 0x12}, {"movshdup", F3, 0x16},
    };
    static constexpr sse_row any[] = {
        {"movups", NP, 0x10},      {"movups store", NP, 0x11}, {"movupd", P66, 0x10},     {"movupd store", P66, 0x11},
        {"movdqu", F3, 0x6f},      {"movdqu store", F3, 0x7f}, {"movddup", F2, 0x12},     {"movss", F3, 0x10},
        {"movss store", F3, 0x11}, {"movsd", F2, 0x10},        {"movsd store", F2, 0x11}, {"movq", F3, 0x7e},
        {"movq store", P66, 0xd6},
    };
    for (auto &row : aligned)
        judge().check(sse_form(row.name, row.prefix, {0x0f, row.opcode}));
    for (auto &row : any)
        judge().check(unaligned(sse_form(row.name, row.prefix, {0x0f, row.opcode})));
}

// Register forms of these do not exist or are other instructions.
TEST_F(oracle_sse_move, memory_only)
{
    static constexpr sse_row aligned[] = {{"movntps", NP, 0x2b}, {"movntpd", P66, 0x2b}, {"movntdq", P66, 0xe7}};
    static constexpr sse_row any[] = {
        {"lddqu", F2, 0xf0},        {"movlps", NP, 0x12},        {"movlpd", P66, 0x12},
        {"movlps store", NP, 0x13}, {"movlpd store", P66, 0x13}, {"movhps", NP, 0x16},
        {"movhpd", P66, 0x16},      {"movhps store", NP, 0x17},  {"movhpd store", P66, 0x17},
    };
    for (auto &row : aligned)
        judge().check(sse_form(row.name, row.prefix, {0x0f, row.opcode}), 80, 20);
    judge().check(sse_form("movntdqa", P66, {0x0f, 0x38, 0x2a}), 80, 20);
    for (auto &row : any) // MOVHLPS and MOVLHPS without a prefix
        judge().check(unaligned(sse_form(row.name, row.prefix, {0x0f, row.opcode})), 80, 20);
}

TEST_F(oracle_sse_move, general_registers)
{
    for (bool is_wide : {false, true}) {
        fx_form load = unaligned(sse_form("movd", P66, {0x0f, 0x6e}));
        fx_form store = unaligned(sse_form("movd store", P66, {0x0f, 0x7e}));
        store.enc.no_rsp = true;
        judge().check(is_wide ? wide(load) : load);
        judge().check(is_wide ? wide(store) : store);
        for (fx_form mask : {sse_form("movmskps", NP, {0x0f, 0x50}), sse_form("movmskpd", P66, {0x0f, 0x50}),
                             sse_form("pmovmskb", P66, {0x0f, 0xd7})})
            judge().check(registers_only(is_wide ? wide(mask) : mask));
    }
    // MOVNTI stores a general register
    judge().check(memory_only(unaligned(sse_form("movnti", NP, {0x0f, 0xc3}))));
    judge().check(memory_only(wide(unaligned(sse_form("movnti", NP, {0x0f, 0xc3})))));
}

TEST_F(oracle_sse_move, elements)
{
    for (bool is_wide : {false, true}) {
        for (unsigned opcode : {0x14u, 0x15u, 0x16u, 0x17u}) {
            fx_form f = unaligned(sse_form("pextr, extractps", P66, {0x0f, 0x3a, static_cast<std::uint8_t>(opcode)}));
            f.enc.no_rsp = true;
            check_all_imm(is_wide ? wide(f) : f);
        }
        for (unsigned opcode : {0x20u, 0x22u}) {
            fx_form f = unaligned(sse_form("pinsr", P66, {0x0f, 0x3a, static_cast<std::uint8_t>(opcode)}));
            check_all_imm(is_wide ? wide(f) : f);
        }
        const fx_form insert = unaligned(sse_form("pinsrw", P66, {0x0f, 0xc4}));
        const fx_form extract = registers_only(sse_form("pextrw", P66, {0x0f, 0xc5}));
        check_all_imm(is_wide ? wide(insert) : insert);
        check_all_imm(is_wide ? wide(extract) : extract);
    }
}

// Between XMM and MM registers; the x87 state goes through its transition.
TEST_F(oracle_sse_move, mm_registers)
{
    judge().check(registers_only(sse_form("movq2dq", F3, {0x0f, 0xd6})));
    judge().check(registers_only(sse_form("movdq2q", F2, {0x0f, 0xd6})));
}

TEST_F(oracle_sse_move, masked_store)
{
    fx_form f = registers_only(sse_form("maskmovdqu", P66, {0x0f, 0xf7}));
    f.prepare = [](machine_state &state, fx_image &fx, random_source &random) {
        state.gpr[RDI] = native_cpu::DATA + (random.one_in(4) ? 0x1000 - random.below(16) : random.below(0x2000));
        if (random.one_in(3))
            for (auto &lane : fx.xmm[random.below(16)])
                lane = random.one_in(2) ? 0 : ~std::uint64_t{0};
    };
    judge().check(f, 100, 20);
    f.enc.opcode.insert(f.enc.opcode.begin(), 0x67); // address size: EDI
    f.enc.mandatory = 0;
    f.enc.opcode.insert(f.enc.opcode.begin() + 1, 0x66);
    auto with_upper = f.prepare;
    f.prepare = [with_upper](machine_state &state, fx_image &fx, random_source &random) {
        with_upper(state, fx, random);
        state.gpr[RDI] |= random.bits() << 32;
    };
    judge().check_bytes(f, {0x67, 0x66, 0x0f, 0xf7, 0xca});
}

TEST_F(oracle_sse_move, mxcsr)
{
    judge().check(memory_only(with_ext(unaligned(sse_form("ldmxcsr", NP, {0x0f, 0xae}, FX_MXCSR)), 2)), 80, 30);
    judge().check(memory_only(with_ext(unaligned(sse_form("stmxcsr", NP, {0x0f, 0xae}, FX_MXCSR)), 3)), 80, 30);
}

// Prefixes with which an opcode has no meaning, and opcodes that have none. What the host has beyond SSE4.2 is left
// out.
TEST_F(oracle_sse_move, undefined)
{
    static constexpr std::uint8_t prefixes[] = {NP, P66, F3, F2};
    fx_form f = registers_only(sse_form("undefined", 0, {}));
    f.may_transit = true; // the conversions of MM registers are among them
    auto try_all = [&](unsigned opcode, std::vector<std::uint8_t> escape, auto is_other) {
        for (std::uint8_t prefix : prefixes) {
            if (is_other(prefix, opcode))
                continue;
            std::vector<std::uint8_t> bytes;
            if (prefix != 0)
                bytes.push_back(prefix);
            bytes.insert(bytes.end(), escape.begin(), escape.end());
            bytes.insert(bytes.end(), {static_cast<std::uint8_t>(opcode), 0xca});
            const bool has_imm =
                escape.size() == 1 ? opcode == 0x70 || opcode == 0xc2 || opcode >= 0xc4 : escape[1] == 0x3a;
            if (has_imm && !(escape.size() == 1 && opcode > 0xc6))
                bytes.push_back(1);
            judge().check_bytes(f, bytes, 12);
        }
    };
    // 0F: MOVs of control registers lie between; SSE4a is AMD's
    auto not_0f = [](std::uint8_t prefix, unsigned opcode) {
        const bool is_sse4a = (opcode == 0x78 || opcode == 0x79) && (prefix == P66 || prefix == F2);
        const bool by_ext = opcode >= 0x71 && opcode <= 0x73, is_vmx = opcode == 0x78 || opcode == 0x79;
        const bool is_approximate = (opcode == 0x52 || opcode == 0x53) && (prefix == NP || prefix == F3);
        return is_approximate || is_sse4a || by_ext || is_vmx || opcode == 0x77 || opcode == 0xf7 || opcode == 0xff;
    };
    for (unsigned opcode = 0x10; opcode <= 0x17; opcode++)
        try_all(opcode, {0x0f}, not_0f);
    for (unsigned opcode = 0x28; opcode <= 0x2f; opcode++)
        try_all(opcode, {0x0f}, not_0f);
    for (unsigned opcode = 0x50; opcode <= 0x7f; opcode++)
        try_all(opcode, {0x0f}, not_0f);
    for (unsigned opcode : {0xc2u, 0xc4u, 0xc5u, 0xc6u})
        try_all(opcode, {0x0f}, not_0f);
    for (unsigned opcode = 0xd0; opcode <= 0xfe; opcode++)
        try_all(opcode, {0x0f}, not_0f);
    for (unsigned opcode = 0; opcode <= 0x7f; opcode++) // SHA, AES and GFNI lie beyond
        try_all(opcode, {0x0f, 0x38}, [](std::uint8_t, unsigned) { return false; });
    for (unsigned opcode = 0; opcode <= 0xc0; opcode++)
        try_all(opcode, {0x0f, 0x3a}, [](std::uint8_t, unsigned op) { return op == 0x44; }); // PCLMULQDQ
}

} // namespace
