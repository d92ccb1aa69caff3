/* SPDX-License-Identifier: Apache-2.0 */
/* The part of segment.c's image that leaves long mode. */
#ifndef SEGMENT_LEGACY_H
#define SEGMENT_LEGACY_H

#include <stdint.h>

extern uint64_t t_gdt[];
uint64_t descriptor(uint64_t base, uint32_t limit, unsigned access, unsigned flags);
void check_legacy(void);

#endif
