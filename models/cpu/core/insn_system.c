/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of operating systems: HLT, port I/O, CPUID, time, MSRs, control and debug registers, cache control, FS
 * and GS bases. Descriptor tables and segment queries are insn_table.c's. Most run alone in their block, where
 * cpu->cycles is the instruction's start. Source: SDM Vol. 2, the instructions' pages; Vol. 3, "System Instruction
 * Summary". */
#include "debug.h"
#include "handler.h"

static bool is_refused(struct cpu *cpu, uint8_t vector)
{
    (void)cpu_raise(cpu, vector, 0);
    return true;
}

static bool is_not_privileged(struct cpu *cpu) { return cpu->cpl != 0 && is_refused(cpu, EXC_GP); }

OP(hlt)
{
    if (is_not_privileged(cpu))
        LEAVE();
    cpu->activity = ACTIVITY_HALT;
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_HALT, 0, 0, cpu->cycles);
    FINISH();
}

/* --- ports --- */
static enum vp_status do_in(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (cpu_check_io(cpu, port, size) != VP_OK)
        return VP_FAULT;
    uint32_t v = cpu_bus(cpu)->io_read(cpu->bus.ctx, port, size);
    if (size == 1)
        set_reg_8(cpu, RAX * 8, (uint8_t)v);
    else if (size == 2)
        set_reg_16(cpu, RAX * 8, (uint16_t)v);
    else
        set_reg_32(cpu, RAX * 8, v);
    return VP_OK;
}

static enum vp_status do_out(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint32_t v = READ_REG32(RAX * 8);
    if (cpu_check_io(cpu, port, size) != VP_OK)
        return VP_FAULT;
    cpu->free_write = false;
    cpu_bus(cpu)->io_write(cpu->bus.ctx, port, size, size == 1 ? v & 0xff : size == 2 ? v & 0xffff : v);
    return VP_OK;
}

/* A free write's cost is part of the block, like any other: it is taken back before it is booked. An instruction that
 * takes no time cannot hang the simulator: whatever repeats it does take some. */
#define PORT_HANDLER(name, action, port)                                                                               \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (action(cpu, (uint16_t)(port), op->size) != VP_OK)                                                          \
            LEAVE();                                                                                                   \
        if (VP_UNLIKELY(cpu->free_write)) {                                                                            \
            cpu->free_write = false;                                                                                   \
            cpu->cycles -= (uint64_t)op->cost_after - op->cost_before;                                                 \
        }                                                                                                              \
        FINISH();                                                                                                      \
    }
PORT_HANDLER(in_imm, do_in, op->imm)
PORT_HANDLER(in_dx, do_in, cpu->gpr[RDX])
PORT_HANDLER(out_imm, do_out, op->imm)
PORT_HANDLER(out_dx, do_out, cpu->gpr[RDX])

/* --- identification and time --- */
static void do_cpuid(struct cpu *cpu)
{
    uint32_t out[4];
    cpu_cpuid(cpu, (uint32_t)cpu->gpr[RAX], (uint32_t)cpu->gpr[RCX], out);
    cpu->gpr[RAX] = out[0];
    cpu->gpr[RBX] = out[1];
    cpu->gpr[RCX] = out[2];
    cpu->gpr[RDX] = out[3];
}

OP(cpuid)
{
    do_cpuid(cpu);
    FINISH();
}

static void set_edx_eax(struct cpu *cpu, uint64_t v)
{
    cpu->gpr[RAX] = (uint32_t)v;
    cpu->gpr[RDX] = v >> 32;
}

static uint64_t edx_eax(const struct cpu *cpu) { return cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX]; }

static bool is_tsc_refused(struct cpu *cpu)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_tsc))
        return is_refused(cpu, EXC_UD);
    return (cpu->cr4 & CR4_TSD) && cpu->cpl != 0 && is_refused(cpu, EXC_GP);
}

OP(rdtsc)
{
    if (is_tsc_refused(cpu))
        LEAVE();
    set_edx_eax(cpu, cpu_now(cpu) + cpu->tsc_offset);
    FINISH();
}

OP(rdtscp)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_rdtscp) && is_refused(cpu, EXC_UD))
        LEAVE();
    if (is_tsc_refused(cpu))
        LEAVE();
    set_edx_eax(cpu, cpu_now(cpu) + cpu->tsc_offset);
    cpu->gpr[RCX] = (uint32_t)cpu->tsc_aux;
    FINISH();
}

