/* SPDX-License-Identifier: Apache-2.0 */
/* See mesh.h. */
#include "mesh.h"

#include <stdlib.h>
#include <string.h>

enum direction { EAST, WEST, SOUTH, NORTH, DIRECTIONS };

enum { LINK_TIMES = 64 };

/* When a link is taken: ascending, with pauses between them. Messages without a pause are one. */
struct link {
    uint32_t count;
    struct span {
        uint64_t from, until;
    } taken[LINK_TIMES];
};

struct mesh {
    struct mesh_config config;
    struct link links[]; /* tile * DIRECTIONS + direction */
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

uint32_t mesh_tile_of(const struct mesh_config *config, size_t core)
{
    return core < config->cores ? config->tile[core] : 0;
}

uint32_t mesh_home_of(const struct mesh_config *config, uint64_t line)
{
    uint64_t hash = line * 0x9e3779b97f4a7c15u >> 32;
    return (uint32_t)(hash % (config->rows * config->columns));
}

static uint32_t apart(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

uint32_t mesh_distance(const struct mesh_config *config, uint32_t from, uint32_t to)
{
    uint32_t columns = config->columns;
    uint32_t hops = apart(from % columns, to % columns) + apart(from / columns, to / columns);
    return hops > 1 ? (hops - 1) * config->hop_cycles : 0;
}

uint32_t mesh_least_distance(const struct mesh_config *config)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t from = 0; from <= config->cores; from++)
        for (uint32_t to = 0; to < config->cores; to++) {
            uint32_t d = mesh_distance(config, mesh_tile_of(config, from), mesh_tile_of(config, to));
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
    struct mesh *mesh = calloc(1, sizeof *mesh + links * sizeof mesh->links[0]);
    if (mesh)
        mesh->config = *config;
    return mesh;
}

void mesh_destroy(struct mesh *mesh) { free(mesh); }

/* The next tile on the way, and the link to it. */
static uint32_t step(const struct mesh_config *config, uint32_t at, uint32_t to, enum direction *direction)
{
    uint32_t columns = config->columns;
    if (at % columns != to % columns) {
        *direction = at % columns < to % columns ? EAST : WEST;
        return *direction == EAST ? at + 1 : at - 1;
    }
    *direction = at < to ? SOUTH : NORTH;
    return *direction == SOUTH ? at + columns : at - columns;
}

/* Takes the link from the first cycle on, not before `now`, at which it is free for `cycles`; answers that cycle. */
static uint64_t take(struct link *l, uint64_t now, uint32_t cycles)
{
    struct span *t = l->taken;
    uint32_t i = l->count; /* those from i on end after now */
    while (i > 0 && t[i - 1].until > now)
        i--;
    for (; i < l->count && t[i].from < now + cycles; i++)
        now = t[i].until;
    bool follows = i > 0 && t[i - 1].until == now, leads = i < l->count && t[i].from == now + cycles;
    if (follows && leads) {
        t[i - 1].until = t[i].until;
        memmove(&t[i], &t[i + 1], (--l->count - i) * sizeof *t);
    } else if (follows) {
        t[i - 1].until += cycles;
    } else if (leads) {
        t[i].from = now;
    } else {
        if (l->count == LINK_TIMES) { /* the oldest pause is given up: nobody comes from so long ago */
            t[1].from = t[0].from;
            memmove(&t[0], &t[1], --l->count * sizeof *t);
            if (i <= 1) /* the message lay in that pause, or before all */
                return now;
            i--;
        }
        memmove(&t[i + 1], &t[i], (l->count++ - i) * sizeof *t);
        t[i] = (struct span){now, now + cycles};
    }
    return now;
}

uint64_t mesh_send(struct mesh *mesh, uint32_t from, uint32_t to, uint64_t now, uint64_t *waited)
{
    const struct mesh_config *config = &mesh->config;
    uint64_t cycle = now;
    *waited = 0;
    for (uint32_t at = from; at != to;) {
        enum direction direction = EAST;
        uint32_t next = step(config, at, to, &direction);
        if (config->link_cycles) {
            uint64_t taken = take(&mesh->links[at * DIRECTIONS + direction], cycle, config->link_cycles);
            *waited += taken - cycle;
            cycle = taken;
        }
        at = next;
        if (at != to)
            cycle += config->hop_cycles;
    }
    return cycle - now;
}
