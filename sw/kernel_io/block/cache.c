/* SPDX-License-Identifier: Apache-2.0 */
/* See cache.h. Here: which pages there are, reading them, giving them up. Writing is in transfer.c. */
#include "block/cache.h"
#include "mm/page.h"
#include "sched/task.h"
#include "string.h"

enum { BUCKETS = 8192, CHUNK = 32 /* pages that lie together, so that one segment of a request holds them */ };

static struct cpage **bucket;
static struct list lru = {&lru, &lru}; /* used last at the end */
static uint64_t pages, dirty_pages;
static struct cpage *wanted; /* what the last -EAGAIN waits for, pinned */

bool cache_is_full_of_changes(void) { return dirty_pages > pages_total() / 8; }

void cache_init(void)
{
    bucket = kzalloc(BUCKETS * sizeof(struct cpage *));
    if (!bucket)
        panic("no memory for the page cache");
}

void mapping_init(struct mapping *m, const struct mapping_ops *ops, uint64_t size)
{
    *m = (struct mapping){.ops = ops, .size = size};
    list_init(&m->pages);
    list_init(&m->dirty);
    list_init(&m->sleepers);
}

static struct cpage **bucket_of(const struct mapping *m, uint64_t index)
{
    return &bucket[(((uint64_t)m >> 4) * 31 + index) % BUCKETS];
}

static struct cpage *find(struct mapping *m, uint64_t index)
{
    struct cpage *p = *bucket_of(m, index);
    while (p && (p->mapping != m || p->index != index))
        p = p->next;
    if (p) {
        list_remove(&p->in_lru);
        list_append(&lru, &p->in_lru);
    }
    return p;
}

static int want(struct cpage *p)
{
    struct cpage *before = wanted;
    wanted = p;
    cache_pin(p);
    if (before)
        cache_unpin(before);
    return -EAGAIN;
}

void cache_set_clean(struct cpage *p)
{
    if (!p->dirty)
        return;
    p->dirty = 0;
    list_remove(&p->in_dirty);
    dirty_pages--;
}

static void free_if_unused(struct cpage *p)
{
    if (p->mapping || p->pins || p->pending)
        return;
    page_put(p->pa);
    kfree(p);
}

/* Out of its file; whoever has it pinned keeps the memory. */
static void detach(struct cpage *p)
{
    struct mapping *m = p->mapping;
    struct cpage **at = bucket_of(m, p->index);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    cache_set_clean(p);
    m->shared -= p->is_shared;
    m->count--;
    pages--;
    list_remove(&p->in_mapping);
    list_remove(&p->in_lru);
    p->mapping = NULL;
    free_if_unused(p);
}

static struct cpage *insert(struct mapping *m, uint64_t index, uint64_t pa)
{
    struct cpage *p = kmalloc(sizeof *p);
    if (!p)
        return NULL;
    *p = (struct cpage){.mapping = m, .index = index, .pa = pa};
    list_init(&p->in_dirty);
    list_init(&p->calls);
    struct cpage **at = bucket_of(m, index);
    p->next = *at;
    *at = p;
    list_append(&m->pages, &p->in_mapping);
    list_append(&lru, &p->in_lru);
    m->count++;
    pages++;
    return p;
}

void cache_pin(struct cpage *p) { p->pins++; }

void cache_unpin(struct cpage *p)
{
    p->pins--;
    free_if_unused(p);
}

static uint8_t sectors_of(size_t from, size_t bytes)
{
    size_t first = from / SECTOR_BYTES, end = (from + bytes + SECTOR_BYTES - 1) / SECTOR_BYTES;
    return (uint8_t)((1u << end) - (1u << first));
}

void cache_dirty(struct cpage *p, size_t from, size_t bytes)
{
    if (!p->mapping || !bytes)
        return;
    if (!p->dirty) {
        list_append(&p->mapping->dirty, &p->in_dirty);
        dirty_pages++;
    }
    p->dirty |= sectors_of(from, bytes);
}

void cache_share(struct cpage *p)
{
    p->mapping->shared += !p->is_shared;
    p->is_shared = true;
}

int cache_forget(struct mapping *m, uint64_t at, size_t bytes)
{
    struct cpage *p = find(m, at / PAGE_BYTES);
    if (!p)
        return 0;
    if (p->is_writing)
        return want(p);
    uint8_t left = p->dirty & (uint8_t)~sectors_of(at % PAGE_BYTES, bytes);
    if (!left)
        cache_set_clean(p);
    p->dirty = left;
    return 0;
}

struct cpage *cache_changed(struct mapping *m, uint64_t index)
{
    struct cpage *p = find(m, index);
    return p && p->is_valid && (p->dirty || p->is_writing || p->is_shared) ? p : NULL;
}

int cache_drop(struct mapping *m, uint64_t index)
{
    struct cpage *p;
    m->drops++;
    for (LIST_EACH(p, &m->pages, in_mapping)) {
        if (p->index < index)
            continue;
        if (p->is_writing)
            return want(p);
        detach(p);
    }
    return 0;
}

/* --- reading --- */

/* Memory for pages that are read one after another. */
struct chunk {
    uint64_t pa, left;
    bool is_hopeless;
};

static uint64_t take_page(struct chunk *c, uint64_t wanted_pages)
{
    if (!c->left && wanted_pages > 1 && !c->is_hopeless) { /* while much is free the search is short */
        c->left = MIN(wanted_pages, (uint64_t)CHUNK);
        c->pa = pages_free() > pages_total() / 4 ? pages_alloc(c->left) : 0;
        c->is_hopeless = !c->pa;
        c->left = c->pa ? c->left : 0;
    }
    if (!c->left)
        return page_alloc();
    c->left--;
    c->pa += PAGE_BYTES;
    return c->pa - PAGE_BYTES;
}

