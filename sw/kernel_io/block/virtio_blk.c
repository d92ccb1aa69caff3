/* SPDX-License-Identifier: Apache-2.0 */
/* Driver of a virtio block device behind virtio-mmio, version 2, one split queue. Requests for which the queue has no
 * descriptors wait in a list. VIRTIO 1.2, 2.7 "Split Virtqueues", 4.2 "Virtio Over MMIO", 5.2 "Block Device". */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "block/block.h"
#include "mm/page.h"
#include "sched/time.h"
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

enum {
    MAGIC = 0x74726976,
    VERSION = 2,
    PIN = 11,
    QUEUE_MOST = 256,
    EXTRA = 2 /* descriptors: header, status */,
    PAUSE_NS = 30000
};
#define REGISTERS 0xfeb00000ull
#define FEATURES                                                                                                       \
    (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_RO)

static bool is_present, is_read_only, can_flush;
static uint64_t sectors;
static uint32_t segment_limit;

static struct vring_desc *descriptor;
static struct vring_avail *available;
static volatile struct vring_used *used;
static uint16_t queue_size, free_head, free_descriptors, used_seen;
static struct block_request *owner[QUEUE_MOST]; /* by first descriptor of the chain; NULL: none */
static struct list waiting = {&waiting, &waiting}, deferred = {&deferred, &deferred}, paused = {&paused, &paused};

static volatile uint32_t *reg(uint32_t offset) { return phys_to_virt(REGISTERS + offset); }
static uint32_t config32(uint32_t offset) { return *reg(VIRTIO_MMIO_CONFIG + offset); }

uint64_t block_sectors(void) { return sectors; }
bool block_is_read_only(void) { return is_read_only; }
void block_defer(struct block_deferred *d) { list_append(&deferred, &d->link); }

static bool negotiate(void)
{
    uint64_t offered;
    *reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL) = 1;
    offered = (uint64_t)*reg(VIRTIO_MMIO_DEVICE_FEATURES) << 32;
    *reg(VIRTIO_MMIO_DEVICE_FEATURES_SEL) = 0;
    offered |= *reg(VIRTIO_MMIO_DEVICE_FEATURES);
    uint64_t taken = offered & FEATURES;
    if (!(taken >> VIRTIO_F_VERSION_1 & 1))
        return false;
    *reg(VIRTIO_MMIO_DRIVER_FEATURES_SEL) = 1;
    *reg(VIRTIO_MMIO_DRIVER_FEATURES) = (uint32_t)(taken >> 32);
    *reg(VIRTIO_MMIO_DRIVER_FEATURES_SEL) = 0;
    *reg(VIRTIO_MMIO_DRIVER_FEATURES) = (uint32_t)taken;
    *reg(VIRTIO_MMIO_STATUS) = *reg(VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_FEATURES_OK;
    is_read_only = taken >> VIRTIO_BLK_F_RO & 1;
    can_flush = taken >> VIRTIO_BLK_F_FLUSH & 1;
    segment_limit = taken >> VIRTIO_BLK_F_SEG_MAX & 1 ? config32(offsetof(struct virtio_blk_config, seg_max)) : 1;
    return *reg(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static void set_address(uint32_t low_register, const volatile void *memory)
{
    uint64_t pa = virt_to_phys((const void *)memory);
    *reg(low_register) = (uint32_t)pa;
    *reg(low_register + 4) = (uint32_t)(pa >> 32);
}

static bool set_up_queue(void)
{
    *reg(VIRTIO_MMIO_QUEUE_SEL) = 0;
    queue_size = (uint16_t)MIN(*reg(VIRTIO_MMIO_QUEUE_NUM_MAX), (uint32_t)QUEUE_MOST);
    if (queue_size < EXTRA + 1 || queue_size & (queue_size - 1) || *reg(VIRTIO_MMIO_QUEUE_READY))
        return false;
    descriptor = kzalloc(PAGE_BYTES); /* each of the three parts fits into a page */
    available = kzalloc(PAGE_BYTES);
    used = kzalloc(PAGE_BYTES);
    if (!descriptor || !available || !used)
        return false;
    for (uint16_t i = 0; i < queue_size; i++)
        descriptor[i].next = (uint16_t)(i + 1);
    free_descriptors = queue_size;
    segment_limit = MIN(segment_limit, (uint32_t)BLOCK_SEGMENTS);
    segment_limit = MIN(segment_limit, (uint32_t)queue_size - EXTRA);
    segment_limit += !segment_limit;
    *reg(VIRTIO_MMIO_QUEUE_NUM) = queue_size;
    set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, descriptor);
    set_address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, available);
    set_address(VIRTIO_MMIO_QUEUE_USED_LOW, used);
    *reg(VIRTIO_MMIO_QUEUE_READY) = 1;
    return true;
}

