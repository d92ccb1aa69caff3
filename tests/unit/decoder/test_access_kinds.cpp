// SPDX-License-Identifier: Apache-2.0
// What a timing model is told of a decoded instruction (struct timing_insn: loads, stores, locked, operand_bytes),
// judged by Zydis' operands, hidden ones included: every row of the opcode table with registers and with memory, with
// the prefixes that matter, in 16, 32 and 64-bit mode. Where the answers differ on purpose is in access_deviations.def.
#include "findings.h"
#include "zydis_judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace
{

using bytes = std::vector<std::uint8_t>;

struct answer {
    bool loads = false, stores = false, locked = false;
    unsigned operand_bytes = 0;
};

bool is_accessed(const ZydisDecodedOperand &o)
{
    return o.type == ZYDIS_OPERAND_TYPE_MEMORY && o.mem.type == ZYDIS_MEMOP_TYPE_MEM;
}

bool is_stack_pointer(ZydisRegister r)
{
    return r == ZYDIS_REGISTER_RSP || r == ZYDIS_REGISTER_ESP || r == ZYDIS_REGISTER_SP;
}

constexpr unsigned NO_OPERAND = 0xff;

// What reads nothing, whatever its operand: hints, and what is undefined with an operand.
bool is_idle(const ZydisDecodedInstruction &z)
{
    return z.meta.category == ZYDIS_CATEGORY_NOP || z.meta.category == ZYDIS_CATEGORY_WIDENOP ||
           z.meta.category == ZYDIS_CATEGORY_PREFETCH || z.meta.category == ZYDIS_CATEGORY_PREFETCHWT1 ||
           z.mnemonic == ZYDIS_MNEMONIC_UD0 || z.mnemonic == ZYDIS_MNEMONIC_UD1 ||
           z.mnemonic == ZYDIS_MNEMONIC_INVLPG || z.mnemonic == ZYDIS_MNEMONIC_CLFLUSH ||
           z.mnemonic == ZYDIS_MNEMONIC_CLFLUSHOPT || z.mnemonic == ZYDIS_MNEMONIC_CLWB;
}

// By Zydis. The size is that of the operand in memory, of an explicit one first, else of the first operand; there is
// none to judge where that is hidden or an immediate (branches, INT n). Areas count as 0, and where several values go
// to or come from the stack the size is that of one.
answer answer_of(const ZydisDecodedInstruction &z, const ZydisDecodedOperand *operands)
{
    answer a;
    const ZydisDecodedOperand *explicit_memory = nullptr, *hidden_memory = nullptr;
    for (unsigned i = 0; i < z.operand_count; i++) {
        if (!is_accessed(operands[i]))
            continue;
        a.loads |= (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
        a.stores |= (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
        auto &first = operands[i].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT ? explicit_memory : hidden_memory;
        if (first == nullptr)
            first = &operands[i];
    }
    const ZydisDecodedOperand *sized = explicit_memory ? explicit_memory : hidden_memory;
    if (sized == nullptr && z.operand_count != 0 && operands[0].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
        operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[0].type != ZYDIS_OPERAND_TYPE_POINTER)
        sized = operands;
    a.operand_bytes = sized != nullptr ? sized->size / 8u : NO_OPERAND;
    const bool is_on_stack = sized != nullptr && sized == hidden_memory && is_stack_pointer(sized->mem.base);
    if (is_on_stack && sized->size > z.operand_width)
        a.operand_bytes = z.operand_width / 8u;
    else if (sized != nullptr && sized == explicit_memory && (a.operand_bytes == 14 || a.operand_bytes > 16))
        a.operand_bytes = 0;
    if (is_idle(z)) {
        a.loads = false;
        a.operand_bytes = NO_OPERAND;
    }
    a.locked = (z.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0 || (z.mnemonic == ZYDIS_MNEMONIC_XCHG && explicit_memory);
    return a;
}

class comparison
{
  public:
    comparison() : m_core(access_create_full()) {}
    ~comparison() { access_destroy(m_core); }
    comparison(const comparison &) = delete;
    comparison &operator=(const comparison &) = delete;

    void all_of(unsigned mode_bits)
    {
        ZydisDecoder zydis = decoder_of(mode_bits);
        for (const bytes &begin : beginnings(mode_bits))
            for (unsigned opcode = 0; opcode < 256; opcode++)
                for (unsigned modrm = 0; modrm < 256; modrm++) {
                    if (modrm < 0xc0 && (modrm & 0xc7) != 3) // of the forms in memory one: [rbx], [ebx], [bp + di]
                        continue;
                    std::array<std::uint8_t, 24> b;
                    b.fill(0x22); // also the immediates
                    std::copy(begin.begin(), begin.end(), b.begin());
                    b[begin.size()] = static_cast<std::uint8_t>(opcode);
                    b[begin.size() + 1] = static_cast<std::uint8_t>(modrm);
                    compare(zydis, mode_bits, b);
                }
    }
    void judge() const
    {
        m_found.judge();
        for (std::size_t row = 0; row < access_rows(); row++)
            EXPECT_EQ(m_rows.count(row), 1u) << "row " << row << " (" << access_row_name(row) << ") was not compared";
        std::printf("%llu encodings compared\n", static_cast<unsigned long long>(m_cases));
    }

  private:
    static ZydisDecoder decoder_of(unsigned mode_bits)
    {
        ZydisDecoder zydis = zydis_decoder(mode_bits);
        for (ZydisDecoderMode absent :
             {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_WBNOINVD})
            ZydisDecoderEnableMode(&zydis, absent, ZYAN_FALSE);
        return zydis;
    }
    static std::vector<bytes> beginnings(unsigned mode_bits)
    {
        std::vector<bytes> prefixes{{}, {0x66}, {0xf2}, {0xf3}, {0xf0}, {0x66, 0xf0}, {0x66, 0xf2}, {0x66, 0xf3}}, all;
        if (mode_bits == 64)
            for (const bytes &p : {bytes{0x48}, {0x66, 0x48}, {0xf2, 0x48}, {0xf3, 0x48}, {0xf0, 0x48}})
                prefixes.push_back(p);
        for (const bytes &p : prefixes)
            for (const bytes &map : {bytes{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}}) {
                all.push_back(p);
                all.back().insert(all.back().end(), map.begin(), map.end());
            }
        for (unsigned last : {0x78u, 0x79u, 0x7au, 0x7bu, 0xf8u, 0xf9u, 0xfau, 0xfbu}) // VEX.W, VEX.pp
            for (unsigned map : {1u, 2u, 3u})
                all.push_back({0xc4, static_cast<std::uint8_t>(0xe0 | map), static_cast<std::uint8_t>(last)});
        return all;
    }
    void compare(const ZydisDecoder &zydis, unsigned mode_bits, const std::array<std::uint8_t, 24> &b)
    {
        ZydisDecodedInstruction z;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        const struct access_insn ours = access_decode(m_core, b.data(), b.size(), mode_bits);
        if (ours.result != ACCESS_OK || ZYAN_FAILED(ZydisDecoderDecodeFull(&zydis, b.data(), b.size(), &z, operands)))
            return; // validity and length are test_decoder's
        m_cases++;
        m_rows.insert(ours.row);
        const answer there = answer_of(z, operands);
        std::string text = ours.mnemonic;
        text += ours.in_memory ? " with memory" : "";
        note(text, "loads", ours.loads, there.loads, mode_bits, b, z);
        note(text, "stores", ours.stores, there.stores, mode_bits, b, z);
        note(text, "locked", ours.locked, there.locked, mode_bits, b, z);
        if (there.operand_bytes != NO_OPERAND)
            note(text, "bytes", ours.operand_bytes, there.operand_bytes, mode_bits, b, z);
    }
    void note(const std::string &text, const char *what, unsigned here, unsigned there, unsigned mode_bits,
              const std::array<std::uint8_t, 24> &b, const ZydisDecodedInstruction &z)
    {
        if (here != there)
            m_found.add(text + ": " + what + " " + std::to_string(here) + " here, " + std::to_string(there) + " there",
                        mode_bits, b.data(), z.length);
    }

    struct decoder *m_core;
    findings m_found{"access_deviations.def",
                     {
#define DEVIATION(text, reason) {text, reason},
#include "access_deviations.def"
#undef DEVIATION
                     }};
    std::set<std::size_t> m_rows;
    std::uint64_t m_cases = 0;
};

TEST(access_kinds, agree_with_zydis)
{
    comparison all;
    for (unsigned mode_bits : {16u, 32u, 64u})
        all.all_of(mode_bits);
    all.judge();
}

} // namespace
