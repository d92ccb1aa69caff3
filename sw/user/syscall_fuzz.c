/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_fuzz: random system calls with random arguments from several threads of several processes. The kernel must
 * answer all of them and keep no memory. For a machine that may be thrown away: elsewhere than on the minimal kernel of
 * uintr-vp it wants -y.
 *
 * The master only starts workers, replaces those that die (most do: of signals, of unmapped stacks, of exit) and
 * compares free memory before and after. A worker's threads call until their share is done; a timer interrupts calls
 * that block. Kept out is only what would legitimately end the machine or the master, see is_forbidden(). */
#include "fuzz.h"
#include "number.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 16,
    THREADS_MAX = 8,
    CALLS_PER_LIFE = 3000, /* of one worker process; then all that is its own goes */
    PATIENCE_MS = 1000,    /* a worker without progress is killed */
    BLOCKED_US = 20000
};

static struct shared {
    struct progress {
        uint64_t calls;
        uint64_t last_number, last_argument[6]; /* what a crash of the kernel should be searched with */
    } progress[WORKERS_MAX][THREADS_MAX];
    uint64_t lives;
    bool must_end;
} * shared;

static uint32_t processes = 2, threads = 3;
static uint64_t seed = 1;
static bool owns_machine; /* every process here is ours */
static bool is_verbose;
static char folder[64];

/* --- one thread's dice --- */

uint64_t draw(struct fuzzer *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random * 0x2545f4914f6cdd1d;
}
uint64_t below(struct fuzzer *f, uint64_t limit) { return (draw(f) >> 16) % limit; }

uint64_t any_number(struct fuzzer *f)
{
    static const uint64_t edges[] = {0,    1,      2,      7,       8,          64,         4095,       4096,
                                     4097, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000};
    uint64_t value = edges[below(f, sizeof edges / sizeof *edges)];
    switch (below(f, 8)) {
    case 0: return draw(f);
    case 1: return value - 1;
    case 2: return -value;
    case 3: return 1ull << below(f, 64);
    case 4: return (1ull << below(f, 64)) | (1ull << below(f, 64));
    case 5: return 0x7fffffffffffffff - below(f, 3);
    default: return value;
    }
}

uint64_t any_pointer(struct fuzzer *f)
{
    switch (below(f, 16)) {
    case 0: return 0;
    case 1: return below(f, 4096);
    case 2: return 0x00007ffffffff000 - below(f, 32);      /* the end of user addresses */
    case 3: return 0x0000800000000000 - 8 + below(f, 16);  /* not canonical */
    case 4: return 0xffff800000000000 + below(f, 1 << 24); /* the kernel's */
    case 5: return 0xffffffff80000000 + below(f, 1 << 24);
    case 6: return (uint64_t)-1 - below(f, 64);
    case 7: return (uint64_t)f->scratch + SCRATCH_BYTES - below(f, 40); /* runs over the end */
    case 8: return (uint64_t)f->readonly + below(f, 4096);
    default: return (uint64_t)f->scratch + (below(f, SCRATCH_BYTES / 8 - 64) * 8 + (below(f, 8) ? 0 : below(f, 8)));
    }
}

/* Small structures look more like something than noise does. */
static void fill_scratch(struct fuzzer *f)
{
    uint64_t *word = (uint64_t *)f->scratch + below(f, SCRATCH_BYTES / 8 - 64);
    for (unsigned i = 0; i < 16; i++)
        switch (below(f, 4)) {
        case 0: word[i] = any_number(f); break;
        case 1: word[i] = (uint64_t)f->scratch + below(f, SCRATCH_BYTES); break;
        case 2: word[i] = below(f, 32); break;
        default: word[i] = below(f, 128) | below(f, 128) << 32;
        }
}

/* A name in this worker's folder, in memory of its own. */
static uint64_t own_path(struct fuzzer *f)
{
    char *to = f->name[below(f, NAMES)];
    snprintf(to, sizeof f->name[0], "%s/%u/%c%s", folder, f->worker, (char)('a' + below(f, 12)),
             below(f, 4) ? "" : "/b");
    return (uint64_t)to;
}

