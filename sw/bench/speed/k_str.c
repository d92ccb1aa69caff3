/* SPDX-License-Identifier: Apache-2.0 */
/* str: the string instructions (rep movs/stos/scas/cmps) and hand-written byte
 * and word loops over blocks of 1 B to 4 KiB.  An instruction count that takes
 * each repetition of a rep as one instruction is much larger than one that
 * takes the whole rep as one: say which. */
#include "guest.h"
const char kernel_name[] = "str";
const uint64_t kernel_iters = 75;

enum { SIZE = 8192 };
static char src[SIZE + 64], dst[SIZE + 64];

static void movsb(void *d, const void *s, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
}
static void movsq(void *d, const void *s, size_t n)
{
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n)::"memory");
}
static void stosq(void *d, uint64_t v, size_t n)
{
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(v) : "memory");
}
static size_t scasb(const char *s, char c, size_t n)
{
    size_t left = n;
    __asm__ volatile("repne scasb" : "+D"(s), "+c"(left) : "a"(c) : "memory", "cc");
    return n - left;
}
static size_t cmpsb(const char *a, const char *b, size_t n)
{
    size_t left = n;
    __asm__ volatile("repe cmpsb" : "+D"(a), "+S"(b), "+c"(left)::"memory", "cc");
    return n - left;
}
static size_t length(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return p - s;
}
static int compare(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (uint8_t)*a - (uint8_t)*b;
}
static void copy_words(uint64_t *d, const uint64_t *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        d[i] = s[i];
        __asm__ volatile("" ::: "memory"); /* keep it a loop of words */
    }
}

uint64_t kernel(uint64_t n)
{
    uint64_t sum = 0;
    for (int i = 0; i < SIZE; i++)
        src[i] = 'a' + i * 7 % 26;
    for (uint64_t it = 0; it < n; it++) {
        for (size_t len = 1; len <= 4096; len *= 2) {
            size_t off = it + len & 63;
            movsb(dst + off, src, len);
            sum += cmpsb(dst + off, src, len);
            stosq(dst + len, sum, len / 8);
            movsq(dst, src + off, len / 8);
            dst[len] = 0;
            sum = sum * 17 + length(dst) + compare(dst, src + off);
            sum += scasb(dst, 0, len + 1);
            copy_words((uint64_t *)dst, (const uint64_t *)src, len / 4);
            sum += (uint8_t)dst[len];
        }
    }
    return sum;
}
