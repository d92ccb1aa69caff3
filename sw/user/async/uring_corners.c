/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of what is rare: registered things that change while requests use them, chains that are cancelled or end
 * early, cancelling by other keys, arguments of io_uring_enter(), mappings, rings that several processes have. */
#include "checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* `count` completions: results by user_data, NOTHING for those that did not come. Its own result: how many came. */
static int collect(struct io_uring *ring, int count, int result[8])
{
    uint64_t who = 0;
    int came = 0;
    for (int i = 0; i < 8; i++)
        result[i] = NOTHING;
    for (int i = 0, r; i < count && (r = await(ring, &who)) != NOTHING; i++, came++)
        result[who & 7] = r;
    return came;
}

static struct io_uring_sqe *read_fixed_file(struct io_uring *ring, int place, void *to, uint64_t user_data)
{
    struct io_uring_sqe *sqe = next_sqe(ring, user_data);
    io_uring_prep_read(sqe, place, to, 8, 0);
    sqe->flags = IOSQE_FIXED_FILE;
    return sqe;
}

void check_in_flight(void)
{
    struct io_uring *ring = open_ring(8, 0);
    int p[2], file = make_file("0123456789"), both[2];
    char buffer[64] = "";
    make_pipe(p);
    expect(io_uring_register_files_update(ring, 0, p, 1), -ENXIO, "an update without a table");
    expect(io_uring_register_files(ring, p, 0), -EINVAL, "no files");
    expect(io_uring_register(ring->ring_fd, IORING_REGISTER_FILES, (void *)8, 1), -EFAULT, "files nowhere");
    expect(io_uring_register_files(ring, p, 2), 0, "a pipe");
    read_fixed_file(ring, 0, buffer, 1);
    io_uring_submit(ring);
    expect(io_uring_register_files_update(ring, 0, &file, 1), 1, "is replaced while a READ waits for it");
    line(write(p[1], "old", 3) == 3 && await(ring, NULL) == 3 && !memcmp(buffer, "old", 3), "which reads the old one");
    expect(io_uring_register_files_update(ring, 0, p, 1), 1, "and back");
    read_fixed_file(ring, 0, buffer, 1);
    io_uring_submit(ring);
    expect(io_uring_unregister_files(ring), 0, "unregister while a READ waits");
    line(write(p[1], "two", 3) == 3 && await(ring, NULL) == 3 && !memcmp(buffer, "two", 3), "which goes on");
    both[0] = both[1] = file;
    expect(io_uring_register_files(ring, both, 2), 0, "files");
    both[0] = -2, both[1] = -1;
    expect(io_uring_register_files_update(ring, 0, both, 2), 2, "one is skipped, one taken away");
    read_fixed_file(ring, 0, buffer, 1);
    expect(submit_and_await(ring), 8, "the first is there");
    read_fixed_file(ring, 1, buffer, 1);
    expect(submit_and_await(ring), -EBADF, "the second is not");
    both[0] = p[0], both[1] = 999;
    expect(io_uring_register_files_update(ring, 0, both, 2), 1, "an update with a bad one at its end");
    expect(io_uring_register_files_update(ring, 0, both + 1, 1), -EBADF, "with a bad one only");
    expect(io_uring_register_files_update(ring, 0, both, 0), -EINVAL, "with none");
    expect(io_uring_register(ring->ring_fd, IORING_REGISTER_FILES_UPDATE, (void *)8, 1), -EFAULT, "nowhere");

    struct iovec v = {buffer, sizeof buffer};
    expect(io_uring_register_buffers(ring, &v, 1), 0, "a buffer");
    io_uring_prep_read_fixed(next_sqe(ring, 1), p[0], buffer + 3, 8, 0, 0);
    io_uring_submit(ring);
    expect(io_uring_unregister_buffers(ring), 0, "unregister while a READ_FIXED waits");
    line(write(p[1], "xyz", 3) == 3 && await(ring, NULL) == 3 && !memcmp(buffer + 3, "xyz", 3), "which goes on");
    read_into(ring, p[0], buffer, 8, 1);
    io_uring_submit(ring);
    close(p[0]);
    line(write(p[1], "abc", 3) == 3 && await(ring, NULL) == 3, "a descriptor is closed while a READ waits for it");
    close_ring(ring);
}

