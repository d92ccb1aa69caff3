/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: every core halts with interrupts off, and the PIT's one interrupt 1 ms later wakes nobody.
 */
#include "apic.h"
#include "arch/insn.h"
#include "boot.h"
#include "ioapic.h"
#include "printf.h"
#include "report.h"

const char test_name[] = "status_pit";

int guest_main(void)
{
    printf("status_pit: halting\n");
    ioapic_set_pin(PIN_PIT, (uint8_t)apic_id(), 0x52);
    outb(0x43, 0x30); /* mode 0: interrupt on terminal count */
    outb(0x40, 1193 & 0xff);
    outb(0x40, 1193 >> 8);
    for (;;)
        __asm__ volatile("cli; hlt");
}
