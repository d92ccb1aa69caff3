/* SPDX-License-Identifier: Apache-2.0 */
/* Does this APIC answer to the destination of a message? One APIC at a time; the choice among several for lowest
 * priority is in interconnect.c.
 * SDM Vol. 3, "Determining IPI Destination", "Logical Destination Mode in x2APIC Mode". */
#include "lapic_state.h"

/* In x2APIC mode: 31:16 the cluster, ID[19:4]; 15:0 one bit for ID[3:0]. */
uint32_t lapic_ldr(const struct lapic *l)
{
    if (!lapic_is_x2apic(l))
        return l->ldr;
    return (lapic_id(l) >> 4) << 16 | 1u << (lapic_id(l) & 0xf);
}

static bool matches_flat_or_cluster(const struct lapic *l, uint32_t mda)
{
    const uint32_t logical_id = l->ldr >> 24;
    switch (l->dfr >> LAPIC_DFR_MODEL_SHIFT) {
    case LAPIC_DFR_FLAT: return (mda & logical_id) != 0;
    case LAPIC_DFR_CLUSTER: return (mda & 0xf0) == (logical_id & 0xf0) && (mda & logical_id & 0x0f) != 0;
    default: return false; /* undefined model */
    }
}

static bool matches_logical(const struct lapic *l, uint32_t mda)
{
    if (lapic_is_x2apic(l)) {
        const uint32_t ldr = lapic_ldr(l);
        return mda >> 16 == ldr >> 16 && (mda & ldr & 0xffff) != 0;
    }
    return mda <= 0xff && matches_flat_or_cluster(l, mda);
}

bool lapic_matches(const struct lapic *l, const struct ipi_msg *msg)
{
    if (!lapic_is_enabled(l))
        return false;
    switch (msg->shorthand) {
    case IPI_TO_SELF: return lapic_id(l) == msg->source;
    case IPI_TO_ALL: return true;
    case IPI_TO_OTHERS: return lapic_id(l) != msg->source;
    default: break;
    }
    /* Broadcast, physical or logical: all ones in the sender's width. */
    if (msg->destination == (msg->x2apic ? LAPIC_X2APIC_BROADCAST : LAPIC_XAPIC_BROADCAST))
        return true;
    if (msg->logical)
        return matches_logical(l, msg->destination);
    return lapic_id(l) == msg->destination;
}
