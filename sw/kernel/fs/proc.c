/* SPDX-License-Identifier: Apache-2.0 */
/* /proc: a table of names, each with the function that prints what it shows. Formats are Linux's, proc(5); what nobody
 * reads is left out, numbers that nobody keeps are 0. An inode knows its process by number: none there is ESRCH. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"
#include "uring/uring.h"

enum { TICK_NS = 10000000, PAGE_KB = PAGE_BYTES / 1024 };
enum { PROC_FILE = S_IFREG | 0444, PROC_LINK = S_IFLNK | 0777, PROC_DIRECTORY = S_IFDIR | 0555 };

/* What was generated last, and for which file: another reader in between makes it once more. Nothing is longer. */
static char text[65536];
static size_t length;
static const struct file *owner;

__attribute__((format(printf, 1, 2))) static void print(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    length += (size_t)vsnprintf(text + length, sizeof text - length, format, list);
    length = MIN(length, sizeof text - 1);
    va_end(list);
}

#define PRINTER(name) static void name(__attribute__((unused)) const struct process *p) /* whom it is about */

PRINTER(print_cpuinfo)
{
    bool has_uintr = cpuid(7, 0).edx >> 5 & 1;
    for (uint32_t i = 0; i < cpu_count; i++)
        print("processor\t: %u\nflags\t\t: tsc apic sse2 x2apic xsave%s\n\n", i, has_uintr ? " uintr" : "");
}

PRINTER(print_io_uring)
{
    const struct uring_counts *c = &uring_counts;
    print("rings %u\nrequests %u\nworkers %u\nsubmitters %u\nsubmitted %lu\ncompleted %lu\nposts %lu\n", c->rings,
          c->requests, c->workers, c->submitters, c->submitted, c->completed, c->posts);
}

PRINTER(print_meminfo)
{
    uint64_t limit, left, free_kb = pages_free() * PAGE_KB;
    tmpfs_usage(&limit, &left);
    print("MemTotal:       %8lu kB\nMemFree:        %8lu kB\n", pages_total() * PAGE_KB, free_kb);
    print("MemAvailable:   %8lu kB\nCached:         %8lu kB\n", free_kb, (limit - left) * PAGE_KB);
}

static uint64_t idle_ticks(const struct cpu *c)
{
    return (c->idle->system_ns + (c->running == c->idle ? clock_now() - c->idle->account_ns : 0)) / TICK_NS;
}

/* What is not idle is shown as user time: nobody keeps the two apart for each core. */
PRINTER(print_stat)
{
    uint64_t now = clock_now() / TICK_NS, idle = 0;
    for (uint32_t i = 0; i < cpu_count; i++)
        idle += idle_ticks(&cpus[i]);
    print("cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", now * cpu_count - idle, idle);
    for (uint32_t i = 0; i < cpu_count; i++)
        print("cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", i, now - idle_ticks(&cpus[i]), idle_ticks(&cpus[i]));
}

PRINTER(print_interrupts)
{
    static const char *const labels[256] = {
        [VECTOR_SERIAL] = "4",      [VECTOR_TIMER] = "LOC", [VECTOR_RESCHEDULE] = "RES",
        [VECTOR_SHOOTDOWN] = "TLB", [VECTOR_UINTR] = "UIS", [VECTOR_UINTR_KERNEL] = "UIK",
    };
    for (size_t vector = 0; vector < ARRAY_SIZE(labels); vector++) {
        if (labels[vector])
            print("\n%3s:", labels[vector]);
        for (uint32_t i = 0; labels[vector] && i < cpu_count; i++)
            print(" %10lu", cpus[i].interrupts[vector]);
    }
    print("\n");
}

PRINTER(print_loadavg) { print("0.00 0.00 0.00 0/0 0\n"); } /* nobody keeps averages */
PRINTER(print_mounts) { print("tmpfs / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n"); }
PRINTER(print_self) { print("%d", current->process->pid); }
PRINTER(print_uintr_vp) { print("1\n"); } /* programs that only make sense on this kernel look for it */

PRINTER(print_pid_stat)
{
    static const char states[] = {
        [TASK_RUNNABLE] = 'R', [TASK_SLEEPING] = 'S', [TASK_DEEP] = 'D', [TASK_STOPPED] = 'T', [TASK_ZOMBIE] = 'Z'};
    const struct task *t = p->leader, *each;
    uint64_t user, system, bytes = 0;
    unsigned threads = 0;
    struct area *a;
    process_times(p, &user, &system);
    for (LIST_EACH(each, &p->threads, in_process))
        threads++;
    if (t->mm)
        for (LIST_EACH(a, &t->mm->areas, link))
            bytes += a->end - a->start;
    print("%d (%.15s) %c %d %d %d ", p->pid, t->name, states[t->state], p->parent ? p->parent->pid : 0, p->pgrp,
          p->session);
    print("%d %d 0 0 0 0 0 %lu %lu 0 0 ", p->tty ? DEVICE_SERIAL : 0, p->tty ? p->tty->foreground : -1, user / TICK_NS,
          system / TICK_NS);
    print("%d %d %u 0 %lu %lu %lu -1 ", 20 + t->nice, t->nice, threads, p->started_ns / TICK_NS, bytes,
          t->mm ? t->mm->resident : 0);
    print("0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n", t->cpu);
}

