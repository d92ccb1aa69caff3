/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of Intel's first kernel generation (449-454): connections belong to a thread and are named by descriptor.
 */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "sched/timer.h"
#include "uintr/uintr.h"

enum { WAIT_NS = 100000 };

/* What every call checks first. */
static int check(uint32_t flags) { return !uintr_is_available() ? -EOPNOTSUPP : flags ? -EINVAL : 0; }

SYSCALL2(uintr1_register_handler, uint64_t, handler, uint32_t, flags)
{
    return check(flags) ?: uintr_register(handler, 0);
}

SYSCALL1(uintr1_unregister_handler, uint32_t, flags) { return check(flags) ?: uintr_unregister(false); }

SYSCALL2(uintr1_create_fd, uint64_t, vector, uint32_t, flags) { return check(flags) ?: uintr_fd_create(vector, true); }

/* The calling thread's entry that goes through fd, or -1. */
static int find_connection(const struct uintr_fd *fd)
{
    const struct uitt *table = current->uintr ? current->uintr->uitt : NULL;
    for (int i = 0; table && i < UITT_ENTRIES; i++)
        if (table->via[i] == fd)
            return i;
    return -1;
}

SYSCALL2(uintr1_register_sender, int, descriptor, uint32_t, flags)
{
    int error = check(flags);
    struct uintr_fd *fd = error ? NULL : uintr_fd_from(descriptor, &error);
    if (!fd)
        return error;
    if (find_connection(fd) >= 0)
        return -EISCONN;
    if (!fd->upid->owner)
        return -ESHUTDOWN;
    if (current->mm->uitt)
        return -EBUSY; /* the process sends through the table of generation 2 */
    struct uintr_task *u = uintr_task_of_current();
    if (!u || (!u->uitt && !(u->uitt = uitt_create())))
        return -ENOMEM;
    int index = uitt_add(u->uitt, fd->upid, fd->vector, fd);
    if (index >= 0)
        uintr_set_sender(current, u->uitt);
    return index;
}

SYSCALL2(uintr1_unregister_sender, int, descriptor, uint32_t, flags)
{
    int error = check(flags);
    struct uintr_fd *fd = error ? NULL : uintr_fd_from(descriptor, &error);
    if (!fd)
        return error;
    int index = find_connection(fd);
    if (index < 0)
        return -EINVAL;
    uitt_remove(current->uintr->uitt, (unsigned)index);
    return 0;
}

SYSCALL1(uintr1_wait, uint32_t, flags) { return check(flags) ?: uintr_wait_until(clock_now() + WAIT_NS); }
