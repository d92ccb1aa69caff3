/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal as a file: open, read, write, poll, ioctl, and who may do so: sessions and job control. */
#include "fs/tty.h"

#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include <linux/eventpoll.h>

/* A longer write answers what it wrote: its caller then passes user mode, where ^C can get in. */
enum { WRITE_MAX = 65536 };

struct tty console_tty;

void tty_init(void)
{
    static const struct termios sane = {
        .c_iflag = ICRNL,
        .c_oflag = OPOST, /* no ONLCR: output that goes to a file or a pipe keeps its lines */
        .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_cc = "\003\034\177\025\004\000\001\000\000\000\032", /* ^C ^\ DEL ^U ^D, VMIN = 1, ^Z */
    };
    console_tty.termios = sane;
    console_tty.size = (struct winsize){.ws_row = 24, .ws_col = 80};
    wait_queue_init(&console_tty.readable);
}

/* As the session's controlling terminal, if it has none and nobody else has this one. */
static bool take_control(struct tty *t, struct process *p)
{
    if (!p->is_session_leader || p->tty || t->session)
        return false;
    p->tty = t;
    t->session = p->session;
    t->foreground = p->pgrp;
    return true;
}

static int tty_open(struct file *f)
{
    struct process *p = current->process;
    if (f->inode->rdev == DEVICE_TTY && !p->tty)
        return -ENXIO;
    if (f->inode->rdev == DEVICE_SERIAL && !(f->flags & O_NOCTTY) && file_can_read(f))
        take_control(&console_tty, p);
    return 0;
}

/* 0: the caller may; -ERESTARTSYS: its group, which is in the background, was sent the signal; -EIO. */
static int job_control(struct tty *t, int number)
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

/* A line, or its end; not canonical: VMIN bytes. */
static bool is_readable(const struct tty *t)
{
    uint64_t needed = tty_has_mode(t, ICANON) || !t->termios.c_cc[VMIN] ? 1 : t->termios.c_cc[VMIN];
    return t->ready - t->tail >= needed;
}

static int64_t tty_read(struct file *f, struct uio *u, uint64_t *position)
{
    struct tty *t = &console_tty;
    (void)position;
    serial_start();
    int error = job_control(t, SIGTTIN);
    if (error || !u->left)
        return error;
    if (!is_readable(t) && (f->flags & O_NONBLOCK || current->nowait))
        return -EAGAIN;
    uint64_t deadline = NEVER;
    if (!tty_has_mode(t, ICANON) && !t->termios.c_cc[VMIN]) /* VTIME limits the wait for the first byte */
        deadline = clock_now() + t->termios.c_cc[VTIME] * 100000000ull;
    error = wait_event_until(&t->readable, is_readable(t), deadline);
    return error == -EINTR ? -ERESTARTSYS : error ? 0 : tty_take(t, u);
}

static int64_t tty_write(struct file *f, struct uio *u, uint64_t *position)
{
    char part[512];
    int64_t done = 0;
    (void)f, (void)position;
    while (u->left && done < WRITE_MAX) {
        size_t n = MIN(u->left, sizeof part);
        if (uio_from(u, part, n))
            return done ? done : -EFAULT;
        tty_output(&console_tty, part, n);
        done += (int64_t)n;
    }
    return done;
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
    (void)f;
    serial_start();
    poll_wait(pt, &console_tty.readable);
    return EPOLLOUT | EPOLLWRNORM | (is_readable(&console_tty) ? EPOLLIN | EPOLLRDNORM : 0);
}

static int64_t set_termios(struct tty *t, uint32_t request, uint64_t argument)
{
    struct termios new;
    int error = job_control(t, SIGTTOU);
    if (error)
        return error;
    if (GET_USER(new, argument))
        return -EFAULT;
    if (request == TCSETSF)
        tty_flush_input(t);
    if ((t->termios.c_lflag ^ new.c_lflag) & ICANON)
        t->ready = t->head; /* what was typed in the other mode: a line without an end, or bytes without lines */
    t->termios = new;
    wake_all(&t->readable);
    return 0;
}

static int64_t set_foreground(struct tty *t, uint64_t argument)
{
    struct process *self = current->process, *p;
    int pgrp, error = job_control(t, SIGTTOU);
    if (error)
        return error == -EIO ? -ENOTTY : error;
    if (self->tty != t || t->session != self->session)
        return -ENOTTY;
    if (GET_USER(pgrp, argument))
        return -EFAULT;
    error = pgrp < 0 ? -EINVAL : -ESRCH;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->pgrp == pgrp && !p->is_dead)
            error = p->session == self->session ? 0 : -EPERM;
    }
    if (!error)
        t->foreground = pgrp;
    return error;
}

static int64_t tty_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    struct tty *t = &console_tty;
    struct process *p = current->process;
    int waiting = (int)(t->ready - t->tail);
    (void)f;
    switch (request) {
    case TCGETS: return PUT_USER(argument, t->termios);
    case TCSETS:
    case TCSETSW:
    case TCSETSF: return set_termios(t, request, argument);
    case TIOCGWINSZ: return PUT_USER(argument, t->size);
    case TIOCSWINSZ: return GET_USER(t->size, argument);
    case TIOCSCTTY: return p->tty == t || take_control(t, p) ? 0 : -EPERM;
    case TIOCGPGRP: return p->tty == t ? PUT_USER(argument, t->foreground) : -ENOTTY;
    case TIOCSPGRP: return set_foreground(t, argument);
    case FIONREAD: return PUT_USER(argument, waiting);
    case TCFLSH: tty_flush_input(t); return 0;
    case TCSBRK: return 0; /* tcdrain: all output has left */
    default: return -ENOTTY;
    }
}

const struct file_ops tty_file_ops = {
    .read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, .open = tty_open};

void tty_hang_up_session(int session)
{
    struct tty *t = &console_tty;
    int foreground = t->foreground;
    struct process *p;
    if (!session || t->session != session)
        return;
    t->session = t->foreground = 0;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->session == session)
            p->tty = NULL;
    }
    if (foreground) {
        signal_send_group(foreground, SIGHUP, NULL);
        signal_send_group(foreground, SIGCONT, NULL);
    }
    tty_flush_input(t);
}
