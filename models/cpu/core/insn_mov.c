/* SPDX-License-Identifier: Apache-2.0 */
/* Moves: MOV, LEA, MOVZX, MOVSX, MOVSXD, XCHG, CMOVcc, SETcc, BSWAP, MOVBE, sign extensions, XLAT, LAHF, SAHF, and MOV
 * from and to segment registers. None of them changes status flags but SAHF. */
#define CPU_HAS_TWINS 1
#include "flags.h"
#include "handler.h"

#define MOV_FORMS(bits)                                                                                                \
    OP(mov_rr_##bits)                                                                                                  \
    {                                                                                                                  \
        set_reg_##bits(cpu, op->rm, get_reg_##bits(cpu, op->reg));                                                     \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(mov_ri_##bits)                                                                                                  \
    {                                                                                                                  \
        set_reg_##bits(cpu, op->rm, (uint##bits##_t)op->imm);                                                          \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(mov_load_##bits)                                                                                                \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, false);                                                                                  \
        LOAD(bits, v, la);                                                                                             \
        set_reg_##bits(cpu, op->reg, v);                                                                               \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(mov_store_##bits)                                                                                               \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, true);                                                                                   \
        STORE(bits, la, get_reg_##bits(cpu, op->reg));                                                                 \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(mov_si_##bits)                                                                                                  \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, true);                                                                                   \
        STORE(bits, la, (uint##bits##_t)op->imm);                                                                      \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(lea_##bits)                                                                                                     \
    {                                                                                                                  \
        uint64_t offset = op_offset(cpu, op);                                                                          \
        if (VP_UNLIKELY(op->flags & (OPF_ADDR32 | OPF_ADDR16)))                                                        \
            offset = (op->flags & OPF_ADDR32) ? (uint32_t)offset : (uint16_t)offset;                                   \
        set_reg_##bits(cpu, op->reg, (uint##bits##_t)offset);                                                          \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(xchg_##bits)                                                                                                    \
    {                                                                                                                  \
        RM_MODIFY(bits, old, result, result = get_reg_##bits(cpu, op->reg));                                           \
        set_reg_##bits(cpu, op->reg, old);                                                                             \
        (void)result;                                                                                                  \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    /* The source is always read; a 32-bit destination loses its upper half even if the condition is false. */         \
    OP(cmov_##bits)                                                                                                    \
    {                                                                                                                  \
        RM_READ(bits, v);                                                                                              \
        if (!cpu_condition(cpu, (unsigned)op->imm))                                                                    \
            v = get_reg_##bits(cpu, op->reg);                                                                          \
        set_reg_##bits(cpu, op->reg, v);                                                                               \
        NEXT();                                                                                                        \
    }
MOV_FORMS(8)
MOV_FORMS(16)
MOV_FORMS(32)
MOV_FORMS(64)

/* name: movzx8 = from 8 bits; the suffix is the destination's size. */
#define EXTEND(name, from, type, bits)                                                                                 \
    OP(name##_##bits)                                                                                                  \
    {                                                                                                                  \
        RM_READ(from, v);                                                                                              \
        set_reg_##bits(cpu, op->reg, (uint##bits##_t)(type)v);                                                         \
        NEXT();                                                                                                        \
    }
#define EXTEND_ALL(name, from, type)                                                                                   \
    EXTEND(name, from, type, 8) EXTEND(name, from, type, 16) EXTEND(name, from, type, 32) EXTEND(name, from, type, 64)
EXTEND_ALL(movzx8, 8, uint8_t)
EXTEND_ALL(movzx16, 16, uint16_t)
EXTEND_ALL(movsx8, 8, int8_t)
EXTEND_ALL(movsx16, 16, int16_t)
EXTEND_ALL(movsx32, 32, int32_t)

OP(setcc)
{
    uint8_t v = cpu_condition(cpu, (unsigned)op->imm) ? 1 : 0;
    RM_WRITE(8, v);
    NEXT();
}

OP(cbw)
{
    set_reg_16(cpu, RAX * 8, (uint16_t)(int8_t)cpu->gpr[RAX]);
    NEXT();
}
OP(cwde)
{
    set_reg_32(cpu, RAX * 8, (uint32_t)(int16_t)cpu->gpr[RAX]);
    NEXT();
}
OP(cdqe)
{
    cpu->gpr[RAX] = (uint64_t)(int32_t)cpu->gpr[RAX];
    NEXT();
}
OP(cwd)
{
    set_reg_16(cpu, RDX * 8, (int16_t)cpu->gpr[RAX] < 0 ? 0xffff : 0);
    NEXT();
}
OP(cdq)
{
    set_reg_32(cpu, RDX * 8, (int32_t)cpu->gpr[RAX] < 0 ? UINT32_MAX : 0);
    NEXT();
}
OP(cqo)
{
    cpu->gpr[RDX] = (int64_t)cpu->gpr[RAX] < 0 ? UINT64_MAX : 0;
    NEXT();
}

OP(bswap_8) { NEXT(); } /* no such encoding */
OP(bswap_16)
{
    set_reg_16(cpu, op->rm, 0);
    NEXT();
} /* undefined by the manual; processors give 0 */
OP(bswap_32)
{
    set_reg_32(cpu, op->rm, __builtin_bswap32(get_reg_32(cpu, op->rm)));
    NEXT();
}
OP(bswap_64)
{
    set_reg_64(cpu, op->rm, __builtin_bswap64(get_reg_64(cpu, op->rm)));
    NEXT();
}

static inline uint8_t swap_8(uint8_t v) { return v; }
static inline uint16_t swap_16(uint16_t v) { return __builtin_bswap16(v); }
static inline uint32_t swap_32(uint32_t v) { return __builtin_bswap32(v); }
static inline uint64_t swap_64(uint64_t v) { return __builtin_bswap64(v); }
#define MOVBE_FORMS(bits)                                                                                              \
    OP(movbe_load_##bits)                                                                                              \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, false);                                                                                  \
        LOAD(bits, v, la);                                                                                             \
        set_reg_##bits(cpu, op->reg, swap_##bits(v));                                                                  \
        NEXT();                                                                                                        \
    }                                                                                                                  \
    OP(movbe_store_##bits)                                                                                             \
    {                                                                                                                  \
        ADDRESS(la, bits / 8, true);                                                                                   \
        STORE(bits, la, swap_##bits(get_reg_##bits(cpu, op->reg)));                                                    \
        NEXT();                                                                                                        \
    }
MOVBE_FORMS(8)
MOVBE_FORMS(16)
MOVBE_FORMS(32)
MOVBE_FORMS(64)

OP(xlat)
{
    uint64_t offset = cpu->gpr[RBX] + (uint8_t)cpu->gpr[RAX];
    if (!(op->flags & OPF_FLAT)) {
        offset = cpu_address_slow(cpu, op, offset, 1, false);
        if (cpu->leave != LEAVE_NONE)
            LEAVE();
    }
    LOAD(8, v, offset);
    set_reg_8(cpu, RAX * 8, v);
    NEXT();
}

/* SDM Vol. 2, "LAHF": in 64-bit mode a feature of its own. */
#define NEED_LAHF64()                                                                                                  \
    do {                                                                                                               \
        if ((cpu->mode & MODE_CODE64) && !cpu_has_feature(cpu, CPU_FEATURE_lahf64)) {                                  \
            (void)cpu_raise(cpu, EXC_UD, 0);                                                                           \
            LEAVE();                                                                                                   \
        }                                                                                                              \
    } while (0)

OP(lahf)
{
    NEED_LAHF64();
    REG8(RAX * 8 + 1) = (uint8_t)(cpu_status_flags(cpu) | 2);
    NEXT();
}

OP(sahf)
{
    NEED_LAHF64();
    uint64_t low = REG8(RAX * 8 + 1) & (FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF);
    cc_set_flags(cpu, (cpu_status_flags(cpu) & FLAG_OF) | low);
    NEXT();
}

/* SDM Vol. 2, "MOV": a register destination gets the selector zero-extended, memory gets 16 bits. */
OP(mov_from_seg)
{
    if (op->reg > SEG_GS) {
        (void)cpu_raise(cpu, EXC_UD, 0);
        LEAVE();
    }
    uint16_t selector = cpu->seg[op->reg].selector;
    if (op->flags & OPF_MEM) {
        ADDRESS(la, 2, true);
        STORE(16, la, selector);
    } else if (op->size == 2) {
        set_reg_16(cpu, op->rm, selector);
    } else {
        set_reg_64(cpu, op->rm, selector);
    }
    NEXT();
}

OP(mov_to_seg)
{
    if (op->reg > SEG_GS || op->reg == SEG_CS) {
        (void)cpu_raise(cpu, EXC_UD, 0);
        LEAVE();
    }
    RM_READ(16, selector);
    if (cpu_load_segment(cpu, op->reg, selector) != VP_OK)
        LEAVE();
    if (op->reg == SEG_SS)
        cpu->shadow = SHADOW_MOV_SS;
    FINISH();
}
