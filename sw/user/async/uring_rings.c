/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of rings as a whole: chains and drains, overflow, what is registered, submission threads, bad input, the
 * ends of rings, threads and processes. */
#include "checks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- chains --- */

void check_links(void)
{
    struct io_uring *ring = open_ring(16, 0);
    char buffer[8] = "";
    int p[2];
    uint64_t who[4];
    int result[4];
    make_pipe(p);
    struct io_uring_sqe *sqe = next_sqe(ring, 1);
    io_uring_prep_read(sqe, p[0], buffer, 3, 0);
    sqe->flags = IOSQE_IO_LINK;
    sqe = next_sqe(ring, 2);
    io_uring_prep_write(sqe, p[1], buffer, 3, 0);
    io_uring_submit(ring);
    line(has_nothing(ring), "a WRITE that is linked to a READ waits for it");
    expect(write(p[1], "ring", 3), 3, "a write");
    for (int i = 0; i < 2; i++)
        result[i] = await(ring, &who[i]);
    line(result[0] == 3 && result[1] == 3 && who[0] == 1 && who[1] == 2 && read(p[0], buffer, 8) == 3 &&
             memcmp(buffer, "rin", 3) == 0,
         "starts both in turn");
    for (int hard = 0; hard < 2; hard++) {
        sqe = next_sqe(ring, 1);
        io_uring_prep_read(sqe, 999, buffer, 3, 0);
        sqe->flags = hard ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
        next_sqe(ring, 2);
        io_uring_submit(ring);
        for (int i = 0; i < 2; i++)
            result[i] = await(ring, &who[i]);
        line(result[0] == -EBADF && result[1] == (hard ? 0 : -ECANCELED) && who[1] == 2,
             hard ? "a hard link goes on after a failure" : "a failure breaks a link");
    }
    int fd = make_file("0123456789");
    sqe = next_sqe(ring, 0);
    io_uring_prep_read(sqe, fd, buffer, 8, 5);
    sqe->flags = IOSQE_IO_LINK;
    next_sqe(ring, 2);
    io_uring_submit(ring);
    result[0] = await(ring, NULL);
    result[1] = await(ring, NULL);
    line(result[0] == 5 && result[1] == -ECANCELED, "less than was asked for breaks a link, too");
    next_sqe(ring, 1)->flags = IOSQE_IO_LINK;
    sqe = next_sqe(ring, 2);
    sqe->opcode = 200;
    sqe->flags = IOSQE_IO_LINK;
    next_sqe(ring, 3);
    io_uring_submit(ring);
    for (int i = 0; i < 3; i++)
        result[i] = await(ring, &who[i]);
    line(result[0] == -ECANCELED && result[1] == -EINVAL && result[2] == -ECANCELED && who[0] == 1 && who[1] == 2 &&
             who[2] == 3,
         "a chain with a bad member does not run");
    next_sqe(ring, 1)->flags = IOSQE_CQE_SKIP_SUCCESS;
    next_sqe(ring, 2);
    io_uring_submit(ring);
    line(await(ring, who) == 0 && who[0] == 2 && has_nothing(ring), "CQE_SKIP_SUCCESS");
    close_ring(ring);

    ring = open_ring(64, 0);
    for (int i = 0; i < 64; i++)
        next_sqe(ring, (uint64_t)i)->flags = i < 63 ? IOSQE_IO_LINK : 0;
    expect(io_uring_submit_and_wait(ring, 64), 64, "a chain of 64");
    bool in_order = true;
    for (int i = 0; i < 64; i++)
        in_order &= await(ring, who) == 0 && who[0] == (uint64_t)i;
    line(in_order, "in order");
    close_ring(ring);
}

void check_drain(void)
{
    struct io_uring *ring = open_ring(16, 0);
    char buffer[8];
    int p[2];
    uint64_t who = 0, second = 0, third = 0;
    make_pipe(p);
    read_into(ring, p[0], buffer, 8, 1);
    next_sqe(ring, 2)->flags = IOSQE_IO_DRAIN;
    next_sqe(ring, 3);
    expect(io_uring_submit(ring), 3, "a READ, a NOP with IO_DRAIN, a NOP");
    line(has_nothing(ring), "all wait for the READ");
    line(write(p[1], "x", 1) == 1 && await(ring, &who) == 1 && await(ring, &second) == 0 && await(ring, &third) == 0,
         "and complete");
    line(who == 1 && second == 2 && third == 3, "in order");
    read_into(ring, p[0], buffer, 8, 1);
    next_sqe(ring, 2);
    io_uring_submit(ring);
    line(await(ring, &who) == 0 && who == 2, "without it nobody waits");
    close_ring(ring);
}

