/* SPDX-License-Identifier: Apache-2.0 */
/* Prints numeric_text on the console; tests/guest compares it with what the host and QEMU print. */
#include "arch/insn.h"
#include "boot.h"
#include "numeric_text.h"
#include "printf.h"

#define CR4_OSFXSR (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)

const char test_name[] = "numeric";

static void emit(const char *line) { printf("%s\n", line); }

int guest_main(void)
{
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    __asm__ volatile("fninit");
    numeric_text(emit);
    return 0;
}
