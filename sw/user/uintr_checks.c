/* SPDX-License-Identifier: Apache-2.0 */
/* uintr_checks: what the system calls of user interrupts answer, and what becomes of posts when the kernel is involved
 * (L05 to L10). One line per check; each group runs in a process of its own. Exit status 1 if a check failed. */
#include "uintr_calls.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { LIMIT_S = 60, VECTORS = 64, TABLE_ENTRIES = 256 };

static struct {
    uint32_t checks, failures;
} * totals; /* of all processes */

__attribute__((format(printf, 2, 3))) static bool line(bool is_right, const char *format, ...)
{
    va_list list;
    char text[160];
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    printf("%s gen %d  %s\n", is_right ? "ok  " : "FAIL", uintr_generation, text);
    totals->checks++;
    totals->failures += !is_right;
    return is_right;
}

static void expect(long result, long expected, const char *text)
{
    int error = errno;
    if (!line(result == expected, "%s", text))
        printf("       expected %ld, got %ld (%s)\n", expected, result, result == -1 ? strerror(error) : "no error");
}

static void expect_error(long result, int expected, const char *text)
{
    int error = errno;
    if (!line(result == -1 && error == expected, "%s: %s", text, strerror(expected)))
        printf("       got %ld (%s)\n", result, result == -1 ? strerror(error) : "no error");
}

/* --- the receiver --- */

static volatile uint32_t received;
static volatile uint8_t order[256];
static volatile uint64_t handler_rsp;

static void __attribute__((interrupt)) on_interrupt(struct __uintr_frame *frame, unsigned long long vector)
{
    handler_rsp = (uint64_t)frame;
    order[received % sizeof order] = (uint8_t)vector;
    received = received + 1;
}

static bool await_received(uint32_t count)
{
    struct timespec pause = {0, 1000000};
    for (int i = 0; i < 5000 && received < count; i++)
        nanosleep(&pause, NULL);
    return received >= count;
}

static void sleep_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&pause, &pause) && errno == EINTR)
        continue;
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A receiver with one vector and a sender to itself: the descriptor, the index in *index. */
static int set_up(unsigned vector, int *index)
{
    int fd = uintr_register_handler(on_interrupt, 0) ? -1 : uintr_vector_fd(vector);
    *index = uintr_register_sender(fd);
    if (!line(fd >= 0 && *index >= 0, "set up: handler, vector %u, sender", vector))
        exit(1);
    return fd;
}

/* --- errnos --- */

static void check_handler(void)
{
    int g = uintr_generation;
    uint64_t handler = (uintptr_t)on_interrupt;
    expect_error(uintr_call(UINTR_VECTOR_FD, 0, 0, 0), EINVAL, "vector fd without a handler");
    expect_error(uintr_call(UINTR_UNREGISTER_HANDLER, 0, 0, 0), EINVAL, "unregister_handler without a handler");
    expect_error(uintr_wait(1000), EOPNOTSUPP, "wait without a handler");
    expect_error(uintr_call(UINTR_REGISTER_HANDLER, handler, 1, 0), EINVAL, "register_handler, unknown flags");
    expect_error(uintr_call(UINTR_REGISTER_HANDLER, 0, 0, 0), EFAULT, "register_handler, address 0");
    expect(uintr_call(UINTR_REGISTER_HANDLER, handler, 0, 0), 0, "register_handler");
    expect_error(uintr_call(UINTR_REGISTER_HANDLER, handler, 0, 0), EBUSY, "register_handler again");
    expect_error(uintr_call(UINTR_UNREGISTER_HANDLER, 1, 0, 0), EINVAL, "unregister_handler, unknown flags");
    expect(uintr_call(UINTR_UNREGISTER_HANDLER, 0, 0, 0), 0, "unregister_handler");
    expect(uintr_call(UINTR_REGISTER_HANDLER, 0x1234567812345678, 0, 0), 0,
           "register_handler does not look at the address");
    expect(uintr_call(UINTR_UNREGISTER_HANDLER, 0, 0, 0), 0, "unregister_handler once more");
    for (uint64_t flags = 0x1000; flags <= 0x3000; flags += 0x1000) {
        if (g == 1) {
            expect_error(uintr_call(UINTR_REGISTER_HANDLER, handler, flags, 0), EINVAL,
                         "register_handler, waiting flags");
        } else {
            expect(uintr_call(UINTR_REGISTER_HANDLER, handler, flags, 0), 0, "register_handler, waiting flags");
            uintr_unregister_handler();
        }
    }
}

