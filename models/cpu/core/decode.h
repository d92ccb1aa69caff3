/* SPDX-License-Identifier: Apache-2.0 */
/* Instruction bytes to fields, and the opcode table: encoding, operand form, handler. No side effects.
 * Source: SDM Vol. 2, "Instruction Format" and "Opcode Map". */
#ifndef CPU_DECODE_H
#define CPU_DECODE_H

#include "cpu_state.h"

#define INSN_MAX_LENGTH 15

/* VEX encodings have maps of their own; there the prefix rule is VEX.pp. */
enum opcode_map { MAP_1, MAP_0F, MAP_0F38, MAP_0F3A, MAP_VEX_0F, MAP_VEX_0F38, MAP_VEX_0F3A, MAP_COUNT };

/* Operand forms: E = ModRM.r/m, G = ModRM.reg, I = immediate, Z = register in the opcode, A = accumulator. */
enum form {
    FORM_NONE,
    FORM_E,
    FORM_EG,
    FORM_GE,
    FORM_EIB,
    FORM_EIZ,
    FORM_EGIB,
    FORM_GEIB,
    FORM_GEIZ,
    FORM_AIB,
    FORM_AIZ,
    FORM_Z,
    FORM_ZIB,
    FORM_ZIV,
    FORM_IB,
    FORM_IW,
    FORM_IZ,
    FORM_IWIB,
    FORM_JB,
    FORM_JZ,
    FORM_FAR,
    FORM_AO,
    FORM_OA,
};

/* Operand sizes: V = 16/32/64 by prefixes and mode; V64 = V with 64 as default in 64-bit mode; Y = 32 or 64 by REX.W.
 */
enum size_rule { SIZE_B, SIZE_V, SIZE_V64, SIZE_W, SIZE_D, SIZE_Q, SIZE_Y, SIZE_NATURAL };

enum prefix_rule { PFX_ANY, PFX_NONE, PFX_66, PFX_F2, PFX_F3 };
enum mod_rule { MOD_ANY, MOD_REG, MOD_MEM };

/* Register file of ModRM.reg and of ModRM.r/m: general, XMM0..15, or MM0..7 (offset in the x87 registers). */
enum reg_file { FILE_GPR, FILE_XMM, FILE_MMX };

/* The unit that CR0.EM, CR0.TS and CR4.OSFXSR can switch off (SDM Vol. 3, "Control Registers"). */
enum unit { UNIT_INT, UNIT_X87, UNIT_MMX, UNIT_SSE };

/* How a row becomes a record. */
enum kind {
    KIND_ONE,   /* the handler as it is                                     */
    KIND_SIZED, /* the handler of the operand size                          */
    KIND_Y,     /* two handlers: of 32 and of 64 bits                       */
    KIND_ALU,   /* five forms of four sizes, see handlers.def               */
    KIND_MOV,   /* the same for mov                                         */
    KIND_JCC,
    KIND_BRANCH,
    KIND_CC, /* condition in the opcode; direct target; setcc, cmov */
    KIND_XCHG,
    KIND_EXTEND,
    KIND_STACK_REG,
};

#define ROW_ENDS 0x001u      /* last of its block                                       */
#define ROW_ALONE 0x002u     /* a block of its own: reads time or touches the world     */
#define ROW_LOCK 0x004u      /* LOCK is legal with a memory destination                 */
#define ROW_NO64 0x008u      /* #UD in 64-bit mode                                      */
#define ROW_ONLY64 0x010u    /* #UD elsewhere                                           */
#define ROW_KEEPS 0x020u     /* leaves the status flags alone                           */
#define ROW_OWN 0x040u       /* Capstone does not know it or is wrong                   */
#define ROW_RANGE8 0x080u    /* eight opcodes: the low three bits are a register        */
#define ROW_RANGE16 0x100u   /* sixteen opcodes: the low four bits are a condition      */
#define ROW_FAR_MEM 0x200u   /* memory operand of 16:offset                             */
#define ROW_NO_RM_MEM 0x400u /* r/m is always a register, whatever mod (MOV CRn)      */
/* Of VEX encodings; without these, any value is legal. */
#define ROW_VEX_L0 0x800u
#define ROW_VEX_L1 0x1000u
#define ROW_VEX_W0 0x2000u
#define ROW_VEX_W1 0x4000u
#define ROW_VEX_NO_V 0x8000u /* no register in vvvv: it must be 1111B                 */

