/* SPDX-License-Identifier: Apache-2.0 */
/* Model-specific registers: one row each, with the feature that brings it and what a write must satisfy. A number
 * without a row is #GP(0), as on the processor. Registers of the local APIC go to the bus, those of user interrupts to
 * the UINTR unit. Source: SDM Vol. 4, "Architectural MSRs"; Vol. 3, "Time-Stamp Counter", "Memory Type Range Registers
 * (MTRRs)", "Page Attribute Table (PAT)", "Machine-Check MSRs". */
#include "protect.h"
#include "xsave.h"

#include <string.h>

#define MICROCODE_REVISION 0x2b000000u
#define MSR_MPERF 0xe7u

struct msr_row {
    uint32_t first, last;
    const char *name;
    int feature;            /* enum cpu_feature, or -1 for every core                    */
    bool canonical;         /* written values must be canonical                          */
    enum timing_event cost; /* of a write; left out: msr_other                       */
    uint64_t reserved;      /* written values must not have these bits: #GP(0)           */
    size_t offset;          /* storage in struct cpu, for rows without functions         */
    /* VP_FAULT is #GP(0); the caller raises it. */
    enum vp_status (*read)(struct cpu *cpu, uint32_t msr, uint64_t *value);
    enum vp_status (*write)(struct cpu *cpu, uint32_t msr, uint64_t value);
};

/* --- registers whose value is a constant --- */
static enum vp_status refuse_write(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)cpu, (void)msr, (void)value;
    return VP_FAULT;
}

static enum vp_status ignore_write(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)cpu, (void)msr, (void)value;
    return VP_OK;
}

static enum vp_status refuse_read(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu, (void)msr, (void)value;
    return VP_FAULT;
}

static enum vp_status read_zero(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu, (void)msr;
    *value = 0;
    return VP_OK;
}

static enum vp_status read_microcode_revision(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu, (void)msr;
    *value = (uint64_t)MICROCODE_REVISION << 32;
    return VP_OK;
}

/* RDCL_NO (0), SKIP_L1DFL_VMENTRY (3), SSB_NO (4), MDS_NO (5), PSCHANGE_MC_NO (6), TAA_NO (8), SBDR_SSDP_NO, FBSDP_NO,
 * PSDP_NO (13 to 15), BHI_NO (20), PBRSB_NO (24), GDS_NO (26), RFDS_NO (27), ITS_NO (62): no leak of this kind exists
 * in a model. IBRS_ALL is not claimed, as there is no IBRS. SDM Vol. 4, IA32_ARCH_CAPABILITIES. */
static enum vp_status read_arch_capabilities(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu, (void)msr;
    static const uint8_t bits[] = {0, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27, 62};
    *value = 0;
    for (size_t i = 0; i < sizeof bits; i++)
        *value |= UINT64_C(1) << bits[i];
    return VP_OK;
}

/* --- clocks: one rate, that of the TSC, in units of 100 MHz. Model-specific registers of the part whose signature
 * CPUID shows, which drivers read without asking. SDM Vol. 4, "MSRs in the 3rd Generation Intel Xeon" and its
 * successors. */
static uint64_t clock_ratio(const struct cpu *cpu)
{
    uint64_t ratio = cpu->config.clock_hz / 100000000u;
    return ratio == 0 ? 1 : ratio > 0xff ? 0xff : ratio;
}

static enum vp_status read_platform_info(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = clock_ratio(cpu) << 8 | clock_ratio(cpu) << 40; /* at most without turbo, at least */
    return VP_OK;
}

static enum vp_status read_turbo_ratios(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = clock_ratio(cpu) * 0x0101010101010101u; /* for any number of cores */
    return VP_OK;
}

static enum vp_status read_perf_status(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = clock_ratio(cpu) << 8;
    return VP_OK;
}

