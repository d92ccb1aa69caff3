/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: what can be done with names. All of this happens without sleep: whoever changes names is alone. */
#include "ext2/ext2.h"

#include "arch/syscall.h"

#include "mm/mm.h"
#include "sched/time.h"
#include "string.h"
#include <asm/statfs.h>
#include <linux/magic.h>

static void touch(struct inode *i)
{
    i->mtime = i->ctime = clock_realtime();
    ext2_changed(ext2_node_of(i));
}

static void add_links(struct inode *i, int n)
{
    struct ext2_node *node = ext2_node_of(i);
    node->raw.links = (uint16_t)(node->raw.links + n > 0 ? node->raw.links + n : 0);
    i->ctime = clock_realtime();
    ext2_changed(node);
}

static int look_up(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    struct ext2_slot s;
    int error = ext2_find(ext2_node_of(dir), name, len, &s);
    error = error ? error : ext2_inode(ext2_node_of(dir)->fs, s.entry->ino, dir, out);
    if (!error && !(*out)->name)
        ext2_set_name(*out, dir, name, len);
    return error;
}

static struct inode *ext2_lookup(struct inode *dir, const char *name, size_t len)
{
    struct inode *found;
    int error = CACHE_TRY(false, look_up(dir, name, len, &found));
    return !error ? found : error == -ENOENT ? NULL : (struct inode *)(int64_t)error;
}

/* May this name be made or removed there? */
static int check_name(const struct inode *dir, const char *name)
{
    const struct ext2_node *n = ext2_node_of(dir);
    bool is_special = !*name || !strcmp(name, ".") || !strcmp(name, "..");
    return n->fs->is_read_only ? -EROFS : is_special ? -EBUSY : n->raw.links ? 0 : -ENOENT;
}

/* A place for a name that does not exist. */
static int find_new(struct inode *dir, const char *name, size_t len, struct ext2_slot *room)
{
    int error = ext2_find(ext2_node_of(dir), name, len, room);
    return !error ? -EEXIST : error == -ENOENT ? ext2_find_room(ext2_node_of(dir), len, room) : error;
}

/* --- making --- */

static int set_target(struct ext2_node *n, const char *target)
{
    size_t length = strlen(target);
    uint32_t block;
    struct cpage *page;
    void *data;
    if (length >= n->fs->block_bytes)
        return -ENAMETOOLONG;
    if (length < sizeof n->raw.block) {
        memcpy(n->raw.block, target, length);
    } else {
        int error = ext2_new_block(n, 0, &block, &data, &page);
        if (error)
            return error;
        memcpy(data, target, length);
    }
    n->raw.size = (uint32_t)length;
    return 0;
}

static int create_once(struct inode *dir, const char *name, size_t len, struct inode *i, const struct inode *like)
{
    struct ext2_node *d = ext2_node_of(dir), *n = ext2_node_of(i);
    struct ext2_slot room;
    bool is_directory = S_ISDIR(i->mode);
    int error = find_new(dir, name, len, &room);
    if (!error && is_directory && d->raw.links >= EXT2_LINKS_MAX)
        error = -EMLINK;
    if (error)
        return error;
    uint32_t ino = ext2_take_inode(d->fs, d->ino, is_directory);
    if (!ino)
        return -ENOSPC;
    n->ino = ino;
    n->goal = d->fs->first_block + (ino - 1) / d->fs->group_inodes * d->fs->group_blocks + 1;
    if (is_directory)
        error = ext2_make_dots(n, d->ino);
    else if (S_ISLNK(i->mode))
        error = set_target(n, like->data);
    else if (S_ISCHR(i->mode))
        n->raw.block[like->rdev > UINT16_MAX] = (uint32_t)like->rdev;
    if (error) {
        ext2_give_inode(d->fs, ino, is_directory);
        n->ino = 0;
        return error;
    }
    n->raw.links = is_directory ? 2 : 1;
    ext2_name_blank(i, ino);
    ext2_put_entry(d, &room, name, len, ino, i->mode); /* before anything that takes memory: room is not pinned */
    ext2_set_name(i, dir, name, len);
    if (is_directory)
        add_links(dir, 1);
    touch(dir);
    return 0;
}

