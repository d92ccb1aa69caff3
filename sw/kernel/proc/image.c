/* SPDX-License-Identifier: Apache-2.0 */
/* The memory a program starts with: the segments of a static ELF64 file, fixed or position-independent, and its stack.
 * Every field of the file is suspect. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "proc/exec.h"
#include "proc/process.h"
#include "string.h"
#include <linux/auxvec.h>
#include <linux/elf.h>

enum { HEADERS_MAX = 32, SPARE_STACK_BYTES = 128 << 10, CLOCK_TICKS = 100, SIGNAL_FRAME_BYTES = 440 + 128 + 64 };
#define PIE_BASE 0x555555554000ull

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

static bool is_ours(const Elf64_Ehdr *h)
{
    return memcmp(h->e_ident, "\177ELF\2\1\1", EI_VERSION + 1) == 0 && (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
           h->e_machine == EM_X86_64 && h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum <= HEADERS_MAX;
}

/* Segments come in order of address and do not overlap: `last` is where the one before ended. */
static int map_segment(struct mm *mm, struct inode *inode, const Elf64_Phdr *s, uint64_t address, uint64_t last)
{
    static const uint8_t zeros[PAGE_BYTES];
    if (s->p_vaddr >= USER_END || s->p_memsz >= USER_END || address + s->p_memsz > mm->mmap_top)
        return -ENOMEM;
    if (s->p_filesz > s->p_memsz || s->p_offset > inode->size || s->p_filesz > inode->size - s->p_offset ||
        address < last || (s->p_vaddr - s->p_offset) % PAGE_BYTES)
        return -ENOEXEC;
    uint32_t flags = (s->p_flags & PF_R ? AREA_READ : 0) | (s->p_flags & PF_W ? AREA_WRITE : 0) |
                     (s->p_flags & PF_X ? AREA_EXEC : 0);
    uint64_t start = ALIGN_DOWN(address, PAGE_BYTES), end = ALIGN_UP(address + s->p_memsz, PAGE_BYTES);
    uint64_t file_end = address + s->p_filesz, zero = s->p_filesz ? ALIGN_UP(file_end, PAGE_BYTES) : start;
    int64_t at = 0;
    if (s->p_filesz)
        at =
            mm_map(mm, start, zero - start, flags, MAP_FIXED | MAP_PRIVATE, inode, ALIGN_DOWN(s->p_offset, PAGE_BYTES));
    if (at >= 0 && end > zero)
        at = mm_map(mm, zero, end - zero, flags, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    /* The rest of the file's last page would be whatever follows in the file. */
    if (at >= 0 && s->p_memsz > s->p_filesz && zero > file_end && flags & AREA_WRITE)
        at = exec_store(mm, file_end, zeros, zero - file_end) ? -ENOMEM : 0;
    return at < 0 ? (int)at : 0;
}

int elf_load(struct program *g)
{
    struct inode *inode = g->file->inode;
    Elf64_Ehdr h;
    Elf64_Phdr segments[HEADERS_MAX];
    if (vfs_read_at(inode, &h, sizeof h, 0) != sizeof h || !is_ours(&h))
        return -ENOEXEC;
    int64_t bytes = h.e_phnum * (int64_t)sizeof *segments;
    if (vfs_read_at(inode, segments, (size_t)bytes, h.e_phoff) != bytes)
        return -ENOEXEC;
    g->mm = mm_create();
    if (!g->mm)
        return -ENOMEM;
    uint64_t bias = h.e_type == ET_DYN ? PIE_BASE : 0, end = 0;
    for (const Elf64_Phdr *s = segments; s < segments + h.e_phnum; s++) {
        if (s->p_type == PT_INTERP)
            return -ELIBACC;
        if (s->p_type != PT_LOAD || !s->p_memsz)
            continue;
        int error = map_segment(g->mm, inode, s, bias + s->p_vaddr, end);
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

static int make_area(struct mm *mm, uint64_t bytes)
{
    uint32_t flags = AREA_READ | AREA_WRITE | AREA_GROWS_DOWN;
    int64_t at = mm_map(mm, USER_END - bytes, bytes, flags, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    if (at < 0)
        return (int)at;
    mm_find(mm, (uint64_t)at)->name = "[stack]";
    mm->stack_top = USER_END;
    return 0;
}

/* From its top: 8 zeros, the path, environment and argument strings, 16 random bytes, the auxiliary vector, envp[],
 * argv[], argc. */
int exec_build_stack(struct program *g)
{
    const uint64_t text = USER_END - 8 - g->bytes, path = USER_END - 8 - (strlen(g->path) + 1);
    const uint64_t random[2] = {kernel_random(), kernel_random()}, random_at = text - sizeof random;
    const uint64_t auxiliary[][2] = {{AT_HWCAP, cpuid(1, 0).edx},
                                     {AT_PAGESZ, PAGE_BYTES},
                                     {AT_CLKTCK, CLOCK_TICKS},
                                     {AT_PHDR, g->headers},
                                     {AT_PHENT, sizeof(Elf64_Phdr)},
                                     {AT_PHNUM, g->header_count},
                                     {AT_ENTRY, g->entry},
                                     {AT_UID, 0},
                                     {AT_EUID, 0},
                                     {AT_GID, 0},
                                     {AT_EGID, 0},
                                     {AT_SECURE, 0},
                                     {AT_RANDOM, random_at},
                                     {AT_EXECFN, path},
                                     {AT_MINSIGSTKSZ, SIGNAL_FRAME_BYTES + fpu_signal_bytes()},
                                     {AT_NULL, 0}};
    size_t count = g->argument_count + g->environment_count, bytes = (count + 3) * sizeof(uint64_t) + sizeof auxiliary;
    g->stack = ALIGN_DOWN(random_at - bytes, (uint64_t)16);
    uint64_t *words = kzalloc(bytes);
    int error = words ? make_area(g->mm, ALIGN_UP(USER_END - g->stack + SPARE_STACK_BYTES, PAGE_BYTES)) : -ENOMEM;
    if (!error) {
        const char *s = g->strings;
        words[0] = g->argument_count;
        for (size_t i = 0; i < count; i++, s += strlen(s) + 1) /* a zero after each of the two kinds */
            words[1 + i + (i >= g->argument_count)] = text + (uint64_t)(s - g->strings);
        memcpy(words + count + 3, auxiliary, sizeof auxiliary);
        g->mm->arguments_start = text;
        g->mm->arguments_end = text + g->argument_bytes;
        if (exec_store(g->mm, g->stack, words, bytes) || exec_store(g->mm, random_at, random, sizeof random) ||
            exec_store(g->mm, text, g->strings, g->bytes))
            error = -ENOMEM;
    }
    kfree(words);
    return error;
}
