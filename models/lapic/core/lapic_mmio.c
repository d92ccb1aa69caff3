/* SPDX-License-Identifier: Apache-2.0 */
/* Register access: one table of access rights for the xAPIC page and the x2APIC MSRs, and what each register reads and
 * does when written. What the effects mean is elsewhere: lapic_icr.c, lapic_irq.c, lapic_lvt.c, lapic_timer.c.
 * SDM Vol. 3, "Local APIC Register Address Map", "x2APIC Register Address Space", "Reserved Bit Checking". */
#include "lapic_state.h"

enum access {
    NONE = 0,
    R = 1,
    W = 2,
    RW = R | W,
    QUIET = 4, /* xAPIC: a write does nothing and is no error (footnote of the map: APR, RRD) */
};

typedef uint32_t read_fn(const struct lapic *l, unsigned index, uint64_t now);
typedef void write_fn(struct lapic *l, unsigned index, uint64_t value, uint64_t now);

struct reg {
    uint8_t xapic, x2apic; /* enum access                                                              */
    uint64_t writable;     /* bits that a write changes or, in write-only registers, may be set        */
    uint32_t read_only;    /* x2APIC: bits that a write may set without effect; the rest is #GP        */
    read_fn *read;         /* index: the register's number within a group of several                   */
    write_fn *write;
    uint8_t group_first; /* number of the group's first register                                     */
};

/* --- reads: none has a side effect --- */

static uint32_t read_id(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return lapic_is_x2apic(l) ? lapic_id(l) : lapic_id(l) << 24;
}

static uint32_t read_version(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)l, (void)index, (void)now;
    return LAPIC_VERSION_VALUE;
}

static uint32_t read_tpr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->tpr;
}

static uint32_t read_apr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return lapic_arbitration_priority(l);
}

static uint32_t read_ppr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return lapic_ppr(l);
}

static uint32_t read_zero(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)l, (void)index, (void)now;
    return 0;
}

static uint32_t read_ldr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return lapic_ldr(l);
}

static uint32_t read_dfr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->dfr;
}

static uint32_t read_svr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->svr;
}

static uint32_t read_isr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)now;
    return l->isr[index];
}

static uint32_t read_tmr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)now;
    return l->tmr[index];
}

static uint32_t read_irr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)now;
    return l->irr[index];
}

static uint32_t read_esr(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->esr;
}

static uint32_t read_icr_low(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->icr_low; /* delivery status is idle: a message leaves in the cycle of the write */
}

static uint32_t read_icr_high(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->icr_high;
}

static uint32_t read_cmci(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->lvt[LAPIC_LVT_CMCI];
}

static uint32_t read_lvt(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)now;
    return l->lvt[LAPIC_LVT_TIMER + index];
}

static uint32_t read_initial_count(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->initial_count;
}

static uint32_t read_current_count(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index;
    return lapic_timer_current_count(l, now);
}

static uint32_t read_divide(const struct lapic *l, unsigned index, uint64_t now)
{
    (void)index, (void)now;
    return l->divide;
}

/* --- writes: value has no bits outside `writable` --- */

static void write_nothing(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)l, (void)index, (void)value, (void)now;
}

static void write_tpr(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)now;
    l->tpr = (uint32_t)value;
}

static void write_eoi(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)value, (void)now;
    lapic_eoi(l);
}

static void write_ldr(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)now;
    l->ldr = (uint32_t)value;
}

static void write_dfr(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)now;
    l->dfr = (uint32_t)value | LAPIC_DFR_FIXED_ONES;
}

static void write_svr(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)now;
    l->svr = (uint32_t)value;
    if (!lapic_is_software_enabled(l))
        lapic_lvt_mask_all(l);
}

static void write_esr(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)value, (void)now;
    lapic_write_esr(l);
}

static void write_icr(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index;
    l->icr_low = (uint32_t)value;
    if (lapic_is_x2apic(l))
        l->icr_high = (uint32_t)(value >> 32);
    lapic_icr_send(l, now);
}

static void write_icr_high(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index, (void)now;
    l->icr_high = (uint32_t)value;
}

static void write_cmci(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index;
    lapic_lvt_write(l, LAPIC_LVT_CMCI, (uint32_t)value, now);
}

static void write_lvt(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    lapic_lvt_write(l, (enum lapic_lvt)(LAPIC_LVT_TIMER + index), (uint32_t)value, now);
}

static void write_initial_count(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index;
    lapic_timer_write_initial_count(l, (uint32_t)value, now);
}

static void write_divide(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index;
    lapic_timer_write_divide(l, (uint32_t)value, now);
}

