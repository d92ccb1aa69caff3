/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a ring: io_uring_setup(), the memory that it shares with its users, the ring as a file. */
#include "uring/uring.h"

#include "../user/include/uring_uintr.h"
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "ipc/ipc.h"
#include "mm/mm.h"
#include "string.h"

enum {
    SETUP_FLAGS = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
                  IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |
                  IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER,
    FEATURES = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
               IORING_FEAT_CUR_PERSONALITY | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS |
               IORING_FEAT_SQPOLL_NONFIXED | IORING_FEAT_EXT_ARG | IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_CQE_SKIP |
               IORING_FEAT_LINKED_FILE
};

struct uring_counts uring_counts;
struct list uring_all = {&uring_all, &uring_all};

/* --- the shared memory: an inode, so that mappings keep it --- */

struct uring_memory {
    struct region {
        uint64_t start, pages; /* physical, contiguous */
    } rings, sqes;
};

static void *region_create(struct region *m, uint64_t bytes)
{
    m->pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    m->start = pages_alloc(m->pages);
    return m->start ? memset(phys_to_virt(m->start), 0, m->pages * PAGE_BYTES) : NULL;
}

static void region_free(const struct region *m)
{
    for (uint64_t i = 0; m->start && i < m->pages; i++)
        page_put(m->start + i * PAGE_BYTES);
}

/* Beyond the regions a page of zeros, which is nobody else's. */
static uint64_t memory_page(struct inode *inode, uint64_t index, bool create)
{
    enum { CQ_PAGES = IORING_OFF_CQ_RING / PAGE_BYTES, SQE_PAGES = IORING_OFF_SQES / PAGE_BYTES };
    const struct uring_memory *m = inode->data;
    const struct region *region = index >= SQE_PAGES ? &m->sqes : &m->rings;
    index -= index >= SQE_PAGES ? SQE_PAGES : index >= CQ_PAGES ? CQ_PAGES : 0;
    if (index >= region->pages)
        return create ? page_alloc_zero() : 0;
    page_get(region->start + index * PAGE_BYTES);
    return region->start + index * PAGE_BYTES;
}

static void memory_free(struct inode *inode)
{
    struct uring_memory *m = inode->data;
    if (!m)
        return;
    region_free(&m->rings);
    region_free(&m->sqes);
    kfree(m);
}

static const struct inode_ops memory_ops = {.page = memory_page, .free = memory_free};

/* --- the ring as a file --- */

static unsigned uring_poll(struct file *f, struct poll_table *pt)
{
    struct uring *r = f->data;
    poll_wait(pt, &r->changed);
    uring_flush_overflow(r);
    return (uring_cq_ready(r) ? EPOLLIN | EPOLLRDNORM : 0) |
           (uring_sq_pending(r) < r->sq_entries ? EPOLLOUT | EPOLLWRNORM : 0);
}

static void uring_release(struct file *f)
{
    struct uring *r = f->data;
    r->is_closed = true;
    request_cancel_ring(r);
    submitter_stop(r);
    uring_forget_files(r);
    uring_clear_receiver(r);
    file_put(r->eventfd);
    r->eventfd = NULL;
    uring_put(r);
}

static const struct file_ops uring_file_ops = {.poll = uring_poll, .release = uring_release};

struct uring *uring_of(const struct file *f) { return f && f->ops == &uring_file_ops ? f->data : NULL; }

struct uring *uring_get(struct uring *r)
{
    r->refs++;
    return r;
}

void uring_put(struct uring *r)
{
    if (--r->refs)
        return;
    uring_free_overflow(r);
    list_remove(&r->all);
    inode_put(r->memory);
    kfree(r->buffers);
    kfree(r);
    uring_counts.rings--;
}

/* --- io_uring_setup --- */

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 1;
    while (p < n)
        p *= 2;
    return p;
}

static int check_flags(const struct io_uring_params *p)
{
    uint32_t flags = p->flags, silent = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    bool has_uintr = flags & IORING_SETUP_UINTR;
    for (size_t i = 0; i < ARRAY_SIZE(p->resv); i++)
        if (p->resv[i] && !(has_uintr && i == IORING_PARAMS_UINTR))
            return -EINVAL;
    if (flags & ~(SETUP_FLAGS | IORING_SETUP_UINTR) || (flags & IORING_SETUP_SQPOLL && flags & silent) ||
        (flags & silent) == IORING_SETUP_TASKRUN_FLAG)
        return -EINVAL;
    if (flags & IORING_SETUP_SQ_AFF &&
        (!(flags & IORING_SETUP_SQPOLL) || p->sq_thread_cpu >= CPUS_MAX || !(cpus_online() >> p->sq_thread_cpu & 1)))
        return -EINVAL;
    if (flags & IORING_SETUP_ATTACH_WQ) { /* all rings have the same workers anyway */
        struct file *f = fd_file((int)p->wq_fd);
        return !f ? -ENXIO : !uring_of(f) ? -EINVAL : 0;
    }
    return 0;
}

