/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_checks: what the minimal kernel once did otherwise than Linux. One line per check; each group runs in a
 * process of its own. Runs on any Linux as well. Exit status 1 if a check failed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_S = 120 };

static struct shared {
    uint32_t checks, failures;
    volatile bool is_ready;
} * shared; /* by all processes */

static void line(bool is_right, const char *text)
{
    printf("%s %s\n", is_right ? "ok  " : "FAIL", text);
    shared->checks++;
    shared->failures += !is_right;
}

static void expect_error(long result, int expected, const char *text)
{
    line(result == -1 && errno == expected, text);
    if (result != -1 || errno != expected)
        printf("       got %ld (%s)\n", result, result == -1 ? strerror(errno) : "no error");
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- files --- */

static void check_names(void)
{
    mkdir("d", 0700);
    mkdir("e", 0700);
    close(creat("e/f", 0600));
    expect_error(rmdir("d/."), EINVAL, "rmdir of .");
    expect_error(rmdir("d/.."), ENOTEMPTY, "rmdir of ..");
    expect_error(rmdir("/"), EBUSY, "rmdir of the root");
    expect_error(rename("d/.", "g"), EBUSY, "rename of .");
    expect_error(rename("e", "d/."), EBUSY, "rename to .");
    expect_error(rename("e/..", "g"), EBUSY, "rename of ..");
    line(access("e/f", F_OK) == 0 && access("d", F_OK) == 0, "and nothing has moved");
    line(open("h/", O_CREAT | O_EXCL | O_WRONLY, 0600) == -1 && access("h", F_OK) == -1, "open makes no h/");
    line(symlink("x", "h/") == -1 && errno == ENOENT, "nor does symlink");
    line(mknod("h/", S_IFREG | 0600, 0) == -1 && errno == ENOENT, "nor mknod");
    line(rename("e/f", "h/") == -1 && access("e/f", F_OK) == 0, "and a file is not moved to h/");
    line(mkdir("h/", 0700) == 0 && rename("h/", "i/") == 0 && rmdir("i/") == 0, "a directory's name may end so");
    struct timespec times[2] = {{0, 0}, {0, 1000000000}};
    expect_error(utimensat(AT_FDCWD, "e/f", times, 0), EINVAL, "utimensat, 10^9 ns");
    unlink("e/f");
    rmdir("e");
    rmdir("d");
}

static uint64_t free_bytes(void)
{
    struct sysinfo info;
    sysinfo(&info);
    return info.freeram + info.bufferram; /* the kernel's own, which waits to be used again, too */
}

/* A name that a socket was bound to can go without leaving anything. */
static void check_bind(void)
{
    enum { WARM = 100, TIMES = 3000 };
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "folder/socket"};
    uint64_t before = 0;
    bool is_done = true;
    for (int i = 0; i < TIMES && is_done; i++) {
        before = i == WARM ? free_bytes() : before;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        is_done = !mkdir("folder", 0700) && !bind(fd, (struct sockaddr *)&name, sizeof name) &&
                  !unlink(name.sun_path) && !rmdir("folder");
        close(fd);
    }
    line(is_done, "bind, and the directory can be removed");
    line(free_bytes() + 256 * 1024 > before, "bind leaves no memory behind");
}

static void check_advice(void)
{
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p + 4096, 4096);
    memset(p, 1, 4096);
    memset(p + 8192, 1, 4096);
    expect_error(madvise(p, 3 * 4096, MADV_DONTNEED), ENOMEM, "madvise across a hole");
    line(!*p && !p[8192], "and it is done nevertheless");
    expect_error(madvise(p, SIZE_MAX, MADV_NORMAL), EINVAL, "madvise of everything");
    line(madvise(p, 4096, MADV_NORMAL) == 0 && madvise(p, 0, MADV_NORMAL) == 0, "madvise of what is there");
}

static void on_fault(int number) { _exit(number == SIGBUS ? 0 : 1); }

/* Touching a hole of a file for which there is no room is SIGBUS, for the one who does it and nobody else. */
static void check_full(void)
{
    static char bytes[1 << 20];
    struct statfs s;
    statfs(".", &s);
    int fill = open("fill", O_CREAT | O_RDWR, 0600), hole = open("hole", O_CREAT | O_RDWR, 0600), status = -1;
    if (s.f_bfree * (uint64_t)s.f_bsize > 1ull << 30) {
        printf("skip a full file system: this one is large\n");
        return;
    }
    ftruncate(hole, 1 << 20);
    char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, hole, 0);
    memset(bytes, 1, sizeof bytes);
    while (write(fill, bytes, sizeof bytes) > 0)
        continue;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, on_fault);
        p[4096] = 1;
        _exit(2);
    }
    waitpid(child, &status, 0);
    line(status == 0, "a hole of a file that finds no room is SIGBUS");
    close(fill);
    unlink("fill");
    unlink("hole");
}

