/* SPDX-License-Identifier: Apache-2.0 */
/* /proc: a table of names, each with the function that prints what it shows into a buffer. Formats are Linux's,
 * proc(5); what programs do not read is left out, numbers that nobody keeps are 0. An inode holds no pointer to a
 * process, only its number: who finds nobody there gets ESRCH. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"
#include "uring/uring.h"

enum { TICK_NS = 10000000, PAGE_KB = PAGE_BYTES / 1024, FIRST_ROOM = 1000 };
enum { PROC_FILE = S_IFREG | 0444, PROC_LINK = S_IFLNK | 0777, PROC_DIRECTORY = S_IFDIR | 0555 };

struct text { /* contents in the making; a length of room or more means that room was too little */
    size_t room, length;
    char bytes[];
};

__attribute__((format(printf, 2, 3))) static void print(struct text *t, const char *format, ...)
{
    size_t used = MIN(t->length, t->room);
    va_list list;
    va_start(list, format);
    t->length += (size_t)vsnprintf(t->bytes + used, t->room - used, format, list);
    va_end(list);
}

/* p: whom it is about, if anybody; fd: which of its descriptors. */
#define UNUSED __attribute__((unused))
#define PRINTER(name) static void name(struct text *o, UNUSED const struct process *p, UNUSED int fd)

PRINTER(print_cpuinfo)
{
    enum { EBX, ECX, EDX };
    static const struct {
        uint32_t leaf, output, bit;
        const char *name;
    } features[] = {
        {1, EDX, 4, "tsc"},    {1, EDX, 9, "apic"},    {1, EDX, 26, "sse2"}, {1, ECX, 21, "x2apic"},
        {1, ECX, 26, "xsave"}, {7, ECX, 5, "waitpkg"}, {7, EDX, 5, "uintr"}, {7, EDX, 14, "serialize"},
    };
    uint32_t last_leaf = cpuid(0, 0).eax;
    for (uint32_t i = 0; i < cpu_count; i++) {
        print(o, "processor\t: %u\napicid\t\t: %u\nflags\t\t:", i, cpus[i].apic_id);
        for (size_t k = 0; k < ARRAY_SIZE(features); k++) {
            struct cpuid_result r = cpuid(features[k].leaf, 0);
            const uint32_t outputs[] = {r.ebx, r.ecx, r.edx};
            if (features[k].leaf <= last_leaf && outputs[features[k].output] >> features[k].bit & 1)
                print(o, " %s", features[k].name);
        }
        print(o, "\n\n");
    }
}

PRINTER(print_io_uring)
{
    const struct uring_counts *c = &uring_counts;
    print(o, "rings %u\nrequests %u\nworkers %u\nsubmitters %u\nsubmitted %lu\ncompleted %lu\nposts %lu\n", c->rings,
          c->requests, c->workers, c->submitters, c->submitted, c->completed, c->posts);
}

PRINTER(print_meminfo)
{
    uint64_t limit, left, free_kb = pages_free() * PAGE_KB;
    tmpfs_usage(&limit, &left);
    print(o, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\nBuffers:        %8d kB\n",
          pages_total() * PAGE_KB, free_kb, free_kb, 0);
    print(o, "Cached:         %8lu kB\nShmem:          %8lu kB\n", (limit - left) * PAGE_KB, (limit - left) * PAGE_KB);
}

static uint64_t idle_ticks(const struct cpu *c, uint32_t count)
{
    uint64_t ns = 0;
    for (; count; c++, count--)
        ns += c->idle->system_ns + (c->running == c->idle ? clock_now() - c->idle->account_ns : 0);
    return ns / TICK_NS;
}