/* Nothing that files could be made in, or the memory they take would stay. */
uint64_t any_path(struct fuzzer *f)
{
    static const char *const fixed[] = {"",           ".",       "/dev/null",     "/dev/zero",     "/dev/null/x",
                                        "/proc",      "/proc/1", "/proc/self/fd", "/proc/meminfo", "/proc/self/maps",
                                        "/nowhere/at"};
    if (below(f, 3))
        return own_path(f);
    char *to = (char *)f->scratch + below(f, 8) * 256;
    if (below(f, 16) == 0)
        memset(to, 'x', 256); /* no end near */
    else
        snprintf(to, 256, "%s", fixed[below(f, sizeof fixed / sizeof *fixed)]);
    return (uint64_t)to;
}

/* For calls that rename, remove or change what a path names: /dev/null shall stay what it is. */
static uint64_t safe_path(struct fuzzer *f)
{
    static const uint64_t bad[] = {0, 1, 0x00007ffffffffff8, 0x0000800000000000, 0xffff800000001000, UINT64_MAX};
    return below(f, 4) ? own_path(f) : bad[below(f, sizeof bad / sizeof *bad)];
}

uint64_t any_descriptor(struct fuzzer *f) { return below(f, 16) ? below(f, 40) : any_number(f); }

static uint64_t any_argument(struct fuzzer *f)
{
    switch (below(f, 8)) {
    case 0: return any_number(f);
    case 1:
    case 2: return any_pointer(f);
    case 3: return any_path(f);
    case 4:
    case 5: return any_descriptor(f);
    case 6: return below(f, 4096);
    default: return below(f, 16);
    }
}

/* --- which call, with which arguments --- */

static uint64_t any_call(struct fuzzer *f)
{
    switch (below(f, 32)) {
    case 0: return draw(f); /* not a call at all */
    case 1: return 449 + below(f, 6);
    case 2: return 471 + below(f, 9);
    default: return below(f, 460);
    }
}

/* What would end or change the machine as a whole by right, or leave a child without a stack of its own. */
static bool is_forbidden(uint64_t number)
{
    switch (number) {
    case SYS_reboot:
    case SYS_exit_group: /* tried, but rarely: see try_call() */
    case SYS_kexec_load:
    case SYS_kexec_file_load:
    case SYS_init_module:
    case SYS_finit_module:
    case SYS_delete_module:
    case SYS_mlockall:
    case SYS_mount:
    case SYS_umount2:
    case SYS_pivot_root:
    case SYS_chroot:
    case SYS_swapon:
    case SYS_swapoff:
    case SYS_settimeofday:
    case SYS_clock_settime:
    case SYS_clock_adjtime:
    case SYS_adjtimex:
    case SYS_sethostname:
    case SYS_setdomainname:
    case SYS_iopl:
    case SYS_ioperm:
    case SYS_vhangup:
    case SYS_ptrace:
    case SYS_acct:
    case SYS_bpf: return true;
    default: return false;
    }
}

/* Those that hit other processes must hit this one or nobody. */
static uint64_t harmless_pid(struct fuzzer *f) { return below(f, 2) ? (uint64_t)getpid() : 0x3ffffff0 + below(f, 8); }

/* And those that take memory at once take little: a machine without memory tests nothing more. */
#define MEMORY_MASK 0xfffffull

static void mend_arguments(struct fuzzer *f, uint64_t number, uint64_t *a)
{
    switch (number) {
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
    case SYS_setpgid:
    case SYS_sched_setaffinity:
    case SYS_sched_setparam:
    case SYS_sched_setscheduler:
    case SYS_prlimit64: a[0] = harmless_pid(f); break;
    case SYS_setpriority:
        a[0] = PRIO_PROCESS;
        a[1] = harmless_pid(f);
        break;
    case SYS_execve:
    case SYS_execveat: /* broken files only: see make_folder() */
        snprintf((char *)f->scratch, 256, "%s/elf%u", folder, (unsigned)below(f, 4));
        a[number == SYS_execveat] = (uint64_t)f->scratch;
        break;
    case SYS_rename:
    case SYS_link:
    case SYS_symlink: a[1] = safe_path(f); /* fall through */
    case SYS_unlink:
    case SYS_rmdir:
    case SYS_mknod:
    case SYS_truncate:
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
    case SYS_utime:
    case SYS_utimes: a[0] = safe_path(f); break;
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat: a[3] = safe_path(f); /* fall through */
    case SYS_unlinkat:
    case SYS_mknodat:
    case SYS_fchmodat:
    case SYS_fchownat:
    case SYS_utimensat:
    case SYS_futimesat: a[1] = safe_path(f); break;
    case SYS_symlinkat: a[2] = safe_path(f); break;
    case SYS_fallocate: a[2] &= MEMORY_MASK; /* fall through */
    case SYS_sendfile: a[3] &= MEMORY_MASK; break;
    case SYS_mlock:
    case SYS_mlock2:
    case SYS_madvise: a[1] &= MEMORY_MASK; break;
    case SYS_mmap:
        if (a[1] > MEMORY_MASK)
            a[3] &= ~(uint64_t)(MAP_POPULATE | MAP_LOCKED);
        break;
    case SYS_pidfd_send_signal: a[0] = (uint64_t)-1; break;
    default: break;
    }
}

