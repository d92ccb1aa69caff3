// SPDX-License-Identifier: Apache-2.0
// Which instructions of 64-bit mode the core does not have, from the second decoder: everything that Zydis knows and
// the core's decoder refuses, by Zydis' instruction sets. One line for each set: name, count, mnemonics; for
// docs/instructions.md. Status 1 if something of x86-64-v2 (System V ABI, AMD64 supplement) or older is among them, if
// the core's #UD would say nothing or something wrong about one of them, or if it would name what Zydis says is none.
#include "decoder_access.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace
{

using bytes = std::vector<std::uint8_t>;
using mnemonics = std::set<std::string>;

constexpr ZydisISASet X86_64_V2[] = {
    ZYDIS_ISA_SET_I86,          ZYDIS_ISA_SET_I186,     ZYDIS_ISA_SET_I286PROTECTED, ZYDIS_ISA_SET_I286REAL,
    ZYDIS_ISA_SET_I386,         ZYDIS_ISA_SET_I486,     ZYDIS_ISA_SET_I486REAL,      ZYDIS_ISA_SET_PENTIUMREAL,
    ZYDIS_ISA_SET_PPRO,         ZYDIS_ISA_SET_CMOV,     ZYDIS_ISA_SET_FAT_NOP,       ZYDIS_ISA_SET_PAUSE,
    ZYDIS_ISA_SET_LONGMODE,     ZYDIS_ISA_SET_X87,      ZYDIS_ISA_SET_FCMOV,         ZYDIS_ISA_SET_PENTIUMMMX,
    ZYDIS_ISA_SET_FXSAVE,       ZYDIS_ISA_SET_FXSAVE64, ZYDIS_ISA_SET_SSE,           ZYDIS_ISA_SET_SSEMXCSR,
    ZYDIS_ISA_SET_SSE_PREFETCH, ZYDIS_ISA_SET_SSE2,     ZYDIS_ISA_SET_SSE2MMX,       ZYDIS_ISA_SET_SSE3,
    ZYDIS_ISA_SET_SSE3X87,      ZYDIS_ISA_SET_SSSE3,    ZYDIS_ISA_SET_SSSE3MMX,      ZYDIS_ISA_SET_SSE4,
    ZYDIS_ISA_SET_SSE42,        ZYDIS_ISA_SET_POPCNT,   ZYDIS_ISA_SET_CMPXCHG16B,    ZYDIS_ISA_SET_LAHF};

// #UD outside system-management mode, which the core never enters.
bool is_excepted(const std::string &mnemonic) { return mnemonic == "rsm"; }

// Every prefix, escape and opcode map, up to the opcode; the opcode and ModRM bytes follow.
std::vector<bytes> beginnings()
{
    std::vector<bytes> all;
    const std::vector<bytes> prefixes{{}, {0x66}, {0xf2}, {0xf3}, {0x48}, {0x66, 0x48}, {0xf3, 0x48}, {0xf2, 0x48}};
    const std::vector<bytes> maps{{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}};
    for (const bytes &p : prefixes)
        for (const bytes &m : maps) {
            all.push_back(p);
            all.back().insert(all.back().end(), m.begin(), m.end());
        }
    for (unsigned pp = 0; pp < 4; pp++)
        for (unsigned w = 0; w < 2; w++)
            for (unsigned length = 0; length < 3; length++) {
                for (unsigned vvvv : {0x78u, 0x08u}) {
                    auto last = static_cast<std::uint8_t>(w << 7 | vvvv | (length & 1) << 2 | pp);
                    for (unsigned map : {1u, 2u, 3u, 7u})
                        all.push_back({0xc4, static_cast<std::uint8_t>(0xe0 | map), last});
                    for (unsigned map : {8u, 9u, 10u}) // XOP
                        all.push_back({0x8f, static_cast<std::uint8_t>(0xe0 | map), last});
                }
                for (unsigned map : {1u, 2u, 3u, 5u, 6u})
                    for (unsigned mask : {0u, 1u})
                        for (unsigned vvvv : {0x78u, 0x08u})
                            all.push_back({0x62, static_cast<std::uint8_t>(0xf0 | map),
                                           static_cast<std::uint8_t>(w << 7 | vvvv | 4 | pp),
                                           static_cast<std::uint8_t>(length << 5 | 8 | mask)});
            }
    return all;
}

// Displacements of 32 bits of Xeon Phi's branches on mask registers, which a description by opcode map does not know.
bool has_other_length(const std::string &mnemonic) { return mnemonic == "jkzd" || mnemonic == "jknzd"; }

// Instructions that the core names and this Zydis does not know: newer than it, or, PCOMMIT, withdrawn by Intel.
bool is_unknown_to_zydis(const std::string &name)
{
    static const mnemonics unknown{"aadd",    "aand",    "aor",     "axor",     "erets",     "eretu",
                                   "lkgs",    "urdmsr",  "uwrmsr",  "wrmsrns",  "rdmsrlist", "wrmsrlist",
                                   "invlpgb", "tlbsync", "pcommit", "tdpfp16ps"};
    return unknown.count(name) != 0;
}

// "VEX-encoded instruction (...)": a description instead of a name.
bool is_description(const std::string &name) { return name.find("-encoded instruction (") != std::string::npos; }

// Capstone's names: without underscores, with a size or an algorithm at the end, or with the other type of scalar.
bool is_same_name(std::string name, std::string zydis)
{
    for (std::string *s : {&name, &zydis})
        s->erase(std::remove(s->begin(), s->end(), '_'), s->end());
    if (name == zydis || name.rfind(zydis, 0) == 0)
        return true;
    auto head = [](const std::string &s) { return s.substr(0, s.size() - 1); };
    return zydis[0] == 'v' && head(name) == head(zydis);
}

std::string hex(const std::uint8_t *bytes, std::size_t n)
{
    std::string s;
    char digits[4];
    for (std::size_t i = 0; i < n; i++) {
        std::snprintf(digits, sizeof digits, "%02x ", static_cast<unsigned>(bytes[i]));
        s += digits;
    }
    return s;
}

class survey
{
  public:
    survey() : m_core(access_create()) { ZydisDecoderInit(&m_zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }
    ~survey() { access_destroy(m_core); }
    survey(const survey &) = delete;
    survey &operator=(const survey &) = delete;

    void look_at(const std::uint8_t *b, std::size_t size, bool asks_for_notice)
    {
        ZydisDecodedInstruction z;
        const bool is_ours = access_decode(m_core, b, size, 64).result == ACCESS_OK;
        const bool is_valid = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&m_zydis, nullptr, b, size, &z));
        const std::string name = is_valid ? ZydisMnemonicGetString(z.mnemonic) : "";
        if (is_valid)
            m_known[z.meta.isa_set].insert(name);
        if (is_ours && is_valid)
            m_ours[z.meta.isa_set].insert(name);
        if (is_ours || !asks_for_notice)
            return;
        char notice[64];
        const unsigned length = access_unimplemented(m_core, b, size, 64, notice);
        if (!is_valid) {
            if (length != 0 && !is_description(notice))
                m_named.try_emplace(notice, hex(b, 10));
        } else if (length == 0)
            m_poor[{z.meta.isa_set, name}] = "#UD without a notice: " + hex(b, z.length);
        else if (!is_description(notice) && !is_same_name(notice, name))
            m_poor[{z.meta.isa_set, name}] = std::string("called ") + notice + ": " + hex(b, z.length);
        else if (length != z.length && !has_other_length(name))
            m_poor[{z.meta.isa_set, name}] = "notice with " + std::to_string(length) + " bytes: " + hex(b, z.length);
    }

    // Writes the list; status of the program.
    int finish()
    {
        int status = 0;
        mnemonics all_missing;
        for (const auto &[set, names] : m_known) {
            mnemonics missing;
            for (const std::string &name : names)
                if (m_ours[set].count(name) == 0 && !is_excepted(name)) {
                    missing.insert(name);
                    all_missing.insert(name);
                    auto poor = m_poor.find({set, name});
                    if (poor != m_poor.end())
                        m_wrong.try_emplace(name, poor->second);
                }
            if (!missing.empty())
                print(set, missing);
            if (!missing.empty() && is_v2(set)) {
                std::fprintf(stderr, "missing from x86-64-v2: %s\n", ZydisISASetGetString(set));
                status = 1;
            }
        }
        // Illegal forms of instructions that are missing may be named, nothing else.
        for (const auto &[name, where] : m_named) {
            auto is_it = [&notice = name](const std::string &zydis) { return is_same_name(notice, zydis); };
            if (!is_unknown_to_zydis(name) && std::none_of(all_missing.begin(), all_missing.end(), is_it))
                m_wrong.try_emplace(name, "named, but Zydis knows no such instruction that is missing: " + where);
        }
        for (const auto &[name, what] : m_wrong) {
            std::fprintf(stderr, "%s: %s\n", name.c_str(), what.c_str());
            status = 1;
        }
        return m_known.size() < 100 ? 2 : status; // an enumeration that finds too little proves nothing
    }

  private:
    static bool is_v2(ZydisISASet set)
    {
        return std::find(std::begin(X86_64_V2), std::end(X86_64_V2), set) != std::end(X86_64_V2);
    }
    static void print(ZydisISASet set, const mnemonics &missing)
    {
        std::printf("%s\t%zu", ZydisISASetGetString(set), missing.size());
        char separator = '\t';
        for (const std::string &name : missing) {
            std::printf("%c%s", separator, name.c_str());
            separator = ' ';
        }
        std::printf("\n");
    }

    ZydisDecoder m_zydis;
    struct decoder *m_core;
    std::map<ZydisISASet, mnemonics> m_known, m_ours;
    std::map<std::pair<ZydisISASet, std::string>, std::string> m_poor; // what is wrong with an encoding's notice
    std::map<std::string, std::string> m_named;                        // undefined for Zydis, but named: where
    std::map<std::string, std::string> m_wrong;
};

} // namespace

int main()
{
    survey all;
    for (const bytes &begin : beginnings())
        for (unsigned opcode = 0; opcode < 256; opcode++)
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                std::uint8_t b[24];
                std::memset(b, 0x24, sizeof b);           // also a SIB byte
                std::copy(begin.begin(), begin.end(), b); // one of the beginnings is empty
                b[begin.size()] = static_cast<std::uint8_t>(opcode);
                b[begin.size() + 1] = static_cast<std::uint8_t>(modrm);
                all.look_at(b, sizeof b, modrm >= 0xc0 || (modrm & 7) == 4); // of addresses, one each
            }
    return all.finish();
}
