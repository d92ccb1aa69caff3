/* SPDX-License-Identifier: Apache-2.0 */
/* The page cache: pages of files on the disk, and of the disk itself (file systems keep their structures there).
 *
 * Nothing in it sleeps but cache_wait(). What is not in memory answers -EAGAIN after its reading has begun, and the
 * caller, who has changed nothing yet, waits with cache_wait() and tries again. So whoever runs without a wait runs
 * alone, and no file system needs a lock. The same trial can be repeated from the disk's interrupt: cache_call(). */
#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include "block/block.h"
#include "mm/page.h"

enum { PAGE_SECTORS = 8, READ_WINDOW = 1024 /* pages that one reader has in flight at most */ };
#define SECTOR_NONE UINT64_MAX

struct mapping;

struct mapping_ops {
    /* Where the sectors of a page lie; SECTOR_NONE: nowhere, they read as zeros. 0, -EAGAIN, or another error. */
    int (*map)(struct mapping *m, uint64_t index, uint64_t sector[PAGE_SECTORS]);
};

struct mapping { /* a file's, or the disk's */
    const struct mapping_ops *ops;
    uint64_t size;                          /* bytes; what lies beyond is zero in memory */
    struct list pages;                      /* struct cpage.in_mapping */
    struct list dirty;                      /* struct cpage.in_dirty, in the order in which they became so */
    struct list sleepers;                   /* until nothing is being written */
    uint64_t count, shared;                 /* pages; those that shared mappings may write to */
    uint32_t writing;                       /* pages */
    uint64_t drops;                         /* how often cache_drop() was called */
    int error;                              /* of writing, told once by cache_sync() */
    uint64_t ahead_next, ahead_done, ahead; /* reading in order: where the next reader would go on; window */
};

struct cpage {
    struct cpage *next; /* in its hash bucket */
    struct mapping *mapping;
    uint64_t index, pa;
    struct list in_mapping, in_lru, in_dirty;
    struct list calls; /* struct cache_call */
    uint32_t pins;     /* while there are any it stays in memory */
    uint16_t pending;  /* parts of it that the disk is reading or writing */
    bool is_valid, is_shared, is_writing;
    uint8_t dirty; /* bit per sector */
    int error;
};

struct cache_call {
    struct block_deferred deferred;
    struct list link;
    struct block_sleeper *sleeper;               /* instead of fn: of cache_wait() */
    void (*fn)(struct cache_call *c, int error); /* in the disk's interrupt */
    int error;
};

/* --- block/cache.c --- */
void cache_init(void);
void mapping_init(struct mapping *m, const struct mapping_ops *ops, uint64_t size);
/* 0: the page is there, unpinned: no memory may be allocated while it is used. -EAGAIN, or an error. */
int cache_get(struct mapping *m, uint64_t index, struct cpage **out);
/* Begins to read up to count pages; how many of them it has looked after, 0 too if it must be called again later. */
uint64_t cache_ahead(struct mapping *m, uint64_t index, uint64_t count);
struct cpage *cache_changed(struct mapping *m, uint64_t index); /* if memory may know better than the disk; NULL: no */
void cache_pin(struct cpage *p);
void cache_unpin(struct cpage *p);
void cache_dirty(struct cpage *p, size_t from, size_t bytes);
void cache_share(struct cpage *p); /* it is going to be mapped for writing: dirty as long as it is */
/* Forgets changes of these bytes: what was there is free. -EAGAIN while they are being written. */
int cache_forget(struct mapping *m, uint64_t at, size_t bytes);
/* Drops all pages from index on, changed or not. -EAGAIN while one of them is being written. */
int cache_drop(struct mapping *m, uint64_t index);
/* After -EAGAIN. 0: try again; otherwise the error for which that is useless; -EAGAIN: current->nowait. */
int cache_wait(bool may_sleep);
void cache_call_init(struct cache_call *c);
void cache_call(struct cache_call *c); /* instead: c->fn when there is a reason to try again */
bool cache_shrink(uint64_t pages);     /* drops that many clean ones nobody uses, if there are so many; false: none */
bool cache_is_full_of_changes(void);   /* whoever writes should help to write back */

