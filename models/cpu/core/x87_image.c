/* SPDX-License-Identifier: Apache-2.0 */
/* The images of FNSTENV/FLDENV (14 or 28 bytes) and FNSAVE/FRSTOR (94 or 108), in the formats of real-address and of
 * protected mode. Source: SDM Vol. 1, figures "Protected Mode x87 FPU State Image in Memory, 32-Bit Format" and the
 * three after it. */
#include "x87_unit.h"

#include <string.h>

/* Full tags: 00 valid, 01 zero, 10 special (NaN, infinity, denormal, unsupported), 11 empty. */
static unsigned full_tag(const struct cpu *cpu, unsigned n)
{
    unsigned exponent = cpu->x87.r[n].u16[4] & 0x7fffu;
    uint64_t significand = cpu->x87.r[n].u64[0];
    if (!((cpu->x87.valid >> n) & 1))
        return 3;
    if (exponent == 0)
        return significand == 0 ? 1 : 2;
    return exponent == 0x7fff || !(significand >> 63) ? 2 : 0;
}

static unsigned tag_word(const struct cpu *cpu)
{
    unsigned tags = 0;
    for (unsigned n = 0; n < 8; n++)
        tags |= full_tag(cpu, n) << (2 * n);
    return tags;
}

static bool is_protected_format(const struct cpu *cpu) { return cpu_is_protected(cpu) && !(cpu->rflags & FLAG_VM); }

/* The seven fields, as 16-bit or 32-bit words; unused halves of the latter are ones. */
static void fill_environment(const struct cpu *cpu, uint32_t field[7], unsigned size)
{
    const struct x87 *x = &cpu->x87;
    uint32_t ip = (uint32_t)x->fip, dp = (uint32_t)x->fdp, ones = 0xffff0000u;
    field[0] = ones | x->fcw;
    field[1] = ones | x->fsw;
    field[2] = ones | tag_word(cpu);
    if (is_protected_format(cpu)) {
        field[3] = ip;
        field[4] = size == 2 ? x->fcs : x->fcs | (uint32_t)x->fop << 16;
        field[5] = dp;
        field[6] = ones | x->fds;
        return;
    }
    /* Linear addresses, split over two fields each. */
    uint32_t ip_high, dp_high;
    ip += (uint32_t)x->fcs << 4;
    dp += (uint32_t)x->fds << 4;
    ip_high = size == 2 ? (ip >> 4) & 0xf000 : (ip >> 16) << 12;
    dp_high = size == 2 ? (dp >> 4) & 0xf000 : (dp >> 16) << 12;
    field[3] = ones | (ip & 0xffff);
    field[4] = ip_high | x->fop;
    field[5] = ones | (dp & 0xffff);
    field[6] = dp_high;
    if (size != 2) { /* bits 31:28 are zero */
        field[4] &= 0x0fffffff;
        field[6] &= 0x0fffffff;
    }
}

static void take_environment(struct cpu *cpu, const uint32_t field[7], unsigned size)
{
    struct x87 *x = &cpu->x87;
    x->fsw = (uint16_t)field[1];
    x->valid = 0;
    for (unsigned n = 0; n < 8; n++)
        if (((field[2] >> (2 * n)) & 3) != 3)
            x->valid = (uint8_t)(x->valid | 1u << n);
    x->fcs = x->fds = 0;
    if (is_protected_format(cpu)) {
        x->fip = field[3];
        x->fdp = field[5];
        if (size != 2)
            x->fop = (field[4] >> 16) & 0x7ff;
    } else {
        uint32_t mask = size == 2 ? 0xf0000u : 0xffff0000u;
        x->fip = (field[3] & 0xffff) | ((field[4] << 4) & mask);
        x->fdp = (field[5] & 0xffff) | ((field[6] << 4) & mask);
        x->fop = field[4] & 0x7ff;
    }
    x87_set_control(cpu, field[0]); /* ES and B follow the new masks */
}

/* Memory is accessed in words of the image's width, for which alignment is checked (SDM Vol. 3, table "Alignment
 * Requirements by Data Type"). */
static bool write_words(struct cpu *cpu, uint64_t la, const uint8_t *bytes, unsigned size, unsigned width)
{
    for (unsigned at = 0; at < size && cpu->leave == LEAVE_NONE; at += width) {
        uint32_t v = 0;
        memcpy(&v, bytes + at, width);
        cpu_mem_write_slow(cpu, la + at, v, width);
    }
    return cpu->leave == LEAVE_NONE;
}

static bool read_words(struct cpu *cpu, uint64_t la, uint8_t *bytes, unsigned size, unsigned width)
{
    for (unsigned at = 0; at < size && cpu->leave == LEAVE_NONE; at += width) {
        uint64_t v = cpu_mem_read_slow(cpu, la + at, width);
        memcpy(bytes + at, &v, width);
    }
    return cpu->leave == LEAVE_NONE;
}

/* Nothing is written unless all can be; so a fault leaves memory alone. */
bool x87_store_image(struct cpu *cpu, uint64_t la, unsigned size, bool with_registers)
{
    uint8_t image[X87_SAVE_MAX];
    uint32_t field[7];
    unsigned bytes = x87_env_bytes(size), width = bytes / 7;
    fill_environment(cpu, field, size);
    for (unsigned i = 0; i < 7; i++)
        memcpy(image + i * width, &field[i], width);
    if (with_registers)
        for (unsigned i = 0; i < 8; i++, bytes += 10)
            memcpy(image + bytes, x87_st(cpu, i), 10);
    return x87_may_write(cpu, la, bytes) && write_words(cpu, la, image, bytes, width);
}

bool x87_load_image(struct cpu *cpu, uint64_t la, unsigned size, bool with_registers)
{
    uint8_t image[X87_SAVE_MAX] = {0};
    uint32_t field[7] = {0};
    unsigned bytes = x87_env_bytes(size), width = bytes / 7;
    if (!read_words(cpu, la, image, with_registers ? bytes + 80 : bytes, width))
        return false;
    for (unsigned i = 0; i < 7; i++)
        memcpy(&field[i], image + i * width, width);
    take_environment(cpu, field, size);
    if (with_registers)
        for (unsigned i = 0; i < 8; i++, bytes += 10) {
            union vec v = {.u64 = {0, 0}};
            memcpy(&v, image + bytes, 10);
            *x87_st(cpu, i) = v;
        }
    return true;
}
