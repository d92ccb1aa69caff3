/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to struct insn. Prefixes, ModRM and SIB are split here; the opcode table says which operands follow; Capstone
 * is the judge of validity and length for all rows but those marked ROW_OWN, which it does not know (the UINTR group
 * among them: it takes SENDUIPI for RDRAND). No side effects; the decoder's only state is Capstone's handles. Source:
 * SDM Vol. 2, "Instruction Format"; the 15-byte limit: "Instruction Prefixes". */
#include "decode.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
    struct cpu_features features; /* enumerated: rows of others do not exist */
    csh handle[3];                /* 16, 32, 64 bit */
    cs_insn *insn;                /* allocated once */
    uint16_t first[MAP_COUNT][256];
    uint16_t next[OPCODE_TABLE_MAX]; /* next row with the same opcode; 0 ends */
};

static void index_row(struct decoder *d, unsigned map, unsigned opcode, uint16_t row_plus_1)
{
    uint16_t *link = &d->first[map][opcode];
    if (*link == 0) {
        *link = row_plus_1;
        return;
    }
    uint16_t at = *link;
    while (d->next[at] != 0)
        at = d->next[at];
    if (at != row_plus_1)
        d->next[at] = row_plus_1;
}

struct decoder *decoder_create(const struct cpu_features *features)
{
    static const cs_mode modes[3] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    struct decoder *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    VP_ASSERT(opcode_table_size < OPCODE_TABLE_MAX);
    d->features = *features;
    for (int i = 0; i < 3; i++) {
        if (cs_open(CS_ARCH_X86, modes[i], &d->handle[i]) != CS_ERR_OK) {
            decoder_destroy(d);
            return NULL;
        }
        cs_option(d->handle[i], CS_OPT_DETAIL, CS_OPT_ON);
    }
    d->insn = cs_malloc(d->handle[2]);
    if (!d->insn) {
        decoder_destroy(d);
        return NULL;
    }
    for (size_t i = 0; i < opcode_table_size; i++) {
        const struct opcode_row *row = &opcode_table[i];
        unsigned count = (row->flags & ROW_RANGE8) ? 8 : (row->flags & ROW_RANGE16) ? 16 : 1;
        if (row->opcode == 0x90 && row->map == MAP_1 && row->prefix == PFX_F3)
            count = 1;
        for (unsigned k = 0; k < count; k++)
            if (d->first[row->map][row->opcode + k] == 0 || count == 1)
                index_row(d, row->map, row->opcode + k, (uint16_t)(i + 1));
    }
    /* Rows of a range share one `next`: 90H (PAUSE first, then the range of XCHG) is the only opcode with both. */
    d->next[d->first[MAP_1][0x90]] = d->first[MAP_1][0x91];
    return d;
}

void decoder_destroy(struct decoder *d)
{
    if (!d)
        return;
    if (d->insn)
        cs_free(d->insn, 1);
    for (int i = 0; i < 3; i++)
        if (d->handle[i])
            cs_close(&d->handle[i]);
    free(d);
}

/* The bytes that are at hand, consumed one by one. */
struct reader {
    const uint8_t *bytes;
    size_t available, at;
    bool short_of;
};

static uint64_t take(struct reader *r, unsigned n)
{
    uint64_t v = 0;
    if (r->at + n > r->available) {
        r->short_of = true;
        r->at = r->available;
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)r->bytes[r->at + i] << (8 * i);
    r->at += n;
    return v;
}

static int64_t take_signed(struct reader *r, unsigned n)
{
    uint64_t v = take(r, n);
    unsigned shift = 64 - 8 * n;
    return (int64_t)(v << shift) >> shift;
}

static bool vex_fields_match(uint32_t flags, const struct insn *in)
{
    bool wide = (in->rex & 8) != 0;
    return !((flags & ROW_VEX_L0) && in->vex_l) && !((flags & ROW_VEX_L1) && !in->vex_l) &&
           !((flags & ROW_VEX_W0) && wide) && !((flags & ROW_VEX_W1) && !wide) &&
           !((flags & ROW_VEX_NO_V) && in->vvvv != 0);
}

