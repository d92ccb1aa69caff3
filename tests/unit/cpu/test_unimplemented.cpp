// SPDX-License-Identifier: Apache-2.0
// Which #UD is reported as an instruction that the core lacks, and which is the processor's own answer.
#include "insn_fixture.h"

namespace
{
using missing = insn_fixture;

TEST_F(missing, instructions_that_exist_elsewhere_are_reported)
{
    const code cases[] = {
        {0xc5, 0xf0, 0x58, 0xc2},                   // vaddps xmm0, xmm1, xmm2
        {0x0f, 0x01, 0xc4},                         // vmxoff
        {0xc4, 0xe2, 0x7d, 0x18, 0x05, 0, 0, 0, 0}, // vbroadcastss ymm0, [rip]
    };
    for (const code &c : cases) {
        start_long(3);
        unimplemented.clear();
        EXPECT_EQ(run(c), EXC_UD);
        ASSERT_EQ(unimplemented.size(), 1u) << int(c[0]);
        EXPECT_EQ(unimplemented[0].rip, CODE);
        EXPECT_EQ(unimplemented[0].bytes, c);
        EXPECT_EQ(unimplemented[0].mode_bits, 64u);
    }
    start_32(0);
    unimplemented.clear();
    EXPECT_EQ(run({0xc5, 0xf0, 0x58, 0xc2}), EXC_UD);
    ASSERT_EQ(unimplemented.size(), 1u);
    EXPECT_EQ(unimplemented[0].mode_bits, 32u);
}

TEST_F(missing, undefined_and_illegal_forms_are_not)
{
    const code cases[] = {
        {0x0f, 0x0b},             // ud2
        {0x0f, 0xb9, 0xc0},       // ud1
        {0x0f, 0xff, 0xc0},       // ud0
        {0xf0, 0x89, 0xc8},       // lock mov
        {0x06},                   // push es, in 64-bit mode
        {0x0f, 0x04},             // nothing
        {0x0f, 0x20, 0xc8},       // mov rax, cr1
        {0xf0, 0x0f, 0xae, 0x27}, // lock xsave
    };
    for (const code &c : cases) {
        start_long(0);
        unimplemented.clear();
        EXPECT_EQ(run(c), EXC_UD) << int(c[0]) << " " << int(c[1]);
        EXPECT_TRUE(unimplemented.empty()) << int(c[0]) << " " << int(c[1]);
    }
}

// An encoding of a feature that the core is configured without does not exist.
TEST_F(missing, features_that_are_off)
{
    const struct {
        cpu_feature feature;
        code bytes;
    } cases[] = {
        {CPU_FEATURE_cx8, {0x0f, 0xc7, 0x0f}},        // cmpxchg8b [rdi]
        {CPU_FEATURE_cx16, {0x48, 0x0f, 0xc7, 0x0f}}, // cmpxchg16b [rdi]
        {CPU_FEATURE_cmov, {0x0f, 0x44, 0xc1}},       // cmove eax, ecx
        {CPU_FEATURE_clfsh, {0x0f, 0xae, 0x3f}},      // clflush [rdi]
        {CPU_FEATURE_lahf64, {0x9f}},                 // lahf
        {CPU_FEATURE_lahf64, {0x9e}},                 // sahf
        {CPU_FEATURE_tsc, {0x0f, 0x31}},              // rdtsc
        {CPU_FEATURE_msr, {0x0f, 0x32}},              // rdmsr
        {CPU_FEATURE_sep, {0x0f, 0x35}},              // sysexit
    };
    for (const auto &c : cases)
        for (bool on : {false, true}) {
            config.features = cpu_features_default();
            config.features.has[c.feature] = on;
            create();
            start_long(0);
            set_gpr(RDI, 0x60000);
            set_gpr(RCX, 0x10);
            EXPECT_EQ(run(c.bytes) == EXC_UD, !on) << int(c.bytes[0]) << " " << int(c.bytes[1]);
        }
    // CMPXCHG8B is there without CMPXCHG16B; in 32-bit mode LAHF is always.
    config.features = cpu_features_default();
    config.features.has[CPU_FEATURE_cx16] = config.features.has[CPU_FEATURE_lahf64] = false;
    create();
    start_long(0);
    set_gpr(RDI, 0x60000);
    EXPECT_EQ(run({0x0f, 0xc7, 0x0f}), COMPLETED);
    start_32(0);
    EXPECT_EQ(run({0x9f}), COMPLETED);
}

} // namespace
