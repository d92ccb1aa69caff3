/* SPDX-License-Identifier: Apache-2.0 */
/* Console output and the exit port. */
#include "console.h"

#include "arch/insn.h"
#include "spinlock.h"

enum {
    DEBUG_CONSOLE = 0xe9,
    EXIT_PORT = 0xf4,
    COM1 = 0x3f8,
    COM1_INTERRUPTS = COM1 + 1,
    COM1_LINE_CONTROL = COM1 + 3,
    COM1_LINE_STATUS = COM1 + 5,
    COM1_SCRATCH = COM1 + 7,
    LINE_CONTROL_8N1 = 0x03,
    LINE_CONTROL_DIVISOR = 0x80,
    LINE_STATUS_EMPTY = 0x20,
};

static struct spinlock lock;
static bool has_com1;

/* A 16550 keeps what is written to its scratch register; an absent port reads FFH. */
void console_init(void)
{
    outb(COM1_SCRATCH, 0x5a);
    has_com1 = inb(COM1_SCRATCH) == 0x5a;
    outb(COM1_SCRATCH, 0xa5);
    has_com1 = has_com1 && inb(COM1_SCRATCH) == 0xa5;
    if (!has_com1)
        return;
    outb(COM1_INTERRUPTS, 0);
    outb(COM1_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    outb(COM1, 1); /* 115200 baud */
    outb(COM1_INTERRUPTS, 0);
    outb(COM1_LINE_CONTROL, LINE_CONTROL_8N1);
}

void console_write(const char *text)
{
    spinlock_acquire(&lock);
    for (; *text; text++) {
        if (!has_com1) {
            outb(DEBUG_CONSOLE, (uint8_t)*text);
            continue;
        }
        for (int i = 0; i < 100000 && !(inb(COM1_LINE_STATUS) & LINE_STATUS_EMPTY); i++)
            ;
        outb(COM1, (uint8_t)*text);
    }
    spinlock_release(&lock);
}

void console_break_lock(void) { spinlock_release(&lock); }

_Noreturn void guest_exit(uint32_t status)
{
    outl(EXIT_PORT, status);
    for (;;) /* no exit port here */
        __asm__ volatile("cli; hlt");
}
