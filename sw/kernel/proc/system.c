/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that ask or set something small: about the machine, a process, a thread. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/syscall.h"
#include "block/block.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include "string.h"
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

enum { EXIT_PORT = 0xf4, RANDOM_BYTES_MAX = 0x1ffffff };

static const struct new_utsname system_name = {"Linux",           "uintr-vp", "6.1.0-uintr",
                                               "#1 SMP uintr-vp", "x86_64",   "(none)"};

SYSCALL1(uname, uint64_t, to) { return PUT_USER(to, system_name); }

SYSCALL1(sysinfo, uint64_t, to)
{
    static struct sysinfo info; /* all other members are 0 */
    info.uptime = (long)(clock_now() / NS_PER_SECOND);
    info.totalram = pages_total() * PAGE_BYTES;
    info.freeram = pages_free() * PAGE_BYTES;
    info.bufferram = kmalloc_waiting();
    info.mem_unit = 1;
    return PUT_USER(to, info);
}

/* --- the end --- */

void machine_end(uint32_t status)
{
    outl(EXIT_PORT, status);
    for (;;) /* a machine without this port */
        __asm__ volatile("cli; hlt");
}

/* The string that RESTART2 comes with may say the status: "exit 5". */
SYSCALL4(reboot, uint32_t, magic, uint32_t, magic2, uint32_t, command, uint64_t, argument)
{
    char text[16];
    uint32_t status = 0;
    if (magic != LINUX_REBOOT_MAGIC1 || magic2 != LINUX_REBOOT_MAGIC2)
        return -EINVAL;
    switch (command) {
    case LINUX_REBOOT_CMD_CAD_OFF: return 0; /* ^Alt-Del: busybox's init asks */
    case LINUX_REBOOT_CMD_RESTART2:
        if (copy_string_from_user(text, argument, sizeof text) >= 0 && strncmp(text, "exit ", 5) == 0)
            for (const char *p = text + 5; *p >= '0' && *p <= '9'; p++)
                status = status * 10 + (uint32_t)(*p - '0');
        storage_end();
        machine_end(status);
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF: storage_end(); machine_end(0);
    default: return -EINVAL;
    }
}

/* --- numbers that look random and are the same in every run: a simulation must be repeatable --- */

uint64_t kernel_random(void)
{
    static uint64_t state = 0x75696e7472;
    uint64_t x = state += 0x9e3779b97f4a7c15; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

SYSCALL3(getrandom, uint64_t, to, size_t, bytes, uint32_t, flags)
{
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    bytes = MIN(bytes, (size_t)RANDOM_BYTES_MAX);
    for (size_t done = 0, n; done < bytes; done += n) {
        uint64_t word = kernel_random();
        n = MIN(bytes - done, sizeof word);
        if (copy_to_user(to + done, &word, n))
            return done ? (long)done : -EFAULT;
    }
    return (long)bytes;
}

/* Resource limits: RLIMIT_NOFILE and RLIMIT_STACK have an effect, the others are kept. */
SYSCALL4(prlimit64, int, pid, uint32_t, resource, uint64_t, from, uint64_t, former)
{
    struct process *p = pid ? process_find(pid) : current->process;
    uint64_t new[2];
    if (from && GET_USER(new, from))
        return -EFAULT;
    if (!p)
        return -ESRCH;
    if (resource >= ARRAY_SIZE(p->rlimit) || (from && new[0] > new[1]))
        return -EINVAL;
    if (former && PUT_USER(former, p->rlimit[resource]))
        return -EFAULT;
    if (from)
        memcpy(p->rlimit[resource], new, sizeof new);
    return 0;
}

/* setuid and setgid; -1 leaves an id as it is in the others. */
SYSCALL1(set_id, uint32_t, id) { return id ? -EPERM : 0; }

SYSCALL3(set_ids, uint32_t, real, uint32_t, effective, uint32_t, saved)
{
    return (real && ~real) || (effective && ~effective) || (saved && ~saved) ? -EPERM : 0;
}

/* --- of threads --- */

SYSCALL2(prctl, int, option, uint64_t, argument)
{
    char name[TASK_NAME_BYTES] = {0};
    if (option != PR_SET_NAME)
        return -EINVAL;
    int64_t length = copy_string_from_user(name, argument, sizeof name - 1);
    if (length < 0 && length != -ENAMETOOLONG) /* too long: what fits */
        return length;
    memcpy(current->name, name, sizeof name);
    trace_name(current->tid, name);
    return 0;
}

/* The base of FS, where a thread finds what is its own. */
SYSCALL2(arch_prctl, int, option, uint64_t, argument)
{
    if (option != ARCH_SET_FS)
        return -EINVAL;
    if (argument >= USER_END)
        return -EPERM;
    current->fs_base = argument;
    wrmsr(MSR_FS_BASE, argument);
    return 0;
}
