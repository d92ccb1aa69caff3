/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the file system from a cpio archive of the "newc" format: a header of hexadecimal numbers, the name, the data,
 * each padded to 4 bytes. What is wrong is named, with its offset, and left out. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "string.h"

enum { MODE = 1, NLINK = 4, MTIME, FILESIZE, RDEVMAJOR = 9, RDEVMINOR, NAMESIZE, FIELDS = 13 };
enum { MAGIC_BYTES = 6, FIELD_BYTES = 8, HEADER_BYTES = MAGIC_BYTES + FIELDS * FIELD_BYTES };

struct header {
    uint32_t field[FIELDS];
    const char *name, *data;
};

static bool parse_header(const char *text, size_t left, struct header *h)
{
    if (left < HEADER_BYTES || memcmp(text, "070701", MAGIC_BYTES) != 0)
        return false;
    for (size_t i = 0; i < FIELDS * FIELD_BYTES; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = strchr(digits, text[MAGIC_BYTES + i]);
        if (!digit || !*digit)
            return false;
        uint32_t *field = &h->field[i / FIELD_BYTES];
        *field = *field << 4 | ((uint32_t)(digit - digits) & 15);
    }
    h->name = text + HEADER_BYTES;
    h->data = text + ALIGN_UP(HEADER_BYTES + h->field[NAMESIZE], (size_t)4);
    size_t before = (size_t)(h->data - text);
    return before <= left && h->field[FILESIZE] <= left - before && h->field[NAMESIZE] &&
           h->field[NAMESIZE] <= PATH_BYTES && !h->name[h->field[NAMESIZE] - 1];
}

static struct inode *make_link(const struct header *h)
{
    char text[PATH_BYTES] = "";
    memcpy(text, h->data, MIN(h->field[FILESIZE], (uint32_t)PATH_BYTES - 1));
    return tmpfs_symlink(text);
}

/* What has this name already gives way, but directories stay. */
static long unpack_entry(const struct path_result *r, uint64_t header)
{
    const struct header *h = (const struct header *)header;
    uint32_t mode = h->field[MODE];
    if (r->inode && S_ISDIR(r->inode->mode))
        return S_ISDIR(mode) ? 0 : -EISDIR;
    if (!tmpfs_owns(r->parent))
        return -EPERM;
    if (S_ISREG(mode) && h->field[NLINK] > 1 && !h->field[FILESIZE])
        return -EMLINK; /* one of several names of a file, the last of which alone is kept */
    struct inode *i = S_ISLNK(mode) ? make_link(h) : tmpfs_create(mode & (S_IFMT | 07777));
    if (!i)
        return -ENOMEM;
    if (r->inode)
        tmpfs_unlink(r->inode);
    int error = tmpfs_name(r->parent, r->name, i);
    if (!error && S_ISREG(mode) && tmpfs_fill(i, h->data, h->field[FILESIZE]) != h->field[FILESIZE])
        error = -ENOSPC;
    i->mtime = h->field[MTIME] * 1000000000ull;
    i->rdev = h->field[RDEVMAJOR] << 8 | h->field[RDEVMINOR];
    inode_put(i);
    return error;
}

void cpio_unpack(const void *archive, size_t bytes)
{
    const char *start = archive;
    for (size_t at = 0; at < bytes;) {
        struct header h = {.name = ""};
        if (!parse_header(start + at, bytes - at, &h)) { /* nothing after it can be found */
            klog("cpio archive, offset %zu: no header of the newc format, or the end is missing", at);
            return;
        }
        if (!strcmp(h.name, "TRAILER!!!"))
            return;
        long error = at_kernel_path(AT_FDCWD, h.name, NAME_ITSELF, unpack_entry, (uint64_t)&h);
        if (error)
            klog("cpio archive, offset %zu: %s: error %ld", at, h.name, -error);
        at = ALIGN_UP((size_t)(h.data - start) + h.field[FILESIZE], (size_t)4);
    }
}
