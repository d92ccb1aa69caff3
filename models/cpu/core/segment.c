/* SPDX-License-Identifier: Apache-2.0 */
/* Segment registers: descriptors and what loading them checks. Transfers of control to other code segments are far.c's
 * and idt.c's; the linear address of an access is address.c's. Source: SDM Vol. 3, "Segment Descriptors", "Segment
 * Registers", "Privilege Levels"; Vol. 2, "MOV", "LLDT", "LTR". */
#include "protect.h"

void cpu_segment_from_descriptor(struct segment *s, uint16_t selector, uint64_t d)
{
    uint32_t limit = (uint32_t)(bits_get(d, 15, 0) | bits_get(d, 51, 48) << 16);
    s->selector = selector;
    s->attr = descriptor_attr(d);
    s->base = descriptor_base(d);
    s->limit = (s->attr & SEG_ATTR_G) ? limit << 12 | 0xfff : limit;
}

/* In real mode only base and selector change: limit and attributes stay as protected mode left them ("unreal mode"),
 * but CS becomes an ordinary code segment. SDM Vol. 3, "Real-Address Mode Operation". */
void cpu_set_segment_real(struct cpu *cpu, int seg, uint16_t selector)
{
    struct segment *s = &cpu->seg[seg];
    s->selector = selector;
    s->base = (uint64_t)selector << 4;
    if (seg == SEG_CS) {
        cpu->chain_gen++; /* chained blocks assume the base */
        s->attr = (uint16_t)((s->attr & (SEG_ATTR_DB | SEG_ATTR_G)) | SEG_ATTR_P | SEG_ATTR_S | 0xb);
    }
    cpu_update_mode(cpu);
}

void cpu_set_segment_v86(struct cpu *cpu, int seg, uint16_t selector)
{
    cpu->seg[seg] = (struct segment){
        .base = (uint64_t)selector << 4,
        .limit = UINT16_MAX,
        .selector = selector,
        .attr = SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DPL_MASK | 3,
    };
    if (seg == SEG_CS)
        cpu->chain_gen++;
    cpu_update_mode(cpu);
}

static uint64_t table_offset(uint16_t selector) { return selector & 0xfff8u; }

static uint64_t table_base(const struct cpu *cpu, uint16_t selector)
{
    return (selector & 4) ? cpu->seg[SEG_LDTR].base : cpu->gdtr.base;
}

enum vp_status cpu_fetch_descriptor(struct cpu *cpu, uint16_t selector, uint64_t descriptor[2], bool wide,
                                    uint8_t vector)
{
    unsigned size = wide ? 16 : 8;
    uint64_t last = table_offset(selector) + size - 1;
    const struct segment *ldt = &cpu->seg[SEG_LDTR];
    bool beyond = (selector & 4) ? !(ldt->attr & SEG_ATTR_P) || last > ldt->limit : last > cpu->gdtr.limit;
    if (beyond)
        return cpu_raise(cpu, vector, selector_error(selector));
    descriptor[1] = 0;
    return cpu_charged_read(cpu, MMU_SUPERVISOR, table_base(cpu, selector) + table_offset(selector), descriptor, size);
}

enum vp_status cpu_read_descriptor(struct cpu *cpu, uint16_t selector, uint64_t descriptor[2], bool wide)
{
    return cpu_fetch_descriptor(cpu, selector, descriptor, wide, EXC_GP);
}

/* Sets bits in byte 5 of a descriptor. */
static bool set_type_bits(void *arg, void *bytes)
{
    uint8_t *type = bytes;
    const uint8_t *set = arg;
    *type |= *set;
    return true;
}

static enum vp_status set_descriptor_bits(struct cpu *cpu, uint16_t selector, uint8_t set)
{
    uint64_t la = table_base(cpu, selector) + table_offset(selector) + 5;
    return cpu_charged_modify(cpu, MMU_SUPERVISOR, la, 1, set_type_bits, &set);
}

