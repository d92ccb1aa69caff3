/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID: feature bits from cpu_features.def and the configuration, topology, caches, clock rates. What is not
 * implemented is not enumerated. Source: SDM Vol. 2, "CPUID". */
#include "wait.h"
#include "xsave.h"

#include <string.h>

enum { OUT_A, OUT_B, OUT_C, OUT_D };

#define MAX_BASIC_LEAF 0x1fu
#define MAX_EXTENDED_LEAF 0x80000008u
/* Family 6, model 8FH, stepping 8: the first part with user interrupts. Also in EDX after RESET. */
#define SIGNATURE 0x000806f8u
#define APIC_BASE_MSR 0x1bu
#define APIC_BASE_ENABLED (1u << 11)

struct feature_place {
    uint32_t leaf, subleaf;
    uint8_t reg, bit;
};

static const struct feature_place places[] = {
#define REG_a OUT_A
#define REG_b OUT_B
#define REG_c OUT_C
#define REG_d OUT_D
#define CPU_FEATURE(name, leaf, subleaf, reg, bit, is_default, sentence) {leaf, subleaf, REG_##reg, bit},
#include "cpu_features.def"
#undef CPU_FEATURE
};

static void add_features(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++)
        if (places[i].leaf == leaf && places[i].subleaf == subleaf && cpu_has_feature(cpu, (enum cpu_feature)i))
            out[places[i].reg] |= 1u << places[i].bit;
}

/* Bits of the APIC ID below the package: enough for all cores. */
static unsigned core_id_bits(const struct cpu *cpu)
{
    unsigned bits = 0;
    while ((1u << bits) < cpu->config.cores)
        bits++;
    return bits;
}

static void vendor(uint32_t max_leaf, uint32_t out[4])
{
    static const char name[] = "GenuntelineI"; /* EBX, ECX, EDX: "Genu" "ntel" "ineI" */
    out[OUT_A] = max_leaf;
    memcpy(&out[OUT_B], name, 12);
}

static void leaf_1(struct cpu *cpu, uint32_t out[4])
{
    uint32_t ids = 1u << core_id_bits(cpu);
    out[OUT_A] = SIGNATURE;
    out[OUT_B] = cpu->config.apic_id << 24 | (ids > 255 ? 255 : ids) << 16;
    if (cpu_has_feature(cpu, CPU_FEATURE_clfsh))
        out[OUT_B] |= 8 << 8; /* 64 bytes */
    if (cpu->config.cores > 1)
        out[OUT_D] |= 1u << 28; /* HTT: the field above means something */
    if (!(cpu->misc_enable & MISC_ENABLE_MONITOR))
        out[OUT_C] &= ~(1u << 3);
    if (cpu->cr4 & CR4_OSXSAVE)
        out[OUT_C] |= 1u << 27;
    /* The APIC bit follows the global enable of IA32_APIC_BASE. */
    uint64_t base = 0;
    if (cpu_bus(cpu)->apic_msr_read(cpu->bus.ctx, APIC_BASE_MSR, &base) == VP_OK && !(base & APIC_BASE_ENABLED))
        out[OUT_D] &= ~(1u << 9);
}

/* Deterministic cache parameters: L1 data, L1 instruction, L2, L3. */
static void leaf_4(const struct cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    static const struct {
        uint8_t type, level; /* 1 data, 2 instruction, 3 unified */
        uint16_t ways;
        uint32_t sets;
        bool shared;
    } caches[] = {{1, 1, 12, 64, false}, {2, 1, 8, 64, false}, {3, 2, 16, 2048, false}, {3, 3, 15, 32768, true}};
    if (subleaf >= sizeof caches / sizeof caches[0])
        return;
    uint32_t ids = 1u << core_id_bits(cpu);
    uint32_t sharing = caches[subleaf].shared ? (ids > 4096 ? 4096 : ids) : 1, cores = ids > 64 ? 64 : ids;
    out[OUT_A] =
        caches[subleaf].type | (uint32_t)caches[subleaf].level << 5 | 1u << 8 | (sharing - 1) << 14 | (cores - 1) << 26;
    out[OUT_B] = 63 | (uint32_t)(caches[subleaf].ways - 1) << 22; /* 64-byte lines, one partition */
    out[OUT_C] = caches[subleaf].sets - 1;
    out[OUT_D] = caches[subleaf].shared ? 1u << 2 : 0; /* complex indexing */
}

/* MONITOR and MWAIT: line sizes; extensions, and interrupts as break events even if masked; one sub-state of C1. */
static void leaf_5(const struct cpu *cpu, uint32_t out[4])
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_monitor))
        return;
    out[OUT_A] = out[OUT_B] = MONITOR_LINE;
    out[OUT_C] = 3;
    out[OUT_D] = 1u << 4;
}

