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

enum { SCRIPT_DEPTH = 5, SCRIPT_LINE = 256, COMMAND_BYTES_MAX = 4096 };

/* Best effort: a path that is too long for /proc is no reason to fail. */
static void note_executable(struct program *g, struct inode *i, const char *path)
{
    if (path_of_inode(i, g->executable, sizeof g->executable))
        snprintf(g->executable, sizeof g->executable, "%s", path);
}

static int check_executable(const struct inode *i, bool is_slashed)
{
    if (!i)
        return -ENOENT;
    if (S_ISLNK(i->mode))
        return -ELOOP;
    if (!S_ISREG(i->mode))
        return -EACCES;
    if (is_slashed)
        return -ENOTDIR;
    return i->mode & 0111 ? 0 : -EACCES;
}

int program_open(struct program *g, int dirfd, const char *path, unsigned path_flags)
{
    struct path_result r;
    int error = path_lookup(dirfd, path, path_flags | PATH_PARENT, &r);
    if (error)
        return error;
    error = check_executable(r.inode, r.is_slashed && *path);
    if (!error) {
        note_executable(g, r.inode, path);
        inode_put(g->inode);
        g->inode = inode_get(r.inode);
    }
    path_result_free(&r);
    return error;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Splits a line "#! interpreter argument"; *argument NULL: none. The argument is all the rest, blanks within included.
 */
static int split_line(char *line, size_t bytes, char **interpreter, char **argument)
{
    char *end = strchr(line, '\n'), *p = line + 2;
    bool is_whole = end || bytes < SCRIPT_LINE;
    if (!end)
        end = line + strlen(line);
    while (end > p && is_blank(end[-1]))
        end--;
    *end = 0;
    while (is_blank(*p))
        p++;
    *interpreter = p;
    while (*p && !is_blank(*p))
        p++;
    if (p == *interpreter || (!*p && !is_whole))
        return -ENOEXEC;
    *argument = NULL;
    if (*p) {
        *p++ = 0;
        while (is_blank(*p))
            p++;
        *argument = p;
    }
    return 0;
}

/* argv becomes: interpreter, its argument if there is one, the script's path, and what followed argv[0]. */
static int become_interpreter(struct program *g, char *interpreter, char *argument, const char *script)
{
    strings_remove_first(&g->arguments);
    int error = strings_prepend(&g->arguments, kstrdup(script));
    if (!error && argument)
        error = strings_prepend(&g->arguments, kstrdup(argument));
    if (!error)
        error = strings_prepend(&g->arguments, kstrdup(interpreter));
    return error ? error : program_open(g, AT_FDCWD, interpreter, 0);
}

static int load(struct program *g)
{
    char line[SCRIPT_LINE + 1], *interpreter, *argument, *script = kstrdup(g->path);
    int error = script ? 0 : -ENOMEM;
    for (int depth = 0; !error; depth++) {
        int64_t n = vfs_read_at(g->inode, line, SCRIPT_LINE, 0);
        if (n < 0) {
            error = (int)n;
            break;
        }
        line[n] = 0;
        if (line[0] != '#' || line[1] != '!') {
            error = elf_load(g);
            break;
        }
        error = depth == SCRIPT_DEPTH ? -ELOOP : split_line(line, (size_t)n, &interpreter, &argument);
        if (error)
            break;
        error = become_interpreter(g, interpreter, argument, script);
        kfree(script);
        script = kstrdup(interpreter);
        if (!script && !error)
            error = -ENOMEM;
    }
    kfree(script);
    return error;
}

static void program_free(struct program *g)
{
    if (g->mm)
        mm_put(g->mm);
    inode_put(g->inode);
    strings_free(&g->arguments);
    strings_free(&g->environment);
    kfree(g->path);
}

static bool is_alone(struct process *p, const struct task *self)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        if (t != self && t->state != TASK_ZOMBIE)
            return false;
    }
    return true;
}

