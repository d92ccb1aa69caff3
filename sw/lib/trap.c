/* SPDX-License-Identifier: Apache-2.0 */
/* The IDT, the dispatch by vector, and exceptions as values. Entry points are in trap_entry.S. */
#include "trap.h"

#include "arch/control.h"
#include "arch/insn.h"
#include "console.h"
#include "percpu.h"
#include "printf.h"
#include "report.h"

extern char trap_stubs[];

static struct gate idt[256] __attribute__((aligned(16)));
static trap_handler *handlers[256];

static void set_offset(struct gate *gate, uint64_t address)
{
    gate->offset_low = (uint16_t)address;
    gate->offset_middle = (uint16_t)(address >> 16);
    gate->offset_high = (uint32_t)(address >> 32);
}

void trap_init(void)
{
    for (unsigned v = 0; v < 256; v++) {
        idt[v].selector = SEL_KERNEL_CODE;
        idt[v].type = GATE_INTERRUPT;
        set_offset(&idt[v], (uint64_t)trap_stubs + 16ul * v);
    }
    idt[VECTOR_DF].ist = IST_DOUBLE_FAULT;
    idt[VECTOR_NMI].ist = IST_NMI;
}

void trap_load_idt(void)
{
    struct descriptor_pointer idtr = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

trap_handler *trap_install(unsigned vector, trap_handler *handler)
{
    trap_handler *former = handlers[vector];
    handlers[vector] = handler;
    return former;
}

void trap_set_gate(unsigned vector, uint8_t type, uint8_t ist)
{
    idt[vector].type = type;
    idt[vector].ist = ist;
}

void trap_set_entry(unsigned vector, void (*entry)(void))
{
    set_offset(&idt[vector], entry ? (uint64_t)entry : (uint64_t)trap_stubs + 16ul * vector);
}

static _Noreturn void die(const struct trap_frame *f)
{
    console_break_lock();
    printf("UNEXPECTED vector %lu error %lx cr2 %lx on core %u\n", f->vector, f->error, read_cr2(), this_cpu()->index);
    printf("  rip %lx cs %lx rflags %lx rsp %lx ss %lx\n", f->rip, f->cs, f->rflags, f->rsp, f->ss);
    printf("  rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", f->rax, f->rbx, f->rcx, f->rdx, f->rsi,
           f->rdi, f->rbp);
    printf("  r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", f->r8, f->r9, f->r10, f->r11, f->r12,
           f->r13, f->r14, f->r15);
    guest_exit(EXIT_PANIC);
}

void trap_dispatch(struct trap_frame *f)
{
    trap_handler *handler = handlers[f->vector];
    if (handler && handler(f))
        return;
    struct catch_context *context = this_cpu()->catching;
    if (!context || f->vector >= 32)
        die(f);
    context->trap = (struct trap){.is_raised = true,
                                  .vector = (unsigned)f->vector,
                                  .error = f->error,
                                  .cr2 = read_cr2(),
                                  .rip = f->rip,
                                  .rsp = f->rsp,
                                  .rflags = f->rflags,
                                  .cs = f->cs};
    f->rip = (uint64_t)catch_resume;
    f->cs = SEL_KERNEL_CODE;
    f->rflags = RFLAGS_ONE;
    f->rsp = context->rsp;
    f->ss = SEL_KERNEL_DATA;
}

struct trap test_for_exception(void (*fn)(void *arg), void *arg)
{
    struct cpu_local *cpu = this_cpu();
    struct catch_context context = {.outer = cpu->catching};
    cpu->catching = &context;
    catch_call(&context, fn, arg);
    cpu->catching = context.outer;
    return context.trap;
}

_Noreturn void panic(const char *format, ...)
{
    va_list list;
    console_break_lock();
    printf("PANIC on core %u: ", this_cpu()->index);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    guest_exit(EXIT_PANIC);
}
