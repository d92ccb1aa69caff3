/* SPDX-License-Identifier: Apache-2.0 */
/* UITTs, the senders' side. Generation 1 has one per thread, generation 2 one per process, which uintr_ipi_fd() can
 * share with other processes. */
#include "mm/mm.h"
#include "uintr/uintr.h"

static struct list own_tables = {&own_tables, &own_tables}; /* struct uitt.all: those of generation 1 */

struct uitt *uitt_create(struct task *task)
{
    struct uitt *table = kzalloc(sizeof *table);
    uint64_t page = table ? page_alloc_zero() : 0;
    if (!page) {
        kfree(table);
        return NULL;
    }
    table->entries = phys_to_virt(page);
    table->refs = 1;
    table->task = task;
    list_init(&table->users);
    list_init(&table->all);
    if (task)
        list_append(&own_tables, &table->all);
    return table;
}

/* Another core may have read an entry and be on its way to the UPID. Waits until that SENDUIPI is over: a shootdown
 * makes every core that runs one of the senders pass through the kernel. */
static void wait_for_senders(struct uitt *table)
{
    struct uintr_mm *user;
    if (table->task && table->task != current && table->task->mm)
        tlb_flush_range(table->task->mm, 0, PAGE_BYTES);
    LIST_FOR_EACH(user, &table->users, in_uitt) { tlb_flush_range(user->mm, 0, PAGE_BYTES); }
}

bool uitt_is_used(const struct uitt *table, uint64_t index)
{
    return index < UITT_ENTRIES && table->entries[index].control & UITTE_V;
}

int uitt_add(struct uitt *table, struct upid_object *u, unsigned vector, struct uintr_fd *via)
{
    unsigned i = 0;
    while (uitt_is_used(table, i))
        i++;
    if (i == UITT_ENTRIES)
        return -ENOSPC;
    table->entries[i].upidaddr = (uint64_t)&upid_get(u)->hw;
    __atomic_store_n(&table->entries[i].control, UITTE_V | (uint64_t)vector << UITTE_UV_SHIFT, __ATOMIC_RELEASE);
    table->via[i] = via;
    if (via)
        via->connections++;
    return (int)i;
}

void uitt_remove(struct uitt *table, unsigned index)
{
    struct uitte *e = &table->entries[index];
    struct upid_object *u = (struct upid_object *)e->upidaddr;
    __atomic_store_n(&e->control, 0, __ATOMIC_SEQ_CST);
    wait_for_senders(table);
    e->upidaddr = 0;
    if (table->via[index])
        table->via[index]->connections--;
    table->via[index] = NULL;
    upid_put(u);
}

void uitt_put(struct uitt *table)
{
    if (!table || --table->refs)
        return;
    for (unsigned i = 0; i < UITT_ENTRIES; i++)
        if (uitt_is_used(table, i))
            uitt_remove(table, i);
    list_remove(&table->all);
    page_put(virt_to_phys(table->entries));
    kfree(table);
}

void uitt_disconnect(struct uintr_fd *via)
{
    struct uitt *table;
    LIST_FOR_EACH(table, &own_tables, all)
    {
        for (unsigned i = 0; via->connections && i < UITT_ENTRIES; i++)
            if (table->via[i] == via)
                uitt_remove(table, i);
    }
}

int uitt_attach(struct mm *mm, struct uitt *table)
{
    if (mm->uintr)
        return -EBUSY;
    struct uintr_mm *m = kzalloc(sizeof *m);
    if (!m)
        return -ENOMEM;
    *m = (struct uintr_mm){.uitt = table, .mm = mm};
    table->refs++;
    list_append(&table->users, &m->in_uitt);
    mm->uintr = m;
    return 0;
}

int uitt_of_current_mm(struct uitt **table)
{
    struct mm *mm = current->mm;
    if (current->uintr && current->uintr->uitt)
        return -EBUSY; /* TT leads to one table only */
    if (!mm->uintr) {
        struct uitt *made = uitt_create(NULL);
        int error = made ? uitt_attach(mm, made) : -ENOMEM;
        uitt_put(made); /* the process has its own reference */
        if (error)
            return error;
    }
    *table = mm->uintr->uitt;
    return 0;
}

void uintr_mm_free(struct mm *mm)
{
    struct uintr_mm *m = mm->uintr;
    if (!m)
        return;
    mm->uintr = NULL;
    list_remove(&m->in_uitt); /* no thread of it runs any more: nobody to wait for */
    uitt_put(m->uitt);
    kfree(m);
}
