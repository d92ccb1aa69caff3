/* SPDX-License-Identifier: Apache-2.0 */
/* What stream sockets on 127.0.0.1 answer, line by line: the same program on Linux is the judge of the kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PORT = 24571, BYTES = 1 << 20 };

static void say(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

static struct sockaddr_in name_of(const char *address, unsigned port)
{
    struct sockaddr_in n = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &n.sin_addr);
    return n;
}

static int bind_to(int fd, const char *address, unsigned port)
{
    struct sockaddr_in n = name_of(address, port);
    return bind(fd, (struct sockaddr *)&n, sizeof n);
}

static int connect_to(int fd, const char *address, unsigned port)
{
    struct sockaddr_in n = name_of(address, port);
    return connect(fd, (struct sockaddr *)&n, sizeof n);
}

static int tcp(int flags) { return socket(AF_INET, SOCK_STREAM | flags, 0); }

static void say_name(const char *what, int (*ask)(int, struct sockaddr *, socklen_t *), int fd)
{
    struct sockaddr_in n = {0};
    socklen_t bytes = sizeof n;
    int result = ask(fd, (struct sockaddr *)&n, &bytes);
    if (result)
        say(what, result);
    else
        printf("%s: %s:%s, %u bytes\n", what, inet_ntoa(n.sin_addr),
               ntohs(n.sin_port) == PORT ? "that port"
               : n.sin_port              ? "another port"
                                         : "no port",
               bytes);
}

static void say_option(const char *what, int fd, int option)
{
    int value = -1;
    socklen_t bytes = sizeof value;
    long result = getsockopt(fd, SOL_SOCKET, option, &value, &bytes);
    say(what, result ? result : value);
}

static int listener(void)
{
    int fd = tcp(0), on = 1;
    say("reuse", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    say("bind", bind_to(fd, "127.0.0.1", PORT));
    say("bind again", bind_to(fd, "127.0.0.1", PORT + 1));
    say("connect before listen", connect_to(tcp(0), "127.0.0.1", PORT));
    say("listen", listen(fd, 16));
    say_name("name of the listener", getsockname, fd);
    say_name("peer of the listener", getpeername, fd);
    say("accept without anybody", (fcntl(fd, F_SETFL, O_NONBLOCK), accept(fd, NULL, NULL)));
    return fd;
}

static void refusals(void)
{
    int fd = tcp(0), on = 1;
    struct sockaddr_in n = name_of("127.0.0.1", PORT);
    char path[] = "x";
    say("connect to nobody", connect_to(fd, "127.0.0.1", PORT + 7));
    say("short name", connect(fd, (struct sockaddr *)&n, 8));
    say("long name", bind(fd, (struct sockaddr *)&n, 4096));
    n.sin_family = AF_UNIX;
    say("name of another family", bind(fd, (struct sockaddr *)&n, sizeof n));
    say("bind elsewhere", bind_to(fd, "192.0.2.1", PORT));
    say("bad address", bind(fd, (struct sockaddr *)8, sizeof n));
    say("send before connect", send(fd, path, 1, MSG_NOSIGNAL));
    say("receive before connect", recv(fd, path, 1, 0));
    say("no socket", listen(0, 1));
    say("no descriptor", listen(99, 1));
    say("pair", socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}));
    say("protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    say("option without room", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 2));
    say("option at a bad address", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, sizeof on));
    say("no delay", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    close(fd);
}

static void *send_all(void *arg)
{
    int fd = *(int *)arg;
    static char bytes[BYTES];
    for (unsigned i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 7 + (i >> 9));
    for (size_t at = 0; at < BYTES;) {
        ssize_t n = send(fd, bytes + at, BYTES - at, MSG_NOSIGNAL);
        if (n < 0)
            break;
        at += (size_t)n;
    }
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void transfer(int from, int to)
{
    pthread_t thread;
    static char chunk[5000];
    unsigned at = 0, wrong = 0;
    pthread_create(&thread, NULL, send_all, &from);
    for (ssize_t n; (n = recv(to, chunk, sizeof chunk, 0)) > 0;)
        for (ssize_t i = 0; i < n; i++, at++)
            wrong += chunk[i] != (char)(at * 7 + (at >> 9));
    pthread_join(thread, NULL);
    printf("transferred: %u bytes, %u wrong\n", at, wrong);
}

static unsigned events_of(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
    return poll(&p, 1, 0) < 0 ? 0xffff : (unsigned)p.revents;
}

/* A new connection to the port of l; its other end in *server. */
static int pair(int l, int *server)
{
    int client = tcp(0);
    fcntl(l, F_SETFL, 0);
    if (connect_to(client, "127.0.0.1", PORT))
        say("connect", -1);
    *server = accept(l, NULL, NULL);
    return client;
}

static volatile unsigned signals;
static void on_pipe(int number) { signals += number == SIGPIPE; }

static unsigned edges(int epoll, int ms)
{
    struct epoll_event e = {0};
    int n = epoll_wait(epoll, &e, 1, ms);
    return n > 0 ? e.events : 0;
}

