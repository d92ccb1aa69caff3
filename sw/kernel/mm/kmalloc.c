/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel memory: objects of up to 2048 bytes are pieces of one power of two of pages that stay with that size; larger
 * ones are runs of whole pages. */
#include "mm/page.h"
#include "string.h"

enum { CLASSES = 8, SMALLEST = 16, LARGEST = SMALLEST << (CLASSES - 1) };

static void *free_objects[CLASSES]; /* chains through the objects themselves */

static unsigned class_of(size_t bytes)
{
    unsigned class = 0;
    while ((size_t)SMALLEST << class < bytes)
        class ++;
    return class;
}

static void free_object(void *object, unsigned class)
{
    *(void **)object = free_objects[class];
    free_objects[class] = object;
}

static void add_page(unsigned class)
{
    uint64_t pa = page_alloc(), size = (uint64_t)SMALLEST << class;
    if (!pa)
        return;
    page_of(pa)->bytes = size;
    for (uint64_t at = 0; at < PAGE_BYTES; at += size)
        free_object(phys_to_virt(pa + at), class);
}

void *kmalloc(size_t bytes)
{
    if (bytes > LARGEST) {
        uint64_t pa = pages_alloc((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
        if (pa)
            page_of(pa)->bytes = bytes;
        return pa ? phys_to_virt(pa) : NULL;
    }
    unsigned class = class_of(bytes);
    if (!free_objects[class])
        add_page(class);
    void **object = free_objects[class];
    if (object)
        free_objects[class] = *object;
    return object;
}

void kfree(void *object)
{
    if (!object)
        return;
    uint64_t pa = virt_to_phys(object), bytes = page_of(pa)->bytes;
    KASSERT(bytes && (bytes > LARGEST ? pa % PAGE_BYTES : pa % bytes) == 0);
    if (bytes <= LARGEST) {
        free_object(object, class_of(bytes));
        return;
    }
    page_of(pa)->bytes = 0;
    for (uint64_t at = 0; at < bytes; at += PAGE_BYTES)
        page_put(pa + at);
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
