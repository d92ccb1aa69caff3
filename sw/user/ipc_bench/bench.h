/* SPDX-License-Identifier: Apache-2.0 */
/* Two sides exchange messages: A begins. A mechanism is one way to do it; the harness in main.c does the rest. */
#ifndef IPC_BENCH_H
#define IPC_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum side { A, B };
enum { SIZE_MAX_BYTES = 1 << 20 };

struct options {
    uint64_t count;
    size_t size;
    bool has_threads; /* the sides are threads of one process, not two processes */
    bool both_ways;   /* a message is there and back; otherwise only A sends */
    bool is_blocked;  /* a receiver of user interrupts sleeps in the kernel */
    bool is_pinned;   /* A on the first CPU, B on the second */
    int generation;   /* of the user-interrupt calls; 0: the newest */
};
extern struct options options;

struct mechanism {
    const char *name, *summary;
    bool carries_data;                 /* otherwise a message is only the news that there is one */
    void (*prepare)(void);             /* before the sides exist */
    void (*attach)(enum side me);      /* on each side, may use rendezvous() */
    void (*send)(enum side me);        /* one message to the other side */
    uint64_t (*receive)(enum side me); /* waits for one; when it came, in TSC ticks */
    void (*detach)(enum side me);
};
extern const struct mechanism mechanism_uintr, mechanism_eventfd, mechanism_pipe, mechanism_fifo, mechanism_signal,
    mechanism_socket, mechanism_shm;

/* Memory of both sides, whether threads or processes. Members that both sides write lie on lines of their own. */
struct shared {
    int fd[2]; /* by side: published in attach() */
    pid_t tid[2];
    uint32_t at_rendezvous[2];
    bool has_failed;
    uint64_t finished_tsc;
    uint64_t sent_tsc __attribute__((aligned(64)));
    uint64_t acknowledged __attribute__((aligned(64)));
    uint64_t flag[2][8] __attribute__((aligned(64)));
    struct totals {
        uint64_t count, minimum, maximum, sum;
        double sum_of_squares;
    } totals __attribute__((aligned(64)));
    char message[2][SIZE_MAX_BYTES] __attribute__((aligned(4096)));
};
extern struct shared *shared;

/* --- main.c --- */
void rendezvous(enum side me); /* goes on when the other side is here too */
void relax(void);              /* in every loop that polls */
_Noreturn void fail(const char *what);
void check_call(long result, const char *what); /* fails with errno if it is -1 */

/* --- result.c --- */
void record(uint64_t ticks);
void print_results(uint64_t total_ticks, size_t size);

static inline enum side other(enum side me) { return me == A ? B : A; }
static inline uint64_t tsc_now(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
static inline uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void store(uint64_t *p, uint64_t value) { __atomic_store_n(p, value, __ATOMIC_RELEASE); }

#endif
