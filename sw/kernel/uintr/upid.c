/* SPDX-License-Identifier: Apache-2.0 */
/* UPIDs, the receivers' side; UITTs, the senders': generation 1 has one per thread, generation 2 one per process, which
 * uintr_ipi_fd() can share with other processes; and the descriptors that stand for one vector of a receiver. */
#include "arch/cpu.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "uintr/uintr.h"

struct upid_object *upid_create(struct task *owner)
{
    struct upid_object *u = kzalloc(sizeof *u);
    if (!u)
        return NULL;
    KASSERT((uint64_t)u % _Alignof(struct upid_object) == 0);
    u->refs = 1;
    u->owner = owner;
    u->hw.control = UPID_SN | (uint64_t)VECTOR_UINTR << UPID_NV_SHIFT;
    list_init(&u->waiting);
    return u;
}

struct upid_object *upid_get(struct upid_object *u)
{
    u->refs++;
    return u;
}

void upid_put(struct upid_object *u)
{
    if (u && --u->refs == 0)
        kfree(u);
}

/* Senders change ON and the kernel the rest, on several cores at once. The operation is also a full barrier: a post
 * that is not seen in PIR afterwards will find the new control word. */
void upid_change(struct upid_object *u, uint64_t clear, uint64_t set)
{
    uint64_t old = u->hw.control;
    while (!__atomic_compare_exchange_n(&u->hw.control, &old, (old & ~clear) | set, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        continue;
}

/* --- UITTs --- */

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

/* Ends what goes through this descriptor, in every table. */
static void uitt_disconnect(struct uintr_fd *via)
{
    struct uitt *table;
    for (LIST_EACH(table, &all_tables, all)) {
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

/* --- descriptors --- */

static void release_fd(struct file *f)
{
    struct uintr_fd *fd = f->data;
    uitt_disconnect(fd); /* also one of generation 2 through which a thread connected by generation 1 */
    if (fd->is_first_generation)
        fd->upid->vectors &= ~(1ull << fd->vector);
    upid_put(fd->upid);
    kfree(fd);
}

static const struct file_ops vector_file_ops = {.release = release_fd};

long uintr_fd_create(uint64_t vector, bool is_first_generation)
{
    struct upid_object *u = uintr_receiver(current);
    if (!u)
        return -EINVAL;
    if (vector >= UINTR_VECTORS)
        return -ENOSPC;
    if (is_first_generation && u->vectors >> vector & 1)
        return -EBUSY;
    struct uintr_fd *fd = kzalloc(sizeof *fd);
    struct file *f = fd ? file_create(&vector_file_ops, O_RDONLY | O_NONBLOCK, fd) : NULL;
    if (!f) {
        kfree(fd);
        return -ENOMEM;
    }
    *fd = (struct uintr_fd){upid_get(u), (uint8_t)vector, is_first_generation, 0};
    if (is_first_generation)
        u->vectors |= 1ull << vector;
    return fd_install(f, true, 0);
}

struct uintr_fd *uintr_fd_from(int fd, int *error)
{
    struct file *f = fd_file(fd);
    *error = !f ? -EBADF : f->ops != &vector_file_ops ? -EOPNOTSUPP : 0;
    return *error ? NULL : f->data;
}
