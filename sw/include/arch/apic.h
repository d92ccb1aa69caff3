/* SPDX-License-Identifier: Apache-2.0 */
/* Local APIC registers: offsets in the xAPIC page; in x2APIC mode the MSR is 800H + offset / 16.
 * SDM Vol. 3A, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

#define APIC_PAGE 0xfee00000ull

#define APIC_ID 0x020
#define APIC_VERSION 0x030
#define APIC_TPR 0x080
#define APIC_PPR 0x0a0
#define APIC_EOI 0x0b0
#define APIC_LDR 0x0d0
#define APIC_DFR 0x0e0
#define APIC_SVR 0x0f0
#define APIC_ISR 0x100
#define APIC_TMR 0x180
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310 /* xAPIC only */
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define APIC_SELF_IPI 0x3f0 /* x2APIC only */

#define APIC_SVR_ENABLE 0x100
#define APIC_LVT_MASKED 0x10000
#define APIC_TIMER_ONE_SHOT 0x00000
#define APIC_TIMER_PERIODIC 0x20000
#define APIC_TIMER_DIVIDE_BY_1 0xb
#define APIC_TIMER_DIVIDE_BY_16 0x3

#define ICR_FIXED 0x000
#define ICR_LOWEST 0x100
#define ICR_NMI 0x400
#define ICR_INIT 0x500
#define ICR_STARTUP 0x600
#define ICR_LOGICAL 0x800
#define ICR_PENDING 0x1000 /* delivery status, xAPIC only */
#define ICR_ASSERT 0x4000
#define ICR_SELF 0x40000
#define ICR_ALL 0x80000
#define ICR_OTHERS 0xc0000

#endif
