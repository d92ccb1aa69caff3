/* SPDX-License-Identifier: Apache-2.0 */
/* PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE. 64-bit register forms are inline; the rest goes through two
 * functions that know stack width, segment and limits. CALL and RET are insn_branch.c's. */
#define CPU_HAS_TWINS 1
#include "flags.h"
#include "handler.h"

OP(push_reg64)
{
    uint64_t rsp = cpu->gpr[RSP] - 8;
    CHECK_STACK(rsp);
    STORE(64, rsp, REG64(op->reg));
    cpu->gpr[RSP] = rsp;
    NEXT();
}

OP(pop_reg64)
{
    CHECK_STACK(cpu->gpr[RSP]);
    LOAD(64, v, cpu->gpr[RSP]);
    cpu->gpr[RSP] += 8;
    REG64(op->reg) = v; /* POP RSP: the loaded value wins */
    NEXT();
}

static unsigned stack_width(const struct cpu *cpu)
{
    return (cpu->mode & MODE_CODE64) ? 8 : (cpu->mode & MODE_STACK32) ? 4 : 2;
}

static uint64_t wrap_stack(const struct cpu *cpu, uint64_t rsp)
{
    unsigned width = stack_width(cpu);
    return width == 8 ? rsp : width == 4 ? (uint32_t)rsp : (uint16_t)rsp;
}

static void set_stack_pointer(struct cpu *cpu, uint64_t rsp)
{
    if (stack_width(cpu) == 2)
        set_reg_16(cpu, RSP * 8, (uint16_t)rsp);
    else
        cpu->gpr[RSP] = wrap_stack(cpu, rsp);
}

/* Writes `size` bytes at stack offset `rsp`; leave is set on a fault. */
static void stack_write(struct cpu *cpu, uint64_t rsp, uint64_t value, unsigned size)
{
    uint64_t la = cpu_segment_address(cpu, SEG_SS, wrap_stack(cpu, rsp), size, true);
    if (cpu->leave == LEAVE_NONE)
        cpu_mem_write_slow(cpu, la, value, size);
    if (cpu->leave == LEAVE_NONE)
        FUNCTION_MEM_HOOK(la, size, TIMING_STORE);
}

static uint64_t stack_read(struct cpu *cpu, uint64_t rsp, unsigned size)
{
    uint64_t la = cpu_segment_address(cpu, SEG_SS, wrap_stack(cpu, rsp), size, false), v = 0;
    if (cpu->leave == LEAVE_NONE)
        v = cpu_mem_read_slow(cpu, la, size);
    if (cpu->leave == LEAVE_NONE)
        FUNCTION_MEM_HOOK(la, size, TIMING_LOAD);
    return v;
}

static void push(struct cpu *cpu, uint64_t value, unsigned size)
{
    uint64_t rsp = cpu->gpr[RSP] - size;
    stack_write(cpu, rsp, value, size);
    if (cpu->leave == LEAVE_NONE)
        set_stack_pointer(cpu, rsp);
}

#define PUSH_AND_NEXT(value)                                                                                           \
    do {                                                                                                               \
        push(cpu, (value), op->size);                                                                                  \
        if (VP_UNLIKELY(cpu->leave != LEAVE_NONE))                                                                     \
            LEAVE();                                                                                                   \
        NEXT();                                                                                                        \
    } while (0)

static inline void set_reg_sized(struct cpu *cpu, unsigned offset, uint64_t v, unsigned size)
{
    if (size == 8)
        set_reg_64(cpu, offset, v);
    else if (size == 4)
        set_reg_32(cpu, offset, (uint32_t)v);
    else
        set_reg_16(cpu, offset, (uint16_t)v);
}

OP(push_reg)
{
    ASK_ALWAYS();
    PUSH_AND_NEXT(REG64(op->reg));
}
OP(push_imm)
{
    ASK_ALWAYS();
    PUSH_AND_NEXT(op->imm);
}
OP(push_seg)
{
    ASK_ALWAYS();
    PUSH_AND_NEXT(cpu->seg[op->reg].selector);
}

