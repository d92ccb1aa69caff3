/* SPDX-License-Identifier: Apache-2.0 */
/* The second extended file system: what its files share. Layout as in "The Second Extended File System, Internal
 * Layout" (D. Poirier). Everything on the disk may be wrong and is checked where it is used: -EUCLEAN.
 *
 * An operation first looks at all it needs and changes something only then, without a wait in between: until a change
 * begins it may answer -EAGAIN and be called again (block/cache.h). Memory is allocated before the first look. */
#ifndef KERNEL_EXT2_H
#define KERNEL_EXT2_H

#include "block/cache.h"
#include "fs/vfs.h"

enum {
    EXT2_MAGIC = 0xef53,
    EXT2_ROOT = 2,
    EXT2_VALID = 1, /* state: unmounted in order */
    EXT2_COMPAT_INDEX = 0x20,
    EXT2_INCOMPAT_TYPES = 2,
    EXT2_RO_SPARSE = 1,
    EXT2_RO_LARGE = 2,
    EXT2_INDEXED = 0x1000, /* a directory's flag: it has a hash tree, which only a reader can leave alone */
    EXT2_LINKS_MAX = 32000,
    EXT2_DIRECT = 12,
    EXT2_SLOTS = 15
};

struct ext2_super {
    uint32_t inodes, blocks, reserved_blocks, free_blocks, free_inodes, first_block, log_block, log_fragment;
    uint32_t group_blocks, group_fragments, group_inodes, mount_time, write_time;
    uint16_t mounts, mounts_max, magic, state, errors, minor;
    uint32_t check_time, check_interval, creator, revision;
    uint16_t reserved_uid, reserved_gid;
    uint32_t first_inode;
    uint16_t inode_bytes, group;
    uint32_t compat, incompat, ro_compat;
    uint8_t rest[1024 - 104];
};

struct ext2_descriptor { /* of a group */
    uint32_t block_bitmap, inode_bitmap, inode_table;
    uint16_t free_blocks, free_inodes, directories, pad;
    uint32_t reserved[3];
};

struct ext2_raw { /* an inode; the file system's may be longer */
    uint16_t mode, uid;
    uint32_t size, atime, ctime, mtime, dtime;
    uint16_t gid, links;
    uint32_t sectors, flags, osd1, block[EXT2_SLOTS], generation, attributes, size_high, fragment;
    uint16_t pad, pad2, uid_high, gid_high;
    uint32_t pad3;
};

struct ext2_entry { /* of a directory */
    uint32_t ino;
    uint16_t bytes; /* to the next one */
    uint8_t name_bytes, type;
    char name[];
};
_Static_assert(sizeof(struct ext2_super) == 1024 && sizeof(struct ext2_descriptor) == 32 &&
                   sizeof(struct ext2_raw) == 128 && sizeof(struct ext2_entry) == 8,
               "as on the disk");

struct ext2_group {
    struct ext2_descriptor *descriptor; /* into pinned pages, as all of these */
    uint8_t *blocks, *inodes;           /* bitmaps */
    struct cpage *descriptor_page, *blocks_page, *inodes_page;
};

struct ext2_fs {
    struct mapping *disk;
    struct ext2_super *super;
    struct cpage *super_page;
    struct ext2_group *group;
    uint32_t group_blocks, group_inodes; /* as they were when it was opened: programs can write to the disk itself */
    uint32_t groups, block_bytes, block_shift, inode_bytes, blocks, inodes, first_block;
    uint32_t slots;    /* block numbers in a block */
    bool is_read_only; /* the disk is, or there are features that only a reader can ignore */
    bool has_types;    /* directory entries tell the kind of what they name */
    bool is_damaged;   /* told once */
    struct list nodes; /* struct ext2_node.link */
};

/* What is known of an inode of the disk, as long as somebody uses it or pages of it are in the cache. The struct inode
 * holds what user calls change directly (mode, owner, times); raw has everything else. */
struct ext2_node {
    struct ext2_fs *fs;
    struct list link;
    uint32_t ino, goal; /* ino 0: deleted, or not named yet; goal: where its next block had best lie */
    struct ext2_raw raw;
    bool is_new;         /* the rest of it on the disk is what somebody else left */
    bool is_changed;     /* raw has */
    uint32_t busy;       /* those who write it out: it is not freed */
    bool is_locked;      /* by a writer */
    struct inode *inode; /* NULL: nobody uses it */
    struct mapping data; /* of a regular file */
    struct list writers; /* sleepers until is_locked ends */
    char *name;          /* inode->name */
};

struct ext2_slot { /* a directory entry in memory */
    struct cpage *page;
    struct ext2_entry *entry, *previous; /* previous: in the same block; NULL: it is the first */
    size_t at;                           /* of entry in the page */
};

/* --- ext2/ext2_super.c --- */
int ext2_open(struct mapping *disk, bool is_read_only, struct ext2_fs **out); /* sleeps; -EINVAL: no such file system */
int ext2_sync_node(struct ext2_node *n,
                   bool may_sleep); /* its place on the disk, and data: into the cache or out of it */
void ext2_sync_all(struct ext2_fs *fs, bool may_sleep);                  /* errors stay where fsync() finds them */
void ext2_close(struct ext2_fs *fs);                                     /* the last sync; never sleeps */
int ext2_damaged(struct ext2_fs *fs, const char *what, uint64_t number); /* says so once: -EUCLEAN */
/* A block of structures: where it is in memory. 0, -EAGAIN, -EUCLEAN, -EIO. */
int ext2_block(struct ext2_fs *fs, uint32_t block, void **data, struct cpage **page);
void ext2_block_dirty(struct ext2_fs *fs, uint32_t block, struct cpage *page);

