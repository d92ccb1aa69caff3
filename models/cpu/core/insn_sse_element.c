/* SPDX-License-Identifier: Apache-2.0 */
/* Single elements of vectors, blends by XMM0, MXCSR. */
#define CPU_HAS_TWINS 1
#include "sse.h"

#include <smmintrin.h>

/* To memory at the element's width, to a register zero-extended. */
#define EXTRACT(name, bits, element, mask)                                                                             \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        const uint##bits##_t v = XMM(op->reg).element[op->imm & (mask)];                                               \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, (bits) / 8, true);                                                                             \
            STORE(bits, la, v);                                                                                        \
        } else {                                                                                                       \
            REG64(op->rm) = v;                                                                                         \
        }                                                                                                              \
        NEXT();                                                                                                        \
    }
EXTRACT(sse_pextrb, 8, u8, 15)
EXTRACT(sse_pextrw, 16, u16, 7)
EXTRACT(sse_pextrd_32, 32, u32, 3)
EXTRACT(sse_pextrd_64, 64, u64, 1)
EXTRACT(sse_extractps, 32, u32, 3)

OP(sse_pextrw_reg)
{
    REG64(op->reg) = XMM(op->rm).u16[op->imm & 7];
    NEXT();
}

/* The low bits of a register or memory at the element's width. */
#define INSERT(name, bits, element, mask)                                                                              \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        uint##bits##_t v;                                                                                              \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, (bits) / 8, false);                                                                            \
            LOAD(bits, loaded, la);                                                                                    \
            v = loaded;                                                                                                \
        } else {                                                                                                       \
            v = (uint##bits##_t)REG64(op->rm);                                                                         \
        }                                                                                                              \
        XMM(op->reg).element[op->imm & (mask)] = v;                                                                    \
        NEXT();                                                                                                        \
    }
INSERT(sse_pinsrb, 8, u8, 15)
INSERT(sse_pinsrw, 16, u16, 7)
INSERT(sse_pinsrd_32, 32, u32, 3)
INSERT(sse_pinsrd_64, 64, u64, 1)

OP(sse_pblendvb)
{
    RM_READ_VEC(b, true);
    XMM(op->reg).i = _mm_blendv_epi8(XMM(op->reg).i, b, cpu->xmm[0].i);
    NEXT();
}
OP(sse_blendvps)
{
    RM_READ_VEC(b, true);
    XMM(op->reg).ps = _mm_blendv_ps(XMM(op->reg).ps, _mm_castsi128_ps(b), cpu->xmm[0].ps);
    NEXT();
}
OP(sse_blendvpd)
{
    RM_READ_VEC(b, true);
    XMM(op->reg).pd = _mm_blendv_pd(XMM(op->reg).pd, _mm_castsi128_pd(b), cpu->xmm[0].pd);
    NEXT();
}

/* SDM Vol. 2, "LDMXCSR": #GP(0) for reserved bits. */
OP(sse_ldmxcsr)
{
    ADDRESS(la, 4, false);
    LOAD(32, v, la);
#ifdef CPU_FAST
    if (VP_UNLIKELY(v & ~MXCSR_DEFINED))
        MISS();
#else
    if (v & ~MXCSR_DEFINED) {
        (void)cpu_raise(cpu, EXC_GP, 0);
        LEAVE();
    }
#endif
    (void)cpu_bus(cpu); /* sticky flags that are still in the host go with the old value */
    cpu->mxcsr = v;
    NEXT();
}
OP(sse_stmxcsr)
{
    (void)cpu_bus(cpu);
    ADDRESS(la, 4, true);
    STORE(32, la, cpu->mxcsr);
    NEXT();
}