/* Branch trace and PEBS are unavailable (11, 12), performance monitoring is not there (7): read only. */
static enum vp_status write_misc_enable(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    const uint64_t read_only = 1u << 7 | 1u << 11 | 1u << 12;
    cpu->misc_enable = (value & ~read_only) | (cpu->misc_enable & read_only);
    return VP_OK;
}

/* Eight variable ranges, fixed ranges, write-combining. */
static enum vp_status read_mtrrcap(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu, (void)msr;
    *value = 8 | 1u << 8 | 1u << 10;
    return VP_OK;
}

/* --- time: the TSC is the core's cycle plus an offset, which is also IA32_TSC_ADJUST (zero at RESET) --- */
static void set_tsc_offset(struct cpu *cpu, uint64_t offset)
{
    cpu->tsc_offset = offset;
    cpu_bus(cpu)->apic_set_tsc_offset(cpu->bus.ctx, offset);
    cpu_signal_interrupt(cpu); /* a deadline may have moved */
    cpu_user_timer_changed(cpu);
}

static enum vp_status read_tsc(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = cpu_now(cpu) + cpu->tsc_offset;
    return VP_OK;
}

static enum vp_status write_tsc(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    set_tsc_offset(cpu, value - cpu_now(cpu));
    return VP_OK;
}

static enum vp_status write_tsc_adjust(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    set_tsc_offset(cpu, value);
    return VP_OK;
}

/* IA32_MPERF counts at the rate of the TSC, IA32_APERF at the actual one, both in C0 only; the rate never changes, so
 * that they differ by what was written to them. SDM Vol. 3, "Hardware Coordination Feedback". */
static uint64_t cycles_in_c0(const struct cpu *cpu) { return cpu_now(cpu) - cpu->retired_idle; }

static enum vp_status read_perf(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    *value = cycles_in_c0(cpu) + cpu->perf_offset[msr - MSR_MPERF];
    return VP_OK;
}

static enum vp_status write_perf(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    cpu->perf_offset[msr - MSR_MPERF] = value - cycles_in_c0(cpu);
    return VP_OK;
}

/* --- modes and bases --- */
static enum vp_status write_efer(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    return cpu_write_efer(cpu, value);
}

static enum vp_status read_segment_base(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    *value = cpu->seg[msr == 0xc0000100 ? SEG_FS : SEG_GS].base;
    return VP_OK;
}

static enum vp_status write_segment_base(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    cpu->seg[msr == 0xc0000100 ? SEG_FS : SEG_GS].base = value;
    return VP_OK;
}

/* --- memory types (storage with their rules) --- */
/* Each byte is a memory type: UC, WC, WT, WP, WB; UC- (7) in the PAT only. */
static bool types_are_valid(uint64_t value, bool is_pat)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned type = (value >> (8 * i)) & 0xff;
        if (type == 2 || type == 3 || type > (is_pat ? 7u : 6u))
            return false;
    }
    return true;
}

static enum vp_status write_pat(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (!types_are_valid(value, true))
        return VP_FAULT;
    cpu->pat = value;
    return VP_OK;
}

static uint64_t beyond_physical(const struct cpu *cpu)
{
    return ~((UINT64_C(1) << cpu->config.physical_address_width) - 1);
}

static enum vp_status read_mtrr_variable(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    *value = cpu->mtrr_var[msr - 0x200];
    return VP_OK;
}

/* Even: base and type; odd: mask and valid bit. */
static enum vp_status write_mtrr_variable(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    uint64_t reserved = beyond_physical(cpu) | ((msr & 1) ? 0x7ff : 0xf00);
    if ((value & reserved) || (!(msr & 1) && !types_are_valid(value & 0xff, false)))
        return VP_FAULT;
    cpu->mtrr_var[msr - 0x200] = value;
    return VP_OK;
}

/* 64K_00000, 16K_80000, 16K_A0000, 4K_C0000 .. 4K_F8000. */
static unsigned mtrr_fixed_index(uint32_t msr) { return msr == 0x250 ? 0 : msr <= 0x259 ? msr - 0x257 : msr - 0x265; }

