/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel memory: objects of up to 2048 bytes lie in slabs, pages cut into pieces of one power of two; larger ones are
 * runs of whole pages. A slab without objects goes back unless it is the last one that has room. */
#include "mm/page.h"
#include "string.h"

enum { CLASSES = 8, SMALLEST = 16, LARGEST = SMALLEST << (CLASSES - 1) };

static struct list with_room[CLASSES]; /* slabs by the size of their objects */

static struct list *slabs_of(size_t bytes)
{
    unsigned class = 0;
    while (SMALLEST << class < (int)bytes)
        class ++;
    if (!with_room[class].next)
        list_init(&with_room[class]);
    return &with_room[class];
}

static bool add_slab(struct list *slabs)
{
    size_t size = (size_t)SMALLEST << (slabs - with_room);
    uint64_t pa = page_alloc();
    if (!pa)
        return false;
    struct page *p = page_of(pa);
    p->size = (uint16_t)size;
    p->used = 0;
    p->first_free = NULL;
    for (size_t at = 0; at < PAGE_BYTES; at += size) {
        void **object = phys_to_virt(pa + at);
        *object = p->first_free;
        p->first_free = object;
    }
    list_prepend(slabs, &p->link);
    return true;
}

static void *allocate_pages(size_t bytes)
{
    uint64_t count = (bytes + PAGE_BYTES - 1) / PAGE_BYTES, pa = pages_alloc(count);
    if (!pa)
        return NULL;
    page_of(pa)->count = count;
    return phys_to_virt(pa);
}

void *kmalloc(size_t bytes)
{
    if (bytes > LARGEST)
        return allocate_pages(bytes);
    struct list *slabs = slabs_of(bytes);
    if (list_is_empty(slabs) && !add_slab(slabs))
        return NULL;
    struct page *p = LIST_FIRST(slabs, struct page, link);
    void **object = p->first_free;
    p->first_free = *object;
    if (++p->used == PAGE_BYTES / p->size)
        list_remove(&p->link);
    return object;
}

void kfree(void *object)
{
    if (!object)
        return;
    uint64_t pa = virt_to_phys(object);
    struct page *p = page_of(pa);
    if (!p->size) {
        uint64_t count = p->count;
        KASSERT(count && pa % PAGE_BYTES == 0);
        p->count = 0;
        while (count--)
            page_put(pa + count * PAGE_BYTES);
        return;
    }
    KASSERT(p->used && pa % p->size == 0);
    if (p->used == PAGE_BYTES / p->size)
        list_prepend(slabs_of(p->size), &p->link);
    *(void **)object = p->first_free;
    p->first_free = object;
    if (--p->used || p->link.next == p->link.prev)
        return;
    list_remove(&p->link);
    p->size = 0;
    page_put(pa);
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