/* --- ext2/ext2_alloc.c: none of these waits for anything but where -EAGAIN is told --- */
bool ext2_block_is_valid(const struct ext2_fs *fs, uint32_t block); /* may belong to a file */
uint32_t ext2_take_block(struct ext2_fs *fs, uint32_t goal);        /* 0: the disk is full */
int ext2_give_block(struct ext2_fs *fs, uint32_t block);            /* 0, -EAGAIN, -EUCLEAN */
int ext2_untake_block(struct ext2_fs *fs, uint32_t block);          /* the same for one that nothing was written to */
uint32_t ext2_take_inode(struct ext2_fs *fs, uint32_t near, bool is_directory); /* 0: none is left */
int ext2_give_inode(struct ext2_fs *fs, uint32_t ino, bool is_directory);

/* --- ext2/ext2_map.c --- */
int ext2_map(struct ext2_node *n, uint64_t index, uint32_t *block); /* *block 0: a hole */
/* The same, a hole is filled; as a block of structures it is zeroed, too. -ENOSPC, -EFBIG: nothing has changed. */
int ext2_map_new(struct ext2_node *n, uint64_t index, bool is_structure, uint32_t *block);
int ext2_new_block(struct ext2_node *n, uint64_t index, uint32_t *block, void **data,
                   struct cpage **page);                 /* of structures */
int ext2_free_from(struct ext2_node *n, uint64_t index); /* all blocks from index on; -EAGAIN: not all yet */
uint64_t ext2_size_max(const struct ext2_fs *fs);

/* --- ext2/ext2_dir.c --- */
int ext2_find(struct ext2_node *dir, const char *name, size_t len, struct ext2_slot *out); /* -ENOENT */
int ext2_find_room(struct ext2_node *dir, size_t len, struct ext2_slot *out); /* may add a block to the directory */
void ext2_put_entry(struct ext2_node *dir, const struct ext2_slot *room, const char *name, size_t len, uint32_t ino,
                    uint32_t mode);
void ext2_aim_entry(struct ext2_node *dir, const struct ext2_slot *at, uint32_t ino, uint32_t mode);
void ext2_cut_entry(struct ext2_node *dir, const struct ext2_slot *at);
int ext2_is_empty(struct ext2_node *dir);                       /* 1, 0 or an error */
int ext2_find_up(struct ext2_node *dir, struct ext2_slot *out); /* its ".." */
int ext2_make_dots(struct ext2_node *dir, uint32_t up);         /* the first block of a new directory */
/* The first entry at *position or after, which moves behind it, without . and ..; 1: there is one; 0, or an error. */
int ext2_next_entry(struct ext2_node *dir, uint64_t *position, char name[NAME_BYTES + 1], uint32_t *ino);

/* --- ext2/ext2_node.c --- */
int ext2_inode(struct ext2_fs *fs, uint32_t ino, struct inode *parent, struct inode **out); /* a reference */
/* The name that the kernel knows it by, one of those it has on the disk; NULL: that one is gone. */
void ext2_set_name(struct inode *i, struct inode *dir, const char *name, size_t len);
struct inode *ext2_blank(struct ext2_fs *fs, uint32_t mode); /* without a number yet; NULL: no memory */
void ext2_name_blank(struct inode *i, uint32_t ino);
void ext2_changed(struct ext2_node *n);          /* raw has: tells the struct inode */
int ext2_store(struct ext2_node *n);             /* into the inode table, if it has changed */
void ext2_node_drop(struct ext2_node *n);        /* frees it if nobody needs it */
bool ext2_has_blocks(const struct ext2_node *n); /* or else raw.block holds a link's text or a device number */
int ext2_delete(struct ext2_node *n);            /* of which no name is left */
void ext2_inode_free(struct inode *i);           /* the last user went: what has no name is deleted */
static inline struct ext2_node *ext2_node_of(const struct inode *i) { return i->node; }

/* --- ext2/ext2.c, ext2_file.c: for the rest of the kernel --- */
extern const struct inode_ops ext2_inode_ops;
extern const struct file_ops ext2_file_ops;
static inline bool ext2_owns(const struct inode *i) { return i->ops == &ext2_inode_ops; }
/* Another name for what lies on this disk; else a new inode like the one that the kernel made, which has no name yet.
 * *made (NULL: nobody asks) is a reference to that. */
int ext2_name(struct inode *dir, const char *name, struct inode *like, struct inode **made);
int ext2_unlink(struct inode *dir, const char *name);
int ext2_rename(struct inode *from_dir, const char *from, struct inode *to_dir, const char *to);
struct statfs;
void ext2_usage(const struct inode *i, struct statfs *s);
int ext2_sync(struct inode *i);
int ext2_truncate(struct inode *i, uint64_t size);
uint64_t ext2_page(struct inode *i, uint64_t index, bool create); /* of vfs.h */
/* A program has touched this address: sleeps until what belongs there is in memory, if it is of the disk. */
struct mm;
void ext2_fault_ahead(struct mm *mm, uint64_t address);
struct area;
int ext2_prepare_page(const struct area *a, uint64_t index); /* for a, which may write to it: 0 or an error */
#endif
