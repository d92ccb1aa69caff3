/* SPDX-License-Identifier: Apache-2.0 */
/* What the microbenchmarks share: arguments, the measuring pair and its own cost, results as lines
 *     BENCH name value unit
 * (integers or one decimal), order statistics, and the receiving side. All run on hardware as they do here. */
#ifndef BENCH_H
#define BENCH_H

#include "apic.h"
#include "boot.h"
#include "printf.h"
#include "smp.h"
#include "trap.h"
#include "uintr.h"
#include "user.h"

/* First of all, with the words that the image knows: names of benchmarks, and options with their '='. Says so and
 * returns false if the command line has another: the image then ends with status 1. */
bool bench_begin(const char *known);
/* "name=123" in the command line, the last one; otherwise the given default. */
uint64_t bench_option(const char *name, uint64_t otherwise);
/* The benchmarks named in the command line run; all, if none is named. Names are words without '='. */
bool bench_wants(const char *name);

/* value in tenths of the unit. */
void bench_print(const char *name, uint64_t tenths, const char *unit);
void bench_print_suffix(const char *name, const char *suffix, uint64_t tenths, const char *unit);
/* A cost in cycles; if option rounds is given, also how many copies each of them executed. */
void bench_show(const char *name, uint64_t tenths, uint64_t copies);
uint64_t bench_random(void); /* always the same sequence for the same argument seed=N (default 1) */
/* Sorts and prints NAME_min, _median, _p95, _p99. */
void bench_print_samples(const char *name, uint64_t *samples, uint64_t count);

/* Cycles between two readings of the TSC with `times` copies of body between them. RSI = arg; RBX RCX RDX R8-R11 are
 * free for body, and RAX after the first reading. LFENCE keeps RDTSC in its place on a core that executes out of order.
 */
#define BENCH_RAW(times, arg, body)                                                                                    \
    ({                                                                                                                 \
        uint64_t delta_, arg_ = (uint64_t)(arg);                                                                       \
        __asm__ volatile("lfence; rdtsc; lfence; shlq $32, %%rdx; orq %%rdx, %%rax; movq %%rax, %%r12\n"               \
                         ".rept " #times "\n" body "\n.endr\n"                                                         \
                         "lfence; rdtsc; shlq $32, %%rdx; orq %%rdx, %%rax; subq %%r12, %%rax\n"                       \
                         : "=a"(delta_), "+S"(arg_)                                                                    \
                         :                                                                                             \
                         : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "memory", "cc");                      \
        delta_;                                                                                                        \
    })

enum { BENCH_ROUNDS = 10 };
/* Options rounds=N, and base=1: what surrounds the instruction is executed in its place as well. So the cycles of a
 * core in the statistics, more rounds less fewer rounds, with the instruction less without, are those of the
 * instruction: a second measurement, without RDTSC. */
extern uint64_t bench_rounds;
extern bool bench_base;

/* The sending half of a latency: the TSC to *sent, then insn, which carries the news. RSI = arg. In one line of code
 * wherever the image puts it: else the first sample waits for an instruction fetch as well. */
#define BENCH_SEND(sent, insn, arg)                                                                                    \
    __asm__ volatile(                                                                                                  \
        ".p2align 6; lfence; rdtsc; lfence; shlq $32, %%rdx; orq %%rdx, %%rax; movq %%rax, (%%rdi)\n" insn             \
        :                                                                                                              \
        : "S"(arg), "D"(sent)                                                                                          \
        : "rax", "rcx", "rdx", "memory", "cc")
/* Cycles from the reading of BENCH_SEND to the reading of a handler that pushes RAX and RDX first, with nothing
 * between: to be subtracted from each latency. */
uint64_t bench_pair_overhead(void);

extern uint64_t bench_overhead;    /* cycles of an empty pair; subtracted from every result */
void bench_measure_overhead(void); /* and prints it */

static inline uint64_t bench_least(uint64_t a, uint64_t b) { return a < b ? a : b; }
/* Of two measurements: what may come out the wrong way round, with few rounds, is nothing. */
static inline uint64_t bench_less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }
static inline uint64_t bench_net(uint64_t raw) { return bench_less(raw, bench_overhead); }

/* Tenths of a cycle per copy of body: the least of some rounds, so that caches are warm. */
#define BENCH_COST(times, arg, body)                                                                                   \
    ({                                                                                                                 \
        uint64_t least_ = ~0ull;                                                                                       \
        for (uint64_t round_ = 0; round_ < bench_rounds; round_++)                                                     \
            least_ = bench_least(least_, BENCH_RAW(times, arg, body));                                                 \
        (bench_net(least_) * 10 + (times) / 2) / (times);                                                              \
    })

/* The same, or with base=1 that of base, which the caller subtracts or takes for nothing. */
#define BENCH_COST_OVER(base, times, arg, body)                                                                        \
    (bench_base ? BENCH_COST(times, arg, base) : BENCH_COST(times, arg, body))

/* The handler of user interrupts: counts by user vector and returns. Its body alone, for subtracting. */
#define BENCH_HANDLER_BODY                                                                                             \
    "pushq %%rax; movq 8(%%rsp), %%rax; shll $6, %%eax; incq bench_received(%%rax); popq %%rax; leaq 8(%%rsp), "       \
    "%%rsp\n"
struct bench_counter {
    volatile uint64_t count;
    uint64_t fill[7];
} __attribute__((aligned(64)));
extern struct bench_counter bench_received[64];
void bench_on_user_interrupt(void);
/* Entry points for interrupts through the IDT: count in bench_received[0], EOI, IRET. */
void bench_on_ipi_xapic(void);
void bench_on_ipi_x2apic(void);
enum { BENCH_VECTOR_IPI = 0xd0 };
void bench_install_ipi(void); /* for the calling core's APIC mode */

extern struct upid bench_upid[64];  /* of the receiving cores, by core */
extern struct uitte bench_uitt[64]; /* entry n: user vector n to core n */
/* On the calling core: may send to every core (both sides in the caller's APIC mode). UPIDs are made anew. */
void bench_make_sender(void);
/* On the calling core: receives through its UPID. */
void bench_make_receiver(void (*handler)(void));
/* All cores to x2APIC mode; false if the machine has none. */
bool bench_enter_x2apic(void);

/* A loop of fixed length that touches no memory; about 8 instructions and 8 cycles an iteration. */
void bench_compute(uint64_t iterations);

void bench_send_ipi_xapic(uint32_t apic_id);
uint64_t bench_tsc_per_us(void);
void bench_wait_until(uint64_t tsc);

/* Progress between the two sides; each in a line of its own. */
extern struct bench_counter bench_ready, bench_go, bench_stop;
static inline void bench_await(const struct bench_counter *counter, uint64_t value)
{
    while (counter->count < value)
        cpu_pause();
}

#endif
