// SPDX-License-Identifier: Apache-2.0
// CPUID and the named features of the configuration. Judge: SDM Vol. 2, "CPUID".
#include "system_fixture.h"

#include <set>
#include <string>

namespace
{
struct leaf {
    std::uint32_t a, b, c, d;
};

class cpuid : public system_fixture
{
  protected:
    leaf ask(std::uint32_t number, std::uint32_t subleaf = 0)
    {
        std::uint32_t out[4];
        core_cpuid(core, number, subleaf, out);
        return {out[0], out[1], out[2], out[3]};
    }
    static std::string text(std::initializer_list<std::uint32_t> words)
    {
        std::string s;
        for (std::uint32_t w : words)
            s.append(reinterpret_cast<const char *>(&w), 4);
        return s;
    }
};

TEST_F(cpuid, vendor_and_last_leaves)
{
    const leaf l = ask(0);
    EXPECT_EQ(l.a, 0x1fu);
    EXPECT_EQ(text({l.b, l.d, l.c}), "GenuineIntel");
    EXPECT_EQ(ask(0x80000000).a, 0x80000008u);
}

TEST_F(cpuid, signature_is_that_of_a_part_with_user_interrupts)
{
    EXPECT_EQ(ask(1).a, 0x000806f8u);
    EXPECT_EQ(ask(1).b >> 8 & 0xff, 8u) << "CLFLUSH line of 64 bytes";
}

TEST_F(cpuid, every_feature_shows_in_its_bit_and_only_there)
{
    struct place {
        const char *name;
        std::uint32_t leaf, subleaf;
        char reg;
        unsigned bit;
    };
    static const place places[] = {
#define CPU_FEATURE(name, leaf, subleaf, reg, bit, is_default, sentence) {#name, leaf, subleaf, *#reg, bit},
#include "cpu_features.def"
#undef CPU_FEATURE
    };
    std::set<std::string> seen;
    for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++) {
        const place &p = places[i];
        EXPECT_TRUE(seen.insert(p.name).second) << p.name;
        const std::string id = std::to_string(p.leaf) + "/" + std::to_string(p.subleaf) + p.reg + std::to_string(p.bit);
        EXPECT_TRUE(seen.insert(id).second) << p.name << " shares its bit";
        for (bool on : {false, true}) {
            for (unsigned f = 0; f < CPU_FEATURE_COUNT; f++)
                config.features.has[f] = (f == i) == on;
            create();
            state.seg[CORE_CS].attr |= 0x2000; // 64-bit mode: SYSCALL is enumerated there
            state.efer = bits::EFER_LME | bits::EFER_LMA;
            set();
            const leaf l = ask(p.leaf, p.subleaf);
            const std::uint32_t v = p.reg == 'a' ? l.a : p.reg == 'b' ? l.b : p.reg == 'c' ? l.c : l.d;
            EXPECT_EQ(v >> p.bit & 1, on ? 1u : 0u) << p.name;
        }
    }
}

TEST_F(cpuid, nothing_unimplemented_is_enumerated)
{
    EXPECT_EQ(ask(7).d & 0x20, 0x20u) << "user interrupts";
    EXPECT_EQ(ask(7, 0).a, 1u);
    EXPECT_EQ(ask(7, 2).d, 0u);
    EXPECT_EQ(ask(1).c & (1u << 27 | 1u << 28 | 1u << 31), 0u) << "OSXSAVE (CR4 is 0), AVX, hypervisor";
    EXPECT_EQ(ask(7).c & 1u << 16, 0u) << "LA57";
}

TEST_F(cpuid, apic_bit_follows_the_global_enable)
{
    EXPECT_NE(ask(1).d & 0x200, 0u);
    apic_msrs[0x1b] &= ~std::uint64_t{0x800};
    EXPECT_EQ(ask(1).d & 0x200, 0u);
}

