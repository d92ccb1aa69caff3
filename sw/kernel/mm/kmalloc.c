/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel memory: objects of up to 2048 bytes lie in slabs, pages cut into pieces of one power of two; larger ones are
 * runs of whole pages. A slab without objects goes back at once, so that nothing used means no page taken. */
#include "mm/page.h"
#include "string.h"

enum { CLASSES = 8, SMALLEST = 16, SLAB_LARGEST = SMALLEST << (CLASSES - 1) };

#define HEAD(c)                                                                                                        \
    {                                                                                                                  \
        &with_room[c], &with_room[c]                                                                                   \
    }
static struct list with_room[CLASSES] = {HEAD(0), HEAD(1), HEAD(2), HEAD(3), HEAD(4), HEAD(5), HEAD(6), HEAD(7)};
static size_t used;

static unsigned log2_up(uint64_t n) { return n <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(n - 1); }
static uint64_t address_of(const struct page *p) { return (uint64_t)(p - page_of(0)) * PAGE_BYTES; }

static void *allocate_pages(size_t bytes)
{
    uint32_t count = (uint32_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
    unsigned order = log2_up(count);
    uint64_t pa = order <= ORDER_MAX ? pages_alloc(order) : 0;
    if (!pa)
        return NULL;
    for (uint32_t i = count; i < 1u << order; i++)
        page_put(pa + i * PAGE_BYTES);
    page_of(pa)->count = count;
    used += count * PAGE_BYTES;
    return phys_to_virt(pa);
}

static struct page *new_slab(unsigned class)
{
    uint64_t pa = page_alloc();
    if (!pa)
        return NULL;
    struct page *p = page_of(pa);
    p->slab = (uint8_t)(class + 1);
    p->used = p->carved = p->first_free = 0;
    list_prepend(&with_room[class], &p->link);
    return p;
}

void *kmalloc(size_t bytes)
{
    if (bytes > PAGE_BYTES << ORDER_MAX)
        return NULL;
    if (bytes > SLAB_LARGEST)
        return allocate_pages(bytes);
    unsigned class = log2_up((bytes + SMALLEST - 1) / SMALLEST);
    size_t size = (size_t)SMALLEST << class;
    struct page *p =
        list_is_empty(&with_room[class]) ? new_slab(class) : LIST_FIRST(&with_room[class], struct page, link);
    if (!p)
        return NULL;
    unsigned number = p->first_free ? p->first_free - 1u : p->carved++;
    uint8_t *object = (uint8_t *)phys_to_virt(address_of(p)) + number * size;
    if (p->first_free)
        p->first_free = *(uint16_t *)object;
    if (++p->used == PAGE_BYTES / size)
        list_remove(&p->link);
    used += size;
    return object;
}

void kfree(void *object)
{
    if (!object)
        return;
    uint64_t pa = virt_to_phys(object), page = ALIGN_DOWN(pa, PAGE_BYTES);
    struct page *p = page_of(pa);
    if (!p->slab) {
        KASSERT(p->count && pa == page);
        used -= p->count * PAGE_BYTES;
        uint32_t count = p->count;
        p->count = 0;
        for (uint32_t i = 0; i < count; i++)
            page_put(page + i * PAGE_BYTES);
        return;
    }
    unsigned class = p->slab - 1u;
    size_t size = (size_t)SMALLEST << class;
    KASSERT(p->used && (pa - page) % size == 0);
    *(uint16_t *)object = p->first_free;
    p->first_free = (uint16_t)((pa - page) / size + 1);
    if (p->used-- == PAGE_BYTES / size)
        list_prepend(&with_room[class], &p->link);
    used -= size;
    if (p->used)
        return;
    list_remove(&p->link);
    p->slab = 0;
    page_put(page);
}

void *kzalloc(size_t bytes)
{
    void *p = kmalloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *krealloc(void *old, size_t old_bytes, size_t bytes)
{
    void *p = kmalloc(bytes);
    if (!p)
        return NULL;
    if (old)
        memcpy(p, old, MIN(old_bytes, bytes));
    kfree(old);
    return p;
}

char *kstrdup(const char *s)
{
    size_t bytes = strlen(s) + 1;
    char *copy = kmalloc(bytes);
    return copy ? memcpy(copy, s, bytes) : NULL;
}

size_t kmalloc_used(void) { return used; }
