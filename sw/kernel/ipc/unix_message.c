/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in the queues of AF_UNIX sockets, and the sockets that keep their borders: datagram and seqpacket. */
#include "ipc/unix.h"
#include "mm/page.h"
#include "string.h"

/* --- messages --- */

struct message *message_create(struct unix_socket *sender, size_t bytes)
{
    struct message *m = kmalloc(sizeof *m + bytes);
    if (!m)
        return NULL;
    *m = (struct message){.bytes = (uint32_t)bytes, .charge = (uint32_t)ALIGN_UP(bytes, 256) + 512};
    list_init(&m->link);
    m->sender = unix_get(sender);
    sender->charged += m->charge;
    return m;
}

void message_free(struct message *m)
{
    if (!m)
        return;
    struct unix_socket *sender = m->sender;
    list_remove(&m->link);
    rights_free(m->rights);
    sender->charged -= m->charge;
    if (unix_is_writable(sender))
        wake_all(&sender->writable);
    unix_put(sender);
    kfree(m);
}

void message_send(struct message *m, struct unix_socket *to, struct rights **rights)
{
    m->rights = *rights;
    *rights = NULL;
    rights_set_in_flight(m->rights, true);
    list_append(&to->messages, &m->link);
    to->message_count++;
    wake_all(&to->readable);
}

void message_taken(struct message *m, struct unix_socket *by, struct transfer *t)
{
    if (!t->name.bytes)
        t->name = m->sender->name;
    if (!t->rights) {
        rights_set_in_flight(m->rights, false);
        t->rights = m->rights;
        m->rights = NULL;
    }
    if (m->taken < m->bytes)
        return;
    bool was_full = by->message_count-- > by->backlog;
    message_free(m);
    if (was_full && by->type == SOCK_DGRAM) {
        struct unix_socket *s;
        wake_all(&by->space);
        LIST_FOR_EACH(s, &by->followers, in_followers) wake_all(&s->writable);
    }
}

int message_peeked(struct message *m, struct transfer *t)
{
    if (!t->name.bytes)
        t->name = m->sender->name;
    if (!m->rights || t->rights)
        return 0;
    t->rights = rights_copy(m->rights);
    return t->rights ? 0 : -ENOMEM;
}

/* --- datagrams --- */

/* What the old peer sent is lost; if the two were a pair, it is told. */
static void change_peer(struct unix_socket *s, struct unix_socket *to)
{
    struct unix_socket *old = s->peer;
    if (old && old != to) {
        if (old->peer == s && !list_is_empty(&s->messages)) {
            old->error = ECONNRESET;
            unix_wake(old);
        }
        while (!list_is_empty(&s->messages))
            message_free(LIST_POP(&s->messages, struct message, link));
        s->message_count = 0;
        wake_all(&s->space);
    }
    unix_set_peer(s, to);
    s->state = to ? UNIX_CONNECTED : UNIX_IDLE;
}

/* Waits until `to` takes a message of s: 0 or -errno. */
static int wait_for_space(struct unix_socket *s, struct unix_socket *to, uint64_t deadline)
{
    for (;;) {
        if (to->peer && to->peer != s)
            return -EPERM;
        if (to->is_dead) {
            if (s->peer == to && s->type == SOCK_DGRAM)
                change_peer(s, NULL);
            return -ECONNREFUSED;
        }
        if (s->shut & SHUT_SEND || to->shut & SHUT_RECEIVE)
            return -EPIPE;
        if (!unix_is_full(to, s))
            return 0;
        int error = ipc_wait(&to->space, deadline);
        if (error)
            return error;
    }
}

static int wait_for_limit(struct unix_socket *s, uint64_t deadline)
{
    for (;;) {
        int error = unix_take_error(s);
        if (error)
            return error;
        if (s->shut & SHUT_SEND)
            return -EPIPE;
        if (s->charged < s->send_limit)
            return 0;
        error = ipc_wait(&s->writable, deadline);
        if (error)
            return error;
    }
}

/* Who shall have it, a reference. */
static int destination(struct unix_socket *s, const struct unix_name *name, struct unix_socket **to)
{
    if (name->bytes && s->type == SOCK_DGRAM)
        return unix_find(name, s->type, to);
    if (!s->peer)
        return -ENOTCONN;
    *to = unix_get(s->peer);
    return 0;
}

int64_t unix_datagram_send(struct unix_socket *s, struct uio *u, struct transfer *t)
{
    struct unix_socket *to = NULL;
    size_t bytes = u->left;
    int error = 0;
    if (t->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (s->type == SOCK_SEQPACKET)
        error = s->state == UNIX_CONNECTED ? 0 : -ENOTCONN;
    else if (t->name.bytes)
        error = unix_name_check(&t->name);
    if (error)
        return error;
    if (bytes > s->send_limit - 32)
        return -EMSGSIZE;
    error = wait_for_limit(s, t->deadline);
    struct message *m = error ? NULL : message_create(s, bytes);
    if (!error)
        error = m ? uio_from(u, m->data, bytes) : -ENOBUFS;
    if (!error)
        error = destination(s, &t->name, &to);
    if (!error)
        error = wait_for_space(s, to, t->deadline);
    if (error)
        message_free(m);
    else
        message_send(m, to, &t->rights);
    unix_put(to);
    return error ? error : (int64_t)bytes;
}

int64_t unix_datagram_receive(struct unix_socket *s, struct uio *u, struct transfer *t)
{
    int error;
    if (t->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (s->type == SOCK_SEQPACKET && s->state != UNIX_CONNECTED)
        return -ENOTCONN;
    for (;;) {
        error = unix_take_error(s);
        if (error)
            return error;
        if (!list_is_empty(&s->messages))
            break;
        if (s->shut & SHUT_RECEIVE && (t->deadline || s->type == SOCK_SEQPACKET))
            return 0;
        error = ipc_wait(&s->readable, t->deadline);
        if (error)
            return error;
    }
    struct message *m = LIST_FIRST(&s->messages, struct message, link);
    size_t bytes = m->bytes, n = MIN(bytes, u->left);
    error = uio_to(u, m->data, n);
    if (n < bytes)
        t->result_flags |= MSG_TRUNC;
    if (t->flags & MSG_PEEK) {
        error = error ? error : message_peeked(m, t);
    } else {
        m->taken = m->bytes; /* what did not fit, or could not be stored, is lost */
        message_taken(m, s, t);
    }
    return error ? error : (int64_t)(t->flags & MSG_TRUNC ? bytes : n);
}

int unix_datagram_connect(struct unix_socket *s, struct unix_name *name)
{
    struct unix_socket *to = NULL;
    if (name->bytes < sizeof name->family)
        return -EINVAL;
    if (name->family != AF_UNSPEC) {
        int error = unix_name_check(name);
        if (!error)
            error = unix_find(name, s->type, &to);
        if (error)
            return error;
        if (to->peer && to->peer != s) {
            unix_put(to);
            return -EPERM;
        }
    }
    change_peer(s, to);
    unix_put(to);
    return 0;
}
