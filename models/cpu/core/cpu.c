/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a core: creation, RESET, INIT, the start states of boot protocols, signals, and the views for loaders and
 * debuggers. Running is cpu_run.c. */
#include "wait.h"

#include <stdlib.h>
#include <string.h>

static bool config_is_good(const struct cpu_config *c)
{
    return c->cores >= 1 && c->index < c->cores && c->clock_hz > 0 && c->timer_cycles_per_tick >= 1 &&
           c->physical_address_width >= 32 && c->physical_address_width <= 52;
}

static bool bus_is_complete(const struct cpu_bus *b)
{
    return b->read && b->write && b->modify && b->direct_page && b->io_read && b->io_write && b->apic_ack &&
           b->apic_eoi && b->apic_has_interrupt && b->apic_msr_read && b->apic_msr_write && b->apic_cr8 &&
           b->apic_set_cr8 && b->apic_send_user_ipi && b->apic_set_tsc_offset && b->apic_init;
}

/* Whoever traces memory wants to see every access. */
static void set_filter(struct cpu *cpu)
{
    struct timing_lines *none[] = {&cpu->ask_always.load, &cpu->ask_always.store, &cpu->ask_always.fetch};
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
        for (unsigned j = 0; j < TIMING_LINES; j++)
            none[i]->line[j] = TIMING_NO_LINE;
    struct timing_filter *filter = timing_filter(cpu->timing, cpu->config.index);
    cpu->filter = filter && cpu->timing->model->mem_cost && !cpu->bus.trace_mem ? filter : &cpu->ask_always;
    cpu->keeps_two = cpu->filter == filter && timing_keeps_two(cpu->timing);
    struct timing_branches *branches = timing_branches(cpu->timing, cpu->config.index);
    cpu->branches = branches ? branches : &cpu->ask_about_branches;
}

static bool choose_engine(struct cpu *cpu)
{
    const struct timing_model *model = cpu->timing->model;
    bool is_traced = cpu->bus.trace_insn || cpu->bus.trace_mem, is_asked = model->mem_cost || model->branch_cost;
    if (is_asked && !is_traced && cpu->filter != &cpu->ask_always) {
        cpu->engine = &engine_timed;
        cpu->twins = cpu_twins_create();
        return cpu->twins != NULL;
    }
    cpu->engine = is_asked || is_traced ? &engine_observed : &engine_plain;
    return true;
}

struct cpu *cpu_create(const struct cpu_config *config, const struct cpu_bus *bus, struct cpu_code_map *code_map,
                       const struct timing *timing)
{
    if (!config_is_good(config) || !bus_is_complete(bus) || !code_map || !timing || !timing->model)
        return NULL;
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return NULL;
    cpu->config = *config;
    cpu->bus = *bus;
    cpu->timing = timing;
    cpu->timing_is_integer = timing_is_integers_only(timing);
    cpu->timing_has_cache_op = timing_has_cache_op(timing);
    set_filter(cpu);
    cpu->chain_gen = 1;
    cpu_tlb_init(cpu);
    cpu->blocks = block_cache_create(cpu);
    cpu->decoder = decoder_create(&config->features);
    cpu->uintr = cpu_uintr_create(cpu);
    if (!choose_engine(cpu) || !cpu->blocks || !cpu->decoder || !cpu->uintr || !code_map_register(code_map, cpu)) {
        cpu_destroy(cpu);
        return NULL;
    }
    cpu->code_map = code_map;
    cpu_reset(cpu);
    return cpu;
}

void cpu_destroy(struct cpu *cpu)
{
    if (!cpu)
        return;
    if (cpu->code_map)
        code_map_unregister(cpu->code_map, cpu);
    uintr_destroy(cpu->uintr);
    decoder_destroy(cpu->decoder);
    block_cache_destroy(cpu->blocks);
    free(cpu->coverage);
    free(cpu->twins);
    free(cpu);
}

