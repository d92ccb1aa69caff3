/* SPDX-License-Identifier: Apache-2.0 */
/* Names of AF_UNIX sockets: a socket inode in the file system, or an abstract name that starts with NUL. */
#include "arch/syscall.h"
#include "ipc/unix.h"
#include "mm/mm.h"
#include "printf.h"
#include "sched/task.h"
#include "string.h"

enum { FAMILY_BYTES = 2, STORAGE_BYTES = 128, AUTOMATIC_NAMES = 0x100000 };

static struct list abstract_names; /* of struct unix_socket.in_names */

int unix_name_from_user(struct unix_name *name, uint64_t address, int bytes)
{
    memset(name, 0, sizeof *name);
    if (bytes < 0 || bytes > STORAGE_BYTES)
        return -EINVAL;
    name->bytes = (uint32_t)bytes;
    /* What is longer than a sockaddr_un is no name, but may be a family. */
    return copy_from_user(&name->family, address, MIN((size_t)bytes, sizeof(struct sockaddr_un)));
}

int unix_name_to_user(const struct unix_name *name, uint64_t address, uint64_t bytes_address)
{
    int room, bytes = (int)name->bytes;
    if (GET_USER(room, bytes_address))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_to_user(address, &name->family, (size_t)MIN(room, bytes)))
        return -EFAULT;
    return PUT_USER(bytes_address, bytes);
}

int unix_name_check(struct unix_name *name)
{
    if (name->bytes <= FAMILY_BYTES || name->bytes > sizeof(struct sockaddr_un) || name->family != AF_UNIX)
        return -EINVAL;
    if (name->path[0]) {
        name->path[name->bytes - FAMILY_BYTES] = 0;
        name->bytes = FAMILY_BYTES + (uint32_t)strlen(name->path) + 1;
    }
    return 0;
}

static struct unix_socket *find_abstract(const struct unix_name *name, int type)
{
    struct unix_socket *s;
    if (!abstract_names.next)
        list_init(&abstract_names);
    LIST_FOR_EACH(s, &abstract_names, in_names)
    {
        if (s->type == type && s->name.bytes == name->bytes &&
            memcmp(s->name.path, name->path, name->bytes - FAMILY_BYTES) == 0)
            return s;
    }
    return NULL;
}

int unix_find(const struct unix_name *name, int type, struct unix_socket **out)
{
    struct path_result r;
    struct unix_socket *s;
    if (!name->path[0]) {
        s = find_abstract(name, type);
    } else {
        int error = path_lookup(AT_FDCWD, name->path, 0, &r);
        if (error)
            return error;
        s = S_ISSOCK(r.inode->mode) ? r.inode->data : NULL;
        path_result_free(&r);
    }
    if (!s)
        return -ECONNREFUSED;
    if (s->type != type)
        return -EPROTOTYPE;
    *out = unix_get(s);
    return 0;
}

void unix_forget_name(struct unix_socket *s)
{
    list_remove(&s->in_names);
    if (s->inode)
        s->inode->data = NULL;
    inode_put(s->inode);
    s->inode = NULL;
}

static int bind_path(struct unix_socket *s, const struct unix_name *name)
{
    struct path_result r;
    int error = vfs_mknod(name->path, S_IFSOCK | (0777 & ~fs_umask()), 0);
    if (error)
        return error == -EEXIST ? -EADDRINUSE : error;
    error = path_lookup(AT_FDCWD, name->path, PATH_NO_FOLLOW, &r);
    if (error)
        return error;
    s->inode = r.inode;
    s->inode->data = s;
    s->name = *name;
    return 0;
}

static int bind_abstract(struct unix_socket *s, const struct unix_name *name)
{
    if (find_abstract(name, s->type))
        return -EADDRINUSE;
    s->name = *name;
    list_append(&abstract_names, &s->in_names);
    return 0;
}

static int bind_any(struct unix_socket *s)
{
    static uint32_t next;
    struct unix_name name = {.bytes = FAMILY_BYTES + 6, .family = AF_UNIX};
    for (int i = 0; i < AUTOMATIC_NAMES; i++) {
        next = (next + 1) % AUTOMATIC_NAMES;
        snprintf(name.path + 1, 6, "%05x", next);
        if (!find_abstract(&name, s->type))
            return bind_abstract(s, &name);
    }
    return -ENOSPC;
}

static int bind_to(struct unix_socket *s, struct unix_name *name)
{
    if (name->bytes == FAMILY_BYTES && name->family == AF_UNIX)
        return s->name.bytes ? 0 : bind_any(s);
    int error = unix_name_check(name);
    if (error)
        return error;
    struct path_result r;
    if (s->name.bytes && name->path[0] && path_lookup(AT_FDCWD, name->path, PATH_NO_FOLLOW, &r) == 0) {
        path_result_free(&r);
        return -EADDRINUSE; /* of two faults Linux tells this one */
    }
    if (s->name.bytes)
        return -EINVAL;
    return name->path[0] ? bind_path(s, name) : bind_abstract(s, name);
}

SYSCALL3(bind, int, fd, uint64_t, address, int, bytes)
{
    struct unix_name name;
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    error = unix_name_from_user(&name, address, bytes);
    if (!error)
        error = bind_to(f->data, &name);
    file_put(f);
    return error;
}

static long tell_name(int fd, bool of_peer, uint64_t address, uint64_t bytes_address)
{
    struct unix_name nameless = {.bytes = FAMILY_BYTES, .family = AF_UNIX};
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    const struct unix_socket *s = f->data, *named = of_peer ? s->peer : s;
    error = named ? unix_name_to_user(named->name.bytes ? &named->name : &nameless, address, bytes_address) : -ENOTCONN;
    file_put(f);
    return error;
}

SYSCALL3(getsockname, int, fd, uint64_t, address, uint64_t, bytes) { return tell_name(fd, false, address, bytes); }
SYSCALL3(getpeername, int, fd, uint64_t, address, uint64_t, bytes) { return tell_name(fd, true, address, bytes); }
