/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a web server and checks every byte: web_client FOLDER [-p PORT] [-c CONNECTIONS] [-n REQUESTS]
 *
 * FOLDER is what the server serves. Each connection asks for one file after the other, chosen at random, compares what
 * comes with the file, and is closed and opened again now and then. Some requests are for files that do not exist, and
 * must be answered by 404. Sockets do not block; epoll says which are ready. Status 1 if anything was wrong. */
#include "number.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MAX = 64, CONNECTIONS_MAX = 1024, KEPT_FOR = 20, HEADER_BYTES = 512, CHUNK_BYTES = 65536 };

struct file {
    char name[64];
    char *bytes;
    size_t size;
};

struct connection {
    int socket;
    const struct file *file; /* that is being received; NULL: one that is missing */
    char request[128];
    unsigned request_bytes, request_sent;
    char header[HEADER_BYTES];
    unsigned header_bytes;
    bool in_body;
    size_t received; /* of the body */
    unsigned requests;
};

static struct file files[FILES_MAX];
static unsigned file_count;
static struct connection connections[CONNECTIONS_MAX];
static int epoll;
static unsigned started, finished, wanted, port = 8080;
static uint64_t bytes_received;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "web_client: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static _Noreturn void wrong(const struct connection *c, const char *what)
{
    fprintf(stderr, "web_client: %s, file %s, byte %zu\n", what, c->file ? c->file->name : "that is missing",
            c->received);
    exit(EXIT_FAILURE);
}

static unsigned random_below(unsigned n)
{
    static uint64_t state = 7;
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)((state >> 33) % n);
}

static void load_files(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        fail(folder);
    for (struct dirent *e; (e = readdir(dir)) && file_count < FILES_MAX;) {
        struct stat st;
        struct file *f = &files[file_count];
        int fd = openat(dirfd(dir), e->d_name, O_RDONLY);
        if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || strlen(e->d_name) >= sizeof f->name) {
            close(fd);
            continue;
        }
        strcpy(f->name, e->d_name);
        f->size = (size_t)st.st_size;
        f->bytes = malloc(f->size + 1);
        for (size_t at = 0; at < f->size;) {
            ssize_t n = read(fd, f->bytes + at, f->size - at);
            if (n <= 0)
                fail(e->d_name);
            at += (size_t)n;
        }
        close(fd);
        file_count++;
    }
    closedir(dir);
}

static void watch(struct connection *c, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->socket, &event))
        fail("epoll_ctl");
}

static void ask(struct connection *c)
{
    c->file = random_below(50) ? &files[random_below(file_count)] : NULL;
    c->request_bytes = (unsigned)snprintf(c->request, sizeof c->request, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                          c->file ? c->file->name : "no-such-file");
    c->request_sent = c->header_bytes = 0;
    c->in_body = false;
    c->received = 0;
    c->requests++;
    started++;
}

static void open_connection(struct connection *c)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->socket < 0)
        fail("socket");
    if (connect(c->socket, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        fail("connect");
    c->requests = 0;
    ask(c);
    watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

/* One response is whole: the next request, on a new connection now and then. */
static void next(struct connection *c)
{
    finished++;
    if (started < wanted && c->requests < KEPT_FOR) {
        ask(c);
        return watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    if (close(c->socket))
        fail("close");
    c->socket = -1;
    if (started < wanted)
        open_connection(c);
}

static void on_writable(struct connection *c)
{
    ssize_t n = send(c->socket, c->request + c->request_sent, c->request_bytes - c->request_sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        fail("send");
    c->request_sent += (unsigned)n;
    if (c->request_sent == c->request_bytes)
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static size_t body_size(const struct connection *c) { return c->file ? c->file->size : 0; }

/* How many of these bytes belong to the header; sees where it ends. */
static size_t take_header(struct connection *c, const char *bytes, size_t count)
{
    size_t used = 0;
    char expected[64];
    while (used < count && !c->in_body) {
        if (c->header_bytes == HEADER_BYTES - 1)
            wrong(c, "a header without end");
        c->header[c->header_bytes++] = bytes[used++];
        c->header[c->header_bytes] = 0;
        c->in_body = c->header_bytes >= 4 && memcmp(c->header + c->header_bytes - 4, "\r\n\r\n", 4) == 0;
    }
    snprintf(expected, sizeof expected, "\r\nContent-Length: %zu\r\n", body_size(c));
    if (c->in_body &&
        (strncmp(c->header, c->file ? "HTTP/1.1 200 " : "HTTP/1.1 404 ", 13) || !strstr(c->header, expected)))
        wrong(c, "another header than expected");
    return used;
}

static void on_readable(struct connection *c)
{
    static char chunk[CHUNK_BYTES];
    ssize_t n = recv(c->socket, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        fail("recv");
    if (n == 0)
        wrong(c, "closed in the middle of a response");
    bytes_received += (uint64_t)n;
    size_t count = (size_t)n, at = c->in_body ? 0 : take_header(c, chunk, count);
    if (count - at > body_size(c) - c->received)
        wrong(c, "more than the file");
    if (c->file && memcmp(chunk + at, c->file->bytes + c->received, count - at) != 0)
        wrong(c, "another byte than that of the file");
    c->received += count - at;
    if (c->in_body && c->received == body_size(c))
        next(c);
}

int main(int argc, char **argv)
{
    struct timespec from, to;
    unsigned count = 64;
    wanted = 10000;
    for (int option; (option = getopt(argc, argv, "p:c:n:")) != -1;) {
        if (option == 'p')
            port = (unsigned)number(optarg, 1, 65535);
        else if (option == 'c')
            count = (unsigned)number(optarg, 1, CONNECTIONS_MAX);
        else if (option == 'n')
            wanted = (unsigned)number(optarg, 1, 1u << 30);
        else
            count = 0;
    }
    if (!count || argc - optind != 1) {
        fputs("usage: web_client FOLDER [-p PORT] [-c CONNECTIONS] [-n REQUESTS]\n", stderr);
        return 2;
    }
    load_files(argv[optind]);
    if (!file_count) {
        fprintf(stderr, "web_client: %s: no file there\n", argv[optind]);
        return EXIT_FAILURE;
    }
    epoll = epoll_create1(0);
    if (epoll < 0)
        fail("epoll_create1");
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < count && started < wanted; i++)
        open_connection(&connections[i]);
    while (finished < wanted) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, 10000);
        if (n < 0 && errno != EINTR)
            fail("epoll_wait");
        if (n == 0) {
            fprintf(stderr, "web_client: no answer for 10 s after %u responses\n", finished);
            return EXIT_FAILURE;
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                on_writable(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_readable(c);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("requests %u  bytes %llu  all as expected  %.6f s\n", finished, (unsigned long long)bytes_received, seconds);
    return EXIT_SUCCESS;
}