/* A thread that is not the first one takes over its number and place. */
static void become_leader(struct task *t)
{
    struct process *p = t->process;
    struct task *old = p->leader;
    task_exchange_tids(t, old);
    p->leader = t;
    p->dead_user_ns += old->user_ns;
    p->dead_system_ns += old->system_ns;
    list_remove(&old->in_process);
    task_free(old);
}

static long end_other_threads(struct task *t)
{
    struct process *p = t->process;
    struct waiter w;
    if (p->group_exiting)
        return -EAGAIN;
    p->group_exiting = true;
    signal_kill_threads(p, t);
    int error = 0;
    while (!is_alone(p, t) && !error) {
        wait_begin(&p->child_event, &w);
        error = task_sleep_uninterrupted(NEVER);
        wait_end(&w);
    }
    p->group_exiting = false;
    if (error)
        return -EAGAIN; /* killed ourselves */
    if (t != p->leader)
        become_leader(t);
    return 0;
}

static void set_names(struct task *t, struct program *g)
{
    struct process *p = t->process;
    const char *slash = strrchr(g->path, '/');
    memset(t->name, 0, sizeof t->name);
    snprintf(t->name, sizeof t->name, "%s", slash ? slash + 1 : g->path);
    trace_name(t->tid, t->name);
    memcpy(p->executable, g->executable, sizeof p->executable);
    kfree(p->command);
    p->command = strings_join(&g->arguments, COMMAND_BYTES_MAX, &p->command_bytes);
}

static void set_registers(struct task *t, const struct program *g)
{
    *t->frame = (struct frame){.vector = FRAME_SYSCALL,
                               .error = UINT64_MAX,
                               .rip = g->entry,
                               .cs = SEL_USER_CODE,
                               .rflags = RFLAGS_IF | RFLAGS_ONE,
                               .rsp = g->stack,
                               .ss = SEL_USER_DATA};
    t->fs_base = t->gs_base = 0;
    if (t == current) {
        wrmsr(MSR_FS_BASE, 0);
        wrmsr(MSR_KERNEL_GS_BASE, 0);
    }
}

/* Nothing fails from here on. */
static void install(struct task *t, struct program *g)
{
    struct process *p = t->process;
    uintr_task_exit(t);
    fpu_reset(t);
    mm_set_program(g->mm, g->inode);
    task_replace_mm(t, g->mm);
    g->mm = NULL;
    files_close_on_exec(t->files);
    signal_reset_actions(p);
    t->alternate_stack = (stack_t){.ss_flags = SS_DISABLE};
    t->restart.again = NULL;
    p->has_execed = true;
    p->exit_signal = SIGCHLD;
    set_names(t, g);
    set_registers(t, g);
}

static long run(struct task *t, struct program *g)
{
    if (!g->arguments.count) { /* nobody expects argc to be 0 */
        int error = strings_add(&g->arguments, kstrdup(""));
        if (error)
            return error;
    }
    long error = load(g);
    if (!error && g->arguments.bytes + g->environment.bytes + strlen(g->path) > ARGUMENT_BYTES_MAX)
        error = -E2BIG;
    if (!error)
        error = exec_build_stack(g, t->process);
    if (!error && t == current)
        error = end_other_threads(t);
    if (!error && t->files->refs > 1) { /* shared with another process, which keeps its descriptors */
        struct files *own = files_copy(t->files);
        if (!own)
            return -ENOMEM;
        files_put(t->files);
        t->files = own;
    }
    if (!error)
        install(t, g);
    return error;
}

static long run_from_kernel(struct task *t, const char *path, const char *const argv[], const char *const envp[])
{
    struct program g = {.path = kstrdup(path)};
    long error = g.path ? program_open(&g, AT_FDCWD, path, 0) : -ENOMEM;
    if (!error)
        error = strings_from_kernel(&g.arguments, argv);
    if (!error)
        error = strings_from_kernel(&g.environment, envp);
    if (!error)
        error = run(t, &g);
    program_free(&g);
    return error;
}

long exec_load(const char *path, char **argv, char **envp)
{
    return run_from_kernel(current, path, (const char *const *)argv, (const char *const *)envp);
}