static enum vp_status read_mtrr_fixed(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    *value = cpu->mtrr_fix[mtrr_fixed_index(msr)];
    return VP_OK;
}

static enum vp_status write_mtrr_fixed(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    if (!types_are_valid(value, false))
        return VP_FAULT;
    cpu->mtrr_fix[mtrr_fixed_index(msr)] = value;
    return VP_OK;
}

static enum vp_status write_mtrr_default(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (!types_are_valid(value & 0xff, false))
        return VP_FAULT;
    cpu->mtrr_def_type = value;
    return VP_OK;
}

/* --- other models --- */
static enum vp_status read_apic(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    return cpu_bus(cpu)->apic_msr_read(cpu->bus.ctx, msr, value);
}

static enum vp_status write_apic(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    enum vp_status status = cpu_bus(cpu)->apic_msr_write(cpu->bus.ctx, msr, value);
    cpu_signal_interrupt(cpu); /* EOI, TPR, self-IPI and the timer change what is pending */
    return status;
}

static enum vp_status read_uintr(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    *value = uintr_msr_read(cpu->uintr, msr);
    return VP_OK;
}

static enum vp_status write_uintr(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    enum vp_status status = uintr_msr_write(cpu->uintr, msr, value);
    cpu_uintr_changed(cpu);
    return status;
}

static enum vp_status read_user_timer(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = uintr_timer_read(cpu->uintr);
    return VP_OK;
}

static enum vp_status write_user_timer(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    uintr_timer_write(cpu->uintr, value);
    cpu_user_timer_changed(cpu);
    return VP_OK;
}

/* --- state components of XSAVES --- */
static enum vp_status write_xss(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (value & ~xsave_supervisor_mask(cpu))
        return VP_FAULT;
    cpu->xss = value;
    return VP_OK;
}

