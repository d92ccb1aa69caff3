/* SPDX-License-Identifier: Apache-2.0 */
/* call: recursion (fib, tak), calls through a table and an indirect-jump
 * interpreter: branches, calls and returns. */
#include "guest.h"
const char kernel_name[] = "call";
const uint64_t kernel_iters = 36;

static __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls", "no-inline"))) uint64_t fib(uint64_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls", "no-inline"))) int tak(int x, int y,
                                                                                                      int z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static uint64_t f0(uint64_t v) { return v + 1; }
static uint64_t f1(uint64_t v) { return v ^ v >> 5; }
static uint64_t f2(uint64_t v) { return v * 9; }
static uint64_t f3(uint64_t v) { return ~v; }
static uint64_t (*const volatile table[4])(uint64_t) = {f0, f1, f2, f3};

/* A stack machine: computes the sum of i*i for i = 1..count. */
static uint64_t interpret(uint64_t count)
{
    enum { PUSH_I, PUSH_S, MUL, ADD, STORE_S, DEC_I, JNZ, HALT };
    static const uint8_t code[] = {PUSH_I, PUSH_I, MUL, PUSH_S, ADD, STORE_S, DEC_I, JNZ, HALT};
    static const void *const op[] = {&&push_i, &&push_s, &&mul, &&add, &&store_s, &&dec_i, &&jnz, &&halt};
    const uint8_t *pc = code;
    uint64_t stack[8], *sp = stack, i = count, s = 0;
#define NEXT goto *op[*pc++]
    NEXT;
push_i:
    *sp++ = i;
    NEXT;
push_s:
    *sp++ = s;
    NEXT;
mul:
    sp--;
    sp[-1] *= sp[0];
    NEXT;
add:
    sp--;
    sp[-1] += sp[0];
    NEXT;
store_s:
    s = *--sp;
    NEXT;
dec_i:
    i--;
    NEXT;
jnz:
    if (i)
        pc = code;
    NEXT;
halt:
    return s;
}

uint64_t kernel(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t it = 0; it < n; it++) {
        sum += fib(18) + tak(9 + (it & 1), 6, 2);
        uint64_t v = sum;
        for (int i = 0; i < 4000; i++)
            v = table[v >> 3 & 3](v) + i;
        sum ^= v + interpret(1500);
    }
    return sum;
}
