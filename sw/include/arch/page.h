/* SPDX-License-Identifier: Apache-2.0 */
/* Paging-structure entries of 4-level paging: SDM Vol. 3A, "4-Level Paging and 5-Level Paging". */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#define PAGE_BYTES 4096ull
#define LARGE_PAGE_BYTES 0x200000ull

#define PTE_P 0x001ull
#define PTE_W 0x002ull
#define PTE_U 0x004ull
#define PTE_PWT 0x008ull
#define PTE_PCD 0x010ull
#define PTE_A 0x020ull
#define PTE_D 0x040ull
#define PTE_PS 0x080ull
#define PTE_G 0x100ull
#define PTE_NX 0x8000000000000000ull
#define PTE_ADDRESS_MASK 0x000ffffffffff000ull

#endif
