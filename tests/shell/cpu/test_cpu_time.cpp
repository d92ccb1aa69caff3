// SPDX-License-Identifier: Apache-2.0
// cpu_module with scripted cores: exact arrivals, halting without cost, running alone, the end of a run. SystemC
// elaborates once per process, so every scenario is a bench of its own in one simulation; the tests look at the results
// afterwards.
#include "cpu_module.h"
#include "fake_cpu.h"
#include "fake_lapic.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_target_socket.h>

#include <memory>
#include <string>

namespace
{

constexpr std::uint64_t L = fake_lapic::LATENCY;

// Swallows every access; remembers when a port was written.
struct sink : sc_core::sc_module {
    tlm_utils::simple_target_socket<sink> tsock;
    sc_core::sc_time written;
    std::function<void()> on_write;
    explicit sink(const sc_core::sc_module_name &name) : sc_core::sc_module(name), tsock("tsock")
    {
        tsock.register_b_transport(this, &sink::b_transport);
    }
    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
    {
        written = sc_core::sc_time_stamp() + delay;
        if (on_write)
            on_write();
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

struct bench : cpu_observer {
    struct node {
        std::unique_ptr<fake_lapic> lapic;
        std::unique_ptr<cpu_module> cpu;
        std::unique_ptr<sink> mem, io, apic;
        fake_script *script;
    };
    lookahead keeper;
    std::vector<node> nodes;
    std::uint64_t idle_at = 0, shut_down_at = 0, syncs = 0;
    static std::uint32_t next_id;

    static lookahead_config config(std::uint32_t cores, std::uint64_t quantum, std::uint64_t insns)
    {
        lookahead_config c;
        c.cores = cores;
        c.lookahead_cycles = L;
        c.quantum_cycles = quantum;
        c.quantum_insns = insns;
        c.alone_cycles = 100000;
        return c;
    }

    bench(const std::string &name, const std::vector<fake_script> &scripts, std::uint64_t quantum = L,
          std::uint64_t insns = 0)
        : keeper(config(static_cast<std::uint32_t>(scripts.size()), quantum, insns))
    {
        for (std::uint32_t i = 0; i < scripts.size(); i++) {
            node n;
            const std::string at = name + std::to_string(i);
            cpu_module_config c = {};
            c.core.index = i;
            c.core.apic_id = next_id++;
            c.core.physical_address_width = 46;
            c.period = sc_core::sc_time(500, sc_core::SC_PS);
            n.script = &fake_script_of(c.core.apic_id);
            *n.script = scripts[i];
            n.lapic = std::make_unique<fake_lapic>((at + "_lapic").c_str());
            n.cpu = std::make_unique<cpu_module>((at + "_cpu").c_str(), c, keeper, nullptr, nullptr, *this);
            n.mem = std::make_unique<sink>((at + "_mem").c_str());
            n.io = std::make_unique<sink>((at + "_io").c_str());
            n.apic = std::make_unique<sink>((at + "_apic").c_str());
            n.cpu->mem_isock.bind(n.mem->tsock);
            n.cpu->io_isock.bind(n.io->tsock);
            n.cpu->apic_isock.bind(n.apic->tsock);
            n.cpu->lapic_port.bind(*n.lapic);
            n.lapic->core = n.cpu.get();
            nodes.push_back(std::move(n));
        }
        if (nodes.size() > 1) {
            nodes[0].lapic->peer = nodes[1].lapic.get();
            nodes[1].lapic->peer = nodes[0].lapic.get();
        }
    }

    void all_idle(std::uint64_t cycle) override { idle_at = idle_at == 0 ? cycle : idle_at; }
    void shut_down(std::uint32_t, std::uint64_t cycle) override
    {
        shut_down_at = cycle;
        keeper.end_at(cycle);
    }
    void synced(std::uint32_t, std::uint64_t) override { syncs++; }
    std::uint64_t now(std::size_t i) { return cpu_now(nodes[i].cpu->core()); }
};

std::uint32_t bench::next_id = 0;

using step = fake_step;
fake_script script(std::vector<fake_step> steps, std::uint64_t insn_cycles = 7)
{
    fake_script s;
    s.insn_cycles = insn_cycles;
    s.steps = std::move(steps);
    return s;
}

// All scenarios, built before the simulation starts.
struct scenarios {
    // Core 0 sends at cycle 3 * 7 = 21 while core 1 spins with instructions of 11 cycles.
    bench spinning{"spinning",
                   {script({{step::RUN, 3}, {step::SEND, 0x40}, {step::RUN, 1000}}), script({{step::RUN, 2000}}, 11)}};
    // Core 1 waits from the start; core 0 computes for long, then sends.
    bench waiting{"waiting", {script({{step::RUN, 10000}, {step::SEND, 0x41}, {step::RUN, 100}}), script({})}};
    // Ping-pong: core 1 answers from its halt; the answer must reach core 0 while it runs.
    bench pong{"pong",
               {script({{step::SEND, 0x42}, {step::RUN, 5000}}),
                script({{step::HALT, 0}, {step::SEND, 0x43}, {step::RUN, 1}})}};
    // One core, a timer 123456 cycles away.
    bench timer{"timer", {script({{step::HALT, 0}, {step::RUN, 5}})}};
    bench lock_step{"lock_step", {script({{step::RUN, 50}}), script({{step::RUN, 50}})}, L, 1};
    // Core 0 runs its whole quantum before core 1 sends to it at cycle 21.
    bench long_quantum{"long_quantum",
                       {script({{step::RUN, 3000}}), script({{step::RUN, 3}, {step::SEND, 0x44}, {step::RUN, 3000}})},
                       5000};
    bench triple{"triple", {script({{step::RUN, 4}, {step::SHUTDOWN, 0}}), script({{step::RUN, 100000}})}};
    bench self{"self", {script({{step::RUN, 2}, {step::SEND, 0x45}, {step::RUN, 50}})}};
    bench port{"port", {script({{step::RUN, 2}, {step::OUT, 0xf4}, {step::RUN, 1000}}), script({{step::RUN, 1000}})}};

    scenarios()
    {
        timer.nodes[0].lapic->set_timer(123456);
        port.nodes[0].io->on_write = [this] { port.keeper.end_at(14); };
    }
};

scenarios *all;

} // namespace

TEST(cpu_time, an_ipi_is_taken_at_the_first_boundary_at_or_after_its_arrival)
{
    const auto &taken = all->spinning.nodes[1].script->taken;
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].vector, 0x40);
    EXPECT_EQ(taken[0].cycle, (21 + L + 10) / 11 * 11);
    EXPECT_EQ(all->spinning.keeper.stats().late_arrivals, 0u);
}

