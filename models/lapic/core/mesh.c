/* SPDX-License-Identifier: Apache-2.0 */
/* See mesh.h. */
#include "mesh.h"

#include <stdlib.h>

enum direction { EAST, WEST, SOUTH, NORTH, DIRECTIONS };

struct mesh {
    struct mesh_config config;
    uint64_t free_at[]; /* tile * DIRECTIONS + direction: the cycle from which the link is free */
};

bool mesh_place_by_rows(struct mesh_config *config, uint32_t cores)
{
    if (cores > MESH_CORES_MAX || cores > config->rows * config->columns)
        return false;
    config->cores = cores;
    for (uint32_t i = 0; i < cores; i++)
        config->tile[i] = (uint16_t)i;
    return true;
}

bool mesh_config_is_good(const struct mesh_config *config)
{
    if (config->rows < 1 || config->rows > MESH_SIDE_MAX || config->columns < 1 || config->columns > MESH_SIDE_MAX ||
        config->cores > MESH_CORES_MAX)
        return false;
    for (uint32_t i = 0; i < config->cores; i++) {
        if (config->tile[i] >= config->rows * config->columns)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (config->tile[i] == config->tile[j])
                return false;
    }
    return true;
}

static uint32_t tile_of(const struct mesh_config *config, size_t who)
{
    return who < config->cores ? config->tile[who] : 0;
}

static uint32_t apart(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

static uint32_t tile_distance(const struct mesh_config *config, uint32_t a, uint32_t b)
{
    uint32_t hops = apart(a % config->columns, b % config->columns) + apart(a / config->columns, b / config->columns);
    return hops > 1 ? (hops - 1) * config->hop_cycles : 0;
}

uint32_t mesh_distance(const struct mesh_config *config, size_t from, size_t to)
{
    return tile_distance(config, tile_of(config, from), tile_of(config, to));
}

uint32_t mesh_home_distance(const struct mesh_config *config, size_t core, uint64_t line)
{
    uint64_t hash = line * 0x9e3779b97f4a7c15u >> 32;
    return tile_distance(config, tile_of(config, core), (uint32_t)(hash % (config->rows * config->columns)));
}

uint32_t mesh_least_distance(const struct mesh_config *config)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t from = 0; from <= config->cores; from++)
        for (uint32_t to = 0; to < config->cores; to++) {
            uint32_t d = mesh_distance(config, from, to);
            if (from != to && d < least)
                least = d;
        }
    return least == UINT32_MAX ? 0 : least;
}

struct mesh *mesh_create(const struct mesh_config *config)
{
    if (!mesh_config_is_good(config))
        return NULL;
    size_t links = (size_t)config->rows * config->columns * DIRECTIONS;
    struct mesh *mesh = calloc(1, sizeof *mesh + links * sizeof mesh->free_at[0]);
    if (mesh)
        mesh->config = *config;
    return mesh;
}

void mesh_destroy(struct mesh *mesh) { free(mesh); }

/* The next tile on the way, and the link to it. */
static uint32_t step(const struct mesh_config *config, uint32_t at, uint32_t to, enum direction *link)
{
    uint32_t columns = config->columns;
    if (at % columns != to % columns) {
        *link = at % columns < to % columns ? EAST : WEST;
        return *link == EAST ? at + 1 : at - 1;
    }
    *link = at < to ? SOUTH : NORTH;
    return *link == SOUTH ? at + columns : at - columns;
}

uint64_t mesh_send(struct mesh *mesh, size_t from, size_t to, uint64_t now, uint64_t *waited)
{
    const struct mesh_config *config = &mesh->config;
    uint32_t at = tile_of(config, from), target = tile_of(config, to);
    uint64_t cycle = now;
    *waited = 0;
    while (at != target) {
        enum direction link = EAST;
        uint32_t next = step(config, at, target, &link);
        uint64_t *free_at = &mesh->free_at[at * DIRECTIONS + link];
        if (*free_at > cycle) {
            *waited += *free_at - cycle;
            cycle = *free_at;
        }
        *free_at = cycle + config->link_cycles;
        at = next;
        if (at != target)
            cycle += config->hop_cycles;
    }
    return cycle - now;
}