/* Extended topology: one thread per core, all cores in one package. */
static void topology(const struct cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    out[OUT_C] = subleaf & 0xff;
    out[OUT_D] = cpu->config.apic_id;
    if (subleaf == 0) {
        out[OUT_B] = 1;
        out[OUT_C] |= 1u << 8; /* SMT */
    } else if (subleaf == 1) {
        out[OUT_A] = core_id_bits(cpu);
        out[OUT_B] = cpu->config.cores;
        out[OUT_C] |= 2u << 8; /* core */
    }
}

/* State components of XSAVE. */
static void leaf_d(const struct cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    uint64_t user = xsave_user_mask(cpu), supervisor = xsave_supervisor_mask(cpu);
    if (!cpu_has_feature(cpu, CPU_FEATURE_xsave))
        return;
    if (subleaf == 0) {
        out[OUT_A] = (uint32_t)user;
        out[OUT_B] = xsave_standard_size(cpu, cpu->xcr0);
        out[OUT_C] = xsave_standard_size(cpu, user);
        out[OUT_D] = (uint32_t)(user >> 32);
    } else if (subleaf == 1) { /* EAX: features */
        if (cpu_has_feature(cpu, CPU_FEATURE_xsavec))
            out[OUT_B] = xsave_compacted_size(cpu, cpu->xcr0 | cpu->xss);
        out[OUT_C] = (uint32_t)supervisor;
        out[OUT_D] = (uint32_t)(supervisor >> 32);
    } else if (subleaf < XSAVE_COMPONENTS) {
        struct xsave_component c = xsave_component(cpu, subleaf);
        out[OUT_A] = c.size;
        out[OUT_B] = c.offset;
        out[OUT_C] = c.is_supervisor;
    }
}

/* TSC and crystal: the TSC counts core cycles, the crystal drives the APIC timer. Its frequency is rounded up, or
 * guests that calculate the TSC's in whole MHz find one too few. */
static void leaf_15(const struct cpu *cpu, uint32_t out[4])
{
    uint32_t ratio = cpu->config.timer_cycles_per_tick;
    out[OUT_A] = 1;
    out[OUT_B] = ratio;
    out[OUT_C] = (uint32_t)((cpu->config.clock_hz + ratio - 1) / ratio);
}

static void leaf_16(const struct cpu *cpu, uint32_t out[4])
{
    uint32_t mhz = (uint32_t)(cpu->config.clock_hz / 1000000u);
    out[OUT_A] = out[OUT_B] = mhz > 0xffff ? 0xffff : mhz;
    out[OUT_C] = 100;
}

static void basic_leaf(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    switch (leaf) {
    case 0: vendor(cpu->misc_enable & MISC_ENABLE_LIMIT_CPUID ? 2 : MAX_BASIC_LEAF, out); break;
    case 1: leaf_1(cpu, out); break;
    case 2: out[OUT_A] = 0x0000ff01; break; /* caches: see leaf 4 */
    case 4: leaf_4(cpu, subleaf, out); break;
    case 5: leaf_5(cpu, out); break;
    case 7: out[OUT_A] = subleaf == 0 ? 1 : 0; break; /* the last sub-leaf is 1 */
    case 0xb:
    case 0x1f: topology(cpu, subleaf, out); break;
    case 0xd: leaf_d(cpu, subleaf, out); break;
    case 0x15: leaf_15(cpu, out); break;
    case 0x16: leaf_16(cpu, out); break;
    default: break;
    }
}

static void extended_leaf(const struct cpu *cpu, uint32_t leaf, uint32_t out[4])
{
    static const char brand[48] = "uintr-vp x86-64 core";
    switch (leaf) {
    case 0x80000000: out[OUT_A] = MAX_EXTENDED_LEAF; break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: memcpy(out, brand + 16 * (leaf - 0x80000002), 16); break;
    case 0x80000006: out[OUT_C] = 64 | 8u << 12 | 2048u << 16; break; /* L2: line, 16 ways, KiB */
    case 0x80000008: out[OUT_A] = cpu->config.physical_address_width | CPU_LINEAR_WIDTH << 8; break;
    default: break;
    }
}

void cpu_cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    bool extended = leaf >= 0x80000000u && leaf <= MAX_EXTENDED_LEAF;
    bool has_subleaves;
    if (!extended && leaf > MAX_BASIC_LEAF)
        leaf = MAX_BASIC_LEAF; /* "INPUT EAX = out of range: the highest basic leaf" */
    has_subleaves = leaf == 7 || leaf == 0xd;
    memset(out, 0, 4 * sizeof out[0]);
    add_features(cpu, leaf, has_subleaves ? subleaf : 0, out);
    if (extended)
        extended_leaf(cpu, leaf, out);
    else
        basic_leaf(cpu, leaf, subleaf, out);
    if (leaf == 0x80000001 && !(cpu->mode & MODE_CODE64))
        out[OUT_D] &= ~(1u << 11); /* SYSCALL is enumerated in 64-bit mode only */
    if (leaf == 0x80000001 && (cpu->misc_enable & MISC_ENABLE_XD_DISABLE))
        out[OUT_D] &= ~(1u << 20);
}
