/* SPDX-License-Identifier: Apache-2.0 */
/* uintr_stress: threads and processes that all post to each other while they mask, sleep, move between CPUs, reconnect,
 * and while others die in the middle of it. Every post is accounted for; a lost one makes the exit status 1.
 *
 * How a loss is proved. A post has a number, written to memory that all share before SENDUIPI; the receiver's handler
 * copies the numbers it finds there: what it has seen. Two kinds of posts:
 *   alone   the vector belongs to this sender and receiver, and the next post waits until the one before was seen.
 *           Nothing can be coalesced: each post must make exactly one delivery, or it is lost (or doubled) and known by
 *           its number.
 *   bursts  several without waiting, then none until the last of them was seen. What is pending together becomes one
 *           delivery. A post that finds its vector pending changes nothing, lost or not; one that does not must be
 *           seen, itself or with a later one of its burst. With more than 8 threads several senders share a vector.
 * A delivery counts what it has seen for the first time; more than one: the others were coalesced. One that sees
 * nothing new comes from a post whose number an earlier delivery saw between the number's writing and SENDUIPI. */
#include "number.h"
#include "uintr_calls.h"

#include <assert.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
    MEMBERS_MAX = 16,
    SHARED_VECTORS = 8,
    FIRST_SHARED_VECTOR = 32, /* alone: the sender's number */
    DYING_VECTOR = 63,        /* from the member's own children */
    PATIENCE_S = 30,          /* a post that is not delivered by then is lost */
    BURST_MAX = 12,
    CHECKPOINT_POSTS = 512
};
enum kind { ALONE, BURST, DYING, KINDS };

struct member {
    pthread_t thread;
    uint32_t number;
    uint64_t random;
    int fd[MEMBERS_MAX + SHARED_VECTORS + 1]; /* alone by sender, then the shared vectors, then DYING_VECTOR */
    int index_alone[MEMBERS_MAX], index_burst[MEMBERS_MAX]; /* for SENDUIPI, by receiver */
    /* written by the handler */
    uint64_t delivered[KINDS], coalesced, early, doubled, strange;
    /* what happened, for the report */
    uint64_t masked, slept, moved, reconnected, checkpoints, deaths, posts_to_the_dead;
    int victim_fd;
} __attribute__((aligned(64)));

static struct shared {
    struct member member[MEMBERS_MAX];
    uint64_t posted[KINDS][MEMBERS_MAX][MEMBERS_MAX]; /* by sender (of DYING: 0) and receiver */
    uint64_t seen[KINDS][MEMBERS_MAX][MEMBERS_MAX];
    uint32_t arrived[4]; /* members at each of the common points of run_member() */
    uint32_t failed;
} * shared;

static uint32_t members = 8, processes;
static uint64_t share;
static uint32_t cpus[CPU_SETSIZE], cpu_count;
static __thread struct member *me;

static inline uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void store(uint64_t *p, uint64_t value) { __atomic_store_n(p, value, __ATOMIC_RELEASE); }
static bool has_failed(void) { return __atomic_load_n(&shared->failed, __ATOMIC_RELAXED); }

static void fail(const char *what)
{
    fprintf(stderr, "uintr_stress: %s: %s\n", what, strerror(errno));
    __atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
}

static uint64_t random_below(struct member *m, uint64_t limit)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    assert(limit > 0);
    return (m->random >> 11) % limit;
}

/* --- the receiving half --- */

static inline void take(struct member *m, enum kind kind, uint64_t first, uint64_t end, uint64_t step)
{
    uint64_t news = 0;
    for (uint64_t s = first; s < end; s += step) {
        uint64_t posted = load(&shared->posted[kind][s][m->number]), *seen = &shared->seen[kind][s][m->number];
        news += posted - *seen;
        store(seen, posted);
    }
    m->delivered[kind]++;
    if (kind == ALONE)
        m->doubled += news != 1;
    else if (news == 0)
        m->early++;
    else
        m->coalesced += news - 1;
}

