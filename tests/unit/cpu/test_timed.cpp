// SPDX-License-Identifier: Apache-2.0
// Under the timing model `cache`, two machines do the same: one asks only for what the model does not know, the other
// is traced and asks for everything. Cycles, registers, memory and the model's statistics must be the same. Here:
// strings, whose runs of elements go past the model line by line, interrupted anywhere; tests/fuzz does it with random
// code.
#include "cpu_fixture.h"
#include "timing_fixture.h"

#include <random>
#include <string>

namespace
{

using shape = std::vector<std::pair<const char *, double>>;

class cache_model : public timing_instance
{
  public:
    explicit cache_model(const shape &own) : timing_instance(timing_find("cache"))
    {
        for (const auto &[key, v] : own)
            value(key) = v;
        EXPECT_TRUE(create()) << error;
    }
};

struct machine {
    machine(bool observed, const shape &own) : model(own), cpu(observed, &model.timing) { cpu.start64(); }
    cache_model model;
    cpu_fixture cpu;
};

class timed : public ::testing::TestWithParam<shape>
{
  protected:
    static constexpr std::uint64_t DATA = cpu_fixture::PAGES, CODE = 0x10000, DF = 0x400;

    // The instruction on both machines, in slices of some cycles. The cycle at which it is done.
    void run(const std::vector<std::uint8_t> &insn, const cpu_regs &start, std::uint64_t slice)
    {
        for (machine *m : {&m_timed, &m_asked}) {
            std::vector<std::uint8_t> code = insn;
            code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
            m->cpu.write(CODE, code);
            m->cpu.set_regs(start);
        }
        for (bool done = false; !done;) {
            done = m_timed.cpu.run_to_stop(slice);
            ASSERT_EQ(done, m_asked.cpu.run_to_stop(slice));
            ASSERT_EQ(cpu_now(m_timed.cpu.core()), cpu_now(m_asked.cpu.core()));
            const cpu_regs a = m_timed.cpu.regs(), b = m_asked.cpu.regs();
            ASSERT_EQ(a.rip, b.rip);
            ASSERT_EQ(a.rflags, b.rflags);
            ASSERT_EQ(std::memcmp(a.gpr, b.gpr, sizeof a.gpr), 0);
        }
    }
    void expect_the_same()
    {
        EXPECT_EQ(m_timed.model.statistics(), m_asked.model.statistics());
        EXPECT_EQ(std::memcmp(m_timed.cpu.ram(DATA), m_asked.cpu.ram(DATA), 0x80000), 0);
        EXPECT_GT(m_asked.cpu.traced, m_timed.cpu.traced) << "one is traced";
    }
    std::uint64_t l1d_hits_unasked() const
    {
        const struct timing_filter *f = timing_filter(&m_timed.model.timing, 0);
        return f->load.hits + f->store.hits;
    }

