/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc shows. Formats are Linux's, proc(5); what programs do not read is left out, numbers nobody keeps are 0. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/proc.h"
#include "fs/tty.h"
#include "mm/mm.h"

enum { TICK_NS = 10000000, PAGE_KB = PAGE_BYTES / 1024 };

#define UNUSED __attribute__((unused))
#define PRINTER(name) static void name(struct proc_text *o, UNUSED const struct process *p, UNUSED int fd)

PRINTER(print_cpuinfo)
{
    enum { EAX, EBX, ECX, EDX };
    static const struct {
        uint32_t leaf, subleaf, output, bit;
        const char *name;
    } features[] = {
        {1, 0, EDX, 0, "fpu"},          {1, 0, EDX, 4, "tsc"},      {1, 0, EDX, 5, "msr"},
        {1, 0, EDX, 9, "apic"},         {1, 0, EDX, 13, "pge"},     {1, 0, EDX, 24, "fxsr"},
        {1, 0, EDX, 25, "sse"},         {1, 0, EDX, 26, "sse2"},    {1, 0, ECX, 0, "pni"},
        {1, 0, ECX, 13, "cx16"},        {1, 0, ECX, 21, "x2apic"},  {1, 0, ECX, 24, "tsc_deadline_timer"},
        {1, 0, ECX, 26, "xsave"},       {1, 0, ECX, 28, "avx"},     {1, 0, ECX, 31, "hypervisor"},
        {7, 0, EBX, 0, "fsgsbase"},     {7, 0, EBX, 7, "smep"},     {7, 0, EBX, 20, "smap"},
        {7, 0, ECX, 5, "waitpkg"},      {7, 0, EDX, 5, "uintr"},    {7, 0, EDX, 14, "serialize"},
        {0xd, 1, EAX, 1, "xsavec"},     {0xd, 1, EAX, 3, "xsaves"}, {0x80000001, 0, EDX, 20, "nx"},
        {0x80000001, 0, EDX, 29, "lm"},
    };
    struct cpuid_result zero = cpuid(0, 0);
    uint64_t khz = (clock_tsc_at(1000000000) - clock_tsc_at(0)) / 1000;
    for (uint32_t i = 0; i < cpu_count; i++) {
        proc_print(o,
                   "processor\t: %u\nvendor_id\t: %.4s%.4s%.4s\napicid\t\t: %u\ncpu MHz\t\t: %lu.%03lu\nflags\t\t:", i,
                   (char *)&zero.ebx, (char *)&zero.edx, (char *)&zero.ecx, cpus[i].apic_id, khz / 1000, khz % 1000);
        for (size_t k = 0; k < ARRAY_SIZE(features); k++) {
            struct cpuid_result r = cpuid(features[k].leaf, features[k].subleaf);
            const uint32_t outputs[] = {r.eax, r.ebx, r.ecx, r.edx};
            if (features[k].leaf == 0x80000001 || features[k].leaf <= zero.eax)
                proc_print(o, outputs[features[k].output] >> features[k].bit & 1 ? " %s" : "", features[k].name);
        }
        proc_print(o, "\n\n");
    }
}

PRINTER(print_meminfo)
{
    uint64_t limit, left, free_kb = pages_free() * PAGE_KB;
    tmpfs_usage(&limit, &left);
    proc_print(o, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n",
               pages_total() * PAGE_KB, free_kb, free_kb);
    proc_print(o, "Buffers:        %8d kB\nCached:         %8lu kB\nShmem:          %8lu kB\nSlab:           %8lu kB\n",
               0, (limit - left) * PAGE_KB, (limit - left) * PAGE_KB, kmalloc_used() / 1024);
}

static uint64_t idle_ticks(const struct cpu *cpu)
{
    return (cpu->idle_ns + (cpu->running == cpu->idle ? clock_now() - cpu->idle_since : 0)) / TICK_NS;
}