static void __attribute__((interrupt)) on_post(struct __uintr_frame *frame, unsigned long long vector)
{
    (void)frame;
    if (vector < members)
        take(me, ALONE, vector, vector + 1, 1);
    else if (vector >= FIRST_SHARED_VECTOR && vector < FIRST_SHARED_VECTOR + SHARED_VECTORS)
        take(me, BURST, vector - FIRST_SHARED_VECTOR, members, SHARED_VECTORS);
    else if (vector == DYING_VECTOR)
        take(me, DYING, 0, 1, 1);
    else
        me->strange++;
}

static void receive_from_all(struct member *m)
{
    if (uintr_register_handler(on_post, 0)) {
        fail("uintr_register_handler");
        return;
    }
    for (unsigned i = 0; i < MEMBERS_MAX + SHARED_VECTORS + 1; i++) {
        unsigned vector = i < MEMBERS_MAX                    ? i
                          : i < MEMBERS_MAX + SHARED_VECTORS ? i - MEMBERS_MAX + FIRST_SHARED_VECTOR
                                                             : DYING_VECTOR;
        m->fd[i] = -1;
        if (i < MEMBERS_MAX && i >= members)
            continue;
        if ((m->fd[i] = uintr_vector_fd(vector)) < 0)
            fail("uintr_vector_fd");
    }
    _stui();
}

/* --- the sending half --- */

static int fd_alone(const struct member *receiver) { return receiver->fd[me->number]; }
static int fd_burst(const struct member *receiver) { return receiver->fd[MEMBERS_MAX + me->number % SHARED_VECTORS]; }

static int connect_to(int fd)
{
    int index = uintr_register_sender(fd);
    if (index < 0)
        fail("uintr_register_sender");
    return index;
}

static void post(enum kind kind, uint32_t sender, uint32_t receiver, int index)
{
    uint64_t *posted = &shared->posted[kind][sender][receiver];
    store(posted, *posted + 1);
    _senduipi((uint64_t)index);
}

static bool is_seen(enum kind kind, uint32_t sender, uint32_t receiver)
{
    return load(&shared->seen[kind][sender][receiver]) == load(&shared->posted[kind][sender][receiver]);
}

static uint64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

/* Not while user interrupts are masked: two members could wait for each other. */
static void await_seen(enum kind kind, uint32_t sender, uint32_t receiver)
{
    uint64_t start = 0;
    for (uint64_t n = 1; !is_seen(kind, sender, receiver) && !has_failed(); n++) {
        __builtin_ia32_pause();
        if (n % 64 != 0)
            continue;
        sched_yield();
        if (start == 0)
            start = seconds();
        if (seconds() - start <= PATIENCE_S)
            continue;
        fprintf(stderr, "LOST: kind %d, sender %u, receiver %u: posted %llu, seen %llu\n", kind, sender, receiver,
                (unsigned long long)load(&shared->posted[kind][sender][receiver]),
                (unsigned long long)load(&shared->seen[kind][sender][receiver]));
        __atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
    }
}

static void checkpoint(struct member *m)
{
    m->checkpoints++;
    for (uint32_t r = 0; r < members; r++) {
        await_seen(ALONE, m->number, r);
        await_seen(BURST, m->number, r);
    }
}

/* --- deaths: who dies is not asked when --- */

static volatile uint64_t ignored;
static void __attribute__((interrupt)) on_stray_post(struct __uintr_frame *frame, unsigned long long vector)
{
    (void)frame;
    ignored = vector;
}

/* A receiver that shows its descriptor in victim_fd, then spins and sleeps until it is tired or killed. */
static void be_a_victim(struct member *creator, uint64_t random)
{
    if (uintr_register_handler(on_stray_post, 0)) {
        fail("victim: uintr_register_handler");
        return;
    }
    int fd = uintr_vector_fd(1);
    _stui();
    __atomic_store_n(&creator->victim_fd, fd, __ATOMIC_RELEASE);
    for (uint64_t i = 0; i < random % 32; i++) {
        for (uint64_t spin = random >> 8 & 0x3ff; spin > 0; spin--)
            __builtin_ia32_pause();
        if (random >> i & 1)
            uintr_wait(200);
    }
}

