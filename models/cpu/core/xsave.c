/* SPDX-License-Identifier: Apache-2.0 */
/* State images in memory. An image is built or read in a buffer; the parts that an instruction touches are ranges of
 * that buffer, and all of them are translated before the first byte is written, so a fault leaves memory as it was.
 *
 * XINUSE is computed from the registers. The modified optimisation of XSAVEOPT and XSAVES ("may be omitted") is never
 * used, so whatever is not in its initial configuration is always written.
 * Source: SDM Vol. 1, chapter "Managing State Using the XSAVE Feature Set". */
#include "xsave.h"

#include "host_fp.h"

#include <string.h>

#define MXCSR_AT 24u
#define ST_AT 32u
#define XMM_AT 160u
#define HEADER_AT 512u
#define EXTENDED_AT 576u
#define IMAGE_BYTES 1024u /* more than all components take */
#define MXCSR_INIT 0x1f80u
#define X87_FCW_INIT 0x37fu
#define COMPACTED (UINT64_C(1) << 63)

/* --- components --- */
uint64_t xsave_user_mask(const struct cpu *cpu)
{
    return XSTATE_X87 | (cpu_has_feature(cpu, CPU_FEATURE_sse) ? XSTATE_SSE : 0);
}

uint64_t xsave_supervisor_mask(const struct cpu *cpu)
{
    bool has = cpu_has_feature(cpu, CPU_FEATURE_xsaves) && cpu_has_feature(cpu, CPU_FEATURE_uintr);
    return has ? XSTATE_UINTR : 0;
}

struct xsave_component xsave_component(const struct cpu *cpu, unsigned number)
{
    if (number == XSTATE_UINTR_NUMBER && xsave_supervisor_mask(cpu) & XSTATE_UINTR)
        return (struct xsave_component){.size = UINTR_XSAVE_SIZE, .is_supervisor = true};
    return (struct xsave_component){0};
}

uint32_t xsave_standard_size(const struct cpu *cpu, uint64_t mask)
{
    uint32_t size = EXTENDED_AT;
    for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
        struct xsave_component c = xsave_component(cpu, i);
        if ((mask >> i & 1) && !c.is_supervisor && c.offset + c.size > size)
            size = c.offset + c.size;
    }
    return size;
}

/* Offset of component `number` in the compacted format with XCOMP_BV = mask. No component here asks for alignment. */
static uint32_t compacted_offset(const struct cpu *cpu, uint64_t mask, unsigned number)
{
    uint32_t at = EXTENDED_AT;
    for (unsigned i = 2; i < number; i++)
        if (mask >> i & 1)
            at += xsave_component(cpu, i).size;
    return at;
}

uint32_t xsave_compacted_size(const struct cpu *cpu, uint64_t mask)
{
    return compacted_offset(cpu, mask, XSAVE_COMPONENTS);
}

static bool is_x87_in_use(const struct x87 *x)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < 8; i++)
        any |= x->r[i].u64[0] | x->r[i].u64[1];
    return any || x->fcw != X87_FCW_INIT || x->fsw || x->valid || x->fop || x->fcs || x->fds || x->fip || x->fdp;
}

/* XMM8..15 exist in 64-bit mode only. */
static unsigned xmm_count(const struct cpu *cpu) { return cpu_is_code64(cpu) ? 16 : 8; }

static bool is_sse_in_use(const struct cpu *cpu)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < xmm_count(cpu); i++)
        any |= cpu->xmm[i].u64[0] | cpu->xmm[i].u64[1];
    return any != 0;
}

uint64_t xsave_in_use(const struct cpu *cpu)
{
    return (is_x87_in_use(&cpu->x87) ? XSTATE_X87 : 0) | (is_sse_in_use(cpu) ? XSTATE_SSE : 0) |
           (uintr_xsave_in_use(cpu->uintr) ? XSTATE_UINTR : 0);
}

/* --- images: SDM Vol. 1, "Legacy Region of an XSAVE Area"; Vol. 2, "FXSAVE", its layouts --- */
static void put(uint8_t *to, uint64_t value, unsigned bytes) { memcpy(to, &value, bytes); }

static uint64_t get(const uint8_t *from, unsigned bytes)
{
    uint64_t v = 0;
    memcpy(&v, from, bytes);
    return v;
}

static unsigned top_of(uint16_t fsw) { return (fsw >> 11) & 7u; }