static void check_vector_fd(void)
{
    uintr_register_handler(on_interrupt, 0);
    expect_error(uintr_call(UINTR_VECTOR_FD, 0, 1, 0), EINVAL, "vector fd, unknown flags");
    expect_error(uintr_call(UINTR_VECTOR_FD, 64, 0, 0), ENOSPC, "vector fd, vector 64");
    expect_error(uintr_call(UINTR_VECTOR_FD, 1ull << 32, 0, 0), ENOSPC, "vector fd, vector 2^32");
    int fd = uintr_vector_fd(63), again = uintr_vector_fd(63), error = errno;
    line(fd >= 0, "vector fd, vector 63");
    expect(fcntl(fd, F_GETFD), FD_CLOEXEC, "vector fd is close-on-exec");
    expect(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK,
           "vector fd is read-only, non-blocking");
    if (uintr_generation == 1)
        line(again == -1 && error == EBUSY, "vector fd of a vector that is taken: EBUSY");
    else
        line(again >= 0 && again != fd, "vector fd of a vector that has one: another");
    close(again);
    close(fd);
    fd = uintr_vector_fd(63);
    line(fd >= 0, "vector fd after close");
    while (dup(0) >= 0)
        continue;
    expect_error(uintr_call(UINTR_VECTOR_FD, 1, 0, 0), EMFILE, "vector fd, no descriptor left");
}

static void check_sender(void)
{
    int g = uintr_generation;
    uintr_register_handler(on_interrupt, 0);
    int a = uintr_vector_fd(1), b = uintr_vector_fd(2), null = open("/dev/null", O_RDONLY);
    expect_error(uintr_call(UINTR_REGISTER_SENDER, (uint64_t)a, 1, 0), EINVAL, "register_sender, unknown flags");
    expect_error(uintr_register_sender(-1), EBADF, "register_sender, descriptor -1");
    expect_error(uintr_register_sender(1000), EBADF, "register_sender, closed descriptor");
    expect_error(uintr_register_sender(null), EOPNOTSUPP, "register_sender, /dev/null");
    expect_error(uintr_unregister_sender(a, 0), EINVAL, "unregister_sender without a sender");
    expect(uintr_register_sender(a), 0, "register_sender: the first index is 0");
    expect(uintr_register_sender(b), 1, "register_sender: the next is 1");
    if (g == 1) {
        expect_error(uintr_register_sender(a), EISCONN, "register_sender again");
        expect_error(uintr_unregister_sender(-1, 0), EBADF, "unregister_sender, descriptor -1");
        expect_error(uintr_unregister_sender(null, 0), EOPNOTSUPP, "unregister_sender, /dev/null");
    } else {
        expect(uintr_register_sender(a), 2, "register_sender again: another index");
        expect_error(uintr_unregister_sender(0, 3), EINVAL, "unregister_sender, free index");
        expect_error(uintr_unregister_sender(0, 256), EINVAL, "unregister_sender, index 256");
        expect_error(uintr_unregister_sender(0, -1), EINVAL, "unregister_sender, index -1");
    }
    expect_error(uintr_call(UINTR_UNREGISTER_SENDER, (uint64_t)(g == 1 ? a : 0), 1, 0), EINVAL,
                 "unregister_sender, unknown flags");
    expect(uintr_unregister_sender(a, 0), 0, "unregister_sender");
    expect_error(uintr_unregister_sender(a, 0), EINVAL, "unregister_sender again");
    expect(uintr_register_sender(a), 0, "register_sender: the lowest free index");
}

/* --- receivers that are gone --- */

static volatile int published_fd = -1;
static volatile bool may_exit;

static void *short_receiver(void *arg)
{
    uintr_register_handler(on_interrupt, 0);
    published_fd = uintr_vector_fd(3);
    while (!may_exit)
        sched_yield();
    return arg;
}

