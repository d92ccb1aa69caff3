// SPDX-License-Identifier: Apache-2.0
// A local APIC with a fake bus that notes what it is told. Constants are written out here and in the tests on purpose:
// sharing them with the model would let both be wrong together.
#ifndef TESTS_UNIT_LAPIC_LAPIC_FIXTURE_H
#define TESTS_UNIT_LAPIC_LAPIC_FIXTURE_H

#include "lapic.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

constexpr std::uint32_t ID = 0x20, VERSION = 0x30, TPR = 0x80, APR = 0x90, PPR = 0xa0, EOI = 0xb0, RRD = 0xc0,
                        LDR = 0xd0, DFR = 0xe0, SVR = 0xf0, ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280,
                        LVT_CMCI = 0x2f0, ICR = 0x300, ICR_HIGH = 0x310, LVT_TIMER = 0x320, LVT_THERMAL = 0x330,
                        LVT_PERF = 0x340, LVT_LINT0 = 0x350, LVT_LINT1 = 0x360, LVT_ERROR = 0x370, INITIAL = 0x380,
                        CURRENT = 0x390, DIVIDE = 0x3e0;
constexpr std::uint32_t MSR_BASE = 0x1b, MSR_DEADLINE = 0x6e0, MSR_X2 = 0x800;
constexpr std::uint64_t BASE_BSP = 0x100, BASE_EXTD = 0x400, BASE_EN = 0x800;

// What an APIC said to the outside.
struct fake_bus {
    std::vector<struct ipi_msg> sent;
    std::vector<std::uint8_t> startups, eoi_broadcasts;
    int nmis = 0, inits = 0, intas = 0;
    std::uint8_t inta_vector = 0x77; // what the 8259s supply

    struct lapic_bus callbacks()
    {
        struct lapic_bus bus = {};
        bus.ctx = this;
        bus.send = [](void *ctx, const struct ipi_msg *msg) { static_cast<fake_bus *>(ctx)->sent.push_back(*msg); };
        bus.nmi = [](void *ctx) { static_cast<fake_bus *>(ctx)->nmis++; };
        bus.init = [](void *ctx) { static_cast<fake_bus *>(ctx)->inits++; };
        bus.startup = [](void *ctx, std::uint8_t vector) { static_cast<fake_bus *>(ctx)->startups.push_back(vector); };
        bus.eoi_broadcast = [](void *ctx, std::uint8_t vector) {
            static_cast<fake_bus *>(ctx)->eoi_broadcasts.push_back(vector);
        };
        bus.inta = [](void *ctx) {
            static_cast<fake_bus *>(ctx)->intas++;
            return static_cast<fake_bus *>(ctx)->inta_vector;
        };
        return bus;
    }
};

inline struct lapic_config default_config(std::uint32_t apic_id = 3)
{
    return {apic_id,
            /*bsp*/ false,
            /*x2apic*/ true,
            /*physical_address_width*/ 46,
            /*timer_cycles_per_tick*/ 1,
            /*tsc_deadline*/ true,
            /*focus_checking*/ false};
}

// One APIC, in xAPIC mode, software enabled with spurious vector FFH.
class lapic_test : public ::testing::Test
{
  public:
    void SetUp() override { start(default_config()); }
    void TearDown() override { lapic_destroy(l); }

    void start(const struct lapic_config &config)
    {
        lapic_destroy(l);
        bus = fake_bus();
        struct lapic_bus callbacks = bus.callbacks();
        l = lapic_create(&config, &callbacks);
        ASSERT_NE(l, nullptr);
        write(SVR, 0x1ff);
    }

    std::uint32_t read(std::uint32_t offset)
    {
        if (lapic_is_x2apic(l)) {
            std::uint64_t value = 0;
            EXPECT_EQ(lapic_msr_read(l, MSR_X2 + offset / 16, now, &value), VP_OK) << std::hex << offset;
            return static_cast<std::uint32_t>(value);
        }
        return static_cast<std::uint32_t>(lapic_mmio_read(l, offset, 4, now));
    }
    void write(std::uint32_t offset, std::uint64_t value)
    {
        if (lapic_is_x2apic(l))
            EXPECT_EQ(lapic_msr_write(l, MSR_X2 + offset / 16, value, now), VP_OK) << std::hex << offset;
        else
            lapic_mmio_write(l, offset, 4, value, now);
    }
    bool msr_write(std::uint32_t msr, std::uint64_t value) { return lapic_msr_write(l, msr, value, now) == VP_OK; }
    bool msr_read(std::uint32_t msr)
    {
        std::uint64_t value = 0;
        return lapic_msr_read(l, msr, now, &value) == VP_OK;
    }
    std::uint64_t msr(std::uint32_t number)
    {
        std::uint64_t value = 0;
        EXPECT_EQ(lapic_msr_read(l, number, now, &value), VP_OK) << std::hex << number;
        return value;
    }
    void enter_x2apic() { ASSERT_TRUE(msr_write(MSR_BASE, msr(MSR_BASE) | BASE_EN | BASE_EXTD)); }

    static struct ipi_msg message(std::uint8_t vector, std::uint8_t mode = IPI_FIXED)
    {
        struct ipi_msg msg = {};
        msg.vector = vector;
        msg.delivery_mode = mode;
        msg.assert_level = true;
        return msg;
    }
    bool accept(std::uint8_t vector, std::uint8_t mode = IPI_FIXED)
    {
        struct ipi_msg msg = message(vector, mode);
        return lapic_accept(l, &msg, now);
    }
    bool accept_level(std::uint8_t vector)
    {
        struct ipi_msg msg = message(vector);
        msg.level = true;
        return lapic_accept(l, &msg, now);
    }
    std::uint8_t ack() { return lapic_ack(l, nullptr, nullptr); }
    bool bit(std::uint32_t group, std::uint8_t vector)
    {
        return (lapic_debug_read(l, group + 16u * (vector / 32u), now) >> (vector % 32) & 1) != 0;
    }
    std::uint32_t errors() // since the last call
    {
        write(ESR, 0);
        return read(ESR);
    }

    struct lapic *l = nullptr;
    fake_bus bus;
    std::uint64_t now = 1000;
};

#endif
