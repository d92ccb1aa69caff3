/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of AF_UNIX sockets (stream and seqpacket), and the bytes of streams: a queue of messages whose borders
 * the reader does not see, unless descriptors came with one. */
#include "arch/syscall.h"
#include "ipc/unix.h"
#include "mm/mm.h"

enum { PIECE_BYTES = 32768, BACKLOG_MAX = 4096 };

/* Until one more piece may go, if there is one: 0 or -errno. */
static int wait_to_send(struct unix_socket *s, const struct uio *u, uint64_t deadline)
{
    for (;;) {
        if (s->shut & SHUT_SEND || s->peer->is_dead || s->peer->shut & SHUT_RECEIVE)
            return -EPIPE;
        int error = unix_take_error(s);
        if (!error && u->left && s->charged >= s->send_limit)
            error = ipc_wait(&s->writable, deadline);
        else
            return error;
        if (error)
            return error;
    }
}

int64_t unix_stream_send(struct unix_socket *s, struct uio *u, struct transfer *t)
{
    int64_t sent = 0;
    int error;
    if (t->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (t->name.bytes)
        return s->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (!s->peer)
        return -ENOTCONN;
    while ((error = wait_to_send(s, u, t->deadline)) == 0 && u->left) {
        size_t n = MIN(s->send_limit / 2 - 64, (uint32_t)PIECE_BYTES);
        n = MIN(n, u->left);
        struct message *m = message_create(s, n);
        error = m ? uio_from(u, m->data, n) : -ENOBUFS;
        if (error) {
            message_free(m);
            break;
        }
        message_send(m, s->peer, &t->rights);
        sent += (int64_t)n;
    }
    if (error == -EPIPE && !sent && !(t->flags & MSG_NOSIGNAL))
        ipc_sigpipe();
    return sent ? sent : error;
}

int64_t unix_stream_receive(struct unix_socket *s, struct uio *u, struct transfer *t)
{
    size_t target = t->flags & MSG_WAITALL && u->left ? u->left : 1;
    bool peeks = t->flags & MSG_PEEK;
    struct list *at = &s->messages; /* peeking: the message before */
    int64_t done = 0;
    int error = 0;
    if (s->state != UNIX_CONNECTED || t->flags & MSG_OOB)
        return -EINVAL;
    while (!error) {
        if (at->next == &s->messages) {
            if ((size_t)done >= target || (peeks && done))
                break;
            error = unix_take_error(s);
            if (!error && s->shut & SHUT_RECEIVE)
                break;
            if (!error)
                error = ipc_wait(&s->readable, t->deadline);
            continue;
        }
        struct message *m = LIST_FIRST(at, struct message, link);
        bool has_rights = m->rights;
        size_t n = MIN((size_t)(m->bytes - m->taken), u->left);
        error = uio_to(u, m->data + m->taken, n);
        if (error)
            break;
        done += (int64_t)n;
        if (peeks) {
            error = message_peeked(m, t);
            at = &m->link;
        } else {
            m->taken += (uint32_t)n;
            message_taken(m, s, t);
        }
        if (has_rights || !u->left)
            break;
    }
    return done ? done : error;
}

/* --- connections --- */

/* A listening socket of this name with room for one more connection, a reference. */
static int find_listener(const struct unix_name *name, int type, uint64_t deadline, struct unix_socket **out)
{
    for (;;) { /* after a sleep the name may mean another one */
        struct unix_socket *to;
        int error = unix_find(name, type, &to);
        if (error)
            return error;
        if (to->state != UNIX_LISTENING || to->shut & SHUT_RECEIVE) {
            error = -ECONNREFUSED;
        } else if (to->pending_count <= to->backlog) {
            *out = to;
            return 0;
        } else {
            error = ipc_wait(&to->space, deadline);
        }
        unix_put(to);
        if (error)
            return error;
    }
}

static int connect_stream(struct unix_socket *s, struct unix_name *name, uint64_t deadline)
{
    struct unix_socket *to;
    int error = unix_name_check(name);
    if (!error)
        error = find_listener(name, s->type, deadline, &to);
    if (error)
        return error;
    struct unix_socket *new = NULL; /* what accept() will answer */
    if (s->state != UNIX_IDLE)
        error = s->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
    else if (!(new = unix_create(s->type)))
        error = -ENOMEM;
    if (!error) {
        new->name = to->name;
        new->own = to->peer_credentials; /* of listen() */
        s->own = unix_credentials();
        unix_join(s, new);
        list_append(&to->pending, &new->in_pending);
        to->pending_count++;
        unix_wake(s);
        wake_all(&to->readable);
    }
    unix_put(to);
    return error;
}

SYSCALL3(connect, int, fd, uint64_t, address, int, bytes)
{
    struct unix_name name;
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    struct unix_socket *s = f->data;
    error = unix_name_from_user(&name, address, bytes);
    if (!error)
        error = s->type == SOCK_DGRAM ? unix_datagram_connect(s, &name)
                                      : connect_stream(s, &name, unix_deadline(f, 0, s->send_timeout));
    file_put(f);
    return error;
}

SYSCALL2(listen, int, fd, int, backlog)
{
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    struct unix_socket *s = f->data;
    if (s->type == SOCK_DGRAM) {
        error = -EOPNOTSUPP;
    } else if (!s->name.bytes || s->state == UNIX_CONNECTED) {
        error = -EINVAL;
    } else {
        s->state = UNIX_LISTENING;
        s->backlog = MIN((uint32_t)backlog, (uint32_t)BACKLOG_MAX);
        s->peer_credentials = unix_credentials();
        wake_all(&s->space);
    }
    file_put(f);
    return error;
}

/* The oldest connection that waits at s, out of its queue, or NULL and *error. */
static struct unix_socket *take_connection(struct unix_socket *s, uint64_t deadline, int *error)
{
    if (s->type == SOCK_DGRAM || s->state != UNIX_LISTENING) {
        *error = s->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
        return NULL;
    }
    while (list_is_empty(&s->pending)) {
        *error = s->shut & SHUT_RECEIVE && deadline ? -EINVAL : ipc_wait(&s->readable, deadline);
        if (*error)
            return NULL;
    }
    *error = fd_lowest(0); /* the connection stays if it cannot become a descriptor */
    if (*error < 0)
        return NULL;
    struct unix_socket *new = LIST_POP(&s->pending, struct unix_socket, in_pending);
    if (s->pending_count-- > s->backlog)
        wake_all(&s->space);
    return new;
}

static long accept_flags(int fd, uint64_t address, uint64_t bytes, uint32_t flags)
{
    int error;
    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    struct unix_socket *s = f->data;
    struct unix_socket *new = take_connection(s, unix_deadline(f, 0, s->receive_timeout), &error);
    file_put(f);
    if (!new)
        return error;
    struct file *accepted = unix_file(new, flags);
    if (!accepted) {
        unix_close(new);
        return -ENOMEM;
    }
    if (address) {
        const struct unix_name nameless = {.bytes = sizeof nameless.family, .family = AF_UNIX};
        const struct unix_name *name = new->peer->name.bytes ? &new->peer->name : &nameless;
        error = unix_name_to_user(name, address, bytes);
        if (error < 0) {
            file_put(accepted);
            return error;
        }
    }
    return fd_install(accepted, flags & O_CLOEXEC, 0);
}

SYSCALL3(accept, int, fd, uint64_t, address, uint64_t, bytes) { return accept_flags(fd, address, bytes, 0); }
SYSCALL4(accept4, int, fd, uint64_t, address, uint64_t, bytes, uint32_t, flags)
{
    return accept_flags(fd, address, bytes, flags);
}