static void write_self_ipi(struct lapic *l, unsigned index, uint64_t value, uint64_t now)
{
    (void)index;
    lapic_self_ipi(l, (uint8_t)value, now);
}

/* --- the table --- */

#define N(offset) ((offset) >> LAPIC_REG_SHIFT)
#define ALL32 0xffffffffu
#define X2APIC_ICR_BITS (LAPIC_ICR_BITS | (UINT64_C(0xffffffff) << 32))
#define MEMBER(first, i, read) [N(first) + (i)] = {R, R, 0, 0, read, write_nothing, N(first)}
#define GROUP(first, read)                                                                                             \
    MEMBER(first, 0, read), MEMBER(first, 1, read), MEMBER(first, 2, read), MEMBER(first, 3, read),                    \
        MEMBER(first, 4, read), MEMBER(first, 5, read), MEMBER(first, 6, read), MEMBER(first, 7, read)

/* clang-format off */
static const struct reg regs[LAPIC_REG_COUNT] = {
    /* register               xAPIC      x2APIC  writable             read-only          read                write            */
    /* Writing the ID is model specific ("Local APIC ID"); here it has no effect. */
    [N(LAPIC_ID)]            = {RW,        R,    0,                    0,                 read_id,            write_nothing,   0},
    [N(LAPIC_VERSION)]       = {R,         R,    0,                    0,                 read_version,       write_nothing,   0},
    [N(LAPIC_TPR)]           = {RW,        RW,   0xff,                 0,                 read_tpr,           write_tpr,       0},
    [N(LAPIC_APR)]           = {R | QUIET, NONE, 0,                    0,                 read_apr,           write_nothing,   0},
    [N(LAPIC_PPR)]           = {R,         R,    0,                    0,                 read_ppr,           write_nothing,   0},
    [N(LAPIC_EOI)]           = {W,         W,    0,                    0,                 read_zero,          write_eoi,       0},
    [N(LAPIC_RRD)]           = {R | QUIET, NONE, 0,                    0,                 read_zero,          write_nothing,   0},
    [N(LAPIC_LDR)]           = {RW,        R,    LAPIC_LDR_BITS,       0,                 read_ldr,           write_ldr,       0},
    [N(LAPIC_DFR)]           = {RW,        NONE, ALL32,                0,                 read_dfr,           write_dfr,       0},
    [N(LAPIC_SVR)]           = {RW,        RW,   LAPIC_SVR_MASK,       0,                 read_svr,           write_svr,       0},
    GROUP(LAPIC_ISR, read_isr),
    GROUP(LAPIC_TMR, read_tmr),
    GROUP(LAPIC_IRR, read_irr),
    [N(LAPIC_ESR)]           = {RW,        RW,   0,                    0,                 read_esr,           write_esr,       0},
    [N(LAPIC_CMCI)]          = {RW,        RW,   LAPIC_LVT_EVENT_BITS, LAPIC_LVT_STATUS,  read_cmci,          write_cmci,      0},
    [N(LAPIC_ICR)]           = {RW,        RW,   X2APIC_ICR_BITS,      LAPIC_ICR_STATUS,  read_icr_low,       write_icr,       0},
    [N(LAPIC_ICR_HIGH)]      = {RW,        NONE, LAPIC_ICR_HIGH_BITS,  0,                 read_icr_high,      write_icr_high,  0},
    [N(LAPIC_TIMER)]         = {RW,        RW,   LAPIC_LVT_TIMER_BITS, LAPIC_LVT_STATUS,  read_lvt,           write_lvt,       N(LAPIC_TIMER)},
    [N(LAPIC_THERMAL)]       = {RW,        RW,   LAPIC_LVT_EVENT_BITS, LAPIC_LVT_STATUS,  read_lvt,           write_lvt,       N(LAPIC_TIMER)},
    [N(LAPIC_PERF)]          = {RW,        RW,   LAPIC_LVT_EVENT_BITS, LAPIC_LVT_STATUS,  read_lvt,           write_lvt,       N(LAPIC_TIMER)},
    [N(LAPIC_LINT0)]         = {RW,        RW,   LAPIC_LVT_LINT_BITS,  LAPIC_LVT_STATUS | LAPIC_LVT_REMOTE_IRR,
                                                                                          read_lvt,           write_lvt,       N(LAPIC_TIMER)},
    [N(LAPIC_LINT1)]         = {RW,        RW,   LAPIC_LVT_LINT_BITS,  LAPIC_LVT_STATUS | LAPIC_LVT_REMOTE_IRR,
                                                                                          read_lvt,           write_lvt,       N(LAPIC_TIMER)},
    [N(LAPIC_ERROR)]         = {RW,        RW,   LAPIC_LVT_ERROR_BITS, LAPIC_LVT_STATUS,  read_lvt,           write_lvt,       N(LAPIC_TIMER)},
    [N(LAPIC_INITIAL_COUNT)] = {RW,        RW,   ALL32,                0,                 read_initial_count, write_initial_count, 0},
    [N(LAPIC_CURRENT_COUNT)] = {R,         R,    0,                    0,                 read_current_count, write_nothing,   0},
    [N(LAPIC_DIVIDE)]        = {RW,        RW,   LAPIC_DIVIDE_BITS,    0,                 read_divide,        write_divide,    0},
    [N(LAPIC_SELF_IPI)]      = {NONE,      W,    0xff,                 0,                 read_zero,          write_self_ipi,  0},
};
/* clang-format on */

