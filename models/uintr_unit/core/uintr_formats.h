/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts in memory that UINTR hardware reads and writes: the user posted-interrupt descriptor (UPID), an entry of the
 * user-interrupt target table (UITTE), the stack frame of a user interrupt and XSAVE state component 14. Hardware
 * facts only, all little endian; what is done with them is in the uintr_*.c files.
 *
 * Source: Intel SDM Vol. 3, chapter "User Interrupts"; instruction page SENDUIPI; Vol. 1, "User-Interrupt State".
 */
#ifndef UINTR_FORMATS_H
#define UINTR_FORMATS_H

#include "bits.h"

#include <stdbool.h>
#include <stdint.h>

/* --- byte order --- */
static inline uint64_t uintr_le64_get(const uint8_t *bytes)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | bytes[i];
    return v;
}

static inline void uintr_le64_put(uint8_t *bytes, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
}

/* --- UPID: 16 bytes, in a slot aligned to 64 bytes ---
 *
 *   127                                    64 63          32 31   24 23  16 15    2  1   0
 *  +-----------------------------------------+--------------+-------+------+-------+---+---+
 *  |                   PIR                   |     NDST     | rsvd  |  NV  | rsvd  |SN |ON |
 *  +-----------------------------------------+--------------+-------+------+-------+---+---+
 */
struct uintr_upid {
    uint64_t low; /* ON, SN, NV, NDST                         */
    uint64_t pir; /* posted requests; bit i is user vector i  */
};

#define UINTR_UPID_SIZE 16u
#define UINTR_UPID_ALIGN 64u
#define UINTR_UPID_ON_MASK UINT64_C(0x1)
#define UINTR_UPID_SN_MASK UINT64_C(0x2)
/* Of `low`. SENDUIPI checks these bits, notification does not. */
#define UINTR_UPID_FIELDS_MASK UINT64_C(0xffffffff00ff0003)
#define UINTR_UPID_RESERVED_MASK UINT64_C(0x00000000ff00fffc)
#define UINTR_UPID_PIR_OFFSET 8u

_Static_assert(sizeof(struct uintr_upid) == UINTR_UPID_SIZE, "a UPID has 16 bytes");
_Static_assert((UINTR_UPID_RESERVED_MASK ^ UINTR_UPID_FIELDS_MASK) == UINT64_MAX,
               "every bit of `low` is a field or reserved");

static inline struct uintr_upid uintr_upid_get(const uint8_t *bytes)
{
    return (struct uintr_upid){uintr_le64_get(bytes), uintr_le64_get(bytes + UINTR_UPID_PIR_OFFSET)};
}

static inline void uintr_upid_put(uint8_t *bytes, struct uintr_upid upid)
{
    uintr_le64_put(bytes, upid.low);
    uintr_le64_put(bytes + UINTR_UPID_PIR_OFFSET, upid.pir);
}

static inline bool uintr_upid_on(struct uintr_upid upid) { return upid.low & UINTR_UPID_ON_MASK; }
static inline bool uintr_upid_sn(struct uintr_upid upid) { return upid.low & UINTR_UPID_SN_MASK; }
static inline uint8_t uintr_upid_nv(struct uintr_upid upid) { return (uint8_t)bits_get(upid.low, 23, 16); }
static inline uint32_t uintr_upid_ndst(struct uintr_upid upid) { return (uint32_t)bits_get(upid.low, 63, 32); }

/* --- UITTE: 16 bytes, in a table aligned to 16 bytes ---
 *
 *   127                          70 69    64 63        16 15 14 13   8 7     1  0
 *  +-------------------------------+--------+------------+-----+------+-------+---+
 *  |        UPIDADDR[63:6]         |  zero  |    rsvd    |rsvd |  UV  | rsvd  | V |
 *  +-------------------------------+--------+------------+-----+------+-------+---+
 */
struct uintr_uitte {
    uint64_t low;      /* V, UV                               */
    uint64_t upidaddr; /* linear address of the target's UPID */
};

