/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts: messages that arrive, IRR, ISR, TMR, priorities, acknowledge, EOI, and the error status register.
 * SDM Vol. 3, "Interrupt Acceptance for Fixed Interrupts", "Interrupt, Task, and Processor Priority", "Signaling
 * Interrupt Servicing Completion", "Error Handling". */
#include "lapic_state.h"

#include "bits.h"

/* --- 256-bit registers --- */

static bool vector_test(const uint32_t *words, uint8_t vector)
{
    return ((words[vector / 32] >> (vector % 32)) & 1) != 0;
}
static void vector_set(uint32_t *words, uint8_t vector) { words[vector / 32] |= 1u << (vector % 32); }
static void vector_clear(uint32_t *words, uint8_t vector) { words[vector / 32] &= ~(1u << (vector % 32)); }

/* Highest vector set, -1 if none. */
static int vector_highest(const uint32_t *words)
{
    for (int i = (int)LAPIC_VECTOR_WORDS - 1; i >= 0; i--)
        if (words[i] != 0)
            return 32 * i + (int)bits_msb(words[i]);
    return -1;
}

/* Vector in service with the highest priority, 0 if none: its class 0 is then lower than every legal vector's. */
static uint32_t in_service(const struct lapic *l)
{
    int isrv = vector_highest(l->isr);
    return isrv < 0 ? 0 : (uint32_t)isrv;
}

/* --- priorities --- */

/* PPR[7:4] is the higher class of TPR and ISRV; PPR[3:0] is TPR[3:0] if TPR's class is not the lower one, else 0. */
uint32_t lapic_ppr(const struct lapic *l)
{
    uint32_t isrv_class = in_service(l) & 0xf0;
    return (l->tpr & 0xf0) >= isrv_class ? l->tpr : isrv_class;
}

uint8_t lapic_cr8(const struct lapic *l) { return (uint8_t)(l->tpr >> 4); }

void lapic_set_cr8(struct lapic *l, uint8_t cr8) { l->tpr = (uint32_t)(cr8 & 0xf) << 4; }

/* "Lowest Priority Delivery Mode": P6 family; a Xeon has no focus processor. */
bool lapic_is_focus(const struct lapic *l, uint8_t vector)
{
    return l->config.focus_checking && (l->svr & LAPIC_SVR_FOCUS_OFF) == 0 &&
           (vector_test(l->irr, vector) || vector_test(l->isr, vector));
}

/* "Arbitration Priority Register": TPR while it is the highest class, else the highest of the three classes. */
uint8_t lapic_arbitration_priority(const struct lapic *l)
{
    int highest = vector_highest(l->irr);
    uint32_t irrv = highest < 0 ? 0 : (uint32_t)highest & 0xf0;
    uint32_t isrv = in_service(l) & 0xf0;
    uint32_t tpr = l->tpr & 0xf0;
    if (tpr >= irrv && tpr > isrv)
        return (uint8_t)l->tpr;
    uint32_t served = tpr > isrv ? tpr : isrv;
    return (uint8_t)(served > irrv ? served : irrv);
}

/* --- acceptance --- */

bool lapic_accepts_fixed(const struct lapic *l) { return lapic_is_enabled(l) && lapic_is_software_enabled(l); }

bool lapic_request(struct lapic *l, uint8_t vector, bool level, struct lapic_arrival came)
{
    if (vector < LAPIC_FIRST_LEGAL_VECTOR) {
        lapic_record_error(l, LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR, came.cycle);
        return false;
    }
    if (!lapic_accepts_fixed(l))
        return false;

    struct lapic_arrival *arrival = &l->arrival[vector];
    if (vector_test(l->irr, vector)) {
        l->stats.interrupts_coalesced++;
        /* The first one counts; but one that nobody follows must not hide a user interrupt. */
        if (arrival->number == 0 && came.number != 0)
            *arrival = came;
    } else {
        vector_set(l->irr, vector);
        *arrival = came;
    }
    if (level)
        vector_set(l->tmr, vector);
    else
        vector_clear(l->tmr, vector);
    return true;
}

static struct lapic_arrival arrival_of(const struct lapic *l, const struct ipi_msg *msg, uint64_t now)
{
    /* Messages of devices have no sender: their source is 0, but so is the first core's ID. */
    bool self = msg->by_apic && !msg->user && msg->source == lapic_id(l);
    return (struct lapic_arrival){msg->number, now, self};
}

