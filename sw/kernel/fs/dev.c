/* SPDX-License-Identifier: Apache-2.0 */
/* Character devices without hardware, and what /dev contains. */
#include "fs/tty.h"
#include "proc/process.h"

/* Longer reads answer less than was asked for, as /dev/urandom does in Linux: the kernel lock is held meanwhile. */
enum { READ_MAX = 32 << 20, PIECE = 65536 };

enum { NULL_DEVICE = 1 << 8 | 3, ZERO = 1 << 8 | 5, FULL = 1 << 8 | 7, RANDOM = 1 << 8 | 8, URANDOM = 1 << 8 | 9 };

static int put_random(struct uio *u, size_t bytes)
{
    uint8_t part[256];
    for (size_t n; bytes; bytes -= n) {
        n = MIN(bytes, sizeof part);
        kernel_random_fill(part, n);
        if (uio_to(u, part, n))
            return -EFAULT;
    }
    return 0;
}

static int64_t fill(struct uio *u, int (*put)(struct uio *u, size_t bytes))
{
    size_t wanted = u->left;
    int error = 0;
    while (!error && u->left && wanted - u->left < READ_MAX)
        error = put(u, MIN(u->left, (size_t)PIECE));
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

static int64_t zero_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)f, (void)position;
    return fill(u, uio_clear);
}

static int64_t random_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)f, (void)position;
    return fill(u, put_random);
}

static int64_t null_read(struct file *f, struct uio *u, uint64_t *position)
{
    (void)f, (void)u, (void)position;
    return 0;
}

static int64_t null_write(struct file *f, struct uio *u, uint64_t *position)
{
    (void)f, (void)position;
    return (int64_t)u->left;
}

static int64_t full_write(struct file *f, struct uio *u, uint64_t *position)
{
    (void)f, (void)position;
    return u->left ? -ENOSPC : 0;
}

static const struct device {
    const char *path;
    uint32_t rdev;
    struct file_ops ops;
} devices[] = {
    {"/dev/null", NULL_DEVICE, {.read = null_read, .write = null_write}},
    {"/dev/zero", ZERO, {.read = zero_read, .write = null_write}},
    {"/dev/full", FULL, {.read = zero_read, .write = full_write}},
    {"/dev/random", RANDOM, {.read = random_read, .write = null_write}},
    {"/dev/urandom", URANDOM, {.read = random_read, .write = null_write}},
};

const struct file_ops *dev_file_ops(uint32_t mode, uint64_t rdev)
{
    if (!S_ISCHR(mode))
        return NULL;
    if (rdev == DEVICE_TTY || rdev == DEVICE_CONSOLE || rdev == DEVICE_SERIAL)
        return &tty_file_ops;
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i].rdev == rdev)
            return &devices[i].ops;
    return NULL;
}

/* What the archive brought along already stays: errors do not matter. */
void dev_init(void)
{
    vfs_mkdir("/dev", 0755);
    vfs_mkdir("/dev/shm", 01777);
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        vfs_mknod(devices[i].path, S_IFCHR | 0666, devices[i].rdev);
    vfs_mknod("/dev/console", S_IFCHR | 0600, DEVICE_CONSOLE);
    vfs_mknod("/dev/tty", S_IFCHR | 0666, DEVICE_TTY);
    vfs_mknod("/dev/ttyS0", S_IFCHR | 0620, DEVICE_SERIAL);
    vfs_symlink("/proc/self/fd", "/dev/fd");
    vfs_symlink("/proc/self/fd/0", "/dev/stdin");
    vfs_symlink("/proc/self/fd/1", "/dev/stdout");
    vfs_symlink("/proc/self/fd/2", "/dev/stderr");
}
