/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets, fields, masks and reset values of the local APIC's registers; nothing but facts.
 * SDM Vol. 3, "Local APIC Register Address Map" and the figure of each register. The x2APIC register at offset r is
 * MSR 800H + r/16 ("x2APIC Register Address Space"). */
#ifndef LAPIC_REGS_H
#define LAPIC_REGS_H

#include <stdint.h>

#define LAPIC_REG_SHIFT 4u  /* registers lie 16 bytes apart */
#define LAPIC_REG_COUNT 64u /* 000H..3F0H; everything above is reserved */

enum lapic_reg_offset {
    LAPIC_ID = 0x020,
    LAPIC_VERSION = 0x030,
    LAPIC_TPR = 0x080,
    LAPIC_APR = 0x090,
    LAPIC_PPR = 0x0a0,
    LAPIC_EOI = 0x0b0,
    LAPIC_RRD = 0x0c0,
    LAPIC_LDR = 0x0d0,
    LAPIC_DFR = 0x0e0,
    LAPIC_SVR = 0x0f0,
    LAPIC_ISR = 0x100, /* eight registers, 100H..170H */
    LAPIC_TMR = 0x180, /* eight registers, 180H..1F0H */
    LAPIC_IRR = 0x200, /* eight registers, 200H..270H */
    LAPIC_ESR = 0x280,
    LAPIC_CMCI = 0x2f0,
    LAPIC_ICR = 0x300,
    LAPIC_ICR_HIGH = 0x310, /* xAPIC only */
    LAPIC_TIMER = 0x320,
    LAPIC_THERMAL = 0x330,
    LAPIC_PERF = 0x340,
    LAPIC_LINT0 = 0x350,
    LAPIC_LINT1 = 0x360,
    LAPIC_ERROR = 0x370,
    LAPIC_INITIAL_COUNT = 0x380,
    LAPIC_CURRENT_COUNT = 0x390,
    LAPIC_DIVIDE = 0x3e0,
    LAPIC_SELF_IPI = 0x3f0, /* x2APIC only */
};

/* IA32_APIC_BASE: 8 BSP, 10 EXTD, 11 EN, MAXPHYADDR-1..12 base. SDM "Local APIC Status and Location". */
#define LAPIC_BASE_BSP (UINT64_C(1) << 8)
#define LAPIC_BASE_EXTD (UINT64_C(1) << 10)
#define LAPIC_BASE_EN (UINT64_C(1) << 11)
#define LAPIC_BASE_ADDRESS_MASK (~UINT64_C(0xfff))

/* Version: 15H (integrated APIC), 23..16 highest LVT index, 24 suppression of EOI broadcasts supported. */
#define LAPIC_VERSION_VALUE 0x01060015u

/* Spurious-interrupt vector register */
#define LAPIC_SVR_VECTOR_MASK 0xffu
#define LAPIC_SVR_ENABLE (1u << 8)
#define LAPIC_SVR_FOCUS_OFF (1u << 9)
#define LAPIC_SVR_EOI_SUPPRESS (1u << 12)
#define LAPIC_SVR_MASK (LAPIC_SVR_VECTOR_MASK | LAPIC_SVR_ENABLE | LAPIC_SVR_FOCUS_OFF | LAPIC_SVR_EOI_SUPPRESS)
#define LAPIC_SVR_RESET 0xffu

/* Error status register */
#define LAPIC_ESR_SEND_ILLEGAL_VECTOR (1u << 5)
#define LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR (1u << 6)
#define LAPIC_ESR_ILLEGAL_REGISTER (1u << 7)

/* Local vector table: 7..0 vector, 10..8 delivery mode, 12 delivery status, 13 polarity, 14 remote IRR, 15 trigger
 * mode, 16 mask, 18..17 timer mode. */
#define LAPIC_LVT_VECTOR_MASK 0xffu
#define LAPIC_LVT_MODE_SHIFT 8u
#define LAPIC_LVT_MODE_MASK 0x700u
#define LAPIC_LVT_STATUS (1u << 12)
#define LAPIC_LVT_POLARITY (1u << 13)
#define LAPIC_LVT_REMOTE_IRR (1u << 14)
#define LAPIC_LVT_LEVEL (1u << 15)
#define LAPIC_LVT_MASKED (1u << 16)
#define LAPIC_LVT_TIMER_SHIFT 17u
#define LAPIC_LVT_TIMER_MASK 0x60000u
#define LAPIC_LVT_RESET LAPIC_LVT_MASKED

/* Writable bits per entry */
#define LAPIC_LVT_ERROR_BITS (LAPIC_LVT_VECTOR_MASK | LAPIC_LVT_MASKED)
#define LAPIC_LVT_TIMER_BITS (LAPIC_LVT_ERROR_BITS | LAPIC_LVT_TIMER_MASK)
#define LAPIC_LVT_EVENT_BITS (LAPIC_LVT_ERROR_BITS | LAPIC_LVT_MODE_MASK)
#define LAPIC_LVT_LINT_BITS (LAPIC_LVT_EVENT_BITS | LAPIC_LVT_POLARITY | LAPIC_LVT_LEVEL)

enum lapic_timer_mode { LAPIC_TIMER_ONE_SHOT = 0, LAPIC_TIMER_PERIODIC = 1, LAPIC_TIMER_TSC_DEADLINE = 2 };

/* Divide configuration: bits 3, 1, 0 */
#define LAPIC_DIVIDE_BITS 0xbu

/* Interrupt command register, low half; the destination is 63..56 (xAPIC) or 63..32 (x2APIC). */
#define LAPIC_ICR_VECTOR_MASK 0xffu
#define LAPIC_ICR_MODE_SHIFT 8u
#define LAPIC_ICR_MODE_MASK 0x700u
#define LAPIC_ICR_LOGICAL (1u << 11)
#define LAPIC_ICR_STATUS (1u << 12)
#define LAPIC_ICR_ASSERT (1u << 14)
#define LAPIC_ICR_LEVEL (1u << 15)
#define LAPIC_ICR_SHORTHAND_SHIFT 18u
#define LAPIC_ICR_SHORTHAND_MASK 0xc0000u
#define LAPIC_ICR_BITS                                                                                                 \
    (LAPIC_ICR_VECTOR_MASK | LAPIC_ICR_MODE_MASK | LAPIC_ICR_LOGICAL | LAPIC_ICR_ASSERT | LAPIC_ICR_LEVEL |            \
     LAPIC_ICR_SHORTHAND_MASK)
#define LAPIC_ICR_HIGH_BITS 0xff000000u

/* Logical destination (xAPIC): bits 31..24. Destination format: model in 31..28, the rest reads as ones. */
#define LAPIC_LDR_BITS 0xff000000u
#define LAPIC_DFR_RESET 0xffffffffu
#define LAPIC_DFR_FIXED_ONES 0x0fffffffu
#define LAPIC_DFR_MODEL_SHIFT 28u
#define LAPIC_DFR_FLAT 0xfu
#define LAPIC_DFR_CLUSTER 0x0u

#define LAPIC_FIRST_LEGAL_VECTOR 16u /* "Valid Interrupt Vectors" */
#define LAPIC_XAPIC_BROADCAST 0xffu
#define LAPIC_X2APIC_BROADCAST 0xffffffffu

#endif
