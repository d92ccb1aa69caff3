/* SPDX-License-Identifier: Apache-2.0 */
/* poll and select: one look at all files that also queues the task at each; if nothing is ready it sleeps, and looks
 * again. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include "string.h"
#include <asm/poll.h>

enum {
    ALWAYS = EPOLLERR | EPOLLHUP,
    OUT_BITS = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND,
    READ_SET = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR,
    WRITE_SET = OUT_BITS | EPOLLERR,
    SET_WORDS = FDS_MAX / 64
};

/* --- poll tables --- */

struct poll_chunk {
    struct poll_chunk *next;
    struct poll_entry entry[31];
};

void poll_table_begin(struct poll_table *pt, bool registers)
{
    static uint64_t passes;
    pt->wanted = 0;
    pt->registers = registers;
    pt->failed = false;
    pt->sequences = 0;
    pt->pass = ++passes;
    pt->owner = NULL;
    pt->chunks = NULL;
    pt->used = 0;
}

static void leave_queues(struct poll_entry *e, unsigned count)
{
    for (; count; count--, e++) {
        wait_end(&e->waiter);
        list_remove(&e->in_owner);
    }
}

void poll_table_end(struct poll_table *pt)
{
    while (pt->chunks) {
        struct poll_chunk *c = pt->chunks;
        leave_queues(c->entry, pt->used);
        pt->chunks = c->next;
        pt->used = c->next ? ARRAY_SIZE(c->entry) : ARRAY_SIZE(pt->first);
        kfree(c);
    }
    leave_queues(pt->first, pt->used);
    pt->used = 0;
}

static struct poll_entry *new_entry(struct poll_table *pt)
{
    if (pt->used == (pt->chunks ? ARRAY_SIZE(pt->chunks->entry) : ARRAY_SIZE(pt->first))) {
        struct poll_chunk *c = kmalloc(sizeof *c);
        if (!c)
            return NULL;
        c->next = pt->chunks;
        pt->chunks = c;
        pt->used = 0;
    }
    return (pt->chunks ? pt->chunks->entry : pt->first) + pt->used++;
}

void poll_wait(struct poll_table *pt, struct wait_queue *q)
{
    if (!pt)
        return;
    pt->sequences += q->sequence;
    if (!pt->registers)
        return;
    struct poll_entry *e = new_entry(pt);
    if (!e) {
        pt->failed = true;
        return;
    }
    wait_begin(q, &e->waiter);
    list_init(&e->in_owner);
    if (pt->owner)
        list_append(pt->owner, &e->in_owner);
}

void poll_wait_both(struct poll_table *pt, struct wait_queue *readable, struct wait_queue *writable)
{
    if (pt && pt->wanted & OUT_BITS)
        poll_wait(pt, writable);
    if (pt && (pt->wanted & ~(unsigned)(OUT_BITS | ALWAYS) || !(pt->wanted & OUT_BITS)))
        poll_wait(pt, readable);
}

unsigned file_poll(struct file *f, struct poll_table *pt)
{
    if (!f->ops->poll)
        return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
    return f->ops->poll(f, pt);
}

/* --- what poll and select have in common --- */

struct item {
    struct file *file; /* a reference; NULL: `ready` stands */
    unsigned wanted, ready;
    int fd;           /* for select        */
    unsigned in_sets; /* bit k: in set k   */
};

/* How many are ready: 0 at the deadline; -ERESTARTNOHAND, -ENOMEM. Deadline 0: only looks. */
static long wait_for_items(struct item *items, size_t count, uint64_t deadline)
{
    long ready = 0, error = 0;
    for (int slept = deadline ? 0 : -ETIMEDOUT;;) {
        struct poll_table pt;
        bool is_last = slept;
        poll_table_begin(&pt, !is_last);
        for (size_t i = 0; i < count; i++) {
            struct item *item = &items[i];
            pt.wanted = item->wanted | ALWAYS;
            if (item->file)
                item->ready = file_poll(item->file, &pt) & item->wanted;
            if (item->ready) {
                pt.registers = false;
                ready++;
            }
        }
        if (!ready && pt.failed)
            error = -ENOMEM;
        else if (!ready && !is_last)
            slept = task_sleep(deadline);
        poll_table_end(&pt);
        if (ready || error)
            return ready ? ready : error;
        if (is_last) /* a user interrupt may have ended the sleep, and no signal */
            return slept == -EINTR || task_has_signal(current) ? -ERESTARTNOHAND : 0;
    }
}

