/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that the receiver waits for, and shared memory that it polls. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static sigset_t message_signal;

static void prepare_signal(void)
{
    sigemptyset(&message_signal);
    sigaddset(&message_signal, SIGUSR1);
    sigprocmask(SIG_BLOCK, &message_signal, NULL); /* both sides inherit it */
}

/* SIGUSR1 does not queue, and need not: there is one message under way. */
static void send_signal(enum side me)
{
    pid_t tid = shared->tid[other(me)], process = options.has_threads ? getpid() : tid;
    check_call(syscall(SYS_tgkill, process, tid, SIGUSR1), "tgkill");
}

static uint64_t receive_signal(enum side me)
{
    (void)me;
    while (sigwaitinfo(&message_signal, NULL) != SIGUSR1)
        if (errno != EINTR)
            fail("sigwaitinfo");
    return tsc_now();
}

static char copy[2][SIZE_MAX_BYTES];
static uint64_t sent[2], received[2];

static void prepare_shm(void) {}

static void send_shm(enum side me)
{
    memcpy(shared->message[me], copy[me], options.size);
    store(&shared->flag[me][0], ++sent[me]);
}

static uint64_t receive_shm(enum side me)
{
    received[me]++;
    while (load(&shared->flag[other(me)][0]) < received[me])
        relax();
    memcpy(copy[me], shared->message[other(me)], options.size);
    return tsc_now();
}

static void nothing(enum side me) { (void)me; }

const struct mechanism mechanism_signal = {
    "signal", "SIGUSR1 to a thread in sigwaitinfo()", false, prepare_signal, nothing, send_signal, receive_signal,
    nothing};
const struct mechanism mechanism_shm = {
    "shm", "shared memory, the receiver polls", true, prepare_shm, nothing, send_shm, receive_shm, nothing};
