/* SPDX-License-Identifier: Apache-2.0 */
/* /proc and /sys: trees of constant entries, below which there are numbered ones that live as long as what they show.
 * An inode holds no pointer to a task, only its number: who finds nobody there gets ENOENT or ESRCH. */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "fs/vfs.h"
#include "sched/task.h"

struct proc_text { /* contents in the making */
    char *text;
    size_t length, room;
    bool is_short; /* memory ran out */
};
__attribute__((format(printf, 2, 3))) void proc_print(struct proc_text *t, const char *format, ...);
void proc_put(struct proc_text *t, const char *bytes, size_t count);
void proc_print_mask(struct proc_text *t, uint64_t mask); /* "0-2,5" */

/* Whom an entry is about. */
struct proc_subject {
    int number;              /* process or thread; 0: the system */
    bool is_thread;          /* below task/: the thread rather than its process */
    int fd;                  /* below fd/ */
    struct process *process; /* exists if number != 0 */
    struct task *task;       /* the thread, or the oldest of the process; NULL: all have ended */
};

enum { PROC_FILE = S_IFREG | 0444, PROC_LINK = S_IFLNK | 0777, PROC_DIRECTORY = S_IFDIR | 0555 };
enum proc_numbered { NUMBERED_NOT, NUMBERED_PROCESSES, NUMBERED_THREADS, NUMBERED_FDS };

struct proc_entry {
    const char *name;
    uint32_t mode;
    int (*print)(struct proc_text *t, const struct proc_subject *s);      /* a file's contents: 0 or -errno */
    int (*write)(const struct proc_subject *s, char *text, size_t bytes); /* text has room for a NUL */
    char *(*link)(const struct proc_subject *s);                          /* a symbolic link's text, allocated */
    struct inode *(*follow)(const struct proc_subject *s);                /* see proc_follow(); no reference */
    const struct proc_entry *children;                                    /* of a directory; a name of NULL ends them */
    enum proc_numbered numbered;                                          /* and those with numbers, */
    const struct proc_entry *each;                                        /* all alike               */
};

extern const struct proc_entry proc_system_entries[], proc_pid_entry, sys_entries[];

#endif
