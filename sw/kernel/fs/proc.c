/* SPDX-License-Identifier: Apache-2.0 */
/* How /proc and /sys work: inodes are made when looked up, contents when read from the beginning. What they show is in
 * proc_system.c and proc_pid.c. */
#include "fs/proc.h"

#include "fs/tty.h"
#include "mm/page.h"
#include "printf.h"
#include "string.h"

enum { FIRST_ROOM = 1024, ROOM_MAX = 4 << 20, WRITE_MAX = 64 };

/* The inode's number says whom it is about: bit 62 set, 61 is_thread, 60:36 number, 35:24 fd, 23:0 the entry's place in
 * the kernel image. */
enum { FD_SHIFT = 24, NUMBER_SHIFT = 36, THREAD_SHIFT = 61, OURS_SHIFT = 62 };

static const struct inode_ops proc_inode_ops;
static const struct file_ops proc_file_ops;

static struct proc_text *text_create(void) { return kzalloc(sizeof(struct proc_text)); }

static void text_free(struct proc_text *t)
{
    if (t)
        kfree(t->text);
    kfree(t);
}

static bool text_grow(struct proc_text *t, size_t needed)
{
    size_t room = t->room ? t->room : FIRST_ROOM;
    while (room < needed)
        room *= 2;
    char *text = room <= ROOM_MAX ? krealloc(t->text, t->room, room) : NULL;
    if (!text) {
        t->is_short = true;
        return false;
    }
    t->text = text;
    t->room = room;
    return true;
}

void proc_print(struct proc_text *t, const char *format, ...)
{
    for (int tries = 0; tries < 2 && !t->is_short; tries++) {
        va_list list;
        va_start(list, format);
        size_t n = (size_t)vsnprintf(t->text + t->length, t->room - t->length, format, list);
        va_end(list);
        if (t->length + n < t->room) {
            t->length += n;
            return;
        }
        text_grow(t, t->length + n + 1);
    }
}

void proc_put(struct proc_text *t, const char *bytes, size_t count)
{
    if (t->is_short || (t->room - t->length < count && !text_grow(t, t->length + count)))
        return;
    memcpy(t->text + t->length, bytes, count);
    t->length += count;
}

void proc_print_mask(struct proc_text *t, uint64_t mask)
{
    const char *comma = "";
    for (unsigned i = 0; i < 64; i++) {
        unsigned first = i;
        if (!(mask >> i & 1))
            continue;
        while (i < 63 && mask >> (i + 1) & 1)
            i++;
        proc_print(t, i > first ? "%s%u-%u" : "%s%u", comma, first, i);
        comma = ",";
    }
}

static const struct proc_entry *entry_of(const struct inode *i) { return i->data; }

/* False: whom it was about is gone. */
static bool find_subject(const struct inode *i, struct proc_subject *s)
{
    *s = (struct proc_subject){.number = (int)(i->ino >> NUMBER_SHIFT & 0x1ffffff),
                               .is_thread = i->ino >> THREAD_SHIFT & 1,
                               .fd = (int)(i->ino >> FD_SHIFT & 0xfff)};
    if (!s->number)
        return true;
    s->task = task_find(s->number);
    s->process = s->task ? s->task->process : process_find(s->number);
    if (s->process && !s->task && !list_is_empty(&s->process->threads))
        s->task = LIST_FIRST(&s->process->threads, struct task, in_process);
    return s->process && (!s->is_thread || (s->task && s->task->tid == s->number));
}

static uint64_t ino_of(const struct proc_entry *e, int number, bool is_thread, int fd)
{
    return 1ull << OURS_SHIFT | (is_thread ? 1ull << THREAD_SHIFT : 0) | (uint64_t)number << NUMBER_SHIFT |
           (uint64_t)fd << FD_SHIFT | ((uint64_t)e & 0xffffff);
}

/* ino of what is called `number` in a directory about s; the entry is e->each. */
static uint64_t numbered_ino(const struct proc_entry *e, const struct proc_subject *s, int number)
{
    if (e->numbered == NUMBERED_FDS)
        return ino_of(e->each, s->number, s->is_thread, number);
    return ino_of(e->each, number, e->numbered == NUMBERED_THREADS, 0);
}

static struct inode *make(struct inode *dir, const struct proc_entry *e, uint64_t ino, const struct process *owner)
{
    struct inode *i = inode_create(e->mode, &proc_inode_ops, S_ISREG(e->mode) ? &proc_file_ops : NULL);
    if (!i)
        return NULL;
    i->ino = ino;
    i->data = (void *)e;
    i->uid = owner ? owner->uid : 0;
    i->gid = owner ? owner->gid : 0;
    if (dir && S_ISDIR(e->mode)) {
        i->parent = inode_get(dir);
        i->owns_parent = true;
    }
    return i;
}

/* The least number >= from that a directory has; -1: none. */
static int next_number(const struct proc_entry *e, const struct proc_subject *s, int from)
{
    int best = -1;
    if (e->numbered == NUMBERED_PROCESSES) {
        struct process *p;
        LIST_FOR_EACH(p, &process_list, all)
        {
            if (p->pid >= from && p->pid > 0 && (best < 0 || p->pid < best))
                best = p->pid;
        }
    } else if (e->numbered == NUMBERED_THREADS && s->process) {
        struct task *t;
        LIST_FOR_EACH(t, &s->process->threads, in_process)
        {
            if (t->tid >= from && (best < 0 || t->tid < best))
                best = t->tid;
        }
    } else if (e->numbered == NUMBERED_FDS && s->task && s->task->files) {
        for (int fd = from; best < 0 && fd < FDS_MAX; fd++)
            best = s->task->files->file[fd] ? fd : -1;
    }
    return best;
}

