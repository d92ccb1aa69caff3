/* SPDX-License-Identifier: Apache-2.0 */
/* Completions that arrive as user interrupts. The kernel itself executes SENDUIPI, which works at CPL 0, with a UITT of
 * one entry in the ring: index 0 is within every UITT size, so only IA32_UINTR_TT has to be changed. That register
 * belongs to the task whose extended state is loaded, which an interrupt or a system call finds and has to leave as it
 * was; interrupts are off, so nothing comes in between. The rest is the hardware's: posts coalesce by ON, a receiver
 * that sleeps has a vector in its UPID that wakes it, one that is switched out has SN set and looks at PIR when it
 * returns (uintr/state.c). The entry holds a reference to the UPID; that of a receiver that is gone hears nothing. */
#include "uring/uring.h"

#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "uintr/uintr.h"

int uring_set_receiver(struct uring *r, int fd)
{
    int error;
    if (r->receiver)
        return -EBUSY;
    const struct uintr_fd *via = uintr_fd_from(fd, &error);
    if (!via)
        return error;
    if (!via->upid->owner)
        return -ESHUTDOWN;
    r->receiver = upid_get(via->upid);
    r->target = (struct uitte){UITTE_V | (uint64_t)via->vector << UITTE_UV_SHIFT, (uint64_t)&via->upid->hw};
    return 0;
}

int uring_clear_receiver(struct uring *r)
{
    if (!r->receiver)
        return -ENXIO;
    r->target = (struct uitte){0, 0};
    upid_put(r->receiver);
    r->receiver = NULL;
    return 0;
}

static void send_user_interrupt(const struct uitte *table)
{
    uint64_t before = rdmsr(MSR_UINTR_TT);
    wrmsr(MSR_UINTR_TT, (uint64_t)table | UINTR_TT_ENABLE);
    __asm__ volatile("senduipi %0" ::"r"(UINT64_C(0)) : "memory");
    wrmsr(MSR_UINTR_TT, before);
}

void uring_notify(struct uring *r)
{
    struct upid_object *u = r->receiver;
    if (!u)
        return;
    uring_counts.posts++;
    if (u->hw.control & UPID_BLOCKED) { /* the sender pays for the wake-up, which is the kernel this time */
        __atomic_fetch_or(&u->hw.pir, 1ull << (r->target.control >> UITTE_UV_SHIFT & 63), __ATOMIC_SEQ_CST);
        uintr_wake(u);
        return;
    }
    send_user_interrupt(&r->target);
}
