/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets of AF_UNIX, and what AF_INET (inet/inet.h) has in common with them: bytes go from one process of this
 * machine to another. A socket has a ring of what it receives and a peer that writes there, or listens for others to
 * connect, at a path or a port. Nothing but bytes is sent: no descriptors, no credentials. */
#include "ipc/socket.h"
#include "arch/syscall.h"
#include "inet/inet.h"
#include "mm/mm.h"

/* Not in Linux's own headers for programs. */
enum { SOCK_TYPE_MASK = 15, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000 };
#define BACKLOG_MAX 4096u

static void shut(struct socket *s) /* no more comes in */
{
    s->in.readers = s->in.writers = 0;
    wake_all(&s->in.changed);
}

static void socket_put(struct socket *s)
{
    if (--s->refs)
        return;
    kfree(s->in.bytes);
    kfree(s);
}

int socket_error(struct socket *s)
{
    bool was_reset = s->is_reset;
    s->is_reset = false;
    return was_reset ? -ECONNRESET : 0;
}

static int64_t transfer(struct file *f, struct uio *u, uint32_t flags, bool is_send)
{
    struct socket *s = f->data;
    uint64_t deadline = flags & MSG_DONTWAIT ? 0 : file_deadline(f);
    if (flags & ~(uint32_t)(MSG_DONTWAIT | MSG_NOSIGNAL))
        return -EOPNOTSUPP;
    if (!s->peer)
        return is_send == (s->family == AF_UNIX) ? -ENOTCONN : is_send ? -EPIPE : -EINVAL;
    file_get(f);
    int64_t n = is_send ? ring_write(&s->peer->in, u, deadline, flags & MSG_NOSIGNAL) : ring_read(&s->in, u, deadline);
    n = n || is_send || !u->left ? n : socket_error(s);
    file_put(f);
    return n;
}

/* --- as a file --- */

static int64_t socket_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return transfer(f, u, 0, false);
}

static int64_t socket_write(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return transfer(f, u, 0, true);
}

static unsigned socket_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->data, *peer = s->peer;
    poll_wait(pt, &s->in.changed);
    if (s->is_listening)
        return s->pending_count ? EPOLLIN | EPOLLRDNORM : 0;
    if (!peer)
        return EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
    poll_wait(pt, &peer->in.changed);
    bool is_over = !s->in.writers, is_deaf = !peer->in.readers;
    return (s->is_reset ? EPOLLERR : 0) | (is_over ? EPOLLRDHUP : 0) | (is_over && is_deaf ? EPOLLHUP : 0) |
           (is_over || s->in.used ? EPOLLIN | EPOLLRDNORM : 0) |
           (is_deaf || ring_has_room(&peer->in) ? EPOLLOUT | EPOLLWRNORM : 0);
}

static void socket_release(struct file *f)
{
    struct socket *s = f->data;
    if (s->inode)
        s->inode->data = NULL;
    inode_put(s->inode);
    if (s->is_in_ports)
        list_remove(&s->in_ports);
    while (!list_is_empty(&s->pending)) {
        struct socket *new = LIST_POP(&s->pending, struct socket, in_pending);
        new->peer->is_reset = true;
        file_put(new->file);
    }
    shut(s); /* also wakes who sleeps to connect, which holds no reference */
    if (s->peer) {
        s->peer->is_reset |= s->in.used != 0;
        shut(s->peer);
        socket_put(s->peer);
    }
    socket_put(s);
}

static const struct file_ops socket_ops = {
    .read = socket_read, .write = socket_write, .poll = socket_poll, .release = socket_release};

static struct file *socket_create(int family, uint32_t flags)
{
    struct file *f = ipc_file(S_IFSOCK | 0777, &socket_ops, O_RDWR | (flags & O_NONBLOCK), sizeof(struct socket));
    if (!f)
        return NULL;
    struct socket *s = f->data;
    s->refs = 1;
    s->file = f;
    s->family = (uint16_t)family;
    list_init(&s->pending);
    ring_init(&s->in, 1);
    return f;
}

/* A new socket, connected with s; NULL: no memory. */
static struct socket *create_peer(struct socket *s)
{
    struct file *f = socket_create(s->family, s->file->flags);
    if (!f)
        return NULL;
    struct socket *peer = f->data;
    peer->peer = s;
    s->peer = peer;
    s->refs++;
    peer->refs++;
    wake_all(&s->in.changed);
    return peer;
}

