/* SPDX-License-Identifier: Apache-2.0 */
/* The part of syscall_fuzz that works on io_uring: rings of random kinds, random SQEs, spoilt indices, random
 * registrations, and rings that go while requests are in flight. Whatever is answered is right. */
#include "fuzz.h"

#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct fuzzed_ring {
    int fd;
    struct io_uring_params p;
    uint8_t *rings;
    size_t ring_bytes, sqe_bytes;
    struct io_uring_sqe *sqes;
};

static const uint8_t opcodes[] = {IORING_OP_NOP,     IORING_OP_READ,        IORING_OP_READV,       IORING_OP_READ_FIXED,
                                  IORING_OP_WRITE,   IORING_OP_WRITEV,      IORING_OP_WRITE_FIXED, IORING_OP_FSYNC,
                                  IORING_OP_OPENAT,  IORING_OP_CLOSE,       IORING_OP_STATX,       IORING_OP_ACCEPT,
                                  IORING_OP_CONNECT, IORING_OP_RECV,        IORING_OP_SEND,        IORING_OP_POLL_ADD,
                                  IORING_OP_TIMEOUT, IORING_OP_ASYNC_CANCEL};

static uint32_t *word(struct fuzzed_ring *r, uint32_t offset) { return (uint32_t *)(void *)(r->rings + offset); }

static void drop(struct fuzzer *f)
{
    struct fuzzed_ring *r = f->ring;
    f->ring = NULL;
    if (below(f, 2)) /* sometimes the mappings outlive the descriptor */
        munmap(r->rings, r->ring_bytes);
    close(r->fd);
    munmap(r->sqes, r->sqe_bytes);
    free(r);
}

static void nowhere(void) {} /* a handler that never runs: UIF stays 0 */

static void post_to_this_thread(struct fuzzer *f, const struct fuzzed_ring *r)
{
    int generation = (int)below(f, 2), first = generation ? 471 : 449;
    syscall(first, (uint64_t)nowhere, generation ? below(f, 4) * 0x1000 : 0);
    int fd = (int)syscall(first + 2, below(f, 64), 0);
    syscall(SYS_io_uring_register, r->fd, 0x5549, &fd, 1);
    close(fd);
}

static void make(struct fuzzer *f)
{
    static const uint32_t kinds[] = {0,
                                     0,
                                     IORING_SETUP_SQPOLL,
                                     IORING_SETUP_CQSIZE,
                                     IORING_SETUP_R_DISABLED,
                                     IORING_SETUP_SQPOLL | IORING_SETUP_R_DISABLED,
                                     IORING_SETUP_SUBMIT_ALL,
                                     IORING_SETUP_SINGLE_ISSUER,
                                     IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
                                     1u << 31};
    struct fuzzed_ring *r = calloc(1, sizeof *r);
    if (!r)
        return;
    r->p.flags = kinds[below(f, sizeof kinds / sizeof *kinds)];
    r->p.cq_entries = 1u << below(f, 8);
    r->p.sq_thread_idle = 1 + (uint32_t)below(f, 3);
    r->p.resv[0] = r->p.flags >> 31 ? (uint32_t)any_descriptor(f) : 0;
    r->fd = (int)syscall(SYS_io_uring_setup, 1 + below(f, 32), &r->p);
    if (r->fd < 0) {
        free(r);
        return;
    }
    r->ring_bytes = r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t);
    r->sqe_bytes = r->p.sq_entries * sizeof(struct io_uring_sqe);
    r->rings = mmap(NULL, r->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (long)IORING_OFF_SQ_RING);
    r->sqes = mmap(NULL, r->sqe_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (long)IORING_OFF_SQES);
    if (r->rings == MAP_FAILED || r->sqes == MAP_FAILED) {
        close(r->fd);
        free(r);
        return;
    }
    f->ring = r;
    if (below(f, 3) == 0)
        post_to_this_thread(f, r);
}

