/* SPDX-License-Identifier: Apache-2.0 */
/* Time from the TSC, whose rate is CPUID leaf 15H's, the day from the RTC at boot; timers: a list by deadline for each
 * core, the APIC timer is set to the first one. SDM Vol. 2, "CPUID"; Motorola MC146818 data sheet. */
#include "sched/time.h"
#include "arch/cpu.h"
#include "arch/insn.h"

enum { RTC_INDEX = 0x70, RTC_DATA = 0x71 };

static uint64_t tsc_at_boot, tsc_hz, boot_realtime;

static uint64_t muldiv(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t quotient, rest;
    __asm__("mulq %3; divq %4" : "=&a"(quotient), "=&d"(rest) : "0"(a), "r"(b), "r"(c) : "cc");
    return quotient;
}

static unsigned rtc(uint8_t index)
{
    outb(RTC_INDEX, index);
    uint8_t bcd = inb(RTC_DATA);
    return (bcd >> 4) * 10u + (bcd & 15);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static uint64_t days(unsigned year, unsigned month, unsigned day)
{
    if (month <= 2)
        year--, month += 12;
    return 365ull * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 + day - 306 - 719163;
}

void clock_init(void)
{
    struct cpuid_result r = {0};
    if (cpuid(0, 0).eax >= 0x15)
        r = cpuid(0x15, 0);
    if (!r.eax || !r.ebx || !r.ecx)
        panic("the CPU does not tell the rate of its TSC (CPUID leaf 15H)");
    tsc_hz = muldiv(r.ecx, r.ebx, r.eax);
    tsc_at_boot = rdtsc();
    uint64_t day = days(2000 + rtc(9), rtc(8), rtc(7));
    boot_realtime = (((day * 24 + rtc(4)) * 60 + rtc(2)) * 60 + rtc(0)) * NS_PER_SECOND;
}

uint64_t clock_now(void)
{
    uint64_t tsc = rdtsc() - tsc_at_boot;
    return tsc / tsc_hz * NS_PER_SECOND + muldiv(tsc % tsc_hz, NS_PER_SECOND, tsc_hz);
}

uint64_t clock_realtime(void) { return boot_realtime + clock_now(); }

/* A deadline beyond a century is one of a century: the product must fit. */
uint64_t clock_tsc_at(uint64_t ns)
{
    ns = MIN(ns, 100ull * 365 * 86400 * NS_PER_SECOND);
    return tsc_at_boot + ns / NS_PER_SECOND * tsc_hz + muldiv(ns % NS_PER_SECOND, tsc_hz, NS_PER_SECOND) + 1;
}

/* --- timers --- */

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

void timer_stop(struct timer *t) { list_remove(&t->link); /* the APIC timer may fire for nothing */ }

void timer_start(struct timer *t, uint64_t deadline)
{
    struct cpu *cpu = this_cpu();
    list_remove(&t->link);
    t->deadline = deadline;
    if (deadline == NEVER)
        return;
    struct list *at = cpu->timers.next;
    while (at != &cpu->timers && LIST_ITEM(at, struct timer, link)->deadline <= deadline)
        at = at->next;
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
