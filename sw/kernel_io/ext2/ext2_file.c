/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: the contents of regular files. Readers and writers sleep while the disk works. */
#include "ext2/ext2.h"

#include "mm/mm.h"
#include "sched/task.h"
#include "sched/time.h"
#include "string.h"

enum { FAULT_AHEAD = 16 /* pages */ };

static void set_size(struct ext2_node *n, uint64_t size)
{
    n->raw.size = (uint32_t)size;
    n->raw.size_high = (uint32_t)(size >> 32);
    n->inode->mtime = n->inode->ctime = clock_realtime();
    ext2_changed(n);
}

static int64_t ext2_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct inode *i = f->inode;
    if (i->atime <= i->mtime && !(f->flags & O_NOATIME)) /* as mounted with relatime */
        i->atime = clock_realtime();
    return mapping_read(&ext2_node_of(i)->data, f, u, position);
}

/* --- writing --- */

/* Blocks for the bytes [from, to) of a page that is in memory. What is new is written whole. */
static int fill_holes(struct ext2_node *n, struct cpage *p, size_t from, size_t to)
{
    size_t bytes = n->fs->block_bytes;
    for (size_t at = ALIGN_DOWN(from, bytes); at < to; at += bytes) {
        uint64_t index = (p->index * PAGE_BYTES + at) >> n->fs->block_shift;
        uint32_t block;
        int error = ext2_map(n, index, &block);
        if (!error && !block) {
            error = ext2_map_new(n, index, false, &block);
            if (!error)
                cache_dirty(p, at, bytes);
        }
        if (error)
            return error;
    }
    return 0;
}

/* Before the file gets larger: shared mappings of its last page can write to all of that then, so it needs blocks. */
static int fill_last(struct ext2_node *n, uint64_t size)
{
    uint64_t old = n->inode->size, start = ALIGN_DOWN(old, PAGE_BYTES);
    struct cpage *p;
    if (size <= old || old == start || !n->data.shared)
        return 0;
    int error = cache_get(&n->data, old / PAGE_BYTES, &p);
    if (error || !p->is_shared)
        return error;
    cache_pin(p);
    error = fill_holes(n, p, old - start, MIN(PAGE_BYTES, size - start));
    cache_unpin(p);
    return error;
}

static int write_once(struct ext2_node *n, uint64_t at, size_t bytes, struct uio *u)
{
    struct cpage *p;
    size_t within = at % PAGE_BYTES, left = u->left;
    int error = cache_get(&n->data, at / PAGE_BYTES, &p);
    if (error)
        return error;
    cache_pin(p);
    error = fill_last(n, at + bytes);
    error = error ?: fill_holes(n, p, within, within + bytes);
    if (!error) {
        error = uio_from(u, (char *)phys_to_virt(p->pa) + within, bytes);
        size_t moved = left - u->left;
        cache_dirty(p, within, moved);
        if (at + moved > n->inode->size)
            set_size(n, at + moved);
    }
    cache_unpin(p);
    return error;
}

static void lock(struct ext2_node *n)
{
    while (n->is_locked) {
        struct block_sleeper s = {.is_awake = false};
        list_append(&n->writers, &s.link);
        block_sleep(&s, true);
    }
    n->is_locked = true;
}

static void unlock(struct ext2_node *n)
{
    n->is_locked = false;
    if (!list_is_empty(&n->writers))
        block_wake(LIST_POP(&n->writers, struct block_sleeper, link));
}

/* Blocks beyond the end, which a writer took that did not get so far. */
static void trim(struct ext2_node *n)
{
    uint64_t first = (n->inode->size + n->fs->block_bytes - 1) >> n->fs->block_shift;
    CACHE_TRY(false, ext2_free_from(n, first));
    ext2_changed(n);
}

