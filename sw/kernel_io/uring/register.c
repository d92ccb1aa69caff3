/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring_register(): fixed files and buffers, eventfd, user interrupt, probe, enabling. A registered buffer is a
 * range of the caller's address space that was there when it was registered; what is unmapped later answers EFAULT. */
#include "uring/uring.h"

#include "../user/include/uring_uintr.h"
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "string.h"

enum { BUFFERS_MAX = 16384, BUFFER_BYTES_MAX = 1 << 30, FILES_MAX = 32768, PROBES_MAX = 256 };

/* --- files --- */

/* A reference; fd -1: NULL. */
static int file_from(int fd, struct file **out)
{
    struct file *f = fd == -1 ? NULL : fd_file(fd);
    *out = NULL;
    if (fd != -1 && (!f || uring_of(f))) /* a ring that holds itself would never end */
        return -EBADF;
    if (f)
        *out = file_get(f);
    return 0;
}

void uring_forget_files(struct uring *r)
{
    struct file **files = r->files;
    uint32_t count = r->file_count;
    r->files = NULL;
    r->file_count = 0;
    for (uint32_t i = 0; files && i < count; i++)
        file_put(files[i]);
    kfree(files);
}

static long register_files(struct uring *r, uint64_t from, uint32_t count)
{
    if (r->files)
        return -EBUSY;
    if (!count)
        return -EINVAL;
    if (count > FILES_MAX)
        return -EMFILE;
    struct file **files = kzalloc(count * sizeof(struct file *));
    if (!files)
        return -ENOMEM;
    r->files = files;
    r->file_count = count;
    for (uint32_t i = 0; i < count; i++) {
        int32_t fd;
        int error = GET_USER(fd, from + i * sizeof fd);
        if (!error)
            error = file_from(fd, &files[i]);
        if (error) {
            uring_forget_files(r);
            return error;
        }
    }
    return 0;
}

static long update_files(struct uring *r, uint64_t from, uint32_t count)
{
    struct io_uring_files_update u;
    if (!count)
        return -EINVAL;
    if (GET_USER(u, from))
        return -EFAULT;
    if (u.resv)
        return -EINVAL;
    if (!r->files)
        return -ENXIO;
    if (u.offset > r->file_count || count > r->file_count - u.offset)
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        int32_t fd;
        struct file *f;
        int error = GET_USER(fd, u.fds + i * sizeof fd);
        if (!error && fd == IORING_REGISTER_FILES_SKIP)
            continue;
        if (!error)
            error = file_from(fd, &f);
        if (error)
            return i ? (long)i : error;
        struct file *old = r->files[u.offset + i];
        r->files[u.offset + i] = f;
        file_put(old);
    }
    return count;
}

/* --- buffers --- */

static int check_buffer(const struct iovec *v)
{
    uint64_t start = (uint64_t)v->iov_base, end;
    if (!start && !v->iov_len)
        return 0; /* an empty place */
    if (!start || !v->iov_len || v->iov_len > BUFFER_BYTES_MAX || __builtin_add_overflow(start, v->iov_len, &end) ||
        end > USER_END)
        return -EFAULT;
    for (uint64_t page = ALIGN_DOWN(start, (uint64_t)PAGE_BYTES); page < end; page += PAGE_BYTES) {
        if (!mm_page_at(current->mm, page, true))
            return -EFAULT;
        uring_breathe();
        if (task_has_signal(current))
            return -EINTR;
    }
    return 0;
}

static long register_buffers(struct uring *r, uint64_t from, uint32_t count)
{
    if (r->buffers)
        return -EBUSY;
    if (!count || count > BUFFERS_MAX)
        return -EINVAL;
    struct iovec *v = kmalloc(count * sizeof *v);
    if (!v)
        return -ENOMEM;
    int error = copy_from_user(v, from, count * sizeof *v);
    for (uint32_t i = 0; !error && i < count; i++)
        error = check_buffer(&v[i]);
    if (!error && r->buffers) /* another thread was faster */
        error = -EBUSY;
    if (error) {
        kfree(v);
        return error;
    }
    r->buffers = v;
    r->buffer_count = count;
    return 0;
}

static long unregister_buffers(struct uring *r)
{
    if (!r->buffers)
        return -ENXIO;
    kfree(r->buffers);
    r->buffers = NULL;
    r->buffer_count = 0;
    return 0;
}