OP(rdpid)
{
    set_reg_64(cpu, op->rm, cpu->tsc_aux);
    FINISH();
}

/* No performance counter exists, so every index is out of range. */
OP(rdpmc)
{
    (void)is_refused(cpu, EXC_GP);
    LEAVE();
}

/* --- MSRs --- */
static enum vp_status do_rdmsr(struct cpu *cpu)
{
    uint64_t v = 0;
    if (is_not_privileged(cpu) || cpu_msr_read(cpu, (uint32_t)cpu->gpr[RCX], &v) != VP_OK)
        return VP_FAULT;
    set_edx_eax(cpu, v);
    return VP_OK;
}

OP(rdmsr)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_msr) && is_refused(cpu, EXC_UD))
        LEAVE();
    if (do_rdmsr(cpu) != VP_OK)
        LEAVE();
    FINISH();
}

OP(wrmsr)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_msr) && is_refused(cpu, EXC_UD))
        LEAVE();
    if (is_not_privileged(cpu) || cpu_msr_write(cpu, (uint32_t)cpu->gpr[RCX], edx_eax(cpu)) != VP_OK)
        LEAVE();
    FINISH();
}

/* --- control registers: 64-bit operands in 64-bit mode, 32-bit elsewhere --- */
static void write_natural(struct cpu *cpu, unsigned reg, uint64_t v)
{
    set_reg_64(cpu, reg, (cpu->mode & MODE_CODE64) ? v : (uint32_t)v);
}

static uint64_t read_natural(const struct cpu *cpu, unsigned reg)
{
    return (cpu->mode & MODE_CODE64) ? REG64(reg) : READ_REG32(reg);
}

static enum vp_status do_mov_from_cr(struct cpu *cpu, unsigned number, unsigned reg)
{
    uint64_t v;
    switch (number) {
    case 0: v = cpu->cr0; break;
    case 2: v = cpu->cr2; break;
    case 3: v = cpu->cr3; break;
    case 4: v = cpu->cr4; break;
    case 8: v = 0; break;
    default: return cpu_raise(cpu, EXC_UD, 0);
    }
    if (is_not_privileged(cpu))
        return VP_FAULT;
    write_natural(cpu, reg, number == 8 ? cpu_bus(cpu)->apic_cr8(cpu->bus.ctx) : v);
    return VP_OK;
}

static enum vp_status write_cr8(struct cpu *cpu, uint64_t v)
{
    if (v > 15)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_bus(cpu)->apic_set_cr8(cpu->bus.ctx, (uint8_t)v);
    cpu_signal_interrupt(cpu); /* a lower priority may uncover an interrupt */
    return VP_OK;
}

static enum vp_status do_mov_to_cr(struct cpu *cpu, unsigned number, unsigned reg)
{
    uint64_t v = read_natural(cpu, reg);
    if (number > 8 || number == 1 || (number > 4 && number < 8))
        return cpu_raise(cpu, EXC_UD, 0);
    if (is_not_privileged(cpu))
        return VP_FAULT;
    switch (number) {
    case 0: return cpu_write_cr0(cpu, v);
    case 2: cpu->cr2 = v; return VP_OK;
    case 3: return cpu_write_cr3(cpu, v);
    case 4: return cpu_write_cr4(cpu, v);
    default: return write_cr8(cpu, v);
    }
}

OP(mov_from_cr)
{
    if (do_mov_from_cr(cpu, op->reg, op->rm) != VP_OK)
        LEAVE();
    FINISH();
}

OP(mov_to_cr)
{
    if (do_mov_to_cr(cpu, op->reg, op->rm) != VP_OK)
        LEAVE();
    FINISH();
}

OP(clts)
{
    if (is_not_privileged(cpu))
        LEAVE();
    cpu->cr0 &= ~(uint64_t)CR0_TS;
    cpu_update_mode(cpu); /* vector and x87 instructions work again */
    FINISH();
}

/* PE, MP, EM, TS; PE can be set but not cleared. */
static enum vp_status do_lmsw(struct cpu *cpu, uint16_t v)
{
    return cpu_write_cr0(cpu, (cpu->cr0 & ~(uint64_t)0xe) | (v & 0xf));
}

