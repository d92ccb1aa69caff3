/* SPDX-License-Identifier: Apache-2.0 */
/* cat on a ring: uring_cat normal|uring|uintr FILE... Some blocks ahead of the one that is being written are in flight.
 * In the form uintr the handler takes the completions; the program waits only when the next block is not there yet. */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 65536, DEPTH = 8 };

struct block {
    uint64_t offset;
    unsigned got;       /* bytes so far */
    volatile bool done; /* it is full, or the file ends in it */
    int error;          /* errno */
    char bytes[BLOCK_BYTES];
};

static struct block blocks[DEPTH];
static int input;

static void request(struct ring *ring, struct block *b)
{
    struct io_uring_sqe *sqe = ring_request(ring, (uint64_t)(b - blocks));
    io_uring_prep_read(sqe, input, b->bytes + b->got, BLOCK_BYTES - b->got, b->offset + b->got);
    ring_submit(ring);
}

static void on_completion(struct ring *ring, uint64_t user_data, int result)
{
    struct block *b = &blocks[user_data];
    if (result == -EINTR || result == -EAGAIN)
        return request(ring, b);
    if (result < 0)
        b->error = -result;
    else
        b->got += (unsigned)result;
    if (result > 0 && b->got < BLOCK_BYTES)
        return request(ring, b); /* less than a block is not yet the end of the file */
    b->done = true;
}

static void begin(struct ring *ring, unsigned i, uint64_t offset)
{
    struct block *b = &blocks[i];
    b->offset = offset;
    b->got = 0;
    b->error = 0;
    b->done = false;
    ring_lock(ring);
    request(ring, b);
    ring_unlock(ring);
}

static void put(const char *bytes, size_t count)
{
    while (count) {
        ssize_t n = write(STDOUT_FILENO, bytes, count);
        if (n < 0 && errno != EINTR)
            fail("standard output");
        if (n > 0) {
            bytes += n;
            count -= (size_t)n;
        }
    }
}

static void cat_with_ring(struct ring *ring, const char *name)
{
    uint64_t offset = 0;
    for (unsigned i = 0; i < DEPTH; i++, offset += BLOCK_BYTES)
        begin(ring, i, offset);
    for (unsigned i = 0;; i = (i + 1) % DEPTH) {
        struct block *b = &blocks[i];
        while (!b->done) {
            if (ring->form == FORM_URING)
                ring->by_polling += ring_reap(ring);
            if (!b->done)
                ring_wait(ring);
        }
        put(b->bytes, b->got);
        if (b->error) {
            errno = b->error;
            fail(name);
        }
        if (b->got < BLOCK_BYTES)
            break;
        begin(ring, i, offset);
        offset += BLOCK_BYTES;
    }
    while (ring->in_flight) /* blocks behind the end of the file */
        ring_wait(ring);
}

static void cat_blocking(const char *name)
{
    ssize_t n;
    while ((n = read(input, blocks[0].bytes, BLOCK_BYTES)) != 0) {
        if (n < 0)
            fail(name);
        put(blocks[0].bytes, (size_t)n);
    }
}

int main(int argc, char **argv)
{
    struct ring ring = {.form = FORM_NORMAL};
    if (argc < 3) {
        fputs("usage: uring_cat normal|uring|uintr FILE...\n", stderr);
        return 2;
    }
    enum form form = form_of(argv[1]);
    if (form != FORM_NORMAL)
        ring_open(&ring, form, DEPTH, on_completion);
    for (int i = 2; i < argc; i++) {
        input = open(argv[i], O_RDONLY);
        if (input < 0)
            fail(argv[i]);
        if (form == FORM_NORMAL)
            cat_blocking(argv[i]);
        else
            cat_with_ring(&ring, argv[i]);
        close(input);
    }
    if (form != FORM_NORMAL)
        ring_close(&ring);
    return EXIT_SUCCESS;
}