PRINTER(print_uptime)
{
    uint64_t now = clock_now() / TICK_NS, idle = idle_ticks(cpus, cpu_count);
    print(o, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

/* What is not idle is shown as user time: nobody keeps the two apart for each core. */
PRINTER(print_stat)
{
    uint64_t now = clock_now() / TICK_NS, idle = idle_ticks(cpus, cpu_count);
    print(o, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", now * cpu_count - idle, idle);
    for (uint32_t i = 0; i < cpu_count; i++)
        print(o, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", i, now - idle_ticks(cpus + i, 1), idle_ticks(cpus + i, 1));
}

PRINTER(print_interrupts)
{
    static const char *const labels[256] = {
        [VECTOR_SERIAL] = "4",      [VECTOR_TIMER] = "LOC", [VECTOR_RESCHEDULE] = "RES",
        [VECTOR_SHOOTDOWN] = "TLB", [VECTOR_UINTR] = "UIS", [VECTOR_UINTR_KERNEL] = "UIK",
    };
    for (size_t vector = 0; vector < ARRAY_SIZE(labels); vector++) {
        if (!labels[vector])
            continue;
        print(o, "%3s:", labels[vector]);
        for (uint32_t i = 0; i < cpu_count; i++)
            print(o, " %10lu", cpus[i].interrupts[vector]);
        print(o, "\n");
    }
}

PRINTER(print_loadavg) { print(o, "0.00 0.00 0.00 0/0 0\n"); } /* nobody keeps averages */
PRINTER(print_mounts) { print(o, "tmpfs / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n"); }
PRINTER(print_self) { print(o, "%d", current->process->pid); }
PRINTER(print_uintr_vp) { print(o, "1\n"); } /* programs that only make sense on this kernel look for it */
PRINTER(print_version) { print(o, "%s version %s\n", system_name.sysname, system_name.release); }

PRINTER(print_pid_stat)
{
    static const char states[] = {
        [TASK_RUNNABLE] = 'R', [TASK_SLEEPING] = 'S', [TASK_DEEP] = 'D', [TASK_STOPPED] = 'T', [TASK_ZOMBIE] = 'Z'};
    const struct task *t = p->leader, *each;
    uint64_t user, system, bytes = 0;
    unsigned threads = 0;
    struct area *a;
    process_times(p, &user, &system);
    LIST_FOR_EACH(each, &p->threads, in_process) { threads++; }
    if (t->mm)
        LIST_FOR_EACH(a, &t->mm->areas, link) { bytes += a->end - a->start; }
    print(o, "%d (%.15s) %c %d %d %d ", p->pid, t->name, states[t->state], p->parent ? p->parent->pid : 0, p->pgrp,
          p->session);
    print(o, "%d %d 0 0 0 0 0 %lu %lu 0 0 ", p->tty ? DEVICE_SERIAL : 0, p->tty ? p->tty->foreground : -1,
          user / TICK_NS, system / TICK_NS);
    print(o, "%d %d %u 0 %lu %lu %lu -1 ", 20 + t->nice, t->nice, threads, p->started_ns / TICK_NS, bytes,
          t->mm ? t->mm->resident : 0);
    print(o, "0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n", t->cpu);
}

PRINTER(print_cmdline)
{
    for (size_t i = 0; p->leader->mm && i < p->command_bytes; i++)
        print(o, "%c", p->command[i]);
}

PRINTER(print_comm) { print(o, "%.15s\n", p->leader->name); }
PRINTER(print_exe) { print(o, "%s", p->leader->mm ? p->executable : ""); }

PRINTER(print_maps)
{
    struct area *a;
    if (!p->leader->mm)
        return;
    LIST_FOR_EACH(a, &p->leader->mm->areas, link)
    {
        print(o, "%08lx-%08lx %c%c%c%c %08lx 00:0%u %-10lu ", a->start, a->end, a->flags & AREA_READ ? 'r' : '-',
              a->flags & AREA_WRITE ? 'w' : '-', a->flags & AREA_EXEC ? 'x' : '-', a->flags & AREA_SHARED ? 's' : 'p',
              a->inode ? a->offset : 0, a->inode != NULL, a->inode ? a->inode->ino : 0);
        print(o, "%s\n", a->name ? a->name : a->inode && a->inode->name ? a->inode->name : "");
    }
}

static struct file *file_of(const struct process *p, int fd)
{
    return p->leader->files && fd < FDS_MAX ? p->leader->files->file[fd] : NULL;
}

PRINTER(print_fd)
{
    char path[512];
    const struct inode *i = file_of(p, fd) ? file_of(p, fd)->inode : NULL;
    if (i && !path_of_inode(i, path, sizeof path))
        print(o, "%s", path);
    else if (i)
        print(o, "%s:[%lu]", S_ISFIFO(i->mode) ? "pipe" : S_ISSOCK(i->mode) ? "socket" : "nameless", i->ino);
}

/* Entries with fixed places in the table. Numbers lead from ROOT to PID and from FDS to FD. */
enum { ROOT, PID, FDS, FD, SYS, KERNEL, NOWHERE };

static const struct {
    unsigned parent;
    const char *name;
    uint32_t mode;
    void (*print)(struct text *o, const struct process *p, int fd); /* a file's contents or a link's text */
} entries[] = {
    [ROOT] = {NOWHERE, "", PROC_DIRECTORY},
    [PID] = {NOWHERE, "", PROC_DIRECTORY},
    [FDS] = {PID, "fd", PROC_DIRECTORY},
    [FD] = {NOWHERE, "", PROC_LINK, print_fd},
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
    {ROOT, "uptime", PROC_FILE, print_uptime},
    {ROOT, "version", PROC_FILE, print_version},
    {PID, "cmdline", PROC_FILE, print_cmdline},
    {PID, "comm", PROC_FILE, print_comm},
    {PID, "exe", PROC_LINK, print_exe},
    {PID, "maps", PROC_FILE, print_maps},
    {PID, "stat", PROC_FILE, print_pid_stat},
};

/* An inode's number says what it shows: bit 62 set, 61:32 process, 31:16 descriptor, 15:0 place in the table. */
static uint64_t ino_of(uint64_t entry, int pid, int fd)
{
    return 1ull << 62 | (uint64_t)pid << 32 | (uint64_t)fd << 16 | entry;
}
static unsigned entry_of(const struct inode *i) { return (uint16_t)i->ino; }
static int fd_of(const struct inode *i) { return (uint16_t)(i->ino >> 16); }
static int pid_of(const struct inode *i) { return (int)(i->ino >> 32 & 0x3fffffff); }

static struct process *process_of(const struct inode *i) /* NULL: it is gone, or there never was one */
{
    struct process *p = process_find(pid_of(i));
    return p && p->leader ? p : NULL;
}

static const struct inode_ops proc_inode_ops;
static const struct file_ops proc_file_ops;

/* *text, which is allocated: 0, -ESRCH, -ENOMEM. Nothing changes under the kernel lock, so a second try fits. */
static int generate(const struct inode *i, struct text **text)
{
    const struct process *p = process_of(i);
    if (pid_of(i) && !p)
        return -ESRCH;
    for (size_t room = FIRST_ROOM;;) {
        struct text *t = *text = kmalloc(sizeof *t + room);
        if (!t)
            return -ENOMEM;
        *t = (struct text){.room = room};
        print(t, "%s", ""); /* a text ends with a NUL, even where nothing is shown */
        entries[entry_of(i)].print(t, p, fd_of(i));
        if (t->length < room)
            return 0;
        room = t->length + 1;
        kfree(t);
    }
}

static struct inode *make(struct inode *dir, uint64_t ino)
{
    uint32_t mode = entries[ino & 0xffff].mode;
    struct inode *i = inode_create(mode, &proc_inode_ops, S_ISREG(mode) ? &proc_file_ops : NULL);
    if (!i)
        return NULL;
    i->ino = ino;
    i->parent = dir ? inode_get(dir) : NULL;
    i->name = entries[ino & 0xffff].name;
    return i;
}

/* The least number >= from that a directory has; -1: none. */
static int next_number(const struct inode *dir, int from)
{
    int best = -1;
    struct process *p;
    if (entry_of(dir) == FDS && process_of(dir)) {
        for (int fd = from; best < 0 && fd < FDS_MAX; fd++)
            best = file_of(process_of(dir), fd) ? fd : -1;
    } else if (entry_of(dir) == ROOT) {
        LIST_FOR_EACH(p, &process_list, all)
        {
            if (p->leader && p->pid >= from && (best < 0 || p->pid < best))
                best = p->pid;
        }
    }
    return best;
}

/* Positions: places in the table, then its length + number. */
static struct inode *proc_next(struct inode *dir, uint64_t *position, const char **name)
{
    struct inode *i = NULL;
    while (!i && *position < ARRAY_SIZE(entries)) {
        uint64_t e = (*position)++;
        if (entries[e].parent == entry_of(dir))
            i = make(dir, ino_of(e, pid_of(dir), 0));
    }
    int n = i || *position > INT32_MAX ? -1 : next_number(dir, (int)(*position - ARRAY_SIZE(entries)));
    if (n >= 0) {
        *position = ARRAY_SIZE(entries) + (uint64_t)n + 1;
        i = make(dir, entry_of(dir) == ROOT ? ino_of(PID, n, 0) : ino_of(FD, pid_of(dir), n));
    }
    if (i && n >= 0) {
        snprintf(i->digits, sizeof i->digits, "%d", n);
        i->name = i->digits;
    }
    *name = i ? i->name : NULL;
    return i;
}

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t len)
{
    const char *found;
    uint64_t position = 0;
    struct inode *i;
    while ((i = proc_next(dir, &position, &found)) && (strncmp(found, name, len) || found[len]))
        inode_put(i);
    return i;
}

static char *proc_read_link(struct inode *link)
{
    struct text *t;
    if (generate(link, &t))
        return NULL;
    char *text = kstrdup(t->bytes);
    kfree(t);
    return text;
}

/* An eventfd and its kind have no inode of their own and cannot be opened a second time. */
static struct inode *proc_follow(struct inode *link)
{
    struct file *f = entry_of(link) == FD && process_of(link) ? file_of(process_of(link), fd_of(link)) : NULL;
    return f && f->inode->mode & S_IFMT ? inode_get(f->inode) : NULL;
}

static const struct inode_ops proc_inode_ops = {
    .lookup = proc_lookup, .next = proc_next, .read_link = proc_read_link, .follow = proc_follow};

static int64_t proc_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct text *t = f->data;
    if (*position == 0 || !t) {
        int error = generate(f->inode, &t);
        if (error)
            return error;
        kfree(f->data);
        f->data = t;
    }
    size_t n = *position < t->length ? MIN(u->left, t->length - *position) : 0;
    if (uio_to(u, t->bytes + *position, n))
        return -EFAULT;
    *position += n;
    return (int64_t)n;
}

static void proc_release(struct file *f) { kfree(f->data); }

static const struct file_ops proc_file_ops = {.read = proc_read, .release = proc_release};

void proc_init(void)
{
    if (vfs_name("/proc", make(NULL, ino_of(ROOT, 0, 0))))
        panic("no memory for /proc");
}
