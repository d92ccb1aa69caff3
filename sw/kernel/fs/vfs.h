/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes, open files, descriptor tables, paths. Sockets, pipes, eventfds and epolls are files without a name. */
#ifndef KERNEL_VFS_H
#define KERNEL_VFS_H

#include "lib/list.h"
#include "sched/wait.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/uio.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 255 }; /* a path with its NUL; a component without */
enum { DOTS = 2 };                            /* the positions in a directory that . and .. take */
#define FILE_BYTES_MAX INT64_MAX
#define TRANSFER_MAX 0x7ffff000ul /* bytes of one read or write */

/* Bytes on their way between a file and memory. After -EFAULT, `left` tells exactly what was not moved. */
struct uio {
    uint64_t address, length;       /* what is next, and in one piece */
    uint64_t vectors, vector_count; /* the user's pieces after that */
    size_t left;                    /* bytes of all */
    bool is_kernel;                 /* the address is not a user's */
    bool has_own_vectors;           /* they lie in the kernel: a copy */
};
void uio_user(struct uio *u, uint64_t address, size_t bytes);
int uio_vectors(struct uio *u, uint64_t vectors, size_t count); /* as readv checks them: 0, -EINVAL, -EFAULT */
int uio_to(struct uio *u, const void *from, size_t bytes); /* from a file: bytes or all that is left; 0 or -EFAULT */
int uio_from(struct uio *u, void *to, size_t bytes);       /* to a file */
extern const char zero_page[4096];

struct file;
struct poll_table;
struct inode_ops { /* lookup, next: a reference, or NULL. A name to be looked up has len bytes and no NUL. */
    struct inode *(*lookup)(struct inode *dir, const char *name, size_t len);
    /* The first entry at *position (at least DOTS) or after, without . and ..; *position moves behind it. */
    struct inode *(*next)(struct inode *dir, uint64_t *position, const char **name);
    char *(*read_link)(struct inode *link); /* allocated; NULL: no memory */
    int (*truncate)(struct inode *inode, uint64_t size);
    /* Physical page, a reference; 0: beyond the end or no memory, without create also a hole. */
    uint64_t (*page)(struct inode *inode, uint64_t index, bool create);
    void (*free)(struct inode *inode); /* private data, at the last reference; being in a directory is one */
};

struct inode {
    uint32_t refs;
    uint64_t ino;
    uint32_t mode, nlink;         /* S_IF | permissions; 0 links: its name was removed, otherwise 1 */
    uint64_t rdev, size;          /* rdev as stat shows it: major << 8 | minor for small ones */
    uint64_t atime, mtime, ctime; /* ns since 1970 */
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* of files opened on it; NULL: ENXIO */
    struct inode *parent;            /* the directory that it is or was in: a reference, or NULL */
    const char *name;                /* there; NULL: it has none */
    void *data;                      /* the owner's; of named FIFOs and sockets: ipc's */
    void *node;                      /* ext2's */
    /* fs/tmpfs.c */
    uint64_t pages, page_table; /* pages of a file, without those of the table */
    struct list entries, link;  /* what a directory contains; the place in there */
    uint64_t position;          /* grows along entries, so that a removal disturbs no listing */
    char digits[12];            /* fs/proc.c: the name of a process's directory */
};

struct file_ops {
    /* Bytes or -errno. *position is f's own or pread's; what has one moves it. */
    int64_t (*read)(struct file *f, struct uio *u, uint64_t *position);
    int64_t (*write)(struct file *f, struct uio *u, uint64_t *position);
    unsigned (*poll)(struct file *f, struct poll_table *pt); /* EPOLL bits that hold now; queues to pt; NULL: ready */
    int64_t (*ioctl)(struct file *f, uint32_t request, uint64_t argument);
    int (*open)(struct file *f);     /* flags as the user gave them; may sleep; on failure there is no release */
    void (*release)(struct file *f); /* the last reference went */
};

struct file {
    uint32_t refs, flags; /* O_ */
    uint64_t position;
    struct inode *inode; /* a reference; of what has none of its own: one without a type that all share */
    const struct file_ops *ops;
    void *data; /* the owner's */
    bool can_seek;
    struct list epolls; /* ipc/epoll.c: interests in this file */
};

static inline bool file_can_read(const struct file *f) { return (f->flags + 1) & 1; }
static inline bool file_can_write(const struct file *f) { return (f->flags + 1) & 2; }

/* --- fs/file.c: lives of inodes and files, descriptor tables --- */
struct inode *inode_create(uint32_t mode, const struct inode_ops *ops, const struct file_ops *file_ops);
struct inode *inode_get(struct inode *i); /* the argument */
void inode_put(struct inode *i);
struct file *file_create(const struct file_ops *ops, uint32_t flags, void *data); /* NULL: no memory */
struct file *file_get(struct file *f);
void file_put(struct file *f);
void epoll_file_gone(struct file *f); /* ipc/epoll.c: before release at the last reference */

