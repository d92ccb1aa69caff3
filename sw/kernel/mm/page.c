/* SPDX-License-Identifier: Apache-2.0 */
/* Page frames: a list of the free ones, and the array of all, in which runs of free ones are looked for. */
#include "mm/page.h"
#include "block/cache.h"

enum { PAGE_SHIFT = 12, UPPER_MEMORY = 1 << 20 };

extern char image_end[];

static struct page *pages;
static uint64_t frames, total, free_count;
static struct list free_pages = {&free_pages, &free_pages};

struct page *page_of(uint64_t pa)
{
    KASSERT(pa >> PAGE_SHIFT < frames);
    return &pages[pa >> PAGE_SHIFT];
}

uint64_t page_refs(uint64_t pa) { return page_of(pa)->refs; }
uint64_t pages_total(void) { return total; }
uint64_t pages_free(void) { return free_count; }

static uint64_t take(struct page *p)
{
    list_remove(&p->link);
    p->refs = 1;
    free_count--;
    if (free_count < total / 16)
        cache_shrink(32);
    return (uint64_t)(p - pages) << PAGE_SHIFT;
}

uint64_t page_alloc(void) { return list_is_empty(&free_pages) ? 0 : take(LIST_FIRST(&free_pages, struct page, link)); }

uint64_t pages_alloc(uint64_t count)
{
    static uint64_t at; /* where the last search ended; below, all is free as a rule */
    uint64_t run = 0;
    for (uint64_t looked = 0; looked < 2 * frames; looked++) {
        at = (at ? at : frames) - 1; /* the first page is never free: no run goes on around the end */
        run = pages[at].refs ? 0 : run + 1;
        if (run < count)
            continue;
        for (uint64_t n = at; n < at + count; n++)
            take(&pages[n]);
        return at << PAGE_SHIFT;
    }
    return 0;
}

uint64_t page_alloc_zero(void)
{
    uint64_t pa = page_alloc(), words = PAGE_BYTES / 8;
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
    if (--p->refs)
        return;
    list_insert_before(free_pages.next, &p->link);
    free_count++;
}

void page_add(uint64_t start, uint64_t end)
{
    uint64_t first = ALIGN_UP(start, PAGE_BYTES) >> PAGE_SHIFT;
    for (uint64_t n = end >> PAGE_SHIFT; n-- > first; total++)
        page_put(n << PAGE_SHIFT);
}

/* Above the image lie the modules, then our array; what else the loader left lies in lower memory. */
void page_init(void)
{
    uint64_t array = virt_to_phys(image_end);
    const struct multiboot_module *module = phys_to_virt(boot_info.modules_address);
    for (uint32_t i = 0; i < boot_info.modules_count; i++)
        array = module[i].end > array ? module[i].end : array;
    array = ALIGN_UP(array, PAGE_BYTES);
    frames = (UPPER_MEMORY + boot_info.mem_upper * 1024ull) >> PAGE_SHIFT;
    pages = phys_to_virt(array);
    if (array + frames * sizeof *pages > frames << PAGE_SHIFT)
        panic("no memory is left behind the boot modules");
    for (uint64_t n = 0; n < frames; n++)
        pages[n] = (struct page){.refs = 1}; /* reserved */
    page_add(array + frames * sizeof *pages, frames << PAGE_SHIFT);
}
