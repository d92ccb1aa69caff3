/* SPDX-License-Identifier: Apache-2.0 */
/* Address spaces: their life, and what changes their areas and page tables together. */
#include "mm/mm.h"

#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/vfs.h"
#include "mm/pagetable.h"
#include "uintr/uintr.h"

extern uint64_t kernel_pml4[512]; /* its upper half is complete at boot and never changes */

static struct list all_mms = {&all_mms, &all_mms};

struct mm *mm_create(void)
{
    struct mm *mm = kzalloc(sizeof *mm);
    uint64_t pml4 = page_alloc_zero();
    if (!mm || !pml4) {
        kfree(mm);
        if (pml4)
            page_put(pml4);
        return NULL;
    }
    uint64_t *top = phys_to_virt(pml4);
    for (int i = 256; i < 512; i++)
        top[i] = kernel_pml4[i];
    mm->refs = 1;
    mm->pml4 = pml4;
    list_init(&mm->areas);
    list_append(&all_mms, &mm->all);
    mm->mmap_top = ALIGN_DOWN(USER_END, STACK_MAX) - 2 * STACK_MAX;
    return mm;
}

static int copy_areas(struct mm *to, struct mm *from)
{
    struct area *a;
    LIST_FOR_EACH(a, &from->areas, link)
    {
        if (a->flags & AREA_NO_FORK)
            continue;
        struct area *copy = area_create(a->start, a->end, a->flags & ~(uint32_t)AREA_LOCKED, a->inode, a->offset);
        if (!copy)
            return -ENOMEM;
        copy->name = a->name;
        area_link(to, copy);
        /* Shared pages can be had from the file again. */
        if (!(a->flags & (AREA_SHARED | AREA_WIPE_FORK)) && pt_copy(to, from, a) != 0)
            return -ENOMEM;
    }
    return 0;
}

struct mm *mm_fork(struct mm *from)
{
    struct mm *to = mm_create();
    if (!to)
        return NULL;
    to->brk_start = from->brk_start;
    to->brk_end = from->brk_end;
    to->mmap_top = from->mmap_top;
    to->stack_top = from->stack_top;
    to->arguments_start = from->arguments_start;
    to->arguments_end = from->arguments_end;
    to->membarrier = from->membarrier;
    mm_set_program(to, from->program);
    int result = copy_areas(to, from);
    tlb_flush_range(from, 0, TABLES_END); /* its pages are read-only now */
    if (!result)
        return to;
    mm_put(to);
    return NULL;
}

void mm_set_program(struct mm *mm, struct inode *program)
{
    if (program)
        inode_get(program);
    if (mm->program)
        inode_put(mm->program);
    mm->program = program;
}

void mm_get(struct mm *mm) { mm->refs++; }

void mm_put(struct mm *mm)
{
    if (--mm->refs)
        return;
    if (this_cpu()->loaded_mm == mm)
        mm_activate(NULL);
    KASSERT(!mm->active);
    if (mm->uintr)
        uintr_mm_free(mm);
    pt_unmap(mm, 0, TABLES_END, 0, TABLES_END);
    struct area *a;
    LIST_FOR_EACH(a, &mm->areas, link) { area_free(mm, a); }
    mm_set_program(mm, NULL);
    list_remove(&mm->all);
    page_put(mm->pml4);
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

static struct inode *shared_memory(uint64_t bytes)
{
    struct inode *inode = tmpfs_create(S_IFREG | 0600);
    if (inode && inode->ops->truncate(inode, bytes) != 0) {
        inode_put(inode);
        return NULL;
    }
    return inode;
}

int64_t mm_map(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t area_flags, uint32_t map_flags,
               struct inode *inode, uint64_t offset)
{
    if (!bytes)
        return -EINVAL;
    bytes = ALIGN_UP(bytes, PAGE_BYTES);
    int64_t place = bytes ? area_place(mm, address, bytes, map_flags) : -ENOMEM;
    if (place < 0)
        return place;
    uint64_t start = (uint64_t)place, end = start + bytes;
    struct inode *own = area_flags & AREA_SHARED && !inode ? shared_memory(bytes) : NULL;
    if (area_flags & AREA_SHARED && !inode && !own)
        return -ENOMEM;
    struct area *a = area_create(start, end, area_flags, own ? own : inode, own ? 0 : offset);
    if (own)
        inode_put(own);
    if (!a)
        return -ENOMEM;
    int result = mm_unmap(mm, start, bytes);
    if (result) {
        area_discard(a);
        return result;
    }
    area_link(mm, a);
    area_merge(mm, start, end);
    return place;
}

int mm_unmap(struct mm *mm, uint64_t address, uint64_t bytes)
{
    if (address % PAGE_BYTES || address > USER_END || bytes > USER_END - address || !bytes)
        return -EINVAL;
    uint64_t end = address + ALIGN_UP(bytes, PAGE_BYTES);
    struct area *a = area_after(mm, address), *before, *next;
    if (!a || a->start >= end)
        return 0;
    int result = area_isolate(mm, address, end);
    if (result)
        return result;
    a = area_after(mm, address);
    before = area_previous(mm, a);
    for (next = a; next && next->start < end;)
        next = area_next(mm, next);
    pt_unmap(mm, address, end, before ? before->end : 0, next ? next->start : TABLES_END);
    while (a != next) {
        struct area *after = area_next(mm, a);
        area_free(mm, a);
        a = after;
    }
    return 0;
}

uint64_t mm_brk(struct mm *mm, uint64_t end)
{
    uint64_t old_top = ALIGN_UP(mm->brk_end, PAGE_BYTES);
    if (end < mm->brk_start || end > USER_END)
        return mm->brk_end;
    uint64_t top = ALIGN_UP(end, PAGE_BYTES);
    if (top < old_top && mm_unmap(mm, top, old_top - top) != 0)
        return mm->brk_end;
    if (top > old_top) {
        if (!area_has_room(mm, old_top, top - old_top + PAGE_BYTES))
            return mm->brk_end;
        struct area *a = area_create(old_top, top, AREA_READ | AREA_WRITE, NULL, 0);
        if (!a)
            return mm->brk_end;
        a->name = "[heap]";
        area_link(mm, a);
        area_merge(mm, old_top, top);
    }
    return mm->brk_end = end;
}

void mm_truncated(struct inode *inode, uint64_t size)
{
    struct mm *mm;
    uint64_t keep = ALIGN_UP(size, PAGE_BYTES);
    LIST_FOR_EACH(mm, &all_mms, all)
    {
        for (struct area *a = area_after(mm, 0); a; a = area_next(mm, a)) {
            uint64_t kept = keep > a->offset ? keep - a->offset : 0;
            if (a->inode == inode && kept < a->end - a->start)
                pt_unmap(mm, a->start + kept, a->end, 0, 0);
        }
    }
}

void mm_dump_areas(struct mm *mm, void (*line)(void *ctx, const struct area *a), void *ctx)
{
    struct area *a;
    LIST_FOR_EACH(a, &mm->areas, link) { line(ctx, a); }
}
