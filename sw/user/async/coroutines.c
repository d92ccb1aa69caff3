/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines that read: coroutines uring|uintr FILE [-n COROUTINES] [-r READS]
 *
 * Each coroutine reads READS blocks of 4 KB of the file, one after the other, with what looks like a blocking call; all
 * of them wait for their blocks at the same time. In the form uintr main computes all the while, and the handler of the
 * completions resumes the coroutines between two of its instructions; in the form uring it looks for completions
 * between pieces of its computation. The file is read around the page cache; afterwards every block is compared with
 * what pread() gives. */
#include "coroutine.h"
#include "number.h"
#include "ring.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 4096, STACK_BYTES = 16384, COROUTINES_MAX = 4096 };

struct reader {
    struct coroutine *coroutine;
    unsigned index;
    int result; /* of the read that it waits for */
    bool is_wrong;
    char *blocks; /* all that it reads */
};

static struct ring ring;
static struct reader *readers;
static int file;
static uint64_t file_blocks;
static unsigned reads = 4;
static volatile unsigned finished, done_reads;
static volatile uint64_t work; /* what main computed */

static uint64_t block_of(const struct reader *r, unsigned i)
{
    return ((uint64_t)r->index * 7919 + (uint64_t)i * 104729) % file_blocks;
}

/* Looks like pread(); others run meanwhile. Interrupts are masked in here, as wherever a coroutine runs. */
static int read_block(struct reader *r, char *to, uint64_t block)
{
    struct io_uring_sqe *sqe = ring_request(&ring, r->index);
    io_uring_prep_read(sqe, file, to, BLOCK_BYTES, block * BLOCK_BYTES);
    ring_submit(&ring);
    coroutine_yield();
    return r->result;
}

static void read_blocks(void *arg)
{
    struct reader *r = arg;
    for (unsigned i = 0; i < reads; i++) {
        if (read_block(r, r->blocks + (size_t)i * BLOCK_BYTES, block_of(r, i)) != BLOCK_BYTES)
            r->is_wrong = true;
        done_reads++;
    }
    finished++;
}

static void check(struct reader *r, int cached)
{
    char expected[BLOCK_BYTES];
    for (unsigned i = 0; i < reads; i++)
        if (pread(cached, expected, BLOCK_BYTES, (off_t)(block_of(r, i) * BLOCK_BYTES)) != BLOCK_BYTES ||
            memcmp(r->blocks + (size_t)i * BLOCK_BYTES, expected, BLOCK_BYTES) != 0)
            r->is_wrong = true;
}

static void on_completion(struct ring *unused, uint64_t user_data, int result)
{
    struct reader *r = &readers[user_data];
    (void)unused;
    r->result = result;
    coroutine_resume(r->coroutine);
}

static void compute(void)
{
    uint64_t x = work;
    for (unsigned i = 0; i < 1000; i++)
        x = x * 6364136223846793005ull + 1;
    work = x;
}

static void usage(void)
{
    fputs("usage: coroutines uring|uintr FILE [-n COROUTINES] [-r READS]\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    unsigned count = 1000, wrong = 0;
    uint64_t pieces = 0;
    for (int option; (option = getopt(argc, argv, "n:r:")) != -1;) {
        if (option == 'n')
            count = (unsigned)number(optarg, 1, COROUTINES_MAX);
        else if (option == 'r')
            reads = (unsigned)number(optarg, 1, 1000000);
        else
            usage();
    }
    if (argc - optind != 2)
        usage();
    enum form form = form_of(argv[optind]);
    if (form == FORM_NORMAL)
        usage();
    struct stat st;
    file = open(argv[optind + 1], O_RDONLY | O_DIRECT);
    int cached = open(argv[optind + 1], O_RDONLY);
    if (file < 0 || cached < 0 || fstat(file, &st))
        fail(argv[optind + 1]);
    file_blocks = (uint64_t)st.st_size / BLOCK_BYTES;
    if (!file_blocks) {
        fprintf(stderr, "coroutines: %s: a block of %d bytes at least is expected\n", argv[optind + 1], BLOCK_BYTES);
        return EXIT_FAILURE;
    }

    readers = calloc(count, sizeof *readers);
    if (!readers)
        fail("memory");
    ring_open(&ring, form, count, on_completion);
    uint64_t began = now_ns();
    for (unsigned i = 0; i < count; i++) {
        readers[i].index = i;
        readers[i].blocks = aligned_alloc(BLOCK_BYTES, (size_t)reads * BLOCK_BYTES);
        readers[i].coroutine = coroutine_create(read_blocks, &readers[i], STACK_BYTES);
        if (!readers[i].coroutine || !readers[i].blocks)
            fail("a coroutine");
        ring_lock(&ring);
        coroutine_resume(readers[i].coroutine); /* up to its first read */
        ring_unlock(&ring);
    }
    while (finished < count) {
        compute();
        pieces++;
        if (form == FORM_URING)
            ring.by_polling += ring_reap(&ring);
    }
    uint64_t took = now_ns() - began;
    for (unsigned i = 0; i < count; i++) {
        check(&readers[i], cached);
        wrong += readers[i].is_wrong;
        free(readers[i].blocks);
        coroutine_destroy(readers[i].coroutine);
    }
    ring_close(&ring);
    printf("form %s  coroutines %u  reads %u  wrong %u\n", form_names[form], count, done_reads, wrong);
    printf("total %.1f us  computed meanwhile %llu pieces\n", (double)took / 1e3, (unsigned long long)pieces);
    printf("resumed by interrupt %llu  by polling %llu\n", (unsigned long long)ring.by_interrupt,
           (unsigned long long)ring.by_polling);
    free(readers);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