/* A number as listed: no leading zeros. -1: none. */
static int parse_number(const char *name, size_t len)
{
    int n = 0;
    if (!len || len > 7 || (len > 1 && name[0] == '0'))
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        n = 10 * n + name[i] - '0';
    }
    return n;
}

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t len)
{
    const struct proc_entry *e = entry_of(dir), *child;
    struct proc_subject s;
    if (!find_subject(dir, &s))
        return NULL;
    for (child = e->children; child && child->name; child++)
        if (strlen(child->name) == len && memcmp(child->name, name, len) == 0)
            return make(dir, child, ino_of(child, s.number, s.is_thread, 0), s.process);
    int n = parse_number(name, len);
    if (n < 0 || !e->numbered)
        return NULL;
    if (e->numbered == NUMBERED_PROCESSES) { /* also by the number of any thread, though it is not listed */
        struct task *t = task_find(n);
        s.process = t ? t->process : process_find(n);
        return s.process ? make(dir, e->each, numbered_ino(e, &s, n), s.process) : NULL;
    }
    return next_number(e, &s, n) == n ? make(dir, e->each, numbered_ino(e, &s, n), s.process) : NULL;
}

/* Positions: the constant entries, then count + number. */
static int proc_list(struct inode *dir, uint64_t *position,
                     bool (*emit)(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type), void *ctx)
{
    const struct proc_entry *e = entry_of(dir);
    struct proc_subject s;
    uint64_t count = 0;
    if (!find_subject(dir, &s))
        return -ENOENT;
    for (; e->children && e->children[count].name; count++) {
        const struct proc_entry *child = &e->children[count];
        if (count < *position)
            continue;
        if (!emit(ctx, child->name, strlen(child->name), ino_of(child, s.number, s.is_thread, 0), child->mode >> 12))
            return 0;
        *position = count + 1;
    }
    while (e->numbered && *position - count < INT32_MAX) {
        int n = next_number(e, &s, (int)(*position - count));
        char name[12];
        if (n < 0)
            break;
        *position = count + (uint64_t)n;
        if (!emit(ctx, name, (size_t)snprintf(name, sizeof name, "%d", n), numbered_ino(e, &s, n), e->each->mode >> 12))
            break;
        ++*position;
    }
    return 0;
}

static char *proc_read_link(struct inode *link)
{
    struct proc_subject s;
    return find_subject(link, &s) ? entry_of(link)->link(&s) : kstrdup("");
}

struct inode *proc_follow(struct inode *link)
{
    struct proc_subject s;
    if (link->ops != &proc_inode_ops || !entry_of(link)->follow || !find_subject(link, &s))
        return NULL;
    struct inode *target = entry_of(link)->follow(&s);
    return target ? inode_get(target) : NULL;
}

static const struct inode_ops proc_inode_ops = {.lookup = proc_lookup, .list = proc_list, .read_link = proc_read_link};

static int generate(struct file *f)
{
    struct proc_subject s;
    struct proc_text *t = text_create();
    int error = !t ? -ENOMEM : find_subject(f->inode, &s) ? 0 : -ESRCH;
    if (!error)
        error = entry_of(f->inode)->print(t, &s);
    if (!error && t->is_short)
        error = -ENOMEM;
    if (error) {
        text_free(t);
        return error;
    }
    text_free(f->data);
    f->data = t;
    return 0;
}

static int64_t proc_read(struct file *f, struct uio *u, uint64_t *position)
{
    int error = *position == 0 || !f->data ? generate(f) : 0;
    if (error)
        return error;
    const struct proc_text *t = f->data;
    size_t n = *position < t->length ? MIN(u->left, t->length - *position) : 0;
    if (uio_to(u, t->text + *position, n))
        return -EFAULT;
    *position += n;
    return (int64_t)n;
}

static int64_t proc_write(struct file *f, struct uio *u, uint64_t *position)
{
    char text[WRITE_MAX + 1];
    size_t n = MIN(u->left, (size_t)WRITE_MAX);
    struct proc_subject s;
    (void)position;
    if (!entry_of(f->inode)->write)
        return -EIO;
    if (!find_subject(f->inode, &s))
        return -ESRCH;
    if (uio_from(u, text, n))
        return -EFAULT;
    text[n] = 0;
    int error = entry_of(f->inode)->write(&s, text, n);
    return error ? error : (int64_t)n;
}

static void proc_release(struct file *f) { text_free(f->data); }

static const struct file_ops proc_file_ops = {.read = proc_read, .write = proc_write, .release = proc_release};

static void attach(const char *name, const struct proc_entry *e)
{
    struct inode *root = make(NULL, e, ino_of(e, 0, false, 0), NULL);
    int error = root ? vfs_attach(name, root) : -ENOMEM;
    if (error)
        klog("no /%s: error %d", name, -error);
    inode_put(root);
}

void proc_init(void)
{
    static const struct proc_entry proc_root = {.mode = PROC_DIRECTORY,
                                                .children = proc_system_entries,
                                                .numbered = NUMBERED_PROCESSES,
                                                .each = &proc_pid_entry};
    static const struct proc_entry sys_root = {.mode = PROC_DIRECTORY, .children = sys_entries};
    attach("proc", &proc_root);
    attach("sys", &sys_root);
}