static int create(struct inode *dir, const char *name, struct inode *like, struct inode **made)
{
    struct inode *i = ext2_blank(ext2_node_of(dir)->fs, like->mode);
    if (!i)
        return -ENOMEM;
    int error = CACHE_TRY(false, create_once(dir, name, strlen(name), i, like));
    if (!error && made)
        *made = inode_get(i);
    inode_put(i);
    return error;
}

static int link_once(struct inode *dir, const char *name, size_t len, struct inode *target)
{
    struct ext2_node *t = ext2_node_of(target);
    struct ext2_slot room;
    int error = t->raw.links >= EXT2_LINKS_MAX ? -EMLINK : find_new(dir, name, len, &room);
    if (error)
        return error;
    ext2_put_entry(ext2_node_of(dir), &room, name, len, t->ino, target->mode);
    ext2_set_name(target, dir, name, len);
    add_links(target, 1);
    touch(dir);
    return 0;
}

int ext2_name(struct inode *dir, const char *name, struct inode *like, struct inode **made)
{
    int error = check_name(dir, name);
    if (error)
        return error;
    if (ext2_owns(like))
        return CACHE_TRY(false, link_once(dir, name, strlen(name), like));
    return create(dir, name, like, made);
}

static long link_there(const struct path_result *to, uint64_t inode)
{
    return to->inode               ? -EEXIST
           : ext2_owns(to->parent) ? ext2_name(to->parent, to->name, (struct inode *)inode, NULL)
                                   : -EXDEV;
}

static long link_from(const struct path_result *from, uint64_t to)
{
    if (S_ISDIR(from->inode->mode) || !ext2_owns(from->inode))
        return -EPERM; /* files in memory have one name */
    return at_path(AT_FDCWD, to, NAME_ITSELF, link_there, (uint64_t)from->inode);
}

SYSCALL2(link, uint64_t, from, uint64_t, to) { return at_path(AT_FDCWD, from, PATH_NO_FOLLOW, link_from, to); }

/* --- removing --- */

static void lose_name(struct inode *dir, const char *name, struct inode *i)
{
    bool is_directory = S_ISDIR(i->mode);
    if (i->name && i->parent == dir && !strcmp(i->name, name))
        ext2_set_name(i, dir, NULL, 0);
    add_links(i, is_directory ? -INT16_MAX : -1);
    if (is_directory)
        add_links(dir, -1);
}

static int may_lose_name(struct inode *i)
{
    int empty = S_ISDIR(i->mode) ? ext2_is_empty(ext2_node_of(i)) : 1;
    return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
}

static int unlink_once(struct inode *dir, const char *name, size_t len, struct inode *i)
{
    struct ext2_slot s;
    int error = may_lose_name(i);
    if (!error)
        error = ext2_find(ext2_node_of(dir), name, len, &s);
    if (error)
        return error;
    ext2_cut_entry(ext2_node_of(dir), &s);
    lose_name(dir, name, i);
    touch(dir);
    return 0;
}

int ext2_unlink(struct inode *dir, const char *name)
{
    struct inode *i;
    size_t len = strlen(name);
    int error = check_name(dir, name);
    if (!error)
        error = CACHE_TRY(false, look_up(dir, name, len, &i));
    if (error)
        return error;
    error = CACHE_TRY(false, unlink_once(dir, name, len, i));
    inode_put(i);
    return error;
}

/* --- moving --- */

struct place {
    struct inode *dir, *i; /* i: what has this name; NULL: nothing */
    const char *name;
    size_t len;
};

