/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables: what a number of a process means. dup, fcntl, close. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"
#include <linux/close_range.h>
#include <linux/resource.h>

struct files *files_create(void)
{
    struct files *f = kzalloc(sizeof *f);
    if (f)
        f->refs = 1;
    return f;
}

struct files *files_copy(const struct files *from)
{
    struct files *f = kmalloc(sizeof *f);
    if (!f)
        return NULL;
    *f = *from;
    f->refs = 1;
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (f->file[fd])
            file_get(f->file[fd]);
    }
    return f;
}

struct files *files_get(struct files *f)
{
    f->refs++;
    return f;
}

void files_put(struct files *f)
{
    if (!f || --f->refs)
        return;
    for (int fd = 0; fd < FDS_MAX; fd++)
        file_put(f->file[fd]);
    kfree(f);
}

static bool has_close_on_exec(const struct files *f, int fd) { return f->close_on_exec[fd / 8] >> fd % 8 & 1; }

static void set_close_on_exec(struct files *f, int fd, bool on)
{
    f->close_on_exec[fd / 8] &= (uint8_t) ~(1u << fd % 8);
    f->close_on_exec[fd / 8] |= (uint8_t)((unsigned)on << fd % 8);
}

/* Out of the table before the reference goes: release callbacks must not find it there. */
static int close_slot(struct files *f, int fd)
{
    struct file *file = f->file[fd];
    if (!file)
        return -EBADF;
    f->file[fd] = NULL;
    set_close_on_exec(f, fd, false);
    file_put(file);
    return 0;
}

void files_close_on_exec(struct files *f)
{
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (has_close_on_exec(f, fd))
            close_slot(f, fd);
    }
}

struct file *fd_file_any(int fd) { return fd >= 0 && fd < FDS_MAX ? current->files->file[fd] : NULL; }

struct file *fd_file(int fd)
{
    struct file *f = fd_file_any(fd);
    return f && !(f->flags & O_PATH) ? f : NULL;
}

static int fd_limit(void) { return (int)MIN(current->process->rlimit[RLIMIT_NOFILE][0], (uint64_t)FDS_MAX); }

int fd_lowest(int from)
{
    int limit = fd_limit();
    for (int fd = from; fd < limit; fd++) {
        if (!current->files->file[fd])
            return fd;
    }
    return -EMFILE;
}

int fd_install(struct file *f, bool close_on_exec, int from)
{
    int fd = fd_lowest(from);
    if (fd < 0) {
        file_put(f);
        return fd;
    }
    current->files->file[fd] = f;
    set_close_on_exec(current->files, fd, close_on_exec);
    return fd;
}

void fd_set_close_on_exec(int fd, bool on) { set_close_on_exec(current->files, fd, on); }

int fd_close(int fd) { return fd >= 0 && fd < FDS_MAX ? close_slot(current->files, fd) : -EBADF; }

SYSCALL1(close, int, fd) { return fd_close(fd); }

