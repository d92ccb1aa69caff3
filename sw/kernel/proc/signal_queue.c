/* SPDX-License-Identifier: Apache-2.0 */
/* Pending signals. The first one of each number lies in the task or process; further ones of realtime signals, which
 * are counted, in one list for all, in order of arrival. */
#include "mm/page.h"
#include "proc/signal.h"

enum { FURTHER_MAX = 64 }; /* of one task or process */

struct further {
    struct list link;
    const uint64_t *set; /* whose */
    siginfo_t info;
};

static struct list all_further = {&all_further, &all_further};

int pending_add(struct pending q, const siginfo_t *info)
{
    int number = info->si_signo;
    if (!(*q.set & SIGNAL_BIT(number))) {
        *q.set |= SIGNAL_BIT(number);
        q.info[number] = *info;
        return 0;
    }
    if (number < SIGRTMIN)
        return 0;
    struct further *f;
    unsigned count = 0;
    LIST_FOR_EACH(f, &all_further, link) { count += f->set == q.set; }
    f = count < FURTHER_MAX ? kmalloc(sizeof *f) : NULL;
    if (!f)
        return -EAGAIN;
    f->set = q.set;
    f->info = *info;
    list_append(&all_further, &f->link);
    return 0;
}

static void free_further(struct further *f)
{
    list_remove(&f->link);
    kfree(f);
}

void pending_remove(struct pending q, uint64_t numbers)
{
    struct further *f;
    *q.set &= ~numbers;
    LIST_FOR_EACH(f, &all_further, link)
    {
        if (f->set == q.set && numbers & SIGNAL_BIT(f->info.si_signo))
            free_further(f);
    }
}

int pending_take(struct pending q, uint64_t numbers, siginfo_t *info)
{
    uint64_t candidates = *q.set & numbers;
    if (!candidates)
        return 0;
    uint64_t urgent = candidates & SIGNALS_SYNCHRONOUS; /* their frame must be that of the fault */
    int number = __builtin_ctzll(urgent ? urgent : candidates) + 1;
    *info = q.info[number];
    info->si_signo = number; /* a SIGSTOP that a sibling passed on has no more than its bit */
    if (number >= SIGRTMIN) {
        struct further *f;
        LIST_FOR_EACH(f, &all_further, link)
        {
            if (f->set == q.set && f->info.si_signo == number) {
                q.info[number] = f->info;
                free_further(f);
                return number;
            }
        }
    }
    *q.set &= ~SIGNAL_BIT(number);
    return number;
}

void signal_remove(struct process *p, uint64_t numbers)
{
    struct task *t;
    pending_remove(pending_of_process(p), numbers);
    LIST_FOR_EACH(t, &p->threads, in_process) { pending_remove(pending_of_task(t), numbers); }
}

int signal_take(struct task *t, uint64_t numbers, siginfo_t *info)
{
    int number = pending_take(pending_of_task(t), numbers, info);
    return number ? number : pending_take(pending_of_process(t->process), numbers, info);
}
