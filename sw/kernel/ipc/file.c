/* SPDX-License-Identifier: Apache-2.0 */
/* What all files without a name have in common. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "sched/task.h"

int ipc_wait(struct wait_queue *q, uint64_t deadline)
{
    struct waiter w;
    if (!deadline)
        return -EAGAIN;
    wait_begin(q, &w);
    int result = task_sleep(deadline);
    wait_end(&w);
    if (result == -EINTR)
        return deadline == NEVER ? -ERESTARTSYS : -EINTR;
    return result ? -EAGAIN : 0;
}

struct file *ipc_file(uint32_t mode, const struct file_ops *ops, uint32_t flags, size_t bytes)
{
    static const struct inode_ops nothing;
    void *data = kzalloc(bytes);
    struct inode *i = data ? inode_create(mode, &nothing, ops) : NULL;
    struct file *f = i ? file_create(ops, flags, data) : NULL;
    if (!f) {
        inode_put(i);
        kfree(data);
        return NULL;
    }
    f->inode = i;
    return f;
}

int ipc_install_pair(struct file *a, struct file *b, bool close_on_exec, uint64_t to)
{
    int fds[2];
    fds[0] = fd_install(a, close_on_exec, 0);
    fds[1] = fd_install(b, close_on_exec, 0);
    int error = fds[1] < 0 ? fds[1] : PUT_USER(to, fds);
    if (error) {
        fd_close(fds[0]);
        fd_close(fds[1]);
    }
    return error;
}
