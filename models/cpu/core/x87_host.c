/* SPDX-License-Identifier: Apache-2.0 */
/* See x87_host.h. The assembly of each instruction: operands in, the instruction, status word, flags cleared if one of
 * them is unmasked (before the next waiting instruction), results out, stack empty. Where the instruction may or may
 * not push or pop, the host's TOP says what it did: TOP is 0 while the unit is empty. */
#include "x87_host.h"

/* Memory operands of the assembly: 10 bytes. */
struct real80 {
    uint8_t bytes[10];
};
#define IN80(p) "m"(*(const struct real80 *)(p))
#define OUT80(p) "+m"(*(struct real80 *)(p))
#define CLOBBERS "st", "st(1)", "st(2)", "cc"

#define STATUS "fnstsw %[sw]\n\ttestb $0x80, %%al\n\tjz 1f\n\tfnclex\n1:\n\t"
#define DROP "fstp %%st(0)\n\t"

static inline uint16_t enter(uint16_t fcw)
{
    uint16_t host, status;
    __asm__ volatile("fnstcw %0\n\tfnstsw %1" : "=m"(host), "=a"(status));
    if (status & 0x3f) /* the simulator's own */
        __asm__ volatile("fnclex");
    if (host != fcw)
        __asm__ volatile("fldcw %0" : : "m"(fcw));
    return host;
}

/* Flags that are left are masked ones: they do no harm, and enter() clears them. */
static inline void leave(uint16_t fcw, uint16_t host)
{
    if (host != fcw)
        __asm__ volatile("fldcw %0" : : "m"(host));
}

#define BODY(code, ...)                                                                                                \
    uint16_t status_, host_ = enter(fcw);                                                                              \
    __asm__ volatile(code : [sw] "=a"(status_), __VA_ARGS__ : CLOBBERS);                                               \
    leave(fcw, host_);                                                                                                 \
    return status_

/* --- two registers --- */
#define BINARY(name, insn)                                                                                             \
    uint16_t name(uint16_t fcw, union vec *result, const union vec *a, const void *b)                                  \
    {                                                                                                                  \
        BODY("fldt %[b]\n\tfldt %[a]\n\t" insn "\n\t" STATUS "fstpt %[r]\n\t" DROP, [r] OUT80(result)                  \
             : [a] IN80(a), [b] IN80(b));                                                                              \
    }
/* Only the status word counts. */
#define BINARY_COMPARE(name, insn)                                                                                     \
    uint16_t name(uint16_t fcw, union vec *result, const union vec *a, const void *b)                                  \
    {                                                                                                                  \
        (void)result;                                                                                                  \
        uint16_t status_, host_ = enter(fcw);                                                                          \
        __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn "\n\t" STATUS DROP DROP                                     \
                         : [sw] "=a"(status_)                                                                          \
                         : [a] IN80(a), [b] IN80(b)                                                                    \
                         : CLOBBERS);                                                                                  \
        leave(fcw, host_);                                                                                             \
        return status_;                                                                                                \
    }
/* The instruction pops: done if TOP is 7 afterwards, else (TOP = 6) stopped. */
#define BINARY_POPS(name, insn)                                                                                        \
    uint16_t name(uint16_t fcw, union vec *result, const union vec *a, const void *b)                                  \
    {                                                                                                                  \
        BODY("fldt %[b]\n\tfldt %[a]\n\t" insn "\n\t" STATUS "testb $0x08, %%ah\n\tjnz 2f\n\t" DROP DROP               \
             "jmp 3f\n2:\n\tfstpt %[r]\n3:\n\t",                                                                       \
             [r] OUT80(result)                                                                                         \
             : [a] IN80(a), [b] IN80(b));                                                                              \
    }

static BINARY(host_fadd, "fadd %%st(1), %%st") static BINARY(host_fmul, "fmul %%st(1), %%st") static BINARY(host_fsub, "fsub %%st(1), %%st") static BINARY(
    host_fsubr,
    "fsubr %%st(1), %%st") static BINARY(host_fdiv,
                                         "fdiv %%st(1), %%st") static BINARY(host_fdivr,
                                                                             "fdivr %%st(1), "
                                                                             "%%st") static BINARY_COMPARE(host_fcom,
                                                                                                           "fcom "
                                                                                                           "%%st(1)")
    BINARY_COMPARE(x87_host_fucom, "fucom %%st(1)") BINARY(x87_host_fprem, "fprem") BINARY(x87_host_fprem1, "fprem1")
        BINARY(x87_host_fscale, "fscale") BINARY_POPS(x87_host_fyl2x, "fyl2x") BINARY_POPS(x87_host_fyl2xp1, "fyl2xp1")
            BINARY_POPS(x87_host_fpatan, "fpatan")

                x87_host_binary *const x87_host_arith[8] = {host_fadd, host_fmul,  host_fcom, host_fcom,
                                                            host_fsub, host_fsubr, host_fdiv, host_fdivr};

