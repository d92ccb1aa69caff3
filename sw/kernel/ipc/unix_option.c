/* SPDX-License-Identifier: Apache-2.0 */
/* Options of sockets: all of level SOL_SOCKET. */
#include "arch/syscall.h"
#include "ipc/unix.h"
#include "mm/mm.h"
#include "sched/time.h"

enum { LIMIT_MAX = 212992, SEND_MIN = 4608, RECEIVE_MIN = 2304 };

#define STORED_OPTIONS (1u << SO_REUSEADDR | 1u << SO_KEEPALIVE | 1u << SO_BROADCAST | 1u << SO_DONTROUTE)

static bool is_stored(int option) { return option >= 0 && option < 32 && STORED_OPTIONS >> option & 1; }

/* The value counts twice, as Linux does it for its own overhead. */
static uint32_t limit_of(uint32_t value, uint32_t least)
{
    uint32_t limit = 2 * MIN(value, (uint32_t)LIMIT_MAX);
    return limit < least ? least : limit;
}

static int set_timeout(uint64_t *timeout, uint64_t address, int bytes)
{
    struct __kernel_old_timeval tv;
    if (bytes < (int)sizeof tv)
        return -EINVAL;
    if (GET_USER(tv, address))
        return -EFAULT;
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    const struct __kernel_timespec ts = {tv.tv_sec, tv.tv_usec * 1000};
    if (tv.tv_sec < 0)
        *timeout = 0;
    else if (!timespec_ns(&ts) || timespec_ns(&ts) > INT64_MAX)
        *timeout = NEVER;
    else
        *timeout = timespec_ns(&ts);
    return 0;
}

static int set_option(struct unix_socket *s, int option, uint64_t address, int bytes)
{
    uint32_t value;
    if (bytes < (int)sizeof value)
        return -EINVAL;
    if (GET_USER(value, address))
        return -EFAULT;
    switch (option) {
    case SO_SNDBUF:
        s->send_limit = limit_of(value, SEND_MIN);
        wake_all(&s->writable);
        return 0;
    case SO_RCVBUF: s->receive_limit = limit_of(value, RECEIVE_MIN); return 0;
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW: return set_timeout(&s->send_timeout, address, bytes);
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW: return set_timeout(&s->receive_timeout, address, bytes);
    default:
        if (!is_stored(option))
            return -ENOPROTOOPT;
        s->options = (s->options & ~(1u << option)) | (uint32_t)(value != 0) << option;
        return 0;
    }
}

static int get_option(struct unix_socket *s, int option, uint64_t address, uint64_t bytes_address)
{
    union {
        int number;
        struct __kernel_old_timeval time;
        struct credentials credentials;
    } v = {.time = {0, 0}};
    int bytes, size = sizeof v.number;
    if (GET_USER(bytes, bytes_address))
        return -EFAULT;
    if (bytes < 0)
        return -EINVAL;
    switch (option) {
    case SO_TYPE: v.number = s->type; break;
    case SO_DOMAIN: v.number = AF_UNIX; break;
    case SO_PROTOCOL: break;
    case SO_ERROR: v.number = -unix_take_error(s); break;
    case SO_ACCEPTCONN: v.number = s->state == UNIX_LISTENING; break;
    case SO_SNDBUF: v.number = (int)s->send_limit; break;
    case SO_RCVBUF: v.number = (int)s->receive_limit; break;
    case SO_PEERCRED:
        v.credentials = s->peer_credentials;
        size = sizeof v.credentials;
        break;
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW:
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW: {
        bool of_send = option == SO_SNDTIMEO_OLD || option == SO_SNDTIMEO_NEW;
        uint64_t timeout = of_send ? s->send_timeout : s->receive_timeout;
        v.time = timeval_of(timeout == NEVER ? 0 : timeout);
        size = sizeof v.time;
        break;
    }
    default:
        if (!is_stored(option))
            return -ENOPROTOOPT;
        v.number = s->options >> option & 1;
    }
    bytes = MIN(bytes, size);
    return copy_to_user(address, &v, (size_t)bytes) ? -EFAULT : PUT_USER(bytes_address, bytes);
}

SYSCALL5(setsockopt, int, fd, int, level, int, option, uint64_t, address, int, bytes)
{
    int error;
    if (bytes < 0)
        return -EINVAL;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    error = level == SOL_SOCKET ? set_option(f->data, option, address, bytes) : -EOPNOTSUPP;
    file_put(f);
    return error;
}

SYSCALL5(getsockopt, int, fd, int, level, int, option, uint64_t, address, uint64_t, bytes)
{
    int error;
    struct file *f = unix_fd(fd, &error);
    if (!f)
        return error;
    error = level == SOL_SOCKET ? get_option(f->data, option, address, bytes) : -EOPNOTSUPP;
    file_put(f);
    return error;
}
