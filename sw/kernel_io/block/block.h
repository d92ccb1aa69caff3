/* SPDX-License-Identifier: Apache-2.0 */
/* The disk, of which there is one at most: requests with scatter lists, many in flight. Whoever waits for a request
 * sleeps or, where the code around it cannot bear that others run meanwhile, looks for its end in a loop. All of this
 * happens under the kernel lock; requests end in the disk's interrupt or while somebody looks. */
#ifndef KERNEL_BLOCK_H
#define KERNEL_BLOCK_H

#include "lib/list.h"

struct task;

enum { SECTOR_BYTES = 512, BLOCK_SEGMENTS = 16 };
enum block_kind { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_segment {
    uint64_t pa;
    uint32_t bytes; /* whole sectors */
};

struct block_request {
    enum block_kind kind;
    uint64_t sector;
    uint32_t segments, bytes; /* of a flush: 0 */
    struct block_segment segment[BLOCK_SEGMENTS];
    void (*done)(struct block_request *r); /* at the end; may free r */
    int error;                             /* then: 0, -EIO, -EROFS */
    /* the driver's */
    struct list link;
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    uint8_t status;
};

/* What shall run in the disk's interrupt and not in the midst of whoever looks for the end of another request. */
struct block_deferred {
    struct list link;
    void (*run)(struct block_deferred *d);
};

struct block_sleeper {
    struct list link; /* for whoever keeps sleepers in a list */
    struct task *task;
    bool is_awake;
};

/* --- block/virtio_blk.c --- */
bool block_probe(void); /* is there a disk? Starts it */
uint64_t block_sectors(void);
bool block_is_read_only(void);
/* Adds memory for sectors that follow those that the request has; false: they do not, or it has its segments. */
bool block_append(struct block_request *r, uint64_t sector, uint64_t pa, uint32_t bytes);
void block_submit(struct block_request *r);
void block_poll(void);      /* ends what the disk has done, from any context */
void block_interrupt(void); /* the same, and runs what was deferred */
void block_defer(struct block_deferred *d);
void block_defer_longer(struct block_deferred *d); /* to an interrupt that needs no disk, and not at once */

/* --- block/wait.c --- */
void block_sleep(struct block_sleeper *s, bool may_sleep); /* until block_wake(s), which may have come already */
void block_wake(struct block_sleeper *s);
int block_flush(bool may_sleep); /* what was written is on the medium: 0 or -EIO */

/* --- block/device.c --- */
enum { BLOCK_DEVICE = 254 << 8 }; /* /dev/vda as stat shows it */
struct file;
void storage_start(void);              /* finds the disk, makes /dev/vda, mounts what is on it at /mnt */
void storage_sync(void);               /* everything that has changed is on the disk; fsync() tells of errors. Sleeps */
int storage_sync_file(struct file *f); /* the same of one file, which may be of any kind */
void storage_end(void);                /* before the end of the machine: everything is written; never sleeps */
#endif
