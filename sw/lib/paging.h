/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables: pages from a pool, 4 KiB mappings anywhere, flags of existing ones. All cores share one set of tables,
 * built by boot/entry.S: the first 4 GiB map to themselves in 2 MiB pages. Other cores' translations are not flushed
 * from here.
 */
#ifndef PAGING_H
#define PAGING_H

#include "arch/page.h"
#include <stdint.h>

/* Where tests map pages of their own, far from the identity map. */
#define TEST_VA 0x0000008000000000ul

void *page_alloc(void); /* a zeroed 4 KiB page at its own address; never freed */
/* The entry that maps va at level 1 (4 KiB), 2 (2 MiB) or 3; makes the tables above it (present, writable, user) and
 * splits a large page in the way, keeping its flags. */
uint64_t *page_entry(uint64_t va, int level);
/* Maps the 4 KiB page at va to pa with the given PTE_ flags and drops this core's translation. */
void page_map(uint64_t va, uint64_t pa, uint64_t flags);
void page_unmap(uint64_t va);
/* A fresh page at va; returns its identity-mapped address. */
void *page_map_new(uint64_t va, uint64_t flags);

#endif
