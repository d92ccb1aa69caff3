/* SPDX-License-Identifier: Apache-2.0 */
/* The stack a program starts with, from its top: 8 zeros, path, environment and argument strings, "x86_64", 16 random
 * bytes, the auxiliary vector, envp[], argv[], argc. */
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
    while (bytes) {
        size_t n = MIN(bytes, PAGE_BYTES - to % PAGE_BYTES);
        uint64_t page = mm_page_at(mm, to, true);
        if (!page)
            return -EFAULT;
        uint8_t *at = (uint8_t *)phys_to_virt(page) + to % PAGE_BYTES;
        if (source) {
            memcpy(at, source, n);
            source += n;
        } else {
            memset(at, 0, n);
        }
        to += n;
        bytes -= n;
    }
    return 0;
}

static int make_area(struct program *g, uint64_t bytes)
{
    uint32_t flags = AREA_READ | AREA_WRITE | AREA_STACK | (g->has_executable_stack ? AREA_EXEC : 0);
    int64_t at = bytes > STACK_BYTES ? -ENOMEM
                                     : mm_map(g->mm, USER_END - STACK_BYTES, STACK_BYTES, flags,
                                              MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    if (at < 0)
        return (int)at;
    mm_find(g->mm, (uint64_t)at)->name = "[stack]";
    g->mm->stack_top = USER_END;
    return 0;
}

/* Where what is written next goes; the first error stays. */
struct writer {
    struct mm *mm;
    uint64_t at;
    int error;
};

static void put(struct writer *w, const void *from, size_t bytes)
{
    if (!w->error)
        w->error = exec_store(w->mm, w->at, from, bytes);
    w->at += bytes;
}

static void put_word(struct writer *w, uint64_t word) { put(w, &word, sizeof word); }

static void put_strings(struct writer *w, const struct strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        put(w, s->item[i], strlen(s->item[i]) + 1);
}

/* Pointers to strings that lie one after the other; the address behind the last one. */
static uint64_t put_pointers(struct writer *w, const struct strings *s, uint64_t first)
{
    for (size_t i = 0; i < s->count; i++) {
        put_word(w, first);
        first += strlen(s->item[i]) + 1;
    }
    put_word(w, 0);
    return first;
}

static size_t text_bytes(const struct strings *s) { return s->bytes - s->count * sizeof *s->item; }

int exec_build_stack(struct program *g, const struct process *p)
{
    static const char platform[] = "x86_64";
    uint64_t random[2] = {kernel_random(), kernel_random()};
    uint64_t path = USER_END - 8 - (strlen(g->path) + 1);
    uint64_t text = path - text_bytes(&g->environment) - text_bytes(&g->arguments);
    uint64_t platform_at = text - sizeof platform, random_at = ALIGN_DOWN(platform_at - sizeof random, (uint64_t)16);
    const uint64_t auxiliary[][2] = {{AT_HWCAP, cpuid(1, 0).edx},
                                     {AT_PAGESZ, PAGE_BYTES},
                                     {AT_CLKTCK, CLOCK_TICKS},
                                     {AT_PHDR, g->headers},
                                     {AT_PHENT, sizeof(Elf64_Phdr)},
                                     {AT_PHNUM, g->header_count},
                                     {AT_BASE, g->interpreter},
                                     {AT_FLAGS, 0},
                                     {AT_ENTRY, g->own_entry},
                                     {AT_UID, p->uid},
                                     {AT_EUID, p->uid},
                                     {AT_GID, p->gid},
                                     {AT_EGID, p->gid},
                                     {AT_SECURE, 0},
                                     {AT_RANDOM, random_at},
                                     {AT_EXECFN, path},
                                     {AT_PLATFORM, platform_at},
                                     {AT_MINSIGSTKSZ, SIGNAL_FRAME_BYTES + fpu_signal_bytes()},
                                     {AT_NULL, 0}};
    size_t words = 1 + g->arguments.count + 1 + g->environment.count + 1;
    g->stack = ALIGN_DOWN(random_at - sizeof auxiliary - words * sizeof(uint64_t), (uint64_t)16);
    int error = make_area(g, USER_END - g->stack + SPARE_STACK_BYTES);
    if (error)
        return error;

    struct writer w = {.mm = g->mm, .at = g->stack};
    put_word(&w, g->arguments.count);
    g->mm->arguments_start = text;
    g->mm->arguments_end = put_pointers(&w, &g->arguments, text);
    put_pointers(&w, &g->environment, g->mm->arguments_end);
    put(&w, auxiliary, sizeof auxiliary);
    w.at = random_at;
    put(&w, random, sizeof random);
    w.at = platform_at;
    put(&w, platform, sizeof platform);
    put_strings(&w, &g->arguments);
    put_strings(&w, &g->environment);
    put(&w, g->path, strlen(g->path) + 1);
    return w.error ? -ENOMEM : 0;
}