struct socket *socket_of(const struct file *f, int *error)
{
    *error = !f ? -EBADF : f->ops != &socket_ops ? -ENOTSOCK : 0;
    return *error ? NULL : f->data;
}

static int check_kind(int family, uint32_t type, int protocol)
{
    if (type & ~(uint32_t)(SOCK_TYPE_MASK | O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    if (family != AF_UNIX && family != AF_INET)
        return -EAFNOSUPPORT;
    if (protocol && protocol != (family == AF_UNIX ? AF_UNIX : IPPROTO_TCP))
        return -EPROTONOSUPPORT;
    return (type & SOCK_TYPE_MASK) == SOCK_STREAM ? 0 : -ESOCKTNOSUPPORT;
}

SYSCALL3(socket, int, family, uint32_t, type, int, protocol)
{
    int error = check_kind(family, type, protocol);
    struct file *f = error ? NULL : socket_create(family, type);
    return f ? fd_install(f, type & O_CLOEXEC, 0) : error ? error : -ENOMEM;
}

SYSCALL4(socketpair, int, family, uint32_t, type, int, protocol, uint64_t, to)
{
    int error = family == AF_INET ? -EOPNOTSUPP : check_kind(family, type, protocol);
    if (error)
        return error;
    struct file *f = socket_create(family, type);
    struct socket *peer = f ? create_peer(f->data) : NULL;
    if (peer)
        return ipc_install_pair(f, peer->file, type & O_CLOEXEC, to);
    file_put(f);
    return -ENOMEM;
}

/* --- names and connections --- */

int socket_name_from_user(union socket_name *name, uint64_t address, int bytes)
{
    *name = (union socket_name){0};
    if (bytes < 0 || bytes > (int)sizeof *name)
        return -EINVAL;
    if (copy_from_user(name, address, (size_t)bytes))
        return -EFAULT;
    return name->family == AF_INET && bytes < (int)sizeof name->in ? -EINVAL : 0;
}

static int check_name(const struct socket *s, const union socket_name *name)
{
    if (s->family == AF_INET)
        return name->family == AF_INET ? 0 : -EAFNOSUPPORT;
    bool is_path = name->un.sun_path[0] && !name->un.sun_path[UNIX_PATH_MAX - 1];
    return name->family == AF_UNIX && is_path ? 0 : -EINVAL; /* no abstract names */
}

SYSCALL3(bind, int, fd, uint64_t, address, int, bytes)
{
    union socket_name name = {0};
    struct path_result r;
    int error;
    struct socket *s = socket_of(fd_file(fd), &error);
    if (!s)
        return error;
    error = socket_name_from_user(&name, address, bytes);
    if (!error)
        error = s->inode || s->port ? -EINVAL : check_name(s, &name);
    if (!error && s->family == AF_INET)
        return inet_bind(s, &name.in);
    if (!error)
        error = vfs_mknod(name.un.sun_path, S_IFSOCK | (0777 & ~fs_umask()), 0);
    if (!error)
        error = path_lookup(AT_FDCWD, name.un.sun_path, PATH_NO_FOLLOW, &r);
    if (error)
        return error == -EEXIST ? -EADDRINUSE : error;
    inode_put(r.parent);
    s->inode = r.inode;
    s->inode->data = s;
    return 0;
}

SYSCALL2(listen, int, fd, uint32_t, backlog)
{
    int error;
    struct socket *s = socket_of(fd_file(fd), &error);
    if (!s || s->peer || (s->family == AF_UNIX && !s->inode))
        return s ? -EINVAL : error;
    if (s->family == AF_INET && !s->port && (error = inet_bind_any(s)))
        return error;
    s->is_listening = true;
    s->backlog = MIN(backlog, BACKLOG_MAX);
    wake_all(&s->in.changed);
    return 0;
}

static int find_listener(const union socket_name *name, struct socket **to)
{
    struct path_result r;
    if (name->family == AF_INET)
        return inet_find_listener(&name->in, to);
    int error = path_lookup(AT_FDCWD, name->un.sun_path, 0, &r);
    if (error)
        return error;
    *to = S_ISSOCK(r.inode->mode) ? r.inode->data : NULL;
    path_result_free(&r);
    return *to && (*to)->is_listening ? 0 : -ECONNREFUSED;
}

int socket_connect(struct file *f, const union socket_name *name)
{
    int error;
    struct socket *s = socket_of(f, &error), *to;
    if (!s)
        return error;
    error = check_name(s, name);
    if (error)
        return error;
    file_get(f);
    bool is_patient = s->family == AF_UNIX || !(f->flags & O_NONBLOCK); /* no socket here is EINPROGRESS */
    do /* after a sleep the name may mean another one */
        error = find_listener(name, &to);
    while (!error && to->pending_count > (is_patient ? to->backlog : BACKLOG_MAX) &&
           !(error = ipc_wait(&to->in.changed, file_deadline(f))));
    if (!error && (s->peer || s->is_listening))
        error = s->peer || s->family == AF_INET ? -EISCONN : -EINVAL;
    if (!error && s->family == AF_INET && !s->port)
        error = inet_bind_any(s);
    struct socket *new = error ? NULL : create_peer(s);
    if (new) {
        new->port = to->port;
        new->address = s->address = inet_loopback();
        list_append(&to->pending, &new->in_pending);
        to->pending_count++;
        wake_all(&to->in.changed);
    }
    file_put(f);
    return new ? 0 : error ? error : -ENOMEM;
}

SYSCALL3(connect, int, fd, uint64_t, address, int, bytes)
{
    union socket_name name = {0};
    int error;
    if (socket_of(fd_file(fd), &error))
        error = socket_name_from_user(&name, address, bytes);
    return error ? error : socket_connect(fd_file(fd), &name);
}

SYSCALL4(accept4, int, fd, uint64_t, address, uint64_t, bytes, uint32_t, flags)
{
    int error;
    struct file *f = fd_file(fd);
    struct socket *s = socket_of(f, &error);
    if (!s || flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
        return s ? -EINVAL : error;
    file_get(f);
    while (!error && s->is_listening && !s->pending_count)
        error = ipc_wait(&s->in.changed, file_deadline(f));
    if (!error)
        error = s->is_listening ? MIN(fd_lowest(0), 0) : -EINVAL;
    if (!error && address)
        error = socket_put_name(LIST_FIRST(&s->pending, struct socket, in_pending)->peer, address, bytes);
    if (!error) { /* else the connection stays, also if it cannot become a descriptor */
        struct socket *new = LIST_POP(&s->pending, struct socket, in_pending);
        s->pending_count--;
        wake_all(&s->in.changed);
        new->file->flags = O_RDWR | (flags & O_NONBLOCK);
        error = fd_install(new->file, flags & O_CLOEXEC, 0);
    }
    file_put(f);
    return error;
}

SYSCALL3(accept, int, fd, uint64_t, address, uint64_t, bytes) { return do_accept4(fd, address, bytes, 0); }

SYSCALL2(shutdown, int, fd, int, how)
{
    int error;
    struct socket *s = socket_of(fd_file(fd), &error);
    if (!s || how < 0 || how > 2)
        return s ? -EINVAL : error;
    if (s->family == AF_INET && !s->peer && !s->is_listening)
        return -ENOTCONN;
    s->is_listening &= how == 1;
    if (how != 1)
        shut(s);
    if (how != 0 && s->peer)
        shut(s->peer);
    return 0;
}

/* --- sending and receiving: everybody knows the other side, so that no name is taken or told --- */

static int64_t transfer_buffer(int fd, uint64_t buffer, size_t bytes, uint32_t flags, bool is_send)
{
    struct file *f = fd_file(fd);
    struct uio u;
    int error;
    uio_user(&u, buffer, MIN(bytes, TRANSFER_MAX));
    return socket_of(f, &error) ? transfer(f, &u, flags, is_send) : error;
}

SYSCALL4(sendto, int, fd, uint64_t, buffer, size_t, bytes, uint32_t, flags)
{
    return transfer_buffer(fd, buffer, bytes, flags, true);
}

SYSCALL6(recvfrom, int, fd, uint64_t, buffer, size_t, bytes, uint32_t, flags, uint64_t, address, uint64_t, room)
{
    const int none = 0;
    int64_t n = transfer_buffer(fd, buffer, bytes, flags, false);
    return n >= 0 && address && PUT_USER(room, none) ? -EFAULT : n;
}
