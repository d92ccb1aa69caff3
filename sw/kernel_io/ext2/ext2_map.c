/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: from a block of a file to a block of the disk, through up to three levels of indirect blocks. */
#include "ext2/ext2.h"
#include "mm/page.h"
#include "string.h"

enum { LEVELS_MAX = 4, INDIRECT_AHEAD = 32 };

struct path { /* from the inode down: the number to be taken at each level */
    unsigned levels;
    uint32_t at[LEVELS_MAX];
};

/* -EFBIG: no file has such a block. */
static int find_path(const struct ext2_fs *fs, uint64_t index, struct path *p)
{
    *p = (struct path){.levels = 1, .at = {(uint32_t)index}};
    if (index < EXT2_DIRECT)
        return 0;
    index -= EXT2_DIRECT;
    uint64_t reach = 1;
    for (unsigned level = 1; level < LEVELS_MAX; level++, index -= reach) {
        reach *= fs->slots;
        if (index >= reach)
            continue;
        p->levels = level + 1;
        p->at[0] = EXT2_DIRECT + level - 1;
        for (unsigned i = level; i > 0; i--, index /= fs->slots)
            p->at[i] = (uint32_t)(index % fs->slots);
        return 0;
    }
    return -EFBIG;
}

uint64_t ext2_size_max(const struct ext2_fs *fs)
{
    uint64_t slots = fs->slots, blocks = EXT2_DIRECT + slots + slots * slots + slots * slots * slots;
    return MIN(blocks << fs->block_shift,
               (uint64_t)(UINT32_MAX - 0xffff) * SECTOR_BYTES); /* the inode counts sectors */
}

struct place { /* of a block number */
    uint32_t *number;
    struct cpage *page; /* NULL: in the inode */
    uint32_t block;     /* of the disk, that holds it */
};

/* Indirect blocks are read along with those that follow: who reads on needs them soon, and one at a time they would
 * hold up all reading ahead. The first of them is what is to be waited for. */
static int read_indirect(struct ext2_node *n, const struct place *at, unsigned slot, void **data, struct cpage **page)
{
    struct ext2_fs *fs = n->fs;
    uint32_t ahead[INDIRECT_AHEAD], count = 0;
    for (; at->page && count < INDIRECT_AHEAD && slot + count + 1 < fs->slots; count++)
        ahead[count] = at->number[count + 1]; /* copied: reading may drop the page they are in */
    uint32_t block = *at->number;
    int error = ext2_block(fs, block, data, page);
    if (error != -EAGAIN)
        return error;
    for (uint32_t i = 0; i < count; i++) {
        if (ext2_block_is_valid(fs, ahead[i]))
            cache_ahead(fs->disk, ((uint64_t)ahead[i] << fs->block_shift) / PAGE_BYTES, 1);
    }
    return ext2_block(fs, block, data, page);
}

/* Follows the path as far as there are blocks: *depth levels, *at is where the next number stands, or is missing. */
static int walk(struct ext2_node *n, const struct path *p, unsigned *depth, struct place *at)
{
    *at = (struct place){.number = &n->raw.block[p->at[0]]};
    for (*depth = 0;; ++*depth) {
        uint32_t block = *at->number;
        if (!block)
            return 0;
        if (!ext2_block_is_valid(n->fs, block))
            return ext2_damaged(n->fs, "inode", n->ino);
        if (*depth + 1 == p->levels)
            return 0;
        void *data;
        struct cpage *page;
        int error = read_indirect(n, at, p->at[*depth], &data, &page);
        if (error)
            return error;
        at->page = page;
        at->block = block;
        at->number = (uint32_t *)data + p->at[*depth + 1];
    }
}

int ext2_map(struct ext2_node *n, uint64_t index, uint32_t *block)
{
    struct path p;
    struct place at;
    unsigned depth;
    *block = 0;
    if (find_path(n->fs, index, &p))
        return 0;
    int error = walk(n, &p, &depth, &at);
    if (!error)
        *block = *at.number;
    return error;
}

static void put_number(struct ext2_node *n, const struct place *at, uint32_t block)
{
    *at->number = block;
    if (at->page)
        ext2_block_dirty(n->fs, at->block, at->page);
    n->is_changed = true;
}

