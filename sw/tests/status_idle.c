/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: halts every core with interrupts off. Nothing can wake them. */
#include "arch/insn.h"
#include "boot.h"
#include "printf.h"
#include "report.h"

const char test_name[] = "status_idle";

int guest_main(void)
{
    printf("status_idle: halting\n");
    for (;;)
        __asm__ volatile("cli; hlt");
}
