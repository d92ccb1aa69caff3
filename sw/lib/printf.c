/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted output without a C library. */
#include "printf.h"

#include "console.h"
#include <stdbool.h>
#include <stdint.h>

struct sink {
    char *buffer;
    size_t size, length; /* length counts also what did not fit */
};

struct spec {
    bool is_left, is_zero;
    int width, precision; /* precision -1: none */
};

static void put(struct sink *sink, char c)
{
    if (sink->length + 1 < sink->size)
        sink->buffer[sink->length] = c;
    sink->length++;
}

static void put_padded(struct sink *sink, const struct spec *spec, const char *text, int length, bool is_number)
{
    int pad = spec->width - length;
    bool zeros = is_number && spec->is_zero && !spec->is_left;
    if (zeros && *text == '-') {
        put(sink, '-');
        text++;
        length--;
    }
    for (; !spec->is_left && pad > 0; pad--)
        put(sink, zeros ? '0' : ' ');
    for (int i = 0; i < length; i++)
        put(sink, text[i]);
    for (; spec->is_left && pad > 0; pad--)
        put(sink, ' ');
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value, unsigned base, bool is_negative,
                       bool is_upper)
{
    char digits[24], *p = digits + sizeof digits;
    do {
        *--p = (is_upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
        value /= base;
    } while (value);
    if (is_negative)
        *--p = '-';
    put_padded(sink, spec, p, (int)(digits + sizeof digits - p), true);
}

static int string_length(const char *text, int limit)
{
    int n = 0;
    while ((limit < 0 || n < limit) && text[n])
        n++;
    return n;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list list)
{
    struct sink sink = {buffer, size, 0};
    for (; *format; format++) {
        if (*format != '%') {
            put(&sink, *format);
            continue;
        }
        struct spec spec = {.precision = -1};
        for (format++; *format == '-' || *format == '0'; format++)
            *(*format == '-' ? &spec.is_left : &spec.is_zero) = true;
        if (*format == '*') {
            spec.width = va_arg(list, int);
            format++;
        }
        for (; *format >= '0' && *format <= '9'; format++)
            spec.width = 10 * spec.width + *format - '0';
        if (*format == '.') {
            spec.precision = 0;
            for (format++; *format >= '0' && *format <= '9'; format++)
                spec.precision = 10 * spec.precision + *format - '0';
        }
        int longs = 0;
        for (; *format == 'l' || *format == 'z' || *format == 'h'; format++)
            longs += *format != 'h';
        switch (*format) {
        case 'd':
        case 'i': {
            int64_t v = longs ? va_arg(list, int64_t) : va_arg(list, int);
            put_number(&sink, &spec, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0, false);
            break;
        }
        case 'u':
        case 'x':
        case 'X':
        case 'o': {
            uint64_t v = longs ? va_arg(list, uint64_t) : va_arg(list, unsigned);
            put_number(&sink, &spec, v, *format == 'u' ? 10 : *format == 'o' ? 8 : 16, false, *format == 'X');
            break;
        }
        case 'p': put_number(&sink, &spec, (uint64_t)va_arg(list, void *), 16, false, false); break;
        case 'c': {
            char c = (char)va_arg(list, int);
            put_padded(&sink, &spec, &c, 1, false);
            break;
        }
        case 's': {
            const char *text = va_arg(list, const char *);
            put_padded(&sink, &spec, text, string_length(text, spec.precision), false);
            break;
        }
        case 0: format--; break;
        default: put(&sink, *format);
        }
    }
    if (size)
        buffer[sink.length < size ? sink.length : size - 1] = 0;
    return (int)sink.length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(buffer, size, format, list);
    va_end(list);
    return n;
}

void vprintf(const char *format, va_list list)
{
    char line[256];
    vsnprintf(line, sizeof line, format, list);
    console_write(line);
}

void printf(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}
