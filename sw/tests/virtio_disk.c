/* SPDX-License-Identifier: Apache-2.0 */
/* See virtio_disk.h. */
#include "virtio_disk.h"

#include "arch/insn.h"
#include "paging.h"
#include "smp.h"
#include "string.h"

enum { SLOTS = 24, SLOT_BYTES = 0x200, MAGIC = 0x74726976, MODERN = 2, BLOCK_DEVICE = 2 };

struct disk_queue *queue;
static uint64_t registers = VIRTIO_PAGE;

uint32_t disk_read(uint32_t offset) { return *(volatile uint32_t *)(registers + offset); }
void disk_write(uint32_t offset, uint32_t value) { *(volatile uint32_t *)(registers + offset) = value; }

bool disk_find(void)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        registers = VIRTIO_PAGE + slot * SLOT_BYTES;
        if (disk_read(VIRTIO_MAGIC) == MAGIC && disk_read(VIRTIO_VERSION) == MODERN &&
            disk_read(VIRTIO_DEVICE_ID) == BLOCK_DEVICE)
            return true;
    }
    return false;
}

uint32_t disk_slot(void) { return (uint32_t)(registers - VIRTIO_PAGE) / SLOT_BYTES; }

uint64_t disk_features(void)
{
    disk_write(VIRTIO_DEVICE_FEATURES_SEL, 1);
    uint64_t high = disk_read(VIRTIO_DEVICE_FEATURES);
    disk_write(VIRTIO_DEVICE_FEATURES_SEL, 0);
    return high << 32 | disk_read(VIRTIO_DEVICE_FEATURES);
}

uint64_t disk_sectors(void) { return (uint64_t)disk_read(BLK_CAPACITY + 4) << 32 | disk_read(BLK_CAPACITY); }

uint32_t disk_negotiate(uint64_t features)
{
    disk_write(VIRTIO_STATUS, 0);
    disk_write(VIRTIO_STATUS, STATUS_ACKNOWLEDGE);
    disk_write(VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    for (uint32_t half = 0; half < 2; half++) {
        disk_write(VIRTIO_DRIVER_FEATURES_SEL, half);
        disk_write(VIRTIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
    }
    disk_write(VIRTIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    return disk_read(VIRTIO_STATUS);
}

static void write_address(uint32_t offset, uint64_t value)
{
    disk_write(offset, (uint32_t)value);
    disk_write(offset + 4, (uint32_t)(value >> 32));
}

void disk_give_queue(uint64_t desc, uint64_t driver, uint64_t device, uint32_t size)
{
    disk_write(VIRTIO_QUEUE_SEL, 0);
    disk_write(VIRTIO_QUEUE_NUM, size);
    write_address(VIRTIO_QUEUE_DESC, desc);
    write_address(VIRTIO_QUEUE_DRIVER, driver);
    write_address(VIRTIO_QUEUE_DEVICE, device);
    disk_write(VIRTIO_QUEUE_READY, 1);
}

uint32_t disk_start(uint64_t features)
{
    if (!queue)
        queue = page_alloc();
    memset(queue, 0, sizeof *queue);
    if (!(disk_negotiate(features) & STATUS_FEATURES_OK))
        return disk_read(VIRTIO_STATUS);
    disk_give_queue((uint64_t)queue->desc, (uint64_t)&queue->avail, (uint64_t)&queue->used, QUEUE);
    disk_write(VIRTIO_STATUS, disk_read(VIRTIO_STATUS) | STATUS_DRIVER_OK);
    return disk_read(VIRTIO_STATUS);
}

/* --- requests --- */

void disk_desc(unsigned i, const volatile void *bytes, uint32_t length, uint16_t flags, unsigned next)
{
    queue->desc[i] = (struct virtq_desc){(uint64_t)bytes, length, flags, (uint16_t)next};
}

void disk_offer(unsigned head)
{
    queue->avail.ring[queue->avail.idx % QUEUE] = (uint16_t)head;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue->avail.idx = (uint16_t)(queue->avail.idx + 1);
}

void disk_submit(struct disk_request *r, unsigned first, uint32_t type, uint64_t sector, void *data, uint32_t length)
{
    r->header = (struct disk_header){type, 0, sector};
    r->status = S_NONE;
    unsigned after = length ? first + 1 : first + 2;
    disk_desc(first, &r->header, sizeof r->header, DESC_NEXT, after);
    if (length)
        disk_desc(first + 1, data, length, DESC_NEXT | (type == T_OUT ? 0 : DESC_WRITE), first + 2);
    disk_desc(first + 2, &r->status, 1, DESC_WRITE, 0);
    disk_offer(first);
}

void disk_notify(void) { disk_write(VIRTIO_QUEUE_NOTIFY, 0); }

bool disk_wait(unsigned count)
{
    bool has_come = wait_until((uint16_t)(queue->used.idx - queue->seen) >= count);
    queue->seen = (uint16_t)(queue->seen + count);
    return has_come;
}

uint8_t disk_do(uint32_t type, uint64_t sector, void *data, uint32_t length)
{
    static struct disk_request r;
    disk_submit(&r, 0, type, sector, data, length);
    disk_notify();
    return disk_wait(1) ? r.status : S_NONE;
}
