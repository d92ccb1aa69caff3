/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes: sleeping on a word of user memory. Waiters lie in a hash table by key: what names the word whichever way it
 * is mapped. No priority inheritance. */
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "sched/time.h"
#include <linux/futex.h>

enum { BUCKETS = 64 };

struct key {
    void *object; /* the mm, or the inode if the mapping is shared */
    uint64_t offset;
    bool is_inode;
};

struct futex_waiter { /* on the sleeper's stack */
    struct list link;
    struct key key; /* a reference to the inode, so that no new one can be mistaken for it */
    uint32_t bitset;
    struct task *task;
    bool is_woken;
};

static struct list buckets[BUCKETS];

static struct list *bucket_of(const struct key *k)
{
    uint64_t hash = ((uint64_t)k->object >> 4) + (k->offset >> 2);
    struct list *b = &buckets[hash * 0x9e3779b97f4a7c15ull >> 58];
    if (!b->next)
        list_init(b);
    return b;
}

static bool is_same(const struct key *a, const struct key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

static int key_of(struct mm *mm, uint64_t address, bool is_shared, struct key *key)
{
    if (address % 4)
        return -EINVAL;
    if (address >= USER_END)
        return -EFAULT;
    *key = (struct key){mm, address, false};
    if (!is_shared)
        return 0;
    if (!mm_page_at(mm, address, false))
        return -EFAULT;
    const struct area *a = mm_find(mm, address);
    if (a && a->flags & AREA_SHARED && a->inode)
        *key = (struct key){a->inode, a->offset + (address - a->start), true};
    return 0;
}

/* The word itself, for changes that other cores' user code must see whole; it stays while we do not sleep. NULL:
 * EFAULT. */
static uint32_t *word_at(struct mm *mm, uint64_t address)
{
    uint64_t page = address < USER_END ? mm_page_at(mm, address, true) : 0;
    return page ? (uint32_t *)((char *)phys_to_virt(ALIGN_DOWN(page, PAGE_BYTES)) + address % PAGE_BYTES) : NULL;
}

static void queue(struct futex_waiter *w, const struct key *key)
{
    w->key = *key;
    if (key->is_inode)
        inode_get(key->object);
    list_append(bucket_of(key), &w->link);
}

static void unqueue(struct futex_waiter *w)
{
    list_remove(&w->link);
    if (w->key.is_inode)
        inode_put(w->key.object);
}

/* Wakes waiters until their number is `count`; as in Linux the first one is woken whatever count is. */
static int wake(const struct key *key, int count, uint32_t bitset)
{
    struct futex_waiter *w;
    int woken = 0;
    LIST_FOR_EACH(w, bucket_of(key), link)
    {
        if (!is_same(&w->key, key) || !(w->bitset & bitset))
            continue;
        unqueue(w);
        w->is_woken = true;
        task_wake(w->task);
        if (++woken >= count)
            break;
    }
    return woken;
}

static int wake_at(struct mm *mm, uint64_t address, bool is_shared, int count, uint32_t bitset)
{
    struct key key;
    int error = bitset ? key_of(mm, address, is_shared, &key) : -EINVAL;
    return error ? error : wake(&key, count, bitset);
}

int futex_wake_address(struct mm *mm, uint64_t address, uint32_t count)
{
    return wake_at(mm, address, true, (int)count, FUTEX_BITSET_MATCH_ANY);
}

static long wait_again(struct task *self);

static long wait(uint64_t address, bool is_shared, uint32_t expected, uint64_t deadline, uint32_t bitset)
{
    struct futex_waiter w = {.bitset = bitset, .task = current};
    struct key key;
    uint32_t value;
    int error = bitset ? key_of(current->mm, address, is_shared, &key) : -EINVAL;
    if (!error)
        error = GET_USER(value, address);
    if (error)
        return error;
    if (value != expected)
        return -EAGAIN;
    queue(&w, &key);
    int result = 0;
    while (!w.is_woken && !result)
        result = task_sleep(deadline);
    if (w.is_woken)
        return 0;
    unqueue(&w);
    if (result == -ETIMEDOUT)
        return result;
    if (deadline == NEVER)
        return -ERESTARTSYS;
    current->restart =
        (struct restart){.again = wait_again, .argument = {address, is_shared, expected, deadline, bitset}};
    return -ERESTART_RESTARTBLOCK;
}

static long wait_again(struct task *self)
{
    const uint64_t *a = self->restart.argument;
    return wait(a[0], a[1], (uint32_t)a[2], a[3], (uint32_t)a[4]);
}

/* Of the waiters at `from`, wakes `wakes` and lets up to `moves` others wait at `to`. How many of both. */
static long requeue(uint64_t from, uint64_t to, bool is_shared, int wakes, int moves, const uint32_t *expected)
{
    struct futex_waiter *w;
    struct key old, new;
    uint32_t value;
    if (wakes < 0 || moves < 0)
        return -EINVAL;
    int error = key_of(current->mm, from, is_shared, &old);
    if (!error)
        error = key_of(current->mm, to, is_shared, &new);
    if (!error && expected)
        error = GET_USER(value, from);
    if (error)
        return error;
    if (expected && value != *expected)
        return -EAGAIN;
    struct list *bucket = bucket_of(&old), moved;
    long done = 0;
    list_init(&moved); /* aside first: the new bucket may be the one we walk through */
    LIST_FOR_EACH(w, bucket, link)
    {
        if (!is_same(&w->key, &old))
            continue;
        if (done - wakes >= moves)
            break;
        if (++done <= wakes) {
            unqueue(w);
            w->is_woken = true;
            task_wake(w->task);
        } else {
            list_remove(&w->link);
            list_append(&moved, &w->link);
        }
    }
    while (!list_is_empty(&moved)) {
        w = LIST_FIRST(&moved, struct futex_waiter, link);
        unqueue(w);
        queue(w, &new);
    }
    return done;
}

static uint32_t new_value(uint32_t op, uint32_t old, uint32_t argument)
{
    switch (op) {
    case FUTEX_OP_SET: return argument;
    case FUTEX_OP_ADD: return old + argument;
    case FUTEX_OP_OR: return old | argument;
    case FUTEX_OP_ANDN: return old & ~argument;
    default: return old ^ argument;
    }
}

static int compare(uint32_t comparison, int32_t a, int32_t b)
{
    switch (comparison) {
    case FUTEX_OP_CMP_EQ: return a == b;
    case FUTEX_OP_CMP_NE: return a != b;
    case FUTEX_OP_CMP_LT: return a < b;
    case FUTEX_OP_CMP_LE: return a <= b;
    case FUTEX_OP_CMP_GT: return a > b;
    case FUTEX_OP_CMP_GE: return a >= b;
    default: return -ENOSYS;
    }
}

/* Does the operation that FUTEX_OP() encodes on the word; how the comparison of its old value came out, or -errno. */
static int operate(uint64_t address, uint32_t encoded)
{
    uint32_t op = encoded >> 28 & 7;
    int32_t argument = (int32_t)(encoded << 8) >> 20, operand = (int32_t)(encoded << 20) >> 20;
    if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
        argument = (int32_t)(1u << (argument & 31));
    if (op > FUTEX_OP_XOR)
        return -ENOSYS;
    uint32_t *word = word_at(current->mm, address);
    if (!word)
        return -EFAULT;
    uint32_t old = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(word, &old, new_value(op, old, (uint32_t)argument), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        continue;
    return compare(encoded >> 24 & 15, (int32_t)old, operand);
}

static long wake_op(uint64_t address, uint64_t address2, bool is_shared, int count, int count2, uint32_t encoded)
{
    struct key key, key2;
    int error = key_of(current->mm, address, is_shared, &key);
    if (!error)
        error = key_of(current->mm, address2, is_shared, &key2);
    int holds = error ? error : operate(address2, encoded);
    if (holds < 0)
        return holds;
    int woken = wake(&key, count, FUTEX_BITSET_MATCH_ANY);
    return holds ? woken + wake(&key2, count2, FUTEX_BITSET_MATCH_ANY) : woken;
}

/* FUTEX_WAIT counts from now, FUTEX_WAIT_BITSET names a time of either clock. */
static int futex_deadline(int op, uint64_t address, uint64_t *deadline)
{
    struct __kernel_timespec t;
    int command = op & FUTEX_CMD_MASK;
    *deadline = NEVER;
    if (!address || (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET))
        return 0;
    if (GET_USER(t, address))
        return -EFAULT;
    if (!timespec_is_valid(&t))
        return -EINVAL;
    uint64_t ns = timespec_ns(&t), ahead = op & FUTEX_CLOCK_REALTIME ? clock_realtime() - clock_now() : 0;
    if (command == FUTEX_WAIT)
        *deadline = add_ns(clock_now(), ns);
    else if (ns != NEVER)
        *deadline = ns > ahead ? ns - ahead : 0;
    return 0;
}

SYSCALL6(futex, uint64_t, address, int, op, uint32_t, value, uint64_t, timeout, uint64_t, address2, uint32_t, value3)
{
    bool is_shared = !(op & FUTEX_PRIVATE_FLAG);
    int command = op & FUTEX_CMD_MASK, count = (int)value, count2 = (int)timeout;
    uint64_t deadline;
    int error = futex_deadline(op, timeout, &deadline);
    if (error)
        return error;
    if (op & FUTEX_CLOCK_REALTIME && command != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (command) {
    case FUTEX_WAIT: return wait(address, is_shared, value, deadline, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET: return wait(address, is_shared, value, deadline, value3);
    case FUTEX_WAKE: return wake_at(current->mm, address, is_shared, count, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET: return wake_at(current->mm, address, is_shared, count, value3);
    case FUTEX_REQUEUE: return requeue(address, address2, is_shared, count, count2, NULL);
    case FUTEX_CMP_REQUEUE: return requeue(address, address2, is_shared, count, count2, &value3);
    case FUTEX_WAKE_OP: return wake_op(address, address2, is_shared, count, count2, value3);
    default: return -ENOSYS;
    }
}

/* --- robust futexes --- */

/* The owner of this lock dies: tells whoever takes it next. False: the list is not to be trusted further. */
static bool bury(struct task *t, uint64_t address, bool is_pi, bool is_pending)
{
    uint32_t *word = address % 4 ? NULL : word_at(t->mm, address);
    if (!word)
        return false;
    uint32_t old = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (is_pending && !is_pi && !old) { /* died between unlocking and waking */
        futex_wake_address(t->mm, address, 1);
        return true;
    }
    do {
        if ((old & FUTEX_TID_MASK) != (uint32_t)t->tid)
            return true;
    } while (!__atomic_compare_exchange_n(word, &old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    if (!is_pi && old & FUTEX_WAITERS)
        futex_wake_address(t->mm, address, 1);
    return true;
}

/* Bit 0 of a pointer of the list marks a lock with priority inheritance. */
void futex_exit_robust(struct task *t)
{
    struct {
        uint64_t first;
        int64_t offset;
        uint64_t pending;
    } head;
    if (!t->robust_list || !t->mm || GET_USER(head, t->robust_list))
        return;
    uint64_t pending = head.pending & ~1ull;
    uint64_t entry = head.first;
    for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1ull) != t->robust_list; i++) {
        uint64_t at = entry & ~1ull, next;
        int error = GET_USER(next, at); /* before another thread can take the lock and relink it */
        if (at != pending && !bury(t, at + (uint64_t)head.offset, entry & 1, false))
            return;
        if (error)
            return;
        entry = next;
    }
    if (pending)
        bury(t, pending + (uint64_t)head.offset, head.pending & 1, true);
}
