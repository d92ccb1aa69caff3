/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel memory: objects of up to 2048 bytes are pieces of one power of two of pages that stay with that size; larger
 * ones are runs of whole pages. */
#include "mm/page.h"
#include "string.h"

enum { CLASSES = 8, SMALLEST = 16, LARGEST = SMALLEST << (CLASSES - 1) };

static void *free_objects[CLASSES]; /* chains through the objects themselves */
static uint64_t waiting_bytes;      /* of those */

uint64_t kmalloc_waiting(void) { return waiting_bytes; }

/* Where objects of so many bytes, which it rounds up, wait. */
static void **chain_of(size_t *bytes)
{
    void **chain = free_objects;
    size_t size = SMALLEST;
    for (; size < *bytes; size *= 2)
        chain++;
    *bytes = size;
    return chain;
}

static void push(void **chain, void *object)
{
    *(void **)object = *chain;
    *chain = object;
}

void *kmalloc(size_t bytes)
{
    void **chain = bytes > LARGEST ? NULL : chain_of(&bytes);
    if (!chain || !*chain) {
        uint64_t pa = chain ? page_alloc() : pages_alloc((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
        if (!pa)
            return NULL;
        page_of(pa)->bytes = bytes;
        if (!chain)
            return phys_to_virt(pa);
        for (uint64_t at = 0; at < PAGE_BYTES; at += bytes)
            push(chain, phys_to_virt(pa + at));
        waiting_bytes += PAGE_BYTES;
    }
    void **object = *chain;
    *chain = *object;
    waiting_bytes -= bytes;
    return object;
}

void kfree(void *object)
{
    if (!object)
        return;
    uint64_t pa = virt_to_phys(object), bytes = page_of(pa)->bytes;
    KASSERT(bytes && (bytes > LARGEST ? pa % PAGE_BYTES : pa % bytes) == 0);
    if (bytes <= LARGEST) {
        push(chain_of(&bytes), object);
        waiting_bytes += bytes;
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

char *kstrdup(const char *s)
{
    size_t bytes = strlen(s) + 1;
    char *copy = kmalloc(bytes);
    return copy ? memcpy(copy, s, bytes) : NULL;
}
