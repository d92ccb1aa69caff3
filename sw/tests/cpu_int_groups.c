/* SPDX-License-Identifier: Apache-2.0 */
/* Integer instructions over many operands: each group folds results and defined flags into one checksum. The same file
 * is built into the guest image cpu_int and, with cpu_int_native.c, into a Linux program: the host CPU computed
 * cpu_int_expected.h. Flags that the manual leaves undefined are masked off, case by case. SDM Vol. 2.
 */
#include "cpu_int_groups.h"

#define CF 0x001u
#define PF 0x004u
#define AF 0x010u
#define ZF 0x040u
#define SF 0x080u
#define OF 0x800u
#define ALL (CF | PF | AF | ZF | SF | OF)
#define LOGIC (CF | PF | ZF | SF | OF)

static uint64_t hash, random_state;

static void fold(uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
}

/* Edge values often, random ones otherwise. */
static uint64_t operand(void)
{
    static const uint64_t edges[] = {0,          1,          2,          0x7f,      0x80,       0xff,
                                     0x100,      0x7fff,     0x8000,     0xffff,    0x10000,    0x7fffffff,
                                     0x80000000, 0xffffffff, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX};
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    uint64_t r = random_state >> 33;
    if (r % 3 == 0)
        return edges[(r >> 8) % (sizeof edges / sizeof *edges)];
    return random_state ^ random_state >> 31;
}

/* FLAGS before: CF as given, the rest clear. */
#define SET_FLAGS "pushq %[in]; popfq\n\t"
#define GET_FLAGS "\n\tpushfq; popq %[out]"

#define BINARY(op, r, type, mask)                                                                                      \
    do {                                                                                                               \
        type a_ = (type)operand(), b_ = (type)operand();                                                               \
        uint64_t out_;                                                                                                 \
        __asm__ volatile(SET_FLAGS op " %" r "[b], %" r "[a]" GET_FLAGS                                                \
                         : [a] "+q"(a_), [out] "=r"(out_)                                                              \
                         : [b] "q"(b_), [in] "r"(2 | (operand() & CF))                                                 \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(out_ &(mask));                                                                                            \
        type m_ = (type)operand();                                                                                     \
        __asm__ volatile(SET_FLAGS op " %" r "[b], %[a]" GET_FLAGS                                                     \
                         : [a] "+m"(m_), [out] "=r"(out_)                                                              \
                         : [b] "q"(b_), [in] "r"(2 | (operand() & CF))                                                 \
                         : "cc");                                                                                      \
        fold(m_);                                                                                                      \
        fold(out_ &(mask));                                                                                            \
        type i_ = (type)operand();                                                                                     \
        __asm__ volatile(SET_FLAGS op " $0x5a, %" r "[a]" GET_FLAGS                                                    \
                         : [a] "+q"(i_), [out] "=r"(out_)                                                              \
                         : [in] "r"(2 | (operand() & CF))                                                              \
                         : "cc");                                                                                      \
        fold(i_);                                                                                                      \
        fold(out_ &(mask));                                                                                            \
        __asm__ volatile(SET_FLAGS op " $-3, %" r "[a]" GET_FLAGS                                                      \
                         : [a] "+q"(i_), [out] "=r"(out_)                                                              \
                         : [in] "r"(2 | (operand() & CF))                                                              \
                         : "cc");                                                                                      \
        fold(i_);                                                                                                      \
        fold(out_ &(mask));                                                                                            \
    } while (0)
#define BINARY_ALL(op, mask)                                                                                           \
    BINARY(op "b", "b", uint8_t, mask);                                                                                \
    BINARY(op "w", "w", uint16_t, mask);                                                                               \
    BINARY(op "l", "k", uint32_t, mask);                                                                               \
    BINARY(op "q", "q", uint64_t, mask)

uint64_t group_alu(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 60; i++) {
        BINARY_ALL("add", ALL);
        BINARY_ALL("adc", ALL);
        BINARY_ALL("sub", ALL);
        BINARY_ALL("sbb", ALL);
        BINARY_ALL("cmp", ALL);
        BINARY_ALL("and", LOGIC);
        BINARY_ALL("or", LOGIC);
        BINARY_ALL("xor", LOGIC);
        BINARY_ALL("test", LOGIC);
    }
    return hash;
}

