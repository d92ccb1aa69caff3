/* SPDX-License-Identifier: Apache-2.0 */
/* Latency and routing of interrupt messages between APICs, and the way of cache lines on the same links. Plain C, no
 * time of its own: cycles in, cycles out. Model `fixed`: every message takes latency_cycles. Model `mesh` (mesh.h,
 * chosen by mesh.rows): latency_cycles between neighbours, more for each further hop and while links are taken. */
#ifndef LAPIC_INTERCONNECT_H
#define LAPIC_INTERCONNECT_H

#include "ipi_msg.h"
#include "lapic.h"
#include "mesh.h"

#ifdef __cplusplus
extern "C" {
#endif

struct interconnect;

struct interconnect_config {
    uint32_t latency_cycles; /* least latency of an IPI, cycles of the core's clock; >= 1 */
    struct mesh_config mesh; /* rows 0: model `fixed` */
};

struct interconnect_stats {
#define INTERCONNECT_STAT(name, unit, sentence) uint64_t name;
#include "interconnect_stats.def"
#undef INTERCONNECT_STAT
};

struct interconnect *interconnect_create(const struct interconnect_config *config);
void interconnect_destroy(struct interconnect *ic); /* accepts NULL */

/* Indexes of the APICs that msg reaches, written to targets[0..count-1] (ascending); answers their number. Resolves
 * shorthands and lowest priority. source_index: index of the sender in apics, or count if it is no APIC (I/O APIC). */
size_t interconnect_route(struct interconnect *ic, const struct ipi_msg *msg, struct lapic *const *apics, size_t count,
                          size_t source_index, size_t *targets);
/* Nobody of the targets takes the level that msg carries: its sender keeps it. */
bool interconnect_refuses(const struct ipi_msg *msg, struct lapic *const *apics, const size_t *targets, size_t count);
/* Cycles from `from` to `to` for a message that leaves at cycle `now`; never below interconnect_lookahead. A message
 * to oneself takes 0 cycles: it does not leave the core. */
uint64_t interconnect_latency(struct interconnect *ic, size_t from, size_t to, uint64_t now);
/* Model mesh only: a cache line leaves a tile for another at cycle `now`. Answers the cycles beyond those between
 * neighbours: hops, and waiting for links that messages and other lines have taken. */
uint64_t interconnect_line(struct interconnect *ic, uint32_t from_tile, uint32_t to_tile, uint64_t now);
/* The smallest latency between two different cores: the quantum may not be longer. */
uint64_t interconnect_lookahead(const struct interconnect *ic);
uint64_t interconnect_config_lookahead(const struct interconnect_config *config); /* before one is created */
#pragma GCC diagnostic push /* C++: the function and the struct share a name */
#pragma GCC diagnostic ignored "-Wshadow"
const struct interconnect_stats *interconnect_stats(const struct interconnect *ic);
#pragma GCC diagnostic pop

#ifdef __cplusplus
}
#endif
#endif
