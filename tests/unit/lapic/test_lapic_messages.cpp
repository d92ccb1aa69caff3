// SPDX-License-Identifier: Apache-2.0
// From a write of ICR to the receivers: every delivery mode, destination mode and shorthand in both APIC modes, and
// random destinations, against a second reading of SDM Vol. 3, "Determining IPI Destination" and table "Valid
// Combinations ... Interrupt Command Register".
#include "interconnect.h"
#include "lapic_fixture.h"

#include <array>
#include <memory>
#include <random>

namespace
{

constexpr std::size_t APICS = 6;
constexpr std::uint8_t VECTOR = 0x41;

enum class model { flat, cluster, undefined };

// What the oracle knows of an APIC.
struct member {
    std::uint32_t id = 0;
    bool enabled = true, software_enabled = true, x2apic = false;
    model destinations = model::flat;
    std::uint8_t logical_id = 0, priority = 0;
};

// What an APIC got.
struct receipt {
    bool fixed, nmi, init, startup;
    bool any() const { return fixed || nmi || init || startup; }
};

bool oracle_matches(const member &m, std::uint32_t destination, bool logical, bool sender_x2apic)
{
    if (destination == (sender_x2apic ? 0xffffffffu : 0xffu))
        return true;
    if (!logical)
        return destination == (m.x2apic ? m.id : m.id % 256);
    if (m.x2apic)
        return destination / 0x10000 == m.id / 16 && (destination >> (m.id % 16) & 1) != 0;
    if (destination > 0xff || m.destinations == model::undefined)
        return false;
    if (m.destinations == model::flat)
        return (destination & m.logical_id) != 0;
    return destination / 16 == m.logical_id / 16u && (destination & m.logical_id & 0xf) != 0;
}

class lapic_message_test : public ::testing::Test
{
  public:
    void SetUp() override
    {
        struct interconnect_config config = {};
        config.latency_cycles = 10;
        ic = interconnect_create(&config);
    }
    void TearDown() override
    {
        interconnect_destroy(ic);
        clear();
    }
    void clear()
    {
        for (struct lapic *&l : apics) {
            lapic_destroy(l);
            l = nullptr;
        }
    }

    void build(const std::array<member, APICS> &wanted)
    {
        clear();
        members = wanted;
        for (std::size_t i = 0; i < APICS; i++) {
            const member &m = members[i];
            buses[i] = fake_bus();
            const struct lapic_config config = default_config(m.id);
            const struct lapic_bus callbacks = buses[i].callbacks();
            apics[i] = lapic_create(&config, &callbacks);
            const std::uint32_t dfr[] = {0xffffffff, 0x0fffffff, 0x5fffffff};
            lapic_mmio_write(apics[i], DFR, 4, dfr[static_cast<int>(m.destinations)], 0);
            lapic_mmio_write(apics[i], LDR, 4, static_cast<std::uint32_t>(m.logical_id) << 24, 0);
            lapic_mmio_write(apics[i], TPR, 4, m.priority, 0);
            lapic_mmio_write(apics[i], SVR, 4, m.software_enabled ? 0x1ff : 0xff, 0);
            for (std::uint64_t base : {m.x2apic ? 0xfee00c00u : 0xfee00800u, m.enabled ? 0u : 0xfee00000u})
                if (base != 0) {
                    ASSERT_EQ(lapic_msr_write(apics[i], MSR_BASE, base, 0), VP_OK);
                }
        }
    }

    // Writes ICR at `from` and carries what leaves to whom the interconnect says. `pending`: with IRR looked at.
    std::array<receipt, APICS> send(std::size_t from, std::uint32_t destination, std::uint32_t low)
    {
        struct lapic *l = apics[from];
        for (fake_bus &b : buses)
            b = fake_bus();
        if (members[from].x2apic) {
            EXPECT_EQ(lapic_msr_write(l, 0x830, std::uint64_t{destination} << 32 | low, 0), VP_OK);
        } else {
            lapic_mmio_write(l, ICR_HIGH, 4, destination << 24, 0);
            lapic_mmio_write(l, ICR, 4, low, 0);
        }
        for (const struct ipi_msg &msg : buses[from].sent) {
            std::array<std::size_t, APICS> targets{};
            const std::size_t count = interconnect_route(ic, &msg, apics.data(), APICS, from, targets.data());
            for (std::size_t i = 0; i < count; i++)
                (void)lapic_accept(apics[targets[i]], &msg, 0);
        }
        std::array<receipt, APICS> got{};
        for (std::size_t i = 0; i < APICS; i++) {
            const bool pending = (lapic_debug_read(apics[i], IRR + 16 * (VECTOR / 32), 0) >> (VECTOR % 32) & 1) != 0;
            got[i] = {pending, buses[i].nmis == 1, buses[i].inits == 1, buses[i].startups.size() == 1};
            if (pending) {
                lapic_set_cr8(apics[i], 0);
                EXPECT_EQ(lapic_ack(apics[i], nullptr, nullptr), VECTOR);
                lapic_eoi(apics[i]);
                lapic_set_cr8(apics[i], members[i].priority >> 4);
            }
        }
        return got;
    }

