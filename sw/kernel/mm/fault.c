/* SPDX-License-Identifier: Apache-2.0 */
/* Page faults: pages come when they are touched, private ones are copied when they are written. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/vfs.h"
#include "mm/pagetable.h"
#include <linux/resource.h>

/* The last of the memory is for those who have little, or one that takes all would end everybody. */
static bool is_too_much(const struct mm *mm)
{
    return pages_free() < pages_total() / 32 && mm->resident > pages_total() / 4;
}

/* A page for an entry that has none, one reference: 0 or -ENOMEM, -EFAULT beyond the end of the file. */
static int new_page(struct mm *mm, const struct area *a, uint64_t va, uint64_t *page)
{
    if (is_too_much(mm))
        return -ENOMEM;
    uint64_t offset = area_offset(a, va);
    if (a->inode && offset >= a->inode->size)
        return -EFAULT;
    *page = a->inode ? a->inode->ops->page(a->inode, offset / PAGE_BYTES, true) : page_alloc_zero();
    return *page ? 0 : -ENOMEM;
}

/* Maps the page at va so that the access goes through, which the area permits. */
static int fill(struct mm *mm, const struct area *a, uint64_t va, bool is_write)
{
    va = ALIGN_DOWN(va, PAGE_BYTES);
    uint64_t *e = pt_entry(mm, va, true);
    if (!e)
        return -ENOMEM;
    uint64_t page = *e & PTE_ADDRESS_MASK;
    bool is_new = !page;
    int result = is_new ? new_page(mm, a, va, &page) : 0;
    if (result)
        return result;
    if (is_write && !(a->flags & AREA_SHARED) && page_refs(page) > 1) {
        uint64_t copy = page_alloc();
        if (!copy) {
            if (is_new)
                page_put(page);
            return -ENOMEM;
        }
        page_copy(copy, page);
        *e = pt_bits(a, copy);
        if (!is_new) /* other cores may read the old page until here; it may go after that */
            tlb_flush_range(mm, va, va + PAGE_BYTES);
        page_put(page);
    } else {
        *e = pt_bits(a, page);
        if (!is_new && mm == this_cpu()->loaded_mm) /* other cores fault once more, which is harmless */
            invlpg((const void *)va);
    }
    mm->resident += is_new;
    return 0;
}

static uint64_t stack_limit(void)
{
    const struct process *p = current->process;
    return p ? MIN(p->rlimit[RLIMIT_STACK][0], STACK_MAX) : STACK_MAX;
}

/* The area that holds address, perhaps after it has grown down to it. */
static struct area *find_or_grow(struct mm *mm, uint64_t address)
{
    struct area *a = area_after(mm, address);
    if (!a || a->start <= address)
        return a;
    uint64_t start = ALIGN_DOWN(address, PAGE_BYTES);
    if (!(a->flags & AREA_GROWS_DOWN) || a->end - start > stack_limit() || start < STACK_GUARD)
        return NULL;
    const struct area *below = area_previous(mm, a);
    bool is_near = below && start - below->end < STACK_GUARD;
    if (is_near && below->flags & AREA_PROTECTION && !(below->flags & AREA_GROWS_DOWN))
        return NULL;
    a->start = start;
    return a;
}

static bool is_permitted(const struct area *a, uint64_t error)
{
    if (error & PF_ERROR_W)
        return a->flags & AREA_WRITE;
    if (error & PF_ERROR_I)
        return a->flags & AREA_EXEC && error & PF_ERROR_U;
    return a->flags & AREA_PROTECTION; /* without a way to say "not readable" in a page table, all of them are */
}

int mm_fault(struct mm *mm, uint64_t address, uint64_t error, int *code)
{
    *code = SEGV_MAPERR;
    struct area *a = address < USER_END ? find_or_grow(mm, address) : NULL;
    if (!a)
        return SIGSEGV;
    *code = SEGV_ACCERR;
    if (!is_permitted(a, error))
        return SIGSEGV;
    *code = BUS_ADRERR;
    return fill(mm, a, address, error & PF_ERROR_W) ? SIGBUS : 0;
}

uint64_t mm_page_at(struct mm *mm, uint64_t address, bool is_write)
{
    struct area *a = address < USER_END ? find_or_grow(mm, address) : NULL;
    if (!a || !is_permitted(a, is_write ? PF_ERROR_W : 0))
        return 0;
    uint64_t *e = pt_entry(mm, address, false);
    if (!e || !(*e & PTE_P) || (is_write && !(*e & PTE_W))) {
        if (fill(mm, a, address, is_write))
            return 0;
        e = pt_entry(mm, address, false);
    }
    return *e & PTE_ADDRESS_MASK;
}

int mm_populate(struct mm *mm, uint64_t start, uint64_t end, bool is_write)
{
    for (uint64_t va = start; va < end; va += PAGE_BYTES) {
        struct area *a = mm_find(mm, va);
        if (!a)
            return -ENOMEM;
        if (!is_permitted(a, is_write ? PF_ERROR_W : 0))
            return -EINVAL;
        int result = fill(mm, a, va, is_write);
        if (result)
            return result;
    }
    return 0;
}
