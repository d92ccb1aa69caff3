// SPDX-License-Identifier: Apache-2.0
// Which #UD is reported as an instruction that the core lacks, with which name and bytes, and which is the processor's
// own answer. Every mnemonic that a second decoder knows: tests/unit/decoder/missing_instructions.cpp.
#include "insn_fixture.h"

namespace
{

class missing : public insn_fixture
{
  protected:
    // The name in the one report of these bytes; they end where the report says.
    std::string name_of(const code &c, unsigned mode_bits = 64)
    {
        unimplemented.clear();
        code padded = c; // more code behind: it must not be taken for a part
        padded.resize(c.size() + 15, 0x90);
        EXPECT_EQ(run(padded), EXC_UD);
        if (unimplemented.size() != 1)
            return std::to_string(unimplemented.size()) + " reports";
        EXPECT_EQ(unimplemented[0].rip, CODE);
        EXPECT_EQ(unimplemented[0].bytes, c) << unimplemented[0].name;
        EXPECT_EQ(unimplemented[0].mode_bits, mode_bits);
        return unimplemented[0].name;
    }
};

TEST_F(missing, instructions_that_exist_elsewhere_are_reported)
{
    const struct {
        const char *name;
        code bytes;
    } cases[] = {
        {"vaddps", {0xc5, 0xf0, 0x58, 0xc2}},                         // xmm0, xmm1, xmm2
        {"vbroadcastss", {0xc4, 0xe2, 0x7d, 0x18, 0x05, 0, 0, 0, 0}}, // ymm0, [rip]
        {"vbroadcasti128", {0xc4, 0xe2, 0x7d, 0x5a, 0x03}},           // ymm0, [rbx]
        {"vmxoff", {0x0f, 0x01, 0xc4}},
        {"rdpkru", {0x0f, 0x01, 0xee}},
        {"wrpkru", {0x0f, 0x01, 0xef}},
        {"movdiri", {0x48, 0x0f, 0x38, 0xf9, 0x43, 0x10}},               // [rbx + 10H], rax
        {"movdir64b", {0x66, 0x0f, 0x38, 0xf8, 0x84, 0x8b, 1, 2, 3, 4}}, // rax, [rbx + 4 rcx + 4030201H]
        {"enqcmd", {0xf2, 0x0f, 0x38, 0xf8, 0x03}},
        {"enqcmds", {0xf3, 0x0f, 0x38, 0xf8, 0x03}},
        {"gf2p8mulb", {0x66, 0x0f, 0x38, 0xcf, 0xc1}},
        {"gf2p8affineqb", {0x66, 0x0f, 0x3a, 0xce, 0xc1, 0x07}},
        {"gf2p8affineinvqb", {0x66, 0x0f, 0x3a, 0xcf, 0x44, 0x24, 0x08, 0x07}}, // xmm0, [rsp + 8], 7
        {"ptwrite", {0xf3, 0x48, 0x0f, 0xae, 0xe0}},
        {"pconfig", {0x0f, 0x01, 0xc5}},
        {"incsspd", {0xf3, 0x0f, 0xae, 0xe8}},
        {"incsspq", {0xf3, 0x48, 0x0f, 0xae, 0xe8}},
        {"rstorssp", {0xf3, 0x0f, 0x01, 0x2b}},
        {"wrussq", {0x66, 0x48, 0x0f, 0x38, 0xf5, 0x03}},
        {"hreset", {0xf3, 0x0f, 0x3a, 0xf0, 0xc0, 0x01}},
        {"aesdecwide128kl", {0xf3, 0x0f, 0x38, 0xd8, 0x0b}},
        {"tilezero", {0xc4, 0xe2, 0x7b, 0x49, 0xc0}},
        {"tilerelease", {0xc4, 0xe2, 0x78, 0x49, 0xc0}},
        {"vpdpbusd", {0xc4, 0xe2, 0x71, 0x50, 0xc2}},
        {"vpdpbusd", {0x62, 0xf2, 0x75, 0x48, 0x50, 0x43, 0x01}}, // zmm0, zmm1, [rbx + 40H]
        {"vgf2p8mulb", {0x62, 0xf2, 0x75, 0x48, 0xcf, 0xc2}},
        {"EVEX-encoded instruction (prefix 00, map 05, opcode 58)", {0x62, 0xf5, 0x74, 0x48, 0x58, 0xc2}}, // vaddph
        {"VEX-encoded instruction (prefix F3, map 07, opcode F8)", {0xc4, 0xe7, 0x7a, 0xf8, 0xc0}},
        {"lwpins", {0x8f, 0xea, 0x78, 0x12, 0xc0, 1, 0, 0, 0}}, // lwpins
        {"clzero", {0x0f, 0x01, 0xfc}},
        {"rdpru", {0x0f, 0x01, 0xfd}},
        {"seamcall", {0x66, 0x0f, 0x01, 0xcf}},
        {"enclv", {0x0f, 0x01, 0xc0}},
        {"eretu", {0xf3, 0x0f, 0x01, 0xca}},
        {"urdmsr", {0xf2, 0x0f, 0x38, 0xf8, 0xc0}},
    };
    start_long(3);
    for (const auto &c : cases) {
        start_long(3);
        EXPECT_EQ(name_of(c.bytes), c.name);
    }
}

TEST_F(missing, other_modes)
{
    start_32(0);
    EXPECT_EQ(name_of({0xc5, 0xf0, 0x58, 0xc2}, 32), "vaddps");
    start_32(0);
    EXPECT_EQ(name_of({0x62, 0xf5, 0x74, 0x48, 0x58, 0xc2}, 32),
              "EVEX-encoded instruction (prefix 00, map 05, opcode 58)");
    start_32(0);
    EXPECT_EQ(name_of({0x67, 0x0f, 0x38, 0xf9, 0x40, 0x10}, 32), "movdiri"); // [bx + si + 10H], eax
}

TEST_F(missing, instructions_of_a_feature_that_is_off)
{
    config.features.has[CPU_FEATURE_waitpkg] = false;
    config.features.has[CPU_FEATURE_uintr] = false;
    config.features.has[CPU_FEATURE_sse4_2] = false;
    create();
    start_long(3);
    EXPECT_EQ(name_of({0x66, 0x0f, 0xae, 0xf1}), "tpause");
    start_long(3);
    EXPECT_EQ(name_of({0xf3, 0x0f, 0xc7, 0xf0}), "senduipi");
    start_long(3);
    EXPECT_EQ(name_of({0xf2, 0x0f, 0x38, 0xf1, 0xc1}), "crc32");
}

TEST_F(missing, undefined_and_illegal_forms_are_not)
{
    const code cases[] = {
        {0x0f, 0x0b},                         // ud2
        {0x0f, 0xb9, 0xc0},                   // ud1
        {0x0f, 0xb9, 0x44, 0x24, 0x08},       // ud1 eax, [rsp + 8]
        {0x0f, 0xff, 0xc0},                   // ud0
        {0xf0, 0x89, 0xc8},                   // lock mov
        {0x06},                               // push es, in 64-bit mode
        {0x0f, 0x04},                         // nothing
        {0x0f, 0x36},                         // nothing
        {0x0f, 0x38, 0x77, 0xc0},             // nothing
        {0x0f, 0x01, 0xd2},                   // nothing
        {0x0f, 0x20, 0xc8},                   // mov rax, cr1
        {0xf0, 0x0f, 0xae, 0x27},             // lock xsave
        {0xf0, 0x0f, 0x38, 0xf9, 0x03},       // lock movdiri
        {0x0f, 0x38, 0xf9, 0xc0},             // movdiri to a register
        {0xc4, 0xe2, 0x74, 0xf2, 0xc2},       // andn with VEX.L
        {0x66, 0xc5, 0xf0, 0x58, 0xc2},       // 66H before VEX
        {0xf0, 0xc5, 0xf0, 0x58, 0xc2},       // LOCK before VEX
        {0x48, 0xc5, 0xf0, 0x58, 0xc2},       // REX before VEX
        {0x62, 0xf5, 0x70, 0x48, 0x58, 0xc2}, // EVEX with a fixed bit clear
        {0x8f, 0x48, 0x00},                   // pop with ModRM.reg 1, not XOP
        {0xc4, 0xe0, 0x70, 0x58, 0xc2},       // VEX map 0
    };
    for (const code &c : cases) {
        start_long(0);
        unimplemented.clear();
        EXPECT_EQ(run(c), EXC_UD) << int(c[0]) << " " << int(c[1]);
        EXPECT_TRUE(unimplemented.empty()) << unimplemented[0].name << ", " << int(c[0]) << " " << int(c[1]);
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