/* --- time --- */

/* The shortest interval must not keep the CPU from everything else, whether anybody takes the signal or not. */
static void check_interval(void)
{
    struct itimerval shortest = {{0, 1}, {0, 1}}, none = {{0, 0}, {0, 0}};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    uint64_t start = now_ms();
    setitimer(ITIMER_REAL, &shortest, NULL);
    for (volatile uint32_t i = 0; i < 1000000; i++)
        continue;
    setitimer(ITIMER_REAL, &none, NULL);
    int number = 0;
    line(now_ms() - start < 500, "an interval timer of 1 us lets its process run");
    line(sigwait(&set, &number) == 0 && number == SIGALRM, "and sends its signal");
}

/* A relative timeout goes on while its process is stopped and continued. */
static void check_timeout(void)
{
    enum { LIMIT_MS = 200 };
    shared->is_ready = false;
    pid_t child = fork();
    if (child == 0) {
        uint32_t word = 0;
        struct timespec limit = {0, LIMIT_MS * 1000000};
        uint64_t start = now_ms();
        shared->is_ready = true;
        long result = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &limit, NULL, 0);
        uint64_t took = now_ms() - start;
        _exit(result == -1 && errno == ETIMEDOUT && took >= LIMIT_MS && took < LIMIT_MS + 100 ? 0 : 1);
    }
    while (!shared->is_ready)
        usleep(1000);
    for (int i = 0, status; i < 5; i++) {
        usleep(30000);
        kill(child, SIGSTOP);
        waitpid(child, &status, WUNTRACED);
        kill(child, SIGCONT);
    }
    int status = -1;
    waitpid(child, &status, 0);
    line(status == 0, "FUTEX_WAIT keeps its timeout through SIGSTOP and SIGCONT");
}

/* --- exec of a process with threads --- */

static void *spin(void *arg)
{
    for (;;)
        __builtin_ia32_pause();
    return arg;
}

/* Signals that arrive while the other threads end stay pending. */
static void check_exec(void)
{
    bool has_all = true;
    for (int round = 0; round < 60 && has_all; round++) {
        sigset_t all;
        sigfillset(&all);
        shared->is_ready = false;
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            sigprocmask(SIG_SETMASK, &all, NULL);
            for (int i = 0; i < 3; i++)
                pthread_create(&thread, NULL, spin, NULL);
            shared->is_ready = true;
            execl("/proc/self/exe", "kernel_checks", "-x", (char *)NULL);
            _exit(2);
        }
        while (!shared->is_ready)
            sched_yield();
        for (volatile int pause = round * 500; pause > 0; pause--)
            continue;
        int status = -1;
        for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
            kill(child, number);
        kill(child, SIGUSR1); /* the last: the program waits for it */
        waitpid(child, &status, 0);
        has_all = status == 0;
    }
    line(has_all, "signals sent during exec stay pending");
}

static int after_exec(void)
{
    sigset_t pending, set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    struct timespec limit = {5, 0};
    if (sigtimedwait(&set, NULL, &limit) != SIGUSR1)
        return 1;
    sigpending(&pending);
    for (number = SIGRTMIN; number <= SIGRTMAX && sigismember(&pending, number); number++)
        continue;
    return number <= SIGRTMAX;
}

/* --- */

static const struct group {
    const char *name;
    void (*run)(void);
} groups[] = {
    {"names", check_names},       {"bind", check_bind},
    {"advice", check_advice},     {"a full file system", check_full},
    {"interval", check_interval}, {"timeout", check_timeout},
    {"exec", check_exec},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "-x") == 0)
        return after_exec();
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char folder[] = "/tmp/kernel_checksXXXXXX";
    if (memory == MAP_FAILED || !mkdtemp(folder) || chdir(folder)) {
        perror("kernel_checks");
        return 2;
    }
    shared = memory;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        int status = -1;
        if (argc > 1 && strcmp(argv[1], groups[i].name) != 0)
            continue;
        pid_t child = fork();
        if (child == 0) {
            alarm(LIMIT_S);
            groups[i].run();
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (status)
            line(false, groups[i].name);
    }
    rmdir(folder);
    printf("%u checks, %u failed\n", shared->checks, shared->failures);
    return shared->failures != 0;
}
