/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: between two blocks of threaded code it looks at what came up (faults, events, limits), then finds the next
 * block and enters it. A block is entered as a whole only if its last instruction starts before the deadline; otherwise
 * instructions run one by one, so that every event is taken at the first boundary at or after its cycle. */
#include "coverage.h"
#include "debug.h"
#include "handler.h"
#include "wait.h"

static op_result enter(struct cpu *cpu, const struct block *b)
{
    const struct op *op = b->ops;
    if (cpu->engine->is_hooked) {
        if (!cpu_fetch_is_known(cpu, b))
            TAIL_CALL(cpu_enter_asking, b);
        cpu_observe_insn(cpu, op);
    }
    TAIL_CALL(op->fn, op);
}

static void execute(struct cpu *cpu, const struct block *b)
{
#if defined(CPU_ENGINE_LOOP) && CPU_ENGINE_LOOP
    for (const struct op *op = enter(cpu, b); op;)
        op = op->fn(cpu, op);
#else
    enter(cpu, b);
#endif
}

/* Single step on branches: was the instruction at `start` a taken branch? DEVIATION(branch-to-next): one that leads to
 * the next instruction counts as not taken. SDM Vol. 3, "Single-Stepping on Branches". */
static bool has_branched(const struct cpu *cpu, const struct block *b, uint64_t start)
{
    const struct op *op = &b->ops[0];
    bool repeats = cpu->rip == start && (op->flags & (OPF_REP | OPF_REPNE));
    return cpu->rip != start + op->length && !repeats;
}

/* One instruction alone: traps, shadows, RF and devices are exact here. */
static void execute_alone(struct cpu *cpu, const struct block *b)
{
    uint64_t rf = cpu->rflags & FLAG_RF, start = cpu->rip;
    bool trap = (cpu->rflags & FLAG_TF) != 0;
    uint32_t shadow = cpu->shadow, hits = cpu->debug_hits, pending_db = cpu->pending & PEND_DB;

    cpu->rflags &=
        ~(uint64_t)FLAG_RF; /* cleared by every instruction that completes: SDM Vol. 3, "Instruction-Breakpoint" */
    cpu->link = NULL;
    cpu->step_is_decided = false;
    cpu->stepping = true;
    execute(cpu, b);
    cpu->stepping = false;
    cpu->link = NULL;
    if (cpu->leave != LEAVE_NONE) {
        cpu->rflags |= rf;
        cpu->debug_hits = hits; /* an instruction that did not happen hits no breakpoint */
        cpu->pending = (cpu->pending & ~PEND_DB) | pending_db;
        return;
    }
    if (shadow) /* the one instruction under the shadow has run */
        cpu->shadow = 0;
    if (cpu->debugctl & DEBUGCTL_BTF)
        trap = trap && has_branched(cpu, b, start);
    if (trap && !cpu->step_is_decided && !(cpu->shadow & SHADOW_MOV_SS)) {
        cpu->debug_hits |= DR6_BS;
        cpu->pending |= PEND_DB;
    }
}

static bool wants_single(const struct cpu *cpu)
{
    return cpu->shadow != 0 || (cpu->rflags & (FLAG_TF | FLAG_RF)) != 0 || cpu_debug_is_on(cpu);
}

static enum cpu_stop stop_reason(const struct cpu *cpu)
{
    switch (cpu->activity) {
    case ACTIVITY_HALT:
    case ACTIVITY_WAIT: return CPU_STOP_HALT;
    case ACTIVITY_SIPI: return CPU_STOP_SIPI;
    case ACTIVITY_SHUTDOWN: return CPU_STOP_SHUTDOWN;
    case ACTIVE: break;
    }
    return CPU_STOP_UNTIL;
}

static enum cpu_stop run(struct cpu *cpu)
{
    for (;;) {
        bool alone = false;
        if (VP_UNLIKELY(cpu->coverage != NULL))
            coverage_left(cpu);
        if (cpu->leave == LEAVE_FAULT) {
            cpu->link = NULL;
            cpu->shadow = 0;
            uint64_t before = cpu->cycles;
            cpu_deliver_exception(cpu);
            /* A fault must take time, or a handler that faults in its first instruction could hang the simulator. */
            if (cpu->cycles == before)
                cpu->cycles++;
            continue;
        }
        if (cpu->leave == LEAVE_RESTART) {
            cpu->leave = LEAVE_NONE;
            cpu->link = NULL;
            cpu->trace_again = cpu->engine->is_hooked;
            alone = true;
        } else {
            cpu->trace_again = false;
        }
        if (cpu->activity == ACTIVITY_SHUTDOWN)
            return CPU_STOP_SHUTDOWN;
        if (cpu->cycles >= cpu->until || (cpu->pending & PEND_STOP)) {
            cpu->pending &= ~PEND_STOP;
            cpu->trace_again = false;
            return cpu->activity == ACTIVE ? CPU_STOP_UNTIL : stop_reason(cpu);
        }
        if (VP_UNLIKELY(cpu->cycles >= cpu->user_timer_cycle))
            cpu->pending |= PEND_UTIMER;
        if (cpu->pending && cpu_take_event(cpu)) {
            cpu->link = NULL;
            continue;
        }
        if (cpu_wait_is_over(cpu))
            cpu_wake_up(cpu);
        if (cpu->activity != ACTIVE)
            return stop_reason(cpu);
        if (VP_UNLIKELY(cpu->debug_code) && cpu_debug_breaks_here(cpu))
            continue;
        alone = alone || wants_single(cpu);
        bool timer_first = cpu->user_timer_cycle > cpu->cycles && cpu->user_timer_cycle < cpu->until;
        cpu->deadline = timer_first ? cpu->user_timer_cycle : cpu->until;
        struct block *b = block_find(cpu, alone);
        if (b && !alone && cpu->cycles + b->last_start >= cpu->deadline) {
            alone = true;
            b = block_find(cpu, true);
        }
        if (!b)
            continue; /* the fetch faulted */
        if (alone) {
            execute_alone(cpu, b);
            continue;
        }
        if (cpu->link && !b->transient) {
            cpu->link->block = b;
            cpu->link->gen = cpu->chain_gen;
            cpu->link = NULL;
        }
        execute(cpu, b);
        if (b->transient)
            cpu->link = NULL; /* it would point into the next block that is decoded */
    }
}

enum cpu_stop cpu_run(struct cpu *cpu, uint64_t until)
{
    cpu->until = until;
    enum cpu_stop stop = run(cpu);
    (void)cpu_bus(cpu); /* floating-point control goes back to the simulator */
    cpu_book_time(cpu);
    return stop;
}
