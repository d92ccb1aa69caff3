// SPDX-License-Identifier: Apache-2.0
// Reads and writes of a file on the disk by io_uring, compared with read(): of any size, in pieces, directly,
// cancelled, left alone by a process that ends. uring_disk FILE, which has at least 1 MiB; the status is 1 at the first
// difference. uring_disk FILE full: writes that fill the disk. uring_disk FILE BYTE: there is a bad sector.
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 32, SMALL = 4096, SECTOR = 512 };

static struct io_uring ring;
static uint8_t *expected, *got;
static size_t size;

static void fail(const char *what, long number)
{
    printf("FAIL %s (%ld)\n", what, number);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static long wait_one(uint64_t *which)
{
    struct io_uring_cqe *cqe;
    int error = io_uring_wait_cqe(&ring, &cqe);
    if (error)
        fail("waiting", error);
    long result = cqe->res;
    if (which)
        *which = cqe->user_data;
    io_uring_cqe_seen(&ring, cqe);
    return result;
}

static long read_once(int fd, void *to, unsigned bytes, uint64_t at)
{
    io_uring_prep_read(io_uring_get_sqe(&ring), fd, to, bytes, at);
    io_uring_submit(&ring);
    return wait_one(NULL);
}

static void check_many(int fd, unsigned bytes, const char *what)
{
    uint64_t pages = (size - bytes) / SMALL, at[MANY], state = bytes + (unsigned)fd, start = now();
    for (unsigned i = 0; i < MANY; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        at[i] = (state >> 33) % (pages + 1) * SMALL;
        struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
        io_uring_prep_read(sqe, fd, got + i * bytes, bytes, at[i]);
        io_uring_sqe_set_data64(sqe, i);
    }
    if (io_uring_submit(&ring) != MANY)
        fail("submit", 0);
    uint64_t submitted = now();
    unsigned ready = io_uring_cq_ready(&ring);
    for (unsigned n = 0; n < MANY; n++) {
        uint64_t i;
        long result = wait_one(&i);
        if (result != (long)bytes)
            fail(what, result);
        if (memcmp(got + i * bytes, expected + at[i], bytes) != 0)
            fail(what, -1);
    }
    printf("%s: %u reads of %u submitted in %llu us, %u of them ready then, all in %llu us\n", what, MANY, bytes,
           (unsigned long long)(submitted - start) / 1000, ready, (unsigned long long)(now() - start) / 1000);
}

static void check_whole(int fd, const char *what)
{
    memset(got, 0, size);
    uint64_t start = now();
    io_uring_prep_read(io_uring_get_sqe(&ring), fd, got, (unsigned)size, 0);
    io_uring_submit(&ring);
    uint64_t submitted = now();
    long result = wait_one(NULL);
    if (result != (long)size || memcmp(got, expected, size) != 0)
        fail(what, result);
    printf("%s: %zu bytes, submitted in %llu us, read in %llu us\n", what, size,
           (unsigned long long)(submitted - start) / 1000, (unsigned long long)(now() - start) / 1000);
}

static void check_pieces(int fd)
{
    struct iovec v[6] = {{got, 5000},         {got + 6000, 0},      {got + 7000, 1},
                         {got + 8001, 70000}, {got + 100000, 4096}, {got + 200000, 3}};
    size_t all = 5000 + 1 + 70000 + 4096 + 3, at = 12345;
    io_uring_prep_readv(io_uring_get_sqe(&ring), fd, v, 6, at);
    io_uring_submit(&ring);
    if (wait_one(NULL) != (long)all)
        fail("pieces", 0);
    for (int i = 0; i < 6; at += v[i++].iov_len)
        if (memcmp(v[i].iov_base, expected + at, v[i].iov_len) != 0)
            fail("bytes of pieces", i);
    for (unsigned i = 0; i < 4; i++) { // at the file's own position
        if (read_once(fd, got, 3000, UINT64_MAX) != 3000 || memcmp(got, expected + i * 3000, 3000) != 0)
            fail("position", i);
    }
    if (lseek(fd, 0, SEEK_CUR) != 12000)
        fail("position afterwards", lseek(fd, 0, SEEK_CUR));
}

// Whole sectors, anywhere in the file and in memory, in several pieces; not a byte beside them is touched.
static void check_sectors(int fd)
{
    enum { ROUNDS = 200, PIECES = 3, MOST = 300 };
    uint64_t state = 77;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct iovec v[PIECES];
        size_t all = 0, begin = 0;
        for (unsigned i = 0; i < PIECES; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            begin += SECTOR * (1 + (state >> 60));
            v[i] = (struct iovec){got + begin, SECTOR * (1 + (state >> 33) % MOST)};
            begin += v[i].iov_len;
            all += v[i].iov_len;
        }
        size_t at = (state >> 33) % (size / SECTOR) * SECTOR;
        if (round % 8 == 0) // to the end of the file and beyond
            at = (size - all / 2) / SECTOR * SECTOR;
        memset(got, 'g', begin + SECTOR);
        io_uring_prep_readv(io_uring_get_sqe(&ring), fd, v, PIECES, at);
        io_uring_submit(&ring);
        size_t there = size - at < all ? size - at : all;
        long result = wait_one(NULL);
        if (result != (long)there)
            fail("length of sectors", result);
        uint8_t *outside = got;
        for (unsigned i = 0; i < PIECES; i++) {
            uint8_t *to = v[i].iov_base;
            size_t n = there < v[i].iov_len ? there : v[i].iov_len;
            if (memcmp(to, expected + at, n) != 0)
                fail("bytes of sectors", (long)at);
            for (; outside < to; outside++)
                if (*outside != 'g')
                    fail("byte beside sectors", outside - got);
            outside = to + v[i].iov_len;
            at += n;
            there -= n;
        }
    }
}

