/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that look random and are the same in every run of the same machine: a simulation must be repeatable. */
#include "arch/syscall.h"
#include "mm/mm.h"
#include "proc/process.h"
#include "string.h"
#include <linux/random.h>

uint64_t kernel_random(void)
{
    static uint64_t state = 0x75696e7472;
    uint64_t x = state += 0x9e3779b97f4a7c15; /* splitmix64 */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

void kernel_random_fill(void *to, size_t bytes)
{
    uint8_t *p = to;
    for (size_t n; bytes; p += n, bytes -= n) {
        uint64_t x = kernel_random();
        n = MIN(bytes, sizeof x);
        memcpy(p, &x, n);
    }
}

SYSCALL3(getrandom, uint64_t, to, size_t, bytes, uint32_t, flags)
{
    uint8_t part[256];
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    bytes = MIN(bytes, (size_t)INT32_MAX);
    for (size_t done = 0, n; done < bytes; done += n) {
        n = MIN(bytes - done, sizeof part);
        kernel_random_fill(part, n);
        if (copy_to_user(to + done, part, n))
            return done ? (long)done : -EFAULT;
        if (done >= PAGE_BYTES && task_has_signal(current))
            return (long)(done + n);
    }
    return (long)bytes;
}
