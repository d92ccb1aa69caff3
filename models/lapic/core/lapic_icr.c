/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: from the interrupt command register, the self-IPI MSR and SENDUIPI to struct ipi_msg. Who receives it is
 * found outside (interconnect.c) with lapic_dest.c.
 * SDM Vol. 3, "Issuing Interprocessor Interrupts", "x2APIC Interrupt Command Register", "SELF IPI Register". */
#include "lapic_state.h"

static void send(struct lapic *l, const struct ipi_msg *msg)
{
    l->stats.ipis_sent++;
    l->bus.send(l->bus.ctx, msg);
}

static bool carries_vector(uint8_t delivery_mode)
{
    return delivery_mode == IPI_FIXED || delivery_mode == IPI_LOWEST_PRIORITY;
}

/* Table "Valid Combinations for the Pentium 4, Intel Xeon, and P6 Family Processors' Local xAPIC Interrupt Command
 * Register" and the list of delivery modes. What it calls invalid or reserved sends nothing. */
static bool combination_is_valid(uint8_t delivery_mode, uint8_t shorthand)
{
    switch (delivery_mode) {
    case IPI_FIXED: return true;
    case IPI_LOWEST_PRIORITY:
    case IPI_SMI:
    case IPI_NMI:
    case IPI_INIT:
    case IPI_STARTUP: return shorthand == IPI_TO_DESTINATION || shorthand == IPI_TO_OTHERS;
    default: return false; /* 3, and ExtINT, which only an LVT entry may have */
    }
}

void lapic_icr_send(struct lapic *l, uint64_t now)
{
    const uint32_t low = l->icr_low;
    struct ipi_msg msg = {
        .source = lapic_id(l),
        .by_apic = true,
        .vector = (uint8_t)(low & LAPIC_ICR_VECTOR_MASK),
        .delivery_mode = (uint8_t)((low & LAPIC_ICR_MODE_MASK) >> LAPIC_ICR_MODE_SHIFT),
        .shorthand = (uint8_t)((low & LAPIC_ICR_SHORTHAND_MASK) >> LAPIC_ICR_SHORTHAND_SHIFT),
        .logical = (low & LAPIC_ICR_LOGICAL) != 0,
        .assert_level = true,
        .x2apic = lapic_is_x2apic(l),
        .sent_at = now,
    };
    msg.destination = msg.x2apic ? l->icr_high : l->icr_high >> 24;

    /* Level and trigger mode have a meaning for INIT level de-assert only; all else is an edge. */
    if (msg.delivery_mode == IPI_INIT) {
        msg.level = (low & LAPIC_ICR_LEVEL) != 0;
        msg.assert_level = (low & LAPIC_ICR_ASSERT) != 0;
    }
    if (!combination_is_valid(msg.delivery_mode, msg.shorthand))
        return;
    if (carries_vector(msg.delivery_mode) && msg.vector < LAPIC_FIRST_LEGAL_VECTOR) {
        lapic_record_error(l, LAPIC_ESR_SEND_ILLEGAL_VECTOR, now);
        return;
    }
    send(l, &msg);
}

/* As an ICR write with shorthand self, fixed, edge. Leaves the ICR alone. */
void lapic_self_ipi(struct lapic *l, uint8_t vector, uint64_t now)
{
    if (vector < LAPIC_FIRST_LEGAL_VECTOR) {
        lapic_record_error(l, LAPIC_ESR_SEND_ILLEGAL_VECTOR, now);
        return;
    }
    const struct ipi_msg msg = {
        .destination = lapic_id(l),
        .source = lapic_id(l),
        .by_apic = true,
        .vector = vector,
        .delivery_mode = IPI_FIXED,
        .shorthand = IPI_TO_SELF,
        .assert_level = true,
        .x2apic = true,
        .sent_at = now,
    };
    send(l, &msg);
}

void lapic_send_user_ipi(struct lapic *l, uint32_t ndst, uint8_t nv, uint64_t number, uint64_t now)
{
    lapic_advance(l, now);
    if (!lapic_is_enabled(l))
        return;
    if (nv < LAPIC_FIRST_LEGAL_VECTOR) {
        lapic_record_error(l, LAPIC_ESR_SEND_ILLEGAL_VECTOR, now);
        return;
    }
    const bool x2apic = lapic_is_x2apic(l);
    const struct ipi_msg msg = {
        .destination = x2apic ? ndst : (ndst >> 8) & 0xff, /* UPID.NDST in xAPIC mode: bits 15:8 */
        .source = lapic_id(l),
        .by_apic = true,
        .vector = nv,
        .delivery_mode = IPI_FIXED,
        .shorthand = IPI_TO_DESTINATION,
        .assert_level = true,
        .x2apic = x2apic,
        .user = true,
        .number = number,
        .sent_at = now,
    };
    send(l, &msg);
}