/* A new task would go on in this program, with no stack or with ours. It ends at once instead, before it touches one.
 */
static int64_t raw_call(uint64_t number, const uint64_t *a)
{
    register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    uint64_t rax = number;
    bool makes_tasks = number == SYS_clone || number == SYS_clone3 || number == SYS_fork || number == SYS_vfork;
    __asm__ volatile("syscall\n\t"
                     "testb %[makes], %[makes]\n\t"
                     "jz 1f\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "movl $60, %%eax\n\t"
                     "xorl %%edi, %%edi\n\t"
                     "syscall\n"
                     "1:"
                     : "+a"(rax)
                     : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9), [makes] "b"(makes_tasks)
                     : "rcx", "r11", "memory", "cc");
    return (int64_t)rax;
}

static void arm_timer(void)
{
    struct itimerval often = {{0, BLOCKED_US}, {0, BLOCKED_US}};
    setitimer(ITIMER_REAL, &often, NULL);
}

static void let_interrupts_in(void)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGALRM);
    sigaddset(&both, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &both, NULL);
}

static void try_call(struct fuzzer *f, struct progress *p)
{
    if (below(f, 8) == 0) {
        p->last_number = SYS_io_uring_enter;
        try_ring(f);
        __atomic_add_fetch(&p->calls, 1, __ATOMIC_RELAXED);
        return;
    }
    uint64_t number = any_call(f), a[6];
    if (number == SYS_exit_group ? below(f, 8) != 0 : is_forbidden(number))
        return;
    if (below(f, 4) == 0)
        fill_scratch(f);
    for (unsigned i = 0; i < 6; i++)
        a[i] = any_argument(f);
    mend_arguments(f, number, a);
    p->last_number = number;
    memcpy(p->last_argument, a, sizeof a);
    if (is_verbose) {
        char line[200];
        int n = snprintf(line, sizeof line, "%u.%u: call %llu(%llx, %llx, %llx, %llx, %llx, %llx)\n", f->worker,
                         f->thread, (unsigned long long)number, (unsigned long long)a[0], (unsigned long long)a[1],
                         (unsigned long long)a[2], (unsigned long long)a[3], (unsigned long long)a[4],
                         (unsigned long long)a[5]);
        long ignored = write(900, line, (size_t)n);
        (void)ignored;
    }
    raw_call(number, a);
    if (number == SYS_setitimer || number == SYS_alarm)
        arm_timer();
    if (number == SYS_rt_sigprocmask)
        let_interrupts_in();
    __atomic_add_fetch(&p->calls, 1, __ATOMIC_RELAXED);
}

/* --- workers --- */

static pid_t thread_ids[THREADS_MAX];

static void nothing(int number) { (void)number; }

/* SIGALRM comes to one thread; all of them may be blocked. */
static void interrupt_all(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    for (unsigned t = 0; t < threads; t++)
        if (thread_ids[t])
            syscall(SYS_tgkill, getpid(), thread_ids[t], SIGUSR2);
    errno = saved;
}

/* A thread's own memory is mapped anew each time: calls unmap and protect it. */
static bool map_playground(struct fuzzer *f)
{
    uint8_t *p = mmap(NULL, SCRATCH_BYTES + 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p, 4096, PROT_READ) || mprotect(p + 4096 + SCRATCH_BYTES, 4096, PROT_NONE))
        return false;
    f->readonly = p;
    f->scratch = p + 4096;
    return true;
}

static struct fuzzer fuzzers[THREADS_MAX];