void check_overflow(void)
{
    struct io_uring *ring = open_ring(4, 0);
    uint64_t who = 0;
    bool in_order = true;
    for (uint64_t i = 0; i < 20; i++) {
        next_sqe(ring, i);
        io_uring_submit(ring);
    }
    line(io_uring_cq_ready(ring) == 8, "8 of 20 completions have room");
    line(io_uring_cq_has_overflow(ring), "the flag says that there are more");
    for (uint64_t i = 0; i < 20; i++)
        in_order &= await(ring, &who) == 0 && who == i;
    line(in_order, "all of them come, in order");
    line(!io_uring_cq_has_overflow(ring) && *ring->cq.koverflow == 0, "none was lost");
    close_ring(ring);
}

/* --- registered things --- */

void check_registered(void)
{
    struct io_uring *ring = open_ring(8, 0);
    int fd = make_file("0123456789"), fds[3] = {fd, -1, 0};
    char buffer[8] = "";
    expect(io_uring_unregister_files(ring), -ENXIO, "no files to unregister");
    fds[2] = 999;
    expect(io_uring_register_files(ring, fds, 3), -EBADF, "files with a bad descriptor");
    fds[2] = ring->ring_fd;
    expect(io_uring_register_files(ring, fds, 3), -EBADF, "files with the ring itself");
    fds[2] = 0;
    expect(io_uring_register_files(ring, fds, 3), 0, "files");
    expect(io_uring_register_files(ring, fds, 3), -EBUSY, "files again");
    close(fd);
    struct io_uring_sqe *sqe = next_sqe(ring, 1);
    io_uring_prep_read(sqe, 0, buffer, 4, 2);
    sqe->flags = IOSQE_FIXED_FILE;
    expect(submit_and_await(ring), 4, "READ of a fixed file whose descriptor is closed");
    for (int bad = 1; bad < 4; bad += 2) {
        sqe = next_sqe(ring, 1);
        io_uring_prep_read(sqe, bad, buffer, 4, 0);
        sqe->flags = IOSQE_FIXED_FILE;
        expect(submit_and_await(ring), -EBADF, bad == 1 ? "of an empty place" : "beyond the table");
    }
    fd = make_file("abcdefghij");
    expect(io_uring_register_files_update(ring, 1, &fd, 1), 1, "an update");
    expect(io_uring_register_files_update(ring, 3, &fd, 1), -EINVAL, "beyond the table");
    sqe = next_sqe(ring, 1);
    io_uring_prep_read(sqe, 1, buffer, 4, 2);
    sqe->flags = IOSQE_FIXED_FILE;
    line(submit_and_await(ring) == 4 && memcmp(buffer, "cdef", 4) == 0, "the new file");
    expect(io_uring_unregister_files(ring), 0, "unregister");

    static char area[8192];
    struct iovec v[2] = {{area, sizeof area}, {buffer, 2}};
    expect(io_uring_register_buffers(ring, v, 0), -EINVAL, "no buffers");
    expect(io_uring_register_buffers(ring, &(struct iovec){(void *)4096, 4096}, 1), -EFAULT, "a buffer nowhere");
    expect(io_uring_register_buffers(ring, v, 2), 0, "buffers");
    expect(io_uring_register_buffers(ring, v, 2), -EBUSY, "buffers again");
    io_uring_prep_read_fixed(next_sqe(ring, 1), fd, area + 4094, 4, 0, 0);
    line(submit_and_await(ring) == 4 && memcmp(area + 4094, "abcd", 4) == 0, "READ_FIXED across two pages");
    io_uring_prep_write_fixed(next_sqe(ring, 1), fd, area + 4095, 2, 0, 0);
    line(submit_and_await(ring) == 2 && pread(fd, buffer, 3, 0) == 3 && memcmp(buffer, "bcc", 3) == 0, "WRITE_FIXED");
    io_uring_prep_read_fixed(next_sqe(ring, 1), fd, area + 8190, 4, 0, 0);
    expect(submit_and_await(ring), -EFAULT, "beyond the buffer");
    io_uring_prep_read_fixed(next_sqe(ring, 1), fd, area, 4, 0, 2);
    expect(submit_and_await(ring), -EFAULT, "a buffer that is not registered");
    expect(io_uring_unregister_buffers(ring), 0, "unregister buffers");
    expect(io_uring_unregister_buffers(ring), -ENXIO, "once");

    int event = eventfd(0, EFD_NONBLOCK);
    uint64_t count = 0;
    expect(io_uring_register_eventfd(ring, fd), -EINVAL, "an eventfd that is none");
    expect(io_uring_register_eventfd(ring, event), 0, "an eventfd");
    expect(io_uring_register_eventfd(ring, event), -EBUSY, "another one");
    next_sqe(ring, 1);
    next_sqe(ring, 2);
    io_uring_submit_and_wait(ring, 2);
    line(read(event, &count, sizeof count) == 8 && count >= 1 && count <= 2, "completions are told to it");
    expect(io_uring_unregister_eventfd(ring), 0, "unregister it");
    expect(io_uring_unregister_eventfd(ring), -ENXIO, "once");
    close_ring(ring);

    ring = open_ring(8, IORING_SETUP_R_DISABLED);
    next_sqe(ring, 1);
    expect(io_uring_submit(ring), -EBADFD, "a ring that is disabled");
    expect(io_uring_enable_rings(ring), 0, "is enabled");
    expect(io_uring_enable_rings(ring), -EBADFD, "once");
    expect(submit_and_await(ring), 0, "and works");
    close_ring(ring);
}

