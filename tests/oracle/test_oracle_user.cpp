// SPDX-License-Identifier: Apache-2.0
// Instructions of the system side that user code may execute, against the host processor: bases and selectors of FS and
// GS, identification, time, random numbers, cache lines. What is the machine's own in a result is not compared; widths,
// flags and faults are.
#include "oracle.h"

namespace
{

using oracle_user = oracle_test;
using bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t LOW32 = 0xffffffff;

// The host's value stands for ours in the bits of `mask`.
void own(outcome &want, const outcome &got, unsigned reg, std::uint64_t mask)
{
    want.state.gpr[reg] = (want.state.gpr[reg] & ~mask) | (got.state.gpr[reg] & mask);
}

family form(const std::string &name, int feature, unsigned registers, std::uint64_t mask)
{
    family f;
    f.name = name;
    f.feature = feature;
    f.settle = [=](const oracle_case &, outcome &want, outcome &got, oracle_guest &) {
        for (unsigned r = 0; r < 16; r++)
            if (registers >> r & 1)
                own(want, got, r, mask);
    };
    return f;
}
constexpr unsigned bit(unsigned r) { return 1u << r; }

TEST_F(oracle_user, fs_and_gs_base)
{
    auto address = [](oracle_case &c, random_source &random) {
        if (random.one_in(2))
            c.state.gpr[RAX] = random.bits() & 0x7fffffffffff;
    };
    for (bool wide : {false, true}) {
        const std::uint8_t rex_b = wide ? 0x49 : 0x41, rex = wide ? 0x48 : 0x40;
        // wrgsbase rax; rdgsbase rbx; and GS.base zero again
        family gs = form(text("wrgsbase, rdgsbase size %lu", wide ? 8 : 4), CPU_FEATURE_fsgsbase, 0, 0);
        gs.prepare = address;
        judge().check_bytes(gs, {0xf3, rex, 0x0f, 0xae, 0xd8, 0xf3, rex,  0x0f, 0xae, 0xcb,
                                 0xb9, 0,   0,    0,    0,    0xf3, 0x48, 0x0f, 0xae, 0xd9});
        // rdfsbase r15; wrfsbase rax; rdfsbase r10; wrfsbase r15: the test's own needs it
        family fs = form(text("wrfsbase, rdfsbase size %lu", wide ? 8 : 4), CPU_FEATURE_fsgsbase, bit(R15), ~0ul);
        fs.prepare = address;
        judge().check_bytes(fs, {0xf3, 0x49,  0x0f, 0xae, 0xc7, 0xf3, rex,  0x0f, 0xae, 0xd0,
                                 0xf3, rex_b, 0x0f, 0xae, 0xc2, 0xf3, 0x49, 0x0f, 0xae, 0xd7});
    }
}

TEST_F(oracle_user, selectors)
{
    for (unsigned size : {2u, 4u, 8u})
        for (int ext : {4, 5}) { // FS and GS are null on both sides
            encoding e;
            e.opcode = {0x8c};
            e.size = size;
            e.ext = ext;
            judge().check({"mov from seg", e});
        }
    judge().check_bytes("mov gs, null", {0x83, 0xe0, 0x03, 0x8e, 0xe8}, STATUS & ~AF); // and eax, 3
    judge().check_bytes("pop gs, null", {0x6a, 0x00, 0x0f, 0xa9}, STATUS);
    judge().check_bytes("pop gs, null, 16", {0x66, 0x6a, 0x00, 0x66, 0x0f, 0xa9}, STATUS);
    judge().check_bytes("push fs", {0x0f, 0xa0}, STATUS);
    auto data = [](oracle_case &c, random_source &random) {
        c.state.gpr[RBX] = native_cpu::DATA + random.below(0x1000);
    };
    judge().check_bytes("lgs, null", {0xc7, 0x43, 0x04, 0, 0, 0, 0, 0x0f, 0xb5, 0x03}, STATUS, data);
    judge().check_bytes("lss, null", {0xc7, 0x43, 0x04, 0, 0, 0, 0, 0x0f, 0xb2, 0x03}, STATUS, data); // #GP(0)
    auto null = [](oracle_case &c, random_source &random) { c.state.gpr[RAX] = random.below(4); };
    judge().check_bytes("verr, null", {0x0f, 0x00, 0xe0}, STATUS, null);
    judge().check_bytes("verw, null", {0x0f, 0x00, 0xe8}, STATUS, null);
    judge().check_bytes("lar, null", {0x0f, 0x02, 0xd8}, STATUS, null);
    judge().check_bytes("lsl, null", {0x0f, 0x03, 0xd8}, STATUS, null);
}

TEST_F(oracle_user, identification_and_time)
{
    const unsigned pair = bit(RAX) | bit(RDX);
    judge().check_bytes(form("rdtsc", CPU_FEATURE_tsc, pair, LOW32), {0x0f, 0x31});
    judge().check_bytes(form("rdtscp", CPU_FEATURE_rdtscp, pair | bit(RCX), LOW32), {0x0f, 0x01, 0xf9});
    judge().check_bytes(form("rdpid", CPU_FEATURE_rdpid, bit(RAX), LOW32), {0xf3, 0x0f, 0xc7, 0xf8});
    family cpuid = form("cpuid", -1, pair | bit(RCX) | bit(RBX), LOW32);
    cpuid.prepare = [](oracle_case &c, random_source &random) { c.state.gpr[RAX] = random.below(0x20); };
    judge().check_bytes(cpuid, {0x0f, 0xa2});
    family xgetbv = form("xgetbv", CPU_FEATURE_xsave, 0, 0); // bits 0 and 1: x87 and SSE
    xgetbv.prepare = [](oracle_case &c, random_source &random) {
        c.state.gpr[RCX] = random.one_in(2) ? random.bits() << 32 : 2 + random.below(1000);
    };
    xgetbv.settle = [](const oracle_case &, outcome &want, outcome &got, oracle_guest &) {
        if (want.vector < 0)
            own(want, got, RAX, LOW32 & ~std::uint64_t{3});
    };
    judge().check_bytes(xgetbv, {0x0f, 0x01, 0xd0});
    judge().check_bytes(form("serialize", CPU_FEATURE_serialize, 0, 0), {0x0f, 0x01, 0xe8});
}

TEST_F(oracle_user, random_numbers)
{
    for (unsigned modrm : {0xf0u, 0xf8u})
        for (unsigned size : {2u, 4u, 8u}) {
            const bool seed = modrm == 0xf8;
            bytes b;
            if (size == 2)
                b.push_back(0x66);
            if (size == 8)
                b.push_back(0x48);
            b.insert(b.end(), {0x0f, 0xc7, static_cast<std::uint8_t>(modrm | RBX)});
            family f =
                form(text(seed ? "rdseed size %lu" : "rdrand size %lu", size),
                     seed ? CPU_FEATURE_rdseed : CPU_FEATURE_rdrand, bit(RBX), ~std::uint64_t{0} >> (64 - 8 * size));
            f.defined = seed ? STATUS & ~CF : STATUS; // the host's RDSEED may have none ready
            judge().check_bytes(f, b);
        }
}

TEST_F(oracle_user, cache_lines)
{
    struct {
        const char *name;
        int ext;
        enum cpu_feature feature;
    } const forms[] = {{"clflushopt", 7, CPU_FEATURE_clflushopt}, {"clwb", 6, CPU_FEATURE_clwb}};
    for (const auto &i : forms) {
        family f;
        f.name = i.name;
        f.enc.opcode = {0x0f, 0xae};
        f.enc.size = 4;
        f.enc.ext = i.ext;
        f.enc.mandatory = 0x66;
        f.enc.register_allowed = false;
        f.feature = i.feature;
        judge().check(f);
    }
}

// Instructions of which the host may have none; those that it lacks are listed.
TEST_F(oracle_user, not_on_every_host)
{
    for (enum cpu_feature f : {CPU_FEATURE_uintr, CPU_FEATURE_waitpkg})
        (void)oracle_ledger::get().host_has(f);
}

} // namespace
