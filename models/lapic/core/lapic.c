/* SPDX-License-Identifier: Apache-2.0 */
/* Creation, RESET and INIT, IA32_APIC_BASE with its mode transitions, identity. Registers are in lapic_mmio.c,
 * interrupts in lapic_irq.c.
 * SDM Vol. 3, "Local APIC State After Power-Up or Reset", "Enabling or Disabling the Local APIC", "x2APIC State
 * Transitions". */
#include "lapic_state.h"

#include <stdlib.h>
#include <string.h>

#define LAPIC_TIMER_CYCLES_MAX (1u << 24) /* keeps count * divider * cycles below 2^63 */

static bool config_is_valid(const struct lapic_config *c)
{
    if (c->physical_address_width < 32 || c->physical_address_width > 52)
        return false;
    if (c->timer_cycles_per_tick < 1 || c->timer_cycles_per_tick > LAPIC_TIMER_CYCLES_MAX)
        return false;
    /* FFH and FFFFFFFFH are broadcasts; an ID above 8 bits can only be reached in x2APIC mode. */
    return c->apic_id != LAPIC_X2APIC_BROADCAST && (c->x2apic || c->apic_id < LAPIC_XAPIC_BROADCAST);
}

struct lapic *lapic_create(const struct lapic_config *config, const struct lapic_bus *bus)
{
    if (!config_is_valid(config))
        return NULL;
    if (!bus->send || !bus->nmi || !bus->init || !bus->startup || !bus->eoi_broadcast)
        return NULL;

    struct lapic *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->config = *config;
    l->bus = *bus;
    lapic_reset(l);
    return l;
}

void lapic_destroy(struct lapic *l) { free(l); }

void lapic_reset_registers(struct lapic *l)
{
    l->tpr = 0;
    l->ldr = 0;
    l->dfr = LAPIC_DFR_RESET;
    l->svr = LAPIC_SVR_RESET; /* software disabled */
    l->esr = 0;
    l->errors = 0;
    for (unsigned i = 0; i < LAPIC_LVT_COUNT; i++)
        l->lvt[i] = LAPIC_LVT_RESET;
    l->icr_low = 0;
    l->icr_high = 0;
    memset(l->isr, 0, sizeof l->isr);
    memset(l->tmr, 0, sizeof l->tmr);
    memset(l->irr, 0, sizeof l->irr);
    l->extint = false;
    l->initial_count = 0;
    l->divide = 0;
    l->expires = VP_NEVER;
    l->tsc_deadline = 0;
}

void lapic_reset(struct lapic *l)
{
    lapic_reset_registers(l);
    l->base = LAPIC_DEFAULT_BASE | LAPIC_BASE_EN | (l->config.bsp ? LAPIC_BASE_BSP : 0);
    l->tsc_offset = 0;
    l->pin[0] = false;
    l->pin[1] = false;
}

/* "Local APIC State After an INIT Reset": as after RESET, except for the APIC ID. IA32_APIC_BASE is an MSR and INIT
 * keeps it, so an APIC in x2APIC mode stays there; its LDR follows from the ID and so is kept as well. */
void lapic_init(struct lapic *l) { lapic_reset_registers(l); }

/* --- IA32_APIC_BASE --- */

static uint64_t base_reserved_bits(const struct lapic *l)
{
    uint64_t reserved = 0x2ffu | (UINT64_MAX << l->config.physical_address_width);
    if (!l->config.x2apic)
        reserved |= LAPIC_BASE_EXTD;
    return reserved;
}

/* EN and EXTD before and after; see the figure "Local x2APIC State Transitions with IA32_APIC_BASE, INIT, and Reset".
 * Everything that the figure does not draw is #GP. */
static bool base_transition_is_legal(uint64_t before, uint64_t after)
{
    const uint64_t mode = LAPIC_BASE_EN | LAPIC_BASE_EXTD;
    switch (after & mode) {
    case 0: return true;                                /* from anywhere to disabled */
    case LAPIC_BASE_EN: return (before & mode) != mode; /* x2APIC to xAPIC only by way of disabled */
    case LAPIC_BASE_EN | LAPIC_BASE_EXTD: return (before & LAPIC_BASE_EN) != 0; /* not from disabled */
    default: return false;                                                      /* EXTD without EN */
    }
}

static enum vp_status base_write(struct lapic *l, uint64_t value)
{
    if ((value & base_reserved_bits(l)) != 0 || !base_transition_is_legal(l->base, value))
        return VP_FAULT;

    uint64_t before = l->base;
    l->base = value;
    if ((value & LAPIC_BASE_EN) == 0) {
        /* As if there were no APIC; a later switch to xAPIC mode finds the state after RESET. */
        lapic_reset_registers(l);
    } else if (((before ^ value) & LAPIC_BASE_EXTD) != 0) {
        /* xAPIC to x2APIC: "x2APIC State Transitions": everything is kept but what has another format there. */
        l->icr_high = 0;
        l->ldr = 0;
        l->dfr = LAPIC_DFR_RESET;
    }
    return VP_OK;
}

uint64_t lapic_base(const struct lapic *l) { return l->base & LAPIC_BASE_ADDRESS_MASK; }

bool lapic_mmio_enabled(const struct lapic *l)
{
    return (l->base & (LAPIC_BASE_EN | LAPIC_BASE_EXTD)) == LAPIC_BASE_EN;
}

bool lapic_is_x2apic(const struct lapic *l) { return (l->base & LAPIC_BASE_EXTD) != 0; }

uint32_t lapic_id(const struct lapic *l) { return lapic_is_x2apic(l) ? l->config.apic_id : l->config.apic_id & 0xffu; }

const struct lapic_stats *lapic_stats(const struct lapic *l) { return &l->stats; }

/* --- MSRs; 800H..8FFH are in lapic_mmio.c --- */

enum vp_status lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t now, uint64_t *value)
{
    lapic_advance(l, now);
    if (msr == LAPIC_MSR_BASE) {
        *value = l->base;
        return VP_OK;
    }
    if (msr == LAPIC_MSR_TSC_DEADLINE && l->config.tsc_deadline) {
        *value = lapic_timer_read_tsc_deadline(l);
        return VP_OK;
    }
    if (msr < LAPIC_MSR_X2APIC_FIRST || msr > LAPIC_MSR_X2APIC_LAST || !lapic_is_x2apic(l))
        return VP_FAULT;
    return lapic_x2apic_read(l, (msr - LAPIC_MSR_X2APIC_FIRST) << LAPIC_REG_SHIFT, now, value);
}

enum vp_status lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value, uint64_t now)
{
    lapic_advance(l, now);
    if (msr == LAPIC_MSR_BASE)
        return base_write(l, value);
    if (msr == LAPIC_MSR_TSC_DEADLINE && l->config.tsc_deadline) {
        lapic_timer_write_tsc_deadline(l, value, now);
        return VP_OK;
    }
    if (msr < LAPIC_MSR_X2APIC_FIRST || msr > LAPIC_MSR_X2APIC_LAST || !lapic_is_x2apic(l))
        return VP_FAULT;
    return lapic_x2apic_write(l, (msr - LAPIC_MSR_X2APIC_FIRST) << LAPIC_REG_SHIFT, value, now);
}
