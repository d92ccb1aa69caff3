/* SPDX-License-Identifier: Apache-2.0 */
/* prctl and arch_prctl. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <asm/prctl.h>
#include <linux/prctl.h>

static long set_name(uint64_t from)
{
    char name[TASK_NAME_BYTES] = {0};
    int64_t length = copy_string_from_user(name, from, sizeof name);
    if (length < 0 && length != -ENAMETOOLONG) /* too long: what fits */
        return length;
    name[sizeof name - 1] = 0;
    memcpy(current->name, name, sizeof name);
    trace_name(current->tid, name);
    return 0;
}

SYSCALL5(prctl, int, option, uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d)
{
    struct process *p = current->process;
    switch (option) {
    case PR_SET_NAME: return set_name(a);
    case PR_GET_NAME: return PUT_USER(a, current->name);
    case PR_SET_PDEATHSIG:
        if (a > SIGNALS)
            return -EINVAL;
        p->death_signal = (int)a;
        return 0;
    case PR_SET_DUMPABLE:
        if (a > 1)
            return -EINVAL;
        p->is_not_dumpable = !a;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        if (a != 1 || b || c || d)
            return -EINVAL;
        p->has_no_new_privileges = true;
        return 0;
    case PR_GET_PDEATHSIG: return PUT_USER(a, p->death_signal);
    case PR_GET_DUMPABLE: return !p->is_not_dumpable;
    case PR_GET_NO_NEW_PRIVS: return a || b || c || d ? -EINVAL : p->has_no_new_privileges;
    default: return -EINVAL;
    }
}

SYSCALL2(arch_prctl, int, option, uint64_t, argument)
{
    struct task *t = current;
    bool is_fs = option == ARCH_SET_FS || option == ARCH_GET_FS;
    uint64_t *base = is_fs ? &t->fs_base : &t->gs_base;
    switch (option) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (argument >= USER_END)
            return -EPERM;
        *base = argument;
        wrmsr(is_fs ? MSR_FS_BASE : MSR_KERNEL_GS_BASE, argument); /* SWAPGS brings it to the user */
        return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS: return PUT_USER(argument, *base);
    default: return -EINVAL;
    }
}