/* The name of a program that is given by a descriptor: what it can be opened by once more. */
static char *descriptor_path(int dirfd, const char *path)
{
    size_t bytes = strlen(path) + 24;
    char *name = kmalloc(bytes);
    if (name)
        snprintf(name, bytes, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, path);
    return name;
}

static long execute(int dirfd, uint64_t path_at, uint64_t argv, uint64_t envp, int flags)
{
    struct program g = {0};
    char *path;
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    long error = string_from_user(&path, path_at, PATH_BYTES);
    if (error)
        return error;
    if (!*path && !(flags & AT_EMPTY_PATH))
        error = -ENOENT;
    if (!error)
        error = strings_from_user(&g.arguments, argv, ARGUMENT_BYTES_MAX);
    if (!error)
        error = strings_from_user(&g.environment, envp, ARGUMENT_BYTES_MAX - g.arguments.bytes);
    if (!error)
        error = program_open(&g, dirfd, path, PATH_EMPTY | (flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0));
    g.path = dirfd == AT_FDCWD || *path == '/' ? kstrdup(path) : descriptor_path(dirfd, path);
    kfree(path);
    if (!error)
        error = g.path ? run(current, &g) : -ENOMEM;
    program_free(&g);
    return error;
}

SYSCALL3(execve, uint64_t, path, uint64_t, argv, uint64_t, envp) { return execute(AT_FDCWD, path, argv, envp, 0); }

SYSCALL5(execveat, int, dirfd, uint64_t, path, uint64_t, argv, uint64_t, envp, int, flags)
{
    return execute(dirfd, path, argv, envp, flags);
}

/* --- process 1 --- */

static void set_limits(struct process *p)
{
    static const struct {
        int resource;
        uint64_t soft, hard;
    } limits[] = {{RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
                  {RLIMIT_CORE, 0, RLIM_INFINITY},
                  {RLIMIT_NOFILE, FDS_MAX, FDS_MAX},
                  {RLIMIT_NPROC, 32768, 32768},
                  {RLIMIT_MEMLOCK, 8 << 20, 8 << 20},
                  {RLIMIT_SIGPENDING, 64, 64},
                  {RLIMIT_MSGQUEUE, 819200, 819200},
                  {RLIMIT_NICE, 0, 0},
                  {RLIMIT_RTPRIO, 0, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(p->rlimit); i++)
        p->rlimit[i][0] = p->rlimit[i][1] = RLIM_INFINITY;
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        p->rlimit[limits[i].resource][0] = limits[i].soft;
        p->rlimit[limits[i].resource][1] = limits[i].hard;
    }
}

static void open_console(struct files *files)
{
    struct file *f;
    if (vfs_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &f))
        return;
    for (int fd = 0; fd < 3; fd++)
        files->file[fd] = file_get(f);
    file_put(f);
}

long process_start_init(const char *path, const char *const argv[], const char *const envp[])
{
    struct process *p = process_create(NULL);
    struct task *t = p ? task_create(p, "init") : NULL;
    if (!t) {
        if (p)
            process_release(p);
        return -ENOMEM;
    }
    struct task *first = task_find(1);
    if (first && first != t)
        task_exchange_tids(t, first);
    list_append(&p->threads, &t->in_process);
    p->leader = t;
    p->pid = p->pgrp = p->session = t->tid;
    p->is_session_leader = true;
    p->continue_reported = true;
    set_limits(p);
    t->frame = (struct frame *)(t->kernel_stack + KERNEL_STACK_BYTES) - 1;
    t->files = files_create();
    t->fs = fs_context_create();
    t->fpu = fpu_create();
    long error = t->files && t->fs && t->fpu ? 0 : -ENOMEM;
    if (!error) {
        open_console(t->files);
        error = run_from_kernel(t, path, argv, envp);
    }
    if (error) {
        task_release_parts(t);
        process_release(p);
        return error;
    }
    init_process = p;
    task_prepare_first_run(t);
    task_start(t);
    return 0;
}