#define UINTR_UITTE_SIZE 16u
#define UINTR_UITTE_V_MASK UINT64_C(0x1)
#define UINTR_UITTE_UV_MASK UINT64_C(0x3f00)
#define UINTR_UITTE_RESERVED_MASK UINT64_C(0xffffffffffffc0fe) /* of `low` */
#define UINTR_UITTE_UPIDADDR_RESERVED_MASK UINT64_C(0x3f)

_Static_assert(sizeof(struct uintr_uitte) == UINTR_UITTE_SIZE, "an entry of the UITT has 16 bytes");
_Static_assert((UINTR_UITTE_V_MASK ^ UINTR_UITTE_UV_MASK ^ UINTR_UITTE_RESERVED_MASK) == UINT64_MAX,
               "every bit of an entry's low half is V, UV or reserved");
_Static_assert(UINTR_UITTE_UPIDADDR_RESERVED_MASK == UINTR_UPID_ALIGN - 1, "UPIDADDR is aligned like a UPID");

static inline struct uintr_uitte uintr_uitte_get(const uint8_t *bytes)
{
    return (struct uintr_uitte){uintr_le64_get(bytes), uintr_le64_get(bytes + 8)};
}

static inline bool uintr_uitte_is_valid(struct uintr_uitte e)
{
    return (e.low & UINTR_UITTE_V_MASK) && !(e.low & UINTR_UITTE_RESERVED_MASK) &&
           !(e.upidaddr & UINTR_UITTE_UPIDADDR_RESERVED_MASK);
}

static inline uint8_t uintr_uitte_uv(struct uintr_uitte e) { return (uint8_t)bits_get(e.low, 13, 8); }

/* --- Registers with fields --- */
#define UINTR_MISC_UITTSZ_MASK UINT64_C(0xffffffff)
#define UINTR_MISC_UINV_SHIFT 32
#define UINTR_MISC_RESERVED_MASK UINT64_C(0xffffff0000000000) /* bit 63 too: XSAVES uses that position for UIF */
#define UINTR_PD_RESERVED_MASK UINT64_C(0x3f)
#define UINTR_TT_RESERVED_MASK UINT64_C(0xe)
#define UINTR_TT_ENABLE_MASK UINT64_C(0x1)
#define UINTR_TT_UITTADDR_MASK (~UINT64_C(0xf))
#define UINTR_TIMER_VECTOR_MASK UINT64_C(0x3f)
#define UINTR_TIMER_DEADLINE_MASK (~UINT64_C(0x3f)) /* the low six bits of a deadline are 0 */
#define UINTR_STACKADJUST_LOAD_MASK UINT64_C(0x1)   /* 1: RSP is loaded; 0: the value is subtracted from RSP */

/* --- User stack frame, offsets from the RSP with which the handler starts --- */
enum {
    UINTR_FRAME_VECTOR = 0,
    UINTR_FRAME_RIP = 8, /* UIRET finds RIP, RFLAGS, RSP at offsets 0, 8, 16: software has removed the vector */
    UINTR_FRAME_RFLAGS = 16,
    UINTR_FRAME_RSP = 24,
    UINTR_FRAME_SIZE = 32,
};

/* --- RFLAGS bits that delivery and UIRET touch --- */
#define UINTR_RFLAGS_TF_MASK UINT64_C(0x100)
#define UINTR_RFLAGS_RF_MASK UINT64_C(0x10000)
#define UINTR_RFLAGS_FIXED1_MASK UINT64_C(0x2)     /* always 1; in UIRET's image: the new UIF if flexible */
#define UINTR_RFLAGS_UIRET_MASK UINT64_C(0x254dd5) /* CF PF AF ZF SF TF DF OF NT RF AC ID               */

/* --- XSAVE state component 14, byte offsets --- */
enum {
    UINTR_XSAVE_HANDLER = 0,
    UINTR_XSAVE_STACKADJUST = 8,
    UINTR_XSAVE_MISC = 16, /* bits 31:0 UITTSZ, 39:32 UINV, 62:40 zero, 63 UIF */
    UINTR_XSAVE_PD = 24,
    UINTR_XSAVE_RR = 32, /* after PD, unlike the order of the MSR numbers */
    UINTR_XSAVE_TT = 40,
};
#define UINTR_XSAVE_MISC_UIF_MASK (UINT64_C(1) << 63)

#endif
