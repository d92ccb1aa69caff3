/* SPDX-License-Identifier: Apache-2.0 */
/* Between cached pages and the disk: parts of pages become requests, what is dirty is written. */
#include "block/cache.h"
#include "mm/page.h"
#include "string.h"

enum { PARTS = 32 };

struct cache_io {
    struct block_request r;
    uint32_t parts;
    struct {
        struct cpage *page;
        uint8_t first, count; /* sectors in it */
    } part[PARTS];
};

static void io_done(struct block_request *r);

static struct cache_io *create(enum block_kind kind)
{
    struct cache_io *io = kmalloc(sizeof *io);
    if (io) {
        io->parts = io->r.segments = io->r.bytes = 0;
        io->r.kind = kind;
        io->r.done = io_done;
    }
    return io;
}

/* Appends sectors of the page to the request in the making; false: they do not fit. */
static bool append(struct cache_io *io, struct cpage *p, uint64_t sector, unsigned first, unsigned count)
{
    if (io->parts == PARTS || !block_append(&io->r, sector, p->pa + first * SECTOR_BYTES, count * SECTOR_BYTES))
        return false;
    io->part[io->parts].first = (uint8_t)first;
    io->part[io->parts].count = (uint8_t)count;
    io->part[io->parts++].page = p;
    return true;
}

static void io_done(struct block_request *r)
{
    struct cache_io *io = CONTAINER_OF(r, struct cache_io, r);
    uint64_t sector = r->sector;
    for (uint32_t i = 0; i < io->parts; sector += io->part[i++].count) {
        struct cpage *p = io->part[i].page;
        struct cache_io *alone = r->error && io->parts > 1 ? create(r->kind) : NULL;
        if (alone) { /* the others need not suffer from one bad sector */
            append(alone, p, sector, io->part[i].first, io->part[i].count);
            block_submit(&alone->r);
            continue;
        }
        if (r->error)
            p->error = r->error;
        if (--p->pending == 0)
            cache_finish(p);
    }
    kfree(io);
}

void cache_batch_end(struct cache_batch *b)
{
    struct cache_io *io = b->io;
    b->io = NULL;
    if (io)
        block_submit(&io->r);
}

static int add_part(struct cache_batch *b, struct cpage *p, uint64_t sector, unsigned first, unsigned count)
{
    if (!b->io || !append(b->io, p, sector, first, count)) {
        cache_batch_end(b);
        b->io = create(b->kind);
        if (!b->io)
            return -ENOMEM;
        append(b->io, p, sector, first, count);
    }
    p->pending++;
    return 0;
}

void cache_batch_add(struct cache_batch *b, struct cpage *p, const uint64_t sector[PAGE_SECTORS], uint8_t which)
{
    p->pending++; /* ours, until all parts are under way */
    for (unsigned first = 0, n; first < PAGE_SECTORS; first += n) {
        n = 1;
        if (!(which >> first & 1))
            continue;
        while (first + n < PAGE_SECTORS && which >> (first + n) & 1 && sector[first + n] == sector[first] + n)
            n++;
        int error = add_part(b, p, sector[first], first, n);
        if (error)
            p->error = error;
        if (error && b->kind == BLOCK_WRITE) /* there will be memory another time */
            cache_dirty(p, first * SECTOR_BYTES, n * SECTOR_BYTES);
    }
    if (--p->pending == 0)
        cache_finish(p);
}

/* Begins to write what is dirty now and is not being written already. -EAGAIN: some of it has yet to be begun. */
static int begin_writing(struct mapping *m)
{
    struct cache_batch b = {.kind = BLOCK_WRITE};
    struct cpage *p;
    int error = 0;
    for (uint64_t left = m->count; left && !list_is_empty(&m->dirty); left--) {
        uint64_t sector[PAGE_SECTORS];
        p = LIST_FIRST(&m->dirty, struct cpage, in_dirty);
        if (p->is_writing) { /* later */
            list_remove(&p->in_dirty);
            list_append(&m->dirty, &p->in_dirty);
            continue;
        }
        error = m->ops->map(m, p->index, sector);
        if (error == -EAGAIN)
            break;
        uint8_t which = p->dirty;
        for (unsigned i = 0; i < PAGE_SECTORS; i++)
            which &= (uint8_t) ~(sector[i] == SECTOR_NONE ? 1u << i : 0);
        if (error) { /* it cannot be written ever */
            m->error = error;
            which = 0;
        }
        uint64_t at = p->index * PAGE_BYTES, end = m->size > at ? m->size - at : 0;
        if (end < PAGE_BYTES) /* what a shared mapping wrote there */
            memset((char *)phys_to_virt(p->pa) + end, 0, PAGE_BYTES - end);
        cache_set_clean(p);
        if (which) {
            p->is_writing = true;
            m->writing++;
            cache_batch_add(&b, p, sector, which);
        }
    }
    cache_batch_end(&b);
    return error == -EAGAIN ? error : 0;
}

/* Pages that shared mappings can write to are dirty, and stay so while there are such mappings. */
static void gather_shared(struct mapping *m)
{
    struct cpage *p;
    if (!m->shared)
        return;
    for (LIST_EACH(p, &m->pages, in_mapping)) {
        if (!p->is_shared)
            continue;
        cache_dirty(p, 0, PAGE_BYTES);
        if (page_refs(p->pa) == 1) {
            p->is_shared = false;
            m->shared--;
        }
    }
}

static void wait_until_written(struct mapping *m, bool may_sleep)
{
    while (m->writing) {
        struct block_sleeper s = {.is_awake = false};
        list_append(&m->sleepers, &s.link);
        block_sleep(&s, may_sleep);
    }
}

int cache_sync(struct mapping *m, bool may_sleep)
{
    gather_shared(m);
    wait_until_written(m, may_sleep); /* what was changed while it was written is written now */
    int error = begin_writing(m);
    while (error == -EAGAIN) {
        error = cache_wait(may_sleep);
        if (!error)
            error = begin_writing(m);
    }
    wait_until_written(m, may_sleep);
    if (!error)
        error = m->error;
    m->error = 0;
    return error;
}

int cache_flush(struct mapping *m, bool may_sleep)
{
    int error = cache_sync(m, may_sleep), flushed = block_flush(may_sleep);
    return error ? error : flushed;
}
