/* SPDX-License-Identifier: Apache-2.0 */
/* x87 loads, stores and moves: memory and stack here, conversions in x87_move.c. A store computes first, writes memory,
 * and only then changes the unit, so that a fault of the write leaves it as it was. */
#include "x87_unit.h"

#include "handler.h"

/* Ten bytes: significand, sign and exponent. */
#define LOAD_80(low, high, la)                                                                                         \
    uint64_t low;                                                                                                      \
    uint16_t high;                                                                                                     \
    do {                                                                                                               \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la);                                                             \
        if (TLB_HIT(slot_, read, la, 10)) {                                                                            \
            memcpy(&low, (const void *)(slot_->host + (la)), 8);                                                       \
            memcpy(&high, (const void *)(slot_->host + (la) + 8), 2);                                                  \
        } else {                                                                                                       \
            cpu_mem_read_wide_slow(cpu, la, 10);                                                                       \
            LEAVE_IF_ASKED();                                                                                          \
            low = cpu->mem_vec.u64[0];                                                                                 \
            high = cpu->mem_vec.u16[4];                                                                                \
        }                                                                                                              \
        MEM_HOOK(la, 10, TIMING_LOAD);                                                                                 \
    } while (0)
#define STORE_80(la, low, high)                                                                                        \
    do {                                                                                                               \
        cpu->mem_vec.u64[0] = (low);                                                                                   \
        cpu->mem_vec.u16[4] = (high);                                                                                  \
        const struct tlb_entry *slot_ = tlb_slot(cpu, la);                                                             \
        if (TLB_HIT(slot_, write, la, 10)) {                                                                           \
            memcpy((void *)(slot_->host + (la)), &cpu->mem_vec, 10);                                                   \
        } else {                                                                                                       \
            cpu_mem_write_wide_slow(cpu, la, 10);                                                                      \
            LEAVE_IF_ASKED();                                                                                          \
        }                                                                                                              \
        MEM_HOOK(la, 10, TIMING_STORE);                                                                                \
    } while (0)

#define LOAD_OP(name, bits, type)                                                                                      \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        ADDRESS(la, (bits) / 8, false);                                                                                \
        LOAD(bits, v, la);                                                                                             \
        x87_load(cpu, type, v, 0);                                                                                     \
        X87_NEXT();                                                                                                    \
    }
LOAD_OP(x87_fld_f32, 32, X87_F32)
LOAD_OP(x87_fld_f64, 64, X87_F64)
LOAD_OP(x87_fild_i16, 16, X87_I16)
LOAD_OP(x87_fild_i32, 32, X87_I32)
LOAD_OP(x87_fild_i64, 64, X87_I64)

OP(x87_fld_f80)
{
    X87_BEGIN();
    ADDRESS(la, 10, false);
    LOAD_80(low, high, la);
    x87_load_real80(cpu, low, high);
    X87_NEXT();
}

OP(x87_fbld)
{
    X87_BEGIN();
    ADDRESS(la, 10, false);
    LOAD_80(low, high, la);
    x87_load(cpu, X87_BCD, low, high);
    X87_NEXT();
}

#define STORE_OP(name, bits, type, truncate, pop)                                                                      \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        ADDRESS(la, (bits) / 8, true);                                                                                 \
        struct x87_stored stored = x87_store_value(cpu, type, truncate);                                               \
        if (VP_LIKELY(stored.writes))                                                                                  \
            STORE(bits, la, (uint##bits##_t)stored.low);                                                               \
        x87_store_done(cpu, stored, pop);                                                                              \
        X87_NEXT();                                                                                                    \
    }
STORE_OP(x87_fst_f32, 32, X87_F32, false, false)
STORE_OP(x87_fstp_f32, 32, X87_F32, false, true)
STORE_OP(x87_fst_f64, 64, X87_F64, false, false)
STORE_OP(x87_fstp_f64, 64, X87_F64, false, true)
STORE_OP(x87_fist_i16, 16, X87_I16, false, false)
STORE_OP(x87_fistp_i16, 16, X87_I16, false, true)
STORE_OP(x87_fist_i32, 32, X87_I32, false, false)
STORE_OP(x87_fistp_i32, 32, X87_I32, false, true)
STORE_OP(x87_fistp_i64, 64, X87_I64, false, true)
STORE_OP(x87_fisttp_i16, 16, X87_I16, true, true)
STORE_OP(x87_fisttp_i32, 32, X87_I32, true, true)
STORE_OP(x87_fisttp_i64, 64, X87_I64, true, true)

#define STORE_80_OP(name, value)                                                                                       \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        ADDRESS(la, 10, true);                                                                                         \
        struct x87_stored stored = (value);                                                                            \
        if (VP_LIKELY(stored.writes))                                                                                  \
            STORE_80(la, stored.low, stored.high);                                                                     \
        x87_store_done(cpu, stored, true);                                                                             \
        X87_NEXT();                                                                                                    \
    }
STORE_80_OP(x87_fstp_f80, x87_store_real80(cpu))
STORE_80_OP(x87_fbstp, x87_store_value(cpu, X87_BCD, false))

#define SIMPLE(name, call)                                                                                             \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        X87_BEGIN();                                                                                                   \
        call;                                                                                                          \
        X87_NEXT();                                                                                                    \
    }
SIMPLE(x87_fld_sti, x87_load_sti(cpu, STI(op)))
SIMPLE(x87_fld_constant, x87_load_constant(cpu, STI(op)))
SIMPLE(x87_fst_sti, x87_store_sti(cpu, STI(op), false))
SIMPLE(x87_fstp_sti, x87_store_sti(cpu, STI(op), true))
SIMPLE(x87_fstpnce, x87_store_sti_unchecked(cpu, STI(op)))
SIMPLE(x87_fxch, x87_exchange(cpu, STI(op)))

/* DAH: B, E, BE, U; DBH: their opposites. As condition codes of Jcc: 2, 4, 6, 10 and one more. */
OP(x87_fcmov)
{
    X87_BEGIN();
    unsigned ext = X87_EXT(op), cc = (ext == 3 ? 10 : 2 + 2 * ext) | ((unsigned)(op->imm >> 8) & 1);
    x87_move_if(cpu, STI(op), cpu_condition(cpu, cc));
    X87_NEXT();
}