static void *victim_thread(void *creator)
{
    struct member *m = creator;
    be_a_victim(m, m->random); /* and no unregistering */
    return NULL;
}

static void post_to_victim(struct member *m, int index, uint64_t count)
{
    for (uint64_t i = 0; i < count && !has_failed(); i++) {
        _senduipi((uint64_t)index);
        m->posts_to_the_dead++;
        if (i % 16 == 0)
            sched_yield();
    }
}

static void outlive_a_receiver(struct member *m, bool is_process)
{
    pthread_t thread;
    pid_t child = 0;
    m->victim_fd = -1;
    if (is_process) {
        child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            be_a_victim(m, m->random);
            uintr_wait(1000000); /* killed here, as a rule */
            _exit(0);
        }
    }
    if (child < 0 || (!is_process && (errno = pthread_create(&thread, NULL, victim_thread, m)) != 0)) {
        fail("victim");
        return;
    }
    while (__atomic_load_n(&m->victim_fd, __ATOMIC_ACQUIRE) < 0 && !has_failed())
        sched_yield();
    int index = has_failed() ? -1 : uintr_register_sender(m->victim_fd);
    bool is_connected = index >= 0; /* or it died before: ESHUTDOWN */
    if (!is_connected && !has_failed() && errno != ESHUTDOWN)
        fail("victim: uintr_register_sender");
    if (is_connected)
        post_to_victim(m, index, random_below(m, 100));
    if (is_process)
        kill(child, SIGKILL);
    if (is_connected)
        post_to_victim(m, index, random_below(m, 50));
    if (is_process)
        waitpid(child, NULL, 0);
    else
        pthread_join(thread, NULL);
    if (is_connected) {
        post_to_victim(m, index, 1 + random_below(m, 20)); /* certainly dead now */
        if (uintr_unregister_sender(m->victim_fd, index))
            fail("victim: uintr_unregister_sender");
    }
    if (m->victim_fd >= 0)
        close(m->victim_fd);
    m->deaths++;
}

static void outlive_a_sender(struct member *m)
{
    uint64_t count = 1 + random_below(m, 100);
    bool is_killed = random_below(m, 2);
    int fd = m->fd[MEMBERS_MAX + SHARED_VECTORS], status;
    pid_t child = fork(); /* has no handler: nothing is inherited */
    if (child == 0) {
        int index = uintr_register_sender(fd);
        for (uint64_t i = 0; index >= 0 && i < count; i++)
            post(DYING, 0, m->number, index);
        if (is_killed)
            kill(getpid(), SIGKILL);
        _exit(index >= 0 ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        fail("fork");
        return;
    }
    if (is_killed ? WTERMSIG(status) != SIGKILL : status != 0) {
        errno = ECHILD;
        fail("dying sender");
    }
    await_seen(DYING, 0, m->number);
    m->deaths++;
}

/* --- a member's life --- */

static void move(struct member *m)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (uint32_t i = 0; i < cpu_count; i++)
        if (random_below(m, 2))
            CPU_SET(cpus[i], &set);
    CPU_SET(cpus[random_below(m, cpu_count)], &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("sched_setaffinity");
    m->moved++;
}

static void reconnect(struct member *m)
{
    struct member *r = &shared->member[random_below(m, members)];
    bool alone = random_below(m, 2);
    int *index = alone ? &m->index_alone[r->number] : &m->index_burst[r->number],
        fd = alone ? fd_alone(r) : fd_burst(r);
    if (uintr_unregister_sender(fd, *index))
        fail("uintr_unregister_sender");
    *index = connect_to(fd);
    m->reconnected++;
}

static void sleep_for_posts(struct member *m)
{
    uint64_t us = 1 + random_below(m, 300);
    bool is_masked = random_below(m, 2);
    if (is_masked)
        _clui();
    if (uintr_wait(us) && errno != EINTR)
        fail("uintr_wait");
    _stui();
    m->slept++;
}

static void do_something_else(struct member *m)
{
    struct timespec nap = {0, (long)random_below(m, 50000)};
    switch (random_below(m, 1024)) {
    case 0 ... 7: sleep_for_posts(m); break;
    case 8 ... 11: nanosleep(&nap, NULL); break;
    case 12 ... 19: sched_yield(); break;
    case 20 ... 23: move(m); break;
    case 24 ... 25: reconnect(m); break;
    case 26: outlive_a_receiver(m, random_below(m, 2)); break;
    case 27:
        if (random_below(m, 2))
            outlive_a_sender(m);
        break;
    default: break;
    }
}

/* How many posts were made: none while the ones before have not been seen. */
static uint64_t post_some(struct member *m, uint64_t limit)
{
    uint32_t r = (uint32_t)random_below(m, members);
    if (random_below(m, 8) && is_seen(ALONE, m->number, r)) {
        post(ALONE, m->number, r, m->index_alone[r]);
        return 1;
    }
    if (!is_seen(BURST, m->number, r))
        return 0;
    uint64_t length = 1 + random_below(m, BURST_MAX), count = length < limit ? length : limit;
    for (uint64_t i = 0; i < count; i++)
        post(BURST, m->number, r, m->index_burst[r]);
    return count;
}

static void post_all(struct member *m)
{
    uint64_t masked_turns = 0, next_checkpoint = CHECKPOINT_POSTS, failures = 0;
    for (uint64_t done = 0; done < share && !has_failed();) {
        uint64_t count = post_some(m, share - done);
        done += count;
        if (count)
            failures = 0;
        else if (++failures % 16 == 0)
            sched_yield();
        if (masked_turns == 0) {
            do_something_else(m);
            if (done >= next_checkpoint) {
                checkpoint(m);
                next_checkpoint += CHECKPOINT_POSTS;
            }
            if (random_below(m, 64) == 0) {
                masked_turns = 1 + random_below(m, 16);
                m->masked++;
                _clui();
            }
        } else if (--masked_turns == 0) {
            _stui();
        }
    }
    _stui();
}

static void meet(unsigned point)
{
    __atomic_add_fetch(&shared->arrived[point], 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&shared->arrived[point], __ATOMIC_SEQ_CST) < members && !has_failed())
        sched_yield();
}