struct opcode_row {
    const char *mnemonic;
    uint8_t map, opcode;
    int8_t ext; /* ModRM.reg, -1 any; 8 + n: whole ModRM byte is C0H + n ... see EXT_MODRM */
    uint8_t prefix, mod, form, size, kind;
    uint16_t handler;
    uint8_t cls;
    int16_t modrm;    /* exact ModRM byte, or -1 */
    uint32_t feature; /* enum cpu_feature + 1 that must be enumerated, 0 for none */
    uint32_t flags;
    uint8_t reg_file, rm_file; /* enum reg_file; VEX.vvvv is in that of reg */
    uint8_t unit;              /* enum unit */
};

/* A row of a vector instruction: files of reg and r/m, and the unit. Its handlers take operands as offsets into them.
 */
#define ROW_VECTOR(feature_, unit_, map_, op_, ext_, pfx_, mod_, form_, size_, reg_, rm_, handler_, cls_, flags_,      \
                   name_)                                                                                              \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_##map_, .opcode = op_, .ext = ext_, .prefix = PFX_##pfx_, .mod = MOD_##mod_,     \
        .form = FORM_##form_, .size = SIZE_##size_, .kind = KIND_ONE, .handler = H_##handler_,                         \
        .cls = TIMING_CLASS_##cls_, .modrm = -1, .feature = CPU_FEATURE_##feature_ + 1, .flags = (flags_),             \
        .reg_file = FILE_##reg_, .rm_file = FILE_##rm_, .unit = UNIT_##unit_,                                          \
    }
/* The same for instructions on 32 or 64 bits of a general register: handler_ is the one of 32, that of 64 follows. */
#define ROW_VECTOR_Y(feature_, unit_, map_, op_, ext_, pfx_, mod_, form_, size_, reg_, rm_, handler_, cls_, flags_,    \
                     name_)                                                                                            \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_##map_, .opcode = op_, .ext = ext_, .prefix = PFX_##pfx_, .mod = MOD_##mod_,     \
        .form = FORM_##form_, .size = SIZE_##size_, .kind = KIND_Y, .handler = H_##handler_,                           \
        .cls = TIMING_CLASS_##cls_, .modrm = -1, .feature = CPU_FEATURE_##feature_ + 1, .flags = (flags_),             \
        .reg_file = FILE_##reg_, .rm_file = FILE_##rm_, .unit = UNIT_##unit_,                                          \
    }
/* A row of the x87: by ModRM.reg (ext) with a memory or register operand, or by the exact ModRM byte. */
#define ROW_X87(op_, ext_, mod_, handler_, flags_, name_)                                                              \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_1, .opcode = op_, .ext = ext_, .prefix = PFX_ANY, .mod = MOD_##mod_,             \
        .form = FORM_E, .size = SIZE_V, .kind = KIND_ONE, .handler = H_##handler_, .cls = TIMING_CLASS_x87,            \
        .modrm = -1, .feature = CPU_FEATURE_fpu + 1, .flags = (flags_) | ROW_KEEPS, .unit = UNIT_X87,                  \
    }
#define ROW_X87_MODRM(op_, modrm_, handler_, flags_, name_)                                                            \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_1, .opcode = op_, .ext = -1, .prefix = PFX_ANY, .mod = MOD_REG, .form = FORM_E,  \
        .size = SIZE_V, .kind = KIND_ONE, .handler = H_##handler_, .cls = TIMING_CLASS_x87, .modrm = modrm_,           \
        .feature = CPU_FEATURE_fpu + 1, .flags = (flags_), .unit = UNIT_X87,                                           \
    }
