/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: never ends, for the limits of a run. */
#include "arch/insn.h"
#include "boot.h"
#include "printf.h"
#include "report.h"

const char test_name[] = "status_spin";

int guest_main(void)
{
    printf("status_spin: spinning\n");
    for (;;)
        cpu_pause();
}
