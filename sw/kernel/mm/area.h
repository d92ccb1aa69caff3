/* SPDX-License-Identifier: Apache-2.0 */
/* The list of areas of an address space, for the files of mm/. None of this touches page tables. */
#ifndef KERNEL_AREA_H
#define KERNEL_AREA_H

#include "mm/mm.h"

#define AREA_PROTECTION (AREA_READ | AREA_WRITE | AREA_EXEC)
#define STACK_MAX (8ull << 20)   /* an area that grows down stops there */
#define STACK_GUARD (1ull << 20) /* free below an area that grows down */

struct area *area_create(uint64_t start, uint64_t end, uint32_t flags, struct inode *inode, uint64_t offset);
void area_link(struct mm *mm, struct area *a);            /* its place is free */
void area_free(struct mm *mm, struct area *a);            /* of the list */
void area_discard(struct area *a);                        /* not in the list */
struct area *area_after(struct mm *mm, uint64_t address); /* the first that ends above address; NULL */
struct area *area_next(struct mm *mm, struct area *a);
struct area *area_previous(struct mm *mm, struct area *a);
uint64_t area_offset(const struct area *a, uint64_t address); /* in the file */
/* No area crosses start or end any more: 0 or -ENOMEM. */
int area_isolate(struct mm *mm, uint64_t start, uint64_t end);
void area_merge(struct mm *mm, uint64_t start, uint64_t end); /* neighbours in and around the range that are alike */
bool area_has_room(struct mm *mm, uint64_t start, uint64_t bytes); /* with the distance from a stack above */
/* Where a mapping of whole pages shall lie: an address, or mmap's error. Changes nothing. */
int64_t area_place(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t map_flags);

#endif
