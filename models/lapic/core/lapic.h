/* SPDX-License-Identifier: Apache-2.0 */
/* One local APIC (xAPIC and x2APIC). Source: Intel SDM Vol. 3, chapter "Advanced Programmable Interrupt Controller".
 *
 * Time is an argument, in cycles of the core's clock; the timer counts down once in config.timer_cycles_per_tick
 * cycles times the divide configuration. Calls must not go back in time. Nothing is allocated after create; config
 * and callbacks are copied; guest mistakes are ESR bits or VP_FAULT (#GP(0) of an x2APIC MSR).
 * A callback must not call back into the same lapic; inta may call lapic_set_pin.
 */
#ifndef LAPIC_H
#define LAPIC_H

#include "ipi_msg.h"
#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lapic;

#define LAPIC_MSR_BASE 0x1bu          /* IA32_APIC_BASE                      */
#define LAPIC_MSR_X2APIC_FIRST 0x800u /* x2APIC register r is MSR 800H + r/16 */
#define LAPIC_MSR_X2APIC_LAST 0x8ffu
#define LAPIC_MSR_TSC_DEADLINE 0x6e0u
#define LAPIC_MMIO_SIZE 0x1000u
#define LAPIC_DEFAULT_BASE 0xfee00000u

struct lapic_config {
    uint32_t apic_id;               /* initial APIC ID; xAPIC ID is its low 8 bits                      */
    bool bsp;                       /* IA32_APIC_BASE[8]                                                */
    bool x2apic;                    /* x2APIC mode may be enabled (CPUID.1:ECX[21])                     */
    uint8_t physical_address_width; /* MAXPHYADDR, for reserved bits of IA32_APIC_BASE                  */
    uint32_t timer_cycles_per_tick; /* core cycles for one count of the timer with divider 1; >= 1      */
    bool tsc_deadline;              /* the timer has TSC-deadline mode (CPUID.1:ECX[24])                 */
    bool focus_checking;            /* SVR[9] clear: lowest priority prefers the focus (P6; not on Xeon) */
};

struct lapic_bus {
    void *ctx;
    void (*send)(void *ctx, const struct ipi_msg *msg); /* an IPI leaves, self-IPIs through the ICR included    */
    void (*nmi)(void *ctx);                             /* the core gets an NMI                                 */
    void (*init)(void *ctx);                            /* the core gets INIT                                   */
    void (*startup)(void *ctx, uint8_t vector);         /* the core gets SIPI                                   */
    void (*eoi_broadcast)(void *ctx, uint8_t vector);   /* EOI of a level-triggered vector                      */
    /* INTA cycle: the vector that the 8259s supply for ExtINT. NULL: there are none, ExtINT has no effect. */
    uint8_t (*inta)(void *ctx);
};

struct lapic_stats { /* counters since create; listed in lapic_stats.def */
#define LAPIC_STAT(name, unit, sentence) uint64_t name;
#include "lapic_stats.def"
#undef LAPIC_STAT
};

/* NULL if a callback is missing or a field of config is out of range. */
struct lapic *lapic_create(const struct lapic_config *config, const struct lapic_bus *bus);
void lapic_destroy(struct lapic *l); /* accepts NULL */
void lapic_reset(struct lapic *l);   /* RESET: also IA32_APIC_BASE */
void lapic_init(struct lapic *l);    /* INIT: keeps APIC ID and IA32_APIC_BASE */

/* --- register access by the core. offset: within the 4 KiB page; xAPIC registers are 32 bits on 16-byte
 * boundaries. Reserved registers read 0 and set ESR "illegal register address"; a write-only one reads 0.
 * size is 1..8 bytes; accesses that are not aligned 32-bit ones read 0 / are ignored (SDM: undefined). --- */
uint64_t lapic_mmio_read(struct lapic *l, uint32_t offset, uint32_t size, uint64_t now);
void lapic_mmio_write(struct lapic *l, uint32_t offset, uint32_t size, uint64_t value, uint64_t now);

/* RDMSR/WRMSR of 1BH, 6E0H and 800H..8FFH. VP_FAULT is #GP(0). tsc_offset: TSC = cycle + tsc_offset. */
VP_NODISCARD enum vp_status lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t now, uint64_t *value);
VP_NODISCARD enum vp_status lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value, uint64_t now);
void lapic_set_tsc_offset(struct lapic *l, uint64_t tsc_offset, uint64_t now);

