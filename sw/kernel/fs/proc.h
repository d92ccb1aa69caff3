/* SPDX-License-Identifier: Apache-2.0 */
/* /proc is a table of names, each with the function that prints what it shows. */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "fs/vfs.h"
#include "proc/process.h"

struct proc_text { /* contents in the making; a length of room or more means that room was too little */
    size_t room, length;
    char bytes[];
};
__attribute__((format(printf, 2, 3))) void proc_print(struct proc_text *t, const char *format, ...);

/* Entries with fixed places in the table. Numbers lead from PROC_ROOT to PROC_PID and from PROC_FDS to PROC_FD. */
enum { PROC_ROOT, PROC_PID, PROC_FDS, PROC_FD, PROC_SYS, PROC_SYS_KERNEL, PROC_NOWHERE };
enum { PROC_FILE = S_IFREG | 0444, PROC_LINK = S_IFLNK | 0777, PROC_DIRECTORY = S_IFDIR | 0555 };

struct proc_entry {
    unsigned parent;
    const char *name;
    uint32_t mode;
    /* A file's contents or a link's text. p: whom it is about, if it lies below PROC_PID; fd: of PROC_FD. */
    void (*print)(struct proc_text *t, const struct process *p, int fd);
};
extern const struct proc_entry proc_entries[];
extern const unsigned proc_entry_count;

struct file *proc_file_of(const struct process *p, int fd); /* an open file of a process: borrowed, or NULL */

#endif