static int choose_sizes(uint32_t entries, struct io_uring_params *p)
{
    bool clamps = p->flags & IORING_SETUP_CLAMP;
    if (!entries || (entries > URING_SQ_MAX && !clamps))
        return -EINVAL;
    p->sq_entries = power_of_two(MIN(entries, (uint32_t)URING_SQ_MAX));
    if (!(p->flags & IORING_SETUP_CQSIZE)) {
        p->cq_entries = 2 * p->sq_entries;
        return 0;
    }
    if (!p->cq_entries || (p->cq_entries > URING_CQ_MAX && !clamps))
        return -EINVAL;
    p->cq_entries = power_of_two(MIN(p->cq_entries, (uint32_t)URING_CQ_MAX));
    return p->cq_entries < p->sq_entries ? -EINVAL : 0;
}

static void describe(const struct uring *r, struct io_uring_params *p)
{
    p->features = FEATURES;
    p->sq_off = (struct io_sqring_offsets){
        .head = offsetof(struct uring_header, sq_head),
        .tail = offsetof(struct uring_header, sq_tail),
        .ring_mask = offsetof(struct uring_header, sq_mask),
        .ring_entries = offsetof(struct uring_header, sq_entries),
        .flags = offsetof(struct uring_header, sq_flags),
        .dropped = offsetof(struct uring_header, sq_dropped),
        .array = (uint32_t)((uint8_t *)r->array - (uint8_t *)r->header),
    };
    p->cq_off = (struct io_cqring_offsets){
        .head = offsetof(struct uring_header, cq_head),
        .tail = offsetof(struct uring_header, cq_tail),
        .ring_mask = offsetof(struct uring_header, cq_mask),
        .ring_entries = offsetof(struct uring_header, cq_entries),
        .overflow = offsetof(struct uring_header, cq_overflow),
        .cqes = offsetof(struct uring_header, cqe),
        .flags = offsetof(struct uring_header, cq_flags),
    };
}

/* The memory of r, in its inode. */
static int create_memory(struct uring *r)
{
    uint64_t array_at = sizeof(struct uring_header) + r->cq_entries * sizeof(struct io_uring_cqe);
    struct uring_memory *m = kzalloc(sizeof *m);
    if (!m || !(r->memory = inode_create(S_IFREG | 0600, &memory_ops, &uring_file_ops))) {
        kfree(m);
        return -ENOMEM;
    }
    r->memory->data = m;
    r->header = region_create(&m->rings, array_at + r->sq_entries * sizeof(uint32_t));
    r->sqes = region_create(&m->sqes, r->sq_entries * sizeof(struct io_uring_sqe));
    if (!r->header || !r->sqes)
        return -ENOMEM;
    r->memory->size = IORING_OFF_SQES + m->sqes.pages * PAGE_BYTES;
    r->array = (uint32_t *)((uint8_t *)r->header + array_at);
    r->header->sq_mask = r->sq_entries - 1;
    r->header->cq_mask = r->cq_entries - 1;
    r->header->sq_entries = r->sq_entries;
    r->header->cq_entries = r->cq_entries;
    return 0;
}

static struct uring *uring_create(const struct io_uring_params *p)
{
    struct uring *r = kzalloc(sizeof *r);
    if (!r)
        return NULL;
    r->refs = 1;
    r->flags = p->flags;
    r->sq_entries = p->sq_entries;
    r->cq_entries = p->cq_entries;
    r->is_disabled = p->flags & IORING_SETUP_R_DISABLED;
    if (!r->is_disabled)
        r->issuer = current->tid;
    list_init(&r->requests);
    list_init(&r->deferred);
    list_init(&r->timeouts);
    list_init(&r->overflow);
    list_init(&r->sleepers);
    wait_queue_init(&r->changed);
    wait_queue_init(&r->space);
    list_append(&uring_all, &r->all);
    uring_counts.rings++;
    if (!create_memory(r))
        return r;
    uring_put(r);
    return NULL;
}

static long set_up(uint32_t entries, struct io_uring_params *p, uint64_t address)
{
    int error = check_flags(p);
    if (!error)
        error = choose_sizes(entries, p);
    if (error)
        return error;
    if (workers_start())
        return -ENOMEM;
    struct uring *r = uring_create(p);
    struct file *f = r ? file_create(&uring_file_ops, O_RDWR, r) : NULL;
    if (!f) {
        if (r)
            uring_put(r);
        return -ENOMEM;
    }
    f->inode = inode_get(r->memory);
    if (p->flags & IORING_SETUP_UINTR)
        error = uring_set_receiver(r, (int)p->resv[IORING_PARAMS_UINTR]);
    if (!error && p->flags & IORING_SETUP_SQPOLL)
        error = submitter_start(r, p);
    describe(r, p);
    if (!error)
        error = PUT_USER(address, *p);
    if (error) {
        file_put(f);
        return error;
    }
    return fd_install(f, true, 0);
}

SYSCALL2(io_uring_setup, uint32_t, entries, uint64_t, address)
{
    struct io_uring_params p;
    return GET_USER(p, address) ? -EFAULT : set_up(entries, &p, address);
}