enum vp_status cpu_mark_accessed(struct cpu *cpu, uint16_t selector, uint64_t descriptor)
{
    if (descriptor_attr(descriptor) & SEG_TYPE_ACCESSED)
        return VP_OK;
    return set_descriptor_bits(cpu, selector, SEG_TYPE_ACCESSED);
}

void cpu_set_cs(struct cpu *cpu, uint16_t selector, uint64_t descriptor, unsigned cpl)
{
    struct segment *cs = &cpu->seg[SEG_CS];
    uint64_t old_base = cs->base;
    cpu_segment_from_descriptor(cs, selector_with_rpl(selector, cpl), descriptor);
    if ((cs->attr & SEG_ATTR_L) && cpu_is_long(cpu))
        cs->base = 0;
    cs->attr |= SEG_TYPE_ACCESSED;
    if (cs->base != old_base)
        cpu->chain_gen++; /* a chain remembers RIPs, which now mean other linear addresses */
    cpu_set_cpl(cpu, (uint8_t)cpl);
}

void cpu_set_flat_cs(struct cpu *cpu, uint16_t selector, unsigned cpl, bool is_64)
{
    uint16_t attr = (uint16_t)(SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_G | 0xb | cpl << SEG_ATTR_DPL_SHIFT);
    if (cpu->seg[SEG_CS].base != 0)
        cpu->chain_gen++;
    attr |= is_64 ? SEG_ATTR_L : SEG_ATTR_DB;
    cpu->seg[SEG_CS] =
        (struct segment){.limit = UINT32_MAX, .selector = selector_with_rpl(selector, cpl), .attr = attr};
    cpu_set_cpl(cpu, (uint8_t)cpl);
}

void cpu_set_flat_ss(struct cpu *cpu, uint16_t selector, unsigned cpl)
{
    cpu->seg[SEG_SS] = (struct segment){
        .limit = UINT32_MAX,
        .selector = selector_with_rpl(selector, cpl),
        .attr = (uint16_t)(SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_G | SEG_ATTR_DB | 0x3 | cpl << SEG_ATTR_DPL_SHIFT),
    };
    cpu_update_mode(cpu);
}

void cpu_set_null_segment(struct cpu *cpu, int seg, uint16_t selector)
{
    cpu->seg[seg] = (struct segment){.selector = selector};
    if (seg == SEG_SS)
        cpu_update_mode(cpu);
}

void cpu_drop_inner_segments(struct cpu *cpu)
{
    static const int data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < sizeof data / sizeof data[0]; i++) {
        const struct segment *s = &cpu->seg[data[i]];
        bool is_guarded = attr_is_data(s->attr) || (attr_is_code(s->attr) && !attr_is_conforming(s->attr));
        if (is_guarded && attr_dpl(s->attr) < cpu->cpl)
            cpu_set_null_segment(cpu, data[i], 0);
    }
}

/* SDM Vol. 2, "MOV", protected-mode exceptions for SS. */
static enum vp_status check_ss(struct cpu *cpu, uint16_t selector, uint16_t attr)
{
    if (selector_rpl(selector) != cpu->cpl || !attr_is_writable(attr) || attr_dpl(attr) != cpu->cpl)
        return cpu_raise(cpu, EXC_GP, selector_error(selector));
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_SS, selector_error(selector));
    return VP_OK;
}

static enum vp_status check_data(struct cpu *cpu, uint16_t selector, uint16_t attr)
{
    bool readable = attr_is_data(attr) || (attr_is_code(attr) && (attr & SEG_TYPE_READABLE));
    unsigned dpl = attr_dpl(attr);
    if (!readable || (!attr_is_conforming(attr) && (selector_rpl(selector) > dpl || cpu->cpl > dpl)))
        return cpu_raise(cpu, EXC_GP, selector_error(selector));
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(selector));
    return VP_OK;
}

