/* SPDX-License-Identifier: Apache-2.0 */
/* ELF64 programs for x86-64: fixed ones, position-independent ones, and those that want an interpreter, which is then
 * loaded beside them. Every field is suspect: a header that does not fit is -ENOEXEC before anything is mapped. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "proc/exec.h"
#include "string.h"
#include <linux/elf.h>

enum { HEADERS_BYTES_MAX = 65536 };
#define PIE_BASE 0x555555554000ull

struct elf {
    struct inode *inode;
    Elf64_Ehdr header;
    Elf64_Phdr *segments; /* header.e_phnum of them */
    uint64_t start, end;  /* of all that is loaded, whole pages, before it is moved */
    uint64_t alignment;
    uint64_t bias; /* address minus p_vaddr */
};

static bool is_load(const Elf64_Phdr *s) { return s->p_type == PT_LOAD && s->p_memsz; }

static int read_exactly(struct inode *inode, void *to, size_t bytes, uint64_t offset)
{
    int64_t n = vfs_read_at(inode, to, bytes, offset);
    return n < 0 ? (int)n : (uint64_t)n == bytes ? 0 : -ENOEXEC;
}

static bool is_ours(const Elf64_Ehdr *h)
{
    return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
           h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_ident[EI_VERSION] == EV_CURRENT && h->e_version == EV_CURRENT &&
           (h->e_type == ET_EXEC || h->e_type == ET_DYN) && h->e_machine == EM_X86_64 &&
           h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum && h->e_phnum <= HEADERS_BYTES_MAX / sizeof(Elf64_Phdr);
}

static bool fits_file(const Elf64_Phdr *s, const struct inode *inode)
{
    return s->p_offset <= inode->size && s->p_filesz <= inode->size - s->p_offset;
}

/* Segments come in order of address and do not overlap; *e learns what they span. */
static int check_segments(struct elf *e)
{
    uint64_t last = 0;
    e->alignment = PAGE_BYTES;
    for (const Elf64_Phdr *s = e->segments; s < e->segments + e->header.e_phnum; s++) {
        if (!is_load(s))
            continue;
        if (s->p_vaddr >= USER_END || s->p_memsz > USER_END - s->p_vaddr)
            return -ENOMEM;
        if (s->p_filesz > s->p_memsz || !fits_file(s, e->inode) || s->p_vaddr < last || s->p_align & (s->p_align - 1) ||
            (s->p_vaddr - s->p_offset) % PAGE_BYTES)
            return -ENOEXEC;
        if (!last)
            e->start = ALIGN_DOWN(s->p_vaddr, PAGE_BYTES);
        last = s->p_vaddr + s->p_memsz;
        if (s->p_align > e->alignment)
            e->alignment = s->p_align;
    }
    e->end = ALIGN_UP(last, PAGE_BYTES);
    return last ? 0 : -ENOEXEC;
}

static int elf_open(struct elf *e, struct inode *inode)
{
    *e = (struct elf){.inode = inode};
    int error = read_exactly(inode, &e->header, sizeof e->header, 0);
    if (error || !is_ours(&e->header))
        return error ? error : -ENOEXEC;
    size_t bytes = e->header.e_phnum * sizeof *e->segments;
    e->segments = kmalloc(bytes);
    if (!e->segments)
        return -ENOMEM;
    error = read_exactly(inode, e->segments, bytes, e->header.e_phoff);
    return error ? error : check_segments(e);
}

static void elf_close(struct elf *e) { kfree(e->segments); }

