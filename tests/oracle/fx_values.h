// SPDX-License-Identifier: Apache-2.0
// Random x87, MMX and SSE state: values of every class, control words, tags, exceptions pending or not.
#ifndef FX_VALUES_H
#define FX_VALUES_H

#include "fx_access.h"
#include "insn_gen.h"

#include <cstring>

// A significand of `bits` bits: corner cases often.
inline std::uint64_t significand(random_source &random, unsigned bits)
{
    std::uint64_t top = std::uint64_t{1} << (bits - 1), all = top | (top - 1);
    switch (random.below(12)) {
    case 0: return 0;
    case 1: return top;
    case 2: return all;
    case 3: return top | top >> 1;            // the default NaN
    case 4: return top | (random.bits() & 3); // signalling NaNs, nearly powers of two
    case 5: return all - (random.bits() & 3);
    case 6: return random.bits() & all & ~top;                   // not normalized
    case 7: return std::uint64_t{1} << random.below(bits);       // one bit
    case 8: return top | std::uint64_t{1} << random.below(bits); // two bits: ties of rounding
    case 9: return top | (random.bits() & (all << random.below(bits) & all));
    default: return top | (random.bits() & all);
    }
}

// A floating-point value in any of the three formats.
inline void real80(random_source &random, std::uint64_t out[2])
{
    static constexpr unsigned near[] = {0x3fff,        0x3fff + 31,   0x3fff + 63,   0x3fff + 127,
                                        0x3fff - 127,  0x3fff + 1023, 0x3fff - 1023, 0x3fff - 149,
                                        0x3fff - 1074, 0x3fff + 15,   0x3fff - 64,   0x4000};
    unsigned exponent;
    switch (random.below(8)) {
    case 0: exponent = 0; break;
    case 1: exponent = 0x7fff; break;
    case 2: exponent = random.one_in(2) ? random.below(70) : 0x7ffe - random.below(70); break;
    case 3: exponent = random.below(0x8000); break;
    case 4: exponent = 0x3fff - 3 + random.below(70); break;
    default: exponent = near[random.below(12)] - 2 + random.below(5); break;
    }
    out[0] = significand(random, 64);
    out[1] = exponent | (random.bits() & 0x8000);
}
inline std::uint64_t real64(random_source &random)
{
    static constexpr unsigned near[] = {0, 1, 0x7ff, 0x7fe, 0x3ff, 0x3fe, 0x400, 0x3ff + 31, 0x3ff + 62};
    std::uint64_t exponent = random.one_in(3) ? random.below(0x800) : near[random.below(9)];
    return (random.bits() & std::uint64_t{1} << 63) | exponent << 52 | (significand(random, 53) & 0xfffffffffffff);
}
inline std::uint32_t real32(random_source &random)
{
    static constexpr unsigned near[] = {0, 1, 0xff, 0xfe, 0x7f, 0x7e, 0x80, 0x7f + 31, 0x7f + 62};
    std::uint32_t exponent = random.one_in(3) ? random.below(0x100) : near[random.below(9)];
    return (static_cast<std::uint32_t>(random.bits()) & 0x80000000u) | exponent << 23 |
           (static_cast<std::uint32_t>(significand(random, 24)) & 0x7fffff);
}
inline std::uint64_t integer(random_source &random)
{
    std::uint64_t v = random.value();
    return random.one_in(2) ? v : v << random.below(64);
}
// Packed BCD; sometimes with digits that are none.
inline void bcd(random_source &random, std::uint8_t out[10])
{
    for (unsigned i = 0; i < 9; i++)
        out[i] = static_cast<std::uint8_t>(random.below(10) << 4 | random.below(10));
    unsigned digits = random.below(10);
    std::memset(out + digits, 0, 9 - (digits > 9 ? 9 : digits));
    out[9] = static_cast<std::uint8_t>(random.one_in(2) ? 0x80 : 0);
    if (random.one_in(16))
        out[random.below(10)] = static_cast<std::uint8_t>(random.bits());
}

