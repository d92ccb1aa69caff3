/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: which blocks and inodes are free. The bitmaps are in memory, so nothing here has to be waited for. */
#include "ext2/ext2.h"
#include "mm/page.h"
#include "string.h"

static uint32_t group_of(const struct ext2_fs *fs, uint32_t block)
{
    return (block - fs->first_block) / fs->group_blocks;
}

static uint32_t group_start(const struct ext2_fs *fs, uint32_t group)
{
    return fs->first_block + group * fs->group_blocks;
}

static uint32_t blocks_in(const struct ext2_fs *fs, uint32_t group)
{
    return MIN(fs->group_blocks, fs->blocks - group_start(fs, group));
}

bool ext2_block_is_valid(const struct ext2_fs *fs, uint32_t block)
{
    if (block <= fs->first_block || block >= fs->blocks)
        return false;
    const struct ext2_descriptor *d = fs->group[group_of(fs, block)].descriptor;
    uint32_t table_blocks = fs->group_inodes * fs->inode_bytes / fs->block_bytes;
    return block != d->block_bitmap && block != d->inode_bitmap &&
           (block < d->inode_table || block - d->inode_table >= table_blocks);
}

/* The first clear bit in [from, end); end: none. */
static uint32_t clear_bit(const uint8_t *map, uint32_t from, uint32_t end)
{
    while (from < end) {
        if (from % 8 == 0 && map[from / 8] == UINT8_MAX)
            from += 8;
        else if (map[from / 8] >> from % 8 & 1)
            from++;
        else
            return from;
    }
    return end;
}

static void set_bit(uint8_t *map, uint32_t bit) { map[bit / 8] |= (uint8_t)(1u << bit % 8); }

/* false: it was clear already */
static bool reset_bit(uint8_t *map, uint32_t bit)
{
    bool was_set = map[bit / 8] >> bit % 8 & 1;
    map[bit / 8] &= (uint8_t) ~(1u << bit % 8);
    return was_set;
}

static void dirty_within(struct cpage *p, const void *at, size_t bytes)
{
    cache_dirty(p, (size_t)((const char *)at - (const char *)phys_to_virt(p->pa)), bytes);
}

static void counts_changed(struct ext2_fs *fs, struct ext2_group *g)
{
    dirty_within(g->descriptor_page, g->descriptor, sizeof *g->descriptor);
    dirty_within(fs->super_page, fs->super, sizeof *fs->super);
}

uint32_t ext2_take_block(struct ext2_fs *fs, uint32_t goal)
{
    if (!ext2_block_is_valid(fs, goal))
        goal = fs->first_block + 1;
    uint32_t first = group_of(fs, goal);
    for (uint32_t i = 0; i <= fs->groups; i++) { /* the first one twice: from the goal on, and from its beginning */
        uint32_t number = (first + i) % fs->groups, end = blocks_in(fs, number);
        struct ext2_group *g = &fs->group[number];
        uint32_t bit = i ? 0 : goal - group_start(fs, number);
        if (!g->descriptor->free_blocks)
            continue;
        while ((bit = clear_bit(g->blocks, bit, end)) < end) {
            uint32_t block = group_start(fs, number) + bit;
            set_bit(g->blocks, bit);
            dirty_within(g->blocks_page, &g->blocks[bit / 8], 1);
            if (!ext2_block_is_valid(fs, block)) {
                ext2_damaged(fs, "free block", block); /* now it is not */
                continue;
            }
            g->descriptor->free_blocks--;
            fs->super->free_blocks -= fs->super->free_blocks != 0;
            counts_changed(fs, g);
            return block;
        }
    }
    return 0;
}

int ext2_give_block(struct ext2_fs *fs, uint32_t block)
{
    if (!ext2_block_is_valid(fs, block))
        return ext2_damaged(fs, "block", block);
    int error = cache_forget(fs->disk, (uint64_t)block << fs->block_shift, fs->block_bytes);
    return error ? error : ext2_untake_block(fs, block);
}

int ext2_untake_block(struct ext2_fs *fs, uint32_t block)
{
    struct ext2_group *g = &fs->group[group_of(fs, block)];
    uint32_t bit = block - group_start(fs, group_of(fs, block));
    if (!reset_bit(g->blocks, bit))
        return ext2_damaged(fs, "block of two files", block);
    dirty_within(g->blocks_page, &g->blocks[bit / 8], 1);
    g->descriptor->free_blocks++;
    fs->super->free_blocks++;
    counts_changed(fs, g);
    return 0;
}

uint32_t ext2_take_inode(struct ext2_fs *fs, uint32_t near, bool is_directory)
{
    uint32_t per_group = fs->group_inodes, first = (near - 1) / per_group;
    uint32_t reserved = fs->super->revision ? fs->super->first_inode : 11; /* numbers below */
    for (uint32_t i = 0; i < fs->groups; i++) {
        uint32_t number = (first + i) % fs->groups;
        struct ext2_group *g = &fs->group[number];
        uint32_t from = number == 0 && reserved ? reserved - 1 : 0;
        uint32_t bit = g->descriptor->free_inodes ? clear_bit(g->inodes, MIN(from, per_group), per_group) : per_group;
        if (bit == per_group)
            continue;
        set_bit(g->inodes, bit);
        dirty_within(g->inodes_page, &g->inodes[bit / 8], 1);
        g->descriptor->free_inodes--;
        g->descriptor->directories += is_directory;
        fs->super->free_inodes -= fs->super->free_inodes != 0;
        counts_changed(fs, g);
        return number * per_group + bit + 1;
    }
    return 0;
}

int ext2_give_inode(struct ext2_fs *fs, uint32_t ino, bool is_directory)
{
    uint32_t per_group = fs->group_inodes, bit = (ino - 1) % per_group;
    struct ext2_group *g = &fs->group[(ino - 1) / per_group];
    if (!reset_bit(g->inodes, bit))
        return ext2_damaged(fs, "free inode", ino);
    dirty_within(g->inodes_page, &g->inodes[bit / 8], 1);
    g->descriptor->free_inodes++;
    g->descriptor->directories -= is_directory && g->descriptor->directories;
    fs->super->free_inodes++;
    counts_changed(fs, g);
    return 0;
}
