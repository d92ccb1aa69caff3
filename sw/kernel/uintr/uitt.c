/* SPDX-License-Identifier: Apache-2.0 */
/* UITTs, the senders' side. Generation 1 has one per thread, generation 2 one per process, which uintr_ipi_fd() can
 * share with other processes. */
#include "mm/mm.h"
#include "uintr/uintr.h"

static struct list all_tables = {&all_tables, &all_tables};

struct uitt *uitt_create(void)
{
    struct uitt *table = kzalloc(sizeof *table);
    uint64_t page = table ? page_alloc_zero() : 0;
    if (!page) {
        kfree(table);
        return NULL;
    }
    table->entries = phys_to_virt(page);
    table->refs = 1;
    list_append(&all_tables, &table->all);
    return table;
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

/* Nobody uses the entry any more. */
static void release(struct uitt *table, unsigned index)
{
    struct uitte *e = &table->entries[index];
    upid_put((struct upid_object *)e->upidaddr);
    *e = (struct uitte){0};
    if (table->via[index])
        table->via[index]->connections--;
    table->via[index] = NULL;
}

/* Another core may have read the entry and be on its way to the UPID. That SENDUIPI is over when every core has passed
 * through the kernel. */
void uitt_remove(struct uitt *table, unsigned index)
{
    __atomic_store_n(&table->entries[index].control, 0, __ATOMIC_SEQ_CST);
    tlb_flush(cpus_online(), 0, 0);
    release(table, index);
}

void uitt_put(struct uitt *table)
{
    if (!table || --table->refs)
        return;
    for (unsigned i = 0; i < UITT_ENTRIES; i++)
        if (uitt_is_used(table, i))
            release(table, i);
    list_remove(&table->all);
    page_put(virt_to_phys(table->entries));
    kfree(table);
}

void uitt_disconnect(struct uintr_fd *via)
{
    struct uitt *table;
    LIST_FOR_EACH(table, &all_tables, all)
    {
        for (unsigned i = 0; via->connections && i < UITT_ENTRIES; i++)
            if (table->via[i] == via)
                uitt_remove(table, i);
    }
}

int uitt_of_current_mm(struct uitt **table)
{
    struct mm *mm = current->mm;
    if (current->uintr && current->uintr->uitt)
        return -EBUSY; /* TT leads to one table only */
    if (!mm->uitt)
        mm->uitt = uitt_create();
    *table = mm->uitt;
    return *table ? 0 : -ENOMEM;
}