static void *run_thread(void *arg)
{
    struct fuzzer *f = arg;
    struct progress *p = &shared->progress[f->worker][f->thread];
    thread_ids[f->thread] = (pid_t)syscall(SYS_gettid);
    for (unsigned i = 0; i < CALLS_PER_LIFE / threads && !shared->must_end; i++)
        try_call(f, p);
    return NULL;
}

static _Noreturn void run_worker(uint32_t worker, uint64_t life)
{
    struct sigaction all = {.sa_handler = interrupt_all}, wake = {.sa_handler = nothing},
                     quiet = {.sa_handler = SIG_IGN};
    char own_folder[80];
    pthread_t id[THREADS_MAX];
    int null = open("/dev/null", O_RDWR);
    setpgid(0, 0); /* signals to the group do not reach the master */
    if (is_verbose)
        dup2(2, 900);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd); /* the console keeps its settings */
    sigaction(SIGALRM, &all, NULL);
    sigaction(SIGUSR2, &wake, NULL);
    sigaction(SIGCHLD, &quiet, NULL);
    sigaction(SIGPIPE, &quiet, NULL);
    arm_timer();
    snprintf(own_folder, sizeof own_folder, "%s/%u", folder, worker);
    if (mkdir(own_folder, 0755) || chdir(own_folder))
        _exit(3);
    for (uint32_t t = 0; t < threads; t++) {
        fuzzers[t] = (struct fuzzer){.worker = worker, .thread = t};
        fuzzers[t].random = (seed + 1) * 0x9e3779b97f4a7c15 ^ (life << 8 | t) * 0xd1b54a32d192ed03;
        if (!map_playground(&fuzzers[t]))
            _exit(3);
    }
    for (uint32_t t = 1; t < threads; t++)
        if (pthread_create(&id[t], NULL, run_thread, &fuzzers[t]))
            _exit(3);
    run_thread(&fuzzers[0]);
    for (uint32_t t = 1; t < threads; t++)
        pthread_join(id[t], NULL);
    _exit(0);
}

/* --- the master --- */

static void make_folder(void)
{
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/syscall_fuzz.%d", where ? where : "/tmp", (int)getpid());
    if (mkdir(folder, 0755)) {
        perror(folder);
        exit(2);
    }
    uint8_t image[4096] = {0};
    int self = open("/proc/self/exe", O_RDONLY);
    long bytes = self < 0 ? 0 : read(self, image, sizeof image);
    (void)bytes;
    close(self);
    struct fuzzer f = {.random = seed + 77};
    for (unsigned i = 0; i < 4; i++) { /* ELF headers of this program with errors, and none of its code */
        char name[96];
        snprintf(name, sizeof name, "%s/elf%u", folder, i);
        for (unsigned n = 0; n < 4 * i + 1; n++)
            image[4 + below(&f, 300)] = (uint8_t)draw(&f);
        int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
        if (fd < 0 || write(fd, image, sizeof image) < 0)
            perror(name);
        close(fd);
    }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static void remove_worker_folder(uint32_t worker)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%u", folder, worker);
    remove_tree(path);
}