static void check_errors(int fd)
{
    long result;
    if ((result = read_once(fd, got, SMALL, size)) != 0 || (result = read_once(fd, got, SMALL, size - 10)) != 10)
        fail("end of the file", result);
    if ((result = read_once(fd, (void *)0x1000, SMALL, 0)) != -EFAULT)
        fail("bad address", result);
    uint8_t *edge = mmap(NULL, 2 * SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(edge + SMALL, SMALL);
    if ((result = read_once(fd, edge, 2 * SMALL, 0)) != SMALL || memcmp(edge, expected, SMALL) != 0)
        fail("address bad from the middle on", result);
}

// A hole is no work for the disk, and a lot to be cleared: the submitter does not wait for all of it.
static void check_hole(const char *path)
{
    char name[300];
    snprintf(name, sizeof name, "%s.hole", path);
    int fd = open(name, O_CREAT | O_RDWR | O_DIRECT, 0644);
    unsigned bytes = (unsigned)size & ~4095u;
    memset(got, 1, bytes);
    if (fd < 0 || ftruncate(fd, bytes))
        fail("hole", errno);
    uint64_t start = now();
    io_uring_prep_read(io_uring_get_sqe(&ring), fd, got, bytes, 0);
    io_uring_submit(&ring);
    uint64_t submitted = now();
    long result = wait_one(NULL);
    uint64_t end = now();
    printf("hole: %u bytes, submitted in %llu us, read in %llu us\n", bytes,
           (unsigned long long)(submitted - start) / 1000, (unsigned long long)(end - start) / 1000);
    for (unsigned i = 0; i < bytes; i++)
        if (got[i])
            fail("byte of a hole", i);
    if (result != bytes || (bytes > 16 << 20 && submitted - start > (end - start) / 2))
        fail("reading a hole", result);
    close(fd);
    unlink(name);
}

// Cancelled or not, and how much of it there is: once its completion is there the disk leaves the memory alone.
static void check_cancel(int fd)
{
    unsigned bytes = (unsigned)size & ~4095u;
    long read_result = 0, cancel_result = 0;
    memset(got, 0, bytes);
    for (int i = 0; i < 2; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
        if (i)
            io_uring_prep_cancel64(sqe, 1, 0);
        else
            io_uring_prep_read(sqe, fd, got, bytes, 0);
        io_uring_sqe_set_data64(sqe, i ? 2 : 1);
        io_uring_submit(&ring);
    }
    for (int i = 0; i < 2; i++) {
        uint64_t which;
        long result = wait_one(&which);
        *(which == 1 ? &read_result : &cancel_result) = result;
        if (which == 1)
            memset(got, 'u', bytes);
    }
    if (cancel_result ? cancel_result != -EALREADY || read_result <= 0 || read_result > (long)bytes
                      : read_result != -ECANCELED && (read_result <= 0 || read_result >= (long)bytes))
        printf("%ld ", read_result), fail("cancelled", cancel_result);
    usleep(100000);
    for (unsigned i = 0; i < bytes; i++)
        if (got[i] != 'u')
            fail("memory changed after the completion", i);
}

static void check_end(const char *path)
{
    for (int i = 0; i < 4; i++) {
        if (!fork()) {
            int fd = open(path, O_RDONLY | O_DIRECT);
            io_uring_queue_init(8, &ring, 0);
            for (int k = 0; k < 8; k++)
                io_uring_prep_read(io_uring_get_sqe(&ring), fd, got, (unsigned)size & ~4095u, 0);
            io_uring_submit(&ring);
            usleep((useconds_t)(i * 100));
            _exit(i & 1 ? 0 : execl("/bin/true", "true", NULL));
        }
    }
    int status;
    while (wait(&status) > 0)
        if (status)
            fail("process that ended", status);
}

static void check_writing(const char *path)
{
    char name[300];
    snprintf(name, sizeof name, "%s.written", path);
    int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    io_uring_prep_write(sqe, fd, expected, 500001, 0);
    sqe->flags |= IOSQE_IO_LINK;
    io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, 0);
    io_uring_submit(&ring);
    if (wait_one(NULL) != 500001 || wait_one(NULL))
        fail("writing", 0);
    close(fd);
    fd = open(name, O_RDONLY | O_DIRECT);
    if (read_once(fd, got, 1 << 20, 0) != 500001 || memcmp(got, expected, 500001) != 0)
        fail("reading what was written", 0);
    close(fd);
    unlink(name);
}

