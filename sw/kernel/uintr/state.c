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

#define MISC_UIF 0x8000000000000000ull /* in the XSAVE image only; reserved in the MSR */
#define MISC_UINV_MASK 0xff00000000ull

static bool available;

bool uintr_is_available(void) { return available; }

void uintr_init_cpu(void) { available = read_cr4() & CR4_UINTR && cpuid(0xd, 1).ecx >> 14 & 1; }

/* --- the registers, or their image while they are not loaded --- */

static const uint32_t msr_of_word[] = {MSR_UINTR_HANDLER, MSR_UINTR_STACKADJUST, MSR_UINTR_MISC,
                                       MSR_UINTR_PD,      MSR_UINTR_RR,          MSR_UINTR_TT};

static bool is_live(const struct task *t) { return this_cpu()->fpu_owner == t; }

uint64_t uintr_read(struct task *t, enum uintr_word word)
{
    if (is_live(t))
        return rdmsr(msr_of_word[word]);
    uint64_t value = fpu_uintr_words(t, true)[word];
    return word == UINTR_MISC ? value & ~MISC_UIF : value;
}

void uintr_write(struct task *t, enum uintr_word word, uint64_t value)
{
    if (is_live(t)) {
        wrmsr(msr_of_word[word], value);
        return;
    }
    uint64_t *image = &fpu_uintr_words(t, true)[word];
    *image = word == UINTR_MISC ? (*image & MISC_UIF) | value : value;
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
    uintr_write(t, UINTR_HANDLER, uintr_is_canonical(handler) ? handler : 0);
    uintr_write(t, UINTR_PD, (uint64_t)&u->upid->hw);
    uintr_write(t, UINTR_STACKADJUST, UINTR_RED_ZONE);
    uintr_write(t, UINTR_MISC, uintr_read(t, UINTR_MISC) | (uint64_t)VECTOR_UINTR << UINTR_MISC_UINV_SHIFT);
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
    uintr_write(t, UINTR_MISC, uintr_read(t, UINTR_MISC) & ~MISC_UINV_MASK);
    uintr_write(t, UINTR_PD, 0);
    uintr_write(t, UINTR_RR, 0);
    uintr_write(t, UINTR_STACKADJUST, 0);
    uintr_write(t, UINTR_HANDLER, 0);
    t->uintr->is_receiver = false;
    if (!keeps_upid)
        abandon_upid(t->uintr);
    return 0;
}

void uintr_set_sender(struct task *t, const struct uitt *table)
{
    uintr_write(t, UINTR_MISC, (uintr_read(t, UINTR_MISC) & MISC_UINV_MASK) | (UITT_ENTRIES - 1));
    uintr_write(t, UINTR_TT, (uint64_t)table->entries | UINTR_TT_ENABLE);
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
    if (!u)
        return;
    uint64_t misc = rdmsr(MSR_UINTR_MISC);
    if (!(misc & MISC_UINV_MASK)) /* an XSAVES without a reload */
        wrmsr(MSR_UINTR_MISC, misc | (uint64_t)VECTOR_UINTR << UINTR_MISC_UINV_SHIFT);
    if (!(u->hw.control & UPID_SN))
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
    struct upid_object *u = uintr_receiver(current);
    if (u && !u->is_waiting)
        upid_change(u, 0, UPID_SN);
    uintr_wake_interrupt();
}

void uintr_task_exit(struct task *t)
{
    if (!available)
        return;
    struct uintr_task *u = t->uintr;
    if (u && u->upid) {
        uintr_end_wait(u->upid);
        upid_change(u->upid, 0, UPID_SN);
    }
    if (t->fpu) { /* also of a thread that only sends: TT */
        fpu_save(t);
        uint64_t *words = fpu_uintr_words(t, false);
        for (unsigned i = 0; words && i < ARRAY_SIZE(msr_of_word); i++)
            words[i] = 0;
    }
    if (!u)
        return;
    abandon_upid(u); /* PD leads there no more, and UINV is 0 since fpu_save() */
    uitt_put(u->uitt);
    kfree(u);
    t->uintr = NULL;
}