static uint64_t free_kib(void)
{
    struct sysinfo info;
    if (sysinfo(&info))
        return 0;
    return (uint64_t)(info.freeram + info.bufferram) * info.mem_unit / 1024;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t calls_of(uint32_t worker)
{
    uint64_t sum = 0;
    for (uint32_t t = 0; t < threads; t++)
        sum += __atomic_load_n(&shared->progress[worker][t].calls, __ATOMIC_RELAXED);
    return sum;
}

static uint64_t calls_of_all(void)
{
    uint64_t sum = 0;
    for (uint32_t w = 0; w < processes; w++)
        sum += calls_of(w);
    return sum;
}

/* Runs workers until so many calls are made or the time is over; all are gone afterwards. */
static void run(uint64_t calls, uint64_t ms)
{
    struct {
        pid_t pid;
        uint64_t calls, since;
    } w[WORKERS_MAX] = {0};
    uint64_t end = now_ms() + ms, target = calls_of_all() + calls;
    shared->must_end = false;
    for (bool is_over = false; !is_over;) {
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
        is_over = now_ms() >= end || calls_of_all() >= target;
        shared->must_end = is_over;
        for (pid_t dead; (dead = waitpid(-1, NULL, WNOHANG | __WALL)) > 0;) /* CLONE_PARENT leaves us others, too */
            for (uint32_t i = 0; i < processes; i++)
                w[i].pid = w[i].pid == dead ? 0 : w[i].pid;
        for (uint32_t i = 0; i < processes; i++) {
            if (w[i].pid == 0 && !is_over) {
                remove_worker_folder(i);
                w[i].pid = fork();
                w[i].since = now_ms();
                uint64_t life = ++shared->lives;
                if (w[i].pid == 0)
                    run_worker(i, life);
                if (w[i].pid < 0)
                    w[i].pid = 0; /* no memory just now: in the next round */
            }
            if (calls_of(i) != w[i].calls)
                w[i].since = now_ms();
            w[i].calls = calls_of(i);
            if (w[i].pid && (is_over || now_ms() - w[i].since > PATIENCE_MS))
                kill(w[i].pid, SIGKILL);
        }
    }
    for (uint32_t i = 0; i < processes; i++)
        if (w[i].pid)
            kill(w[i].pid, SIGKILL);
    if (owns_machine) /* also what workers cloned as their siblings, with the shared memory mapped away: it would go on
                       */
        kill(-1, SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0)
        continue;
}

int main(int argc, char **argv)
{
    uint64_t calls = 0, s = 0, tolerated_kib = 256;
    struct timespec pause = {0, 20000000};
    bool is_allowed = owns_machine = access("/proc/sys/kernel/uintr_vp", F_OK) == 0;
    for (int option; (option = getopt(argc, argv, "n:s:r:p:t:m:vy")) != -1;)
        switch (option) {
        case 'n': calls = number(optarg, 1, UINT64_MAX / 2); break;
        case 's': s = number(optarg, 1, 1000000); break;
        case 'r': seed = number(optarg, 0, UINT64_MAX); break;
        case 'p': processes = (uint32_t)number(optarg, 1, WORKERS_MAX); break;
        case 't': threads = (uint32_t)number(optarg, 1, THREADS_MAX); break;
        case 'm': tolerated_kib = number(optarg, 0, UINT32_MAX); break;
        case 'v': is_verbose = true; break;
        case 'y': is_allowed = true; break;
        default: optind = argc + 1;
        }
    if (optind != argc) {
        fputs("usage: syscall_fuzz [-n CALLS | -s SECONDS] [-r SEED] [-p PROCESSES] [-t THREADS] [-m KIB] [-v] [-y]\n"
              "  -m memory that may be missing afterwards  -v names every call  -y this machine may be thrown away\n",
              stderr);
        return 2;
    }
    if (!is_allowed) {
        fputs("syscall_fuzz: this is not the minimal kernel of uintr-vp; with -y it runs all the same\n", stderr);
        return 2;
    }
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("syscall_fuzz: mmap");
        return 2;
    }
    shared = memory;
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_folder();
    run(500, 2000); /* what is allocated once and kept is so before the comparison */
    remove_tree(folder);
    nanosleep(&pause, NULL);
    uint64_t before = free_kib(), warm_up = calls_of_all(), start = now_ms();
    make_folder();
    if (calls == 0 && s == 0)
        calls = 20000;
    run(calls ? calls : UINT64_MAX / 2, s ? s * 1000 : UINT32_MAX);
    remove_tree(folder);
    uint64_t after = free_kib();
    for (int i = 0; i < 100 && after + tolerated_kib < before; i++) { /* orphans that init has yet to bury */
        nanosleep(&pause, NULL);
        after = free_kib();
    }
    int64_t missing = (int64_t)before - (int64_t)after;
    printf("syscall_fuzz: seed %llu, %u processes of %u threads\n", (unsigned long long)seed, processes, threads);
    printf("calls done %llu in %llu ms, %llu worker processes\n", (unsigned long long)(calls_of_all() - warm_up),
           (unsigned long long)(now_ms() - start), (unsigned long long)shared->lives);
    printf("memory free before %llu KiB, after %llu KiB, missing %lld KiB\n", (unsigned long long)before,
           (unsigned long long)after, (long long)missing);
    bool is_right = missing <= (int64_t)tolerated_kib;
    puts(is_right ? "ok" : "FAILED: memory is missing");
    return is_right ? 0 : 1;
}
