/* SPDX-License-Identifier: Apache-2.0 */
/* Address-range monitoring and the waits of MWAIT, UMWAIT and TPAUSE. The monitored line is watched by the code map,
 * which sees every store to it by any core or device; a waiting core executes nothing, its shell lets time pass.
 * Source: SDM Vol. 2, "MONITOR", "MWAIT", "UMONITOR", "UMWAIT", "TPAUSE"; Vol. 3, "MONITOR/MWAIT Instruction". */
#include "wait.h"

#include "flags.h"

void cpu_monitor_arm(struct cpu *cpu, uint64_t pa)
{
    cpu_monitor_disarm(cpu);
    cpu->monitor_pa = pa & ~(uint64_t)(MONITOR_LINE - 1);
    cpu->monitor_armed = true;
    code_map_watch(cpu->code_map, cpu->monitor_pa, MONITOR_LINE);
}

void cpu_monitor_disarm(struct cpu *cpu)
{
    if (!cpu->monitor_armed)
        return;
    cpu->monitor_armed = false;
    code_map_unwatch(cpu->code_map, cpu->monitor_pa);
}

bool cpu_monitor_hit(struct cpu *cpu, uint64_t pa, uint64_t size, uint64_t cycle)
{
    if (!cpu->monitor_armed || pa + size <= cpu->monitor_pa || pa >= cpu->monitor_pa + MONITOR_LINE)
        return false;
    cpu->monitor_armed = false; /* the map forgets the line by itself */
    if (cpu->activity == ACTIVITY_WAIT && cpu->wait.monitors && cpu->bus.monitor_hit)
        cpu_bus(cpu)->monitor_hit(cpu->bus.ctx, cycle);
    return cpu->activity == ACTIVITY_WAIT;
}

void cpu_wait(struct cpu *cpu, const struct cpu_wait *wait)
{
    if ((wait->monitors && !cpu->monitor_armed) || cpu->cycles >= wait->until)
        return;
    cpu->wait = *wait;
    cpu->activity = ACTIVITY_WAIT;
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_HALT, 0, 0, cpu->cycles);
}

bool cpu_wait_is_over(const struct cpu *cpu)
{
    return cpu->activity == ACTIVITY_WAIT &&
           ((cpu->wait.monitors && !cpu->monitor_armed) || cpu->cycles >= cpu->wait.until);
}

void cpu_wake_up(struct cpu *cpu)
{
    if (cpu->activity != ACTIVITY_HALT && cpu->activity != ACTIVITY_WAIT)
        return;
    if (cpu->activity == ACTIVITY_WAIT) {
        if (cpu->wait.by_limit && cpu->cycles >= cpu->wait.until)
            cc_set_flags(cpu, FLAG_CF); /* UMWAIT, TPAUSE: the operating system's limit, not the program's */
        cpu_monitor_disarm(cpu);
    }
    cpu->activity = ACTIVE;
    cpu_charge_event(cpu, TIMING_EVENT_wakeup);
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_WAKE, 0, 0, cpu->cycles);
}

uint64_t cpu_wake_cycle(const struct cpu *cpu)
{
    if (cpu->activity != ACTIVITY_WAIT)
        return VP_NEVER;
    bool by_timer = cpu->user_timer_cycle < cpu->wait.until && cpu_accepts_user_events(cpu);
    return by_timer ? cpu->user_timer_cycle : cpu->wait.until;
}