extern const struct opcode_row opcode_table[];
extern const size_t opcode_table_size;

struct insn {
    const struct opcode_row *row; /* NULL: #UD */
    uint8_t bytes[INSN_MAX_LENGTH];
    uint8_t length;
    uint8_t rep; /* 0, F2H or F3H: the last of them */
    bool lock, opsize, addrsize;
    uint8_t rex; /* 0 if none; for VEX what R, X, B and W mean */
    bool vex;
    uint8_t vex_l, vvvv; /* VEX.L; register in VEX.vvvv (not inverted) */
    int8_t seg;          /* override or -1 */
    uint8_t opcode, modrm;
    bool has_modrm;
    uint8_t mod, reg, rm; /* with REX bits */
    int8_t base, index;   /* register numbers, -1 absent; base 16 = RIP */
    uint8_t scale;
    int64_t disp;
    uint64_t imm, imm2;
    uint8_t operand_bytes, address_bytes;
};

/* How many bytes were at hand. DECODE_SHORT: more bytes than available (<= 15) are needed. */
enum decode_result { DECODE_OK, DECODE_UNDEFINED, DECODE_SHORT, DECODE_TOO_LONG };
enum decode_result decode(struct decoder *d, const uint8_t *bytes, size_t available, uint32_t mode, uint64_t rip,
                          struct insn *insn);

/* Capstone's text, valid until the decoder is used again. Answers the length, 0 if it is no instruction. */
uint32_t decoder_text(struct decoder *d, const uint8_t *bytes, size_t size, uint64_t rip, uint32_t mode,
                      const char **mnemonic, const char **operands);

bool decoder_has_row(const struct decoder *d, const struct opcode_row *row); /* its feature is enumerated */
/* The same for a processor that enumerates every feature of the table. */
bool decode_with_all_features(struct decoder *d, const uint8_t *bytes, size_t available, uint32_t mode,
                              struct insn *insn);

/* Fields of an encoding that no row has, as if every opcode had a ModRM byte: prefixes, opcode, ModRM and address;
 * length without immediates. map: enum opcode_map, or the number in VEX, EVEX, XOP. False: no legal beginning. */
enum escape { ESCAPE_LEGACY, ESCAPE_VEX, ESCAPE_EVEX, ESCAPE_XOP };
bool decode_any(const uint8_t *bytes, size_t available, uint32_t mode, struct insn *in, enum escape *escape,
                unsigned *map);

/* disassemble.c: appends `more` as far as it fits. */
void text_append(char *text, size_t text_size, const char *more);

/* foreign.c: length and name of an undefined instruction if it is one that other processors have, else 0. */
#define INSN_NAME_SIZE 64u
uint32_t decoder_unimplemented(struct decoder *d, const uint8_t *bytes, size_t size, uint32_t mode, char *name,
                               size_t name_size);

/* access_kind.c: what a timing model is told of an instruction's operand and accesses; struct timing_insn says what
 * the fields mean. */
struct access_kind {
    uint8_t operand_bytes;
    bool loads, stores, locked;
};
struct access_kind access_kind(const struct insn *insn);

/* translate.c: one decoded instruction into the record at `op` (fn, operands; not costs). */
/* What a block's own earlier instructions say about the lazy flags: the kind of CC_SUB, of CC_LOGIC, or at least that
 * SF, ZF and PF are those of cc_dst. */
enum cc_known { CC_KNOWN_NOTHING, CC_KNOWN_SUB, CC_KNOWN_LOGIC, CC_KNOWN_RESULT };
struct translation_state {
    enum cc_known cc_known;
    unsigned cc_size_log2;
};
void translate(struct cpu *cpu, const struct insn *insn, uint64_t rip, struct op *op, struct translation_state *state);

#endif