static void check_gone(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, short_receiver, NULL);
    while (published_fd < 0)
        sched_yield();
    int index = uintr_register_sender(published_fd);
    may_exit = true;
    pthread_join(thread, NULL);
    for (int i = 0; i < 1000; i++)
        _senduipi((uint64_t)index);
    line(index >= 0, "SENDUIPI to a receiver that has exited does not fault");
    expect(uintr_unregister_sender(published_fd, index), 0, "unregister_sender from it");
    expect_error(uintr_register_sender(published_fd), ESHUTDOWN, "register_sender to it");
    if (uintr_generation == 1) {
        uintr_register_handler(on_interrupt, 0);
        int fd = uintr_vector_fd(0);
        uintr_unregister_handler();
        expect_error(uintr_register_sender(fd), ESHUTDOWN, "register_sender to a receiver without handler");
    }
}

static int full_fd[5][VECTORS];
static volatile uint32_t full_ready;

static void *receiver_of_all(void *arg)
{
    int *fd = arg;
    uintr_register_handler(on_interrupt, 0);
    for (unsigned v = 0; v < VECTORS; v++)
        fd[v] = uintr_vector_fd(v);
    __atomic_add_fetch(&full_ready, 1, __ATOMIC_SEQ_CST);
    while (!may_exit)
        sleep_ms(1);
    return NULL;
}

/* Generation 1 connects a thread to a descriptor once: 257 descriptors, of five threads. */
static void check_full_table(void)
{
    pthread_t thread[5];
    int connected = 0;
    for (int i = 0; i < 5; i++)
        pthread_create(&thread[i], NULL, receiver_of_all, full_fd[i]);
    while (full_ready < 5)
        sched_yield();
    while (connected < TABLE_ENTRIES &&
           uintr_register_sender(full_fd[connected / VECTORS][connected % VECTORS]) == connected)
        connected++;
    expect(connected, TABLE_ENTRIES, "register_sender 256 times");
    expect_error(uintr_register_sender(full_fd[4][0]), ENOSPC, "register_sender for the 257th time");
    _senduipi(TABLE_ENTRIES - 1);
    line(true, "SENDUIPI through the last entry");
    may_exit = true;
    for (int i = 0; i < 5; i++)
        pthread_join(thread[i], NULL);
}

/* --- wait --- */

static void on_alarm(int number) { (void)number; }

struct delayed {
    int fd;
    long ms;
};
static void *send_later(void *arg)
{
    const struct delayed *d = arg;
    int index = uintr_register_sender(d->fd);
    sleep_ms(d->ms);
    _senduipi((uint64_t)index);
    uintr_unregister_sender(d->fd, index);
    return NULL;
}

/* Waits for a post of another thread. Generation 1 waits 100 us at a time. */
static void wait_for_post(int fd, const char *text)
{
    struct delayed d = {fd, 20};
    pthread_t thread;
    uint32_t before = received;
    int result = 0;
    _clui(); /* what comes before the wait must not be missed */
    pthread_create(&thread, NULL, send_later, &d);
    for (int i = 0; i < 20000 && result == 0; i++)
        result = uintr_wait(5000000);
    int error = errno;
    line(result == -1 && error == EINTR && received == before, "%s: EINTR", text);
    _stui();
    line(await_received(before + 1), "%s: delivered after STUI", text);
    pthread_join(thread, NULL);
}

static void check_wait(void)
{
    int index, fd = set_up(7, &index);
    uint64_t start = now_us();
    if (uintr_generation == 1) {
        expect_error(uintr_call(UINTR_WAIT, 1, 0, 0), EINVAL, "wait, unknown flags");
        expect(uintr_wait(0), 0, "wait: nothing comes");
        line(now_us() - start >= 100, "wait: took at least 100 us");
    } else {
        expect_error(uintr_call(UINTR_WAIT, 1000, 1, 0), EINVAL, "wait, unknown flags");
        expect_error(uintr_wait(1000000001), EINVAL, "wait, more than 10^9 us");
        expect(uintr_wait(0), 0, "wait for 0 us");
        expect(uintr_wait(3000), 0, "wait: nothing comes");
        line(now_us() - start >= 3000, "wait: took at least 3 ms");
        struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
        sigaction(SIGALRM, &action, NULL);
        alarm(1);
        expect_error(uintr_wait(10000000), EINTR, "wait: a signal");
        signal(SIGALRM, SIG_DFL);
        alarm(LIMIT_S);
    }
    _clui();
    _senduipi((uint64_t)index);
    expect_error(uintr_wait(1000000), EINTR, "wait with a masked post pending");
    line(received == 0, "nothing is delivered before STUI");
    _stui();
    line(await_received(1), "and it is after STUI");
    wait_for_post(fd, "wait, post of another thread");
    if (uintr_generation == 1)
        return;
    uintr_unregister_handler();
    uintr_register_handler(on_interrupt, UINTR_WAITING_SENDER);
    wait_for_post(fd, "wait, the sender pays");
    uintr_unregister_handler();
    uintr_register_handler(on_interrupt, UINTR_WAITING_RECEIVER);
    wait_for_post(fd, "wait, the receiver pays");
}

