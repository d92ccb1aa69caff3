// SPDX-License-Identifier: Apache-2.0
// RCPPS and RSQRTPS: the documented bound of the relative error for every significand, monotony, special values.
// Source: SDM Vol. 2, "RCPPS", "RSQRTPS".
#include "sse_approx.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace
{

constexpr std::uint32_t INF = 0x7f800000, SIGN = 0x80000000, DEFAULT_NAN = 0xffc00000;
constexpr long double BOUND = 1.5L / 4096;

float value(std::uint32_t bits)
{
    float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

// All 2^23 significands of one exponent, and samples of all others.
template <typename Check>
void for_many(Check check)
{
    for (std::uint32_t bits = 0x3f800000; bits < 0x40000000; bits += 1)
        check(bits);
    for (std::uint32_t bits = 0x40000000; bits < 0x40800000; bits += 3)
        check(bits);
    for (std::uint32_t exponent = 1; exponent < 0xff; exponent++)
        for (std::uint32_t fraction = 0; fraction < 1u << 23; fraction += 9973)
            check(exponent << 23 | fraction);
}

TEST(sse_approx, error_of_rcp)
{
    long double worst = 0;
    for_many([&](std::uint32_t bits) {
        const long double exact = 1 / static_cast<long double>(value(bits));
        const std::uint32_t got = sse_approx_rcp(bits);
        if (got == 0 && exact >= 0x1p-126L) // only tiny ones are flushed
            ADD_FAILURE() << bits;
        if (got != 0)
            worst = std::max(worst, std::fabs(value(got) - exact) / exact);
        if (exact < 0x1p-126L * (1 - BOUND) && got != 0)
            ADD_FAILURE() << bits;
        if (sse_approx_rcp(bits | SIGN) != (got | SIGN))
            ADD_FAILURE() << bits;
    });
    EXPECT_LE(worst, BOUND);
}

TEST(sse_approx, error_of_rsqrt)
{
    long double worst = 0;
    for_many([&](std::uint32_t bits) {
        const long double exact = 1 / std::sqrt(static_cast<long double>(value(bits)));
        worst = std::max(worst, std::fabs(value(sse_approx_rsqrt(bits)) - exact) / exact);
        if (sse_approx_rsqrt(bits | SIGN) != DEFAULT_NAN)
            ADD_FAILURE() << bits;
    });
    EXPECT_LE(worst, BOUND);
}

TEST(sse_approx, monotonous)
{
    for (std::uint32_t bits = 0x3f800001; bits < 0x40800000; bits++) {
        if (sse_approx_rcp(bits) > sse_approx_rcp(bits - 1) || sse_approx_rsqrt(bits) > sse_approx_rsqrt(bits - 1)) {
            ADD_FAILURE() << bits;
            break;
        }
    }
}

// The figures of RCPPS's page: from 1.00000000000110000000001B * 2^126 the result is tiny, up to
// 1.11111111110100000000000B * 2^125 it is not.
TEST(sse_approx, flushed_to_zero)
{
    EXPECT_EQ(sse_approx_rcp(0x7e800000 | 0xc01), 0u);
    EXPECT_EQ(sse_approx_rcp(SIGN | 0x7e800000 | 0xc01), SIGN);
    EXPECT_EQ(sse_approx_rcp(0x7f7fffff), 0u);
    EXPECT_GE(sse_approx_rcp(0x7e000000 | 0x7fe800), 0x00800000u);
}

TEST(sse_approx, special_values)
{
    for (std::uint32_t sign : {0u, SIGN}) {
        for (std::uint32_t zero : {0u, 1u, 0x7fffffu}) { // denormals are taken for zeros
            EXPECT_EQ(sse_approx_rcp(sign | zero), sign | INF);
            EXPECT_EQ(sse_approx_rsqrt(sign | zero), sign | INF);
        }
        EXPECT_EQ(sse_approx_rcp(sign | INF), sign);
        for (std::uint32_t nan : {INF | 1, INF | 0x3fffff, INF | 0x400000, INF | 0x7fffff}) {
            EXPECT_EQ(sse_approx_rcp(sign | nan), sign | nan | 0x400000);
            EXPECT_EQ(sse_approx_rsqrt(sign | nan), sign | nan | 0x400000);
        }
    }
    EXPECT_EQ(sse_approx_rsqrt(INF), 0u);
    EXPECT_EQ(sse_approx_rsqrt(SIGN | INF), DEFAULT_NAN);
    EXPECT_EQ(sse_approx_rcp(0x3f800000), 0x3f800000u);   // 1
    EXPECT_EQ(sse_approx_rcp(0xc0000000), 0xbf000000u);   // -2
    EXPECT_EQ(sse_approx_rsqrt(0x40800000), 0x3f000000u); // 4
}

} // namespace
