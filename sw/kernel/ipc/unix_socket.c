/* SPDX-License-Identifier: Apache-2.0 */
/* The life of AF_UNIX sockets, the socket as a file, and what is asked of it besides data: unix_name.c has names,
 * unix_stream.c connections and streams, unix_message.c datagrams, unix_io.c the calls that move data. */
#include "arch/syscall.h"
#include "ipc/unix.h"
#include "mm/mm.h"
#include "sched/task.h"
#include <asm/ioctls.h>

enum { LIMIT = 212992, DATAGRAMS = 10 /* that wait at a socket until its senders do */, TYPE_MASK = 15, TYPES = 11 };

struct credentials unix_credentials(void)
{
    return (struct credentials){current->process->pid, current->process->uid, current->process->gid};
}

struct unix_socket *unix_create(int type)
{
    struct unix_socket *s = kzalloc(sizeof *s);
    if (!s)
        return NULL;
    s->refs = 1;
    s->type = type;
    s->backlog = DATAGRAMS;
    s->send_limit = s->receive_limit = LIMIT;
    s->send_timeout = s->receive_timeout = NEVER;
    s->own = unix_credentials();
    s->peer_credentials = (struct credentials){0, UINT32_MAX, UINT32_MAX};
    list_init(&s->followers);
    list_init(&s->in_followers);
    list_init(&s->in_names);
    list_init(&s->messages);
    list_init(&s->pending);
    list_init(&s->in_pending);
    list_init(&s->in_walk);
    wait_queue_init(&s->readable);
    wait_queue_init(&s->writable);
    wait_queue_init(&s->space);
    unix_add(s);
    return s;
}

struct unix_socket *unix_get(struct unix_socket *s)
{
    s->refs++;
    return s;
}

void unix_put(struct unix_socket *s)
{
    if (!s || --s->refs)
        return;
    list_remove(&s->in_all);
    kfree(s);
}

void unix_set_peer(struct unix_socket *s, struct unix_socket *peer)
{
    struct unix_socket *old = s->peer;
    list_remove(&s->in_followers);
    s->peer = peer ? unix_get(peer) : NULL;
    if (peer)
        list_append(&peer->followers, &s->in_followers);
    unix_put(old);
}

void unix_join(struct unix_socket *a, struct unix_socket *b)
{
    unix_set_peer(a, b);
    unix_set_peer(b, a);
    a->peer_credentials = b->own;
    b->peer_credentials = a->own;
    a->state = b->state = UNIX_CONNECTED;
}

void unix_wake(struct unix_socket *s)
{
    wake_all(&s->readable);
    wake_all(&s->writable);
}

void unix_close(struct unix_socket *s)
{
    struct unix_socket *peer = s->peer, *other;
    bool lost_data = !list_is_empty(&s->messages) || !s->file;
    s->file = NULL;
    s->is_dead = true;
    s->shut = SHUT_BOTH;
    s->state = UNIX_IDLE;
    unix_forget_name(s);
    if (peer && s->type != SOCK_DGRAM) {
        peer->error = lost_data ? ECONNRESET : peer->error;
        peer->shut = SHUT_BOTH;
        unix_wake(peer);
    }
    unix_set_peer(s, NULL);
    while (!list_is_empty(&s->messages))
        message_free(LIST_POP(&s->messages, struct message, link));
    s->message_count = 0;
    while (!list_is_empty(&s->pending)) {
        other = LIST_POP(&s->pending, struct unix_socket, in_pending);
        unix_close(other);
    }
    wake_all(&s->space);
    LIST_FOR_EACH(other, &s->followers, in_followers) wake_all(&other->writable);
    unix_put(s);
}

int unix_take_error(struct unix_socket *s)
{
    int error = s->error;
    s->error = 0;
    return -error;
}

/* --- as a file --- */

static int64_t socket_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct transfer t = {.flags = 0};
    (void)position;
    int64_t n = u->left ? unix_receive(f, u, &t) : 0;
    rights_free(t.rights);
    return n;
}

static int64_t socket_write(struct file *f, struct uio *u, uint64_t *position)
{
    struct transfer t = {.flags = 0};
    (void)position;
    return unix_send(f, u, &t);
}

