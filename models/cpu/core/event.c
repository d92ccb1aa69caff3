/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken between two instructions, in the order of SDM Vol. 3, "Prioritization of Concurrent Events":
 *   INIT (and SIPI while waiting for it), traps of the last instruction, NMI, maskable interrupts (notifications of
 * user interrupts among them), the user-timer event, then user-interrupt delivery. */
#include "wait.h"

static void trace(struct cpu *cpu, enum cpu_trace_event event, uint32_t detail)
{
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, event, detail, 0, cpu->cycles);
}

static bool take_init(struct cpu *cpu)
{
    cpu->pending &= ~(PEND_INIT | PEND_NMI | PEND_DB);
    cpu_init_state(cpu, false);
    cpu_bus(cpu)->apic_init(cpu->bus.ctx);
    cpu->activity = cpu->config.bsp ? ACTIVE : ACTIVITY_SIPI; /* the BSP starts at the reset vector */
    return true;
}

static bool take_startup(struct cpu *cpu)
{
    cpu->pending &= ~PEND_SIPI;
    if (cpu->activity != ACTIVITY_SIPI)
        return false; /* ignored by a running core */
    cpu_set_segment_real(cpu, SEG_CS, (uint16_t)(cpu->sipi_vector << 8));
    cpu->rip = 0;
    cpu->activity = ACTIVE;
    cpu_update_mode(cpu);
    trace(cpu, CPU_TRACE_START, cpu->sipi_vector);
    return true;
}

/* SDM Vol. 3, "User-Interrupt Notification Identification": the vector is compared after it was acknowledged. */
static bool is_notification(const struct cpu *cpu, uint8_t vector)
{
    return (cpu->cr4 & CR4_UINTR) && (cpu->efer & EFER_LMA) && vector == uintr_uinv(cpu->uintr);
}

static bool take_interrupt(struct cpu *cpu)
{
    uint64_t number = 0, arrived_at = 0;
    enum activity before = cpu->activity;
    uint8_t vector = cpu_bus(cpu)->apic_ack(cpu->bus.ctx, &number, &arrived_at);

    if (is_notification(cpu, vector)) {
        struct vp_fault fault;
        enum vp_status status = uintr_notify(cpu->uintr, &fault);
        cpu->stats.uintr_notified++;
        cpu_uintr_changed(cpu);
        cpu_signal_interrupt(cpu); /* EOI may have uncovered another */
        if (status != VP_OK) {
            cpu_wake_up(cpu);
            cpu->exc_external = true;
            (void)cpu_raise_fault(cpu, &fault);
        } else {
            /* A core in HLT returns to HLT; other waits are over. */
            if (before == ACTIVITY_WAIT)
                cpu_wake_up(cpu);
            else
                cpu->activity = before;
        }
        return true;
    }
    cpu_wake_up(cpu);
    trace(cpu, CPU_TRACE_INTERRUPT, vector);
    cpu->stats.interrupts++;
    cpu_deliver_interrupt(cpu, vector, false, cpu->rip);
    return true;
}

/* SDM Vol. 3, "User-Interrupt Delivery", but for UIRR != 0 and the MOV SS shadow: RFLAGS.IF and the STI shadow do not
 * matter. */
bool cpu_accepts_user_events(const struct cpu *cpu)
{
    return (cpu->cr4 & CR4_UINTR) && uintr_uif(cpu->uintr) && cpu->cpl == 3 && (cpu->mode & MODE_CODE64) &&
           (cpu->activity == ACTIVE || cpu->activity == ACTIVITY_WAIT);
}

static bool can_deliver_uintr(const struct cpu *cpu)
{
    return uintr_is_pending(cpu->uintr) && cpu_accepts_user_events(cpu) && !(cpu->shadow & SHADOW_MOV_SS);
}

/* Only moves the request to UIRR; the delivery follows at the same boundary if nothing holds it off. */
static bool take_user_timer(struct cpu *cpu)
{
    cpu_wake_up(cpu); /* from UMWAIT, TPAUSE */
    uintr_timer_expire(cpu->uintr);
    cpu_user_timer_changed(cpu);
    cpu_uintr_changed(cpu);
    return true;
}

static bool take_uintr(struct cpu *cpu)
{
    struct vp_fault fault;
    cpu_wake_up(cpu); /* from UMWAIT, TPAUSE */
    struct uintr_regs regs = {cpu->rip, cpu->gpr[RSP], cpu_rflags(cpu)};
    enum vp_status status = uintr_deliver(cpu->uintr, &regs, CPU_LINEAR_WIDTH, &fault);

    if (status != VP_OK) {
        (void)cpu_raise_fault(cpu, &fault);
        return true;
    }
    cpu->stats.uintr_delivered++;
    cpu->rip = regs.rip;
    cpu->gpr[RSP] = regs.rsp;
    cpu_set_rflags(cpu, regs.rflags, FLAG_TF | FLAG_RF);
    cpu->shadow = 0;
    cpu_uintr_changed(cpu);
    return true;
}

bool cpu_take_event(struct cpu *cpu)
{
    uint32_t pending = cpu->pending;

    if (pending & PEND_INIT)
        return take_init(cpu);
    if (pending & PEND_SIPI)
        return take_startup(cpu);
    if (cpu->activity == ACTIVITY_SIPI)
        return false;
    if ((pending & PEND_DB) && !(cpu->shadow & SHADOW_MOV_SS)) {
        cpu->pending &= ~PEND_DB;
        cpu->dr[6] |= cpu->debug_hits;
        cpu->debug_hits = 0;
        (void)cpu_raise(cpu, EXC_DB, 0);
        return true;
    }
    if ((pending & PEND_NMI) && !cpu->nmi_blocked && !(cpu->shadow & SHADOW_MOV_SS)) {
        cpu->pending &= ~PEND_NMI;
        cpu_wake_up(cpu);
        trace(cpu, CPU_TRACE_INTERRUPT, EXC_NMI);
        cpu->stats.interrupts++;
        cpu->nmi_blocked = true;
        cpu_deliver_interrupt(cpu, EXC_NMI, false, cpu->rip);
        return true;
    }
    if ((pending & PEND_INTR) && (cpu->rflags & FLAG_IF) && cpu->shadow == 0) {
        cpu->pending &= ~PEND_INTR;
        if (cpu_bus(cpu)->apic_has_interrupt(cpu->bus.ctx)) {
            cpu->pending |= PEND_INTR; /* perhaps more than one */
            return take_interrupt(cpu);
        }
    }
    if ((pending & PEND_INTR) && cpu->activity == ACTIVITY_WAIT && cpu->wait.ends_by_masked &&
        cpu_bus(cpu)->apic_has_interrupt(cpu->bus.ctx)) {
        cpu_wake_up(cpu); /* the interrupt itself stays pending while IF is clear */
        return true;
    }
    if ((pending & PEND_UTIMER) && cpu_accepts_user_events(cpu))
        return take_user_timer(cpu);
    if ((pending & PEND_UINTR) && can_deliver_uintr(cpu))
        return take_uintr(cpu);
    return false;
}
