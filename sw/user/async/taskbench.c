/* SPDX-License-Identifier: Apache-2.0 */
/* Computing and reading at once: taskbench FORM N_IO N_COMPUTE [-d FOLDER] [-s SCALE]
 *
 * A fixed random order of reads of 4 KB, 4 MB and 40 MB, one in flight at a time, and of compute tasks of 1 to 10 times
 * 700 000 multiplications. FORM normal blocks in each read; uring looks for the completion after each compute task;
 * with uintr the completion interrupts the task, and its handler starts the next read. Prints the total time and, for
 * each size, the latency of its reads: from the request until the program knows that the data is there.
 *
 * The data is read around the page cache (O_DIRECT), so that the device is measured. Files 4k, 4m and 40m of the folder
 * are made if they are missing; each read is checked at a word of every page. -s divides the multiplications and the
 * two larger sizes. */
#include "number.h"
#include "ring.h"
#include "work_trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLASSES = 3, PAGE = 4096, UNIT = 700000, TASKS_MAX = 100000 };

struct size_class {
    const char *name;
    size_t bytes;
    int fd;
    unsigned count;
    uint64_t *latency; /* ns, of each read */
};

static struct size_class classes[CLASSES] = {
    {.name = "4k", .bytes = 4096}, {.name = "4m", .bytes = 4 << 20}, {.name = "40m", .bytes = 40 << 20}};

/* The reads in their order, and the one that is in flight. */
static struct reading {
    unsigned char order[TASKS_MAX]; /* a class each */
    unsigned count, next;
    uint64_t began;
    void *buffer;
} reading;

static uint64_t random_state = 20231130;
static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)((random_state >> 33) % n);
}

/* --- the files --- */

static uint64_t word_of(uint64_t offset) { return (offset / PAGE + 1) * 0x9e3779b97f4a7c15ull; }

static void make_file(int dir, const struct size_class *c)
{
    uint64_t page[PAGE / 8];
    int fd = openat(dir, c->name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0)
        fail(c->name);
    for (uint64_t at = 0; at < c->bytes; at += PAGE) {
        for (unsigned i = 0; i < PAGE / 8; i++)
            page[i] = word_of(at);
        if (write(fd, page, PAGE) != PAGE)
            fail(c->name);
    }
    if (fsync(fd) || close(fd))
        fail(c->name);
}

static void open_files(const char *folder, unsigned scale)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        fail(folder);
    for (struct size_class *c = classes; c < classes + CLASSES; c++) {
        struct stat st;
        if (fstatat(dir, c->name, &st, 0) || (size_t)st.st_size < c->bytes)
            make_file(dir, c);
        c->fd = openat(dir, c->name, O_RDONLY | O_DIRECT);
        if (c->fd < 0)
            fail(c->name);
        if (c->bytes > PAGE)
            c->bytes = c->bytes / scale / PAGE * PAGE;
        if (!c->bytes)
            c->bytes = PAGE;
    }
    close(dir);
}

static void check(const struct size_class *c)
{
    for (uint64_t at = 0; at < c->bytes; at += PAGE)
        if (*(const uint64_t *)((const char *)reading.buffer + at) != word_of(at)) {
            fprintf(stderr, "taskbench: file %s, offset %llu: not what was written\n", c->name, (unsigned long long)at);
            _exit(EXIT_FAILURE);
        }
}

/* --- reading --- */

static void note(int64_t result)
{
    struct size_class *c = &classes[reading.order[reading.next]];
    if (result != (int64_t)c->bytes) {
        fprintf(stderr, "taskbench: read %u, file %s: %lld instead of %zu bytes\n", reading.next, c->name,
                (long long)result, c->bytes);
        _exit(EXIT_FAILURE);
    }
    c->latency[c->count++] = now_ns() - reading.began;
    check(c);
    memset(reading.buffer, 0, PAGE); /* so that the next read of the same cannot pass for done */
    reading.next++;
}

static void start_next(struct ring *ring)
{
    if (reading.next == reading.count)
        return;
    const struct size_class *c = &classes[reading.order[reading.next]];
    struct io_uring_sqe *sqe = ring_request(ring, 0);
    io_uring_prep_read(sqe, c->fd, reading.buffer, (unsigned)c->bytes, 0);
    reading.began = now_ns();
    ring_submit(ring);
}

static void on_completion(struct ring *ring, uint64_t user_data, int result)
{
    (void)user_data;
    note(result);
    start_next(ring);
}

static void read_blocking(void)
{
    const struct size_class *c = &classes[reading.order[reading.next]];
    reading.began = now_ns();
    note(pread(c->fd, reading.buffer, c->bytes, 0));
}

/* --- computing --- */

