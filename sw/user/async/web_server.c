/* SPDX-License-Identifier: Apache-2.0 */
/* A web server on a ring: web_server uring|uintr FOLDER [-p PORT] [-n REQUESTS] [-i]
 *
 * Every step of every connection is a request of the ring: accept, receive, open and size of the file, read, send,
 * close. A connection has one of them in flight at a time, and its completion starts the next; in the form uintr that
 * happens in the handler, while main computes (-i: sleeps). GET of a regular file in FOLDER, HTTP/1.1 with connections
 * that are kept. Ends after REQUESTS responses; without -n it goes on for ever. */
#include "compute.h"
#include "number.h"
#include "ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTIONS = 256, REQUEST_BYTES = 2048, CHUNK_BYTES = 32768, BACKLOG = 128 };
enum step { FREE, RECEIVE, OPEN, SIZE, READ, SEND, CLOSE_FILE, CLOSE };
enum { ACCEPT_DATA = CONNECTIONS }; /* user data beyond those of connections */

struct connection {
    enum step step; /* of the request in flight */
    int socket, file;
    bool is_last; /* close after this response */
    char request[REQUEST_BYTES];
    unsigned request_bytes; /* received */
    char path[256];
    struct statx status;
    uint64_t size, offset;       /* of the file, of what comes next */
    unsigned filled, sent;       /* bytes of out */
    char out[CHUNK_BYTES + 256]; /* header and first bytes, then bytes of the file */
};

static struct connection connections[CONNECTIONS];
static int listener, folder;
static volatile unsigned served, refused, live;
static bool is_accepting;

static void receive(struct ring *ring, struct connection *c);

static struct io_uring_sqe *request(struct ring *ring, struct connection *c, enum step step)
{
    c->step = step;
    return ring_request(ring, (uint64_t)(c - connections));
}

static void accept_next(struct ring *ring)
{
    io_uring_prep_accept(ring_request(ring, ACCEPT_DATA), listener, NULL, NULL, 0);
    is_accepting = true;
}

static void hang_up(struct ring *ring, struct connection *c)
{
    io_uring_prep_close(request(ring, c, CLOSE), c->socket);
}

static void send_rest(struct ring *ring, struct connection *c)
{
    io_uring_prep_send(request(ring, c, SEND), c->socket, c->out + c->sent, c->filled - c->sent, MSG_NOSIGNAL);
}

static void read_more(struct ring *ring, struct connection *c)
{
    uint64_t left = c->size - c->offset;
    unsigned room = (unsigned)(sizeof c->out - c->filled);
    io_uring_prep_read(request(ring, c, READ), c->file, c->out + c->filled, left < room ? (unsigned)left : room,
                       c->offset);
}

static void put_header(struct connection *c, const char *status)
{
    c->sent = 0;
    c->filled =
        (unsigned)snprintf(c->out, sizeof c->out, "HTTP/1.1 %s\r\nServer: uring\r\nContent-Length: %llu\r\n%s\r\n",
                           status, (unsigned long long)c->size, c->is_last ? "Connection: close\r\n" : "");
}

static void answer_error(struct ring *ring, struct connection *c, const char *status)
{
    refused++;
    c->file = -1;
    c->size = c->offset = 0;
    put_header(c, status);
    send_rest(ring, c);
}

/* Takes the first request out of what was received; false: it is not complete. *target: "" if it makes no sense. */
static bool take_request(struct connection *c)
{
    char *end = memmem(c->request, c->request_bytes, "\r\n\r\n", 4);
    if (!end)
        return false;
    unsigned bytes = (unsigned)(end + 4 - c->request);
    c->path[0] = 0;
    *end = 0;
    char version = '0';
    if (sscanf(c->request, "GET /%255s HTTP/1.%c", c->path, &version) != 2 || c->path[0] == '/' ||
        strstr(c->path, ".."))
        c->path[0] = 0;
    c->is_last = version != '1' || strcasestr(c->request, "\nConnection: close");
    memmove(c->request, c->request + bytes, c->request_bytes - bytes);
    c->request_bytes -= bytes;
    return true;
}

/* The next request if it is there already, or more bytes. */
static void next_request(struct ring *ring, struct connection *c)
{
    if (take_request(c)) {
        if (!c->path[0])
            return answer_error(ring, c, "400 Bad Request");
        return io_uring_prep_openat(request(ring, c, OPEN), folder, c->path, O_RDONLY | O_NONBLOCK, 0);
    }
    if (c->request_bytes == REQUEST_BYTES)
        return hang_up(ring, c);
    receive(ring, c);
}

static void receive(struct ring *ring, struct connection *c)
{
    io_uring_prep_recv(request(ring, c, RECEIVE), c->socket, c->request + c->request_bytes,
                       REQUEST_BYTES - c->request_bytes, 0);
}

