/* SPDX-License-Identifier: Apache-2.0 */
/* What the images of the conformance suite share. The text of each check begins with the IDs of the statements that it
 * checks (tests/conformance/statements.toml); scripts/conformance collects the verdicts by ID.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "../uintr_common.h"
#include "paging.h"

#define NONCANONICAL 0x0000800000000000ull /* where linear addresses have 48 bits */
#define USER_PAGE (PTE_P | PTE_W | PTE_U)
#define SUPERVISOR_PAGE (PTE_P | PTE_W)

/* Starts the other cores and runs the checks in xAPIC mode, then in x2APIC mode where there is one; returns the image's
 * exit status. The verdicts carry the mode. */
int conformance_run(void (*checks)(void));
extern uint32_t conformance_cores;
bool is_first_pass(void); /* nothing was switched or sent before */

bool is_exception(struct trap t, unsigned vector, uint64_t error);
void expect_trap(struct trap t, const char *what, unsigned vector, uint64_t error);

/* MSR writes as values. */
bool is_write_gp(uint32_t msr, uint64_t value);
bool is_written(uint32_t msr, uint64_t value); /* accepted, and reads back */

bool is_isr_empty(void);     /* of the calling core's local APIC */
bool has_notification(void); /* after everything under way has arrived: the notification vector is in IRR */

/* CPL 0 with IF = 0: lets a notification in, if one waits. */
static inline void take_notification(void)
{
    settle();
    sti_nop_cli();
}
static inline void send_self_notification(void)
{
    apic_self_ipi(UINTR_NOTIFICATION_VECTOR);
    take_notification();
}

/* The low 1 GiB, where the image lies, as user or as supervisor pages: SMAP and SMEP need the latter. */
void set_low_pages(bool is_user);

#endif
