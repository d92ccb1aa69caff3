/* SPDX-License-Identifier: Apache-2.0 */
/* poweroff-with STATUS: ends the machine; the simulator exits with that status. On any other Linux it only says so. */
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char text[32];
    snprintf(text, sizeof text, "exit %u", argc > 1 ? (unsigned)atoi(argv[1]) & 127u : 0u);
    if (argc > 2 || access("/proc/sys/kernel/uintr_vp", F_OK) != 0) {
        fprintf(stderr, "usage: poweroff-with STATUS, on the minimal kernel of uintr-vp\n");
        return 2;
    }
    sync();
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART2, text);
    perror("poweroff-with");
    return 1;
}
