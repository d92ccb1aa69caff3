/* SPDX-License-Identifier: Apache-2.0 */
/* The opcode table in the notation of SDM Vol. 2, "Interpreting the Instruction Reference Pages". */
#include "cpu_opcodes.h"
#include "decode.h"

#include <string.h>

struct text {
    char *at, *end; /* end: where the terminating zero goes at the latest */
};

static void add(struct text *t, const char *s)
{
    while (*s && t->at < t->end)
        *t->at++ = *s++;
    *t->at = '\0';
}

static void add_byte(struct text *t, unsigned byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char hex[3] = {digits[byte >> 4 & 15], digits[byte & 15], '\0'};
    add(t, hex);
}

static void add_prefix_and_map(struct text *t, const struct opcode_row *row)
{
    static const char *const prefixes[] = {
        [PFX_ANY] = "", [PFX_NONE] = "", [PFX_66] = "66 ", [PFX_F2] = "F2 ", [PFX_F3] = "F3 "};
    static const char *const vex_prefixes[] = {
        [PFX_ANY] = "", [PFX_NONE] = "", [PFX_66] = ".66", [PFX_F2] = ".F2", [PFX_F3] = ".F3"};
    static const char *const maps[] = {
        [MAP_1] = "",         [MAP_0F] = "0F ",         [MAP_0F38] = "0F 38 ",   [MAP_0F3A] = "0F 3A ",
        [MAP_VEX_0F] = ".0F", [MAP_VEX_0F38] = ".0F38", [MAP_VEX_0F3A] = ".0F3A"};
    if (row->map < MAP_VEX_0F) {
        add(t, prefixes[row->prefix]);
        add(t, maps[row->map]);
        return;
    }
    add(t, "VEX");
    add(t, (row->flags & ROW_VEX_L0) ? ".L0" : (row->flags & ROW_VEX_L1) ? ".L1" : "");
    add(t, vex_prefixes[row->prefix]);
    add(t, maps[row->map]);
    add(t, (row->flags & ROW_VEX_W0) ? ".W0 " : (row->flags & ROW_VEX_W1) ? ".W1 " : " ");
}

static void add_operands(struct text *t, const struct opcode_row *row)
{
    static const char *const immediates[] = {
        [FORM_EIB] = " ib", [FORM_EIZ] = " iz",   [FORM_EGIB] = " ib",    [FORM_GEIB] = " ib", [FORM_GEIZ] = " iz",
        [FORM_AIB] = " ib", [FORM_AIZ] = " iz",   [FORM_ZIB] = " ib",     [FORM_ZIV] = " iv",  [FORM_IB] = " ib",
        [FORM_IW] = " iw",  [FORM_IZ] = " iz",    [FORM_IWIB] = " iw ib", [FORM_JB] = " cb",   [FORM_JZ] = " cz",
        [FORM_FAR] = " cp", [FORM_AO] = " moffs", [FORM_OA] = " moffs"};
    bool has_modrm = row->form >= FORM_E && row->form <= FORM_GEIZ;
    if (row->flags & ROW_RANGE8)
        add(t, "+r");
    if (row->flags & ROW_RANGE16)
        add(t, "+cc");
    if (row->modrm >= 0) {
        add(t, " ");
        add_byte(t, (unsigned)row->modrm);
    } else if (row->ext >= 0) {
        const char digit[4] = {' ', '/', (char)('0' + row->ext), '\0'};
        add(t, digit);
    } else if (has_modrm) {
        add(t, " /r");
    }
    if (row->modrm < 0 && has_modrm && row->mod != MOD_ANY)
        add(t, row->mod == MOD_MEM ? " (memory)" : " (register)");
    if (row->form < sizeof immediates / sizeof immediates[0] && immediates[row->form])
        add(t, immediates[row->form]);
}

size_t cpu_opcode_count(void) { return opcode_table_size; }

void cpu_opcode_describe(size_t n, struct cpu_opcode *opcode)
{
    const struct opcode_row *row = &opcode_table[n];
    memset(opcode, 0, sizeof *opcode);
    opcode->mnemonic = row->mnemonic;
    opcode->feature = row->feature ? cpu_feature_name((enum cpu_feature)(row->feature - 1)) : NULL;
    opcode->in_64_bit_mode = !(row->flags & ROW_NO64);
    opcode->in_other_modes = !(row->flags & ROW_ONLY64);
    struct text t = {opcode->encoding, opcode->encoding + sizeof opcode->encoding - 1};
    add_prefix_and_map(&t, row);
    add_byte(&t, row->opcode);
    add_operands(&t, row);
}
