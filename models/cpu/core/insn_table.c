/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor-table registers and questions about selectors: LGDT LIDT SGDT SIDT LLDT LTR SLDT STR LAR LSL VERR VERW
 * ARPL, and BOUND. Source: SDM Vol. 2, the instructions' pages; Vol. 3, "Pointer Validation", "User-Mode Instruction
 * Prevention". */
#include "flags.h"
#include "handler.h"
#include "protect.h"

static bool is_refused(struct cpu *cpu, uint8_t vector)
{
    (void)cpu_raise(cpu, vector, 0);
    return true;
}

static bool is_not_privileged(struct cpu *cpu) { return cpu->cpl != 0 && is_refused(cpu, EXC_GP); }
static bool is_prevented(struct cpu *cpu) { return (cpu->cr4 & CR4_UMIP) && is_not_privileged(cpu); }
static bool is_real_mode(struct cpu *cpu) { return !cpu_is_protected(cpu) && is_refused(cpu, EXC_UD); }

/* --- GDTR and IDTR: limit (2 bytes), base (8 in 64-bit mode, 4 elsewhere) --- */
#define TABLE_BYTES (2u + ((cpu->mode & MODE_CODE64) ? 8u : 4u))

#define STORE_TABLE(name, table)                                                                                       \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_prevented(cpu))                                                                                         \
            LEAVE();                                                                                                   \
        ADDRESS(la, TABLE_BYTES, true);                                                                                \
        STORE(16, la, cpu->table.limit);                                                                               \
        if (cpu->mode & MODE_CODE64) {                                                                                 \
            STORE(64, la + 2, cpu->table.base);                                                                        \
        } else {                                                                                                       \
            STORE(32, la + 2, (uint32_t)cpu->table.base);                                                              \
        }                                                                                                              \
        FINISH();                                                                                                      \
    }
STORE_TABLE(sgdt, gdtr)
STORE_TABLE(sidt, idtr)

/* With a 16-bit operand size only 24 bits of the base are loaded. */
#define LOAD_TABLE(name, table)                                                                                        \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_not_privileged(cpu))                                                                                    \
            LEAVE();                                                                                                   \
        ADDRESS(la, TABLE_BYTES, false);                                                                               \
        LOAD(16, limit, la);                                                                                           \
        uint64_t base;                                                                                                 \
        if (cpu->mode & MODE_CODE64) {                                                                                 \
            LOAD(64, base64, la + 2);                                                                                  \
            base = base64;                                                                                             \
        } else {                                                                                                       \
            LOAD(32, base32, la + 2);                                                                                  \
            base = op->size == 2 ? base32 & 0xffffffu : base32;                                                        \
        }                                                                                                              \
        if (!bits_is_canonical(base, CPU_LINEAR_WIDTH) && is_refused(cpu, EXC_GP))                                     \
            LEAVE();                                                                                                   \
        cpu->table = (struct table_register){.base = base, .limit = limit};                                            \
        FINISH();                                                                                                      \
    }
LOAD_TABLE(lgdt, gdtr)
LOAD_TABLE(lidt, idtr)

/* --- LDTR and TR --- */
#define STORE_SELECTOR(name, segment)                                                                                  \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_real_mode(cpu) || is_prevented(cpu))                                                                    \
            LEAVE();                                                                                                   \
        if ((op->flags & OPF_MEM) || op->size == 2) {                                                                  \
            RM_WRITE(16, cpu->seg[segment].selector);                                                                  \
        } else {                                                                                                       \
            set_reg_64(cpu, op->rm, cpu->seg[segment].selector);                                                       \
        }                                                                                                              \
        FINISH();                                                                                                      \
    }
STORE_SELECTOR(sldt, SEG_LDTR)
STORE_SELECTOR(str, SEG_TR)

#define LOAD_SELECTOR(name, load)                                                                                      \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_real_mode(cpu) || is_not_privileged(cpu))                                                               \
            LEAVE();                                                                                                   \
        RM_READ(16, selector);                                                                                         \
        if (load(cpu, selector) != VP_OK)                                                                              \
            LEAVE();                                                                                                   \
        FINISH();                                                                                                      \
    }
LOAD_SELECTOR(lldt, cpu_load_ldtr)
LOAD_SELECTOR(ltr, cpu_load_tr)

/* --- questions: ZF says whether the descriptor may be looked at --- */
/* Reads the descriptor if the selector names one. A page fault stays raised; a selector beyond the table is an answer.
 */
static bool find_descriptor(struct cpu *cpu, uint16_t selector, uint64_t *d)
{
    uint64_t both[2];
    if (selector_is_null(selector))
        return false;
    if (cpu_read_descriptor(cpu, selector, both, false) != VP_OK) {
        if (cpu->exc.vector == EXC_GP)
            cpu->leave = LEAVE_NONE;
        return false;
    }
    *d = both[0];
    return true;
}

