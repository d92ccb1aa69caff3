/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_bench: how long a message takes from one side to the other, or there and back, by several mechanisms. Times are
 * TSC ticks until they are printed: a clock that costs a system call would be measured with it. */
#include "bench.h"
#include "number.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 600 }; /* a side that waits for ever is ended by SIGALRM */

struct options options = {.count = 1000, .size = 1, .both_ways = true, .is_pinned = true};
struct shared *shared;

static const struct mechanism *const mechanisms[] = {&mechanism_uintr, &mechanism_eventfd, &mechanism_pipe,
                                                     &mechanism_fifo,  &mechanism_signal,  &mechanism_socket,
                                                     &mechanism_shm};
enum { MECHANISMS = sizeof mechanisms / sizeof mechanisms[0] };
static const struct mechanism *mechanism = &mechanism_uintr;
static bool has_one_cpu;

_Noreturn void fail(const char *what)
{
    fprintf(stderr, "ipc_bench: %s: %s\n", what, strerror(errno));
    if (shared)
        shared->has_failed = true;
    _exit(EXIT_FAILURE);
}

void check_call(long result, const char *what)
{
    if (result == -1)
        fail(what);
}

void relax(void)
{
    if (__atomic_load_n(&shared->has_failed, __ATOMIC_RELAXED))
        _exit(EXIT_FAILURE);
    if (has_one_cpu)
        sched_yield();
    else
        __builtin_ia32_pause();
}

void rendezvous(enum side me)
{
    uint32_t turn = __atomic_add_fetch(&shared->at_rendezvous[me], 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&shared->at_rendezvous[other(me)], __ATOMIC_SEQ_CST) < turn) {
        if (shared->has_failed)
            _exit(EXIT_FAILURE);
        sched_yield();
    }
}

/* The me-th CPU of those that are allowed, if there are two. */
static void pin(enum side me)
{
    cpu_set_t allowed, one;
    check_call(sched_getaffinity(0, sizeof allowed, &allowed), "sched_getaffinity");
    if (!options.is_pinned || CPU_COUNT(&allowed) < 2)
        return;
    int cpu = 0;
    for (int skip = (int)me; !CPU_ISSET(cpu, &allowed) || skip-- > 0;)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    check_call(sched_setaffinity(0, sizeof one, &one), "sched_setaffinity");
}

static void exchange(enum side me)
{
    const struct mechanism *m = mechanism;
    for (uint64_t i = 1; i <= options.count; i++) {
        uint64_t start = tsc_now();
        if (me == A && options.both_ways) {
            m->send(A);
            record(m->receive(A) - start);
        } else if (me == A) {
            store(&shared->sent_tsc, start);
            m->send(A);
            while (load(&shared->acknowledged) < i)
                relax();
        } else if (options.both_ways) {
            m->receive(B);
            m->send(B);
        } else {
            uint64_t end = m->receive(B);
            record(end - load(&shared->sent_tsc));
            store(&shared->acknowledged, i);
        }
    }
}

static void run_side(enum side me)
{
    pin(me);
    shared->tid[me] = (pid_t)syscall(SYS_gettid);
    mechanism->attach(me);
    rendezvous(me);
    uint64_t start = tsc_now();
    exchange(me);
    if (me == A)
        shared->finished_tsc = tsc_now() - start;
    rendezvous(me);
    mechanism->detach(me);
}

static void *run_thread(void *arg)
{
    run_side(B);
    return arg;
}

/* The processes share their descriptors, so that what one creates after the fork can be named to the other. */
static void run_both(void)
{
    if (options.has_threads) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, run_thread, NULL);
        if (errno)
            fail("pthread_create");
        run_side(A);
        pthread_join(thread, NULL);
        return;
    }
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    check_call(child, "clone");
    if (child == 0) {
        alarm(LIMIT_S);
        run_side(B);
        _exit(EXIT_SUCCESS);
    }
    int status;
    run_side(A);
    check_call(waitpid(child, &status, 0), "waitpid");
    if (status != 0) {
        errno = ECHILD;
        fail("side B");
    }
}

static _Noreturn void usage(int status)
{
    fputs("usage: ipc_bench [-m MECHANISM] [-c COUNT] [-s BYTES] [-t | -p] [-1 | -2] [-b] [-u] [-g 1|2]\n"
          "  -t the sides are threads (default of uintr)   -p are processes (default of the others)\n"
          "  -2 there and back (default)                   -1 one way\n"
          "  -b a receiver of user interrupts sleeps in uintr_wait() instead of spinning\n"
          "  -u not pinned to CPUs                         -g generation of the uintr system calls\n",
          status ? stderr : stdout);
    for (int i = 0; i < MECHANISMS; i++)
        fprintf(status ? stderr : stdout, "  -m %-8s %s\n", mechanisms[i]->name, mechanisms[i]->summary);
    exit(status);
}

static void choose(const char *name)
{
    for (int i = 0; i < MECHANISMS; i++)
        if (strcmp(mechanisms[i]->name, name) == 0) {
            mechanism = mechanisms[i];
            return;
        }
    fprintf(stderr, "ipc_bench: %s: no such mechanism\n", name);
    usage(2);
}

int main(int argc, char **argv)
{
    int threads = -1;
    for (int option; (option = getopt(argc, argv, "m:c:s:tp12bug:h")) != -1;)
        switch (option) {
        case 'm': choose(optarg); break;
        case 'c': options.count = number(optarg, 1, UINT32_MAX); break;
        case 's': options.size = number(optarg, 1, SIZE_MAX_BYTES); break;
        case 't': threads = 1; break;
        case 'p': threads = 0; break;
        case '1': options.both_ways = false; break;
        case '2': options.both_ways = true; break;
        case 'b': options.is_blocked = true; break;
        case 'u': options.is_pinned = false; break;
        case 'g': options.generation = (int)number(optarg, 1, 2); break;
        case 'h': usage(0);
        default: usage(2);
        }
    if (optind != argc)
        usage(2);
    options.has_threads = threads == -1 ? mechanism == &mechanism_uintr : threads;
    cpu_set_t allowed;
    check_call(sched_getaffinity(0, sizeof allowed, &allowed), "sched_getaffinity");
    has_one_cpu = CPU_COUNT(&allowed) < 2;
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    shared = memory;
    alarm(LIMIT_S);
    mechanism->prepare();
    run_both();
    print_results(shared->finished_tsc, mechanism->carries_data ? options.size : 1);
    return EXIT_SUCCESS;
}
