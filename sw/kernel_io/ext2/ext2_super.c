/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: the superblock, the groups, and writing everything out. Superblock, descriptors and bitmaps stay in memory as
 * long as the file system is in use. */
#include "ext2/ext2.h"
#include "mm/page.h"
#include "sched/time.h"
#include "string.h"

enum { SUPER_AT = 1024 };

int ext2_damaged(struct ext2_fs *fs, const char *what, uint64_t number)
{
    if (!fs->is_damaged)
        klog("ext2: damaged: %s %llu", what, (unsigned long long)number);
    fs->is_damaged = true;
    return -EUCLEAN;
}

int ext2_block(struct ext2_fs *fs, uint32_t block, void **data, struct cpage **page)
{
    uint64_t at = (uint64_t)block << fs->block_shift;
    int error = cache_get(fs->disk, at / PAGE_BYTES, page);
    if (!error)
        *data = (char *)phys_to_virt((*page)->pa) + at % PAGE_BYTES;
    return error;
}

void ext2_block_dirty(struct ext2_fs *fs, uint32_t block, struct cpage *page)
{
    cache_dirty(page, ((uint64_t)block << fs->block_shift) % PAGE_BYTES, fs->block_bytes);
}

/* A block that is not given back to the cache before the end. */
static int pin_block(struct ext2_fs *fs, uint32_t block, void **data, struct cpage **page)
{
    int error;
    while ((error = ext2_block(fs, block, data, page)) == -EAGAIN) {
        error = cache_wait(true);
        if (error)
            break;
    }
    if (error)
        *page = NULL;
    else
        cache_pin(*page);
    return error;
}

static void unpin(struct cpage *p)
{
    if (p)
        cache_unpin(p);
}

static void destroy(struct ext2_fs *fs)
{
    for (uint32_t i = 0; fs->group && i < fs->groups; i++) {
        unpin(fs->group[i].descriptor_page);
        unpin(fs->group[i].blocks_page);
        unpin(fs->group[i].inodes_page);
    }
    unpin(fs->super_page);
    kfree(fs->group);
    kfree(fs);
}

/* The numbers that all the rest relies on. */
static bool is_sound(const struct ext2_fs *fs, const struct ext2_super *s)
{
    uint32_t bits = fs->block_bytes * 8;
    uint64_t disk_blocks = fs->disk->size >> fs->block_shift;
    if (s->blocks > disk_blocks || s->first_block >= s->blocks || s->first_block != (fs->block_shift == 10))
        return false;
    if (!s->group_blocks || s->group_blocks > bits || s->group_blocks % 8 || !s->group_inodes ||
        s->group_inodes > bits || s->group_inodes % 8)
        return false;
    if (fs->inode_bytes < sizeof(struct ext2_raw) || fs->inode_bytes > fs->block_bytes ||
        fs->inode_bytes & (fs->inode_bytes - 1))
        return false;
    uint64_t groups = ((uint64_t)s->blocks - s->first_block + s->group_blocks - 1) / s->group_blocks;
    return groups * s->group_inodes == s->inodes && s->free_blocks <= s->blocks && s->free_inodes <= s->inodes &&
           s->first_inode <= s->inodes;
}

static int check_super(struct ext2_fs *fs, struct ext2_super *s)
{
    if (s->magic != EXT2_MAGIC || s->log_block > 2)
        return -EINVAL;
    fs->block_shift = 10 + s->log_block;
    fs->block_bytes = 1u << fs->block_shift;
    fs->slots = fs->block_bytes / 4;
    fs->inode_bytes = s->revision ? s->inode_bytes : sizeof(struct ext2_raw);
    if (s->revision && s->incompat & ~(uint32_t)EXT2_INCOMPAT_TYPES) {
        klog("ext2: unknown features %x", s->incompat & ~(uint32_t)EXT2_INCOMPAT_TYPES);
        return -EINVAL;
    }
    if (!is_sound(fs, s))
        return ext2_damaged(fs, "superblock of blocks", s->blocks);
    uint32_t unknown = s->revision ? s->ro_compat & ~(uint32_t)(EXT2_RO_SPARSE | EXT2_RO_LARGE) : 0;
    if (unknown)
        klog("ext2: features %x are unknown: read only", unknown);
    fs->is_read_only |= unknown != 0;
    fs->has_types = s->revision && s->incompat & EXT2_INCOMPAT_TYPES;
    fs->blocks = s->blocks;
    fs->inodes = s->inodes;
    fs->first_block = s->first_block;
    fs->group_blocks = s->group_blocks;
    fs->group_inodes = s->group_inodes;
    fs->groups = (s->blocks - s->first_block + s->group_blocks - 1) / s->group_blocks;
    return 0;
}

