/* SPDX-License-Identifier: Apache-2.0 */
/* Loads, stores and moves of the x87. Source: SDM Vol. 2, FLD, FILD, FBLD, FST, FIST, FISTTP, FBSTP, FXCH, FCMOVcc, and
 * the constants; stack faults: Vol. 1, "Stack Overflow or Underflow Exception (#IS)". */
#include "x87_unit.h"

#include "x87_host.h"

void x87_load(struct cpu *cpu, enum x87_memory_type type, uint64_t low, unsigned high)
{
    union vec memory = {.u64 = {low, high}}, result = {.u64 = {0, 0}};
    if (!x87_has_room(cpu))
        return;
    unsigned status = x87_host_loads[type](cpu->x87.fcw, &result, &memory);
    (void)x87_take_status(cpu, status, 0);
    if (!(status & ~(unsigned)cpu->x87.fcw & X87_IE)) /* an unmasked denormal operand is loaded all the same */
        x87_push(cpu, &result);
}

/* No conversion: any bits may be loaded. */
void x87_load_real80(struct cpu *cpu, uint64_t low, unsigned high)
{
    union vec v = {.u64 = {low, high}};
    if (!x87_has_room(cpu))
        return;
    x87_set_cc(cpu, X87_C1, 0);
    x87_push(cpu, &v);
}

/* Where the source is empty and there is no room, processors tell of the underflow. */
void x87_load_sti(struct cpu *cpu, unsigned i)
{
    union vec v = *x87_st(cpu, i);
    if (VP_UNLIKELY(x87_is_empty(cpu, i))) {
        if (!x87_underflow(cpu))
            return;
        v = x87_indefinite;
    } else {
        if (!x87_has_room(cpu))
            return;
        x87_set_cc(cpu, X87_C1, 0);
    }
    x87_push(cpu, &v);
}

void x87_load_constant(struct cpu *cpu, unsigned which)
{
    union vec v = {.u64 = {0, 0}};
    if (!x87_has_room(cpu))
        return;
    x87_host_constant(cpu->x87.fcw, &v, which);
    x87_set_cc(cpu, X87_C1, 0);
    x87_push(cpu, &v);
}

/* The indefinite values of the memory types. */
static uint64_t indefinite_of(enum x87_memory_type type)
{
    switch (type) {
    case X87_F32: return 0xffc00000u;
    case X87_F64: return 0xfff8000000000000u;
    case X87_I16: return 0x8000u;
    case X87_I32: return 0x80000000u;
    case X87_I64: return 0x8000000000000000u;
    case X87_BCD: break;
    }
    return x87_indefinite.u64[0]; /* packed BCD has the same bits as the real indefinite */
}

static struct x87_stored underflow_of(const struct cpu *cpu, uint64_t indefinite)
{
    return (struct x87_stored){.low = indefinite,
                               .high = x87_indefinite.u16[4],
                               .status = X87_IE | X87_SF,
                               .writes = (cpu->x87.fcw & X87_IE) != 0};
}

struct x87_stored x87_store_value(struct cpu *cpu, enum x87_memory_type type, bool truncate)
{
    union vec memory = {.u64 = {0, 0}};
    if (VP_UNLIKELY(x87_is_empty(cpu, 0)))
        return underflow_of(cpu, indefinite_of(type));
    x87_host_store *store = (truncate ? x87_host_truncating_stores : x87_host_stores)[type];
    unsigned status = store(cpu->x87.fcw, &memory, x87_st(cpu, 0));
    /* Overflow and underflow have no scaled result in memory: unmasked, they stop a store too. */
    bool stopped = (status & ~(unsigned)cpu->x87.fcw & X87_EXCEPTIONS & ~X87_PE) != 0;
    return (struct x87_stored){
        .low = memory.u64[0], .high = memory.u16[4], .status = (uint16_t)status, .writes = !stopped};
}

struct x87_stored x87_store_real80(struct cpu *cpu)
{
    if (VP_UNLIKELY(x87_is_empty(cpu, 0)))
        return underflow_of(cpu, x87_indefinite.u64[0]);
    const union vec *v = x87_st(cpu, 0);
    return (struct x87_stored){.low = v->u64[0], .high = v->u16[4], .status = 0, .writes = true};
}

void x87_store_done(struct cpu *cpu, struct x87_stored stored, bool pop)
{
    x87_set_cc(cpu, X87_C1, stored.status);
    cpu->x87.fsw = (uint16_t)(cpu->x87.fsw | (stored.status & (X87_EXCEPTIONS | X87_SF)));
    x87_summarize(cpu);
    if (stored.writes && pop)
        x87_pop(cpu);
}

void x87_store_sti(struct cpu *cpu, unsigned i, bool pop)
{
    if (VP_UNLIKELY(x87_is_empty(cpu, 0))) {
        if (!x87_underflow(cpu))
            return;
        x87_write(cpu, i, &x87_indefinite);
    } else {
        x87_set_cc(cpu, X87_C1, 0);
        x87_write(cpu, i, x87_st(cpu, 0));
    }
    if (pop)
        x87_pop(cpu);
}

/* D9 D8+i, an alias of FSTP that does not check for empty: then it only pops. The manual does not name it. */
void x87_store_sti_unchecked(struct cpu *cpu, unsigned i)
{
    x87_set_cc(cpu, X87_C1, 0);
    if (!x87_is_empty(cpu, 0))
        x87_write(cpu, i, x87_st(cpu, 0));
    x87_pop(cpu);
}

void x87_exchange(struct cpu *cpu, unsigned i)
{
    bool empty0 = x87_is_empty(cpu, 0), emptyi = x87_is_empty(cpu, i);
    union vec a = *x87_st(cpu, 0), b = *x87_st(cpu, i);
    x87_set_cc(cpu, X87_C1, 0);
    if (VP_UNLIKELY(empty0 || emptyi)) {
        if (!x87_underflow(cpu))
            return;
        if (empty0)
            a = x87_indefinite;
        if (emptyi)
            b = x87_indefinite;
    }
    x87_write(cpu, 0, &b);
    x87_write(cpu, i, &a);
}

/* FCMOVcc: an empty source or destination is an underflow, whatever the condition. */
void x87_move_if(struct cpu *cpu, unsigned i, bool condition)
{
    if (VP_UNLIKELY(x87_is_empty(cpu, 0) || x87_is_empty(cpu, i))) {
        if (x87_underflow(cpu))
            x87_write(cpu, 0, &x87_indefinite);
        return;
    }
    if (condition) /* C1 stays */
        x87_write(cpu, 0, x87_st(cpu, i));
}
