/* SPDX-License-Identifier: Apache-2.0 */
/* The four functions that gcc may call even in freestanding code, and strcmp-like helpers. */
#include "string.h"

#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
    return start;
}

void *memset(void *to, int value, size_t n)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if (d <= s)
        return memcpy(to, from, n);
    while (n--)
        d[n] = s[n];
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--)
        a++, b++;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *text, int c)
{
    for (;; text++) {
        if (*text == (char)c)
            return (char *)text;
        if (!*text)
            return NULL;
    }
}

char *strrchr(const char *text, int c)
{
    char *last = NULL;
    for (; (text = strchr(text, c)) != NULL; text++) {
        last = (char *)text;
        if (!c)
            break;
    }
    return last;
}

bool string_contains(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++)
        if (memcmp(text, part, n < strlen(text) ? n : strlen(text) + 1) == 0)
            return true;
    return n == 0;
}
