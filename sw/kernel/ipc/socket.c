/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets of AF_UNIX. A connection is two rings, one for each direction; a socket is one side of a connection,
 * or a name at which connections wait to be accepted. Nothing but bytes is sent: no descriptors, no credentials. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "string.h"
#include <asm/socket.h>
#include <linux/un.h>

/* Not in Linux's own headers for programs. */
enum { AF_UNIX = 1, AF_MAX = 46, SOCK_STREAM = 1, SOCK_TYPE_MASK = 15 };
enum { MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTWAIT = 0x40, MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000 };
enum { FAMILY_BYTES = 2, BACKLOG_MAX = 4096 };

struct name {
    uint32_t bytes; /* of family and path as the user sees it; FAMILY_BYTES: it has none */
    uint16_t family;
    char path[UNIX_PATH_MAX + 2]; /* ends with NUL, or starts with one: abstract */
};
_Static_assert(offsetof(struct name, path) == offsetof(struct name, family) + FAMILY_BYTES, "a sockaddr_un");

struct connection {
    struct list in_pending; /* of the socket that shall accept side 1 */
    uint32_t refs;          /* of both sides */
    struct ring *to[2];     /* what each side receives */
    struct name name[2];
};

struct socket {
    struct name name;
    struct inode *inode; /* of a path, a reference */
    struct list in_bound;
    struct connection *connection; /* NULL: none */
    int side;
    bool is_listening;
    uint32_t backlog, pending_count;
    struct list pending;       /* connections */
    struct wait_queue changed; /* anything but the rings */
};

static struct list bound = {&bound, &bound}; /* sockets that have names */

/* --- connections --- */

static void shut(struct ring *r)
{
    r->readers = r->writers = 0;
    wake_all(&r->changed);
}

static void leave(struct connection *c)
{
    shut(c->to[0]);
    shut(c->to[1]);
    if (--c->refs)
        return;
    ring_free(c->to[0]);
    ring_free(c->to[1]);
    kfree(c);
}

static struct connection *connection_create(const struct socket *a, const struct socket *b)
{
    struct connection *c = kzalloc(sizeof *c);
    if (!c)
        return NULL;
    *c = (struct connection){.refs = 2, .to = {ring_create(), ring_create()}, .name = {a->name, b->name}};
    if (!c->to[0] || !c->to[1]) {
        ring_free(c->to[0]);
        ring_free(c->to[1]);
        kfree(c);
        return NULL;
    }
    for (int i = 0; i < 2; i++)
        c->to[i]->readers = c->to[i]->writers = 1;
    return c;
}

static void join(struct socket *s, struct connection *c, int side)
{
    s->connection = c;
    s->side = side;
    wake_all(&s->changed);
}

/* --- as a file --- */

static int64_t receive(struct file *f, struct uio *u, uint32_t flags)
{
    const struct socket *s = f->data;
    uint64_t deadline = flags & MSG_DONTWAIT ? 0 : file_deadline(f);
    int64_t n, done = 0;
    if (!s->connection || flags & MSG_OOB)
        return -EINVAL;
    do {
        n = ring_read(s->connection->to[s->side], u, deadline, flags & MSG_PEEK);
        done += n > 0 ? n : 0;
    } while (n > 0 && u->left && (flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL);
    return done ? done : n;
}

static int64_t send(struct file *f, struct uio *u, uint32_t flags)
{
    const struct socket *s = f->data;
    uint64_t deadline = flags & MSG_DONTWAIT ? 0 : file_deadline(f);
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    return s->connection ? ring_write(s->connection->to[!s->side], u, deadline, flags & MSG_NOSIGNAL) : -ENOTCONN;
}

static int64_t socket_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return receive(f, u, 0);
}

static int64_t socket_write(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    return send(f, u, 0);
}

static unsigned socket_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->data;
    poll_wait(pt, &s->changed);
    if (s->is_listening)
        return s->pending_count ? EPOLLIN | EPOLLRDNORM : 0;
    if (!s->connection)
        return EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
    struct ring *in = s->connection->to[s->side], *out = s->connection->to[!s->side];
    poll_wait(pt, &in->changed);
    poll_wait(pt, &out->changed);
    return (in->used || !in->writers ? EPOLLIN | EPOLLRDNORM : 0) | (in->writers ? 0 : EPOLLRDHUP) |
           (ring_has_room(out) || !out->readers ? EPOLLOUT | EPOLLWRNORM : 0) |
           (in->writers || out->readers ? 0 : EPOLLHUP);
}

static int64_t socket_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    const struct socket *s = f->data;
    return s->connection ? ring_ioctl(s->connection->to[s->side], request, argument) : -EINVAL;
}

