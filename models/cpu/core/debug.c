/* SPDX-License-Identifier: Apache-2.0 */
/* Breakpoints of the debug registers. While DR7 enables one, instructions run one at a time and data accesses take the
 * slow path, which asks here; while it enables none, nothing is asked. What an instruction hits is kept in
 * cpu->debug_hits until the instruction is complete: data and I/O breakpoints are traps.
 * Source: SDM Vol. 3, "Debug Registers", "Debug Exceptions".
 *
 * DEVIATION(breakpoint-implicit): accesses that the processor makes by itself (descriptors, stacks of far transfers and
 * of exceptions, state images of XSAVE, UPIDs) hit no data breakpoint. */
#include "debug.h"

enum { RW_EXECUTE, RW_WRITE, RW_IO, RW_READ_WRITE };

static bool is_enabled(const struct cpu *cpu, unsigned n) { return (cpu->dr[7] >> (2 * n) & 3) != 0; }
static unsigned kind_of(const struct cpu *cpu, unsigned n) { return (unsigned)(cpu->dr[7] >> (16 + 4 * n) & 3); }
static unsigned length_of(const struct cpu *cpu, unsigned n)
{
    static const uint8_t lengths[4] = {1, 2, 8, 4};
    return lengths[cpu->dr[7] >> (18 + 4 * n) & 3];
}

void cpu_debug_update(struct cpu *cpu)
{
    cpu->debug_code = cpu->debug_data = cpu->debug_io = false;
    for (unsigned n = 0; n < 4; n++) {
        if (!is_enabled(cpu, n))
            continue;
        switch (kind_of(cpu, n)) {
        case RW_EXECUTE: cpu->debug_code = true; break;
        case RW_IO: cpu->debug_io = cpu->debug_io || (cpu->cr4 & CR4_DE); break;
        default: cpu->debug_data = true; break;
        }
    }
}

/* Do the accessed bytes touch those of breakpoint n? Its address is aligned by the processor. */
static bool overlaps(const struct cpu *cpu, unsigned n, uint64_t address, unsigned size)
{
    uint64_t length = length_of(cpu, n), from = cpu->dr[n] & ~(length - 1);
    return address < from + length && from < address + size;
}

static void note_hits(struct cpu *cpu, uint32_t hits)
{
    if (hits == 0)
        return;
    cpu->debug_hits |= hits;
    cpu->pending |= PEND_DB;
}

void cpu_debug_step_by_new_tf(struct cpu *cpu)
{
    cpu->step_is_decided = true;
    if (cpu->rflags & FLAG_TF)
        note_hits(cpu, DR6_BS);
}

void cpu_debug_check_data(struct cpu *cpu, uint64_t la, unsigned size, bool write)
{
    uint32_t hits = 0;
    for (unsigned n = 0; n < 4; n++) {
        unsigned kind = kind_of(cpu, n);
        if (is_enabled(cpu, n) && (kind == RW_READ_WRITE || (kind == RW_WRITE && write)) && overlaps(cpu, n, la, size))
            hits |= 1u << n;
    }
    note_hits(cpu, hits);
}

void cpu_debug_check_io(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint32_t hits = 0;
    for (unsigned n = 0; n < 4; n++)
        if (is_enabled(cpu, n) && kind_of(cpu, n) == RW_IO && overlaps(cpu, n, port, size))
            hits |= 1u << n;
    note_hits(cpu, hits);
}

bool cpu_debug_breaks_here(struct cpu *cpu)
{
    uint64_t la = cpu_is_code64(cpu) ? cpu->rip : (uint32_t)(cpu->seg[SEG_CS].base + cpu->rip);
    uint32_t hits = 0;
    if ((cpu->rflags & FLAG_RF) || (cpu->shadow & SHADOW_MOV_SS))
        return false;
    for (unsigned n = 0; n < 4; n++)
        if (is_enabled(cpu, n) && kind_of(cpu, n) == RW_EXECUTE && cpu->dr[n] == la)
            hits |= 1u << n;
    if (hits == 0)
        return false;
    cpu->dr[6] |= hits;
    (void)cpu_raise(cpu, EXC_DB, 0);
    return true;
}