static int map_segment(struct mm *mm, const struct elf *e, const Elf64_Phdr *s)
{
    uint32_t flags = (s->p_flags & PF_R ? AREA_READ : 0) | (s->p_flags & PF_W ? AREA_WRITE : 0) |
                     (s->p_flags & PF_X ? AREA_EXEC : 0);
    uint64_t address = e->bias + s->p_vaddr, start = ALIGN_DOWN(address, PAGE_BYTES);
    uint64_t file_end = address + s->p_filesz, zero = s->p_filesz ? ALIGN_UP(file_end, PAGE_BYTES) : start;
    uint64_t end = ALIGN_UP(address + s->p_memsz, PAGE_BYTES);
    int64_t at = 0;
    if (s->p_filesz)
        at = mm_map(mm, start, zero - start, flags, MAP_FIXED | MAP_PRIVATE, e->inode,
                    ALIGN_DOWN(s->p_offset, PAGE_BYTES));
    if (at >= 0 && end > zero)
        at = mm_map(mm, zero, end - zero, flags, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    if (at < 0)
        return (int)at;
    /* The rest of the file's last page would be whatever follows in the file. */
    if (s->p_memsz > s->p_filesz && zero > file_end && flags & AREA_WRITE && s->p_filesz)
        return exec_store(mm, file_end, NULL, zero - file_end) ? -ENOMEM : 0;
    return 0;
}

static int map_all(struct mm *mm, const struct elf *e)
{
    for (const Elf64_Phdr *s = e->segments; s < e->segments + e->header.e_phnum; s++) {
        int error = is_load(s) ? map_segment(mm, e, s) : 0;
        if (error)
            return error;
    }
    return 0;
}

static int place_program(struct elf *e)
{
    if (e->header.e_type == ET_DYN)
        e->bias = ALIGN_UP(PIE_BASE, e->alignment) - ALIGN_DOWN(e->start, e->alignment);
    uint64_t start = e->bias + e->start, bytes = e->end - e->start; /* both fit in 64 bits: start wraps at most to 0 */
    return start <= MMAP_TOP && bytes <= MMAP_TOP - start ? 0 : -ENOMEM;
}

/* Wherever mmap() would put it. */
static int place_interpreter(struct mm *mm, struct elf *e)
{
    uint64_t base = ALIGN_DOWN(e->start, e->alignment), bytes;
    if (e->header.e_type == ET_EXEC)
        return 0;
    if (__builtin_add_overflow(e->end - base, e->alignment, &bytes))
        return -ENOMEM;
    int64_t at = mm_map(mm, 0, bytes, 0, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    if (at < 0)
        return (int)at;
    e->bias = ALIGN_UP((uint64_t)at, e->alignment) - base;
    return mm_unmap(mm, (uint64_t)at, bytes);
}

static int entry_of(const struct elf *e, uint64_t *entry)
{
    *entry = e->bias + e->header.e_entry;
    return *entry < USER_END && e->header.e_entry < USER_END ? 0 : -ENOEXEC;
}

static int load_interpreter(struct program *g, const char *path)
{
    struct program interpreter = {0};
    struct elf e;
    int error = program_open(&interpreter, AT_FDCWD, path, 0);
    if (error)
        return error;
    error = elf_open(&e, interpreter.inode);
    if (error == -ENOEXEC)
        error = -ELIBBAD;
    if (!error)
        error = place_interpreter(g->mm, &e);
    if (!error)
        error = map_all(g->mm, &e);
    if (!error)
        error = entry_of(&e, &g->entry);
    g->interpreter = e.bias + (e.header.e_type == ET_DYN ? e.start : 0);
    elf_close(&e);
    inode_put(interpreter.inode);
    return error;
}

/* The path in a PT_INTERP segment, allocated. */
static int interpreter_path(const struct elf *e, const Elf64_Phdr *s, char **path)
{
    if (s->p_filesz < 2 || s->p_filesz > PATH_BYTES || !fits_file(s, e->inode))
        return -ENOEXEC;
    *path = kmalloc(s->p_filesz);
    if (!*path)
        return -ENOMEM;
    int error = read_exactly(e->inode, *path, s->p_filesz, s->p_offset);
    if (!error && (*path)[s->p_filesz - 1])
        error = -ENOEXEC;
    if (error)
        kfree(*path);
    return error;
}

/* Where the program finds its own headers: in the segment that holds their part of the file. */
static uint64_t headers_address(const struct elf *e)
{
    for (const Elf64_Phdr *s = e->segments; s < e->segments + e->header.e_phnum; s++) {
        if (is_load(s) && e->header.e_phoff >= s->p_offset && e->header.e_phoff - s->p_offset < s->p_filesz)
            return e->bias + s->p_vaddr + (e->header.e_phoff - s->p_offset);
    }
    return 0;
}

static int load(struct program *g, struct elf *e)
{
    int error = place_program(e);
    if (!error)
        error = map_all(g->mm, e);
    if (!error)
        error = entry_of(e, &g->own_entry);
    if (error)
        return error;
    g->entry = g->own_entry;
    g->headers = headers_address(e);
    g->header_count = e->header.e_phnum;
    g->mm->brk_start = g->mm->brk_end = e->bias + e->end;
    bool has_interpreter = false;
    for (const Elf64_Phdr *s = e->segments; s < e->segments + e->header.e_phnum; s++) {
        if (s->p_type == PT_GNU_STACK)
            g->has_executable_stack = s->p_flags & PF_X;
        if (s->p_type != PT_INTERP || has_interpreter)
            continue;
        char *path;
        has_interpreter = true;
        error = interpreter_path(e, s, &path);
        if (error)
            return error;
        error = load_interpreter(g, path);
        kfree(path);
        if (error)
            return error;
    }
    return 0;
}

int elf_load(struct program *g)
{
    struct elf e;
    int error = elf_open(&e, g->inode);
    if (!error && !(g->mm = mm_create()))
        error = -ENOMEM;
    if (!error)
        error = load(g, &e);
    elf_close(&e);
    return error;
}
