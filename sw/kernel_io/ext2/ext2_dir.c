/* SPDX-License-Identifier: Apache-2.0 */
/* ext2: directories, read one entry after the other. A directory with a hash tree reads like any other, and loses its
 * flag when it is changed. */
#include "ext2/ext2.h"
#include "mm/page.h"
#include "string.h"

enum { AHEAD = 32, ENTRY_HEAD = sizeof(struct ext2_entry), ROOM_FOR_DOT = 12 };

static uint16_t bytes_of(size_t name_bytes) { return (uint16_t)ALIGN_UP(ENTRY_HEAD + name_bytes, (size_t)4); }

/* Linux's DT_ of an entry's type, and the other way round. */
static unsigned dt_of(unsigned type)
{
    static const uint8_t dt[] = {0, 8, 4, 2, 6, 1, 12, 10};
    return type < sizeof dt ? dt[type] : 0;
}

static uint8_t type_of(const struct ext2_fs *fs, uint32_t mode)
{
    uint8_t type = 1;
    while (type < 8 && dt_of(type) != mode >> 12)
        type++;
    return fs->has_types ? type % 8 : 0;
}

/* The blocks that follow, all at once: who reads a directory reads all of it. */
static void read_ahead(struct ext2_node *dir, uint64_t index)
{
    struct ext2_fs *fs = dir->fs;
    uint64_t end = MIN(index + AHEAD, (uint64_t)dir->raw.size >> fs->block_shift);
    uint32_t block;
    for (; index < end && !ext2_map(dir, index, &block) && block; index++)
        cache_ahead(fs->disk, ((uint64_t)block << fs->block_shift) / PAGE_BYTES, 1);
}

/* Block number index of a directory. */
static int directory_block(struct ext2_node *dir, uint64_t index, void **data, struct cpage **page)
{
    uint32_t block;
    int error = ext2_map(dir, index, &block);
    if (error)
        return error;
    if (!block)
        return ext2_damaged(dir->fs, "directory", dir->ino);
    error = ext2_block(dir->fs, block, data, page);
    if (error == -EAGAIN) {
        read_ahead(dir, index + 1);
        error = ext2_block(dir->fs, block, data, page); /* what is to be waited for is this one */
    }
    return error;
}

static bool is_sound(const struct ext2_node *dir, const struct ext2_entry *e, size_t at)
{
    size_t left = dir->fs->block_bytes - at;
    if (e->bytes < ROOM_FOR_DOT || e->bytes % 4 || e->bytes > left || bytes_of(e->name_bytes) > e->bytes)
        return false;
    for (size_t i = 0; e->ino && i < e->name_bytes; i++) {
        if (!e->name[i] || e->name[i] == '/')
            return false;
    }
    return !e->ino || (e->name_bytes && e->ino <= dir->fs->inodes);
}

/* Calls visit for each entry, unused ones too, until it answers something else than 0: that, or an error. */
static int for_each(struct ext2_node *dir, uint64_t from_block,
                    int (*visit)(void *ctx, const struct ext2_slot *slot, uint64_t position), void *ctx)
{
    struct ext2_fs *fs = dir->fs;
    for (uint64_t index = from_block; index < dir->raw.size >> fs->block_shift; index++) {
        struct ext2_slot s = {.previous = NULL};
        void *data = NULL;
        int error = directory_block(dir, index, &data, &s.page);
        if (error || !data)
            return error;
        for (size_t at = 0; at < fs->block_bytes; at += s.entry->bytes) {
            s.entry = (struct ext2_entry *)((char *)data + at);
            s.at = (size_t)((char *)s.entry - (char *)phys_to_virt(s.page->pa));
            if (!is_sound(dir, s.entry, at))
                return ext2_damaged(fs, "directory", dir->ino);
            int result = visit(ctx, &s, (index << fs->block_shift) + at);
            if (result)
                return result;
            s.previous = s.entry;
        }
    }
    return 0;
}

struct search {
    const char *name;
    size_t len;
    struct ext2_slot *out;
};

static int is_it(void *ctx, const struct ext2_slot *slot, uint64_t position)
{
    struct search *s = ctx;
    const struct ext2_entry *e = slot->entry;
    (void)position;
    if (!e->ino || e->name_bytes != s->len || memcmp(e->name, s->name, s->len) != 0)
        return 0;
    *s->out = *slot;
    return 1;
}

int ext2_find(struct ext2_node *dir, const char *name, size_t len, struct ext2_slot *out)
{
    struct search s = {name, len, out};
    int result = for_each(dir, 0, is_it, &s);
    return result > 0 ? 0 : result ? result : -ENOENT;
}

int ext2_find_up(struct ext2_node *dir, struct ext2_slot *out)
{
    int error = ext2_find(dir, "..", 2, out);
    return error == -ENOENT ? ext2_damaged(dir->fs, "directory", dir->ino) : error;
}

static size_t used_bytes(const struct ext2_entry *e) { return e->ino ? bytes_of(e->name_bytes) : 0; }

static int has_room(void *ctx, const struct ext2_slot *slot, uint64_t position)
{
    struct search *s = ctx;
    (void)position;
    if (slot->entry->bytes - used_bytes(slot->entry) < bytes_of(s->len))
        return 0;
    *s->out = *slot;
    return 1;
}