static bool row_matches(const struct opcode_row *row, const struct insn *in, uint64_t modes64)
{
    if ((row->flags & ROW_NO64) && modes64)
        return false;
    if ((row->flags & ROW_ONLY64) && !modes64)
        return false;
    switch ((enum prefix_rule)row->prefix) {
    case PFX_ANY: break;
    case PFX_NONE:
        if (in->rep || in->opsize)
            return false;
        break;
    case PFX_66:
        if (in->rep || !in->opsize)
            return false;
        break;
    case PFX_F2:
        if (in->rep != 0xf2)
            return false;
        break;
    case PFX_F3:
        if (in->rep != 0xf3)
            return false;
        break;
    }
    if (in->vex && !vex_fields_match(row->flags, in))
        return false;
    if (row->modrm >= 0 && in->modrm != row->modrm)
        return false;
    if (row->ext >= 0 && ((in->modrm >> 3) & 7) != row->ext)
        return false;
    bool is_reg = (in->modrm >> 6) == 3;
    return row->mod == MOD_ANY || (row->mod == MOD_REG) == is_reg;
}

/* Does any row of this opcode carry a ModRM byte? All rows of an opcode agree, but for 90H. */
static bool form_has_modrm(const struct opcode_row *row) { return row->form >= FORM_E && row->form <= FORM_GEIZ; }

/* SDM Vol. 2, tables "16-Bit Addressing Forms", "32-Bit Addressing Forms", "SIB Byte". */
static void take_address(struct reader *r, struct insn *in, bool code64)
{
    in->base = in->index = -1;
    unsigned rm = in->modrm & 7u, mod = in->mod;
    if (in->address_bytes == 2) {
        static const int8_t bases[8] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
        static const int8_t indexes[8] = {RSI, RDI, RSI, RDI, -1, -1, -1, -1};
        if (mod == 0 && rm == 6) {
            in->disp = take_signed(r, 2);
            return;
        }
        in->base = bases[rm];
        in->index = indexes[rm];
        in->disp = mod == 1 ? take_signed(r, 1) : mod == 2 ? take_signed(r, 2) : 0;
        return;
    }
    if (rm == 4) {
        uint8_t sib = (uint8_t)take(r, 1);
        unsigned index = ((sib >> 3) & 7u) | ((in->rex & 2u) << 2), base = (sib & 7u) | ((in->rex & 1u) << 3);
        in->scale = sib >> 6;
        in->index = index == RSP ? -1 : (int8_t)index;
        if ((sib & 7) == 5 && mod == 0) {
            in->disp = take_signed(r, 4);
            return;
        }
        in->base = (int8_t)base;
    } else if (rm == 5 && mod == 0) {
        in->disp = take_signed(r, 4);
        in->base = code64 ? 16 : -1; /* RIP-relative in 64-bit mode */
        return;
    } else {
        in->base = (int8_t)(rm | ((in->rex & 1u) << 3));
    }
    if (mod == 1)
        in->disp = take_signed(r, 1);
    else if (mod == 2)
        in->disp = take_signed(r, 4);
}

static uint8_t operand_bytes(const struct opcode_row *row, const struct insn *in, bool code64, bool code32)
{
    bool wide = (in->rex & 8) != 0;
    uint8_t plain = (uint8_t)((code64 || code32) ? (in->opsize ? 2 : 4) : (in->opsize ? 4 : 2));
    switch ((enum size_rule)row->size) {
    case SIZE_B: return 1;
    case SIZE_W: return 2;
    case SIZE_D: return code64 && wide ? 4 : plain; /* REX.W goes before 66H: SDM Vol. 2, "REX Prefixes" */
    case SIZE_Q: return 8;
    case SIZE_V: return code64 && wide ? 8 : plain;
    case SIZE_V64:
        if (!code64)
            return plain;
        /* Near branches ignore 66H in 64-bit mode as Intel's processors do (SDM Vol. 2, "Jcc", "CALL"). */
        if (row->cls == TIMING_CLASS_branch)
            return 8;
        return in->opsize && !wide ? 2 : 8;
    case SIZE_Y: return code64 && wide ? 8 : 4;
    case SIZE_NATURAL: return code64 ? 8 : plain;
    }
    return plain;
}

static void take_immediates(struct reader *r, const struct opcode_row *row, struct insn *in)
{
    unsigned z = in->operand_bytes == 2 ? 2 : 4;
    switch ((enum form)row->form) {
    case FORM_EIB:
    case FORM_EGIB:
    case FORM_GEIB:
    case FORM_IB:
    case FORM_ZIB:
    case FORM_AIB:
    case FORM_JB:
        /* D0H..D3H reach here as FORM_E and have no immediate */
        in->imm = (uint64_t)take_signed(r, 1);
        break;
    case FORM_EIZ:
    case FORM_GEIZ:
    case FORM_AIZ:
    case FORM_IZ:
    case FORM_JZ: in->imm = (uint64_t)take_signed(r, z); break;
    case FORM_IW: in->imm = take(r, 2); break;
    case FORM_IWIB:
        in->imm = take(r, 2);
        in->imm |= take(r, 1) << 16;
        break;
    case FORM_ZIV: in->imm = in->operand_bytes == 8 ? take(r, 8) : (uint64_t)take_signed(r, z); break;
    case FORM_FAR:
        in->imm = take(r, z);
        in->imm2 = take(r, 2);
        break;
    case FORM_AO:
    case FORM_OA: in->disp = (int64_t)take(r, in->address_bytes); break;
    default: break;
    }
}