void check_chain_ends(void)
{
    struct io_uring *ring = open_ring(16, 0);
    int p[2], file = make_file("0123456789"), r[8];
    char buffer[16];
    make_pipe(p);
    for (int hard = 0; hard < 2; hard++) {
        struct io_uring_sqe *sqe = next_sqe(ring, 1);
        io_uring_prep_read(sqe, p[0], buffer, 8, 0);
        sqe->flags = hard ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
        next_sqe(ring, 2);
        io_uring_submit(ring);
        io_uring_prep_cancel64(next_sqe(ring, 4), 2, 0);
        io_uring_submit(ring);
        expect(await(ring, NULL), -ENOENT, "ASYNC_CANCEL of one that has not begun");
        sqe = next_sqe(ring, 3);
        io_uring_prep_cancel64(sqe, 1, 0);
        io_uring_submit(ring);
        collect(ring, 3, r);
        line(r[1] == -ECANCELED && r[2] == (hard ? 0 : -ECANCELED) && r[3] == 0, "of the head of a %s link",
             hard ? "hard" : "soft");
    }
    for (unsigned flags = 0; flags <= IORING_TIMEOUT_ETIME_SUCCESS; flags += IORING_TIMEOUT_ETIME_SUCCESS) {
        struct __kernel_timespec soon = {0, 5000000};
        struct io_uring_sqe *sqe = next_sqe(ring, 1);
        io_uring_prep_timeout(sqe, &soon, 0, flags);
        sqe->flags = IOSQE_IO_LINK;
        next_sqe(ring, 2);
        io_uring_submit(ring);
        collect(ring, 2, r);
        line(r[1] == -ETIME && r[2] == (flags ? 0 : -ECANCELED), "a TIMEOUT %s a link", flags ? "keeps" : "breaks");
    }
    struct io_uring_sqe *sqe = next_sqe(ring, 1);
    io_uring_prep_read(sqe, file, buffer, 16, 0);
    sqe->flags = IOSQE_IO_HARDLINK;
    sqe = next_sqe(ring, 2);
    io_uring_prep_read(sqe, 999, buffer, 16, 0);
    sqe->flags = IOSQE_IO_LINK;
    next_sqe(ring, 3);
    io_uring_submit(ring);
    collect(ring, 3, r);
    line(r[1] == 10 && r[2] == -EBADF && r[3] == -ECANCELED, "a hard link, then a link");
    for (int where = 0; where < 2; where++) { /* the failure has a CQE, what it takes along has none */
        for (int i = 1; i < 4; i++) {
            sqe = next_sqe(ring, (unsigned)i);
            if (i == 1)
                io_uring_prep_read(sqe, 999, buffer, 4, 0);
            sqe->flags = (i < 3 ? IOSQE_IO_LINK : 0) | (i == 1 + where ? IOSQE_CQE_SKIP_SUCCESS : 0);
        }
        io_uring_submit(ring);
        int came = collect(ring, 3 - 2 * !where, r);
        line(came == 3 - 2 * !where && r[1] == -EBADF && has_nothing(ring), "CQE_SKIP_SUCCESS of a member that %s",
             where ? "is cancelled" : "fails");
    }
    close_ring(ring);
    ring = open_ring(16, 0);
    for (int i = 1; i < 5; i++) { /* the drain in the chain holds up all of it */
        if (i == 1) {
            read_into(ring, p[0], buffer, 8, 1);
            continue;
        }
        sqe = next_sqe(ring, (unsigned)i);
        sqe->flags = i == 2 ? IOSQE_IO_LINK : i == 3 ? IOSQE_IO_DRAIN : 0;
    }
    io_uring_submit(ring);
    line(has_nothing(ring), "IO_DRAIN inside a chain");
    line(write(p[1], "x", 1) == 1 && collect(ring, 4, r) == 4 && r[1] == 1, "and its end");
    close_ring(ring);
}