bool lapic_accept(struct lapic *l, const struct ipi_msg *msg, uint64_t now)
{
    lapic_advance(l, now);
    if (!lapic_is_enabled(l))
        return false;
    l->stats.ipis_accepted++;
    /* A software-disabled APIC still answers NMI, INIT and SIPI: "Local APIC State After It Has Been Software
     * Disabled". */
    switch (msg->delivery_mode) {
    case IPI_FIXED:
    case IPI_LOWEST_PRIORITY: return lapic_request(l, msg->vector, msg->level, arrival_of(l, msg, now));
    case IPI_NMI: l->bus.nmi(l->bus.ctx); return true;
    case IPI_INIT:
        if (msg->level && !msg->assert_level)
            return false; /* INIT level de-assert: synchronises arbitration IDs of old buses, nothing else */
        l->bus.init(l->bus.ctx);
        return true;
    case IPI_STARTUP: l->bus.startup(l->bus.ctx, msg->vector); return true;
    case IPI_EXTINT:
        if (l->bus.inta == NULL || !lapic_is_software_enabled(l))
            return false;
        l->extint = true;
        return true;
    default: return false; /* SMI: there is no SMM; 3 is reserved */
    }
}

/* --- service --- */

static int deliverable(const struct lapic *l)
{
    int irrv = vector_highest(l->irr);
    return irrv >= 0 && ((uint32_t)irrv & 0xf0) > (lapic_ppr(l) & 0xf0) ? irrv : -1;
}

/* "Interrupts From External 8259A": it bypasses IRR, ISR and the priorities; the vector comes by an INTA cycle. */
static bool extint_is_requested(const struct lapic *l)
{
    return l->bus.inta != NULL && (l->extint || lapic_pin_requests_extint(l));
}

bool lapic_has_interrupt(const struct lapic *l) { return extint_is_requested(l) || deliverable(l) >= 0; }

uint64_t lapic_next_interrupt(const struct lapic *l)
{
    const uint8_t vector = (uint8_t)l->lvt[LAPIC_LVT_TIMER];
    const bool is_legal = vector >= 16; /* an illegal one is an error, which may interrupt */
    if (is_legal && (vector_test(l->irr, vector) || (vector & 0xf0u) <= (lapic_ppr(l) & 0xf0)))
        return VP_NEVER;
    return lapic_next_deadline(l);
}

uint8_t lapic_ack(struct lapic *l, uint64_t *number, uint64_t *arrived_at)
{
    struct lapic_arrival arrival = {0};
    uint8_t vector = (uint8_t)(l->svr & LAPIC_SVR_VECTOR_MASK);
    int irrv = deliverable(l);
    if (extint_is_requested(l)) {
        l->extint = false;
        vector = l->bus.inta(l->bus.ctx);
        l->stats.extints++;
    } else if (irrv < 0) {
        l->stats.spurious++; /* "Spurious Interrupt": no ISR bit, no EOI */
    } else {
        vector = (uint8_t)irrv;
        vector_clear(l->irr, vector);
        vector_set(l->isr, vector);
        arrival = l->arrival[vector];
        l->stats.acknowledged++;
    }
    l->acked = arrival;
    if (number != NULL)
        *number = arrival.number;
    if (arrived_at != NULL)
        *arrived_at = arrival.cycle;
    return vector;
}

bool lapic_acked_own_ipi(const struct lapic *l) { return l->acked.self; }

void lapic_eoi(struct lapic *l)
{
    l->stats.eois++;
    int isrv = vector_highest(l->isr);
    if (isrv < 0)
        return;
    uint8_t vector = (uint8_t)isrv;
    vector_clear(l->isr, vector);
    if (!vector_test(l->tmr, vector))
        return;
    lapic_lvt_eoi(l, vector);
    if ((l->svr & LAPIC_SVR_EOI_SUPPRESS) == 0)
        l->bus.eoi_broadcast(l->bus.ctx, vector);
}

/* --- errors --- */

/* Errors gather until the next write to ESR, which shows them and re-arms the error interrupt. */
void lapic_record_error(struct lapic *l, uint32_t esr_bit, uint64_t now)
{
    bool armed = l->errors == 0;
    l->errors |= esr_bit;
    l->stats.errors++;
    if (armed)
        lapic_lvt_deliver(l, LAPIC_LVT_ERROR, now);
}

void lapic_write_esr(struct lapic *l)
{
    l->esr = l->errors;
    l->errors = 0;
}
