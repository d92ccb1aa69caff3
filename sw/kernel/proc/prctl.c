/* SPDX-License-Identifier: Apache-2.0 */
/* prctl and arch_prctl. What a process has set that is not the default is rare and lies in a list of its own. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <asm/prctl.h>
#include <linux/prctl.h>

struct settings {
    struct list link;
    const struct process *process;
    int death_signal;
    bool is_not_dumpable, has_no_new_privileges;
};

static struct list all_settings = {&all_settings, &all_settings};
static struct settings defaults;

static struct settings *settings_of(const struct process *p)
{
    struct settings *s;
    LIST_FOR_EACH(s, &all_settings, link)
    {
        if (s->process == p)
            return s;
    }
    return &defaults;
}

/* Those of p, to be changed; NULL: no memory. */
static struct settings *own_settings(const struct process *p)
{
    struct settings *s = settings_of(p);
    if (s != &defaults)
        return s;
    s = kzalloc(sizeof *s);
    if (s) {
        s->process = p;
        list_append(&all_settings, &s->link);
    }
    return s;
}

bool prctl_inherit(struct process *child, const struct process *parent)
{
    const struct settings *from = settings_of(parent);
    if (from == &defaults)
        return true;
    struct settings *s = own_settings(child);
    if (!s)
        return false;
    s->is_not_dumpable = from->is_not_dumpable;
    s->has_no_new_privileges = from->has_no_new_privileges;
    return true;
}

int prctl_death_signal(const struct process *p) { return settings_of(p)->death_signal; }

void prctl_release(struct process *p)
{
    struct settings *s = settings_of(p);
    if (s == &defaults)
        return;
    list_remove(&s->link);
    kfree(s);
}

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
    const struct process *p = current->process;
    struct settings *s;
    switch (option) {
    case PR_SET_NAME: return set_name(a);
    case PR_GET_NAME: return PUT_USER(a, current->name);
    case PR_SET_PDEATHSIG:
    case PR_SET_DUMPABLE:
        if (a > (option == PR_SET_DUMPABLE ? 1 : SIGNALS))
            return -EINVAL;
        break;
    case PR_SET_NO_NEW_PRIVS:
        if (a != 1 || b || c || d)
            return -EINVAL;
        break;
    case PR_GET_PDEATHSIG: return PUT_USER(a, settings_of(p)->death_signal);
    case PR_GET_DUMPABLE: return !settings_of(p)->is_not_dumpable;
    case PR_GET_NO_NEW_PRIVS: return a || b || c || d ? -EINVAL : settings_of(p)->has_no_new_privileges;
    default: return -EINVAL;
    }
    s = own_settings(p);
    if (!s)
        return -ENOMEM;
    if (option == PR_SET_PDEATHSIG)
        s->death_signal = (int)a;
    else if (option == PR_SET_DUMPABLE)
        s->is_not_dumpable = !a;
    else
        s->has_no_new_privileges = true;
    return 0;
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