/* One page that is not there; 0 or the error. Without a sector on the disk it is valid at once. */
static int begin_reading(struct cache_batch *b, struct chunk *c, struct mapping *m, uint64_t index, uint64_t count)
{
    uint64_t sector[PAGE_SECTORS];
    uint8_t which = 0;
    int error = m->ops->map(m, index, sector);
    if (error)
        return error;
    uint64_t pa = take_page(c, count);
    struct cpage *p = pa ? insert(m, index, pa) : NULL;
    if (!p) {
        if (pa)
            page_put(pa);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < PAGE_SECTORS; i++) {
        if (sector[i] == SECTOR_NONE)
            memset((char *)phys_to_virt(pa) + i * SECTOR_BYTES, 0, SECTOR_BYTES);
        else
            which |= (uint8_t)(1u << i);
    }
    if (which)
        cache_batch_add(b, p, sector, which);
    else
        cache_finish(p);
    return 0;
}

/* As cache_ahead(); *error: why it stopped early. */
static uint64_t read_pages(struct mapping *m, uint64_t index, uint64_t count, int *error)
{
    struct cache_batch b = {.kind = BLOCK_READ};
    struct chunk c = {0};
    uint64_t n = 0;
    for (; n < count && !*error; n += !*error) {
        if (!find(m, index + n))
            *error = begin_reading(&b, &c, m, index + n, count - n);
    }
    cache_batch_end(&b);
    for (; c.left; c.left--, c.pa += PAGE_BYTES)
        page_put(c.pa);
    return n;
}

uint64_t cache_ahead(struct mapping *m, uint64_t index, uint64_t count)
{
    int error = 0;
    return read_pages(m, index, count, &error);
}

int cache_get(struct mapping *m, uint64_t index, struct cpage **out)
{
    struct cpage *p = find(m, index);
    if (!p) {
        int error = 0;
        read_pages(m, index, 1, &error);
        if (error)
            return error;
        p = find(m, index);
        if (!p)
            return -EIO; /* it has failed already */
    }
    *out = p;
    return p->is_valid ? 0 : want(p);
}

/* Nothing of p is pending any more. A page that could not be read is dropped, so that the next reader tries again. */
void cache_finish(struct cpage *p)
{
    struct mapping *m = p->mapping;
    if (p->is_writing) {
        p->is_writing = false;
        if (m && p->error)
            m->error = p->error;
        if (m && --m->writing == 0) {
            while (!list_is_empty(&m->sleepers))
                block_wake(LIST_POP(&m->sleepers, struct block_sleeper, link));
        }
    } else if (!p->error) {
        uint64_t at = p->index * PAGE_BYTES, end = m && m->size > at ? m->size - at : 0;
        if (end < PAGE_BYTES)
            memset((char *)phys_to_virt(p->pa) + end, 0, PAGE_BYTES - end);
        p->is_valid = true;
    }
    int error = p->is_valid ? 0 : p->error;
    p->error = 0;
    while (!list_is_empty(&p->calls)) {
        struct cache_call *c = LIST_POP(&p->calls, struct cache_call, link);
        c->error = error;
        if (c->sleeper)
            block_wake(c->sleeper);
        else
            block_defer(&c->deferred);
    }
    if (!p->is_valid && m)
        detach(p);
    else
        free_if_unused(p);
}

static void run_call(struct block_deferred *d)
{
    struct cache_call *c = CONTAINER_OF(d, struct cache_call, deferred);
    int error = c->error;
    c->error = 0; /* what is deferred again without the cache has none */
    c->fn(c, error);
}

void cache_call_init(struct cache_call *c)
{
    c->deferred.run = run_call;
    c->error = 0;
    list_init(&c->link);
    list_init(&c->deferred.link);
}

void cache_call(struct cache_call *c)
{
    struct cpage *p = wanted;
    wanted = NULL;
    if (p->pending) {
        list_append(&p->calls, &c->link);
    } else {
        KASSERT(!c->sleeper); /* cache_wait() looks first */
        block_defer(&c->deferred);
    }
    cache_unpin(p);
}

int cache_wait(bool may_sleep)
{
    struct block_sleeper s = {.is_awake = false};
    struct cache_call c = {.sleeper = &s};
    if (wanted->pending && !(may_sleep && current->nowait)) {
        cache_call(&c);
        block_sleep(&s, may_sleep);
        return c.error;
    }
    int error = wanted->pending ? -EAGAIN : wanted->is_valid ? 0 : -EIO;
    cache_unpin(wanted);
    wanted = NULL;
    return error;
}

/* --- giving up --- */

static bool is_used(const struct cpage *p) { return p->pins || p->pending || page_refs(p->pa) > 1; }

bool cache_shrink(uint64_t count)
{
    uint64_t dropped = 0;
    for (uint64_t tries = MIN(pages, 4 * count); tries && dropped < count; tries--) {
        struct cpage *p = LIST_FIRST(&lru, struct cpage, in_lru);
        if (p->is_shared && !is_used(p)) { /* unmapped since it was written to, perhaps */
            p->is_shared = false;
            p->mapping->shared--;
            cache_dirty(p, 0, PAGE_BYTES);
        }
        if (is_used(p) || p->dirty) {
            list_remove(&p->in_lru);
            list_append(&lru, &p->in_lru);
        } else {
            detach(p);
            dropped++;
        }
    }
    return dropped;
}