#define UNARY(op, r, type, mask)                                                                                       \
    do {                                                                                                               \
        type a_ = (type)operand(), m_ = (type)operand();                                                               \
        uint64_t out_;                                                                                                 \
        __asm__ volatile(SET_FLAGS op " %" r "[a]" GET_FLAGS                                                           \
                         : [a] "+q"(a_), [out] "=r"(out_)                                                              \
                         : [in] "r"(2 | (operand() & CF))                                                              \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(out_ &(mask));                                                                                            \
        __asm__ volatile(SET_FLAGS op " %[a]" GET_FLAGS                                                                \
                         : [a] "+m"(m_), [out] "=r"(out_)                                                              \
                         : [in] "r"(2 | (operand() & CF))                                                              \
                         : "cc");                                                                                      \
        fold(m_);                                                                                                      \
        fold(out_ &(mask));                                                                                            \
        __asm__ volatile("lock; " op " %[a]" : [a] "+m"(m_)::"cc");                                                    \
        fold(m_);                                                                                                      \
    } while (0)
#define UNARY_ALL(op, mask)                                                                                            \
    UNARY(op "b", "b", uint8_t, mask);                                                                                 \
    UNARY(op "w", "w", uint16_t, mask);                                                                                \
    UNARY(op "l", "k", uint32_t, mask);                                                                                \
    UNARY(op "q", "q", uint64_t, mask)

uint64_t group_unary(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 100; i++) {
        UNARY_ALL("inc", ALL);
        UNARY_ALL("dec", ALL);
        UNARY_ALL("neg", ALL);
        UNARY_ALL("not", ALL);
        uint64_t v = operand(), w;
        uint32_t x = (uint32_t)operand();
        __asm__ volatile("bswap %0; bswap %1" : "+r"(v), "+r"(x));
        fold(v);
        fold(x);
        __asm__ volatile("movsbq %b1, %0" : "=r"(w) : "q"(v));
        fold(w);
        __asm__ volatile("movswq %w1, %0" : "=r"(w) : "q"(v));
        fold(w);
        __asm__ volatile("movslq %k1, %0" : "=r"(w) : "q"(v));
        fold(w);
        w = v;
        __asm__ volatile("movsbw %b1, %w0" : "+r"(w) : "q"(x));
        fold(w);
        __asm__ volatile("movzbl %b1, %k0" : "=r"(w) : "q"(x));
        fold(w);
        __asm__ volatile("movzwl %w1, %k0" : "=r"(w) : "q"(v));
        fold(w);
        w = v;
        __asm__ volatile("cbtw" : "+a"(w));
        fold(w);
        w = operand();
        __asm__ volatile("cwtl" : "+a"(w));
        fold(w);
        w = operand();
        __asm__ volatile("cltq" : "+a"(w));
        fold(w);
        uint64_t d = 0x1234567890abcdef;
        __asm__ volatile("cwtd" : "+d"(d) : "a"(v));
        fold(d);
        __asm__ volatile("cltd" : "+d"(d) : "a"(v));
        fold(d);
        __asm__ volatile("cqto" : "+d"(d) : "a"(v));
        fold(d);
    }
    return hash;
}

/* Flags of shifts: CF is undefined for counts at or above the size (8- and 16-bit), OF for counts other than 1, AF
 * always; a count of 0 (after masking) changes none. Rotates touch CF and OF only. */
