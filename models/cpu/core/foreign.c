/* SPDX-License-Identifier: Apache-2.0 */
/* Which #UD is met by an instruction that exists, but not in this core, and what it is called. Names come from the
 * opcode table (a feature that is not enumerated), from foreign.def, from Capstone; a VEX or EVEX encoding without
 * a name is described. UD0 to UD2 and illegal forms of instructions that are there are the processor's own #UD. */
#include "decode.h"

#include <string.h>

#define FOREIGN(escape_, map_, opcode_, prefix_, mod_, reg_, w_, imm_, name_)                                          \
    {                                                                                                                  \
        .name = (name_),                                                                                               \
        .escape = ESCAPE_##escape_,                                                                                    \
        .map = (map_),                                                                                                 \
        .opcode = (opcode_),                                                                                           \
        .prefix = PFX_##prefix_,                                                                                       \
        .mod = MOD_##mod_,                                                                                             \
        .reg = (reg_),                                                                                                 \
        .w = (w_),                                                                                                     \
        .modrm = -1,                                                                                                   \
        .imm_bytes = (imm_),                                                                                           \
    },
#define FOREIGN_MODRM(escape_, map_, opcode_, modrm_, prefix_, name_)                                                  \
    {                                                                                                                  \
        .name = (name_),                                                                                               \
        .escape = ESCAPE_##escape_,                                                                                    \
        .map = (map_),                                                                                                 \
        .opcode = (opcode_),                                                                                           \
        .prefix = PFX_##prefix_,                                                                                       \
        .mod = MOD_REG,                                                                                                \
        .reg = -1,                                                                                                     \
        .w = -1,                                                                                                       \
        .modrm = (modrm_),                                                                                             \
    },
static const struct foreign {
    const char *name;
    uint8_t escape, map, opcode, prefix, mod;
    int8_t reg, w;
    int16_t modrm;
    uint8_t imm_bytes;
} foreign[] = {
#include "foreign.def"
};

static bool prefix_fits(unsigned prefix, const struct insn *in)
{
    switch ((enum prefix_rule)prefix) {
    case PFX_ANY: return true;
    case PFX_NONE: return !in->rep && !in->opsize;
    case PFX_66: return !in->rep && in->opsize;
    case PFX_F2: return in->rep == 0xf2;
    case PFX_F3: return in->rep == 0xf3;
    }
    return false;
}

static bool is_it(const struct foreign *f, const struct insn *in, enum escape escape, unsigned map)
{
    bool is_reg = in->mod == 3;
    return f->escape == escape && f->map == map && f->opcode == in->opcode && in->has_modrm &&
           prefix_fits(f->prefix, in) && (f->mod == MOD_ANY || (f->mod == MOD_REG) == is_reg) &&
           (f->reg < 0 || f->reg == (in->modrm >> 3 & 7)) && (f->modrm < 0 || f->modrm == in->modrm) &&
           (f->w < 0 || (in->rex >> 3 & 1) == f->w);
}

static void append_hex(char *text, size_t size, unsigned byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char hex[3] = {digits[byte >> 4 & 15], digits[byte & 15], '\0'};
    text_append(text, size, hex);
}

/* Has the table this VEX opcode? Then L, W or vvvv is illegal. */
static bool is_illegal_form(const struct decoder *d, const struct insn *in, unsigned map)
{
    if (map > 3)
        return false;
    for (size_t i = 0; i < opcode_table_size; i++) {
        const struct opcode_row *row = &opcode_table[i];
        if (row->map == MAP_VEX_0F + map - 1 && row->opcode == in->opcode && decoder_has_row(d, row) &&
            prefix_fits(row->prefix, in))
            return true;
    }
    return false;
}

/* SDM Vol. 2, "Opcode Map": which vector instructions have an immediate byte. */
static unsigned immediate_bytes(unsigned map, unsigned opcode)
{
    bool has_in_map_1 = (opcode & 0xfc) == 0x70 || opcode == 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6);
    return map == 3 || (map == 1 && has_in_map_1);
}

/* "VEX-encoded instruction (prefix 66, map 02, opcode 18)": one name for each opcode. */
static uint32_t describe(const struct decoder *d, const struct insn *in, enum escape escape, unsigned map, char *name,
                         size_t name_size)
{
    if (escape != ESCAPE_EVEX && (escape != ESCAPE_VEX || is_illegal_form(d, in, map)))
        return 0;
    text_append(name, name_size, escape == ESCAPE_VEX ? "VEX" : "EVEX");
    text_append(name, name_size, "-encoded instruction (prefix ");
    append_hex(name, name_size, in->rep ? in->rep : in->opsize ? 0x66 : 0);
    text_append(name, name_size, ", map ");
    append_hex(name, name_size, map);
    text_append(name, name_size, ", opcode ");
    append_hex(name, name_size, in->opcode);
    text_append(name, name_size, ")");
    return in->length + immediate_bytes(map, in->opcode);
}

/* Capstone writes some mnemonics with the operand size that REX.W gives them. */
static bool is_same_mnemonic(const char *theirs, const char *ours)
{
    size_t n = strlen(ours);
    return strncmp(theirs, ours, n) == 0 && (theirs[n] == 0 || strcmp(theirs + n, "64") == 0);
}

/* Capstone's answer: it knows the instruction, and no enumerated row of the table has that name. */
static uint32_t ask_capstone(struct decoder *d, const uint8_t *bytes, size_t size, uint32_t mode, enum escape escape,
                             bool *known, char *name, size_t name_size)
{
    static const char *const undefined[] = {"ud0", "ud1", "ud2", "ud2b"};
    const char *mnemonic, *operands;
    uint32_t length = decoder_text(d, bytes, size, 0, mode, &mnemonic, &operands);
    *known = length != 0;
    if (length == 0)
        return 0;
    for (size_t i = 0; i < sizeof undefined / sizeof undefined[0]; i++)
        if (strcmp(mnemonic, undefined[i]) == 0)
            return 0;
    /* An instruction that is there, in a form that is not legal; XOP has a BEXTR of its own. */
    for (size_t i = 0; i < opcode_table_size && escape != ESCAPE_XOP; i++)
        if (decoder_has_row(d, &opcode_table[i]) && is_same_mnemonic(mnemonic, opcode_table[i].mnemonic))
            return 0;
    text_append(name, name_size, mnemonic);
    return length;
}

uint32_t decoder_unimplemented(struct decoder *d, const uint8_t *bytes, size_t size, uint32_t mode, char *name,
                               size_t name_size)
{
    struct insn in;
    enum escape escape = ESCAPE_LEGACY;
    unsigned map = 0;
    name[0] = '\0';
    if (decode_with_all_features(d, bytes, size, mode, &in)) {
        text_append(name, name_size, in.row->mnemonic);
        return in.length;
    }
    if (!decode_any(bytes, size, mode, &in, &escape, &map) || in.lock) /* LOCK is never allowed with these */
        return 0;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (is_it(&foreign[i], &in, escape, map)) {
            text_append(name, name_size, foreign[i].name);
            return in.length + (uint32_t)foreign[i].imm_bytes;
        }
    bool known;
    uint32_t length = ask_capstone(d, bytes, size, mode, escape, &known, name, name_size);
    if (length != 0 || known)
        return length;
    length = describe(d, &in, escape, map, name, name_size);
    return length <= size ? length : 0;
}
