/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the disk: asleep, so that others run, or in a loop that keeps the kernel lock. No signal ends it. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "block/block.h"

void block_sleep(struct block_sleeper *s, bool may_sleep)
{
    struct task *t = current;
    may_sleep = may_sleep && t && t != this_cpu()->idle;
    s->task = t;
    while (!s->is_awake) {
        if (may_sleep) {
            t->state = TASK_DEEP;
            schedule();
        } else {
            block_poll();
            cpu_pause();
        }
    }
    s->task = NULL;
}

void block_wake(struct block_sleeper *s)
{
    s->is_awake = true;
    if (s->task)
        task_wake(s->task); /* nothing happens to one that looks in a loop */
}

struct flush {
    struct block_request r;
    struct block_sleeper sleeper;
};

static void flushed(struct block_request *r) { block_wake(&CONTAINER_OF(r, struct flush, r)->sleeper); }

int block_flush(bool may_sleep)
{
    struct flush f = {.r = {.kind = BLOCK_FLUSH, .done = flushed}};
    block_submit(&f.r);
    block_sleep(&f.sleeper, may_sleep);
    return f.r.error;
}