static void *run_member(void *arg)
{
    struct member *m = me = arg;
    receive_from_all(m);
    meet(0);
    for (uint32_t r = 0; r < members && !has_failed(); r++) {
        m->index_alone[r] = connect_to(fd_alone(&shared->member[r]));
        m->index_burst[r] = connect_to(fd_burst(&shared->member[r]));
    }
    meet(1);
    post_all(m);
    checkpoint(m);
    meet(2); /* everything that was posted has been seen */
    for (int i = 0; i < 100; i++)
        sched_yield(); /* time for deliveries that should not come */
    _clui();
    meet(3);
    if (random_below(m, 2) && uintr_unregister_handler()) /* the others leave that to the kernel */
        fail("uintr_unregister_handler");
    return NULL;
}

static void run_process(uint32_t process)
{
    for (uint32_t i = process; i < members; i += processes) {
        struct member *m = &shared->member[i];
        errno = pthread_create(&m->thread, NULL, run_member, m);
        if (errno)
            fail("pthread_create");
    }
    for (uint32_t i = process; i < members; i += processes)
        pthread_join(shared->member[i].thread, NULL);
}

/* --- the account --- */

static bool is_all_accounted_for(void)
{
    static const char *const names[KINDS] = {"one at a time", "in bursts", "by dying senders"};
    uint64_t total = 0, delivered_total = 0, lost = 0, coalesced = 0, early = 0, doubled = 0, strange = 0;
    struct member sum = {0};
    for (int kind = 0; kind < KINDS; kind++) {
        uint64_t posted = 0, delivered = 0;
        for (uint32_t r = 0; r < members; r++) {
            delivered += shared->member[r].delivered[kind];
            for (uint32_t s = 0; s < members; s++) {
                posted += shared->posted[kind][s][r];
                lost += shared->posted[kind][s][r] - shared->seen[kind][s][r];
            }
        }
        printf("%-17s posted %10llu  delivered %10llu\n", names[kind], (unsigned long long)posted,
               (unsigned long long)delivered);
        total += posted;
        delivered_total += delivered;
    }
    for (uint32_t i = 0; i < members; i++) {
        const struct member *m = &shared->member[i];
        coalesced += m->coalesced;
        early += m->early;
        doubled += m->doubled;
        strange += m->strange;
        sum.masked += m->masked;
        sum.slept += m->slept;
        sum.moved += m->moved;
        sum.reconnected += m->reconnected;
        sum.checkpoints += m->checkpoints;
        sum.deaths += m->deaths;
        sum.posts_to_the_dead += m->posts_to_the_dead;
    }
    coalesced -= early; /* counted with an earlier delivery, and delivered all the same */
    printf(
        "masked %llu, slept %llu, moved %llu, reconnected %llu, checkpoints %llu, deaths %llu (%llu posts to them)\n",
        (unsigned long long)sum.masked, (unsigned long long)sum.slept, (unsigned long long)sum.moved,
        (unsigned long long)sum.reconnected, (unsigned long long)sum.checkpoints, (unsigned long long)sum.deaths,
        (unsigned long long)sum.posts_to_the_dead);
    printf("lost %llu, doubled %llu, never posted %llu\n", (unsigned long long)lost, (unsigned long long)doubled,
           (unsigned long long)strange);
    printf("posted %llu = delivered %llu + coalesced %llu\n", (unsigned long long)total,
           (unsigned long long)delivered_total, (unsigned long long)coalesced);
    return lost == 0 && doubled == 0 && strange == 0 && total == delivered_total + coalesced && !has_failed();
}

