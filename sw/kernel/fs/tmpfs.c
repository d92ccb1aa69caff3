/* SPDX-License-Identifier: Apache-2.0 */
/* The file system: everything lives in memory. Directories keep their entries in order of birth, for listing, and in a
 * hash table, for lookup. An entry is a reference to its inode, a subdirectory one to its parent. */
#include "fs/pages.h"
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/timer.h"
#include "string.h"

enum { FIRST_BUCKETS = 8, ENTRY_BYTES = 20 /* what an entry adds to st_size of its directory */ };

struct entry {
    struct list in_order;
    struct entry *next; /* in its bucket */
    struct inode *target;
    uint64_t cookie; /* position for getdents; grows along in_order, so that a removal disturbs no listing */
    uint32_t hash;
    uint8_t len;
    char name[];
};

struct directory {
    struct list entries;
    struct entry **bucket;
    uint32_t buckets, count;
    uint64_t next_cookie;
};

static const struct inode_ops tmpfs_inode_ops;
static const struct file_ops tmpfs_file_ops;

bool tmpfs_owns(const struct inode *i) { return i->ops == &tmpfs_inode_ops; }
void tmpfs_usage(uint64_t *pages, uint64_t *free) { pages_usage(pages, free); }

static void touch(struct inode *i) { i->mtime = i->ctime = clock_realtime(); }

static uint32_t hash_of(const char *name, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash;
}

static struct entry *entry_find(struct inode *dir, const char *name, size_t len)
{
    struct directory *d = dir->data;
    uint32_t hash = hash_of(name, len);
    for (struct entry *e = d->bucket[hash % d->buckets]; e; e = e->next) {
        if (e->hash == hash && e->len == len && !memcmp(e->name, name, len))
            return e;
    }
    return NULL;
}

static struct entry *entry_create(const char *name, size_t len)
{
    struct entry *e = kzalloc(sizeof *e + len);
    if (!e)
        return NULL;
    list_init(&e->in_order);
    e->hash = hash_of(name, len);
    e->len = (uint8_t)len;
    memcpy(e->name, name, len);
    return e;
}

static void directory_grow(struct directory *d)
{
    uint32_t buckets = d->buckets * 4;
    struct entry **bucket = kzalloc(buckets * sizeof(struct entry *)), *e;
    if (!bucket)
        return; /* longer chains do as well */
    LIST_FOR_EACH(e, &d->entries, in_order)
    {
        e->next = bucket[e->hash % buckets];
        bucket[e->hash % buckets] = e;
    }
    kfree(d->bucket);
    d->bucket = bucket;
    d->buckets = buckets;
}

/* The entry names target from now on; what that means for link counts and for "..". */
static void entry_aim(struct inode *dir, struct entry *e, struct inode *target)
{
    e->target = inode_get(target);
    target->nlink++;
    if (S_ISDIR(target->mode)) {
        struct inode *old = target->owns_parent ? target->parent : NULL;
        dir->nlink++;
        target->parent = inode_get(dir);
        target->owns_parent = true;
        inode_put(old);
    }
    target->ctime = clock_realtime();
}

/* The opposite; a directory that is removed keeps its "..". */
static void entry_unaim(struct inode *dir, struct entry *e)
{
    e->target->nlink--;
    if (S_ISDIR(e->target->mode))
        dir->nlink--;
    e->target->ctime = clock_realtime();
    inode_put(e->target);
    e->target = NULL;
}

static void entry_insert(struct inode *dir, struct entry *e)
{
    struct directory *d = dir->data;
    if (d->count >= d->buckets * 2)
        directory_grow(d);
    e->cookie = d->next_cookie++;
    e->next = d->bucket[e->hash % d->buckets];
    d->bucket[e->hash % d->buckets] = e;
    list_append(&d->entries, &e->in_order);
    d->count++;
    dir->size += ENTRY_BYTES;
    touch(dir);
}

static void entry_remove(struct inode *dir, struct entry *e)
{
    struct directory *d = dir->data;
    struct entry **at = &d->bucket[e->hash % d->buckets];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_remove(&e->in_order);
    d->count--;
    dir->size -= ENTRY_BYTES;
    touch(dir);
    kfree(e);
}

