/* SPDX-License-Identifier: Apache-2.0 */
/* A program on its way to being run: what the files of exec hand to each other. Until it is installed, nothing of the
 * old program has been touched. */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include "lib/base.h"

struct mm;

struct program {
    const char *path;  /* as it was asked for: AT_EXECFN and the task's name */
    struct file *file; /* what is loaded; a reference */
    struct mm *mm;
    char *strings; /* arguments, environment, and the path once more, one after the other with their NULs */
    size_t bytes, argument_bytes, argument_count, environment_count;
    uint64_t entry, stack;          /* first RIP and RSP */
    uint64_t headers, header_count; /* of the ELF file, for the auxiliary vector */
};

/* --- proc/image.c --- */
/* Into g->mm, which it makes. -ENOEXEC: no such program; -ELIBACC: it wants an interpreter. */
int elf_load(struct program *g);
int exec_build_stack(struct program *g);
/* Bytes into an address space that need not be the current one. 0 or -EFAULT. */
int exec_store(struct mm *mm, uint64_t to, const void *from, size_t bytes);

#endif