static void image_put_x87(const struct cpu *cpu, uint8_t *image, bool is_wide)
{
    const struct x87 *x = &cpu->x87;
    put(image, x->fcw, 2);
    put(image + 2, x->fsw, 2);
    put(image + 4, x->valid, 2); /* byte 5 is reserved */
    put(image + 6, x->fop, 2);
    put(image + 8, is_wide ? x->fip : (uint32_t)x->fip | (uint64_t)x->fcs << 32, 8);
    put(image + 16, is_wide ? x->fdp : (uint32_t)x->fdp | (uint64_t)x->fds << 32, 8);
    for (unsigned i = 0; i < 8; i++) {
        const union vec *r = &x->r[(top_of(x->fsw) + i) & 7];
        put(image + ST_AT + 16 * i, r->u64[0], 8);
        put(image + ST_AT + 16 * i + 8, r->u16[4], 8);
    }
}

static void image_get_x87(struct cpu *cpu, const uint8_t *image, bool is_wide)
{
    struct x87 *x = &cpu->x87;
    *x = (struct x87){0};
    x->fcw = (uint16_t)((get(image, 2) & 0x1f3f) | 0x40); /* reserved bits are fixed */
    x->fsw = (uint16_t)get(image + 2, 2);
    x->fsw = (uint16_t)((x->fsw & 0x7f7f) | ((x->fsw & ~x->fcw & 0x3f) ? 0x8080 : 0)); /* ES, B follow from the rest */
    x->valid = image[4];
    x->fop = (uint16_t)(get(image + 6, 2) & 0x7ff);
    x->fip = get(image + 8, is_wide ? 8 : 4);
    x->fdp = get(image + 16, is_wide ? 8 : 4);
    if (!is_wide && !cpu_has_feature(cpu, CPU_FEATURE_fcs_fds_deprecated)) {
        x->fcs = (uint16_t)get(image + 12, 2);
        x->fds = (uint16_t)get(image + 20, 2);
    }
    for (unsigned i = 0; i < 8; i++) {
        union vec *r = &x->r[(top_of(x->fsw) + i) & 7];
        r->u64[0] = get(image + ST_AT + 16 * i, 8);
        r->u64[1] = get(image + ST_AT + 16 * i + 8, 2);
    }
}

static void init_x87(struct cpu *cpu) { cpu->x87 = (struct x87){.fcw = X87_FCW_INIT}; }

static void image_put_mxcsr(const struct cpu *cpu, uint8_t *image)
{
    put(image + MXCSR_AT, cpu->mxcsr | (uint64_t)MXCSR_DEFINED << 32, 8); /* MXCSR, MXCSR_MASK */
}

static void image_put_xmm(const struct cpu *cpu, uint8_t *image)
{
    memcpy(image + XMM_AT, cpu->xmm, xmm_count(cpu) * sizeof cpu->xmm[0]);
}

static void image_get_xmm(struct cpu *cpu, const uint8_t *image)
{
    memcpy(cpu->xmm, image + XMM_AT, xmm_count(cpu) * sizeof cpu->xmm[0]);
}

static void init_xmm(struct cpu *cpu) { memset(cpu->xmm, 0, xmm_count(cpu) * sizeof cpu->xmm[0]); }

static bool is_mxcsr_bad(const uint8_t *image) { return (get(image + MXCSR_AT, 4) & ~(uint64_t)MXCSR_DEFINED) != 0; }

/* --- which bytes are touched --- */
struct ranges {
    unsigned count;
    struct {
        uint32_t from, size;
    } at[6];
};

static void add_range(struct ranges *r, uint32_t from, uint32_t size)
{
    r->at[r->count].from = from;
    r->at[r->count++].size = size;
}

static void add_x87(struct ranges *r)
{
    add_range(r, 0, MXCSR_AT);
    add_range(r, ST_AT, XMM_AT - ST_AT);
}

static void add_xmm(const struct cpu *cpu, struct ranges *r)
{
    add_range(r, XMM_AT, xmm_count(cpu) * (uint32_t)sizeof cpu->xmm[0]);
}

/* Address of a byte of the area; outside 64-bit mode addresses wrap. */
static uint64_t address_in(const struct cpu *cpu, uint64_t la, uint32_t offset)
{
    return cpu_is_code64(cpu) ? la + offset : (uint32_t)(la + offset);
}

#define PIECE 16u /* what one access of the bus may have */

static enum vp_status probe_ranges(struct cpu *cpu, uint64_t la, const struct ranges *r)
{
    for (unsigned i = 0; i < r->count; i++)
        if (cpu_view_probe_write(cpu, cpu_current_view(cpu), address_in(cpu, la, r->at[i].from), r->at[i].size) !=
            VP_OK)
            return VP_FAULT;
    return VP_OK;
}

static enum vp_status write_ranges(struct cpu *cpu, uint64_t la, const uint8_t *image, const struct ranges *r)
{
    for (unsigned i = 0; i < r->count; i++)
        for (uint32_t at = r->at[i].from, end = at + r->at[i].size; at < end; at += PIECE)
            if (cpu_view_write(cpu, cpu_current_view(cpu), address_in(cpu, la, at), image + at,
                               end - at < PIECE ? end - at : PIECE) != VP_OK)
                return VP_FAULT;
    return VP_OK;
}

