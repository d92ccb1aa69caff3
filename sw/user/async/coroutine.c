/* SPDX-License-Identifier: Apache-2.0 */
/* See coroutine.h. A switch saves what the System V ABI makes a callee keep: RBX, RBP, R12 to R15, the control words of
 * x87 and SSE, and the stack pointer. */
#include "coroutine.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

struct coroutine {
    void *sp;                 /* while it does not run */
    void *caller_sp;          /* while it runs: whoever resumed it */
    struct coroutine *caller; /* the coroutine that resumed it; NULL: none */
    void (*body)(void *arg);
    void *arg;
    char *stack; /* the guard page is its first */
    size_t bytes;
    bool is_done;
};

static __thread struct coroutine *running;

/* Stores the stack pointer in *from and goes on where `to` was stored. */
void coroutine_switch(void **from, void *to);
__asm__(".text\n.globl coroutine_switch\n.type coroutine_switch, @function\n"
        "coroutine_switch:\n"
        "    endbr64\n"
        "    pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "    subq $8, %rsp\n"
        "    stmxcsr (%rsp); fnstcw 4(%rsp)\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    ldmxcsr (%rsp); fldcw 4(%rsp)\n"
        "    addq $8, %rsp\n"
        "    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
        "    ret\n"
        ".size coroutine_switch, . - coroutine_switch\n");

/* Where a new coroutine begins: nobody called it, so it never returns. */
static void start(void)
{
    struct coroutine *c = running;
    c->body(c->arg);
    c->is_done = true;
    coroutine_yield();
    abort();
}

struct coroutine *coroutine_create(void (*body)(void *arg), void *arg, size_t stack_bytes)
{
    size_t bytes = (stack_bytes + PAGE - 1) / PAGE * PAGE + PAGE;
    struct coroutine *c = calloc(1, sizeof *c);
    char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!c || stack == MAP_FAILED || mprotect(stack, PAGE, PROT_NONE)) {
        free(c);
        if (stack != MAP_FAILED)
            munmap(stack, bytes);
        return NULL;
    }
    *c = (struct coroutine){.body = body, .arg = arg, .stack = stack, .bytes = bytes};
    /* As coroutine_switch() leaves it: control words, six registers, the address to go on at. One word above it makes
     * RSP what it is after a call. */
    uint64_t *top = (uint64_t *)(void *)(stack + bytes);
    top -= 2;
    *top = (uint64_t)(uintptr_t)start;
    top -= 7;
    uint32_t *control = (uint32_t *)top;
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(control[0]), "=m"(control[1]));
    c->sp = top;
    return c;
}

void coroutine_destroy(struct coroutine *c)
{
    munmap(c->stack, c->bytes);
    free(c);
}

void coroutine_resume(struct coroutine *c)
{
    c->caller = running;
    running = c;
    coroutine_switch(&c->caller_sp, c->sp);
}

void coroutine_yield(void)
{
    struct coroutine *c = running;
    running = c->caller;
    coroutine_switch(&c->sp, c->caller_sp);
}

struct coroutine *coroutine_running(void) { return running; }
bool coroutine_is_done(const struct coroutine *c) { return c->is_done; }