// Memory operands of all kinds, by what the instruction will take them for.
// FX_SINGLES, FX_DOUBLES: all lanes; FX_TEXT: strings of few different characters.
enum fx_memory {
    FX_ANY,
    FX_F32,
    FX_F64,
    FX_F80,
    FX_I16,
    FX_I32,
    FX_I64,
    FX_BCD,
    FX_VECTOR,
    FX_SINGLES,
    FX_DOUBLES,
    FX_TEXT,
    FX_MXCSR
};
inline void fill_memory(random_source &random, fx_memory kind, std::uint8_t *bytes)
{
    std::uint64_t v[2] = {random.bits(), random.bits()};
    switch (kind) {
    case FX_F32: v[0] = real32(random) | v[0] << 32; break;
    case FX_F64: v[0] = real64(random); break;
    case FX_F80: real80(random, v); break;
    case FX_I16:
    case FX_I32:
    case FX_I64: v[0] = integer(random); break;
    case FX_BCD: bcd(random, reinterpret_cast<std::uint8_t *>(v)); break;
    case FX_VECTOR:
        for (auto &w : v)
            w = random.one_in(2)   ? integer(random)
                : random.one_in(2) ? real64(random)
                                   : real32(random) | std::uint64_t{real32(random)} << 32;
        break;
    case FX_SINGLES:
        for (auto &w : v)
            w = real32(random) | std::uint64_t{real32(random)} << 32;
        break;
    case FX_DOUBLES:
        for (auto &w : v)
            w = real64(random);
        break;
    case FX_TEXT: {
        const unsigned alphabet = 1 + random.below(4), width = 1 + random.below(2), sign = random.below(2) * 0x80;
        for (unsigned i = 0; i < 16; i++) {
            const auto c = static_cast<std::uint8_t>(random.one_in(12) ? 0 : (1 + random.below(alphabet)) ^ sign);
            reinterpret_cast<std::uint8_t *>(v)[i] = i % width != 0 && !random.one_in(4) ? 0 : c;
        }
        break;
    }
    case FX_MXCSR: // bit 17 is reserved here, but not on AMD's processors
        v[0] &= 0xffff;
        if (random.one_in(4))
            v[0] |= std::uint64_t{0x10000} << random.below(16) & ~std::uint64_t{0x20000};
        v[0] |= random.bits() << 32;
        break;
    case FX_ANY: break;
    }
    std::memcpy(bytes, v, sizeof v);
}

constexpr unsigned FSW_ES = 0x80, FSW_B = 0x8000;

inline fx_image random_fx(random_source &random)
{
    fx_image x;
    std::memset(&x, 0, sizeof x);
    std::uint16_t masks = random.one_in(2) ? 0x3f : static_cast<std::uint16_t>(random.bits() & 0x3f);
    if (random.one_in(6)) // one exception unmasked
        masks = static_cast<std::uint16_t>(0x3f & ~(1u << random.below(6)));
    unsigned precision = random.one_in(3) ? random.below(4) : 3;
    x.fcw = static_cast<std::uint16_t>(0x40 | masks | precision << 8 | random.below(4) << 10 |
                                       (random.one_in(8) ? 0x1000 : 0));
    unsigned flags = random.one_in(3) ? static_cast<unsigned>(random.bits()) & 0x7f : 0;
    if (!random.one_in(12))
        flags &= masks | 0x40u;
    if (flags & ~masks & 0x3fu)
        flags |= FSW_ES | FSW_B;
    x.fsw = static_cast<std::uint16_t>(flags | (random.bits() & 0x7f00));
    x.tags = random.one_in(3) ? static_cast<std::uint8_t>(random.bits())
                              : static_cast<std::uint8_t>(random.one_in(2) ? 0xff : 0);
    unsigned top = (x.fsw >> 11) & 7;
    if (random.one_in(3)) // as programs have it: a few registers in use from the top on
        x.tags = 0;
    if (x.tags == 0 && !random.one_in(6))
        for (unsigned i = 0, n = 1 + random.below(7); i < n; i++)
            x.tags = static_cast<std::uint8_t>(x.tags | 1u << ((top + i) & 7));
    for (auto &r : x.st)
        real80(random, r);
    if (random.one_in(8)) // the same value twice
        std::memcpy(x.st[random.below(8)], x.st[0], 16);
    for (auto &r : x.xmm)
        fill_memory(random, FX_VECTOR, reinterpret_cast<std::uint8_t *>(r));
    x.mxcsr = 0x1f80 | (static_cast<std::uint32_t>(random.bits()) & 0xe07f);
    if (random.one_in(4))
        x.mxcsr = static_cast<std::uint32_t>(random.bits()) & 0xffff;
    else if (random.one_in(4)) // one exception unmasked
        x.mxcsr &= ~(0x80u << random.below(6));
    return x;
}

#endif
