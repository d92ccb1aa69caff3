/* SPDX-License-Identifier: Apache-2.0 */
/* SENDUIPI after its #UD checks, which are the CPU's: look up the entry of the user-interrupt target table, post the
 * user vector in the target's UPID in one locked access, send the notification if nobody has sent it yet.
 *
 * Source: Intel SDM Vol. 2, "SENDUIPI", whose steps are the numbered comments; Vol. 3, "Sending User IPIs".
 */
#include "uintr_state.h"

/* What happens under the lock, and what it found. */
struct post {
    uint8_t uv;             /* in: user vector                                      */
    bool ran;               /* out: the access was made                             */
    bool reserved;          /* out: a reserved bit was set, nothing has been stored */
    struct uintr_upid upid; /* out: the UPID as it was                              */
    bool notify;            /* out: ON went from 0 to 1                             */
};

static bool post_locked(void *arg, void *bytes)
{
    struct post *post = arg;
    struct uintr_upid upid = uintr_upid_get(bytes);
    post->ran = true;
    post->upid = upid;
    /* 6. Any reserved bit: unlock without a store. Operating systems set one on purpose to trap senders. */
    post->reserved = (upid.low & UINTR_UPID_RESERVED_MASK) != 0;
    if (post->reserved)
        return false;
    /* 7. PIR[UV] = 1, whatever ON and SN say. */
    upid.pir |= UINT64_C(1) << post->uv;
    /* 8. A notification is sent only by the post that finds ON and SN clear. */
    post->notify = !uintr_upid_on(upid) && !uintr_upid_sn(upid);
    if (post->notify)
        upid.low |= UINTR_UPID_ON_MASK;
    /* 9. Store and unlock: always, also without a notification. */
    uintr_upid_put(bytes, upid);
    return true;
}

enum vp_status uintr_send(struct uintr *u, uint64_t index, struct vp_fault *fault)
{
    struct uintr_step_info info = {0};
    uintr_step_done(u, UINTR_STEP_SEND_BEGIN, &info);

    /* 1. The index is a full 64-bit register; UITTSZ is the highest legal value, not a count. */
    if (index > u->uittsz)
        return uintr_gp0(fault);

    /* 2. Read the entry with supervisor privilege at its own linear address: a table may span pages. */
    uint8_t bytes[UINTR_UITTE_SIZE];
    uint64_t la = (u->tt & UINTR_TT_UITTADDR_MASK) + index * UINTR_UITTE_SIZE;
    if (u->bus.load_supervisor(u->bus.ctx, la, bytes, sizeof bytes, fault) != VP_OK)
        return VP_FAULT;

    /* 3. V = 0, a reserved bit, UV > 63 or a misaligned UPIDADDR. */
    struct uintr_uitte entry = uintr_uitte_get(bytes);
    if (!uintr_uitte_is_valid(entry))
        return uintr_gp0(fault);
    info.upid_la = entry.upidaddr;
    info.vector = uintr_uitte_uv(entry);
    uintr_step_done(u, UINTR_STEP_UITTE_READ, &info);

    /* 4., 5. Lock the 16 bytes of the UPID; write permission is checked before anything is read. */
    struct post post = {.uv = info.vector};
    if (u->bus.modify_supervisor(u->bus.ctx, entry.upidaddr, UINTR_UPID_SIZE, post_locked, &post, fault) != VP_OK)
        return VP_FAULT;
    VP_ASSERT(post.ran);
    if (post.reserved)
        return uintr_gp0(fault);
    info.notify = post.notify;
    info.suppressed = uintr_upid_sn(post.upid);
    info.again = (post.upid.pir >> info.vector & 1) != 0;
    uintr_step_done(u, UINTR_STEP_POSTED, &info);

    /* 10. The store is visible by now; an earlier IPI could make the receiver drain an empty PIR. */
    if (post.notify) {
        u->bus.send_ipi(u->bus.ctx, uintr_upid_ndst(post.upid), uintr_upid_nv(post.upid));
        uintr_step_done(u, UINTR_STEP_SENT, &info);
    }
    return VP_OK;
}
