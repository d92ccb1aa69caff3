/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC of the calling core, in xAPIC or x2APIC mode, by the same functions. */
#ifndef APIC_H
#define APIC_H

#include "arch/apic.h"
#include <stdbool.h>
#include <stdint.h>

#define VECTOR_WAKE 0xf0 /* gets an idle core out of HLT, see smp.c */
#define VECTOR_SPURIOUS 0xff

void apic_init(void); /* enables it (SVR), TPR = 0, timer and error masked; every core once */
bool apic_has_x2apic(void);
void apic_enter_x2apic(void); /* calling core only; there is no way back without a disabled state in between */
void apic_leave_x2apic(void); /* x2APIC -> disabled -> xAPIC -> enabled again */

uint32_t apic_read(uint32_t reg);
void apic_write(uint32_t reg, uint32_t value);
uint32_t apic_id(void);
void apic_eoi(void);
/* Sends an IPI; low is ICR 31:0. Waits for delivery status in xAPIC mode. */
void apic_send(uint32_t destination, uint32_t low);
void apic_self_ipi(uint8_t vector);
bool apic_is_set(uint32_t bank, uint8_t vector); /* bank: APIC_IRR, APIC_ISR, APIC_TMR */
/* Starts the timer, divided by 1; mode is APIC_TIMER_..., may include APIC_LVT_MASKED. */
void apic_timer(uint8_t vector, uint32_t mode, uint32_t count);
void apic_timer_stop(void);

#endif
