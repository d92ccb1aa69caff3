/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of single operations: on files, on what makes them wait, of time, and cancelling. */
#include "checks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- files --- */

void check_files(void)
{
    struct io_uring *ring = open_ring(8, 0);
    char buffer[16] = "", more[16] = "";
    int fd = make_file("0123456789");
    io_uring_prep_read(next_sqe(ring, 1), fd, buffer, 4, 3);
    expect(submit_and_await(ring), 4, "READ");
    line(memcmp(buffer, "3456", 4) == 0, "the bytes of its offset");
    lseek(fd, 2, SEEK_SET);
    io_uring_prep_read(next_sqe(ring, 1), fd, buffer, 3, (uint64_t)-1);
    expect(submit_and_await(ring), 3, "READ at the file's position");
    line(memcmp(buffer, "234", 3) == 0 && lseek(fd, 0, SEEK_CUR) == 5, "which moves");
    struct iovec two[2] = {{buffer, 2}, {more, 3}};
    io_uring_prep_readv(next_sqe(ring, 1), fd, two, 2, 7);
    expect(submit_and_await(ring), 3, "READV to the end of the file");
    line(memcmp(buffer, "78", 2) == 0 && more[0] == '9', "into two buffers");
    io_uring_prep_write(next_sqe(ring, 1), fd, "ab", 2, 10);
    expect(submit_and_await(ring), 2, "WRITE");
    two[0] = (struct iovec){"cd", 2};
    two[1] = (struct iovec){"efg", 3};
    io_uring_prep_writev(next_sqe(ring, 1), fd, two, 2, 12);
    expect(submit_and_await(ring), 5, "WRITEV");
    line(pread(fd, more, 8, 9) == 8 && memcmp(more, "9abcdefg", 8) == 0, "what they wrote");
    io_uring_prep_fsync(next_sqe(ring, 1), fd, 0);
    expect(submit_and_await(ring), 0, "FSYNC");
    io_uring_prep_fsync(next_sqe(ring, 1), fd, IORING_FSYNC_DATASYNC);
    expect(submit_and_await(ring), 0, "FSYNC of data");
    io_uring_prep_openat(next_sqe(ring, 1), AT_FDCWD, "/proc/meminfo", O_RDONLY, 0);
    int opened = submit_and_await(ring);
    line(opened > 2 && read(opened, more, 5) == 5 && memcmp(more, "MemTo", 5) == 0, "OPENAT");
    io_uring_prep_close(next_sqe(ring, 1), opened);
    expect(submit_and_await(ring), 0, "CLOSE");
    line(fcntl(opened, F_GETFD) == -1, "it is closed");
    io_uring_prep_close(next_sqe(ring, 1), opened);
    expect(submit_and_await(ring), -EBADF, "CLOSE of nothing");
    io_uring_prep_close(next_sqe(ring, 1), ring->ring_fd);
    expect(submit_and_await(ring), -EBADF, "CLOSE of a ring");
    struct statx status = {0};
    io_uring_prep_statx(next_sqe(ring, 1), fd, "", AT_EMPTY_PATH, STATX_SIZE, &status);
    expect(submit_and_await(ring), 0, "STATX of a descriptor");
    line(status.stx_size == 17, "its size");
    io_uring_prep_statx(next_sqe(ring, 1), AT_FDCWD, "/tmp", 0, STATX_MODE, &status);
    expect(submit_and_await(ring), 0, "STATX of a path");
    line(S_ISDIR(status.stx_mode), "its mode");
    io_uring_prep_openat(next_sqe(ring, 1), AT_FDCWD, "/tmp/uring_checks/nowhere", O_RDONLY, 0);
    expect(submit_and_await(ring), -ENOENT, "OPENAT of nothing");
    close_ring(ring);
}

void check_fifo_open(void)
{
    struct io_uring *ring = open_ring(8, 0);
    const char *name = "/tmp/uring_checks.fifo";
    uint64_t who = 0;
    unlink(name);
    if (mkfifo(name, 0600))
        give_up("mkfifo");
    struct io_uring_sqe *sqe = next_sqe(ring, 7);
    io_uring_prep_openat(sqe, AT_FDCWD, name, O_RDONLY, 0);
    sqe->flags = IOSQE_ASYNC; /* else Linux opens it as with O_NONBLOCK */
    io_uring_submit(ring);
    line(has_nothing(ring), "OPENAT of a FIFO without a writer waits");
    int writer = open(name, O_WRONLY);
    int reader = await(ring, &who);
    line(reader > 2 && who == 7, "and ends with one");
    close(writer);
    close(reader);
    sqe = next_sqe(ring, 8);
    io_uring_prep_openat(sqe, AT_FDCWD, name, O_RDONLY, 0);
    sqe->flags = IOSQE_ASYNC;
    io_uring_submit(ring);
    sleep_ms(20);
    io_uring_prep_cancel64(next_sqe(ring, 0), 8, 0);
    io_uring_submit(ring);
    int first = await(ring, NULL), second = await(ring, NULL);
    line((first == -EALREADY && second < 0) || (second == -EALREADY && first < 0) || first == 0 || second == 0,
         "an OPENAT that a worker sleeps in is cancelled");
    unlink(name);
    close_ring(ring);
}

