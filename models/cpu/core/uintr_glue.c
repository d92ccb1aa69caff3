/* SPDX-License-Identifier: Apache-2.0 */
/* Between the core and its UINTR unit: the callbacks of struct uintr_bus, and what each step of a user interrupt costs.
 * What the unit reads and writes costs what the timing model says of memory, when it happens (cpu_charged_*).
 * Every stage is charged before its last step is reported, so that the reported cycle is the stage's end:
 *   SEND_BEGIN      at the instruction's start; the class cost of SENDUIPI follows
 *   POSTED          after `post`; then `issue`, then the message leaves, then SENT
 *   NOTIFY_BEGIN    after `accept`          NOTIFIED   after `notify`
 *   DELIVER_BEGIN   at the boundary         DELIVERED  after `deliver`
 *   UIRET_BEGIN     at the instruction's start; its class cost follows; RETURNED after `return` */
#include "protect.h"

/* Faults go back to the unit as values; the core raises what the unit answers. */
static enum vp_status as_value(struct cpu *cpu, enum vp_status status, struct vp_fault *fault)
{
    if (status != VP_OK) {
        *fault = cpu->exc;
        cpu->leave = LEAVE_NONE;
    }
    return status;
}

static enum vp_status load_supervisor(void *ctx, uint64_t la, void *bytes, uint32_t size, struct vp_fault *fault)
{
    struct cpu *cpu = ctx;
    if (!bits_is_canonical(la, CPU_LINEAR_WIDTH))
        return as_value(cpu, cpu_raise(cpu, EXC_GP, 0), fault);
    return as_value(cpu, cpu_charged_read(cpu, MMU_SUPERVISOR, la, bytes, size), fault);
}

static enum vp_status modify_supervisor(void *ctx, uint64_t la, uint32_t size, uintr_modify_fn *fn, void *arg,
                                        struct vp_fault *fault)
{
    struct cpu *cpu = ctx;
    if (!bits_is_canonical(la, CPU_LINEAR_WIDTH))
        return as_value(cpu, cpu_raise(cpu, EXC_GP, 0), fault);
    return as_value(cpu, cpu_charged_modify(cpu, MMU_SUPERVISOR, la, size, fn, arg), fault);
}

/* Stack accesses of UIRET and delivery: those of the current CPL, with its alignment check. */
static enum vp_status check_stack(struct cpu *cpu, uint64_t la)
{
    if (!bits_is_canonical(la, CPU_LINEAR_WIDTH) || !bits_is_canonical(la + 7, CPU_LINEAR_WIDTH))
        return cpu_raise(cpu, EXC_SS, 0);
    if ((la & 7) && cpu->cpl == 3 && (cpu->rflags & FLAG_AC) && (cpu->cr0 & CR0_AM))
        return cpu_raise(cpu, EXC_AC, 0);
    return VP_OK;
}

static enum vp_status load_stack(void *ctx, uint64_t la, uint64_t *value, struct vp_fault *fault)
{
    struct cpu *cpu = ctx;
    if (check_stack(cpu, la) != VP_OK)
        return as_value(cpu, VP_FAULT, fault);
    return as_value(cpu, cpu_charged_read(cpu, cpu_current_view(cpu), la, value, 8), fault);
}

static enum vp_status store_stack(void *ctx, uint64_t la, uint64_t value, struct vp_fault *fault)
{
    struct cpu *cpu = ctx;
    if (check_stack(cpu, la) != VP_OK)
        return as_value(cpu, VP_FAULT, fault);
    return as_value(cpu, cpu_charged_write(cpu, cpu_current_view(cpu), la, &value, 8), fault);
}

static void send_ipi(void *ctx, uint32_t ndst, uint8_t nv)
{
    struct cpu *cpu = ctx;
    cpu_bus(cpu)->apic_send_user_ipi(cpu->bus.ctx, ndst, nv);
    cpu_signal_interrupt(cpu); /* it may have been sent to this very core */
}

static void eoi(void *ctx)
{
    struct cpu *cpu = ctx;
    cpu_bus(cpu)->apic_eoi(cpu->bus.ctx);
}

