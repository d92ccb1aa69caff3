/* SPDX-License-Identifier: Apache-2.0 */
/* Software interrupts, IRET, fast system calls, UD: operands and booking. The work is exception.c's, iret.c's,
 * syscall.c's. */
#include "handler.h"
#include "protect.h"
#include "syscall.h"

#define FINISH_THERE()                                                                                                 \
    do { /* RIP is where the transfer led */                                                                           \
        book_through(cpu, op);                                                                                         \
        LEFT();                                                                                                        \
    } while (0)

/* The instruction's own cost is charged before the delivery's. If an exception was delivered instead, the instruction
 * did not retire. */
#define SOFTWARE_INTERRUPT(vector, check_dpl)                                                                          \
    do {                                                                                                               \
        uint64_t next_ = op_next_rip(cpu, op);                                                                         \
        book_before(cpu, op);                                                                                          \
        cpu->cycles += (uint64_t)(op->cost_after - op->cost_before);                                                   \
        if (cpu_software_interrupt(cpu, (vector), (check_dpl), next_))                                                 \
            cpu->insns++;                                                                                              \
        LEFT();                                                                                                        \
    } while (0)

/* Virtual-8086 mode may use INT n with IOPL 3 only; INT3 and INTO always. */
OP(int_n)
{
    if (cpu_is_v86(cpu) && cpu_iopl(cpu) < 3) {
        (void)cpu_raise(cpu, EXC_GP, 0);
        LEAVE();
    }
    SOFTWARE_INTERRUPT((uint8_t)op->imm, true);
}
OP(int3) { SOFTWARE_INTERRUPT(EXC_BP, true); }
/* INT1 is delivered like a hardware exception: SDM Vol. 2, "INT n/INTO/INT3/INT1". */
OP(int1) { SOFTWARE_INTERRUPT(EXC_DB, false); }

OP(into)
{
    if (!(cpu_status_flags(cpu) & FLAG_OF))
        FINISH();
    SOFTWARE_INTERRUPT(EXC_OF, true);
}

OP(iret)
{
    if (cpu_iret(cpu, op->size, op_next_rip(cpu, op)) != VP_OK)
        LEAVE();
    cpu_charge_event(cpu, TIMING_EVENT_iret);
    FINISH_THERE();
}

OP(syscall)
{
    if (cpu_syscall(cpu, op_next_rip(cpu, op)) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(sysret)
{
    if (cpu_sysret(cpu, op->size) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(sysenter)
{
    if (cpu_sysenter(cpu) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

OP(sysexit)
{
    if (cpu_sysexit(cpu, op->size) != VP_OK)
        LEAVE();
    FINISH_THERE();
}

/* UD0, UD1, UD2 */
OP(ud)
{
    (void)cpu_raise(cpu, EXC_UD, 0);
    LEAVE();
}
