// SPDX-License-Identifier: Apache-2.0
// cpu_module with the real core: a small 32-bit program in RAM reads the APIC page, halts until a timer interrupt, and
// writes a port. One simulation; the tests look at the results.
#include "cpu_module.h"
#include "fake_lapic.h"
#include "memory_lt_module.h"
#include "timing.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

namespace
{

constexpr std::uint64_t RAM_BYTES = 4 << 20;
constexpr std::uint64_t TIMER_CYCLE = 50000;

// Answers reads with their address, notes writes.
struct device : sc_core::sc_module {
    tlm_utils::simple_target_socket<device> tsock;
    struct access {
        std::uint64_t address;
        std::uint32_t value;
        sc_core::sc_time at;
        int core; // -1: the payload does not say
    };
    std::vector<access> writes;
    bool is_free = false; // writes of ports
    explicit device(const sc_core::sc_module_name &name) : sc_core::sc_module(name), tsock("tsock")
    {
        tsock.register_b_transport(this, &device::b_transport);
    }
    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay)
    {
        auto value = static_cast<std::uint32_t>(payload.get_address());
        if (payload.is_read()) {
            std::memcpy(payload.get_data_ptr(), &value, payload.get_data_length());
        } else {
            std::memcpy(&value, payload.get_data_ptr(), payload.get_data_length());
            auto *const port = payload.get_extension<port_extension>();
            writes.push_back({payload.get_address(), value, sc_core::sc_time_stamp() + delay,
                              port != nullptr ? static_cast<int>(port->core) : -1});
            if (port != nullptr)
                port->is_free = is_free;
        }
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

lookahead_config one_core()
{
    lookahead_config c;
    c.lookahead_cycles = c.quantum_cycles = 200;
    return c;
}

struct bench : cpu_observer {
    lookahead keeper{one_core()};
    struct timing timing = {};
    struct cpu_code_map *code_map = cpu_code_map_create(RAM_BYTES);
    memory_lt_module ram{"ram", RAM_BYTES};
    device io{"io"}, apic{"apic"};
    fake_lapic lapic{"lapic"};
    std::unique_ptr<cpu_module> cpu;
    std::vector<std::uint64_t> instructions; // RIPs
    std::vector<enum cpu_trace_event> events;
    std::uint64_t idle_at = 0, writes_of_loading = 0;

    bench()
    {
        struct timing_setup setup = {};
        setup.cores = 1;
        setup.clock_hz = 2000000000;
        char error[200];
        if (!timing_create(&timing, timing_find("functional"), &setup, error, sizeof error))
            throw std::runtime_error(error);
        cpu_module_config c = {};
        c.core.cores = 1;
        c.core.bsp = true;
        c.core.clock_hz = 2000000000;
        c.core.timer_cycles_per_tick = 80;
        c.core.features = cpu_features_default();
        c.core.physical_address_width = 46;
        c.period = sc_core::sc_time(500, sc_core::SC_PS);
        c.trace_insns = c.trace_events = true;
        cpu = std::make_unique<cpu_module>("cpu", c, keeper, code_map, &timing, *this);
        cpu->mem_isock.bind(ram.mem_tsock);
        cpu->io_isock.bind(io.tsock);
        cpu->apic_isock.bind(apic.tsock);
        cpu->lapic_port.bind(lapic);
        lapic.core = cpu.get();
        lapic.set_timer(TIMER_CYCLE);
        io.is_free = true;
        load();
        writes_of_loading = mem_stats(ram.core())->writes;
        cpu_start_multiboot(cpu->core(), 0x100000, 0x2badb002, 0);
    }
    ~bench() override
    {
        cpu.reset();
        cpu_code_map_destroy(code_map);
        timing_destroy(&timing);
    }

    void put(std::uint64_t at, const std::vector<unsigned char> &bytes)
    {
        ASSERT_EQ(mem_write(ram.core(), at, bytes.data(), bytes.size()), MEM_OK);
    }
    std::uint32_t word(std::uint64_t at)
    {
        std::uint32_t value = 0;
        EXPECT_EQ(mem_read(ram.core(), at, &value, sizeof value), MEM_OK);
        return value;
    }
    void load();

    void trace_insn(std::uint32_t, const struct cpu_trace_insn &insn) override { instructions.push_back(insn.rip); }
    void trace_event(std::uint32_t, enum cpu_trace_event event, std::uint32_t, std::uint64_t, std::uint64_t) override
    {
        events.push_back(event);
    }
    void all_idle(std::uint64_t cycle) override
    {
        idle_at = cycle;
        keeper.end_at(cycle);
    }
};

void bench::load()
{
    // GDT: null, flat code, flat data. IDT: vector EFH at 104000H. Their pointers.
    put(0x101000, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0});
    put(0x102000 + 0xef * 8, {0x00, 0x40, 0x08, 0x00, 0x00, 0x8e, 0x10, 0x00});
    put(0x103000, {0x17, 0x00, 0x00, 0x10, 0x10, 0x00, 0, 0, 0xff, 0x07, 0x00, 0x20, 0x10, 0x00});
    put(0x100000, {
                      0x0f, 0x01, 0x15, 0x00, 0x30, 0x10, 0x00,                   // lgdt [103000h]
                      0x0f, 0x01, 0x1d, 0x08, 0x30, 0x10, 0x00,                   // lidt [103008h]
                      0xea, 0x15, 0x00, 0x10, 0x00, 0x08, 0x00,                   // jmp 8:100015h
                      0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd0, 0x8e, 0xd8,             // mov ax, 10h; mov ss, ax; mov ds, ax
                      0xbc, 0x00, 0x00, 0x11, 0x00,                               // mov esp, 110000h
                      0xc7, 0x05, 0x00, 0x00, 0x20, 0x00, 0x2a, 0x00, 0x00, 0x00, // mov dword [200000h], 42
                      0xa1, 0x20, 0x00, 0xe0, 0xfe,                               // mov eax, [fee00020h]
                      0xa3, 0x08, 0x00, 0x20, 0x00,                               // mov [200008h], eax
                      0xf0, 0xff, 0x05, 0x0c, 0x00, 0x20, 0x00,                   // lock inc dword [20000ch]
                      0xfb, 0xf4,                                                 // sti; hlt
                      0xb8, 0x07, 0x00, 0x00, 0x00, 0xe7, 0xf4,                   // mov eax, 7; out f4h, eax
                      0xf4                                                        // hlt
                  });
    put(0x104000, {0xff, 0x05, 0x04, 0x00, 0x20, 0x00, 0xcf}); // inc dword [200004h]; iretd
}

bench *b;

} // namespace