// Reads while another process writes, cuts and removes the file, while the memory they go to is unmapped, and some that
// are cancelled.
static void check_races(const char *path)
{
    enum { BYTES = 300000, ROUNDS = 60 };
    char name[300];
    snprintf(name, sizeof name, "%s.race", path);
    pid_t child = fork();
    if (!child) {
        memset(got, 'x', BYTES);
        for (unsigned i = 0;; i++) {
            int fd = open(name, O_CREAT | O_RDWR, 0644);
            if (write(fd, got, BYTES) != BYTES || (i % 3 && ftruncate(fd, i % 7 * 40001)) || (!(i % 4) && fsync(fd)) ||
                (!(i % 2) && unlink(name)))
                _exit(1);
            close(fd);
        }
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        int fd = open(name, O_RDONLY | (i & 1 ? O_DIRECT : 0));
        if (fd < 0) {
            usleep(100);
            continue;
        }
        size_t piece = BYTES / 8 / SMALL * SMALL;
        uint8_t *to = mmap(NULL, 8 * piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (unsigned k = 0; k < 8; k++) {
            struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
            io_uring_prep_read(sqe, fd, to + k * piece, (unsigned)piece, k * piece);
            io_uring_sqe_set_data64(sqe, k);
        }
        io_uring_submit(&ring);
        bool is_unmapped = i % 3 == 2, is_cancelled = i % 4 > 1;
        usleep(is_cancelled ? i * 7 % 200 : 0);
        for (unsigned k = 0; k < 8 && is_cancelled; k++) {
            struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
            io_uring_prep_cancel64(sqe, k, 0);
            io_uring_sqe_set_data64(sqe, 8);
        }
        io_uring_submit(&ring);
        if (is_unmapped)
            munmap(to, 8 * piece);
        close(fd);
        for (unsigned k = 0; k < (is_cancelled ? 16 : 8); k++) {
            uint64_t which;
            long result = wait_one(&which);
            if (which == 8 ? result && result != -ENOENT && result != -EALREADY : result == -ECANCELED && !is_cancelled)
                fail("cancelling a racing read", result);
            if (which == 8 || result == -ECANCELED)
                continue;
            if (is_unmapped ? result < 0 && result != -EFAULT : result < 0)
                fail("racing read", result);
            for (long b = 0; b < result && !is_unmapped; b++)
                if (to[which * piece + (size_t)b] != 'x')
                    fail("byte of a racing read", b);
        }
        munmap(to, 8 * piece);
    }
    kill(child, SIGKILL);
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        fail("racing writer", status);
    unlink(name);
}

static long write_once(int fd, unsigned bytes, uint64_t at)
{
    io_uring_prep_write(io_uring_get_sqe(&ring), fd, got, bytes, at);
    io_uring_submit(&ring);
    return wait_one(NULL);
}

static long fsync_once(int fd)
{
    io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, 0);
    io_uring_submit(&ring);
    return wait_one(NULL);
}