static volatile uint64_t product;

__attribute__((noinline)) static void multiply(uint64_t times)
{
    uint64_t x = product | 1;
#pragma GCC unroll 8
    for (; times; times--) {
        x *= 6364136223846793005ull;
        __asm__ volatile("" : "+r"(x)); /* one multiplication after the other */
    }
    product = x;
}

/* --- the run --- */

/* Tasks in their order: true is a read. The reads' classes come in the order of the reads. */
static bool *shuffle(unsigned reads, unsigned computes)
{
    bool *is_read = calloc(reads + computes + 1, 1);
    for (unsigned i = 0; i < reads; i++)
        is_read[i] = true;
    for (unsigned i = reads + computes; i > 1; i--) {
        unsigned j = random_below(i);
        bool other = is_read[j];
        is_read[j] = is_read[i - 1];
        is_read[i - 1] = other;
    }
    return is_read;
}

static uint64_t run(struct ring *ring, enum form form, const bool *is_read, unsigned tasks, unsigned scale)
{
    uint64_t computing = 0;
    bool is_traced = work_trace_open();
    if (form != FORM_NORMAL) {
        ring_lock(ring);
        start_next(ring);
        ring_unlock(ring);
    }
    for (unsigned i = 0; i < tasks; i++) {
        if (is_read[i] && form == FORM_NORMAL)
            read_blocking();
        if (is_read[i])
            continue;
        uint64_t began = now_ns();
        work_begin(is_traced, i);
        multiply((uint64_t)UNIT * (1 + random_below(10)) / scale);
        work_end(is_traced);
        computing += now_ns() - began;
        if (form != FORM_NORMAL)
            ring_poll(ring);
    }
    while (form != FORM_NORMAL && reading.next < reading.count)
        ring_wait(ring);
    return computing;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_class(const struct size_class *c)
{
    uint64_t sum = 0;
    if (!c->count)
        return;
    qsort(c->latency, c->count, sizeof *c->latency, by_value);
    for (unsigned i = 0; i < c->count; i++)
        sum += c->latency[i];
    uint64_t min = c->latency[0], median = c->latency[c->count / 2], max = c->latency[c->count - 1];
    printf("%-4s %5u reads  min %9.1f  median %9.1f  max %9.1f  sum %11.1f us\n", c->name, c->count, (double)min / 1e3,
           (double)median / 1e3, (double)max / 1e3, (double)sum / 1e3);
}

static _Noreturn void usage(void)
{
    fputs("usage: taskbench normal|uring|uintr N_IO N_COMPUTE [-d FOLDER] [-s SCALE]\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    const char *folder = "/mnt";
    unsigned scale = 1;
    for (int option; (option = getopt(argc, argv, "d:s:")) != -1;) {
        if (option == 'd')
            folder = optarg;
        else if (option == 's')
            scale = (unsigned)number(optarg, 1, 1000);
        else
            usage();
    }
    if (argc - optind != 3)
        usage();
    enum form form = form_of(argv[optind]);
    unsigned computes = (unsigned)number(argv[optind + 2], 0, TASKS_MAX);
    reading.count = (unsigned)number(argv[optind + 1], 0, TASKS_MAX);

    struct ring ring;
    open_files(folder, scale);
    size_t bytes = classes[CLASSES - 1].bytes;
    reading.buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reading.buffer == MAP_FAILED)
        fail("a buffer");
    memset(reading.buffer, 1, bytes); /* no read shall have to find memory for it */
    for (unsigned i = 0; i < reading.count; i++)
        reading.order[i] = (unsigned char)random_below(CLASSES);
    for (struct size_class *c = classes; c < classes + CLASSES; c++)
        c->latency = calloc(reading.count + 1, sizeof *c->latency);
    bool *is_read = shuffle(reading.count, computes);
    if (form != FORM_NORMAL)
        ring_open(&ring, form, 8, on_completion);

    uint64_t began = now_ns();
    uint64_t computing = run(&ring, form, is_read, reading.count + computes, scale);
    uint64_t total = now_ns() - began;
    free(is_read);

    printf("form %s  reads %u  computes %u  scale %u\n", form_names[form], reading.count, computes, scale);
    printf("total %.1f us  computing %.1f us\n", (double)total / 1e3, (double)computing / 1e3);
    for (const struct size_class *c = classes; c < classes + CLASSES; c++)
        print_class(c);
    if (form != FORM_NORMAL) {
        printf("completions by interrupt %llu  by polling %llu  by waiting %llu\n",
               (unsigned long long)ring.by_interrupt, (unsigned long long)ring.by_polling,
               (unsigned long long)ring.by_waiting);
        ring_close(&ring);
    }
    return EXIT_SUCCESS;
}
