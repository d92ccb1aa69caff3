/* SPDX-License-Identifier: Apache-2.0 */
/* Logical to linear addresses: segment base, limit and type checks. In 64-bit mode only FS and GS have a base and only
 * canonicality is checked. Source: SDM Vol. 3, "Segment Protection: Limit Checking, Type Checking". */
#include "cpu_state.h"
#include "handler.h"

/* Outside 64-bit mode: is offset..offset+size-1 inside the segment? */
static bool inside_limit(const struct segment *s, uint64_t offset, unsigned size)
{
    uint64_t last = offset + size - 1;
    unsigned type = s->attr & SEG_ATTR_TYPE_MASK;
    bool expand_down = (s->attr & SEG_ATTR_S) && (type & 0xc) == 0x4;
    if (expand_down)
        return offset > s->limit && last <= ((s->attr & SEG_ATTR_DB) ? UINT32_MAX : UINT16_MAX);
    return last <= s->limit;
}

uint64_t cpu_segment_address(struct cpu *cpu, int seg, uint64_t offset, unsigned size, bool write)
{
    const struct segment *s = &cpu->seg[seg];
    uint8_t vector = seg == SEG_SS ? EXC_SS : EXC_GP;

    if (cpu->mode & MODE_CODE64) {
        uint64_t la = offset + (seg == SEG_FS || seg == SEG_GS ? s->base : 0);
        if (!bits_is_canonical(la, CPU_LINEAR_WIDTH) || !bits_is_canonical(la + size - 1, CPU_LINEAR_WIDTH))
            (void)cpu_raise(cpu, vector, 0);
        return la;
    }
    offset = (uint32_t)offset;
    if (cpu_is_protected(cpu)) {
        unsigned type = s->attr & SEG_ATTR_TYPE_MASK;
        bool code = (type & 8) != 0;
        bool allowed = (s->attr & SEG_ATTR_P) && (write ? !code && (type & 2) : !code || (type & 2));
        if (!allowed) { /* null selector, read-only, execute-only */
            (void)cpu_raise(cpu, vector, 0);
            return 0;
        }
    }
    if (!inside_limit(s, offset, size)) {
        (void)cpu_raise(cpu, vector, 0);
        return 0;
    }
    return (uint32_t)(s->base + offset);
}

uint64_t cpu_address_slow(struct cpu *cpu, const struct op *op, uint64_t offset, unsigned size, bool write)
{
    if (op->flags & OPF_ADDR32)
        offset = (uint32_t)offset;
    else if (op->flags & OPF_ADDR16)
        offset = (uint16_t)offset;
    return cpu_segment_address(cpu, op->seg, offset, size, write);
}
