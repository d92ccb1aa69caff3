/* SPDX-License-Identifier: Apache-2.0 */
/* printf and relatives: %d %i %u %x %X %o %c %s %p %%, with '-', '0', width, precision of strings, and l, ll, z, h. A
 * line of printf is at most 255 characters.
 */
#ifndef PRINTF_H
#define PRINTF_H

#include <stdarg.h>
#include <stddef.h>

int vsnprintf(char *buffer, size_t size, const char *format, va_list list) __attribute__((format(printf, 3, 0)));
int snprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
void vprintf(const char *format, va_list list) __attribute__((format(printf, 1, 0)));
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
