/* SPDX-License-Identifier: Apache-2.0 */
/* How /proc works: inodes are made when looked up, contents when read from the beginning. What they show is in
 * proc_text.c. An inode holds no pointer to a process, only its number: who finds nobody there gets ESRCH. */
#include "fs/proc.h"

#include "mm/page.h"
#include "printf.h"
#include "string.h"

/* The inode's number says what it shows: bit 62 set, 61:32 process, 31:16 descriptor, 15:0 place in the table. */
enum { ENTRY_BITS = 16, PID_SHIFT = 32, FIRST_ROOM = 1000 };

static const struct inode_ops proc_inode_ops;
static const struct file_ops proc_file_ops;

static uint64_t ino_of(uint64_t entry, int pid, int fd)
{
    return 1ull << 62 | (uint64_t)pid << PID_SHIFT | (uint64_t)fd << ENTRY_BITS | entry;
}
static unsigned entry_of(const struct inode *i) { return (uint16_t)i->ino; }
static int fd_of(const struct inode *i) { return (uint16_t)(i->ino >> ENTRY_BITS); }
static int pid_of(const struct inode *i) { return (int)(i->ino >> PID_SHIFT & 0x3fffffff); }

void proc_print(struct proc_text *t, const char *format, ...)
{
    size_t used = MIN(t->length, t->room);
    va_list list;
    va_start(list, format);
    t->length += (size_t)vsnprintf(t->bytes + used, t->room - used, format, list);
    va_end(list);
}

/* Allocated; NULL: no memory. Nothing changes while the kernel lock is held, so a second try fits. */
static struct proc_text *generate(const struct inode *i, const struct process *p)
{
    for (size_t room = FIRST_ROOM;;) {
        struct proc_text *t = kmalloc(sizeof *t + room);
        if (!t)
            return NULL;
        t->room = room;
        t->length = 0;
        t->bytes[0] = 0;
        proc_entries[entry_of(i)].print(t, p, fd_of(i));
        if (t->length < room)
            return t;
        room = t->length + 1;
        kfree(t);
    }
}

struct file *proc_file_of(const struct process *p, int fd)
{
    const struct task *t = p && !list_is_empty(&p->threads) ? LIST_FIRST(&p->threads, struct task, in_process) : NULL;
    return t && t->files && fd < FDS_MAX ? t->files->file[fd] : NULL;
}

static struct inode *make(struct inode *dir, unsigned entry, int pid, int fd)
{
    uint32_t mode = proc_entries[entry].mode;
    struct inode *i = inode_create(mode, &proc_inode_ops, S_ISREG(mode) ? &proc_file_ops : NULL);
    if (!i)
        return NULL;
    i->ino = ino_of(entry, pid, fd);
    if (dir && S_ISDIR(mode))
        i->parent = inode_get(dir);
    return i;
}

/* The least number >= from that a directory has; -1: none. */
static int next_number(const struct inode *dir, int from)
{
    int best = -1;
    if (entry_of(dir) == PROC_ROOT) {
        struct process *p;
        LIST_FOR_EACH(p, &process_list, all)
        {
            if (p->pid >= from && p->pid > 0 && (best < 0 || p->pid < best))
                best = p->pid;
        }
    } else if (entry_of(dir) == PROC_FDS) {
        struct process *p = process_find(pid_of(dir));
        for (int fd = from; best < 0 && fd < FDS_MAX; fd++)
            best = proc_file_of(p, fd) ? fd : -1;
    }
    return best;
}

static uint64_t numbered_ino(const struct inode *dir, int n)
{
    return entry_of(dir) == PROC_ROOT ? ino_of(PROC_PID, n, 0) : ino_of(PROC_FD, pid_of(dir), n);
}

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t len)
{
    int n = 0;
    for (unsigned e = 0; e < proc_entry_count; e++) {
        const struct proc_entry *entry = &proc_entries[e];
        if (entry->parent == entry_of(dir) && strlen(entry->name) == len && !memcmp(entry->name, name, len))
            return make(dir, e, pid_of(dir), 0);
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || len > 7)
            return NULL;
        n = 10 * n + name[i] - '0';
    }
    if (next_number(dir, n) != n)
        return NULL;
    return entry_of(dir) == PROC_ROOT ? make(dir, PROC_PID, n, 0) : make(dir, PROC_FD, pid_of(dir), n);
}

/* Positions: places in the table, then its length + number. */
static void proc_list(struct inode *dir, uint64_t *position, emit_entry *emit, void *ctx)
{
    for (; *position < proc_entry_count; ++*position) {
        const struct proc_entry *e = &proc_entries[*position];
        uint64_t ino = ino_of(*position, pid_of(dir), 0);
        if (e->parent == entry_of(dir) && !emit(ctx, e->name, strlen(e->name), ino, e->mode >> 12))
            return;
    }
    for (; *position < INT32_MAX; ++*position) {
        int n = next_number(dir, (int)(*position - proc_entry_count));
        char name[12];
        if (n < 0)
            return;
        *position = proc_entry_count + (uint64_t)n;
        unsigned type = (entry_of(dir) == PROC_ROOT ? S_IFDIR : S_IFLNK) >> 12;
        if (!emit(ctx, name, (size_t)snprintf(name, sizeof name, "%d", n), numbered_ino(dir, n), type))
            return;
    }
}

static char *proc_read_link(struct inode *link)
{
    const struct process *p = process_find(pid_of(link));
    if (pid_of(link) && !p)
        return kstrdup("");
    struct proc_text *t = generate(link, p);
    char *text = t ? kstrdup(t->bytes) : NULL;
    kfree(t);
    return text;
}

/* An eventfd and its kind have no inode of their own and cannot be opened a second time. */
static struct inode *proc_follow(struct inode *link)
{
    const struct file *f = entry_of(link) == PROC_FD ? proc_file_of(process_find(pid_of(link)), fd_of(link)) : NULL;
    return f && f->inode && f->inode->mode & S_IFMT ? inode_get(f->inode) : NULL;
}

static const struct inode_ops proc_inode_ops = {
    .lookup = proc_lookup, .list = proc_list, .read_link = proc_read_link, .follow = proc_follow};

static int64_t proc_read(struct file *f, struct uio *u, uint64_t *position)
{
    if (*position == 0 || !f->data) {
        const struct process *p = process_find(pid_of(f->inode));
        if (pid_of(f->inode) && !p)
            return -ESRCH;
        kfree(f->data);
        f->data = generate(f->inode, p);
    }
    const struct proc_text *t = f->data;
    if (!t)
        return -ENOMEM;
    size_t n = *position < t->length ? MIN(u->left, t->length - *position) : 0;
    if (uio_to(u, t->bytes + *position, n))
        return -EFAULT;
    *position += n;
    return (int64_t)n;
}

static void proc_release(struct file *f) { kfree(f->data); }

static const struct file_ops proc_file_ops = {.read = proc_read, .release = proc_release};

void proc_init(void)
{
    if (vfs_name(AT_FDCWD, "/proc", make(NULL, PROC_ROOT, 0, 0)))
        panic("no memory for /proc");
}
