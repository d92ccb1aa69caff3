/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to an inode, and from a directory back to its path. What each task starts from: cwd, umask. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

enum { LINKS_MAX = 40 };

struct inode *root_inode;

struct fs_context *fs_context_create(void)
{
    struct fs_context *c = kzalloc(sizeof *c);
    if (c)
        *c = (struct fs_context){.refs = 1, .cwd = inode_get(root_inode), .umask = 022};
    return c;
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

static struct inode *find_start(int dirfd, const char *path)
{
    if (*path == '/' || (dirfd == AT_FDCWD && !context()))
        return inode_get(root_inode);
    if (dirfd == AT_FDCWD)
        return inode_get(context()->cwd);
    struct file *f = fd_file(dirfd);
    return f ? inode_get(f->inode) : NULL;
}

static struct inode *next_inode(struct inode *dir, const char *name, size_t len)
{
    if (len == 1 && name[0] == '.')
        return inode_get(dir);
    if (len == 2 && name[0] == '.' && name[1] == '.')
        return inode_get(dir->parent ? dir->parent : dir);
    return dir->ops->lookup(dir, name, len);
}

/* Puts a link's text before the rest of the path; *owned is the memory that path lies in, if it is ours. */
static int splice_link(struct inode *link, const char **path, const char *rest, char **owned)
{
    char *text = link->ops->read_link(link);
    if (!text)
        return -ENOMEM;
    size_t length = strlen(text), rest_bytes = strlen(rest) + 1;
    char *joined = length ? krealloc(text, length + 1, length + rest_bytes) : NULL;
    if (!joined) {
        kfree(text);
        return length ? -ENOMEM : -ENOENT;
    }
    memcpy(joined + length, rest, rest_bytes);
    kfree(*owned);
    *path = *owned = joined;
    return 0;
}

/* On to next, whose reference moves in and which was found as name where the walk stood. */
static void step(struct path_result *r, struct inode *next, const char *name, size_t len, bool is_slashed)
{
    inode_put(r->parent);
    r->parent = r->inode;
    r->inode = next;
    memcpy(r->name, name, len);
    r->name[len] = 0;
    r->is_slashed = is_slashed;
}

/* r->inode is where the walk stands, r->parent the directory it was found in; both are references. */
static int walk(const char *path, unsigned flags, struct path_result *r, char **owned)
{
    for (int links = 0;;) {
        while (*path == '/')
            path++;
        if (!*path)
            return 0;
        if (!S_ISDIR(r->inode->mode))
            return -ENOTDIR;
        size_t len = 0, slashes = 0;
        while (path[len] && path[len] != '/')
            len++;
        while (path[len + slashes] == '/')
            slashes++;
        if (len > NAME_BYTES)
            return -ENAMETOOLONG;
        bool is_last = !path[len + slashes];
        struct inode *next = next_inode(r->inode, path, len);
        if (!next && !(is_last && flags & PATH_PARENT))
            return -ENOENT;

        /* Slashes after the last component mean what a link leads to, except where a name is made or removed. */
        bool follows = !is_last || !(flags & PATH_NO_FOLLOW) || (slashes && !(flags & PATH_PARENT));
        if (next && S_ISLNK(next->mode) && follows) {
            struct inode *link = next;
            next = link->ops->follow ? link->ops->follow(link) : NULL;
            int error = ++links > LINKS_MAX ? -ELOOP : next ? 0 : splice_link(link, &path, path + len, owned);
            inode_put(link);
            if (error) {
                inode_put(next);
                return error;
            }
            if (!next) {
                if (*path == '/')
                    step(r, inode_get(root_inode), "", 0, true);
                continue;
            }
        }
        step(r, next, path, len, slashes);
        path += len;
    }
}

int path_lookup(int dirfd, const char *path, unsigned flags, struct path_result *r)
{
    char *owned = NULL;
    *r = (struct path_result){.is_slashed = *path == '/'};
    if (!*path && !(flags & PATH_EMPTY))
        return -ENOENT;
    if (strlen(path) >= PATH_BYTES)
        return -ENAMETOOLONG;
    r->inode = find_start(dirfd, path);
    if (!r->inode)
        return -EBADF;
    r->parent = inode_get(r->inode);
    int error = walk(path, flags, r, &owned);
    kfree(owned);
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
    r->inode = r->parent = NULL;
}

bool path_is_special(const struct path_result *r)
{
    return !r->name[0] || !strcmp(r->name, ".") || !strcmp(r->name, "..");
}

int path_lookup_user(int dirfd, uint64_t path, unsigned flags, struct path_result *r)
{
    char *text;
    int error = string_from_user(&text, path, PATH_BYTES);
    if (error)
        return error;
    error = path_lookup(dirfd, text, flags, r);
    kfree(text);
    return error;
}

long at_path(int dirfd, uint64_t path, uint32_t at_flags, inode_action *act, uint64_t a, uint64_t b)
{
    struct path_result r;
    if (at_flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_EACCESS))
        return -EINVAL;
    long result = path_lookup_user(
        dirfd, path,
        (at_flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) | (at_flags & AT_EMPTY_PATH ? PATH_EMPTY : 0), &r);
    if (result)
        return result;
    result = act(r.inode, a, b);
    path_result_free(&r);
    return result;
}

long at_file(int fd, inode_action *act, uint64_t a, uint64_t b)
{
    struct file *f = fd_file(fd);
    return f ? act(f->inode, a, b) : -EBADF;
}

struct name_search {
    uint64_t ino;
    char *name; /* room for NAME_BYTES + 1 */
    size_t len;
};

static bool name_differs(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type)
{
    struct name_search *s = ctx;
    (void)type;
    if (ino != s->ino)
        return true;
    memcpy(s->name, name, len);
    s->len = len;
    return false;
}

int path_of_inode(struct inode *dir, char *buffer, size_t bytes)
{
    char name[NAME_BYTES + 1];
    size_t at = bytes - 1; /* the path is built from its end */
    buffer[at] = 0;
    for (struct inode *i = dir; i != root_inode; i = i->parent) {
        struct name_search s = {.ino = i->ino, .name = name};
        uint64_t position = 0;
        if (i->parent)
            i->parent->ops->list(i->parent, &position, name_differs, &s);
        if (!s.len)
            return -ENOENT;
        if (at < s.len + 1)
            return -ENAMETOOLONG;
        at -= s.len;
        memcpy(buffer + at, name, s.len);
        buffer[--at] = '/';
    }
    if (!buffer[at])
        buffer[--at] = '/';
    memmove(buffer, buffer + at, bytes - at);
    return 0;
}
