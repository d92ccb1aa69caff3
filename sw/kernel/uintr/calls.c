/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of both of Intel's kernel generations. In the first (449-454) connections belong to a thread and are named
 * by descriptor, in the second (471-479) they belong to a process and are named by index. */
#include "arch/msr.h"
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "uintr/uintr.h"

enum { WAIT_NS = 100000, WAIT_MAX_US = 1000000000 };
#define UIPI_SET_TARGET_TABLE 0x7500 /* _IO('u', 0) */

/* What every call checks first. */
static int check1(uint32_t flags) { return !uintr_is_available() ? -EOPNOTSUPP : flags ? -EINVAL : 0; }
static int check2(uint32_t flags) { return !uintr_is_available() ? -ENOSYS : flags ? -EINVAL : 0; }

/* --- generation 1 --- */

SYSCALL2(uintr1_register_handler, uint64_t, handler, uint32_t, flags)
{
    return check1(flags) ?: uintr_register(handler, 0);
}

SYSCALL1(uintr1_unregister_handler, uint32_t, flags) { return check1(flags) ?: uintr_unregister(false); }

SYSCALL2(uintr1_create_fd, uint64_t, vector, uint32_t, flags) { return check1(flags) ?: uintr_fd_create(vector, true); }

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
    int error = check1(flags);
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
        uintr_set_sender(u->uitt);
    return index;
}

SYSCALL2(uintr1_unregister_sender, int, descriptor, uint32_t, flags)
{
    int error = check1(flags);
    struct uintr_fd *fd = error ? NULL : uintr_fd_from(descriptor, &error);
    if (!fd)
        return error;
    int index = find_connection(fd);
    if (index < 0)
        return -EINVAL;
    uitt_remove(current->uintr->uitt, (unsigned)index);
    return 0;
}

SYSCALL1(uintr1_wait, uint32_t, flags) { return check1(flags) ?: uintr_wait_until(clock_now() + WAIT_NS); }

/* --- generation 2 --- */

SYSCALL2(uintr2_register_handler, uint64_t, handler, uint32_t, flags)
{
    uint32_t waiting = flags & (UINTR_WAITING_RECEIVER | UINTR_WAITING_SENDER);
    return check2(flags & ~waiting) ?: uintr_register(handler, waiting);
}

SYSCALL1(uintr2_unregister_handler, uint32_t, flags) { return check2(flags) ?: uintr_unregister(true); }

SYSCALL2(uintr2_vector_fd, uint64_t, vector, uint32_t, flags)
{
    return check2(flags) ?: uintr_fd_create(vector, false);
}

/* The index, or why not. */
static long connect_to(struct upid_object *u, unsigned vector)
{
    struct uitt *table;
    if (!u->owner)
        return -ESHUTDOWN;
    int error = uitt_of_current_mm(&table);
    if (error)
        return error;
    int index = uitt_add(table, u, vector, NULL);
    if (index >= 0)
        uintr_set_sender(table);
    return index;
}

SYSCALL2(uintr2_register_sender, int, descriptor, uint32_t, flags)
{
    int error = check2(flags);
    struct uintr_fd *fd = error ? NULL : uintr_fd_from(descriptor, &error);
    return fd ? connect_to(fd->upid, fd->vector) : error;
}

SYSCALL2(uintr2_unregister_sender, int, index, uint32_t, flags)
{
    if (check2(flags))
        return check2(flags);
    struct uitt *table = current->mm->uitt;
    if (!table || index < 0 || !uitt_is_used(table, (uint64_t)index))
        return -EINVAL;
    uitt_remove(table, (unsigned)index);
    return 0;
}

SYSCALL2(uintr2_wait, uint64_t, us, uint32_t, flags)
{
    return check2(flags) ?: us > WAIT_MAX_US ? -EINVAL : us ? uintr_wait_until(clock_now() + us * 1000) : 0;
}

SYSCALL2(uintr2_register_self, uint64_t, vector, uint32_t, flags)
{
    struct upid_object *u = uintr_receiver(current);
    return check2(flags) ?: !u ? -EINVAL : vector >= UINTR_VECTORS ? -ENOSPC : connect_to(u, (unsigned)vector);
}

/* sp is the first stack pointer, the top. The CPU refuses one that is not canonical, and Linux does not look. */
SYSCALL3(uintr2_alt_stack, uint64_t, sp, uint64_t, bytes, uint32_t, flags)
{
    (void)bytes;
    if (check2(flags))
        return check2(flags);
    if (!uintr_receiver(current))
        return -EOPNOTSUPP;
    uint64_t adjust = sp ? sp | UINTR_STACKADJUST_LOAD : UINTR_RED_ZONE;
    if (uintr_is_canonical(adjust))
        uintr_write(MSR_UINTR_STACKADJUST, adjust);
    return 0;
}

/* --- a table as a descriptor: a process that has none yet can send through another's --- */

static int64_t ioctl_table(struct file *f, uint32_t request, uint64_t argument)
{
    (void)argument;
    struct uitt *table = f->data;
    if (request != UIPI_SET_TARGET_TABLE)
        return -EINVAL;
    if (current->mm->uitt || (current->uintr && current->uintr->uitt))
        return -EBUSY;
    table->refs++;
    current->mm->uitt = table;
    uintr_set_sender(table);
    return 0;
}

static void release_table(struct file *f) { uitt_put(f->data); }

static const struct file_ops table_file_ops = {.ioctl = ioctl_table, .release = release_table};

SYSCALL1(uintr2_ipi_fd, uint32_t, flags)
{
    struct uitt *table;
    int error = check2(flags);
    if (!error)
        error = uitt_of_current_mm(&table);
    if (error)
        return error;
    struct file *f = file_create(&table_file_ops, O_RDONLY | O_NONBLOCK, table);
    if (!f)
        return -ENOMEM;
    table->refs++;
    return fd_install(f, true, 0);
}
