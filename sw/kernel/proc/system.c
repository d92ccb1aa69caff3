/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about the machine: its name, memory and end, random numbers, and the limits of a process. */
#include "arch/insn.h"
#include "arch/syscall.h"
#include "block/block.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "sched/time.h"
#include "string.h"
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

enum { EXIT_PORT = 0xf4, RANDOM_BYTES_MAX = 0x1ffffff };

struct new_utsname system_name = {"Linux", "uintr-vp", "6.1.0-uintr", "#1 SMP uintr-vp", "x86_64", "(none)"};

SYSCALL1(uname, uint64_t, to) { return PUT_USER(to, system_name); }

SYSCALL1(sysinfo, uint64_t, to)
{
    struct sysinfo info;
    memset(&info, 0, sizeof info);
    info.uptime = (long)(clock_now() / NS_PER_SECOND);
    info.totalram = pages_total() * PAGE_BYTES;
    info.freeram = pages_free() * PAGE_BYTES;
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
static uint32_t exit_status_of(uint64_t argument)
{
    char text[16];
    uint32_t status = 0;
    if (copy_string_from_user(text, argument, sizeof text) < 0 || strncmp(text, "exit ", 5) != 0)
        return 0;
    for (const char *p = text + 5; *p >= '0' && *p <= '9'; p++)
        status = status * 10 + (uint32_t)(*p - '0');
    return status;
}

SYSCALL4(reboot, uint32_t, magic, uint32_t, magic2, uint32_t, command, uint64_t, argument)
{
    if (magic != LINUX_REBOOT_MAGIC1 || magic2 != LINUX_REBOOT_MAGIC2)
        return -EINVAL;
    switch (command) {
    case LINUX_REBOOT_CMD_RESTART2: storage_end(); machine_end(exit_status_of(argument));
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF: storage_end(); machine_end(0);
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF: return 0;
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
    uint64_t new[2], old[2];
    const struct task *t = pid ? task_find(pid) : current;
    if (from && GET_USER(new, from))
        return -EFAULT;
    if (!t || !t->process)
        return -ESRCH;
    if (resource >= ARRAY_SIZE(t->process->rlimit) || (from && new[0] > new[1]))
        return -EINVAL;
    memcpy(old, t->process->rlimit[resource], sizeof old);
    if (from)
        memcpy(t->process->rlimit[resource], new, sizeof new);
    return former ? PUT_USER(former, old) : 0;
}