/* --- the table --- */
#define F(name) CPU_FEATURE_##name
#define C(name) TIMING_EVENT_msr_##name
#define STORE_AT(field) .offset = offsetof(struct cpu, field)
#define UPPER_HALF UINT64_C(0xffffffff00000000)
#define ONE(n) .first = (n), .last = (n)
static const struct msr_row table[] = {
    {.first = 0x0,
     .last = 0x1,
     .name = "IA32_P5_MC_ADDR, IA32_P5_MC_TYPE",
     .feature = F(mce),
     .read = read_zero,
     .write = ignore_write},
    {ONE(0x10), .name = "IA32_TIME_STAMP_COUNTER", .feature = F(tsc), .cost = C(tsc), .read = read_tsc,
     .write = write_tsc},
    {ONE(0x17), .name = "IA32_PLATFORM_ID", .feature = -1, .read = read_zero, .write = refuse_write},
    {ONE(0x1b), .name = "IA32_APIC_BASE", .feature = F(apic), .read = read_apic, .write = write_apic},
    {ONE(0x3b), .name = "IA32_TSC_ADJUST", .feature = F(tsc_adjust), .cost = C(tsc), STORE_AT(tsc_offset),
     .write = write_tsc_adjust},
    {ONE(0x79), .name = "IA32_BIOS_UPDT_TRIG", .feature = -1, .read = refuse_read, .write = ignore_write},
    {ONE(0x8b), .name = "IA32_BIOS_SIGN_ID", .feature = -1, .read = read_microcode_revision, .write = ignore_write},
    {ONE(0xce), .name = "MSR_PLATFORM_INFO", .feature = -1, .read = read_platform_info, .write = refuse_write},
    {ONE(0xe1), .name = "IA32_UMWAIT_CONTROL", .feature = F(waitpkg), .reserved = UPPER_HALF | 2,
     STORE_AT(umwait_control)},
    {ONE(0xe2), .name = "MSR_PKG_CST_CONFIG_CONTROL", .feature = -1, .reserved = UPPER_HALF, STORE_AT(c_state_config)},
    {.first = MSR_MPERF,
     .last = MSR_MPERF + 1,
     .name = "IA32_MPERF, IA32_APERF",
     .feature = F(aperfmperf),
     .read = read_perf,
     .write = write_perf},
    {ONE(0xfe), .name = "IA32_MTRRCAP", .feature = F(mtrr), .read = read_mtrrcap, .write = refuse_write},
    {ONE(0x10a), .name = "IA32_ARCH_CAPABILITIES", .feature = F(arch_capabilities), .read = read_arch_capabilities,
     .write = refuse_write},
    {ONE(0x174), .name = "IA32_SYSENTER_CS", .feature = F(sep), STORE_AT(sysenter_cs)},
    {ONE(0x175), .name = "IA32_SYSENTER_ESP", .feature = F(sep), .canonical = true, STORE_AT(sysenter_esp)},
    {ONE(0x176), .name = "IA32_SYSENTER_EIP", .feature = F(sep), .canonical = true, STORE_AT(sysenter_eip)},
    {ONE(0x179), .name = "IA32_MCG_CAP", .feature = F(mca), .read = read_zero, .write = refuse_write},
    {ONE(0x17a), .name = "IA32_MCG_STATUS", .feature = F(mca), .reserved = ~UINT64_C(0), STORE_AT(mcg_status)},
    {ONE(0x198), .name = "IA32_PERF_STATUS", .feature = -1, .read = read_perf_status, .write = refuse_write},
    {ONE(0x199), .name = "IA32_PERF_CTL", .feature = -1, .reserved = ~UINT64_C(0x10000ffff), STORE_AT(perf_ctl)},
    {ONE(0x1a0), .name = "IA32_MISC_ENABLE", .feature = -1, .reserved = ~UINT64_C(0x400c51889), STORE_AT(misc_enable),
     .write = write_misc_enable},
    {ONE(0x1ad), .name = "MSR_TURBO_RATIO_LIMIT", .feature = -1, .read = read_turbo_ratios, .write = refuse_write},
    {ONE(0x1d9), .name = "IA32_DEBUGCTL", .feature = -1, .reserved = ~(uint64_t)(DEBUGCTL_LBR | DEBUGCTL_BTF),
     STORE_AT(debugctl)},
    {ONE(0x1fc), .name = "MSR_POWER_CTL", .feature = -1, .reserved = UPPER_HALF, STORE_AT(power_ctl)},
    {.first = 0x200,
     .last = 0x20f,
     .name = "IA32_MTRR_PHYS",
     .feature = F(mtrr),
     .read = read_mtrr_variable,
     .write = write_mtrr_variable},
    {ONE(0x250), .name = "IA32_MTRR_FIX64K", .feature = F(mtrr), .read = read_mtrr_fixed, .write = write_mtrr_fixed},
    {.first = 0x258,
     .last = 0x259,
     .name = "IA32_MTRR_FIX16K",
     .feature = F(mtrr),
     .read = read_mtrr_fixed,
     .write = write_mtrr_fixed},
    {.first = 0x268,
     .last = 0x26f,
     .name = "IA32_MTRR_FIX4K",
     .feature = F(mtrr),
     .read = read_mtrr_fixed,
     .write = write_mtrr_fixed},
    {ONE(0x277), .name = "IA32_PAT", .feature = F(pat), STORE_AT(pat), .write = write_pat},
    {ONE(0x2ff), .name = "IA32_MTRR_DEF_TYPE", .feature = F(mtrr), .reserved = ~UINT64_C(0xcff),
     STORE_AT(mtrr_def_type), .write = write_mtrr_default},
    {ONE(0x6e0), .name = "IA32_TSC_DEADLINE", .feature = F(tsc_deadline), .cost = C(tsc_deadline), .read = read_apic,
     .write = write_apic},
    {ONE(0x830), .name = "IA32_X2APIC_ICR", .feature = F(x2apic), .cost = C(x2apic_icr), .read = read_apic,
     .write = write_apic},
    {.first = 0x800,
     .last = 0x8ff,
     .name = "IA32_X2APIC",
     .feature = F(x2apic),
     .cost = C(x2apic),
     .read = read_apic,
     .write = write_apic},
    {.first = 0x985,
     .last = 0x98a,
     .name = "IA32_UINTR",
     .feature = F(uintr),
     .cost = C(uintr),
     .read = read_uintr,
     .write = write_uintr},
    {ONE(0xda0), .name = "IA32_XSS", .feature = F(xsaves), STORE_AT(xss), .write = write_xss},
    {ONE(UINTR_MSR_TIMER), .name = "IA32_UINTR_TIMER", .feature = F(utmr), .cost = C(uintr), .read = read_user_timer,
     .write = write_user_timer},
    {ONE(0xc0000080), .name = "IA32_EFER", .feature = -1, STORE_AT(efer), .write = write_efer},
    {ONE(0xc0000081), .name = "IA32_STAR", .feature = F(lm), STORE_AT(star)},
    {ONE(0xc0000082), .name = "IA32_LSTAR", .feature = F(lm), .canonical = true, STORE_AT(lstar)},
    {ONE(0xc0000083), .name = "IA32_CSTAR", .feature = F(lm), .canonical = true, STORE_AT(cstar)},
    {ONE(0xc0000084), .name = "IA32_FMASK", .feature = F(lm), .reserved = UPPER_HALF, STORE_AT(sfmask)},
    {ONE(0xc0000100), .name = "IA32_FS_BASE", .feature = F(lm), .cost = C(base), .canonical = true,
     .read = read_segment_base, .write = write_segment_base},
    {ONE(0xc0000101), .name = "IA32_GS_BASE", .feature = F(lm), .cost = C(base), .canonical = true,
     .read = read_segment_base, .write = write_segment_base},
    {ONE(0xc0000102), .name = "IA32_KERNEL_GS_BASE", .feature = F(lm), .cost = C(base), .canonical = true,
     STORE_AT(kernel_gs_base)},
    {ONE(0xc0000103), .name = "IA32_TSC_AUX", .feature = F(rdtscp), .reserved = UPPER_HALF, STORE_AT(tsc_aux)},
};

