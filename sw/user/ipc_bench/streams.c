/* SPDX-License-Identifier: Apache-2.0 */
/* What goes through descriptors: pipe, FIFO, UNIX-domain socket, eventfd. Each side reads one and writes one. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int reads[2], writes[2]; /* by side */
static char buffer[2][SIZE_MAX_BYTES];

static void send_bytes(enum side me)
{
    for (size_t done = 0; done < options.size;) {
        ssize_t n = write(writes[me], buffer[me] + done, options.size - done);
        check_call(n, "write");
        done += (size_t)n;
    }
}

static uint64_t receive_bytes(enum side me)
{
    for (size_t done = 0; done < options.size;) {
        ssize_t n = read(reads[me], buffer[me] + done, options.size - done);
        check_call(n, "read");
        if (n == 0) {
            errno = EPIPE;
            fail("read");
        }
        done += (size_t)n;
    }
    return tsc_now();
}

static void nothing(enum side me) { (void)me; }

static void prepare_pipe(void)
{
    for (int from = A; from <= B; from++) {
        int ends[2];
        check_call(pipe(ends), "pipe");
        reads[other((enum side)from)] = ends[0];
        writes[from] = ends[1];
    }
}

static char fifo_name[2][64]; /* by writing side */

static void prepare_fifo(void)
{
    for (int from = A; from <= B; from++) {
        snprintf(fifo_name[from], sizeof fifo_name[from], "/tmp/ipc_bench.%d.%d", (int)getpid(), from);
        check_call(mkfifo(fifo_name[from], 0600), "mkfifo");
    }
}

static void attach_fifo(enum side me)
{
    for (int from = A; from <= B; from++) { /* both in this order: opening waits for the other end */
        int fd = open(fifo_name[from], from == (int)me ? O_WRONLY : O_RDONLY);
        check_call(fd, "open");
        *(from == (int)me ? &writes[me] : &reads[me]) = fd;
    }
}

static void detach_fifo(enum side me) { check_call(unlink(fifo_name[me]), "unlink"); }

static void prepare_socket(void)
{
    int ends[2];
    check_call(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    reads[A] = writes[A] = ends[0];
    reads[B] = writes[B] = ends[1];
}

static void prepare_eventfd(void)
{
    for (int from = A; from <= B; from++) {
        writes[from] = reads[other((enum side)from)] = eventfd(0, 0);
        check_call(writes[from], "eventfd");
    }
}

static void send_event(enum side me)
{
    uint64_t one = 1;
    check_call(write(writes[me], &one, sizeof one), "write");
}

static uint64_t receive_event(enum side me)
{
    uint64_t value;
    check_call(read(reads[me], &value, sizeof value), "read");
    return tsc_now();
}

const struct mechanism mechanism_pipe = {"pipe",  "a pipe each way", true,          prepare_pipe,
                                         nothing, send_bytes,        receive_bytes, nothing};
const struct mechanism mechanism_fifo = {"fifo",     "a named pipe each way", true,       prepare_fifo, attach_fifo,
                                         send_bytes, receive_bytes,           detach_fifo};
const struct mechanism mechanism_socket = {
    "socket", "a UNIX-domain stream socket pair", true, prepare_socket, nothing, send_bytes, receive_bytes, nothing};
const struct mechanism mechanism_eventfd = {
    "eventfd", "an eventfd each way, blocking reads", false, prepare_eventfd, nothing, send_event, receive_event,
    nothing};