/* SDM Vol. 3, table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". */
void cpu_init_state(struct cpu *cpu, bool reset)
{
    uint64_t kept_cd = cpu->cr0 & (CR0_CD | CR0_NW);

    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[RDX] = 0x000806f8; /* family 6, model 8FH, stepping 8: as CPUID.1:EAX */
    cpu->rflags = 2;
    cpu->cc_op = CC_FLAGS;
    cpu->cc_src = cpu->cc_dst = 0;
    cpu->rip = 0xfff0;
    for (int i = 0; i < SEG_COUNT; i++) {
        cpu->seg[i] = (struct segment){.limit = 0xffff, .attr = SEG_ATTR_P | SEG_ATTR_S | 3};
        if (i == SEG_LDTR || i == SEG_TR)
            cpu->seg[i].attr = SEG_ATTR_P | (i == SEG_TR ? 0xb : 2);
    }
    cpu->seg[SEG_CS] = (struct segment){
        .base = 0xffff0000, .limit = 0xffff, .selector = 0xf000, .attr = SEG_ATTR_P | SEG_ATTR_S | 0xb};
    cpu->gdtr = cpu->idtr = (struct table_register){0, 0xffff};
    cpu->cr0 = CR0_ET | (reset ? CR0_CD | CR0_NW : kept_cd);
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->efer = 0;
    memset(cpu->dr, 0, sizeof cpu->dr);
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->cpl = 0;
    cpu->shadow = 0;
    cpu->leave = LEAVE_NONE;
    cpu->nmi_blocked = false;
    if (reset) {
        cpu->star = cpu->lstar = cpu->cstar = cpu->sfmask = cpu->kernel_gs_base = cpu->tsc_aux = 0;
        cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
        cpu->tsc_offset = cpu->perf_offset[0] = cpu->perf_offset[1] = 0;
        cpu->pat = 0x0007040600070406u;
        cpu->misc_enable = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_BTS_UNAVAILABLE | MISC_ENABLE_PEBS_UNAVAILABLE;
        cpu->debugctl = cpu->c_state_config = cpu->power_ctl = 0;
        cpu->perf_ctl = 0;
        if (cpu_has_feature(cpu, CPU_FEATURE_monitor))
            cpu->misc_enable |= MISC_ENABLE_MONITOR;
        cpu->umwait_control = 0;
        cpu->mtrr_def_type = 0;
        memset(cpu->mtrr_fix, 0, sizeof cpu->mtrr_fix);
        memset(cpu->mtrr_var, 0, sizeof cpu->mtrr_var);
        cpu->xcr0 = 1;
        cpu->xss = 0;
        memset(cpu->xmm, 0, sizeof cpu->xmm);
        cpu->mxcsr = 0x1f80;
        cpu->x87 = (struct x87){.fcw = 0x40, .valid = 0xff};
        cpu->random = cpu->config.random_seed * 256 + cpu->config.index;
        cpu->spec_ctrl = cpu->mcg_status = 0;
    }
    cpu_monitor_disarm(cpu);
    uintr_reset(cpu->uintr);
    cpu->user_timer_cycle = VP_NEVER;
    cpu->pending &= ~(PEND_UINTR | PEND_UTIMER | PEND_DB);
    cpu->debug_hits = 0;
    cpu_tlb_flush(cpu, false);
    cpu_update_mode(cpu);
}

void cpu_reset(struct cpu *cpu)
{
    cpu->pending = 0;
    cpu_init_state(cpu, true);
    cpu->activity = cpu->config.bsp ? ACTIVE : ACTIVITY_SIPI;
}

/* The fixed ranges cover 64 KiB each from 0, 16 KiB from 80000H, 4 KiB from C0000H: number 2 is A0000H to BFFFFH. */
void cpu_set_memory_types(struct cpu *cpu, uint64_t hole)
{
    const uint64_t write_back = 6, uncached = 0, physical = (UINT64_C(1) << cpu->config.physical_address_width) - 1;
    for (size_t i = 0; i < sizeof cpu->mtrr_fix / sizeof cpu->mtrr_fix[0]; i++)
        cpu->mtrr_fix[i] = i == 2 ? uncached : write_back * 0x0101010101010101u;
    cpu->mtrr_var[0] = hole | uncached;
    cpu->mtrr_var[1] = (~((UINT64_C(1) << 32) - hole - 1) & physical) | MTRR_ENABLE;
    cpu->mtrr_def_type = MTRR_ENABLE | MTRR_FIXED_ENABLE | write_back;
}

/* Multiboot Specification 0.6.96, "Machine state". */
void cpu_start_multiboot(struct cpu *cpu, uint32_t entry, uint32_t magic, uint32_t info)
{
    const uint16_t flat = SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB | SEG_ATTR_G;
    cpu_reset(cpu);
    for (int i = SEG_ES; i <= SEG_GS; i++)
        cpu->seg[i] = (struct segment){.limit = UINT32_MAX, .selector = 0x10, .attr = (uint16_t)(flat | 3)};
    cpu->seg[SEG_CS].selector = 8;
    cpu->seg[SEG_CS].attr = (uint16_t)(flat | 0xb);
    cpu->cr0 = CR0_ET | CR0_PE;
    cpu->gpr[RDX] = 0;
    cpu->gpr[RAX] = magic;
    cpu->gpr[RBX] = info;
    cpu->rip = entry;
    cpu->activity = ACTIVE;
    cpu_tlb_flush(cpu, false);
    cpu_update_mode(cpu);
}