// What fits is written, no more, and there is room again when it is gone.
static void check_full(const char *path)
{
    char name[300];
    snprintf(name, sizeof name, "%s.full", path);
    memset(got, 'x', 1 << 20);
    for (int i = 0; i < 2; i++) {
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR | (i ? O_DIRECT : 0), 0644);
        uint64_t at = 0;
        long result;
        while ((result = write_once(fd, 1 << 20, at)) > 0)
            at += (uint64_t)result;
        struct stat s;
        if (result != -ENOSPC || fstat(fd, &s) || (uint64_t)s.st_size != at || !at)
            fail("full disk", result);
        if ((result = fsync_once(fd)) || (result = read_once(fd, got, SMALL, (at - 1) & ~4095u)) <= 0 || got[0] != 'x')
            fail("file of a full disk", result);
        close(fd);
        unlink(name);
    }
}

// Only the page of the bad sector is lost.
static void check_bad(const char *path, uint64_t bad)
{
    bad &= ~4095u;
    for (int i = 0; i < 4; i++) {
        int fd = open(path, O_RDWR | (i & 1 ? O_DIRECT : 0));
        long result;
        if ((result = read_once(fd, got, SMALL, bad)) != -EIO || (result = read_once(fd, got, 1, bad + 4095)) != -EIO)
            fail("bad page", result);
        if ((result = read_once(fd, got, 1 << 20, bad - 65536)) != 65536)
            fail("up to the bad page", result);
        if ((result = read_once(fd, got, 65536, bad + SMALL)) != 65536)
            fail("behind the bad page", result);
        close(fd);
    }
    char all[SMALL * 3];
    int fd = open(path, O_RDWR);
    if (pread(fd, all, SMALL, (off_t)bad - SMALL) != SMALL || pread(fd, all, SMALL, (off_t)bad) != -1 || errno != EIO)
        fail("bad page of read()", errno);
    close(fd);
}

int main(int argc, char **argv)
{
    struct stat s;
    if (argc < 2 || stat(argv[1], &s) || s.st_size < 1 << 20)
        return 2;
    size = (size_t)s.st_size;
    size_t room = size > (size_t)MANY << 16 ? size : (size_t)MANY << 16;
    expected = malloc(size);
    got = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open(argv[1], O_RDONLY), direct = open(argv[1], O_RDONLY | O_DIRECT);
    if (io_uring_queue_init(64, &ring, 0) || fd < 0 || direct < 0)
        return 2;
    if (argc > 2) {
        if (strcmp(argv[2], "full") != 0)
            check_bad(argv[1], strtoull(argv[2], NULL, 0));
        else
            check_full(argv[1]);
        puts("no difference");
        return 0;
    }
    uint8_t *cold = malloc(size); // before anything else brings it into memory
    long first = read_once(fd, cold, (unsigned)size, 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(fd, expected + at, size - at, (off_t)at);
        if (n <= 0)
            fail("read()", n);
        at += (size_t)n;
    }
    if (first != (long)size || memcmp(cold, expected, size) != 0)
        fail("the first read", first);
    free(cold);
    check_many(direct, SMALL, "direct");
    check_many(direct, 65536, "direct");
    check_many(fd, SMALL, "in memory");
    check_whole(direct, "direct");
    check_whole(fd, "in memory");
    check_pieces(fd);
    check_pieces(direct);
    check_sectors(direct);
    check_errors(fd);
    check_errors(direct);
    check_cancel(fd);
    check_cancel(direct);
    check_hole(argv[1]);
    check_end(argv[1]);
    check_writing(argv[1]);
    check_races(argv[1]);
    puts("no difference");
    return 0;
}
