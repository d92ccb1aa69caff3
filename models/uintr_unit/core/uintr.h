/* SPDX-License-Identifier: Apache-2.0 */
/* The user-interrupt unit of one logical processor: UIRR, UIF, the six IA32_UINTR_* MSRs, the user timer and the
 * operations on them. It knows no CPU, APIC, bus, clock or SystemC: the world is the callbacks of struct uintr_bus.
 *
 * Source: Intel SDM Vol. 3, chapter "User Interrupts"; instruction pages CLUI, STUI, TESTUI, UIRET, SENDUIPI.
 * Guest mistakes are results (VP_FAULT and a struct vp_fault), never aborts. After VP_FAULT nothing
 * architectural has changed unless a function says otherwise.
 *
 * Ownership: uintr_create copies the configuration and the callbacks; nothing is allocated afterwards.
 * A callback must not call back into the same unit.
 */
#ifndef UINTR_H
#define UINTR_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct uintr; /* opaque; see uintr_state.h */

/* MSR numbers. SDM Vol. 4, "Architectural MSRs". */
enum {
    UINTR_MSR_RR = 0x985,
    UINTR_MSR_HANDLER = 0x986,
    UINTR_MSR_STACKADJUST = 0x987,
    UINTR_MSR_MISC = 0x988,
    UINTR_MSR_PD = 0x989,
    UINTR_MSR_TT = 0x98a,
};
#define UINTR_MSR_TIMER 0x1b00u /* not one of the six: see uintr_timer_* */

struct uintr_config {
    unsigned linear_width; /* widest linear address that CPUID enumerates: 48 or 57 (checks of WRMSR)       */
    bool flexible_uiret;   /* CPUID.(7,1):EDX[17]: UIRET loads UIF from bit 1 of the RFLAGS image           */
};

/* The points in the life of a user interrupt at which timing and trace want to know. The order of the
 * enumeration is the order of events; see docs "stages of a user interrupt". */
enum uintr_step {
    UINTR_STEP_SEND_BEGIN,    /* SENDUIPI passed its #UD checks                                              */
    UINTR_STEP_UITTE_READ,    /* UITT entry read and checked                                                 */
    UINTR_STEP_POSTED,        /* UPID updated: info.upid_la, info.vector, info.notify, info.suppressed       */
    UINTR_STEP_SENT,          /* IPI handed to the local APIC (only if notify)                               */
    UINTR_STEP_NOTIFY_BEGIN,  /* notification processing begins (EOI is first)                               */
    UINTR_STEP_NOTIFIED,      /* PIR drained: info.upid_la, info.mask = bits taken from PIR                  */
    UINTR_STEP_DELIVER_BEGIN, /* delivery begins: info.vector                                                */
    UINTR_STEP_DELIVERED,     /* handler's RIP loaded: info.vector, info.frame_la = new RSP                  */
    UINTR_STEP_UIRET_BEGIN,   /* UIRET passed its #UD checks: info.frame_la = RSP                            */
    UINTR_STEP_RETURNED,      /* UIRET done: info.frame_la = RSP before                                      */
};

struct uintr_step_info {
    uint64_t upid_la;  /* linear address of the UPID concerned, else 0              */
    uint64_t mask;     /* PIR bits drained                                          */
    uint64_t frame_la; /* stack frame                                               */
    uint8_t vector;    /* user vector 0..63                                         */
    bool notify;       /* POSTED: ON went 0 -> 1, an IPI follows                    */
    bool suppressed;   /* POSTED: SN was set (otherwise, without notify: ON was set) */
    bool again;        /* POSTED: the PIR bit was set already                       */
    uint64_t already;  /* NOTIFIED: those bits of mask that UIRR had already        */
};

/* A modify function for a locked access: changes the 16 or 8 bytes at `bytes` in place and answers whether
 * to store them. Runs exactly once, indivisibly against every other agent. */
typedef bool uintr_modify_fn(void *arg, void *bytes);