static const struct msr_row *find_row(const struct cpu *cpu, uint32_t msr)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct msr_row *row = &table[i];
        if (msr < row->first || msr > row->last)
            continue;
        return row->feature < 0 || cpu_has_feature(cpu, (enum cpu_feature)row->feature) ? row : NULL;
    }
    return NULL;
}

enum vp_status cpu_msr_read(struct cpu *cpu, uint32_t msr, uint64_t *value)
{
    const struct msr_row *row = find_row(cpu, msr);
    if (!row)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_charge_event(cpu, TIMING_EVENT_msr_read);
    if (!row->read) {
        memcpy(value, (const char *)cpu + row->offset, sizeof *value);
        return VP_OK;
    }
    return row->read(cpu, msr, value) == VP_OK ? VP_OK : cpu_raise(cpu, EXC_GP, 0);
}

enum vp_status cpu_msr_write(struct cpu *cpu, uint32_t msr, uint64_t value)
{
    const struct msr_row *row = find_row(cpu, msr);
    if (!row || (value & row->reserved) || (row->canonical && !bits_is_canonical(value, CPU_LINEAR_WIDTH)))
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_charge_event(cpu, row->cost ? row->cost : TIMING_EVENT_msr_other); /* before it acts, as with devices */
    if (!row->write) {
        memcpy((char *)cpu + row->offset, &value, sizeof value);
        return VP_OK;
    }
    return row->write(cpu, msr, value) == VP_OK ? VP_OK : cpu_raise(cpu, EXC_GP, 0);
}
