// SPDX-License-Identifier: Apache-2.0
// The bench, the fake core and sc_main.
#include "lapic_bench.h"

#include <cstring>

lapic_bench *bench = nullptr;

namespace
{

const struct timing_model *latency_model()
{
    static const struct timing_model model = [] {
        struct timing_model m = {};
        m.abi_version = TIMING_ABI_VERSION;
        m.struct_size = sizeof m;
        m.name = "bench";
        m.ipi_latency = [](void *self, const struct timing_ipi *) { return *static_cast<std::uint32_t *>(self); };
        return m;
    }();
    return &model;
}

} // namespace

fake_core::fake_core(const sc_core::sc_module_name &name)
    : sc_core::sc_module(name), apic_isock("apic_isock"), lapic_port("lapic_port")
{
}

void fake_core::forget()
{
    nmis = inits = 0;
    startups.clear();
    eois.clear();
    sends.clear();
    wakes.clear();
}

tlm::tlm_response_status fake_core::access(tlm::tlm_command command, std::uint64_t address, void *bytes, unsigned size,
                                           std::uint64_t cycle)
{
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char *>(bytes));
    payload.set_data_length(size);
    payload.set_streaming_width(size);
    sc_core::sc_time delay = bench->period * static_cast<double>(cycle) - sc_core::sc_time_stamp();
    const sc_core::sc_time before = delay;
    apic_isock->b_transport(payload, delay);
    EXPECT_EQ(delay, before) << "costs belong to the timing model";
    EXPECT_FALSE(payload.is_dmi_allowed());
    bench->used = std::max(bench->used, cycle);
    return payload.get_response_status();
}

std::uint32_t fake_core::read(std::uint32_t offset, std::uint64_t cycle)
{
    std::uint32_t value = 0;
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, offset, &value, sizeof value, cycle), tlm::TLM_OK_RESPONSE);
    return value;
}

void fake_core::write(std::uint32_t offset, std::uint32_t value, std::uint64_t cycle)
{
    EXPECT_EQ(access(tlm::TLM_WRITE_COMMAND, offset, &value, sizeof value, cycle), tlm::TLM_OK_RESPONSE);
}

lapic_bench::lapic_bench(const sc_core::sc_module_name &name)
    : sc_core::sc_module(name), period(500, sc_core::SC_PS), timing{latency_model(), &extra_latency},
      device_isock("device")
{
    std::vector<struct lapic *> lapics;
    for (std::uint32_t i = 0; i < 3; i++) {
        const struct lapic_config config = {i, i == 0, true, 46, 1, true, false};
        apics.push_back(std::make_unique<lapic_module>(("apic" + std::to_string(i)).c_str(), config, period));
        lapics.push_back(apics.back()->core());
    }
    struct interconnect_config config = {};
    config.latency_cycles = LATENCY;
    interconnect = std::make_unique<interconnect_module>("interconnect", config, lapics, period, &timing, 1);
    for (std::size_t i = 0; i < apics.size(); i++) {
        apics[i]->ipi_isock.bind(*interconnect->ipi_tsock[i]);
        interconnect->ipi_isock[i]->bind(apics[i]->ipi_tsock);
    }
    for (std::size_t i = 0; i < apics.size(); i++) {
        cores.push_back(std::make_unique<fake_core>(("core" + std::to_string(i)).c_str()));
        cores[i]->apic_isock.bind(apics[i]->mmio_tsock);
        cores[i]->lapic_port.bind(*apics[i]);
        if (i != 2)
            apics[i]->core_port.bind(*cores[i]);
    }
    device_isock.bind(*interconnect->message_tsock[0]);
}

void lapic_bench::reset()
{
    extra_latency = 0;
    used += 100000; // past everything that a test has queued
    for (auto &apic : apics) {
        apic->on_event = nullptr;
        apic->on_user_arrival = nullptr;
        apic->advance(used);
        lapic_reset(apic->core());
        lapic_mmio_write(apic->core(), 0xf0, 4, 0x1ff, used);
    }
    interconnect->on_copy = nullptr;
    for (auto &core : cores)
        core->forget();
    sc_core::sc_start(period * static_cast<double>(used) - sc_core::sc_time_stamp());
}

void lapic_shell_test::SetUp()
{
    bench->reset();
    t0 = bench->used;
}

tlm::tlm_response_status lapic_shell_test::send(struct ipi_msg &msg, std::uint64_t delay)
{
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char *>(&msg));
    payload.set_data_length(sizeof msg);
    payload.set_streaming_width(sizeof msg);
    sc_core::sc_time offset = bench->period * static_cast<double>(delay);
    bench->device_isock->b_transport(payload, offset);
    return payload.get_response_status();
}

struct ipi_msg lapic_shell_test::to(std::uint32_t destination, std::uint8_t vector, std::uint8_t mode)
{
    struct ipi_msg msg = {};
    msg.destination = destination;
    msg.vector = vector;
    msg.delivery_mode = mode;
    msg.assert_level = true;
    return msg;
}

bool lapic_shell_test::is_requested(std::size_t i, std::uint8_t vector)
{
    const std::uint32_t word = lapic_debug_read(apic(i).core(), 0x200u + 16u * (vector / 32u), bench->used);
    return (word >> (vector % 32) & 1) != 0;
}

int sc_main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    lapic_bench the_bench("bench");
    bench = &the_bench;
    sc_core::sc_start(sc_core::SC_ZERO_TIME); // elaborate
    return RUN_ALL_TESTS();
}