static void put_items(struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        file_put(items[i].file);
    kfree(items);
}

int mask_begin(uint64_t address, size_t bytes)
{
    uint64_t mask;
    if (!address)
        return 0;
    if (bytes != sizeof mask)
        return -EINVAL;
    if (GET_USER(mask, address))
        return -EFAULT;
    current->saved_blocked = current->blocked;
    current->has_saved_blocked = true;
    signal_set_blocked(current, mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)));
    return 0;
}

void mask_end(bool by_signal)
{
    if (by_signal || !current->has_saved_blocked)
        return;
    current->has_saved_blocked = false;
    signal_set_blocked(current, current->saved_blocked);
}

/* What is left until the deadline goes back to the user, if there was a timeout at all: then a second try waits only
 * for that. If it cannot be told (memory that is read-only), there is no second try. */
static long tell_rest(uint64_t address, uint64_t deadline, bool is_timeval, long result)
{
    if (!address || !deadline)
        return result;
    uint64_t now = clock_now(), left = deadline > now ? deadline - now : 0;
    struct __kernel_timespec ts = timespec_of(left);
    struct __kernel_old_timeval tv = timeval_of(left);
    int error = is_timeval ? PUT_USER(address, tv) : PUT_USER(address, ts);
    return error && result == -ERESTARTNOHAND ? -EINTR : result;
}

/* As deadline_from_user, but what is over already is 0: do not sleep. */
static int deadline_of(uint64_t address, uint64_t *deadline)
{
    int error = deadline_from_user(address, deadline);
    if (*deadline <= clock_now())
        *deadline = 0;
    return error;
}

/* --- poll --- */

static long poll_fds(uint64_t fds, uint32_t count, uint64_t deadline)
{
    long result = 0;
    if (count > FDS_MAX)
        return -EINVAL;
    struct item *items = kzalloc((count + 1) * sizeof *items);
    if (!items)
        return -ENOMEM;
    for (uint32_t i = 0; i < count && !result; i++) {
        struct pollfd p;
        result = GET_USER(p, fds + i * sizeof p);
        struct file *f = result ? NULL : fd_file(p.fd);
        if (f)
            items[i] = (struct item){.file = file_get(f), .wanted = (uint16_t)p.events | ALWAYS};
        else if (!result && p.fd >= 0)
            items[i].ready = POLLNVAL;
    }
    if (!result)
        result = wait_for_items(items, count, deadline);
    for (uint32_t i = 0; i < count && (result >= 0 || result == -ERESTARTNOHAND); i++) {
        short ready = (short)items[i].ready;
        if (PUT_USER(fds + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents), ready))
            result = -EFAULT;
    }
    put_items(items, count);
    return result;
}

static long poll_again(struct task *self);

static long poll_restartable(uint64_t fds, uint32_t count, uint64_t deadline)
{
    long result = poll_fds(fds, count, deadline);
    if (result != -ERESTARTNOHAND)
        return result;
    current->restart = (struct restart){.again = poll_again, .argument = {fds, count, deadline}};
    return -ERESTART_RESTARTBLOCK;
}

static long poll_again(struct task *self)
{
    const uint64_t *a = self->restart.argument;
    return poll_restartable(a[0], (uint32_t)a[1], a[2]);
}

SYSCALL3(poll, uint64_t, fds, uint32_t, count, int, timeout)
{
    uint64_t deadline = timeout > 0 ? clock_now() + (uint64_t)timeout * 1000000 : timeout ? NEVER : 0;
    return poll_restartable(fds, count, deadline);
}