/* Capstone's answer: the instruction's length, 0 if it is none. */
static uint32_t capstone_length(struct decoder *d, const struct reader *r, unsigned mode_index)
{
    const uint8_t *code = r->bytes;
    size_t size = r->available < INSN_MAX_LENGTH ? r->available : INSN_MAX_LENGTH;
    uint64_t address = 0;
    if (!cs_disasm_iter(d->handle[mode_index], &code, &size, &address, d->insn))
        return 0;
    return d->insn->size;
}

/* C4H and C5H are VEX prefixes in 64-bit mode, and elsewhere in protected mode if the next byte could not be the ModRM
 * byte of LES or LDS, which have no register form. */
static bool is_vex(const struct reader *r, const struct insn *in, uint32_t mode)
{
    if (in->opcode != 0xc4 && in->opcode != 0xc5)
        return false;
    if (mode & MODE_CODE64)
        return true;
    return (mode & MODE_PROT) && r->at < r->available && (r->bytes[r->at] & 0xc0) == 0xc0;
}

/* The rest of a VEX prefix and the opcode. False: not a legal prefix, or bytes are missing. The fields become those of
 * the legacy prefixes that they stand for. SDM Vol. 2, "The VEX Prefix". */
static bool take_vex(struct reader *r, struct insn *in, bool code64, unsigned *map)
{
    bool legal = !in->lock && !in->opsize && !in->rep && !in->rex, three = in->opcode == 0xc4;
    uint8_t first = (uint8_t)take(r, 1), last = three ? (uint8_t)take(r, 1) : first;
    unsigned select = three ? first & 31u : 1;
    uint8_t extend = (uint8_t)(three ? (first >> 5) ^ 7u : (first >> 5 & 4u) ^ 4u); /* R, X, B, stored inverted */
    in->vex = true;
    in->vex_l = last >> 2 & 1;
    in->vvvv = (uint8_t)((last >> 3 & 15u) ^ 15u);
    in->rex = 0x40;
    if (three && (last & 0x80))
        in->rex |= 8;
    if (code64)
        in->rex |= extend;
    else
        in->vvvv &= 7;
    in->opsize = (last & 3) == 1;
    in->rep = (last & 3) == 2 ? 0xf3 : (last & 3) == 3 ? 0xf2 : 0;
    in->opcode = (uint8_t)take(r, 1);
    *map = select == 1 ? MAP_VEX_0F : select == 2 ? MAP_VEX_0F38 : MAP_VEX_0F3A;
    return !r->short_of && legal && select >= 1 && select <= 3;
}

static bool take_prefixes(struct reader *r, struct insn *in, bool code64)
{
    for (;;) {
        uint8_t b = (uint8_t)take(r, 1);
        if (r->short_of)
            return false;
        if (code64 && (b & 0xf0) == 0x40) {
            in->rex = b; /* only the one directly before the opcode counts */
            continue;
        }
        switch (b) {
        case 0xf0: in->lock = true; break;
        case 0xf2:
        case 0xf3: in->rep = b; break;
        case 0x66: in->opsize = true; break;
        case 0x67: in->addrsize = true; break;
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
            if (!code64) /* null prefixes in 64-bit mode */
                in->seg = b == 0x2e ? SEG_CS : b == 0x36 ? SEG_SS : b == 0x3e ? SEG_DS : SEG_ES;
            break;
        case 0x64: in->seg = SEG_FS; break;
        case 0x65: in->seg = SEG_GS; break;
        default: in->opcode = b; return true;
        }
        in->rex = 0;
    }
}