static void socket_release(struct file *f)
{
    struct socket *s = f->data;
    list_remove(&s->in_bound);
    inode_put(s->inode);
    if (s->connection)
        leave(s->connection);
    while (!list_is_empty(&s->pending))
        leave(LIST_POP(&s->pending, struct connection, in_pending));
    wake_all(&s->changed); /* who sleeps to connect holds no reference */
    kfree(s);
}

static const struct file_ops socket_ops = {
    .read = socket_read, .write = socket_write, .poll = socket_poll, .ioctl = socket_ioctl, .release = socket_release};

static struct file *socket_create(uint32_t flags)
{
    struct socket *s = kzalloc(sizeof *s);
    struct file *f = s ? ipc_file(S_IFSOCK | 0777, &socket_ops, O_RDWR | (flags & O_NONBLOCK), s) : NULL;
    if (!f) {
        kfree(s);
        return NULL;
    }
    s->name = (struct name){.bytes = FAMILY_BYTES, .family = AF_UNIX};
    list_init(&s->in_bound);
    list_init(&s->pending);
    wait_queue_init(&s->changed);
    return f;
}

/* The file of a socket, borrowed; NULL and *error. */
static struct file *socket_file(int fd, int *error)
{
    struct file *f = fd_file(fd);
    *error = !f ? -EBADF : f->ops != &socket_ops ? -ENOTSOCK : 0;
    return *error ? NULL : f;
}

static struct socket *socket_of(int fd, int *error)
{
    struct file *f = socket_file(fd, error);
    return f ? f->data : NULL;
}

