// SPDX-License-Identifier: Apache-2.0
// FXSAVE, FXRSTOR and the XSAVE group with x87 and SSE state, against the host processor: the image in memory, and that
// the state comes back after FNINIT.
#include "fx_oracle.h"

namespace
{

using oracle_xsave = fx_oracle_test;
using bytes = std::vector<std::uint8_t>;

// Not compared: x87 pointers, which processors keep in different ways; MXCSR_MASK, the processor's own; and which
// components are not in their initial state, which a processor may track as it likes.
void forgive(oracle_guest &guest, std::uint64_t target, bool has_header)
{
    auto copy = [&](std::uint64_t at, std::size_t size) {
        if (target + at + size <= native_cpu::DATA + native_cpu::DATA_SIZE)
            std::memcpy(guest.at(target + at), native_cpu::at(target + at), size);
    };
    copy(6, 18);
    copy(28, 4);
    if (has_header)
        copy(512, 8);
}

TEST_F(oracle_xsave, fxsave)
{
    for (unsigned size : {4u, 8u}) {
        fx_form f;
        f.name = "fxsave";
        f.enc.opcode = {0x0f, 0xae};
        f.enc.size = size;
        f.enc.ext = 0;
        f.enc.register_allowed = false;
        f.align = 16;
        f.bytes = 512;
        f.image = f.control = true;
        f.settle = [](const oracle_case &c, outcome &, outcome &, oracle_guest &guest) {
            if (c.place == operand_place::data)
                forgive(guest, c.target, false);
        };
        f.may_fault = false; // how much of the 512 bytes is touched, and in what order, is the processor's choice
        judge().check(f);
        f.name = "fxrstor, noise";
        f.enc.ext = 1;
        f.settle = [](const oracle_case &, outcome &want, outcome &got, oracle_guest &) {
            // AMD's processors have bit 17 of MXCSR (misaligned exception mask), Intel's and ours reserve it.
            if (got.vector == 13 && want.vector < 0 && want.fx.mxcsr & 0x20000)
                got = want;
        };
        judge().check(f);
    }
}

// Save, FNINIT, restore: the state is that of before. rbx: a 64-byte boundary in the data.
void check_pair(fx_oracle &judge, const char *name, enum cpu_feature feature, const bytes &save, const bytes &restore,
                bool has_header)
{
    fx_form f;
    f.name = name;
    f.feature = feature;
    f.control = true;
    f.prepare = [](machine_state &state, fx_image &, random_source &random) {
        state.gpr[RBX] = native_cpu::DATA + 64 * random.below(0x80);
        state.gpr[RAX] = 3;
        state.gpr[RDX] = 0;
        state.gpr[RDI] = state.gpr[RBX] + 512;
    };
    f.settle = [=](const oracle_case &c, outcome &, outcome &, oracle_guest &guest) {
        forgive(guest, c.state.gpr[RBX], has_header);
    };
    bytes b;
    if (has_header) // zero, as XRSTOR demands: xor eax, eax; mov ecx, 8; rep stosq; mov eax, 3
        b = {0x31, 0xc0, 0xb9, 8, 0, 0, 0, 0xf3, 0x48, 0xab, 0xb8, 3, 0, 0, 0};
    b.insert(b.end(), save.begin(), save.end());
    b.insert(b.end(), {0xdb, 0xe3, 0x0f, 0x57, 0xc0}); // fninit; xorps xmm0, xmm0
    b.insert(b.end(), restore.begin(), restore.end());
    judge.check_bytes(f, b);
}

TEST_F(oracle_xsave, save_and_restore)
{
    const bytes xrstor{0x48, 0x0f, 0xae, 0x2b};
    check_pair(judge(), "fxsave, fxrstor", CPU_FEATURE_fxsr, {0x0f, 0xae, 0x03}, {0x0f, 0xae, 0x0b}, false);
    check_pair(judge(), "fxsave64, fxrstor64", CPU_FEATURE_fxsr, {0x48, 0x0f, 0xae, 0x03}, {0x48, 0x0f, 0xae, 0x0b},
               false);
    check_pair(judge(), "xsave, xrstor", CPU_FEATURE_xsave, {0x0f, 0xae, 0x23}, {0x0f, 0xae, 0x2b}, true);
    check_pair(judge(), "xsave64, xrstor64", CPU_FEATURE_xsave, {0x48, 0x0f, 0xae, 0x23}, xrstor, true);
    check_pair(judge(), "xsaveopt64, xrstor64", CPU_FEATURE_xsaveopt, {0x48, 0x0f, 0xae, 0x33}, xrstor, true);
    check_pair(judge(), "xsavec64, xrstor64", CPU_FEATURE_xsavec, {0x48, 0x0f, 0xc7, 0x23}, xrstor, true);
}

// Not for user code.
TEST_F(oracle_xsave, supervisor)
{
    for (std::uint8_t modrm : {std::uint8_t{0x2b}, std::uint8_t{0x1b}}) { // XSAVES, XRSTORS
        fx_form f;
        f.name = text("xsaves, xrstors %02lX", modrm);
        f.feature = CPU_FEATURE_xsaves;
        f.control = true;
        f.prepare = [](machine_state &state, fx_image &, random_source &) { state.gpr[RBX] = native_cpu::DATA; };
        judge().check_bytes(f, {0x48, 0x0f, 0xc7, modrm});
    }
}

} // namespace
