/* SPDX-License-Identifier: Apache-2.0 */
/* The APIC timer: one-shot, periodic, TSC-deadline. No counter runs: the state is the cycle at which the count reaches
 * zero, and the current count is computed from it when somebody reads it.
 * SDM Vol. 3, "APIC Timer", "TSC-Deadline Mode". */
#include "lapic_state.h"

static uint64_t saturating_add(uint64_t a, uint64_t b) { return a > VP_NEVER - b ? VP_NEVER : a + b; }

enum lapic_timer_mode lapic_timer_mode(const struct lapic *l)
{
    return (enum lapic_timer_mode)((l->lvt[LAPIC_LVT_TIMER] & LAPIC_LVT_TIMER_MASK) >> LAPIC_LVT_TIMER_SHIFT);
}

static bool counts(const struct lapic *l)
{
    return lapic_timer_mode(l) == LAPIC_TIMER_ONE_SHOT || lapic_timer_mode(l) == LAPIC_TIMER_PERIODIC;
}

/* Cycles for one count. Divide configuration, bits 3, 1, 0: 000 is 2, 001 is 4, ... 110 is 128, 111 is 1. */
static uint64_t cycles_per_count(const struct lapic *l)
{
    const uint32_t code = (l->divide & 3) | ((l->divide & 8) >> 1);
    return (uint64_t)l->config.timer_cycles_per_tick << ((code + 1) & 7);
}

static uint64_t period(const struct lapic *l) { return l->initial_count * cycles_per_count(l); }

/* --- counting modes --- */

void lapic_timer_write_initial_count(struct lapic *l, uint32_t value, uint64_t now)
{
    if (!counts(l))
        return; /* ignored in TSC-deadline mode */
    l->initial_count = value;
    l->expires = value == 0 ? VP_NEVER : saturating_add(now, period(l)); /* 0 stops the timer */
}

uint32_t lapic_timer_current_count(const struct lapic *l, uint64_t now)
{
    if (!counts(l) || l->expires == VP_NEVER)
        return 0;
    uint64_t remaining;
    if (l->expires > now)
        remaining = l->expires - now;
    else if (lapic_timer_mode(l) == LAPIC_TIMER_PERIODIC)
        remaining = period(l) - (now - l->expires) % period(l); /* debug read ahead of lapic_advance */
    else
        return 0;
    const uint64_t count = cycles_per_count(l);
    return (uint32_t)((remaining + count - 1) / count); /* N for the whole of the first count */
}

/* A running count goes on from where it is, at the new rate. */
void lapic_timer_write_divide(struct lapic *l, uint32_t value, uint64_t now)
{
    const uint32_t count = lapic_timer_current_count(l, now);
    l->divide = value;
    if (counts(l) && l->expires != VP_NEVER)
        l->expires = saturating_add(now, count * cycles_per_count(l));
}

/* --- TSC-deadline mode --- */

/* The cycle at which TSC reaches the deadline; now if it has passed. */
static uint64_t deadline_cycle(const struct lapic *l, uint64_t now)
{
    const uint64_t tsc = now + l->tsc_offset;
    return l->tsc_deadline <= tsc ? now : saturating_add(now, l->tsc_deadline - tsc);
}

uint64_t lapic_timer_read_tsc_deadline(const struct lapic *l)
{
    return lapic_timer_mode(l) == LAPIC_TIMER_TSC_DEADLINE ? l->tsc_deadline : 0;
}

void lapic_timer_write_tsc_deadline(struct lapic *l, uint64_t value, uint64_t now)
{
    if (lapic_timer_mode(l) != LAPIC_TIMER_TSC_DEADLINE)
        return;
    l->tsc_deadline = value;
    l->expires = value == 0 ? VP_NEVER : deadline_cycle(l, now);
    lapic_advance(l, now); /* a deadline in the past fires at once */
}

void lapic_set_tsc_offset(struct lapic *l, uint64_t tsc_offset, uint64_t now)
{
    lapic_advance(l, now);
    l->tsc_offset = tsc_offset;
    if (l->tsc_deadline != 0) {
        l->expires = deadline_cycle(l, now);
        lapic_advance(l, now);
    }
}

/* A change between TSC-deadline mode and the counting modes disarms the timer; one between one-shot and periodic does
 * not touch a running count. */
void lapic_timer_mode_changed(struct lapic *l, enum lapic_timer_mode before)
{
    const bool counted = before == LAPIC_TIMER_ONE_SHOT || before == LAPIC_TIMER_PERIODIC;
    if (before == lapic_timer_mode(l) || (counted && counts(l)))
        return;
    l->initial_count = 0;
    l->tsc_deadline = 0;
    l->expires = VP_NEVER;
}

/* --- time --- */

/* A masked timer counts, but nobody outside can tell: its expiries are made up for at the next access. */
uint64_t lapic_next_deadline(const struct lapic *l)
{
    return (l->lvt[LAPIC_LVT_TIMER] & LAPIC_LVT_MASKED) != 0 ? VP_NEVER : l->expires;
}

void lapic_advance(struct lapic *l, uint64_t now)
{
    if (now > l->now)
        l->now = now;
    if (now < l->expires || l->expires == VP_NEVER)
        return;

    const uint64_t fired_at = l->expires;
    uint64_t expiries = 1;
    if (lapic_timer_mode(l) == LAPIC_TIMER_PERIODIC) {
        /* Nothing was acknowledged in between, so that all but the first expiry find the IRR bit set. */
        expiries += (now - fired_at) / period(l);
        l->expires = saturating_add(fired_at, expiries * period(l));
    } else {
        l->expires = VP_NEVER;
        l->tsc_deadline = 0;
    }
    l->stats.timer_expiries += expiries;
    if ((l->lvt[LAPIC_LVT_TIMER] & LAPIC_LVT_MASKED) != 0)
        return;
    lapic_lvt_deliver(l, LAPIC_LVT_TIMER, fired_at);
    const uint8_t vector = (uint8_t)(l->lvt[LAPIC_LVT_TIMER] & LAPIC_LVT_VECTOR_MASK);
    if (vector >= LAPIC_FIRST_LEGAL_VECTOR)
        l->stats.interrupts_coalesced += expiries - 1;
    else
        l->stats.errors += expiries - 1;
}
