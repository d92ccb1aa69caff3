/* SPDX-License-Identifier: Apache-2.0 */
/* Follows every user interrupt of a platform from SENDUIPI to UIRET: gives it a number and notes the cycle of each
 * stage border. Bookkeeping only: it changes nothing architectural and knows no cost.
 *
 * A post that sends no IPI (ON or SN set) waits in stage `accept` until the notification that drains it begins; its
 * issue and travel are 0. A post whose own IPI is still under way when another notification drains it ends its travel
 * there. Posts that find their PIR bit or, when drained, their UIRR bit taken already by an undelivered post are merged
 * into that one (record.merged of the first counts them). So for every delivered record the stages post..deliver add up
 * to end_to_end exactly: record.at[] never decreases from one border to the next. Cores run ahead of each other by up
 * to a quantum, so a core may report a cycle before the one of the border that came first; the border is then moved up
 * to it. Interrupts whose post was not seen (UIRR or PIR written by software) are delivered as untracked and give no
 * record.
 */
#ifndef UINTR_TRACK_H
#define UINTR_TRACK_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Borders between stages: stage s lasts from at[s] to at[s + 1]; s in the order of timing_stage.def. */
enum uintr_border {
    UINTR_AT_SEND_BEGIN,
    UINTR_AT_POSTED,
    UINTR_AT_SENT,
    UINTR_AT_ARRIVED,
    UINTR_AT_NOTIFY_BEGIN,
    UINTR_AT_NOTIFIED,
    UINTR_AT_DELIVER_BEGIN,
    UINTR_AT_DELIVERED,
    UINTR_AT_UIRET_BEGIN,
    UINTR_AT_RETURNED,
    UINTR_BORDER_COUNT
};

/* What it took to bring a user interrupt to its receiver. */
enum uintr_path {
    UINTR_PATH_DIRECT, /* no kernel code ran on the receiver's core between post and delivery           */
    UINTR_PATH_RESUME, /* the notification was an IPI that the receiver's core had sent to itself       */
    UINTR_PATH_WAKE,   /* the kernel has woken the receiver since the post, however it went on          */
    UINTR_PATH_HELD,   /* kernel code ran on the receiver's core meanwhile, but did nothing of the kind */
    UINTR_PATH_COUNT
};

struct uintr_record {
    uint64_t number;                 /* 1, 2, 3, ... in the order of posting           */
    uint32_t sender, receiver;       /* core indexes; receiver is valid once delivered */
    uint8_t vector;                  /* user vector                                    */
    uint8_t reached;                 /* number of borders reached: at[0..reached - 1]  */
    bool coalesced, suppressed;      /* posted with ON set, with SN set: sent no IPI   */
    uint32_t merged;                 /* later posts of the same vector that it carries */
    uint64_t upid;                   /* linear address of the UPID                     */
    bool by_own_ipi;                 /* see uintr_track_own_ipi                        */
    uint64_t user_since, woken;      /* see uintr_track_receiver                       */
    uint64_t at[UINTR_BORDER_COUNT]; /* cycles                                         */
};

/* Per core. posted = sent + coalesced + suppressed, counted at the sender, as merged and dropped are; the others at the
 * receiver. delivered and untracked exclude each other. */
struct uintr_track_stats {
    uint64_t posted, sent, coalesced, suppressed, merged, delivered, returned, untracked;
    uint64_t dropped; /* posts that got no record: UINTR_TRACK_LIMIT were under way, or the host has no memory */
};

/* Most records under way: a guest that never takes its interrupts must not eat the host's memory. */
#define UINTR_TRACK_LIMIT (UINT32_C(1) << 20)

struct uintr_track;

/* done(ctx, record): called once per record: when UIRET has returned (complete); or with complete = false (borders not
 * reached are 0) when the tracker learns that it never will, because software took its bit out of PIR or UIRR or
 * another delivery has overwritten its stack frame; or from uintr_track_finish, in the order of numbers, for each
 * record that is still under way. record is valid during the call, which must not call the tracker. */
