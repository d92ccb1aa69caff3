/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's ioctls: settings, window size, controlling terminal and foreground group. Errors are Linux's. */
#include "fs/tty.h"

#include "mm/mm.h"
#include "proc/process.h"

/* Termios and its successor begin alike; the speeds of the old one are in c_cflag only. */
static int64_t set_termios(struct tty *t, uint32_t request, uint64_t argument)
{
    struct termios2 new = t->termios;
    bool is_old = request <= TCSETSF;
    int error = tty_job_control(t, SIGTTOU);
    if (error)
        return error;
    if (copy_from_user(&new, argument, is_old ? sizeof(struct termios) : sizeof new))
        return -EFAULT;
    if (request == TCSETSF || request == TCSETSF2)
        tty_flush_input(t);
    tty_set_termios(t, &new);
    return 0;
}

static int64_t set_window(struct tty *t, uint64_t argument)
{
    struct winsize size;
    if (GET_USER(size, argument))
        return -EFAULT;
    bool is_new = size.ws_row != t->size.ws_row || size.ws_col != t->size.ws_col ||
                  size.ws_xpixel != t->size.ws_xpixel || size.ws_ypixel != t->size.ws_ypixel;
    t->size = size;
    if (is_new && t->foreground)
        signal_send_group(t->foreground, SIGWINCH, NULL);
    return 0;
}

/* argument 1 lets root take the terminal from another session. */
static int64_t set_controlling(struct tty *t, uint64_t argument)
{
    struct process *p = current->process;
    if (p->is_session_leader && p->tty == t && t->session == p->session)
        return 0;
    if (!p->is_session_leader || p->tty)
        return -EPERM;
    if (t->session) {
        if (argument != 1 || p->uid)
            return -EPERM;
        struct process *other;
        LIST_FOR_EACH(other, &process_list, all)
        {
            if (other->tty == t)
                other->tty = NULL;
        }
    }
    p->tty = t;
    t->session = p->session;
    t->foreground = p->pgrp;
    return 0;
}

static int64_t give_up_controlling(struct tty *t)
{
    struct process *p = current->process;
    if (p->tty != t)
        return -ENOTTY;
    if (p->is_session_leader)
        tty_give_up(t);
    p->tty = NULL;
    return 0;
}

static int64_t set_foreground(struct tty *t, uint64_t argument)
{
    struct process *self = current->process, *p;
    int pgrp, error = tty_job_control(t, SIGTTOU);
    if (error)
        return error == -EIO ? -ENOTTY : error;
    if (self->tty != t || t->session != self->session)
        return -ENOTTY;
    if (GET_USER(pgrp, argument))
        return -EFAULT;
    if (pgrp < 0)
        return -EINVAL;
    error = -ESRCH;
    LIST_FOR_EACH(p, &process_list, all)
    {
        if (p->pgrp == pgrp && !p->is_dead)
            error = p->session == self->session ? 0 : -EPERM;
    }
    if (!error)
        t->foreground = pgrp;
    return error;
}

static int64_t flush(struct tty *t, uint64_t which)
{
    int error = tty_job_control(t, SIGTTOU);
    if (error)
        return error;
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH) /* output waits nowhere */
        tty_flush_input(t);
    return 0;
}

static int64_t flow(struct tty *t, uint64_t action)
{
    int error = tty_job_control(t, SIGTTOU);
    if (error)
        return error;
    if (action == TCOOFF || action == TCOON)
        tty_set_stopped(t, action == TCOOFF);
    else if (action == TCIOFF || action == TCION)
        console_put((const char *)&t->termios.c_cc[action == TCIOFF ? VSTOP : VSTART], 1);
    else
        return -EINVAL;
    return 0;
}

static int64_t put_int(uint64_t argument, int value) { return PUT_USER(argument, value); }

int64_t tty_ioctl(struct file *f, uint32_t request, uint64_t argument)
{
    struct tty *t = &console_tty;
    struct process *p = current->process;
    if (tty_is_hung_up(f))
        return request == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (request) {
    case TCGETS: return copy_to_user(argument, &t->termios, sizeof(struct termios));
    case TCGETS2: return PUT_USER(argument, t->termios);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2: return set_termios(t, request, argument);
    case TIOCGWINSZ: return PUT_USER(argument, t->size);
    case TIOCSWINSZ: return set_window(t, argument);
    case TIOCSCTTY: return set_controlling(t, argument);
    case TIOCNOTTY: return give_up_controlling(t);
    case TIOCGPGRP: return p->tty == t ? put_int(argument, t->foreground) : -ENOTTY;
    case TIOCSPGRP: return set_foreground(t, argument);
    case TIOCGSID: return p->tty == t && t->session ? put_int(argument, t->session) : -ENOTTY;
    case FIONREAD: return put_int(argument, (int)tty_available(t));
    case TIOCOUTQ:
    case TIOCGETD: return put_int(argument, 0); /* output waits nowhere; the only discipline is N_TTY */
    case TCFLSH: return flush(t, argument);
    case TCXONC: return flow(t, argument);
    case TCSBRK:
    case TCSBRKP: return tty_job_control(t, SIGTTOU); /* all output has left; a break is no use here */
    default: return -ENOTTY;
    }
}
