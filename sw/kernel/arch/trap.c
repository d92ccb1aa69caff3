/* SPDX-License-Identifier: Apache-2.0 */
/* Where every vector goes, and the way back to user mode. The kernel runs with interrupts off: an interrupt comes from
 * user mode or from the idle loop's HLT, an exception of the kernel's own code only from a user copy. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/syscall.h"
#include "ext2/ext2.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "uintr/uintr.h"
#include <asm/unistd_64.h>

enum { OOM_RETRY_NS = 1000000 };

static bool is_from_user(const struct frame *f) { return f->cs & 3; }

static void account_entry(struct frame *f)
{
    struct task *t = current;
    uint64_t now = clock_now();
    t->frame = f;
    t->user_ns += now - t->account_ns;
    t->account_ns = now;
}

static _Noreturn void die(const struct frame *f)
{
    panic("vector %lu error %lx at rip %lx cs %lx rsp %lx cr2 %lx task %d rax %lx rdi %lx", f->vector, f->error, f->rip,
          f->cs, f->rsp, read_cr2(), current ? current->tid : -1, f->rax, f->rdi);
}

/* Signal and code of a user's exception: Linux's choice for each. */
static void exception_signal(struct frame *f)
{
    static const struct {
        uint8_t number, code;
    } signals[32] = {
        [VECTOR_DE] = {SIGFPE, FPE_INTDIV}, [VECTOR_DB] = {SIGTRAP, TRAP_TRACE}, [VECTOR_BP] = {SIGTRAP, TRAP_BRKPT},
        [VECTOR_UD] = {SIGILL, ILL_ILLOPN}, [VECTOR_NP] = {SIGBUS, 0},           [VECTOR_SS] = {SIGBUS, 0},
        [VECTOR_MF] = {SIGFPE, FPE_FLTINV}, [VECTOR_AC] = {SIGBUS, BUS_ADRALN},  [19] = {SIGFPE, FPE_FLTINV},
    };
    int code = signals[f->vector].code;
    bool has_address = code && f->vector != VECTOR_BP;
    signal_fault(current, signals[f->vector].number ?: SIGSEGV, code ?: SI_KERNEL, has_address ? f->rip : 0);
}

static void page_fault(struct frame *f)
{
    uint64_t address = read_cr2();
    int code = SEGV_MAPERR, number = SIGSEGV;
    if (is_from_user(f))
        ext2_fault_ahead(current->mm, address);
    if (current && current->mm && (is_from_user(f) || is_user_copy(f)))
        number = address < USER_END ? mm_fault(current->mm, address, f->error, &code) : SIGSEGV;
    if (!number) {
        current->faults++;
        return;
    }
    bool is_relieved = number == SIGKILL && oom_relieve();
    if (is_from_user(f) && is_relieved)
        task_sleep_uninterrupted(clock_now() + OOM_RETRY_NS); /* then it faults again, or dies itself */
    else if (is_from_user(f))
        signal_fault(current, number, code, address);
    else if (is_user_copy(f))
        f->rip = (uint64_t)user_copy_failed;
    else
        die(f);
}

static void interrupt(struct frame *f)
{
    if (f->vector == VECTOR_SPURIOUS)
        return;
    apic_eoi();
    switch (f->vector) {
    case VECTOR_TIMER: timer_interrupt(); break;
    case VECTOR_SERIAL: serial_interrupt(); break;
    case VECTOR_BLOCK: block_interrupt(); break;
    case VECTOR_UINTR: uintr_notification(); break;
    case VECTOR_UINTR_KERNEL: uintr_wake_interrupt(); break;
    default: break; /* VECTOR_RESCHEDULE: the way out looks */
    }
}

static void exception(struct frame *f)
{
    if (f->vector == VECTOR_PF)
        page_fault(f);
    else if (!is_from_user(f))
        die(f);
    else if (!((f->vector == VECTOR_UD || f->vector == VECTOR_GP) && uintr_fixup(f, f->vector)))
        exception_signal(f);
}

void trap_dispatch(struct frame *f)
{
    struct cpu *cpu = this_cpu();
    cpu->interrupts[f->vector]++;
    if (f->vector == VECTOR_SHOOTDOWN) { /* without the lock: its holder waits for us */
        tlb_shootdown_poll();
        apic_eoi();
        return;
    }
    if (f->vector == VECTOR_NMI)
        return;
    if (f->vector < 32 && !is_from_user(f)) {
        exception(f);
        return;
    }
    klock_acquire();
    if (!is_from_user(f)) { /* the idle loop's */
        interrupt(f);
        klock_release();
        return;
    }
    account_entry(f);
    if (f->vector < 32)
        exception(f);
    else
        interrupt(f);
    prepare_return(f);
}

/* --- system calls: from a number to a function --- */

#define SYSCALL(name) long sys_##name(const uint64_t *arguments);
#define SYSCALL_AS(name, function) SYSCALL(function)
#define SYSCALL_AT(number, name) SYSCALL(name)
#include "arch/syscalls.def"

static long (*const table[])(const uint64_t *arguments) = {
#define SYSCALL(name) [__NR_##name] = sys_##name,
#define SYSCALL_AS(name, function) [__NR_##name] = sys_##function,
#define SYSCALL_AT(number, name) [number] = sys_##name,
#include "arch/syscalls.def"
};

SYSCALL0(nothing) { return 0; }

static uint64_t named[ARRAY_SIZE(table) / 64 + 1]; /* calls without a function that were reported */

static long dispatch(const struct frame *f)
{
    uint64_t number = f->rax;
    const uint64_t arguments[6] = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9};
    if (number < ARRAY_SIZE(table) && table[number])
        return table[number](arguments);
    if (number < ARRAY_SIZE(table) && !(named[number / 64] >> number % 64 & 1)) {
        named[number / 64] |= UINT64_C(1) << number % 64;
        klog("system call %lu is not implemented (%s, process %d)", number, current->name, current->process->pid);
    }
    return -ENOSYS;
}

bool syscall_trap(struct frame *f)
{
    klock_acquire();
    account_entry(f);
    trace(TRACE_SYSCALL, (uint32_t)f->rax);
    f->rax = (uint64_t)dispatch(f);
    trace(TRACE_SYSCALL_END, (uint32_t)f->rax);
    prepare_return(f);
    /* SYSRET loads only RIP and RFLAGS, and those from RCX and R11. */
    return f->cs == SEL_USER_CODE && f->ss == SEL_USER_DATA && f->rcx == f->rip && f->r11 == f->rflags &&
           f->vector == FRAME_SYSCALL;
}

void prepare_return(struct frame *f)
{
    struct task *t = current;
    for (;;) {
        if (t->need_resched)
            schedule();
        else if (signal_has_work(t, f))
            signal_deliver(f);
        else
            break;
    }
    fpu_restore_current();
    uintr_prepare_return(t);
    uint64_t now = clock_now();
    t->system_ns += now - t->account_ns;
    t->account_ns = now;
    klock_release();
}
