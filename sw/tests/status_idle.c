/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: halts every core so that nothing can wake it. With the argument "timer" the APIC timer runs
 * on with interrupts off, with "priority" below the task priority. */
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "boot.h"
#include "printf.h"
#include "report.h"
#include "string.h"

const char test_name[] = "status_idle";

static bool has_argument(const char *name)
{
    const char *line = boot_info.command_line;
    size_t length = strlen(line), n = strlen(name);
    return length > n && strcmp(line + length - n, name) == 0 && line[length - n - 1] == ' ';
}

int guest_main(void)
{
    bool by_priority = has_argument("priority");
    if (by_priority)
        write_cr8(5);
    if (by_priority || has_argument("timer"))
        apic_timer(0x54, APIC_TIMER_PERIODIC, 1);
    printf("status_idle: halting\n");
    for (;;) {
        if (by_priority)
            __asm__ volatile("sti; hlt");
        else
            __asm__ volatile("cli; hlt");
    }
}
