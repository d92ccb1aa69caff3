/* SPDX-License-Identifier: Apache-2.0 */
/* Receivers that sleep until something is posted. Their UPID asks for another vector meanwhile, one that enters the
 * kernel: whichever core gets it looks through all sleeping receivers. If the sender is to pay instead, the UPID makes
 * its SENDUIPI fault, see fixup.c. */
#include "arch/cpu.h"
#include "arch/msr.h"
#include "uintr/uintr.h"

static struct list waiting_list = {&waiting_list, &waiting_list}; /* struct upid_object.waiting */

/* False if there are posts already. ON is cleared: the notification it stands for has the other vector. */
static bool begin_wait(struct upid_object *u, uint32_t flags)
{
    bool sender_pays = flags & UINTR_WAITING_SENDER && !(flags & UINTR_WAITING_RECEIVER);
    u->is_waiting = true;
    list_append(&waiting_list, &u->waiting);
    if (sender_pays)
        upid_change(u, UPID_ON, UPID_BLOCKED | UPID_SN);
    else
        upid_change(u, UPID_ON | UPID_SN | UPID_NV_MASK, (uint64_t)VECTOR_UINTR_KERNEL << UPID_NV_SHIFT);
    if (upid_has_posts(u))
        uintr_end_wait(u);
    return u->is_waiting;
}

void uintr_end_wait(struct upid_object *u)
{
    if (!u->is_waiting)
        return;
    u->is_waiting = false;
    list_remove(&u->waiting);
    upid_change(u, UPID_NV_MASK | UPID_BLOCKED, (uint64_t)VECTOR_UINTR << UPID_NV_SHIFT | UPID_SN);
}

void uintr_wake(struct upid_object *u)
{
    if (!u->is_waiting)
        return;
    uintr_end_wait(u);
    trace(TRACE_UINTR_WAKE, (uint32_t)u->owner->tid);
    task_wake(u->owner);
}

void uintr_wake_interrupt(void)
{
    struct upid_object *u;
    for (LIST_EACH(u, &waiting_list, waiting))
        if (u->hw.control & UPID_ON || upid_has_posts(u))
            uintr_wake(u);
}

/* The task's UPID if posts shall end its sleep. */
static struct upid_object *awaited(const struct task *t)
{
    struct upid_object *u = uintr_receiver(t);
    return u && (t->uintr->waiting_flags || t->uintr->waits) ? u : NULL;
}

bool uintr_sleep_begin(struct task *t)
{
    struct upid_object *u = awaited(t);
    return !u || begin_wait(u, t->uintr->waiting_flags);
}

bool uintr_sleep_end(struct task *t)
{
    struct upid_object *u = awaited(t);
    if (!u || !u->is_waiting) /* SN is set: the way out looks at PIR */
        return u;
    uintr_end_wait(u);
    return upid_has_posts(u);
}

long uintr_wait_until(uint64_t deadline)
{
    struct task *t = current;
    int result = 0;
    if (!uintr_receiver(t))
        return -EOPNOTSUPP;
    if (uintr_read(MSR_UINTR_RR))
        return -EINTR; /* masked by CLUI as well: the caller lets it in after this */
    t->uintr->waits = true;
    while (!result)
        result = task_sleep(deadline);
    t->uintr->waits = false;
    return result == -ETIMEDOUT ? 0 : -EINTR;
}
