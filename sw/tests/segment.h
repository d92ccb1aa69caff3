/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and selectors of segment.c's image: a GDT of its own that begins like that of percpu.c. */
#ifndef SEGMENT_TEST_H
#define SEGMENT_TEST_H

#define T_GDT_ENTRIES 64
#define T_FIRST 0x80 /* the first selector that tests use as they like */

/* Selectors that segment_legacy.S knows. */
#define L_CODE32 0x100    /* flat, DPL 0 */
#define L_DATA32 0x108    /* flat, DPL 0 */
#define L_CODE16 0x110    /* base 0, 64 KiB, DPL 0 */
#define L_DATA16 0x118    /* base 0, 64 KiB, DPL 0 */
#define L_UCODE32 0x120   /* flat, DPL 3 */
#define L_UDATA32 0x128   /* flat, DPL 3 */
#define L_GATE32 0x130    /* DPL 3, to legacy_service in L_CODE32, two parameters */
#define L_GATE_SAME 0x138 /* DPL 0, to legacy_same */
#define L_TSS 0x140       /* the task that runs */
#define L_TSS_OTHER 0x148
#define L_TSS_SHORT 0x150 /* limit too small */
#define L_TASK_GATE 0x158 /* to L_TSS_OTHER */
#define L_NOT_PRESENT 0x160
#define L_SMALL 0x168 /* data of 16 bytes */
#define L_DOWN 0x170  /* expand-down, limit FFFH, 32-bit */
#define L_GATE_ABSENT 0x178
#define L_CODE1 0x180      /* flat, DPL 1 */
#define L_GATE_RING1 0x188 /* DPL 3, to L_CODE1 */
#define L_REAL16 0x190     /* code at REAL_BASE, for the way into real mode */

#define REAL_BASE 0x6000 /* where segment_real is copied to */
#define V86_BASE 0x7000
#define LEGACY_CASES 32

#endif
