// SPDX-License-Identifier: Apache-2.0
// Random work on the files of a folder, compared with copies in memory: reads and writes at any offset, truncation,
// holes, shared mappings, names that change. disk_checks FOLDER [-n STEPS] [-r SEED] [-m MIB] [-w PROCESSES]; the
// status is 1 at the first difference. -w: so many processes work on the same few names, some are killed; nothing is
// compared. -m: first writes to so much of a file by mappings, and needs as much memory after that.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 8, BYTES_MAX = 400000, PIECE_MAX = 30000 };

static struct {
    int fd, generation; // fd -1: does not exist
    size_t size;
    uint8_t *copy;
} files[FILES];
static const char *folder;
static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static const char *name_of(int f)
{
    static char names[2][300];
    static int which;
    which = !which;
    snprintf(names[which], sizeof names[which], "%s/%s%d.%d", folder, f % 2 ? "below/" : "", f, files[f].generation);
    return names[which];
}

static void fail(int f, const char *what)
{
    printf("FAIL %s %s (%s)\n", name_of(f), what, strerror(errno));
    exit(1);
}

static void check(int f, size_t from, size_t bytes)
{
    static uint8_t got[BYTES_MAX];
    ssize_t expected =
        from >= files[f].size ? 0 : (ssize_t)(bytes < files[f].size - from ? bytes : files[f].size - from);
    if (pread(files[f].fd, got, bytes, (off_t)from) != expected)
        fail(f, "reads another number of bytes");
    if (expected && memcmp(got, files[f].copy + from, (size_t)expected) != 0)
        fail(f, "reads other bytes");
}

// From the disk, whatever is in memory: whole sectors, and what was changed is seen.
static void check_directly(int f)
{
    static uint8_t got[65536] __attribute__((aligned(4096)));
    size_t from = any(BYTES_MAX / 512) * 512u, bytes = 512u * (1 + any(sizeof got / 512));
    int fd = open(name_of(f), O_RDONLY | O_DIRECT);
    if (fd < 0)
        fail(f, "cannot be opened directly");
    size_t left = from >= files[f].size ? 0 : files[f].size - from, expected = bytes < left ? bytes : left;
    if (pread(fd, got, bytes, (off_t)from) != (ssize_t)expected)
        fail(f, "reads another number of bytes directly");
    if (memcmp(got, files[f].copy + from, expected) != 0)
        fail(f, "reads other bytes directly");
    close(fd);
}

static void change_by_write(int f)
{
    static uint8_t data[PIECE_MAX];
    size_t from = any(any(4) ? (uint32_t)files[f].size + 5000 : BYTES_MAX - PIECE_MAX), bytes = 1 + any(PIECE_MAX - 1);
    if (from + bytes > BYTES_MAX)
        return;
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)any(256);
    ssize_t n = pwrite(files[f].fd, data, bytes, (off_t)from);
    if (n < 0 && errno == ENOSPC)
        return;
    if (n <= 0)
        fail(f, "cannot be written");
    memcpy(files[f].copy + from, data, (size_t)n);
    if (from + (size_t)n > files[f].size)
        files[f].size = from + (size_t)n;
}

static void change_size(int f)
{
    size_t size = any(any(2) ? (uint32_t)files[f].size + 1 : BYTES_MAX);
    if (ftruncate(files[f].fd, (off_t)size))
        fail(f, "cannot get another size");
    if (size < files[f].size)
        memset(files[f].copy + size, 0, files[f].size - size);
    files[f].size = size;
}

static void change_by_mapping(int f)
{
    size_t bytes = files[f].size;
    if (!bytes)
        return;
    uint8_t *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, files[f].fd, 0);
    if (m == MAP_FAILED)
        fail(f, "cannot be mapped");
    if (memcmp(m, files[f].copy, bytes) != 0)
        fail(f, "has other bytes in memory");
    for (int i = 0; i < 20; i++) {
        size_t at = any((uint32_t)bytes);
        m[at] = files[f].copy[at] = (uint8_t)any(256);
    }
    if (any(2) && msync(m, bytes, MS_SYNC))
        fail(f, "cannot be written back");
    size_t end = (bytes + 4095) & ~4095u, larger = bytes + 1 + any(6000);
    if (any(2) && larger <= BYTES_MAX) { // what the last page has more of then is mapped already
        if (ftruncate(files[f].fd, (off_t)larger))
            fail(f, "cannot get a larger size");
        files[f].size = larger;
        for (size_t at = bytes; at < larger && at < end; at += 1 + any(500))
            m[at] = files[f].copy[at] = (uint8_t)any(256);
    }
    munmap(m, bytes);
}