struct uintr_bus {
    void *ctx;
    /* Supervisor-privilege data read of `size` (<= 16) bytes at linear address la, whatever the CPL. */
    VP_NODISCARD enum vp_status (*load_supervisor)(void *ctx, uint64_t la, void *bytes, uint32_t size,
                                                   struct vp_fault *fault);
    /* Supervisor-privilege locked read-modify-write of 8 or 16 bytes; write permission is checked first. */
    VP_NODISCARD enum vp_status (*modify_supervisor)(void *ctx, uint64_t la, uint32_t size, uintr_modify_fn *fn,
                                                     void *arg, struct vp_fault *fault);
    /* Stack accesses with the privilege of the current CPL; a non-canonical address is #SS(0). */
    VP_NODISCARD enum vp_status (*load_stack)(void *ctx, uint64_t la, uint64_t *value, struct vp_fault *fault);
    VP_NODISCARD enum vp_status (*store_stack)(void *ctx, uint64_t la, uint64_t value, struct vp_fault *fault);
    /* Fixed, physical, edge IPI with vector nv to the APIC ID taken from NDST (raw 32 bits; the local APIC picks
     * the byte by its own mode). Must not alter the software-visible ICR. */
    void (*send_ipi)(void *ctx, uint32_t ndst, uint8_t nv);
    void (*eoi)(void *ctx); /* as if 0 were written to the EOI register */
    /* Tells timing and trace what happened; changes nothing architectural. */
    void (*step)(void *ctx, enum uintr_step step, const struct uintr_step_info *info);
};

/* The part of the processor state that delivery and UIRET replace. */
struct uintr_regs {
    uint64_t rip, rsp, rflags;
};

/* NULL if a callback is missing or linear_width is neither 48 nor 57. */
struct uintr *uintr_create(const struct uintr_config *config, const struct uintr_bus *bus);
void uintr_destroy(struct uintr *u); /* accepts NULL */
void uintr_reset(struct uintr *u);   /* RESET and INIT: everything 0 */

/* --- UIF and recognition --- */
bool uintr_uif(const struct uintr *u);
void uintr_set_uif(struct uintr *u, bool uif); /* CLUI, STUI */
bool uintr_is_pending(const struct uintr *u);  /* a user interrupt is recognised: UIRR != 0 */
uint8_t uintr_uinv(const struct uintr *u);
bool uintr_senduipi_enabled(const struct uintr *u); /* IA32_UINTR_TT[0] */

/* --- MSRs: VP_FAULT is #GP(0). msr must be one of UINTR_MSR_*. --- */
uint64_t uintr_msr_read(const struct uintr *u, uint32_t msr);
VP_NODISCARD enum vp_status uintr_msr_write(struct uintr *u, uint32_t msr, uint64_t value);

/* --- operations. The caller has made the #UD checks (mode, CR4.UINTR, LOCK, and TT[0] for SENDUIPI). --- */
VP_NODISCARD enum vp_status uintr_send(struct uintr *u, uint64_t index, struct vp_fault *fault);
/* Notification processing, after identification (V = UINV, CR4.UINTR, EFER.LMA). EOI is done first and stays done
 * even if VP_FAULT is returned. */
VP_NODISCARD enum vp_status uintr_notify(struct uintr *u, struct vp_fault *fault);
/* Delivery, when all conditions of the SDM hold. linear_width is that of the current paging mode. On VP_FAULT *regs,
 * UIRR and UIF are unchanged; memory below the stack pointer may have been written. */
VP_NODISCARD enum vp_status uintr_deliver(struct uintr *u, struct uintr_regs *regs, unsigned linear_width,
                                          struct vp_fault *fault);
/* UIRET: loads *regs from the stack frame at regs->rsp; RFLAGS through the mask 254DD5H; sets UIF. */
VP_NODISCARD enum vp_status uintr_uiret(struct uintr *u, struct uintr_regs *regs, unsigned linear_width,
                                        struct vp_fault *fault);

/* --- user timer: IA32_UINTR_TIMER, deadline in bits 63:6 (a TSC value whose low six bits are 0), vector in bits 5:0
 * ---
 */
uint64_t uintr_timer_read(const struct uintr *u);
void uintr_timer_write(struct uintr *u, uint64_t value);
uint64_t uintr_timer_deadline(const struct uintr *u); /* 0: the timer is off */
bool uintr_timer_is_pending(const struct uintr *u, uint64_t tsc);
/* The user-timer event, when it is pending and all conditions of delivery but a non-empty UIRR hold. Cannot fail. */
void uintr_timer_expire(struct uintr *u);

/* --- XSAVE state component 14, 48 bytes (SDM Vol. 1, "User-Interrupt State"). --- */
#define UINTR_XSAVE_SIZE 48
bool uintr_xsave_in_use(const struct uintr *u);                           /* XINUSE[14] */
void uintr_xsave(const struct uintr *u, uint8_t bytes[UINTR_XSAVE_SIZE]); /* changes nothing */
void uintr_xsave_done(struct uintr *u);                                   /* clears UINV, after all stores succeeded */
VP_NODISCARD enum vp_status uintr_xrstor(struct uintr *u, const uint8_t bytes[UINTR_XSAVE_SIZE]); /* VP_FAULT: #GP(0) */
void uintr_xrstor_init(struct uintr *u); /* XSTATE_BV[14] = 0 */

#ifdef __cplusplus
}
#endif
#endif