typedef void uintr_track_done_fn(void *ctx, const struct uintr_record *record, bool complete);

/* NULL without memory, without cores or without done. The tracker allocates afterwards too, up to UINTR_TRACK_LIMIT. */
struct uintr_track *uintr_track_create(uint32_t cores, uintr_track_done_fn *done, void *ctx);
void uintr_track_destroy(struct uintr_track *t); /* accepts NULL; calls done for nothing */

/* One call per step; `core` is the core on which it happens. Senseless orders are harmless. */
void uintr_track_send_begin(struct uintr_track *t, uint32_t core, uint64_t cycle);
/* Answers the number of the interrupt, to be carried by the IPI if notify; 0 if it is not followed. upid: linear
 * address of the UPID; again: the PIR bit was set already. */
uint64_t uintr_track_posted(struct uintr_track *t, uint32_t core, uint64_t upid, uint8_t vector, bool notify,
                            bool suppressed, bool again, uint64_t cycle);
void uintr_track_sent(struct uintr_track *t, uint32_t core, uint64_t cycle); /* SENDUIPI retires, IPI or not */
void uintr_track_arrived(struct uintr_track *t, uint64_t number, uint32_t core, uint64_t cycle);
void uintr_track_notify_begin(struct uintr_track *t, uint32_t core, uint64_t cycle);
/* already: those bits of mask that were set in UIRR before. */
void uintr_track_notified(struct uintr_track *t, uint32_t core, uint64_t upid, uint64_t mask, uint64_t already,
                          uint64_t cycle);
/* Before notified: the notification came with an IPI that the core sent to itself, not by SENDUIPI: the kernel's. */
void uintr_track_own_ipi(struct uintr_track *t, uint32_t core);
void uintr_track_deliver_begin(struct uintr_track *t, uint32_t core, uint64_t upid, uint8_t vector, uint64_t cycle);
/* Before delivered: the cycles at which the core last left its kernel and at which the kernel last woke the thread that
 * runs there; 0: never. */
void uintr_track_receiver(struct uintr_track *t, uint32_t core, uint64_t user_since, uint64_t woken);
void uintr_track_delivered(struct uintr_track *t, uint32_t core, uint64_t frame, uint64_t cycle);
/* UIRET is matched to its delivery by the frame (RSP at UIRET = RSP at delivery + 8), not by nesting; upid decides
 * between threads whose stacks have the same address. One that matches nothing is ignored. */
void uintr_track_uiret_begin(struct uintr_track *t, uint32_t core, uint64_t upid, uint64_t frame, uint64_t cycle);
void uintr_track_returned(struct uintr_track *t, uint32_t core, uint64_t cycle);
void uintr_track_finish(struct uintr_track *t); /* end of the run; nothing is under way afterwards */

const struct uintr_track_stats *uintr_track_core_stats(const struct uintr_track *t, uint32_t core);

/* Length of stage s (0 = post) of a record that has reached its end, that is, s + 1 < record->reached. */
static inline uint64_t uintr_record_stage(const struct uintr_record *record, unsigned s)
{
    return record->at[s + 1] - record->at[s];
}

/* For records with reached > UINTR_AT_DELIVERED. */
static inline enum uintr_path uintr_record_path(const struct uintr_record *record)
{
    const uint64_t posted = record->at[UINTR_AT_POSTED];
    if (record->woken != 0 && record->woken >= posted)
        return UINTR_PATH_WAKE;
    if (record->by_own_ipi)
        return UINTR_PATH_RESUME;
    return record->user_since > posted ? UINTR_PATH_HELD : UINTR_PATH_DIRECT;
}

/* From SENDUIPI to the handler's first instruction; for records with reached > UINTR_AT_DELIVERED. */
static inline uint64_t uintr_record_end_to_end(const struct uintr_record *record)
{
    return record->at[UINTR_AT_DELIVERED] - record->at[UINTR_AT_SEND_BEGIN];
}

#ifdef __cplusplus
}
#endif
#endif
