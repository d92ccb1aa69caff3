/* SPDX-License-Identifier: Apache-2.0 */
/* Character devices without hardware, and what /dev contains. */
#include "fs/tty.h"

/* Longer reads answer less than was asked for: the kernel lock is held meanwhile. */
enum { READ_MAX = 32 << 20 };

static int64_t zero_read(struct file *f, struct uio *u, uint64_t *position)
{
    size_t wanted = u->left;
    int error = 0;
    (void)f, (void)position;
    while (!error && u->left && wanted - u->left < READ_MAX)
        error = uio_to(u, zero_page, sizeof zero_page);
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
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

static const struct file_ops null_ops = {.read = null_read, .write = null_write};
static const struct file_ops zero_ops = {.read = zero_read, .write = null_write};

static const struct {
    const char *path;
    uint64_t rdev;
    const struct file_ops *ops;
} devices[] = {
    {"/dev/null", 1 << 8 | 3, &null_ops},
    {"/dev/zero", 1 << 8 | 5, &zero_ops},
    {"/dev/console", DEVICE_CONSOLE, &tty_file_ops},
    {"/dev/tty", DEVICE_TTY, &tty_file_ops},
    {"/dev/ttyS0", DEVICE_SERIAL, &tty_file_ops},
};

const struct file_ops *dev_file_ops(uint64_t rdev)
{
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i].rdev == rdev)
            return devices[i].ops;
    return NULL;
}

/* What the archive brought along already stays: errors do not matter. */
void dev_init(void)
{
    vfs_name("/dev", tmpfs_create(S_IFDIR | 0755));
    vfs_name("/dev/shm", tmpfs_create(S_IFDIR | 01777));
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        vfs_mknod(devices[i].path, S_IFCHR | 0666, devices[i].rdev);
}
