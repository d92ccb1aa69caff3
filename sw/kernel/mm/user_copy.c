/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between kernel and user memory. */
#include "arch/frame.h"
#include "mm/mm.h"
#include "string.h"

enum { STRING_MAX = 4096 };

extern char user_copy_start[], user_copy_end[];

/* The only code of the kernel that touches user addresses, with AC = 1 (SMAP). A page fault in it that cannot be
 * resolved continues at user_copy_failed. Four bytes are read and written at once: a futex. */
static __attribute__((noinline)) int user_copy(void *to, const void *from, size_t bytes)
{
    int result = -EFAULT;
    size_t words = bytes / 8;
    __asm__ volatile(".globl user_copy_failed\n"
                     "user_copy_start: stac\n\t"
                     "rep movsq\n\t"
                     "testb $4, %b[bytes]\n\t"
                     "jz 1f\n\t"
                     "movsl\n"
                     "1: movl %k[bytes], %%ecx\n\t"
                     "andl $3, %%ecx\n\t"
                     "rep movsb\n"
                     "user_copy_end: xorl %[result], %[result]\n"
                     "user_copy_failed: clac"
                     : "+D"(to), "+S"(from), "+c"(words), [result] "+r"(result)
                     : [bytes] "r"(bytes)
                     : "memory");
    return result;
}

static bool is_user_range(uint64_t address, size_t bytes) { return bytes <= USER_END && address <= USER_END - bytes; }

int copy_from_user(void *to, uint64_t from, size_t bytes)
{
    return is_user_range(from, bytes) ? user_copy(to, (const void *)from, bytes) : -EFAULT;
}

int copy_to_user(uint64_t to, const void *from, size_t bytes)
{
    return is_user_range(to, bytes) ? user_copy((void *)to, from, bytes) : -EFAULT;
}

/* In pieces that never cross into a page where the string has ended before. */
int64_t copy_string_from_user(char *to, uint64_t from, size_t max)
{
    enum { PIECE = 64 };
    for (size_t done = 0; done < max;) {
        size_t bytes = MIN(PIECE - (from + done) % PIECE, max - done);
        int result = copy_from_user(to + done, from + done, bytes);
        if (result)
            return result;
        for (; bytes; bytes--, done++)
            if (!to[done])
                return (int64_t)done;
    }
    return -ENAMETOOLONG;
}

int string_from_user(char **to, uint64_t from, size_t max)
{
    static char text[STRING_MAX]; /* nobody else is in the kernel, and copies do not sleep */
    int64_t length = copy_string_from_user(text, from, MIN(max, sizeof text));
    *to = length < 0 ? NULL : kstrdup(text);
    return length < 0 ? (int)length : *to ? 0 : -ENOMEM;
}

bool is_user_copy(const struct frame *f)
{
    return f->rip >= (uint64_t)user_copy_start && f->rip < (uint64_t)user_copy_end;
}
