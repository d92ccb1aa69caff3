/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal. Its line discipline: what typed bytes mean, how they are echoed, how output is dressed. The terminal as
 * a file: read, write, poll, ioctl, and who may do so: sessions and job control. */
#include "fs/tty.h"
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include <linux/eventpoll.h>

enum {
    WRITE_MAX = 65536, /* a longer write answers what it wrote: its caller then passes user mode, where ^C can get in */
    END_OF_FILE = 0x100 /* in the ring, of a VEOF: it ends a read in canonical mode and is no part of it; a shell that
                           edits lines itself sees the ^D that was typed while a command still ran */
};

static struct tty tty = {
    .termios =
        {
            .c_iflag = ICRNL,
            .c_oflag = OPOST, /* no ONLCR: output that goes to a file or a pipe keeps its lines */
            .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
            .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            .c_cc = "\003\034\177\025\004\000\001\000\000\000\032", /* ^C ^\ DEL ^U ^D, VMIN = 1, ^Z */
        },
    .size = {.ws_row = 24, .ws_col = 80},
    .readable = {.waiters = {&tty.readable.waiters, &tty.readable.waiters}},
};

static bool has_mode(unsigned local_flag) { return tty.termios.c_lflag & local_flag; }

static bool is_control(uint8_t c) { return c < 32 || c == 127; }

/* 0 in c_cc means that nothing has this function. */
static bool is_key(unsigned index, uint8_t c) { return c && tty.termios.c_cc[index] == c; }

static bool is_readable(void) { return tty.ready != tty.tail; }

static void put(const char *text, size_t bytes)
{
    for (; bytes; text++, bytes--) {
        if (*text == '\n' && tty.termios.c_oflag & OPOST && tty.termios.c_oflag & ONLCR)
            console_put("\r", 1);
        console_put(text, 1);
    }
}

static void echo(uint8_t c)
{
    const char shown[] = {'^', (char)(c ^ 0x40)}, *plain = (const char *)&c;
    bool is_plain = !is_control(c) || c == '\n' || !has_mode(ECHOCTL);
    if (has_mode(ECHO))
        put(is_plain ? plain : shown, is_plain ? 1 : sizeof shown);
}

bool tty_is_full(void)
{
    bool can_still_edit = has_mode(ICANON) && tty.ready == tty.tail;
    return !can_still_edit && tty.head - tty.tail >= TTY_RING - 1;
}

/* The last place of the ring is for the end of the line. */
static void store(uint16_t c, bool is_end)
{
    if (tty.head - tty.tail >= TTY_RING - (is_end ? 0u : 1u))
        return;
    tty.ring[tty.head++ % TTY_RING] = c;
    if (is_end || !has_mode(ICANON)) {
        tty.ready = tty.head;
        wake_all(&tty.readable);
    }
}

static void erase(bool whole_line)
{
    while (tty.head > tty.ready) {
        uint8_t c = (uint8_t)tty.ring[--tty.head % TTY_RING];
        size_t columns = is_control(c) && has_mode(ECHOCTL) ? 2 : 1;
        if (has_mode(ECHO))
            put("\b \b\b \b", 3 * columns);
        if (!whole_line)
            return;
    }
}

static void flush_input(void) { tty.tail = tty.ready = tty.head; }

void tty_receive(uint8_t c)
{
    int number = is_key(VINTR, c) ? SIGINT : is_key(VQUIT, c) ? SIGQUIT : is_key(VSUSP, c) ? SIGTSTP : 0;
    bool is_canonical = has_mode(ICANON);
    if (number && has_mode(ISIG)) {
        flush_input();
        echo(c);
        if (tty.foreground)
            signal_send_group(tty.foreground, number, NULL);
        return;
    }
    if (c == '\r' && tty.termios.c_iflag & ICRNL)
        c = '\n';
    if (is_canonical && (is_key(VERASE, c) || is_key(VKILL, c))) {
        erase(is_key(VKILL, c));
    } else if (is_canonical && is_key(VEOF, c)) {
        store(END_OF_FILE | c, true);
    } else {
        echo(c);
        store(c, c == '\n');
    }
}

static int64_t take(struct uio *u)
{
    int64_t done = 0;
    bool is_canonical = has_mode(ICANON), is_end = false;
    while (u->left && tty.tail < tty.ready && !is_end) {
        uint16_t c = tty.ring[tty.tail % TTY_RING];
        bool is_mark = is_canonical && c & END_OF_FILE;
        is_end = is_mark || (is_canonical && c == '\n');
        if (!is_mark && uio_to(u, &c, 1))
            return done ? done : -EFAULT;
        done += !is_mark;
        tty.tail++;
    }
    serial_resume();
    return done;
}