PRINTER(print_cmdline)
{
    for (size_t i = 0; p->leader->mm && i < p->command_bytes; i++)
        print("%c", p->command[i]);
}

PRINTER(print_exe) { print("%s", p->leader->mm ? p->executable : ""); }

/* Entries with fixed places in the table. Numbers lead from ROOT to PID. */
enum { ROOT, PID, SYS, KERNEL, NOWHERE };

static const struct {
    unsigned parent;
    const char *name;
    uint32_t mode;
    void (*print)(const struct process *p); /* a file's contents or a link's text */
} entries[] = {
    [ROOT] = {NOWHERE, NULL, PROC_DIRECTORY},
    [PID] = {NOWHERE, NULL, PROC_DIRECTORY},
    [SYS] = {ROOT, "sys", PROC_DIRECTORY},
    [KERNEL] = {SYS, "kernel", PROC_DIRECTORY},
    {KERNEL, "uintr_vp", PROC_FILE, print_uintr_vp},
    {ROOT, "cpuinfo", PROC_FILE, print_cpuinfo},
    {ROOT, "interrupts", PROC_FILE, print_interrupts},
    {ROOT, "io_uring", PROC_FILE, print_io_uring},
    {ROOT, "loadavg", PROC_FILE, print_loadavg},
    {ROOT, "meminfo", PROC_FILE, print_meminfo},
    {ROOT, "mounts", PROC_FILE, print_mounts},
    {ROOT, "self", PROC_LINK, print_self},
    {ROOT, "stat", PROC_FILE, print_stat},
    {PID, "cmdline", PROC_FILE, print_cmdline},
    {PID, "exe", PROC_LINK, print_exe},
    {PID, "stat", PROC_FILE, print_pid_stat},
};

/* An inode's number says what it shows: bit 62 set, 61:16 process, 15:0 place in the table. */
static unsigned entry_of(const struct inode *i) { return (uint16_t)i->ino; }
static int pid_of(const struct inode *i) { return (int)(i->ino >> 16); }

static const struct inode_ops proc_inode_ops;
static const struct file_ops proc_file_ops;

static int generate(const struct inode *i) /* 0 or -ESRCH */
{
    const struct process *p = process_find(pid_of(i));
    if (pid_of(i) && (!p || !p->leader))
        return -ESRCH;
    owner = NULL;
    length = 0;
    text[0] = 0;
    entries[entry_of(i)].print(p);
    return 0;
}

static struct inode *make(struct inode *dir, unsigned entry, int pid)
{
    uint32_t mode = entries[entry].mode;
    struct inode *i = inode_create(mode, &proc_inode_ops, S_ISREG(mode) ? &proc_file_ops : NULL);
    if (!i)
        return NULL;
    i->ino = 1ull << 62 | (uint64_t)pid << 16 | entry;
    i->parent = dir ? inode_get(dir) : NULL;
    i->name = entries[entry].name;
    if (entry == PID) {
        snprintf(i->digits, sizeof i->digits, "%d", pid);
        i->name = i->digits;
    }
    return i;
}

static int next_process(uint64_t from) /* the least number that is not below from; 0: none */
{
    int best = 0;
    struct process *p;
    for (LIST_EACH(p, &process_list, all))
        if (p->leader && (uint64_t)p->pid >= from && (!best || p->pid < best))
            best = p->pid;
    return best;
}

/* Positions: places in the table, of which ROOT and PID lie in no directory; then, in the root, its length + process
 * number. */
static struct inode *proc_next(struct inode *dir, uint64_t *position, const char **name)
{
    struct inode *i = NULL;
    while (!i && *position < ARRAY_SIZE(entries)) {
        unsigned e = (unsigned)(*position)++;
        if (entries[e].parent == entry_of(dir))
            i = make(dir, e, pid_of(dir));
    }
    int pid = i || entry_of(dir) != ROOT ? 0 : next_process(*position - ARRAY_SIZE(entries));
    if (pid) {
        *position = ARRAY_SIZE(entries) + (uint64_t)pid + 1;
        i = make(dir, PID, pid);
    }
    *name = i ? i->name : NULL;
    return i;
}

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t len)
{
    const char *found;
    uint64_t position = 0;
    struct inode *i;
    while ((i = proc_next(dir, &position, &found)) && (strncmp(found, name, len) != 0 || found[len]))
        inode_put(i);
    return i;
}

static char *proc_read_link(struct inode *link) { return generate(link) ? NULL : kstrdup(text); }

static const struct inode_ops proc_inode_ops = {.lookup = proc_lookup, .next = proc_next, .read_link = proc_read_link};

static int64_t proc_read(struct file *f, struct uio *u, uint64_t *position)
{
    if ((!*position || owner != f) && generate(f->inode))
        return -ESRCH;
    owner = f;
    size_t left = u->left, n = *position < length ? length - *position : 0;
    int error = uio_to(u, text + *position, n);
    *position += left - u->left;
    return error ? error : (int64_t)(left - u->left);
}

static void proc_release(struct file *f) { owner = owner == f ? NULL : owner; }

static const struct file_ops proc_file_ops = {.read = proc_read, .release = proc_release};

void proc_init(void)
{
    if (vfs_name("/proc", make(NULL, ROOT, 0)))
        panic("no memory for /proc");
}
