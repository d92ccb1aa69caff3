/* SPDX-License-Identifier: Apache-2.0 */
/* RFLAGS: the six status flags are kept as the operation that sets them (enum in cpu_state.h) and computed when someone
 * asks; the other bits are in cpu->rflags. Source: SDM Vol. 1, "EFLAGS Register", and Appendix B, "EFLAGS Condition
 * Codes". */
#include "flags.h"

/* Bits of RFLAGS that exist and are not status flags. */
#define FLAGS_OTHER                                                                                                    \
    (FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID)

enum { KIND_FLAGS, KIND_ADD, KIND_SUB, KIND_LOGIC, KIND_INC, KIND_DEC, KIND_RESULT };

static inline unsigned cc_kind(const struct cpu *cpu) { return (cpu->cc_op + 3) / 4; }
/* Not for CC_FLAGS. */
static inline unsigned cc_bits(const struct cpu *cpu) { return 8u << ((cpu->cc_op - 1) & 3); }
static inline uint64_t cc_mask(const struct cpu *cpu) { return UINT64_MAX >> (64 - cc_bits(cpu)); }

static inline bool zero_flag(const struct cpu *cpu)
{
    return cpu->cc_op == CC_FLAGS ? (cpu->cc_src & FLAG_ZF) != 0 : cpu->cc_dst == 0;
}

static inline bool sign_flag(const struct cpu *cpu)
{
    return cpu->cc_op == CC_FLAGS ? (cpu->cc_src & FLAG_SF) != 0 : (cpu->cc_dst >> (cc_bits(cpu) - 1)) != 0;
}

static inline bool parity_flag(const struct cpu *cpu)
{
    return cpu->cc_op == CC_FLAGS ? (cpu->cc_src & FLAG_PF) != 0 : flag_parity(cpu->cc_dst) != 0;
}

static bool overflow_flag(const struct cpu *cpu)
{
    uint64_t dst = cpu->cc_dst, src = cpu->cc_src, a;
    switch (cc_kind(cpu)) {
    case KIND_ADD: a = dst - src; return ((((a ^ dst) & (src ^ dst)) >> (cc_bits(cpu) - 1)) & 1) != 0;
    case KIND_SUB: a = dst + src; return ((((a ^ src) & (a ^ dst)) >> (cc_bits(cpu) - 1)) & 1) != 0;
    case KIND_LOGIC: return false;
    case KIND_INC: return dst == (cc_mask(cpu) >> 1) + 1;
    case KIND_DEC: return dst == cc_mask(cpu) >> 1;
    default: return (src & FLAG_OF) != 0;
    }
}

static bool adjust_flag(const struct cpu *cpu)
{
    uint64_t dst = cpu->cc_dst, src = cpu->cc_src;
    switch (cc_kind(cpu)) {
    case KIND_ADD: return (((dst - src) ^ src ^ dst) & 0x10) != 0;
    case KIND_SUB: return (((dst + src) ^ src ^ dst) & 0x10) != 0;
    case KIND_LOGIC: return false;
    case KIND_INC: return (dst & 0xf) == 0;
    case KIND_DEC: return (dst & 0xf) == 0xf;
    default: return (src & FLAG_AF) != 0;
    }
}

static uint64_t carry_adjust_overflow(const struct cpu *cpu)
{
    return (cc_carry(cpu) ? FLAG_CF : 0) | (adjust_flag(cpu) ? FLAG_AF : 0) | (overflow_flag(cpu) ? FLAG_OF : 0);
}

void cpu_settle_flags(struct cpu *cpu)
{
    if (cc_is_settled(cpu))
        return;
    cpu->cc_src = carry_adjust_overflow(cpu);
    cpu->cc_op = CC_RESULT8 + ((cpu->cc_op - 1) & 3);
}

uint64_t cpu_status_flags(const struct cpu *cpu)
{
    if (cpu->cc_op == CC_FLAGS)
        return cpu->cc_src;
    return carry_adjust_overflow(cpu) | flags_szp(cpu->cc_dst, cc_bits(cpu));
}

uint64_t cpu_rflags(const struct cpu *cpu) { return cpu->rflags | 2 | cpu_status_flags(cpu); }

void cpu_set_rflags(struct cpu *cpu, uint64_t value, uint64_t mask)
{
    uint64_t other = mask & FLAGS_OTHER, before = cpu->rflags;

    if ((mask & FLAGS_STATUS) == FLAGS_STATUS)
        cc_set_flags(cpu, value);
    else if (mask & FLAGS_STATUS)
        cc_set_flags(cpu, (cpu_status_flags(cpu) & ~mask) | (value & mask));
    cpu->rflags = (before & ~other) | (value & other);
    if ((cpu->rflags ^ before) & (FLAG_AC | FLAG_VM))
        cpu_update_mode(cpu); /* SMAP and alignment checks look at AC */
}

/* signed a < b of CC_SUB, where a = dst + src */
static inline bool sub_is_less(const struct cpu *cpu, bool or_equal)
{
    unsigned shift = 64 - cc_bits(cpu);
    int64_t b = (int64_t)(cpu->cc_src << shift), a = (int64_t)((cpu->cc_dst + cpu->cc_src) << shift);
    return or_equal ? a <= b : a < b;
}

bool cpu_condition(const struct cpu *cpu, unsigned cc)
{
    bool is;
    switch (cc >> 1) {
    case 0: is = overflow_flag(cpu); break;
    case 1: is = cc_carry(cpu); break;
    case 2: is = zero_flag(cpu); break;
    case 3: is = cc_carry(cpu) || zero_flag(cpu); break;
    case 4: is = sign_flag(cpu); break;
    case 5: is = parity_flag(cpu); break;
    case 6: is = cc_kind(cpu) == KIND_SUB ? sub_is_less(cpu, false) : sign_flag(cpu) != overflow_flag(cpu); break;
    default:
        is = cc_kind(cpu) == KIND_SUB ? sub_is_less(cpu, true) : zero_flag(cpu) || sign_flag(cpu) != overflow_flag(cpu);
        break;
    }
    return is != ((cc & 1) != 0);
}
