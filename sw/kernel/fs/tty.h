/* SPDX-License-Identifier: Apache-2.0 */
/* The serial console as a terminal: UART, line discipline, job control; the devices and /proc. */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H

#include "fs/vfs.h"
#include <asm/termios.h>
#include <linux/utsname.h>

/* --- fs/serial.c: COM1 --- */
void console_init(void);                          /* output by polling: early messages */
void console_put(const char *text, size_t bytes); /* as they are */
void console_write(const char *text);             /* for lib/printf.h of sw/lib; \n becomes \r\n */
void serial_start(void);                          /* input by interrupt from now on */
void serial_interrupt(void);                      /* VECTOR_SERIAL */
void serial_resume(void);                         /* the terminal has room again for what the UART holds */

/* --- The terminal. Typed bytes lie in a ring [tail, head); what lies before `ready` is complete and may be read in
 * canonical mode. Positions only grow. --- */
enum { TTY_RING = 4096, DEVICE_TTY = 5 << 8 | 0, DEVICE_CONSOLE = 5 << 8 | 1, DEVICE_SERIAL = 4 << 8 | 64 };
enum tty_mark { MARK_NONE, MARK_LINE, MARK_EOF }; /* MARK_EOF: the byte ends a read and is no part of it */

struct tty {
    struct termios2 termios;
    struct winsize size;
    int session, foreground; /* session and process group; 0: none */
    uint64_t hang_ups;       /* a file that was opened before the last one is dead */
    uint64_t head, ready, tail;
    uint8_t ring[TTY_RING], mark[TTY_RING]; /* byte, enum tty_mark */
    bool is_literal;                        /* the next byte is no control character: VLNEXT came */
    bool is_stopped;                        /* output, by VSTOP */
    unsigned column, line_column;           /* of the cursor; where the line being typed began */
    struct wait_queue readable, writable;
};
extern struct tty console_tty;

/* --- fs/tty_line.c: line discipline --- */
void tty_set_default(struct tty *t);
void tty_receive(struct tty *t, uint8_t byte);
bool tty_is_full(const struct tty *t);                             /* what comes now would be lost */
void tty_output(struct tty *t, const uint8_t *text, size_t bytes); /* with OPOST */
size_t tty_available(const struct tty *t);                         /* bytes that are ready */
bool tty_is_readable(const struct tty *t, size_t at_least); /* a line, or its end; not canonical: that many bytes */
/* Moves at most one line (or, not canonical, what there is) to u; bytes or -EFAULT. 0 with *is_end: end of file. */
int64_t tty_take(struct tty *t, struct uio *u, bool *is_end);
void tty_flush_input(struct tty *t);
void tty_set_termios(struct tty *t, const struct termios2 *new);
void tty_set_stopped(struct tty *t, bool is_stopped);
static inline bool tty_has_mode(const struct tty *t, unsigned local_flag) { return t->termios.c_lflag & local_flag; }

/* --- fs/tty.c, tty_ioctl.c --- */
void tty_init(void);
extern const struct file_ops tty_file_ops;
struct tty *tty_console(void);
void tty_hang_up_session(int session);          /* its leader died; harmless if it has no terminal */
void tty_give_up(struct tty *t);                /* the session loses t as its controlling terminal */
int tty_job_control(struct tty *t, int signal); /* 0: the caller may; -ERESTARTSYS: its group was sent signal; -EIO */
bool tty_is_hung_up(const struct file *f);
int64_t tty_ioctl(struct file *f, uint32_t request, uint64_t argument);

/* --- expected of proc/: what uname() answers --- */
extern struct new_utsname system_name;

#endif
