/* SPDX-License-Identifier: Apache-2.0 */
/* Running another program: finding it, scripts and their interpreters, and the moment when it takes over. What can fail
 * comes before that moment; the other threads are ended last of it. */
#include "proc/exec.h"
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/signal.h"
#include "string.h"
#include "uintr/uintr.h"
#include <linux/resource.h>

enum { SCRIPT_DEPTH = 5, SCRIPT_LINE = 256, STRINGS_BYTES = 128 << 10 };

/* --- arguments and environment --- */

/* Appends the strings of an array in user memory, or of process 1's in the kernel's: how many, or -errno. */
static long append(struct program *g, uint64_t array, bool is_kernel)
{
    long count = 0;
    for (; array; array += sizeof array, count++) {
        char *to = g->strings + g->bytes;
        uint64_t from;
        if (is_kernel)
            from = *(const uint64_t *)array;
        else if (GET_USER(from, array))
            return -EFAULT;
        if (!from)
            break;
        int64_t room = STRINGS_BYTES - (int64_t)g->bytes;
        int64_t length = is_kernel ? snprintf(to, (size_t)room, "%s", (const char *)from)
                                   : copy_string_from_user(to, from, (size_t)room);
        if (length == -ENAMETOOLONG || length >= room)
            return -E2BIG;
        if (length < 0)
            return length;
        g->bytes += (size_t)length + 1;
    }
    return count;
}

/* Puts an argument before all others, or in place of the first. */
static int prepend(struct program *g, const char *text, bool is_replacing)
{
    size_t bytes = strlen(text) + 1, gone = is_replacing ? strlen(g->strings) + 1 : 0;
    if (bytes > STRINGS_BYTES - g->bytes)
        return -E2BIG;
    memmove(g->strings + bytes, g->strings + gone, g->bytes - gone);
    memcpy(g->strings, text, bytes);
    g->bytes += bytes - gone;
    g->argument_bytes += bytes - gone;
    g->argument_count += !is_replacing;
    return 0;
}

static long collect_strings(struct program *g, uint64_t arguments, uint64_t environment, bool is_kernel)
{
    long count = append(g, arguments, is_kernel);
    if (count < 0)
        return count;
    g->argument_count = (size_t)count;
    g->argument_bytes = g->bytes;
    int error = count ? 0 : prepend(g, "", false); /* nobody expects argc to be 0 */
    if (error)
        return error;
    count = append(g, environment, is_kernel);
    g->environment_count = (size_t)count;
    return count < 0 ? count : 0;
}

/* --- the file --- */

static int open_program(struct program *g, const char *path)
{
    struct file *f;
    int error = vfs_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &f);
    if (error)
        return error;
    file_put(g->file);
    g->file = f;
    return f->inode && S_ISREG(f->inode->mode) && f->inode->mode & 0111 ? 0 : -EACCES;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static char *skip(char *p, bool blanks)
{
    while (*p && is_blank(*p) == blanks)
        p++;
    return p;
}

/* "#! interpreter argument" goes before the other arguments; the argument is all the rest, blanks within included. */
static int become_interpreter(struct program *g, char *line)
{
    char *end = strchr(line, '\n');
    if (!end)
        end = line + strlen(line);
    while (is_blank(end[-1]))
        end--;
    *end = 0;
    char *interpreter = skip(line + 2, true), *rest = skip(interpreter, false), *argument = skip(rest, true);
    *rest = 0;
    if (!*interpreter)
        return -ENOEXEC;
    int error = *argument ? prepend(g, argument, false) : 0;
    if (!error)
        error = prepend(g, interpreter, false);
    return error ? error : open_program(g, interpreter);
}

static int load(struct program *g)
{
    int error = open_program(g, g->path);
    for (int depth = 0; !error; depth++) {
        char line[SCRIPT_LINE + 1];
        int64_t n = vfs_read_at(g->file->inode, line, SCRIPT_LINE, 0);
        if (n < 0)
            return (int)n;
        line[n] = 0;
        if (line[0] != '#' || line[1] != '!')
            return elf_load(g);
        if (depth == SCRIPT_DEPTH)
            return -ELOOP;
        if (depth == 0) /* argv[0] is the script's path; that of further ones it is already */
            error = prepend(g, g->path, true);
        if (!error)
            error = become_interpreter(g, line);
    }
    return error;
}

/* --- taking over --- */

/* A thread that is not the first one takes over its number and place. */
static void become_leader(struct process *p, struct task *t)
{
    struct task *old = p->leader;
    if (t == old)
        return;
    task_exchange_tids(t, old);
    p->leader = t;
    if (old->state == TASK_ZOMBIE) {
        list_remove(&old->in_process);
        task_free(old);
    }
}

static int end_other_threads(struct task *t)
{
    struct process *p = t->process;
    struct waiter w;
    int error = 0;
    if (p->group_exiting)
        return -EAGAIN;
    p->group_exiting = true;
    become_leader(p, t);
    signal_kill_threads(p, t);
    while (process_has_thread(p, t) && !error) {
        wait_begin(&p->child_event, &w);
        error = task_sleep_uninterrupted(NEVER);
        wait_end(&w);
    }
    p->group_exiting = false;
    return error ? -EAGAIN : 0; /* killed ourselves */
}