TEST(cpu_module, runs_a_program_from_ram)
{
    EXPECT_EQ(b->word(0x200000), 42u);
    EXPECT_EQ(b->word(0x20000c), 1u) << "locked access";
    ASSERT_FALSE(b->instructions.empty());
    EXPECT_EQ(b->instructions.front(), 0x100000u);
}

TEST(cpu_module, ram_is_reached_by_dmi) { EXPECT_EQ(mem_stats(b->ram.core())->writes, b->writes_of_loading); }

TEST(cpu_module, the_apic_page_goes_to_its_own_socket_as_offsets) { EXPECT_EQ(b->word(0x200008), 0x20u); }

TEST(cpu_module, hlt_waits_for_the_timer_without_cost)
{
    EXPECT_EQ(b->word(0x200004), 1u);
    const struct cpu_stats &s = *cpu_stats(b->cpu->core());
    EXPECT_GT(s.idle_cycles, TIMER_CYCLE - 200);
    EXPECT_LT(s.instructions, 40u);
    EXPECT_EQ(s.interrupts, 1u);
}

TEST(cpu_module, ports_are_written_at_the_cores_own_time)
{
    ASSERT_EQ(b->io.writes.size(), 1u);
    EXPECT_EQ(b->io.writes[0].address, 0xf4u);
    EXPECT_EQ(b->io.writes[0].value, 7u);
    EXPECT_GE(b->io.writes[0].at, sc_core::sc_time(TIMER_CYCLE * 500, sc_core::SC_PS));
    EXPECT_LT(b->io.writes[0].at, sc_core::sc_time((TIMER_CYCLE + 100) * 500, sc_core::SC_PS));
    EXPECT_EQ(b->io.writes[0].core, 0) << "and say whose they are";
}

// HLT follows the write: the core is idle from its end on.
TEST(cpu_module, a_target_may_say_that_its_write_costs_nothing)
{
    const auto at = static_cast<std::uint64_t>(b->io.writes.at(0).at / sc_core::sc_time(500, sc_core::SC_PS));
    EXPECT_EQ(b->idle_at, at + 1) << "HLT, and nothing for OUT";
}

TEST(cpu_module, the_end_is_noticed_when_nothing_can_wake_it)
{
    EXPECT_GT(b->idle_at, TIMER_CYCLE);
    EXPECT_TRUE(cpu_is_waiting(b->cpu->core()));
}

TEST(cpu_module, observers_see_halts_and_interrupts)
{
    auto has = [](enum cpu_trace_event e) { return std::count(b->events.begin(), b->events.end(), e) > 0; };
    EXPECT_TRUE(has(CPU_TRACE_HALT));
    EXPECT_TRUE(has(CPU_TRACE_INTERRUPT));
}

int sc_main(int argc, char *argv[])
{
    testing::InitGoogleTest(&argc, argv);
    bench the_bench;
    b = &the_bench;
    sc_core::sc_start(sc_core::sc_time(1, sc_core::SC_MS));
    return RUN_ALL_TESTS();
}
