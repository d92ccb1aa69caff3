/* SPDX-License-Identifier: Apache-2.0 */
/* Running another program: a static ELF64 file, fixed or position-independent, or a script. What can fail comes before
 * the moment when it takes over, and until then nothing of the old program has been touched; the other threads are
 * ended last. Every field of a file is suspect. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/syscall.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"
#include "uintr/uintr.h"
#include "uring/uring.h"
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/resource.h>

enum { SCRIPT_LINE = 256, STRINGS_BYTES = 128 << 10, HEADERS_MAX = 32, AUXILIARY_WORDS = 16 };
#define PIE_BASE 0x555555554000ull

struct program {
    const char *path;  /* as it was asked for: the task's name */
    struct file *file; /* what is loaded; a reference */
    struct mm *mm;
    char *strings; /* arguments and environment, one after the other with their NULs */
    size_t bytes, argument_bytes, argument_count, environment_count;
    uint64_t entry, stack;          /* first RIP and RSP */
    uint64_t headers, header_count; /* of the ELF file, for the auxiliary vector */
};

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
    return S_ISREG(f->inode->mode) && f->inode->mode & 0111 ? 0 : -EACCES;
}

/* A line "#! interpreter argument" and the script's path as words; the argument is all the rest of the line. */
static void split_line(char *line, const char *path, const char *words[3])
{
    char *end = strchr(line, '\n'), *interpreter = line + 2;
    if (end)
        *end = 0;
    while (*interpreter == ' ')
        interpreter++;
    char *argument = strchr(interpreter, ' ');
    while (argument && *argument == ' ')
        *argument++ = 0;
    words[0] = interpreter;
    words[1] = argument && *argument ? argument : path;
    words[2] = words[1] == path ? NULL : path;
}

/* Opens the program, or for a script its interpreter; its arguments are then those words, the script's path and what
 * followed argv[0]. */
static int open_and_collect(struct program *g, uint64_t arguments, uint64_t environment, bool is_kernel)
{
    const char *words[4] = {NULL};
    char line[SCRIPT_LINE + 1];
    int error = open_program(g, g->path);
    int64_t n = error ? error : vfs_read_at(g->file->inode, line, SCRIPT_LINE, 0);
    if (n < 0)
        return (int)n;
    line[n] = 0;
    bool is_script = line[0] == '#' && line[1] == '!';
    if (is_script) {
        split_line(line, g->path, words);
        error = *words[0] ? open_program(g, words[0]) : -ENOEXEC;
        error = error ?: append(g, (uint64_t)words, true, false, &g->argument_count);
    }
    error = error ?: append(g, arguments, is_kernel, is_script, &g->argument_count);
    g->argument_bytes = g->bytes;
    return error ?: append(g, environment, is_kernel, false, &g->environment_count);
}

int exec_store(struct mm *mm, uint64_t to, const void *from, size_t bytes)
{
    const uint8_t *source = from;
    for (size_t n; bytes; to += n, source += n, bytes -= n) {
        uint64_t page = mm_page_at(mm, to, true);
        if (!page)
            return -EFAULT;
        n = MIN(bytes, PAGE_BYTES - to % PAGE_BYTES);
        memcpy((uint8_t *)phys_to_virt(page) + to % PAGE_BYTES, source, n);
    }
    return 0;
}

