/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to an inode and back, and acting on what is found. What each task starts from: cwd, umask. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

enum { LINKS_MAX = 16 };

struct inode *root_inode;

struct fs_context *fs_context_create(void)
{
    const struct fs_context first = {.cwd = root_inode, .umask = 022};
    return fs_context_copy(&first);
}

struct fs_context *fs_context_copy(const struct fs_context *from)
{
    struct fs_context *c = kmalloc(sizeof *c);
    if (c)
        *c = (struct fs_context){.refs = 1, .cwd = inode_get(from->cwd), .umask = from->umask};
    return c;
}

void fs_context_put(struct fs_context *c)
{
    if (!c || --c->refs)
        return;
    inode_put(c->cwd);
    kfree(c);
}

/* While the kernel starts there is no context yet: then all is relative to the root. */
static struct fs_context *context(void) { return current ? current->fs : NULL; }
uint32_t fs_umask(void) { return context() ? context()->umask : 0; }

static struct inode *find_start(int dirfd)
{
    if (dirfd == AT_FDCWD)
        return context() ? context()->cwd : root_inode;
    struct file *f = fd_file(dirfd);
    return f ? f->inode : NULL;
}

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
    struct inode *meant = link->ops->follow ? link->ops->follow(link) : NULL;
    if (meant) {
        step(r, meant, "", 0);
        r->is_slashed = false;
        return 0;
    }
    char *text = ++r->links <= LINKS_MAX ? link->ops->read_link(link) : NULL;
    int error = r->links > LINKS_MAX ? -ELOOP : !text ? -ENOMEM : *text ? walk(text, flags, r) : -ENOENT;
    kfree(text);
    return error;
}

/* r->inode is where the walk stands, r->parent the directory it was found in; both are references. */
static int walk(const char *path, uint64_t flags, struct path_result *r)
{
    if (*path == '/')
        step(r, inode_get(root_inode), "", 0);
    r->is_slashed = *path == '/';
    for (;;) {
        while (*path == '/')
            path++;
        if (!*path)
            return 0;
        if (!S_ISDIR(r->inode->mode))
            return -ENOTDIR;
        const char *end = path, *rest;
        while (*end && *end != '/')
            end++;
        for (rest = end; *rest == '/';)
            rest++;
        size_t len = (size_t)(end - path);
        if (len > NAME_BYTES)
            return -ENAMETOOLONG;
        struct inode *next = next_inode(r->inode, path, len);
        if ((uint64_t)next > (uint64_t)-PATH_BYTES) /* an error of the disk */
            return (int)(int64_t)next;
        if (!next && (*rest || !(flags & PATH_PARENT)))
            return -ENOENT;

        /* Slashes after the last component mean what a link leads to, except where a name is made or removed. */
        bool stays = !*rest && flags & PATH_NO_FOLLOW && (flags & PATH_PARENT || end == rest);
        if (next && S_ISLNK(next->mode) && !stays) {
            int error = follow(next, *rest ? 0 : flags & ~PATH_NO_FOLLOW, r);
            inode_put(next);
            if (error)
                return error;
        } else {
            step(r, next, path, len);
            r->is_slashed = false;
        }
        r->is_slashed |= rest > end;
        path = rest;
    }
}

int path_lookup(int dirfd, const char *path, uint64_t flags, struct path_result *r)
{
    *r = (struct path_result){.inode = *path == '/' ? root_inode : find_start(dirfd)};
    if (!*path && !(flags & PATH_EMPTY))
        return -ENOENT;
    if (!r->inode)
        return -EBADF;
    r->parent = inode_get(inode_get(r->inode));
    int error = walk(path, flags, r);
    if (!error && r->is_slashed && r->inode && !S_ISDIR(r->inode->mode))
        error = -ENOTDIR;
    if (error)
        path_result_free(r);
    return error;
}

void path_result_free(struct path_result *r)
{
    inode_put(r->inode);
    inode_put(r->parent);
}

long at_path(int dirfd, uint64_t path, uint64_t flags, path_action *act, uint64_t argument)
{
    struct path_result r;
    char *text;
    if (flags & ~(PATH_NO_FOLLOW | PATH_EMPTY | PATH_PARENT | AT_EACCESS))
        return -EINVAL;
    long result = string_from_user(&text, path, PATH_BYTES);
    if (result)
        return result;
    result = path_lookup(dirfd, text, flags, &r);
    kfree(text);
    if (result)
        return result;
    result = act(&r, argument);
    path_result_free(&r);
    return result;
}

long at_file(int fd, path_action *act, uint64_t argument)
{
    struct file *f = fd_file(fd);
    const struct path_result r = {.inode = f ? f->inode : NULL};
    return f ? act(&r, argument) : -EBADF;
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