void check_cancel_keys(void)
{
    struct io_uring *ring = open_ring(16, 0);
    int p[2], q[2], r[8];
    char buffer[8];
    struct __kernel_timespec late = {60, 0};
    make_pipe(p);
    make_pipe(q);
    struct io_uring_sqe *sqe = next_sqe(ring, 1);
    io_uring_prep_cancel_fd(sqe, 999, 0);
    expect(submit_and_await(ring), -EBADF, "ASYNC_CANCEL of a descriptor that is none");
    sqe = next_sqe(ring, 1);
    io_uring_prep_cancel_fd(sqe, p[0], IORING_ASYNC_CANCEL_ANY);
    expect(submit_and_await(ring), -EINVAL, "of a descriptor and of any");
    sqe = next_sqe(ring, 1);
    io_uring_prep_cancel64(sqe, 5, 0x8000);
    expect(submit_and_await(ring), -EINVAL, "with an unknown flag");
    sqe = next_sqe(ring, 1);
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
    expect(submit_and_await(ring), 0, "of any, and there is none");
    for (unsigned i = 1; i < 4; i++)
        read_into(ring, i < 3 ? p[0] : q[0], buffer, 8, i < 3 ? 1 : 2);
    io_uring_submit(ring);
    sqe = next_sqe(ring, 3);
    io_uring_prep_cancel64(sqe, 1, IORING_ASYNC_CANCEL_ALL);
    io_uring_submit(ring);
    collect(ring, 3, r);
    line(r[1] == -ECANCELED && r[3] == 2 && has_nothing(ring), "of all with this user_data");
    sqe = next_sqe(ring, 1);
    io_uring_prep_timeout(sqe, &late, 0, 0);
    sqe = next_sqe(ring, 3);
    io_uring_prep_poll_add(sqe, p[0], POLLIN);
    io_uring_submit(ring);
    sqe = next_sqe(ring, 4);
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
    io_uring_submit(ring);
    collect(ring, 4, r);
    line(r[1] == -ECANCELED && r[2] == -ECANCELED && r[3] == -ECANCELED && r[4] == 3,
         "of any: READ, TIMEOUT, POLL_ADD");
    io_uring_register_files(ring, p, 1);
    read_into(ring, p[0], buffer, 8, 1);
    io_uring_submit(ring);
    sqe = next_sqe(ring, 2);
    io_uring_prep_cancel_fd(sqe, 0, IORING_ASYNC_CANCEL_FD_FIXED);
    io_uring_submit(ring);
    collect(ring, 2, r);
    line(r[1] == -ECANCELED && r[2] == 0, "of a fixed file");
    sqe = next_sqe(ring, 1);
    io_uring_prep_timeout(sqe, &late, 0, IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME);
    expect(submit_and_await(ring), -EINVAL, "TIMEOUT of two clocks");
    for (unsigned i = 1; i < 4; i++) { /* the ends of time-outs do not count */
        struct __kernel_timespec soon = {0, 1000000};
        sqe = next_sqe(ring, i);
        io_uring_prep_timeout(sqe, i < 3 ? &late : &soon, i < 3 ? i : 0, 0);
    }
    io_uring_submit(ring);
    line(collect(ring, 1, r) == 1 && r[3] == -ETIME && has_nothing(ring), "TIMEOUT of one and of two completions");
    next_sqe(ring, 4);
    io_uring_submit(ring);
    line(collect(ring, 2, r) == 2 && r[1] == 0 && r[4] == 0 && has_nothing(ring), "the first ends one");
    next_sqe(ring, 4);
    io_uring_submit(ring);
    line(collect(ring, 2, r) == 2 && r[2] == 0, "the second the other");
    close_ring(ring);
}