TEST(cpu_time, no_run_is_longer_than_the_quantum_while_others_run)
{
    const auto &limits = all->spinning.nodes[0].script->limits;
    for (std::size_t i = 1; i < limits.size() && limits[i] < 2000 * 11; i++)
        EXPECT_LE(limits[i] - limits[i - 1], L + 7);
}

TEST(cpu_time, a_halted_core_wakes_exactly_and_costs_nothing)
{
    const bench::node &n = all->waiting.nodes[1];
    ASSERT_EQ(n.script->taken.size(), 1u);
    EXPECT_EQ(n.script->taken[0].cycle, 70000 + L);
    EXPECT_EQ(n.script->idle, 70000 + L);
    EXPECT_LE(n.script->runs, 4u);
}

TEST(cpu_time, a_core_that_is_alone_runs_on_until_it_sends)
{
    // The first quantum finds out that core 1 waits; then 10000 instructions without a switch, up to where the IPI
    // arrives.
    EXPECT_LE(all->waiting.nodes[0].script->runs, 8u);
    EXPECT_EQ(all->waiting.nodes[0].script->limits.at(1), (70000 + L + 6) / 7 * 7);
}

TEST(cpu_time, an_answer_from_a_woken_core_is_exact_too)
{
    const auto &there = all->pong.nodes[1].script->taken, &back = all->pong.nodes[0].script->taken;
    ASSERT_EQ(there.size(), 1u);
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(there[0].cycle, L);
    EXPECT_EQ(back[0].cycle, (L + L + 6) / 7 * 7);
    EXPECT_EQ(all->pong.keeper.stats().late_arrivals, 0u);
}

TEST(cpu_time, the_timer_wakes_at_its_cycle)
{
    const bench::node &n = all->timer.nodes[0];
    ASSERT_EQ(n.script->taken.size(), 1u);
    EXPECT_EQ(n.script->taken[0].cycle, 123456u);
    EXPECT_EQ(n.script->idle, 123456u - 7);
}

TEST(cpu_time, all_idle_is_noticed_once_nothing_can_come)
{
    EXPECT_EQ(all->timer.idle_at, 123456u + 5 * 7);
    EXPECT_GT(all->waiting.idle_at, 70000u + L);
}

TEST(cpu_time, lock_step_runs_one_instruction_at_a_time)
{
    const auto &limits = all->lock_step.nodes[0].script->limits;
    ASSERT_GE(limits.size(), 50u);
    for (std::size_t i = 0; i < 49; i++)
        EXPECT_EQ(limits[i], 7 * (i + 1));
}

TEST(cpu_time, late_arrivals_of_a_longer_quantum_are_counted)
{
    const std::uint64_t boundary = (5000 + 6) / 7 * 7; // where core 0 was when core 1 sent
    EXPECT_EQ(all->long_quantum.keeper.stats().late_arrivals, 1u);
    EXPECT_EQ(all->long_quantum.keeper.stats().worst_late_cycles, boundary - (21 + L));
    ASSERT_EQ(all->long_quantum.nodes[0].script->taken.size(), 1u);
    EXPECT_EQ(all->long_quantum.nodes[0].script->taken[0].cycle, boundary);
}

TEST(cpu_time, a_triple_fault_ends_the_others_at_its_cycle)
{
    EXPECT_EQ(all->triple.shut_down_at, 28u);
    EXPECT_LE(all->triple.now(1), 28u + L + 7);
    EXPECT_EQ(all->triple.idle_at, 0u);
}

TEST(cpu_time, a_self_ipi_is_taken_at_the_next_boundary)
{
    const auto &taken = all->self.nodes[0].script->taken;
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].cycle, 21u);
}

TEST(cpu_time, ports_are_written_at_local_time_and_may_end_the_run)
{
    EXPECT_EQ(all->port.nodes[0].io->written, sc_core::sc_time(14 * 500, sc_core::SC_PS));
    EXPECT_EQ(all->port.now(0), 21u);
    EXPECT_EQ(all->port.now(1), 14u) << "core 1 was behind, and ran up to the end but not beyond";
}

TEST(cpu_time, a_configuration_that_the_core_refuses_is_an_exception)
{
    EXPECT_EQ(
        cpu_create(&(const struct cpu_config &)cpu_config{}, &(const struct cpu_bus &)cpu_bus{}, nullptr, nullptr),
        nullptr);
}

int sc_main(int argc, char *argv[])
{
    testing::InitGoogleTest(&argc, argv);
    scenarios s;
    all = &s;
    sc_core::sc_start(sc_core::sc_time(10, sc_core::SC_MS));
    return RUN_ALL_TESTS();
}
