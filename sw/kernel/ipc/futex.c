/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes: sleeping on a word of user memory. All waiters lie in one list, each with a key: what names the word
 * whichever way it is mapped. No priority inheritance. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/time.h"
#include <linux/futex.h>

struct key {
    const void *object; /* the mm, or the inode if the mapping is shared */
    uint64_t offset;
};

struct futex_waiter { /* on the sleeper's stack */
    struct list link;
    struct key key;
    uint32_t bitset;
    struct task *task;
    bool is_woken;
};

static struct list waiters = {&waiters, &waiters};

static int key_of(struct mm *mm, uint64_t address, bool is_shared, struct key *key)
{
    if (address % 4)
        return -EINVAL;
    if (address >= USER_END)
        return -EFAULT;
    *key = (struct key){mm, address};
    if (!is_shared)
        return 0;
    if (!mm_page_at(mm, address, false))
        return -EFAULT;
    const struct area *a = mm_find(mm, address);
    if (a && a->flags & AREA_SHARED && a->inode)
        *key = (struct key){a->inode, a->offset + (address - a->start)};
    return 0;
}

/* Of those who wait at `from`, oldest first, wakes up to `wakes` and lets up to `moves` others wait at `to`. How many
 * of both. */
static int release(const struct key *from, uint32_t bitset, int wakes, const struct key *to, int moves)
{
    struct futex_waiter *w;
    int done = 0;
    for (LIST_EACH(w, &waiters, link)) {
        if (w->key.object != from->object || w->key.offset != from->offset || !(w->bitset & bitset))
            continue;
        if (done >= wakes && done - wakes >= moves)
            break;
        if (done++ < wakes) {
            list_remove(&w->link);
            w->is_woken = true;
            task_wake(w->task);
        } else {
            w->key = *to;
        }
    }
    return done;
}

/* As in Linux the first one is woken whatever count is. */
static int wake(struct mm *mm, uint64_t address, bool is_shared, int count, uint32_t bitset)
{
    struct key key;
    int error = bitset ? key_of(mm, address, is_shared, &key) : -EINVAL;
    return error ? error : release(&key, bitset, count < 1 ? 1 : count, NULL, 0);
}

int futex_wake_address(struct mm *mm, uint64_t address, uint32_t count)
{
    return wake(mm, address, true, (int)count, FUTEX_BITSET_MATCH_ANY);
}

/* 0 and the key if the word is what the caller expects; -EAGAIN. */
static int check(uint64_t address, bool is_shared, uint32_t expected, struct key *key)
{
    uint32_t value;
    int error = key_of(current->mm, address, is_shared, key);
    if (!error)
        error = GET_USER(value, address);
    return error ? error : value == expected ? 0 : -EAGAIN;
}

static long wait(uint64_t address, bool is_shared, uint32_t expected, uint64_t deadline, uint32_t bitset)
{
    struct futex_waiter w = {.bitset = bitset, .task = current};
    int result = bitset ? check(address, is_shared, expected, &w.key) : -EINVAL;
    if (result)
        return result;
    list_append(&waiters, &w.link);
    while (!w.is_woken && !result)
        result = task_sleep(deadline);
    list_remove(&w.link);
    if (w.is_woken)
        return 0;
    if (result == -ETIMEDOUT)
        return result;
    return deadline == NEVER ? -ERESTARTSYS : -ERESTART_RESTARTBLOCK;
}

static long wait_again(struct task *self)
{
    const uint64_t *a = self->restart.argument;
    return wait(a[0], a[1], (uint32_t)a[2], a[3], (uint32_t)a[4]);
}

static long requeue(uint64_t from, uint64_t to, bool is_shared, int wakes, int moves, const uint32_t *expected)
{
    struct key old, new;
    if (wakes < 0 || moves < 0)
        return -EINVAL;
    int error = key_of(current->mm, to, is_shared, &new);
    if (!error)
        error = expected ? check(from, is_shared, *expected, &old) : key_of(current->mm, from, is_shared, &old);
    return error ? error : release(&old, FUTEX_BITSET_MATCH_ANY, wakes, &new, moves);
}

SYSCALL6(futex, uint64_t, address, int, op, uint32_t, value, uint64_t, timeout, uint64_t, address2, uint32_t, value3)
{
    bool is_shared = !(op & FUTEX_PRIVATE_FLAG);
    int command = op & FUTEX_CMD_MASK, count = (int)value, count2 = (int)timeout;
    uint64_t deadline = NEVER;
    int error = 0, clock = op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) /* the one waits so long, the other until then */
        error = deadline_from_user(timeout, clock, command == FUTEX_WAIT_BITSET, &deadline);
    if (!error && op & FUTEX_CLOCK_REALTIME && command != FUTEX_WAIT_BITSET)
        error = -ENOSYS;
    if (error)
        return error;
    switch (command) {
    case FUTEX_WAIT: value3 = FUTEX_BITSET_MATCH_ANY; /* fallthrough */
    case FUTEX_WAIT_BITSET: return call_restartable(wait_again, address, is_shared, value, deadline, value3);
    case FUTEX_WAKE: return wake(current->mm, address, is_shared, count, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET: return wake(current->mm, address, is_shared, count, value3);
    case FUTEX_REQUEUE: return requeue(address, address2, is_shared, count, count2, NULL);
    case FUTEX_CMP_REQUEUE: return requeue(address, address2, is_shared, count, count2, &value3);
    default: return -ENOSYS;
    }
}
