/* SPDX-License-Identifier: Apache-2.0 */
/* A RAM of fixed size: bounded reads and writes, indivisible read-modify-writes. No time, no bus, no SystemC.
 * Addresses are offsets from the start of the RAM, in bytes. The storage is zero at first and owned by the memory. */
#ifndef MEMORY_H
#define MEMORY_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct memory;

/* Changes `size` bytes in place; answers whether to store them. Runs exactly once, indivisibly. */
typedef bool mem_modify_fn(void *arg, void *bytes);

enum mem_status { MEM_OK, MEM_OUT_OF_RANGE };

struct mem_stats {
#define MEM_STAT(name, unit, sentence) uint64_t name;
#include "mem_stats.def"
#undef MEM_STAT
};

struct memory *mem_create(uint64_t size_bytes); /* multiple of 4096, not 0; NULL if not to be had */
void mem_destroy(struct memory *m);             /* accepts NULL */
uint64_t mem_size(const struct memory *m);
uint8_t *mem_bytes(struct memory *m); /* host pointer to offset 0, valid until destroy: for DMI */

VP_NODISCARD enum mem_status mem_read(struct memory *m, uint64_t offset, void *bytes, uint64_t size);
VP_NODISCARD enum mem_status mem_write(struct memory *m, uint64_t offset, const void *bytes, uint64_t size);
/* Only byte i whose enables[i % enable_count] is not 0 is moved; enable_count > 0. The whole range must be inside. */
VP_NODISCARD enum mem_status mem_read_enabled(struct memory *m, uint64_t offset, void *bytes, uint64_t size,
                                              const uint8_t *enables, uint64_t enable_count);
VP_NODISCARD enum mem_status mem_write_enabled(struct memory *m, uint64_t offset, const void *bytes, uint64_t size,
                                               const uint8_t *enables, uint64_t enable_count);
/* Indivisible read-modify-write of 1..MEM_MODIFY_MAX_BYTES bytes; MEM_OUT_OF_RANGE, and fn is not called, if size or
 * range do not fit. fn must not touch the memory itself. */
#define MEM_MODIFY_MAX_BYTES 16u
VP_NODISCARD enum mem_status mem_modify(struct memory *m, uint64_t offset, uint32_t size, mem_modify_fn *fn, void *arg);

/* Debug only: as read and write, but not counted. Answer how many bytes were inside, from offset on. */
uint64_t mem_debug_read(const struct memory *m, uint64_t offset, void *bytes, uint64_t size);
uint64_t mem_debug_write(struct memory *m, uint64_t offset, const void *bytes, uint64_t size);

const struct mem_stats *mem_stats(const struct memory *m);

#ifdef __cplusplus
}
#endif
#endif