static void fill(struct fuzzer *f, struct io_uring_sqe *sqe)
{
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = below(f, 16) ? opcodes[below(f, sizeof opcodes)] : (uint8_t)draw(f);
    sqe->flags = below(f, 3) ? 0 : below(f, 8) ? (uint8_t)(1u << below(f, 7)) : (uint8_t)draw(f);
    sqe->fd = (int32_t)any_descriptor(f);
    sqe->user_data = below(f, 8);
    sqe->off = below(f, 4) ? below(f, 2) - 1 : any_number(f);
    sqe->addr = below(f, 8) ? any_pointer(f) : below(f, 8);
    sqe->len = (uint32_t)(below(f, 8) ? below(f, 300) : any_number(f));
    sqe->buf_index = (uint16_t)(below(f, 4) ? 0 : below(f, 4));
    if (below(f, 16) == 0)
        sqe->rw_flags = (int)any_number(f);
    if (below(f, 16) == 0)
        sqe->ioprio = (uint16_t)draw(f);
    switch (sqe->opcode) { /* what would otherwise be refused for fields that it does not use */
    case IORING_OP_OPENAT:
    case IORING_OP_STATX:
        sqe->addr = any_path(f);
        sqe->fd = below(f, 4) ? -100 : sqe->fd;
        sqe->off = sqe->opcode == IORING_OP_STATX ? any_pointer(f) : 0;
        break;
    case IORING_OP_TIMEOUT:
        sqe->len = 1;
        sqe->off = below(f, 4);
        break;
    case IORING_OP_POLL_ADD: sqe->poll32_events = (uint32_t)below(f, 64); /* fall through */
    case IORING_OP_FSYNC:
    case IORING_OP_CLOSE: sqe->addr = sqe->len = 0; /* fall through */
    case IORING_OP_ASYNC_CANCEL:
    case IORING_OP_RECV:
    case IORING_OP_SEND: sqe->off = 0; break;
    case IORING_OP_ACCEPT: sqe->len = 0; break;
    default: break;
    }
}

static void spoil(struct fuzzer *f, struct fuzzed_ring *r)
{
    const uint32_t offsets[] = {r->p.sq_off.head,  r->p.sq_off.tail,  r->p.sq_off.ring_mask,   r->p.sq_off.ring_entries,
                                r->p.sq_off.flags, r->p.cq_off.head,  r->p.cq_off.tail,        r->p.cq_off.ring_mask,
                                r->p.cq_off.flags, r->p.sq_off.array, r->p.cq_off.ring_entries};
    *word(r, offsets[below(f, sizeof offsets / sizeof *offsets)]) = (uint32_t)any_number(f);
}

static void submit(struct fuzzer *f, struct fuzzed_ring *r)
{
    uint32_t tail = *word(r, r->p.sq_off.tail), count = 1 + (uint32_t)below(f, 6);
    uint32_t *array = word(r, r->p.sq_off.array);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = (tail + i) & (r->p.sq_entries - 1);
        fill(f, &r->sqes[slot]);
        array[slot] = below(f, 64) ? slot : (uint32_t)any_number(f);
    }
    __atomic_store_n(word(r, r->p.sq_off.tail), tail + count, __ATOMIC_RELEASE);
    if (below(f, 32) == 0)
        spoil(f, r);
    uint64_t flags = below(f, 4) ? IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP : below(f, 32);
    syscall(SYS_io_uring_enter, r->fd, below(f, 8) ? count : any_number(f), below(f, 8) == 0, flags,
            below(f, 16) ? 0 : any_pointer(f), below(f, 2) ? 8 : 24);
    if (below(f, 4)) /* seen; else it overflows in the end */
        __atomic_store_n(word(r, r->p.cq_off.head), *word(r, r->p.cq_off.tail), __ATOMIC_RELEASE);
}

static void set_registered(struct fuzzer *f, struct fuzzed_ring *r)
{
    uint64_t operation = below(f, 16) ? below(f, 14) : 0x5549 + below(f, 2), count = below(f, 8);
    uint64_t argument = below(f, 4) ? any_pointer(f) : 0;
    int32_t *fds = (int32_t *)(void *)f->scratch;
    if (operation == IORING_REGISTER_FILES && below(f, 2))
        for (unsigned i = 0; i < 8; i++)
            fds[i] = (int32_t)below(f, 20) - 1;
    else if (operation == IORING_REGISTER_BUFFERS && below(f, 2))
        memcpy(f->scratch, (uint64_t[]){(uint64_t)f->scratch, below(f, SCRATCH_BYTES)}, 16);
    if (operation <= IORING_REGISTER_FILES && below(f, 2))
        argument = (uint64_t)f->scratch;
    syscall(SYS_io_uring_register, r->fd, operation, argument, operation & 1 && below(f, 2) ? 0 : count);
}

void try_ring(struct fuzzer *f)
{
    if (!f->ring)
        make(f);
    else if (below(f, 24) == 0)
        drop(f);
    else if (below(f, 6) == 0)
        set_registered(f, f->ring);
    else
        submit(f, f->ring);
}
