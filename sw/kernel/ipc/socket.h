/* SPDX-License-Identifier: Apache-2.0 */
/* What stream sockets of both families know of each other. */
#ifndef KERNEL_IPC_SOCKET_H
#define KERNEL_IPC_SOCKET_H

#include "ipc/ipc.h"
#include <linux/in.h>
#include <linux/un.h>

enum { AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1 }; /* not in Linux's own headers for programs */

struct socket {
    uint32_t refs;     /* of its file, of its peer */
    struct file *file; /* no reference */
    struct ring in;    /* its queue is also for changes of what follows */
    struct socket *peer;
    uint16_t family;
    uint16_t port;               /* AF_INET: its own; 0: none yet */
    uint32_t address;            /* AF_INET: its own, in the order of the network */
    bool is_in_ports;            /* it was bound, so nobody else can be: the others got their port from who listens */
    struct inode *inode;         /* AF_UNIX: what bind() made, a reference; its data is this socket */
    bool is_listening, is_reset; /* the other end has not read all: told once */
    uint32_t backlog, pending_count;
    struct list pending, in_pending,
        in_ports; /* pending: peers of those that connected, not accepted yet: their files */
};

union socket_name {
    uint16_t family;
    struct sockaddr_un un;
    struct sockaddr_in in;
};

/* The socket of a file, or NULL and *error. */
struct socket *socket_of(const struct file *f, int *error);
int socket_name_from_user(union socket_name *name, uint64_t address, int bytes); /* copies it: 0, -EINVAL, -EFAULT */
int socket_error(struct socket *s); /* what happened to it, once: 0 or -errno */
int socket_connect(struct file *f, const union socket_name *name);

#endif
