/* SPDX-License-Identifier: Apache-2.0 */
/* The line discipline: what typed bytes mean, how they are echoed, how output is dressed. VEOF keeps its value in the
 * ring, so that a shell that edits lines itself sees a ^D that was typed while a command still ran. */
#include "fs/tty.h"
#include "proc/process.h"

static bool is_control(uint8_t c) { return c < 32 || c == 127; }

/* 0 in c_cc means that nothing has this function. */
static bool is_key(const struct tty *t, unsigned index, uint8_t c) { return c && t->termios.c_cc[index] == c; }

void tty_output(const struct tty *t, const char *text, size_t bytes)
{
    bool adds_returns = (t->termios.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n' && adds_returns)
            console_put("\r", 1);
        console_put(text + i, 1);
    }
}

static void echo(const struct tty *t, uint8_t c)
{
    const char shown[] = {'^', (char)(c ^ 0x40)};
    if (!tty_has_mode(t, ECHO))
        return;
    if (is_control(c) && c != '\n' && tty_has_mode(t, ECHOCTL))
        tty_output(t, shown, sizeof shown);
    else
        tty_output(t, (const char *)&c, 1);
}

bool tty_is_full(const struct tty *t)
{
    bool can_still_edit = tty_has_mode(t, ICANON) && t->ready == t->tail;
    return !can_still_edit && t->head - t->tail >= TTY_RING - 1;
}

/* The last place of the ring is for the end of the line. */
static void store(struct tty *t, uint16_t c, bool is_end)
{
    if (t->head - t->tail >= TTY_RING - (is_end ? 0u : 1u))
        return;
    t->ring[t->head++ % TTY_RING] = c;
    if (is_end || !tty_has_mode(t, ICANON)) {
        t->ready = t->head;
        wake_all(&t->readable);
    }
}

static void erase(struct tty *t, bool whole_line)
{
    while (t->head > t->ready) {
        uint8_t c = (uint8_t)t->ring[--t->head % TTY_RING];
        size_t columns = is_control(c) && tty_has_mode(t, ECHOCTL) ? 2 : 1;
        if (tty_has_mode(t, ECHO))
            tty_output(t, "\b \b\b \b", 3 * columns);
        if (!whole_line)
            return;
    }
}

void tty_receive(struct tty *t, uint8_t c)
{
    int number = is_key(t, VINTR, c) ? SIGINT : is_key(t, VQUIT, c) ? SIGQUIT : is_key(t, VSUSP, c) ? SIGTSTP : 0;
    bool is_canonical = tty_has_mode(t, ICANON);
    if (number && tty_has_mode(t, ISIG)) {
        tty_flush_input(t);
        echo(t, c);
        if (t->foreground)
            signal_send_group(t->foreground, number, NULL);
        return;
    }
    if (c == '\r' && t->termios.c_iflag & ICRNL)
        c = '\n';
    if (is_canonical && (is_key(t, VERASE, c) || is_key(t, VKILL, c))) {
        erase(t, is_key(t, VKILL, c));
    } else if (is_canonical && is_key(t, VEOF, c)) {
        store(t, TTY_END_OF_FILE | c, true);
    } else {
        echo(t, c);
        store(t, c, c == '\n');
    }
}

int64_t tty_take(struct tty *t, struct uio *u)
{
    int64_t done = 0;
    bool is_canonical = tty_has_mode(t, ICANON), is_end = false;
    while (u->left && t->tail < t->ready && !is_end) {
        uint16_t c = t->ring[t->tail % TTY_RING];
        bool is_mark = is_canonical && c & TTY_END_OF_FILE;
        is_end = is_mark || (is_canonical && c == '\n');
        if (!is_mark && uio_to(u, &c, 1))
            return done ? done : -EFAULT;
        done += !is_mark;
        t->tail++;
    }
    serial_resume();
    return done;
}

void tty_flush_input(struct tty *t)
{
    t->tail = t->ready = t->head;
    serial_resume();
}
