/* SPDX-License-Identifier: Apache-2.0 */
/* COM1, a 16550: output by polling, so that it works anywhere and at any time, input by interrupt. National
 * Semiconductor PC16550D data sheet, "Registers". */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/tty.h"
#include "string.h"

enum { COM1 = 0x3f8, INTERRUPTS, FIFO_CONTROL, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS };
enum { PIN = 4, STATUS_DATA = 0x01, STATUS_EMPTY = 0x20 };

static bool is_off = true; /* input interrupts: until the first read, so that what was typed before that is not echoed
                              into the output of start-up, and while the terminal is full */

/* The FIFO is not cleared: somebody may have typed already. */
void console_init(void)
{
    outb(INTERRUPTS, 0);
    outb(LINE_CONTROL, 0x80); /* the divisor's turn */
    outb(COM1, 1);            /* 115200 baud */
    outb(COM1 + 1, 0);
    outb(LINE_CONTROL, 0x03);  /* 8N1 */
    outb(FIFO_CONTROL, 0x01);  /* on, an interrupt from the first byte on */
    outb(MODEM_CONTROL, 0x0b); /* DTR, RTS, and OUT2, which gates the interrupt line in a PC */
}

void console_put(const char *text, size_t bytes)
{
    for (; bytes; text++, bytes--) {
        while (!(inb(LINE_STATUS) & STATUS_EMPTY)) /* set also where there is no UART at all */
            ;
        outb(COM1, (uint8_t)*text);
    }
}

void console_write(const char *text) { console_put(text, strlen(text)); }

/* The pin is edge-triggered: its line must fall, so the FIFO is emptied, or the UART's interrupt is switched off. */
void serial_interrupt(void)
{
    while (!tty_is_full()) {
        if (!(inb(LINE_STATUS) & STATUS_DATA))
            return;
        tty_receive(inb(COM1));
    }
    is_off = true;
    outb(INTERRUPTS, 0);
}

void serial_resume(void)
{
    if (!is_off || tty_is_full())
        return;
    is_off = false;
    ioapic_route(PIN, VECTOR_SERIAL, 0);
    outb(INTERRUPTS, 1);
}
