/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes, open files, descriptor tables, paths. All file systems live in memory (fs/tmpfs.c); /proc makes its contents
 * when opened. Sockets, pipes, eventfds and epolls are files without a name. */
#ifndef KERNEL_VFS_H
#define KERNEL_VFS_H

#include "lib/list.h"
#include "sched/wait.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/uio.h>

struct file;
struct inode;
struct poll_table;
struct task;

enum { PATH_BYTES = 4096, NAME_BYTES = 255 }; /* a path with its NUL; a component without */
#define FILE_BYTES_MAX INT64_MAX
#define TRANSFER_MAX 0x7ffff000ul /* bytes of one read or write */

/* Bytes on their way between a file and user vectors or kernel memory. */
struct uio {
    const struct iovec *vectors; /* kernel copy of the user's array; NULL: kernel memory */
    size_t count, index, within;
    char *kernel;
    size_t left; /* bytes */
};
void uio_kernel(struct uio *u, void *memory, size_t bytes);
void uio_user(struct uio *u, struct iovec *one, uint64_t address, size_t bytes); /* *one lives as long as u */
int uio_to(struct uio *u, const void *from, size_t bytes); /* file to user: bytes <= left; 0 or -EFAULT */
int uio_from(struct uio *u, void *to, size_t bytes);       /* user to file */
int uio_clear(struct uio *u, size_t bytes);                /* zeroes to the user */
/* After -EFAULT of these, `left` tells exactly what was moved before the bad page. */
/* From an array of vectors in user memory, as readv checks it: 0, -EINVAL, -EFAULT, -ENOMEM. Ends with uio_free. */
int uio_vectors(struct uio *u, uint64_t vectors, size_t count);
void uio_free(struct uio *u);                               /* of uio_vectors */
bool user_range_is_valid(uint64_t address, uint64_t bytes); /* access_ok: cheap, says nothing about mappings */

struct inode_ops {
    /* Directories. name: one component, len bytes, not NUL-terminated. lookup: a reference, or NULL. */
    struct inode *(*lookup)(struct inode *dir, const char *name, size_t len);
    int (*link)(struct inode *dir, const char *name, size_t len, struct inode *target); /* adds an entry */
    int (*unlink)(struct inode *dir, const char *name, size_t len);                     /* removes one */
    /* Entries without . and .. from *position on (0: the first), one call of emit each until it answers false;
     * *position moves past those it took. ino as stat shows it, type DT_: mode >> 12. */
    int (*list)(struct inode *dir, uint64_t *position,
                bool (*emit)(void *ctx, const char *name, size_t len, uint64_t ino, unsigned type), void *ctx);
    char *(*read_link)(struct inode *link); /* allocated; NULL: no memory */
    int (*truncate)(struct inode *inode, uint64_t size);
    /* Physical page of a file's page index for mmap and read, a reference; 0: beyond the end or no memory, without
     * create also a hole. */
    uint64_t (*page)(struct inode *inode, uint64_t index, bool create);
    void (*free)(struct inode *inode); /* private data, at the last reference; a directory entry is one */
    /* Both directories are of this file system; is_exchange: both names exist and change places. */
    int (*rename)(struct inode *from_dir, const char *from, size_t from_len, struct inode *to_dir, const char *to,
                  size_t to_len, bool is_exchange);
};

struct inode {
    uint32_t refs;
    uint64_t ino;
    uint32_t mode, nlink, uid, gid; /* mode: S_IF | permissions */
    uint64_t rdev, size;            /* rdev as stat shows it: major << 8 | minor for small ones */
    uint64_t atime, mtime, ctime;   /* ns since 1970 */
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* of files opened on it; NULL: ENXIO */
    struct inode *parent;            /* of a directory: for ".."; no reference unless owns_parent */
    void *data;                      /* the owner's; of named FIFOs and sockets: ipc's */
    uint64_t pages;                  /* allocated to it, for st_blocks */
    bool owns_parent;
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
    struct inode *inode; /* a reference; NULL: none */
    const struct file_ops *ops;
    void *data; /* the owner's */
    char *path; /* absolute, for /proc/PID/fd; may be NULL */
    bool can_seek;
    struct list epolls; /* ipc/epoll.c: interests in this file */
};

static inline bool file_can_read(const struct file *f) { return !(f->flags & O_PATH) && (f->flags + 1) & 1; }
static inline bool file_can_write(const struct file *f) { return !(f->flags & O_PATH) && (f->flags + 1) & 2; }

/* --- fs/file.c --- */
struct inode *inode_create(uint32_t mode, const struct inode_ops *ops,
                           const struct file_ops *file_ops); /* 1 reference */
struct inode *inode_get(struct inode *i);                    /* the argument */
void inode_put(struct inode *i);
struct file *file_create(const struct file_ops *ops, uint32_t flags, void *data); /* without inode; NULL: no memory */
struct file *file_get(struct file *f);
void file_put(struct file *f);
void epoll_file_gone(struct file *f); /* ipc/epoll.c: before release at the last reference */