#define COMPARE_TO_FLAGS(name, insn)                                                                                   \
    uint16_t name(uint16_t fcw, uint32_t *flags, const union vec *a, const union vec *b)                               \
    {                                                                                                                  \
        uint8_t z, p, c;                                                                                               \
        uint16_t status_, host_ = enter(fcw);                                                                          \
        __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn                                                             \
                         " %%st(1), %%st\n\tsetz %[z]\n\tsetp %[p]\n\tsetc %[c]\n\t" STATUS DROP DROP                  \
                         : [sw] "=&a"(status_), [z] "=&q"(z), [p] "=&q"(p), [c] "=&q"(c)                               \
                         : [a] IN80(a), [b] IN80(b)                                                                    \
                         : CLOBBERS);                                                                                  \
        leave(fcw, host_);                                                                                             \
        *flags = (uint32_t)z << 6 | (uint32_t)p << 2 | c; /* ZF, PF, CF in their places */                             \
        return status_;                                                                                                \
    }
COMPARE_TO_FLAGS(x87_host_fcomi, "fcomi")
COMPARE_TO_FLAGS(x87_host_fucomi, "fucomi")

/* --- register and memory --- */
#define BINARY_MEMORY(name, insn, type)                                                                                \
    static uint16_t name(uint16_t fcw, union vec *result, const union vec *a, const void *b)                           \
    {                                                                                                                  \
        BODY("fldt %[a]\n\t" insn " %[b]\n\t" STATUS "fstpt %[r]\n\t", [r] OUT80(result)                               \
             : [a] IN80(a), [b] "m"(*(const type *)b));                                                                \
    }
