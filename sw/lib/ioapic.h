/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O APIC at FEC00000H and the devices that the tests wire to it: COM1 (IRQ 4) and the PIT (IRQ 0, pin 2).
 * Intel 82093AA data sheet; the EOI register exists from version 20H on. MSI: SDM Vol. 3A, "Message Signalled
 * Interrupts".
 */
#ifndef IOAPIC_H
#define IOAPIC_H

#include "arch/insn.h"
#include <stdbool.h>
#include <stdint.h>

#define IOAPIC_PAGE 0xfec00000ull
#define IOAPIC_ID 0
#define IOAPIC_VERSION 1
#define IOAPIC_ARBITRATION 2
#define IOAPIC_ENTRY 0x10 /* two registers for each pin */
#define IOAPIC_PINS 24

#define PIN_LOGICAL 0x800
#define PIN_SEND_PENDING 0x1000
#define PIN_ACTIVE_LOW 0x2000
#define PIN_SEND_PENDING 0x1000
#define PIN_REMOTE_IRR 0x4000
#define PIN_LEVEL 0x8000
#define PIN_MASKED 0x10000

#define PIN_PIT 2
#define PIN_COM1 4

static inline volatile uint32_t *ioapic_at(uint32_t offset) { return (volatile uint32_t *)(IOAPIC_PAGE + offset); }
static inline uint32_t ioapic_read(uint32_t index)
{
    *ioapic_at(0) = index;
    return *ioapic_at(0x10);
}
static inline void ioapic_write(uint32_t index, uint32_t value)
{
    *ioapic_at(0) = index;
    *ioapic_at(0x10) = value;
}
static inline void ioapic_end(uint8_t vector) { *ioapic_at(0x40) = vector; }
static inline void ioapic_set_pin(uint32_t pin, uint8_t destination, uint32_t low)
{
    ioapic_write(IOAPIC_ENTRY + 2 * pin, PIN_MASKED);
    ioapic_write(IOAPIC_ENTRY + 2 * pin + 1, (uint32_t)destination << 24);
    ioapic_write(IOAPIC_ENTRY + 2 * pin, low);
}
static inline uint32_t ioapic_pin(uint32_t pin) { return ioapic_read(IOAPIC_ENTRY + 2 * pin); }

/* COM1's line: high while the transmitter-empty interrupt is enabled and nobody has read IIR. Nothing may be printed
 * in between. OUT2 gates the line in a PC. */
static inline void com1_raise(void)
{
    outb(0x3fc, 0x0b);
    outb(0x3f9, 0x02);
}
static inline void com1_lower(void) { outb(0x3f9, 0); }

/* PIT counter 0 as rate generator; 0 stops it (mode 0 without a count). */
static inline void pit_start(uint16_t period)
{
    outb(0x43, 0x34);
    outb(0x40, (uint8_t)period);
    outb(0x40, (uint8_t)(period >> 8));
}
static inline void pit_stop(void) { outb(0x43, 0x30); }

/* A device's write; the page of destination 0 is this core's own APIC. */
static inline void msi_write(uint32_t address_bits, uint8_t destination, uint32_t data)
{
    *(volatile uint32_t *)(0xfee00000ull | (uint64_t)destination << 12 | address_bits) = data;
}
#define MSI_REDIRECT 8
#define MSI_LOGICAL 4
#define MSI_ASSERT 0x4000
#define MSI_LEVEL 0x8000

#endif
