/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets of AF_INET that never leave this machine: every address is 127.0.0.1, a connection is two rings as
 * between sockets of AF_UNIX. There are no packets, so nothing is lost, delayed or reset. */
#ifndef KERNEL_INET_H
#define KERNEL_INET_H

#include "ipc/socket.h"

/* The port of a name for s, which has none: 0, -EADDRNOTAVAIL, -EADDRINUSE. Port 0: any. */
int inet_bind(struct socket *s, const struct sockaddr_in *name);
int inet_bind_any(struct socket *s);
static inline uint32_t inet_loopback(void) { return __builtin_bswap32(INADDR_LOOPBACK); }
int inet_find_listener(const struct sockaddr_in *name, struct socket **to); /* 0, -ENETUNREACH, -ECONNREFUSED */
/* The name of s to user memory, whose int32_t at `room` says how much there is and then how much there would be: 0,
 * -EFAULT, -EINVAL. */
int socket_put_name(const struct socket *s, uint64_t address, uint64_t room);

#endif
