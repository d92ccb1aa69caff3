/* SPDX-License-Identifier: Apache-2.0 */
/* uring_checks: what io_uring answers, through Debian's liburing: every operation, links and drains, overflow,
 * submission threads, registered files and buffers, cancelling, time-outs, bad input, ends of rings and processes, and
 * completions as user interrupts (uring_uintr.c). Runs on Linux as well. One line per check, each group in a process of
 * its own. Exit status 1 if a check failed. */
#include "checks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 60, WAIT_MS = 2000 };

bool is_linux;

static struct {
    uint32_t checks, failures;
} * totals; /* of all processes */

/* --- helpers --- */

bool line(bool is_right, const char *format, ...)
{
    va_list list;
    char text[160];
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    printf("%s %s\n", is_right ? "ok  " : "FAIL", text);
    totals->checks++;
    totals->failures += !is_right;
    return is_right;
}

void skip(const char *text) { printf("skip %s\n", text); }

void expect(long result, long expected, const char *text)
{
    if (!line(result == expected, "%s", text))
        printf("       expected %ld, got %ld (%s)\n", expected, result, result < 0 ? strerror((int)-result) : "");
}

_Noreturn void give_up(const char *what)
{
    line(false, "%s: %s", what, strerror(errno));
    exit(1);
}

struct io_uring *open_ring(unsigned entries, unsigned flags)
{
    struct io_uring *ring = calloc(1, sizeof *ring);
    int error = ring ? io_uring_queue_init(entries, ring, flags) : -ENOMEM;
    if (error) {
        errno = -error;
        give_up("io_uring_queue_init");
    }
    return ring;
}

void close_ring(struct io_uring *ring)
{
    io_uring_queue_exit(ring);
    free(ring);
}

struct io_uring_sqe *next_sqe(struct io_uring *ring, uint64_t user_data)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    if (!sqe)
        give_up("io_uring_get_sqe");
    io_uring_prep_nop(sqe);
    sqe->user_data = user_data;
    return sqe;
}

static int await_ms(struct io_uring *ring, uint64_t *user_data, long ms)
{
    struct __kernel_timespec limit = {ms / 1000, ms % 1000 * 1000000};
    struct io_uring_cqe *cqe;
    if (io_uring_wait_cqe_timeout(ring, &cqe, &limit))
        return NOTHING;
    int result = cqe->res;
    if (user_data)
        *user_data = cqe->user_data;
    io_uring_cqe_seen(ring, cqe);
    return result;
}

int await(struct io_uring *ring, uint64_t *user_data) { return await_ms(ring, user_data, WAIT_MS); }

int submit_and_await(struct io_uring *ring)
{
    int n = io_uring_submit(ring);
    return n < 0 ? n : await(ring, NULL);
}

bool has_nothing(struct io_uring *ring) { return await_ms(ring, NULL, 30) == NOTHING; }

uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void sleep_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&pause, &pause) && errno == EINTR)
        continue;
}

long proc_count(const char *name)
{
    char word[32];
    long value, found = -1;
    FILE *f = fopen("/proc/io_uring", "r");
    while (f && fscanf(f, "%31s %ld", word, &value) == 2)
        if (strcmp(word, name) == 0)
            found = value;
    if (f)
        fclose(f);
    return found;
}

void make_pipe(int fds[2])
{
    if (pipe(fds))
        give_up("pipe");
}

int make_file(const char *text)
{
    char name[] = "/tmp/uring_checksXXXXXX";
    int fd = mkstemp(name);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        give_up(name);
    unlink(name);
    return fd;
}

void read_into(struct io_uring *ring, int fd, void *to, unsigned bytes, uint64_t user_data)
{
    io_uring_prep_read(next_sqe(ring, user_data), fd, to, bytes, 0);
}

/* --- the interface --- */

static long set_up(unsigned entries, unsigned flags, unsigned cq_entries, struct io_uring_params *p)
{
    *p = (struct io_uring_params){.flags = flags, .cq_entries = cq_entries};
    long fd = io_uring_setup(entries, p);
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? fd : 0;
}

