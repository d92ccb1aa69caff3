/* SPDX-License-Identifier: Apache-2.0 */
/* O_DIRECT: the disk writes into the reader's own pages, and no processor copies. The page cache is not filled; only
 * what was changed there and is not on the disk yet comes from it. Many requests are under way at once. Their pages
 * have a reference each, so that the reader may unmap them or die. */
#include "block/cache.h"
#include "mm/mm.h"
#include "string.h"

enum { PAGES = 32, REQUESTS = 12 /* of one reader under way at most */, PIECES = 64 /* looked at for one */ };

struct direct {
    struct block_request r;
    struct file_read *read;
    uint64_t at; /* in the file */
    uint32_t pages;
    uint64_t page[PAGES];
};

static void note_error(struct file_read *r, uint64_t at, int error)
{
    if (!r->error || at < r->end) {
        r->error = error;
        r->end = at;
    }
}

static void ended(struct block_request *b)
{
    struct direct *d = CONTAINER_OF(b, struct direct, r);
    struct file_read *r = d->read;
    if (b->error)
        note_error(r, d->at, b->error);
    r->under_way--;
    /* Unless it goes on anyway: it is in the midst of it, has been told already, or waits for a page. */
    if (!r->is_advancing && list_is_empty(&r->call.deferred.link) && list_is_empty(&r->call.link))
        block_defer(&r->call.deferred);
    for (uint32_t i = 0; i < d->pages; i++)
        page_put(d->page[i]);
    kfree(d);
}

/* Bytes that lie together on the disk, in one page of the file and one of the reader; sector: where, or SECTOR_NONE. */
static uint64_t together(const struct file_read *r, const uint64_t sector[PAGE_SECTORS])
{
    uint64_t within = r->at % PAGE_BYTES, most = ALIGN_UP(r->end, SECTOR_BYTES) - r->at, bytes = SECTOR_BYTES;
    const uint64_t *first = &sector[within / SECTOR_BYTES];
    most = MIN(most, PAGE_BYTES - within);
    most = MIN(most, PAGE_BYTES - r->address % PAGE_BYTES);
    for (uint64_t n = 1; bytes < most; n++, bytes += SECTOR_BYTES) {
        if (first[n] != (*first == SECTOR_NONE ? SECTOR_NONE : *first + n))
            break;
    }
    return bytes;
}

/* Appends to the request; false: it does not fit. */
static bool append(struct direct *d, uint64_t sector, uint64_t pa, uint32_t bytes)
{
    if (d->pages == PAGES || !block_append(&d->r, sector, pa, bytes))
        return false;
    d->page[d->pages++] = ALIGN_DOWN(pa, PAGE_BYTES);
    page_get(pa);
    return true;
}

/* What is in memory and not on the disk, or nowhere at all: no request. */
static bool is_at_hand(struct file_read *r, uint64_t sector, uint64_t pa, uint64_t bytes)
{
    const struct cpage *p = cache_changed(r->mapping, r->at / PAGE_BYTES);
    if (p)
        memcpy(phys_to_virt(pa), (char *)phys_to_virt(p->pa) + r->at % PAGE_BYTES, bytes);
    else if (sector == SECTOR_NONE)
        memset(phys_to_virt(pa), 0, bytes);
    return p || sector == SECTOR_NONE;
}

/* As much as one request holds; 0, or the error of the byte r->at. */
static int begin_request(struct file_read *r)
{
    struct mapping *m = r->mapping;
    struct direct *d = kmalloc(sizeof *d);
    uint64_t sector[PAGE_SECTORS], bytes;
    int error = d ? 0 : -ENOMEM;
    if (error)
        return error;
    *d = (struct direct){.r = {.kind = BLOCK_READ, .done = ended}, .read = r, .at = r->at};
    for (unsigned n = 0; n < PIECES && r->at < r->end; n++, r->at += bytes, r->address += bytes) {
        uint64_t page = mm_page_at(r->mm, r->address, true), pa = page + r->address % PAGE_BYTES;
        error = page ? m->ops->map(m, r->at / PAGE_BYTES, sector) : -EFAULT;
        if (error)
            break;
        bytes = together(r, sector);
        uint64_t from = sector[r->at % PAGE_BYTES / SECTOR_BYTES];
        if (!is_at_hand(r, from, pa, bytes) && !append(d, from, pa, (uint32_t)bytes))
            break;
    }
    if (!d->pages) {
        kfree(d);
        return error;
    }
    r->under_way++;
    block_submit(&d->r);
    return 0; /* an error comes again with the next request */
}

void direct_read_start(struct file_read *r)
{
    uint64_t size = r->mapping->size;
    r->address -= r->at - r->first;
    r->at = r->first;
    r->end = size > r->first && !r->error ? MIN(r->end, size) : r->first;
    r->drops = r->mapping->drops;
}

int64_t direct_read(struct file_read *r, int error)
{
    if (r->drops != r->mapping->drops) { /* blocks may have gone to other files while they were read */
        if (r->under_way)
            return FILE_READ_PENDING;
        direct_read_start(r);
        error = 0;
    }
    r->is_advancing = true;
    for (unsigned n = 0; n < REQUESTS && !error && !r->error && r->at < r->end && r->under_way < REQUESTS; n++)
        error = begin_request(r);
    r->is_advancing = false;
    if (error == -EAGAIN) {
        cache_call(&r->call);
        return FILE_READ_PENDING;
    }
    if (error)
        note_error(r, r->at, error);
    if (r->under_way)
        return FILE_READ_PENDING;
    if (r->at < r->end) { /* much was at hand: others come to their turn */
        block_defer_longer(&r->call.deferred);
        return FILE_READ_PENDING;
    }
    return r->end > r->first ? (int64_t)(r->end - r->first) : r->error;
}