static struct inode *tmpfs_lookup(struct inode *dir, const char *name, size_t len)
{
    struct entry *e = entry_find(dir, name, len);
    return e ? inode_get(e->target) : NULL;
}

static int tmpfs_link(struct inode *dir, const char *name, size_t len, struct inode *target)
{
    if (len > NAME_BYTES)
        return -ENAMETOOLONG;
    if (!dir->nlink)
        return -ENOENT; /* removed, somebody's working directory still */
    if (entry_find(dir, name, len))
        return -EEXIST;
    struct entry *e = entry_create(name, len);
    if (!e)
        return -ENOMEM;
    entry_aim(dir, e, target);
    entry_insert(dir, e);
    return 0;
}

static int tmpfs_unlink(struct inode *dir, const char *name, size_t len)
{
    struct entry *e = entry_find(dir, name, len);
    if (!e)
        return -ENOENT;
    if (S_ISDIR(e->target->mode)) {
        if (!tmpfs_owns(e->target))
            return -EBUSY; /* another file system is mounted there */
        if (((struct directory *)e->target->data)->count)
            return -ENOTEMPTY;
        e->target->nlink--; /* its "." */
    }
    entry_unaim(dir, e);
    entry_remove(dir, e);
    return 0;
}

static int tmpfs_exchange(struct inode *dir_a, struct entry *a, struct inode *dir_b, struct entry *b)
{
    struct inode *target_a = inode_get(a->target), *target_b = inode_get(b->target);
    entry_unaim(dir_a, a);
    entry_unaim(dir_b, b);
    entry_aim(dir_a, a, target_b);
    entry_aim(dir_b, b, target_a);
    inode_put(target_a);
    inode_put(target_b);
    touch(dir_a);
    touch(dir_b);
    return 0;
}

static int tmpfs_rename(struct inode *from_dir, const char *from, size_t from_len, struct inode *to_dir, const char *to,
                        size_t to_len, bool is_exchange)
{
    struct entry *old = entry_find(from_dir, from, from_len), *replaced = entry_find(to_dir, to, to_len);
    if (!old || (is_exchange && !replaced) || !to_dir->nlink)
        return -ENOENT;
    if (is_exchange)
        return tmpfs_exchange(from_dir, old, to_dir, replaced);
    struct entry *e = entry_create(to, to_len);
    if (!e)
        return -ENOMEM;
    int error = replaced ? tmpfs_unlink(to_dir, to, to_len) : 0;
    if (error) {
        kfree(e);
        return error;
    }
    entry_aim(to_dir, e, old->target);
    entry_insert(to_dir, e);
    entry_unaim(from_dir, old);
    entry_remove(from_dir, old);
    return 0;
}

static int tmpfs_list(struct inode *dir, uint64_t *position,
                      bool (*emit)(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type), void *ctx)
{
    struct directory *d = dir->data;
    struct entry *e;
    LIST_FOR_EACH(e, &d->entries, in_order)
    {
        if (e->cookie < *position)
            continue;
        *position = e->cookie;
        if (!emit(ctx, e->name, e->len, e->target->ino, e->target->mode >> 12))
            return 0;
        *position = e->cookie + 1;
    }
    return 0;
}

static char *tmpfs_read_link(struct inode *link) { return kstrdup(link->data); }