#define SHIFT(op, r, type, bits, is_rotate)                                                                            \
    do {                                                                                                               \
        type a_ = (type)operand();                                                                                     \
        uint64_t out_, count_ = operand() & 0xff;                                                                      \
        uint32_t masked_ = (uint32_t)count_ & (bits == 64 ? 63 : 31);                                                  \
        uint32_t flags_ = masked_ == 0 ? ALL : (is_rotate) ? CF | ZF | PF | SF | AF : CF | ZF | PF | SF;               \
        if (masked_ == 1)                                                                                              \
            flags_ |= OF;                                                                                              \
        if (!(is_rotate) && masked_ >= bits)                                                                           \
            flags_ &= ~CF;                                                                                             \
        __asm__ volatile(SET_FLAGS op " %%cl, %" r "[a]" GET_FLAGS                                                     \
                         : [a] "+q"(a_), [out] "=&r"(out_)                                                             \
                         : "c"(count_), [in] "r"(2 | (operand() & CF))                                                 \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(out_ &flags_);                                                                                            \
        type m_ = (type)operand();                                                                                     \
        __asm__ volatile(SET_FLAGS op " %[a]" GET_FLAGS                                                                \
                         : [a] "+m"(m_), [out] "=r"(out_)                                                              \
                         : [in] "r"(2 | (operand() & CF))                                                              \
                         : "cc");                                                                                      \
        fold(m_);                                                                                                      \
        fold(out_ &((is_rotate) ? ALL : LOGIC));                                                                       \
        __asm__ volatile(SET_FLAGS op " $5, %" r "[a]" GET_FLAGS                                                       \
                         : [a] "+q"(m_), [out] "=r"(out_)                                                              \
                         : [in] "r"(2 | (operand() & CF))                                                              \
                         : "cc");                                                                                      \
        fold(m_);                                                                                                      \
        fold(out_ &CF);                                                                                                \
    } while (0)
#define SHIFT_ALL(op, is_rotate)                                                                                       \
    SHIFT(op "b", "b", uint8_t, 8, is_rotate);                                                                         \
    SHIFT(op "w", "w", uint16_t, 16, is_rotate);                                                                       \
    SHIFT(op "l", "k", uint32_t, 32, is_rotate);                                                                       \
    SHIFT(op "q", "q", uint64_t, 64, is_rotate)
/* SHLD, SHRD with 1 <= count < size. */
#define DOUBLE_SHIFT(op, r, type, bits)                                                                                \
    do {                                                                                                               \
        type a_ = (type)operand(), b_ = (type)operand();                                                               \
        uint64_t out_, count_ = 1 + (operand() >> 7) % (bits - 1);                                                     \
        __asm__ volatile(op " %%cl, %" r "[b], %" r "[a]" GET_FLAGS                                                    \
                         : [a] "+r"(a_), [out] "=&r"(out_)                                                             \
                         : [b] "r"(b_), "c"(count_)                                                                    \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(out_ &(CF | ZF | PF | SF | (count_ == 1 ? OF : 0)));                                                      \
        __asm__ volatile(op " $9, %" r "[b], %" r "[a]" GET_FLAGS                                                      \
                         : [a] "+r"(a_), [out] "=&r"(out_)                                                             \
                         : [b] "r"(b_)                                                                                 \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(out_ &(CF | ZF | PF | SF));                                                                               \
    } while (0)

uint64_t group_shift(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 120; i++) {
        SHIFT_ALL("shl", 0);
        SHIFT_ALL("shr", 0);
        SHIFT_ALL("sar", 0);
        SHIFT_ALL("rol", 1);
        SHIFT_ALL("ror", 1);
        SHIFT_ALL("rcl", 1);
        SHIFT_ALL("rcr", 1);
        DOUBLE_SHIFT("shldw", "w", uint16_t, 16);
        DOUBLE_SHIFT("shldl", "k", uint32_t, 32);
        DOUBLE_SHIFT("shldq", "q", uint64_t, 64);
        DOUBLE_SHIFT("shrdw", "w", uint16_t, 16);
        DOUBLE_SHIFT("shrdl", "k", uint32_t, 32);
        DOUBLE_SHIFT("shrdq", "q", uint64_t, 64);
    }
    return hash;
}

#define MUL(op, r, type)                                                                                               \
    do {                                                                                                               \
        uint64_t a_ = operand(), d_ = operand(), out_;                                                                 \
        __asm__ volatile(op " %" r "[b]" GET_FLAGS                                                                     \
                         : "+a"(a_), "+d"(d_), [out] "=&r"(out_)                                                       \
                         : [b] "c"((type)operand())                                                                    \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(d_);                                                                                                      \
        fold(out_ &(CF | OF));                                                                                         \
    } while (0)
#define IMUL2(op, r, type)                                                                                             \
    do {                                                                                                               \
        type a_ = (type)operand(), b_ = (type)operand();                                                               \
        uint64_t out_;                                                                                                 \
        __asm__ volatile(op " %" r "[b], %" r "[a]" GET_FLAGS : [a] "+r"(a_), [out] "=&r"(out_) : [b] "r"(b_) : "cc"); \
        fold(a_);                                                                                                      \
        fold(out_ &(CF | OF));                                                                                         \
        __asm__ volatile(op " $-77, %" r "[b], %" r "[a]" GET_FLAGS                                                    \
                         : [a] "=r"(a_), [out] "=&r"(out_)                                                             \
                         : [b] "r"(b_)                                                                                 \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
        fold(out_ &(CF | OF));                                                                                         \
        __asm__ volatile(op " $0x1234, %[m], %" r "[a]" GET_FLAGS                                                      \
                         : [a] "=r"(a_), [out] "=&r"(out_)                                                             \
                         : [m] "m"(b_)                                                                                 \
                         : "cc");                                                                                      \
        fold(a_);                                                                                                      \
    } while (0)
/* Divisor not 0 and high part below it: no #DE. */
#define DIV(op, r, type)                                                                                               \
    do {                                                                                                               \
        type b_ = (type)(operand() | 1);                                                                               \
        uint64_t a_ = operand(), d_ = (type)operand() % b_;                                                            \
        __asm__ volatile(op " %" r "[b]" : "+a"(a_), "+d"(d_) : [b] "c"(b_) : "cc");                                   \
        fold(a_);                                                                                                      \
        fold(d_);                                                                                                      \
    } while (0)
/* A dividend sign-extended from half the width, divisor neither 0 nor -1. */
#define IDIV(op, r, type, extend)                                                                                      \
    do {                                                                                                               \
        type b_ = (type)(operand() | 2);                                                                               \
        if (b_ == (type)-1)                                                                                            \
            b_ = 3;                                                                                                    \
        uint64_t a_ = operand(), d_ = 0;                                                                               \
        __asm__ volatile(extend "; " op " %" r "[b]" : "+a"(a_), "+d"(d_) : [b] "c"(b_) : "cc");                       \
        fold(a_);                                                                                                      \
        fold(d_);                                                                                                      \
    } while (0)

uint64_t group_muldiv(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 200; i++) {
        MUL("mulb", "b", uint8_t);
        MUL("mulw", "w", uint16_t);
        MUL("mull", "k", uint32_t);
        MUL("mulq", "q", uint64_t);
        MUL("imulb", "b", uint8_t);
        MUL("imulw", "w", uint16_t);
        MUL("imull", "k", uint32_t);
        MUL("imulq", "q", uint64_t);
        IMUL2("imulw", "w", uint16_t);
        IMUL2("imull", "k", uint32_t);
        IMUL2("imulq", "q", uint64_t);
        DIV("divw", "w", uint16_t);
        DIV("divl", "k", uint32_t);
        DIV("divq", "q", uint64_t);
        IDIV("idivb", "b", uint8_t, "movsbw %%al, %%ax");
        IDIV("idivw", "w", uint16_t, "cwtd");
        IDIV("idivl", "k", uint32_t, "cltd");
        IDIV("idivq", "q", uint64_t, "cqto");
        uint64_t a = operand() & 0xfff;
        __asm__ volatile("divb %b1" : "+a"(a) : "c"(0x10 + (operand() & 0x7f)) : "cc");
        fold(a);
    }
    return hash;
}

#define BIT(op, r, type)                                                                                               \
    do {                                                                                                               \
        type a_ = (type)operand(), b_ = (type)operand();                                                               \
        uint64_t out_;                                                                                                 \
        __asm__ volatile(op " %" r "[b], %" r "[a]" GET_FLAGS : [a] "+r"(a_), [out] "=&r"(out_) : [b] "r"(b_) : "cc"); \
        fold(a_);                                                                                                      \
        fold(out_ &CF);                                                                                                \
        __asm__ volatile(op " $13, %" r "[a]" GET_FLAGS : [a] "+r"(a_), [out] "=&r"(out_)::"cc");                      \
        fold(a_);                                                                                                      \
        fold(out_ &CF);                                                                                                \
        uint64_t bits_[8];                                                                                             \
        for (int k_ = 0; k_ < 8; k_++)                                                                                 \
            bits_[k_] = operand();                                                                                     \
        type offset_ = (type)((int64_t)(operand() % 448) - 224);                                                       \
        __asm__ volatile(op " %" r "[b], 32(%[m])" GET_FLAGS                                                           \
                         : [out] "=&r"(out_)                                                                           \
                         : [m] "r"(bits_), [b] "r"(offset_)                                                            \
                         : "cc", "memory");                                                                            \
        for (int k_ = 0; k_ < 8; k_++)                                                                                 \
            fold(bits_[k_]);                                                                                           \
        fold(out_ &CF);                                                                                                \
    } while (0)
#define BIT_ALL(op)                                                                                                    \
    BIT(op "w", "w", uint16_t);                                                                                        \
    BIT(op "l", "k", uint32_t);                                                                                        \
    BIT(op "q", "q", uint64_t)
#define SCAN(op, r, type)                                                                                              \
    do {                                                                                                               \
        uint64_t one_ = 1ull << (operand() % (8 * sizeof(type)));                                                      \
        type a_ = (type)(operand() | one_), b_ = 0;                                                                    \
        uint64_t out_;                                                                                                 \
        __asm__ volatile(op " %" r "[a], %" r "[b]" GET_FLAGS : [b] "+r"(b_), [out] "=&r"(out_) : [a] "r"(a_) : "cc"); \
        fold(b_);                                                                                                      \
        fold(out_ &ZF);                                                                                                \
    } while (0)

uint64_t group_bit(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 60; i++) {
        BIT_ALL("bt");
        BIT_ALL("bts");
        BIT_ALL("btr");
        BIT_ALL("btc");
        SCAN("bsfw", "w", uint16_t);
        SCAN("bsfl", "k", uint32_t);
        SCAN("bsfq", "q", uint64_t);
        SCAN("bsrw", "w", uint16_t);
        SCAN("bsrl", "k", uint32_t);
        SCAN("bsrq", "q", uint64_t);
    }
    uint64_t out, zero = 0, kept = 0x1122334455667788;
    __asm__ volatile("bsfq %[a], %[b]" GET_FLAGS : [b] "+r"(kept), [out] "=&r"(out) : [a] "r"(zero) : "cc");
    fold(out & ZF);
    return hash;
}

#define EXCHANGE(r, suffix, type)                                                                                      \
    do {                                                                                                               \
        type m_ = (type)operand(), a_ = (type)operand(), b_ = (type)operand();                                         \
        uint64_t out_;                                                                                                 \
        __asm__ volatile("xchg" suffix " %" r "[a], %[m]" : [a] "+q"(a_), [m] "+m"(m_));                               \
        fold(a_);                                                                                                      \
        fold(m_);                                                                                                      \
        __asm__ volatile("lock xadd" suffix " %" r "[a], %[m]" GET_FLAGS                                               \
                         : [a] "+q"(a_), [m] "+m"(m_), [out] "=r"(out_)::"cc");                                        \
        fold(a_);                                                                                                      \
        fold(m_);                                                                                                      \
        fold(out_ &ALL);                                                                                               \
        __asm__ volatile("xadd" suffix " %" r "[a], %" r "[b]" GET_FLAGS                                               \
                         : [a] "+q"(a_), [b] "+q"(b_), [out] "=r"(out_)::"cc");                                        \
        fold(a_);                                                                                                      \
        fold(b_);                                                                                                      \
        fold(out_ &ALL);                                                                                               \
        uint64_t rax_ = operand() & 1 ? (uint64_t)m_ | (sizeof(type) < 4 ? operand() << 32 : 0) : operand();           \
        __asm__ volatile("lock cmpxchg" suffix " %" r "[b], %[m]" GET_FLAGS                                            \
                         : "+a"(rax_), [m] "+m"(m_), [out] "=r"(out_)                                                  \
                         : [b] "q"(b_)                                                                                 \
                         : "cc");                                                                                      \
        fold(rax_);                                                                                                    \
        fold(m_);                                                                                                      \
        fold(out_ &ALL);                                                                                               \
        uint64_t wide_ = a_;                                                                                           \
        rax_ = operand() & 1 ? (uint64_t)a_ : operand();                                                               \
        __asm__ volatile("cmpxchg" suffix " %" r "[b], %" r "[w]" GET_FLAGS                                            \
                         : "+a"(rax_), [w] "+q"(wide_), [out] "=r"(out_)                                               \
                         : [b] "q"(b_)                                                                                 \
                         : "cc");                                                                                      \
        fold(rax_);                                                                                                    \
        fold(wide_);                                                                                                   \
        fold(out_ &ALL);                                                                                               \
    } while (0)

uint64_t group_exchange(uint64_t seed)
{
    hash = random_state = seed;
    static uint64_t pair[2] __attribute__((aligned(16)));
    for (int i = 0; i < 100; i++) {
        EXCHANGE("b", "b", uint8_t);
        EXCHANGE("w", "w", uint16_t);
        EXCHANGE("k", "l", uint32_t);
        EXCHANGE("q", "q", uint64_t);
        pair[0] = operand();
        pair[1] = operand();
        uint64_t a = i & 1 ? pair[0] : operand(), d = pair[1], b = operand(), c = operand(), out;
        __asm__ volatile("lock cmpxchg16b %[m]" GET_FLAGS
                         : [m] "+m"(*(char(*)[16])pair), "+a"(a), "+d"(d), [out] "=&r"(out)
                         : "b"(b), "c"(c)
                         : "cc");
        fold(pair[0]);
        fold(pair[1]);
        fold(a);
        fold(d);
        fold(out & ZF);
        a = i & 2 ? (uint32_t)pair[0] : operand();
        d = pair[0] >> 32;
        __asm__ volatile("lock cmpxchg8b %[m]" GET_FLAGS
                         : [m] "+m"(pair[0]), "+a"(a), "+d"(d), [out] "=&r"(out)
                         : "b"(b), "c"(c)
                         : "cc");
        fold(pair[0]);
        fold(a);
        fold(d);
        fold(out & ZF);
    }
    return hash;
}

/* Every condition as SETcc, CMOVcc and Jcc after a comparison. */
#define CONDITION(cc)                                                                                                  \
    do {                                                                                                               \
        uint64_t x_ = operand(), y_ = operand(), moved_ = 1, jumped_ = 0;                                              \
        uint8_t set_;                                                                                                  \
        __asm__ volatile("cmpq %[y], %[x]; set" cc " %[set]; cmov" cc "q %[x], %[moved]; j" cc                         \
                         " 1f; inc %[jumped]; 1:"                                                                      \
                         : [set] "=&q"(set_), [moved] "+&r"(moved_), [jumped] "+&r"(jumped_)                           \
                         : [x] "r"(x_), [y] "r"(y_)                                                                    \
                         : "cc");                                                                                      \
        fold(set_);                                                                                                    \
        fold(moved_);                                                                                                  \
        fold(jumped_);                                                                                                 \
        uint32_t small_ = (uint32_t)operand();                                                                         \
        moved_ = x_;                                                                                                   \
        __asm__ volatile("testl %k[y], %k[x]; cmov" cc "l %k[y], %k[moved]"                                            \
                         : [moved] "+&r"(moved_)                                                                       \
                         : [x] "r"(x_), [y] "r"(small_)                                                                \
                         : "cc");                                                                                      \
        fold(moved_);                                                                                                  \
    } while (0)

uint64_t group_condition(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 80; i++) {
        CONDITION("o");
        CONDITION("no");
        CONDITION("b");
        CONDITION("ae");
        CONDITION("e");
        CONDITION("ne");
        CONDITION("be");
        CONDITION("a");
        CONDITION("s");
        CONDITION("ns");
        CONDITION("p");
        CONDITION("np");
        CONDITION("l");
        CONDITION("ge");
        CONDITION("le");
        CONDITION("g");
        uint64_t n = operand() % 20, loops = 0;
        __asm__ volatile("jrcxz 2f; 1: inc %[loops]; loop 1b; 2:" : "+c"(n), [loops] "+r"(loops)::"cc");
        fold(loops);
        n = 5 + operand() % 20;
        uint64_t limit = operand() % 10;
        __asm__ volatile("1: inc %[loops]; cmp %[limit], %[loops]; loopne 1b"
                         : "+c"(n), [loops] "+r"(loops)
                         : [limit] "r"(limit + loops)
                         : "cc");
        fold(n);
        fold(loops);
    }
    return hash;
}

static uint8_t text_a[300], text_b[300];

#define STRING(op, shift)                                                                                              \
    do {                                                                                                               \
        uint64_t down_ = operand() & 1, n_ = operand() % 30, rax_ = operand(), out_;                                   \
        uint8_t *from_ = text_a + 140, *to_ = text_b + 130 + operand() % 8;                                            \
        if (operand() & 1)                                                                                             \
            to_ = text_a + 136 + operand() % 9; /* overlapping */                                                      \
        if (down_)                                                                                                     \
            __asm__ volatile("std" ::: "cc");                                                                          \
        __asm__ volatile(op GET_FLAGS "; cld"                                                                          \
                         : "+S"(from_), "+D"(to_), "+c"(n_), "+a"(rax_), [out] "=r"(out_)::"memory", "cc");            \
        fold((uint64_t)(from_ - text_a));                                                                              \
        fold(n_);                                                                                                      \
        fold(rax_);                                                                                                    \
        fold(out_ & 0x400);                                                                                            \
    } while (0)
#define STRING_ALL(op)                                                                                                 \
    STRING(op "b", 0);                                                                                                 \
    STRING(op "w", 1);                                                                                                 \
    STRING(op "l", 2);                                                                                                 \
    STRING(op "q", 3)

uint64_t group_string(uint64_t seed)
{
    hash = random_state = seed;
    for (int i = 0; i < 300; i++) {
        text_a[i] = (uint8_t)(operand() >> 5);
        text_b[i] = text_a[i];
    }
    for (int i = 0; i < 40; i++) {
        STRING_ALL("rep movs");
        STRING_ALL("movs");
        STRING_ALL("rep stos");
        STRING_ALL("lods");
        STRING_ALL("stos");
        STRING_ALL("rep lods");
        for (int k = 0; k < 300; k++)
            fold(text_a[k] | (uint64_t)text_b[k] << 8);
        for (int k = 0; k < 300; k++)
            if (operand() & 7)
                text_b[k] = text_a[k];
        uint64_t n = 20, out, rax = 0;
        const uint8_t *p = text_a + 100, *q = text_b + 100;
        __asm__ volatile("repe cmpsb" GET_FLAGS : "+S"(p), "+D"(q), "+c"(n), [out] "=r"(out)::"memory", "cc");
        fold(n);
        fold((uint64_t)(p - text_a));
        fold((uint64_t)(q - text_b));
        fold(out & ALL);
        n = 30;
        __asm__ volatile("repne cmpsl" GET_FLAGS : "+S"(p), "+D"(q), "+c"(n), [out] "=r"(out)::"memory", "cc");
        fold(n);
        fold(out & ALL);
        q = text_b + 50;
        n = 100;
        rax = text_b[80];
        __asm__ volatile("repne scasb" GET_FLAGS : "+D"(q), "+c"(n), [out] "=r"(out) : "a"(rax) : "memory", "cc");
        fold(n);
        fold((uint64_t)(q - text_b));
        fold(out & ALL);
        n = 9;
        __asm__ volatile("repe scasw" GET_FLAGS : "+D"(q), "+c"(n), [out] "=r"(out) : "a"(rax) : "memory", "cc");
        fold(n);
        fold(out & ALL);
        n = 0;
        __asm__ volatile("cmp %[q], %[q]; repne scasq" GET_FLAGS
                         : [q] "+D"(q), "+c"(n), [out] "=r"(out)
                         : "a"(rax)
                         : "memory", "cc");
        fold(out & ALL); /* count 0: flags stay */
    }
    return hash;
}

/* High byte registers, partial writes, address forms, stack, flag instructions, wide carry chains. */
uint64_t group_misc(uint64_t seed)
{
    hash = random_state = seed;
    uint64_t table[32];
    for (int i = 0; i < 32; i++)
        table[i] = operand();
    for (int i = 0; i < 100; i++) {
        uint64_t a = operand(), b = operand(), c = operand(), d = operand(), out;
        __asm__ volatile("addb %%ah, %%bl; movb %%ch, %%dh; xorb %%bh, %%al; subb %%dl, %%ah; xchgb %%cl, %%ch; incb "
                         "%%bh; movb $0x5c, %%dh; cmpb %%ah, %%dh; setg %%ch"
                         : "+a"(a), "+b"(b), "+c"(c), "+d"(d)::"cc");
        fold(a);
        fold(b);
        fold(c);
        fold(d);
        __asm__ volatile("movw %w1, %w0; movl %k2, %k3; movb %b2, %b1" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
        fold(a);
        fold(b);
        fold(c);
        fold(d);
        uint64_t index = i % 16;
        __asm__ volatile("leaq 0x12345(%1,%2,8), %0" : "=r"(out) : "r"(a), "r"(b));
        fold(out);
        __asm__ volatile("leal -5(%1,%2,2), %k0" : "=r"(out) : "r"(a), "r"(b));
        fold(out);
        __asm__ volatile("leaw 7(,%1,4), %w0" : "+r"(out) : "r"(a));
        fold(out);
        __asm__ volatile("leal (%k1,%k2), %k0" : "=r"(out) : "r"(a), "r"(b));
        fold(out);
        __asm__ volatile("movq 8(%1,%2,8), %0" : "=r"(out) : "r"(table), "r"(index) : "memory");
        fold(out);
        __asm__ volatile("movzwl 3(%1,%2,4), %k0" : "=r"(out) : "r"(table), "r"(index) : "memory");
        fold(out);
        __asm__ volatile("pushq %1; pushw %w2; pushq $-9; popq %0; addw %w0, (%%rsp); popw %w1; popq %2"
                         : "=&r"(out), "+r"(a), "+r"(b)::"cc", "memory");
        fold(out);
        fold(a);
        fold(b);
        __asm__ volatile(
            "pushq %%rbp; enter $32, $0; movq %1, -8(%%rbp); addq $5, -8(%%rbp); movq -8(%%rbp), %0; leave; popq %%rbp"
            : "=&d"(out)
            : "c"(a)
            : "cc", "memory");
        fold(out);
        __asm__ volatile("addb %b2, %b1; lahf; movzbl %%ah, %k0" : "=&d"(out), "+b"(b) : "c"(c) : "rax", "cc");
        fold(out);
        __asm__ volatile("movb %b1, %%ah; sahf" GET_FLAGS : [out] "=r"(out) : "c"(c) : "rax", "cc");
        fold(out & (CF | PF | AF | ZF | SF));
        __asm__ volatile("cmp %[c], %[d]; stc; cmc; adc $0, %[d]; clc; sbb %[c], %[d]; cmc" GET_FLAGS
                         : [out] "=&r"(out), [d] "+d"(d)
                         : [c] "c"(c)
                         : "cc");
        fold(d);
        fold(out & ALL);
        __asm__ volatile("xlatb" : "+a"(a) : "b"(table) : "memory");
        fold(a);
        uint64_t w0 = operand(), w1 = operand(), w2 = operand(), w3 = operand();
        __asm__ volatile("addq %4, %0; adcq %5, %1; adcq %6, %2; adcl %k4, %k3; subq %5, %0; sbbq %6, %1; sbbq %4, %2; "
                         "rclq $3, %1; rcrl $1, %k2"
                         : "+&r"(w0), "+&r"(w1), "+&r"(w2), "+&r"(w3)
                         : "r"(a), "r"(c), "r"(d)
                         : "cc");
        fold(w0);
        fold(w1);
        fold(w2);
        fold(w3);
    }
    return hash;
}

/* What a compiler makes of ordinary C: sorting, hashing, 128-bit arithmetic, recursion, switch tables. */
static uint32_t ackermann(uint32_t m, uint32_t n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
uint64_t group_compiled(uint64_t seed)
{
    hash = random_state = seed;
    static uint32_t values[200];
    for (int i = 0; i < 200; i++)
        values[i] = (uint32_t)operand();
    for (int i = 1; i < 200; i++) {
        uint32_t v = values[i];
        int k = i;
        for (; k > 0 && values[k - 1] > v; k--)
            values[k] = values[k - 1];
        values[k] = v;
    }
    for (int i = 0; i < 200; i++)
        fold(values[i]);
    unsigned __int128 wide = operand();
    for (int i = 0; i < 50; i++) {
        uint64_t factor = operand();
        wide = wide * factor + operand();
        fold((uint64_t)(wide >> 64));
        fold((uint64_t)wide % (operand() | 1));
        switch (operand() % 7) {
        case 0: fold(1); break;
        case 1: fold((uint64_t)wide << 3); break;
        case 2: fold((uint64_t)((int64_t)wide >> 9)); break;
        case 3: fold((uint64_t)__builtin_clzll((uint64_t)wide | 1)); break;
        case 4: fold((uint64_t)__builtin_bswap32((uint32_t)wide)); break;
        case 5: fold((uint64_t)((int32_t)wide / 1000)); break;
        default: fold((uint64_t)wide / 1000003);
        }
    }
    fold(ackermann(2, 30));
    return hash;
}
