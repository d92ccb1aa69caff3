/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: a list by deadline for each core; the APIC timer is set to the first one. */
#include "sched/timer.h"

#include "arch/cpu.h"

static void program(struct cpu *cpu)
{
    apic_timer_set(list_is_empty(&cpu->timers) ? NEVER : LIST_FIRST(&cpu->timers, struct timer, link)->deadline);
}

void timer_init(struct timer *t, void (*expired)(struct timer *))
{
    list_init(&t->link);
    t->deadline = NEVER;
    t->expired = expired;
}

bool timer_is_running(const struct timer *t) { return !list_is_empty(&t->link); }

void timer_stop(struct timer *t) { list_remove(&t->link); /* the APIC timer may fire for nothing */ }

void timer_start(struct timer *t, uint64_t deadline)
{
    struct cpu *cpu = this_cpu();
    struct timer *other;
    list_remove(&t->link);
    t->deadline = deadline;
    if (deadline == NEVER)
        return;
    struct list *at = &cpu->timers;
    LIST_FOR_EACH(other, &cpu->timers, link)
    {
        if (other->deadline > deadline) {
            at = &other->link;
            break;
        }
    }
    list_insert_before(at, &t->link);
    if (cpu->timers.next == &t->link)
        program(cpu);
}

void timer_interrupt(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = clock_now();
    while (!list_is_empty(&cpu->timers)) {
        struct timer *t = LIST_FIRST(&cpu->timers, struct timer, link);
        if (t->deadline > now)
            break;
        list_remove(&t->link);
        t->expired(t);
    }
    program(cpu);
}