static enum vp_status read_ranges(struct cpu *cpu, uint64_t la, uint8_t *image, const struct ranges *r)
{
    for (unsigned i = 0; i < r->count; i++)
        for (uint32_t at = r->at[i].from, end = at + r->at[i].size; at < end; at += PIECE)
            if (cpu_view_read(cpu, cpu_current_view(cpu), address_in(cpu, la, at), image + at,
                              end - at < PIECE ? end - at : PIECE) != VP_OK)
                return VP_FAULT;
    return VP_OK;
}

/* --- FXSAVE, FXRSTOR. Without CR4.OSFXSR they leave MXCSR and XMM alone ("might not save these registers"). --- */
static void fx_ranges(const struct cpu *cpu, struct ranges *r)
{
    add_x87(r);
    if (cpu->cr4 & CR4_OSFXSR) {
        add_range(r, MXCSR_AT, 8);
        add_xmm(cpu, r);
    }
}

enum vp_status xsave_fxsave(struct cpu *cpu, uint64_t la, bool is_wide)
{
    uint8_t image[HEADER_AT];
    struct ranges r = {0};
    (void)cpu_bus(cpu); /* the sticky flags of MXCSR come home */
    if (la & 15)
        return cpu_raise(cpu, EXC_GP, 0);
    image_put_x87(cpu, image, is_wide);
    image_put_mxcsr(cpu, image);
    image_put_xmm(cpu, image);
    fx_ranges(cpu, &r);
    return probe_ranges(cpu, la, &r) == VP_OK ? write_ranges(cpu, la, image, &r) : VP_FAULT;
}

enum vp_status xsave_fxrstor(struct cpu *cpu, uint64_t la, bool is_wide)
{
    uint8_t image[HEADER_AT];
    struct ranges r = {0};
    (void)cpu_bus(cpu);
    if (la & 15)
        return cpu_raise(cpu, EXC_GP, 0);
    fx_ranges(cpu, &r);
    if (read_ranges(cpu, la, image, &r) != VP_OK)
        return VP_FAULT;
    bool with_sse = (cpu->cr4 & CR4_OSFXSR) != 0;
    if (with_sse && is_mxcsr_bad(image))
        return cpu_raise(cpu, EXC_GP, 0);
    image_get_x87(cpu, image, is_wide);
    if (with_sse) {
        cpu->mxcsr = (uint32_t)get(image + MXCSR_AT, 4);
        image_get_xmm(cpu, image);
    }
    return VP_OK;
}

/* --- saving --- */
/* XSAVEC and XSAVES write MXCSR with the XMM registers, and count a changed MXCSR as SSE state in use; XSAVE and
 * XSAVEOPT write it whenever SSE is asked for. */
static uint64_t to_be_saved(const struct cpu *cpu, uint64_t rfbm, enum xsave_kind kind)
{
    uint64_t saved = rfbm;
    if (kind != XSAVE_PLAIN)
        saved &= xsave_in_use(cpu);
    if ((kind == XSAVE_C || kind == XSAVE_S) && cpu->mxcsr != MXCSR_INIT)
        saved |= rfbm & XSTATE_SSE;
    return saved;
}

enum vp_status xsave_save(struct cpu *cpu, uint64_t la, uint64_t rfbm, enum xsave_kind kind, bool is_wide)
{
    uint8_t image[IMAGE_BYTES];
    struct ranges r = {0};
    bool compacts = kind == XSAVE_C || kind == XSAVE_S;
    (void)cpu_bus(cpu);
    if (la & 63)
        return cpu_raise(cpu, EXC_GP, 0);
    uint64_t saved = to_be_saved(cpu, rfbm, kind);
    if (saved & XSTATE_X87) {
        image_put_x87(cpu, image, is_wide);
        add_x87(&r);
    }
    if ((compacts ? saved : rfbm) & XSTATE_SSE) {
        image_put_mxcsr(cpu, image);
        add_range(&r, MXCSR_AT, 8);
    }
    if (saved & XSTATE_SSE) {
        image_put_xmm(cpu, image);
        add_xmm(cpu, &r);
    }
    if (saved & XSTATE_UINTR) {
        uint32_t at = compacted_offset(cpu, rfbm, XSTATE_UINTR_NUMBER);
        uintr_xsave(cpu->uintr, image + at);
        add_range(&r, at, UINTR_XSAVE_SIZE);
    }
    add_range(&r, HEADER_AT, compacts ? 16 : 8);
    if (probe_ranges(cpu, la, &r) != VP_OK)
        return VP_FAULT;
    if (compacts) {
        put(image + HEADER_AT, saved, 8);
        put(image + HEADER_AT + 8, rfbm | COMPACTED, 8);
    } else {
        uint64_t old;
        if (cpu_charged_read(cpu, cpu_current_view(cpu), address_in(cpu, la, HEADER_AT), &old, 8) != VP_OK)
            return VP_FAULT;
        put(image + HEADER_AT, (old & ~rfbm) | (rfbm & xsave_in_use(cpu)), 8);
    }
    if (write_ranges(cpu, la, image, &r) != VP_OK)
        return VP_FAULT;
    if (kind == XSAVE_S && (rfbm & XSTATE_UINTR))
        uintr_xsave_done(cpu->uintr); /* no notification for the state that has left */
    return VP_OK;
}

