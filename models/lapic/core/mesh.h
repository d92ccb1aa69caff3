/* SPDX-License-Identifier: Apache-2.0 */
/* A mesh of tiles, `rows` by `columns`, numbered row by row: who sits where, how far it is, and who is in the way.
 *
 * A message goes along its row first, then along its column (dimension-order routing). Between neighbours it takes the
 * interconnect's least latency; every further hop takes hop_cycles. Each link carries one message at a time for
 * link_cycles; a message that finds its link taken waits. Links are one per direction. Cache lines travel the same
 * links as messages between APICs.
 *
 * Cores run ahead of each other by at most a quantum, so messages enter slightly out of the order of their cycles.
 * A link therefore remembers when it was taken (its last LINK_TIMES spans of time), not until when: whoever comes with
 * an earlier cycle finds the gap that was there. Only who of two gets a gap depends on the order of entering, which is
 * deterministic. */
#ifndef LAPIC_MESH_H
#define LAPIC_MESH_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MESH_CORES_MAX 64u
#define MESH_SIDE_MAX 64u

struct mesh_config {
    uint32_t rows, columns;        /* rows 0: there is no mesh                                 */
    uint32_t hop_cycles;           /* each hop after the first                                 */
    uint32_t link_cycles;          /* for which a message or line occupies a link; 0: no contention */
    uint32_t cores;                /* at most MESH_CORES_MAX                                   */
    uint16_t tile[MESH_CORES_MAX]; /* of each core; no two on one. Senders that are no core are at tile 0 */
};

struct mesh; /* the links */

/* Core i on tile i. False: more cores than tiles. */
VP_NODISCARD bool mesh_place_by_rows(struct mesh_config *config, uint32_t cores);
bool mesh_config_is_good(const struct mesh_config *config);

/* Where a core is; a number >= cores stands for any other sender. */
uint32_t mesh_tile_of(const struct mesh_config *config, size_t core);
/* The tile that is home to a cache line: lines are spread over all tiles by a hash. */
uint32_t mesh_home_of(const struct mesh_config *config, uint64_t line);
/* Extra cycles from one tile to another beyond the least latency. */
uint32_t mesh_distance(const struct mesh_config *config, uint32_t from, uint32_t to);
/* The smallest distance of two different cores, or another sender and a core. */
uint32_t mesh_least_distance(const struct mesh_config *config);

struct mesh *mesh_create(const struct mesh_config *config); /* NULL: bad configuration or no memory */
void mesh_destroy(struct mesh *mesh);                       /* accepts NULL */
/* Sends a message from tile to tile at `now`; answers distance and waiting. *waited: the cycles of waiting alone. */
uint64_t mesh_send(struct mesh *mesh, uint32_t from, uint32_t to, uint64_t now, uint64_t *waited);

#ifdef __cplusplus
}
#endif
#endif
