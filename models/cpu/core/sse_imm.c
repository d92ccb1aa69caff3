/* SPDX-License-Identifier: Apache-2.0 */
/* See sse_imm.h. */
#include "sse_imm.h"

/* F(insn, 0x00) .. F(insn, 0xff) */
#define TIMES_16(F, insn, high)                                                                                        \
    F(insn, 0x##high##0)                                                                                               \
    F(insn, 0x##high##1)                                                                                               \
    F(insn, 0x##high##2)                                                                                               \
    F(insn, 0x##high##3)                                                                                               \
    F(insn, 0x##high##4)                                                                                               \
    F(insn, 0x##high##5)                                                                                               \
    F(insn, 0x##high##6)                                                                                               \
    F(insn, 0x##high##7)                                                                                               \
    F(insn, 0x##high##8)                                                                                               \
    F(insn, 0x##high##9)                                                                                               \
    F(insn, 0x##high##a)                                                                                               \
    F(insn, 0x##high##b)                                                                                               \
    F(insn, 0x##high##c)                                                                                               \
    F(insn, 0x##high##d)                                                                                               \
    F(insn, 0x##high##e)                                                                                               \
    F(insn, 0x##high##f)
#define TIMES_256(F, insn)                                                                                             \
    TIMES_16(F, insn, 0)                                                                                               \
    TIMES_16(F, insn, 1)                                                                                               \
    TIMES_16(F, insn, 2)                                                                                               \
    TIMES_16(F, insn, 3)                                                                                               \
    TIMES_16(F, insn, 4)                                                                                               \
    TIMES_16(F, insn, 5)                                                                                               \
    TIMES_16(F, insn, 6)                                                                                               \
    TIMES_16(F, insn, 7)                                                                                               \
    TIMES_16(F, insn, 8)                                                                                               \
    TIMES_16(F, insn, 9)                                                                                               \
    TIMES_16(F, insn, a)                                                                                               \
    TIMES_16(F, insn, b)                                                                                               \
    TIMES_16(F, insn, c)                                                                                               \
    TIMES_16(F, insn, d)                                                                                               \
    TIMES_16(F, insn, e)                                                                                               \
    TIMES_16(F, insn, f)

#define FUNCTION(insn, n)                                                                                              \
    static __m128i insn##_##n(__m128i a, __m128i b)                                                                    \
    {                                                                                                                  \
        __asm__ volatile(#insn " $" #n ", %1, %0" : "+x"(a) : "x"(b));                                                 \
        return a;                                                                                                      \
    }
#define ENTRY(insn, n) [n] = insn##_##n,
#define TABLE(insn) TIMES_256(FUNCTION, insn) sse_imm_fn *const sse_imm_##insn[256] = {TIMES_256(ENTRY, insn)}
/* Few immediates mean something; the functions of the others are those of their low bits. */
#define TABLE_16(insn) TIMES_16(FUNCTION, insn, 0) sse_imm_fn *const sse_imm_##insn[256] = {TIMES_16(ENTRY, insn, 0)}

TABLE(pshufd);
TABLE(pshufhw);
TABLE(pshuflw);
TABLE(shufps);
TABLE(palignr);
TABLE(pblendw);
TABLE(insertps);
TABLE(dpps);
TABLE(dppd);
TABLE(shufpd);
TABLE(blendps);
TABLE(blendpd);
TABLE(mpsadbw);
TABLE(roundps);
TABLE(roundpd);
TABLE(roundss);
TABLE(roundsd);
TABLE_16(cmpps);
TABLE_16(cmppd);
TABLE_16(cmpss);
TABLE_16(cmpsd);

#define FLAGS_OUT "=@ccz"(z), "=@ccc"(c), "=@ccs"(s), "=@cco"(o)
#define STORE_FLAGS(to) (to)->flags = (uint64_t)((z ? 0x40 : 0) | (c ? 1 : 0) | (s ? 0x80 : 0) | (o ? 0x800 : 0))
#define EXPLICIT_INDEX(insn, n)                                                                                        \
    static void insn##_##n(struct sse_string_compare *x)                                                               \
    {                                                                                                                  \
        _Bool z, c, s, o;                                                                                              \
        __asm__ volatile(#insn " $" #n ", %6, %5"                                                                      \
                         : FLAGS_OUT, "=c"(x->index)                                                                   \
                         : "x"(x->a), "x"(x->b), "a"(x->length_a), "d"(x->length_b));                                  \
        STORE_FLAGS(x);                                                                                                \
    }
#define IMPLICIT_INDEX(insn, n)                                                                                        \
    static void insn##_##n(struct sse_string_compare *x)                                                               \
    {                                                                                                                  \
        _Bool z, c, s, o;                                                                                              \
        __asm__ volatile(#insn " $" #n ", %6, %5" : FLAGS_OUT, "=c"(x->index) : "x"(x->a), "x"(x->b));                 \
        STORE_FLAGS(x);                                                                                                \
    }
#define EXPLICIT_MASK(insn, n)                                                                                         \
    static void insn##_##n(struct sse_string_compare *x)                                                               \
    {                                                                                                                  \
        _Bool z, c, s, o;                                                                                              \
        __m128i mask;                                                                                                  \
        __asm__ volatile(#insn " $" #n ", %6, %5"                                                                      \
                         : FLAGS_OUT, "=&Yz"(mask)                                                                     \
                         : "x"(x->a), "x"(x->b), "a"(x->length_a), "d"(x->length_b));                                  \
        x->mask = mask;                                                                                                \
        STORE_FLAGS(x);                                                                                                \
    }
#define IMPLICIT_MASK(insn, n)                                                                                         \
    static void insn##_##n(struct sse_string_compare *x)                                                               \
    {                                                                                                                  \
        _Bool z, c, s, o;                                                                                              \
        __m128i mask;                                                                                                  \
        __asm__ volatile(#insn " $" #n ", %6, %5" : FLAGS_OUT, "=&Yz"(mask) : "x"(x->a), "x"(x->b));                   \
        x->mask = mask;                                                                                                \
        STORE_FLAGS(x);                                                                                                \
    }
#define STRING_TABLE(insn, kind)                                                                                       \
    TIMES_256(kind, insn) sse_string_fn *const sse_string_##insn[256] = {TIMES_256(ENTRY, insn)}
STRING_TABLE(pcmpestri, EXPLICIT_INDEX);
STRING_TABLE(pcmpestrm, EXPLICIT_MASK);
STRING_TABLE(pcmpistri, IMPLICIT_INDEX);
STRING_TABLE(pcmpistrm, IMPLICIT_MASK);
