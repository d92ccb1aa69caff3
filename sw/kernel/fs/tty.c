/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal as a file: open, read, write, poll, and who may do so: sessions and job control. */
#include "fs/tty.h"

#include "arch/syscall.h"
#include "proc/process.h"
#include <linux/eventpoll.h>

/* A longer write answers what it wrote: its caller then passes user mode, where ^C can get in. */
enum { WRITE_MAX = 65536 };

struct tty console_tty;

struct tty *tty_console(void) { return &console_tty; }

void tty_init(void)
{
    struct tty *t = &console_tty;
    tty_set_default(t);
    t->size = (struct winsize){.ws_row = 24, .ws_col = 80};
    wait_queue_init(&t->readable);
    wait_queue_init(&t->writable);
}

static bool is_device(const struct file *f, uint64_t rdev) { return f->inode && f->inode->rdev == rdev; }

/* /dev/console is for those who must reach the operator in any case: never hung up, no job control. */
bool tty_is_hung_up(const struct file *f)
{
    return !is_device(f, DEVICE_CONSOLE) && (uint64_t)f->data != console_tty.hang_ups;
}

static int tty_open(struct file *f)
{
    struct tty *t = &console_tty;
    struct process *p = current->process;
    if (is_device(f, DEVICE_TTY) && !p->tty)
        return -ENXIO;
    f->data = (void *)t->hang_ups;
    if (is_device(f, DEVICE_SERIAL) && !(f->flags & O_NOCTTY) && file_can_read(f) && p->is_session_leader && !p->tty &&
        !t->session) {
        p->tty = t;
        t->session = p->session;
        t->foreground = p->pgrp;
    }
    return 0;
}

int tty_job_control(struct tty *t, int number)
{
    struct process *p = current->process;
    if (p->tty != t || !t->foreground || p->pgrp == t->foreground)
        return 0;
    if (current->blocked & SIGNAL_BIT(number) || signal_is_ignored(p, number))
        return number == SIGTTIN ? -EIO : 0;
    if (job_is_orphaned(p->pgrp))
        return -EIO;
    signal_send_group(p->pgrp, number, NULL);
    return -ERESTARTSYS;
}

/* VMIN and VTIME: how many bytes a read waits for, and how long for the first and for each further one. */
struct patience {
    size_t minimum;
    uint64_t first_ns, next_ns; /* NEVER: without limit */
};

static struct patience patience_of(const struct tty *t, size_t wanted)
{
    if (tty_has_mode(t, ICANON))
        return (struct patience){1, NEVER, NEVER};
    uint64_t ns = t->termios.c_cc[VTIME] * 100000000ull;
    size_t minimum = MIN((size_t)t->termios.c_cc[VMIN], wanted);
    if (!minimum)
        return (struct patience){1, ns, 0};
    return (struct patience){minimum, NEVER, ns ? ns : NEVER};
}

/* 0: something happened; -ETIMEDOUT; -EINTR. */
static int wait_for_input(struct tty *t, uint64_t ns)
{
    struct waiter w;
    wait_begin(&t->readable, &w);
    int result = task_sleep(ns == NEVER ? NEVER : clock_now() + ns);
    wait_end(&w);
    return result;
}

static int64_t tty_read(struct file *f, struct uio *u, uint64_t *position)
{
    serial_start();
    (void)position;
    struct tty *t = &console_tty;
    int64_t done = 0;
    int error = is_device(f, DEVICE_CONSOLE) || tty_is_hung_up(f) ? 0 : tty_job_control(t, SIGTTIN);
    if (error)
        return error;
    while (u->left && !tty_is_hung_up(f)) {
        struct patience p = patience_of(t, (size_t)done + u->left);
        if (tty_is_readable(t, 1)) {
            bool is_end = false, is_line = tty_has_mode(t, ICANON);
            int64_t n = tty_take(t, u, &is_end);
            if (n < 0)
                return done ? done : n;
            done += n;
            if (is_end || is_line || done >= (int64_t)p.minimum)
                break;
            continue;
        }
        uint64_t ns = done ? p.next_ns : p.first_ns;
        if (!ns || error == -ETIMEDOUT)
            break;
        if (f->flags & O_NONBLOCK)
            return done ? done : -EAGAIN;
        error = wait_for_input(t, ns);
        if (error == -EINTR)
            return done ? done : -ERESTARTSYS;
    }
    return done;
}

static int wait_until_started(struct tty *t, struct file *f)
{
    if (t->is_stopped && (f->flags & O_NONBLOCK))
        return -EAGAIN;
    int error = wait_event(&t->writable, !t->is_stopped || tty_is_hung_up(f));
    return error ? -ERESTARTSYS : tty_is_hung_up(f) ? -EIO : 0;
}

static int64_t tty_write(struct file *f, struct uio *u, uint64_t *position)
{
    (void)position;
    struct tty *t = &console_tty;
    int64_t done = 0;
    int error = tty_is_hung_up(f) ? -EIO : 0;
    if (!error && tty_has_mode(t, TOSTOP) && !is_device(f, DEVICE_CONSOLE))
        error = tty_job_control(t, SIGTTOU);
    while (!error && u->left && done < WRITE_MAX) {
        uint8_t part[512];
        size_t n = MIN(u->left, sizeof part);
        error = wait_until_started(t, f);
        if (!error)
            error = uio_from(u, part, n);
        if (error)
            break;
        tty_output(t, part, n);
        done += (int64_t)n;
    }
    return done ? done : error;
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
    serial_start();
    struct tty *t = &console_tty;
    poll_wait(pt, &t->readable);
    poll_wait(pt, &t->writable);
    if (tty_is_hung_up(f))
        return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP;
    size_t at_least = t->termios.c_cc[VTIME] || !t->termios.c_cc[VMIN] ? 1 : t->termios.c_cc[VMIN];
    return (tty_is_readable(t, at_least) ? EPOLLIN | EPOLLRDNORM : 0) | (t->is_stopped ? 0 : EPOLLOUT | EPOLLWRNORM);
}

const struct file_ops tty_file_ops = {
    .read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, .open = tty_open};

void tty_give_up(struct tty *t)
{
    int session = t->session, foreground = t->foreground;
    t->session = t->foreground = 0;
    struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->session == session && p->tty == t)
            p->tty = NULL;
    }
    if (foreground) {
        signal_send_group(foreground, SIGHUP, NULL);
        signal_send_group(foreground, SIGCONT, NULL);
    }
}

/* Whoever still has the terminal open cannot disturb its next user, who finds it in a sane state. */
void tty_hang_up_session(int session)
{
    struct tty *t = &console_tty;
    if (!session || t->session != session)
        return;
    t->hang_ups++;
    tty_give_up(t);
    tty_flush_input(t);
    tty_set_default(t);
    t->is_stopped = false;
    wake_all(&t->readable);
    wake_all(&t->writable);
}
