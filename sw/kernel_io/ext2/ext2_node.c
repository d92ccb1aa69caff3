/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: inodes, from the inode table to struct inode and back, and their deletion. */
#include "ext2/ext2.h"
#include "mm/page.h"
#include "sched/time.h"
#include "string.h"

enum { XATTR_MAGIC = 0xea020000 };

static const uint64_t ns_per_second = 1000000000;

/* The block of the inode table that holds ino, and where it lies in memory. */
static int find_raw(struct ext2_fs *fs, uint32_t ino, uint32_t *block, struct ext2_raw **raw, struct cpage **page)
{
    if (!ino || ino > fs->inodes)
        return -EUCLEAN;
    uint32_t in_group = (ino - 1) % fs->group_inodes;
    uint64_t at = (uint64_t)in_group * fs->inode_bytes;
    *block = fs->group[(ino - 1) / fs->group_inodes].descriptor->inode_table + (uint32_t)(at >> fs->block_shift);
    void *data;
    if (*block >= fs->blocks)
        return -EUCLEAN; /* somebody wrote to the disk itself */
    int error = ext2_block(fs, *block, &data, page);
    if (!error)
        *raw = (struct ext2_raw *)((char *)data + (at & (fs->block_bytes - 1)));
    return error;
}

bool ext2_has_blocks(const struct ext2_node *n)
{
    uint32_t mode = n->raw.mode, attributes = n->raw.attributes ? n->fs->block_bytes / SECTOR_BYTES : 0;
    return S_ISREG(mode) || S_ISDIR(mode) || (S_ISLNK(mode) && n->raw.sectors > attributes);
}

static int map_data(struct mapping *m, uint64_t index, uint64_t sector[PAGE_SECTORS])
{
    struct ext2_node *n = CONTAINER_OF(m, struct ext2_node, data);
    unsigned shift = n->fs->block_shift, in_block = n->fs->block_bytes / SECTOR_BYTES;
    for (unsigned i = 0; i < PAGE_SECTORS; i += in_block) {
        uint32_t block;
        int error = ext2_map(n, (index * PAGE_BYTES + i * SECTOR_BYTES) >> shift, &block);
        if (error)
            return error;
        for (unsigned k = 0; k < in_block; k++)
            sector[i + k] = block ? (uint64_t)block * in_block + k : SECTOR_NONE;
    }
    return 0;
}

static const struct mapping_ops data_ops = {map_data};

static struct ext2_node *node_create(struct ext2_fs *fs)
{
    struct ext2_node *n = kzalloc(sizeof *n);
    if (!n)
        return NULL;
    n->fs = fs;
    list_init(&n->link);
    list_init(&n->writers);
    mapping_init(&n->data, &data_ops, 0);
    return n;
}

static uint64_t raw_size(const struct ext2_raw *r)
{
    return r->size | (S_ISREG(r->mode) ? (uint64_t)r->size_high << 32 : 0);
}

void ext2_changed(struct ext2_node *n)
{
    struct inode *i = n->inode;
    n->is_changed = true;
    i->nlink = n->raw.links;
    i->size = raw_size(&n->raw);
    i->pages = (n->raw.sectors + PAGE_SECTORS - 1) / PAGE_SECTORS;
    n->data.size = i->size;
}

static void to_inode(struct ext2_node *n, struct inode *i)
{
    const struct ext2_raw *r = &n->raw;
    bool was_changed = n->is_changed;
    i->node = n;
    n->inode = i;
    i->mode = r->mode;
    i->atime = (uint64_t)((int64_t)(int32_t)r->atime * 1000000000);
    i->mtime = (uint64_t)((int64_t)(int32_t)r->mtime * 1000000000);
    i->ctime = (uint64_t)((int64_t)(int32_t)r->ctime * 1000000000);
    if (S_ISCHR(r->mode) || S_ISBLK(r->mode))
        i->rdev = r->block[0] ? r->block[0] : r->block[1];
    i->file_ops = S_ISREG(r->mode) ? &ext2_file_ops : NULL;
    ext2_changed(n);
    n->is_changed = was_changed;
}