SYSCALL3(close_range, uint32_t, first, uint32_t, last, uint32_t, flags)
{
    if (flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    struct files *f = current->files;
    if (flags & CLOSE_RANGE_UNSHARE && f->refs > 1) {
        struct files *own = files_copy(f);
        if (!own)
            return -ENOMEM;
        current->files = own;
        files_put(f);
        f = own;
    }
    for (uint32_t fd = first; fd <= last && fd < FDS_MAX; fd++) {
        if (flags & CLOSE_RANGE_CLOEXEC && f->file[fd])
            set_close_on_exec(f, (int)fd, true);
        else if (f->file[fd])
            close_slot(f, (int)fd);
    }
    return 0;
}

static int duplicate_at_least(int fd, bool close_on_exec, uint64_t from)
{
    struct file *f = fd_file_any(fd);
    if (!f)
        return -EBADF;
    if (from >= (uint64_t)fd_limit())
        return -EINVAL;
    return fd_install(file_get(f), close_on_exec, (int)from);
}

static int duplicate_to(int fd, int to, bool close_on_exec)
{
    if (to < 0 || to >= fd_limit())
        return -EBADF;
    struct file *f = fd_file_any(fd);
    if (!f)
        return -EBADF;
    struct file *replaced = current->files->file[to];
    current->files->file[to] = file_get(f);
    set_close_on_exec(current->files, to, close_on_exec);
    file_put(replaced);
    return to;
}

SYSCALL1(dup, int, fd)
{
    struct file *f = fd_file_any(fd);
    return f ? fd_install(file_get(f), false, 0) : -EBADF;
}

SYSCALL2(dup2, int, fd, int, to)
{
    if (fd == to)
        return fd_file_any(fd) ? fd : -EBADF;
    return duplicate_to(fd, to, false);
}

SYSCALL3(dup3, int, fd, int, to, uint32_t, flags)
{
    if (flags & ~(uint32_t)O_CLOEXEC || fd == to)
        return -EINVAL;
    return duplicate_to(fd, to, flags & O_CLOEXEC);
}

/* The range of a record lock in Linux's words; there is nothing to conflict with, but bad ones are refused. */
static int check_lock_range(const struct file *f, const struct flock *lock)
{
    int64_t start, end;
    switch (lock->l_whence) {
    case 0: start = 0; break;
    case 1: start = (int64_t)f->position; break;
    case 2: start = f->inode ? (int64_t)f->inode->size : 0; break;
    default: return -EINVAL;
    }
    if (__builtin_add_overflow(start, lock->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (lock->l_len > 0 && __builtin_add_overflow(start, lock->l_len - 1, &end))
        return -EOVERFLOW;
    return lock->l_len < 0 && start + lock->l_len < 0 ? -EINVAL : 0;
}

/* Record locks are advisory; here nobody ever holds one that conflicts. */
static int record_lock(const struct file *f, int command, uint64_t address)
{
    struct flock lock;
    bool is_query = command == F_GETLK || command == F_OFD_GETLK, is_ofd = command >= F_OFD_GETLK;
    if (GET_USER(lock, address))
        return -EFAULT;
    if (is_ofd && lock.l_pid)
        return -EINVAL;
    if (lock.l_type != F_RDLCK && lock.l_type != F_WRLCK && (lock.l_type != F_UNLCK || (is_query && !is_ofd)))
        return -EINVAL;
    int error = check_lock_range(f, &lock);
    if (error)
        return error;
    if (is_query) {
        lock.l_type = F_UNLCK;
        return PUT_USER(address, lock);
    }
    if ((lock.l_type == F_RDLCK && !file_can_read(f)) || (lock.l_type == F_WRLCK && !file_can_write(f)))
        return -EBADF;
    return 0;
}

SYSCALL3(fcntl, int, fd, uint32_t, command, uint64_t, argument)
{
    enum { SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC, PIPE_BYTES = 65536 };
    struct file *f = fd_file_any(fd);
    if (!f)
        return -EBADF;
    switch (command) { /* what O_PATH allows */
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: return duplicate_at_least(fd, command == F_DUPFD_CLOEXEC, argument);
    case F_GETFD: return has_close_on_exec(current->files, fd) ? FD_CLOEXEC : 0;
    case F_SETFD: set_close_on_exec(current->files, fd, argument & FD_CLOEXEC); return 0;
    case F_GETFL: return f->flags;
    default: break;
    }
    if (f->flags & O_PATH)
        return -EBADF;
    bool is_pipe = f->inode && S_ISFIFO(f->inode->mode);
    switch (command) {
    case F_SETFL: f->flags = (f->flags & ~(uint32_t)SETTABLE) | ((uint32_t)argument & SETTABLE); return 0;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return record_lock(f, (int)command, argument);
    case F_GETOWN:
    case F_SETOWN:
    case F_GETSIG:
    case F_SETSIG: return 0; /* nothing sends SIGIO */
    case F_GETPIPE_SZ: return is_pipe ? PIPE_BYTES : -EBADF;
    case F_SETPIPE_SZ:
        if (!is_pipe)
            return -EBADF;
        return !argument ? -EINVAL : argument <= PIPE_BYTES ? PIPE_BYTES : -EPERM; /* the size is fixed */
    default: return -EINVAL;
    }
}
