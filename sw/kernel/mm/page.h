/* SPDX-License-Identifier: Apache-2.0 */
/* Physical pages and kernel memory. All RAM is mapped at DIRECT_MAP; every page has a reference count. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "arch/multiboot.h"
#include "arch/page.h"
#include "lib/base.h"
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

enum { ORDER_MAX = 10 }; /* the largest block: 4 MiB */

struct page { /* one per page frame, from physical address 0 on */
    uint32_t refs;
    uint8_t state;                     /* PAGE_HOLE, PAGE_USED, or PAGE_FREE + order: first page of a free block */
    uint8_t slab;                      /* mm/kmalloc.c: size class + 1; 0: none */
    uint16_t used, carved, first_free; /* of a slab: objects in use, ever handed out, chain of free ones (number + 1) */
    uint32_t count;                    /* pages of a kmalloc block, in its first one */
    struct list link;                  /* of free blocks, or of slabs with room */
};
enum { PAGE_HOLE, PAGE_USED, PAGE_FREE };

struct page *page_of(uint64_t pa); /* pa lies in RAM */

extern const struct multiboot_info *boot_multiboot;
void page_init(void); /* from the Multiboot memory map; image, boot information and modules stay */
void page_add(uint64_t start, uint64_t end); /* RAM that is free from now on; whole pages within are taken */
/* Physical address of a page of one reference; 0: no memory (after the page cache of nothing could be dropped). */
uint64_t page_alloc(void);            /* contents undefined */
uint64_t page_alloc_zero(void);       /* zeroed             */
uint64_t pages_alloc(unsigned order); /* 2^order contiguous pages, each of one reference; freed page by page */
void page_get(uint64_t pa);
void page_put(uint64_t pa); /* frees at the last reference */
uint32_t page_refs(uint64_t pa);
bool page_is_ram(uint64_t pa); /* a page that page_alloc could have answered */
uint64_t pages_total(void), pages_free(void);
void page_copy(uint64_t to, uint64_t from);

/* Kernel memory; NULL: none. Alignment 16, from 4096 bytes on that of a page. Up to 4 MiB. */
void *kmalloc(size_t bytes);
void *kzalloc(size_t bytes);
void *krealloc(void *p, size_t old_bytes, size_t bytes);
void kfree(void *p); /* NULL is harmless */
char *kstrdup(const char *s);
size_t kmalloc_used(void); /* bytes, for the check that nothing is lost */

#endif
