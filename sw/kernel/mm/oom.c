/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when memory has run out: the process with the most pages dies for all, process 1 apart. */
#include "mm/mm.h"
#include "proc/process.h"

bool oom_relieve(void)
{
    const struct task *t, *victim = NULL;
    struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        for (struct list *n = p->threads.next; n != &p->threads; n = n->next) {
            t = LIST_ITEM(n, struct task, in_process);
            if (!t->mm || p == init_process)
                continue;
            if (p->group_exiting || t->pending & SIGNAL_BIT(SIGKILL))
                return true; /* one is about to go */
            if (!victim || t->mm->resident > victim->mm->resident)
                victim = t;
        }
    }
    if (!victim)
        return false;
    klog("out of memory: process %d (%s) with %llu KiB is killed", victim->process->pid, victim->name,
         victim->mm->resident * PAGE_BYTES / 1024);
    signal_send_process(victim->process, SIGKILL, NULL);
    return true;
}