static void charge(struct cpu *cpu, enum timing_stage stage, const struct uintr_step_info *info)
{
    uint64_t pa = 0;
    if (info->upid_la != 0)
        (void)cpu_debug_translate(cpu, info->upid_la, &pa);
    cpu_charge_stage(cpu, stage, pa);
}

static void count_post(struct cpu *cpu, const struct uintr_step_info *info)
{
    if (info->notify)
        cpu->stats.uintr_sent++;
    else if (info->suppressed)
        cpu->stats.uintr_suppressed++;
    else
        cpu->stats.uintr_coalesced++;
}

static void report(struct cpu *cpu, enum uintr_step step, const struct uintr_step_info *info)
{
    if (cpu->bus.uintr_step)
        cpu_bus(cpu)->uintr_step(cpu->bus.ctx, (int)step, info, cpu->cycles);
}

static void step_done(void *ctx, enum uintr_step step, const struct uintr_step_info *info)
{
    struct cpu *cpu = ctx;
    switch (step) {
    case UINTR_STEP_POSTED:
        charge(cpu, TIMING_STAGE_post, info);
        count_post(cpu, info);
        break;
    case UINTR_STEP_NOTIFY_BEGIN: charge(cpu, TIMING_STAGE_accept, info); break;
    case UINTR_STEP_NOTIFIED: charge(cpu, TIMING_STAGE_notify, info); break;
    case UINTR_STEP_DELIVERED: charge(cpu, TIMING_STAGE_deliver, info); break;
    case UINTR_STEP_RETURNED:
        charge(cpu, TIMING_STAGE_return, info);
        cpu->stats.uintr_returned++;
        break;
    case UINTR_STEP_SEND_BEGIN:
    case UINTR_STEP_UITTE_READ:
    case UINTR_STEP_SENT:
    case UINTR_STEP_DELIVER_BEGIN:
    case UINTR_STEP_UIRET_BEGIN: break;
    }
    report(cpu, step, info);
    if (step == UINTR_STEP_POSTED && info->notify)
        charge(cpu, TIMING_STAGE_issue, info); /* before the IPI leaves */
    if (step == UINTR_STEP_SEND_BEGIN || step == UINTR_STEP_UIRET_BEGIN)
        cpu->cycles += cpu->uintr_insn_cost;
}

struct uintr *cpu_uintr_create(struct cpu *cpu)
{
    const struct uintr_config config = {
        .linear_width = CPU_LINEAR_WIDTH,
        .flexible_uiret = cpu_has_feature(cpu, CPU_FEATURE_uiret_uif),
    };
    const struct uintr_bus bus = {
        .ctx = cpu,
        .load_supervisor = load_supervisor,
        .modify_supervisor = modify_supervisor,
        .load_stack = load_stack,
        .store_stack = store_stack,
        .send_ipi = send_ipi,
        .eoi = eoi,
        .step = step_done,
    };
    return uintr_create(&config, &bus);
}

/* In cycles the deadline is a fixed point until software changes the register or the TSC. */
void cpu_user_timer_changed(struct cpu *cpu)
{
    uint64_t deadline = uintr_timer_deadline(cpu->uintr), tsc = cpu->cycles + cpu->tsc_offset;
    cpu->pending &= ~PEND_UTIMER;
    cpu->user_timer_cycle = VP_NEVER;
    if (deadline == 0)
        return;
    if (uintr_timer_is_pending(cpu->uintr, tsc))
        cpu->user_timer_cycle = cpu->cycles;
    else if (deadline - tsc < VP_NEVER - cpu->cycles)
        cpu->user_timer_cycle = cpu->cycles + (deadline - tsc);
    cpu->deadline = 0; /* plan again at the next boundary */
}

void cpu_uintr_changed(struct cpu *cpu)
{
    if (uintr_is_pending(cpu->uintr)) {
        cpu->pending |= PEND_UINTR;
        cpu->deadline = 0; /* look at the next boundary */
    } else {
        cpu->pending &= ~PEND_UINTR;
    }
}