/* --- generation 2 only --- */

static void __attribute__((interrupt)) on_interrupt_sleep(struct __uintr_frame *frame, unsigned long long vector)
{
    struct timespec pause = {0, 1000000};
    (void)frame, (void)vector;
    nanosleep(&pause, NULL);
    received = received + 1;
}

/* A post that ends a sleep, whose handler sleeps itself: the first sleep goes on, or tells what is left of it. */
static void check_nested_sleep(void)
{
    struct timespec pause = {0, 100000000}, left = {0, 0};
    pthread_t thread;
    uintr_register_handler(on_interrupt_sleep, UINTR_WAITING_RECEIVER);
    struct delayed d = {uintr_vector_fd(2), 20};
    pthread_create(&thread, NULL, send_later, &d);
    uint64_t start = now_us();
    _stui();
    bool is_told = nanosleep(&pause, &left) == -1 && errno == EINTR && left.tv_nsec > 50000000;
    line(received == 1 && (is_told || now_us() - start >= 100000),
         "a handler that sleeps does not shorten the sleep it ended");
    pthread_join(thread, NULL);
}

static void *send_without_registering(void *index)
{
    _senduipi((uint64_t)(uintptr_t)index);
    return NULL;
}

/* A connection of the one generation through a descriptor of the other ends with it as well. */
static void check_mixed(void)
{
    uintr_register_handler(on_interrupt, 0);
    int fd = uintr_vector_fd(1);
    uintr_generation = 1;
    expect(uintr_register_sender(fd), 0, "generation 1 connects through a descriptor of generation 2");
    close(fd);
    expect(uintr_register_sender(uintr_vector_fd(2)), 0, "and does not know it any more when it is closed");
    uintr_generation = 2;
}

static void check_self(void)
{
    pthread_t thread;
    expect_error(uintr_call(UINTR_REGISTER_SELF, 0, 0, 0), EINVAL, "register_self without a handler");
    uintr_register_handler(on_interrupt, 0);
    expect_error(uintr_call(UINTR_REGISTER_SELF, 0, 1, 0), EINVAL, "register_self, unknown flags");
    expect_error(uintr_call(UINTR_REGISTER_SELF, 64, 0, 0), ENOSPC, "register_self, vector 64");
    long index = uintr_call(UINTR_REGISTER_SELF, 9, 0, 0);
    expect(index, 0, "register_self");
    _stui();
    _senduipi((uint64_t)index);
    line(await_received(1) && order[0] == 9, "SENDUIPI to oneself");
    pthread_create(&thread, NULL, send_without_registering, (void *)index);
    pthread_join(thread, NULL);
    line(await_received(2), "a thread that never registered sends through the process's table");
}

static void check_alt_stack(void)
{
    enum { BYTES = 16384 };
    static uint8_t stack[BYTES] __attribute__((aligned(16)));
    int index;
    uint64_t top = (uint64_t)stack + BYTES;
    expect_error(uintr_call(UINTR_ALT_STACK, top, BYTES, 0), EOPNOTSUPP, "alt_stack without a handler");
    set_up(1, &index);
    expect_error(uintr_call(UINTR_ALT_STACK, top, BYTES, 1), EINVAL, "alt_stack, unknown flags");
    expect(uintr_call(UINTR_ALT_STACK, top, BYTES, 0), 0, "alt_stack");
    _stui();
    _senduipi((uint64_t)index);
    line(await_received(1) && handler_rsp >= (uint64_t)stack && handler_rsp < top, "the handler runs on it");
    expect(uintr_call(UINTR_ALT_STACK, 0, 0, 0), 0, "alt_stack with address 0");
    _senduipi((uint64_t)index);
    line(await_received(2) && !(handler_rsp >= (uint64_t)stack && handler_rsp < top), "the handler leaves it");
}