void check_enter(void)
{
    struct io_uring *ring = open_ring(8, 0);
    struct io_uring_params p = {0};
    unsigned fd = (unsigned)ring->ring_fd;
    uint64_t mask = 0;
    struct __kernel_timespec soon = {0, 5000000};
    struct io_uring_getevents_arg a = {.ts = (uint64_t)&soon};
    expect(io_uring_enter(fd, 5, 0, 0, NULL), 0, "more than there is");
    for (unsigned i = 0; i < 3; i++)
        next_sqe(ring, i);
    __atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
    expect(io_uring_enter(fd, 2, 2, IORING_ENTER_GETEVENTS, NULL), 2, "less than there is");
    expect(io_uring_enter(fd, 9, 0, 0, NULL), 1, "and the rest");
    ring->sq.sqe_head = ring->sq.sqe_tail;
    expect(io_uring_enter2(fd, 0, 3, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&a, sizeof a), 0,
           "what is there is not waited for");
    expect(io_uring_enter2(fd, 0, 4, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&a, sizeof a), 0,
           "one more is, but some are better than an error");
    io_uring_cq_advance(ring, 3);
    expect(io_uring_enter2(fd, 0, 4000, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&a, sizeof a), -ETIME,
           "more than there is room for");
    a = (struct io_uring_getevents_arg){.sigmask = (uint64_t)&mask, .sigmask_sz = 4, .ts = (uint64_t)&soon};
    expect(io_uring_enter2(fd, 0, 4, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&a, sizeof a), -EINVAL,
           "a mask of four bytes");
    a = (struct io_uring_getevents_arg){.sigmask = 8, .sigmask_sz = 8, .ts = (uint64_t)&soon};
    expect(io_uring_enter2(fd, 0, 4, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&a, sizeof a), -EFAULT,
           "a mask nowhere");
    a = (struct io_uring_getevents_arg){.ts = 8};
    expect(io_uring_enter2(fd, 0, 4, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, (void *)&a, sizeof a), -EFAULT,
           "a time nowhere");
    struct {
        struct io_uring_probe head;
        struct io_uring_probe_op ops[300];
    } probe = {.head.resv = 0};
    expect(io_uring_register(fd, IORING_REGISTER_PROBE, &probe, 300), -EINVAL, "a probe of 300 operations");
    expect(io_uring_register(fd, IORING_REGISTER_PROBE, (void *)8, 10), -EFAULT, "a probe nowhere");
    probe.ops[3].op = 1;
    expect(io_uring_register(fd, IORING_REGISTER_PROBE, &probe, 10), -EINVAL, "a probe that is not zero");

    int other = io_uring_setup(8, &p);
    size_t rings = p.sq_off.array + p.sq_entries * 4;
    uint32_t *sq = mmap(NULL, rings, PROT_READ | PROT_WRITE, MAP_SHARED, other, IORING_OFF_SQ_RING);
    uint32_t *cq = mmap(NULL, rings, PROT_READ | PROT_WRITE, MAP_SHARED, other, IORING_OFF_CQ_RING);
    line(sq != MAP_FAILED && cq != MAP_FAILED && sq[p.sq_off.ring_entries / 4] == 8 &&
             cq[p.cq_off.ring_entries / 4] == 16,
         "both offsets of the rings");
    sq[p.sq_off.array / 4] = 5;
    line(cq[p.sq_off.array / 4] == 5, "are one region");
    expect(close(other), 0, "close");
    line(sq[p.sq_off.ring_entries / 4] == 8, "the memory lives as long as its mapping");
    close_ring(ring);
}

static int register_and_submit(struct io_uring *ring)
{
    int event = eventfd(0, 0);
    next_sqe(ring, 1);
    return io_uring_register_eventfd(ring, event) != -EEXIST || io_uring_submit(ring) != -EEXIST;
}

static int tcp_listener(struct sockaddr_in *name, int backlog)
{
    socklen_t bytes = sizeof *name;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)name, bytes) || listen(fd, backlog) ||
        getsockname(fd, (struct sockaddr *)name, &bytes))
        give_up("listener");
    return fd;
}

static volatile int signals;
static void on_pipe(int number) { signals += number == SIGPIPE; }