static void directory_changed(struct ext2_node *dir)
{
    dir->raw.flags &= ~(uint32_t)EXT2_INDEXED;
    ext2_changed(dir);
}

/* Another block, which holds one unused entry. */
static int grow(struct ext2_node *dir)
{
    struct ext2_fs *fs = dir->fs;
    uint64_t index = dir->raw.size >> fs->block_shift;
    uint32_t block;
    struct cpage *page;
    void *data;
    if (dir->raw.size > UINT32_MAX / 2)
        return -ENOSPC;
    int error = ext2_new_block(dir, index, &block, &data, &page);
    if (error)
        return error;
    *(struct ext2_entry *)data = (struct ext2_entry){.bytes = (uint16_t)fs->block_bytes};
    ext2_block_dirty(fs, block, page);
    dir->raw.size += fs->block_bytes;
    directory_changed(dir);
    return 0;
}

int ext2_find_room(struct ext2_node *dir, size_t len, struct ext2_slot *out)
{
    struct search s = {.len = len, .out = out};
    for (;;) {
        int result = for_each(dir, 0, has_room, &s);
        if (result)
            return result > 0 ? 0 : result;
        result = grow(dir);
        if (result)
            return result;
    }
}

static void entry_dirty(const struct ext2_slot *s) { cache_dirty(s->page, s->at, s->entry->bytes); }

void ext2_aim_entry(struct ext2_node *dir, const struct ext2_slot *at, uint32_t ino, uint32_t mode)
{
    at->entry->ino = ino;
    at->entry->type = type_of(dir->fs, mode);
    entry_dirty(at);
    directory_changed(dir);
}

void ext2_put_entry(struct ext2_node *dir, const struct ext2_slot *room, const char *name, size_t len, uint32_t ino,
                    uint32_t mode)
{
    struct ext2_slot s = *room;
    size_t used = used_bytes(s.entry);
    entry_dirty(&s);
    if (used) { /* the rest of an entry */
        uint16_t rest = (uint16_t)(s.entry->bytes - used);
        s.entry->bytes = (uint16_t)used;
        s.entry = (struct ext2_entry *)((char *)s.entry + used);
        s.entry->bytes = rest;
        s.at += used;
    }
    s.entry->name_bytes = (uint8_t)len;
    memcpy(s.entry->name, name, len);
    ext2_aim_entry(dir, &s, ino, mode);
}

void ext2_cut_entry(struct ext2_node *dir, const struct ext2_slot *at)
{
    entry_dirty(at);
    if (at->previous) { /* which grows over it */
        size_t before = (size_t)((char *)at->entry - (char *)at->previous);
        cache_dirty(at->page, at->at - before, before);
        at->previous->bytes = (uint16_t)(at->previous->bytes + at->entry->bytes);
    }
    at->entry->ino = 0;
    directory_changed(dir);
}

static bool is_dot(const struct ext2_entry *e)
{
    return e->name[0] == '.' && (e->name_bytes == 1 || (e->name_bytes == 2 && e->name[1] == '.'));
}

static int is_name(void *ctx, const struct ext2_slot *slot, uint64_t position)
{
    (void)ctx, (void)position;
    return slot->entry->ino && !is_dot(slot->entry);
}

int ext2_is_empty(struct ext2_node *dir)
{
    int result = for_each(dir, 0, is_name, NULL);
    return result < 0 ? result : !result;
}

int ext2_make_dots(struct ext2_node *dir, uint32_t up)
{
    struct ext2_fs *fs = dir->fs;
    uint32_t block;
    struct cpage *page;
    void *data;
    int error = ext2_new_block(dir, 0, &block, &data, &page);
    if (error)
        return error;
    struct ext2_entry *dot = data, *dots = (struct ext2_entry *)((char *)data + ROOM_FOR_DOT);
    uint8_t type = type_of(fs, S_IFDIR);
    *dot = (struct ext2_entry){.ino = dir->ino, .bytes = ROOM_FOR_DOT, .name_bytes = 1, .type = type};
    *dots = (struct ext2_entry){
        .ino = up, .bytes = (uint16_t)(fs->block_bytes - ROOM_FOR_DOT), .name_bytes = 2, .type = type};
    memcpy(dot->name, ".", 1);
    memcpy(dots->name, "..", 2);
    ext2_block_dirty(fs, block, page);
    dir->raw.size = fs->block_bytes;
    dir->is_changed = true;
    return 0;
}

struct listing {
    uint64_t position;
    char *name;
    uint32_t *ino;
};

static int list_one(void *ctx, const struct ext2_slot *slot, uint64_t position)
{
    struct listing *l = ctx;
    const struct ext2_entry *e = slot->entry;
    if (position < l->position || !e->ino || is_dot(e))
        return 0;
    memcpy(l->name, e->name, e->name_bytes);
    l->name[e->name_bytes] = 0;
    *l->ino = e->ino;
    l->position = position + e->bytes;
    return 1;
}

/* Positions are offsets, which stay in order whatever is made or removed meanwhile. */
int ext2_next_entry(struct ext2_node *dir, uint64_t *position, char name[NAME_BYTES + 1], uint32_t *ino)
{
    struct listing l = {*position, name, ino};
    int result = for_each(dir, *position >> dir->fs->block_shift, list_one, &l);
    *position = l.position;
    return result;
}
