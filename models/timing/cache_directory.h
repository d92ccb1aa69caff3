/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: for each line that some core's private caches hold, who holds it, and whether one core owns it
 * (exclusive or modified). It is exact and never full: a hash table with room for twice what all private caches can
 * hold together, so no line is thrown out of a cache for want of a directory entry (an ideal snoop filter). */
#ifndef CACHE_DIRECTORY_H
#define CACHE_DIRECTORY_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DIRECTORY_CORES_MAX 64u

struct directory_entry {
    uint64_t tag : 63;  /* line + 1; 0: unused */
    uint64_t owned : 1; /* one bit of sharers is set, and that core may write */
    uint64_t sharers;   /* bit per core; never 0 in a used entry */
};

struct directory {
    struct directory_entry *entries; /* aligned to lines of the host */
    uint64_t mask, used;
};

/* lines: how many different lines may be held at the same time. False: no memory. */
VP_NODISCARD bool directory_create(struct directory *d, uint64_t lines);
void directory_destroy(struct directory *d); /* accepts one that is all zero */

struct directory_entry *directory_find(const struct directory *d, uint64_t line); /* NULL: nobody has it */
/* The line's entry, a new one without sharers if nobody has it; the caller enters them. Until the next change. */
struct directory_entry *directory_add(struct directory *d, uint64_t line);
void directory_remove(struct directory *d, struct directory_entry *entry);
void directory_prefetch(const struct directory *d, uint64_t line); /* tells the host that the entry will be needed */

#ifdef __cplusplus
}
#endif
#endif
