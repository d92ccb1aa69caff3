/* SPDX-License-Identifier: Apache-2.0 */
/* State of the x87 unit; the MMX registers are the significands of its registers. Source: SDM Vol. 1, "Programming with
 * the x87 FPU" and "Programming with Intel MMX Technology". */
#ifndef CPU_X87_H
#define CPU_X87_H

#include "vec.h"

#define X87_ES 0x80u /* FSW: an unmasked exception is pending */

/* Physical register: 80 bits (significand, then sign and exponent), the rest zero. MMn is r[n].u64[0]. */
struct x87 {
    union vec r[8];
    uint16_t fcw;
    uint16_t fsw;  /* TOP in bits 13:11; ES and B are kept up to date */
    uint8_t valid; /* bit n: physical register n is not empty (the abridged tag word of FXSAVE) */
    uint16_t fop;  /* 11 bits */
    uint16_t fcs, fds;
    uint64_t fip, fdp; /* of the last non-control instruction */
};

#endif
