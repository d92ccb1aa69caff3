// SPDX-License-Identifier: Apache-2.0
// Floating-point instructions of SSE to SSE4.1 against the host processor: values of all classes, all rounding modes,
// FTZ and DAZ, masked and unmasked exceptions.
#include "sse_form.h"

namespace
{

class oracle_sse_fp : public oracle_sse
{
  protected:
    // The four forms of one opcode: PS, PD, SS, SD. Scalar operands in memory need no alignment.
    static void check_four(const char *name, std::vector<std::uint8_t> opcode, unsigned encodings = 60,
                           unsigned cases = 60)
    {
        judge().check(sse_form(name, NP, opcode, FX_SINGLES), encodings, cases);
        judge().check(sse_form(name, P66, opcode, FX_DOUBLES), encodings, cases);
        judge().check(unaligned(sse_form(name, F3, opcode, FX_SINGLES)), encodings, cases);
        judge().check(unaligned(sse_form(name, F2, opcode, FX_DOUBLES)), encodings, cases);
    }
};

TEST_F(oracle_sse_fp, sqrt) { check_four("sqrt", {0x0f, 0x51}); }
TEST_F(oracle_sse_fp, add) { check_four("add", {0x0f, 0x58}); }
TEST_F(oracle_sse_fp, multiply) { check_four("mul", {0x0f, 0x59}); }
TEST_F(oracle_sse_fp, subtract) { check_four("sub", {0x0f, 0x5c}); }
TEST_F(oracle_sse_fp, minimum) { check_four("min", {0x0f, 0x5d}); }
TEST_F(oracle_sse_fp, divide) { check_four("div", {0x0f, 0x5e}); }
TEST_F(oracle_sse_fp, maximum) { check_four("max", {0x0f, 0x5f}); }

// Products and quotients around the limits of the format: tiny exact results, overflow by rounding.
TEST_F(oracle_sse_fp, limits)
{
    auto singles = [](machine_state &, fx_image &fx, random_source &random) {
        for (auto &r : fx.xmm)
            for (auto &lane : r) {
                lane = 0;
                for (unsigned i = 0; i < 2; i++) {
                    const std::uint64_t exponent = random.one_in(2)   ? 0x7f - 63 - 6 + random.below(12)
                                                   : random.one_in(2) ? 0x7f + 63 - 3 + random.below(6)
                                                                      : 0x7f - 2 + random.below(4);
                    lane |= (exponent << 23 | (significand(random, 24) & 0x7fffff)) << (32 * i);
                }
            }
    };
    auto doubles = [](machine_state &, fx_image &fx, random_source &random) {
        for (auto &r : fx.xmm)
            for (auto &lane : r) {
                const std::uint64_t exponent = random.one_in(2)   ? 0x3ff - 511 - 6 + random.below(12)
                                               : random.one_in(2) ? 0x3ff + 511 - 3 + random.below(6)
                                                                  : 0x3ff - 2 + random.below(4);
                lane = exponent << 52 | (significand(random, 53) & 0xfffffffffffff);
            }
    };
    for (unsigned opcode : {0x58u, 0x59u, 0x5cu, 0x5eu})
        for (std::uint8_t prefix : {NP, P66, F3, F2}) {
            const bool is_double = prefix == P66 || prefix == F2;
            fx_form f = registers_only(sse_form("limits", prefix, {0x0f, static_cast<std::uint8_t>(opcode)}));
            if (is_double)
                f.prepare = doubles;
            else
                f.prepare = singles;
            judge().check(f, 60, 60);
        }
}

TEST_F(oracle_sse_fp, horizontal)
{
    for (unsigned opcode : {0x7cu, 0x7du, 0xd0u}) {
        judge().check(sse_form("hadd, hsub, addsub", F2, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_SINGLES), 60,
                      60);
        judge().check(sse_form("hadd, hsub, addsub", P66, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_DOUBLES), 60,
                      60);
    }
}

TEST_F(oracle_sse_fp, compares)
{
    for (std::uint8_t prefix : {NP, P66, F3, F2}) {
        const bool is_double = prefix == P66 || prefix == F2, is_scalar = prefix == F3 || prefix == F2;
        fx_form f = sse_form("cmp", prefix, {0x0f, 0xc2}, is_double ? FX_DOUBLES : FX_SINGLES);
        if (is_scalar)
            f = unaligned(f);
        check_all_imm(f);
        for (int predicate = 0; predicate < 8; predicate++)
            judge().check(with_imm(f, predicate));
    }
    for (unsigned opcode : {0x2eu, 0x2fu}) {
        judge().check(unaligned(sse_form("comiss", NP, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_SINGLES)), 60, 60);
        judge().check(unaligned(sse_form("comisd", P66, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_DOUBLES)), 60,
                      60);
    }
}

TEST_F(oracle_sse_fp, rounding)
{
    check_all_imm(sse_form("roundps", P66, {0x0f, 0x3a, 0x08}, FX_SINGLES));
    check_all_imm(sse_form("roundpd", P66, {0x0f, 0x3a, 0x09}, FX_DOUBLES));
    check_all_imm(unaligned(sse_form("roundss", P66, {0x0f, 0x3a, 0x0a}, FX_SINGLES)));
    check_all_imm(unaligned(sse_form("roundsd", P66, {0x0f, 0x3a, 0x0b}, FX_DOUBLES)));
    for (int imm = 0; imm < 16; imm++) {
        judge().check(with_imm(sse_form("roundps", P66, {0x0f, 0x3a, 0x08}, FX_SINGLES), imm));
        judge().check(with_imm(sse_form("roundpd", P66, {0x0f, 0x3a, 0x09}, FX_DOUBLES), imm));
    }
}

TEST_F(oracle_sse_fp, dot_products)
{
    check_all_imm(sse_form("dpps", P66, {0x0f, 0x3a, 0x40}, FX_SINGLES));
    check_all_imm(sse_form("dppd", P66, {0x0f, 0x3a, 0x41}, FX_DOUBLES));
}

TEST_F(oracle_sse_fp, conversions)
{
    judge().check(unaligned(sse_form("cvtps2pd", NP, {0x0f, 0x5a}, FX_SINGLES)), 60, 60);
    judge().check(sse_form("cvtpd2ps", P66, {0x0f, 0x5a}, FX_DOUBLES), 60, 60);
    judge().check(unaligned(sse_form("cvtss2sd", F3, {0x0f, 0x5a}, FX_SINGLES)), 60, 60);
    judge().check(unaligned(sse_form("cvtsd2ss", F2, {0x0f, 0x5a}, FX_DOUBLES)), 60, 60);
    judge().check(sse_form("cvtdq2ps", NP, {0x0f, 0x5b}), 60, 60);
    judge().check(sse_form("cvtps2dq", P66, {0x0f, 0x5b}, FX_SINGLES), 60, 60);
    judge().check(sse_form("cvttps2dq", F3, {0x0f, 0x5b}, FX_SINGLES), 60, 60);
    judge().check(unaligned(sse_form("cvtdq2pd", F3, {0x0f, 0xe6})), 60, 60);
    judge().check(sse_form("cvttpd2dq", P66, {0x0f, 0xe6}, FX_DOUBLES), 60, 60);
    judge().check(sse_form("cvtpd2dq", F2, {0x0f, 0xe6}, FX_DOUBLES), 60, 60);
}

TEST_F(oracle_sse_fp, conversions_of_general_registers)
{
    for (bool is_wide : {false, true})
        for (std::uint8_t prefix : {F3, F2}) {
            const fx_memory type = prefix == F3 ? FX_SINGLES : FX_DOUBLES;
            fx_form from = unaligned(sse_form("cvtsi2s", prefix, {0x0f, 0x2a}, FX_I64));
            judge().check(is_wide ? wide(from) : from, 60, 60);
            for (unsigned opcode : {0x2cu, 0x2du}) {
                fx_form to = unaligned(sse_form("cvts2si", prefix, {0x0f, static_cast<std::uint8_t>(opcode)}, type));
                judge().check(is_wide ? wide(to) : to, 60, 60);
            }
        }
}

// From and to MM registers with operands that are really floating point (test_oracle_mmx.cpp has the transitions).
TEST_F(oracle_sse_fp, conversions_of_mm_registers)
{
    for (unsigned opcode : {0x2cu, 0x2du}) {
        fx_form singles = unaligned(sse_form("cvtps2pi", NP, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_SINGLES));
        fx_form doubles = sse_form("cvtpd2pi", P66, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_DOUBLES);
        singles.may_transit = doubles.may_transit = true;
        judge().check(singles, 60, 60);
        judge().check(doubles, 60, 60);
    }
}

// Processors differ in the bits beyond the documented error; test_sse_approx.cpp has the bound and the special values.
TEST_F(oracle_sse_fp, approximations)
{
    for (unsigned opcode : {0x52u, 0x53u}) {
        fx_form packed = sse_form("rsqrtps, rcpps", NP, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_SINGLES);
        fx_form scalar =
            unaligned(sse_form("rsqrtss, rcpss", F3, {0x0f, static_cast<std::uint8_t>(opcode)}, FX_SINGLES));
        packed.approximate = scalar.approximate = true;
        judge().check(packed, 60, 60);
        judge().check(scalar, 60, 60);
    }
}

} // namespace
