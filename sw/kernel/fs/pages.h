/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of a file in memory, by index: a tree that is as high as the largest index needs, so that a page at a huge
 * offset costs a few small nodes and a small file none. */
#ifndef KERNEL_PAGES_H
#define KERNEL_PAGES_H

#include "lib/base.h"

struct pages {
    uint64_t root;   /* a node, or at height 0 the only page; 0: nothing */
    unsigned height; /* levels of nodes */
    uint64_t count;  /* pages, without nodes */
};

uint64_t pages_find(const struct pages *p, uint64_t index); /* physical, no reference; 0: a hole */
uint64_t pages_make(struct pages *p, uint64_t index);       /* as pages_find, a hole is filled with zeros; 0: no room */
void pages_trim(struct pages *p, uint64_t first);           /* frees all from index first on */
void pages_usage(uint64_t *limit, uint64_t *free);          /* of all trees together, in pages */

#endif
