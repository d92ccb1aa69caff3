/* SPDX-License-Identifier: Apache-2.0 */
/* The user-interrupt registers of a task through its life: registration, context switch, return to user mode, exit.
 *
 * UPID.SN set means: the next return to user mode must look at the UPID. It is set whenever posts may have missed the
 * hardware: the task was switched out, slept, or took a notification through the IDT. While it is clear, every
 * notification either reaches this core in user mode or waits in its IRR until then, and the kernel has nothing to do
 * (interrupts are off in the kernel, so none is lost to the IDT). */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "mm/page.h"
#include "uintr/uintr.h"

#define MISC_UINV_MASK 0xff00000000ull

static bool available;

bool uintr_is_available(void) { return available; }

void uintr_init_cpu(void) { available = read_cr4() & CR4_UINTR && cpuid(0xd, 1).ecx >> 14 & 1; }

/* --- the registers of the current task, which are loaded again if it has slept in this call --- */

uint64_t uintr_read(uint32_t msr)
{
    fpu_restore_current();
    return rdmsr(msr);
}

void uintr_write(uint32_t msr, uint64_t value)
{
    fpu_restore_current();
    wrmsr(msr, value);
}

bool uintr_is_canonical(uint64_t address) { return (uint64_t)((int64_t)(address << 16) >> 16) == address; }

/* --- registration --- */

struct uintr_task *uintr_task_of_current(void)
{
    if (!current->uintr)
        current->uintr = kzalloc(sizeof *current->uintr);
    return current->uintr;
}

/* The address is not checked: a bad one is found out when an interrupt is delivered. WRMSR would refuse one that is
 * not canonical; 0 faults as well. */
long uintr_register(uint64_t handler, uint32_t waiting_flags)
{
    struct task *t = current;
    if (!handler)
        return -EFAULT;
    if (uintr_receiver(t))
        return -EBUSY;
    struct uintr_task *u = uintr_task_of_current();
    if (!u || (!u->upid && !(u->upid = upid_create(t))))
        return -ENOMEM;
    u->waiting_flags = waiting_flags;
    upid_change(u->upid, UPID_NV_MASK, (uint64_t)VECTOR_UINTR << UPID_NV_SHIFT | UPID_SN);
    uintr_write(MSR_UINTR_HANDLER, uintr_is_canonical(handler) ? handler : 0);
    uintr_write(MSR_UINTR_PD, (uint64_t)&u->upid->hw);
    uintr_write(MSR_UINTR_STACKADJUST, UINTR_RED_ZONE);
    uintr_write(MSR_UINTR_MISC, uintr_read(MSR_UINTR_MISC) | (uint64_t)VECTOR_UINTR << UINTR_MISC_UINV_SHIFT);
    u->is_receiver = true;
    return 0;
}

static void abandon_upid(struct uintr_task *u)
{
    if (!u->upid)
        return;
    u->upid->owner = NULL;
    upid_put(u->upid);
    u->upid = NULL;
}

long uintr_unregister(bool keeps_upid)
{
    struct task *t = current;
    if (!uintr_receiver(t))
        return -EINVAL;
    upid_change(t->uintr->upid, 0, UPID_SN);
    uintr_write(MSR_UINTR_MISC, uintr_read(MSR_UINTR_MISC) & ~MISC_UINV_MASK);
    uintr_write(MSR_UINTR_PD, 0);
    uintr_write(MSR_UINTR_RR, 0);
    uintr_write(MSR_UINTR_STACKADJUST, 0);
    uintr_write(MSR_UINTR_HANDLER, 0);
    t->uintr->is_receiver = false;
    if (!keeps_upid)
        abandon_upid(t->uintr);
    return 0;
}

void uintr_set_sender(const struct uitt *table)
{
    uintr_write(MSR_UINTR_MISC, (uintr_read(MSR_UINTR_MISC) & MISC_UINV_MASK) | (UITT_ENTRIES - 1));
    uintr_write(MSR_UINTR_TT, (uint64_t)table->entries | UINTR_TT_ENABLE);
}

/* --- the task's ways --- */

void uintr_switch_out(struct task *t)
{
    struct upid_object *u = uintr_receiver(t);
    if (u && !u->is_waiting)
        upid_change(u, 0, UPID_SN);
}

/* UINV and NDST are right before SN is cleared, and PIR is read after: a post before that is found here, a later one
 * sends its own notification. ON goes with SN, because the notification it stands for may be one that another core
 * took through the IDT. */
void uintr_prepare_return(struct task *t)
{
    struct upid_object *u = uintr_receiver(t);
    if (!u || !(u->hw.control & UPID_SN))
        return;
    ((volatile uint32_t *)&u->hw.control)[1] = this_cpu()->apic_id;
    upid_change(u, UPID_SN | UPID_ON, 0);
    if (upid_has_posts(u)) {
        trace(TRACE_UINTR_RESUME, (uint32_t)t->tid);
        apic_send_self(VECTOR_UINTR); /* taken as a notification as soon as user mode lets interrupts in */
    }
}

/* The notification was for a task that has left this core since, or for one whose UINV was 0. */
void uintr_notification(void)
{
    uintr_switch_out(current);
    uintr_wake_interrupt();
}

/* The registers keep their values until another task's are loaded, but without UINV nobody looks at PD, and exec's
 * fpu_reset() makes zeros of them. */
void uintr_task_exit(struct task *t)
{
    struct uintr_task *u = t->uintr;
    fpu_save(t); /* UINV is 0 */
    if (!u)
        return;
    if (u->upid) {
        uintr_end_wait(u->upid);
        upid_change(u->upid, 0, UPID_SN);
    }
    abandon_upid(u);
    uitt_put(u->uitt);
    kfree(u);
    t->uintr = NULL;
}
