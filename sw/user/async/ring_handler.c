/* SPDX-License-Identifier: Apache-2.0 */
/* See ring_handler.h. Compiled for general registers only: the CPU saves none of the others, and the code here runs
 * before they are saved. */
#include "ring_handler.h"

#include "uintr_calls.h"

#include <stdio.h>
#include <stdlib.h>

enum { STATE_BYTES = 4096, STATE_PARTS = 0xe7 }; /* x87, SSE, AVX, AVX-512; none of them is larger than this in all */

static __thread uint8_t state[STATE_BYTES] __attribute__((aligned(64)));
static __thread void (*interrupted)(void);
static bool has_xsave;

static inline void save(void)
{
    if (has_xsave)
        __asm__ volatile("xsave64 (%0)" ::"r"(state), "a"(STATE_PARTS), "d"(0) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(state) : "memory");
}

static inline void restore(void)
{
    if (has_xsave)
        __asm__ volatile("xrstor64 (%0)" ::"r"(state), "a"(STATE_PARTS), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(state) : "memory");
}

static void __attribute__((interrupt)) on_user_interrupt(struct __uintr_frame *frame, unsigned long long vector)
{
    (void)frame;
    (void)vector;
    save();
    interrupted();
    restore();
}

int handler_install(void (*on_interrupt)(void))
{
    unsigned a, b, c, d;
    if (!uintr_choose(0)) {
        fprintf(stderr, "%s: no user interrupts: the CPU has none, or the kernel does not enable them\n",
                program_invocation_short_name);
        exit(EXIT_FAILURE);
    }
    has_xsave = __get_cpuid(1, &a, &b, &c, &d) && (c >> 27 & 1);
    interrupted = on_interrupt;
    if (uintr_register_handler(on_user_interrupt, 0))
        return -1;
    int fd = uintr_vector_fd(0);
    if (fd >= 0)
        _stui();
    return fd;
}

void handler_remove(int vector_fd)
{
    _clui();
    close(vector_fd);
    uintr_unregister_handler();
}

void handler_mask(void) { _clui(); }
void handler_unmask(void) { _stui(); }
