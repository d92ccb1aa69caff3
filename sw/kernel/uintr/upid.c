/* SPDX-License-Identifier: Apache-2.0 */
/* UPIDs, the receivers' side: their lives, and the descriptors that stand for one vector of a receiver. */
#include "arch/cpu.h"
#include "fs/vfs.h"
#include "mm/page.h"
#include "uintr/uintr.h"

struct upid_object *upid_create(struct task *owner)
{
    struct upid_object *u = kzalloc(sizeof *u);
    if (!u)
        return NULL;
    KASSERT((uint64_t)u % _Alignof(struct upid_object) == 0);
    u->refs = 1;
    u->owner = owner;
    u->hw.control = UPID_SN | (uint64_t)VECTOR_UINTR << UPID_NV_SHIFT;
    list_init(&u->waiting);
    return u;
}

struct upid_object *upid_get(struct upid_object *u)
{
    u->refs++;
    return u;
}

void upid_put(struct upid_object *u)
{
    if (u && --u->refs == 0)
        kfree(u);
}

/* Senders change ON and the kernel the rest, on several cores at once. The operation is also a full barrier: a post
 * that is not seen in PIR afterwards will find the new control word. */
void upid_change(struct upid_object *u, uint64_t clear, uint64_t set)
{
    uint64_t old = u->hw.control;
    while (!__atomic_compare_exchange_n(&u->hw.control, &old, (old & ~clear) | set, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        continue;
}

static void release_fd(struct file *f)
{
    struct uintr_fd *fd = f->data;
    if (fd->is_first_generation) {
        uitt_disconnect(fd);
        fd->upid->vectors &= ~(1ull << fd->vector);
    }
    upid_put(fd->upid);
    kfree(fd);
}

static const struct file_ops vector_file_ops = {.release = release_fd};

long uintr_fd_create(uint64_t vector, bool is_first_generation)
{
    struct upid_object *u = uintr_receiver(current);
    if (!u)
        return -EINVAL;
    if (vector >= UINTR_VECTORS)
        return -ENOSPC;
    if (is_first_generation && u->vectors >> vector & 1)
        return -EBUSY;
    struct uintr_fd *fd = kzalloc(sizeof *fd);
    struct file *f = fd ? file_create(&vector_file_ops, O_RDONLY | O_NONBLOCK, fd) : NULL;
    if (!f) {
        kfree(fd);
        return -ENOMEM;
    }
    *fd = (struct uintr_fd){upid_get(u), (uint8_t)vector, is_first_generation, 0};
    if (is_first_generation)
        u->vectors |= 1ull << vector;
    return fd_install(f, true, 0);
}

struct uintr_fd *uintr_fd_from(int fd, int *error)
{
    struct file *f = fd_file(fd);
    *error = !f ? -EBADF : f->ops != &vector_file_ops ? -EOPNOTSUPP : 0;
    return *error ? NULL : f->data;
}
