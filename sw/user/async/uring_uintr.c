/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of completions that arrive as user interrupts. */
#include "checks.h"

#include "uintr_calls.h"
#include "uring_uintr.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

static volatile uint32_t received;
static volatile uint64_t vectors, received_at;

static void __attribute__((interrupt)) on_interrupt(struct __uintr_frame *frame, unsigned long long vector)
{
    (void)frame;
    received = received + 1;
    vectors = vectors | 1ull << vector;
    received_at = __builtin_ia32_rdtsc();
}

static bool await_received(uint32_t count, long ms)
{
    for (uint64_t end = now_us() + (uint64_t)ms * 1000; received < count && now_us() < end;)
        __builtin_ia32_pause();
    return received >= count;
}

static int pipes[2];
static char buffer[8];

static void *write_later(void *us)
{
    sleep_ms((long)us / 1000);
    long ignored = write(pipes[1], "abc", 3);
    (void)ignored;
    return NULL;
}

/* A read of the empty pipe, and a thread that will write to it. */
static pthread_t start_read(struct io_uring *ring, long ms)
{
    pthread_t thread;
    io_uring_prep_read(next_sqe(ring, 1), pipes[0], buffer, sizeof buffer, 0);
    io_uring_submit(ring);
    pthread_create(&thread, NULL, write_later, (void *)(ms * 1000));
    return thread;
}

static void check_ring(struct io_uring *ring, const char *form)
{
    received = 0;
    vectors = 0;
    next_sqe(ring, 1);
    io_uring_submit(ring);
    line(await_received(1, 1000) && vectors == 1ull << 5, "%s: a completion arrives as a user interrupt", form);
    expect(await(ring, NULL), 0, "and is in the ring");
    received = 0;
    pthread_t thread = start_read(ring, 20);
    line(received == 0, "%s: no interrupt without a completion", form);
    line(await_received(1, 2000) && await(ring, NULL) == 3, "a READ completes while the owner computes");
    pthread_join(thread, NULL);

    received = 0;
    thread = start_read(ring, 20);
    errno = 0;
    long result = uintr_generation == 2 ? uintr_wait(2000000) : uintr_wait(0);
    for (int i = 0; i < 1000 && !received && uintr_generation == 1; i++)
        result = uintr_wait(0);
    line(result == -1 && errno == EINTR && await_received(1, 100), "a receiver in uintr_wait() is woken");
    await(ring, NULL);
    pthread_join(thread, NULL);

    received = 0;
    thread = start_read(ring, 20);
    expect(io_uring_enter((unsigned)ring->ring_fd, 0, 1, IORING_ENTER_GETEVENTS, NULL), 0,
           "one in io_uring_enter() as well");
    line(await_received(1, 100) && await(ring, NULL) == 3, "and is interrupted when it returns");
    pthread_join(thread, NULL);

    received = 0;
    struct __kernel_timespec soon = {0, 10000000};
    io_uring_prep_timeout(next_sqe(ring, 1), &soon, 0, 0);
    io_uring_submit(ring);
    line(received == 0 && await_received(1, 2000) && await(ring, NULL) == -ETIME,
         "a TIMEOUT, which ends in an interrupt of the kernel");

    received = 0;
    _clui();
    for (int i = 0; i < 4; i++)
        next_sqe(ring, 1);
    io_uring_submit(ring);
    sleep_ms(10);
    line(received == 0 && io_uring_cq_ready(ring) == 4, "one that is masked is not interrupted");
    _stui();
    line(await_received(1, 100), "until STUI");
    sleep_ms(2);
    line(received == 1, "and once for four completions");
    for (int i = 0; i < 4; i++)
        await(ring, NULL);
}

static void *receiver_that_ends(void *to)
{
    if (uintr_register_handler(on_interrupt, 0))
        give_up("uintr_register_handler");
    *(int *)to = uintr_vector_fd(9);
    return NULL;
}

static void check_ends_of_receivers(void)
{
    struct io_uring *ring = open_ring(8, 0);
    pthread_t thread;
    int fd = -1, status;
    pthread_create(&thread, NULL, receiver_that_ends, &fd);
    pthread_join(thread, NULL);
    expect(io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_UINTR, &fd, 1), -ESHUTDOWN,
           "a receiver that is gone");
    close(fd);
    if (uintr_register_handler(on_interrupt, 0))
        give_up("uintr_register_handler");
    fd = uintr_vector_fd(7);
    expect(io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_UINTR, &fd, 1), 0, "a receiver");
    close(fd);
    received = 0;
    pid_t child = fork();
    if (child == 0) { /* has the ring, but is not the receiver */
        next_sqe(ring, 1);
        io_uring_submit(ring);
        _exit(received != 0);
    }
    line(waitpid(child, &status, 0) == child && status == 0, "a child that has inherited the ring is not interrupted");
    _stui();
    line(await_received(1, 1000), "the receiver is");
    await(ring, NULL);
    uintr_unregister_handler();
    ring->sq.sqe_head = ring->sq.sqe_tail = *ring->sq.ktail; /* the child has moved it */
    next_sqe(ring, 1);
    io_uring_submit(ring);
    expect(await(ring, NULL), 0, "completions of a receiver without a handler");
    io_uring_queue_exit(ring);
    free(ring);
}

