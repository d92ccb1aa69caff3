/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about the machine and its limits: names, memory, resource limits, thread registration, the end. */
#include "arch/insn.h"
#include "arch/syscall.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include "string.h"
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

enum { EXIT_PORT = 0xf4, ROBUST_LIST_HEAD_BYTES = 24, NOFILE_MAX = 1 << 20 };

struct new_utsname system_name = {.sysname = "Linux",
                                  .nodename = "uintr-vp",
                                  .release = "6.1.0-uintr",
                                  .version = "#1 SMP uintr-vp",
                                  .machine = "x86_64",
                                  .domainname = "(none)"};

void machine_end(uint32_t status)
{
    outl(EXIT_PORT, status);
    for (;;) /* a machine without this port */
        __asm__ volatile("cli; hlt");
}

SYSCALL1(uname, uint64_t, to) { return PUT_USER(to, system_name); }

SYSCALL2(sethostname, uint64_t, from, int, bytes)
{
    char name[__NEW_UTS_LEN + 1] = {0};
    if (current->process->uid)
        return -EPERM;
    if (bytes < 0 || bytes > __NEW_UTS_LEN)
        return -EINVAL;
    if (copy_from_user(name, from, (size_t)bytes))
        return -EFAULT;
    memcpy(system_name.nodename, name, sizeof name);
    return 0;
}

SYSCALL1(sysinfo, uint64_t, to)
{
    struct process *p;
    struct sysinfo info;
    memset(&info, 0, sizeof info);
    info.uptime = (long)(clock_now() / NS_PER_SECOND);
    info.totalram = pages_total() * PAGE_BYTES;
    info.freeram = pages_free() * PAGE_BYTES;
    info.mem_unit = 1;
    LIST_FOR_EACH(p, &process_list, all) { info.procs++; }
    return PUT_USER(to, info);
}

/* The messages are on the console and are not kept. */
SYSCALL3(syslog, int, type, uint64_t, to, int, bytes)
{
    enum { READ = 2, READ_CLEAR = 4, CONSOLE_LEVEL = 8, SIZE_BUFFER = 10 };
    if (type < 0 || type > SIZE_BUFFER)
        return -EINVAL;
    if (type >= READ && type <= READ_CLEAR)
        return !to || bytes < 0 ? -EINVAL : 0;
    return type == CONSOLE_LEVEL && (bytes < 1 || bytes > 8) ? -EINVAL : 0;
}

SYSCALL4(reboot, uint32_t, magic, uint32_t, magic2, uint32_t, command, uint64_t, argument)
{
    (void)argument;
    if (current->process->uid)
        return -EPERM;
    if (magic != LINUX_REBOOT_MAGIC1 || (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
                                         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    switch (command) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF: machine_end(0);
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF: return 0;
    default: return -EINVAL;
    }
}

/* --- resource limits: RLIMIT_NOFILE and RLIMIT_STACK have an effect, the others are kept --- */

static long limit(struct process *p, uint32_t resource, const uint64_t new[2], uint64_t old[2])
{
    if (resource >= ARRAY_SIZE(p->rlimit))
        return -EINVAL;
    uint64_t *now = p->rlimit[resource];
    if (new) {
        if (new[0] > new[1])
            return -EINVAL;
        if ((new[1] > now[1] && current->process->uid) || (resource == RLIMIT_NOFILE && new[1] > NOFILE_MAX))
            return -EPERM;
    }
    if (old)
        memcpy(old, now, sizeof p->rlimit[0]);
    if (new)
        memcpy(now, new, sizeof p->rlimit[0]);
    return 0;
}

SYSCALL4(prlimit64, int, pid, uint32_t, resource, uint64_t, from, uint64_t, former)
{
    uint64_t new[2], old[2];
    if (from && GET_USER(new, from))
        return -EFAULT;
    const struct task *t = pid ? task_find(pid) : current;
    if (!t || !t->process)
        return -ESRCH;
    long error = limit(t->process, resource, from ? new : NULL, old);
    return error ? error : former ? PUT_USER(former, old) : 0;
}

SYSCALL2(getrlimit, uint32_t, resource, uint64_t, to)
{
    uint64_t old[2];
    long error = limit(current->process, resource, NULL, old);
    return error ? error : PUT_USER(to, old);
}

SYSCALL2(setrlimit, uint32_t, resource, uint64_t, from)
{
    uint64_t new[2];
    return GET_USER(new, from) ? -EFAULT : limit(current->process, resource, new, NULL);
}

/* --- what a thread registers for its end --- */

SYSCALL1(set_tid_address, uint64_t, address)
{
    current->clear_child_tid = address;
    return current->tid;
}

SYSCALL2(set_robust_list, uint64_t, head, size_t, bytes)
{
    if (bytes != ROBUST_LIST_HEAD_BYTES)
        return -EINVAL;
    current->robust_list = head;
    return 0;
}

SYSCALL3(get_robust_list, int, tid, uint64_t, to, uint64_t, bytes_to)
{
    const uint64_t bytes = ROBUST_LIST_HEAD_BYTES;
    const struct task *t = tid ? task_find(tid) : current;
    if (!t || !t->process)
        return -ESRCH;
    return PUT_USER(bytes_to, bytes) || PUT_USER(to, t->robust_list) ? -EFAULT : 0;
}