uint64_t lapic_base(const struct lapic *l);     /* physical base of the MMIO page; see lapic_mmio_enabled   */
bool lapic_mmio_enabled(const struct lapic *l); /* globally enabled and in xAPIC mode                       */
bool lapic_is_x2apic(const struct lapic *l);
uint32_t lapic_id(const struct lapic *l); /* current APIC ID: 8 bits in xAPIC mode, 32 in x2APIC mode */
uint8_t lapic_cr8(const struct lapic *l); /* TPR[7:4] */
void lapic_set_cr8(struct lapic *l, uint8_t cr8);

/* --- interrupts --- */
/* Does this APIC accept msg by its destination? (Shorthands, broadcast, physical, logical flat/cluster/x2APIC.) */
bool lapic_matches(const struct lapic *l, const struct ipi_msg *msg);
/* Globally and software enabled: fixed interrupts are not dropped. */
bool lapic_accepts_fixed(const struct lapic *l);
/* The focus of a vector, if the APIC checks for it: it has the vector in service or pending. */
bool lapic_is_focus(const struct lapic *l, uint8_t vector);
/* Arbitration priority for lowest-priority delivery: lower wins. */
uint8_t lapic_arbitration_priority(const struct lapic *l);
/* msg arrives. Sets IRR, or calls nmi/init/startup; illegal vectors set ESR. False if the APIC drops it: globally or
 * (fixed, ExtINT) software disabled, illegal vector, INIT level de-assert, SMI (there is no SMM). */
bool lapic_accept(struct lapic *l, const struct ipi_msg *msg, uint64_t now);
bool lapic_has_interrupt(const struct lapic *l); /* something in IRR above PPR, or ExtINT */
/* Acknowledge: an ExtINT request by an INTA cycle, else IRR -> ISR. Answers the vector, or the spurious vector if
 * nothing is deliverable any more. number and arrived_at (may be NULL) get the number of the user interrupt that came
 * with the vector and its cycle of arrival. */
uint8_t lapic_ack(struct lapic *l, uint64_t *number, uint64_t *arrived_at);
/* The vector acknowledged last came with an IPI that this core sent to itself through its APIC, not by SENDUIPI. For
 * statistics. */
bool lapic_acked_own_ipi(const struct lapic *l);
void lapic_eoi(struct lapic *l);
/* SENDUIPI's last step: fixed physical IPI; destination is ndst[15:8] in xAPIC mode, ndst in x2APIC mode. The ICR
 * does not change. A disabled APIC sends nothing. */
void lapic_send_user_ipi(struct lapic *l, uint32_t ndst, uint8_t nv, uint64_t number, uint64_t now);

/* --- local interrupt sources, by local vector table --- */
enum lapic_lvt {
    LAPIC_LVT_CMCI,
    LAPIC_LVT_TIMER, /* fired by the APIC's own timer, see below */
    LAPIC_LVT_THERMAL,
    LAPIC_LVT_PERF,
    LAPIC_LVT_LINT0,
    LAPIC_LVT_LINT1,
    LAPIC_LVT_ERROR, /* raised by the APIC itself */
    LAPIC_LVT_COUNT
};
/* An event of an edge-triggered source: CMCI, thermal sensor, performance counter. */
void lapic_signal(struct lapic *l, enum lapic_lvt lvt, uint64_t now);
/* Level of the pin LINT0 or LINT1 (true: asserted; polarity is resolved outside). Edge: acts when it rises. Level
 * (fixed only): again after each EOI while it stays asserted. ExtINT: a request as long as it is asserted. A globally
 * disabled APIC leaves the pins to the core: INTR and NMI. */
void lapic_set_pin(struct lapic *l, enum lapic_lvt lvt, bool asserted, uint64_t now);

/* --- time --- */
uint64_t lapic_next_deadline(const struct lapic *l); /* cycle at which the timer fires next, VP_NEVER if none */
/* Cycle at which the timer next makes the APIC offer an interrupt that it does not offer now; VP_NEVER if its vector is
 * pending already or too low for the priority, so that a halted core would sleep through. */
uint64_t lapic_next_interrupt(const struct lapic *l);
void lapic_advance(struct lapic *l, uint64_t now); /* fires the timer if its deadline is <= now */

#pragma GCC diagnostic push /* C++: the function and the struct share a name */
#pragma GCC diagnostic ignored "-Wshadow"
const struct lapic_stats *lapic_stats(const struct lapic *l);
#pragma GCC diagnostic pop
/* Debug read of any register: no side effect, any mode. */
uint32_t lapic_debug_read(const struct lapic *l, uint32_t offset, uint64_t now);

#ifdef __cplusplus
}
#endif
#endif