/* Halves that are closed, ends that leave bytes unread, edges, connections that nobody accepts. */
static void ends(int l)
{
    int server, client = pair(l, &server), epoll = epoll_create1(0), fds[9], result;
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
    char c[8];
    signal(SIGPIPE, on_pipe);
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &e);
    printf("no edge: %x\n", edges(epoll, 0));
    say("send", send(server, "ab", 2, 0));
    printf("an edge: %x\n", edges(epoll, 5000));
    printf("once: %x\n", edges(epoll, 20));
    say("send", send(server, "c", 1, 0));
    printf("another edge: %x\n", edges(epoll, 5000));
    say("shut for writing", shutdown(server, SHUT_WR));
    printf("an edge of the end: %x\n", edges(epoll, 5000));
    say("write to the shut half", write(server, "x", 1));
    say("send without a signal", send(server, "x", 1, MSG_NOSIGNAL));
    printf("signals: %u\n", signals);
    say("what is left", recv(client, c, sizeof c, 0));
    say("end", recv(client, c, sizeof c, 0));
    say("the other half", send(client, "y", 1, 0));
    say("received", recv(server, c, sizeof c, 0));
    say("shut twice", shutdown(server, SHUT_WR));
    close(server);
    close(client);
    client = pair(l, &server);
    say("shut for reading", shutdown(client, SHUT_RD));
    say("nothing is read", recv(client, c, sizeof c, 0));
    close(server);
    close(client);

    client = pair(l, &server);
    say("send", send(client, "unread", 6, 0));
    say("answer", send(server, "answer", 6, 0));
    while (!(events_of(server) & POLLIN))
        ;
    say("close with bytes unread", close(server));
    printf("events: %x\n", events_of(client) & (POLLERR | POLLHUP | POLLIN));
    say("read before", recv(client, c, sizeof c, 0));
    say("reset", recv(client, c, sizeof c, 0));
    say("once", recv(client, c, sizeof c, 0));
    close(client);

    int other = tcp(0);
    say("listen", listen(other, 4));
    struct sockaddr_in there = {0};
    socklen_t bytes = sizeof there;
    getsockname(other, (struct sockaddr *)&there, &bytes);
    client = tcp(0);
    say("connect", connect_to(client, "127.0.0.1", ntohs(there.sin_port)));
    say("close of the listener", close(other));
    say("reset of who was not accepted", recv(client, c, sizeof c, 0));
    close(client);

    say("shutdown without a connection", shutdown(tcp(0), SHUT_RDWR));
    say("how is that", shutdown(l, 7));
    say("listener connects", connect_to(l, "127.0.0.1", PORT));
    say("fewer may wait", listen(l, 2));
    int connected = 0;
    struct sigaction action = {.sa_handler = on_pipe}; /* no restart */
    sigaction(SIGALRM, &action, NULL);
    for (result = 0; !result && connected < 8; connected += !result) {
        fds[connected] = tcp(0);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 100000}}, NULL);
        result = connect_to(fds[connected], "127.0.0.1", PORT);
    }
    say("one too many", result);
    printf("connections that wait: %d\n", connected);
    for (int i = 0; i < connected; i++) {
        close(fds[i]);
        close(accept(l, NULL, NULL));
    }
    close(fds[connected]);
    client = tcp(0);
    say("room again", connect_to(client, "127.0.0.1", PORT));
    close(accept(l, NULL, NULL));
    close(client);
}

int main(void)
{
    struct sockaddr_in who = {0};
    socklen_t bytes = sizeof who;
    char c = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    refusals();
    int l = listener(), client = tcp(SOCK_NONBLOCK);
    printf("events of a listener: %x\n", events_of(l));
    int result = connect_to(client, "127.0.0.1", PORT);
    printf("connect: %s\n", result == 0 || errno == EINPROGRESS ? "begun" : strerrorname_np(errno));
    struct pollfd both[] = {{.fd = l, .events = POLLIN}, {.fd = client, .events = POLLOUT}};
    while (poll(both, 2, 5000) != 2)
        ;
    say_option("error", client, SO_ERROR);
    printf("events with somebody: %x %x\n", events_of(l), events_of(client));
    int server = accept(l, (struct sockaddr *)&who, &bytes);
    printf("accepted: %s, %u bytes, %s\n", inet_ntoa(who.sin_addr), bytes, who.sin_port ? "a port" : "no port");
    say_name("name of the server", getsockname, server);
    say_name("peer of the server", getpeername, server);
    say_name("name of the client", getsockname, client);
    say_name("peer of the client", getpeername, client);
    say_option("type", client, SO_TYPE);
    say_option("domain", client, SO_DOMAIN);
    say_option("protocol", client, SO_PROTOCOL);
    say_option("listens", l, SO_ACCEPTCONN);
    (void)connect_to(client, "127.0.0.1", PORT); /* tells once that it went well, if it had said that it goes on */
    say("connect again", connect_to(client, "127.0.0.1", PORT));
    say("nothing there", recv(client, &c, 1, MSG_DONTWAIT));
    say("send", send(server, "hello", 5, 0));
    struct epoll_event e = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &e);
    say("epoll", epoll_wait(epoll, &e, 1, 5000));
    say("the first byte", recv(client, &c, 1, 0));
    printf("events of both: %x %x\n", events_of(client), events_of(server));
    fcntl(client, F_SETFL, 0);
    char rest[4];
    say("the rest", recv(client, rest, sizeof rest, 0));
    transfer(client, server);
    printf("events after its end: %x\n", events_of(server));
    say("send the other way", send(server, "x", 1, 0));
    say("received", recv(client, &c, 1, 0));
    say("close", close(server));
    say("end", recv(client, &c, 1, 0));
    say("close", close(client));
    ends(l);
    say("another on the port", bind_to(tcp(0), "127.0.0.1", PORT));
    say("close", close(l));
    say("connect after close", connect_to(tcp(0), "127.0.0.1", PORT));
    int any = tcp(0);
    say("listen on any port", listen(any, 1));
    say_name("its name", getsockname, any);
    return EXIT_SUCCESS;
}