/* FCOM and FCOMP alike: the stack is ours to pop. */
#define BINARY_MEMORY_ALL(suffix, letter, prefix, type)                                                                \
    BINARY_MEMORY(host_add_##suffix, prefix "add" letter, type)                                                        \
    BINARY_MEMORY(host_mul_##suffix, prefix "mul" letter, type)                                                        \
    BINARY_MEMORY(host_com_##suffix, prefix "com" letter, type)                                                        \
    BINARY_MEMORY(host_sub_##suffix, prefix "sub" letter, type)                                                        \
    BINARY_MEMORY(host_subr_##suffix, prefix "subr" letter, type)                                                      \
    BINARY_MEMORY(host_div_##suffix, prefix "div" letter, type)                                                        \
    BINARY_MEMORY(host_divr_##suffix, prefix "divr" letter, type)                                                      \
    x87_host_binary *const x87_host_arith_##suffix[8] = {host_add_##suffix, host_mul_##suffix, host_com_##suffix,      \
                                                         host_com_##suffix, host_sub_##suffix, host_subr_##suffix,     \
                                                         host_div_##suffix, host_divr_##suffix}
BINARY_MEMORY_ALL(f32, "s", "f", uint32_t);
BINARY_MEMORY_ALL(f64, "l", "f", uint64_t);
BINARY_MEMORY_ALL(i32, "l", "fi", uint32_t);
BINARY_MEMORY_ALL(i16, "s", "fi", uint16_t);

/* --- one register --- */
#define UNARY(name, insn)                                                                                              \
    uint16_t name(uint16_t fcw, union vec *result, const union vec *a)                                                 \
    {                                                                                                                  \
        BODY("fldt %[a]\n\t" insn "\n\t" STATUS "fstpt %[r]\n\t", [r] OUT80(result) : [a] IN80(a));                    \
    }
UNARY(x87_host_fchs, "fchs")
UNARY(x87_host_fabs, "fabs")
UNARY(x87_host_f2xm1, "f2xm1")
UNARY(x87_host_fsqrt, "fsqrt")
UNARY(x87_host_frndint, "frndint")
UNARY(x87_host_fsin, "fsin")
UNARY(x87_host_fcos, "fcos")
UNARY(x87_host_ftst, "ftst")
UNARY(x87_host_fxam, "fxam")

/* Pushed if TOP is 6 afterwards (bit 3 of AH clear); TOP is 7 if not. */
#define UNARY_PUSHES(name, insn)                                                                                       \
    uint16_t name(uint16_t fcw, union vec result[2], const union vec *a, uint32_t *pushed)                             \
    {                                                                                                                  \
        *pushed = 0;                                                                                                   \
        BODY("fldt %[a]\n\t" insn "\n\t" STATUS                                                                        \
             "testb $0x08, %%ah\n\tjnz 2f\n\tmovl $1, %[p]\n\tfstpt %[r0]\n2:\n\tfstpt %[r1]\n\t",                     \
             [r0] OUT80(&result[0]), [r1] OUT80(&result[1]), [p] "+m"(*pushed)                                         \
             : [a] IN80(a));                                                                                           \
    }
UNARY_PUSHES(x87_host_fptan, "fptan")
UNARY_PUSHES(x87_host_fsincos, "fsincos")
UNARY_PUSHES(x87_host_fxtract, "fxtract")

/* --- memory --- */
/* Loaded if TOP is 7 afterwards. */
#define HOST_LOAD(name, insn, type)                                                                                    \
    static uint16_t name(uint16_t fcw, union vec *result, const void *memory)                                          \
    {                                                                                                                  \
        BODY(insn " %[m]\n\t" STATUS "testb $0x38, %%ah\n\tjz 2f\n\tfstpt %[r]\n2:\n\t", [r] OUT80(result)             \
             : [m] "m"(*(const type *)memory));                                                                        \
    }
HOST_LOAD(load_f32, "flds", uint32_t)
HOST_LOAD(load_f64, "fldl", uint64_t)
HOST_LOAD(load_i16, "filds", uint16_t)
HOST_LOAD(load_i32, "fildl", uint32_t)
HOST_LOAD(load_i64, "fildll", uint64_t)
HOST_LOAD(load_bcd, "fbld", struct real80)
x87_host_load *const x87_host_loads[6] = {load_f32, load_f64, load_i16, load_i32, load_i64, load_bcd};

/* All pop if they store: TOP is 0 afterwards. */
#define HOST_STORE(name, insn, type)                                                                                   \
    static uint16_t name(uint16_t fcw, void *memory, const union vec *a)                                               \
    {                                                                                                                  \
        BODY(                                                                                                          \
            "fldt %[a]\n\t" insn " %[m]\n\t" STATUS "testb $0x38, %%ah\n\tjz 2f\n\t" DROP "2:\n\t", [m] "+m"(*(        \
                                                                                                        type *)memory) \
            : [a] IN80(a));                                                                                            \
    }
HOST_STORE(store_f32, "fstps", uint32_t)
HOST_STORE(store_f64, "fstpl", uint64_t)
HOST_STORE(store_i16, "fistps", uint16_t)
HOST_STORE(store_i32, "fistpl", uint32_t)
HOST_STORE(store_i64, "fistpll", uint64_t)
HOST_STORE(store_bcd, "fbstp", struct real80)
HOST_STORE(truncate_i16, "fisttps", uint16_t)
HOST_STORE(truncate_i32, "fisttpl", uint32_t)
HOST_STORE(truncate_i64, "fisttpll", uint64_t)
x87_host_store *const x87_host_stores[6] = {store_f32, store_f64, store_i16, store_i32, store_i64, store_bcd};
x87_host_store *const x87_host_truncating_stores[6] = {store_f32,    store_f64,    truncate_i16,
                                                       truncate_i32, truncate_i64, store_bcd};

/* The last bit follows the rounding control: SDM Vol. 2, "FLD1/FLDL2T/...". */
void x87_host_constant(uint16_t fcw, union vec *result, unsigned which)
{
    uint16_t host = enter(fcw);
#define CONSTANT(insn) __asm__ volatile(insn "\n\tfstpt %0" : OUT80(result) : : "st")
    switch (which) {
    case 0: CONSTANT("fld1"); break;
    case 1: CONSTANT("fldl2t"); break;
    case 2: CONSTANT("fldl2e"); break;
    case 3: CONSTANT("fldpi"); break;
    case 4: CONSTANT("fldlg2"); break;
    case 5: CONSTANT("fldln2"); break;
    default: CONSTANT("fldz"); break;
    }
#undef CONSTANT
    leave(fcw, host);
}