OP(pop_reg)
{
    ASK_ALWAYS();
    uint64_t v = stack_read(cpu, cpu->gpr[RSP], op->size);
    if (VP_UNLIKELY(cpu->leave != LEAVE_NONE))
        LEAVE();
    set_stack_pointer(cpu, cpu->gpr[RSP] + op->size);
    set_reg_sized(cpu, op->reg, v, op->size);
    NEXT();
}

OP(push_rm)
{
    ASK_ALWAYS();
    if (op->size == 8) {
        RM_READ(64, v64);
        PUSH_AND_NEXT(v64);
    } else if (op->size == 4) {
        RM_READ(32, v32);
        PUSH_AND_NEXT(v32);
    } else {
        RM_READ(16, v16);
        PUSH_AND_NEXT(v16);
    }
}

/* SDM Vol. 2, "POP": an address that uses RSP is computed after RSP was incremented. */
OP(pop_rm)
{
    ASK_ALWAYS();
    uint64_t old = cpu->gpr[RSP], v = stack_read(cpu, old, op->size);
    if (VP_UNLIKELY(cpu->leave != LEAVE_NONE))
        LEAVE();
    set_stack_pointer(cpu, old + op->size);
    if (!(op->flags & OPF_MEM)) {
        set_reg_sized(cpu, op->rm, v, op->size);
        NEXT();
    }
    uint64_t la = op_offset(cpu, op);
    if (!(op->flags & OPF_FLAT) || !bits_is_canonical(la, CPU_LINEAR_WIDTH))
        la = cpu_address_slow(cpu, op, la, op->size, true);
    if (cpu->leave == LEAVE_NONE)
        cpu_mem_write_slow(cpu, la, v, op->size);
    if (VP_UNLIKELY(cpu->leave != LEAVE_NONE)) {
        cpu->gpr[RSP] = old;
        LEAVE();
    }
    MEM_HOOK(la, op->size, TIMING_STORE);
    NEXT();
}

