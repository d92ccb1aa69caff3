/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of mm/ share: the list of areas and the page tables of an address space. */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H

#include "mm/mm.h"

#define AREA_PROTECTION (AREA_READ | AREA_WRITE | AREA_EXEC)

/* --- area.c: touches no page tables --- */
struct area *area_insert(struct mm *mm,
                         const struct area *model); /* a copy of it, whose place is free; NULL: no memory */
void area_free(struct mm *mm, struct area *a);
struct area *area_after(struct mm *mm, uint64_t address);        /* the first that ends above address; NULL */
uint64_t area_offset(const struct area *a, uint64_t address);    /* in the file */
int area_isolate(struct mm *mm, uint64_t start, uint64_t end);   /* no area crosses start or end any more; -ENOMEM */
void area_merge(struct mm *mm);                                  /* neighbours that are alike */
bool area_has_room(struct mm *mm, uint64_t start, uint64_t end); /* nothing lies there */
/* Where a mapping of whole pages shall lie: an address, or mmap's error. Changes nothing. */
int64_t area_place(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t map_flags);

/* --- pagetable.c: an entry of level 1 that is not zero holds a reference to its page; it is present unless its area
 * permits nothing (PROT_NONE) --- */
uint64_t *pt_entry(struct mm *mm, uint64_t va, bool create); /* of level 1; NULL: no table, or no memory for one */
uint64_t pt_bits(const struct area *a, uint64_t page);       /* the entry that maps page there */
void pt_unmap(struct mm *mm, uint64_t start, uint64_t end);
void pt_protect(struct mm *mm, const struct area *a);              /* after a change of its flags */
int pt_copy(struct mm *to, struct mm *from, const struct area *a); /* copy on write; the caller flushes `from` */
/* To an empty place; 0, or -ENOMEM: unchanged. */
int pt_move(struct mm *mm, uint64_t from, uint64_t to, uint64_t bytes);
void pt_free(struct mm *mm); /* the tables, when nothing is mapped any more */

#endif
