/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_code.h"

#include "decode.h"

#include <string.h>

uint64_t fuzz_value(struct fuzz_random *r, uint64_t ram)
{
    switch (fuzz_below(r, 8)) {
    case 0: return fuzz_below(r, 16);
    case 1: return 1ull << fuzz_below(r, 64);
    case 2: return ~fuzz_below(r, 4);
    case 3: return fuzz_next(r);
    case 4: return (1ull << fuzz_below(r, 64)) - 1;
    default: return fuzz_below(r, ram);
    }
}

/* MSRs that exist; WRMSR of a random number would nearly always be #GP. */
static const uint32_t MSRS[] = {
    0x10,       0x1b,       0x3a,       0x3b,       0x48,       0x8b,       0xc1,      0xe1,       0xfe,
    0x10a,      0x174,      0x175,      0x176,      0x179,      0x17a,      0x1a0,     0x200,      0x201,
    0x250,      0x277,      0x2ff,      0x6e0,      0x808,      0x80b,      0x80d,     0x830,      0x83f,
    0x985,      0x986,      0x987,      0x988,      0x989,      0x98a,      0xda0,     0xc0000080, 0xc0000081,
    0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103};

struct writer {
    uint8_t *bytes;
    size_t at, size;
};
static void put(struct writer *w, uint8_t b)
{
    if (w->at < w->size)
        w->bytes[w->at++] = b;
}
static void put_imm(struct writer *w, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        put(w, (uint8_t)(v >> (8 * i)));
}

/* MOV ECX, msr; MOV EAX, value; MOV EDX, value; WRMSR or RDMSR. */
static void put_msr(struct writer *w, struct fuzz_random *r, unsigned mode_bits)
{
    const uint8_t to[3] = {0xb9, 0xb8, 0xba};
    uint64_t values[3] = {MSRS[fuzz_below(r, sizeof MSRS / sizeof MSRS[0])], fuzz_value(r, 1 << 20),
                          fuzz_below(r, 4) ? 0 : fuzz_next(r)};
    for (int i = 0; i < 3; i++) {
        if (mode_bits == 16)
            put(w, 0x66);
        put(w, to[i]);
        put_imm(w, values[i], 4);
    }
    put(w, 0x0f);
    put(w, fuzz_below(r, 4) ? 0x30 : 0x32);
}

/* Any row of the table, with the prefixes and operands it asks for and others that it may not like. */
static void put_insn(struct writer *w, struct fuzz_random *r, unsigned mode_bits)
{
    const struct opcode_row *row = &opcode_table[fuzz_below(r, opcode_table_size)];
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x64, 0x65};
    while (fuzz_below(r, 8) == 0)
        put(w, prefixes[fuzz_below(r, sizeof prefixes)]);
    if (row->prefix == PFX_66)
        put(w, 0x66);
    if (row->prefix == PFX_F2 || row->prefix == PFX_F3)
        put(w, row->prefix == PFX_F2 ? 0xf2 : 0xf3);
    if (mode_bits == 64 && fuzz_below(r, 3) == 0)
        put(w, (uint8_t)(0x40 | fuzz_below(r, 16)));
    if (row->map != MAP_1)
        put(w, 0x0f);
    if (row->map == MAP_0F38 || row->map == MAP_0F3A)
        put(w, row->map == MAP_0F38 ? 0x38 : 0x3a);
    put(w, (uint8_t)(row->opcode + ((row->flags & ROW_RANGE8)    ? fuzz_below(r, 8)
                                    : (row->flags & ROW_RANGE16) ? fuzz_below(r, 16)
                                                                 : 0)));
    uint8_t modrm = (uint8_t)fuzz_next(r);
    if (row->ext >= 0)
        modrm = (uint8_t)((modrm & 0xc7) | (row->ext << 3));
    if (row->mod == MOD_REG)
        modrm |= 0xc0;
    else if (row->mod == MOD_MEM && modrm >= 0xc0)
        modrm &= 0x7f;
    if (row->modrm >= 0)
        modrm = (uint8_t)row->modrm;
    put(w, modrm);
    put_imm(w, fuzz_below(r, 4) ? fuzz_below(r, 256) : fuzz_next(r), (unsigned)fuzz_below(r, 6));
}

void fuzz_code(struct fuzz_random *r, unsigned mode_bits, uint8_t *bytes, size_t size)
{
    struct writer w = {bytes, 0, size};
    while (w.at < size) {
        unsigned kind = (unsigned)fuzz_below(r, 16);
        if (kind == 0)
            put_msr(&w, r, mode_bits);
        else if (kind < 4)
            put_imm(&w, fuzz_next(r), 8);
        else
            put_insn(&w, r, mode_bits);
    }
}
