/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the kernel, and its last words. */
#include "arch/insn.h"
#include "fs/tty.h"
#include "printf.h"

enum { EXIT_PORT = 0xf4, EXIT_PANIC = 101 };

void klog(const char *format, ...)
{
    char line[256];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    console_write(line);
    console_write("\n");
}

/* Other cores stop as soon as they want the kernel lock, which nobody will give up. */
void panic(const char *format, ...)
{
    char line[512];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    console_write("\nkernel panic: ");
    console_write(line);
    console_write("\n");
    outl(EXIT_PORT, EXIT_PANIC);
    for (;;) /* no exit port here */
        __asm__ volatile("cli; hlt");
}