/* --- submission threads --- */

static bool await_flag(struct io_uring *ring, unsigned flag)
{
    for (int i = 0; i < 500; i++) {
        if (__atomic_load_n(ring->sq.kflags, __ATOMIC_ACQUIRE) & flag)
            return true;
        sleep_ms(2);
    }
    return false;
}

void check_submission_thread(void)
{
    struct io_uring_params p = {.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF, .sq_thread_idle = 20};
    struct io_uring ring;
    char buffer[8] = "";
    int q[2], fd = make_file("0123456789");
    make_pipe(q);
    expect(io_uring_queue_init_params(8, &ring, &p), 0, "a submission thread on CPU 0");
    io_uring_prep_read(next_sqe(&ring, 1), fd, buffer, 4, 1);
    expect(submit_and_await(&ring), 4, "READ");
    line(memcmp(buffer, "1234", 4) == 0, "its bytes");
    line(await_flag(&ring, IORING_SQ_NEED_WAKEUP), "without work it sleeps and says so");
    io_uring_prep_read(next_sqe(&ring, 1), fd, buffer, 4, 2);
    expect(submit_and_await(&ring), 4, "it is woken"); /* by liburing, which looks at the flag */
    read_into(&ring, q[0], buffer, 8, 3);
    io_uring_submit(&ring);
    line(has_nothing(&ring), "READ of an empty pipe");
    line(write(q[1], "abc", 3) == 3 && await(&ring, NULL) == 3 && memcmp(buffer, "abc", 3) == 0,
         "is completed by the thread");
    for (int i = 0; i < 100; i++) {
        next_sqe(&ring, 1);
        io_uring_submit(&ring);
        if (await(&ring, NULL)) {
            line(false, "NOP %d", i);
            break;
        }
    }
    for (unsigned i = 0; i < 8; i++)
        next_sqe(&ring, i);
    io_uring_submit(&ring);
    expect(io_uring_sqring_wait(&ring) < 0 ? -1 : 0, 0, "room in the queue is waited for");
    for (unsigned i = 0; i < 8; i++)
        await(&ring, NULL);
    read_into(&ring, q[0], buffer, 8, 3); /* in flight when the ring goes */
    io_uring_submit(&ring);
    sleep_ms(5);
    io_uring_queue_exit(&ring);
    pid_t child = fork();
    if (child == 0) { /* a process that ends with its thread awake and a request in flight */
        p = (struct io_uring_params){.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10000};
        if (io_uring_queue_init_params(8, &ring, &p))
            _exit(1);
        read_into(&ring, q[0], buffer, 8, 3);
        io_uring_submit(&ring);
        sleep_ms(2);
        _exit(0);
    }
    int status = -1;
    line(waitpid(child, &status, 0) == child && status == 0, "a process ends with its submission thread");
}

