// SPDX-License-Identifier: Apache-2.0
// Random instructions in 64-bit mode: an opcode with ModRM operands, registers or memory in all addressing forms, as
// bytes and as what the test needs to know about them.
#ifndef INSN_GEN_H
#define INSN_GEN_H

#include <cstdint>
#include <random>
#include <vector>

class random_source
{
  public:
    explicit random_source(std::uint64_t seed) : m_engine(seed) {}
    std::uint64_t bits() { return m_engine(); }
    unsigned below(unsigned n) { return static_cast<unsigned>(m_engine() % n); }
    bool one_in(unsigned n) { return below(n) == 0; }
    // Operand values: corner cases of every size often, anything else too.
    std::uint64_t value()
    {
        switch (below(8)) {
        case 0: return below(4);
        case 1: return ~std::uint64_t{0} - below(3);
        case 2: {
            static constexpr unsigned tops[] = {7, 15, 31, 63};
            return (std::uint64_t{1} << tops[below(4)]) - below(3) + 1;
        }
        case 3: return bits() & 0x7f;
        case 4: return bits() & 0xffffffff;
        default: return bits();
        }
    }

  private:
    std::mt19937_64 m_engine;
};

struct instruction {
    std::vector<std::uint8_t> bytes;
    bool has_memory = false, address32 = false;
    int base = -1, index = -1; // register numbers; base 16: RIP
    unsigned scale = 0;        // log2
    std::int32_t disp = 0;
    std::size_t disp_at = 0;  // where in bytes a RIP-relative displacement is
    unsigned reg = 0, rm = 0; // ModRM registers, with REX
    bool has_rex = false;
};

// What an encoding needs. Operand size 1, 2, 4, 8; opcode bytes with escape; ext: ModRM.reg, or -1 for a register
// operand.
struct encoding {
    std::vector<std::uint8_t> opcode;
    unsigned size;
    int ext = -1;
    unsigned imm_bytes = 0;
    std::uint8_t mandatory = 0; // F2, F3
    bool memory_allowed = true, register_allowed = true;
    unsigned reg_bytes = 0, rm_bytes = 0; // sizes of the operands where they differ from size (for AH..BH)
    bool no_rsp = false;                  // ModRM.rm must not be RSP
    bool lock_allowed = false;
    unsigned vex_map = 0, vex_pp = 0; // map 1..3: VEX-encoded, with a random register in vvvv unless no_vvvv
    bool no_vvvv = false;
};

