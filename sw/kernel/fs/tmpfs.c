/* SPDX-License-Identifier: Apache-2.0 */
/* The file system: everything lives in memory. A directory is a list of its inodes in order of birth, each with its
 * only name: there are no hard links. A file's pages hang in a tree like the CPU's page tables. All files together take
 * at most half of the memory: a program that fills the disk gets ENOSPC, and there is memory left to deal with it. */
#include "ext2/ext2.h"
#include "mm/mm.h"
#include "sched/time.h"
#include "string.h"

enum { LEVELS = 3, SLOT_BITS = 9, SLOTS = 1 << SLOT_BITS }; /* up to 512 GiB of a file */

static const struct inode_ops tmpfs_inode_ops;
static uint64_t used_pages;

bool tmpfs_owns(const struct inode *i) { return i->ops == &tmpfs_inode_ops; }

void tmpfs_usage(uint64_t *pages, uint64_t *free)
{
    *pages = pages_total() / 2;
    *free = MIN(*pages - used_pages, pages_free());
}

static void touch(struct inode *i) { i->mtime = i->ctime = clock_realtime(); }

static uint64_t new_page(void)
{
    uint64_t page = used_pages < pages_total() / 2 ? page_alloc_zero() : 0;
    used_pages += page != 0;
    return page;
}

/* Physical, no reference; 0: a hole, with create: no room. */
static uint64_t find_page(struct inode *i, uint64_t index, bool create)
{
    uint64_t *slot = &i->page_table;
    if (index >> LEVELS * SLOT_BITS)
        return 0;
    for (unsigned level = LEVELS;; level--) {
        if (!*slot && create) {
            *slot = new_page();
            i->pages += *slot && !level;
        }
        if (!*slot || !level)
            return *slot;
        slot = (uint64_t *)phys_to_virt(*slot) + (index >> (level - 1) * SLOT_BITS & (SLOTS - 1));
    }
}

/* Frees what lies at and after index first of a subtree; all of it with first = 0. */
static void trim(struct inode *i, uint64_t *slot, unsigned level, uint64_t first)
{
    if (!*slot)
        return;
    if (level) {
        uint64_t *table = phys_to_virt(*slot);
        unsigned shift = (level - 1) * SLOT_BITS;
        for (uint64_t k = first >> shift; k < SLOTS; k++)
            trim(i, &table[k], level - 1, k == first >> shift ? first & ((1ull << shift) - 1) : 0);
    }
    if (first)
        return;
    page_put(*slot);
    *slot = 0;
    used_pages--;
    i->pages -= !level;
}

static struct inode *tmpfs_lookup(struct inode *dir, const char *name, size_t len)
{
    struct inode *i;
    for (LIST_EACH(i, &dir->entries, link))
        if (!strncmp(i->name, name, len) && !i->name[len])
            return inode_get(i);
    return NULL;
}

static void remove_name(struct inode *i)
{
    list_remove(&i->link);
    kfree((void *)i->name);
    i->name = NULL;
    i->nlink = 0;
    touch(i->parent);
    i->ctime = i->parent->ctime;
    inode_put(i);
}

int tmpfs_name(struct inode *dir, const char *name, struct inode *i)
{
    static uint64_t last_position = DOTS;
    char *copy = dir->nlink ? kstrdup(name) : NULL;
    if (!copy)
        return dir->nlink ? -ENOMEM : -ENOENT; /* removed, somebody's working directory still */
    inode_get(i);
    if (i->name)
        remove_name(i);
    inode_put(i->parent);
    i->parent = inode_get(dir);
    i->name = copy;
    i->nlink = 1;
    i->position = ++last_position;
    list_append(&dir->entries, &i->link);
    touch(dir);
    i->ctime = dir->ctime;
    return 0;
}

static int check_removable(const struct inode *i)
{
    /* What is not ours is another file system, which is mounted there. */
    return !tmpfs_owns(i) ? -EBUSY : list_is_empty(&i->entries) ? 0 : -ENOTEMPTY;
}

int tmpfs_unlink(struct inode *i)
{
    int error = check_removable(i);
    if (!error)
        remove_name(i);
    return error;
}

int tmpfs_rename(struct inode *i, struct inode *dir, const char *name, struct inode *replaced)
{
    int error = !tmpfs_owns(i) ? -EBUSY : replaced ? check_removable(replaced) : 0;
    if (!error)
        error = tmpfs_name(dir, name, i);
    if (!error && replaced)
        remove_name(replaced);
    return error;
}