/* As the session's controlling terminal, if it has none and nobody else has this one. */
static bool take_control(struct process *p)
{
    if (!p->is_session_leader || p->tty || tty.session)
        return false;
    p->tty = &tty;
    tty.session = p->session;
    tty.foreground = p->pgrp;
    return true;
}

static int tty_open(struct file *f)
{
    struct process *p = current->process;
    if (f->inode->rdev == DEVICE_TTY && !p->tty)
        return -ENXIO;
    if (f->inode->rdev == DEVICE_SERIAL && !(f->flags & O_NOCTTY) && file_can_read(f))
        take_control(p);
    return 0;
}

/* 0: the caller may; -ERESTARTSYS: its group, which is in the background, was sent the signal; -EIO. */
static int job_control(int number)
{
    struct process *p = current->process;
    if (p->tty != &tty || !tty.foreground || p->pgrp == tty.foreground)
        return 0;
    if (current->blocked & SIGNAL_BIT(number) || signal_is_ignored(p, number))
        return number == SIGTTIN ? -EIO : 0;
    if (job_is_orphaned(p->pgrp))
        return -EIO;
    signal_send_group(p->pgrp, number, NULL);
    return -ERESTARTSYS;
}

static int64_t tty_read(struct file *f, struct uio *u, uint64_t *position)
{
    bool may_wait = has_mode(ICANON) || tty.termios.c_cc[VMIN];
    (void)position;
    serial_resume();
    int error = job_control(SIGTTIN);
    if (error || !u->left)
        return error;
    if (!is_readable() && may_wait && (f->flags & O_NONBLOCK || current->nowait))
        return -EAGAIN;
    error = wait_event_until(&tty.readable, is_readable() || !may_wait, NEVER);
    return error ? -ERESTARTSYS : take(u);
}

static int64_t tty_write(struct file *f, struct uio *u, uint64_t *position)
{
    char part[512];
    size_t wanted = u->left, n;
    int error = 0;
    (void)f, (void)position;
    while (!error && u->left && wanted - u->left < WRITE_MAX) {
        n = MIN(u->left, sizeof part);
        error = uio_from(u, part, n);
        put(part, error ? 0 : n);
    }
    return wanted == u->left ? error : (int64_t)(wanted - u->left);
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
    (void)f;
    serial_resume();
    poll_wait(pt, &tty.readable);
    return EPOLLOUT | EPOLLWRNORM | (is_readable() ? EPOLLIN | EPOLLRDNORM : 0);
}

static int64_t set_termios(uint32_t request, uint64_t argument)
{
    struct termios new;
    int error = job_control(SIGTTOU);
    if (error)
        return error;
    if (GET_USER(new, argument))
        return -EFAULT;
    if (request == TCSETSF)
        flush_input();
    if ((tty.termios.c_lflag ^ new.c_lflag) & ICANON)
        tty.ready = tty.head; /* what was typed in the other mode: a line without an end, or bytes without lines */
    tty.termios = new;
    wake_all(&tty.readable);
    return 0;
}

static int64_t set_foreground(uint64_t argument)
{
    int pgrp, error = job_control(SIGTTOU);
    if (error)
        return error == -EIO ? -ENOTTY : error;
    if (current->process->tty != &tty)
        return -ENOTTY;
    if (GET_USER(pgrp, argument))
        return -EFAULT;
    error = pgrp < 0 ? -EINVAL : signal_send_group(pgrp, 0, NULL);
    if (!error)
        tty.foreground = pgrp;
    return error;
}

static int64_t tty_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    struct process *p = current->process;
    (void)f;
    switch (request) {
    case TCGETS: return PUT_USER(argument, tty.termios);
    case TCSETS:
    case TCSETSW:
    case TCSETSF: return set_termios(request, argument);
    case TIOCGWINSZ: return PUT_USER(argument, tty.size);
    case TIOCSWINSZ: return GET_USER(tty.size, argument);
    case TIOCSCTTY: return p->tty == &tty || take_control(p) ? 0 : -EPERM;
    case TIOCGPGRP: return p->tty == &tty ? PUT_USER(argument, tty.foreground) : -ENOTTY;
    case TIOCSPGRP: return set_foreground(argument);
    case TCFLSH: flush_input(); return 0;
    case TCSBRK: return 0; /* tcdrain: all output has left */
    default: return -ENOTTY;
    }
}

const struct file_ops tty_file_ops = {
    .read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, .open = tty_open};

void tty_hang_up_session(int session)
{
    struct process *p;
    if (!session || tty.session != session)
        return;
    for (LIST_EACH(p, &process_list, all))
        if (p->session == session)
            p->tty = NULL;
    if (tty.foreground) {
        signal_send_group(tty.foreground, SIGHUP, NULL);
        signal_send_group(tty.foreground, SIGCONT, NULL);
    }
    tty.session = tty.foreground = 0;
    flush_input();
}
