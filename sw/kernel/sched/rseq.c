/* SPDX-License-Identifier: Apache-2.0 */
/* Restartable sequences: a task may ask to be told its core in memory of its own, and to be sent elsewhere when it was
 * interrupted inside of a marked stretch of code. glibc registers every thread. rseq(2), <linux/rseq.h>. */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include <linux/rseq.h>

enum { RSEQ_BYTES = 32 };

SYSCALL4(rseq, uint64_t, address, uint32_t, bytes, int, flags, uint32_t, signature)
{
    struct task *t = current;
    if (flags & ~RSEQ_FLAG_UNREGISTER)
        return -EINVAL;
    if (flags & RSEQ_FLAG_UNREGISTER) {
        if (!t->rseq.address || t->rseq.address != address || bytes != RSEQ_BYTES)
            return -EINVAL;
        if (t->rseq.signature != signature)
            return -EPERM;
        struct rseq none = {.cpu_id = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED};
        t->rseq.address = 0;
        return copy_to_user(address, &none, 8);
    }
    if (t->rseq.address) {
        if (t->rseq.address != address || bytes != RSEQ_BYTES)
            return -EINVAL;
        return t->rseq.signature == signature ? -EBUSY : -EPERM;
    }
    if (address % RSEQ_BYTES || bytes != RSEQ_BYTES)
        return -EINVAL;
    if (address > USER_END - RSEQ_BYTES)
        return -EFAULT;
    t->rseq.address = address;
    t->rseq.signature = signature;
    t->rseq.is_stale = true;
    return 0;
}

/* Where to go on if rip lies in the sequence that the task says it is in: rip itself, or its abort address. false: the
 * description is bad. */
static bool resume_address(const struct task *t, uint64_t descriptor, uint64_t *rip)
{
    struct rseq_cs cs;
    uint32_t signature;
    if (GET_USER(cs, descriptor))
        return false;
    if (*rip - cs.start_ip >= cs.post_commit_offset)
        return true;
    if (cs.version || cs.abort_ip >= USER_END || GET_USER(signature, cs.abort_ip - sizeof signature) ||
        signature != t->rseq.signature)
        return false;
    *rip = cs.abort_ip;
    return true;
}

void rseq_prepare_return(struct task *t, struct frame *f)
{
    struct rseq user;
    const uint64_t nothing = 0, at = t->rseq.address;
    t->rseq.is_stale = false;
    if (!at)
        return;
    user.cpu_id_start = user.cpu_id = this_cpu_index();
    bool is_good = !copy_to_user(at, &user, 8) && !copy_from_user(&user, at, sizeof user);
    if (is_good && user.rseq_cs) {
        is_good = resume_address(t, user.rseq_cs, &f->rip) &&
                  !copy_to_user(at + offsetof(struct rseq, rseq_cs), &nothing, sizeof nothing);
    }
    if (!is_good)
        signal_fault(t, SIGSEGV, SEGV_MAPERR, at);
}
