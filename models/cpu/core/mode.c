/* SPDX-License-Identifier: Apache-2.0 */
/* Control registers and what follows from them: operating mode, CPL, address-space changes.
 * Source: SDM Vol. 3, "Control Registers", "Mode Switching", "Initializing IA-32e Mode", "Extended Feature Enable
 * Register"; Vol. 2, "MOV-Move to/from Control Registers". Translations carry no process-context
 * identifier: every MOV to CR3 invalidates those that are not global. LA57 is not enumerated. */
#include "debug.h"
#include "protect.h"

void cpu_update_mode(struct cpu *cpu)
{
    const struct segment *cs = &cpu->seg[SEG_CS], *ss = &cpu->seg[SEG_SS];
    uint32_t mode = 0;
    if (cpu_is_protected(cpu))
        mode |= MODE_PROT;
    if (cpu_is_long(cpu) && (cs->attr & SEG_ATTR_L)) {
        mode |= MODE_CODE64;
    } else {
        mode |= (cs->attr & SEG_ATTR_DB) ? MODE_CODE32 : 0;
        mode |= (ss->attr & SEG_ATTR_DB) ? MODE_STACK32 : 0;
    }
    if (cpu->cpl == 3)
        mode |= MODE_USER;
    if (cpu->cr0 & (CR0_EM | CR0_TS))
        mode |= MODE_SSE_OFF | MODE_X87_OFF;
    if (!(cpu->cr4 & CR4_OSFXSR))
        mode |= MODE_SSE_OFF;
    cpu->mode = mode;
    if (!(mode & MODE_CODE64) && cs->limit != cpu->chain_limit) {
        cpu->chain_limit = cs->limit;
        cpu->chain_gen++;
    }
    cpu_debug_update(cpu);
    /* While alignment is checked, or data breakpoints are enabled, every access takes the slow path, which checks it.
     */
    bool checks_alignment = cpu->cpl == 3 && (cpu->rflags & FLAG_AC) && (cpu->cr0 & CR0_AM);
    cpu->tlb = checks_alignment || cpu->debug_data ? cpu->tlb_never : cpu->tlb_sets[cpu_current_view(cpu)];
}

void cpu_set_cpl(struct cpu *cpu, uint8_t cpl)
{
    bool changed = cpu->cpl != cpl;
    cpu->cpl = cpl;
    if (changed && cpl == 3)
        cpu->user_since = cpu->cycles;
    cpu_update_mode(cpu);
    if (changed && cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_CPL, cpl, 0, cpu->cycles);
}

/* PAE paging outside long mode: the four PDPTEs are checked when CR3 or the paging mode is loaded. SDM Vol. 3, "PDPTE
 * Registers". */
static enum vp_status check_pdptes(struct cpu *cpu, uint64_t cr3)
{
    uint64_t beyond = ~((UINT64_C(1) << cpu->config.physical_address_width) - 1);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t e = cpu_phys_read64(cpu, (cr3 & 0xffffffe0u) + 8 * (uint64_t)i);
        if ((e & 1) && (e & (beyond | 0x1e6)))
            return cpu_raise(cpu, EXC_GP, 0);
    }
    return VP_OK;
}

static bool uses_pdptes(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LME);
}

/* PG from 0 to 1 with EFER.LME: what activates IA-32e mode. */
static bool may_activate_long(const struct cpu *cpu)
{
    unsigned tss = attr_type(cpu->seg[SEG_TR].attr);
    bool is_tss16 = tss == SYSTEM_TSS16 || tss == SYSTEM_TSS16_BUSY;
    return (cpu->cr4 & CR4_PAE) && !(cpu->seg[SEG_CS].attr & SEG_ATTR_L) && !is_tss16;
}