/* --- what waits --- */

void check_pipes(void)
{
    struct io_uring *ring = open_ring(8, 0);
    char buffer[8] = "";
    int p[2];
    uint64_t who = 0;
    make_pipe(p);
    read_into(ring, p[0], buffer, sizeof buffer, 5);
    expect(io_uring_submit(ring), 1, "READ of an empty pipe");
    line(has_nothing(ring), "waits");
    expect(write(p[1], "xyz", 3), 3, "a write");
    line(await(ring, &who) == 3 && who == 5 && memcmp(buffer, "xyz", 3) == 0, "completes it");
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    read_into(ring, p[0], buffer, sizeof buffer, 6);
    io_uring_submit(ring);
    line(has_nothing(ring), "READ of an empty pipe with O_NONBLOCK waits, too");
    close(p[1]);
    expect(await(ring, NULL), 0, "the writer's end ends it");
    read_into(ring, p[0], buffer, sizeof buffer, 7);
    expect(submit_and_await(ring), 0, "at the end of a pipe");
    close(p[0]);
    make_pipe(p);
    static char full[65536 + 8];
    expect(write(p[1], full, 65536), 65536, "a pipe is filled");
    io_uring_prep_write(next_sqe(ring, 1), p[1], full, 4096, 0);
    io_uring_submit(ring);
    line(has_nothing(ring), "WRITE to a full pipe waits");
    expect(read(p[0], full, 8192), 8192, "a read");
    expect(await(ring, NULL), 4096, "completes it");
    struct io_uring_sqe *sqe = next_sqe(ring, 1);
    close(p[1]);
    make_pipe(p);
    io_uring_prep_readv2(sqe, p[0], &(struct iovec){buffer, 1}, 1, 0, RWF_NOWAIT);
    expect(submit_and_await(ring), -EAGAIN, "RWF_NOWAIT");
    io_uring_prep_poll_add(next_sqe(ring, 1), p[0], POLLIN);
    io_uring_prep_poll_add(next_sqe(ring, 2), p[1], POLLOUT);
    expect(submit_and_await(ring), POLLOUT, "POLL_ADD of what is ready");
    line(has_nothing(ring), "POLL_ADD of what is not");
    line(write(p[1], "a", 1) == 1 && await(ring, NULL) == POLLIN, "becomes ready");
    int event = eventfd(0, 0);
    uint64_t count = 0, one = 5;
    read_into(ring, event, &count, sizeof count, 1);
    io_uring_submit(ring);
    line(write(event, &one, sizeof one) == sizeof one && await(ring, NULL) == 8 && count == 5, "READ of an eventfd");
    close_ring(ring);
}

