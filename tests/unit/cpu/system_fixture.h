// SPDX-License-Identifier: Apache-2.0
// A core whose control state the tests set directly, 4 MiB of RAM, a local APIC that records what it is told. For the
// system side of the core: paging, exceptions, MSRs, CPUID. Instructions are tested with cpu_fixture.h.
#ifndef SYSTEM_FIXTURE_H
#define SYSTEM_FIXTURE_H

#include "core_access.h"
#include "opcode_coverage.h"
#include "timing.h"
#include "uintr.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace bits
{
constexpr std::uint64_t CR0_PE = 1, CR0_WP = 1u << 16, CR0_AM = 1u << 18, CR0_NW = 1u << 29, CR0_CD = 1u << 30,
                        CR0_PG = 1u << 31;
constexpr std::uint64_t CR4_PSE = 1u << 4, CR4_PAE = 1u << 5, CR4_PGE = 1u << 7, CR4_SMEP = 1u << 20,
                        CR4_SMAP = 1u << 21;
constexpr std::uint64_t EFER_LME = 1u << 8, EFER_LMA = 1u << 10, EFER_NXE = 1u << 11;
constexpr std::uint64_t IF = 1u << 9, TF = 1u << 8, NT = 1u << 14, RF = 1u << 16, AC = 1u << 18, IOPL3 = 3u << 12;
} // namespace bits

enum {
    EXC_DB = 1,
    EXC_BP = 3,
    EXC_UD = 6,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14
};

class system_fixture : public ::testing::Test
{
  public:
    static constexpr std::uint64_t RAM_SIZE = 4u << 20;

  protected:
    system_fixture() : m_ram(RAM_SIZE), m_map(cpu_code_map_create(RAM_SIZE))
    {
        model.abi_version = TIMING_ABI_VERSION;
        model.struct_size = sizeof model;
        model.name = "unit";
        config.cores = 1;
        config.bsp = true;
        config.clock_hz = 2000000000;
        config.timer_cycles_per_tick = 80;
        config.features = cpu_features_default();
        config.physical_address_width = 40;
        create();
    }
    ~system_fixture() override
    {
        opcode_coverage::note(core);
        cpu_destroy(core);
        cpu_code_map_destroy(m_map);
    }

    // Another core on the same memory and code map; the test destroys it.
    cpu *create_another()
    {
        const cpu_bus bus = make_bus();
        return cpu_create(&config, &bus, m_map, &m_timing);
    }
    // Again after a change of config.
    void create()
    {
        opcode_coverage::note(core);
        cpu_destroy(core);
        const cpu_bus bus = make_bus();
        core = cpu_create(&config, &bus, m_map, &m_timing);
        ASSERT_NE(core, nullptr);
        opcode_coverage::watch(core);
        core_get(core, &state);
    }

    template <typename T>
    void put(std::uint64_t pa, T value)
    {
        std::memcpy(&m_ram.at(pa), &value, sizeof value);
    }
    template <typename T>
    T get(std::uint64_t pa)
    {
        T value;
        std::memcpy(&value, &m_ram.at(pa), sizeof value);
        return value;
    }
    void set() { core_set(core, &state); }
    void drop_code(std::uint64_t pa) { cpu_code_map_written(m_map, pa, 16); } // as a loader does after it wrote code
    const core_state &now()
    {
        core_get(core, &m_now);
        return m_now;
    }

    struct step {
        int kind;
        uintr_step_info info;
        std::uint64_t cycle;
    };
    struct missing_insn {
        std::uint64_t rip;
        std::vector<std::uint8_t> bytes;
        unsigned mode_bits;
        std::string name;
    };
    struct user_ipi {
        std::uint32_t ndst;
        std::uint8_t nv;
        std::uint64_t cycle;
    };

    timing_model model{}; // hooks may be filled in before create()
    cpu_config config{};
    cpu *core = nullptr;
    core_state state{};                   // what set() makes current
    std::uint64_t device_from = RAM_SIZE; // what lies above is reached by read and write only
    std::map<std::uint32_t, std::uint64_t> apic_msrs{{0x1b, 0xfee00900}};
    std::uint64_t apic_tsc_offset = 0;
    std::uint8_t interrupt = 0;                     // vector that the APIC offers; 0: none
    std::vector<std::uint64_t> monitor_hits, woken; // cycles of the callbacks
    std::uint8_t cr8 = 0;
    std::vector<step> steps;
    std::vector<missing_insn> unimplemented;
    std::vector<user_ipi> user_ipis;
    std::vector<std::uint64_t> ports; // port, size, value of each access
    bool writes_are_free = false;     // of ports

  private:
    static system_fixture &self(void *ctx) { return *static_cast<system_fixture *>(ctx); }