/* --- bad input --- */

void check_bad_input(void)
{
    struct io_uring *ring = open_ring(8, 0);
    char buffer[8];
    int fd = make_file("0123456789"), p[2];
    make_pipe(p);
    static const struct {
        const char *text;
        int expected;
        struct io_uring_sqe sqe;
    } rows[] = {
        {"an unknown operation", -EINVAL, {.opcode = 200}},
        {"an unknown flag", -EINVAL, {.opcode = IORING_OP_NOP, .flags = 0x80}},
        {"a personality", -EINVAL, {.opcode = IORING_OP_NOP, .personality = 3}},
        {"an I/O priority for NOP", -EINVAL, {.opcode = IORING_OP_NOP, .ioprio = 3}},
        {"a buffer group for NOP", -EOPNOTSUPP, {.opcode = IORING_OP_NOP, .flags = IOSQE_BUFFER_SELECT}},
        {"a buffer group that is not there",
         -ENOBUFS,
         {.opcode = IORING_OP_READ, .fd = 100, .len = 8, .flags = IOSQE_BUFFER_SELECT}},
        {"an I/O priority that is none", -EINVAL, {.opcode = IORING_OP_READ, .fd = 100, .ioprio = 0xf000}},
        {"a flag that READ does not know", -EOPNOTSUPP, {.opcode = IORING_OP_READ, .fd = 100, .rw_flags = 0x8000}},
        {"READ to nowhere", -EFAULT, {.opcode = IORING_OP_READ, .fd = 100, .addr = 8, .len = 8}},
        {"READ to the kernel", -EFAULT, {.opcode = IORING_OP_READ, .fd = 100, .addr = 0xffff800000100000, .len = 8}},
        {"READ of a descriptor to write", -EBADF, {.opcode = IORING_OP_READ, .fd = 102, .addr = 8, .len = 8}},
        {"READ at a negative offset", -EINVAL, {.opcode = IORING_OP_READ, .fd = 100, .off = (uint64_t)-5, .len = 8}},
        {"READV of vectors nowhere", -EFAULT, {.opcode = IORING_OP_READV, .fd = 100, .addr = 8, .len = 1}},
        {"READV of too many vectors", -EINVAL, {.opcode = IORING_OP_READV, .fd = 100, .addr = 4096, .len = 5000}},
        {"READ_FIXED without buffers", -EFAULT, {.opcode = IORING_OP_READ_FIXED, .fd = 100, .len = 8}},
        {"READ of a bad descriptor", -EBADF, {.opcode = IORING_OP_READ, .fd = 9999}},
        {"READ of descriptor INT_MIN", -EBADF, {.opcode = IORING_OP_READ, .fd = INT32_MIN}},
        {"a fixed file without a table", -EBADF, {.opcode = IORING_OP_READ, .fd = 0, .flags = IOSQE_FIXED_FILE}},
        {"OPENAT of a name nowhere", -EFAULT, {.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = 8}},
        {"OPENAT of a fixed file", -EBADF, {.opcode = IORING_OP_OPENAT, .flags = IOSQE_FIXED_FILE}},
        {"CLOSE with an offset", -EINVAL, {.opcode = IORING_OP_CLOSE, .fd = 100, .off = 1}},
        {"FSYNC with an address", -EINVAL, {.opcode = IORING_OP_FSYNC, .fd = 100, .addr = 1}},
        {"FSYNC of a pipe", -EINVAL, {.opcode = IORING_OP_FSYNC, .fd = 101}},
        {"STATX of a name nowhere", -EFAULT, {.opcode = IORING_OP_STATX, .fd = AT_FDCWD, .off = 8, .addr = 8}},
        {"POLL_ADD of a bad descriptor", -EBADF, {.opcode = IORING_OP_POLL_ADD, .fd = 9999, .poll32_events = POLLIN}},
        {"POLL_ADD with an address", -EINVAL, {.opcode = IORING_OP_POLL_ADD, .fd = 100, .addr = 1}},
        {"TIMEOUT of a time nowhere", -EFAULT, {.opcode = IORING_OP_TIMEOUT, .len = 1, .addr = 8}},
        {"TIMEOUT of two times", -EINVAL, {.opcode = IORING_OP_TIMEOUT, .len = 2, .addr = 8}},
        {"ASYNC_CANCEL with an offset", -EINVAL, {.opcode = IORING_OP_ASYNC_CANCEL, .off = 1}},
        {"ACCEPT of a file", -ENOTSOCK, {.opcode = IORING_OP_ACCEPT, .fd = 100}},
        {"ACCEPT with a length", -EINVAL, {.opcode = IORING_OP_ACCEPT, .fd = 100, .len = 1}},
        {"CONNECT of a file", -ENOTSOCK, {.opcode = IORING_OP_CONNECT, .fd = 100}},
        {"CONNECT to an address nowhere", -EFAULT, {.opcode = IORING_OP_CONNECT, .fd = 100, .addr = 8, .off = 16}},
    };
    dup2(fd, 100);
    dup2(p[0], 101);
    dup2(p[1], 102);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *next_sqe(ring, 0) = rows[i].sqe;
        expect(submit_and_await(ring), rows[i].expected, rows[i].text);
    }
    (void)buffer;
    next_sqe(ring, 1);
    next_sqe(ring, 2)->opcode = 200;
    next_sqe(ring, 3);
    expect(io_uring_submit(ring), 2, "a bad SQE ends a submission");
    expect(io_uring_enter((unsigned)ring->ring_fd, 1, 0, 0, NULL), 1, "the rest comes with the next one");
    for (int i = 0; i < 3; i++)
        await(ring, NULL);
    unsigned before = *ring->sq.kdropped;
    unsigned tail = *ring->sq.ktail;
    ring->sq.array[tail & ring->sq.ring_mask] = 77;
    __atomic_store_n(ring->sq.ktail, tail + 1, __ATOMIC_RELEASE);
    expect(io_uring_enter((unsigned)ring->ring_fd, 1, 0, 0, NULL), 0, "an index beyond the SQEs");
    line(*ring->sq.kdropped == before + 1, "is counted as dropped");
    __atomic_store_n(ring->sq.ktail, tail + 5000000, __ATOMIC_RELEASE); /* whatever it takes, it must end */
    line(io_uring_enter((unsigned)ring->ring_fd, 8, 0, 0, NULL) <= 8, "a tail that runs away");
    *ring->cq.khead = 0x80000000;
    io_uring_enter((unsigned)ring->ring_fd, 8, 0, 0, NULL);
    io_uring_enter((unsigned)ring->ring_fd, 0, 1, IORING_ENTER_GETEVENTS, NULL);
    line(true, "a head of the completions that is nonsense");
    close_ring(ring);
}

