/* SPDX-License-Identifier: Apache-2.0 */
/* cp on a ring: uring_cp normal|uring|uintr FROM TO. Several blocks are on their way at once, each read first and then
 * written by its completion; an fsync that waits for all of them ends the copy. */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 131072, DEPTH = 8, FSYNC = DEPTH };

struct block {
    uint64_t offset;
    unsigned size, done; /* bytes to move, bytes of them read or written */
    bool is_writing;
    char *bytes;
};

static struct block blocks[DEPTH];
static int from, to;
static uint64_t next_offset, total;
static volatile bool is_synced;
static volatile int error; /* errno of the first failure */

static void request(struct ring *ring, struct block *b)
{
    struct io_uring_sqe *sqe = ring_request(ring, (uint64_t)(b - blocks));
    if (b->is_writing)
        io_uring_prep_write(sqe, to, b->bytes + b->done, b->size - b->done, b->offset + b->done);
    else
        io_uring_prep_read(sqe, from, b->bytes + b->done, b->size - b->done, b->offset + b->done);
    ring_submit(ring);
}

/* The next block of the file, if there is one. */
static void begin(struct ring *ring, struct block *b)
{
    if (next_offset >= total || error)
        return;
    uint64_t left = total - next_offset;
    *b = (struct block){next_offset, left < BLOCK_BYTES ? (unsigned)left : BLOCK_BYTES, 0, false, b->bytes};
    next_offset += b->size;
    request(ring, b);
}

static void on_completion(struct ring *ring, uint64_t user_data, int result)
{
    if (result == 0 && user_data != FSYNC)
        result = -EIO; /* the file became shorter meanwhile, or takes no more */
    if (result < 0 && !error)
        error = -result;
    if (user_data == FSYNC)
        is_synced = true;
    if (user_data == FSYNC || error)
        return;
    struct block *b = &blocks[user_data];
    b->done += (unsigned)result;
    if (b->done < b->size)
        return request(ring, b);
    if (b->is_writing)
        return begin(ring, b);
    b->is_writing = true;
    b->done = 0;
    request(ring, b);
}

static void copy_with_ring(enum form form)
{
    struct ring ring;
    ring_open(&ring, form, DEPTH, on_completion);
    ring_lock(&ring);
    for (unsigned i = 0; i < DEPTH; i++)
        begin(&ring, &blocks[i]);
    ring_unlock(&ring);
    while (ring.in_flight)
        ring_wait(&ring);
    if (!error) {
        ring_lock(&ring);
        io_uring_prep_fsync(ring_request(&ring, FSYNC), to, 0);
        ring_submit(&ring);
        ring_unlock(&ring);
    }
    while (ring.in_flight)
        ring_wait(&ring);
    ring_close(&ring);
    if (!error && !is_synced)
        error = EIO;
}

static void copy_blocking(void)
{
    char *bytes = blocks[0].bytes;
    ssize_t n;
    while ((n = read(from, bytes, BLOCK_BYTES)) > 0)
        for (ssize_t done = 0; done < n;) {
            ssize_t written = write(to, bytes + done, (size_t)(n - done));
            if (written <= 0)
                fail("writing");
            done += written;
        }
    if (n < 0 || fsync(to))
        fail("copying");
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc != 4) {
        fputs("usage: uring_cp normal|uring|uintr FROM TO\n", stderr);
        return 2;
    }
    enum form form = form_of(argv[1]);
    from = open(argv[2], O_RDONLY);
    if (from < 0 || fstat(from, &st))
        fail(argv[2]);
    to = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, st.st_mode & 0777);
    if (to < 0)
        fail(argv[3]);
    total = (uint64_t)st.st_size;
    for (unsigned i = 0; i < DEPTH; i++)
        if (!(blocks[i].bytes = malloc(BLOCK_BYTES)))
            fail("buffers");
    if (form == FORM_NORMAL)
        copy_blocking();
    else
        copy_with_ring(form);
    if (error) {
        errno = error;
        fail("copying");
    }
    return EXIT_SUCCESS;
}
