/* SPDX-License-Identifier: Apache-2.0 */
/* A driver for the one virtio block device of the tests: registers, one split queue, requests of any arrangement.
 * VIRTIO 1.2, 2.7 "Split Virtqueues", 4.2.2 "MMIO Device Register Layout", 5.2 "Block Device". It checks little, so
 * that tests can do what a driver must not.
 */
#ifndef VIRTIO_DISK_H
#define VIRTIO_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define VIRTIO_PAGE 0xfeb00000ull /* where QEMU's microvm has its first one, too; there the next ones follow */
#define VIRTIO_PIN 11

#define VIRTIO_MAGIC 0x000
#define VIRTIO_VERSION 0x004
#define VIRTIO_DEVICE_ID 0x008
#define VIRTIO_DEVICE_FEATURES 0x010
#define VIRTIO_DEVICE_FEATURES_SEL 0x014
#define VIRTIO_DRIVER_FEATURES 0x020
#define VIRTIO_DRIVER_FEATURES_SEL 0x024
#define VIRTIO_QUEUE_SEL 0x030
#define VIRTIO_QUEUE_NUM_MAX 0x034
#define VIRTIO_QUEUE_NUM 0x038
#define VIRTIO_QUEUE_READY 0x044
#define VIRTIO_QUEUE_NOTIFY 0x050
#define VIRTIO_INTERRUPT_STATUS 0x060
#define VIRTIO_INTERRUPT_ACK 0x064
#define VIRTIO_STATUS 0x070
#define VIRTIO_QUEUE_DESC 0x080 /* 64 bits each */
#define VIRTIO_QUEUE_DRIVER 0x090
#define VIRTIO_QUEUE_DEVICE 0x0a0
#define VIRTIO_CONFIG 0x100
#define BLK_CAPACITY 0x100
#define BLK_SEG_MAX 0x10c
#define BLK_SIZE 0x114

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_NEEDS_RESET 64

#define F_BLK_SEG_MAX (1ull << 2)
#define F_BLK_RO (1ull << 5)
#define F_BLK_SIZE (1ull << 6)
#define F_BLK_FLUSH (1ull << 9)
#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

#define T_IN 0
#define T_OUT 1
#define T_FLUSH 4
#define T_GET_ID 8
#define S_OK 0
#define S_IOERR 1
#define S_UNSUPP 2
#define S_NONE 0xff /* what the driver puts there before */

#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4
#define AVAIL_NO_INTERRUPT 1

enum { SECTOR = 512, QUEUE = 64 }; /* fewer than every device has */

struct virtq_desc {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct virtq_avail {
    uint16_t flags, idx, ring[QUEUE], used_event;
};
struct virtq_used {
    uint16_t flags, idx;
    struct {
        uint32_t id, length;
    } ring[QUEUE];
    uint16_t avail_event;
};
/* On a page of its own; the device sees the same addresses. */
struct disk_queue {
    struct virtq_desc desc[QUEUE];
    volatile struct virtq_avail avail;
    __attribute__((aligned(64))) volatile struct virtq_used used; /* a line of its own: see MONITOR */
    uint16_t seen;                                                /* of the used ring */
};
extern struct disk_queue *queue;

struct disk_header {
    uint32_t type, reserved;
    uint64_t sector;
};
struct disk_request {
    struct disk_header header;
    volatile uint8_t status;
};

uint32_t disk_read(uint32_t offset);
void disk_write(uint32_t offset, uint32_t value);
bool disk_find(void); /* the first block device with the registers of version 2; false: there is none */
uint32_t disk_slot(void);
uint64_t disk_features(void); /* offered */
uint64_t disk_sectors(void);

/* Reset, negotiation, queue, DRIVER_OK; answers the status that it ends with. */
uint32_t disk_start(uint64_t features);
uint32_t disk_negotiate(uint64_t features); /* up to FEATURES_OK */
void disk_give_queue(uint64_t desc, uint64_t driver, uint64_t device, uint32_t size);

/* Descriptor i of the table. */
void disk_desc(unsigned i, const volatile void *bytes, uint32_t length, uint16_t flags, unsigned next);
/* Descriptors first, first + 1, first + 2: header, data (none if length is 0), status; makes them available. */
void disk_submit(struct disk_request *r, unsigned first, uint32_t type, uint64_t sector, void *data, uint32_t length);
void disk_offer(unsigned head); /* makes a chain available */
void disk_notify(void);
/* Waits, bounded, until so many more chains are used. */
bool disk_wait(unsigned count);
/* All of it: one request, waited for; answers its status. */
uint8_t disk_do(uint32_t type, uint64_t sector, void *data, uint32_t length);

#endif