OP(pop_seg)
{
    ASK_ALWAYS();
    uint64_t v = stack_read(cpu, cpu->gpr[RSP], op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    uint64_t new_rsp = cpu->gpr[RSP] + op->size;
    if (op->reg == SEG_SS) {
        /* the new SS may have another width: the old one counts for the increment */
        uint64_t old = cpu->gpr[RSP];
        set_stack_pointer(cpu, new_rsp);
        if (cpu_load_segment(cpu, SEG_SS, (uint16_t)v) != VP_OK) {
            cpu->gpr[RSP] = old;
            LEAVE();
        }
        cpu->shadow = SHADOW_MOV_SS;
        FINISH();
    }
    if (cpu_load_segment(cpu, op->reg, (uint16_t)v) != VP_OK)
        LEAVE();
    set_stack_pointer(cpu, new_rsp);
    FINISH();
}

OP(pusha)
{
    ASK_ALWAYS();
    uint64_t rsp = cpu->gpr[RSP];
    for (unsigned i = 0; i < 8 && cpu->leave == LEAVE_NONE; i++)
        stack_write(cpu, rsp - (i + 1u) * op->size, cpu->gpr[i], op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    set_stack_pointer(cpu, rsp - 8u * op->size);
    NEXT();
}

/* All eight values are read before any register changes, so a fault leaves everything as it was. */
static void pop_all(struct cpu *cpu, unsigned size)
{
    uint64_t v[8], rsp = cpu->gpr[RSP];
    for (unsigned i = 0; i < 8; i++) {
        v[i] = stack_read(cpu, rsp + i * size, size);
        if (cpu->leave != LEAVE_NONE)
            return;
    }
    for (unsigned i = 0; i < 8; i++)
        if (7 - i != RSP)
            set_reg_sized(cpu, (7 - i) * 8, v[i], size);
    set_stack_pointer(cpu, rsp + 8u * size);
}

OP(popa)
{
    ASK_ALWAYS();
    pop_all(cpu, op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    NEXT();
}

/* SDM Vol. 2, "PUSHF": VM and RF are clear in the image. */
/* Virtual-8086 mode may look at the flags with IOPL 3 only. */
#define CHECK_V86_FLAGS()                                                                                              \
    if (VP_UNLIKELY(cpu_is_v86(cpu) && cpu_iopl(cpu) < 3)) {                                                           \
        (void)cpu_raise(cpu, EXC_GP, 0);                                                                               \
        LEAVE();                                                                                                       \
    }

OP(pushf)
{
    ASK_ALWAYS();
    CHECK_V86_FLAGS();
    PUSH_AND_NEXT(cpu_rflags(cpu) & ~(uint64_t)(FLAG_VM | FLAG_RF));
}

/* SDM Vol. 2, "POPF": IOPL changes at CPL 0 only, IF where CPL <= IOPL; VM, VIF, VIP stay; RF is cleared. */
OP(popf)
{
    ASK_ALWAYS();
    CHECK_V86_FLAGS();
    uint64_t v = stack_read(cpu, cpu->gpr[RSP], op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    uint64_t mask = FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF;
    if (op->size != 2)
        mask |= FLAG_AC | FLAG_ID;
    if (cpu->cpl == 0)
        mask |= FLAG_IOPL;
    if (!(cpu->cr0 & CR0_PE) || cpu->cpl <= ((cpu->rflags & FLAG_IOPL) >> 12))
        mask |= FLAG_IF;
    set_stack_pointer(cpu, cpu->gpr[RSP] + op->size);
    cpu_set_rflags(cpu, v & ~(uint64_t)FLAG_RF, mask);
    FINISH();
}

/* SDM Vol. 2, "ENTER". imm: allocation size | nesting level << 16. */
static void do_enter(struct cpu *cpu, const struct op *op)
{
    unsigned size = op->size, level = (unsigned)(op->imm >> 16) & 31;
    uint64_t rsp = cpu->gpr[RSP] - size, rbp = cpu->gpr[RBP];
    stack_write(cpu, rsp, rbp, size);
    uint64_t frame = rsp;
    for (unsigned i = 1; i < level && cpu->leave == LEAVE_NONE; i++) {
        uint64_t outer = stack_read(cpu, rbp - (uint64_t)i * size, size);
        rsp -= size;
        if (cpu->leave == LEAVE_NONE)
            stack_write(cpu, rsp, outer, size);
    }
    if (level > 0 && cpu->leave == LEAVE_NONE) {
        rsp -= size;
        stack_write(cpu, rsp, frame, size);
    }
    uint64_t last = rsp - (op->imm & 0xffff);
    if (cpu->leave == LEAVE_NONE) { /* the final stack pointer must be writable, or ENTER faults */
        uint64_t la = cpu_segment_address(cpu, SEG_SS, wrap_stack(cpu, last), 1, true);
        if (cpu->leave == LEAVE_NONE)
            (void)!cpu_view_probe_write(cpu, cpu_current_view(cpu), la, 1);
    }
    if (cpu->leave != LEAVE_NONE)
        return;
    set_reg_sized(cpu, RBP * 8, frame, size);
    set_stack_pointer(cpu, last);
}

OP(enter)
{
    ASK_ALWAYS();
    do_enter(cpu, op);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    NEXT();
}

OP(leave)
{
    uint64_t rbp = cpu->gpr[RBP];
    if (VP_LIKELY(op->size == 8)) {
        CHECK_STACK(rbp);
        LOAD(64, v64, rbp);
        cpu->gpr[RSP] = rbp + 8;
        cpu->gpr[RBP] = v64;
        NEXT();
    }
    ASK_ALWAYS();
    uint64_t v = stack_read(cpu, rbp, op->size);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    set_stack_pointer(cpu, wrap_stack(cpu, rbp) + op->size);
    set_reg_sized(cpu, RBP * 8, v, op->size);
    NEXT();
}