/* Where a segment overlaps with one before, it wins. */
static int map_segment(struct mm *mm, struct inode *inode, const Elf64_Phdr *s, uint64_t address)
{
    if (s->p_vaddr >= USER_END || s->p_memsz >= USER_END || address + s->p_memsz > MMAP_TOP)
        return -ENOMEM;
    if (s->p_filesz > s->p_memsz || s->p_offset > inode->size || s->p_filesz > inode->size - s->p_offset ||
        (s->p_vaddr - s->p_offset) % PAGE_BYTES)
        return -ENOEXEC;
    uint32_t flags = (s->p_flags & PF_R ? AREA_READ : 0) | (s->p_flags & PF_W ? AREA_WRITE : 0) |
                     (s->p_flags & PF_X ? AREA_EXEC : 0);
    uint64_t start = ALIGN_DOWN(address, PAGE_BYTES), end = ALIGN_UP(address + s->p_memsz, PAGE_BYTES);
    uint64_t file_end = address + s->p_filesz, zero = s->p_filesz ? ALIGN_UP(file_end, PAGE_BYTES) : start;
    int64_t at = 0;
    if (s->p_filesz)
        at = mm_map(mm, start, zero - start, flags, MAP_FIXED | MAP_PRIVATE, inode, s->p_offset - (address - start));
    if (at >= 0 && end > zero)
        at = mm_map(mm, zero, end - zero, flags, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    /* The rest of the file's last page would be whatever follows in the file. */
    if (at >= 0 && s->p_memsz > s->p_filesz && zero > file_end && flags & AREA_WRITE)
        at = exec_store(mm, file_end, zero_page, zero - file_end) ? -ENOMEM : 0;
    return at < 0 ? (int)at : 0;
}

/* Into g->mm, which it makes. */
static int load_image(struct program *g)
{
    struct inode *inode = g->file->inode;
    Elf64_Ehdr h;
    Elf64_Phdr segments[HEADERS_MAX];
    if (vfs_read_at(inode, &h, sizeof h, 0) != sizeof h || memcmp(h.e_ident, "\177ELF\2\1\1", EI_VERSION + 1) != 0 ||
        (h.e_type != ET_EXEC && h.e_type != ET_DYN) || h.e_machine != EM_X86_64 || h.e_phentsize != sizeof *segments ||
        h.e_phnum > HEADERS_MAX)
        return -ENOEXEC;
    int64_t bytes = h.e_phnum * (int64_t)sizeof *segments;
    if (vfs_read_at(inode, segments, (size_t)bytes, h.e_phoff) != bytes)
        return -ENOEXEC;
    if (!(g->mm = mm_create()))
        return -ENOMEM;
    uint64_t bias = h.e_type == ET_DYN ? PIE_BASE : 0, end = 0;
    for (const Elf64_Phdr *s = segments; s < segments + h.e_phnum; s++) {
        if (s->p_type == PT_INTERP)
            return -ELIBACC;
        if (s->p_type != PT_LOAD || !s->p_memsz)
            continue;
        int error = map_segment(g->mm, inode, s, bias + s->p_vaddr);
        if (error)
            return error;
        end = bias + s->p_vaddr + s->p_memsz;
        if (h.e_phoff - s->p_offset < s->p_filesz) /* this one holds the headers */
            g->headers = bias + s->p_vaddr + (h.e_phoff - s->p_offset);
    }
    g->header_count = h.e_phnum;
    g->entry = bias + h.e_entry;
    g->mm->brk_start = g->mm->brk_end = ALIGN_UP(end, PAGE_BYTES);
    return end && g->entry < USER_END ? 0 : -ENOEXEC;
}

/* From its top: 8 zeros, environment and argument strings, 16 random bytes, what glibc cannot do without of the
 * auxiliary vector, envp[], argv[], argc. */
static int build_stack(struct program *g)
{
    size_t count = g->argument_count + g->environment_count, bytes = (count + 3 + AUXILIARY_WORDS) * sizeof(uint64_t);
    uint64_t text = USER_END - 8 - g->bytes;
    g->stack = ALIGN_DOWN(text - bytes, (uint64_t)16);
    const uint64_t auxiliary[AUXILIARY_WORDS] = {AT_PAGESZ,       PAGE_BYTES,
                                                 AT_PHDR,         g->headers,
                                                 AT_PHENT,        sizeof(Elf64_Phdr),
                                                 AT_PHNUM,        g->header_count,
                                                 AT_SECURE,       0,
                                                 AT_RANDOM,       g->stack + bytes - 16,
                                                 AT_NULL,         0,
                                                 kernel_random(), kernel_random()};
    uint64_t *words = kzalloc(bytes); /* of STRINGS_BYTES of strings, all this fits well into the area */
    if (!words)
        return -ENOMEM;
    const char *s = g->strings;
    words[0] = g->argument_count;
    for (size_t i = 0; i < count; i++, s += strlen(s) + 1) /* a zero after each of the two kinds */
        words[1 + i + (i >= g->argument_count)] = text + (uint64_t)(s - g->strings);
    memcpy(words + count + 3, auxiliary, sizeof auxiliary);
    bool is_built = mm_map(g->mm, USER_END - STACK_BYTES, STACK_BYTES, AREA_READ | AREA_WRITE,
                           MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) >= 0 &&
                    !exec_store(g->mm, g->stack, words, bytes) && !exec_store(g->mm, text, g->strings, g->bytes);
    kfree(words);
    return is_built ? 0 : -ENOMEM;
}

/* Ends the other threads. One that is not the first takes over the number and place of that. */
static int become_alone(struct task *t)
{
    struct process *p = t->process;
    struct task *old = p->leader;
    int error = 0;
    if (p->group_exiting)
        return -EAGAIN;
    if (t != old) {
        task_exchange_tids(t, old);
        p->leader = t;
        if (old->state == TASK_ZOMBIE) {
            list_remove(&old->in_process);
            task_free(old);
        }
    }
    p->group_exiting = true;
    signal_send_threads(p, SIGKILL, t);
    while (process_has_thread(p, t) && !error)
        error = task_sleep_uninterrupted(NEVER);
    p->group_exiting = false;
    uring_task_exit(t);
    return error ? -EAGAIN : 0; /* killed ourselves */
}

/* Nothing fails from here on. */
static void install(struct task *t, struct program *g)
{
    struct process *p = t->process;
    const char *slash = strrchr(g->path, '/');
    uintr_task_exit(t);
    fpu_reset(t);
    task_replace_mm(t, g->mm);
    g->mm = NULL;
    files_close_on_exec(t->files);
    for (int number = 1; number <= SIGNALS; number++)
        if (p->action[number].sa_handler != SIG_IGN)
            p->action[number] = (struct sigaction){.sa_handler = SIG_DFL};
    t->alternate_stack = (stack_t){.ss_size = 0};
    snprintf(t->name, sizeof t->name, "%s", slash ? slash + 1 : g->path);
    trace_name(t->tid, t->name);
    if (path_of_inode(g->file->inode, p->executable, sizeof p->executable))
        snprintf(p->executable, sizeof p->executable, "%s", g->path);
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
    error = error ?: load_image(&g) ?: build_stack(&g) ?: become_alone(t);
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
    struct task *t = p ? task_create(p, "init") : NULL;
    struct file *console;
    if (!t || !(t->files = files_create()) || !(t->fpu = fpu_create()))
        return NULL;
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
