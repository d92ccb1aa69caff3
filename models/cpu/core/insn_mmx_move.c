/* SPDX-License-Identifier: Apache-2.0 */
/* MMX moves, packs and shuffles, and EMMS. */
#include "mmx.h"

/* Packs: a in the lower, b in the upper half of what is packed. */
MMX_OP(mmx_packsswb, _mm_packs_epi16(mmx_pair(a, b), mmx_pair(a, b)))
MMX_OP(mmx_packssdw, _mm_packs_epi32(mmx_pair(a, b), mmx_pair(a, b)))
MMX_OP(mmx_packuswb, _mm_packus_epi16(mmx_pair(a, b), mmx_pair(a, b)))
MMX_OP_BITS(mmx_punpcklbw, 32, _mm_unpacklo_epi8(a, b))
MMX_OP_BITS(mmx_punpcklwd, 32, _mm_unpacklo_epi16(a, b))
MMX_OP_BITS(mmx_punpckldq, 32, _mm_unpacklo_epi32(a, b))
MMX_OP(mmx_punpckhbw, mmx_upper(_mm_unpacklo_epi8(a, b)))
MMX_OP(mmx_punpckhwd, mmx_upper(_mm_unpacklo_epi16(a, b)))
MMX_OP(mmx_punpckhdq, mmx_upper(_mm_unpacklo_epi32(a, b)))
/* Bit 3 of an index means nothing on eight bytes. */
MMX_OP(mmx_pshufb, _mm_shuffle_epi8(a, _mm_and_si128(b, _mm_set1_epi8((char)0x87))))

/* Words of b by four two-bit indexes. */
static inline uint64_t shuffle_words(uint64_t b, unsigned order)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < 4; i++)
        result |= ((b >> (16 * ((order >> (2 * i)) & 3))) & 0xffff) << (16 * i);
    return result;
}

/* Bytes of a:b from the n-th of b on. */
static inline uint64_t align_right(uint64_t a, uint64_t b, unsigned n)
{
    if (n >= 16)
        return 0;
    if (n >= 8)
        return a >> (8 * (n - 8));
    return n == 0 ? b : b >> (8 * n) | a << (64 - 8 * n);
}

#define MMX_IMM_OP(name, expr)                                                                                         \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        MMX_BEGIN();                                                                                                   \
        RM_READ_MMX(64, b);                                                                                            \
        const unsigned imm = (uint8_t)op->imm;                                                                         \
        MMX_ENTER();                                                                                                   \
        mmx_write(cpu, op->reg, (expr));                                                                               \
        NEXT();                                                                                                        \
    }
MMX_IMM_OP(mmx_pshufw, shuffle_words(b, imm))
MMX_IMM_OP(mmx_palignr, align_right(MMX(op->reg), b, imm))

/* MOVD, MOVQ with a general register or memory of 4 or 8 bytes. */
OP(mmx_movd_load)
{
    uint64_t v;
    MMX_BEGIN();
    if (op->size == 8) {
        RM_READ(64, wide);
        v = wide;
    } else {
        RM_READ(32, narrow);
        v = narrow;
    }
    MMX_ENTER();
    mmx_write(cpu, op->reg, v);
    NEXT();
}

OP(mmx_movd_store)
{
    MMX_BEGIN();
    if (op->size == 8)
        RM_WRITE(64, MMX(op->reg));
    else
        RM_WRITE(32, (uint32_t)MMX(op->reg));
    MMX_ENTER();
    NEXT();
}

OP(mmx_movq_load)
{
    MMX_BEGIN();
    RM_READ_MMX(64, v);
    MMX_ENTER();
    mmx_write(cpu, op->reg, v);
    NEXT();
}

/* MOVQ to r/m; MOVNTQ, whose hint means nothing here. */
OP(mmx_movq_store)
{
    MMX_BEGIN();
    if (op->flags & OPF_MEM) {
        ADDRESS(la, 8, true);
        STORE(64, la, MMX(op->reg));
        MMX_ENTER();
    } else {
        MMX_ENTER();
        mmx_write(cpu, op->rm, MMX(op->reg));
    }
    NEXT();
}

OP(mmx_pinsrw)
{
    MMX_BEGIN();
    const unsigned at = 16 * ((unsigned)op->imm & 3);
    RM_READ(16, v);
    MMX_ENTER();
    mmx_write(cpu, op->reg, (MMX(op->reg) & ~((uint64_t)0xffff << at)) | (uint64_t)v << at);
    NEXT();
}

OP(mmx_pextrw)
{
    MMX_BEGIN();
    MMX_ENTER();
    set_reg_32(cpu, op->reg, (uint16_t)(MMX(op->rm) >> (16 * ((unsigned)op->imm & 3))));
    NEXT();
}

OP(mmx_pmovmskb)
{
    MMX_BEGIN();
    MMX_ENTER();
    set_reg_32(cpu, op->reg, (uint8_t)_mm_movemask_epi8(mmx_vec(MMX(op->rm))));
    NEXT();
}

/* Only the selected bytes are written; all must be writable (the manual leaves open whether a masked byte faults). */
static void masked_store(struct cpu *cpu, uint64_t la, const union vec *data, const union vec *mask, unsigned bytes)
{
    if (!x87_may_write(cpu, la, bytes))
        return;
    for (unsigned i = 0; i < bytes; i++)
        if ((mask->u8[i] & 0x80) && cpu->leave == LEAVE_NONE)
            cpu_mem_write_slow(cpu, la + i, data->u8[i], 1);
}

/* The destination is DS:rDI; translate.c has made it the record's memory operand. */
OP(mmx_maskmovq)
{
    MMX_BEGIN();
    ADDRESS(la, 8, true);
    masked_store(cpu, la, (const union vec *)(const void *)&MMX(op->reg), (const union vec *)(const void *)&MMX(op->rm),
                 8);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    MEM_HOOK(la, 8, TIMING_STORE);
    MMX_ENTER();
    NEXT();
}

OP(sse_maskmovdqu)
{
    ADDRESS(la, 16, true);
    masked_store(cpu, la, &XMM(op->reg), &XMM(op->rm), 16);
    if (cpu->leave != LEAVE_NONE)
        LEAVE();
    MEM_HOOK(la, 16, TIMING_STORE);
    NEXT();
}

OP(mmx_movq2dq)
{
    MMX_BEGIN();
    MMX_ENTER();
    XMM(op->reg).i = mmx_vec(MMX(op->rm));
    NEXT();
}

OP(mmx_movdq2q)
{
    MMX_BEGIN();
    MMX_ENTER();
    mmx_write(cpu, op->reg, XMM(op->rm).u64[0]);
    NEXT();
}

OP(mmx_emms)
{
    MMX_BEGIN();
    cpu->x87.fsw &= (uint16_t)~X87_TOP;
    cpu->x87.valid = 0;
    NEXT();
}
