/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID and /proc/PID/task/TID. Formats are Linux's, proc(5). */
#include "fs/proc.h"

#include "fs/tty.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"
#include <linux/resource.h>

enum { TICK_NS = 10000000, MAPS_NAME_COLUMN = 73 };

struct sizes { /* bytes of areas */
    uint64_t total, code, data, stack, file, first_code, end_code;
};

static struct mm *mm_of(const struct proc_subject *s) { return s->task ? s->task->mm : NULL; }

static void add_area(void *ctx, const struct area *a)
{
    struct sizes *z = ctx;
    uint64_t bytes = a->end - a->start;
    z->total += bytes;
    z->file += a->inode ? bytes : 0;
    if (a->flags & AREA_EXEC) {
        z->code += bytes;
        z->first_code = z->first_code ? z->first_code : a->start;
        z->end_code = a->end;
    } else if (a->flags & AREA_STACK) {
        z->stack += bytes;
    } else if ((a->flags & AREA_WRITE) && !(a->flags & AREA_SHARED)) {
        z->data += bytes;
    }
}

static struct sizes sizes_of(const struct proc_subject *s)
{
    struct sizes z = {0};
    if (mm_of(s))
        mm_dump_areas(mm_of(s), add_area, &z);
    return z;
}

struct usage { /* of the thread, or of all */
    uint64_t user_ns, system_ns, faults;
    int threads;
};

static struct usage usage_of(const struct proc_subject *s)
{
    struct usage u = {0};
    struct task *t;
    LIST_FOR_EACH(t, &s->process->threads, in_process)
    {
        u.threads++;
        u.faults += s->is_thread ? 0 : t->faults;
    }
    if (s->is_thread) {
        u.user_ns = s->task->user_ns;
        u.system_ns = s->task->system_ns;
        u.faults = s->task->faults;
    } else {
        process_times(s->process, &u.user_ns, &u.system_ns);
    }
    return u;
}

/* Letter and word. */
static const char *state_of(const struct proc_subject *s)
{
    if (!s->task || s->process->is_dead)
        return "Z (zombie)";
    switch (s->task->state) {
    case TASK_RUNNABLE: return "R (running)";
    case TASK_SLEEPING: return "S (sleeping)";
    case TASK_DEEP: return "D (disk sleep)";
    case TASK_STOPPED: return "T (stopped)";
    default: return "Z (zombie)";
    }
}

static const char *name_of(const struct proc_subject *s)
{
    if (s->task)
        return s->task->name;
    const char *slash = strrchr(s->process->executable, '/');
    return slash ? slash + 1 : s->process->executable;
}

static int id_of(const struct proc_subject *s) { return s->is_thread ? s->number : s->process->pid; }
static int parent_of(const struct proc_subject *s) { return s->process->parent ? s->process->parent->pid : 0; }

struct signal_sets {
    uint64_t ignored, caught;
};

static struct signal_sets signals_of(const struct process *p)
{
    struct signal_sets sets = {0, 0};
    for (unsigned i = 1; i <= SIGNALS; i++) {
        uint64_t bit = SIGNAL_BIT(i);
        sets.ignored |= p->action[i].sa_handler == SIG_IGN ? bit : 0;
        sets.caught |= p->action[i].sa_handler != SIG_IGN && p->action[i].sa_handler != SIG_DFL ? bit : 0;
    }
    return sets;
}

static int print_stat(struct proc_text *o, const struct proc_subject *s)
{
    const struct process *p = s->process;
    const struct task *t = s->task;
    const struct mm *mm = mm_of(s);
    struct sizes z = sizes_of(s);
    struct usage used = usage_of(s);
    struct signal_sets sets = signals_of(p);
    int nice = t ? t->nice : 0;
    proc_print(o, "%d (%.15s) %c %d %d %d %d %d 0 ", id_of(s), name_of(s), state_of(s)[0], parent_of(s), p->pgrp,
               p->session, p->tty ? DEVICE_SERIAL : 0, p->tty && p->tty->foreground ? p->tty->foreground : -1);
    proc_print(o, "%lu 0 0 0 %lu %lu %lu %lu ", used.faults, used.user_ns / TICK_NS, used.system_ns / TICK_NS,
               p->children_user_ns / TICK_NS, p->children_system_ns / TICK_NS);
    proc_print(o, "%d %d %d 0 %lu %lu %lu %lu ", 20 + nice, nice, used.threads, p->started_ns / TICK_NS, z.total,
               mm ? mm->resident : 0, p->rlimit[RLIMIT_RSS][0]);
    proc_print(o, "%lu %lu %lu 0 0 ", z.first_code, z.end_code, mm ? mm->stack_top : 0);
    proc_print(o, "%lu %lu %lu %lu 0 0 0 ", t ? t->pending : 0, t ? t->blocked : 0, sets.ignored, sets.caught);
    proc_print(o, "%d %u 0 0 0 0 0 0 0 ", p->exit_signal, t ? t->cpu : 0);
    proc_print(o, "%lu %lu %lu 0 0 %d\n", mm ? mm->brk_start : 0, mm ? mm->arguments_start : 0,
               mm ? mm->arguments_end : 0, p->exit_status);
    return 0;
}