static bool is_in_group(const struct ext2_fs *fs, uint32_t first, uint32_t count)
{
    return first > fs->first_block && first < fs->blocks && count <= fs->blocks - first;
}

static int open_group(struct ext2_fs *fs, uint32_t i)
{
    struct ext2_group *g = &fs->group[i];
    uint32_t in_block = fs->block_bytes / sizeof(struct ext2_descriptor);
    uint32_t table_blocks = fs->group_inodes * fs->inode_bytes / fs->block_bytes;
    void *data;
    int error = pin_block(fs, fs->first_block + 1 + i / in_block, &data, &g->descriptor_page);
    if (error)
        return error;
    g->descriptor = (struct ext2_descriptor *)data + i % in_block;
    const struct ext2_descriptor *d = g->descriptor;
    if (!is_in_group(fs, d->block_bitmap, 1) || !is_in_group(fs, d->inode_bitmap, 1) ||
        !is_in_group(fs, d->inode_table, table_blocks))
        return ext2_damaged(fs, "group", i);
    error = pin_block(fs, d->block_bitmap, (void **)&g->blocks, &g->blocks_page);
    return error ? error : pin_block(fs, d->inode_bitmap, (void **)&g->inodes, &g->inodes_page);
}

static void super_changed(struct ext2_fs *fs)
{
    fs->super->write_time = (uint32_t)(clock_realtime() / 1000000000);
    cache_dirty(fs->super_page, SUPER_AT, sizeof *fs->super);
}

static int open_all(struct ext2_fs *fs)
{
    void *data;
    fs->block_shift = 10;
    int error = pin_block(fs, SUPER_AT >> 10, &data, &fs->super_page);
    if (error)
        return error;
    fs->super = data;
    error = check_super(fs, data);
    if (error)
        return error;
    if (fs->first_block + 1 + (uint64_t)fs->groups * sizeof(struct ext2_descriptor) / fs->block_bytes >= fs->blocks)
        return ext2_damaged(fs, "number of groups", fs->groups);
    fs->group = kzalloc(fs->groups * sizeof *fs->group);
    if (!fs->group)
        return -ENOMEM;
    for (uint32_t i = 0; !error && i < fs->groups; i++)
        error = open_group(fs, i);
    return error;
}

int ext2_open(struct mapping *disk, bool is_read_only, struct ext2_fs **out)
{
    struct ext2_fs *fs = kzalloc(sizeof *fs);
    if (!fs)
        return -ENOMEM;
    fs->disk = disk;
    fs->is_read_only = is_read_only;
    list_init(&fs->nodes);
    int error = open_all(fs);
    if (error) {
        destroy(fs);
        return error;
    }
    if (!(fs->super->state & EXT2_VALID))
        klog("ext2: it was not unmounted; e2fsck is advised");
    if (!fs->is_read_only) {
        fs->super->state &= (uint16_t)~EXT2_VALID;
        fs->super->mounts++;
        fs->super->mount_time = (uint32_t)(clock_realtime() / 1000000000);
        super_changed(fs);
    }
    *out = fs;
    return 0;
}

int ext2_sync_node(struct ext2_node *n, bool may_sleep)
{
    int error = CACHE_TRY(may_sleep, ext2_store(n));
    int written = cache_sync(&n->data, may_sleep);
    return error ? error : written;
}

void ext2_sync_all(struct ext2_fs *fs, bool may_sleep)
{
    uint64_t count = 0;
    struct ext2_node *n;
    for (LIST_EACH(n, &fs->nodes, link)) {
        count++;
    }
    for (; count && !list_is_empty(&fs->nodes); count--) {
        n = LIST_FIRST(&fs->nodes, struct ext2_node, link);
        list_remove(&n->link);
        list_append(&fs->nodes, &n->link);
        n->busy++;
        n->data.error = ext2_sync_node(n, may_sleep);
        n->busy--;
        ext2_node_drop(n);
    }
    fs->disk->error = cache_flush(fs->disk, may_sleep);
}

void ext2_close(struct ext2_fs *fs)
{
    struct ext2_node *n;
    if (fs->is_read_only)
        return;
    for (LIST_EACH(n, &fs->nodes, link)) {
        n->busy = 0; /* nobody comes back to it */
        if (n->ino && n->inode && !n->raw.links)
            CACHE_TRY(false, ext2_delete(n)); /* still open, but without a name */
    }
    ext2_sync_all(fs, false);
    if (!fs->is_damaged)
        fs->super->state |= EXT2_VALID;
    super_changed(fs);
    cache_flush(fs->disk, false);
}