/* --- ends --- */

static int reader_of_nothing(struct io_uring *ring, int pipes[2])
{
    static char buffer[8];
    make_pipe(pipes);
    read_into(ring, pipes[0], buffer, 8, 1);
    struct __kernel_timespec late = {60, 0};
    io_uring_prep_timeout(next_sqe(ring, 2), &late, 0, 0);
    io_uring_prep_poll_add(next_sqe(ring, 3), pipes[0], POLLIN);
    struct io_uring_sqe *sqe = next_sqe(ring, 4);
    io_uring_prep_openat(sqe, AT_FDCWD, "/tmp/uring_checks.end", O_RDONLY, 0);
    sqe->flags |= IOSQE_ASYNC;
    next_sqe(ring, 5)->flags = IOSQE_IO_DRAIN;
    next_sqe(ring, 6)->flags = IOSQE_IO_LINK;
    next_sqe(ring, 7);
    return io_uring_submit(ring);
}

static void *thread_with_requests(void *argument)
{
    int p[2];
    char *buffer = argument;
    struct io_uring *ring = (struct io_uring *)(void *)(buffer + 16);
    make_pipe(p);
    read_into(ring, p[0], buffer, 8, 99);
    io_uring_submit(ring);
    return NULL;
}

/* A ring in a socket's queue could keep itself alive. */
static void check_passing(void)
{
    struct io_uring *ring = open_ring(4, 0);
    int sockets[2];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec one = {"x", 1};
    struct msghdr message = {
        .msg_iov = &one, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &ring->ring_fd, sizeof(int));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
        give_up("socketpair");
    line(sendmsg(sockets[0], &message, 0) == -1 && (errno == EINVAL || errno == ENOSYS),
         "a ring is not passed through a socket");
    close_ring(ring);
}

