/* SPDX-License-Identifier: Apache-2.0 */
/* A program on its way to being run: what the files of exec hand to each other. Until it is installed, nothing of the
 * old program has been touched. */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include "sched/task.h"

struct mm;

enum { ARGUMENT_BYTES_MAX = 2 << 20, EXECUTABLE_BYTES = sizeof((struct process *)0)->executable };

struct strings {
    char **item; /* each allocated */
    size_t count, room;
    size_t bytes; /* with NULs and a pointer for each */
};

struct program {
    struct inode *inode;               /* the file that is loaded; a reference */
    char executable[EXECUTABLE_BYTES]; /* its absolute path                    */
    char *path;                        /* as it was asked for: AT_EXECFN and the task's name */
    struct strings arguments, environment;
    struct mm *mm;
    uint64_t entry, stack; /* first RIP and RSP */
    /* For the auxiliary vector: the program's own entry and headers, the interpreter's address (0: none). */
    uint64_t own_entry, headers, header_count, interpreter;
    bool has_executable_stack;
};

/* --- proc/exec_strings.c: 0, -E2BIG, -ENOMEM, -EFAULT --- */
int strings_add(struct strings *s, char *owned); /* takes the string in any case; NULL: -ENOMEM */
int strings_prepend(struct strings *s, char *owned);
void strings_remove_first(struct strings *s);                            /* harmless if there is none */
int strings_from_user(struct strings *s, uint64_t array, size_t budget); /* array 0: an empty one */
int strings_from_kernel(struct strings *s, const char *const array[]);
void strings_free(struct strings *s);
char *strings_join(const struct strings *s, size_t limit, size_t *bytes); /* NULs kept; NULL: no memory */

/* --- proc/exec.c --- */
/* Opens what shall be loaded: a regular file that somebody may execute. */
int program_open(struct program *g, int dirfd, const char *path, unsigned path_flags);

/* --- proc/elf.c: into g->mm. -ENOEXEC: no such program; -ELIBBAD: its interpreter is none --- */
int elf_load(struct program *g);

/* --- proc/exec_stack.c --- */
int exec_build_stack(struct program *g, const struct process *p);
/* Bytes (NULL: zeros) into an address space that need not be the current one. 0 or -EFAULT. */
int exec_store(struct mm *mm, uint64_t to, const void *from, size_t bytes);

#endif
