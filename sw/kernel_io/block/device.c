/* SPDX-License-Identifier: Apache-2.0 */
/* The disk as /dev/vda, and what is on it at /mnt. A program that reads or writes the disk itself shares the pages in
 * which the file system keeps its structures; the contents of files have pages of their own. */
#include "arch/syscall.h"
#include "block/cache.h"
#include "ext2/ext2.h"
#include "mm/mm.h"
#include "sched/task.h"
#include <linux/fs.h>

static struct mapping disk;
static struct ext2_fs *mounted;

static int map_disk(struct mapping *m, uint64_t index, uint64_t sector[PAGE_SECTORS])
{
    for (unsigned i = 0; i < PAGE_SECTORS; i++) {
        uint64_t s = index * PAGE_SECTORS + i;
        sector[i] = s < m->size / SECTOR_BYTES ? s : SECTOR_NONE;
    }
    return 0;
}

static const struct mapping_ops disk_ops = {map_disk};

static int disk_open(struct file *f)
{
    f->inode->size = disk.size; /* for lseek */
    return file_can_write(f) && block_is_read_only() ? -EROFS : 0;
}

static int64_t disk_read(struct file *f, struct uio *u, uint64_t *position)
{
    return mapping_read(&disk, f, u, position);
}

/* One page at most: 0 or an error. */
static int write_once(struct uio *u, uint64_t at, size_t bytes)
{
    struct cpage *p;
    size_t within = at % PAGE_BYTES, left = u->left;
    int error = cache_get(&disk, at / PAGE_BYTES, &p);
    if (error)
        return error;
    cache_pin(p);
    error = uio_from(u, (char *)phys_to_virt(p->pa) + within, bytes);
    cache_dirty(p, within, left - u->left);
    cache_unpin(p);
    return error;
}

static int64_t disk_write(struct file *f, struct uio *u, uint64_t *position)
{
    size_t wanted = u->left;
    int error = current->nowait ? -EAGAIN : 0;
    while (u->left && *position < disk.size && !error) {
        size_t left = u->left, bytes = MIN(PAGE_BYTES - *position % PAGE_BYTES, disk.size - *position);
        error = CACHE_TRY(true, write_once(u, *position, bytes));
        *position += left - u->left;
        if (!error && cache_is_full_of_changes())
            error = cache_sync(&disk, true);
    }
    if (!error && f->flags & (O_DIRECT | O_DSYNC))
        error = cache_sync(&disk, true);
    return wanted != u->left ? (int64_t)(wanted - u->left) : wanted && !error ? -ENOSPC : error;
}

static int64_t disk_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    uint64_t bytes = disk.size, sectors = disk.size / SECTOR_BYTES;
    (void)f;
    int sector_bytes = SECTOR_BYTES, is_read_only = block_is_read_only();
    switch (request) {
    case BLKGETSIZE64: return PUT_USER(argument, bytes);
    case BLKGETSIZE: return PUT_USER(argument, sectors);
    case BLKSSZGET: return PUT_USER(argument, sector_bytes);
    case BLKROGET: return PUT_USER(argument, is_read_only);
    case BLKFLSBUF: return cache_flush(&disk, true);
    default: return -ENOTTY;
    }
}

static const struct file_ops disk_file_ops = {
    .read = disk_read, .write = disk_write, .ioctl = disk_ioctl, .open = disk_open};

struct mapping *file_mapping(const struct file *f)
{
    return f->ops == &disk_file_ops ? &disk : f->ops == &ext2_file_ops ? &ext2_node_of(f->inode)->data : NULL;
}

/* At /mnt, which is an empty directory so far, or nothing. */
static int mount(void)
{
    struct path_result at;
    struct inode *root = NULL;
    int error = ext2_open(&disk, block_is_read_only(), &mounted);
    error = error ?: CACHE_TRY(true, ext2_inode(mounted, EXT2_ROOT, NULL, &root));
    error = error ?: path_lookup(AT_FDCWD, "/mnt", PATH_PARENT | PATH_NO_FOLLOW, &at);
    if (error) {
        inode_put(root);
        return error;
    }
    if (!S_ISDIR(root->mode))
        error = ext2_damaged(mounted, "root of mode", root->mode);
    else if (at.inode)
        error = tmpfs_unlink(at.inode);
    error = error ?: tmpfs_name(at.parent, at.name, root);
    root->nlink = ext2_node_of(root)->raw.links; /* the name there is not on the disk */
    path_result_free(&at);
    inode_put(root);
    return error;
}

void storage_start(void)
{
    if (!block_probe())
        return;
    cache_init();
    mapping_init(&disk, &disk_ops, block_sectors() * SECTOR_BYTES);
    struct inode *vda = tmpfs_create(S_IFBLK | 0660);
    if (vda) {
        vda->rdev = BLOCK_DEVICE;
        vda->file_ops = &disk_file_ops;
    }
    vfs_name("/dev/vda", vda);
    int error = mount();
    if (error && error != -EINVAL) /* that: there is no such file system */
        klog("vda: not mounted: error %d", -error);
}

void storage_sync(void)
{
    if (mounted && !mounted->is_read_only)
        ext2_sync_all(mounted, true);
    else if (disk.ops)
        disk.error = cache_flush(&disk, true);
}

SYSCALL0(sync)
{
    storage_sync();
    return 0;
}

int storage_sync_file(struct file *f)
{
    uint32_t mode = f->inode->mode;
    if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode))
        return -EINVAL;
    file_get(f);
    int error = ext2_owns(f->inode) ? ext2_sync(f->inode) : f->ops == &disk_file_ops ? cache_flush(&disk, true) : 0;
    file_put(f);
    return error;
}

SYSCALL1(fsync, int, fd) { return fd_file(fd) ? storage_sync_file(fd_file(fd)) : -EBADF; }

SYSCALL3(msync, uint64_t, start, uint64_t, bytes, uint32_t, flags)
{
    uint64_t end = start + ALIGN_UP(bytes, PAGE_BYTES);
    if (start % PAGE_BYTES || flags & ~(uint32_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    int error = end < start ? -ENOMEM : 0;
    while (start < end && !error) {
        const struct area *a = mm_find(current->mm, start);
        if (!a)
            return -ENOMEM;
        struct inode *i = flags & MS_SYNC && a->inode && ext2_owns(a->inode) ? inode_get(a->inode) : NULL;
        start = a->end;
        error = i ? ext2_sync(i) : 0; /* sleeps: the area may go */
        inode_put(i);
    }
    return error;
}

void storage_end(void)
{
    if (!disk.ops)
        return;
    if (mounted)
        ext2_close(mounted);
    cache_flush(&disk, false);
}
