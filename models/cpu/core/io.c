/* SPDX-License-Identifier: Apache-2.0 */
/* May the program use these ports? Source: SDM Vol. 1, "Protected-Mode I/O": I/O privilege level, I/O permission bit
 * map. */
#include "debug.h"
#include "protect.h"

#define TSS_IO_MAP_OFFSET 0x66u

static enum vp_status check_permission(struct cpu *cpu, uint16_t port, unsigned size)
{
    const struct segment *tr = &cpu->seg[SEG_TR];
    /* Virtual-8086 mode always asks the map. */
    if (!cpu_is_v86(cpu) && (!cpu_is_protected(cpu) || cpu->cpl <= cpu_iopl(cpu)))
        return VP_OK;
    /* Only a 32- or 64-bit TSS has a map. */
    if (!(tr->attr & SEG_ATTR_P) || !(attr_type(tr->attr) & 8) || tr->limit < TSS_IO_MAP_OFFSET + 1)
        return cpu_raise(cpu, EXC_GP, 0);
    uint16_t map = 0, bits = 0;
    if (cpu_view_read(cpu, MMU_SUPERVISOR, tr->base + TSS_IO_MAP_OFFSET, &map, 2) != VP_OK)
        return VP_FAULT;
    /* Two bytes are read, so that the bits of a port group may cross a byte: the second must be inside the limit too.
     */
    uint32_t at = (uint32_t)map + port / 8u;
    if (at + 1 > tr->limit)
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu_view_read(cpu, MMU_SUPERVISOR, tr->base + at, &bits, 2) != VP_OK)
        return VP_FAULT;
    if ((bits >> (port & 7)) & ((1u << size) - 1))
        return cpu_raise(cpu, EXC_GP, 0);
    return VP_OK;
}

enum vp_status cpu_check_io(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (check_permission(cpu, port, size) != VP_OK)
        return VP_FAULT;
    if (VP_UNLIKELY(cpu->debug_io))
        cpu_debug_check_io(cpu, port, size);
    return VP_OK;
}