TEST_F(cpuid, topology)
{
    config.cores = 6;
    config.index = 5;
    config.apic_id = 5;
    create();
    EXPECT_EQ(ask(1).b >> 24, 5u);
    EXPECT_EQ(ask(1).b >> 16 & 0xff, 8u) << "rounded up to a power of two";
    EXPECT_NE(ask(1).d & 1u << 28, 0u);
    for (std::uint32_t number : {0xbu, 0x1fu}) {
        const leaf thread = ask(number, 0), cores = ask(number, 1), end = ask(number, 2);
        EXPECT_EQ(thread.a, 0u);
        EXPECT_EQ(thread.b, 1u);
        EXPECT_EQ(thread.c, 0x100u);
        EXPECT_EQ(cores.a, 3u);
        EXPECT_EQ(cores.b, 6u);
        EXPECT_EQ(cores.c, 0x201u);
        EXPECT_EQ(end.b, 0u);
        EXPECT_EQ(end.c, 2u);
        for (const leaf &l : {thread, cores, end})
            EXPECT_EQ(l.d, 5u);
    }
}

TEST_F(cpuid, caches)
{
    std::uint64_t sizes[4];
    for (std::uint32_t i = 0; i < 4; i++) {
        const leaf l = ask(4, i);
        EXPECT_NE(l.a & 0x1f, 0u);
        sizes[i] = ((l.b >> 22) + 1) * (std::uint64_t{l.b >> 12 & 0x3ff} + 1) * ((l.b & 0xfff) + 1) * (l.c + 1);
    }
    EXPECT_EQ(sizes[0], 48u << 10);
    EXPECT_EQ(sizes[1], 32u << 10);
    EXPECT_EQ(sizes[2], 2u << 20);
    EXPECT_EQ(sizes[3], 30u << 20);
    EXPECT_EQ(ask(4, 4).a & 0x1f, 0u);
}

TEST_F(cpuid, clock_rates)
{
    const leaf l = ask(0x15);
    EXPECT_EQ(l.a, 1u);
    EXPECT_EQ(l.b, 80u);
    EXPECT_EQ(l.c, 25000000u);
    EXPECT_EQ(std::uint64_t{l.c} * l.b / l.a, config.clock_hz);
    EXPECT_EQ(ask(0x16).a, 2000u);
    config.clock_hz = 3200000000; // 84 does not divide it
    config.timer_cycles_per_tick = 84;
    create();
    const leaf odd = ask(0x15);
    EXPECT_EQ(std::uint64_t{odd.c} * odd.b / odd.a / 1000000, 3200u) << "MHz, as guests calculate it";
    EXPECT_EQ(ask(0x16).a, 3200u);
}

TEST_F(cpuid, address_widths_and_name)
{
    EXPECT_EQ(ask(0x80000008).a & 0xffff, 40u | 48u << 8);
    const leaf l = ask(0x80000002);
    EXPECT_EQ(text({l.a, l.b}), "uintr-vp");
}

TEST_F(cpuid, beyond_the_last_leaf_answers_the_last_basic_one)
{
    for (std::uint32_t number : {0x20u, 0x40000000u, 0x80000009u, 0xffffffffu})
        EXPECT_EQ(ask(number, 1).b, ask(0x1f, 1).b);
}

TEST_F(cpuid, syscall_is_enumerated_in_64_bit_mode_only) { EXPECT_EQ(ask(0x80000001).d & 1u << 11, 0u); }

TEST_F(cpuid, feature_names)
{
    for (int i = 0; i < CPU_FEATURE_COUNT; i++)
        EXPECT_EQ(cpu_feature_find(cpu_feature_name(static_cast<cpu_feature>(i))), i);
    EXPECT_EQ(cpu_feature_name(CPU_FEATURE_COUNT), nullptr);
    EXPECT_EQ(cpu_feature_find("no-such-feature"), -1);
    EXPECT_TRUE(cpu_features_default().has[CPU_FEATURE_uintr]);
}
} // namespace
