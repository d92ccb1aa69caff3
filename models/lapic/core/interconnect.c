/* SPDX-License-Identifier: Apache-2.0 */
/* Who receives a message, and when: shorthands, destinations, the choice for lowest priority, latency.
 * SDM Vol. 3, "Determining IPI Destination", "Lowest Priority Delivery Mode". */
#include "interconnect.h"

#include <stdlib.h>

struct interconnect {
    struct interconnect_config config;
    size_t last_lowest; /* winner of the last lowest-priority arbitration: ties go round from here */
    struct interconnect_stats stats;
    struct mesh *mesh; /* NULL: model `fixed` */
};

struct interconnect *interconnect_create(const struct interconnect_config *config)
{
    if (config->latency_cycles < 1)
        return NULL;
    struct interconnect *ic = calloc(1, sizeof *ic);
    if (ic == NULL)
        return NULL;
    ic->config = *config;
    if (config->mesh.rows != 0) {
        ic->mesh = mesh_create(&config->mesh);
        if (ic->mesh == NULL) {
            free(ic);
            return NULL;
        }
    }
    ic->last_lowest = SIZE_MAX; /* the first tie goes to the first APIC */
    return ic;
}

void interconnect_destroy(struct interconnect *ic)
{
    if (ic != NULL)
        mesh_destroy(ic->mesh);
    free(ic);
}

/* Keeps one of the candidates: the focus of the vector if there is one; else the lowest arbitration priority; among
 * equals the first after the last winner. */
static size_t arbitrate(struct interconnect *ic, uint8_t vector, struct lapic *const *apics, const size_t *targets,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lapic_is_focus(apics[targets[i]], vector))
            return targets[i];
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        const uint8_t mine = lapic_arbitration_priority(apics[targets[i]]);
        const uint8_t theirs = lapic_arbitration_priority(apics[targets[best]]);
        const bool is_next = targets[i] > ic->last_lowest && targets[best] <= ic->last_lowest;
        if (mine < theirs || (mine == theirs && is_next))
            best = i;
    }
    ic->last_lowest = targets[best];
    return targets[best];
}

/* Shorthands are resolved by position, not by APIC ID: two APICs in xAPIC mode may share one. */
static bool is_target(const struct ipi_msg *msg, const struct lapic *apic, bool is_sender)
{
    if (msg->delivery_mode == IPI_LOWEST_PRIORITY && !lapic_accepts_fixed(apic))
        return false; /* must not win an arbitration and then drop the interrupt */
    switch (msg->shorthand) {
    case IPI_TO_SELF: return is_sender;
    case IPI_TO_OTHERS: return !is_sender && (lapic_mmio_enabled(apic) || lapic_is_x2apic(apic));
    default: return lapic_matches(apic, msg);
    }
}

size_t interconnect_route(struct interconnect *ic, const struct ipi_msg *msg, struct lapic *const *apics, size_t count,
                          size_t source_index, size_t *targets)
{
    size_t found = 0;
    ic->stats.messages++;
    for (size_t i = 0; i < count; i++)
        if (is_target(msg, apics[i], i == source_index))
            targets[found++] = i;

    if (msg->delivery_mode == IPI_LOWEST_PRIORITY && found > 1) {
        targets[0] = arbitrate(ic, msg->vector, apics, targets, found);
        found = 1;
    }
    if (found == 0)
        ic->stats.unclaimed++;
    ic->stats.deliveries += found;
    return found;
}

/* An APIC that is software disabled does not take it; its LINT pins hold a level back in the same way. */
bool interconnect_refuses(const struct ipi_msg *msg, struct lapic *const *apics, const size_t *targets, size_t count)
{
    if (!msg->level || msg->delivery_mode != IPI_FIXED)
        return false;
    for (size_t i = 0; i < count; i++)
        if (lapic_accepts_fixed(apics[targets[i]]))
            return false;
    return true;
}

uint64_t interconnect_latency(struct interconnect *ic, size_t from, size_t to, uint64_t now)
{
    uint64_t waited = 0;
    if (from == to)
        return 0;
    if (ic->mesh == NULL)
        return ic->config.latency_cycles;
    const struct mesh_config *mesh = &ic->config.mesh;
    uint64_t latency =
        ic->config.latency_cycles + mesh_send(ic->mesh, mesh_tile_of(mesh, from), mesh_tile_of(mesh, to), now, &waited);
    ic->stats.waits += waited != 0;
    ic->stats.wait_cycles += waited;
    return latency;
}

uint64_t interconnect_line(struct interconnect *ic, uint32_t from, uint32_t to, uint64_t now)
{
    uint64_t waited = 0, cycles = mesh_send(ic->mesh, from, to, now, &waited);
    ic->stats.lines++;
    ic->stats.line_waits += waited != 0;
    ic->stats.line_wait_cycles += waited;
    return cycles;
}

uint64_t interconnect_config_lookahead(const struct interconnect_config *config)
{
    return config->latency_cycles + (uint64_t)(config->mesh.rows != 0 ? mesh_least_distance(&config->mesh) : 0);
}

uint64_t interconnect_lookahead(const struct interconnect *ic) { return interconnect_config_lookahead(&ic->config); }

const struct interconnect_stats *interconnect_stats(const struct interconnect *ic) { return &ic->stats; }
