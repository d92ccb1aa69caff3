/* SPDX-License-Identifier: Apache-2.0 */
/* The line discipline: what typed bytes mean, how they are echoed, how output is dressed. Rules are POSIX's (General
 * Terminal Interface); where that leaves a choice, Linux's. One difference: VEOF keeps its value in the ring, so that a
 * shell that edits lines itself sees a ^D that was typed while a command still ran. */
#include "fs/tty.h"

#include "mm/page.h"
#include "proc/process.h"
#include "string.h"

void tty_set_default(struct tty *t)
{
    static const struct termios2 sane = {
        .c_iflag = ICRNL | IXON,
        .c_oflag = OPOST, /* no ONLCR: output that goes to a file or a pipe keeps its lines */
        .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_cc = {[VINTR] = 'C' & 31,
                 [VQUIT] = '\\' & 31,
                 [VERASE] = 127,
                 [VKILL] = 'U' & 31,
                 [VEOF] = 'D' & 31,
                 [VMIN] = 1,
                 [VSTART] = 'Q' & 31,
                 [VSTOP] = 'S' & 31,
                 [VSUSP] = 'Z' & 31,
                 [VREPRINT] = 'R' & 31,
                 [VDISCARD] = 'O' & 31,
                 [VWERASE] = 'W' & 31,
                 [VLNEXT] = 'V' & 31},
        .c_ispeed = 115200,
        .c_ospeed = 115200,
    };
    t->termios = sane;
}

static bool is_control(uint8_t c) { return c < 32 || c == 127; }