bool block_probe(void)
{
    if (*reg(VIRTIO_MMIO_MAGIC_VALUE) != MAGIC || *reg(VIRTIO_MMIO_VERSION) != VERSION ||
        *reg(VIRTIO_MMIO_DEVICE_ID) != VIRTIO_ID_BLOCK)
        return false;
    *reg(VIRTIO_MMIO_STATUS) = 0;
    *reg(VIRTIO_MMIO_STATUS) = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    if (!negotiate() || !set_up_queue()) {
        *reg(VIRTIO_MMIO_STATUS) = VIRTIO_CONFIG_S_FAILED;
        klog("vda: the device and this driver do not fit together");
        return false;
    }
    sectors = config32(offsetof(struct virtio_blk_config, capacity)) |
              (uint64_t)config32(offsetof(struct virtio_blk_config, capacity) + 4) << 32;
    ioapic_route(PIN, VECTOR_BLOCK, 0);
    *reg(VIRTIO_MMIO_STATUS) = *reg(VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK;
    return is_present = true;
}

static uint16_t take_descriptor(uint64_t pa, uint32_t bytes, uint16_t flags, uint16_t *previous)
{
    uint16_t i = free_head;
    free_head = descriptor[i].next;
    free_descriptors--;
    descriptor[i] = (struct vring_desc){.addr = pa, .len = bytes, .flags = flags};
    if (previous) {
        descriptor[*previous].next = i;
        descriptor[*previous].flags |= VRING_DESC_F_NEXT;
        *previous = i;
    }
    return i;
}

static void put_into_queue(struct block_request *r)
{
    uint16_t data_flags = r->kind == BLOCK_READ ? VRING_DESC_F_WRITE : 0;
    r->header.type = r->kind == BLOCK_READ    ? VIRTIO_BLK_T_IN
                     : r->kind == BLOCK_WRITE ? VIRTIO_BLK_T_OUT
                                              : VIRTIO_BLK_T_FLUSH;
    r->header.reserved = 0;
    r->header.sector = r->kind == BLOCK_FLUSH ? 0 : r->sector;
    r->status = UINT8_MAX;
    uint16_t first = take_descriptor(virt_to_phys(&r->header), sizeof r->header, 0, NULL), last = first;
    for (uint32_t i = 0; i < r->segments; i++)
        take_descriptor(r->segment[i].pa, r->segment[i].bytes, data_flags, &last);
    take_descriptor(virt_to_phys(&r->status), 1, VRING_DESC_F_WRITE, &last);
    owner[first] = r;
    available->ring[available->idx % queue_size] = first;
    __atomic_store_n(&available->idx, (uint16_t)(available->idx + 1), __ATOMIC_RELEASE);
}

/* Its interrupts go to whoever gave it work last, as those of a queue per processor would: so they do not hold up what
 * the other processors compute. */
static void feed(void)
{
    static uint32_t routed;
    bool is_fed = false;
    while (!list_is_empty(&waiting)) {
        struct block_request *r = LIST_FIRST(&waiting, struct block_request, link);
        if (r->segments + EXTRA > free_descriptors)
            break;
        list_remove(&r->link);
        put_into_queue(r);
        is_fed = true;
    }
    if (is_fed && routed != this_cpu()->index) {
        routed = this_cpu()->index;
        ioapic_route(PIN, VECTOR_BLOCK, routed);
    }
    if (is_fed)
        *reg(VIRTIO_MMIO_QUEUE_NOTIFY) = 0;
}

/* What the disk will not be asked: 0 or the error. */
static int check(const struct block_request *r)
{
    if (!is_present || r->segments > segment_limit || r->bytes % SECTOR_BYTES)
        return -EIO;
    if (r->sector > sectors || r->bytes / SECTOR_BYTES > sectors - r->sector)
        return -EIO;
    return r->kind == BLOCK_WRITE && is_read_only ? -EROFS : 0;
}

bool block_append(struct block_request *r, uint64_t sector, uint64_t pa, uint32_t bytes)
{
    struct block_segment *last = r->segments ? &r->segment[r->segments - 1] : NULL;
    if (last && sector != r->sector + r->bytes / SECTOR_BYTES)
        return false;
    if (last && last->pa + last->bytes == pa)
        last->bytes += bytes;
    else if (r->segments < segment_limit)
        r->segment[r->segments++] = (struct block_segment){pa, bytes};
    else
        return false;
    if (!last)
        r->sector = sector;
    r->bytes += bytes;
    return true;
}

void block_submit(struct block_request *r)
{
    list_init(&r->link);
    r->error = check(r);
    if (r->error || (r->kind == BLOCK_FLUSH && !can_flush)) {
        r->done(r);
        return;
    }
    list_append(&waiting, &r->link);
    feed();
}

static void end_chain(uint32_t first)
{
    struct block_request *r = first < queue_size ? owner[first] : NULL;
    if (!r)
        return; /* a device that answers what nobody asked */
    owner[first] = NULL;
    uint16_t last = (uint16_t)first, n = 1;
    for (; descriptor[last].flags & VRING_DESC_F_NEXT && n < queue_size; n++)
        last = descriptor[last].next;
    descriptor[last].next = free_head;
    free_head = (uint16_t)first;
    free_descriptors = (uint16_t)(free_descriptors + n);
    r->error = r->status == VIRTIO_BLK_S_OK ? 0 : -EIO;
    r->done(r);
}

void block_poll(void)
{
    if (!is_present)
        return;
    while (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) != used_seen) {
        uint32_t first = used->ring[used_seen % queue_size].id;
        used_seen++;
        end_chain(first);
    }
    feed();
}

static void run_all(struct list *list)
{
    while (!list_is_empty(list)) {
        struct block_deferred *d = LIST_POP(list, struct block_deferred, link);
        d->run(d);
    }
}

static void end_pause(struct timer *t)
{
    struct list due = {&due, &due}; /* what they defer in turn has its own pause */
    (void)t;
    list_append(&paused, &due);
    list_remove(&paused);
    run_all(&due);
}

void block_defer_longer(struct block_deferred *d)
{
    static struct timer pause = {.link = {&pause.link, &pause.link}, .expired = end_pause};
    list_append(&paused, &d->link);
    if (!timer_is_running(&pause))
        timer_start(&pause, clock_now() + PAUSE_NS);
}

/* The line falls before the queue is looked at: what is done after that raises it again, for the pin sees edges. What
 * block_poll() took away before has still left its interrupt, so nothing deferred is forgotten. */
void block_interrupt(void)
{
    if (!is_present)
        return;
    *reg(VIRTIO_MMIO_INTERRUPT_ACK) = *reg(VIRTIO_MMIO_INTERRUPT_STATUS);
    block_poll();
    run_all(&deferred);
}
