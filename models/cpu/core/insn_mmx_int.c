/* SPDX-License-Identifier: Apache-2.0 */
/* MMX integer arithmetic: MMX itself, and what SSE, SSE2 and SSSE3 added on MM registers. */
#include "mmx.h"

MMX_OP(mmx_paddb, _mm_add_epi8(a, b))
MMX_OP(mmx_paddw, _mm_add_epi16(a, b))
MMX_OP(mmx_paddd, _mm_add_epi32(a, b))
MMX_OP(mmx_paddq, _mm_add_epi64(a, b))
MMX_OP(mmx_paddsb, _mm_adds_epi8(a, b))
MMX_OP(mmx_paddsw, _mm_adds_epi16(a, b))
MMX_OP(mmx_paddusb, _mm_adds_epu8(a, b))
MMX_OP(mmx_paddusw, _mm_adds_epu16(a, b))
MMX_OP(mmx_psubb, _mm_sub_epi8(a, b))
MMX_OP(mmx_psubw, _mm_sub_epi16(a, b))
MMX_OP(mmx_psubd, _mm_sub_epi32(a, b))
MMX_OP(mmx_psubq, _mm_sub_epi64(a, b))
MMX_OP(mmx_psubsb, _mm_subs_epi8(a, b))
MMX_OP(mmx_psubsw, _mm_subs_epi16(a, b))
MMX_OP(mmx_psubusb, _mm_subs_epu8(a, b))
MMX_OP(mmx_psubusw, _mm_subs_epu16(a, b))
MMX_OP(mmx_pmullw, _mm_mullo_epi16(a, b))
MMX_OP(mmx_pmulhw, _mm_mulhi_epi16(a, b))
MMX_OP(mmx_pmulhuw, _mm_mulhi_epu16(a, b))
MMX_OP(mmx_pmaddwd, _mm_madd_epi16(a, b))
MMX_OP(mmx_pmuludq, _mm_mul_epu32(a, b))
MMX_OP(mmx_psadbw, _mm_sad_epu8(a, b))
MMX_OP(mmx_pavgb, _mm_avg_epu8(a, b))
MMX_OP(mmx_pavgw, _mm_avg_epu16(a, b))
MMX_OP(mmx_pminub, _mm_min_epu8(a, b))
MMX_OP(mmx_pmaxub, _mm_max_epu8(a, b))
MMX_OP(mmx_pminsw, _mm_min_epi16(a, b))
MMX_OP(mmx_pmaxsw, _mm_max_epi16(a, b))
MMX_OP(mmx_pcmpeqb, _mm_cmpeq_epi8(a, b))
MMX_OP(mmx_pcmpeqw, _mm_cmpeq_epi16(a, b))
MMX_OP(mmx_pcmpeqd, _mm_cmpeq_epi32(a, b))
MMX_OP(mmx_pcmpgtb, _mm_cmpgt_epi8(a, b))
MMX_OP(mmx_pcmpgtw, _mm_cmpgt_epi16(a, b))
MMX_OP(mmx_pcmpgtd, _mm_cmpgt_epi32(a, b))
MMX_OP(mmx_pand, _mm_and_si128(a, b))
MMX_OP(mmx_pandn, _mm_andnot_si128(a, b))
MMX_OP(mmx_por, _mm_or_si128(a, b))
MMX_OP(mmx_pxor, _mm_xor_si128(a, b))

/* Shifts by the whole 64-bit operand. */
MMX_OP(mmx_psllw, _mm_sll_epi16(a, b))
MMX_OP(mmx_pslld, _mm_sll_epi32(a, b))
MMX_OP(mmx_psllq, _mm_sll_epi64(a, b))
MMX_OP(mmx_psrlw, _mm_srl_epi16(a, b))
MMX_OP(mmx_psrld, _mm_srl_epi32(a, b))
MMX_OP(mmx_psrlq, _mm_srl_epi64(a, b))
MMX_OP(mmx_psraw, _mm_sra_epi16(a, b))
MMX_OP(mmx_psrad, _mm_sra_epi32(a, b))

/* Shifts by an immediate; the destination is the r/m operand. */
#define SHIFT_IMM(name, shift)                                                                                         \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        MMX_BEGIN();                                                                                                   \
        const __m128i result = shift(mmx_vec(MMX(op->rm)), mmx_vec((uint8_t)op->imm));                                 \
        MMX_ENTER();                                                                                                   \
        mmx_write(cpu, op->rm, mmx_low(result));                                                                       \
        NEXT();                                                                                                        \
    }
SHIFT_IMM(mmx_psllw_i, _mm_sll_epi16)
SHIFT_IMM(mmx_pslld_i, _mm_sll_epi32)
SHIFT_IMM(mmx_psllq_i, _mm_sll_epi64)
SHIFT_IMM(mmx_psrlw_i, _mm_srl_epi16)
SHIFT_IMM(mmx_psrld_i, _mm_srl_epi32)
SHIFT_IMM(mmx_psrlq_i, _mm_srl_epi64)
SHIFT_IMM(mmx_psraw_i, _mm_sra_epi16)
SHIFT_IMM(mmx_psrad_i, _mm_sra_epi32)

/* SSSE3. Horizontal: the result's lower half comes from a, its upper half from b. */
#define HORIZONTAL(name, function) MMX_OP(name, function(mmx_pair(a, b), mmx_pair(a, b)))
HORIZONTAL(mmx_phaddw, _mm_hadd_epi16)
HORIZONTAL(mmx_phaddd, _mm_hadd_epi32)
HORIZONTAL(mmx_phaddsw, _mm_hadds_epi16)
HORIZONTAL(mmx_phsubw, _mm_hsub_epi16)
HORIZONTAL(mmx_phsubd, _mm_hsub_epi32)
HORIZONTAL(mmx_phsubsw, _mm_hsubs_epi16)
MMX_OP(mmx_pmaddubsw, _mm_maddubs_epi16(a, b))
MMX_OP(mmx_pmulhrsw, _mm_mulhrs_epi16(a, b))
MMX_OP(mmx_psignb, _mm_sign_epi8(a, b))
MMX_OP(mmx_psignw, _mm_sign_epi16(a, b))
MMX_OP(mmx_psignd, _mm_sign_epi32(a, b))
MMX_OP(mmx_pabsb, _mm_abs_epi8(b))
MMX_OP(mmx_pabsw, _mm_abs_epi16(b))
MMX_OP(mmx_pabsd, _mm_abs_epi32(b))