/* A byte after the first of a UTF-8 character: takes no column. */
static bool is_continuation(const struct tty *t, uint8_t c)
{
    return (t->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* 0 in c_cc means that nothing has this function. */
static bool is_key(const struct tty *t, unsigned index, uint8_t c) { return c && t->termios.c_cc[index] == c; }

static void put(char c) { console_put(&c, 1); }

static void put_processed(struct tty *t, uint8_t c)
{
    unsigned flags = t->termios.c_oflag;
    if (c == '\r' && (flags & ONOCR) && !t->column)
        return;
    if (c == '\r' && (flags & OCRNL))
        c = '\n';
    else if (c == '\n' && (flags & ONLCR))
        put('\r');
    if (c == '\t') {
        unsigned next = (t->column | 7) + 1;
        for (unsigned i = t->column; (flags & TABDLY) == XTABS && i < next; i++)
            put(' ');
        t->column = next;
        if ((flags & TABDLY) == XTABS)
            return;
    } else if (c == '\r' || (c == '\n' && (flags & (ONLCR | ONLRET)))) {
        t->column = 0;
    } else if (c == '\b') {
        t->column -= t->column > 0;
    } else if (!is_control(c) && !is_continuation(t, c)) {
        t->column++;
    }
    put((char)c);
}

void tty_output(struct tty *t, const uint8_t *text, size_t bytes)
{
    if (!(t->termios.c_oflag & OPOST)) {
        console_put((const char *)text, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        put_processed(t, text[i]);
}

static void show(struct tty *t, const char *text) { tty_output(t, (const uint8_t *)text, strlen(text)); }

static void echo(struct tty *t, uint8_t c)
{
    if (!tty_has_mode(t, ECHO))
        return;
    if (t->head == t->ready)
        t->line_column = t->column;
    if (is_control(c) && c != '\t' && tty_has_mode(t, ECHOCTL)) {
        const uint8_t shown[2] = {'^', c ^ 0x40};
        tty_output(t, shown, 2);
    } else {
        tty_output(t, &c, 1);
    }
}

/* Column of the cursor after the line being typed up to `end`. */
static unsigned column_at(const struct tty *t, uint64_t end)
{
    unsigned column = t->line_column;
    for (uint64_t i = t->ready; i < end; i++) {
        uint8_t c = t->ring[i % TTY_RING];
        if (c == '\t')
            column = (column | 7) + 1;
        else if (is_control(c))
            column += tty_has_mode(t, ECHOCTL) ? 2 : 0;
        else
            column += is_continuation(t, c) ? 0 : 1;
    }
    return column;
}

bool tty_is_full(const struct tty *t)
{
    bool can_still_edit = tty_has_mode(t, ICANON) && t->ready == t->tail;
    return !can_still_edit && t->head - t->tail >= TTY_RING - 1;
}

/* The last place of the ring is for the end of the line. */
static void store(struct tty *t, uint8_t c, enum tty_mark mark)
{
    if (t->head - t->tail >= TTY_RING - (mark == MARK_NONE)) {
        if (t->termios.c_iflag & IMAXBEL)
            put('\a');
        return;
    }
    t->ring[t->head % TTY_RING] = c;
    t->mark[t->head % TTY_RING] = (uint8_t)mark;
    t->head++;
    if (mark != MARK_NONE || !tty_has_mode(t, ICANON)) {
        t->ready = t->head;
        wake_all(&t->readable);
    }
}

static bool is_of_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80;
}

static void erase(struct tty *t, uint8_t key)
{
    uint64_t end = t->head;
    bool is_kill = is_key(t, VKILL, key), is_word = is_key(t, VWERASE, key), has_word = false;
    while (end > t->ready) {
        uint8_t c = t->ring[(end - 1) % TTY_RING];
        if (is_word && has_word && !is_of_word(c))
            break;
        has_word = has_word || is_of_word(c);
        end--;
        if (!is_kill && !is_word && !is_continuation(t, c))
            break;
    }
    if (end == t->head)
        return;
    unsigned columns = column_at(t, t->head) - column_at(t, end);
    t->head = end;
    if (!tty_has_mode(t, ECHO))
        return;
    if (tty_has_mode(t, ECHOE) && (!is_kill || (tty_has_mode(t, ECHOK) && tty_has_mode(t, ECHOKE)))) {
        while (columns--)
            show(t, "\b \b");
    } else {
        echo(t, key);
        if (is_kill && tty_has_mode(t, ECHOK))
            show(t, "\n");
    }
}

static void reprint(struct tty *t, uint8_t key)
{
    echo(t, key);
    show(t, "\n");
    t->line_column = 0;
    for (uint64_t i = t->ready; i < t->head; i++) {
        uint64_t head = t->head;
        t->head = i; /* echo() asks where the line is */
        echo(t, t->ring[i % TTY_RING]);
        t->head = head;
    }
}

/* Canonical mode; false: an ordinary byte. */
static bool receive_canonical(struct tty *t, uint8_t c)
{
    bool is_extended = tty_has_mode(t, IEXTEN);
    if (is_key(t, VERASE, c) || is_key(t, VKILL, c) || (is_key(t, VWERASE, c) && is_extended)) {
        erase(t, c);
    } else if (is_key(t, VLNEXT, c) && is_extended) {
        t->is_literal = true;
        if (tty_has_mode(t, ECHO) && tty_has_mode(t, ECHOCTL))
            show(t, "^\b");
    } else if (is_key(t, VREPRINT, c) && is_extended && tty_has_mode(t, ECHO)) {
        reprint(t, c);
    } else if (c == '\n') {
        if (tty_has_mode(t, ECHO) || tty_has_mode(t, ECHONL))
            show(t, "\n");
        store(t, c, MARK_LINE);
    } else if (is_key(t, VEOF, c)) {
        store(t, c, MARK_EOF);
    } else if (is_key(t, VEOL, c) || (is_key(t, VEOL2, c) && is_extended)) {
        echo(t, c);
        store(t, c, MARK_LINE);
    } else {
        return false;
    }
    return true;
}

/* ^C and its kind; false: c is none of them. */
static bool receive_signal(struct tty *t, uint8_t c)
{
    int number = is_key(t, VINTR, c) ? SIGINT : is_key(t, VQUIT, c) ? SIGQUIT : is_key(t, VSUSP, c) ? SIGTSTP : 0;
    if (!number)
        return false;
    if (!tty_has_mode(t, NOFLSH))
        tty_flush_input(t);
    if (t->termios.c_iflag & IXON)
        tty_set_stopped(t, false);
    echo(t, c);
    if (t->foreground)
        signal_send_group(t->foreground, number, NULL);
    return true;
}

void tty_receive(struct tty *t, uint8_t c)
{
    unsigned flags = t->termios.c_iflag;
    if (flags & ISTRIP)
        c &= 0x7f;
    if (t->is_literal) {
        t->is_literal = false;
        echo(t, c);
        store(t, c, MARK_NONE);
        return;
    }
    if ((flags & IXON) && (is_key(t, VSTART, c) || is_key(t, VSTOP, c))) {
        tty_set_stopped(t, !is_key(t, VSTART, c));
        return;
    }
    if (t->is_stopped && (flags & IXON) && (flags & IXANY))
        tty_set_stopped(t, false);
    if (tty_has_mode(t, ISIG) && receive_signal(t, c))
        return;
    if (c == '\r' && (flags & IGNCR))
        return;
    if (c == '\r' && (flags & ICRNL))
        c = '\n';
    else if (c == '\n' && (flags & INLCR))
        c = '\r';
    if (tty_has_mode(t, ICANON) && receive_canonical(t, c))
        return;
    if (c == '\n')
        show(t, tty_has_mode(t, ECHO) ? "\n" : "");
    else
        echo(t, c);
    store(t, c, MARK_NONE);
}

size_t tty_available(const struct tty *t)
{
    size_t n = 0;
    for (uint64_t i = t->tail; i < t->ready; i++)
        n += t->mark[i % TTY_RING] != MARK_EOF;
    return n;
}

bool tty_is_readable(const struct tty *t, size_t at_least)
{
    return t->ready - t->tail >= (tty_has_mode(t, ICANON) ? 1 : at_least);
}

int64_t tty_take(struct tty *t, struct uio *u, bool *is_end)
{
    size_t n = 0, limit = MIN(u->left, t->ready - t->tail);
    bool is_line = false;
    while (n < limit && !is_line && t->mark[(t->tail + n) % TTY_RING] != MARK_EOF)
        is_line = t->mark[(t->tail + n++) % TTY_RING] == MARK_LINE;
    size_t from = t->tail % TTY_RING, first = MIN(n, TTY_RING - from);
    if (uio_to(u, t->ring + from, first) || uio_to(u, t->ring, n - first))
        return -EFAULT;
    t->tail += n;
    bool is_marked = !is_line && t->tail < t->ready && t->mark[t->tail % TTY_RING] == MARK_EOF;
    t->tail += is_marked;
    *is_end = is_marked && !n;
    serial_resume();
    return (int64_t)n;
}

void tty_flush_input(struct tty *t)
{
    t->tail = t->ready = t->head;
    t->is_literal = false;
    serial_resume();
}

/* What was typed in the other mode stays: as one line without an end, or as bytes without lines. */
void tty_set_termios(struct tty *t, const struct termios2 *new)
{
    bool was_canonical = tty_has_mode(t, ICANON);
    t->termios = *new;
    bool is_canonical = tty_has_mode(t, ICANON);
    if (was_canonical != is_canonical) {
        for (uint64_t i = t->tail; i < t->head; i++)
            t->mark[i % TTY_RING] = is_canonical && i + 1 == t->head ? MARK_LINE : MARK_NONE;
        t->ready = t->head;
        t->is_literal = false;
    }
    if (!(new->c_iflag &IXON))
        tty_set_stopped(t, false);
    wake_all(&t->readable);
}

void tty_set_stopped(struct tty *t, bool is_stopped)
{
    bool was_stopped = t->is_stopped;
    t->is_stopped = is_stopped;
    if (was_stopped && !is_stopped)
        wake_all(&t->writable);
}
