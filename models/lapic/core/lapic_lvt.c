/* SPDX-License-Identifier: Apache-2.0 */
/* The local vector table: writing its entries, masks, delivery by mode, the pins LINT0 and LINT1.
 * SDM Vol. 3, "Handling Local Interrupts", "Local Vector Table". */
#include "lapic_state.h"

static uint32_t delivery_mode(const struct lapic *l, enum lapic_lvt lvt)
{
    if (lvt == LAPIC_LVT_TIMER || lvt == LAPIC_LVT_ERROR)
        return IPI_FIXED; /* these entries have no such field */
    return (l->lvt[lvt] & LAPIC_LVT_MODE_MASK) >> LAPIC_LVT_MODE_SHIFT;
}

/* Level sensitivity exists for fixed interrupts on the two pins; NMI, SMI and INIT are always edges, ExtINT is always
 * a level. */
static bool is_level(const struct lapic *l, enum lapic_lvt lvt)
{
    return (lvt == LAPIC_LVT_LINT0 || lvt == LAPIC_LVT_LINT1) && delivery_mode(l, lvt) == IPI_FIXED &&
           (l->lvt[lvt] & LAPIC_LVT_LEVEL) != 0;
}

void lapic_lvt_write(struct lapic *l, enum lapic_lvt lvt, uint32_t value, uint64_t now)
{
    /* "Local APIC State After It Has Been Software Disabled": mask bits are set and cannot be cleared. */
    if (!lapic_is_software_enabled(l))
        value |= LAPIC_LVT_MASKED;

    const uint32_t before = l->lvt[lvt];
    l->lvt[lvt] = value;
    if (is_level(l, lvt))
        l->lvt[lvt] |= before & LAPIC_LVT_REMOTE_IRR;

    if (lvt == LAPIC_LVT_TIMER)
        lapic_timer_mode_changed(l, (enum lapic_timer_mode)((before & LAPIC_LVT_TIMER_MASK) >> LAPIC_LVT_TIMER_SHIFT));
    /* A level that waited behind the mask, or behind another trigger mode. */
    if (is_level(l, lvt) && l->pin[lvt - LAPIC_LVT_LINT0])
        lapic_lvt_deliver(l, lvt, now);
}

void lapic_lvt_mask_all(struct lapic *l)
{
    for (unsigned i = 0; i < LAPIC_LVT_COUNT; i++)
        l->lvt[i] |= LAPIC_LVT_MASKED;
}

void lapic_lvt_deliver(struct lapic *l, enum lapic_lvt lvt, uint64_t now)
{
    const uint32_t entry = l->lvt[lvt];
    if ((entry & LAPIC_LVT_MASKED) != 0)
        return;
    if (lvt == LAPIC_LVT_PERF)
        l->lvt[lvt] |= LAPIC_LVT_MASKED; /* the entry masks itself, SDM "Performance Monitoring Counter Overflow" */

    switch (delivery_mode(l, lvt)) {
    case IPI_FIXED: {
        const bool level = is_level(l, lvt);
        if (level && (entry & LAPIC_LVT_REMOTE_IRR) != 0)
            return; /* accepted already, no EOI yet */
        if (lapic_request(l, (uint8_t)(entry & LAPIC_LVT_VECTOR_MASK), level, (struct lapic_arrival){.cycle = now}) &&
            level)
            l->lvt[lvt] |= LAPIC_LVT_REMOTE_IRR;
        break;
    }
    case IPI_NMI: l->bus.nmi(l->bus.ctx); break;
    case IPI_INIT: l->bus.init(l->bus.ctx); break;
    default: break; /* SMI: there is no SMM; ExtINT: lapic_pin_requests_extint; the rest is reserved */
    }
}

void lapic_signal(struct lapic *l, enum lapic_lvt lvt, uint64_t now)
{
    VP_ASSERT(lvt == LAPIC_LVT_CMCI || lvt == LAPIC_LVT_THERMAL || lvt == LAPIC_LVT_PERF);
    lapic_advance(l, now);
    lapic_lvt_deliver(l, lvt, now);
}

void lapic_set_pin(struct lapic *l, enum lapic_lvt lvt, bool asserted, uint64_t now)
{
    VP_ASSERT(lvt == LAPIC_LVT_LINT0 || lvt == LAPIC_LVT_LINT1);
    lapic_advance(l, now);
    bool *pin = &l->pin[lvt - LAPIC_LVT_LINT0];
    const bool rises = asserted && !*pin;
    *pin = asserted;
    if (rises && lapic_is_enabled(l))
        lapic_lvt_deliver(l, lvt, now);
    else if (rises && lvt == LAPIC_LVT_LINT1)
        l->bus.nmi(l->bus.ctx); /* no APIC: the pin is NMI */
}

bool lapic_pin_requests_extint(const struct lapic *l)
{
    if (!lapic_is_enabled(l))
        return l->pin[0]; /* the pin is INTR */
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t entry = l->lvt[LAPIC_LVT_LINT0 + i];
        const uint32_t mode = (entry & LAPIC_LVT_MODE_MASK) >> LAPIC_LVT_MODE_SHIFT;
        if (l->pin[i] && (entry & LAPIC_LVT_MASKED) == 0 && mode == IPI_EXTINT)
            return true;
    }
    return false;
}

/* The level is looked at again, at once. */
void lapic_lvt_eoi(struct lapic *l, uint8_t vector)
{
    for (unsigned i = 0; i < 2; i++) {
        const enum lapic_lvt lvt = (enum lapic_lvt)(LAPIC_LVT_LINT0 + i);
        if ((l->lvt[lvt] & LAPIC_LVT_REMOTE_IRR) == 0 || (l->lvt[lvt] & LAPIC_LVT_VECTOR_MASK) != vector)
            continue;
        l->lvt[lvt] &= ~LAPIC_LVT_REMOTE_IRR;
        if (l->pin[i])
            lapic_lvt_deliver(l, lvt, l->now);
    }
}