void check_connections(void)
{
    struct io_uring *ring = open_ring(16, 0);
    struct sockaddr_in name = {0}, who = {0};
    socklen_t bytes = sizeof who;
    int listener = tcp_listener(&name, 1), pair[2], p[2], r[8], fds[4];
    char buffer[8];
    signal(SIGPIPE, on_pipe);
    io_uring_prep_accept(next_sqe(ring, 1), listener, (struct sockaddr *)&who, &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    io_uring_prep_connect(next_sqe(ring, 2), fds[0], (struct sockaddr *)&name, sizeof name);
    io_uring_submit(ring);
    collect(ring, 2, r);
    line(r[1] >= 0 && r[2] == 0 && who.sin_family == AF_INET && who.sin_port && bytes == sizeof who,
         "ACCEPT and CONNECT");
    line(fcntl(r[1], F_GETFD) == FD_CLOEXEC && fcntl(r[1], F_GETFL) & O_NONBLOCK, "with the flags of the new socket");
    io_uring_prep_connect(next_sqe(ring, 2), fds[0], (struct sockaddr *)&name, sizeof name);
    expect(submit_and_await(ring), -EISCONN, "CONNECT again");
    io_uring_prep_accept(next_sqe(ring, 2), fds[0], NULL, NULL, 0);
    expect(submit_and_await(ring), -EINVAL, "ACCEPT of what does not listen");
    io_uring_prep_recv(next_sqe(ring, 2), r[1], buffer, 8, 0);
    io_uring_submit(ring);
    shutdown(fds[0], SHUT_WR);
    expect(await(ring, NULL), 0, "RECV of a half that is closed");
    struct io_uring_sqe *sqe = next_sqe(ring, 3);
    io_uring_prep_poll_add(sqe, r[1], POLLRDHUP);
    expect(submit_and_await(ring), POLLRDHUP, "POLL_ADD of it");
    io_uring_prep_send(next_sqe(ring, 2), fds[0], "x", 1, 0);
    expect(submit_and_await(ring), -EPIPE, "SEND there");
    expect(signals, 0, "without a signal");
    close(r[1]);
    struct sockaddr_in nobody = name;
    nobody.sin_port = htons((uint16_t)(ntohs(name.sin_port) ^ 1));
    int lonely = socket(AF_INET, SOCK_STREAM, 0);
    io_uring_prep_connect(next_sqe(ring, 2), lonely, (struct sockaddr *)&nobody, sizeof nobody);
    expect(submit_and_await(ring), -ECONNREFUSED, "CONNECT to nobody");
    close(fds[0]);
    for (int i = 0; i < 3; i++) { /* two have room */
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        sqe = next_sqe(ring, 0);
        io_uring_prep_connect(sqe, fds[i], (struct sockaddr *)&name, sizeof name);
        sqe->user_data = (unsigned)i;
        io_uring_submit(ring);
        if (i < 2)
            await(ring, NULL);
    }
    line(has_nothing(ring), "CONNECT to a full listener waits");
    close(accept(listener, NULL, NULL));
    expect(await(ring, NULL), 0, "until there is room");
    close(listener);

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(p))
        give_up("socketpair");
    io_uring_prep_recv(next_sqe(ring, 2), pair[0], (void *)8, 8, 0);
    io_uring_submit(ring);
    line(write(pair[1], "x", 1) == 1 && await(ring, NULL) == -EFAULT, "RECV to nowhere");
    sqe = next_sqe(ring, 3);
    io_uring_prep_poll_add(sqe, p[0], 0);
    io_uring_submit(ring);
    close(p[1]);
    expect(await(ring, NULL), POLLHUP, "POLL_ADD of nothing but the end");
    if (pipe(p))
        give_up("pipe");
    close(p[0]);
    io_uring_prep_write(next_sqe(ring, 2), p[1], "x", 1, 0);
    expect(submit_and_await(ring), -EPIPE, "WRITE to a pipe without a reader");
    close_ring(ring);
}

/* In a process of its own; its exit status. */
static int in_child(int (*run)(struct io_uring *ring), struct io_uring *ring)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(run(ring));
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int submit_two(struct io_uring *ring)
{
    next_sqe(ring, 1);
    next_sqe(ring, 2);
    return io_uring_submit(ring);
}