static enum vp_status load_null(struct cpu *cpu, int seg, uint16_t selector)
{
    /* A null SS exists only in 64-bit mode below CPL 3. */
    if (seg == SEG_SS && (!cpu_is_code64(cpu) || cpu->cpl == 3 || selector_rpl(selector) != cpu->cpl))
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_set_null_segment(cpu, seg, selector);
    return VP_OK;
}

enum vp_status cpu_load_segment(struct cpu *cpu, int seg, uint16_t selector)
{
    uint64_t d[2];
    if (!cpu_is_protected(cpu)) {
        cpu_set_segment_real(cpu, seg, selector);
        return VP_OK;
    }
    if (selector_is_null(selector))
        return load_null(cpu, seg, selector);
    if (cpu_read_descriptor(cpu, selector, d, false) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    if ((seg == SEG_SS ? check_ss(cpu, selector, attr) : check_data(cpu, selector, attr)) != VP_OK ||
        cpu_mark_accessed(cpu, selector, d[0]) != VP_OK)
        return VP_FAULT;
    cpu_segment_from_descriptor(&cpu->seg[seg], selector, d[0]);
    if (seg == SEG_SS)
        cpu_update_mode(cpu);
    return VP_OK;
}

/* A system descriptor of the GDT: 16 bytes in long mode, whose upper half has type 0 and completes the base. */
static enum vp_status read_system(struct cpu *cpu, uint16_t selector, uint64_t d[2])
{
    bool wide = cpu_is_long(cpu);
    if (selector & 4)
        return cpu_raise(cpu, EXC_GP, selector_error(selector));
    return cpu_read_descriptor(cpu, selector, d, wide);
}

static enum vp_status check_wide(struct cpu *cpu, uint16_t selector, const uint64_t d[2])
{
    if (cpu_is_long(cpu) && (bits_get(d[1], 44, 40) != 0 || !bits_is_canonical(wide_base(d), CPU_LINEAR_WIDTH)))
        return cpu_raise(cpu, EXC_GP, selector_error(selector));
    return VP_OK;
}

static void set_system(struct cpu *cpu, int seg, uint16_t selector, const uint64_t d[2])
{
    cpu_segment_from_descriptor(&cpu->seg[seg], selector, d[0]);
    if (cpu_is_long(cpu))
        cpu->seg[seg].base = wide_base(d);
}

enum vp_status cpu_load_ldtr(struct cpu *cpu, uint16_t selector)
{
    uint64_t d[2];
    if (selector_is_null(selector)) {
        cpu_set_null_segment(cpu, SEG_LDTR, selector);
        return VP_OK;
    }
    if (read_system(cpu, selector, d) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    if ((attr & SEG_ATTR_S) || attr_type(attr) != SYSTEM_LDT)
        return cpu_raise(cpu, EXC_GP, selector_error(selector));
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(selector));
    if (check_wide(cpu, selector, d) != VP_OK)
        return VP_FAULT;
    set_system(cpu, SEG_LDTR, selector, d);
    return VP_OK;
}

enum vp_status cpu_load_tr(struct cpu *cpu, uint16_t selector)
{
    uint64_t d[2];
    if (selector_is_null(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (read_system(cpu, selector, d) != VP_OK)
        return VP_FAULT;
    uint16_t attr = descriptor_attr(d[0]);
    bool is_tss = !(attr & SEG_ATTR_S) &&
                  (attr_type(attr) == SYSTEM_TSS || (attr_type(attr) == SYSTEM_TSS16 && !cpu_is_long(cpu)));
    if (!is_tss)
        return cpu_raise(cpu, EXC_GP, selector_error(selector));
    if (!(attr & SEG_ATTR_P))
        return cpu_raise(cpu, EXC_NP, selector_error(selector));
    if (check_wide(cpu, selector, d) != VP_OK || set_descriptor_bits(cpu, selector, 2) != VP_OK)
        return VP_FAULT;
    set_system(cpu, SEG_TR, selector, d);
    cpu->seg[SEG_TR].attr |= 2; /* busy */
    return VP_OK;
}
