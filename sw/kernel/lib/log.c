/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the kernel, and its last words. */
#include "fs/tty.h"
#include "printf.h"
#include "proc/process.h"

enum { EXIT_PANIC = 101 };

void klog(const char *format, ...)
{
    char line[512];
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
    char line[448];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    klog("\nkernel panic: %s", line);
    machine_end(EXIT_PANIC);
}