static struct inode *tmpfs_next(struct inode *dir, uint64_t *position, const char **name)
{
    struct inode *i;
    for (LIST_EACH(i, &dir->entries, link)) {
        if (i->position < *position)
            continue;
        *position = i->position + 1;
        *name = i->name;
        return inode_get(i);
    }
    return NULL;
}

static char *tmpfs_read_link(struct inode *link) { return kstrdup(link->data); }

static int tmpfs_truncate(struct inode *i, uint64_t size)
{
    uint64_t first = (size + PAGE_BYTES - 1) / PAGE_BYTES;
    bool shrinks = size < i->size;
    i->size = size;
    if (shrinks) {
        mm_truncated(i, size); /* nobody's tables lead there any more when the pages go */
        if (!(first >> LEVELS * SLOT_BITS))
            trim(i, &i->page_table, LEVELS, first);
        uint64_t last = size % PAGE_BYTES ? find_page(i, size / PAGE_BYTES, false) : 0;
        if (last) /* what is cut off must not come back when the file grows again */
            memset((char *)phys_to_virt(last) + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
    }
    touch(i);
    return 0;
}

static uint64_t tmpfs_page(struct inode *i, uint64_t index, bool create)
{
    uint64_t page = index < (i->size + PAGE_BYTES - 1) / PAGE_BYTES ? find_page(i, index, create) : 0;
    if (page)
        page_get(page);
    return page;
}

static void tmpfs_free(struct inode *i)
{
    trim(i, &i->page_table, LEVELS, 0);
    if (S_ISLNK(i->mode))
        kfree(i->data);
}

static const struct inode_ops tmpfs_inode_ops = {
    .lookup = tmpfs_lookup,
    .next = tmpfs_next,
    .read_link = tmpfs_read_link,
    .truncate = tmpfs_truncate,
    .page = tmpfs_page,
    .free = tmpfs_free,
};

static int64_t tmpfs_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct inode *i = f->inode;
    size_t wanted = u->left;
    int error = 0;
    while (u->left && *position < i->size && !error) {
        uint64_t within = *position % PAGE_BYTES, left = u->left, page = find_page(i, *position / PAGE_BYTES, false);
        size_t n = MIN(i->size - *position, PAGE_BYTES - within);
        error = uio_to(u, (page ? phys_to_virt(page) : zero_page) + within, n);
        *position += left - u->left;
    }
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

static int64_t tmpfs_write(struct file *f, struct uio *u, uint64_t *position)
{
    struct inode *i = f->inode;
    size_t wanted = u->left;
    int error = 0;
    if (f->flags & O_APPEND)
        *position = i->size;
    while (u->left && !error) {
        uint64_t within = *position % PAGE_BYTES, left = u->left, page = find_page(i, *position / PAGE_BYTES, true);
        error = page ? uio_from(u, (char *)phys_to_virt(page) + within, PAGE_BYTES - within) : -ENOSPC;
        *position += left - u->left;
        if (*position > i->size)
            i->size = *position;
    }
    touch(i);
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

static const struct file_ops tmpfs_file_ops = {.read = tmpfs_read, .write = tmpfs_write};

static int64_t move_kernel(struct inode *i, void *memory, size_t bytes, uint64_t position, bool is_write)
{
    struct uio u = {.address = (uint64_t)memory, .length = bytes, .left = bytes, .is_kernel = true};
    struct file f = {.inode = i};
    if (i->file_ops != &tmpfs_file_ops)
        return ext2_owns(i) && i->file_ops && !is_write ? i->file_ops->read(&f, &u, &position) : -EINVAL;
    return is_write ? tmpfs_write(&f, &u, &position) : tmpfs_read(&f, &u, &position);
}

int64_t vfs_read_at(struct inode *i, void *to, size_t n, uint64_t at) { return move_kernel(i, to, n, at, false); }
int64_t tmpfs_fill(struct inode *i, const void *from, size_t n) { return move_kernel(i, (void *)from, n, 0, true); }

struct inode *tmpfs_create(uint32_t mode)
{
    return inode_create(mode, &tmpfs_inode_ops, S_ISREG(mode) ? &tmpfs_file_ops : NULL);
}

struct inode *tmpfs_symlink(const char *text)
{
    char *copy = kstrdup(text);
    struct inode *i = copy ? tmpfs_create(S_IFLNK | 0777) : NULL;
    if (!i) {
        kfree(copy);
        return NULL;
    }
    i->size = strlen(text);
    i->data = copy;
    return i;
}

void tmpfs_init(void)
{
    root_inode = tmpfs_create(S_IFDIR | 0755);
    if (!root_inode)
        panic("no memory for the root directory");
}