    cpu_bus make_bus()
    {
        cpu_bus bus{};
        bus.ctx = this;
        bus.read = [](void *ctx, std::uint64_t pa, void *bytes, std::uint32_t size) {
            if (pa + size <= RAM_SIZE)
                std::memcpy(bytes, &self(ctx).m_ram[pa], size);
            else
                std::memset(bytes, 0xff, size);
        };
        bus.write = [](void *ctx, std::uint64_t pa, const void *bytes, std::uint32_t size) {
            if (pa + size <= RAM_SIZE)
                std::memcpy(&self(ctx).m_ram[pa], bytes, size);
        };
        bus.modify = [](void *ctx, std::uint64_t pa, std::uint32_t size, cpu_modify_fn *fn, void *arg) {
            std::uint8_t absent[16];
            std::memset(absent, 0xff, sizeof absent);
            (void)fn(arg, pa + size <= RAM_SIZE ? &self(ctx).m_ram[pa] : absent);
        };
        bus.direct_page = [](void *ctx, std::uint64_t pa) -> std::uint8_t * {
            return pa < self(ctx).device_from ? &self(ctx).m_ram[pa & ~std::uint64_t{4095}] : nullptr;
        };
        bus.io_read = [](void *ctx, std::uint16_t port, std::uint32_t size) {
            self(ctx).ports.insert(self(ctx).ports.end(), {port, size, 0});
            return std::uint32_t{0x87654321};
        };
        bus.io_write = [](void *ctx, std::uint16_t port, std::uint32_t size, std::uint32_t value) {
            self(ctx).ports.insert(self(ctx).ports.end(), {port, size, value});
            if (self(ctx).writes_are_free)
                cpu_write_is_free(self(ctx).core);
        };
        bus.apic_ack = [](void *ctx, std::uint64_t *, std::uint64_t *) -> std::uint8_t {
            const std::uint8_t vector = self(ctx).interrupt;
            self(ctx).interrupt = 0;
            return vector;
        };
        bus.apic_eoi = [](void *) {};
        bus.apic_has_interrupt = [](void *ctx) { return self(ctx).interrupt != 0; };
        bus.apic_msr_read = [](void *ctx, std::uint32_t msr, std::uint64_t *value) {
            auto found = self(ctx).apic_msrs.find(msr);
            if (found == self(ctx).apic_msrs.end())
                return VP_FAULT;
            *value = found->second;
            return VP_OK;
        };
        bus.apic_msr_write = [](void *ctx, std::uint32_t msr, std::uint64_t value) {
            auto found = self(ctx).apic_msrs.find(msr);
            if (found == self(ctx).apic_msrs.end())
                return VP_FAULT;
            found->second = value;
            return VP_OK;
        };
        bus.apic_cr8 = [](void *ctx) { return self(ctx).cr8; };
        bus.apic_set_cr8 = [](void *ctx, std::uint8_t value) { self(ctx).cr8 = value; };
        bus.apic_send_user_ipi = [](void *ctx, std::uint32_t ndst, std::uint8_t nv) {
            self(ctx).user_ipis.push_back({ndst, nv, cpu_now(self(ctx).core)});
        };
        bus.uintr_step = [](void *ctx, int kind, const uintr_step_info *info, std::uint64_t cycle) {
            self(ctx).steps.push_back({kind, *info, cycle});
        };
        bus.apic_set_tsc_offset = [](void *ctx, std::uint64_t offset) { self(ctx).apic_tsc_offset = offset; };
        bus.apic_init = [](void *) {};
        bus.unimplemented = [](void *ctx, std::uint64_t rip, const std::uint8_t *bytes, std::uint32_t length,
                               unsigned mode_bits, const char *name) {
            self(ctx).unimplemented.push_back({rip, {bytes, bytes + length}, mode_bits, name});
        };
        bus.monitor_hit = [](void *ctx, std::uint64_t cycle) { self(ctx).monitor_hits.push_back(cycle); };
        bus.monitor_woke = [](void *ctx, std::uint64_t cycle) { self(ctx).woken.push_back(cycle); };
        return bus;
    }

    std::vector<std::uint8_t> m_ram;
    timing m_timing{&model, nullptr};
    cpu_code_map *m_map;
    core_state m_now{};
};

#define EXPECT_OK(operation)                                                                                           \
    do {                                                                                                               \
        const core_fault ok_ = (operation);                                                                            \
        EXPECT_FALSE(ok_.raised) << "vector " << int(ok_.vector) << " error code " << ok_.error_code;                  \
    } while (0)
#define EXPECT_FAULT(operation, expected_vector, expected_code)                                                        \
    do {                                                                                                               \
        const core_fault s_fault = (operation);                                                                        \
        EXPECT_TRUE(s_fault.raised);                                                                                   \
        EXPECT_EQ(int(s_fault.vector), int(expected_vector));                                                          \
        EXPECT_EQ(s_fault.error_code, std::uint32_t(expected_code));                                                   \
    } while (0)

#endif