static void check_ipi_fd(void)
{
    int index, status = -1;
    set_up(4, &index);
    _stui();
    expect_error(uintr_call(UINTR_IPI_FD, 1, 0, 0), EINVAL, "ipi_fd, unknown flags");
    int fd = (int)uintr_call(UINTR_IPI_FD, 0, 0, 0);
    line(fd >= 0, "ipi_fd");
    expect_error(ioctl(fd, UIPI_SET_TARGET_TABLE), EBUSY, "its ioctl in a process with a table");
    expect_error(ioctl(fd, UIPI_SET_TARGET_TABLE + 7), EINVAL, "an unknown ioctl");
    pid_t child = fork();
    if (child == 0) {
        expect(ioctl(fd, UIPI_SET_TARGET_TABLE), 0, "its ioctl in another process");
        _senduipi((uint64_t)index);
        _exit(0);
    }
    waitpid(child, &status, 0);
    line(status == 0 && await_received(1), "SENDUIPI of that process is delivered here");
}

/* --- L05 to L10 --- */

/* How a child ends that sends through index: a signal's number, or 0. */
static int signal_of_send(uint64_t index, bool registers, bool unregisters)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (registers) {
            uintr_register_handler(on_interrupt, 0);
            int fd = uintr_vector_fd(0), sender = uintr_register_sender(fd);
            if (unregisters)
                uintr_unregister_sender(fd, sender);
        }
        _senduipi(index);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void check_faults(void)
{
    expect(signal_of_send(0, false, false), SIGILL, "L05 SENDUIPI without registration: SIGILL");
    expect(signal_of_send(0, true, false), 0, "L06 SENDUIPI with the index: no signal");
    expect(signal_of_send(1, true, false), SIGSEGV, "L06 SENDUIPI with index + 1: SIGSEGV");
    expect(signal_of_send(256, true, false), SIGSEGV, "L06 SENDUIPI with index 256: SIGSEGV");
    expect(signal_of_send(1ull << 32, true, false), SIGSEGV, "L06 SENDUIPI with index 2^32: SIGSEGV");
    int number = signal_of_send(0, true, true);
    line(number == SIGSEGV || number == SIGILL, "L06 SENDUIPI after unregistering: SIGSEGV or SIGILL");
}

static cpu_set_t allowed; /* to this program at its start */