/* --- block/transfer.c --- */
struct cache_io;
struct cache_batch { /* collects parts of pages into requests that are as large as the disk takes */
    struct cache_io *io;
    enum block_kind kind;
};
void cache_batch_add(struct cache_batch *b, struct cpage *p, const uint64_t sector[PAGE_SECTORS], uint8_t which);
void cache_batch_end(struct cache_batch *b);
/* Writes what is dirty and waits for it: 0, or the error of that or of an earlier writing. */
int cache_sync(struct mapping *m, bool may_sleep);
int cache_flush(struct mapping *m, bool may_sleep); /* and the disk has it on its medium, with all that was written */
void cache_finish(struct cpage *p);                 /* nothing of it is pending any more (cache.c) */
void cache_set_clean(struct cpage *p);              /* the same */

/* --- block/file_read.c --- */
struct file;
struct mm;
struct uio;
static inline uint64_t pages_of(uint64_t bytes) { return (bytes + PAGE_BYTES - 1) / PAGE_BYTES; }
struct mapping *file_mapping(const struct file *f); /* device.c: of a file of the disk, or of the disk; NULL: neither */
/* As read() of files does; the caller sleeps. O_DIRECT: from the disk even if it is in memory. */
int64_t mapping_read(struct mapping *m, struct file *f, struct uio *u, uint64_t *position);

/* A read that nobody waits for: each piece of news from the disk moves it on. The file and the address space must live
 * until its end. */
enum { FILE_READ_PENDING = INT32_MIN };
struct file_read {
    struct cache_call call;
    struct mapping *mapping;
    struct mm *mm;        /* NULL: the bytes are only brought into memory */
    uint64_t address, at; /* of the next byte, in mm and in the file */
    uint64_t first, end;  /* in the file */
    union {
        uint64_t next;  /* the first page that has not been asked for yet */
        uint64_t drops; /* directly: of the mapping, when it began */
    };
    bool is_direct, is_advancing;
    /* directly: */
    uint32_t under_way;                                /* requests */
    int error;                                         /* of the byte at end; 0: none */
    void (*done)(struct file_read *r, int64_t result); /* bytes, or -errno if there are none */
};
/* The result if all is there; -EOPNOTSUPP: not a file of a disk. FILE_READ_PENDING: done will be called, in the disk's
 * interrupt, where it may begin another one, too. */
int64_t file_read_begin(struct file_read *r, struct file *f, struct mm *mm, uint64_t address, uint64_t bytes,
                        uint64_t offset, void (*done)(struct file_read *r, int64_t result));
/* Of one that is pending. True: done will not be called. False: the disk writes to the reader's memory; done is called
 * when it has ended, and nothing more is begun. */
bool file_read_cancel(struct file_read *r);

/* --- block/direct.c: for file_read.c, of a read with is_direct --- */
void direct_read_start(struct file_read *r); /* at its first byte, for the first time or once more */
int64_t direct_read(struct file_read *r,
                    int error); /* moves it on; error: of what it waited for. As file_read_begin() */

/* Until the call answers something else than -EAGAIN. Names are changed without sleep, so that nobody sees the middle
 * of it; who reads and writes data sleeps. The limit: what the call needs does not fit into memory. */
enum { CACHE_TRIES = 1 << 20 };
#define CACHE_TRY(may_sleep, call)                                                                                     \
    ({                                                                                                                 \
        int error_, waited_ = 0, tries_ = 0;                                                                           \
        while ((error_ = (call)) == -EAGAIN && !waited_)                                                               \
            waited_ = ++tries_ < CACHE_TRIES ? cache_wait(may_sleep) : -ENOMEM;                                        \
        waited_ ? waited_ : error_;                                                                                    \
    })
#endif