/* Generation 2: who pays for waking a receiver that sleeps, also in other calls. */
static void check_waiting(unsigned flags, const char *text)
{
    if (uintr_register_handler(on_interrupt, flags))
        give_up("uintr_register_handler");
    struct io_uring *ring = open_ring(8, 0);
    int fd = uintr_vector_fd(3);
    if (pipe(pipes) || io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_UINTR, &fd, 1))
        give_up("register");
    _stui();
    received = 0;
    pthread_t thread = start_read(ring, 20);
    long result = uintr_wait(2000000);
    line(result == -1 && errno == EINTR && await_received(1, 100), "%s: wakes uintr_wait()", text);
    pthread_join(thread, NULL);
    await(ring, NULL);
    received = 0;
    thread = start_read(ring, 20);
    uint64_t start = __builtin_ia32_rdtsc();
    sleep_ms(100); /* goes on after the handler */
    line(received == 1 && received_at - start < (__builtin_ia32_rdtsc() - start) / 2, "%s: wakes nanosleep()", text);
    pthread_join(thread, NULL);
    await(ring, NULL);
    io_uring_queue_exit(ring);
    free(ring);
    close(fd);
    uintr_unregister_handler();
}

/* --- ends at any moment --- */

enum { LIVES = 6, WAYS = 6 };

static uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* A receiver whose completions are on their way while its handler, vector, ring or itself goes. */
static void *short_life(void *argument)
{
    uint64_t state = (uint64_t)argument;
    char to[8];
    int p[2];
    struct __kernel_timespec when[4];
    struct io_uring_params params = {.flags = IORING_SETUP_UINTR | (draw(&state) % 4 ? 0 : IORING_SETUP_SQPOLL)};
    struct io_uring ring;
    unsigned way = draw(&state) % WAYS;
    make_pipe(p);
    if (uintr_register_handler(on_interrupt, 0))
        give_up("uintr_register_handler");
    int fd = uintr_vector_fd((int)(draw(&state) % 64));
    params.resv[IORING_PARAMS_UINTR] = (unsigned)fd;
    params.sq_thread_idle = 1;
    if (fd < 0 || io_uring_queue_init_params(8, &ring, &params))
        give_up("ring of a short life");
    if (draw(&state) % 2)
        _stui();
    for (unsigned i = 0; i < 4; i++) {
        when[i] = (struct __kernel_timespec){0, draw(&state) % 60000};
        io_uring_prep_timeout(next_sqe(&ring, i), &when[i], 0, 0);
    }
    read_into(&ring, p[0], to, 8, 4);
    io_uring_submit(&ring);
    for (unsigned n = draw(&state) % 20000; n; n--)
        __builtin_ia32_pause();
    pid_t child = 0;
    switch (way) {
    case 0: uintr_unregister_handler(); break;
    case 1: close(fd); break;
    case 2: io_uring_register((unsigned)ring.ring_fd, IORING_UNREGISTER_UINTR, NULL, 0); break;
    case 3:
        child = fork();
        if (child == 0)
            _exit(0);
        break;
    case 4: (void)!write(p[1], "x", 1); break;
    default: break; /* at once */
    }
    if (draw(&state) % 2) /* else the thread goes first, and the ring with the process */
        io_uring_queue_exit(&ring);
    if (child > 0)
        waitpid(child, NULL, 0);
    close(p[0]);
    close(p[1]);
    return NULL;
}

static void lives(uint64_t seed)
{
    pthread_t thread[LIVES];
    for (uint64_t i = 0; i < LIVES; i++)
        pthread_create(&thread[i], NULL, short_life, (void *)(seed * LIVES + i));
    for (int i = 0; i < LIVES; i++)
        pthread_join(thread[i], NULL);
}