static void pin(int nth)
{
    cpu_set_t one;
    int cpu = 0;
    for (nth %= CPU_COUNT(&allowed); !CPU_ISSET(cpu, &allowed) || nth-- > 0;)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

static volatile int shared_fd = -1;
static volatile uint32_t wanted, seen_by_sender;
static volatile bool is_over;

/* One post each time `wanted` grows. */
static void *send_on_request(void *cpu)
{
    pin((int)(intptr_t)cpu);
    int index = uintr_register_sender(shared_fd);
    for (uint32_t sent = 0; !is_over;)
        if (sent < wanted) {
            _senduipi((uint64_t)index);
            sent++;
            seen_by_sender = sent;
        }
    uintr_unregister_sender(shared_fd, index);
    return NULL;
}

static long switches(void)
{
    struct rusage u;
    return getrusage(RUSAGE_THREAD, &u) ? 0 : u.ru_nvcsw + u.ru_nivcsw;
}

/* The count of notifications through the IDT, if the kernel shows it. */
static long long spurious(void)
{
    char text[512];
    long long sum = 0;
    FILE *f = fopen("/proc/interrupts", "r");
    while (f && fgets(text, sizeof text, f)) {
        char *p = strstr(text, "UIS:");
        for (p = p ? p + 4 : NULL; p && *p;) {
            char *end;
            sum += strtoll(p, &end, 10);
            if (end == p)
                break;
            p = end;
        }
    }
    if (f)
        fclose(f);
    return sum;
}

static void check_spinning(void)
{
    pthread_t thread;
    int index;
    shared_fd = set_up(5, &index);
    if (CPU_COUNT(&allowed) < 2) {
        printf("skip gen %d  L07 two CPUs are needed\n", uintr_generation);
        return;
    }
    pthread_create(&thread, NULL, send_on_request, (void *)1);
    pin(0);
    _stui();
    bool is_delivered = true, was_quiet = false;
    for (uint32_t i = 1; i <= 50 && is_delivered && !was_quiet; i++) { /* a timer may come between: then again */
        long long before = spurious();
        long switches_before = switches();
        wanted = i;
        for (uint64_t spin = 0; received < i && spin < 20000000; spin++)
            __builtin_ia32_pause();
        is_delivered = received == i;
        was_quiet = switches() == switches_before && spurious() == before;
    }
    line(is_delivered, "L07 a receiver that spins in user mode is interrupted");
    line(was_quiet, "L07 no context switch and no notification through the IDT");
    is_over = true;
    pthread_join(thread, NULL);
}

static void *compete(void *arg)
{
    pin(0);
    while (!is_over)
        __builtin_ia32_pause();
    return arg;
}

static void check_preempted(void)
{
    enum { POSTS = 120 };
    pthread_t sender, competitor;
    int index;
    shared_fd = set_up(5, &index);
    pthread_create(&sender, NULL, send_on_request, (void *)1);
    pthread_create(&competitor, NULL, compete, NULL);
    _stui();
    uint32_t i = 0;
    while (i < POSTS) {
        if (i % 3 == 0)
            pin((int)i);
        wanted = ++i;
        if (i % 5 == 0)
            sched_yield();
        uint64_t limit = now_us() + 10000000;
        while (received < i && now_us() < limit)
            __builtin_ia32_pause();
        if (received != i)
            break;
    }
    line(i == POSTS && received == POSTS, "L08 preempted and migrated: %u posts, %u delivered", i, received);
    is_over = true;
    sched_setaffinity(0, sizeof allowed, &allowed);
    pthread_join(sender, NULL);
    pthread_join(competitor, NULL);
}

static void check_all_vectors(void)
{
    int index[VECTORS];
    bool is_set_up = uintr_register_handler(on_interrupt, 0) == 0;
    for (unsigned v = 0; v < VECTORS; v++) {
        int fd = uintr_vector_fd(v);
        index[v] = uintr_register_sender(fd);
        is_set_up = is_set_up && fd >= 0 && index[v] >= 0;
    }
    line(is_set_up, "L09 64 vectors, 64 senders");
    _clui();
    for (unsigned i = 0; is_set_up && i < VECTORS; i++)
        _senduipi((uint64_t)index[i * 37 % VECTORS]);
    sleep_ms(1); /* also over a context switch */
    line(received == 0, "L09 none is delivered while they are masked");
    _stui();
    line(await_received(VECTORS) && received == VECTORS, "L09 64 deliveries after STUI");
    bool is_ordered = true;
    for (unsigned i = 0; i < VECTORS; i++)
        is_ordered = is_ordered && order[i] == VECTORS - 1 - i;
    line(is_ordered, "L09 in the order 63 to 0");
}

static void check_fork(void)
{
    int index, status = -1, fd = set_up(6, &index);
    _stui();
    pid_t child = fork();
    if (child == 0) {
        line(!_testui(), "L10 UIF is clear in the child");
        expect_error(uintr_call(UINTR_VECTOR_FD, 0, 0, 0), EINVAL, "L10 the child has no handler");
        int own = uintr_register_sender(fd);
        line(own == 0, "L10 nor senders: its first index is 0");
        _senduipi((uint64_t)own);
        _exit(0);
    }
    waitpid(child, &status, 0);
    line(status == 0 && await_received(1), "L10 the parent receives from the child");
    _senduipi((uint64_t)index);
    line(await_received(2), "L10 and from itself");
}

static void check_exec(void)
{
    int index;
    char generation[2] = {(char)('0' + uintr_generation), 0};
    set_up(0, &index);
    _stui();
    execl("/proc/self/exe", "uintr_checks", "-x", generation, (char *)NULL);
    execlp("uintr_checks", "uintr_checks", "-x", generation, (char *)NULL);
    line(false, "exec of this program");
}

/* The program that check_exec() starts: totals are not shared with it. */
static int after_exec(void)
{
    bool has_handler = uintr_vector_fd(0) >= 0;
    int signal_number = signal_of_send(0, false, false);
    return has_handler || signal_number != SIGILL || _testui();
}

/* --- */

/* What the command prints, and that it ends with 0; "" if not. */
static const char *output_of(const char *command, char *text, size_t bytes)
{
    FILE *f = popen(command, "r");
    size_t n = f ? fread(text, 1, bytes - 1, f) : 0;
    text[n] = 0;
    if (!f || pclose(f) != 0)
        text[0] = 0;
    return text;
}

/* The programs of L01 to L04 on their own; uipi_sample chooses its generation itself. */
static void check_programs(void)
{
    char text[16384], command[64];
    line(strstr(output_of("grep '^flags' /proc/cpuinfo", text, sizeof text), " uintr") != NULL,
         "L01 the kernel has user interrupts and lists them in /proc/cpuinfo");
    line(
        strcmp(
            output_of("uipi_sample", text, sizeof text),
            "Receiver enabled interrupts\nSending IPI from sender thread\n\t-- User Interrupt handler --\nSuccess\n") ==
            0,
        "L02 uipi_sample prints its four lines and ends with 0");
    for (int ways = 1; ways <= 2; ways++) {
        snprintf(command, sizeof command, "ipc_bench -m uintr -%d -g %d -c 1000", ways, uintr_generation);
        output_of(command, text, sizeof text);
        line(strstr(text, "Message count:      1000\n") && strstr(text, "Message rate:"), "L0%d 1000 messages, %s",
             ways + 2, ways == 1 ? "one way" : "there and back");
    }
}

static const struct group {
    const char *name;
    void (*run)(void);
    int only; /* this generation */
} groups[] = {
    {"programs", check_programs, 0},
    {"handler", check_handler, 0},
    {"vector fd", check_vector_fd, 0},
    {"sender", check_sender, 0},
    {"receivers gone", check_gone, 0},
    {"full table", check_full_table, 0},
    {"wait", check_wait, 0},
    {"nested sleep", check_nested_sleep, 2},
    {"mixed", check_mixed, 2},
    {"self", check_self, 2},
    {"alternate stack", check_alt_stack, 2},
    {"ipi fd", check_ipi_fd, 2},
    {"faults", check_faults, 0},
    {"spinning", check_spinning, 0},
    {"preempted", check_preempted, 0},
    {"all vectors", check_all_vectors, 0},
    {"fork", check_fork, 0},
    {"exec", check_exec, 0},
};

static void run_groups(void)
{
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        int status = -1;
        if (groups[i].only && groups[i].only != uintr_generation)
            continue;
        pid_t child = fork();
        if (child == 0) {
            alarm(LIMIT_S);
            groups[i].run();
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (groups[i].run == check_exec)
            line(status == 0, "exec: handler, UIF and senders are gone");
        else if (status != 0)
            line(false, "%s: ended with status %d, signal %d", groups[i].name, WEXITSTATUS(status),
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
}

/* Without the CPU's help the calls say so. */
static void check_absence(void)
{
    uintr_generation = 2;
    expect_error(uintr_call(UINTR_REGISTER_HANDLER, (uintptr_t)on_interrupt, 0, 0), ENOSYS, "no user interrupts");
    if (access("/proc/sys/kernel/uintr_vp", F_OK))
        return; /* a stock Linux has other calls of these numbers */
    uintr_generation = 1;
    expect_error(uintr_call(UINTR_REGISTER_HANDLER, (uintptr_t)on_interrupt, 0, 0), EOPNOTSUPP, "no user interrupts");
}

int main(int argc, char **argv)
{
    int wanted_generation = argc == 3 ? atoi(argv[2]) : 0;
    if (argc == 3 && strcmp(argv[1], "-x") == 0) {
        uintr_generation = wanted_generation;
        return after_exec();
    }
    if (argc != 1 && (argc != 3 || strcmp(argv[1], "-g") != 0 || wanted_generation < 1 || wanted_generation > 2)) {
        fprintf(stderr, "usage: uintr_checks [-g 1|2]\n");
        return 2;
    }
    void *memory = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("uintr_checks: mmap");
        return 2;
    }
    totals = memory;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sched_getaffinity(0, sizeof allowed, &allowed);
    bool has_run = false;
    for (int g = 1; g <= 2; g++)
        if ((wanted_generation == 0 || wanted_generation == g) && uintr_choose(g)) {
            run_groups();
            has_run = true;
        }
    if (!has_run)
        check_absence();
    printf("%u checks, %u failed\n", totals->checks, totals->failures);
    return totals->failures != 0;
}