static void response_done(struct ring *ring, struct connection *c)
{
    served++;
    if (c->is_last)
        return hang_up(ring, c);
    next_request(ring, c);
}

static void on_sent(struct ring *ring, struct connection *c, int result)
{
    if (result <= 0) {
        c->is_last = true;
        if (c->file >= 0)
            return io_uring_prep_close(request(ring, c, CLOSE_FILE), c->file);
        return hang_up(ring, c);
    }
    c->sent += (unsigned)result;
    if (c->sent < c->filled)
        return send_rest(ring, c);
    c->sent = c->filled = 0;
    if (c->offset < c->size)
        return read_more(ring, c);
    if (c->file >= 0)
        return io_uring_prep_close(request(ring, c, CLOSE_FILE), c->file);
    response_done(ring, c);
}

static void on_step(struct ring *ring, struct connection *c, int result)
{
    switch (c->step) {
    case RECEIVE:
        if (result <= 0)
            return hang_up(ring, c);
        c->request_bytes += (unsigned)result;
        return next_request(ring, c);
    case OPEN:
        if (result < 0)
            return answer_error(ring, c, "404 Not Found");
        c->file = result;
        return io_uring_prep_statx(request(ring, c, SIZE), c->file, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE,
                                   &c->status);
    case SIZE:
        c->size = result == 0 && S_ISREG(c->status.stx_mode) ? c->status.stx_size : 0;
        c->offset = 0;
        put_header(c, result == 0 && S_ISREG(c->status.stx_mode) ? "200 OK" : "404 Not Found");
        return c->size ? read_more(ring, c) : send_rest(ring, c);
    case READ:
        if (result <= 0) { /* the length has been promised */
            c->is_last = true;
            return io_uring_prep_close(request(ring, c, CLOSE_FILE), c->file);
        }
        c->offset += (unsigned)result;
        c->filled += (unsigned)result;
        return send_rest(ring, c);
    case SEND: return on_sent(ring, c, result);
    case CLOSE_FILE: c->file = -1; return response_done(ring, c);
    default:
        c->step = FREE;
        live--;
        if (!is_accepting)
            accept_next(ring);
    }
}

static void on_accept(struct ring *ring, int result)
{
    is_accepting = false;
    if (result >= 0) {
        struct connection *c = connections;
        while (c->step != FREE)
            c++;
        c->socket = result;
        c->file = -1;
        c->request_bytes = 0;
        live++;
        receive(ring, c);
    }
    if (live < CONNECTIONS)
        accept_next(ring);
}

static void on_completion(struct ring *ring, uint64_t user_data, int result)
{
    if (user_data == ACCEPT_DATA)
        on_accept(ring, result);
    else
        on_step(ring, &connections[user_data], result);
    ring_submit(ring);
}

static void listen_on(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG))
        fail("listening");
}

static _Noreturn void usage(void)
{
    fputs("usage: web_server uring|uintr FOLDER [-p PORT] [-n REQUESTS] [-i]\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    struct ring ring;
    unsigned port = 8080, requests = 0;
    bool is_idle = false;
    uint64_t pieces = 0;
    for (int option; (option = getopt(argc, argv, "p:n:i")) != -1;) {
        if (option == 'p')
            port = (unsigned)number(optarg, 1, 65535);
        else if (option == 'n')
            requests = (unsigned)number(optarg, 1, 1u << 30);
        else if (option == 'i')
            is_idle = true;
        else
            usage();
    }
    if (argc - optind != 2)
        usage();
    enum form form = form_of(argv[optind]);
    if (form == FORM_NORMAL)
        usage();
    folder = open(argv[optind + 1], O_RDONLY | O_DIRECTORY);
    if (folder < 0)
        fail(argv[optind + 1]);
    listen_on(port);
    ring_open(&ring, form, 2 * CONNECTIONS, on_completion);
    ring_lock(&ring);
    accept_next(&ring);
    ring_submit(&ring);
    ring_unlock(&ring);
    while (!requests || served < requests || live) {
        if (is_idle) {
            ring_wait(&ring);
            continue;
        }
        compute();
        pieces++;
        ring_poll(&ring);
    }
    ring_close(&ring);
    printf("form %s  responses %u  refused %u  computed meanwhile %llu pieces\n", form_names[form], served, refused,
           (unsigned long long)pieces);
    printf("completions by interrupt %llu  by polling %llu  by waiting %llu\n", (unsigned long long)ring.by_interrupt,
           (unsigned long long)ring.by_polling, (unsigned long long)ring.by_waiting);
    return EXIT_SUCCESS;
}