PRINTER(print_uptime)
{
    uint64_t now = clock_now() / TICK_NS, idle = 0;
    for (uint32_t i = 0; i < cpu_count; i++)
        idle += idle_ticks(&cpus[i]);
    proc_print(o, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

static unsigned count_threads(const struct process *p, bool only_running)
{
    unsigned n = 0;
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process) { n += !only_running || t->state == TASK_RUNNABLE; }
    return n;
}

PRINTER(print_loadavg) /* nobody keeps averages */
{
    unsigned running = 0, threads = 0;
    int last = 0;
    struct process *each;
    LIST_FOR_EACH(each, &process_list, all)
    {
        running += count_threads(each, true);
        threads += count_threads(each, false);
        last = each->pid;
    }
    proc_print(o, "0.00 0.00 0.00 %u/%u %d\n", running, threads, last);
}

/* What is not idle is shown as user time: nobody keeps the two apart for each core. */
PRINTER(print_stat)
{
    uint64_t now = clock_now() / TICK_NS, idle = 0;
    for (uint32_t i = 0; i < cpu_count; i++)
        idle += idle_ticks(&cpus[i]);
    proc_print(o, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", now * cpu_count - idle, idle);
    for (uint32_t i = 0; i < cpu_count; i++)
        proc_print(o, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", i, now - idle_ticks(&cpus[i]), idle_ticks(&cpus[i]));
    proc_print(o, "btime %lu\n", (clock_realtime() - clock_now()) / 1000000000);
}

PRINTER(print_interrupts)
{
    static const struct {
        const char *label, *text;
        uint8_t vector;
    } rows[] = {
        {"4", "IO-APIC   4-edge      ttyS0", VECTOR_SERIAL},
        {"LOC", "Local timer interrupts", VECTOR_TIMER},
        {"SPU", "Spurious interrupts", VECTOR_SPURIOUS},
        {"RES", "Rescheduling interrupts", VECTOR_RESCHEDULE},
        {"TLB", "TLB shootdowns", VECTOR_SHOOTDOWN},
        {"UIS", "User interrupt notifications through the IDT", VECTOR_UINTR},
        {"UIK", "User interrupt wake-ups", VECTOR_UINTR_KERNEL},
    };
    proc_print(o, "           ");
    for (uint32_t i = 0; i < cpu_count; i++)
        proc_print(o, "CPU%-8u", i);
    for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
        proc_print(o, "\n%3s: ", rows[r].label);
        for (uint32_t i = 0; i < cpu_count; i++)
            proc_print(o, "%10lu ", cpus[i].interrupts[rows[r].vector]);
        proc_print(o, "  %s", rows[r].text);
    }
    proc_print(o, "\n");
}

PRINTER(print_version)
{
    proc_print(o, "%s version %s (uintr-vp) %s\n", system_name.sysname, system_name.release, system_name.version);
}

PRINTER(print_mounts) { proc_print(o, "tmpfs / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n"); }

PRINTER(print_self) { proc_print(o, "%d", current->process ? current->process->pid : 0); }

PRINTER(print_uintr_vp) /* programs that only make sense on this kernel look for it */ { proc_print(o, "1\n"); }

/* --- about a process --- */

static const struct task *task_of(const struct process *p) /* the oldest; NULL: all have ended */
{
    return list_is_empty(&p->threads) ? NULL : LIST_FIRST(&p->threads, struct task, in_process);
}

static struct mm *mm_of(const struct process *p) { return task_of(p) ? task_of(p)->mm : NULL; }

static uint64_t resident_pages(const struct process *p) { return mm_of(p) ? mm_of(p)->resident : 0; }

static uint64_t bytes_of_areas(const struct process *p)
{
    uint64_t bytes = 0;
    struct area *a;
    if (mm_of(p))
        LIST_FOR_EACH(a, &mm_of(p)->areas, link) { bytes += a->end - a->start; }
    return bytes;
}

static char state_of(const struct process *p)
{
    static const char letters[] = {
        [TASK_RUNNABLE] = 'R', [TASK_SLEEPING] = 'S', [TASK_DEEP] = 'D', [TASK_STOPPED] = 'T', [TASK_ZOMBIE] = 'Z'};
    return task_of(p) && !p->is_dead ? letters[task_of(p)->state] : 'Z';
}

static const char *name_of(const struct process *p) { return task_of(p) ? task_of(p)->name : "zombie"; }

PRINTER(print_pid_stat)
{
    const struct task *t = task_of(p);
    uint64_t user, system;
    process_times(p, &user, &system);
    proc_print(o, "%d (%.15s) %c %d %d %d ", p->pid, name_of(p), state_of(p), p->parent ? p->parent->pid : 0, p->pgrp,
               p->session);
    proc_print(o, "%d %d 0 0 0 0 0 %lu %lu 0 0 ", p->tty ? DEVICE_SERIAL : 0,
               p->tty && p->tty->foreground ? p->tty->foreground : -1, user / TICK_NS, system / TICK_NS);
    proc_print(o, "%d %d %u 0 %lu %lu %lu -1 ", 20 + (t ? t->nice : 0), t ? t->nice : 0, count_threads(p, false),
               p->started_ns / TICK_NS, bytes_of_areas(p), resident_pages(p));
    proc_print(o, "0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n", t ? t->cpu : 0);
}

PRINTER(print_pid_status)
{
    proc_print(o, "Name:\t%.15s\nState:\t%c\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
               name_of(p), state_of(p), p->pid, p->pid, p->parent ? p->parent->pid : 0);
    proc_print(o, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t%u\n", bytes_of_areas(p) / 1024,
               resident_pages(p) * PAGE_KB, count_threads(p, false));
}

PRINTER(print_cmdline)
{
    for (size_t i = 0; mm_of(p) && p->command && i < p->command_bytes; i++)
        proc_print(o, "%c", p->command[i]);
}

PRINTER(print_comm) { proc_print(o, "%.15s\n", name_of(p)); }

PRINTER(print_exe) { proc_print(o, "%s", mm_of(p) ? p->executable : ""); }

PRINTER(print_maps)
{
    struct area *a;
    if (!mm_of(p))
        return;
    LIST_FOR_EACH(a, &mm_of(p)->areas, link)
    {
        const char *name = a->name ? a->name : a->inode && a->inode == mm_of(p)->program ? p->executable : "";
        proc_print(o, "%08lx-%08lx %c%c%c%c %08lx 00:0%u %-10lu %s\n", a->start, a->end,
                   a->flags & AREA_READ ? 'r' : '-', a->flags & AREA_WRITE ? 'w' : '-',
                   a->flags & AREA_EXEC ? 'x' : '-', a->flags & AREA_SHARED ? 's' : 'p', a->inode ? a->offset : 0,
                   a->inode != NULL, a->inode ? a->inode->ino : 0, name);
    }
}

PRINTER(print_fd)
{
    const struct file *f = proc_file_of(p, fd);
    uint32_t type = f && f->inode ? f->inode->mode & S_IFMT : 0;
    if (f && f->path)
        proc_print(o, "%s", f->path);
    else if (type)
        proc_print(o, "%s:[%lu]", type == S_IFIFO ? "pipe" : "socket", f->inode->ino);
    else
        proc_print(o, "anon_inode:[file]");
}

const struct proc_entry proc_entries[] = {
    [PROC_ROOT] = {PROC_NOWHERE, "", PROC_DIRECTORY},
    [PROC_PID] = {PROC_NOWHERE, "", PROC_DIRECTORY},
    [PROC_FDS] = {PROC_PID, "fd", S_IFDIR | 0500},
    [PROC_FD] = {PROC_NOWHERE, "", S_IFLNK | 0700, print_fd},
    [PROC_SYS] = {PROC_ROOT, "sys", PROC_DIRECTORY},
    [PROC_SYS_KERNEL] = {PROC_SYS, "kernel", PROC_DIRECTORY},
    {PROC_SYS_KERNEL, "uintr_vp", PROC_FILE, print_uintr_vp},
    {PROC_ROOT, "cpuinfo", PROC_FILE, print_cpuinfo},
    {PROC_ROOT, "interrupts", PROC_FILE, print_interrupts},
    {PROC_ROOT, "loadavg", PROC_FILE, print_loadavg},
    {PROC_ROOT, "meminfo", PROC_FILE, print_meminfo},
    {PROC_ROOT, "mounts", PROC_FILE, print_mounts},
    {PROC_ROOT, "self", PROC_LINK, print_self},
    {PROC_ROOT, "stat", PROC_FILE, print_stat},
    {PROC_ROOT, "uptime", PROC_FILE, print_uptime},
    {PROC_ROOT, "version", PROC_FILE, print_version},
    {PROC_PID, "cmdline", PROC_FILE, print_cmdline},
    {PROC_PID, "comm", PROC_FILE, print_comm},
    {PROC_PID, "exe", PROC_LINK, print_exe},
    {PROC_PID, "maps", PROC_FILE, print_maps},
    {PROC_PID, "stat", PROC_FILE, print_pid_stat},
    {PROC_PID, "status", PROC_FILE, print_pid_status},
};
const unsigned proc_entry_count = ARRAY_SIZE(proc_entries);