/* --- fs/fd.c: descriptor tables --- */
enum { FDS_MAX = 1024 };
struct files {
    uint32_t refs;
    struct file *file[FDS_MAX];
    uint8_t close_on_exec[FDS_MAX / 8];
};
struct files *files_create(void);
struct files *files_copy(const struct files *from);
struct files *files_get(struct files *f);
void files_put(struct files *f);
void files_close_on_exec(struct files *f);
/* A file of the current task: borrowed, no reference; NULL: -EBADF. Only valid until the next sleep: file_get() it
 * before. */
struct file *fd_file(int fd);     /* not those of O_PATH */
struct file *fd_file_any(int fd); /* those too           */
int fd_lowest(int from);          /* free descriptor >= from, or -EMFILE */
/* Lowest free descriptor >= from for f, whose reference moves in; on -EMFILE the reference is dropped. */
int fd_install(struct file *f, bool close_on_exec, int from);
int fd_close(int fd);
void fd_set_close_on_exec(int fd, bool on); /* fd is open */

/* --- fs/path.c --- */
struct fs_context {
    uint32_t refs;
    struct inode *cwd, *root; /* references */
    uint32_t umask;
};
struct fs_context *fs_context_create(void); /* root, umask 022 */
struct fs_context *fs_context_copy(const struct fs_context *from);
void fs_context_put(struct fs_context *c);
extern struct inode *root_inode;

enum { PATH_NO_FOLLOW = 1, PATH_PARENT = 2, PATH_EMPTY = 4 };
struct path_result {
    struct inode *inode;  /* a reference; NULL with PATH_PARENT: the name does not exist */
    struct inode *parent; /* a reference, with PATH_PARENT */
    char name[256];  /* last component, with PATH_PARENT; ".", ".." or "" (the root itself) for directories so named */
    bool is_slashed; /* slashes followed the last component */
};
/* dirfd: a descriptor or AT_FDCWD. 0 or -ENOENT, -ENOTDIR, -ELOOP, -EBADF, -ENAMETOOLONG. */
int path_lookup(int dirfd, const char *path, unsigned flags, struct path_result *r);
int path_lookup_user(int dirfd, uint64_t path, unsigned flags, struct path_result *r); /* path in user memory */
/* The inode alone, by a path of user memory and AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; one reference. */
int path_inode(int dirfd, uint64_t path, unsigned at_flags, struct inode **out);
bool path_is_special(const struct path_result *r); /* the name is ".", ".." or "" */
void path_result_free(struct path_result *r);
uint32_t fs_umask(void);                                          /* the caller's */
int path_of_inode(struct inode *dir, char *buffer, size_t bytes); /* absolute path of a directory */

/* Opens as openat does; *out has one reference. */
int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out);
int vfs_open_inode(struct inode *inode, uint32_t flags, struct file **out); /* a file on it, without a path */
int vfs_mkdir(const char *path, uint32_t mode); /* the umask is the caller's business in these three */
int vfs_mknod(const char *path, uint32_t mode, uint64_t rdev);
void inode_inherit(struct inode *i, const struct inode *dir); /* made in a group's directory, it is the group's */
int vfs_name_new(const struct path_result *r,
                 struct inode *i); /* r's name, which does not exist; its parent can link */
int vfs_symlink(const char *target, const char *path);
int vfs_attach(const char *path, struct inode *dir); /* mounts: what has this name goes, if it may; -ENOTEMPTY */
uint64_t file_size_limit(void);                      /* RLIMIT_FSIZE of the caller, or what an offset can express */
int file_too_large(void);                            /* -EFBIG, with SIGXFSZ if that limit is the reason */
/* Reads up to bytes at offset into kernel memory (exec). */
int64_t vfs_read_at(struct inode *inode, void *to, size_t bytes, uint64_t offset);
void inode_stat(const struct inode *i, struct stat *s);

/* --- fs/tmpfs.c --- */
void tmpfs_init(void);                     /* makes root_inode */
struct inode *tmpfs_create(uint32_t mode); /* any kind; a regular one without a name serves as shared memory */
struct inode *tmpfs_symlink(const char *text);
bool tmpfs_owns(const struct inode *i);
void tmpfs_usage(uint64_t *pages, uint64_t *free); /* most that files may have; what is left of it */
/* --- fs/cpio.c --- */
void cpio_unpack(const void *archive, size_t bytes); /* newc, into the root */
/* --- fs/dev.c, fs/proc.c, fs/tty.c --- */
void dev_init(void);
const struct file_ops *dev_file_ops(uint32_t mode, uint64_t rdev); /* of a device node; NULL: no such device */
void proc_init(void);
/* A symbolic link of /proc that means an inode rather than a path (PID/fd/N, cwd, root): that inode, a reference. NULL:
 * any other link, whose text is to be followed. */
struct inode *proc_follow(struct inode *link);

/* --- ipc/poll.c --- */
/* poll callbacks name their queues here. */
void poll_wait(struct poll_table *pt, struct wait_queue *q);
unsigned file_poll(struct file *f, struct poll_table *pt);

/* --- ipc/pipe.c: what opening a FIFO means --- */
extern const struct file_ops fifo_file_ops;
#endif