static uint32_t seconds(uint64_t ns)
{
    int64_t t = (int64_t)ns, s = t / (int64_t)ns_per_second - (t % (int64_t)ns_per_second < 0);
    return (uint32_t)(s > INT32_MAX ? INT32_MAX : s < INT32_MIN ? INT32_MIN : s);
}

/* What user calls have changed behind our back. */
static void from_inode(struct ext2_node *n)
{
    const struct inode *i = n->inode;
    if (!i)
        return;
    struct ext2_raw r = n->raw;
    r.mode = (uint16_t)i->mode;
    r.atime = seconds(i->atime);
    r.mtime = seconds(i->mtime);
    r.ctime = seconds(i->ctime);
    n->is_changed |= memcmp(&r, &n->raw, sizeof r) != 0;
    n->raw = r;
}

int ext2_store(struct ext2_node *n)
{
    struct ext2_fs *fs = n->fs;
    uint32_t block;
    struct cpage *page;
    struct ext2_raw *raw;
    from_inode(n);
    if (!n->is_changed || fs->is_read_only)
        return 0;
    int error = find_raw(fs, n->ino, &block, &raw, &page);
    if (error)
        return error;
    if (n->is_new)
        memset(raw, 0, fs->inode_bytes);
    *raw = n->raw;
    ext2_block_dirty(fs, block, page);
    if (S_ISREG(n->raw.mode) && raw_size(&n->raw) > INT32_MAX && !(fs->super->ro_compat & EXT2_RO_LARGE)) {
        fs->super->ro_compat |= EXT2_RO_LARGE;
        cache_dirty(fs->super_page, 1024, sizeof *fs->super);
    }
    n->is_new = n->is_changed = false;
    return 0;
}

void ext2_node_drop(struct ext2_node *n)
{
    if (n->inode || n->busy || n->data.count || (n->is_changed && !n->fs->is_read_only))
        return;
    list_remove(&n->link);
    kfree(n);
}

static struct ext2_node *find_node(struct ext2_fs *fs, uint32_t ino)
{
    struct ext2_node *n;
    for (LIST_EACH(n, &fs->nodes, link)) {
        if (n->ino == ino)
            return n;
        ext2_node_drop(n); /* the cache may have given up its pages */
    }
    return NULL;
}

void ext2_set_name(struct inode *i, struct inode *dir, const char *name, size_t len)
{
    struct ext2_node *n = ext2_node_of(i);
    struct inode *before = i->parent;
    char *copy = name ? kmalloc(len + 1) : NULL;
    if (copy) {
        memcpy(copy, name, len);
        copy[len] = 0;
    }
    kfree(n->name);
    i->name = n->name = copy;
    i->parent = inode_get(dir);
    inode_put(before);
}

/* From the table; *n keeps its own place in memory. */
static int load(struct ext2_fs *fs, uint32_t ino, struct ext2_node *n)
{
    uint32_t block;
    struct cpage *page;
    struct ext2_raw *raw;
    int error = find_raw(fs, ino, &block, &raw, &page);
    if (error)
        return error == -EUCLEAN ? ext2_damaged(fs, "number of an inode", ino) : error;
    n->raw = *raw;
    const struct ext2_raw *r = &n->raw;
    uint32_t kind = r->mode & S_IFMT;
    bool is_kind = kind == S_IFREG || kind == S_IFDIR || kind == S_IFLNK || kind == S_IFCHR || kind == S_IFBLK ||
                   kind == S_IFIFO || kind == S_IFSOCK;
    if (!is_kind || !r->links || raw_size(r) > ext2_size_max(fs) ||
        (kind == S_IFDIR && (r->size & (fs->block_bytes - 1) || !r->size || r->size >> fs->block_shift > fs->blocks)) ||
        (kind == S_IFLNK &&
         (r->size >= PATH_BYTES || r->size > fs->block_bytes || (!ext2_has_blocks(n) && r->size >= sizeof r->block))))
        return ext2_damaged(fs, "inode", ino);
    n->ino = ino;
    n->goal = fs->first_block + (ino - 1) / fs->group_inodes * fs->group_blocks + 1;
    return 0;
}

