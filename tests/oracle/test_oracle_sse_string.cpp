// SPDX-License-Identifier: Apache-2.0
// The string compares of SSE4.2 with every immediate, lengths in range and beyond, and CRC32 of all sizes.
#include "sse_form.h"

namespace
{

class oracle_sse_string : public oracle_sse
{
  protected:
    static void lengths(machine_state &state, fx_image &, random_source &random)
    {
        for (unsigned reg : {RAX, RDX}) {
            const std::uint64_t upper = random.one_in(3) ? random.bits() << 32 : 0; // ignored without REX.W
            const int length = static_cast<int>(random.below(40)) - 20;
            if (!random.one_in(6))
                state.gpr[reg] = static_cast<std::uint64_t>(length) ^ upper;
            else if (random.one_in(2))
                state.gpr[reg] = std::uint64_t{0x80000000} << (random.one_in(2) ? 32 : 0);
        }
    }
    static void check_string(const char *name, std::uint8_t opcode, bool has_lengths)
    {
        fx_form f = unaligned(sse_form(name, P66, {0x0f, 0x3a, opcode}, FX_TEXT));
        if (has_lengths)
            f.prepare = lengths;
        for (int imm = 0; imm < 256; imm++) { // the operation, both signs, both outputs, all widths, and a reserved bit
            judge().check(with_imm(f, imm), 4, 15);
            judge().check(with_imm(wide(f), imm), 2, 8);
        }
    }
};

TEST_F(oracle_sse_string, pcmpestrm) { check_string("pcmpestrm", 0x60, true); }
TEST_F(oracle_sse_string, pcmpestri) { check_string("pcmpestri", 0x61, true); }
TEST_F(oracle_sse_string, pcmpistrm) { check_string("pcmpistrm", 0x62, false); }
TEST_F(oracle_sse_string, pcmpistri) { check_string("pcmpistri", 0x63, false); }

TEST_F(oracle_sse_string, crc32)
{
    for (unsigned size : {4u, 8u, 2u}) { // REX.W, 66H: change nothing for a byte
        fx_form f = unaligned(sse_form("crc32 byte", F2, {0x0f, 0x38, 0xf0}));
        f.enc.size = size;
        f.enc.rm_bytes = 1;
        judge().check(f);
    }
    for (unsigned size : {2u, 4u, 8u}) {
        fx_form f = unaligned(sse_form("crc32", F2, {0x0f, 0x38, 0xf1}));
        f.enc.size = size;
        judge().check(f);
    }
}

} // namespace
