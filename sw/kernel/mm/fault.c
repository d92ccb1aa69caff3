/* SPDX-License-Identifier: Apache-2.0 */
/* Page faults: pages come when they are touched, private ones are copied when they are written. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "ext2/ext2.h"
#include "mm/mm.h"
#include "proc/process.h"

/* Maps the page at va so that the access goes through, which area and file permit. False: no memory. */
static bool fill(struct mm *mm, const struct area *a, uint64_t va, bool is_write)
{
    uint64_t *e = pt_entry(mm, va, true);
    if (!e)
        return false;
    uint64_t page = *e & PTE_ADDRESS_MASK;
    bool is_new = !page;
    if (is_new)
        page = a->inode ? a->inode->ops->page(a->inode, area_offset(a, va) / PAGE_BYTES, true) : page_alloc_zero();
    if (!page)
        return false;
    if (is_write && !(a->flags & AREA_SHARED) && page_refs(page) > 1) {
        uint64_t copy = page_alloc();
        if (!copy) {
            if (is_new)
                page_put(page);
            return false;
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
    return true;
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
    uint64_t va = ALIGN_DOWN(address, PAGE_BYTES);
    if (a->inode && area_offset(a, va) >= a->inode->size)
        return SIGBUS;
    bool is_disk = a->inode && ext2_owns(a->inode) && pt_entry(mm, va, true); /* no memory is taken after it is ready */
    int failed = is_disk ? ext2_prepare_page(a, area_offset(a, va) / PAGE_BYTES) : 0;
    if (failed)
        return failed == -ENOMEM ? SIGKILL : SIGBUS;
    return fill(mm, a, va, error & PF_ERROR_W) ? 0 : pages_free() ? SIGBUS : SIGKILL; /* the file's system is full */
}

uint64_t mm_page_at(struct mm *mm, uint64_t address, bool is_write)
{
    uint64_t needed = PTE_P | (is_write ? PTE_W : 0);
    const uint64_t *e = address < USER_END ? pt_entry(mm, address, false) : NULL;
    int code;
    if (!e || (*e & needed) != needed) {
        if (mm_fault(mm, address, is_write ? PF_ERROR_W : 0, &code))
            return 0;
        e = pt_entry(mm, address, false);
    }
    return *e & PTE_ADDRESS_MASK;
}

bool oom_relieve(void)
{
    const struct task *t, *victim = NULL;
    struct process *p;
    for (LIST_EACH(p, &process_list, all)) {
        for (LIST_EACH(t, &p->threads, in_process)) {
            if (!t->mm || p == init_process)
                continue;
            if (p->group_exiting || t->pending & SIGNAL_BIT(SIGKILL))
                return true; /* one is about to go */
            if (!victim || t->mm->resident > victim->mm->resident)
                victim = t;
        }
    }
    if (!victim)
        return false;
    klog("out of memory: process %d (%s) with %llu KiB is killed", victim->process->pid, victim->name,
         victim->mm->resident * PAGE_BYTES / 1024);
    signal_send_process(victim->process, SIGKILL, NULL);
    return true;
}