void check_shared(void)
{
    struct io_uring *ring = open_ring(8, 0);
    int r[8], status, p[2];
    expect(in_child(submit_two, ring), 2, "a child submits to its parent's ring");
    line(collect(ring, 2, r) == 2 && r[1] == 0 && r[2] == 0, "the completions are in it");
    ring->sq.sqe_head = ring->sq.sqe_tail = *ring->sq.ktail;
    int copy = dup(ring->ring_fd);
    next_sqe(ring, 1);
    __atomic_store_n(ring->sq.ktail, *ring->sq.ktail + 1, __ATOMIC_RELEASE);
    expect(io_uring_enter((unsigned)copy, 1, 1, IORING_ENTER_GETEVENTS, NULL), 1, "a copy of its descriptor");
    await(ring, NULL);
    ring->sq.sqe_head = ring->sq.sqe_tail = *ring->sq.ktail;
    close(ring->ring_fd);
    expect(io_uring_enter((unsigned)ring->ring_fd, 0, 0, 0, NULL), -EBADF, "the first is closed");
    expect(io_uring_enter((unsigned)copy, 0, 0, 0, NULL), 0, "the copy is not");
    close(copy);

    int event = eventfd(0, EFD_NONBLOCK);
    uint64_t count;
    ring = open_ring(4, 0);
    io_uring_register_eventfd(ring, event);
    io_uring_cq_eventfd_toggle(ring, false);
    next_sqe(ring, 1);
    submit_and_await(ring);
    line(read(event, &count, 8) == -1 && errno == EAGAIN, "an eventfd that shall not be told");
    io_uring_cq_eventfd_toggle(ring, true);
    for (unsigned i = 0; i < 12; i++) { /* beyond the room for 8 */
        next_sqe(ring, i);
        io_uring_submit(ring);
    }
    line(read(event, &count, 8) == 8 && count >= 8, "one that shall");
    struct pollfd poller = {.fd = ring->ring_fd, .events = POLLIN};
    line(poll(&poller, 1, 0) == 1, "poll of a ring that overflows");
    line(io_uring_peek_batch_cqe(ring, (struct io_uring_cqe *[12]){0}, 12) == 8, "8 have room");
    io_uring_cq_advance(ring, 8);
    line(poll(&poller, 1, 100) == 1 && collect(ring, 4, r) == 4, "and then the rest");
    close_ring(ring);

    ring = open_ring(8, IORING_SETUP_SINGLE_ISSUER);
    expect(in_child(register_and_submit, ring), 0, "a ring of a single issuer answers nobody else");
    close_ring(ring);

    if (!is_linux) { /* which does not say what is left */
        char to[8];
        make_pipe(p);
        mkfifo("/tmp/uring_checks.hard", 0600);
        ring = open_ring(8, 0);
        struct io_uring_sqe *sqe = next_sqe(ring, 1);
        io_uring_prep_openat(sqe, AT_FDCWD, "/tmp/uring_checks.hard", O_RDONLY, 0);
        sqe->flags = IOSQE_IO_HARDLINK;
        read_into(ring, p[0], to, 8, 2);
        io_uring_submit(ring);
        sleep_ms(10); /* a worker sleeps in the first; closing the ring ends that */
        close_ring(ring);
        for (int i = 0; i < 100 && proc_count("requests"); i++)
            sleep_ms(5);
        expect(proc_count("requests"), 0, "what is hard linked does not begin when the ring is closed");
        unlink("/tmp/uring_checks.hard");
    }

    make_pipe(p);
    pid_t child = fork(); /* the owner of a submission thread ends, another process has the ring */
    if (child == 0) {
        struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1};
        struct io_uring thread;
        if (io_uring_queue_init_params(8, &thread, &params))
            _exit(1);
        if (fork())
            _exit(0);
        int result = 0;
        for (int i = 0; i < 200 && result != -EOWNERDEAD; i++) {
            sleep_ms(2);
            result = io_uring_enter((unsigned)thread.ring_fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL);
        }
        expect(write(p[1], &result, sizeof result), sizeof result, "an orphan answers");
        _exit(0);
    }
    int result = 0;
    waitpid(child, &status, 0);
    line(read(p[0], &result, sizeof result) == sizeof result && result == -EOWNERDEAD,
         "a submission thread ends with its owner");
}