static void check_setup(void)
{
    struct io_uring_params p;
    expect(set_up(5, 0, 0, &p), 0, "setup of 5 entries");
    line(p.sq_entries == 8 && p.cq_entries == 16, "8 submissions, 16 completions");
    const unsigned needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                            IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS |
                            IORING_FEAT_SQPOLL_NONFIXED | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP |
                            IORING_FEAT_LINKED_FILE;
    line((p.features & needed) == needed, "features");
    expect(set_up(0, 0, 0, &p), -EINVAL, "no entries");
    expect(set_up(40000, 0, 0, &p), -EINVAL, "too many entries");
    expect(set_up(40000, IORING_SETUP_CLAMP, 0, &p), 0, "too many entries, clamped");
    line(p.sq_entries == 32768 && p.cq_entries == 65536, "to 32768 and 65536");
    expect(set_up(4, IORING_SETUP_CQSIZE, 9, &p), 0, "a size for the completions");
    line(p.cq_entries == 16, "9 become 16");
    expect(set_up(4, IORING_SETUP_CQSIZE, 0, &p), -EINVAL, "no completions");
    expect(set_up(4, IORING_SETUP_CQSIZE, 2, &p), -EINVAL, "fewer completions than submissions");
    expect(set_up(4, IORING_SETUP_SQ_AFF, 0, &p), -EINVAL, "a CPU for no thread");
    expect(set_up(4, 1u << 30, 0, &p), -EINVAL, "an unknown flag");
    p = (struct io_uring_params){.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF, .sq_thread_cpu = 700};
    expect(io_uring_setup(4, &p), -EINVAL, "a CPU that does not exist");
    p = (struct io_uring_params){.resv = {1}};
    expect(io_uring_setup(4, &p), -EINVAL, "a reserved word");
    expect(io_uring_setup(4, (void *)8), -EFAULT, "parameters nowhere");
    expect(io_uring_enter(999, 0, 0, 0, NULL), -EBADF, "enter without a descriptor");
    int null = open("/dev/null", O_RDONLY);
    expect(io_uring_enter((unsigned)null, 0, 0, 0, NULL), -EOPNOTSUPP, "enter a file that is no ring");
    struct io_uring *ring = open_ring(4, 0);
    expect(io_uring_enter((unsigned)ring->ring_fd, 0, 0, 0x100, NULL), -EINVAL, "enter with an unknown flag");
    expect(io_uring_enter2((unsigned)ring->ring_fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, NULL, 8),
           -EINVAL, "an extended argument of the wrong size");
    expect(io_uring_enter2((unsigned)ring->ring_fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)8, 24),
           -EFAULT, "an extended argument nowhere");
    expect(io_uring_register((unsigned)ring->ring_fd, 9999, NULL, 0), -EINVAL, "an unknown register operation");
    line((fcntl(ring->ring_fd, F_GETFD) & FD_CLOEXEC) != 0, "a ring is closed by exec");
    struct pollfd look = {.fd = ring->ring_fd, .events = POLLIN | POLLOUT};
    line(poll(&look, 1, 0) == 1 && look.revents == POLLOUT, "poll of an empty ring");
    next_sqe(ring, 1);
    expect(io_uring_submit(ring), 1, "a NOP");
    line(poll(&look, 1, 0) == 1 && look.revents == (POLLIN | POLLOUT), "poll of a ring with a completion");
    expect(await(ring, NULL), 0, "its result");
    close_ring(ring);
}

static void check_probe(void)
{
    static const uint8_t ours[] = {IORING_OP_NOP,        IORING_OP_READV,        IORING_OP_WRITEV,   IORING_OP_FSYNC,
                                   IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED,  IORING_OP_POLL_ADD, IORING_OP_TIMEOUT,
                                   IORING_OP_ACCEPT,     IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT,  IORING_OP_OPENAT,
                                   IORING_OP_CLOSE,      IORING_OP_STATX,        IORING_OP_READ,     IORING_OP_WRITE,
                                   IORING_OP_SEND,       IORING_OP_RECV};
    struct io_uring *ring = open_ring(4, 0);
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool has_all = probe != NULL, has_others = false;
    for (unsigned op = 0; probe && op < IORING_OP_LAST; op++) {
        bool is_ours = memchr(ours, (int)op, sizeof ours), there = io_uring_opcode_supported(probe, (int)op);
        has_all &= !is_ours || there;
        struct io_uring_sqe *sqe = next_sqe(ring, op);
        sqe->opcode = (uint8_t)op;
        if (!there && !is_linux)
            has_others |= submit_and_await(ring) != -EINVAL;
        else
            sqe->opcode = IORING_OP_NOP, submit_and_await(ring);
    }
    line(has_all, "the probe has all operations");
    line(!has_others, "what it does not have answers EINVAL");
    free(probe);
    close_ring(ring);
}

/* --- */

static void in_own_process(void (*group)(void), const char *name)
{
    int status;
    printf("--- %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(LIMIT_S);
        group();
        fflush(stdout);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status)
        line(false, "%s ended with status %x", name, status);
}

int main(int argc, char **argv)
{
    static const struct {
        void (*run)(void);
        const char *name;
    } groups[] = {
        {check_setup, "setup"},
        {check_probe, "probe"},
        {check_files, "files"},
        {check_fifo_open, "fifo"},
        {check_pipes, "pipes"},
        {check_sockets, "sockets"},
        {check_timeouts, "timeouts"},
        {check_cancel, "cancel"},
        {check_links, "links"},
        {check_drain, "drain"},
        {check_overflow, "overflow"},
        {check_registered, "registered"},
        {check_signals, "signals"},
        {check_submission_thread, "submission thread"},
        {check_bad_input, "bad input"},
        {check_user_interrupts, "user interrupts"},
        {check_in_flight, "in flight"},
        {check_chain_ends, "ends of chains"},
        {check_cancel_keys, "keys of cancel"},
        {check_enter, "enter"},
        {check_connections, "connections"},
        {check_shared, "shared rings"},
        {check_ends, "ends"},
    };
    if (argc == 2 && strcmp(argv[1], "--nothing") == 0)
        return 0;
    is_linux = access("/proc/sys/kernel/uintr_vp", F_OK) != 0;
    totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED) {
        perror("uring_checks: mmap");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (argc < 2 || strcmp(argv[1], groups[i].name) == 0)
            in_own_process(groups[i].run, groups[i].name);
    printf("%u checks, %u failed\n", totals->checks, totals->failures);
    return totals->failures != 0;
}
