/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the kernel, and its last words. */
#include "fs/tty.h"
#include "printf.h"
#include "proc/process.h"

enum { EXIT_PANIC = 101 };

static void say(const char *start, const char *format, va_list list)
{
    char line[512];
    vsnprintf(line, sizeof line, format, list);
    console_write(start);
    console_write(line);
    console_write("\n");
}

void klog(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say("", format, list);
    va_end(list);
}

/* Other cores stop as soon as they want the kernel lock, which nobody will give up. */
void panic(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say("\nkernel panic: ", format, list);
    va_end(list);
    machine_end(EXIT_PANIC);
}