static unsigned socket_poll(struct file *f, struct poll_table *pt)
{
    struct unix_socket *s = f->data;
    unsigned bits = s->error ? EPOLLERR : 0;
    poll_wait_both(pt, &s->readable, &s->writable);
    if (s->shut == SHUT_BOTH || (s->type != SOCK_DGRAM && s->state == UNIX_IDLE))
        bits |= EPOLLHUP;
    if (s->shut & SHUT_RECEIVE)
        bits |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (!list_is_empty(&s->messages) || !list_is_empty(&s->pending))
        bits |= EPOLLIN | EPOLLRDNORM;
    bool peer_is_full = s->type == SOCK_DGRAM && s->peer && unix_is_full(s->peer, s);
    if (s->state != UNIX_LISTENING && unix_is_writable(s) && !peer_is_full)
        bits |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    return bits;
}

static int64_t socket_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    struct unix_socket *s = f->data;
    struct message *m;
    int bytes = 0;
    if (request != FIONREAD && request != TIOCOUTQ)
        return -ENOTTY;
    if (request == TIOCOUTQ)
        bytes = (int)s->charged;
    else if (s->state == UNIX_LISTENING)
        return -EINVAL;
    else
        LIST_FOR_EACH(m, &s->messages, link)
        {
            bytes += (int)(m->bytes - m->taken);
            if (s->type == SOCK_DGRAM)
                break;
        }
    return PUT_USER(argument, bytes);
}

static void socket_release(struct file *f)
{
    unix_close(f->data);
    unix_collect();
}

static const struct file_ops unix_ops = {
    .read = socket_read, .write = socket_write, .poll = socket_poll, .ioctl = socket_ioctl, .release = socket_release};

struct file *unix_file(struct unix_socket *s, uint32_t flags)
{
    struct file *f = ipc_file(S_IFSOCK | 0777, &unix_ops, O_RDWR | (flags & O_NONBLOCK), s);
    if (f)
        s->file = f;
    return f;
}

struct unix_socket *unix_of(const struct file *f) { return f->ops == &unix_ops ? f->data : NULL; }

struct file *unix_fd(int fd, int *error)
{
    struct file *f = fd_file(fd);
    *error = !f ? -EBADF : !unix_of(f) ? -ENOTSOCK : 0;
    return *error ? NULL : file_get(f);
}

/* --- making them --- */

static int check_kind(int family, int *type, int protocol)
{
    int flags = *type & ~TYPE_MASK;
    *type &= TYPE_MASK;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    if (family < 0 || family >= AF_MAX)
        return -EAFNOSUPPORT;
    if (*type >= TYPES)
        return -EINVAL;
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (*type == SOCK_RAW)
        *type = SOCK_DGRAM;
    return *type == SOCK_STREAM || *type == SOCK_DGRAM || *type == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

static struct file *create_file(int type, uint32_t flags)
{
    struct unix_socket *s = unix_create(type);
    struct file *f = s ? unix_file(s, flags) : NULL;
    if (!f)
        unix_put(s);
    return f;
}

SYSCALL3(socket, int, family, int, type, int, protocol)
{
    uint32_t flags = (uint32_t)type;
    int error = check_kind(family, &type, protocol);
    if (error)
        return error;
    unix_collect();
    struct file *f = create_file(type, flags);
    return f ? fd_install(f, flags & O_CLOEXEC, 0) : -ENOMEM;
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, uint64_t, to)
{
    uint32_t flags = (uint32_t)type;
    int error = check_kind(family, &type, protocol);
    if (error)
        return error;
    unix_collect();
    struct file *a = create_file(type, flags), *b = a ? create_file(type, flags) : NULL;
    if (!b) {
        file_put(a);
        return -ENOMEM;
    }
    unix_join(a->data, b->data);
    return ipc_install_pair(a, b, flags & O_CLOEXEC, to);
}

SYSCALL2(shutdown, int, fd, int, how)
{
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    if (how < 0 || how > 2) {
        file_put(f);
        return -EINVAL;
    }
    struct unix_socket *s = f->data, *peer = s->peer;
    unsigned shut = (unsigned)how + 1;
    s->shut |= shut;
    unix_wake(s);
    if (peer && s->type != SOCK_DGRAM) {
        peer->shut |= (shut & SHUT_RECEIVE ? SHUT_SEND : 0) | (shut & SHUT_SEND ? SHUT_RECEIVE : 0);
        unix_wake(peer);
    }
    wake_all(&s->space);
    file_put(f);
    return 0;
}
