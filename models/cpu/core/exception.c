/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of instructions, and what becomes of events that fault while they are delivered: another exception, a double
 * fault, or shutdown. The way through the IDT itself is idt.c's.
 * Source: SDM Vol. 3, "Exception and Interrupt Reference" (table "Conditions for Generating a Double Fault"), "Error
 * Code", "Masking Exceptions and Interrupts: RF Flag". */
#include "debug.h"
#include "protect.h"

static bool vector_has_error_code(uint8_t vector)
{
    switch (vector) {
    case EXC_DF:
    case EXC_TS:
    case EXC_NP:
    case EXC_SS:
    case EXC_GP:
    case EXC_PF:
    case EXC_AC: return true;
    default: return false;
    }
}

void cpu_note_fault(struct cpu *cpu, const struct vp_fault *fault)
{
    cpu->exc = *fault;
    cpu->leave = LEAVE_FAULT;
}

void cpu_note_exception(struct cpu *cpu, uint8_t vector, uint32_t error_code, uint64_t address)
{
    struct vp_fault fault = {.vector = vector,
                             .has_error_code = vector_has_error_code(vector),
                             .error_code = error_code,
                             .address = address};
    cpu_note_fault(cpu, &fault);
}

static bool is_contributory(uint8_t vector) { return vector == EXC_DE || (vector >= EXC_TS && vector <= EXC_GP); }

/* Does a second exception during the delivery of the first make a double fault? */
static bool makes_double_fault(uint8_t first, uint8_t second)
{
    if (first == EXC_PF)
        return second == EXC_PF || is_contributory(second);
    return is_contributory(first) && is_contributory(second);
}

static void trace_exception(struct cpu *cpu, uint8_t vector, uint64_t error_code)
{
    if (cpu->bus.trace_event)
        cpu_bus(cpu)->trace_event(cpu->bus.ctx, CPU_TRACE_EXCEPTION, vector, error_code, cpu->cycles);
}

static void shut_down(struct cpu *cpu, const struct vp_fault *cause)
{
    cpu->last_fault = *cause; /* the first of the three tells more than the last */
    cpu->activity = ACTIVITY_SHUTDOWN;
}

/* Faults are restarted at cpu->rip. RF in the image keeps an instruction breakpoint from firing twice; #DB of a
 * breakpoint leaves that to its own handler. */
static struct idt_event event_of(const struct cpu *cpu, const struct vp_fault *f)
{
    uint64_t rf = f->vector == EXC_DB && f->error_code != DB_GENERAL_DETECT ? 0 : FLAG_RF;
    return (struct idt_event){
        .vector = f->vector,
        .cause = IDT_HARDWARE,
        .has_error_code = f->has_error_code,
        .error_code = f->error_code,
        .rflags = cpu_rflags(cpu) | rf,
        .rip = cpu->rip,
    };
}

/* State that the processor changes when it recognises an exception, before it is delivered. */
static void note_exception(struct cpu *cpu, const struct vp_fault *f)
{
    if (f->vector == EXC_PF)
        cpu->cr2 = f->address;
    if (f->vector == EXC_DB) {
        cpu->dr[7] &= ~UINT64_C(0x2000); /* GD: the handler may use the debug registers */
        cpu->debugctl = 0;               /* LBR and BTF: SDM Vol. 3, "IA32_DEBUGCTL MSR" */
    }
    trace_exception(cpu, f->vector, f->has_error_code ? f->error_code : 0);
    cpu_charge_event(cpu, TIMING_EVENT_exception);
}

/* EXT: the fault happened while something was delivered that the program did not ask for. #PF and #AC have no such bit.
 */
static void add_ext(struct vp_fault *f)
{
    if (f->has_error_code && f->vector != EXC_PF && f->vector != EXC_AC && f->vector != EXC_DF)
        f->error_code |= 1;
}

/* Delivers cpu->exc; further faults on the way are combined with it until one is delivered or the core shuts down. */
static void deliver_chain(struct cpu *cpu)
{
    struct vp_fault current = cpu->exc, cause = cpu->exc;
    if (cpu->activity == ACTIVITY_HALT || cpu->activity == ACTIVITY_WAIT)
        cpu->activity = ACTIVE; /* a single-step trap ends the HLT that it follows */
    for (;;) {
        cpu->leave = LEAVE_NONE;
        note_exception(cpu, &current);
        struct idt_event event = event_of(cpu, &current);
        if (cpu_enter_through_idt(cpu, &event) == VP_OK) {
            cpu->stats.exceptions++;
            break;
        }
        struct vp_fault next = cpu->exc;
        cpu->leave = LEAVE_NONE;
        add_ext(&next);
        if (current.vector == EXC_DF) {
            if (is_contributory(next.vector) || next.vector == EXC_PF) {
                shut_down(cpu, &cause);
                break;
            }
        } else if (makes_double_fault(current.vector, next.vector)) {
            if (next.vector == EXC_PF)
                cpu->cr2 = next.address;
            next = (struct vp_fault){.vector = EXC_DF, .has_error_code = true};
        }
        current = next;
    }
    cpu->exc_external = cpu->exc_soft = false;
    cpu->shadow = 0;
}

void cpu_deliver_exception(struct cpu *cpu) { deliver_chain(cpu); }

/* An event other than an exception faulted on its way: the exception takes its place. */
static void deliver_instead(struct cpu *cpu, bool external)
{
    if (external)
        add_ext(&cpu->exc);
    deliver_chain(cpu);
}

void cpu_deliver_interrupt(struct cpu *cpu, uint8_t vector, bool software, uint64_t insn_rip)
{
    if (software) {
        uint64_t next_rip = cpu->rip;
        cpu->rip = insn_rip;
        (void)cpu_software_interrupt(cpu, vector, true, next_rip);
        return;
    }
    struct idt_event event = {.vector = vector, .rflags = cpu_rflags(cpu), .rip = cpu->rip};
    cpu_charge_event(cpu, TIMING_EVENT_interrupt);
    if (cpu_enter_through_idt(cpu, &event) == VP_OK)
        cpu->shadow = 0;
    else
        deliver_instead(cpu, true);
}

bool cpu_software_interrupt(struct cpu *cpu, uint8_t vector, bool check_dpl, uint64_t next_rip)
{
    struct idt_event event = {
        .vector = vector,
        .cause = check_dpl ? IDT_SOFTWARE : IDT_HARDWARE,
        .rflags = cpu_rflags(cpu),
        .rip = next_rip,
    };
    trace_exception(cpu, vector, 0);
    cpu_charge_event(cpu, TIMING_EVENT_exception);
    if (cpu_enter_through_idt(cpu, &event) != VP_OK) {
        deliver_instead(cpu, !check_dpl);
        return false;
    }
    cpu->stats.exceptions++;
    cpu->shadow = 0;
    cpu_debug_step_by_new_tf(cpu);
    return true;
}
