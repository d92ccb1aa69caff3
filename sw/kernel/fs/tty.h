/* SPDX-License-Identifier: Apache-2.0 */
/* The serial console as a terminal. */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H

#include "fs/vfs.h"
#include <asm/termios.h>

/* --- fs/serial.c: COM1 --- */
void console_init(void);                          /* output by polling: early messages */
void console_put(const char *text, size_t bytes); /* as they are */
void console_write(const char *text);             /* for lib/printf.h of sw/lib */
void serial_interrupt(void);                      /* VECTOR_SERIAL */
void serial_resume(void); /* somebody reads the terminal, and it may have room for what the UART holds */

/* --- fs/tty.c --- */
enum { DEVICE_TTY = 5 << 8 | 0, DEVICE_CONSOLE = 5 << 8 | 1, DEVICE_SERIAL = 4 << 8 | 64 };
/* Typed bytes lie in a ring [tail, head) of positions that only grow; what lies before `ready` may be read. */
enum { TTY_RING = 4096 };
struct tty {
    struct termios termios;
    struct winsize size;
    int session, foreground; /* session and process group; 0: none */
    uint64_t head, ready, tail;
    uint16_t ring[TTY_RING];
    struct wait_queue readable;
};
extern const struct file_ops tty_file_ops;
void tty_receive(uint8_t byte);
bool tty_is_full(void);                /* what comes now would be lost */
void tty_hang_up_session(int session); /* its leader died; harmless if it has no terminal */

#endif