static unsigned index_of(const struct reg *r, unsigned number)
{
    return r->group_first != 0 ? number - r->group_first : 0;
}

/* The register at an offset of the page, or NULL if the address is reserved in both modes. */
static const struct reg *find(uint32_t offset)
{
    uint32_t number = offset >> LAPIC_REG_SHIFT;
    if (number >= LAPIC_REG_COUNT || regs[number].read == NULL)
        return NULL;
    return &regs[number];
}

/* Bits of r that exist in this APIC. */
static uint64_t writable(const struct lapic *l, const struct reg *r)
{
    if (r == &regs[N(LAPIC_TIMER)] && !l->config.tsc_deadline)
        return r->writable & ~((uint64_t)LAPIC_TIMER_TSC_DEADLINE << LAPIC_LVT_TIMER_SHIFT);
    return r->writable;
}

/* --- xAPIC page --- */

/* "Local APIC Register Address Map": only aligned 32-bit accesses are defined. The rest reads 0 and does nothing. */
static bool is_whole_register(uint32_t offset, uint32_t size)
{
    return size == 4 && (offset & 0xf) == 0 && offset < LAPIC_MMIO_SIZE;
}

uint64_t lapic_mmio_read(struct lapic *l, uint32_t offset, uint32_t size, uint64_t now)
{
    lapic_advance(l, now);
    if (!is_whole_register(offset, size) || !lapic_mmio_enabled(l))
        return 0;
    const struct reg *r = find(offset);
    if (r == NULL || r->xapic == NONE) {
        lapic_record_error(l, LAPIC_ESR_ILLEGAL_REGISTER, now);
        return 0;
    }
    return r->read(l, index_of(r, offset >> LAPIC_REG_SHIFT), now);
}

void lapic_mmio_write(struct lapic *l, uint32_t offset, uint32_t size, uint64_t value, uint64_t now)
{
    lapic_advance(l, now);
    if (!is_whole_register(offset, size) || !lapic_mmio_enabled(l))
        return;
    const struct reg *r = find(offset);
    if (r == NULL || r->xapic == NONE) {
        lapic_record_error(l, LAPIC_ESR_ILLEGAL_REGISTER, now);
        return;
    }
    /* A read-only register exists, so its address is not illegal: the write has no effect. */
    if ((r->xapic & W) != 0)
        r->write(l, index_of(r, offset >> LAPIC_REG_SHIFT), value & writable(l, r) & ALL32, now);
}

uint32_t lapic_debug_read(const struct lapic *l, uint32_t offset, uint64_t now)
{
    const struct reg *r = find(offset);
    return r == NULL ? 0 : r->read(l, index_of(r, offset >> LAPIC_REG_SHIFT), now);
}

/* --- x2APIC MSRs: #GP instead of ESR --- */

enum vp_status lapic_x2apic_read(const struct lapic *l, uint32_t offset, uint64_t now, uint64_t *value)
{
    const struct reg *r = find(offset);
    if (r == NULL || (r->x2apic & R) == 0)
        return VP_FAULT;
    *value = r->read(l, index_of(r, offset >> LAPIC_REG_SHIFT), now);
    if (offset == LAPIC_ICR) /* the only 64-bit register */
        *value |= (uint64_t)l->icr_high << 32;
    return VP_OK;
}

enum vp_status lapic_x2apic_write(struct lapic *l, uint32_t offset, uint64_t value, uint64_t now)
{
    const struct reg *r = find(offset);
    if (r == NULL || (r->x2apic & W) == 0)
        return VP_FAULT;
    if ((value & ~(writable(l, r) | r->read_only)) != 0)
        return VP_FAULT; /* "Reserved Bit Checking" */
    r->write(l, index_of(r, offset >> LAPIC_REG_SHIFT), value & writable(l, r), now);
    return VP_OK;
}