static bool is_visible(const struct cpu *cpu, uint16_t selector, uint16_t attr)
{
    return attr_is_conforming(attr) || (attr_dpl(attr) >= cpu->cpl && attr_dpl(attr) >= selector_rpl(selector));
}

/* System descriptor types whose access rights LAR shows; LSL shows those that have a limit. */
static bool is_system_type_known(const struct cpu *cpu, unsigned type, bool limit_only)
{
    switch (type) {
    case SYSTEM_LDT:
    case SYSTEM_TSS:
    case SYSTEM_TSS_BUSY: return true;
    case SYSTEM_TSS16:
    case SYSTEM_TSS16_BUSY: return !cpu_is_long(cpu);
    case SYSTEM_CALL_GATE: return !limit_only;
    case SYSTEM_CALL_GATE16:
    case SYSTEM_TASK_GATE: return !limit_only && !cpu_is_long(cpu);
    default: return false;
    }
}

static bool look_up(struct cpu *cpu, uint16_t selector, bool limit_only, uint64_t *d)
{
    if (!find_descriptor(cpu, selector, d))
        return false;
    uint16_t attr = descriptor_attr(*d);
    if (!(attr & SEG_ATTR_S) && !is_system_type_known(cpu, attr_type(attr), limit_only))
        return false;
    return is_visible(cpu, selector, attr);
}

static void set_zf(struct cpu *cpu, bool zf)
{
    cc_set_flags(cpu, (cpu_status_flags(cpu) & ~(uint64_t)FLAG_ZF) | (zf ? FLAG_ZF : 0));
}

static void set_sized(struct cpu *cpu, unsigned reg, uint64_t v, unsigned size)
{
    if (size == 2)
        set_reg_16(cpu, reg, (uint16_t)v);
    else
        set_reg_64(cpu, reg, v);
}

static void do_lar(struct cpu *cpu, const struct op *op, uint16_t selector)
{
    uint64_t d = 0;
    bool found = look_up(cpu, selector, false, &d);
    if (cpu->leave != LEAVE_NONE)
        return;
    if (found)
        set_sized(cpu, op->reg, (d >> 32) & 0x00f0ff00u, op->size);
    set_zf(cpu, found);
}

static void do_lsl(struct cpu *cpu, const struct op *op, uint16_t selector)
{
    uint64_t d = 0;
    struct segment s;
    bool found = look_up(cpu, selector, true, &d);
    if (cpu->leave != LEAVE_NONE)
        return;
    cpu_segment_from_descriptor(&s, selector, d);
    if (found)
        set_sized(cpu, op->reg, s.limit, op->size);
    set_zf(cpu, found);
}

static void do_verify(struct cpu *cpu, uint16_t selector, bool write)
{
    uint64_t d = 0;
    bool found = find_descriptor(cpu, selector, &d);
    if (cpu->leave != LEAVE_NONE)
        return;
    uint16_t attr = descriptor_attr(d);
    bool usable =
        write ? attr_is_writable(attr) : attr_is_data(attr) || (attr_is_code(attr) && (attr & SEG_TYPE_READABLE));
    set_zf(cpu, found && usable && is_visible(cpu, selector, attr));
}

#define ASK(name, call)                                                                                                \
    OP(name)                                                                                                           \
    {                                                                                                                  \
        if (is_real_mode(cpu))                                                                                         \
            LEAVE();                                                                                                   \
        RM_READ(16, selector);                                                                                         \
        call;                                                                                                          \
        if (cpu->leave != LEAVE_NONE)                                                                                  \
            LEAVE();                                                                                                   \
        FINISH();                                                                                                      \
    }
ASK(lar, do_lar(cpu, op, selector))
ASK(lsl, do_lsl(cpu, op, selector))
ASK(verr, do_verify(cpu, selector, false))
ASK(verw, do_verify(cpu, selector, true))

/* Raises the RPL of the destination to that of the source. */
OP(arpl)
{
    if (is_real_mode(cpu))
        LEAVE();
    uint16_t source = REG16(op->reg);
    RM_MODIFY(16, old, result,
              result = selector_rpl(old) < selector_rpl(source) ? selector_with_rpl(old, selector_rpl(source)) : old);
    set_zf(cpu, result != old);
    FINISH();
}

/* Signed bounds in memory: lower, then upper. */
OP(bound)
{
    ADDRESS(la, op->size * 2u, false);
    int64_t index, lower, upper;
    if (op->size == 2) {
        LOAD(16, low, la);
        LOAD(16, high, la + 2);
        index = (int16_t)REG16(op->reg), lower = (int16_t)low, upper = (int16_t)high;
    } else {
        LOAD(32, low, la);
        LOAD(32, high, la + 4);
        index = (int32_t)READ_REG32(op->reg), lower = (int32_t)low, upper = (int32_t)high;
    }
    if ((index < lower || index > upper) && is_refused(cpu, EXC_BR))
        LEAVE();
    FINISH();
}
