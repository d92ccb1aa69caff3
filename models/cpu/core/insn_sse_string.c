/* SPDX-License-Identifier: Apache-2.0 */
/* SSE4.2 string compares and CRC32. The memory operand of the string compares need not be aligned. */
#define CPU_HAS_TWINS 1
#include "flags.h"
#include "sse.h"
#include "sse_imm.h"

#include <nmmintrin.h>

/* SDM Vol. 2, "PCMPESTRI": a length saturates at the number of elements; beyond 16 all are alike. */
static int32_t string_length(uint64_t reg, bool wide)
{
    int64_t v = wide ? (int64_t)reg : (int32_t)reg;
    return (int32_t)(v > 16 ? 16 : v < -16 ? -16 : v);
}

/* imm beyond the low seven bits is reserved and ignored. size: of the lengths, 8 with REX.W. */
static __attribute__((noinline)) void compare(struct cpu *cpu, const struct op *op, sse_string_fn *fn, __m128i b,
                                              bool mask)
{
    struct sse_string_compare x = {.a = XMM(op->reg).i, .b = b};
    x.length_a = string_length(cpu->gpr[RAX], op->size == 8);
    x.length_b = string_length(cpu->gpr[RDX], op->size == 8);
    fn(&x);
    if (mask)
        cpu->xmm[0].i = x.mask;
    else
        cpu->gpr[RCX] = x.index;
    cc_set_flags(cpu, x.flags);
}

#define STRING(insn, is_mask)                                                                                          \
    OP(sse_##insn)                                                                                                     \
    {                                                                                                                  \
        RM_READ_VEC(b, false);                                                                                         \
        compare(cpu, op, sse_string_##insn[(uint8_t)op->imm], b, is_mask);                                             \
        NEXT();                                                                                                        \
    }
STRING(pcmpestri, false)
STRING(pcmpestrm, true)
STRING(pcmpistri, false)
STRING(pcmpistrm, true)

/* The destination is 32 bits, or 64 with REX.W, of which the upper half becomes zero either way. */
#define CRC(bits, step)                                                                                                \
    OP(crc32_##bits)                                                                                                   \
    {                                                                                                                  \
        RM_READ(bits, v);                                                                                              \
        REG64(op->reg) = (uint32_t)step(READ_REG32(op->reg), v);                                                       \
        NEXT();                                                                                                        \
    }
CRC(8, _mm_crc32_u8)
CRC(16, _mm_crc32_u16)
CRC(32, _mm_crc32_u32)
CRC(64, _mm_crc32_u64)