static int print_statm(struct proc_text *o, const struct proc_subject *s)
{
    struct sizes z = sizes_of(s);
    uint64_t page = PAGE_BYTES;
    proc_print(o, "%lu %lu 0 %lu 0 %lu 0\n", z.total / page, mm_of(s) ? mm_of(s)->resident : 0, z.code / page,
               (z.data + z.stack) / page);
    return 0;
}

static int print_status(struct proc_text *o, const struct proc_subject *s)
{
    const struct process *p = s->process;
    const struct task *t = s->task;
    struct signal_sets sets = signals_of(p);
    proc_print(o, "Name:\t%.15s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
               name_of(s), t && t->fs ? t->fs->umask : 0, state_of(s), p->pid, id_of(s), parent_of(s));
    proc_print(o, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%d\nGroups:\t\n", p->uid, p->uid, p->uid,
               p->uid, p->gid, p->gid, p->gid, p->gid, t && t->files ? FDS_MAX : 0);
    proc_print(o, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", p->pid, id_of(s), p->pgrp, p->session);
    if (mm_of(s)) {
        struct sizes z = sizes_of(s);
        uint64_t resident_kb = mm_of(s)->resident * (PAGE_BYTES / 1024);
        proc_print(o, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\n", z.total / 1024,
                   z.total / 1024);
        proc_print(
            o, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\n",
            resident_kb, resident_kb, resident_kb);
        proc_print(o, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t       0 kB\nVmSwap:\t       0 kB\n",
                   z.data / 1024, z.stack / 1024, z.code / 1024);
    }
    proc_print(o, "Threads:\t%d\nSigQ:\t0/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\n",
               usage_of(s).threads, p->rlimit[RLIMIT_SIGPENDING][0], t ? t->pending : 0, p->pending, t ? t->blocked : 0,
               sets.ignored);
    uint64_t allowed = t ? t->affinity & cpus_online() : 0;
    proc_print(o, "SigCgt:\t%016lx\nCpus_allowed:\t%02lx\nCpus_allowed_list:\t", sets.caught, allowed);
    proc_print_mask(o, allowed);
    proc_print(o, "\nvoluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", t ? t->switches_voluntary : 0,
               t ? t->switches_forced : 0);
    return 0;
}

static int print_cmdline(struct proc_text *o, const struct proc_subject *s)
{
    if (mm_of(s))
        proc_put(o, s->process->command, s->process->command_bytes);
    return 0;
}

static int print_comm(struct proc_text *o, const struct proc_subject *s)
{
    proc_print(o, "%.15s\n", name_of(s));
    return 0;
}

static int write_comm(const struct proc_subject *s, char *text, size_t bytes)
{
    if (!s->task || current->process != s->process)
        return -EINVAL;
    if (bytes && text[bytes - 1] == '\n')
        text[--bytes] = 0;
    memset(s->task->name, 0, sizeof s->task->name);
    memcpy(s->task->name, text, MIN(bytes, sizeof s->task->name - 1));
    return 0;
}

struct maps {
    struct proc_text *out;
    struct inode *executable; /* areas of other files have no name */
    const char *executable_path;
};

static void print_area(void *ctx, const struct area *a)
{
    struct maps *m = ctx;
    char head[MAPS_NAME_COLUMN + 40];
    const char *name = a->name;
    if (!name && a->inode)
        name = a->inode == m->executable ? m->executable_path : a->inode->nlink ? NULL : "/dev/zero (deleted)";
    snprintf(head, sizeof head, "%08lx-%08lx %c%c%c%c %08lx 00:%02x %lu ", a->start, a->end,
             a->flags & AREA_READ ? 'r' : '-', a->flags & AREA_WRITE ? 'w' : '-', a->flags & AREA_EXEC ? 'x' : '-',
             a->flags & AREA_SHARED ? 's' : 'p', a->inode ? a->offset : 0, a->inode ? 1 : 0,
             a->inode ? a->inode->ino : 0);
    if (name)
        proc_print(m->out, "%-*s%s\n", MAPS_NAME_COLUMN, head, name);
    else
        proc_print(m->out, "%s\n", head);
}

static int print_maps(struct proc_text *o, const struct proc_subject *s)
{
    struct path_result r = {.inode = NULL};
    const char *path = s->process->executable;
    if (!mm_of(s))
        return 0;
    if (path_lookup(AT_FDCWD, path, 0, &r))
        r.inode = NULL;
    struct maps m = {.out = o, .executable = r.inode, .executable_path = path};
    mm_dump_areas(mm_of(s), print_area, &m);
    if (r.inode)
        inode_put(r.inode);
    return 0;
}

static int print_limits(struct proc_text *o, const struct proc_subject *s)
{
    static const struct {
        const char *name, *unit;
    } limits[16] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},         [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},         [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},    [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},    [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},  [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},       [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"}, [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},    [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };
    proc_print(o, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        char number[2][24];
        for (int hard = 0; hard < 2; hard++) {
            uint64_t value = s->process->rlimit[i][hard];
            snprintf(number[hard], sizeof number[hard], value == UINT64_MAX ? "unlimited" : "%lu", value);
        }
        proc_print(o, "%-25s %-20s %-20s %-10s\n", limits[i].name, number[0], number[1], limits[i].unit);
    }
    return 0;
}

static char *link_exe(const struct proc_subject *s) { return kstrdup(mm_of(s) ? s->process->executable : ""); }
static char *link_cwd(const struct proc_subject *s)
{
    char *path = kmalloc(PATH_BYTES);
    if (path && (!s->task || !s->task->fs || path_of_inode(s->task->fs->cwd, path, PATH_BYTES)))
        path[0] = 0; /* removed, or outside of the root */
    return path;
}
static char *link_root(const struct proc_subject *s)
{
    (void)s;
    return kstrdup("/");
}

static struct inode *follow_cwd(const struct proc_subject *s)
{
    return s->task && s->task->fs ? s->task->fs->cwd : NULL;
}
static struct inode *follow_root(const struct proc_subject *s)
{
    return s->task && s->task->fs ? s->task->fs->root : NULL;
}

static struct file *file_of(const struct proc_subject *s)
{
    return s->task && s->task->files && s->fd < FDS_MAX ? s->task->files->file[s->fd] : NULL;
}

static char *link_fd(const struct proc_subject *s)
{
    char text[40];
    const struct file *f = file_of(s);
    if (!f)
        return kstrdup("");
    if (f->path)
        return kstrdup(f->path);
    if (f->inode && (S_ISFIFO(f->inode->mode) || S_ISSOCK(f->inode->mode)))
        snprintf(text, sizeof text, "%s:[%lu]", S_ISFIFO(f->inode->mode) ? "pipe" : "socket", f->inode->ino);
    else
        snprintf(text, sizeof text, "anon_inode:[file]");
    return kstrdup(text);
}

/* An eventfd and its kind cannot be opened a second time. */
static struct inode *follow_fd(const struct proc_subject *s)
{
    const struct file *f = file_of(s);
    return f && f->inode && f->inode->mode & S_IFMT ? f->inode : NULL;
}

static const struct proc_entry fd_entry = {.mode = S_IFLNK | 0700, .link = link_fd, .follow = follow_fd};

/* What a thread has and what a process has are alike, but for the list of threads. */
#define COMMON_ENTRIES                                                                                                 \
    {"cmdline", PROC_FILE, .print = print_cmdline},                                                                    \
        {"comm", S_IFREG | 0644, .print = print_comm, .write = write_comm},                                            \
        {"cwd", PROC_LINK, .link = link_cwd, .follow = follow_cwd}, {"exe", PROC_LINK, .link = link_exe},              \
        {"fd", S_IFDIR | 0500, .numbered = NUMBERED_FDS, .each = &fd_entry},                                           \
        {"limits", PROC_FILE, .print = print_limits}, {"maps", PROC_FILE, .print = print_maps},                        \
        {"root", PROC_LINK, .link = link_root, .follow = follow_root}, {"stat", PROC_FILE, .print = print_stat},       \
        {"statm", PROC_FILE, .print = print_statm},                                                                    \
    {                                                                                                                  \
        "status", PROC_FILE, .print = print_status                                                                     \
    }

static const struct proc_entry thread_entries[] = {COMMON_ENTRIES, {.name = NULL}};
static const struct proc_entry thread_entry = {.mode = PROC_DIRECTORY, .children = thread_entries};
static const struct proc_entry pid_entries[] = {
    COMMON_ENTRIES, {"task", PROC_DIRECTORY, .numbered = NUMBERED_THREADS, .each = &thread_entry}, {.name = NULL}};

const struct proc_entry proc_pid_entry = {.mode = PROC_DIRECTORY, .children = pid_entries};