static void change_name(int f)
{
    const char *old = name_of(f);
    files[f].generation++;
    if (rename(old, name_of(f)))
        fail(f, "cannot be renamed");
    if (!access(old, F_OK))
        fail(f, "still has its old name");
}

static void end(int f)
{
    if (unlink(name_of(f)))
        fail(f, "cannot be removed");
    check(f, 0, BYTES_MAX); // it lives on without a name
    close(files[f].fd);
    files[f].fd = -1;
}

static void begin(int f)
{
    files[f].generation++;
    files[f].fd = open(name_of(f), O_CREAT | O_EXCL | O_RDWR, 0644);
    if (files[f].fd < 0)
        fail(f, "cannot be made");
    files[f].size = 0;
    memset(files[f].copy, 0, BYTES_MAX);
}

static void again(int f)
{
    close(files[f].fd);
    files[f].fd = open(name_of(f), O_RDWR);
    struct stat s;
    if (files[f].fd < 0 || fstat(files[f].fd, &s) || (size_t)s.st_size != files[f].size)
        fail(f, "cannot be opened again, or has another size");
}

static void step(int f)
{
    if (files[f].fd < 0) {
        begin(f);
        return;
    }
    switch (any(20)) {
    case 0: change_name(f); break;
    case 1: change_size(f); break;
    case 2: change_by_mapping(f); break;
    case 3: again(f); break;
    case 4:
        if (!any(4))
            end(f);
        break;
    case 5:
        if (fsync(files[f].fd))
            fail(f, "cannot be synchronized");
        break;
    case 6: check(f, 0, BYTES_MAX); break;
    case 7:
        if (posix_fadvise(files[f].fd, any(BYTES_MAX), any(BYTES_MAX), POSIX_FADV_WILLNEED))
            fail(f, "takes no advice");
        break;
    case 8: check_directly(f); break;
    default:
        if (any(2))
            change_by_write(f);
        else
            check(f, any(BYTES_MAX), 1 + any(PIECE_MAX));
    }
}

// What was written by mappings that are gone goes to the disk when memory is needed.
static void need_memory(uint64_t mib)
{
    enum { MIB = 1 << 20 };
    char name[300];
    snprintf(name, sizeof name, "%s/mapped", folder);
    int fd = open(name, O_CREAT | O_RDWR, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)mib * MIB))
        fail(0, "cannot get its size");
    for (uint64_t i = 0; i < mib; i++) {
        void *m = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)i * MIB);
        if (m == MAP_FAILED)
            fail(0, "cannot be mapped");
        memset(m, (int)i + 1, MIB);
        munmap(m, MIB);
    }
    for (uint64_t i = 0; i < mib; i++)
        memset(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, MIB);
    for (uint64_t i = 0; i < mib; i++) {
        char end[2];
        if (pread(fd, &end[0], 1, (off_t)i * MIB) != 1 || pread(fd, &end[1], 1, (off_t)(i + 1) * MIB - 1) != 1 ||
            end[0] != (char)(i + 1) || end[1] != (char)(i + 1))
            fail(0, "has lost what was mapped");
    }
    uint8_t *whole = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); // more than there is left
    for (size_t at = 0; at < mib * MIB; at += 4096)
        whole[at + 1] = (uint8_t)(whole[at] + at / 4096);
    for (size_t at = 0; at < mib * MIB; at += 4096)
        if (whole[at] != (uint8_t)(at / MIB + 1) || whole[at + 1] != (uint8_t)(whole[at] + at / 4096))
            fail(0, "has lost what is mapped");
    munmap(whole, mib * MIB);
    close(fd);
    unlink(name);
}

// Pipes and sockets with a name on the disk.
static void check_special(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char got[4] = "";
    snprintf(name.sun_path, sizeof name.sun_path, "%.90s/special", folder);
    const struct sockaddr *address = (const struct sockaddr *)&name;
    for (int i = 0; i < 2; i++) {
        int pipe = mkfifo(name.sun_path, 0600) ? -1 : open(name.sun_path, O_RDWR);
        if (write(pipe, "abc", 3) != 3 || read(pipe, got, 4) != 3 || strcmp(got, "abc") != 0 || unlink(name.sun_path))
            fail(0, "is no pipe");
        close(pipe);
        int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(server, address, sizeof name) || listen(server, 1) || connect(client, address, sizeof name))
            fail(0, "is no socket");
        close(server);
        close(client);
        client = socket(AF_UNIX, SOCK_STREAM, 0);
        if (!connect(client, address, sizeof name) || errno != ECONNREFUSED || unlink(name.sun_path))
            fail(0, "is a socket of nobody");
        close(client);
    }
}

