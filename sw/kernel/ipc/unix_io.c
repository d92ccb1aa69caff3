/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that move data through sockets: send, receive, their messages of vectors, names and control data. */
#include "arch/syscall.h"
#include "ipc/unix.h"
#include "mm/mm.h"
#include "sched/timer.h"

enum { CONTROL_MAX = 131072 };

struct message_header { /* struct msghdr */
    uint64_t name;
    int32_t name_bytes, pad1;
    uint64_t vectors, vector_count, control, control_bytes;
    uint32_t flags, pad2;
};
_Static_assert(sizeof(struct message_header) == 56, "the user's structure");

uint64_t unix_deadline(const struct file *f, uint32_t msg_flags, uint64_t timeout)
{
    if (msg_flags & MSG_DONTWAIT || f->flags & O_NONBLOCK)
        return 0;
    return timeout == NEVER ? NEVER : clock_now() + timeout;
}

int64_t unix_send(struct file *f, struct uio *u, struct transfer *t)
{
    struct unix_socket *s = f->data;
    t->deadline = unix_deadline(f, t->flags, s->send_timeout);
    int64_t n = s->type == SOCK_STREAM ? unix_stream_send(s, u, t) : unix_datagram_send(s, u, t);
    rights_free(t->rights);
    return n;
}

int64_t unix_receive(struct file *f, struct uio *u, struct transfer *t)
{
    struct unix_socket *s = f->data;
    t->deadline = unix_deadline(f, t->flags, s->receive_timeout);
    return s->type == SOCK_STREAM ? unix_stream_receive(s, u, t) : unix_datagram_receive(s, u, t);
}

/* The socket, a reference, and the user's buffer as u; NULL: *error. */
static struct file *begin_transfer(int fd, uint64_t buffer, size_t bytes, struct uio *u, struct iovec *one, int *error)
{
    bytes = MIN(bytes, TRANSFER_MAX);
    *error = -EFAULT;
    if (!user_range_is_valid(buffer, bytes))
        return NULL;
    uio_user(u, one, buffer, bytes);
    return unix_fd(fd, error);
}

SYSCALL6(sendto, int, fd, uint64_t, buffer, size_t, bytes, uint32_t, flags, uint64_t, address, int, address_bytes)
{
    struct transfer t = {.flags = flags};
    struct iovec one;
    struct uio u;
    int error;
    struct file *f = begin_transfer(fd, buffer, bytes, &u, &one, &error);
    if (!f)
        return error;
    int64_t result = address ? unix_name_from_user(&t.name, address, address_bytes) : 0;
    if (!result)
        result = unix_send(f, &u, &t);
    file_put(f);
    return result;
}

SYSCALL6(recvfrom, int, fd, uint64_t, buffer, size_t, bytes, uint32_t, flags, uint64_t, address, uint64_t,
         address_bytes)
{
    struct transfer t = {.flags = flags};
    struct iovec one;
    struct uio u;
    int error;
    struct file *f = begin_transfer(fd, buffer, bytes, &u, &one, &error);
    if (!f)
        return error;
    int64_t result = unix_receive(f, &u, &t);
    rights_free(t.rights);
    if (result >= 0 && address) {
        error = unix_name_to_user(&t.name, address, address_bytes);
        result = error ? error : result;
    }
    file_put(f);
    return result;
}

/* The user's header and its vectors; afterwards uio_free(u). */
static int get_message(struct message_header *h, uint64_t address, struct uio *u)
{
    if (GET_USER(*h, address))
        return -EFAULT;
    if (!h->name)
        h->name_bytes = 0;
    if (h->name_bytes < 0)
        return -EINVAL;
    if (h->vector_count > UIO_MAXIOV)
        return -EMSGSIZE;
    return uio_vectors(u, h->vectors, h->vector_count);
}

SYSCALL3(sendmsg, int, fd, uint64_t, message, uint32_t, flags)
{
    struct message_header h;
    struct transfer t = {.flags = flags};
    struct uio u;
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    int64_t result = get_message(&h, message, &u);
    if (!result) {
        h.name_bytes = MIN(h.name_bytes, (int)sizeof(struct __kernel_sockaddr_storage));
        if (h.name_bytes)
            result = unix_name_from_user(&t.name, h.name, h.name_bytes);
        if (!result && h.control_bytes > CONTROL_MAX)
            result = -ENOBUFS;
        if (!result)
            result = rights_from_user(&t.rights, h.control, h.control_bytes);
        if (!result)
            result = unix_send(f, &u, &t);
        uio_free(&u);
    }
    file_put(f);
    return result;
}

SYSCALL3(recvmsg, int, fd, uint64_t, message, uint32_t, flags)
{
    struct message_header h;
    struct transfer t = {.flags = flags, .result_flags = flags & MSG_CMSG_CLOEXEC}; /* told back, as in Linux */
    struct uio u;
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    int64_t result = get_message(&h, message, &u);
    if (!result) {
        result = unix_receive(f, &u, &t);
        uio_free(&u);
    }
    if (result < 0) {
        rights_free(t.rights);
    } else {
        uint64_t used;
        rights_to_user(t.rights, h.control, h.control_bytes, &t, &used);
        if (h.name)
            error = unix_name_to_user(&t.name, h.name, message + offsetof(struct message_header, name_bytes));
        if (!error)
            error = PUT_USER(message + offsetof(struct message_header, flags), t.result_flags);
        if (!error)
            error = PUT_USER(message + offsetof(struct message_header, control_bytes), used);
        result = error ? error : result;
    }
    file_put(f);
    return result;
}
