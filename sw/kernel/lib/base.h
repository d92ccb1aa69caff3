/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of the kernel may use: sizes, lists, messages, panic. Functions that can fail answer a negative errno
 * (asm/errno.h) as a long or int; success is 0 or positive. */
#ifndef KERNEL_BASE_H
#define KERNEL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/errno.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#define MIN(a, b)                                                                                                      \
    ({                                                                                                                 \
        __typeof__(a) a_ = (a);                                                                                        \
        __typeof__(b) b_ = (b);                                                                                        \
        a_ < b_ ? a_ : b_;                                                                                             \
    })
#define ALIGN_UP(value, to) (((value) + (to)-1) & ~((__typeof__(value))(to)-1))
#define ALIGN_DOWN(value, to) ((value) & ~((__typeof__(value))(to)-1))

/* One line on the console, ours to end with \n; formats of lib/printf.h of sw/lib. */
__attribute__((format(printf, 1, 2))) void klog(const char *format, ...);
/* Prints, stops every core and ends the simulation with status 101. User action never leads here. */
__attribute__((format(printf, 1, 2))) _Noreturn void panic(const char *format, ...);

#define KASSERT(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            panic("%s:%d: %s", __FILE__, __LINE__, #condition);                                                        \
    } while (0)

#endif
