/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions on the top of the stack: sign, root, rounding, remainder, and the transcendental ones.
 * Source: SDM Vol. 2, their pages; Vol. 1, "Transcendental Instructions". */
#include "x87_unit.h"

#include "x87_host.h"

/* C2: the argument was out of range, nothing changed. */
static void unary(struct cpu *cpu, x87_host_unary *fn, unsigned cc)
{
    union vec result = {.u64 = {0, 0}};
    x87_set_cc(cpu, cc, 0);
    if (VP_UNLIKELY(x87_is_empty(cpu, 0))) {
        if (x87_underflow(cpu))
            x87_write(cpu, 0, &x87_indefinite);
        return;
    }
    if (x87_take_status(cpu, fn(cpu->x87.fcw, &result, x87_st(cpu, 0)), cc))
        *x87_st(cpu, 0) = result;
}

/* ST(0) and ST(1); the result goes to ST(0), or to ST(1) which is then the top. */
static void binary(struct cpu *cpu, x87_host_binary *fn, bool pop)
{
    union vec result = {.u64 = {0, 0}};
    unsigned to = pop ? 1 : 0;
    if (VP_UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1))) {
        if (!x87_underflow(cpu))
            return;
        x87_write(cpu, to, &x87_indefinite);
    } else {
        if (!x87_take_status(cpu, fn(cpu->x87.fcw, &result, x87_st(cpu, 0), x87_st(cpu, 1)), 0))
            return;
        *x87_st(cpu, to) = result;
    }
    if (pop)
        x87_pop(cpu);
}

/* C0, C3 and C1 are the quotient's low bits, C2 tells of an incomplete reduction. Without a quotient C0 and C3 stay. */
static void remainder_of(struct cpu *cpu, x87_host_binary *fn)
{
    union vec result = {.u64 = {0, 0}};
    x87_set_cc(cpu, X87_C2, 0);
    if (VP_UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, 1))) {
        if (x87_underflow(cpu))
            x87_write(cpu, 0, &x87_indefinite);
        return;
    }
    unsigned status = fn(cpu->x87.fcw, &result, x87_st(cpu, 0), x87_st(cpu, 1));
    bool stopped = (status & ~(unsigned)cpu->x87.fcw & X87_PRECOMPUTATION) != 0;
    bool is_nan = (result.u16[4] & 0x7fff) == 0x7fff && (result.u64[0] << 1) != 0;
    (void)x87_take_status(cpu, status, stopped || is_nan ? X87_C2 : X87_CC);
    if (!stopped)
        *x87_st(cpu, 0) = result;
}

/* Two results, the second pushed. */
static void pushing(struct cpu *cpu, x87_host_push *fn, unsigned cc)
{
    union vec result[2] = {{.u64 = {0, 0}}, {.u64 = {0, 0}}};
    uint32_t pushed;
    bool empty = x87_is_empty(cpu, 0);
    x87_set_cc(cpu, cc, 0);
    if (VP_UNLIKELY(empty || !x87_is_empty(cpu, 7))) {
        if (!(empty ? x87_underflow(cpu) : x87_overflow(cpu)))
            return;
        x87_write(cpu, 0, &x87_indefinite);
        x87_push(cpu, &x87_indefinite);
        return;
    }
    if (!x87_take_status(cpu, fn(cpu->x87.fcw, result, x87_st(cpu, 0), &pushed), cc))
        return;
    *x87_st(cpu, 0) = result[1];
    if (pushed)
        x87_push(cpu, &result[0]);
}

void x87_math(struct cpu *cpu, unsigned modrm)
{
    switch (modrm) {
    case 0xe0: unary(cpu, x87_host_fchs, 0); break;
    case 0xe1: unary(cpu, x87_host_fabs, 0); break;
    case 0xf0: unary(cpu, x87_host_f2xm1, 0); break;
    case 0xf1: binary(cpu, x87_host_fyl2x, true); break;
    case 0xf2: pushing(cpu, x87_host_fptan, X87_C2); break;
    case 0xf3: binary(cpu, x87_host_fpatan, true); break;
    case 0xf4: pushing(cpu, x87_host_fxtract, 0); break;
    case 0xf5: remainder_of(cpu, x87_host_fprem1); break;
    case 0xf8: remainder_of(cpu, x87_host_fprem); break;
    case 0xf9: binary(cpu, x87_host_fyl2xp1, true); break;
    case 0xfa: unary(cpu, x87_host_fsqrt, 0); break;
    case 0xfb: pushing(cpu, x87_host_fsincos, X87_C2); break;
    case 0xfc: unary(cpu, x87_host_frndint, 0); break;
    case 0xfd: binary(cpu, x87_host_fscale, false); break;
    case 0xfe: unary(cpu, x87_host_fsin, X87_C2); break;
    case 0xff: unary(cpu, x87_host_fcos, X87_C2); break;
    default: break;
    }
}
