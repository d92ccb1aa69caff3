/* SPDX-License-Identifier: Apache-2.0 */
/* System calls. Numbers, structures and errnos are Linux's, from its own user-space headers. Each call is defined once,
 * in the file of its subject, and named once, in syscalls.def:
 *
 *     SYSCALL3(read, int, fd, uint64_t, buffer, size_t, count) { ... return bytes or -errno; }
 *
 * User addresses are uint64_t all through the kernel, so that nobody follows one by accident. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "lib/base.h"

/* Answers of interrupted calls; signal_deliver() makes -EINTR or a second try of them, the user never sees them. */
enum {
    ERESTARTSYS = 512,           /* again, if the handler has SA_RESTART or there is none */
    ERESTARTNOHAND = 514,        /* again, if there is no handler                         */
    ERESTART_RESTARTBLOCK = 516, /* by restart_syscall() and task->restart, if there is none */
};

#define SYSCALL_BODY_(name, parameters, ...)                                                                           \
    long sys_##name(const uint64_t *a_);                                                                               \
    static long do_##name parameters;                                                                                  \
    long sys_##name(__attribute__((unused)) const uint64_t *a_) { return do_##name(__VA_ARGS__); }                     \
    static long do_##name parameters
#define SYSCALL0(name) SYSCALL_BODY_(name, (void))
#define SYSCALL1(name, t0, p0) SYSCALL_BODY_(name, (t0 p0), (t0)a_[0])
#define SYSCALL2(name, t0, p0, t1, p1) SYSCALL_BODY_(name, (t0 p0, t1 p1), (t0)a_[0], (t1)a_[1])
#define SYSCALL3(name, t0, p0, t1, p1, t2, p2)                                                                         \
    SYSCALL_BODY_(name, (t0 p0, t1 p1, t2 p2), (t0)a_[0], (t1)a_[1], (t2)a_[2])
#define SYSCALL4(name, t0, p0, t1, p1, t2, p2, t3, p3)                                                                 \
    SYSCALL_BODY_(name, (t0 p0, t1 p1, t2 p2, t3 p3), (t0)a_[0], (t1)a_[1], (t2)a_[2], (t3)a_[3])
#define SYSCALL5(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4)                                                         \
    SYSCALL_BODY_(name, (t0 p0, t1 p1, t2 p2, t3 p3, t4 p4), (t0)a_[0], (t1)a_[1], (t2)a_[2], (t3)a_[3], (t4)a_[4])
#define SYSCALL6(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5)                                                 \
    SYSCALL_BODY_(name, (t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5), (t0)a_[0], (t1)a_[1], (t2)a_[2], (t3)a_[3],        \
                  (t4)a_[4], (t5)a_[5])

#endif
