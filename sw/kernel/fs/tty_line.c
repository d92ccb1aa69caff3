/* SPDX-License-Identifier: Apache-2.0 */
/* The line discipline: what typed bytes mean, how they are echoed, how output is dressed. VEOF keeps its value in the
 * ring, so that a shell that edits lines itself sees a ^D that was typed while a command still ran. */
#include "fs/tty.h"
#include "proc/process.h"

static bool is_control(uint8_t c) { return c < 32 || c == 127; }

/* A byte after the first of a UTF-8 character: takes no column. */
static bool is_continuation(const struct tty *t, uint8_t c)
{
    return (t->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* 0 in c_cc means that nothing has this function. */
static bool is_key(const struct tty *t, unsigned index, uint8_t c) { return c && t->termios.c_cc[index] == c; }

void tty_output(const struct tty *t, const char *text, size_t bytes)
{
    size_t done = 0;
    bool adds_returns = (t->termios.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR);
    for (size_t i = 0; adds_returns && i < bytes; i++) {
        if (text[i] != '\n')
            continue;
        console_put(text + done, i - done);
        console_put("\r", 1);
        done = i;
    }
    console_put(text + done, bytes - done);
}

static void echo(const struct tty *t, uint8_t c)
{
    const char shown[2] = {'^', (char)(c ^ 0x40)};
    if (!tty_has_mode(t, ECHO))
        return;
    if (is_control(c) && c != '\n' && tty_has_mode(t, ECHOCTL))
        tty_output(t, shown, 2);
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

static void erase_one(struct tty *t)
{
    uint8_t c;
    do
        c = (uint8_t)t->ring[--t->head % TTY_RING];
    while (t->head > t->ready && is_continuation(t, c));
    size_t columns = !is_control(c) ? 1 : tty_has_mode(t, ECHOCTL) ? 2 : 0;
    if (tty_has_mode(t, ECHO))
        tty_output(t, "\b \b\b \b", 3 * columns);
}

static bool last_is_blank(const struct tty *t) { return t->ring[(t->head - 1) % TTY_RING] == ' '; }

/* Canonical mode; false: an ordinary byte. */
static bool receive_canonical(struct tty *t, uint8_t c)
{
    if (is_key(t, VERASE, c)) {
        if (t->head > t->ready)
            erase_one(t);
    } else if (is_key(t, VKILL, c)) {
        while (t->head > t->ready)
            erase_one(t);
    } else if (is_key(t, VWERASE, c)) {
        while (t->head > t->ready && last_is_blank(t))
            erase_one(t);
        while (t->head > t->ready && !last_is_blank(t))
            erase_one(t);
    } else if (is_key(t, VEOF, c)) {
        store(t, TTY_END_OF_FILE | c, true);
    } else if (c == '\n') {
        echo(t, c);
        store(t, c, true);
    } else {
        return false;
    }
    return true;
}

void tty_receive(struct tty *t, uint8_t c)
{
    int number = is_key(t, VINTR, c) ? SIGINT : is_key(t, VQUIT, c) ? SIGQUIT : is_key(t, VSUSP, c) ? SIGTSTP : 0;
    if (number && tty_has_mode(t, ISIG)) {
        if (!tty_has_mode(t, NOFLSH))
            tty_flush_input(t);
        echo(t, c);
        if (t->foreground)
            signal_send_group(t->foreground, number, NULL);
        return;
    }
    if (c == '\r' && t->termios.c_iflag & ICRNL)
        c = '\n';
    if (tty_has_mode(t, ICANON) && receive_canonical(t, c))
        return;
    echo(t, c);
    store(t, c, false);
}

int64_t tty_take(struct tty *t, struct uio *u)
{
    int64_t done = 0;
    for (bool is_line = tty_has_mode(t, ICANON), is_end = false; u->left && t->tail < t->ready && !is_end;) {
        uint16_t c = t->ring[t->tail % TTY_RING];
        is_end = is_line && (c == '\n' || c & TTY_END_OF_FILE);
        if (!(is_line && c & TTY_END_OF_FILE)) {
            if (uio_to(u, &c, 1))
                return done ? done : -EFAULT;
            done++;
        }
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
