// SPDX-License-Identifier: Apache-2.0
// One case of the oracle: an instruction with everything that goes into it, what comes out of it on either side, and
// where memory operands can lie so that they fault.
#ifndef ORACLE_CASE_H
#define ORACLE_CASE_H

#include "fx_access.h"
#include "insn_gen.h"
#include "native_cpu.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

constexpr std::uint64_t CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, DF = 0x400, OF = 0x800;
constexpr std::uint64_t STATUS = CF | PF | AF | ZF | SF | OF;

// Where a memory operand lies. Those behind an absent page may also begin in the page before.
enum class operand_place { data, absent, read_only, behind_read_only, non_canonical, misaligned };

// Of all areas that an instruction can see.
constexpr std::size_t memory_size()
{
    std::size_t sum = 0;
    for (const auto &area : native_cpu::AREAS)
        sum += area.size;
    return sum;
}

struct oracle_case {
    machine_state state;
    instruction insn;
    std::uint64_t target; // of the memory operand
    std::uint64_t imm;
    operand_place place;
    fx_image fx;
    std::uint64_t code;               // address of the instruction
    std::vector<std::uint8_t> memory; // all areas of native_cpu before the instruction; empty: as they are

    bool may_fault() const { return place != operand_place::data; }
};

// What came out: registers and, at a fault (vector >= 0), those that the handler finds.
struct outcome {
    bool stopped = true;
    int vector = -1;
    std::uint64_t error = 0, address = 0, rip = 0; // address: CR2, of #PF only
    machine_state state;
    fx_image fx;
};

inline operand_place random_place(random_source &random, unsigned align)
{
    switch (random.below(5)) {
    case 0: return operand_place::absent;
    case 1: return operand_place::read_only;
    case 2: return operand_place::behind_read_only;
    case 3: return align > 1 ? operand_place::misaligned : operand_place::read_only;
    default: return operand_place::non_canonical;
    }
}

// `reach`: bytes before a page boundary from which an operand may cross it.
inline std::uint64_t choose_target(operand_place place, unsigned align, unsigned reach, random_source &random)
{
    constexpr std::uint64_t page = native_cpu::PAGE;
    std::uint64_t t = 0;
    auto near = [&](std::uint64_t start) {
        return random.one_in(2) ? start - random.below(reach + 1) : start + random.below(page - 0x20 - reach);
    };
    switch (place) {
    case operand_place::data:
    case operand_place::misaligned:
        t = random.one_in(8) ? native_cpu::DATA + page - random.below(reach + 1)
                             : native_cpu::DATA + 0x400 + random.below(0x1800);
        break;
    case operand_place::absent: t = near(native_cpu::ABSENT[0]); break;
    case operand_place::read_only: t = near(native_cpu::READ_ONLY); break;
    case operand_place::behind_read_only: t = native_cpu::READ_ONLY + page - random.below(reach + 1); break;
    case operand_place::non_canonical: // with four or with five levels of paging
        t = (random.bits() & ~(std::uint64_t{3} << 62)) | std::uint64_t{1 + random.below(2)} << 62;
        break;
    }
    t &= ~std::uint64_t{align - 1};
    return place == operand_place::misaligned ? t + 1 + random.below(align - 1) : t;
}

template <typename... Args>
std::string text(const char *format, Args... args)
{
    char buffer[200];
    std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned long>(args)...);
    return buffer;
}

// What differs, in words; empty if nothing does. `flags`: status flags that are compared.
inline std::string register_differences(const outcome &got, const outcome &want, std::uint64_t flags)
{
    std::string what;
    for (unsigned i = 0; i < 16; i++)
        if (got.state.gpr[i] != want.state.gpr[i])
            what += text(" r%lu %lx expected %lx;", i, got.state.gpr[i], want.state.gpr[i]);
    if ((got.state.rflags ^ want.state.rflags) & (flags | ~STATUS))
        what += text(" flags %lx expected %lx of %lx;", got.state.rflags, want.state.rflags, flags | ~STATUS);
    return what;
}

inline std::string fx_differences(const fx_image &got, const fx_image &want)
{
    std::string what;
    if (got.fcw != want.fcw)
        what += text(" FCW %lx expected %lx;", got.fcw, want.fcw);
    if (got.fsw != want.fsw)
        what += text(" FSW %lx expected %lx;", got.fsw, want.fsw);
    if (got.tags != want.tags)
        what += text(" tags %lx expected %lx;", got.tags, want.tags);
    if (got.mxcsr != want.mxcsr)
        what += text(" MXCSR %lx expected %lx;", got.mxcsr, want.mxcsr);
    for (unsigned i = 0; i < 8; i++)
        if (got.st[i][0] != want.st[i][0] || got.st[i][1] != (want.st[i][1] & 0xffff))
            what += text(" ST%lu %04lx:%016lx expected %04lx:%016lx;", i, got.st[i][1], got.st[i][0],
                         want.st[i][1] & 0xffff, want.st[i][0]);
    for (unsigned i = 0; i < 16; i++)
        if (std::memcmp(got.xmm[i], want.xmm[i], 16) != 0)
            what += text(" XMM%lu %016lx%016lx expected %016lx%016lx;", i, got.xmm[i][1], got.xmm[i][0], want.xmm[i][1],
                         want.xmm[i][0]);
    return what;
}

// The case as a report has it: only what is not zero or usual.
inline std::string describe(const oracle_case &c, bool with_fx)
{
    std::string s;
    for (unsigned i = 0; i < 16; i++)
        if (c.state.gpr[i] != 0)
            s += text("r%lu=%lx ", i, c.state.gpr[i]);
    s += text("flags=%lx", c.state.rflags);
    if (c.insn.has_memory)
        s += text(" target=%lx", c.target);
    if (with_fx) {
        s += text(" FCW=%lx FSW=%lx tags=%lx MXCSR=%lx", c.fx.fcw, c.fx.fsw, c.fx.tags, c.fx.mxcsr);
        for (unsigned i = 0; i < 8; i++)
            if (c.fx.st[i][0] != 0 || c.fx.st[i][1] != 0)
                s += text(" ST%lu=%04lx:%016lx", i, c.fx.st[i][1], c.fx.st[i][0]);
        for (unsigned i = 0; i < 16; i++)
            if (c.fx.xmm[i][0] != 0 || c.fx.xmm[i][1] != 0)
                s += text(" XMM%lu=%016lx%016lx", i, c.fx.xmm[i][1], c.fx.xmm[i][0]);
    }
    std::uint64_t at = 0, listed = 0, more = 0;
    for (const auto &area : native_cpu::AREAS) {
        for (std::uint64_t i = 0; area.writable && !c.memory.empty() && i < area.size; i++)
            if (c.memory[at + i] != 0) {
                if (listed++ < 32)
                    s += text(" [%lx]=%02lx", area.start + i, c.memory[at + i]);
                else
                    more++;
            }
        at += area.size;
    }
    return more ? s + text(" and %lu more bytes", more) : s;
}

#endif