/* --- restoring --- */
/* SDM Vol. 1, "Standard Form of XRSTOR", "Compacted Form of XRSTOR", "Operation of XRSTORS". */
static bool is_header_bad(const struct cpu *cpu, const uint8_t *header, bool supervisor)
{
    uint64_t xstate_bv = get(header, 8), xcomp_bv = get(header + 8, 8);
    uint64_t allowed = cpu->xcr0 | (supervisor ? cpu->xss : 0), rest = 0;
    if (!(xcomp_bv & COMPACTED))
        return supervisor || (xstate_bv & ~allowed) || xcomp_bv || get(header + 16, 8);
    for (unsigned i = 16; i < 64; i += 8)
        rest |= get(header + i, 8);
    return !cpu_has_feature(cpu, CPU_FEATURE_xsavec) || ((xcomp_bv & ~COMPACTED) & ~allowed) ||
           (xstate_bv & ~xcomp_bv) || rest;
}

enum vp_status xsave_restore(struct cpu *cpu, uint64_t la, uint64_t rfbm, bool supervisor, bool is_wide)
{
    uint8_t image[IMAGE_BYTES];
    struct ranges r = {0};
    (void)cpu_bus(cpu);
    if (la & 63)
        return cpu_raise(cpu, EXC_GP, 0);
    add_range(&r, HEADER_AT, 64);
    if (read_ranges(cpu, la, image, &r) != VP_OK)
        return VP_FAULT;
    if (is_header_bad(cpu, image + HEADER_AT, supervisor))
        return cpu_raise(cpu, EXC_GP, 0);

    uint64_t xcomp_bv = get(image + HEADER_AT + 8, 8), loaded = rfbm & get(image + HEADER_AT, 8);
    bool compacted = (xcomp_bv & COMPACTED) != 0;
    /* The standard form takes MXCSR from memory even if the XMM registers are initialised. */
    bool with_mxcsr = ((compacted ? loaded : rfbm) & XSTATE_SSE) != 0;
    uint32_t uintr_at = compacted_offset(cpu, xcomp_bv, XSTATE_UINTR_NUMBER);
    r.count = 0;
    if (loaded & XSTATE_X87)
        add_x87(&r);
    if (with_mxcsr)
        add_range(&r, MXCSR_AT, 8);
    if (loaded & XSTATE_SSE)
        add_xmm(cpu, &r);
    if (loaded & XSTATE_UINTR)
        add_range(&r, uintr_at, UINTR_XSAVE_SIZE);
    if (read_ranges(cpu, la, image, &r) != VP_OK)
        return VP_FAULT;
    if (with_mxcsr && is_mxcsr_bad(image))
        return cpu_raise(cpu, EXC_GP, 0);

    /* The user-interrupt state checks itself; it is the last that can fail. */
    if ((loaded & XSTATE_UINTR) && uintr_xrstor(cpu->uintr, image + uintr_at) != VP_OK)
        return cpu_raise(cpu, EXC_GP, 0);
    if (rfbm & ~loaded & XSTATE_UINTR)
        uintr_xrstor_init(cpu->uintr);
    if (rfbm & XSTATE_UINTR)
        cpu_uintr_changed(cpu);
    if (loaded & XSTATE_X87)
        image_get_x87(cpu, image, is_wide);
    else if (rfbm & XSTATE_X87)
        init_x87(cpu);
    if (loaded & XSTATE_SSE)
        image_get_xmm(cpu, image);
    else if (rfbm & XSTATE_SSE)
        init_xmm(cpu);
    if (with_mxcsr)
        cpu->mxcsr = (uint32_t)get(image + MXCSR_AT, 4);
    else if (rfbm & XSTATE_SSE)
        cpu->mxcsr = MXCSR_INIT;
    return VP_OK;
}

enum vp_status xsave_set_xcr0(struct cpu *cpu, uint64_t value)
{
    if (!(value & XSTATE_X87) || (value & ~xsave_user_mask(cpu)))
        return cpu_raise(cpu, EXC_GP, 0);
    cpu->xcr0 = value;
    return VP_OK;
}
