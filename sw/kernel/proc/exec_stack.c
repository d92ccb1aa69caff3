/* SPDX-License-Identifier: Apache-2.0 */
/* The stack a program starts with, from its top: 8 zeros, the path, environment and argument strings, 16 random bytes,
 * the auxiliary vector, envp[], argv[], argc. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"
#include "proc/exec.h"
#include "proc/signal.h"
#include "string.h"
#include <linux/auxvec.h>
#include <linux/elf.h>

enum { SPARE_STACK_BYTES = 128 << 10, CLOCK_TICKS = 100, SIGNAL_FRAME_BYTES = 440 + 128 + 64 };

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