/* Prefixes, escape and opcode. False: bytes are missing, or a VEX prefix is not legal. */
static bool take_opcode(struct reader *r, struct insn *in, uint32_t mode, unsigned *map)
{
    bool code64 = (mode & MODE_CODE64) != 0;
    *map = MAP_1;
    if (!take_prefixes(r, in, code64))
        return false;
    if (is_vex(r, in, mode))
        return take_vex(r, in, code64, map);
    if (in->opcode == 0x0f) {
        *map = MAP_0F;
        in->opcode = (uint8_t)take(r, 1);
        if (!r->short_of && (in->opcode == 0x38 || in->opcode == 0x3a)) {
            *map = in->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
            in->opcode = (uint8_t)take(r, 1);
        }
    }
    return !r->short_of;
}

static bool take_modrm(struct reader *r, struct insn *in)
{
    in->modrm = (uint8_t)take(r, 1);
    in->has_modrm = true;
    in->mod = in->modrm >> 6;
    in->reg = (uint8_t)(((in->modrm >> 3) & 7u) | ((in->rex & 4u) << 1));
    in->rm = (uint8_t)((in->modrm & 7u) | ((in->rex & 1u) << 3));
    return !r->short_of;
}

static uint8_t address_bytes(const struct insn *in, uint32_t mode)
{
    if (mode & MODE_CODE64)
        return in->addrsize ? 4 : 8;
    return ((mode & MODE_CODE32) != 0) != in->addrsize ? 4 : 2;
}

/* F3 0F BC is TZCNT where that is enumerated and BSF elsewhere: a row without its feature is not there. */
bool decoder_has_row(const struct decoder *d, const struct opcode_row *row)
{
    return row->feature == 0 || d->features.has[row->feature - 1];
}

static const struct opcode_row *find_row(const struct decoder *d, unsigned map, const struct insn *in, bool code64)
{
    for (uint16_t i = d->first[map][in->opcode]; i != 0; i = d->next[i])
        if (decoder_has_row(d, &opcode_table[i - 1]) && row_matches(&opcode_table[i - 1], in, code64))
            return &opcode_table[i - 1];
    return NULL;
}

/* Segment, control and debug registers that are not there make the encoding undefined (SDM Vol. 2, the pages of MOV).
 */
static bool register_exists(const struct opcode_row *row, const struct insn *in, bool code64)
{
    unsigned segment = in->reg & 7u;
    switch (row->handler) {
    case H_mov_from_seg: return segment <= SEG_GS;
    case H_mov_to_seg: return segment <= SEG_GS && segment != SEG_CS;
    case H_mov_from_cr:
    case H_mov_to_cr: return in->reg == 0 || (in->reg >= 2 && in->reg <= 4) || (in->reg == 8 && code64);
    case H_mov_from_dr:
    case H_mov_to_dr: return in->reg < 8;
    default: return true;
    }
}

enum decode_result decode(struct decoder *d, const uint8_t *bytes, size_t available, uint32_t mode, uint64_t rip,
                          struct insn *in)
{
    bool code64 = (mode & MODE_CODE64) != 0, code32 = (mode & MODE_CODE32) != 0;
    struct reader r = {bytes, available < INSN_MAX_LENGTH ? available : INSN_MAX_LENGTH, 0, false};
    enum decode_result too_few = available < INSN_MAX_LENGTH ? DECODE_SHORT : DECODE_TOO_LONG;

    memset(in, 0, sizeof *in);
    in->seg = -1;
    in->base = in->index = -1;
    unsigned map;
    if (!take_opcode(&r, in, mode, &map))
        return r.short_of ? too_few : DECODE_UNDEFINED;
    uint16_t first = d->first[map][in->opcode];
    if (first == 0)
        return DECODE_UNDEFINED;
    const struct opcode_row *row = &opcode_table[first - 1];
    /* 90H with F3 is the one opcode whose first row does not speak for all. */
    if (form_has_modrm(row)) {
        if (!take_modrm(&r, in))
            return too_few;
    }
    row = find_row(d, map, in, code64);
    if (!row || !register_exists(row, in, code64))
        return DECODE_UNDEFINED;
    in->address_bytes = address_bytes(in, mode);
    in->operand_bytes = operand_bytes(row, in, code64, code32);
    if (row->flags & ROW_NO_RM_MEM)
        in->mod = 3;
    if (in->has_modrm && in->mod != 3)
        take_address(&r, in, code64);
    take_immediates(&r, row, in);
    if (r.short_of)
        return too_few;
    bool is_mem = in->has_modrm && in->mod != 3;
    if (in->lock && !((row->flags & ROW_LOCK) && is_mem && row->form != FORM_GE))
        return DECODE_UNDEFINED;
    if (in->base == 16)
        in->disp += (int64_t)(rip + r.at);
    in->length = (uint8_t)r.at;
    in->row = row;
    /* Ours alone: rows Capstone does not know, and prefixes on which it is too strict or too lax to be asked. */
    if (!(row->flags & ROW_OWN) && !in->rep && !in->opsize && !in->lock) {
        uint32_t length = capstone_length(d, &r, code64 ? 2 : code32 ? 1 : 0);
        if (length == 0)
            return DECODE_UNDEFINED;
        if (length != in->length)
            return DECODE_UNDEFINED;
    }
    memcpy(in->bytes, bytes, in->length);
    return DECODE_OK;
}