uint64_t cpu_now(const struct cpu *cpu) { return cpu->cycles; }

void cpu_book_time(struct cpu *cpu)
{
    cpu->stats.instructions = cpu->insns;
    cpu->stats.idle_cycles = cpu->retired_idle;
    cpu->stats.cycles = cpu->cycles - cpu->retired_idle;
}

void cpu_idle_until(struct cpu *cpu, uint64_t cycle)
{
    if (cycle <= cpu->cycles)
        return;
    cpu->retired_idle += cycle - cpu->cycles;
    cpu->cycles = cycle;
    cpu_book_time(cpu);
}

void cpu_stop(struct cpu *cpu)
{
    cpu->pending |= PEND_STOP;
    cpu->deadline = 0;
}

void cpu_limit(struct cpu *cpu, uint64_t until)
{
    if (until < cpu->until)
        cpu->until = until;
    if (until < cpu->deadline)
        cpu->deadline = until;
}

void cpu_write_is_free(struct cpu *cpu) { cpu->free_write = true; }

static void signal_event(struct cpu *cpu, uint32_t event)
{
    cpu->pending |= event;
    cpu->deadline = 0;
}

void cpu_signal_interrupt(struct cpu *cpu) { signal_event(cpu, PEND_INTR); }
void cpu_signal_nmi(struct cpu *cpu) { signal_event(cpu, PEND_NMI); }
void cpu_signal_init(struct cpu *cpu) { signal_event(cpu, PEND_INIT); }

void cpu_signal_startup(struct cpu *cpu, uint8_t vector)
{
    cpu->sipi_vector = vector;
    signal_event(cpu, PEND_SIPI);
}

bool cpu_listens(const struct cpu *cpu)
{
    if (cpu->activity == ACTIVITY_SHUTDOWN || cpu->activity == ACTIVITY_SIPI)
        return false;
    return (cpu->rflags & FLAG_IF) || (cpu->activity == ACTIVITY_WAIT && cpu->wait.ends_by_masked);
}

bool cpu_is_waiting(const struct cpu *cpu)
{
    if (cpu->activity == ACTIVE || cpu->leave != LEAVE_NONE)
        return false;
    if (cpu->activity == ACTIVITY_SHUTDOWN)
        return true;
    if (cpu->pending & PEND_INIT)
        return false;
    if (cpu->activity == ACTIVITY_SIPI)
        return !(cpu->pending & PEND_SIPI);
    if (((cpu->pending & PEND_NMI) && !cpu->nmi_blocked) || cpu_wait_is_over(cpu) || cpu->cycles >= cpu_wake_cycle(cpu))
        return false;
    return !((cpu->pending & PEND_INTR) && cpu_listens(cpu) && cpu->bus.apic_has_interrupt(cpu->bus.ctx));
}

void cpu_get_regs(const struct cpu *cpu, struct cpu_regs *r)
{
    memcpy(r->gpr, cpu->gpr, sizeof r->gpr);
    r->rip = cpu->rip;
    r->rflags = cpu_rflags(cpu);
    r->cr0 = cpu->cr0;
    r->cr2 = cpu->cr2;
    r->cr3 = cpu->cr3;
    r->cr4 = cpu->cr4;
    r->efer = cpu->efer;
    r->cs = cpu->seg[SEG_CS].selector;
    r->ss = cpu->seg[SEG_SS].selector;
    r->ds = cpu->seg[SEG_DS].selector;
    r->es = cpu->seg[SEG_ES].selector;
    r->fs = cpu->seg[SEG_FS].selector;
    r->gs = cpu->seg[SEG_GS].selector;
    r->fs_base = cpu->seg[SEG_FS].base;
    r->gs_base = cpu->seg[SEG_GS].base;
    r->cpl = cpu->cpl;
    r->mode_bits = (cpu->mode & MODE_CODE64) ? 64 : (cpu->mode & MODE_CODE32) ? 32 : 16;
}

void cpu_set_regs(struct cpu *cpu, const struct cpu_regs *r)
{
    memcpy(cpu->gpr, r->gpr, sizeof r->gpr);
    cpu->rip = r->rip;
    cpu_set_rflags(cpu, r->rflags, ~(uint64_t)0);
}

const struct cpu_stats *cpu_stats(const struct cpu *cpu) { return &cpu->stats; }

const struct vp_fault *cpu_last_fault(const struct cpu *cpu) { return &cpu->last_fault; }
uint64_t cpu_uintr_msr(const struct cpu *cpu, uint32_t msr) { return uintr_msr_read(cpu->uintr, msr); }

uint64_t cpu_user_since(const struct cpu *cpu) { return cpu->user_since; }