static void set_names(struct task *t, const struct program *g)
{
    struct process *p = t->process;
    const char *slash = strrchr(g->path, '/');
    memset(t->name, 0, sizeof t->name);
    snprintf(t->name, sizeof t->name, "%s", slash ? slash + 1 : g->path);
    trace_name(t->tid, t->name);
    snprintf(p->executable, sizeof p->executable, "%s", g->file->path ? g->file->path : g->path);
    p->command_bytes = MIN(g->argument_bytes, sizeof p->command);
    memcpy(p->command, g->strings, p->command_bytes);
}

/* Nothing fails from here on. */
static void install(struct task *t, struct program *g)
{
    struct process *p = t->process;
    uintr_task_exit(t);
    fpu_reset(t);
    mm_set_program(g->mm, g->file->inode);
    task_replace_mm(t, g->mm);
    g->mm = NULL;
    files_close_on_exec(t->files);
    signal_reset_actions(p);
    t->alternate_stack = (stack_t){.ss_flags = SS_DISABLE};
    t->restart.again = NULL;
    p->has_execed = true;
    set_names(t, g);
    *t->frame = (struct frame){.vector = FRAME_SYSCALL,
                               .error = UINT64_MAX,
                               .rip = g->entry,
                               .cs = SEL_USER_CODE,
                               .rflags = RFLAGS_IF | RFLAGS_ONE,
                               .rsp = g->stack,
                               .ss = SEL_USER_DATA};
    t->fs_base = 0;
    wrmsr(MSR_FS_BASE, 0);
}

static long prepare(struct task *t, struct program *g, uint64_t arguments, uint64_t environment, bool is_kernel)
{
    const char *const path[] = {g->path, NULL};
    long error = collect_strings(g, arguments, environment, is_kernel);
    if (!error)
        error = load(g);
    if (!error)
        error = append(g, (uint64_t)path, true);
    if (error >= 0)
        error = exec_build_stack(g);
    if (!error)
        error = end_other_threads(t);
    if (!error && t->files->refs > 1) { /* shared with another process, which keeps its descriptors */
        struct files *own = files_copy(t->files);
        if (!own)
            return -ENOMEM;
        files_put(t->files);
        t->files = own;
    }
    return error;
}

static long execute(const char *path, uint64_t arguments, uint64_t environment, bool is_kernel)
{
    struct program g = {.path = path, .strings = kmalloc(STRINGS_BYTES)};
    long error = g.strings ? prepare(current, &g, arguments, environment, is_kernel) : -ENOMEM;
    if (!error)
        install(current, &g);
    if (g.mm)
        mm_put(g.mm);
    file_put(g.file);
    kfree(g.strings);
    return error;
}

SYSCALL3(execve, uint64_t, path_at, uint64_t, arguments, uint64_t, environment)
{
    char *path;
    long error = string_from_user(&path, path_at, PATH_BYTES);
    if (error)
        return error;
    error = execute(path, arguments, environment, false);
    kfree(path);
    return error;
}

/* --- process 1 --- */

/* The current kernel thread becomes the first process's. */
static long become_process(struct task *t)
{
    struct process *p = process_create(NULL);
    struct task *first = task_find(1);
    struct file *console;
    t->files = files_create();
    t->fs = fs_context_create();
    t->fpu = fpu_create();
    if (!p || !t->files || !t->fs || !t->fpu)
        return -ENOMEM;
    if (first && first != t)
        task_exchange_tids(t, first);
    t->process = p;
    t->affinity = UINT64_MAX;
    t->frame = (struct frame *)(t->kernel_stack + KERNEL_STACK_BYTES) - 1;
    list_append(&p->threads, &t->in_process);
    p->leader = t;
    p->pid = p->pgrp = p->session = t->tid;
    p->is_session_leader = true;
    for (size_t i = 0; i < ARRAY_SIZE(p->rlimit); i++)
        p->rlimit[i][0] = p->rlimit[i][1] = RLIM_INFINITY;
    p->rlimit[RLIMIT_STACK][0] = 8 << 20;
    p->rlimit[RLIMIT_NOFILE][0] = p->rlimit[RLIMIT_NOFILE][1] = FDS_MAX;
    if (!vfs_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &console))
        t->files->file[0] = t->files->file[1] = t->files->file[2] = file_get(file_get(console));
    init_process = p;
    return 0;
}

long process_start_init(const char *path, const char *const argv[], const char *const envp[])
{
    struct task *t = current;
    long error = init_process ? 0 : become_process(t);
    if (!error)
        error = execute(path, (uint64_t)argv, (uint64_t)envp, true);
    if (!error)
        __asm__ volatile("movq %0, %%rsp; jmp first_run" ::"r"(t->frame) : "memory");
    return error;
}