    // The set of APICs that the manual says, with lowest priority not yet chosen.
    std::array<bool, APICS> expected(std::size_t from, std::uint32_t destination, std::uint32_t low)
    {
        const unsigned mode = low >> 8 & 7, shorthand = low >> 18 & 3;
        const bool logical = (low & 0x800) != 0;
        const bool deassert = mode == IPI_INIT && (low & 0xc000) == 0x8000;
        const bool valid = mode == IPI_FIXED || (mode != IPI_SMI && mode != 3 && mode != IPI_EXTINT &&
                                                 (shorthand == IPI_TO_DESTINATION || shorthand == IPI_TO_OTHERS));
        std::array<bool, APICS> set{};
        for (std::size_t i = 0; i < APICS; i++) {
            const member &m = members[i];
            bool reached = false;
            switch (shorthand) {
            case IPI_TO_SELF: reached = i == from; break;
            case IPI_TO_ALL: reached = true; break;
            case IPI_TO_OTHERS: reached = i != from; break;
            default: reached = oracle_matches(m, destination, logical, members[from].x2apic); break;
            }
            const bool needs_software = mode == IPI_FIXED || mode == IPI_LOWEST_PRIORITY;
            set[i] = valid && !deassert && reached && m.enabled && members[from].enabled &&
                     (m.software_enabled || !needs_software);
        }
        return set;
    }

    void check(std::size_t from, std::uint32_t destination, std::uint32_t low)
    {
        const unsigned mode = low >> 8 & 7;
        const std::array<bool, APICS> set = expected(from, destination, low);
        const std::array<receipt, APICS> got = send(from, destination, low);
        std::size_t reached = 0, candidates = 0;
        std::uint8_t least = 0xff;
        for (std::size_t i = 0; i < APICS; i++) {
            candidates += set[i] ? 1 : 0;
            if (set[i])
                least = std::min(least, members[i].priority);
        }
        for (std::size_t i = 0; i < APICS; i++) {
            SCOPED_TRACE(::testing::Message() << "from " << from << " to " << i << std::hex << " destination "
                                              << destination << " ICR " << low);
            reached += got[i].any() ? 1 : 0;
            if (mode == IPI_LOWEST_PRIORITY) {
                EXPECT_FALSE(got[i].nmi || got[i].init || got[i].startup);
                if (got[i].fixed) {
                    EXPECT_TRUE(set[i]);
                    EXPECT_EQ(members[i].priority, least);
                }
                continue;
            }
            EXPECT_EQ(got[i].fixed, set[i] && mode == IPI_FIXED);
            EXPECT_EQ(got[i].nmi, set[i] && mode == IPI_NMI);
            EXPECT_EQ(got[i].init, set[i] && mode == IPI_INIT);
            EXPECT_EQ(got[i].startup, set[i] && mode == IPI_STARTUP);
        }
        if (mode == IPI_LOWEST_PRIORITY) {
            EXPECT_EQ(reached, candidates > 0 ? 1u : 0u) << std::hex << destination << " " << low;
        }
    }

    std::array<fake_bus, APICS> buses;
    std::array<struct lapic *, APICS> apics{};
    std::array<member, APICS> members;
    struct interconnect *ic = nullptr;
};

TEST_F(lapic_message_test, every_delivery_mode_destination_mode_and_shorthand)
{
    for (bool x2apic : {false, true}) {
        std::array<member, APICS> wanted;
        for (std::size_t i = 0; i < APICS; i++) {
            wanted[i].id = static_cast<std::uint32_t>(i);
            wanted[i].x2apic = x2apic;
            wanted[i].logical_id = static_cast<std::uint8_t>(1u << i);
            wanted[i].priority = static_cast<std::uint8_t>(0x50 - 0x10 * (i % 3));
        }
        wanted[4].software_enabled = false;
        wanted[5].enabled = false;
        build(wanted);
        for (std::uint32_t mode = 0; mode < 8; mode++)
            for (std::uint32_t rest = 0; rest < 64; rest++) { // shorthand, level, trigger, destination mode
                const std::uint32_t low =
                    (rest & 3) << 18 | (rest >> 2 & 3) << 14 | (rest >> 4 & 1) << 11 | mode << 8 | VECTOR;
                for (std::uint32_t destination : {0x00u, 0x01u, 0x03u, 0x04u, 0x2au, 0x3fu, x2apic ? ~0u : 0xffu})
                    for (std::size_t from : {0u, 3u, 4u})
                        check(from, destination, low);
            }
    }
}

// Any mixture of modes, IDs and models.
TEST_F(lapic_message_test, random_machines_and_destinations_match_the_oracle)
{
    std::mt19937 random(20260101);
    const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    for (int machine = 0; machine < 300; machine++) {
        std::array<member, APICS> wanted;
        for (std::size_t i = 0; i < APICS; i++) {
            member &m = wanted[i];
            m.id = below(3) ? static_cast<std::uint32_t>(i) + 16 * below(3) : below(0x20000);
            m.x2apic = below(2) != 0;
            m.enabled = below(8) != 0;
            m.software_enabled = below(8) != 0;
            m.destinations = static_cast<model>(below(3));
            m.logical_id = static_cast<std::uint8_t>(random());
            m.priority = static_cast<std::uint8_t>(below(16) << 4);
        }
        build(wanted);
        for (int n = 0; n < 60; n++) {
            const std::uint32_t from = below(APICS);
            if (!members[from].enabled)
                continue;
            const member &aim = members[below(APICS)];
            auto destination = static_cast<std::uint32_t>(random());
            const bool logical = below(2) != 0;
            if (below(4) != 0) // somebody that exists, or nearly
                destination = !logical ? aim.id : aim.x2apic ? aim.id / 16 << 16 | below(0x10000) : aim.logical_id;
            if (below(16) == 0)
                destination = below(2) ? 0xff : 0xffffffff;
            if (!members[from].x2apic)
                destination &= 0xff;
            const std::uint32_t shorthand = below(3) ? 0 : below(4);
            check(from, destination,
                  shorthand << 18 | below(4) << 14 | (logical ? 0x800u : 0u) | below(8) << 8 | VECTOR);
        }
    }
}

} // namespace
