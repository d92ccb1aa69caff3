/* SPDX-License-Identifier: Apache-2.0 */
/* Address spaces: areas with what backs them, page tables filled on demand, copy on write. */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include "lib/list.h"
#include "mm/page.h"
#include <linux/mman.h>

struct inode;
struct frame;

enum {
    AREA_READ = PROT_READ,
    AREA_WRITE = PROT_WRITE,
    AREA_EXEC = PROT_EXEC,
    AREA_PROTECTION = AREA_READ | AREA_WRITE | AREA_EXEC,
    AREA_SHARED = 8,
    AREA_NEVER_WRITE = 16 /* shared, of a file that was not opened for writing: mprotect refuses */
};
#define STACK_BYTES (8ull << 20)     /* of the first thread, up to USER_END: an area from the start */
#define MMAP_START 0x600000000000ull /* new mappings lie from here on */
#define MMAP_TOP (USER_END - 2 * STACK_BYTES)

struct area {         /* pages [start, end) that are alike */
    struct list link; /* mm->areas, by address; no two overlap */
    uint64_t start, end;
    uint32_t flags;      /* AREA_ */
    struct inode *inode; /* one reference; NULL: anonymous. Shared anonymous memory has an inode of its own */
    uint64_t offset;     /* of start in the file, bytes */
};

struct mm {
    uint32_t refs, area_count;
    uint64_t pml4; /* physical */
    struct list areas;
    struct area *recent; /* found last, where the next search starts; NULL: at the beginning */
    struct list all;     /* every mm: for mm_truncated() */
    uint64_t brk_start, brk_end;
    uint64_t resident; /* pages mapped, and those of the tables */
    uint64_t active;   /* bit per CPU that has it loaded: whom a shootdown concerns */
    struct uitt *uitt; /* uintr/uintr.h: of generation 2, a reference; NULL: none */
};

struct mm *mm_create(void);        /* empty, kernel half mapped; NULL: no memory */
struct mm *mm_fork(struct mm *mm); /* copy on write of everything; NULL: no memory */
static inline void mm_get(struct mm *mm) { mm->refs++; }
void mm_put(struct mm *mm);      /* the last reference frees all */
void mm_activate(struct mm *mm); /* loads CR3 on this core; NULL: the kernel's own tables (idle) */

/* A file has become shorter: pages of it from `size` on are SIGBUS in every address space. To be called by truncate. */
void mm_truncated(struct inode *inode, uint64_t size);

/* --- mm/area.c --- */
/* mmap: address 0 or a hint, or exact with MAP_FIXED. Answers the address or -ENOMEM, -EINVAL, -EPERM. Takes a
 * reference to inode. Shared without an inode: gets one of its own. */
int64_t mm_map(struct mm *mm, uint64_t address, uint64_t bytes, uint32_t area_flags, uint32_t map_flags,
               struct inode *inode, uint64_t offset);
int mm_unmap(struct mm *mm, uint64_t address, uint64_t bytes);
struct area *mm_find(struct mm *mm, uint64_t address);             /* the area that holds it; NULL */
struct area *area_insert(struct mm *mm, const struct area *model); /* a copy, whose place is free; NULL */
uint64_t area_offset(const struct area *a, uint64_t address);      /* in the file; 0: none */

/* --- mm/fault.c --- */
/* A page fault of user code or of a user copy. 0: mapped, go on. Otherwise the signal: SIGSEGV or SIGBUS, *code its
 * si_code (SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR); SIGKILL: there is no memory, see oom_relieve(). error: the CPU's. */
int mm_fault(struct mm *mm, uint64_t address, uint64_t error, int *code);
/* Makes the page present (and private and writable if is_write); the page's physical address (a multiple of 4096), or
 * 0: no area, no permission, no memory. For futexes, exec and tests. */
uint64_t mm_page_at(struct mm *mm, uint64_t address, bool is_write);
/* When memory has run out: kills the process with the most pages, process 1 apart. True: somebody is going, the caller
 * may try again later. */
bool oom_relieve(void);

/* --- mm/pagetable.c: an entry of level 1 that is not zero holds a reference to its page; it is present unless its area
 * permits nothing (PROT_NONE) --- */
uint64_t *pt_entry(struct mm *mm, uint64_t va, bool create); /* of level 1; NULL: no table, or no memory for one */
uint64_t pt_bits(const struct area *a, uint64_t page);       /* the entry that maps page there */
void pt_unmap(struct mm *mm, uint64_t start, uint64_t end);
void pt_protect(struct mm *mm, const struct area *a); /* after a change of its flags */
/* The pages of a private area, to be copied on write, to start, where nothing is mapped; shared ones can be had from
 * the file again. The caller flushes `from`. 0 or -ENOMEM. */
int pt_copy(struct mm *to, uint64_t start, struct mm *from, const struct area *a);
void pt_free(struct mm *mm); /* the tables, when nothing is mapped any more */
/* Translations: on these cores, mm->active as a rule, and waits for all. start = end: only an interrupt, that is a
 * barrier. */
void tlb_flush(uint64_t cores, uint64_t start, uint64_t end);
void tlb_shootdown_poll(void); /* does what other cores asked of this one; called while waiting for the kernel lock */

/* --- mm/user_copy.c: bad addresses answer -EFAULT, never fault the kernel --- */
int copy_from_user(void *to, uint64_t from, size_t bytes);
int copy_to_user(uint64_t to, const void *from, size_t bytes);
/* Copies a string with its NUL; its length, -EFAULT, or -ENAMETOOLONG where it does not fit into max. */
int64_t copy_string_from_user(char *to, uint64_t from, size_t max);
/* An allocated copy in *to, kfree'd by the caller; 0 or the errors above, -ENOMEM. max 4096 for paths. */
int string_from_user(char **to, uint64_t from, size_t max);
bool is_user_copy(const struct frame *f); /* did a page fault at CPL 0 happen in a user copy? */
extern char user_copy_failed[];           /* where that goes on if nothing can be done */

#define GET_USER(variable, address) copy_from_user(&(variable), (address), sizeof(variable))
#define PUT_USER(address, variable) copy_to_user((address), &(variable), sizeof(variable))

#endif
