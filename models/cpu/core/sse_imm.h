/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions whose immediate is part of the host's encoding: a function for each value of the immediate. */
#ifndef CPU_SSE_IMM_H
#define CPU_SSE_IMM_H

#include "vec.h"

typedef __m128i sse_imm_fn(__m128i destination, __m128i source);

extern sse_imm_fn *const sse_imm_pshufd[256],
    *const sse_imm_pshufhw[256],
        *const sse_imm_pshuflw[256],
            *const sse_imm_shufps[256],
                *const sse_imm_shufpd[256],
                    *const sse_imm_palignr[256],
                        *const sse_imm_blendps[256],
                            *const sse_imm_blendpd[256],
                                *const sse_imm_pblendw[256],
                                    *const sse_imm_mpsadbw[256],
                                        *const sse_imm_insertps[256],
                                            *const sse_imm_dpps[256],
                                                *const sse_imm_dppd[256],
                                                    *const sse_imm_roundps[256],
                                                        *const sse_imm_roundpd[256],
                                                            *const sse_imm_roundss[256],
                                                                *const sse_imm_roundsd[256],
                                                                    *const sse_imm_cmpps[256],
                                                                        *const sse_imm_cmppd[256],
                                                                            *const sse_imm_cmpss[256],
                                                                                *const sse_imm_cmpsd[256];

/* String compares: lengths as in EAX and EDX (explicit forms). index or mask, and ZF CF SF OF as in RFLAGS. */
struct sse_string_compare {
    __m128i a, b, mask;
    int32_t length_a, length_b;
    uint32_t index;
    uint64_t flags;
};
typedef void sse_string_fn(struct sse_string_compare *compare);
extern sse_string_fn *const sse_string_pcmpestri[256],
    *const sse_string_pcmpestrm[256], *const sse_string_pcmpistri[256], *const sse_string_pcmpistrm[256];

#endif