enum { FDS_MAX = 1024, FD_LENT = INT32_MIN /* for the length of one call: current->lent_file */ };
struct files { /* and what threads share with them */
    uint32_t refs, umask;
    struct inode *cwd; /* a reference */
    struct file *file[FDS_MAX];
    bool close_on_exec[FDS_MAX];
};
struct files *files_create(void); /* cwd: the root */
struct files *files_copy(const struct files *from);
struct files *files_get(struct files *f);
void files_put(struct files *f);
void files_close_on_exec(struct files *f);
struct file *fd_file(int fd); /* of the current task: borrowed, until the next sleep; NULL: -EBADF */
int fd_lowest(int from);      /* free descriptor >= from, or -EMFILE */
/* Lowest free descriptor >= from for f, whose reference moves in; on -EMFILE the reference is dropped. */
int fd_install(struct file *f, bool close_on_exec, int from);
int fd_close(int fd);

/* --- fs/path.c --- */
uint32_t fs_umask(void); /* the caller's */
extern struct inode *root_inode;
/* Of an inode that lookup or next answered: 0, or the disk's error. */
static inline int inode_error(const struct inode *i)
{
    return (uint64_t)i > (uint64_t)-PATH_BYTES ? (int)(int64_t)i : 0;
}

/* PATH_PARENT: the last component may be new; PATH_DIRECTORY: and be followed by slashes. No 32-bit flags of a user's
 * can have these bits. */
#define PATH_NO_FOLLOW ((uint64_t)AT_SYMLINK_NOFOLLOW)
#define PATH_EMPTY ((uint64_t)AT_EMPTY_PATH)
#define PATH_PARENT (1ull << 32)
#define PATH_DIRECTORY (1ull << 33)
#define NAME_ITSELF (PATH_PARENT | PATH_NO_FOLLOW) /* the name shall be made or removed */
#define DIRECTORY_ITSELF (NAME_ITSELF | PATH_DIRECTORY)
struct path_result {
    struct inode *inode;  /* a reference; NULL with PATH_PARENT: the name does not exist */
    struct inode *parent; /* a reference */
    char name[256];       /* last component; ".", ".." or "" (the root itself) for directories so named */
    int links;            /* followed */
};
/* dirfd: a descriptor or AT_FDCWD. 0 or -ENOENT, -ENOTDIR, -ELOOP, -EBADF, -ENAMETOOLONG. */
int path_lookup(int dirfd, const char *path, uint64_t flags, struct path_result *r);
void path_result_free(struct path_result *r);
int path_of_inode(const struct inode *i, char *buffer, size_t bytes); /* absolute; -ENOENT, -ENAMETOOLONG */
/* What a call does to what a path of user memory leads to, or of the kernel's, or a descriptor (then there is only an
 * inode). */
typedef long path_action(const struct path_result *r, uint64_t argument);
long at_path(int dirfd, uint64_t path, uint64_t flags, path_action *act, uint64_t argument);
long at_kernel_path(int dirfd, const char *path, uint64_t flags, path_action *act, uint64_t argument);
long statx_inode(const struct path_result *r, uint64_t to); /* fs/attributes.c: a path_action */
long at_file(int fd, path_action *act, uint64_t argument);

/* --- fs/open.c, names.c --- */
int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out);
int vfs_open_inode(struct inode *inode, uint32_t flags, struct file **out); /* without a path */
/* Gives a new inode its name; the caller's reference goes. NULL: there was no memory for it. */
int vfs_name(const char *path, struct inode *i);
int vfs_mknod(const char *path, uint32_t mode, uint64_t rdev); /* the umask is the caller's business */

/* --- fs/tmpfs.c --- */
void tmpfs_init(void);                     /* makes root_inode */
struct inode *tmpfs_create(uint32_t mode); /* any kind; a regular one without a name serves as shared memory */
struct inode *tmpfs_symlink(const char *text);
bool tmpfs_owns(const struct inode *i); /* only its directories can be changed */
/* Gives i a name that does not exist yet; the one it had goes. */
int tmpfs_name(struct inode *dir, const char *name, struct inode *i);
int tmpfs_unlink(struct inode *i);
int tmpfs_rename(struct inode *i, struct inode *dir, const char *name, struct inode *replaced);
/* Bytes between kernel memory and a file: -EINVAL if it is not a regular one of this file system. */
int64_t vfs_read_at(struct inode *inode, void *to, size_t bytes, uint64_t offset);
int64_t tmpfs_fill(struct inode *i, const void *from, size_t bytes);
void tmpfs_usage(uint64_t *pages, uint64_t *free); /* most that files may have; what is left of it */

/* --- fs/cpio.c, dev.c, proc.c --- */
void cpio_unpack(const void *archive, size_t bytes); /* newc, into the root */
void dev_init(void);
const struct file_ops *dev_file_ops(uint64_t rdev); /* NULL: no such device */
void proc_init(void);

/* --- ipc/poll.c, pipe.c --- */
void poll_wait(struct poll_table *pt, struct wait_queue *q); /* poll callbacks name their queues here */
unsigned file_poll(struct file *f, struct poll_table *pt);
extern const struct file_ops fifo_file_ops;
#endif
