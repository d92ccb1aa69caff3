/* SPDX-License-Identifier: Apache-2.0 */
/* AF_UNIX sockets inside: what the files of unix_*.c share. */
#ifndef KERNEL_UNIX_H
#define KERNEL_UNIX_H

#include "ipc/ipc.h"
#include <asm/socket.h>
#include <linux/un.h>

/* Not in Linux's own headers for programs. */
enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_MAX = 46, SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5 };
enum {
    MSG_OOB = 1,
    MSG_PEEK = 2,
    MSG_CTRUNC = 8,
    MSG_TRUNC = 0x20,
    MSG_DONTWAIT = 0x40,
    MSG_WAITALL = 0x100,
    MSG_NOSIGNAL = 0x4000,
    MSG_CMSG_CLOEXEC = 0x40000000
};
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_FDS_MAX = 253 };
enum { SHUT_RECEIVE = 1, SHUT_SEND = 2, SHUT_BOTH = 3 };

struct unix_name {
    uint32_t bytes; /* of family and path as the user sees it; 0: none */
    uint16_t family;
    char path[UNIX_PATH_MAX + 2]; /* ends with NUL, or starts with one: abstract */
};
_Static_assert(offsetof(struct unix_name, path) == offsetof(struct unix_name, family) + 2, "a sockaddr_un");

struct credentials {
    int32_t pid;
    uint32_t uid, gid;
};

/* Files on their way (SCM_RIGHTS), references. */
struct rights {
    struct list link;  /* those to be given up */
    bool is_in_flight; /* in a queue: counted by the sockets among them */
    uint32_t count;
    struct file *file[];
};

struct message {
    struct list link;
    struct unix_socket *sender; /* a reference; it is charged until the message is gone */
    uint32_t bytes, taken, charge;
    struct rights *rights; /* NULL: none */
    char data[];
};

enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
    uint32_t refs; /* of file, peers, messages sent, sleepers */
    int type;
    enum unix_state state;
    unsigned shut;                       /* SHUT_ */
    bool is_dead;                        /* its file is gone */
    int error;                           /* positive, for the next call that asks */
    struct file *file;                   /* no reference; NULL: not accepted yet, or dead */
    struct unix_socket *peer;            /* a reference */
    struct list followers, in_followers; /* whose peer this is; their place in it */
    struct unix_name name;
    struct inode *inode;  /* of the name, a reference; its data is this socket */
    struct list in_names; /* abstract ones that can be found */
    struct list messages;
    uint32_t message_count;
    struct wait_queue readable, writable;
    struct wait_queue space; /* of the queue of messages or connections: who sends or connects to this one */
    struct list pending;     /* connections not accepted yet, references: by in_pending */
    struct list in_pending;
    uint32_t pending_count, backlog;
    uint32_t charged, send_limit, receive_limit;
    uint32_t options;                       /* bit n: SO_ n is on; for those that mean nothing here */
    uint64_t send_timeout, receive_timeout; /* ns; NEVER */
    struct credentials own, peer_credentials;
    struct list in_all, in_walk; /* unix_rights.c */
    uint32_t in_flight;          /* references to file that lie in queues */
    bool is_reachable;
};

/* What goes with the bytes of one send or receive. */
struct transfer {
    uint32_t flags;        /* MSG_, the user's */
    uint32_t result_flags; /* MSG_, for msg_flags */
    uint64_t deadline;     /* 0: do not wait */
    struct unix_name name; /* destination, or who sent it */
    struct rights *rights; /* to send: NULL afterwards if they went; or received */
};

/* --- unix_socket.c --- */
struct credentials unix_credentials(void); /* of the calling process */
struct unix_socket *unix_create(int type);
struct unix_socket *unix_get(struct unix_socket *s);
void unix_put(struct unix_socket *s);
/* s's reference moves in; NULL: it does not, no memory. */
struct file *unix_file(struct unix_socket *s, uint32_t flags);
struct unix_socket *unix_of(const struct file *f); /* NULL: another kind of file */
struct file *unix_fd(int fd, int *error);          /* a reference to a socket's file; NULL: -EBADF, -ENOTSOCK */
void unix_set_peer(struct unix_socket *s, struct unix_socket *peer);
void unix_join(struct unix_socket *a, struct unix_socket *b); /* connected with each other */
void unix_wake(struct unix_socket *s);                        /* something but its queue changed */
void unix_close(struct unix_socket *s);     /* no more of it is to be had: the file went, or was never accepted */
int unix_take_error(struct unix_socket *s); /* 0 or -errno, once */
static inline bool unix_is_writable(const struct unix_socket *s) { return s->charged <= s->send_limit / 4; }
/* As a datagram's sender sees it; a pair is limited only by what its senders are charged. */
static inline bool unix_is_full(const struct unix_socket *to, const struct unix_socket *from)
{
    return to->peer != from && to->message_count > to->backlog;
}

/* --- unix_name.c --- */
int unix_name_from_user(struct unix_name *name, uint64_t address, int bytes);
int unix_name_to_user(const struct unix_name *name, uint64_t address, uint64_t bytes_address);
int unix_name_check(struct unix_name *name); /* usable as a destination? -EINVAL; ends a path with NUL */
int unix_find(const struct unix_name *name, int type, struct unix_socket **out); /* a reference */
void unix_forget_name(struct unix_socket *s);

/* --- unix_io.c --- */
/* deadline: set from f, t->flags and the socket's timeout. t->rights are given up if they were not sent. */
int64_t unix_send(struct file *f, struct uio *u, struct transfer *t);
int64_t unix_receive(struct file *f, struct uio *u, struct transfer *t);
uint64_t unix_deadline(const struct file *f, uint32_t msg_flags, uint64_t timeout);

/* --- unix_stream.c --- */
int64_t unix_stream_send(struct unix_socket *s, struct uio *u, struct transfer *t);
int64_t unix_stream_receive(struct unix_socket *s, struct uio *u, struct transfer *t);

/* --- unix_message.c --- */
struct message *message_create(struct unix_socket *sender, size_t bytes); /* charged; NULL: no memory */
void message_free(struct message *m);                                     /* out of its queue, if it is in one */
void message_send(struct message *m, struct unix_socket *to, struct rights **rights);
void message_taken(struct message *m, struct unix_socket *by, struct transfer *t); /* its name and rights go to t */
int message_peeked(struct message *m, struct transfer *t);
int64_t unix_datagram_send(struct unix_socket *s, struct uio *u, struct transfer *t);
int64_t unix_datagram_receive(struct unix_socket *s, struct uio *u, struct transfer *t);
int unix_datagram_connect(struct unix_socket *s, struct unix_name *name);

/* --- unix_rights.c --- */
int rights_from_user(struct rights **out, uint64_t control, uint64_t bytes);
/* The fds and their header at `control`; *used: bytes of it. Always takes r. */
void rights_to_user(struct rights *r, uint64_t control, uint64_t bytes, struct transfer *t, uint64_t *used);
struct rights *rights_copy(const struct rights *r);
void rights_set_in_flight(struct rights *r, bool in_flight);
void rights_free(struct rights *r);   /* NULL is harmless */
void unix_add(struct unix_socket *s); /* to those that are looked through */
void unix_collect(void);              /* frees what hangs only on itself: sockets in each other's queues */

#endif