static int rename_once(const struct place *from, const struct place *to)
{
    struct ext2_slot at, old, up;
    bool moves = from->dir != to->dir && S_ISDIR(from->i->mode);
    int error = to->i ? may_lose_name(to->i) : 0;
    if (!error && moves && !to->i && ext2_node_of(to->dir)->raw.links >= EXT2_LINKS_MAX)
        error = -EMLINK;
    if (!error && moves)
        error = ext2_find_up(ext2_node_of(from->i), &up);
    if (!error)
        error = to->i ? ext2_find(ext2_node_of(to->dir), to->name, to->len, &at)
                      : ext2_find_room(ext2_node_of(to->dir), to->len, &at);
    if (!error)
        error = ext2_find(ext2_node_of(from->dir), from->name, from->len, &old);
    if (error)
        return error;
    uint32_t ino = ext2_node_of(from->i)->ino;
    if (to->i) {
        ext2_aim_entry(ext2_node_of(to->dir), &at, ino, from->i->mode);
        lose_name(to->dir, to->name, to->i);
    } else {
        ext2_put_entry(ext2_node_of(to->dir), &at, to->name, to->len, ino, from->i->mode);
    }
    /* Once more: the new name may lie between the old one and the one before it. All of it is in memory. */
    if (!ext2_find(ext2_node_of(from->dir), from->name, from->len, &old))
        ext2_cut_entry(ext2_node_of(from->dir), &old);
    if (moves) {
        ext2_aim_entry(ext2_node_of(from->i), &up, ext2_node_of(to->dir)->ino, S_IFDIR);
        add_links(from->dir, -1);
        add_links(to->dir, 1);
    }
    ext2_set_name(from->i, to->dir, to->name, to->len);
    return 0;
}

int ext2_rename(struct inode *from_dir, const char *from, struct inode *to_dir, const char *to)
{
    struct place a = {.dir = from_dir, .name = from, .len = strlen(from)};
    struct place b = {.dir = to_dir, .name = to, .len = strlen(to)};
    int error = check_name(from_dir, from) ?: check_name(to_dir, to);
    error = error ?: CACHE_TRY(false, look_up(from_dir, from, a.len, &a.i));
    if (error)
        return error;
    error = CACHE_TRY(false, look_up(to_dir, to, b.len, &b.i));
    if (error)
        b.i = NULL;
    if (!error || error == -ENOENT)
        error = CACHE_TRY(false, rename_once(&a, &b));
    if (!error) {
        touch(from_dir);
        touch(to_dir);
        a.i->ctime = clock_realtime();
    }
    if (b.i)
        inode_put(b.i);
    inode_put(a.i);
    return error;
}

/* --- reading --- */

/* What names a damaged inode is left out. */
static struct inode *ext2_next(struct inode *dir, uint64_t *position, const char **name)
{
    static char text[NAME_BYTES + 1]; /* which the caller has done with before it sleeps */
    struct inode *found;
    uint32_t ino;
    int result;
    *name = text;
    while ((result = CACHE_TRY(false, ext2_next_entry(ext2_node_of(dir), position, text, &ino))) > 0) {
        if (!CACHE_TRY(false, ext2_inode(ext2_node_of(dir)->fs, ino, dir, &found)))
            return found;
    }
    return (struct inode *)(int64_t)result;
}

static int read_target(struct ext2_node *n, char *to)
{
    uint32_t block;
    struct cpage *page;
    void *data;
    int error = ext2_map(n, 0, &block);
    if (!error)
        error = block ? ext2_block(n->fs, block, &data, &page) : -EUCLEAN;
    if (!error)
        memcpy(to, data, n->raw.size);
    return error;
}

static char *ext2_read_link(struct inode *link)
{
    struct ext2_node *n = ext2_node_of(link);
    char *text = kzalloc(n->raw.size + 1);
    int error = 0;
    if (text && ext2_has_blocks(n))
        error = CACHE_TRY(false, read_target(n, text));
    else if (text)
        memcpy(text, n->raw.block, n->raw.size);
    if (!error)
        return text;
    kfree(text);
    return NULL;
}

void ext2_usage(const struct inode *i, struct statfs *s)
{
    const struct ext2_fs *fs = ext2_node_of(i)->fs;
    s->f_type = EXT2_SUPER_MAGIC;
    s->f_bsize = fs->block_bytes;
    s->f_blocks = fs->super->blocks;
    s->f_bfree = s->f_bavail = fs->super->free_blocks;
    s->f_files = fs->super->inodes;
    s->f_ffree = fs->super->free_inodes;
}

const struct inode_ops ext2_inode_ops = {
    .lookup = ext2_lookup,
    .next = ext2_next,
    .read_link = ext2_read_link,
    .truncate = ext2_truncate,
    .page = ext2_page,
    .free = ext2_inode_free,
};
