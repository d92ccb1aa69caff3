/* SPDX-License-Identifier: Apache-2.0 */
/* SSE moves: between registers and memory, halves, duplicates, masks. */
#define CPU_HAS_TWINS 1
#include "sse.h"

#define MOVE_LOAD(name, is_aligned)                                                                                    \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        RM_READ_VEC(b, is_aligned);                                                                                    \
        XMM(op->reg).i = b;                                                                                            \
        NEXT();                                                                                                        \
    }
#define MOVE_STORE(name, check)                                                                                        \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, 16, true);                                                                                     \
            check;                                                                                                     \
            STORE_VEC(la, XMM(op->reg).i);                                                                             \
        } else {                                                                                                       \
            XMM(op->rm).i = XMM(op->reg).i;                                                                            \
        }                                                                                                              \
        NEXT();                                                                                                        \
    }
MOVE_LOAD(sse_movu_load, false)
MOVE_LOAD(sse_mova_load, true)
MOVE_STORE(sse_movu_store, (void)0)
MOVE_STORE(sse_mova_store, CHECK_ALIGNED(la))

/* A scalar from memory clears the rest of the register, from a register it leaves the rest. */
#define SCALAR(insn, bits, element)                                                                                    \
    OP(sse_##insn##_load)                                                                                              \
    {                                                                                                                  \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, (bits) / 8, false);                                                                            \
            LOAD(bits, v, la);                                                                                         \
            XMM(op->reg).i = _mm_cvtsi64_si128((long long)v);                                                          \
        } else {                                                                                                       \
            XMM(op->reg).element[0] = XMM(op->rm).element[0];                                                          \
        }                                                                                                              \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(sse_##insn##_store)                                                                                             \
    {                                                                                                                  \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, (bits) / 8, true);                                                                             \
            STORE(bits, la, XMM(op->reg).element[0]);                                                                  \
        } else {                                                                                                       \
            XMM(op->rm).element[0] = XMM(op->reg).element[0];                                                          \
        }                                                                                                              \
        NEXT();                                                                                                        \
    }
SCALAR(movss, 32, u32)
SCALAR(movsd, 64, u64)

/* Halves; memory only but for MOVHLPS and MOVLHPS. */
#define HALF(insn, half)                                                                                               \
    OP(sse_##insn##_load)                                                                                              \
    {                                                                                                                  \
        ADDRESS(la, 8, false);                                                                                         \
        LOAD(64, v, la);                                                                                               \
        XMM(op->reg).u64[half] = v;                                                                                    \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(sse_##insn##_store)                                                                                             \
    {                                                                                                                  \
        ADDRESS(la, 8, true);                                                                                          \
        STORE(64, la, XMM(op->reg).u64[half]);                                                                         \
        NEXT();                                                                                                        \
    }
HALF(movlp, 0)
HALF(movhp, 1)
OP(sse_movhlps)
{
    XMM(op->reg).u64[0] = XMM(op->rm).u64[1];
    NEXT();
}
OP(sse_movlhps)
{
    XMM(op->reg).u64[1] = XMM(op->rm).u64[0];
    NEXT();
}

SSE_INT(movsldup)
SSE_INT(movshdup)
SSE_LOW_64(movddup)

#define MOVD(bits)                                                                                                     \
    OP(sse_movd_load_##bits)                                                                                           \
    {                                                                                                                  \
        RM_READ(bits, v);                                                                                              \
        XMM(op->reg).i = _mm_cvtsi64_si128((long long)v);                                                              \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(sse_movd_store_##bits)                                                                                          \
    {                                                                                                                  \
        RM_WRITE(bits, XMM(op->reg).u##bits[0]);                                                                       \
        NEXT();                                                                                                        \
    }
MOVD(32)
MOVD(64)

OP(sse_movq_load)
{
    RM_READ_VEC_LOW(64, b);
    XMM(op->reg).i = _mm_move_epi64(b);
    NEXT();
}
OP(sse_movq_store)
{
    if (op->flags & OPF_MEM) {
        ADDRESS(la, 8, true);
        STORE(64, la, XMM(op->reg).u64[0]);
    } else {
        XMM(op->rm).i = _mm_move_epi64(XMM(op->reg).i);
    }
    NEXT();
}

OP(sse_movmskps)
{
    REG64(op->reg) = (uint32_t)_mm_movemask_ps(XMM(op->rm).ps);
    NEXT();
}
OP(sse_movmskpd)
{
    REG64(op->reg) = (uint32_t)_mm_movemask_pd(XMM(op->rm).pd);
    NEXT();
}
OP(sse_pmovmskb)
{
    REG64(op->reg) = (uint32_t)_mm_movemask_epi8(XMM(op->rm).i);
    NEXT();
}
