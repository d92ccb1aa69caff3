/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: a triple fault, at a known RIP, with a known exception first. */
#include "arch/segment.h"
#include "boot.h"
#include "printf.h"
#include "report.h"

const char test_name[] = "status_triple";

int guest_main(void)
{
    struct descriptor_pointer none = {0, 0};
    printf("status_triple: going\n");
    __asm__ volatile("lidt %0\n.globl triple_fault_here\ntriple_fault_here: ud2" ::"m"(none));
    return 0;
}