static int tmpfs_truncate(struct inode *i, uint64_t size)
{
    struct pages *p = i->data;
    if (size > FILE_BYTES_MAX)
        return -EFBIG;
    bool shrinks = size < i->size;
    i->size = size;
    if (shrinks) {
        mm_truncated(i, size); /* nobody's tables lead there any more when the pages go */
        pages_trim(p, (size + PAGE_BYTES - 1) / PAGE_BYTES);
        uint64_t last = size % PAGE_BYTES ? pages_find(p, size / PAGE_BYTES) : 0;
        if (last) /* what is cut off must not come back when the file grows again */
            memset((char *)phys_to_virt(last) + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
    }
    i->pages = p->count;
    touch(i);
    return 0;
}

static uint64_t tmpfs_page(struct inode *i, uint64_t index, bool create)
{
    struct pages *p = i->data;
    if (!S_ISREG(i->mode) || index >= (i->size + PAGE_BYTES - 1) / PAGE_BYTES)
        return 0;
    uint64_t page = create ? pages_make(p, index) : pages_find(p, index);
    i->pages = p->count;
    if (page)
        page_get(page);
    return page;
}

static void tmpfs_free(struct inode *i)
{
    if (S_ISREG(i->mode)) {
        pages_trim(i->data, 0);
        kfree(i->data);
    } else if (S_ISDIR(i->mode)) {
        kfree(((struct directory *)i->data)->bucket);
        kfree(i->data);
    } else if (S_ISLNK(i->mode)) {
        kfree(i->data);
    }
}

static const struct inode_ops tmpfs_inode_ops = {
    .lookup = tmpfs_lookup,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .list = tmpfs_list,
    .read_link = tmpfs_read_link,
    .truncate = tmpfs_truncate,
    .page = tmpfs_page,
    .free = tmpfs_free,
    .rename = tmpfs_rename,
};

static int64_t tmpfs_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct inode *i = f->inode;
    uint64_t at = *position;
    size_t wanted = u->left;
    int error = 0;
    while (u->left && at < i->size && !error) {
        uint64_t within = at % PAGE_BYTES, left = u->left, page = pages_find(i->data, at / PAGE_BYTES);
        size_t n = MIN(i->size - at, PAGE_BYTES - within);
        error = page ? uio_to(u, (char *)phys_to_virt(page) + within, n) : uio_clear(u, n);
        at += left - u->left;
    }
    *position = at;
    if (i->atime <= i->mtime && !(f->flags & O_NOATIME)) /* as mounted with relatime */
        i->atime = clock_realtime();
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

static int64_t tmpfs_write(struct file *f, struct uio *u, uint64_t *position)
{
    struct inode *i = f->inode;
    struct pages *p = i->data;
    uint64_t at = f->flags & O_APPEND ? i->size : *position;
    uint64_t limit = file_size_limit();
    size_t wanted = u->left;
    int error = 0;
    if (!wanted)
        return 0;
    if (at >= limit)
        return file_too_large();
    while (u->left && at < limit && !error) {
        uint64_t within = at % PAGE_BYTES, left = u->left, page = pages_make(p, at / PAGE_BYTES);
        size_t n = MIN(limit - at, PAGE_BYTES - within);
        error = page ? uio_from(u, (char *)phys_to_virt(page) + within, n) : -ENOSPC;
        at += left - u->left;
        if (at > i->size)
            i->size = at;
    }
    *position = at;
    i->pages = p->count;
    touch(i);
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

static const struct file_ops tmpfs_file_ops = {.read = tmpfs_read, .write = tmpfs_write};

static bool create_data(struct inode *i)
{
    if (S_ISREG(i->mode))
        return (i->data = kzalloc(sizeof(struct pages)));
    if (!S_ISDIR(i->mode))
        return true;
    struct directory *d = i->data = kzalloc(sizeof *d);
    if (!d)
        return false;
    list_init(&d->entries);
    d->buckets = FIRST_BUCKETS;
    d->bucket = kzalloc(FIRST_BUCKETS * sizeof(struct entry *));
    if (d->bucket)
        return true;
    kfree(d);
    return false;
}

struct inode *tmpfs_create(uint32_t mode)
{
    struct inode *i = inode_create(mode, NULL, S_ISREG(mode) ? &tmpfs_file_ops : NULL);
    if (!i)
        return NULL;
    if (!create_data(i)) {
        inode_put(i);
        return NULL;
    }
    i->ops = &tmpfs_inode_ops;
    i->nlink = S_ISDIR(mode) ? 1 : 0; /* the entry to come counts another one */
    i->size = S_ISDIR(mode) ? 2 * ENTRY_BYTES : 0;
    return i;
}

struct inode *tmpfs_symlink(const char *text)
{
    struct inode *i = tmpfs_create(S_IFLNK | 0777);
    if (!i)
        return NULL;
    i->size = strlen(text);
    i->data = kstrdup(text);
    if (i->data)
        return i;
    inode_put(i);
    return NULL;
}

void tmpfs_init(void)
{
    root_inode = tmpfs_create(S_IFDIR | 0755);
    if (!root_inode)
        panic("no memory for the root directory");
    root_inode->nlink = 2;
}