int ext2_map_new(struct ext2_node *n, uint64_t index, bool is_structure, uint32_t *block)
{
    struct ext2_fs *fs = n->fs;
    struct path p;
    struct place at;
    unsigned depth;
    int error = find_path(fs, index, &p);
    if (!error)
        error = walk(n, &p, &depth, &at);
    if (error)
        return error;
    *block = *at.number;
    if (*block)
        return 0;

    /* All blocks that are missing, and their memory, before the first number is written. */
    unsigned missing = p.levels - depth, got = 0;
    uint32_t fresh[LEVELS_MAX], goal = n->goal;
    struct cpage *page[LEVELS_MAX] = {NULL};
    void *data[LEVELS_MAX];
    for (; !error && got < missing; got++) {
        bool is_data = got + 1 == missing && !is_structure;
        fresh[got] = ext2_take_block(fs, goal);
        if (!fresh[got]) {
            error = -ENOSPC;
            break;
        }
        goal = fresh[got] + 1;
        if (!is_data)
            error = ext2_block(fs, fresh[got], &data[got], &page[got]);
    }
    if (error) {
        while (got)
            ext2_untake_block(fs, fresh[--got]);
        return error;
    }
    for (unsigned i = 0; i < missing; i++) {
        if (page[i]) {
            memset(data[i], 0, fs->block_bytes);
            ext2_block_dirty(fs, fresh[i], page[i]);
        }
        put_number(n, &at, fresh[i]);
        if (i + 1 < missing)
            at = (struct place){(uint32_t *)data[i] + p.at[depth + i + 1], page[i], fresh[i]};
    }
    n->goal = goal;
    n->raw.sectors += missing * (fs->block_bytes / SECTOR_BYTES);
    *block = fresh[missing - 1];
    return 0;
}

int ext2_new_block(struct ext2_node *n, uint64_t index, uint32_t *block, void **data, struct cpage **page)
{
    int error = ext2_map_new(n, index, true, block);
    return error ? error : ext2_block(n->fs, *block, data, page);
}

static int give(struct ext2_node *n, const struct place *at)
{
    int error = ext2_give_block(n->fs, *at->number);
    if (error == -EAGAIN)
        return error;
    n->raw.sectors -= MIN(n->raw.sectors, n->fs->block_bytes / SECTOR_BYTES);
    put_number(n, at, 0);
    return 0;
}

/* What lies below a number from the index first on; levels: of indirect blocks. Numbers become 0 as their blocks go, so
 * that another call goes on where this one had to stop, and so that no circle is walked twice. */
static int free_below(struct ext2_node *n, const struct place *at, unsigned levels, uint64_t first)
{
    if (!*at->number)
        return 0;
    if (!levels || !ext2_block_is_valid(n->fs, *at->number))
        return give(n, at);
    uint64_t reach = 1;
    for (unsigned i = 1; i < levels; i++)
        reach *= n->fs->slots;
    uint32_t block = *at->number;
    struct place below = {.block = block};
    void *data;
    int error = ext2_block(n->fs, block, &data, &below.page);
    if (error == -EAGAIN || error == -ENOMEM)
        return error;
    bool is_empty = true;
    for (uint64_t i = 0; !error && i < n->fs->slots; i++) {
        below.number = (uint32_t *)data + i;
        if (i >= first / reach) {
            int failed = free_below(n, &below, levels - 1, i == first / reach ? first % reach : 0);
            if (failed)
                return failed;
        }
        is_empty &= !*below.number;
    }
    return is_empty ? give(n, at) : 0; /* one that cannot be read goes without what it led to */
}

int ext2_free_from(struct ext2_node *n, uint64_t index)
{
    uint64_t start = EXT2_DIRECT, reach = 1;
    for (uint32_t i = 0; i < EXT2_SLOTS; i++) {
        bool is_direct = i < EXT2_DIRECT;
        unsigned levels = is_direct ? 0 : i - EXT2_DIRECT + 1;
        struct place at = {.number = &n->raw.block[i]};
        reach = is_direct ? 1 : reach * n->fs->slots;
        uint64_t from = is_direct ? i : start;
        if (!is_direct)
            start += reach;
        if (index >= from + reach)
            continue;
        int error = free_below(n, &at, levels, index > from ? index - from : 0);
        if (error)
            return error;
    }
    return 0;
}
