/* SPDX-License-Identifier: Apache-2.0 */
/* The local APIC's state, and what its files offer one another. Private to models/lapic/core and its unit tests. */
#ifndef LAPIC_STATE_H
#define LAPIC_STATE_H

#include "lapic.h"
#include "lapic_regs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LAPIC_VECTOR_WORDS 8u /* 256 bits as in the registers ISR, TMR, IRR */

/* What came with a pending vector: kept from arrival to acknowledge. */
struct lapic_arrival {
    uint64_t number; /* of the user interrupt, 0 if none */
    uint64_t cycle;
    bool self; /* an IPI of this APIC to itself, not by SENDUIPI */
};

struct lapic {
    struct lapic_config config;
    struct lapic_bus bus;
    uint64_t base; /* IA32_APIC_BASE */
    uint64_t now;  /* latest cycle that a call has named */

    uint32_t tpr, ldr, dfr, svr; /* ldr, dfr: xAPIC mode only                         */
    uint32_t esr;                /* as software sees it                               */
    uint32_t errors;             /* recorded since the last write to ESR              */
    uint32_t lvt[LAPIC_LVT_COUNT];
    uint32_t icr_low, icr_high; /* icr_high: 31..24 in xAPIC mode, all in x2APIC     */
    uint32_t isr[LAPIC_VECTOR_WORDS];
    uint32_t tmr[LAPIC_VECTOR_WORDS];
    uint32_t irr[LAPIC_VECTOR_WORDS];
    struct lapic_arrival arrival[256]; /* valid where the IRR bit is set                    */
    struct lapic_arrival acked;        /* of the vector acknowledged last                   */
    bool pin[2];                       /* LINT0, LINT1 are asserted                         */
    bool extint;                       /* an ExtINT message waits for its INTA cycle        */

    uint32_t initial_count, divide;
    uint64_t expires;      /* cycle at which the count reaches 0, VP_NEVER: off */
    uint64_t tsc_deadline; /* IA32_TSC_DEADLINE as software sees it, 0: off     */
    uint64_t tsc_offset;   /* TSC = cycle + tsc_offset                          */

    struct lapic_stats stats;
};

static inline bool lapic_is_enabled(const struct lapic *l) { return (l->base & LAPIC_BASE_EN) != 0; }
static inline bool lapic_is_software_enabled(const struct lapic *l) { return (l->svr & LAPIC_SVR_ENABLE) != 0; }

/* lapic.c: everything but identity and IA32_APIC_BASE to the state after RESET. */
void lapic_reset_registers(struct lapic *l);

/* lapic_mmio.c: x2APIC registers; offset = 16 * (MSR - 800H). The APIC is in x2APIC mode. */
VP_NODISCARD enum vp_status lapic_x2apic_read(const struct lapic *l, uint32_t offset, uint64_t now, uint64_t *value);
VP_NODISCARD enum vp_status lapic_x2apic_write(struct lapic *l, uint32_t offset, uint64_t value, uint64_t now);

/* lapic_irq.c */
void lapic_record_error(struct lapic *l, uint32_t esr_bit, uint64_t now);
uint32_t lapic_ppr(const struct lapic *l);
/* A fixed interrupt for this core, from the bus or from within: what came is noted for the acknowledge. False: dropped.
 */
bool lapic_request(struct lapic *l, uint8_t vector, bool level, struct lapic_arrival came);
void lapic_write_esr(struct lapic *l);

/* lapic_lvt.c */
void lapic_lvt_write(struct lapic *l, enum lapic_lvt lvt, uint32_t value, uint64_t now);
void lapic_lvt_deliver(struct lapic *l, enum lapic_lvt lvt, uint64_t now);
void lapic_lvt_mask_all(struct lapic *l);
void lapic_lvt_eoi(struct lapic *l, uint8_t vector); /* EOI of a level-triggered vector: remote IRR */
bool lapic_pin_requests_extint(const struct lapic *l);

/* lapic_icr.c: the low half was written, or the whole ICR in x2APIC mode. */
void lapic_icr_send(struct lapic *l, uint64_t now);
void lapic_self_ipi(struct lapic *l, uint8_t vector, uint64_t now);

/* lapic_dest.c */
uint32_t lapic_ldr(const struct lapic *l); /* derived from the ID in x2APIC mode */

/* lapic_timer.c */
enum lapic_timer_mode lapic_timer_mode(const struct lapic *l);
void lapic_timer_write_initial_count(struct lapic *l, uint32_t value, uint64_t now);
void lapic_timer_write_divide(struct lapic *l, uint32_t value, uint64_t now);
uint32_t lapic_timer_current_count(const struct lapic *l, uint64_t now);
void lapic_timer_mode_changed(struct lapic *l, enum lapic_timer_mode before);
uint64_t lapic_timer_read_tsc_deadline(const struct lapic *l);
void lapic_timer_write_tsc_deadline(struct lapic *l, uint64_t value, uint64_t now);

#ifdef __cplusplus
}
#endif
#endif