SYSCALL5(ppoll, uint64_t, fds, uint32_t, count, uint64_t, timeout, uint64_t, mask, size_t, mask_bytes)
{
    uint64_t deadline;
    long result = deadline_of(timeout, &deadline);
    if (!result)
        result = mask_begin(mask, mask_bytes);
    if (result)
        return result;
    result = poll_fds(fds, count, deadline);
    mask_end(result == -ERESTARTNOHAND);
    return tell_rest(timeout, deadline, false, result);
}

/* --- select --- */

static const unsigned set_bits[3] = {READ_SET, WRITE_SET, EPOLLPRI};

static int get_sets(uint64_t sets[3][SET_WORDS], const uint64_t from[3], size_t bytes)
{
    memset(sets, 0, 3 * sizeof sets[0]);
    for (int k = 0; k < 3; k++) {
        if (from[k] && copy_from_user(sets[k], from[k], bytes))
            return -EFAULT;
    }
    return 0;
}

/* Writes the bits of what is ready; their number. */
static long put_sets(const struct item *items, size_t count, const uint64_t to[3], size_t bytes)
{
    uint64_t sets[3][SET_WORDS] = {{0}};
    long bits = 0;
    for (const struct item *item = items; item < items + count; item++) {
        for (int k = 0; k < 3; k++) {
            if (item->in_sets >> k & 1 && item->ready & set_bits[k]) {
                sets[k][item->fd / 64] |= UINT64_C(1) << item->fd % 64;
                bits++;
            }
        }
    }
    for (int k = 0; k < 3; k++) {
        if (to[k] && copy_to_user(to[k], sets[k], bytes))
            return -EFAULT;
    }
    return bits;
}

static long select_fds(int n, const uint64_t addresses[3], uint64_t deadline)
{
    uint64_t sets[3][SET_WORDS];
    if (n < 0)
        return -EINVAL;
    n = MIN(n, (int)FDS_MAX);
    size_t bytes = ALIGN_UP((size_t)n, 64) / 8, count = 0;
    long result = get_sets(sets, addresses, bytes);
    if (result)
        return result;
    struct item *items = kmalloc(((size_t)n + 1) * sizeof *items);
    if (!items)
        return -ENOMEM;
    for (int fd = 0; fd < n && !result; fd++) {
        struct item item = {.fd = fd};
        for (int k = 0; k < 3; k++) {
            if (sets[k][fd / 64] >> fd % 64 & 1) {
                item.wanted |= set_bits[k];
                item.in_sets |= 1u << k;
            }
        }
        if (!item.in_sets)
            continue;
        item.file = fd_file(fd);
        if (item.file) {
            file_get(item.file);
            items[count++] = item;
        } else {
            result = -EBADF;
        }
    }
    if (!result)
        result = wait_for_items(items, count, deadline);
    if (result >= 0)
        result = put_sets(items, count, addresses, bytes);
    put_items(items, count);
    return result;
}

SYSCALL5(select, int, n, uint64_t, reads, uint64_t, writes, uint64_t, exceptions, uint64_t, timeout)
{
    uint64_t deadline = NEVER;
    struct __kernel_old_timeval tv;
    if (timeout) {
        if (GET_USER(tv, timeout))
            return -EFAULT;
        struct __kernel_timespec ts = {.tv_nsec = tv.tv_usec % 1000000 * 1000};
        if (__builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &ts.tv_sec) || !timespec_is_valid(&ts))
            return -EINVAL;
        deadline = timespec_ns(&ts) ? add_ns(clock_now(), timespec_ns(&ts)) : 0;
    }
    long result = select_fds(n, (uint64_t[]){reads, writes, exceptions}, deadline);
    return tell_rest(timeout, deadline, true, result);
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
    long result = deadline_of(timeout, &deadline);
    if (!result)
        result = mask_begin(set.mask, set.bytes);
    if (result)
        return result;
    result = select_fds(n, (uint64_t[]){reads, writes, exceptions}, deadline);
    mask_end(result == -ERESTARTNOHAND);
    return tell_rest(timeout, deadline, false, result);
}