OP(lmsw)
{
    if (is_not_privileged(cpu))
        LEAVE();
    RM_READ(16, v);
    if (do_lmsw(cpu, v) != VP_OK)
        LEAVE();
    FINISH();
}

OP(smsw)
{
    if ((cpu->cr4 & CR4_UMIP) && is_not_privileged(cpu))
        LEAVE();
    if (op->flags & OPF_MEM || op->size == 2) {
        RM_WRITE(16, (uint16_t)cpu->cr0);
    } else {
        set_reg_64(cpu, op->rm, op->size == 8 ? cpu->cr0 : (uint32_t)cpu->cr0);
    }
    FINISH();
}

/* --- debug registers; breakpoints are debug.c's --- */
#define DR6_FIXED 0xffff0ff0u
#define DR7_FIXED 0x400u

/* DR4 and DR5 are aliases of DR6 and DR7 unless CR4.DE is set. VP_FAULT: raised. */
static enum vp_status check_dr(struct cpu *cpu, unsigned *number)
{
    if (*number > 7 || ((*number == 4 || *number == 5) && (cpu->cr4 & CR4_DE)))
        return cpu_raise(cpu, EXC_UD, 0);
    if (is_not_privileged(cpu))
        return VP_FAULT;
    if (*number == 4 || *number == 5)
        *number += 2;
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[6] |= DR6_BD;
        return cpu_raise(cpu, EXC_DB, DB_GENERAL_DETECT);
    }
    return VP_OK;
}

static enum vp_status do_mov_from_dr(struct cpu *cpu, unsigned number, unsigned reg)
{
    if (check_dr(cpu, &number) != VP_OK)
        return VP_FAULT;
    write_natural(cpu, reg, cpu->dr[number]);
    return VP_OK;
}

static enum vp_status do_mov_to_dr(struct cpu *cpu, unsigned number, unsigned reg)
{
    uint64_t v = read_natural(cpu, reg);
    if (check_dr(cpu, &number) != VP_OK)
        return VP_FAULT;
    if (number >= 6 && (v >> 32) != 0)
        return cpu_raise(cpu, EXC_GP, 0);
    if (number == 6)
        v = (v & 0xe00f) | DR6_FIXED;
    else if (number == 7)
        v = (v & 0xffff23ff) | DR7_FIXED;
    cpu->dr[number] = v;
    cpu_update_mode(cpu); /* breakpoints decide how memory is accessed */
    return VP_OK;
}

OP(mov_from_dr)
{
    if (do_mov_from_dr(cpu, op->reg, op->rm) != VP_OK)
        LEAVE();
    FINISH();
}

OP(mov_to_dr)
{
    if (do_mov_to_dr(cpu, op->reg, op->rm) != VP_OK)
        LEAVE();
    FINISH();
}

/* --- address translation and caches --- */
/* Linear address without the checks of an access: a bad one is no fault for INVLPG. */
static uint64_t unchecked_address(const struct cpu *cpu, const struct op *op)
{
    uint64_t offset = op_offset(cpu, op);
    if (op->flags & OPF_ADDR32)
        offset = (uint32_t)offset;
    else if (op->flags & OPF_ADDR16)
        offset = (uint16_t)offset;
    if (!(cpu->mode & MODE_CODE64))
        return (uint32_t)(cpu->seg[op->seg].base + offset);
    return offset + (op->seg == SEG_FS || op->seg == SEG_GS ? cpu->seg[op->seg].base : 0);
}

OP(invlpg)
{
    if (is_not_privileged(cpu))
        LEAVE();
    uint64_t la = unchecked_address(cpu, op);
    if (!(cpu->mode & MODE_CODE64) || bits_is_canonical(la, CPU_LINEAR_WIDTH))
        cpu_tlb_invalidate(cpu, la);
    FINISH();
}

/* Translations carry no PCID here, so every type invalidates at least what it must: all of it but, where that is legal,
 * global pages. SDM Vol. 2, "INVPCID". */
