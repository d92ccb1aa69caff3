/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the file system from a cpio archive of the "newc" format: a header of hexadecimal numbers, the name, the data,
 * each padded to 4 bytes. Nothing in an archive stops the start: what is wrong is named, with its offset, and left out.
 */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "string.h"

enum field {
    INO,
    MODE,
    UID,
    GID,
    NLINK,
    MTIME,
    FILESIZE,
    DEVMAJOR,
    DEVMINOR,
    RDEVMAJOR,
    RDEVMINOR,
    NAMESIZE,
    CHECK,
    FIELDS
};
enum { MAGIC_BYTES = 6, FIELD_BYTES = 8, HEADER_BYTES = MAGIC_BYTES + FIELDS * FIELD_BYTES };

struct hard_link { /* an inode that has further names */
    struct list link;
    uint32_t ino, major, minor;
    struct inode *inode;
};

struct archive {
    const char *start;
    size_t bytes, at; /* at: of the current header */
    struct list hard_links;
    uint32_t field[FIELDS];
    const char *name, *data;
};

static void complain(const struct archive *a, const char *what) { klog("cpio archive, offset %zu: %s", a->at, what); }

static bool parse_field(const char *text, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < FIELD_BYTES; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

/* Reads the header at a->at; the offset after the data, or 0 if it makes no sense and nothing after it can be found. */
static size_t parse_header(struct archive *a)
{
    const char *h = a->start + a->at;
    size_t left = a->bytes - a->at;
    if (left < HEADER_BYTES || (memcmp(h, "070701", MAGIC_BYTES) != 0 && memcmp(h, "070702", MAGIC_BYTES) != 0)) {
        complain(a, left < HEADER_BYTES ? "ends within a header" : "no header of the newc format");
        return 0;
    }
    for (int i = 0; i < FIELDS; i++) {
        if (!parse_field(h + MAGIC_BYTES + i * FIELD_BYTES, &a->field[i])) {
            complain(a, "a field is no hexadecimal number");
            return 0;
        }
    }
    size_t data = ALIGN_UP(a->at + HEADER_BYTES + a->field[NAMESIZE], (size_t)4);
    size_t end = data + a->field[FILESIZE]; /* 32-bit sizes: no overflow */
    if (data > a->bytes || end > a->bytes) {
        complain(a, "ends within a file");
        return 0;
    }
    a->name = h + HEADER_BYTES;
    a->data = a->start + data;
    return MIN(ALIGN_UP(end, (size_t)4), a->bytes);
}

static int fill(struct inode *i, const char *data, size_t bytes)
{
    int error = i->ops->truncate(i, bytes);
    for (size_t at = 0; !error && at < bytes; at += PAGE_BYTES) {
        uint64_t page = i->ops->page(i, at / PAGE_BYTES, true);
        if (!page)
            return -ENOSPC;
        memcpy(phys_to_virt(page), data + at, MIN(bytes - at, (size_t)PAGE_BYTES));
        page_put(page);
    }
    return error;
}

static struct inode *make_inode(const struct archive *a)
{
    uint32_t mode = a->field[MODE];
    if (S_ISLNK(mode)) {
        char *text = kmalloc(a->field[FILESIZE] + 1ul);
        if (!text)
            return NULL;
        memcpy(text, a->data, a->field[FILESIZE]);
        text[a->field[FILESIZE]] = 0;
        struct inode *link = tmpfs_symlink(text);
        kfree(text);
        return link;
    }
    struct inode *i = tmpfs_create(mode);
    if (i && (S_ISCHR(mode) || S_ISBLK(mode))) {
        uint32_t minor = a->field[RDEVMINOR];
        i->rdev = (minor & 0xff) | (uint64_t)a->field[RDEVMAJOR] << 8 | (uint64_t)(minor & 0xfff00) << 12;
    }
    return i;
}

/* The inode of this entry's first name, if it has several and one came before. */
static struct hard_link *find_hard_link(struct archive *a)
{
    struct hard_link *l;
    LIST_FOR_EACH(l, &a->hard_links, link)
    {
        if (l->ino == a->field[INO] && l->major == a->field[DEVMAJOR] && l->minor == a->field[DEVMINOR])
            return l;
    }
    return NULL;
}

static void forget_hard_links(struct archive *a)
{
    struct hard_link *l;
    LIST_FOR_EACH(l, &a->hard_links, link)
    {
        list_remove(&l->link);
        inode_put(l->inode);
        kfree(l);
    }
}

static void remember_hard_link(struct archive *a, struct inode *i)
{
    struct hard_link *l = kzalloc(sizeof *l);
    if (!l) {
        complain(a, "no memory, further names of this file become files of their own");
        return;
    }
    l->ino = a->field[INO];
    l->major = a->field[DEVMAJOR];
    l->minor = a->field[DEVMINOR];
    l->inode = inode_get(i);
    list_append(&a->hard_links, &l->link);
}

static void set_attributes(const struct archive *a, struct inode *i)
{
    i->mode = (i->mode & S_IFMT) | (a->field[MODE] & 07777);
    i->uid = a->field[UID];
    i->gid = a->field[GID];
    i->mtime = a->field[MTIME] * 1000000000ull;
}

/* What has this name already gives way, but directories are only given the attributes. NULL: all done. */
static const char *give_name(struct archive *a, const struct path_result *r)
{
    const struct inode_ops *parent = r->parent->ops;
    bool is_directory = S_ISDIR(a->field[MODE]), is_old_directory = r->inode && S_ISDIR(r->inode->mode);
    if (is_directory && is_old_directory) {
        if (tmpfs_owns(r->inode))
            set_attributes(a, r->inode);
        return NULL;
    }
    if (is_old_directory || (r->is_slashed && !is_directory))
        return "a directory has this name";
    if (!tmpfs_owns(r->parent))
        return "not a directory that can be written to";
    struct hard_link *first = a->field[NLINK] > 1 && !is_directory ? find_hard_link(a) : NULL;
    struct inode *i = first ? inode_get(first->inode) : make_inode(a);
    if (!i)
        return "no memory";
    if (r->inode && r->inode != i)
        parent->unlink(r->parent, r->name, strlen(r->name));
    const char *problem = NULL;
    if (r->inode != i && parent->link(r->parent, r->name, strlen(r->name), i))
        problem = "no memory";
    else if (!first && a->field[NLINK] > 1 && !is_directory)
        remember_hard_link(a, i);
    if (!problem && S_ISREG(i->mode) && a->field[FILESIZE] && fill(i, a->data, a->field[FILESIZE]))
        problem = "no memory for all of the file"; /* data may come with any of the names, as a rule the last */
    set_attributes(a, i);
    inode_put(i);
    return problem;
}

static const char *unpack_entry(struct archive *a)
{
    struct path_result r;
    uint32_t type = a->field[MODE] & S_IFMT;
    if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK && type != S_IFCHR && type != S_IFBLK &&
        type != S_IFIFO && type != S_IFSOCK)
        return "neither file nor directory, link, device, FIFO or socket";
    if (type == S_IFLNK && (!a->field[FILESIZE] || a->field[FILESIZE] >= PATH_BYTES))
        return "a symbolic link without a target, or with one too long";
    if (path_lookup(AT_FDCWD, a->name, PATH_PARENT | PATH_NO_FOLLOW, &r))
        return "its directory is not there";
    const char *problem = give_name(a, &r);
    path_result_free(&r);
    return problem;
}

void cpio_unpack(const void *archive, size_t bytes)
{
    struct archive a = {.start = archive, .bytes = bytes};
    list_init(&a.hard_links);
    for (size_t next; a.at < bytes; a.at = next) {
        if (!a.start[a.at]) { /* padding; another archive may follow */
            next = a.at + 1;
            continue;
        }
        next = parse_header(&a);
        if (!next)
            break;
        if (!a.field[NAMESIZE] || a.field[NAMESIZE] > PATH_BYTES || a.name[a.field[NAMESIZE] - 1]) {
            complain(&a, "a name that is empty, too long or has no end");
        } else if (!strcmp(a.name, "TRAILER!!!")) {
            forget_hard_links(&a);
        } else {
            const char *problem = unpack_entry(&a);
            if (problem)
                klog("cpio archive, offset %zu: %s: %s", a.at, a.name, problem);
        }
    }
    forget_hard_links(&a);
}