static int check_kind(int family, uint32_t type, int protocol)
{
    if (type & ~(uint32_t)(SOCK_TYPE_MASK | O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    return (type & SOCK_TYPE_MASK) == SOCK_STREAM ? 0 : -ESOCKTNOSUPPORT;
}

SYSCALL3(socket, int, family, uint32_t, type, int, protocol)
{
    int error = check_kind(family, type, protocol);
    struct file *f = error ? NULL : socket_create(type);
    return f ? fd_install(f, type & O_CLOEXEC, 0) : error ? error : -ENOMEM;
}

SYSCALL4(socketpair, int, family, uint32_t, type, int, protocol, uint64_t, to)
{
    int error = check_kind(family, type, protocol);
    if (error)
        return error;
    struct file *a = socket_create(type), *b = socket_create(type);
    struct connection *c = a && b ? connection_create(a->data, b->data) : NULL;
    if (!c) {
        file_put(a);
        file_put(b);
        return -ENOMEM;
    }
    join(a->data, c, 0);
    join(b->data, c, 1);
    return ipc_install_pair(a, b, type & O_CLOEXEC, to);
}

SYSCALL2(shutdown, int, fd, int, how)
{
    int error;
    struct socket *s = socket_of(fd, &error);
    if (!s)
        return error;
    if (how < 0 || how > 2)
        return -EINVAL;
    if (s->connection && how != 1)
        shut(s->connection->to[s->side]);
    if (s->connection && how != 0)
        shut(s->connection->to[!s->side]);
    s->is_listening &= how == 1;
    wake_all(&s->changed);
    return 0;
}

/* --- names --- */

static int name_from_user(struct name *name, uint64_t address, int bytes)
{
    memset(name, 0, sizeof *name);
    if (bytes <= FAMILY_BYTES || bytes > (int)sizeof(struct sockaddr_un))
        return -EINVAL;
    if (copy_from_user(&name->family, address, (size_t)bytes))
        return -EFAULT;
    name->bytes = name->path[0] ? FAMILY_BYTES + (uint32_t)strlen(name->path) + 1 : (uint32_t)bytes;
    return name->family == AF_UNIX ? 0 : -EINVAL;
}

static int name_to_user(const struct name *name, uint64_t address, uint64_t bytes_address)
{
    int room, bytes = (int)name->bytes;
    if (GET_USER(room, bytes_address))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    return copy_to_user(address, &name->family, (size_t)MIN(room, bytes)) ? -EFAULT : PUT_USER(bytes_address, bytes);
}

/* The socket of this inode or else of this abstract name. */
static struct socket *find_bound(const struct inode *inode, const struct name *name)
{
    struct socket *s;
    LIST_FOR_EACH(s, &bound, in_bound)
    {
        bool is_same = s->name.bytes == name->bytes && memcmp(s->name.path, name->path, sizeof name->path) == 0;
        if (inode ? s->inode == inode : is_same)
            return s;
    }
    return NULL;
}

static int bind_to(struct socket *s, const struct name *name)
{
    struct path_result r = {.inode = NULL};
    if (s->name.bytes > FAMILY_BYTES)
        return -EINVAL;
    if (name->path[0]) {
        int error = vfs_mknod(name->path, S_IFSOCK | (0777 & ~fs_umask()), 0);
        if (!error)
            error = path_lookup(AT_FDCWD, name->path, PATH_NO_FOLLOW, &r);
        if (error)
            return error == -EEXIST ? -EADDRINUSE : error;
    } else if (find_bound(NULL, name)) {
        return -EADDRINUSE;
    }
    s->name = *name;
    s->inode = r.inode;
    list_append(&bound, &s->in_bound);
    return 0;
}

SYSCALL3(bind, int, fd, uint64_t, address, int, bytes)
{
    struct name name;
    int error;
    struct socket *s = socket_of(fd, &error);
    if (s)
        error = name_from_user(&name, address, bytes);
    return error ? error : bind_to(s, &name);
}

SYSCALL3(getsockname, int, fd, uint64_t, address, uint64_t, bytes)
{
    int error;
    const struct socket *s = socket_of(fd, &error);
    return s ? name_to_user(&s->name, address, bytes) : error;
}

SYSCALL3(getpeername, int, fd, uint64_t, address, uint64_t, bytes)
{
    int error;
    const struct socket *s = socket_of(fd, &error);
    if (!s)
        return error;
    return s->connection ? name_to_user(&s->connection->name[!s->side], address, bytes) : -ENOTCONN;
}

/* --- connections --- */

/* A listening socket of this name with room for one more connection. */
static int find_listener(const struct name *name, uint64_t deadline, struct socket **to)
{
    for (;;) { /* after a sleep the name may mean another one */
        struct path_result r = {.inode = NULL};
        int error = name->path[0] ? path_lookup(AT_FDCWD, name->path, 0, &r) : 0;
        if (error)
            return error;
        *to = find_bound(r.inode, name);
        path_result_free(&r);
        if (!*to || !(*to)->is_listening)
            return -ECONNREFUSED;
        if ((*to)->pending_count <= (*to)->backlog)
            return 0;
        error = ipc_wait(&(*to)->changed, deadline);
        if (error)
            return error;
    }
}

static int connect_to(struct file *f, const struct name *name)
{
    struct socket *s = f->data, *to;
    int error = find_listener(name, file_deadline(f), &to);
    if (!error && (s->connection || s->is_listening))
        error = s->connection ? -EISCONN : -EINVAL;
    struct connection *c = error ? NULL : connection_create(s, to);
    if (!c)
        return error ? error : -ENOMEM;
    join(s, c, 0);
    list_append(&to->pending, &c->in_pending);
    to->pending_count++;
    wake_all(&to->changed);
    return 0;
}

SYSCALL3(connect, int, fd, uint64_t, address, int, bytes)
{
    struct name name;
    int error;
    struct file *f = socket_file(fd, &error);
    if (f)
        error = name_from_user(&name, address, bytes);
    if (error)
        return error;
    file_get(f);
    error = connect_to(f, &name);
    file_put(f);
    return error;
}

SYSCALL2(listen, int, fd, uint32_t, backlog)
{
    int error;
    struct socket *s = socket_of(fd, &error);
    if (!s)
        return error;
    if (s->name.bytes == FAMILY_BYTES || s->connection)
        return -EINVAL;
    s->is_listening = true;
    s->backlog = MIN(backlog, (uint32_t)BACKLOG_MAX);
    wake_all(&s->changed);
    return 0;
}

/* A socket for the oldest connection that waits at s. It stays there if it cannot become a descriptor. */
static int accept_one(struct socket *s, uint64_t deadline, uint32_t flags, struct file **out)
{
    int error = 0;
    while (!error && s->is_listening && !s->pending_count)
        error = ipc_wait(&s->changed, deadline);
    if (!error)
        error = s->is_listening ? MIN(fd_lowest(0), 0) : -EINVAL;
    *out = error ? NULL : socket_create(flags);
    if (!*out)
        return error ? error : -ENOMEM;
    struct connection *c = LIST_POP(&s->pending, struct connection, in_pending);
    struct socket *new = (*out)->data;
    new->name = s->name;
    join(new, c, 1);
    s->pending_count--;
    wake_all(&s->changed);
    return 0;
}

SYSCALL4(accept4, int, fd, uint64_t, address, uint64_t, bytes, uint32_t, flags)
{
    int error;
    struct file *f = socket_file(fd, &error), *accepted;
    if (!f || flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
        return f ? -EINVAL : error;
    file_get(f);
    error = accept_one(f->data, file_deadline(f), flags, &accepted);
    file_put(f);
    if (error)
        return error;
    const struct socket *s = accepted->data;
    error = address ? name_to_user(&s->connection->name[0], address, bytes) : 0;
    if (error) {
        file_put(accepted);
        return error;
    }
    return fd_install(accepted, flags & O_CLOEXEC, 0);
}

SYSCALL3(accept, int, fd, uint64_t, address, uint64_t, bytes) { return do_accept4(fd, address, bytes, 0); }

/* --- sending and receiving --- */

struct message_header { /* struct msghdr */
    uint64_t name;
    int32_t name_bytes, pad1;
    uint64_t vectors, vector_count, control, control_bytes;
    uint32_t flags, pad2;
};
_Static_assert(sizeof(struct message_header) == 56, "the user's structure");

/* from: NULL to send, or becomes the name of whom the bytes are from. */
static int64_t transfer(int fd, struct uio *u, uint32_t flags, struct name *from)
{
    int error;
    struct file *f = socket_file(fd, &error);
    if (!f)
        return error;
    file_get(f);
    int64_t n = from ? receive(f, u, flags) : send(f, u, flags);
    if (from && n >= 0) {
        const struct socket *s = f->data;
        *from = s->connection->name[!s->side];
    }
    file_put(f);
    return n;
}

/* An address to send to is of no use here, and not looked at. */
SYSCALL4(sendto, int, fd, uint64_t, buffer, size_t, bytes, uint32_t, flags)
{
    struct iovec one;
    struct uio u;
    uio_user(&u, &one, buffer, MIN(bytes, TRANSFER_MAX));
    return transfer(fd, &u, flags, NULL);
}

SYSCALL6(recvfrom, int, fd, uint64_t, buffer, size_t, bytes, uint32_t, flags, uint64_t, address, uint64_t, room)
{
    struct iovec one;
    struct uio u;
    struct name from;
    uio_user(&u, &one, buffer, MIN(bytes, TRANSFER_MAX));
    int64_t n = transfer(fd, &u, flags, &from);
    int error = n >= 0 && address ? name_to_user(&from, address, room) : 0;
    return error ? error : n;
}

static int64_t transfer_message(int fd, const struct message_header *h, uint32_t flags, struct name *from)
{
    struct uio u;
    if (h->vector_count > UIO_MAXIOV)
        return -EMSGSIZE;
    int64_t result = uio_vectors(&u, h->vectors, h->vector_count);
    if (result)
        return result;
    result = transfer(fd, &u, flags, from);
    uio_free(&u);
    return result;
}

SYSCALL3(sendmsg, int, fd, uint64_t, message, uint32_t, flags)
{
    struct message_header h;
    if (GET_USER(h, message))
        return -EFAULT;
    return h.control && h.control_bytes ? -EINVAL : transfer_message(fd, &h, flags, NULL);
}

SYSCALL3(recvmsg, int, fd, uint64_t, message, uint32_t, flags)
{
    struct message_header h;
    struct name from;
    if (GET_USER(h, message))
        return -EFAULT;
    int64_t n = transfer_message(fd, &h, flags, &from);
    if (n < 0)
        return n;
    h.control_bytes = h.flags = 0; /* as nothing but bytes was sent, nothing is cut off */
    int error = h.name ? name_to_user(&from, h.name, message + offsetof(struct message_header, name_bytes)) : 0;
    if (!error)
        error = PUT_USER(message + offsetof(struct message_header, control_bytes), h.control_bytes);
    if (!error)
        error = PUT_USER(message + offsetof(struct message_header, flags), h.flags);
    return error ? error : n;
}

/* --- options --- */

SYSCALL5(setsockopt, int, fd, int, level, int, option, uint64_t, address, int, bytes)
{
    int error, value;
    if (!socket_of(fd, &error))
        return error;
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (bytes < (int)sizeof value)
        return -EINVAL;
    if (GET_USER(value, address))
        return -EFAULT;
    bool is_known = option == SO_REUSEADDR || option == SO_KEEPALIVE || option == SO_SNDBUF || option == SO_RCVBUF;
    return is_known ? 0 : -ENOPROTOOPT; /* nothing to do */
}

SYSCALL5(getsockopt, int, fd, int, level, int, option, uint64_t, address, uint64_t, bytes_address)
{
    int error, bytes, value = 0;
    const struct socket *s = socket_of(fd, &error);
    if (!s)
        return error;
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (GET_USER(bytes, bytes_address))
        return -EFAULT;
    switch (option) {
    case SO_TYPE: value = SOCK_STREAM; break;
    case SO_DOMAIN: value = AF_UNIX; break;
    case SO_ACCEPTCONN: value = s->is_listening; break;
    case SO_SNDBUF:
    case SO_RCVBUF: value = RING_BYTES; break;
    case SO_ERROR:
    case SO_PROTOCOL: break;
    default: return -ENOPROTOOPT;
    }
    if (bytes < 0)
        return -EINVAL;
    bytes = MIN(bytes, (int)sizeof value);
    return copy_to_user(address, &value, (size_t)bytes) ? -EFAULT : PUT_USER(bytes_address, bytes);
}
