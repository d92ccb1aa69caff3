// SPDX-License-Identifier: Apache-2.0
// Which instructions of 64-bit mode the core does not have, from the second decoder: everything that Zydis knows and
// the core's decoder refuses, by Zydis' instruction sets. One line for each set: name, count, mnemonics; for
// docs/instructions.md. Status 1 if something of x86-64-v2 (System V ABI, AMD64 supplement) or older is among them.
#include "decoder_access.h"

#include <Zydis/Zydis.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
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

} // namespace

int main()
{
    ZydisDecoder zydis;
    ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    struct decoder *core = access_create();
    std::map<ZydisISASet, mnemonics> known, ours;
    for (const bytes &begin : beginnings())
        for (unsigned opcode = 0; opcode < 256; opcode++)
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                std::uint8_t b[24];
                std::memset(b, 0x24, sizeof b); // also a SIB byte
                std::memcpy(b, begin.data(), begin.size());
                b[begin.size()] = static_cast<std::uint8_t>(opcode);
                b[begin.size() + 1] = static_cast<std::uint8_t>(modrm);
                ZydisDecodedInstruction z;
                if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&zydis, nullptr, b, sizeof b, &z)))
                    continue;
                const std::string name = ZydisMnemonicGetString(z.mnemonic);
                known[z.meta.isa_set].insert(name);
                if (ours[z.meta.isa_set].count(name) == 0 && access_decode(core, b, sizeof b, 64).result == ACCESS_OK)
                    ours[z.meta.isa_set].insert(name);
            }
    access_destroy(core);

    int status = 0;
    for (const auto &[set, names] : known) {
        mnemonics missing;
        for (const std::string &name : names)
            if (ours[set].count(name) == 0 && !is_excepted(name))
                missing.insert(name);
        if (missing.empty())
            continue;
        std::printf("%s\t%zu", ZydisISASetGetString(set), missing.size());
        char separator = '\t';
        for (const std::string &name : missing) {
            std::printf("%c%s", separator, name.c_str());
            separator = ' ';
        }
        std::printf("\n");
        for (ZydisISASet v2 : X86_64_V2)
            if (set == v2) {
                std::fprintf(stderr, "missing from x86-64-v2: %s\n", ZydisISASetGetString(set));
                status = 1;
            }
    }
    return known.size() < 100 ? 2 : status; // an enumeration that finds too little proves nothing
}
