/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to an inode and back, and acting on what is found. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

enum { LINKS_MAX = 16 };

struct inode *root_inode;

/* While the kernel starts there is no task yet: then all is relative to the root. */
uint32_t fs_umask(void) { return current->files ? current->files->umask : 0; }

static struct inode *next_inode(struct inode *dir, const char *name, size_t len)
{
    if (len == 1 && name[0] == '.')
        return inode_get(dir);
    if (len == 2 && name[0] == '.' && name[1] == '.')
        return inode_get(dir->parent ? dir->parent : dir);
    return dir->ops->lookup(dir, name, len);
}

/* On to next, whose reference moves in and which was found as name where the walk stood. */
static void step(struct path_result *r, struct inode *next, const char *name, size_t len)
{
    inode_put(r->parent);
    r->parent = r->inode;
    r->inode = next;
    memcpy(r->name, name, len);
    r->name[len] = 0;
}

static int walk(const char *path, uint64_t flags, struct path_result *r);

static int follow(struct inode *link, uint64_t flags, struct path_result *r)
{
    if (++r->links > LINKS_MAX)
        return -ELOOP;
    char *text = link->ops->read_link(link);
    int error = !text ? -ENOMEM : *text ? walk(text, flags, r) : -ENOENT;
    kfree(text);
    return error;
}

/* r->inode is where the walk stands, r->parent the directory it was found in; both are references. */
static int walk(const char *path, uint64_t flags, struct path_result *r)
{
    if (*path == '/')
        step(r, inode_get(root_inode), "", 0);
    for (bool is_last = false; !is_last;) {
        bool is_slashed = *path == '/';
        while (*path == '/')
            path++;
        if ((*path || is_slashed) && !S_ISDIR(r->inode->mode))
            return -ENOTDIR;
        if (!*path)
            return 0;
        size_t len = 0, slashes = 0;
        while (path[len] && path[len] != '/')
            len++;
        while (path[len + slashes] == '/')
            slashes++;
        if (len > NAME_BYTES)
            return -ENAMETOOLONG;
        struct inode *next = next_inode(r->inode, path, len);
        if (inode_error(next))
            return inode_error(next);
        /* Slashes may follow the name of a directory that is made or removed; elsewhere they are one more step. */
        is_last = !path[len + slashes] && (!slashes || flags & PATH_DIRECTORY);
        if (!next && !(is_last && flags & PATH_PARENT))
            return -ENOENT;
        if (next && S_ISLNK(next->mode) && !(is_last && flags & PATH_NO_FOLLOW)) {
            int error = follow(next, is_last ? flags : 0, r);
            inode_put(next);
            if (error)
                return error;
        } else {
            step(r, next, path, len);
        }
        if (is_last && slashes && next && !S_ISDIR(next->mode))
            return -ENOTDIR;
        path += len;
    }
    return 0;
}

int path_lookup(int dirfd, const char *path, uint64_t flags, struct path_result *r)
{
    struct file *f = fd_file(dirfd);
    bool is_cwd = dirfd == AT_FDCWD || *path == '/';
    if (!*path && !(flags & PATH_EMPTY))
        return -ENOENT;
    if (!is_cwd && !f)
        return -EBADF;
    struct inode *start = !is_cwd ? f->inode : current->files ? current->files->cwd : root_inode;
    *r = (struct path_result){.inode = inode_get(start), .parent = inode_get(start)};
    int error = walk(path, flags, r);
    if (error)
        path_result_free(r);
    return error;
}

void path_result_free(struct path_result *r)
{
    inode_put(r->inode);
    inode_put(r->parent);
}

long at_kernel_path(int dirfd, const char *path, uint64_t flags, path_action *act, uint64_t argument)
{
    struct path_result r;
    long result = path_lookup(dirfd, path, flags, &r);
    if (result)
        return result;
    result = act(&r, argument);
    path_result_free(&r);
    return result;
}

long at_path(int dirfd, uint64_t path, uint64_t flags, path_action *act, uint64_t argument)
{
    char *text;
    if (flags & ~(PATH_NO_FOLLOW | PATH_EMPTY | DIRECTORY_ITSELF | AT_EACCESS | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    long result = string_from_user(&text, path, PATH_BYTES);
    if (result)
        return result;
    result = at_kernel_path(dirfd, text, flags, act, argument);
    kfree(text);
    return result;
}

long at_file(int fd, path_action *act, uint64_t argument)
{
    struct file *f = fd_file(fd);
    if (!f)
        return -EBADF;
    const struct path_result r = {.inode = inode_get(f->inode)}; /* the file may be closed while act sleeps */
    long result = act(&r, argument);
    inode_put(r.inode);
    return result;
}

int path_of_inode(const struct inode *i, char *buffer, size_t bytes)
{
    size_t at = bytes - 1; /* the path is built from its end */
    buffer[at] = 0;
    for (; i != root_inode; i = i->parent) {
        size_t len = i->name ? strlen(i->name) : 0;
        if (!len)
            return -ENOENT;
        if (at < len + 1)
            return -ENAMETOOLONG;
        at -= len;
        memcpy(buffer + at, i->name, len);
        buffer[--at] = '/';
    }
    if (!buffer[at])
        buffer[--at] = '/';
    memmove(buffer, buffer + at, bytes - at);
    return 0;
}
