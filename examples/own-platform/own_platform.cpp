// SPDX-License-Identifier: Apache-2.0
// One core with its local APIC, 4 MiB of memory, and one device of two ports: what is written to E9H is printed, what
// is written to F4H ends the simulation. Built from the modules of the installed package; see README.md.
//     own_platform guest.bin
#include <uintr_vp/cpu_module.h>
#include <uintr_vp/interconnect_module.h>
#include <uintr_vp/lapic_module.h>
#include <uintr_vp/memory.h>
#include <uintr_vp/memory_lt_module.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

namespace
{

constexpr std::uint64_t MEMORY_BYTES = 4 << 20, CLOCK_HZ = 1000000000, LOAD_ADDRESS = 1 << 20, LATENCY_CYCLES = 100;

struct ports : sc_core::sc_module {
    tlm_utils::simple_target_socket<ports> tsock;
    int exit_value = -1;

    explicit ports(const sc_core::sc_module_name &name) : sc_core::sc_module(name), tsock("tsock")
    {
        tsock.register_b_transport(this, &ports::b_transport);
    }
    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &)
    {
        if (payload.is_write() && payload.get_address() == 0xe9)
            std::putchar(*payload.get_data_ptr());
        if (payload.is_write() && payload.get_address() == 0xf4) {
            exit_value = *payload.get_data_ptr();
            sc_core::sc_stop();
        }
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

struct own_platform : sc_core::sc_module, cpu_observer {
    const sc_core::sc_time period{1, sc_core::SC_NS};
    std::unique_ptr<cpu_code_map, void (*)(cpu_code_map *)> code_map{cpu_code_map_create(MEMORY_BYTES),
                                                                     cpu_code_map_destroy};
    struct timing model = {};
    lookahead keeper;
    memory_lt_module memory{"memory", MEMORY_BYTES};
    ports io{"io"};
    lapic_module lapic;
    cpu_module cpu;
    interconnect_module interconnect;

    explicit own_platform(const sc_core::sc_module_name &name)
        : sc_core::sc_module(name), model(make_timing("table")), keeper({1, LATENCY_CYCLES, LATENCY_CYCLES}),
          lapic("lapic", lapic_settings(), period), cpu("cpu", core_settings(), keeper, code_map.get(), &model, *this),
          interconnect("interconnect", interconnect_settings(), {lapic.core()}, period, &model)
    {
        cpu.mem_isock.bind(memory.mem_tsock); // a platform with more than memory puts its bus in between
        cpu.io_isock.bind(io.tsock);
        cpu.apic_isock.bind(lapic.mmio_tsock);
        cpu.lapic_port.bind(lapic);
        lapic.core_port.bind(cpu);
        lapic.ipi_isock.bind(*interconnect.ipi_tsock[0]);
        interconnect.ipi_isock[0]->bind(lapic.ipi_tsock);
    }
    ~own_platform() override { timing_destroy(&model); }

    // A built-in model with its defaults.
    static struct timing make_timing(const char *name)
    {
        const struct timing_model *table = timing_find(name);
        std::vector<double> values;
        for (std::size_t i = 0; i < table->param_count; i++)
            values.push_back(table->params[i].default_value);
        struct timing_setup setup = {};
        setup.cores = 1;
        setup.clock_hz = CLOCK_HZ;
        setup.values = values.data();
        struct timing created = {};
        char error[200];
        if (!timing_create(&created, table, &setup, error, sizeof error))
            throw std::runtime_error(error);
        return created;
    }
    static struct interconnect_config interconnect_settings()
    {
        struct interconnect_config c = {};
        c.latency_cycles = LATENCY_CYCLES;
        return c;
    }
    static struct lapic_config lapic_settings()
    {
        struct lapic_config c = {};
        c.bsp = true;
        c.x2apic = true;
        c.physical_address_width = 46;
        c.timer_cycles_per_tick = 10;
        return c;
    }
    cpu_module_config core_settings() const
    {
        cpu_module_config c = {};
        c.core.cores = 1;
        c.core.bsp = true;
        c.core.clock_hz = CLOCK_HZ;
        c.core.timer_cycles_per_tick = 10;
        c.core.features = cpu_features_default();
        c.core.physical_address_width = 46;
        c.period = period;
        return c;
    }
    void shut_down(std::uint32_t, std::uint64_t) override { sc_core::sc_stop(); }
    void all_idle(std::uint64_t) override { sc_core::sc_stop(); }
};

} // namespace

int sc_main(int argc, char *argv[])
{
    sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
    std::ifstream file(argc == 2 ? argv[1] : "", std::ios::binary);
    const std::vector<char> image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    own_platform p("platform");
    if (image.empty() || mem_write(p.memory.core(), LOAD_ADDRESS, image.data(), image.size()) != MEM_OK) {
        std::fprintf(stderr, "usage: own_platform guest.bin (a flat binary for address 1 MiB)\n");
        return 2;
    }
    cpu_start_multiboot(p.cpu.core(), LOAD_ADDRESS, 0, 0);
    sc_core::sc_start();
    std::printf("exit value %d after %llu instructions\n", p.io.exit_value,
                static_cast<unsigned long long>(cpu_stats(p.cpu.core())->instructions));
    return p.io.exit_value == 55 ? 0 : 1;
}