uint32_t decoder_text(struct decoder *d, const uint8_t *bytes, size_t size, uint64_t rip, uint32_t mode,
                      const char **mnemonic, const char **operands)
{
    const uint8_t *code = bytes;
    uint64_t address = rip;
    csh handle = d->handle[(mode & MODE_CODE64) ? 2 : (mode & MODE_CODE32) ? 1 : 0];
    if (!cs_disasm_iter(handle, &code, &size, &address, d->insn))
        return 0;
    *mnemonic = d->insn->mnemonic;
    *operands = d->insn->op_str;
    return d->insn->size;
}

bool decode_with_all_features(struct decoder *d, const uint8_t *bytes, size_t available, uint32_t mode,
                              struct insn *insn)
{
    struct cpu_features enumerated = d->features;
    memset(&d->features, true, sizeof d->features);
    enum decode_result result = decode(d, bytes, available, mode, 0, insn);
    d->features = enumerated;
    return result == DECODE_OK;
}

/* EVEX is 62H and XOP 8FH where BOUND and POP could not be meant; their first payload byte has the map. SDM Vol. 2,
 * "Intel AVX-512 Encoding", and the XOP prefix of AMD's manual, Vol. 6. */
static enum escape escape_of(const struct reader *r, const struct insn *in, uint32_t mode)
{
    uint8_t next = r->at < r->available ? r->bytes[r->at] : 0;
    if (in->vex || is_vex(r, in, mode))
        return ESCAPE_VEX;
    if (in->opcode == 0x62 && ((mode & MODE_CODE64) || ((mode & MODE_PROT) && (next & 0xc0) == 0xc0)))
        return ESCAPE_EVEX;
    return in->opcode == 0x8f && (next & 0x1f) >= 8 ? ESCAPE_XOP : ESCAPE_LEGACY;
}

/* Payload of VEX, EVEX or XOP, and the opcode. The prefixes before it must be none of the legacy ones. */
static bool take_payload(struct reader *r, struct insn *in, enum escape escape, unsigned *map)
{
    bool legal = !in->lock && !in->opsize && !in->rep && !in->rex, two = in->opcode == 0xc5;
    uint8_t first = (uint8_t)take(r, 1), second = two ? first : (uint8_t)take(r, 1);
    if (escape == ESCAPE_EVEX) {
        (void)take(r, 1);
        legal = legal && !(first & 8) && (second & 4);
    }
    in->rex = second & 0x80 && !two ? 0x48 : 0x40;
    in->opsize = (second & 3) == 1;
    in->rep = (second & 3) == 2 ? 0xf3 : (second & 3) == 3 ? 0xf2 : 0;
    *map = two ? 1 : first & (escape == ESCAPE_EVEX ? 7u : 31u);
    in->opcode = (uint8_t)take(r, 1);
    return legal && *map != 0;
}

bool decode_any(const uint8_t *bytes, size_t available, uint32_t mode, struct insn *in, enum escape *escape,
                unsigned *map)
{
    struct reader r = {bytes, available < INSN_MAX_LENGTH ? available : INSN_MAX_LENGTH, 0, false};
    memset(in, 0, sizeof *in);
    if (!take_prefixes(&r, in, (mode & MODE_CODE64) != 0))
        return false;
    *escape = escape_of(&r, in, mode);
    if (*escape != ESCAPE_LEGACY) {
        if (!take_payload(&r, in, *escape, map))
            return false;
    } else {
        r.at = 0;
        memset(in, 0, sizeof *in);
        if (!take_opcode(&r, in, mode, map))
            return false;
    }
    in->length = (uint8_t)r.at; /* of an instruction without operands */
    if (r.at < r.available && take_modrm(&r, in)) {
        in->address_bytes = address_bytes(in, mode);
        if (in->mod != 3)
            take_address(&r, in, (mode & MODE_CODE64) != 0);
        in->length = (uint8_t)r.at;
    }
    return !r.short_of;
}
