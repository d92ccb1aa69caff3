/* SPDX-License-Identifier: Apache-2.0 */
/* User interrupts. The vector is the receiving side's number; a message is that its handler ran. */
#include "uintr_calls.h"

#include "bench.h"

enum { WAIT_US = 10000 };

static struct {
    uint64_t arrivals, arrived_tsc; /* written by the handler only */
    uint64_t taken;
    int sender_index; /* to the other side */
} __attribute__((aligned(64))) sides[2];

static void __attribute__((interrupt)) on_message(struct __uintr_frame *frame, unsigned long long vector)
{
    (void)frame;
    sides[vector & 1].arrived_tsc = __builtin_ia32_rdtsc();
    store(&sides[vector & 1].arrivals, sides[vector & 1].arrivals + 1);
}

static bool receives(enum side me) { return me == B || options.both_ways; }

static void prepare(void)
{
    errno = ENOSYS;
    if (!uintr_choose(options.generation))
        fail("no user interrupts: the CPU has none, or the kernel does not enable them");
}

static void attach(enum side me)
{
    if (receives(me)) {
        check_call(uintr_register_handler(on_message, 0), "uintr_register_handler");
        shared->fd[me] = uintr_vector_fd((unsigned)me);
        check_call(shared->fd[me], "uintr_vector_fd");
        _stui();
    }
    rendezvous(me);
    if (receives(other(me))) {
        sides[me].sender_index = uintr_register_sender(shared->fd[other(me)]);
        check_call(sides[me].sender_index, "uintr_register_sender");
    }
}

static void send_message(enum side me) { _senduipi((uint64_t)sides[me].sender_index); }

/* Between the test and the sleep nothing may be delivered, or the sleeper would miss it. What is posted meanwhile ends
 * the wait at once and is delivered after STUI. */
static void sleep_until_arrival(enum side me)
{
    for (;;) {
        _clui();
        if (load(&sides[me].arrivals) != sides[me].taken)
            break;
        if (uintr_wait(WAIT_US) == -1 && errno != EINTR)
            fail("uintr_wait");
        _stui();
    }
    _stui();
}

static uint64_t receive_message(enum side me)
{
    if (options.is_blocked)
        sleep_until_arrival(me);
    while (load(&sides[me].arrivals) == sides[me].taken)
        relax();
    sides[me].taken++;
    return sides[me].arrived_tsc;
}

static void detach(enum side me)
{
    if (receives(other(me)))
        check_call(uintr_unregister_sender(shared->fd[other(me)], sides[me].sender_index), "uintr_unregister_sender");
    rendezvous(me);
    if (receives(me)) {
        _clui();
        check_call(uintr_unregister_handler(), "uintr_unregister_handler");
        close(shared->fd[me]);
    }
}

const struct mechanism mechanism_uintr = {"uintr", "user interrupts", false,           prepare,
                                          attach,  send_message,      receive_message, detach};
