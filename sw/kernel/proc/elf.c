/* SPDX-License-Identifier: Apache-2.0 */
/* Static ELF64 programs for x86-64, fixed and position-independent ones. Every field is suspect. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "proc/exec.h"
#include "string.h"
#include <linux/elf.h>

enum { HEADERS_MAX = 1024 };
#define PIE_BASE 0x555555554000ull

static int read_exactly(struct inode *inode, void *to, size_t bytes, uint64_t offset)
{
    int64_t n = vfs_read_at(inode, to, bytes, offset);
    return n < 0 ? (int)n : (uint64_t)n == bytes ? 0 : -ENOEXEC;
}

static bool is_ours(const Elf64_Ehdr *h)
{
    return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
           h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_version == EV_CURRENT &&
           (h->e_type == ET_EXEC || h->e_type == ET_DYN) && h->e_machine == EM_X86_64 &&
           h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum && h->e_phnum <= HEADERS_MAX;
}

static int map_segment(struct mm *mm, struct inode *inode, const Elf64_Phdr *s, uint64_t address)
{
    static const uint8_t zeros[PAGE_BYTES];
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
    if (at < 0)
        return (int)at;
    /* The rest of the file's last page would be whatever follows in the file. */
    if (s->p_memsz > s->p_filesz && zero > file_end && flags & AREA_WRITE)
        return exec_store(mm, file_end, zeros, zero - file_end) ? -ENOMEM : 0;
    return 0;
}

/* Segments come in order of address and do not overlap: `last` is where the one before ended. */
static int load_segment(struct mm *mm, struct inode *inode, const Elf64_Phdr *s, uint64_t bias, uint64_t last)
{
    uint64_t address = bias + s->p_vaddr;
    if (s->p_vaddr >= USER_END || s->p_memsz >= USER_END || address + s->p_memsz > mm->mmap_top)
        return -ENOMEM;
    if (s->p_filesz > s->p_memsz || s->p_offset > inode->size || s->p_filesz > inode->size - s->p_offset ||
        address < last || (s->p_vaddr - s->p_offset) % PAGE_BYTES)
        return -ENOEXEC;
    return map_segment(mm, inode, s, address);
}

static int load(struct program *g, const Elf64_Ehdr *h, const Elf64_Phdr *segments)
{
    uint64_t bias = h->e_type == ET_DYN ? PIE_BASE : 0, end = 0;
    for (const Elf64_Phdr *s = segments; s < segments + h->e_phnum; s++) {
        if (s->p_type == PT_INTERP)
            return -ELIBACC;
        if (s->p_type != PT_LOAD || !s->p_memsz)
            continue;
        int error = load_segment(g->mm, g->file->inode, s, bias, end);
        if (error)
            return error;
        end = bias + s->p_vaddr + s->p_memsz;
        if (h->e_phoff - s->p_offset < s->p_filesz) /* this one holds the headers */
            g->headers = bias + s->p_vaddr + (h->e_phoff - s->p_offset);
    }
    g->header_count = h->e_phnum;
    g->entry = bias + h->e_entry;
    g->mm->brk_start = g->mm->brk_end = ALIGN_UP(end, PAGE_BYTES);
    return end && g->entry < USER_END ? 0 : -ENOEXEC;
}

int elf_load(struct program *g)
{
    Elf64_Ehdr h;
    int error = read_exactly(g->file->inode, &h, sizeof h, 0);
    if (error || !is_ours(&h))
        return error ? error : -ENOEXEC;
    Elf64_Phdr *segments = kmalloc(h.e_phnum * sizeof *segments);
    g->mm = mm_create();
    error = segments && g->mm ? 0 : -ENOMEM;
    if (!error)
        error = read_exactly(g->file->inode, segments, h.e_phnum * sizeof *segments, h.e_phoff);
    if (!error)
        error = load(g, &h, segments);
    kfree(segments);
    return error;
}
