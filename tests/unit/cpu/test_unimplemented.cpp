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

} // namespace
