/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a file, and for one of several: each look marks the queues of the files it looked at, the next wake-up of
 * a marked queue also wakes everyone in `pollers`, and they look again. poll and select. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include <asm/poll.h>

enum {
    ALWAYS = EPOLLERR | EPOLLHUP,
    READ_SET = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR,
    WRITE_SET = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR,
    SETS = 3, /* of select: to be read, to be written, with exceptions */
    SET_WORDS = FDS_MAX / 64
};

int ipc_wait(struct wait_queue *q, uint64_t deadline)
{
    struct waiter w;
    if (!deadline || current->nowait)
        return -EAGAIN;
    wait_begin(q, &w);
    int result = task_sleep(deadline);
    wait_end(&w);
    if (result == -EINTR)
        return deadline == NEVER ? -ERESTARTSYS : -EINTR;
    return result ? -EAGAIN : 0;
}

void poll_wait(struct poll_table *pt, struct wait_queue *q)
{
    pt->sequences += q->sequence;
    q->is_polled = true;
    if (pt->visit)
        pt->visit(pt, q);
}

unsigned file_poll(struct file *f, struct poll_table *pt)
{
    return f->ops->poll ? f->ops->poll(f, pt) : EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

long poll_until(long (*look)(void *what), void *what, uint64_t deadline)
{
    long found;
    int error = 0;
    while (!(found = look(what)) && !error)
        error = deadline > clock_now() ? ipc_wait(&pollers, deadline) : -EAGAIN;
    if (found || (error == -EAGAIN && !task_has_signal(current)))
        return found;
    return -EINTR; /* also after a user interrupt, and no signal */
}

int mask_begin(uint64_t address, size_t bytes)
{
    uint64_t mask;
    if (!address)
        return 0;
    if (bytes != sizeof mask || GET_USER(mask, address))
        return bytes != sizeof mask ? -EINVAL : -EFAULT;
    current->saved_blocked = current->blocked;
    current->has_saved_blocked = true;
    signal_set_blocked(current, mask);
    return 0;
}

/* What is left until the deadline goes back to the user, if there was a timeout at all: then a second try waits only
 * for that. If it cannot be told (memory that is read-only), there is no second try. */
static long tell_rest(uint64_t address, uint64_t deadline, bool is_timeval, long result)
{
    uint64_t now = clock_now();
    struct __kernel_timespec left = timespec_of(deadline > now ? deadline - now : 0);
    left.tv_nsec /= is_timeval ? 1000 : 1; /* the structures are otherwise alike */
    int error = address ? PUT_USER(address, left) : 0;
    return result == -EINTR && !error ? -ERESTARTNOHAND : result;
}

/* --- poll --- */

static long look_at_fds(void *what)
{
    const uint64_t *fds_and_count = what;
    long ready = 0;
    if (fds_and_count[1] > FDS_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < fds_and_count[1]; i++) {
        struct poll_table pt = {0};
        struct pollfd p;
        uint64_t address = fds_and_count[0] + i * sizeof p;
        if (GET_USER(p, address))
            return -EFAULT;
        struct file *f = fd_file(p.fd);
        unsigned wanted = (uint16_t)p.events | ALWAYS;
        p.revents = (short)(f ? file_poll(f, &pt) & wanted : p.fd < 0 ? 0 : POLLNVAL);
        ready += p.revents != 0;
        if (PUT_USER(address + offsetof(struct pollfd, revents), p.revents))
            return -EFAULT;
    }
    return ready;
}

static long poll_again(struct task *self)
{
    uint64_t *argument = self->restart.argument;
    long result = poll_until(look_at_fds, argument, argument[2]);
    return result == -EINTR ? -ERESTART_RESTARTBLOCK : result;
}

SYSCALL3(poll, uint64_t, fds, uint32_t, count, int, timeout)
{
    uint64_t deadline = timeout < 0 ? NEVER : clock_now() + (uint64_t)timeout * 1000000;
    return call_restartable(poll_again, fds, count, deadline, 0, 0);
}

SYSCALL5(ppoll, uint64_t, fds, uint32_t, count, uint64_t, timeout, uint64_t, mask, size_t, mask_bytes)
{
    uint64_t deadline;
    int error = deadline_from_user(timeout, CLOCK_MONOTONIC, false, &deadline);
    if (!error)
        error = mask_begin(mask, mask_bytes);
    uint64_t fds_and_count[2] = {fds, count};
    return error ? error : tell_rest(timeout, deadline, false, poll_until(look_at_fds, fds_and_count, deadline));
}

/* --- select --- */

struct select_call {
    int n;
    uint64_t wanted[SETS][SET_WORDS], ready[SETS][SET_WORDS];
};

static long look_at_sets(void *what)
{
    static const unsigned bits_of[SETS] = {READ_SET, WRITE_SET, EPOLLPRI};
    struct select_call *call = what;
    long ready = 0;
    for (int i = 0; i < call->n * SETS; i++) {
        int fd = i / SETS, set = i % SETS;
        uint64_t bit = UINT64_C(1) << fd % 64;
        if (!(call->wanted[set][fd / 64] & bit))
            continue;
        struct poll_table pt = {0};
        struct file *f = fd_file(fd);
        if (!f)
            return -EBADF;
        if (file_poll(f, &pt) & bits_of[set]) {
            call->ready[set][fd / 64] |= bit;
            ready++;
        }
    }
    return ready;
}

static long select_fds(int n, const uint64_t sets[SETS], uint64_t deadline)
{
    struct select_call call = {.n = MIN(n, (int)FDS_MAX)};
    if (n < 0)
        return -EINVAL;
    size_t bytes = ALIGN_UP((size_t)call.n, 64) / 8;
    for (int i = 0; i < SETS; i++)
        if (sets[i] && copy_from_user(call.wanted[i], sets[i], bytes))
            return -EFAULT;
    long result = poll_until(look_at_sets, &call, deadline);
    for (int i = 0; i < SETS && result >= 0; i++)
        if (sets[i] && copy_to_user(sets[i], call.ready[i], bytes))
            return -EFAULT;
    return result;
}

SYSCALL5(select, int, n, uint64_t, reads, uint64_t, writes, uint64_t, exceptions, uint64_t, timeout)
{
    struct __kernel_old_timeval tv = {0, 0};
    if (timeout && GET_USER(tv, timeout))
        return -EFAULT;
    struct __kernel_timespec t = {.tv_nsec = tv.tv_usec % 1000000 * 1000};
    if (__builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &t.tv_sec) || !timespec_is_valid(&t))
        return -EINVAL;
    uint64_t deadline = timeout ? add_ns(clock_now(), timespec_ns(&t)) : NEVER;
    const uint64_t sets[SETS] = {reads, writes, exceptions};
    return tell_rest(timeout, deadline, true, select_fds(n, sets, deadline));
}

SYSCALL6(pselect6, int, n, uint64_t, reads, uint64_t, writes, uint64_t, exceptions, uint64_t, timeout, uint64_t,
         signals)
{
    struct {
        uint64_t mask, bytes;
    } set = {0, 0};
    uint64_t deadline;
    if (signals && GET_USER(set, signals))
        return -EFAULT;
    int error = deadline_from_user(timeout, CLOCK_MONOTONIC, false, &deadline);
    if (!error)
        error = mask_begin(set.mask, set.bytes);
    const uint64_t sets[SETS] = {reads, writes, exceptions};
    return error ? error : tell_rest(timeout, deadline, false, select_fds(n, sets, deadline));
}