enum vp_status cpu_write_cr0(struct cpu *cpu, uint64_t value)
{
    const uint64_t defined =
        CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    if ((value >> 32) != 0 || ((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return cpu_raise(cpu, EXC_GP, 0);
    value = (value & defined) | CR0_ET; /* other low bits are ignored */

    uint64_t changed = value ^ cpu->cr0;
    bool enables = (changed & CR0_PG) && (value & CR0_PG), disables = (changed & CR0_PG) && !(value & CR0_PG);
    if (enables && (cpu->efer & EFER_LME) && !may_activate_long(cpu))
        return cpu_raise(cpu, EXC_GP, 0);
    if (disables && (cpu_is_code64(cpu) || (cpu->cr4 & CR4_PCIDE)))
        return cpu_raise(cpu, EXC_GP, 0);
    if ((changed & (CR0_PG | CR0_CD | CR0_NW)) && uses_pdptes(value, cpu->cr4, cpu->efer) &&
        check_pdptes(cpu, cpu->cr3) != VP_OK)
        return VP_FAULT;

    cpu->cr0 = value;
    if (enables && (cpu->efer & EFER_LME))
        cpu->efer |= EFER_LMA;
    if (disables)
        cpu->efer &= ~(uint64_t)EFER_LMA;
    if (changed & (CR0_PG | CR0_WP))
        cpu_tlb_flush(cpu, false);
    cpu_update_mode(cpu);
    cpu_uintr_changed(cpu); /* notification needs LMA */
    return VP_OK;
}

enum vp_status cpu_write_cr3(struct cpu *cpu, uint64_t value)
{
    if (cpu_is_long(cpu)) {
        if (cpu->cr4 & CR4_PCIDE)
            value &= ~(UINT64_C(1) << 63); /* "do not invalidate": translations carry no PCID here, so all go */
        if (value >> cpu->config.physical_address_width)
            return cpu_raise(cpu, EXC_GP, 0);
    } else {
        value = (uint32_t)value;
        if (uses_pdptes(cpu->cr0, cpu->cr4, cpu->efer) && check_pdptes(cpu, value) != VP_OK)
            return VP_FAULT;
    }
    cpu->cr3 = value;
    cpu_tlb_flush(cpu, true);
    return VP_OK;
}

/* Bits of CR4 that some enumerated feature defines. */
static uint64_t cr4_defined(const struct cpu *cpu)
{
    static const struct {
        enum cpu_feature feature;
        uint32_t bit;
    } rules[] = {
        {CPU_FEATURE_tsc, CR4_TSD},     {CPU_FEATURE_pse, CR4_PSE},           {CPU_FEATURE_pae, CR4_PAE},
        {CPU_FEATURE_mce, CR4_MCE},     {CPU_FEATURE_pge, CR4_PGE},           {CPU_FEATURE_umip, CR4_UMIP},
        {CPU_FEATURE_smep, CR4_SMEP},   {CPU_FEATURE_fsgsbase, CR4_FSGSBASE}, {CPU_FEATURE_smap, CR4_SMAP},
        {CPU_FEATURE_uintr, CR4_UINTR}, {CPU_FEATURE_xsave, CR4_OSXSAVE},     {CPU_FEATURE_pcid, CR4_PCIDE},
        {CPU_FEATURE_de, CR4_DE},
    };
    /* CR4.PCE: since the Pentium Pro, with or without architectural counters.
     * DEVIATION(cr4-osfxsr): OSFXSR and OSXMMEXCPT are storage also where `cpu.features` has no SSE, so that start-up
     * code written for any x86-64 (which always has SSE2) runs. */
    uint64_t bits = CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (cpu_has_feature(cpu, rules[i].feature))
            bits |= rules[i].bit;
    return bits;
}

enum vp_status cpu_write_cr4(struct cpu *cpu, uint64_t value)
{
    uint64_t changed = value ^ cpu->cr4;
    if (value & ~cr4_defined(cpu))
        return cpu_raise(cpu, EXC_GP, 0);
    if ((changed & CR4_PAE) && cpu_is_long(cpu))
        return cpu_raise(cpu, EXC_GP, 0);
    if ((changed & value & CR4_PCIDE) && (!cpu_is_long(cpu) || (cpu->cr3 & 0xfff)))
        return cpu_raise(cpu, EXC_GP, 0);
    if ((changed & (CR4_PAE | CR4_PSE | CR4_PGE | CR4_SMEP)) && uses_pdptes(cpu->cr0, value, cpu->efer) &&
        check_pdptes(cpu, cpu->cr3) != VP_OK)
        return VP_FAULT;
    cpu->cr4 = value;
    if (changed & (CR4_PAE | CR4_PSE | CR4_PGE | CR4_SMEP | CR4_SMAP | CR4_PCIDE))
        cpu_tlb_flush(cpu, false);
    cpu_update_mode(cpu);
    if (changed & CR4_UINTR)
        cpu_uintr_changed(cpu); /* what was requested before may be deliverable now */
    return VP_OK;
}

enum vp_status cpu_write_efer(struct cpu *cpu, uint64_t value)
{
    uint64_t defined = EFER_LMA;
    if (cpu_has_feature(cpu, CPU_FEATURE_syscall))
        defined |= EFER_SCE;
    if (cpu_has_feature(cpu, CPU_FEATURE_lm))
        defined |= EFER_LME;
    if (cpu_has_feature(cpu, CPU_FEATURE_nx) && !(cpu->misc_enable & MISC_ENABLE_XD_DISABLE))
        defined |= EFER_NXE;
    uint64_t changed = value ^ cpu->efer;
    if ((value & ~defined) || ((changed & EFER_LME) && (cpu->cr0 & CR0_PG)))
        return cpu_raise(cpu, EXC_GP, 0);
    cpu->efer = (value & ~(uint64_t)EFER_LMA) | (cpu->efer & EFER_LMA); /* LMA is read-only */
    if (changed & EFER_NXE)
        cpu_tlb_flush(cpu, false);
    cpu_update_mode(cpu);
    return VP_OK;
}