void check_sockets(void)
{
    struct io_uring *ring = open_ring(8, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/uring_checks.socket"}, peer;
    socklen_t bytes = sizeof name, peer_bytes = sizeof peer;
    char buffer[16] = "";
    uint64_t who = 0, other = 0;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(name.sun_path);
    if (bind(listener, (struct sockaddr *)&name, bytes) || listen(listener, 4))
        give_up("bind, listen");
    struct io_uring_sqe *sqe = next_sqe(ring, 1);
    io_uring_prep_accept(sqe, listener, (struct sockaddr *)&peer, &peer_bytes, SOCK_CLOEXEC);
    io_uring_submit(ring);
    line(has_nothing(ring), "ACCEPT waits");
    sqe = next_sqe(ring, 2);
    io_uring_prep_connect(sqe, client, (struct sockaddr *)&name, bytes);
    io_uring_submit(ring);
    int first = await(ring, &who), second = await(ring, &other), server = who == 1 ? first : second;
    line((who == 1 ? second : first) == 0 && who + other == 3, "CONNECT");
    line(server > 2 && fcntl(server, F_GETFD) & FD_CLOEXEC && peer_bytes <= sizeof(sa_family_t), "ACCEPT");
    sqe = next_sqe(ring, 3);
    io_uring_prep_recv(sqe, server, buffer, sizeof buffer, 0);
    io_uring_submit(ring);
    line(has_nothing(ring), "RECV waits");
    sqe = next_sqe(ring, 4);
    io_uring_prep_send(sqe, client, "hello", 5, 0);
    io_uring_submit(ring);
    first = await(ring, &who);
    second = await(ring, &other);
    line(first == 5 && second == 5 && who + other == 7 && memcmp(buffer, "hello", 5) == 0, "SEND and RECV");
    io_uring_prep_recv(next_sqe(ring, 1), server, buffer, 6, MSG_WAITALL);
    io_uring_submit(ring);
    line(write(client, "abc", 3) == 3 && has_nothing(ring), "RECV of all waits for all");
    line(write(client, "def", 3) == 3 && await(ring, NULL) == 6 && memcmp(buffer, "abcdef", 6) == 0, "and gets it");
    io_uring_prep_recv(next_sqe(ring, 1), server, buffer, 6, MSG_DONTWAIT);
    expect(submit_and_await(ring), -EAGAIN, "RECV with MSG_DONTWAIT");
    io_uring_prep_recv(next_sqe(ring, 1), server, buffer, 6, 0);
    io_uring_submit(ring);
    close(client);
    expect(await(ring, NULL), 0, "RECV when the peer closes");
    io_uring_prep_send(next_sqe(ring, 1), server, "x", 1, 0);
    expect(submit_and_await(ring), -EPIPE, "SEND to nobody");
    io_uring_prep_recv(next_sqe(ring, 1), 0, buffer, 6, 0);
    expect(submit_and_await(ring), -ENOTSOCK, "RECV of a file");
    close_ring(ring);
}

void check_timeouts(void)
{
    struct io_uring *ring = open_ring(8, 0);
    struct __kernel_timespec soon = {0, 20000000}, late = {60, 0}, bad = {0, -5};
    uint64_t start = now_us(), who = 0;
    io_uring_prep_timeout(next_sqe(ring, 1), &soon, 0, 0);
    io_uring_submit(ring);
    memset(&soon, 0xff, sizeof soon); /* it was copied */
    expect(await(ring, NULL), -ETIME, "TIMEOUT");
    line(now_us() - start >= 20000, "not before its time");
    struct io_uring_sqe *sqe = next_sqe(ring, 9);
    io_uring_prep_timeout(sqe, &late, 2, 0);
    next_sqe(ring, 1);
    io_uring_submit(ring);
    expect(await(ring, NULL), 0, "a NOP after a TIMEOUT of two completions");
    next_sqe(ring, 2);
    io_uring_submit(ring);
    line(await(ring, &who) == 0 && await(ring, &who) == 0 && who == 9, "the second ends it");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct __kernel_timespec at = {now.tv_sec, now.tv_nsec};
    io_uring_prep_timeout(next_sqe(ring, 1), &at, 0, IORING_TIMEOUT_ABS);
    expect(submit_and_await(ring), -ETIME, "an absolute time in the past");
    clock_gettime(CLOCK_REALTIME, &now);
    at = (struct __kernel_timespec){now.tv_sec, now.tv_nsec};
    io_uring_prep_timeout(next_sqe(ring, 1), &at, 0, IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME);
    expect(submit_and_await(ring), -ETIME, "of the real-time clock");
    io_uring_prep_timeout(next_sqe(ring, 1), &bad, 0, 0);
    expect(submit_and_await(ring), -EINVAL, "a time that is none");
    start = now_us();
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {0, 10000000};
    expect(io_uring_wait_cqe_timeout(ring, &cqe, &limit), -ETIME, "enter with a time-out");
    line(now_us() - start >= 10000, "waits for it");
    close_ring(ring);
}

void check_cancel(void)
{
    struct io_uring *ring = open_ring(16, 0);
    char buffer[8];
    int p[2];
    uint64_t who = 0, other = 0;
    make_pipe(p);
    struct __kernel_timespec late = {60, 0};
    io_uring_prep_cancel64(next_sqe(ring, 0), 77, 0);
    expect(submit_and_await(ring), -ENOENT, "ASYNC_CANCEL of nothing");
    read_into(ring, p[0], buffer, 8, 10);
    io_uring_submit(ring);
    struct io_uring_sqe *sqe = next_sqe(ring, 11);
    io_uring_prep_cancel64(sqe, 10, 0);
    io_uring_submit(ring);
    int first = await(ring, &who), second = await(ring, &other);
    line((who == 10 ? first : second) == -ECANCELED && (who == 10 ? second : first) == 0 && who + other == 21,
         "ASYNC_CANCEL of a READ");
    sqe = next_sqe(ring, 12);
    io_uring_prep_timeout(sqe, &late, 0, 0);
    io_uring_submit(ring);
    sqe = next_sqe(ring, 13);
    io_uring_prep_cancel64(sqe, 12, 0);
    io_uring_submit(ring);
    first = await(ring, &who);
    second = await(ring, &other);
    line((who == 12 ? first : second) == -ECANCELED && (who == 12 ? second : first) == 0, "of a TIMEOUT");
    for (int i = 0; i < 3; i++)
        read_into(ring, p[0], buffer, 8, 20);
    io_uring_submit(ring);
    sqe = next_sqe(ring, 21);
    io_uring_prep_cancel_fd(sqe, p[0], IORING_ASYNC_CANCEL_ALL);
    io_uring_submit(ring);
    int cancelled = 0, count = -1;
    for (int i = 0; i < 4; i++) {
        int result = await(ring, &who);
        if (who == 21)
            count = result;
        else
            cancelled += result == -ECANCELED;
    }
    line(cancelled == 3 && count == 3, "of all requests of a file");
    line(write(p[1], "abc", 3) == 3 && read(p[0], buffer, 8) == 3, "cancelled requests take no data");
    close_ring(ring);
}