int ext2_inode(struct ext2_fs *fs, uint32_t ino, struct inode *parent, struct inode **out)
{
    struct ext2_node *n = find_node(fs, ino);
    if (n && n->inode) {
        if (S_ISDIR(n->raw.mode) && n->inode->parent != parent && ino != EXT2_ROOT)
            return ext2_damaged(fs, "directory of two names", ino);
        if (!n->raw.links || (ino == EXT2_ROOT && parent))
            return ext2_damaged(fs, "name of inode", ino);
        *out = inode_get(n->inode);
        return 0;
    }
    struct inode *i = inode_create(n ? n->raw.mode : S_IFREG, &ext2_inode_ops, NULL);
    struct ext2_node *fresh = n ? NULL : node_create(fs);
    int error = !i || (!n && !fresh) ? -ENOMEM : 0;
    if (!error && !n)
        error = load(fs, ino, fresh);
    if (error) {
        kfree(fresh);
        if (i)
            inode_put(i);
        return error;
    }
    if (!n) {
        n = fresh;
        list_append(&fs->nodes, &n->link);
    }
    to_inode(n, i);
    i->ino = ino;
    i->parent = parent ? inode_get(parent) : NULL;
    *out = i;
    return 0;
}

struct inode *ext2_blank(struct ext2_fs *fs, uint32_t mode)
{
    struct inode *i = inode_create(mode, &ext2_inode_ops, NULL);
    struct ext2_node *n = i ? node_create(fs) : NULL;
    if (n) {
        i->node = n;
        n->inode = i;
        n->raw.mode = (uint16_t)mode;
        return i;
    }
    if (i)
        inode_put(i);
    return NULL;
}

void ext2_name_blank(struct inode *i, uint32_t ino)
{
    struct ext2_node *n = ext2_node_of(i);
    n->ino = (uint32_t)(i->ino = ino);
    n->is_new = true;
    list_append(&n->fs->nodes, &n->link);
    from_inode(n);
    to_inode(n, i);
    ext2_changed(n);
}

/* --- deletion --- */

/* The block of extended attributes, which several inodes may share. */
static int give_attributes(struct ext2_node *n)
{
    uint32_t block = n->raw.attributes;
    struct {
        uint32_t magic, users;
    } * head;
    struct cpage *page;
    if (!block)
        return 0;
    int error = ext2_block_is_valid(n->fs, block) ? ext2_block(n->fs, block, (void **)&head, &page) : -EUCLEAN;
    if (!error && head->magic == XATTR_MAGIC && head->users > 1) {
        head->users--;
        ext2_block_dirty(n->fs, block, page);
    } else if (!error) {
        error = ext2_give_block(n->fs, block);
    }
    if (error == -EAGAIN)
        return error;
    n->raw.attributes = 0;
    n->raw.sectors -= MIN(n->raw.sectors, n->fs->block_bytes / SECTOR_BYTES);
    return 0;
}

int ext2_delete(struct ext2_node *n)
{
    int error = cache_drop(&n->data, 0);
    if (!error && ext2_has_blocks(n))
        error = ext2_free_from(n, 0);
    if (!error)
        error = give_attributes(n);
    if (error)
        return error;
    from_inode(n);
    n->raw.size = n->raw.size_high = 0;
    n->raw.dtime = (uint32_t)(clock_realtime() / ns_per_second);
    n->is_changed = true;
    error = ext2_store(n);
    if (!error) {
        error = ext2_give_inode(n->fs, n->ino, S_ISDIR(n->raw.mode));
        n->ino = 0;
    }
    return error;
}

void ext2_inode_free(struct inode *i)
{
    struct ext2_node *n = ext2_node_of(i);
    if (!n)
        return;
    from_inode(n);
    kfree(n->name);
    n->name = NULL;
    n->inode = NULL;
    if (n->ino && !n->raw.links && !n->fs->is_read_only) {
        int error = CACHE_TRY(false, ext2_delete(n));
        if (error)
            ext2_damaged(n->fs, "what is left of inode", n->ino);
    }
    if (!n->ino || !n->raw.links) { /* never named, or gone: its number is no longer its own */
        n->ino = 0;
        n->is_changed = false;
        CACHE_TRY(false, cache_drop(&n->data, 0));
    }
    CACHE_TRY(false, ext2_store(n)); /* or else it takes memory until somebody calls sync() */
    ext2_node_drop(n);
}