// Chooses registers and, for memory, an addressing form that can reach `target` (what fits 31 bits and is not
// negative).
inline instruction generate(const encoding &e, bool memory, std::uint64_t imm, std::uint64_t code_address,
                            std::uint64_t target, random_source &random)
{
    instruction in;
    bool wide = e.size == 8;
    in.has_memory = memory;
    in.reg = e.ext >= 0 ? static_cast<unsigned>(e.ext) : random.below(16);
    do
        in.rm = random.below(16);
    while (e.no_rsp && in.rm == 4);
    bool byte_operand = e.size == 1 || e.reg_bytes == 1 || e.rm_bytes == 1;

    unsigned form = memory ? random.below(7) : 0;
    if (memory) {
        in.address32 = random.one_in(6);
        switch (form) {
        case 0:
            in.base = 16;
            in.address32 = false;
            break;                                                    // RIP-relative
        case 1: break;                                                // disp32
        case 2: in.index = static_cast<int>(random.below(16)); break; // index * scale + disp32
        case 3: in.base = static_cast<int>(random.below(16)); break;  // base
        default:
            in.base = static_cast<int>(random.below(16));
            in.index = static_cast<int>(random.below(16));
            break;
        }
        if (in.index == 4)
            in.index = -1;
        in.scale = random.below(4);
    }
    unsigned rex = wide ? 8u : 0u;
    rex |= e.ext < 0 && in.reg >= 8 ? 4u : 0u;
    if (memory) {
        rex |= in.index >= 8 ? 2u : 0u;
        rex |= in.base >= 8 && in.base < 16 ? 1u : 0u;
    } else {
        rex |= in.rm >= 8 ? 1u : 0u;
    }
    // Without REX, 4..7 are AH..BH.
    in.has_rex = rex != 0 || (byte_operand && random.one_in(2));

    auto put = [&](unsigned b) { in.bytes.push_back(static_cast<std::uint8_t>(b)); };
    auto put_le = [&](std::uint64_t v, unsigned n) {
        for (unsigned i = 0; i < n; i++)
            put(static_cast<unsigned>(v >> (8 * i)) & 0xff);
    };
    if (memory && e.lock_allowed && random.one_in(4))
        put(0xf0);
    if (e.size == 2)
        put(0x66);
    if (in.address32)
        put(0x67);
    if (e.mandatory)
        put(e.mandatory);
    if (e.vex_map != 0) {
        const unsigned vvvv = e.no_vvvv ? 0 : random.below(16), last = (~vvvv & 15) << 3 | e.vex_pp;
        if (e.vex_map == 1 && (rex & 11) == 0 && random.one_in(2)) {
            put(0xc5);
            put((rex & 4 ? 0 : 0x80) | last);
        } else {
            put(0xc4);
            put((~rex & 7) << 5 | e.vex_map);
            put((rex & 8) << 4 | last);
        }
    } else if (in.has_rex) {
        put(0x40 | rex);
    }
    for (std::uint8_t b : e.opcode)
        put(b);
    unsigned reg3 = (in.reg & 7) << 3;
    if (!memory) {
        put(0xc0 | reg3 | (in.rm & 7));
    } else if (in.base == 16) {
        put(0x05 | reg3);
        in.disp_at = in.bytes.size();
        std::uint64_t next = code_address + in.bytes.size() + 4 + e.imm_bytes;
        in.disp = static_cast<std::int32_t>(static_cast<std::int64_t>(target - next));
        put_le(static_cast<std::uint32_t>(in.disp), 4);
    } else {
        bool sib = in.base < 0 || in.index >= 0 || (in.base & 7) == 4;
        unsigned mod;
        if (in.base < 0) {
            mod = 0;
            in.disp = in.index < 0 ? static_cast<std::int32_t>(target) : static_cast<std::int32_t>(random.bits());
        } else {
            mod = random.below(3);
            if (mod == 0 && (in.base & 7) == 5)
                mod = 1;
            in.disp = mod == 0   ? 0
                      : mod == 1 ? static_cast<std::int8_t>(random.bits())
                                 : static_cast<std::int32_t>(random.bits());
        }
        put(mod << 6 | reg3 | (sib ? 4u : static_cast<unsigned>(in.base & 7)));
        if (sib)
            put(in.scale << 6 | (in.index < 0 ? 4u : static_cast<unsigned>(in.index & 7)) << 3 |
                (in.base < 0 ? 5u : static_cast<unsigned>(in.base & 7)));
        put_le(static_cast<std::uint32_t>(in.disp), in.base < 0 ? 4 : mod == 0 ? 0 : mod == 1 ? 1 : 4);
    }
    put_le(imm, e.imm_bytes);
    return in;
}

// Sets the address registers so that the memory operand lies at target; false where base and index are one register, or
// the scaled index alone cannot reach it.
inline bool aim(const instruction &in, std::uint64_t target, std::uint64_t gpr[16], random_source &random)
{
    if (!in.has_memory || in.base == 16)
        return true;
    std::uint64_t rest = target - static_cast<std::uint64_t>(static_cast<std::int64_t>(in.disp));
    std::uint64_t high = in.address32 ? random.bits() << 32 : 0; // ignored by 32-bit addresses
    if (in.base < 0 && in.index < 0)
        return true;
    if (in.base < 0) {
        if (in.address32)
            rest = static_cast<std::uint32_t>(rest);
        if (rest & ((std::uint64_t{1} << in.scale) - 1))
            return false;
        gpr[in.index] = rest >> in.scale | high; // bits shifted out do not matter to 32-bit addresses
        return !in.address32 || in.scale == 0 || static_cast<std::uint32_t>(gpr[in.index] << in.scale) == rest;
    }
    if (in.base == in.index)
        return false;
    if (in.index >= 0)
        rest -= gpr[in.index] << in.scale;
    gpr[in.base] = in.address32 ? static_cast<std::uint32_t>(rest) | high : rest;
    return true;
}

#endif
