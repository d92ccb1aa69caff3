/* SPDX-License-Identifier: Apache-2.0 */
/* x87, MMX and SSE state of a core as an FXSAVE64 image, for the tests that compare it with the host's. */
#ifndef FX_ACCESS_H
#define FX_ACCESS_H

#include "cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* SDM Vol. 1, table "Format of an FXSAVE Area" (64-bit, REX.W = 1). */
struct fx_image {
    uint16_t fcw, fsw;
    uint8_t tags, reserved1; /* bit set: not empty */
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint64_t st[8][2]; /* from the top; the upper six bytes are reserved */
    uint64_t xmm[16][2];
    uint8_t reserved2[96];
};

void fx_get(const struct cpu *cpu, struct fx_image *image);
void fx_set(struct cpu *cpu, const struct fx_image *image);
/* Control registers that user code cannot change: bits of CR0 to be set and cleared, and CR4.OSFXSR, OSXMMEXCPT set. */
void fx_enable(struct cpu *cpu, uint32_t cr0_set, uint32_t cr0_clear);

#ifdef __cplusplus
}
#endif
#endif
