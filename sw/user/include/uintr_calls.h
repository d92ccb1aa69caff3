/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of user interrupts. No released Linux has them and no libc wraps them; Intel published two kernel
 * generations with different numbers. uintr_choose() finds out which one runs; the wrappers follow it. Calls answer as
 * syscall() does: -1 and errno. */
#ifndef UINTR_CALLS_H
#define UINTR_CALLS_H

#include <cpuid.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86gprintrin.h>

enum uintr_call {
    UINTR_REGISTER_HANDLER,
    UINTR_UNREGISTER_HANDLER,
    UINTR_VECTOR_FD, /* generation 1: uintr_create_fd */
    UINTR_REGISTER_SENDER,
    UINTR_UNREGISTER_SENDER,
    UINTR_WAIT,
    UINTR_REGISTER_SELF, /* from here on generation 2 only */
    UINTR_ALT_STACK,
    UINTR_IPI_FD
};

enum { UINTR_WAITING_RECEIVER = 0x1000, UINTR_WAITING_SENDER = 0x2000 }; /* flags of a handler, generation 2 */
#define UIPI_SET_TARGET_TABLE 0x7500u                                    /* ioctl of a uipi_fd, generation 2 */

static int uintr_generation; /* 1 or 2 after uintr_choose() */

static inline long uintr_number(int generation, enum uintr_call call)
{
    return (generation == 1 ? 449 : 471) + (long)call;
}

static sigjmp_buf uintr_no_testui;
static inline void uintr_on_sigill(int number)
{
    (void)number;
    siglongjmp(uintr_no_testui, 1);
}

/* The CPU has user interrupts and the kernel has switched them on: otherwise TESTUI is an invalid instruction. A stock
 * Linux uses some of the numbers for other calls, so they are not tried before. */
static inline bool uintr_is_enabled(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 5 & 1))
        return false;
    struct sigaction trap = {.sa_handler = uintr_on_sigill}, before;
    sigaction(SIGILL, &trap, &before);
    volatile bool is_enabled = false;
    if (sigsetjmp(uintr_no_testui, 1) == 0) {
        (void)_testui();
        is_enabled = true;
    }
    sigaction(SIGILL, &before, NULL);
    return is_enabled;
}

/* Unknown flags are EINVAL where the call exists. */
static inline bool uintr_has_generation(int generation)
{
    return uintr_is_enabled() && syscall(uintr_number(generation, UINTR_UNREGISTER_HANDLER), 1u) == -1 &&
           errno == EINVAL;
}

/* wanted: 1, 2, or 0 for the newest that this kernel has. False: there is none. */
static inline bool uintr_choose(int wanted)
{
    for (int g = 2; g >= 1; g--)
        if ((wanted == 0 || wanted == g) && uintr_has_generation(g)) {
            uintr_generation = g;
            return true;
        }
    return false;
}

static inline long uintr_call(enum uintr_call call, uint64_t a, uint64_t b, uint64_t c)
{
    return syscall(uintr_number(uintr_generation, call), a, b, c);
}

typedef void uintr_handler(struct __uintr_frame *frame, unsigned long long vector);

static inline int uintr_register_handler(uintr_handler *handler, unsigned flags)
{
    return (int)uintr_call(UINTR_REGISTER_HANDLER, (uintptr_t)handler, flags, 0);
}
static inline int uintr_unregister_handler(void) { return (int)uintr_call(UINTR_UNREGISTER_HANDLER, 0, 0, 0); }
static inline int uintr_vector_fd(unsigned vector) { return (int)uintr_call(UINTR_VECTOR_FD, vector, 0, 0); }
/* The index for SENDUIPI. */
static inline int uintr_register_sender(int fd) { return (int)uintr_call(UINTR_REGISTER_SENDER, (uint64_t)fd, 0, 0); }
static inline int uintr_unregister_sender(int fd, int index)
{
    return (int)uintr_call(UINTR_UNREGISTER_SENDER, (uint64_t)(uintr_generation == 1 ? fd : index), 0, 0);
}
/* 0: the time is over (generation 1 always waits 100 us); EINTR: a user interrupt or a signal. */
static inline int uintr_wait(uint64_t us)
{
    return (int)(uintr_generation == 1 ? uintr_call(UINTR_WAIT, 0, 0, 0) : uintr_call(UINTR_WAIT, us, 0, 0));
}

#endif
