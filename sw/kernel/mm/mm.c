/* SPDX-License-Identifier: Apache-2.0 */
/* Address spaces: their life, and what changes their areas and page tables together. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/vfs.h"
#include "mm/internal.h"
#include "uintr/uintr.h"

extern uint64_t kernel_pml4[512]; /* its upper half is complete at boot and never changes */

static struct list all_mms = {&all_mms, &all_mms};

struct mm *mm_create(void)
{
    struct mm *mm = kzalloc(sizeof *mm);
    uint64_t pml4 = mm ? page_alloc_zero() : 0;
    if (!pml4) {
        kfree(mm);
        return NULL;
    }
    uint64_t *top = phys_to_virt(pml4);
    for (int i = 256; i < 512; i++)
        top[i] = kernel_pml4[i];
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
    LIST_FOR_EACH(a, &from->areas, link)
    {
        /* Shared pages can be had from the file again. */
        if (!area_insert(to, a) || (!(a->flags & AREA_SHARED) && pt_copy(to, from, a) != 0)) {
            is_complete = false;
            break;
        }
    }
    tlb_flush(from->active, 0, USER_END); /* its pages are read-only now */
    if (is_complete)
        return to;
    mm_put(to);
    return NULL;
}

void mm_get(struct mm *mm) { mm->refs++; }

void mm_put(struct mm *mm)
{
    if (--mm->refs)
        return;
    if (this_cpu()->loaded_mm == mm)
        mm_activate(NULL);
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
    uint64_t start = (uint64_t)place;
    struct area model = {.start = start, .end = start + bytes, .flags = area_flags, .inode = inode, .offset = offset};
    struct inode *own = area_flags & AREA_SHARED && !inode ? shared_memory(bytes) : NULL;
    if (area_flags & AREA_SHARED && !inode && !own)
        return -ENOMEM;
    if (own)
        model.inode = own;
    if (!model.inode || own)
        model.offset = 0;
    int64_t result = mm_unmap(mm, start, bytes);
    if (!result && !area_insert(mm, &model))
        result = -ENOMEM;
    inode_put(own);
    area_merge(mm);
    return result ? result : place;
}

int mm_unmap(struct mm *mm, uint64_t address, uint64_t bytes)
{
    if (address % PAGE_BYTES || address > USER_END || bytes > USER_END - address || !bytes)
        return -EINVAL;
    uint64_t end = address + ALIGN_UP(bytes, PAGE_BYTES);
    int result = area_isolate(mm, address, end);
    if (result)
        return result;
    for (struct area *a; (a = area_after(mm, address)) != NULL && a->start < end;) {
        pt_unmap(mm, a->start, a->end);
        area_free(mm, a);
    }
    return 0;
}

uint64_t mm_brk(struct mm *mm, uint64_t end)
{
    uint64_t old_top = ALIGN_UP(mm->brk_end, PAGE_BYTES), top = ALIGN_UP(end, PAGE_BYTES);
    const struct area heap = {.start = old_top, .end = top, .flags = AREA_READ | AREA_WRITE, .name = "[heap]"};
    if (end < mm->brk_start || end > USER_END)
        return mm->brk_end;
    if (top < old_top && mm_unmap(mm, top, old_top - top) != 0)
        return mm->brk_end;
    if (top > old_top && (!area_has_room(mm, old_top, top + PAGE_BYTES) || !area_insert(mm, &heap)))
        return mm->brk_end;
    area_merge(mm);
    return mm->brk_end = end;
}

void mm_truncated(struct inode *inode, uint64_t size)
{
    struct mm *mm;
    uint64_t keep = ALIGN_UP(size, PAGE_BYTES);
    LIST_FOR_EACH(mm, &all_mms, all)
    {
        for (struct list *n = mm->areas.next; n != &mm->areas; n = n->next) {
            const struct area *a = LIST_ITEM(n, struct area, link);
            uint64_t kept = keep > a->offset ? keep - a->offset : 0;
            if (a->inode == inode && kept < a->end - a->start)
                pt_unmap(mm, a->start + kept, a->end);
        }
    }
}

void mm_dump_areas(struct mm *mm, void (*line)(void *ctx, const struct area *a), void *ctx)
{
    struct area *a;
    LIST_FOR_EACH(a, &mm->areas, link) { line(ctx, a); }
}
