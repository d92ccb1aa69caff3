/* SPDX-License-Identifier: Apache-2.0 */
/* User interrupts, kernel side: UPID and UITT set-up of the calling core. The vectors and names are the SDM's
 * (Vol. 3A, chapter "User Interrupts").
 */
#ifndef UINTR_H
#define UINTR_H

#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/uintr.h"
#include "percpu.h"
#include <stdbool.h>
#include <stdint.h>

#define UINTR_NOTIFICATION_VECTOR 0xec
/* A handler may interrupt user code anywhere, also below RSP in the red zone: delivery skips these bytes. */
#define UINTR_STACK_SKIP 128

static inline bool uintr_is_supported(void) { return cpuid(0, 0).eax >= 7 && cpuid(7, 0).edx >> 5 & 1; }

/* NDST of a core as SENDUIPI wants it. mode is that of the sending core's local APIC. */
static inline uint32_t uintr_ndst(uint32_t apic_id_of_target, bool sender_is_x2apic)
{
    return sender_is_x2apic ? apic_id_of_target : apic_id_of_target << 8 & 0xff00;
}

static inline void uintr_upid_init(struct upid *upid, uint32_t target_cpu)
{
    upid->control = (uint64_t)UINTR_NOTIFICATION_VECTOR << UPID_NV_SHIFT |
                    (uint64_t)uintr_ndst(cpus[target_cpu].apic_id, this_cpu()->x2apic) << UPID_NDST_SHIFT;
    upid->pir = 0;
}

static inline void uintr_uitte_set(struct uitte *entry, const struct upid *upid, uint8_t user_vector)
{
    entry->control = UITTE_V | (uint64_t)user_vector << UITTE_UV_SHIFT;
    entry->upidaddr = (uint64_t)upid;
}

static inline void uintr_enable(void) { write_cr4(read_cr4() | CR4_UINTR); }

/* Lets the calling core receive: handler, stack rule, UPID and notification vector. Keeps UITTSZ. */
static inline void uintr_receive(void (*handler)(void), uint64_t stack_adjust, const struct upid *upid)
{
    wrmsr(MSR_UINTR_HANDLER, (uint64_t)handler);
    wrmsr(MSR_UINTR_STACKADJUST, stack_adjust);
    wrmsr(MSR_UINTR_PD, (uint64_t)upid);
    uint64_t tsz = rdmsr(MSR_UINTR_MISC) & 0xffffffff;
    wrmsr(MSR_UINTR_MISC, tsz | (uint64_t)UINTR_NOTIFICATION_VECTOR << UINTR_MISC_UINV_SHIFT);
}

/* Lets the calling core send through a table of count entries. Keeps UINV. */
static inline void uintr_send_through(const struct uitte *table, uint32_t count)
{
    uint64_t uinv = rdmsr(MSR_UINTR_MISC) & 0xffull << UINTR_MISC_UINV_SHIFT;
    wrmsr(MSR_UINTR_MISC, uinv | (count - 1));
    wrmsr(MSR_UINTR_TT, (uint64_t)table | UINTR_TT_ENABLE);
}

/* Everything off again: for the next case of a test. UIF is cleared too. */
static inline void uintr_reset(void)
{
    for (uint32_t msr = MSR_UINTR_RR; msr <= MSR_UINTR_TT; msr++)
        wrmsr(msr, 0);
    if (read_cr4() & CR4_UINTR)
        __asm__ volatile(".byte 0xf3, 0x0f, 0x01, 0xee" ::: "memory"); /* CLUI */
}

#endif
