/* SPDX-License-Identifier: Apache-2.0 */
/* Page frames: a buddy allocator. A free block of 2^order pages is aligned to its size; when its neighbour of the same
 * size becomes free too, the two are one. */
#include "mm/page.h"

enum { RAM_ENTRY = 1, PAGE_SHIFT = 12 };
#define RAM_END (64ull << 30) /* of the direct map */

struct range {
    uint64_t start, end;
};

extern char image_end[];

static struct page *pages;
static struct range pages_range; /* where the array itself lies; empty until then */
static uint64_t frames, total, free_count;
static struct list free_blocks[ORDER_MAX + 1];

struct page *page_of(uint64_t pa)
{
    KASSERT(pa >> PAGE_SHIFT < frames);
    return &pages[pa >> PAGE_SHIFT];
}

bool page_is_ram(uint64_t pa) { return pa >> PAGE_SHIFT < frames && pages[pa >> PAGE_SHIFT].state != PAGE_HOLE; }
uint32_t page_refs(uint64_t pa) { return page_of(pa)->refs; }
uint64_t pages_total(void) { return total; }
uint64_t pages_free(void) { return free_count; }

static bool is_free_block(uint64_t n, unsigned order)
{
    return n + (UINT64_C(1) << order) <= frames && pages[n].state == PAGE_FREE + order;
}

static void release(uint64_t n, unsigned order)
{
    free_count += UINT64_C(1) << order;
    pages[n].state = PAGE_USED;
    for (; order < ORDER_MAX; order++) {
        uint64_t buddy = n ^ UINT64_C(1) << order;
        if (!is_free_block(buddy, order))
            break;
        list_remove(&pages[buddy].link);
        pages[buddy].state = PAGE_USED;
        n = MIN(n, buddy);
    }
    pages[n].state = (uint8_t)(PAGE_FREE + order);
    list_prepend(&free_blocks[order], &pages[n].link);
}

uint64_t pages_alloc(unsigned order)
{
    unsigned have = order;
    while (have <= ORDER_MAX && list_is_empty(&free_blocks[have]))
        have++;
    if (have > ORDER_MAX)
        return 0;
    struct page *block = LIST_FIRST(&free_blocks[have], struct page, link);
    uint64_t n = (uint64_t)(block - pages);
    list_remove(&block->link);
    block->state = PAGE_USED;
    while (have > order) { /* the upper half goes back */
        struct page *half = &block[UINT64_C(1) << --have];
        half->state = (uint8_t)(PAGE_FREE + have);
        list_prepend(&free_blocks[have], &half->link);
    }
    free_count -= UINT64_C(1) << order;
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
        block[i].refs = 1;
    return n << PAGE_SHIFT;
}

uint64_t page_alloc(void) { return pages_alloc(0); }

uint64_t page_alloc_zero(void)
{
    uint64_t pa = pages_alloc(0), words = PAGE_BYTES / 8;
    void *to = phys_to_virt(pa);
    if (pa)
        __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
    return pa;
}

void page_copy(uint64_t to, uint64_t from)
{
    void *d = phys_to_virt(to), *s = phys_to_virt(from);
    uint64_t words = PAGE_BYTES / 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words)::"memory");
}

void page_get(uint64_t pa)
{
    struct page *p = page_of(pa);
    KASSERT(p->refs);
    p->refs++;
}

void page_put(uint64_t pa)
{
    struct page *p = page_of(pa);
    KASSERT(p->refs);
    if (--p->refs == 0)
        release(pa >> PAGE_SHIFT, 0);
}

/* --- start --- */

static struct range bytes_at(uint64_t pa, uint64_t bytes) { return (struct range){pa, pa + bytes}; }

static uint64_t string_bytes(uint64_t pa)
{
    const char *s = phys_to_virt(pa);
    uint64_t n = 0;
    while (s[n])
        n++;
    return n + 1;
}

/* Number i of what must not be handed out; false beyond the last. */
static bool reserved(unsigned i, struct range *r)
{
    const struct multiboot_info *info = boot_multiboot;
    uint32_t modules = info->flags & MULTIBOOT_INFO_MODULES ? info->modules_count : 0;
    const struct multiboot_module *module = phys_to_virt(info->modules_address);
    bool has_line = info->flags & MULTIBOOT_INFO_COMMAND_LINE;
    switch (i) {
    case 0: *r = (struct range){0, virt_to_phys(image_end)}; return true; /* and what firmware and trampoline use */
    case 1: *r = pages_range; return true;
    case 2: *r = bytes_at(virt_to_phys(info), 128); return true;
    case 3: *r = bytes_at(info->memory_map_address, info->memory_map_length); return true;
    case 4: *r = bytes_at(info->modules_address, modules * sizeof *module); return true;
    case 5: *r = bytes_at(info->command_line, has_line ? string_bytes(info->command_line) : 0); return true;
    }
    i -= 6;
    if (i >= 2 * modules)
        return false;
    module += i / 2;
    *r = i % 2 ? bytes_at(module->string, module->string ? string_bytes(module->string) : 0)
               : (struct range){module->start, module->end};
    return true;
}

/* Calls fn for all RAM that is not reserved. */
static void for_each_gap(void (*fn)(uint64_t start, uint64_t end))
{
    uint64_t map = (uint64_t)phys_to_virt(boot_multiboot->memory_map_address);
    uint64_t map_end = map + boot_multiboot->memory_map_length;
    for (const struct multiboot_memory *m; map + sizeof *m <= map_end; map += m->size + sizeof m->size) {
        m = (const struct multiboot_memory *)map;
        uint64_t at = m->address, end = MIN(m->address + m->length, RAM_END);
        while (m->type == RAM_ENTRY && at < end) {
            struct range first = {end, end}, r; /* the first reserved one from `at` on */
            for (unsigned i = 0; reserved(i, &r); i++)
                if (r.start < r.end && r.end > at && r.start < first.start)
                    first = r;
            if (first.start > at)
                fn(at, first.start);
            at = first.end;
        }
    }
}

static void find_end(uint64_t start, uint64_t end)
{
    (void)start;
    frames = end >> PAGE_SHIFT > frames ? end >> PAGE_SHIFT : frames;
}

static void place_array(uint64_t start, uint64_t end)
{
    start = ALIGN_UP(start, PAGE_BYTES);
    uint64_t bytes = frames * sizeof *pages;
    if (pages || end < start || end - start < bytes)
        return;
    pages = phys_to_virt(start);
    pages_range = bytes_at(start, bytes);
}

void page_add(uint64_t start, uint64_t end)
{
    uint64_t n = (start + PAGE_BYTES - 1) >> PAGE_SHIFT, last = MIN(end >> PAGE_SHIFT, frames);
    while (n < last) {
        unsigned order = n ? MIN((unsigned)__builtin_ctzll(n), (unsigned)ORDER_MAX) : 0;
        while (n + (UINT64_C(1) << order) > last)
            order--;
        for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
            KASSERT(pages[n + i].state == PAGE_HOLE);
            pages[n + i].state = PAGE_USED;
        }
        release(n, order);
        total += UINT64_C(1) << order;
        n += UINT64_C(1) << order;
    }
}

void page_init(void)
{
    for (unsigned i = 0; i <= ORDER_MAX; i++)
        list_init(&free_blocks[i]);
    for_each_gap(find_end);
    for_each_gap(place_array);
    if (!pages)
        panic("the memory map has no room for %llu pages of bookkeeping", frames * sizeof *pages / PAGE_BYTES);
    uint64_t words = (pages_range.end - pages_range.start) / 8;
    void *to = pages;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
    for_each_gap(page_add);
}