// Any call, whatever it answers.
static void wild_step(void)
{
    static uint8_t data[PIECE_MAX] __attribute__((aligned(4096)));
    char names[2][300];
    for (int i = 0; i < 2; i++)
        snprintf(names[i], sizeof names[i], "%s/%s%c", folder, any(3) ? "" : "d/", 'a' + (int)any(5));
    const char *a = names[0], *b = names[1];
    size_t bytes = any(PIECE_MAX), at = any(BYTES_MAX);
    int fd = open(a, (any(2) ? O_CREAT : 0) | (any(4) ? 0 : O_TRUNC) | (any(4) ? 0 : O_DIRECT) | O_RDWR, 0644);
    uint8_t *m =
        any(2) ? mmap(NULL, BYTES_MAX, PROT_READ | PROT_WRITE, any(2) ? MAP_SHARED : MAP_PRIVATE, fd, 0) : MAP_FAILED;
    struct stat s;
    ssize_t n = 0;
    for (uint32_t i = any(8); i; i--) {
        switch (any(14)) {
        case 0: n += rename(a, b); break;
        case 1: n += unlink(b); break;
        case 2: n += link(a, b); break;
        case 3: n += mkdir(b, 0755); break;
        case 4: n += rmdir(b); break;
        case 5: n += symlink(a, b); break;
        case 6: n += ftruncate(fd, (off_t)at); break;
        case 7: n += any(4) ? 0 : fsync(fd); break;
        case 8: // another may cut it meanwhile: a signal ends this process then
            if (m != MAP_FAILED && !fstat(fd, &s) && s.st_size > 0)
                m[any(s.st_size > BYTES_MAX ? BYTES_MAX : (uint32_t)s.st_size)] = 1;
            break;
        case 9: n += posix_fadvise(fd, (off_t)at, 100000, POSIX_FADV_WILLNEED); break;
        case 10: n += pread(fd, data, bytes & ~511u, (off_t)(at & ~511u)); break;
        default: n += pwrite(fd, data, bytes, (off_t)at); break;
        }
    }
    if (m != MAP_FAILED)
        munmap(m, BYTES_MAX);
    close(fd);
    if (n == INT32_MIN)
        puts("what the calls answer is used");
}

static void be_wild(uint64_t processes, uint64_t steps)
{
    char below[300];
    snprintf(below, sizeof below, "%s/d", folder);
    mkdir(below, 0755);
    for (uint64_t round = 0; round < 4; round++) {
        pid_t child[64];
        for (uint64_t i = 0; i < processes; i++) {
            state += i;
            if (!(child[i] = fork())) {
                for (uint64_t k = 0; k < steps; k++)
                    wild_step();
                _exit(0);
            }
        }
        for (uint64_t i = 0; i < processes; i += 2) {
            usleep(any(10000));
            kill(child[i], SIGKILL);
        }
        while (wait(NULL) > 0)
            ;
    }
}

int main(int argc, char **argv)
{
    uint64_t steps = 1000, mib = 0, wild = 0;
    int option;
    while ((option = getopt(argc, argv, "n:r:m:w:")) != -1) {
        uint64_t *to = option == 'n'   ? &steps
                       : option == 'r' ? &state
                       : option == 'm' ? &mib
                       : option == 'w' ? &wild
                                       : NULL;
        if (!to)
            return 2;
        *to = strtoull(optarg, NULL, 0);
    }
    if (optind + 1 != argc || wild > 64)
        return 2;
    folder = argv[optind];
    DIR *list = opendir(folder);
    for (errno = 0; list && readdir(list);)
        ;
    if (!list || errno) {
        printf("FAIL the folder cannot be listed (%s)\n", strerror(errno));
        return 1;
    }
    closedir(list);
    char below[300];
    snprintf(below, sizeof below, "%s/below", folder);
    if (mkdir(below, 0755) && errno != EEXIST)
        return 1;
    check_special();
    need_memory(mib);
    if (wild) {
        be_wild(wild, steps);
        puts("end");
        return 0;
    }
    for (int f = 0; f < FILES; f++) {
        files[f].fd = -1;
        files[f].copy = calloc(1, BYTES_MAX);
    }
    for (uint64_t i = 0; i < steps; i++)
        step((int)any(FILES));
    for (int f = 0; f < FILES; f++) {
        if (files[f].fd >= 0)
            check(f, 0, BYTES_MAX);
    }
    printf("%llu steps, no difference\n", (unsigned long long)steps);
    return 0;
}
