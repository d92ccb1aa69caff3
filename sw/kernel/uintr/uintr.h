/* SPDX-License-Identifier: Apache-2.0 */
/* User interrupts as the kernel keeps them: UPID and UITT, both generations of the system calls.
 *
 * Safety is one rule: whatever can lead the CPU to a UPID holds a reference to it - the receiver (its PD register),
 * every descriptor of a vector, every UITT entry. When the receiver is gone its UPID stays, with SN set, as long as
 * somebody can post to it: such a SENDUIPI succeeds and is heard by nobody. New senders get ESHUTDOWN. */
#ifndef KERNEL_UINTR_H
#define KERNEL_UINTR_H

#include "arch/uintr.h"
#include "lib/list.h"
#include "sched/task.h"

enum { UITT_ENTRIES = 256, UINTR_VECTORS = 64, UINTR_RED_ZONE = 128 };
/* Flags of a handler, generation 2: who pays for waking a receiver that sleeps. */
enum { UINTR_WAITING_RECEIVER = 0x1000, UINTR_WAITING_SENDER = 0x2000 };

#define UPID_NV_MASK 0xff0000ull
/* A bit that is reserved for hardware: SENDUIPI takes #GP, uintr_fixup() posts instead. */
#define UPID_BLOCKED 0x80ull

struct upid_object {
    struct upid hw; /* first: the object's address is that of its UPID */
    uint32_t refs;
    struct task *owner;  /* NULL: gone for ever */
    uint64_t vectors;    /* that descriptors of generation 1 have taken */
    bool is_waiting;     /* the owner sleeps until a post: NV or UPID_BLOCKED say so to the hardware */
    struct list waiting; /* wait.c */
};

struct uintr_task {
    struct upid_object *upid; /* a reference; generation 2 keeps it without a handler too */
    bool is_receiver;         /* has a handler */
    uint32_t waiting_flags;
    bool waits;        /* in uintr_wait_until() */
    struct uitt *uitt; /* generation 1: this thread's own */
};

struct uitt {
    struct uitte *entries; /* a page, what the CPU reads */
    uint32_t refs;
    struct list all;                    /* upid.c */
    struct uintr_fd *via[UITT_ENTRIES]; /* generation 1: the connection ends with this descriptor */
};

/* What a vector's descriptor stands for. */
struct uintr_fd {
    struct upid_object *upid;
    uint8_t vector;
    bool is_first_generation; /* owns its vector */
    uint32_t connections;     /* in `via` of UITTs: they end with it */
};

/* --- what the rest of the kernel calls --- */
bool uintr_is_available(void);
void uintr_init_cpu(void);                 /* CR4.UINTR and IA32_XSS are set by arch/fpu.c, before; the rest here */
void uintr_switch_out(struct task *t);     /* before another task runs here: UPID.SN; the state is saved by fpu_save */
void uintr_prepare_return(struct task *t); /* last thing before user mode, interrupts off, after fpu_restore_current */
void uintr_task_exit(struct task *t);      /* also exec, before fpu_reset(): handler, UPID, UITT given up */
void uintr_notification(void);             /* VECTOR_UINTR through the IDT; EOI is done by the caller */
void uintr_wake_interrupt(void);           /* VECTOR_UINTR_KERNEL; likewise */
/* #UD or #GP of user code: true if it was a SENDUIPI that has been dealt with, go on at f->rip (spec 9.6). */
bool uintr_fixup(struct frame *f, uint64_t vector);
/* For task_sleep(): around a sleep that signals interrupt, of a receiver whose handler was registered with a waiting
 * flag; harmless for all others. begin: false, do not sleep, something is posted: -EINTR. end: true, a post ended the
 * sleep: -EINTR. No signal is pending then: the way out must restart the call all the same. */
bool uintr_sleep_begin(struct task *t);
bool uintr_sleep_end(struct task *t);

/* --- upid.c: UPIDs and descriptors --- */
struct upid_object *upid_create(struct task *owner);                   /* SN set, one reference; NULL: no memory */
struct upid_object *upid_get(struct upid_object *u);                   /* the argument */
void upid_put(struct upid_object *u);                                  /* NULL is harmless */
void upid_change(struct upid_object *u, uint64_t clear, uint64_t set); /* bits of hw.control, locked */
static inline bool upid_has_posts(const struct upid_object *u) { return *(const volatile uint64_t *)&u->hw.pir != 0; }
long uintr_fd_create(uint64_t vector, bool is_first_generation); /* of the calling receiver: the descriptor or -errno */
struct uintr_fd *uintr_fd_from(int fd, int *error);              /* NULL: -EBADF, -EOPNOTSUPP in *error */

/* --- upid.c: UITTs --- */
struct uitt *uitt_create(void);    /* one reference; NULL: no memory */
void uitt_put(struct uitt *table); /* NULL is harmless */
/* Lowest free entry for vector of u; via NULL or the descriptor it lives with. The index or -ENOSPC. */
int uitt_add(struct uitt *table, struct upid_object *u, unsigned vector, struct uintr_fd *via);
bool uitt_is_used(const struct uitt *table, uint64_t index);
void uitt_remove(struct uitt *table, unsigned index); /* no SENDUIPI of any core uses the entry any more */
int uitt_of_current_mm(struct uitt **table);          /* made at first use; 0, -EBUSY (own table of gen. 1), -ENOMEM */

/* --- state.c --- */
uint64_t uintr_read(uint32_t msr); /* of the current task */
void uintr_write(uint32_t msr, uint64_t value);
bool uintr_is_canonical(uint64_t address);                             /* what WRMSR and XRSTORS take */
struct uintr_task *uintr_task_of_current(void);                        /* made at first use; NULL: no memory */
static inline struct upid_object *uintr_receiver(const struct task *t) /* of a task with a handler; else NULL */
{
    return t->uintr && t->uintr->is_receiver ? t->uintr->upid : NULL;
}
long uintr_register(uint64_t handler, uint32_t waiting_flags);
long uintr_unregister(bool keeps_upid);
void uintr_set_sender(const struct uitt *table); /* of the current task */

/* --- wait.c --- */
long uintr_wait_until(uint64_t deadline); /* 0: nothing came, -EINTR: a user interrupt or signal, -EOPNOTSUPP */
void uintr_wake(struct upid_object *u);   /* harmless if the owner does not wait */
void uintr_end_wait(struct upid_object *u);

#endif
