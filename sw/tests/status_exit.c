/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: exits with the number that ends the command line, so that tests/guest can check exit
 * statuses. */
#include "boot.h"
#include "printf.h"
#include "report.h"

const char test_name[] = "status_exit";

int guest_main(void)
{
    int status = 0;
    for (const char *p = boot_info.command_line; *p; p++)
        status = *p >= '0' && *p <= '9' ? 10 * status + *p - '0' : 0;
    printf("status_exit: command line \"%s\"\n", boot_info.command_line);
    return status;
}
