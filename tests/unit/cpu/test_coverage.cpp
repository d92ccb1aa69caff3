// SPDX-License-Identifier: Apache-2.0
// Which encodings count as completed: those before a fault, not the one that faults nor what follows it in its block.
#include "cpu_opcodes.h"
#include "insn_fixture.h"

#include <set>
#include <string>

namespace
{

using strings = std::set<std::string>;

class coverage : public insn_fixture, public ::testing::WithParamInterface<bool>
{
  protected:
    coverage()
    {
        if (GetParam()) // a timing model that looks at memory: the observed handlers
            model.mem_cost = [](void *, const timing_mem *) { return std::uint32_t{0}; };
        create();
    }
    // Encodings that complete in a run of some cycles from `bytes`, blocks and all.
    strings completed(const code &bytes, std::uint64_t cycles = 40)
    {
        EXPECT_TRUE(cpu_opcode_watch(core));
        opcode_coverage::forget(core);
        place(bytes);
        set_rip(CODE);
        (void)!cpu_run(core, cpu_now(core) + cycles);
        return taken();
    }
    strings taken()
    {
        cpu_opcode_set set{};
        cpu_opcode_take(core, &set);
        strings names;
        for (std::size_t n = 0; n < cpu_opcode_count(); n++) {
            cpu_opcode o;
            cpu_opcode_describe(n, &o);
            if (cpu_opcode_is_in(&set, n))
                names.insert(std::string(o.mnemonic) + " " + o.encoding);
        }
        return names;
    }
    // Handlers of exceptions stop here, where `hlt` counts too.
    void start(std::uint8_t cpl)
    {
        start_long(cpl);
        for (unsigned v = 0; v < 32; v++)
            put(handler(v), std::uint8_t{0xf4});
    }
    const std::string m_halt = "hlt F4", m_clc = "clc F8", m_stc = "stc F9";
};

TEST_P(coverage, what_precedes_a_fault_has_completed)
{
    start(3);
    EXPECT_EQ(completed({0xf8, 0x0f, 0x32, 0xf9}), (strings{m_clc, m_halt})); // clc; rdmsr, #GP(0); stc
    start(3);
    set_gpr(RAX, std::uint64_t{1} << 40);
    EXPECT_EQ(completed({0xf8, 0x8b, 0x00, 0xf9}), (strings{m_clc, m_halt})); // mov eax, [rax], #PF
    start(3);
    EXPECT_EQ(completed({0xf8, 0x0f, 0x04, 0xf9}), (strings{m_clc, m_halt})); // undefined
    start(3);
    EXPECT_EQ(completed({0xf8, 0xc5, 0xf0, 0x58, 0xc2, 0xf9}), (strings{m_clc, m_halt})); // vaddps
}

TEST_P(coverage, instructions_that_only_fault)
{
    start(3);
    EXPECT_EQ(completed({0xf8, 0x0f, 0x0b, 0xf9}), (strings{m_clc, "ud2 0F 0B", m_halt}));
    start(3);
    EXPECT_EQ(completed({0xf8, 0x0f, 0x33, 0xf9}), (strings{m_clc, "rdpmc 0F 33", m_halt}));
}

TEST_P(coverage, what_completes_counts)
{
    start(0);
    set_gpr(RCX, 0xc0000080); // IA32_EFER
    EXPECT_EQ(completed({0xf8, 0x0f, 0x32, 0xf9, 0xf4}), (strings{m_clc, "rdmsr 0F 32", m_stc, m_halt}));
    EXPECT_TRUE(taken().empty()) << "what was taken is gone";
    start(0);
    EXPECT_EQ(completed({0xeb, 0x01, 0xf8, 0xf9, 0xf4}), (strings{"jmp EB cb", m_stc, m_halt})); // over clc
    start(0);
    EXPECT_EQ(completed({0xcc}), (strings{"int3 CC", m_halt}));
}

TEST_P(coverage, the_same_code_again_and_once_more)
{
    start(0);
    EXPECT_EQ(completed({0xf8, 0xf4}), (strings{m_clc, m_halt}));
    set_rip(CODE);
    start(0);
    EXPECT_EQ(completed({0xf8, 0xf4}), (strings{m_clc, m_halt}));
}

TEST_P(coverage, a_jump_has_completed_when_the_fetch_at_its_target_faults)
{
    start(3);
    set_gpr(RAX, std::uint64_t{1} << 40);
    EXPECT_EQ(completed({0xff, 0xe0, 0xf9}), (strings{"jmp FF /4", m_halt}));
}

TEST_P(coverage, an_instruction_that_is_put_off_counts_when_it_completes)
{
    device_from = 0x300000;
    start(0);
    set_gpr(RAX, 0x300000);
    EXPECT_EQ(completed({0xf8, 0x8b, 0x00, 0xf4}), (strings{m_clc, "mov 8B /r", m_halt}));
    start(3); // the same, but for the fault at CPL 3
    put(PD + 8, std::uint64_t{0x200083});
    set();
    set_gpr(RAX, 0x300000);
    EXPECT_EQ(completed({0xf8, 0x8b, 0x00, 0xf9}), (strings{m_clc, m_halt}));
}

TEST_P(coverage, a_unit_that_is_off)
{
    start(0);
    set_cr(1u << 3, 0);                                                       // CR0.TS
    EXPECT_EQ(completed({0xf8, 0xd9, 0xe8, 0xf9}), (strings{m_clc, m_halt})); // fld1, #NM
}

TEST_P(coverage, a_core_that_is_not_watched_notes_nothing)
{
    cpu *other = create_another();
    cpu_opcode_set set{};
    cpu_start_multiboot(other, static_cast<std::uint32_t>(CODE), 0, 0);
    place({0xf8, 0xf4});
    (void)!cpu_run(other, 40);
    cpu_opcode_take(other, &set);
    for (std::uint64_t word : set.word)
        EXPECT_EQ(word, 0u);
    cpu_destroy(other);
}

INSTANTIATE_TEST_SUITE_P(handlers, coverage, ::testing::Bool(),
                         [](const auto &p) { return std::string(p.param ? "observed" : "plain"); });

} // namespace
