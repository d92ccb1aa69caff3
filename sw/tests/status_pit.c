/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: every core halts with interrupts off, and the PIT's one interrupt 1 ms later wakes nobody.
 * With the argument "periodic" it goes on for ever, which is for the user to end. */
#include "apic.h"
#include "arch/insn.h"
#include "boot.h"
#include "ioapic.h"
#include "printf.h"
#include "report.h"
#include "string.h"

const char test_name[] = "status_pit";

int guest_main(void)
{
    printf("status_pit: halting\n");
    ioapic_set_pin(PIN_PIT, (uint8_t)apic_id(), 0x52);
    const char *line = boot_info.command_line;
    size_t length = strlen(line);
    bool periodic = length > 0 && line[length - 1] == 'c';
    outb(0x43, periodic ? 0x34 : 0x30); /* mode 2: rate generator; mode 0: interrupt on terminal count */
    outb(0x40, 1193 & 0xff);
    outb(0x40, 1193 >> 8);
    for (;;)
        __asm__ volatile("cli; hlt");
}