    machine m_timed{false, GetParam()}, m_asked{true, GetParam()};
};

TEST_P(timed, strings_cost_what_their_elements_cost_one_by_one)
{
    std::mt19937 random(3);
    const std::uint8_t opcodes[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
    for (int i = 0; i < 3000; i++) {
        SCOPED_TRACE(i);
        std::vector<std::uint8_t> insn;
        if (random() % 4 == 0)
            insn.push_back(0x66);
        if (random() % 8 != 0)
            insn.push_back(random() % 2 ? 0xf3 : 0xf2);
        if (random() % 3 == 0)
            insn.push_back(0x48);
        insn.push_back(opcodes[random() % sizeof opcodes]);
        cpu_regs r = m_timed.cpu.regs();
        r.rip = CODE;
        r.gpr[RAX] = 0;
        r.gpr[RCX] = random() % 200;
        // Often in one set of L1, at different places in the line; sometimes overlapping.
        const std::uint64_t page = DATA + 0x1000 * (random() % 4 == 0 ? 4 + random() % 64 : 4);
        r.gpr[RSI] = page + random() % 0x2000;
        switch (random() % 5) {
        case 0: r.gpr[RDI] = r.gpr[RSI] + random() % 64; break;
        case 1: r.gpr[RDI] = page + random() % 0x2000; break;
        case 2: r.gpr[RDI] = (r.gpr[RSI] & ~std::uint64_t{63}) + 0x10000 + random() % 64; break; // in one set of L2
        default: r.gpr[RDI] = ((r.gpr[RSI] & ~std::uint64_t{63}) ^ 0x1000) + random() % 64;
        }
        r.rflags = 2 | (random() % 8 == 0 ? DF : 0);
        run(insn, r, random() % 3 == 0 ? 1 + random() % 40 : 100000);
        if (HasFatalFailure())
            return;
    }
    EXPECT_GT(l1d_hits_unasked(), 1000u);
    expect_the_same();
}

// What begins again in its other half must not be counted twice: a second access that is not known, floating-point
// control that is not the guest's yet.
TEST_P(timed, instructions_that_begin_again_count_once)
{
    const std::vector<std::uint8_t> code = {
        0x0f, 0x20, 0xe0, 0x0d, 0x00, 0x06, 0x00, 0x00, 0x0f, 0x22, 0xe0, // set CR4.OSFXSR, OSXMMEXCPT
        0xff, 0x13,                                                       // call [rbx]
        0xf2, 0x0f, 0x58, 0x43, 0x40,                                     // addsd xmm0, [rbx + 40H]
        0xff, 0x33, 0x8f, 0x43, 0x08,                                     // push [rbx]; pop [rbx + 8]
        0x48, 0x8b, 0x04, 0x13,                                           // mov rax, [rbx + rdx]
        0x48, 0x83, 0xc2, 0x40, 0x81, 0xe2, 0xff, 0x0f, 0x00, 0x00,       // rdx: 64 on, within a page
        0x6a, 0x05, 0x58, 0xc8, 0x10, 0x00, 0x00, 0xc9,                   // push 5; pop rax; enter 16, 0; leave
        0x48, 0x01, 0x44, 0x13, 0x10,                                     // add [rbx + rdx + 10H], rax
        0xe2, 0xd7,                                                       // loop, to the call
    };
    std::mt19937 random(4);
    for (int i = 0; i < 20; i++) {
        for (machine *m : {&m_timed, &m_asked}) {
            m->cpu.write(CODE + 0x100, {0xc3});
            m->cpu.write64(DATA, CODE + 0x100);
        }
        cpu_regs r = m_timed.cpu.regs();
        r.rip = CODE;
        r.gpr[RBX] = DATA;
        r.gpr[RDX] = 0;
        r.gpr[RCX] = 200;
        r.gpr[RSP] = cpu_fixture::STACK_TOP;
        run(code, r, 1 + random() % 3000);
        ASSERT_FALSE(HasFatalFailure());
        ASSERT_EQ(cpu_fixture::stopped_by_vector(m_timed.cpu.regs().rip), -1);
        ASSERT_EQ(m_timed.cpu.regs().gpr[RCX], 0u);
    }
    expect_the_same();
}

// Defaults, and small ones: soon full, and most lines share a set with others. What an element's second access throws
// out may be the line or the page of the first, by any of the levels; misses may cost nothing that is felt.
INSTANTIATE_TEST_SUITE_P(
    shapes, timed,
    ::testing::Values(shape{}, shape{{"l1d_kib", 1}, {"l1d_ways", 2}, {"l2_kib", 16}, {"l2_ways", 4}},
                      shape{{"l2_kib", 64}, {"l2_ways", 1}}, shape{{"l1d_kib", 4}, {"l1d_ways", 1}},
                      shape{{"l1d_kib", 3}, {"l1d_ways", 3}, {"l2_kib", 24}, {"l2_ways", 3}},
                      shape{{"dtlb_entries", 2}, {"stlb_entries", 8}}, shape{{"dtlb_entries", 1}},
                      shape{{"l2_kib", 64}, {"l2_ways", 1}, {"load_exposed", 0}, {"store_exposed", 50}}));

} // namespace
