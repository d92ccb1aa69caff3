/* SPDX-License-Identifier: Apache-2.0 */
/* What the user-interrupt tests share: a recording handler, a UPID and a UITT for one receiver, raw instructions. */
#ifndef UINTR_COMMON_H
#define UINTR_COMMON_H

#include "apic.h"
#include "boot.h"
#include "report.h"
#include "smp.h"
#include "trap.h"
#include "uintr.h"
#include "user.h"

/* One delivery as the handler saw it; the first four are the frame. */
struct uintr_record {
    uint64_t vector, rip, rflags, rsp;
    uint64_t handler_rsp, handler_rflags, handler_uif, handler_cs;
};
#define UINTR_RECORDS 64
extern volatile uint64_t uintr_record_count; /* goes on beyond UINTR_RECORDS; records wrap */
extern volatile struct uintr_record uintr_records[UINTR_RECORDS];
void uintr_record_handler(void); /* assembly: records and UIRETs; keeps every register and flag */

#define UITT_ENTRIES 64
extern struct upid upid;
extern struct uitte uitt[UITT_ENTRIES]; /* entry n: user vector n to upid */

/* Clean state on the calling core: everything on, receiver and sender of itself, nothing pending, UIF = 0. */
void uintr_setup_self(void);
/* On the calling core: receive through upid (sent to from a core in the same APIC mode), nothing pending, UIF = 0. */
void uintr_setup_receiver(void);
void uintr_setup_sender(void);
/* True, or a SKIP line: the machine has no user interrupts. */
bool uintr_or_skip(void);

static inline void clui(void) { __asm__ volatile("clui" ::: "memory"); }
static inline void stui(void) { __asm__ volatile("stui" ::: "memory"); }
static inline bool testui(void)
{
    bool uif;
    __asm__ volatile("testui" : "=@ccc"(uif)::"memory");
    return uif;
}
static inline void senduipi(uint64_t index) { __asm__ volatile("senduipi %0" ::"r"(index) : "memory"); }
static inline void set_uinv(uint8_t vector)
{
    wrmsr(MSR_UINTR_MISC, (rdmsr(MSR_UINTR_MISC) & 0xffffffff) | (uint64_t)vector << UINTR_MISC_UINV_SHIFT);
}

/* fn(arg) at CPL 3; an exception is a value. */
struct trap user_exception(uint64_t (*fn)(void *arg), void *arg);

/* At CPL 3: STUI and a few instructions, so that all that is pending is delivered; returns the number delivered. */
uint64_t user_open_window(void *arg);
/* run_in_user(user_open_window) with the records cleared before. */
uint64_t deliver_pending(void);

#endif