static void check_any_moment(void)
{
    bool is_good = true;
    for (uint64_t seed = 1; seed <= 40; seed++) { /* every third process is killed on the way */
        int status = 1;
        pid_t child = fork();
        if (child == 0) {
            lives(seed);
            _exit(0);
        }
        if (seed % 3 == 0) {
            usleep((useconds_t)(seed * 37 % 1500));
            kill(child, SIGKILL);
        }
        is_good &= waitpid(child, &status, 0) == child && (status == 0 || (seed % 3 == 0 && WIFSIGNALED(status)));
    }
    line(is_good, "receivers, vectors, rings and processes that end at any moment");
    for (int i = 0; i < 100 && (proc_count("requests") || proc_count("rings") || proc_count("submitters")); i++)
        sleep_ms(5);
    line(!proc_count("requests") && !proc_count("rings") && !proc_count("submitters"), "nothing of them is left");
}

static void check_generation(int generation)
{
    struct io_uring_params p = {.flags = IORING_SETUP_UINTR};
    struct io_uring ring;
    if (!uintr_choose(generation) || uintr_register_handler(on_interrupt, 0))
        give_up("uintr_register_handler");
    _stui();
    int fd = uintr_vector_fd(5), null = open("/dev/null", O_RDONLY), bad = 999;
    if (pipe(pipes) || fd < 0)
        give_up("pipe, vector descriptor");
    p.resv[IORING_PARAMS_UINTR] = 999;
    expect(io_uring_setup(8, &p), -EBADF, "setup with a bad descriptor");
    p.resv[IORING_PARAMS_UINTR] = (unsigned)null;
    expect(io_uring_setup(8, &p), -EOPNOTSUPP, "setup with a descriptor of no vector");
    p.resv[IORING_PARAMS_UINTR] = (unsigned)fd;
    expect(io_uring_queue_init_params(8, &ring, &p), 0, "setup with a vector");
    check_ring(&ring, "setup");
    expect(io_uring_register((unsigned)ring.ring_fd, IORING_REGISTER_UINTR, &fd, 1), -EBUSY, "one vector for a ring");
    io_uring_queue_exit(&ring);

    struct io_uring *second = open_ring(8, 0);
    unsigned number = (unsigned)second->ring_fd;
    expect(io_uring_register(number, IORING_UNREGISTER_UINTR, NULL, 0), -ENXIO, "nothing to unregister");
    expect(io_uring_register(number, IORING_REGISTER_UINTR, &bad, 1), -EBADF, "register a bad descriptor");
    expect(io_uring_register(number, IORING_REGISTER_UINTR, &null, 1), -EOPNOTSUPP, "a descriptor of no vector");
    expect(io_uring_register(number, IORING_REGISTER_UINTR, &fd, 2), -EINVAL, "two descriptors");
    expect(io_uring_register(number, IORING_REGISTER_UINTR, &fd, 1), 0, "register a vector");
    check_ring(second, "register");
    expect(io_uring_register(number, IORING_UNREGISTER_UINTR, NULL, 0), 0, "unregister it");
    received = 0;
    next_sqe(second, 1);
    io_uring_submit(second);
    line(await(second, NULL) == 0 && received == 0, "no interrupt afterwards");
    io_uring_queue_exit(second);

    p = (struct io_uring_params){.flags = IORING_SETUP_UINTR | IORING_SETUP_SQPOLL, .sq_thread_idle = 50};
    p.resv[IORING_PARAMS_UINTR] = (unsigned)fd;
    close(pipes[0]);
    close(pipes[1]);
    if (pipe(pipes))
        give_up("pipe");
    expect(io_uring_queue_init_params(8, &ring, &p), 0, "a vector and a submission thread");
    check_ring(&ring, "thread");
    io_uring_queue_exit(&ring);
    close(fd);
    uintr_unregister_handler();
    if (generation == 2) {
        check_waiting(UINTR_WAITING_RECEIVER, "the receiver pays");
        check_waiting(UINTR_WAITING_SENDER, "the sender pays");
    }
    check_ends_of_receivers();
    check_any_moment();
}

void check_user_interrupts(void)
{
    bool has_none = true;
    for (int generation = 1; generation <= 2; generation++) {
        if (!uintr_choose(generation))
            continue;
        has_none = false;
        pid_t child = fork();
        int status = 1;
        if (child == 0) {
            check_generation(generation);
            exit(0);
        }
        line(waitpid(child, &status, 0) == child && status == 0, "generation %d", generation);
    }
    if (has_none) {
        struct io_uring_params p = {.flags = IORING_SETUP_UINTR, .resv = {0}};
        long result = io_uring_setup(8, &p);
        line(result == -EINVAL || result == -EOPNOTSUPP, "without user interrupts both forms are refused");
        skip("user interrupts: this machine has none");
    }
}
