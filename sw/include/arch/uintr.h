/* SPDX-License-Identifier: Apache-2.0 */
/* User interrupts as system software sees them: the UPID and UITT formats and the fields of the MSRs.
 * SDM Vol. 3A, chapter "User Interrupts"; instruction page SENDUIPI.
 */
#ifndef ARCH_UINTR_H
#define ARCH_UINTR_H

#include <stdint.h>

#define UPID_ON 0x1ull
#define UPID_SN 0x2ull
#define UPID_NV_SHIFT 16
#define UPID_NDST_SHIFT 32

/* User posted-interrupt descriptor: the hardware uses 16 bytes of a 64-byte line. */
struct upid {
    uint64_t control; /* bit 0 ON, bit 1 SN, 23:16 NV, 63:32 NDST, the rest 0 */
    uint64_t pir;     /* posted requests, bit i = user vector i               */
    uint64_t software[6];
} __attribute__((aligned(64)));

#define UITTE_V 0x1ull
#define UITTE_UV_SHIFT 8

/* An entry of the user-interrupt target table. */
struct uitte {
    uint64_t control; /* bit 0 valid, 13:8 user vector, the rest 0 */
    uint64_t upidaddr;
} __attribute__((aligned(16)));

#define UINTR_MISC_UINV_SHIFT 32 /* 39:32 UINV, 31:0 UITTSZ */
#define UINTR_TT_ENABLE 0x1ull
#define UINTR_STACKADJUST_LOAD 0x1ull /* bit 0: load RSP instead of subtracting */

_Static_assert(sizeof(struct upid) == 64, "a UPID fills a cache line");
_Static_assert(sizeof(struct uitte) == 16, "a UITT entry has 16 bytes");

#endif
