/* SPDX-License-Identifier: Apache-2.0 */
/* Where cycles are charged beyond the precomputed cost of a block: events, stages of a user interrupt, and, in the
 * observed flavour, memory accesses and branches. Also the instruction trace's hook. */
#include "cpu_state.h"
#include "handler.h"

#include <string.h>

void cpu_charge(struct cpu *cpu, uint32_t cycles) { cpu->cycles += cycles; }

void cpu_charge_event(struct cpu *cpu, enum timing_event event)
{
    cpu->cycles += timing_event_cost(cpu_timing(cpu), cpu->config.index, event);
}

void cpu_charge_stage(struct cpu *cpu, enum timing_stage stage, uint64_t upid_pa)
{
    cpu->cycles += timing_uintr_cost(cpu_timing(cpu), cpu->config.index, stage, upid_pa);
}

/* From observed handlers. */
void cpu_observe_mem(struct cpu *cpu, uint64_t la, unsigned bytes, int access)
{
    uint64_t pa = 0;
    if (!cpu->timing->model->mem_cost && !cpu->bus.trace_mem)
        return;
    (void)cpu_debug_translate(cpu, la, &pa);
    if (cpu->bus.trace_mem) {
        const struct cpu_trace_mem t = {.linear = la, .physical = pa, .bytes = bytes, .access = (uint32_t)access};
        cpu_bus(cpu)->trace_mem(cpu->bus.ctx, &t);
    }
    if (!cpu->timing->model->mem_cost)
        return;
    struct timing_mem m = {
        .core = cpu->config.index,
        .access = (uint32_t)access,
        .linear = la,
        .physical = pa,
        .bytes = bytes,
        .supervisor = cpu->cpl != 3,
        .cycle = cpu->cycles,
    };
    cpu->cycles += timing_mem_cost(cpu_timing(cpu), &m);
}

void cpu_observe_branch(struct cpu *cpu, const struct op *op, uint64_t to, bool taken)
{
    if (!cpu->timing->model->branch_cost)
        return;
    op_fn *fn = op->fn;
    struct timing_branch b = {
        .core = cpu->config.index,
        .from = op_rip(op),
        .to = to,
        .taken = taken,
        .call = fn == cpu->engine->fn[H_call] || fn == cpu->engine->fn[H_call_ind],
        .ret = fn == cpu->engine->fn[H_ret] || fn == cpu->engine->fn[H_ret_imm],
        .indirect = fn == cpu->engine->fn[H_call_ind] || fn == cpu->engine->fn[H_jmp_ind],
    };
    b.conditional = !b.call && !b.ret && !b.indirect && fn != cpu->engine->fn[H_jmp];
    cpu->cycles += timing_branch_cost(cpu_timing(cpu), &b);
}

void cpu_observe_insn(struct cpu *cpu, const struct op *op)
{
    if (!cpu->bus.trace_insn || op->length == 0)
        return;
    if (cpu->trace_again) { /* it was traced before it was put off to run alone */
        cpu->trace_again = false;
        return;
    }
    struct cpu_trace_insn t = {.cycle = cpu->cycles + op->cost_before, .rip = op_rip(op), .cpl = cpu->cpl};
    t.mode_bits = (cpu->mode & MODE_CODE64) ? 64 : (cpu->mode & MODE_CODE32) ? 32 : 16;
    t.linear = t.mode_bits == 64 ? t.rip : (uint32_t)(cpu->seg[SEG_CS].base + t.rip);
    t.length = op->length <= sizeof t.bytes ? op->length : (uint8_t)sizeof t.bytes;
    t.length = (uint8_t)cpu_debug_read(cpu, t.linear, t.bytes, t.length);
    cpu_bus(cpu)->trace_insn(cpu->bus.ctx, &t);
}
