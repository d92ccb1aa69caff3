/* SPDX-License-Identifier: Apache-2.0 */
/* Physical pages and kernel memory. All RAM is mapped at DIRECT_MAP; every page has a reference count. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "arch/multiboot.h"
#include "arch/page.h"
#include "lib/list.h"

#define DIRECT_MAP 0xffff800000000000ull
#define KERNEL_BASE 0xffffffff80000000ull /* the image: physical address + KERNEL_BASE */
#define USER_END 0x00007ffffffff000ull    /* first address that no user mapping has */

static inline void *phys_to_virt(uint64_t pa) { return (void *)(pa + DIRECT_MAP); }
static inline uint64_t virt_to_phys(const void *va) /* of the direct map or the image */
{
    uint64_t a = (uint64_t)va;
    return a >= KERNEL_BASE ? a - KERNEL_BASE : a - DIRECT_MAP;
}

struct page {         /* one per page frame, from physical address 0 on */
    uint64_t refs;    /* 0: free */
    uint64_t bytes;   /* kmalloc.c: size of the objects in it, or of the one that begins here */
    struct list link; /* of free pages */
};
struct page *page_of(uint64_t pa); /* pa lies in RAM */

extern struct multiboot_info boot_info;
void page_init(void);                        /* what the loader calls upper memory; image and modules stay */
void page_add(uint64_t start, uint64_t end); /* reserved RAM that is free from now on; whole pages within are taken */
/* Physical address of a page of one reference; 0: no memory. */
uint64_t page_alloc(void);            /* contents undefined */
uint64_t page_alloc_zero(void);       /* zeroed             */
uint64_t pages_alloc(uint64_t count); /* contiguous ones, each of one reference; freed page by page */
void page_get(uint64_t pa);
void page_put(uint64_t pa); /* frees at the last reference */
uint64_t page_refs(uint64_t pa);
uint64_t pages_total(void), pages_free(void);
void page_copy(uint64_t to, uint64_t from);

/* Kernel memory; NULL: none. Aligned to its size, rounded up to a power of two; at most to a page. */
void *kmalloc(size_t bytes);
void *kzalloc(size_t bytes);
void kfree(void *p); /* NULL is harmless */
char *kstrdup(const char *s);
uint64_t kmalloc_waiting(void); /* bytes of freed objects: their pages stay with their size */

#endif
