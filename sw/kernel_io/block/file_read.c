/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files: by a task that sleeps while the disk works, or without one. From the page cache both ask for many
 * pages at once before they need the first; past it see direct.c. */
#include "arch/syscall.h"
#include "block/cache.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"
#include <linux/fadvise.h>

enum { AHEAD_FIRST = 4, AHEAD_MOST = 64, STRETCH = 64, STRETCHES = 4 /* pages */ };

/* Whoever goes on where the last reader stopped gets more than it asks for, twice as much each time. */
static uint64_t plan_ahead(struct mapping *m, uint64_t first, uint64_t end)
{
    bool is_next = first == m->ahead_next || first + 1 == m->ahead_next;
    m->ahead = !is_next ? 0 : m->ahead ? MIN(2 * m->ahead, (uint64_t)AHEAD_MOST) : AHEAD_FIRST;
    if (!is_next)
        m->ahead_done = first;
    m->ahead_next = end;
    return MIN(end + m->ahead, pages_of(m->size));
}

/* Asks for pages from next on, for a reader who is at index; the new next. */
static uint64_t ask(struct mapping *m, uint64_t index, uint64_t next, uint64_t last)
{
    uint64_t end = MIN(last, index + READ_WINDOW);
    return next < end ? next + cache_ahead(m, next, end - next) : next;
}

static bool is_direct(const struct file *f, uint64_t address, uint64_t at, uint64_t bytes)
{
    return f->flags & O_DIRECT && !((address | at | bytes) % SECTOR_BYTES);
}

struct sleeping_read {
    struct file_read read;
    struct block_sleeper sleeper;
    int64_t result;
};

static void wake_reader(struct file_read *r, int64_t result)
{
    struct sleeping_read *s = CONTAINER_OF(r, struct sleeping_read, read);
    s->result = result;
    block_wake(&s->sleeper);
}

/* Into one piece of memory, which is all that is wanted. */
static int64_t read_directly(struct file *f, struct uio *u, uint64_t *position)
{
    struct sleeping_read s = {.sleeper = {.is_awake = false}};
    if (current->nowait)
        return -EAGAIN;
    int64_t result = file_read_begin(&s.read, f, current->mm, u->address, u->left, *position, wake_reader);
    if (result == FILE_READ_PENDING) {
        block_sleep(&s.sleeper, true);
        result = s.result;
    }
    size_t moved = result > 0 ? (size_t)result : 0;
    *u = (struct uio){.address = u->address + moved, .length = u->length - moved, .left = u->left - moved};
    *position += moved;
    return result;
}

int64_t mapping_read(struct mapping *m, struct file *f, struct uio *u, uint64_t *position)
{
    uint64_t at = *position, end = MIN(at + u->left, m->size);
    size_t wanted = u->left;
    int error = 0;
    if (at >= end)
        return 0;
    if (!u->is_kernel && u->length == wanted && is_direct(f, u->address, at, wanted))
        return read_directly(f, u, position);
    uint64_t need = pages_of(end), last = plan_ahead(m, at / PAGE_BYTES, need), next = m->ahead_done;
    while (u->left && at < m->size && !error) {
        uint64_t index = at / PAGE_BYTES, within = at % PAGE_BYTES, left = u->left;
        struct cpage *p;
        next = next < index ? index : next;
        if (next < need ? next - index < READ_WINDOW / 2 : next - need < m->ahead / 2)
            next = ask(m, index, next, last);
        error = CACHE_TRY(true, index < pages_of(m->size) ? cache_get(m, index, &p) : -ENODATA);
        if (error || at >= m->size)
            break;
        cache_pin(p);
        error = uio_to(u, (char *)phys_to_virt(p->pa) + within, MIN(m->size - at, PAGE_BYTES - within));
        cache_unpin(p);
        at += left - u->left;
    }
    m->ahead_done = next;
    *position = at;
    return wanted != u->left ? (int64_t)(wanted - u->left) : error == -ENODATA ? 0 : error;
}

/* --- without a task: in stretches, between which others come to their turn --- */

static void copy(void *to, const void *from, size_t bytes)
{
    size_t words = bytes / 8, rest = bytes % 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    memcpy(to, from, rest);
}

