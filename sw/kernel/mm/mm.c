/* SPDX-License-Identifier: Apache-2.0 */
/* Address spaces, as far as they are one thing: their life. */
#include "mm/mm.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/vfs.h"
#include "uintr/uintr.h"

static struct list all_mms = {&all_mms, &all_mms};

struct mm *mm_create(void)
{
    struct mm *mm = kzalloc(sizeof *mm);
    uint64_t pml4 = mm ? page_alloc() : 0;
    if (!pml4) {
        kfree(mm);
        return NULL;
    }
    page_copy(pml4, virt_to_phys(kernel_pml4)); /* the kernel's half, which never changes */
    mm->refs = 1;
    mm->pml4 = pml4;
    list_init(&mm->areas);
    list_append(&all_mms, &mm->all);
    return mm;
}

struct mm *mm_fork(struct mm *from)
{
    struct mm *to = mm_create();
    if (!to)
        return NULL;
    to->brk_start = from->brk_start;
    to->brk_end = from->brk_end;
    struct area *a;
    bool is_complete = true;
    for (LIST_EACH(a, &from->areas, link)) {
        is_complete = is_complete && area_insert(to, a) && pt_copy(to, a->start, from, a) == 0;
    }
    tlb_flush(from->active, 0, USER_END); /* its pages are read-only now */
    if (is_complete)
        return to;
    mm_put(to);
    return NULL;
}

void mm_put(struct mm *mm)
{
    if (--mm->refs)
        return;
    KASSERT(!mm->active);
    uitt_put(mm->uitt); /* no thread of it runs any more: no sender to wait for */
    mm_unmap(mm, 0, USER_END);
    pt_free(mm);
    list_remove(&mm->all);
    kfree(mm);
}

void mm_activate(struct mm *mm)
{
    struct cpu *cpu = this_cpu();
    uint64_t bit = UINT64_C(1) << cpu->index;
    if (cpu->loaded_mm == mm)
        return;
    if (mm)
        mm->active |= bit;
    write_cr3(mm ? mm->pml4 : virt_to_phys(kernel_pml4));
    if (cpu->loaded_mm)
        cpu->loaded_mm->active &= ~bit;
    cpu->loaded_mm = mm;
}

void mm_truncated(struct inode *inode, uint64_t size)
{
    struct mm *mm;
    const struct area *a;
    uint64_t keep = ALIGN_UP(size, PAGE_BYTES);
    for (LIST_EACH(mm, &all_mms, all)) {
        for (LIST_EACH(a, &mm->areas, link)) {
            uint64_t kept = keep > a->offset ? keep - a->offset : 0;
            if (a->inode == inode && kept < a->end - a->start)
                pt_unmap(mm, a->start + kept, a->end);
        }
    }
}
