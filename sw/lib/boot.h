/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader said, and on what the image runs. Each image defines guest_main(). */
#ifndef BOOT_H
#define BOOT_H

#include "arch/multiboot.h"
#include <stdbool.h>
#include <stdint.h>

struct boot_info {
    uint32_t magic;
    const struct multiboot_info *multiboot; /* where the loader put it */
    char command_line[256];                 /* without one: empty */
};
extern struct boot_info boot_info;

/* The image's own part: runs on the first core at CPL 0 with IF = 0; its result is the exit status. */
int guest_main(void);

bool is_qemu(void); /* QEMU's TCG, by the hypervisor leaf of CPUID */

#endif
