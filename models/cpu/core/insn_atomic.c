/* SPDX-License-Identifier: Apache-2.0 */
/* XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B. The simulation runs one core at a time and hands over only between
 * instructions, so a read-modify-write is indivisible with and without LOCK; devices get it as one callback. Source:
 * SDM Vol. 2, instruction pages; Vol. 3, "Locked Atomic Operations". */
#define CPU_HAS_TWINS 1
#include "handler.h"

#include "flags.h"

#define RAX_OFFSET (8 * RAX)

/* The source is written before a register destination: XADD of a register with itself doubles it. */
#define XADD(bits)                                                                                                     \
    do {                                                                                                               \
        uint##bits##_t b = get_reg_##bits(cpu, op->reg), old, sum;                                                     \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, (bits) / 8, true);                                                                             \
            RM_MODIFY_MEM(bits, la, old, sum, sum = (uint##bits##_t)(old + b));                                        \
            set_reg_##bits(cpu, op->reg, old);                                                                         \
        } else {                                                                                                       \
            old = get_reg_##bits(cpu, op->rm);                                                                         \
            sum = (uint##bits##_t)(old + b);                                                                           \
            set_reg_##bits(cpu, op->reg, old);                                                                         \
            set_reg_##bits(cpu, op->rm, sum);                                                                          \
        }                                                                                                              \
        SET_CC(ADD, bits, sum, b);                                                                                     \
    } while (0)

/* A destination in memory is written in any case, with its old value if the comparison fails; a register is then left
 * alone, its upper half too. */
#define CMPXCHG(bits)                                                                                                  \
    do {                                                                                                               \
        uint##bits##_t a = get_reg_##bits(cpu, RAX_OFFSET), b = get_reg_##bits(cpu, op->reg), old, result;             \
        if (op->flags & OPF_MEM) {                                                                                     \
            ADDRESS(la, (bits) / 8, true);                                                                             \
            RM_MODIFY_MEM(bits, la, old, result, result = old == a ? b : old);                                         \
        } else {                                                                                                       \
            old = get_reg_##bits(cpu, op->rm);                                                                         \
            if (old == a)                                                                                              \
                set_reg_##bits(cpu, op->rm, b);                                                                        \
        }                                                                                                              \
        if (old != a)                                                                                                  \
            set_reg_##bits(cpu, RAX_OFFSET, old);                                                                      \
        SET_CC(SUB, bits, a - old, old);                                                                               \
    } while (0)

#define ATOMICS(bits)                                                                                                  \
    OP(xadd_##bits)                                                                                                    \
    {                                                                                                                  \
        XADD(bits);                                                                                                    \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(cmpxchg_##bits)                                                                                                 \
    {                                                                                                                  \
        CMPXCHG(bits);                                                                                                 \
        NEXT();                                                                                                        \
    }

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

/* Only ZF changes. */
#define SET_ZF(is) cc_set_flags(cpu, (cpu_status_flags(cpu) & ~(uint64_t)FLAG_ZF) | ((is) ? FLAG_ZF : 0))

OP(cmpxchg8b)
{
    uint64_t a = cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX], b = cpu->gpr[RCX] << 32 | (uint32_t)cpu->gpr[RBX];
    ADDRESS(la, 8, true);
    RMW(64, la, old, result, result = old == a ? b : old);
    if (old != a) {
        cpu->gpr[RAX] = (uint32_t)old;
        cpu->gpr[RDX] = old >> 32;
    }
    SET_ZF(old == a);
    NEXT();
}

#ifdef CPU_FAST
OP(cmpxchg16b) { MISS(); }
#else
struct exchange16 {
    uint64_t expected[2], desired[2], found[2];
    bool equal;
};

static bool exchange16_if_equal(void *arg, void *bytes)
{
    struct exchange16 *x = arg;
    memcpy(x->found, bytes, 16);
    x->equal = memcmp(x->found, x->expected, 16) == 0;
    if (x->equal)
        memcpy(bytes, x->desired, 16);
    return x->equal;
}

/* False: it faulted, or must run alone, because the operand is not plain memory or its page holds cached code. */
static __attribute__((noinline)) bool compare_exchange16(struct cpu *cpu, uint64_t la)
{
    struct exchange16 x = {
        .expected = {cpu->gpr[RAX], cpu->gpr[RDX]}, .desired = {cpu->gpr[RBX], cpu->gpr[RCX]}, .equal = false};
    const struct tlb_entry *slot = tlb_slot(cpu, la);

    if (la & 15) {
        (void)cpu_raise(cpu, EXC_GP, 0); /* whatever CR0.AM says */
        return false;
    }
    if (TLB_HIT(slot, write, la, 16)) {
        (void)exchange16_if_equal(&x, (void *)(slot->host + la));
    } else if (!cpu->stepping) {
        cpu->leave = LEAVE_RESTART;
        return false;
    } else if (cpu_view_modify(cpu, cpu_current_view(cpu), la, 16, exchange16_if_equal, &x) != VP_OK) {
        return false;
    }
    if (!x.equal) {
        cpu->gpr[RAX] = x.found[0];
        cpu->gpr[RDX] = x.found[1];
    }
    SET_ZF(x.equal);
    return true;
}

OP(cmpxchg16b)
{
    if (!cpu_has_feature(cpu, CPU_FEATURE_cx16)) {
        (void)cpu_raise(cpu, EXC_UD, 0);
        LEAVE();
    }
    ADDRESS(la, 16, true);
    if (!compare_exchange16(cpu, la))
        LEAVE();
    MEM_HOOK(la, 16, TIMING_MODIFY);
    NEXT();
}
#endif
