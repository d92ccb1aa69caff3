/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to an inode, and from a directory back to its path. What each task starts from: root, cwd, umask. */
#include "fs/vfs.h"
#include "mm/mm.h"
#include "sched/task.h"
#include "string.h"

enum { LINKS_MAX = 40 };

struct inode *root_inode;

struct fs_context *fs_context_create(void)
{
    struct fs_context *c = kzalloc(sizeof *c);
    if (!c)
        return NULL;
    c->refs = 1;
    c->root = inode_get(root_inode);
    c->cwd = inode_get(root_inode);
    c->umask = 022;
    return c;
}

struct fs_context *fs_context_copy(const struct fs_context *from)
{
    struct fs_context *c = kmalloc(sizeof *c);
    if (!c)
        return NULL;
    *c = *from;
    c->refs = 1;
    inode_get(c->root);
    inode_get(c->cwd);
    return c;
}

void fs_context_put(struct fs_context *c)
{
    if (!c || --c->refs)
        return;
    inode_put(c->root);
    inode_put(c->cwd);
    kfree(c);
}

/* While the kernel starts there is no context yet: then all is relative to the root. */
static struct fs_context *context(void) { return current ? current->fs : NULL; }
static struct inode *context_root(void) { return context() ? context()->root : root_inode; }
uint32_t fs_umask(void) { return context() ? context()->umask : 0; }

static int find_start(int dirfd, const char *path, struct inode **start)
{
    if (*path == '/') {
        *start = context_root();
    } else if (dirfd == AT_FDCWD) {
        *start = context() ? context()->cwd : root_inode;
    } else {
        struct file *f = fd_file_any(dirfd);
        if (!f)
            return -EBADF;
        if (!f->inode)
            return -ENOTDIR;
        *start = f->inode;
    }
    inode_get(*start);
    return 0;
}

static struct inode *next_inode(struct inode *dir, const char *name, size_t len)
{
    if (len == 1 && name[0] == '.')
        return inode_get(dir);
    if (len == 2 && name[0] == '.' && name[1] == '.')
        return inode_get(dir == context_root() || !dir->parent ? dir : dir->parent);
    return dir->ops->lookup ? dir->ops->lookup(dir, name, len) : NULL;
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
        struct inode *dir = r->inode;
        if (!S_ISDIR(dir->mode))
            return -ENOTDIR;
        size_t len = 0, slashes = 0;
        while (path[len] && path[len] != '/')
            len++;
        while (path[len + slashes] == '/')
            slashes++;
        if (len > NAME_BYTES)
            return -ENAMETOOLONG;
        bool is_last = !path[len + slashes];
        struct inode *next = next_inode(dir, path, len);
        if (!next && !(is_last && flags & PATH_PARENT))
            return -ENOENT;

        /* Slashes after the last component mean what a link leads to, except where a name is made or removed. */
        bool follow = !is_last || !(flags & PATH_NO_FOLLOW) || (slashes && !(flags & PATH_PARENT));
        if (next && S_ISLNK(next->mode) && follow) {
            struct inode *meant = proc_follow(next);
            int error = ++links > LINKS_MAX ? -ELOOP : meant ? 0 : splice_link(next, &path, path + len, owned);
            inode_put(next);
            if (error) {
                inode_put(meant);
                return error;
            }
            if (!meant) {
                if (*path == '/')
                    step(r, inode_get(context_root()), "", 0, true);
                continue;
            }
            next = meant;
        }
        step(r, next, path, len, slashes);
        path += len;
    }
}

int path_lookup(int dirfd, const char *path, unsigned flags, struct path_result *r)
{
    char *owned = NULL;
    r->inode = r->parent = NULL;
    r->name[0] = 0;
    r->is_slashed = *path == '/';
    if (!*path && !(flags & PATH_EMPTY))
        return -ENOENT;
    if (strlen(path) >= PATH_BYTES)
        return -ENAMETOOLONG;
    int error = find_start(dirfd, path, &r->inode);
    if (error)
        return error;
    r->parent = inode_get(r->inode);
    error = walk(path, flags, r, &owned);
    kfree(owned);
    if (!error && !(flags & PATH_PARENT)) {
        if (r->is_slashed && !S_ISDIR(r->inode->mode))
            error = -ENOTDIR;
        inode_put(r->parent);
        r->parent = NULL;
    }
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
    return !r->name[0] || (r->name[0] == '.' && (!r->name[1] || (r->name[1] == '.' && !r->name[2])));
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

int path_inode(int dirfd, uint64_t path, unsigned at_flags, struct inode **out)
{
    struct path_result r;
    unsigned flags =
        (at_flags & AT_SYMLINK_NOFOLLOW ? PATH_NO_FOLLOW : 0) | (at_flags & AT_EMPTY_PATH ? PATH_EMPTY : 0);
    int error = path_lookup_user(dirfd, path, flags, &r);
    *out = error ? NULL : r.inode;
    return error;
}

struct name_search {
    uint64_t ino;
    char *name; /* room for NAME_BYTES + 1 */
    bool is_found;
};

static bool name_matches(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type)
{
    struct name_search *s = ctx;
    (void)type;
    if (ino != s->ino || len > NAME_BYTES)
        return true;
    memcpy(s->name, name, len);
    s->name[len] = 0;
    s->is_found = true;
    return false;
}

int path_of_inode(struct inode *dir, char *buffer, size_t bytes)
{
    char name[NAME_BYTES + 1];
    size_t at = bytes; /* the path is built from its end */
    if (bytes < 2)
        return -ENAMETOOLONG;
    buffer[--at] = 0;
    for (struct inode *i = dir; i != context_root() && i != root_inode; i = i->parent) {
        struct name_search s = {.ino = i->ino, .name = name};
        uint64_t position = 0;
        if (!i->nlink || !i->parent || !i->parent->ops->list)
            return -ENOENT;
        i->parent->ops->list(i->parent, &position, name_matches, &s);
        if (!s.is_found)
            return -ENOENT;
        size_t len = strlen(name);
        if (at < len + 1)
            return -ENAMETOOLONG;
        at -= len;
        memcpy(buffer + at, name, len);
        buffer[--at] = '/';
    }
    if (!buffer[at]) {
        if (!at)
            return -ENAMETOOLONG;
        buffer[--at] = '/';
    }
    memmove(buffer, buffer + at, bytes - at);
    return 0;
}
