/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers on the command line of the programs here. */
#ifndef NUMBER_H
#define NUMBER_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The whole text as a number in [low, high]; anything else ends the program with status 2 and says what is expected. */
static inline uint64_t number(const char *text, uint64_t low, uint64_t high)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || value < low || value > high) {
        fprintf(stderr, "%s: %s: a number from %llu to %llu is expected\n", program_invocation_short_name, text,
                (unsigned long long)low, (unsigned long long)high);
        exit(2);
    }
    return value;
}

#endif