/* --- eventfd, user interrupt --- */

static long register_eventfd(struct uring *r, int fd)
{
    struct file *f = fd_file(fd);
    if (r->eventfd)
        return -EBUSY;
    if (!f || !eventfd_add(f, 0))
        return f ? -EINVAL : -EBADF;
    r->eventfd = file_get(f);
    return 0;
}

static long unregister_eventfd(struct uring *r)
{
    struct file *f = r->eventfd;
    r->eventfd = NULL;
    file_put(f);
    return f ? 0 : -ENXIO;
}

/* --- probe, enabling --- */

static long tell_operations(uint64_t to, uint32_t count)
{
    struct {
        struct io_uring_probe head;
        struct io_uring_probe_op ops[PROBES_MAX];
    } probe;
    if (count > PROBES_MAX)
        return -EINVAL;
    size_t bytes = sizeof probe.head + count * sizeof probe.ops[0];
    if (copy_from_user(&probe, to, bytes))
        return -EFAULT;
    for (size_t i = 0; i < bytes; i++)
        if (((uint8_t *)&probe)[i])
            return -EINVAL;
    count = MIN(count, (uint32_t)IORING_OP_LAST);
    for (uint32_t i = 0; i < count; i++)
        probe.ops[i] =
            (struct io_uring_probe_op){.op = (uint8_t)i, .flags = operation_exists(i) ? IO_URING_OP_SUPPORTED : 0};
    probe.head.last_op = IORING_OP_LAST - 1;
    probe.head.ops_len = (uint8_t)count;
    return copy_to_user(to, &probe, bytes);
}

static long enable(struct uring *r)
{
    if (!r->is_disabled)
        return -EBADFD;
    r->is_disabled = false;
    submitter_wake(r);
    return 0;
}

static long unregister_files(struct uring *r)
{
    if (!r->files)
        return -ENXIO;
    uring_forget_files(r);
    return 0;
}

static long do_register(struct uring *r, uint32_t operation, uint64_t argument, uint32_t count)
{
    int32_t fd;
    switch (operation) { /* which arguments it wants */
    case IORING_REGISTER_EVENTFD:
    case IORING_REGISTER_UINTR:
        if (count != 1 || GET_USER(fd, argument))
            return count != 1 ? -EINVAL : -EFAULT;
        break;
    case IORING_UNREGISTER_BUFFERS:
    case IORING_UNREGISTER_FILES:
    case IORING_UNREGISTER_EVENTFD:
    case IORING_UNREGISTER_UINTR:
    case IORING_REGISTER_ENABLE_RINGS:
        if (argument || count)
            return -EINVAL;
    }
    switch (operation) {
    case IORING_REGISTER_BUFFERS: return argument ? register_buffers(r, argument, count) : -EFAULT;
    case IORING_UNREGISTER_BUFFERS: return unregister_buffers(r);
    case IORING_REGISTER_FILES: return argument ? register_files(r, argument, count) : -EFAULT;
    case IORING_UNREGISTER_FILES: return unregister_files(r);
    case IORING_REGISTER_FILES_UPDATE: return update_files(r, argument, count);
    case IORING_REGISTER_EVENTFD: return register_eventfd(r, fd);
    case IORING_UNREGISTER_EVENTFD: return unregister_eventfd(r);
    case IORING_REGISTER_PROBE: return argument ? tell_operations(argument, count) : -EINVAL;
    case IORING_REGISTER_ENABLE_RINGS: return enable(r);
    case IORING_REGISTER_UINTR: return uring_set_receiver(r, fd);
    case IORING_UNREGISTER_UINTR: return uring_clear_receiver(r);
    default: return -EINVAL;
    }
}

SYSCALL4(io_uring_register, int, fd, uint32_t, operation, uint64_t, argument, uint32_t, count)
{
    struct file *f = fd_file(fd);
    struct uring *r = uring_of(f);
    if (!r)
        return f ? -EOPNOTSUPP : -EBADF;
    if (r->flags & IORING_SETUP_SINGLE_ISSUER && r->issuer && r->issuer != current->tid)
        return -EEXIST;
    file_get(f);
    long result = do_register(r, operation, argument, count);
    file_put(f);
    return result;
}