/* A batch that would take long lets others run: SIGKILL ends it. */
static void check_long_batch(void)
{
    int status;
    uint64_t start = now_us();
    pid_t child = fork();
    if (child == 0) {
        struct io_uring *ring = open_ring(4096, 0);
        size_t bytes = 32 << 20;
        void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int zero = open("/dev/zero", O_RDONLY);
        for (unsigned i = 0; i < 4096; i++)
            io_uring_prep_read(next_sqe(ring, i), zero, area, (unsigned)bytes, 0);
        io_uring_submit(ring);
        _exit(0);
    }
    sleep_ms(100);
    kill(child, SIGKILL);
    line(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && now_us() - start < 2000000,
         "SIGKILL ends a submission that takes long");
}

void check_ends(void)
{
    int p[2], status;
    mkfifo("/tmp/uring_checks.end", 0600);
    for (int how = 0; how < 5; how++) {
        static const char *const names[] = {"the ring is closed", "exit", "SIGKILL", "exec", "a fork keeps the ring"};
        pid_t child = fork();
        if (child == 0) {
            struct io_uring *ring = open_ring(16, 0);
            if (reader_of_nothing(ring, p) != 7)
                _exit(2);
            sleep_ms(10); /* the worker sleeps in the FIFO */
            switch (how) {
            case 0: close_ring(ring); break;
            case 2: kill(getpid(), SIGKILL); break;
            case 3: execl("/proc/self/exe", "uring_checks", "--nothing", (char *)NULL); _exit(3);
            case 4:
                if (fork() == 0) {
                    sleep_ms(30);
                    _exit(0);
                }
                break;
            default: break;
            }
            _exit(0);
        }
        line(waitpid(child, &status, 0) == child && (how == 2 ? WIFSIGNALED(status) : status == 0),
             "requests in flight: %s", names[how]);
    }
    unlink("/tmp/uring_checks.end");
    char *shared = calloc(1, 16 + sizeof(struct io_uring));
    struct io_uring *ring = (struct io_uring *)(void *)(shared + 16);
    pthread_t thread;
    uint64_t who = 0;
    if (io_uring_queue_init(8, ring, 0))
        give_up("io_uring_queue_init");
    pthread_create(&thread, NULL, thread_with_requests, shared);
    pthread_join(thread, NULL);
    check_passing();
    if (is_linux) { /* it cancels them later */
        skip("a thread's end, SIGKILL of a long submission, counts of what lives");
        return;
    }
    check_long_batch();
    line(await(ring, &who) == -ECANCELED && who == 99, "a thread's end cancels its requests");
    io_uring_queue_exit(ring);
    for (int i = 0; i < 100 && (proc_count("requests") || proc_count("rings")); i++)
        sleep_ms(5);
    expect(proc_count("requests"), 0, "no request is left");
    expect(proc_count("rings"), 0, "no ring is left");
    expect(proc_count("submitters"), 0, "no submission thread is left");
    line(proc_count("submitted") == proc_count("completed"), "as many requests completed as were submitted");
}

static void on_signal(int number) { (void)number; }

void check_signals(void)
{
    struct io_uring *ring = open_ring(4, 0);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = {.it_value = {0, 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    expect(io_uring_enter((unsigned)ring->ring_fd, 0, 1, IORING_ENTER_GETEVENTS, NULL), -EINTR,
           "a signal ends waiting");
    sigset_t all;
    sigfillset(&all);
    struct __kernel_timespec limit = {0, 60000000};
    struct io_uring_cqe *cqe;
    uint64_t start = now_us();
    setitimer(ITIMER_REAL, &soon, NULL);
    expect(io_uring_wait_cqes(ring, &cqe, 1, &limit, &all), -ETIME, "but not one that is masked");
    line(now_us() - start >= 60000, "until the time is over");
    close_ring(ring);
}
