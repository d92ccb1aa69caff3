/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when memory has run out: the process with the most pages dies for all, process 1 apart. */
#include "mm/mm.h"
#include "proc/process.h"

static uint64_t resident_of(const struct process *p)
{
    const struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t->mm)
            return t->mm->resident;
    }
    return 0;
}

bool oom_relieve(void)
{
    struct process *p, *victim = NULL;
    uint64_t most = 0;
    LIST_FOR_EACH(p, &process_list, all)
    {
        uint64_t pages = resident_of(p);
        if (p == init_process || p->is_dead || !pages)
            continue;
        if (p->group_exiting || p->pending & SIGNAL_BIT(SIGKILL))
            return true; /* one is about to go */
        if (pages > most)
            most = pages, victim = p;
    }
    if (!victim)
        return false;
    klog("out of memory: process %d (%s) with %llu KiB is killed", victim->pid, victim->leader->name,
         most * PAGE_BYTES / 1024);
    signal_send_process(victim, SIGKILL, NULL);
    return true;
}