static enum vp_status do_invpcid(struct cpu *cpu, uint64_t type, uint64_t la)
{
    uint64_t pcid = 0, address = 0;
    if (cpu->leave != LEAVE_NONE || cpu_charged_read(cpu, cpu_current_view(cpu), la, &pcid, 8) != VP_OK ||
        cpu_charged_read(cpu, cpu_current_view(cpu), la + 8, &address, 8) != VP_OK)
        return VP_FAULT;
    bool names_pcid = type <= 1;
    if (type > 3 || (pcid >> 12) != 0 || (names_pcid && pcid != 0 && !(cpu->cr4 & CR4_PCIDE)) ||
        (type == 0 && !bits_is_canonical(address, CPU_LINEAR_WIDTH)))
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_tlb_flush(cpu, type != 2);
    return VP_OK;
}

OP(invpcid)
{
    if (is_not_privileged(cpu))
        LEAVE();
    if (do_invpcid(cpu, read_natural(cpu, op->reg), cpu_address_slow(cpu, op, op_offset(cpu, op), 16, false)) != VP_OK)
        LEAVE();
    FINISH();
}

/* The core's caches hold no data, only the timing model knows them. */
OP(invd)
{
    if (is_not_privileged(cpu))
        LEAVE();
    cpu_charge_cache_op(cpu, 0, TIMING_CACHE_FLUSH_ALL);
    FINISH();
}

OP(wbinvd)
{
    if (is_not_privileged(cpu))
        LEAVE();
    cpu_charge_cache_op(cpu, 0, TIMING_CACHE_FLUSH_ALL);
    FINISH();
}

/* Checked like a load of one byte, which the timing model is not told of: SDM Vol. 2, "CLFLUSH", "CLWB". */
#define LINE_OP(name, what)                                                                                            \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        ADDRESS(la, 1, false);                                                                                         \
        (void)cpu_mem_read_slow(cpu, la, 1);                                                                           \
        LEAVE_IF_ASKED();                                                                                              \
        cpu_charge_cache_op(cpu, la, what);                                                                            \
        NEXT();                                                                                                        \
    }
LINE_OP(clflush, TIMING_CACHE_FLUSH)
LINE_OP(clwb, TIMING_CACHE_WRITE_BACK)

/* Hints, which never fault. The rows have a register form too, which is a NOP. */
#define PREFETCH_OP(name, what)                                                                                        \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (op->flags & OPF_MEM)                                                                                       \
            cpu_charge_cache_op(cpu, unchecked_address(cpu, op), what);                                                \
        NEXT();                                                                                                        \
    }
PREFETCH_OP(prefetch, TIMING_CACHE_PREFETCH)
PREFETCH_OP(prefetchw, TIMING_CACHE_PREFETCH_WRITE)
OP(fence) { NEXT(); }
OP(pause) { NEXT(); }

OP(serialize)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_serialize) && is_refused(cpu, EXC_UD))
        LEAVE();
    FINISH();
}

/* --- FS and GS --- */
OP(swapgs)
{
    if (is_not_privileged(cpu))
        LEAVE();
    uint64_t base = cpu->seg[SEG_GS].base;
    cpu->seg[SEG_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
    FINISH();
}

static bool is_fsgsbase_off(struct cpu *cpu) { return !(cpu->cr4 & CR4_FSGSBASE) && is_refused(cpu, EXC_UD); }

#define READ_BASE(name, segment)                                                                                       \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_fsgsbase_off(cpu))                                                                                      \
            LEAVE();                                                                                                   \
        set_reg_64(cpu, op->rm, op->size == 8 ? cpu->seg[segment].base : (uint32_t)cpu->seg[segment].base);            \
        FINISH();                                                                                                      \
    }
#define WRITE_BASE(name, segment)                                                                                      \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_fsgsbase_off(cpu))                                                                                      \
            LEAVE();                                                                                                   \
        uint64_t base = op->size == 8 ? REG64(op->rm) : READ_REG32(op->rm);                                            \
        if (!bits_is_canonical(base, CPU_LINEAR_WIDTH) && is_refused(cpu, EXC_GP))                                     \
            LEAVE();                                                                                                   \
        cpu->seg[segment].base = base;                                                                                 \
        FINISH();                                                                                                      \
    }
READ_BASE(rdfsbase, SEG_FS)
READ_BASE(rdgsbase, SEG_GS)
WRITE_BASE(wrfsbase, SEG_FS)
WRITE_BASE(wrgsbase, SEG_GS)
