/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of inodes and open files; descriptor tables, what a number of a process means: dup, fcntl, close. */
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/time.h"
#include <linux/resource.h>

static const struct inode_ops no_inode_ops;
static struct inode anonymous = {.refs = 1, .ino = 1, .mode = 0600, .nlink = 1, .ops = &no_inode_ops};

struct inode *inode_create(uint32_t mode, const struct inode_ops *ops, const struct file_ops *file_ops)
{
    static uint64_t last_ino;
    struct inode *i = kmalloc(sizeof *i);
    if (!i)
        return NULL;
    *i = (struct inode){.refs = 1, .ino = ++last_ino, .mode = mode, .nlink = 1, .ops = ops, .file_ops = file_ops};
    i->atime = i->mtime = i->ctime = clock_realtime();
    list_init(&i->entries);
    list_init(&i->link);
    return i;
}

struct inode *inode_get(struct inode *i)
{
    i->refs++;
    return i;
}

void inode_put(struct inode *i)
{
    /* A loop and no recursion: removed directories may hang on each other in a chain of any length. */
    while (i && --i->refs == 0) {
        struct inode *parent = i->parent;
        if (i->ops->free)
            i->ops->free(i);
        kfree(i);
        i = parent;
    }
}

struct file *file_create(const struct file_ops *ops, uint32_t flags, void *data)
{
    struct file *f = kmalloc(sizeof *f);
    if (!f)
        return NULL;
    *f = (struct file){.refs = 1, .flags = flags, .ops = ops, .data = data, .inode = &anonymous};
    list_init(&f->epolls);
    return f;
}

struct file *file_get(struct file *f)
{
    f->refs++;
    return f;
}

void file_put(struct file *f)
{
    if (!f || --f->refs)
        return;
    epoll_file_gone(f);
    if (f->ops->release)
        f->ops->release(f);
    if (f->inode != &anonymous)
        inode_put(f->inode);
    kfree(f);
}

struct files *files_create(void)
{
    struct files *f = kzalloc(sizeof *f);
    if (!f)
        return NULL;
    f->refs = 1;
    f->cwd = inode_get(root_inode);
    f->umask = 022;
    return f;
}

struct files *files_copy(const struct files *from)
{
    struct files *f = kmalloc(sizeof *f);
    if (!f)
        return NULL;
    *f = *from;
    f->refs = 1;
    inode_get(f->cwd);
    for (int fd = 0; fd < FDS_MAX; fd++)
        if (f->file[fd])
            file_get(f->file[fd]);
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
    inode_put(f->cwd);
    kfree(f);
}

/* The old file goes after it is out of the table: release callbacks must not find it there. */
static void set_slot(struct files *f, int fd, struct file *file, bool close_on_exec)
{
    struct file *old = f->file[fd];
    f->file[fd] = file;
    f->close_on_exec[fd] = close_on_exec;
    file_put(old);
}

void files_close_on_exec(struct files *f)
{
    for (int fd = 0; fd < FDS_MAX; fd++)
        if (f->close_on_exec[fd])
            set_slot(f, fd, NULL, false);
}

struct file *fd_file(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? current->files->file[fd] : fd == FD_LENT ? current->lent_file : NULL;
}

static int fd_limit(void) { return (int)MIN(current->process->rlimit[RLIMIT_NOFILE][0], (uint64_t)FDS_MAX); }

int fd_lowest(int from)
{
    for (int fd = from; fd < fd_limit(); fd++)
        if (!current->files->file[fd])
            return fd;
    return -EMFILE;
}

int fd_install(struct file *f, bool close_on_exec, int from)
{
    int fd = fd_lowest(from);
    if (fd < 0)
        file_put(f);
    else
        set_slot(current->files, fd, f, close_on_exec);
    return fd;
}

int fd_close(int fd)
{
    if (!fd_file(fd))
        return -EBADF;
    set_slot(current->files, fd, NULL, false);
    return 0;
}

SYSCALL1(close, int, fd) { return fd_close(fd); }

static int duplicate_at_least(int fd, bool close_on_exec, uint64_t from)
{
    if (!fd_file(fd))
        return -EBADF;
    return from >= (uint64_t)fd_limit() ? -EINVAL : fd_install(file_get(fd_file(fd)), close_on_exec, (int)from);
}

static int duplicate_to(int fd, int to, bool close_on_exec)
{
    if (!fd_file(fd) || to < 0 || to >= fd_limit())
        return -EBADF;
    set_slot(current->files, to, file_get(fd_file(fd)), close_on_exec);
    return to;
}

SYSCALL1(dup, int, fd) { return duplicate_at_least(fd, false, 0); }
SYSCALL2(dup2, int, fd, int, to) { return fd == to && fd_file(fd) ? fd : duplicate_to(fd, to, false); }
SYSCALL3(dup3, int, fd, int, to, uint32_t, flags)
{
    return flags & ~(uint32_t)O_CLOEXEC || fd == to ? -EINVAL : duplicate_to(fd, to, flags & O_CLOEXEC);
}

SYSCALL3(fcntl, int, fd, uint32_t, command, uint64_t, argument)
{
    enum { SETTABLE = O_APPEND | O_NONBLOCK };
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: return duplicate_at_least(fd, command == F_DUPFD_CLOEXEC, argument);
    case F_GETFD: return current->files->close_on_exec[fd] ? FD_CLOEXEC : 0;
    case F_SETFD: current->files->close_on_exec[fd] = argument & FD_CLOEXEC; return 0;
    case F_GETFL: return f->flags;
    case F_SETFL: f->flags = (f->flags & ~(uint32_t)SETTABLE) | ((uint32_t)argument & SETTABLE); return 0;
    default: return -EINVAL;
    }
}
