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

enum { SCRIPT_LINE = 256, STRINGS_BYTES = 128 << 10 };

/* Appends the strings of an array in user memory, or in the kernel's, and counts them. */
static int append(struct program *g, uint64_t array, bool is_kernel, bool skips_first, size_t *count)
{
    for (; array; array += sizeof array, skips_first = false) {
        int64_t room = STRINGS_BYTES - (int64_t)g->bytes, length;
        uint64_t from;
        if (is_kernel)
            from = *(const uint64_t *)array;
        else if (GET_USER(from, array))
            return -EFAULT;
        if (!from)
            break;
        if (skips_first)
            continue;
        if (is_kernel)
            length = snprintf(g->strings + g->bytes, (size_t)room, "%s", (const char *)from);
        else
            length = copy_string_from_user(g->strings + g->bytes, from, (size_t)room);
        if (length == -ENAMETOOLONG || length >= room)
            return -E2BIG;
        if (length < 0)
            return (int)length;
        g->bytes += (size_t)length + 1;
        ++*count;
    }
    return 0;
}

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

/* A line "#! interpreter argument" as words; the argument is all the rest, blanks within included. */
static void split_line(char *line, const char *words[2])
{
    char *end = strchr(line, '\n');
    if (!end)
        end = line + strlen(line);
    while (is_blank(end[-1]))
        end--;
    *end = 0;
    char *interpreter = skip(line + 2, true), *rest = skip(interpreter, false), *argument = skip(rest, true);
    *rest = 0;
    words[0] = interpreter;
    words[1] = *argument ? argument : NULL;
}

/* Opens the program, or for a script its interpreter; its strings are then those words, the script's path and what
 * followed argv[0]. The path comes once more at the end. */
static int open_and_collect(struct program *g, uint64_t arguments, uint64_t environment, bool is_kernel)
{
    const char *words[3] = {NULL}, *const path[2] = {g->path, NULL};
    char line[SCRIPT_LINE + 1];
    int error = open_program(g, g->path);
    int64_t n = error ? error : vfs_read_at(g->file->inode, line, SCRIPT_LINE, 0);
    if (n < 0)
        return (int)n;
    line[n] = 0;
    bool is_script = line[0] == '#' && line[1] == '!';
    if (is_script) {
        split_line(line, words);
        error = *words[0] ? open_program(g, words[0]) : -ENOEXEC;
        error = error ?: append(g, (uint64_t)words, true, false, &g->argument_count);
        error = error ?: append(g, (uint64_t)path, true, false, &g->argument_count);
    }
    error = error ?: append(g, arguments, is_kernel, is_script, &g->argument_count);
    g->argument_bytes = g->bytes;
    error = error ?: append(g, environment, is_kernel, false, &g->environment_count);
    return error ?: append(g, (uint64_t)path, true, false, &(size_t){0});
}

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

/* Another process that shares the descriptors keeps them. */
static int own_files(struct task *t)
{
    struct files *own = t->files->refs > 1 ? files_copy(t->files) : files_get(t->files);
    if (!own)
        return -ENOMEM;
    files_put(t->files);
    t->files = own;
    return 0;
}

/* Nothing fails from here on. */
static void install(struct task *t, struct program *g)
{
    struct process *p = t->process;
    const char *slash = strrchr(g->path, '/');
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
    memset(t->name, 0, sizeof t->name);
    snprintf(t->name, sizeof t->name, "%s", slash ? slash + 1 : g->path);
    trace_name(t->tid, t->name);
    snprintf(p->executable, sizeof p->executable, "%s", g->file->path ? g->file->path : g->path);
    p->command_bytes = MIN(g->argument_bytes, sizeof p->command);
    memcpy(p->command, g->strings, p->command_bytes);
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

static int execute(struct task *t, const char *path, uint64_t arguments, uint64_t environment, bool is_kernel)
{
    struct program g = {.path = path, .strings = kmalloc(STRINGS_BYTES)};
    int error = g.strings ? open_and_collect(&g, arguments, environment, is_kernel) : -ENOMEM;
    error = error ?: elf_load(&g) ?: exec_build_stack(&g) ?: end_other_threads(t) ?: own_files(t);
    if (!error)
        install(t, &g);
    if (g.mm)
        mm_put(g.mm);
    file_put(g.file);
    kfree(g.strings);
    return error;
}

SYSCALL3(execve, uint64_t, path_at, uint64_t, arguments, uint64_t, environment)
{
    char *path = NULL;
    int error = string_from_user(&path, path_at, PATH_BYTES) ?: execute(current, path, arguments, environment, false);
    kfree(path);
    return error;
}

/* --- process 1 --- */

static struct task *create_init(void)
{
    struct process *p = process_create(NULL);
    struct task *t = p ? task_create(p, "init") : NULL, *first = task_find(1);
    struct file *console;
    if (!t || !(t->files = files_create()) || !(t->fs = fs_context_create()) || !(t->fpu = fpu_create()))
        return NULL;
    if (first && first != t)
        task_exchange_tids(t, first);
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
    return t;
}

long process_start_init(const char *path, const char *const argv[], const char *const envp[])
{
    struct task *t = init_process ? init_process->leader : create_init();
    int error = t ? execute(t, path, (uint64_t)argv, (uint64_t)envp, true) : -ENOMEM;
    if (error)
        return error;
    task_prepare_first_run(t);
    task_start(t);
    return 0;
}