/* Up to `bytes` that lie in one page of the cache, to pages of the address space: 0 or -EFAULT. */
static int put(struct file_read *r, const char *from, uint64_t bytes)
{
    while (bytes) {
        uint64_t within = r->address % PAGE_BYTES, n = MIN(bytes, PAGE_BYTES - within);
        uint64_t page = r->mm ? mm_page_at(r->mm, r->address, true) : 0;
        if (r->mm && !page)
            return -EFAULT;
        if (r->mm)
            copy((char *)phys_to_virt(page) + within, from, n);
        from += n;
        bytes -= n;
        r->address += n;
        r->at += n;
    }
    return 0;
}

static int64_t advance(struct file_read *r)
{
    int error = 0;
    for (unsigned pages = 0; r->at < r->end && r->at < r->mapping->size && !error; pages++) {
        struct mapping *m = r->mapping;
        uint64_t index = r->at / PAGE_BYTES, within = r->at % PAGE_BYTES;
        struct cpage *p;
        r->next = r->next < index ? index : r->next;
        if (pages == STRETCH) {
            block_defer_longer(&r->call.deferred);
            return FILE_READ_PENDING;
        }
        if (r->next - index <= (STRETCHES - 1) * STRETCH) {
            uint64_t last = pages_of(r->end);
            r->next = ask(m, index, r->next, MIN(last, r->next + STRETCH));
        }
        error = cache_get(m, index, &p);
        if (error == -EAGAIN) {
            cache_call(&r->call);
            return FILE_READ_PENDING;
        }
        if (error)
            break;
        uint64_t end = MIN(r->end, m->size), bytes = MIN(end - r->at, PAGE_BYTES - within);
        cache_pin(p);
        error = put(r, (char *)phys_to_virt(p->pa) + within, bytes);
        cache_unpin(p);
    }
    return r->at > r->first ? (int64_t)(r->at - r->first) : error;
}

static void go_on(struct cache_call *c, int error)
{
    struct file_read *r = CONTAINER_OF(c, struct file_read, call);
    int64_t result = r->is_direct       ? direct_read(r, error)
                     : !error           ? advance(r)
                     : r->at > r->first ? (int64_t)(r->at - r->first)
                                        : error;
    if (result != FILE_READ_PENDING)
        r->done(r, result);
}

int64_t file_read_begin(struct file_read *r, struct file *f, struct mm *mm, uint64_t address, uint64_t bytes,
                        uint64_t offset, void (*done)(struct file_read *r, int64_t result))
{
    struct mapping *m = file_mapping(f);
    if (!m)
        return -EOPNOTSUPP;
    uint64_t left = m->size > offset ? m->size - offset : 0;
    *r = (struct file_read){.call = {.fn = go_on},
                            .mapping = m,
                            .mm = mm,
                            .address = address,
                            .at = offset,
                            .first = offset,
                            .end = offset + MIN(bytes, left),
                            .is_direct = mm && is_direct(f, address, offset, bytes),
                            .done = done};
    cache_call_init(&r->call);
    if (!r->is_direct)
        return advance(r);
    direct_read_start(r);
    return direct_read(r, 0);
}

bool file_read_cancel(struct file_read *r)
{
    if (r->under_way) {
        r->end = MIN(r->end, r->at);
        return false;
    }
    list_remove(&r->call.link);
    list_remove(&r->call.deferred.link);
    return true;
}

/* --- advice --- */

struct advice {
    struct file_read read;
    struct file *file;
};

static void advice_done(struct file_read *r, int64_t result)
{
    struct advice *a = CONTAINER_OF(r, struct advice, read);
    (void)result; /* whoever reads is told */
    file_put(a->file);
    kfree(a);
}

SYSCALL4(fadvise64, int, fd, int64_t, offset, int64_t, bytes, int, advice)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (bytes < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        return -EINVAL;
    struct advice *a = offset >= 0 && advice == POSIX_FADV_WILLNEED ? kzalloc(sizeof *a) : NULL;
    if (!a)
        return 0;
    a->file = file_get(f);
    int64_t result =
        file_read_begin(&a->read, f, NULL, 0, bytes ? (uint64_t)bytes : UINT64_MAX, (uint64_t)offset, advice_done);
    if (result != FILE_READ_PENDING)
        advice_done(&a->read, result);
    return 0;
}
