/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables of user memory, for the files of mm/. An entry of level 1 that is not zero holds a reference to its page;
 * it is present unless its area permits nothing (PROT_NONE). */
#ifndef KERNEL_PAGETABLE_H
#define KERNEL_PAGETABLE_H

#include "mm/area.h"

#define TABLES_END (1ull << 47) /* of the user half */

uint64_t *pt_entry(struct mm *mm, uint64_t va, bool create); /* of level 1; NULL: no table, or no memory for one */
/* The next entry of level 1 that is not zero in [*va, end); *va becomes its address. NULL: none. */
uint64_t *pt_next(struct mm *mm, uint64_t *va, uint64_t end);
uint64_t pt_bits(const struct area *a, uint64_t page); /* the entry that maps page there */
/* Takes all pages out of [start, end), and the tables that lie wholly within [floor, ceiling): no area is left there.
 */
void pt_unmap(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling);
void pt_protect(struct mm *mm, const struct area *a);              /* after a change of its flags */
int pt_copy(struct mm *to, struct mm *from, const struct area *a); /* copy on write; the caller flushes `from` */
int pt_move(struct mm *mm, uint64_t from, uint64_t to,
            uint64_t bytes); /* to an empty place; 0, or -ENOMEM: unchanged */

#endif