static int64_t ext2_write(struct file *f, struct uio *u, uint64_t *position)
{
    struct inode *i = f->inode;
    struct ext2_node *n = ext2_node_of(i);
    size_t wanted = u->left;
    int error = 0;
    if (n->fs->is_read_only)
        return -EROFS;
    if (!wanted)
        return 0;
    if (current->nowait)
        return -EAGAIN;
    lock(n);
    uint64_t at = f->flags & O_APPEND ? i->size : *position;
    uint64_t limit = ext2_size_max(n->fs), unit = PAGE_BYTES;
    while (u->left && !error) {
        if (at >= limit) {
            error = -EFBIG;
            break;
        }
        size_t left = u->left, bytes = MIN(unit - at % unit, left);
        bytes = MIN(bytes, limit - at);
        error = CACHE_TRY(true, write_once(n, at, bytes, u));
        at += left - u->left;
        if (error == -ENOSPC && unit != n->fs->block_bytes) { /* a part of the page, perhaps */
            unit = n->fs->block_bytes;
            error = 0;
        }
        if (!error && cache_is_full_of_changes())
            error = cache_sync(&n->data, true);
    }
    if (error)
        trim(n);
    *position = at;
    i->mtime = i->ctime = clock_realtime();
    ext2_changed(n);
    unlock(n);
    if (!error && f->flags & O_DSYNC)
        error = ext2_sync(i);
    else if (!error && f->flags & O_DIRECT)
        error = cache_sync(&n->data, true);
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

/* --- size --- */

static int cut_once(struct ext2_node *n, uint64_t size)
{
    size_t within = size % PAGE_BYTES, block_end = ALIGN_UP(within, (size_t)n->fs->block_bytes);
    struct cpage *p = NULL;
    int error = within ? cache_get(&n->data, size / PAGE_BYTES, &p) : 0;
    if (!error && within)
        error = cache_forget(&n->data, size, PAGE_BYTES - within);
    if (!error)
        error = cache_drop(&n->data, pages_of(size));
    if (error)
        return error;
    if (p) { /* what is cut off must not come back when the file grows again */
        memset((char *)phys_to_virt(p->pa) + within, 0, PAGE_BYTES - within);
        cache_dirty(p, within, block_end - within);
    }
    set_size(n, size);
    mm_truncated(n->inode, size);
    return 0;
}

int ext2_truncate(struct inode *i, uint64_t size)
{
    struct ext2_node *n = ext2_node_of(i);
    if (n->fs->is_read_only)
        return -EROFS;
    if (size > ext2_size_max(n->fs))
        return -EFBIG;
    bool is_growth = size >= i->size;
    int error = is_growth ? CACHE_TRY(false, fill_last(n, size)) : CACHE_TRY(false, cut_once(n, size));
    if (!error && is_growth)
        set_size(n, size);
    else if (!error || is_growth)
        trim(n);
    return error;
}

/* --- mapping into memory --- */

/* A page that a fault wants, and those after it. */
static int get_page(struct ext2_node *n, uint64_t index, struct cpage **p)
{
    uint64_t end = pages_of(n->data.size);
    int error = cache_get(&n->data, index, p);
    if (error == -EAGAIN && index + 1 < end) {
        cache_ahead(&n->data, index + 1, MIN(end - index - 1, (uint64_t)FAULT_AHEAD));
        error = cache_get(&n->data, index, p);
    }
    return error;
}

uint64_t ext2_page(struct inode *i, uint64_t index, bool create)
{
    struct cpage *p;
    (void)create;
    if (!S_ISREG(i->mode) || index >= pages_of(i->size))
        return 0;
    int error = CACHE_TRY(false, get_page(ext2_node_of(i), index, &p));
    if (error)
        return 0;
    page_get(p->pa);
    return p->pa;
}

void ext2_fault_ahead(struct mm *mm, uint64_t address)
{
    bool is_short = pages_free() < pages_total() / 32; /* the cache has given up what it can */
    if (is_short && cache_is_full_of_changes())
        storage_sync();
    const struct area *a = mm && address < USER_END ? mm_find(mm, address) : NULL;
    struct inode *i = a ? a->inode : NULL;
    struct cpage *p;
    if (!i || !ext2_owns(i))
        return;
    if (is_short && a->flags & AREA_SHARED)
        pt_unmap(mm, a->start, a->end); /* or else none of its pages ever goes */
    uint64_t index = (a->offset + (address - a->start)) / PAGE_BYTES;
    inode_get(i); /* while we sleep others may unmap it */
    (void)CACHE_TRY(true, index < pages_of(i->size) ? get_page(ext2_node_of(i), index, &p) : 0);
    inode_put(i);
}

static int share_page(struct ext2_node *n, uint64_t index, struct cpage **p)
{
    int error = n->fs->is_read_only ? -EROFS : get_page(n, index, p);
    if (error)
        return error;
    cache_pin(*p);
    error = fill_holes(n, *p, 0, MIN(PAGE_BYTES, n->inode->size - index * PAGE_BYTES));
    if (!error) {
        cache_share(*p);
        n->inode->mtime = n->inode->ctime = clock_realtime();
        ext2_changed(n);
    }
    cache_unpin(*p);
    return error;
}

int ext2_prepare_page(const struct area *a, uint64_t index)
{
    struct ext2_node *n = ext2_node_of(a->inode);
    struct cpage *p;
    bool may_write = (a->flags & (AREA_SHARED | AREA_NEVER_WRITE)) == AREA_SHARED;
    return CACHE_TRY(false, may_write ? share_page(n, index, &p) : get_page(n, index, &p));
}

int ext2_sync(struct inode *i)
{
    struct ext2_node *n = ext2_node_of(i);
    if (n->fs->is_read_only)
        return 0;
    int error = ext2_sync_node(n, true), flushed = cache_flush(n->fs->disk, true);
    return error ? error : flushed;
}

static int ext2_open_file(struct file *f)
{
    return file_can_write(f) && ext2_node_of(f->inode)->fs->is_read_only ? -EROFS : 0;
}

const struct file_ops ext2_file_ops = {.read = ext2_read, .write = ext2_write, .open = ext2_open_file};