static void find_cpus(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        fail("sched_getaffinity");
    for (uint32_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &allowed))
            cpus[cpu_count++] = i;
}

int main(int argc, char **argv)
{
    uint64_t posts = 100000, seed = 1;
    int generation = 0;
    for (int option; (option = getopt(argc, argv, "n:t:p:r:g:")) != -1;)
        switch (option) {
        case 'n': posts = number(optarg, 1, UINT32_MAX); break;
        case 't': members = (uint32_t)number(optarg, 1, MEMBERS_MAX); break;
        case 'p': processes = (uint32_t)number(optarg, 1, MEMBERS_MAX); break;
        case 'r': seed = number(optarg, 0, UINT64_MAX); break;
        case 'g': generation = (int)number(optarg, 1, 2); break;
        default: optind = argc + 1;
        }
    if (optind != argc) {
        fprintf(stderr, "usage: uintr_stress [-n POSTS] [-t THREADS] [-p PROCESSES] [-r SEED] [-g 1|2]\n");
        return 2;
    }
    if (processes == 0)
        processes = members > 8 ? 4 : 2;
    if (processes > members)
        processes = members;
    uint32_t together = (members + processes - 1) / processes;
    if (together * (2 * members + 1) > 256) { /* and a table of generation 2 has that many entries */
        fprintf(stderr, "uintr_stress: %u threads need more than %u processes\n", members, processes);
        return 2;
    }
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("uintr_stress: mmap");
        return 2;
    }
    shared = memory;
    if (!uintr_choose(generation)) {
        fprintf(stderr, "uintr_stress: no user interrupts: the CPU has none, or the kernel does not enable them\n");
        return 2;
    }
    find_cpus();
    share = (posts + members - 1) / members;
    for (uint32_t i = 0; i < members; i++) {
        shared->member[i].number = i;
        shared->member[i].random = (seed + 1) * 0x9e3779b97f4a7c15 + (i + 1) * 0xd1b54a32d192ed03;
    }
    printf("generation %d, %u threads in %u processes on %u CPUs, seed %llu\n", uintr_generation, members, processes,
           cpu_count, (unsigned long long)seed);
    fflush(stdout);
    for (uint32_t p = 1; p < processes; p++) { /* descriptors are common: everybody finds everybody's */
        pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            run_process(p);
            _exit(has_failed());
        }
        if (child < 0)
            fail("clone");
    }
    run_process(0);
    for (int status; wait(&status) > 0;)
        if (status != 0) {
            errno = ECHILD;
            fail("a process of members");
        }
    bool is_right = is_all_accounted_for();
    puts(is_right ? "ok" : "FAILED");
    return is_right ? 0 : 1;
}
