/* SPDX-License-Identifier: Apache-2.0 */
/* See inet.h. Ports, and the calls that ask sockets of both families for names and options. */
#include "inet/inet.h"

#include "arch/syscall.h"
#include "mm/mm.h"
#include "string.h"

enum { LOOPBACK = 127, FIRST_PORT = 32768, LAST_PORT = 60999 }; /* of those that nobody chose: as Linux has them */
enum { SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_TYPE, SO_ERROR, SO_SNDBUF = 7, SO_RCVBUF, SO_ACCEPTCONN = 30 };
enum { SO_PROTOCOL = 38, SO_DOMAIN };

static struct list bound = {&bound, &bound}; /* sockets that were given a port */

static struct socket *find(uint16_t port)
{
    struct socket *s;
    for (LIST_EACH(s, &bound, in_ports)) {
        if (s->port == port)
            return s;
    }
    return NULL;
}

static uint16_t swapped(uint16_t port) { return __builtin_bswap16(port); }
static bool is_here(const struct sockaddr_in *name)
{
    return name->sin_addr.s_addr == INADDR_ANY || (name->sin_addr.s_addr & 0xff) == LOOPBACK;
}

static int take(struct socket *s, uint16_t port)
{
    s->port = port;
    s->is_in_ports = true;
    list_append(&bound, &s->in_ports);
    return 0;
}

int inet_bind_any(struct socket *s)
{
    static uint16_t last = LAST_PORT; /* one after the other, so that a port is not met again soon */
    for (unsigned tries = 0; tries <= LAST_PORT - FIRST_PORT; tries++) {
        last = last == LAST_PORT ? FIRST_PORT : (uint16_t)(last + 1);
        if (!find(last))
            return take(s, last);
    }
    return -EADDRINUSE;
}

int inet_bind(struct socket *s, const struct sockaddr_in *name)
{
    uint16_t port = swapped(name->sin_port);
    if (!is_here(name))
        return -EADDRNOTAVAIL;
    s->address = name->sin_addr.s_addr;
    return !port ? inet_bind_any(s) : find(port) ? -EADDRINUSE : take(s, port);
}

int inet_find_listener(const struct sockaddr_in *name, struct socket **to)
{
    if (!is_here(name))
        return -ENETUNREACH;
    *to = find(swapped(name->sin_port));
    return *to && (*to)->is_listening ? 0 : -ECONNREFUSED;
}

int socket_put_name(const struct socket *s, uint64_t address, uint64_t room)
{
    union socket_name name = {.family = s->family};
    int32_t bytes = sizeof name.family, there;
    if (s->family == AF_INET) {
        name.in.sin_port = swapped(s->port);
        name.in.sin_addr.s_addr = s->address;
        bytes = sizeof name.in;
    } else if (s->inode && !path_of_inode(s->inode, name.un.sun_path, sizeof name.un.sun_path)) {
        bytes += (int32_t)strlen(name.un.sun_path) + 1;
    }
    if (GET_USER(there, room))
        return -EFAULT;
    if (there < 0)
        return -EINVAL;
    return copy_to_user(address, &name, (size_t)MIN(there, bytes)) || PUT_USER(room, bytes) ? -EFAULT : 0;
}

SYSCALL3(getsockname, int, fd, uint64_t, address, uint64_t, room)
{
    int error;
    const struct socket *s = socket_of(fd_file(fd), &error);
    return s ? socket_put_name(s, address, room) : error;
}

SYSCALL3(getpeername, int, fd, uint64_t, address, uint64_t, room)
{
    int error;
    const struct socket *s = socket_of(fd_file(fd), &error);
    return !s ? error : s->peer ? socket_put_name(s->peer, address, room) : -ENOTCONN;
}

/* There is nothing to choose: what programs ask for is how it is anyway, or of no use without packets. */
SYSCALL5(setsockopt, int, fd, int, level, int, name, uint64_t, value, uint32_t, bytes)
{
    int error, number;
    const struct socket *s = socket_of(fd_file(fd), &error);
    bool is_known = level == SOL_SOCKET || (level == IPPROTO_TCP && s && s->family == AF_INET);
    if (!s || !is_known || name <= 0)
        return s ? -ENOPROTOOPT : error;
    return bytes < sizeof number ? -EINVAL : GET_USER(number, value) ? -EFAULT : 0;
}

SYSCALL5(getsockopt, int, fd, int, level, int, name, uint64_t, value, uint64_t, room)
{
    int error;
    int32_t there, number = 0;
    struct socket *s = socket_of(fd_file(fd), &error);
    if (!s || level != SOL_SOCKET)
        return s ? -ENOPROTOOPT : error;
    switch (name) {
    case SO_ERROR: number = -socket_error(s); break;
    case SO_REUSEADDR: break;
    case SO_TYPE: number = SOCK_STREAM; break;
    case SO_SNDBUF:
    case SO_RCVBUF: number = RING_BYTES; break;
    case SO_ACCEPTCONN: number = s->is_listening; break;
    case SO_PROTOCOL: number = s->family == AF_INET ? IPPROTO_TCP : 0; break;
    case SO_DOMAIN: number = s->family; break;
    default: return -ENOPROTOOPT;
    }
    if (GET_USER(there, room))
        return -EFAULT;
    there = there < 0 ? there : MIN(there, (int32_t)sizeof number);
    return there < 0 ? -EINVAL : copy_to_user(value, &number, (size_t)there) || PUT_USER(room, there) ? -EFAULT : 0;
}
