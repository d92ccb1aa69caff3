/* SPDX-License-Identifier: Apache-2.0 */
/* Page faults: pages come when they are touched, private ones are copied when they are written. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "ext2/ext2.h"
#include "mm/internal.h"

/* A page for an entry that has none, one reference: 0 or -ENOMEM, -EFAULT beyond the end of the file. */
static int new_page(const struct area *a, uint64_t va, uint64_t *page)
{
    uint64_t offset = area_offset(a, va);
    if (a->inode && offset >= a->inode->size)
        return -EFAULT;
    if (a->inode && ext2_owns(a->inode))
        return ext2_map_page(a, offset / PAGE_BYTES, page);
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
    int result = is_new ? new_page(a, va, &page) : 0;
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
            tlb_flush(mm->active, va, va + PAGE_BYTES);
        page_put(page);
    } else {
        *e = pt_bits(a, page);
        if (!is_new && mm == this_cpu()->loaded_mm) /* other cores fault once more, which is harmless */
            invlpg((const void *)va);
    }
    mm->resident += is_new;
    return 0;
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
    const struct area *a = mm_find(mm, address);
    *code = a ? SEGV_ACCERR : SEGV_MAPERR;
    if (!a || !is_permitted(a, error))
        return SIGSEGV;
    *code = BUS_ADRERR;
    int result = fill(mm, a, address, error & PF_ERROR_W);
    return result == -ENOMEM ? SIGKILL : result ? SIGBUS : 0;
}

uint64_t mm_page_at(struct mm *mm, uint64_t address, bool is_write)
{
    const struct area *a = mm_find(mm, address);
    if (!a || !is_permitted(a, is_write ? PF_ERROR_W : 0))
        return 0;
    const uint64_t *e = pt_entry(mm, address, false);
    if (!e || !(*e & PTE_P) || (is_write && !(*e & PTE_W))) {
        if (fill(mm, a, address, is_write))
            return 0;
        e = pt_entry(mm, address, false);
    }
    return *e & PTE_ADDRESS_MASK;
}
