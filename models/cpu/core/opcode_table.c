/* SPDX-License-Identifier: Apache-2.0 */
/* The table of contents of the core: every encoding with its operand form, handler and timing class. Rows of one opcode
 * are tried in order; the first that matches prefix, ModRM and feature wins. No row: #UD.
 * Source: SDM Vol. 2, "Opcode Map" and the instruction pages. */
#include "decode.h"

#define ROW(map_, op_, ext_, pfx_, mod_, form_, size_, kind_, handler_, cls_, flags_, name_)                           \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_##map_, .opcode = op_, .ext = ext_, .prefix = PFX_##pfx_, .mod = MOD_##mod_,     \
        .form = FORM_##form_, .size = SIZE_##size_, .kind = KIND_##kind_, .handler = H_##handler_,                     \
        .cls = TIMING_CLASS_##cls_, .modrm = -1, .flags = (flags_),                                                    \
    }
#define ROW_FEATURE(feature_, map_, op_, ext_, pfx_, mod_, form_, size_, kind_, handler_, cls_, flags_, name_)         \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_##map_, .opcode = op_, .ext = ext_, .prefix = PFX_##pfx_, .mod = MOD_##mod_,     \
        .form = FORM_##form_, .size = SIZE_##size_, .kind = KIND_##kind_, .handler = H_##handler_,                     \
        .cls = TIMING_CLASS_##cls_, .modrm = -1, .feature = CPU_FEATURE_##feature_ + 1, .flags = (flags_),             \
    }
#define ROW_MODRM(map_, op_, modrm_, pfx_, handler_, cls_, flags_, name_)                                              \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_##map_, .opcode = op_, .ext = -1, .prefix = PFX_##pfx_, .mod = MOD_REG,          \
        .form = FORM_E, .size = SIZE_D, .kind = KIND_ONE, .handler = H_##handler_, .cls = TIMING_CLASS_##cls_,         \
        .modrm = modrm_, .flags = (flags_),                                                                            \
    }
#define ROW_FEATURE_MODRM(feature_, map_, op_, modrm_, pfx_, handler_, cls_, flags_, name_)                            \
    {                                                                                                                  \
        .mnemonic = name_, .map = MAP_##map_, .opcode = op_, .ext = -1, .prefix = PFX_##pfx_, .mod = MOD_REG,          \
        .form = FORM_E, .size = SIZE_D, .kind = KIND_ONE, .handler = H_##handler_, .cls = TIMING_CLASS_##cls_,         \
        .modrm = modrm_, .feature = CPU_FEATURE_##feature_ + 1, .flags = (flags_),                                     \
    }

#define K ROW_KEEPS
#define E ROW_ENDS
#define A (ROW_ALONE | ROW_ENDS)
#define L ROW_LOCK

/* The six classic encodings of an arithmetic instruction, and its rows in groups 80H, 81H, 82H, 83H. */
#define ALU_ROWS(op_, base_, ext_, lock_)                                                                              \
    ROW(1, (base_) + 0, -1, ANY, ANY, EG, B, ALU, op_##_rr_8, alu, lock_, #op_),                                       \
        ROW(1, (base_) + 1, -1, ANY, ANY, EG, V, ALU, op_##_rr_8, alu, lock_, #op_),                                   \
        ROW(1, (base_) + 2, -1, ANY, ANY, GE, B, ALU, op_##_rr_8, alu, 0, #op_),                                       \
        ROW(1, (base_) + 3, -1, ANY, ANY, GE, V, ALU, op_##_rr_8, alu, 0, #op_),                                       \
        ROW(1, (base_) + 4, -1, ANY, ANY, AIB, B, ALU, op_##_rr_8, alu, 0, #op_),                                      \
        ROW(1, (base_) + 5, -1, ANY, ANY, AIZ, V, ALU, op_##_rr_8, alu, 0, #op_),                                      \
        ROW(1, 0x80, ext_, ANY, ANY, EIB, B, ALU, op_##_rr_8, alu, lock_, #op_),                                       \
        ROW(1, 0x81, ext_, ANY, ANY, EIZ, V, ALU, op_##_rr_8, alu, lock_, #op_),                                       \
        ROW(1, 0x82, ext_, ANY, ANY, EIB, B, ALU, op_##_rr_8, alu, (lock_) | ROW_NO64, #op_),                          \
        ROW(1, 0x83, ext_, ANY, ANY, EIB, V, ALU, op_##_rr_8, alu, lock_, #op_)

#define SHIFT_ROWS(op_, ext_)                                                                                          \
    ROW(1, 0xc0, ext_, ANY, ANY, EIB, B, SIZED, op_##_i_8, shift, 0, #op_),                                            \
        ROW(1, 0xc1, ext_, ANY, ANY, EIB, V, SIZED, op_##_i_8, shift, 0, #op_),                                        \
        ROW(1, 0xd0, ext_, ANY, ANY, E, B, SIZED, op_##_i_8, shift, 0, #op_),                                          \
        ROW(1, 0xd1, ext_, ANY, ANY, E, V, SIZED, op_##_i_8, shift, 0, #op_),                                          \
        ROW(1, 0xd2, ext_, ANY, ANY, E, B, SIZED, op_##_c_8, shift, 0, #op_),                                          \
        ROW(1, 0xd3, ext_, ANY, ANY, E, V, SIZED, op_##_c_8, shift, 0, #op_)

#define BIT_ROWS(op_, opcode_, ext_, lock_)                                                                            \
    ROW(0F, opcode_, -1, ANY, ANY, EG, V, SIZED, op_##_r_8, shift, lock_, #op_),                                       \
        ROW(0F, 0xba, ext_, ANY, ANY, EIB, V, SIZED, op_##_i_8, shift, lock_, #op_)

const struct opcode_row opcode_table[] = {
    ALU_ROWS(add, 0x00, 0, L),
    ALU_ROWS(or, 0x08, 1, L),
    ALU_ROWS(adc, 0x10, 2, L),
    ALU_ROWS(sbb, 0x18, 3, L),
    ALU_ROWS(and, 0x20, 4, L),
    ALU_ROWS(sub, 0x28, 5, L),
    ALU_ROWS(xor, 0x30, 6, L),
    ALU_ROWS(cmp, 0x38, 7, 0),
    ROW(1, 0x06, -1, ANY, ANY, NONE, V64, ONE, push_seg, stack, K | ROW_NO64, "push"),
    ROW(1, 0x0e, -1, ANY, ANY, NONE, V64, ONE, push_seg, stack, K | ROW_NO64, "push"),
    ROW(1, 0x16, -1, ANY, ANY, NONE, V64, ONE, push_seg, stack, K | ROW_NO64, "push"),
    ROW(1, 0x1e, -1, ANY, ANY, NONE, V64, ONE, push_seg, stack, K | ROW_NO64, "push"),
    ROW(1, 0x07, -1, ANY, ANY, NONE, V64, ONE, pop_seg, stack, K | E | ROW_NO64, "pop"),
    ROW(1, 0x17, -1, ANY, ANY, NONE, V64, ONE, pop_seg, stack, K | E | ROW_NO64, "pop"),
    ROW(1, 0x1f, -1, ANY, ANY, NONE, V64, ONE, pop_seg, stack, K | E | ROW_NO64, "pop"),
    ROW(1, 0x27, -1, ANY, ANY, NONE, B, ONE, daa, alu, ROW_NO64, "daa"),
    ROW(1, 0x2f, -1, ANY, ANY, NONE, B, ONE, das, alu, ROW_NO64, "das"),
    ROW(1, 0x37, -1, ANY, ANY, NONE, B, ONE, aaa, alu, ROW_NO64, "aaa"),
    ROW(1, 0x3f, -1, ANY, ANY, NONE, B, ONE, aas, alu, ROW_NO64, "aas"),
    ROW(1, 0x40, -1, ANY, ANY, Z, V, SIZED, inc_8, alu, ROW_RANGE8 | ROW_NO64, "inc"),
    ROW(1, 0x48, -1, ANY, ANY, Z, V, SIZED, dec_8, alu, ROW_RANGE8 | ROW_NO64, "dec"),
    ROW(1, 0x50, -1, ANY, ANY, Z, V64, STACK_REG, push_reg, stack, K | ROW_RANGE8, "push"),
    ROW(1, 0x58, -1, ANY, ANY, Z, V64, STACK_REG, pop_reg, stack, K | ROW_RANGE8, "pop"),
    ROW(1, 0x60, -1, ANY, ANY, NONE, V, ONE, pusha, stack, K | ROW_NO64, "pusha"),
    ROW(1, 0x61, -1, ANY, ANY, NONE, V, ONE, popa, stack, K | ROW_NO64, "popa"),
    ROW(1, 0x62, -1, ANY, MEM, GE, V, ONE, bound, system, A | ROW_NO64, "bound"),
    ROW(1, 0x63, -1, ANY, ANY, GE, V, EXTEND, movsx32_8, move, K | ROW_ONLY64, "movsxd"),
    ROW(1, 0x63, -1, ANY, ANY, EG, W, ONE, arpl, system, A | ROW_NO64, "arpl"),
    ROW(1, 0x68, -1, ANY, ANY, IZ, V64, ONE, push_imm, stack, K, "push"),
    ROW(1, 0x69, -1, ANY, ANY, GEIZ, V, SIZED, imul3_8, multiply, 0, "imul"),
    ROW(1, 0x6a, -1, ANY, ANY, IB, V64, ONE, push_imm, stack, K, "push"),
    ROW(1, 0x6b, -1, ANY, ANY, GEIB, V, SIZED, imul3_8, multiply, 0, "imul"),
    ROW(1, 0x6c, -1, ANY, ANY, NONE, B, SIZED, ins_8, io, A, "ins"),
    ROW(1, 0x6d, -1, ANY, ANY, NONE, D, SIZED, ins_8, io, A, "ins"),
    ROW(1, 0x6e, -1, ANY, ANY, NONE, B, SIZED, outs_8, io, A, "outs"),
    ROW(1, 0x6f, -1, ANY, ANY, NONE, D, SIZED, outs_8, io, A, "outs"),
    ROW(1, 0x70, -1, ANY, ANY, JB, V64, JCC, jcc, branch, K | E | ROW_RANGE16, "jcc"),
    ROW(1, 0x84, -1, ANY, ANY, EG, B, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0x85, -1, ANY, ANY, EG, V, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0x86, -1, ANY, ANY, EG, B, XCHG, xchg_8, move, K | L, "xchg"),
    ROW(1, 0x87, -1, ANY, ANY, EG, V, XCHG, xchg_8, move, K | L, "xchg"),
    ROW(1, 0x88, -1, ANY, ANY, EG, B, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0x89, -1, ANY, ANY, EG, V, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0x8a, -1, ANY, ANY, GE, B, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0x8b, -1, ANY, ANY, GE, V, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0x8c, -1, ANY, ANY, EG, V, ONE, mov_from_seg, move, K | ROW_OWN, "mov"),
    ROW(1, 0x8d, -1, ANY, MEM, GE, V, SIZED, lea_8, alu, K, "lea"),
    ROW(1, 0x8e, -1, ANY, ANY, GE, W, ONE, mov_to_seg, system, K | E | ROW_OWN, "mov"),
    ROW(1, 0x8f, 0, ANY, ANY, E, V64, ONE, pop_rm, stack, K, "pop"),
    ROW(1, 0x90, -1, F3, ANY, NONE, V, ONE, pause, pause, K, "pause"),
    ROW(1, 0x90, -1, ANY, ANY, Z, V, XCHG, xchg_8, move, K | ROW_RANGE8, "xchg"),
    ROW(1, 0x98, -1, ANY, ANY, NONE, V, ONE, cwde, move, K, "cbw"),
    ROW(1, 0x99, -1, ANY, ANY, NONE, V, ONE, cdq, move, K, "cwd"),
    ROW(1, 0x9a, -1, ANY, ANY, FAR, V, ONE, call_far_imm, system, A | K | ROW_NO64, "call far"),
    ROW(1, 0x9b, -1, ANY, ANY, NONE, B, ONE, wait, x87, K, "wait"),
    ROW(1, 0x9c, -1, ANY, ANY, NONE, V64, ONE, pushf, stack, K, "pushf"),
    ROW(1, 0x9d, -1, ANY, ANY, NONE, V64, ONE, popf, stack, A, "popf"),
    ROW(1, 0x9e, -1, ANY, ANY, NONE, B, ONE, sahf, alu, 0, "sahf"),
    ROW(1, 0x9f, -1, ANY, ANY, NONE, B, ONE, lahf, alu, K, "lahf"),
    ROW(1, 0xa0, -1, ANY, ANY, AO, B, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0xa1, -1, ANY, ANY, AO, V, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0xa2, -1, ANY, ANY, OA, B, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0xa3, -1, ANY, ANY, OA, V, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0xa4, -1, ANY, ANY, NONE, B, SIZED, movs_8, string, K | E, "movs"),
    ROW(1, 0xa5, -1, ANY, ANY, NONE, V, SIZED, movs_8, string, K | E, "movs"),
    ROW(1, 0xa6, -1, ANY, ANY, NONE, B, SIZED, cmps_8, string, E, "cmps"),
    ROW(1, 0xa7, -1, ANY, ANY, NONE, V, SIZED, cmps_8, string, E, "cmps"),
    ROW(1, 0xa8, -1, ANY, ANY, AIB, B, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0xa9, -1, ANY, ANY, AIZ, V, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0xaa, -1, ANY, ANY, NONE, B, SIZED, stos_8, string, K | E, "stos"),
    ROW(1, 0xab, -1, ANY, ANY, NONE, V, SIZED, stos_8, string, K | E, "stos"),
    ROW(1, 0xac, -1, ANY, ANY, NONE, B, SIZED, lods_8, string, K | E, "lods"),
    ROW(1, 0xad, -1, ANY, ANY, NONE, V, SIZED, lods_8, string, K | E, "lods"),
    ROW(1, 0xae, -1, ANY, ANY, NONE, B, SIZED, scas_8, string, E, "scas"),
    ROW(1, 0xaf, -1, ANY, ANY, NONE, V, SIZED, scas_8, string, E, "scas"),
    ROW(1, 0xb0, -1, ANY, ANY, ZIB, B, MOV, mov_rr_8, move, K | ROW_RANGE8, "mov"),
    ROW(1, 0xb8, -1, ANY, ANY, ZIV, V, MOV, mov_rr_8, move, K | ROW_RANGE8, "mov"),
    SHIFT_ROWS(rol, 0),
    SHIFT_ROWS(ror, 1),
    SHIFT_ROWS(rcl, 2),
    SHIFT_ROWS(rcr, 3),
    SHIFT_ROWS(shl, 4),
    SHIFT_ROWS(shr, 5),
    SHIFT_ROWS(shl, 6),
    SHIFT_ROWS(sar, 7),
    ROW(1, 0xc2, -1, ANY, ANY, IW, V64, ONE, ret_imm, branch, K | E | ROW_OWN, "ret"),
    ROW(1, 0xc3, -1, ANY, ANY, NONE, V64, ONE, ret, branch, K | E | ROW_OWN, "ret"),
    ROW(1, 0xc4, -1, ANY, MEM, GE, V, ONE, les, system, A | K | ROW_NO64 | ROW_FAR_MEM, "les"),
    ROW(1, 0xc5, -1, ANY, MEM, GE, V, ONE, lds, system, A | K | ROW_NO64 | ROW_FAR_MEM, "lds"),
    ROW(1, 0xc6, 0, ANY, ANY, EIB, B, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0xc7, 0, ANY, ANY, EIZ, V, MOV, mov_rr_8, move, K, "mov"),
    ROW(1, 0xc8, -1, ANY, ANY, IWIB, V64, ONE, enter, stack, K, "enter"),
    ROW(1, 0xc9, -1, ANY, ANY, NONE, V64, ONE, leave, stack, K, "leave"),
    ROW(1, 0xca, -1, ANY, ANY, IW, V, ONE, ret_far_imm, system, A | K, "retf"),
    ROW(1, 0xcb, -1, ANY, ANY, NONE, V, ONE, ret_far, system, A | K, "retf"),
    ROW(1, 0xcc, -1, ANY, ANY, NONE, V, ONE, int3, system, A | K, "int3"),
    ROW(1, 0xcd, -1, ANY, ANY, IB, V, ONE, int_n, system, A | K, "int"),
    ROW(1, 0xce, -1, ANY, ANY, NONE, V, ONE, into, system, A | K | ROW_NO64, "into"),
    ROW(1, 0xcf, -1, ANY, ANY, NONE, V, ONE, iret, system, A, "iret"),
    ROW(1, 0xd4, -1, ANY, ANY, IB, B, ONE, aam, divide, ROW_NO64, "aam"),
    ROW(1, 0xd5, -1, ANY, ANY, IB, B, ONE, aad, alu, ROW_NO64, "aad"),
    ROW(1, 0xd6, -1, ANY, ANY, NONE, B, ONE, salc, alu, K | ROW_OWN | ROW_NO64, "salc"),
    ROW(1, 0xd7, -1, ANY, ANY, NONE, B, ONE, xlat, move, K, "xlat"),
    ROW(1, 0xe0, -1, ANY, ANY, JB, V64, BRANCH, loopne, branch, K | E, "loopne"),
    ROW(1, 0xe1, -1, ANY, ANY, JB, V64, BRANCH, loope, branch, K | E, "loope"),
    ROW(1, 0xe2, -1, ANY, ANY, JB, V64, BRANCH, loop, branch, K | E, "loop"),
    ROW(1, 0xe3, -1, ANY, ANY, JB, V64, BRANCH, jcxz, branch, K | E, "jcxz"),
    ROW(1, 0xe4, -1, ANY, ANY, IB, B, ONE, in_imm, io, A | K, "in"),
    ROW(1, 0xe5, -1, ANY, ANY, IB, D, ONE, in_imm, io, A | K, "in"),
    ROW(1, 0xe6, -1, ANY, ANY, IB, B, ONE, out_imm, io, A | K, "out"),
    ROW(1, 0xe7, -1, ANY, ANY, IB, D, ONE, out_imm, io, A | K, "out"),
    ROW(1, 0xe8, -1, ANY, ANY, JZ, V64, BRANCH, call, branch, K | E | ROW_OWN, "call"),
    ROW(1, 0xe9, -1, ANY, ANY, JZ, V64, BRANCH, jmp, branch, K | E, "jmp"),
    ROW(1, 0xea, -1, ANY, ANY, FAR, V, ONE, jmp_far_imm, system, A | K | ROW_NO64, "jmp far"),
    ROW(1, 0xeb, -1, ANY, ANY, JB, V64, BRANCH, jmp, branch, K | E, "jmp"),
    ROW(1, 0xec, -1, ANY, ANY, NONE, B, ONE, in_dx, io, A | K, "in"),
    ROW(1, 0xed, -1, ANY, ANY, NONE, D, ONE, in_dx, io, A | K, "in"),
    ROW(1, 0xee, -1, ANY, ANY, NONE, B, ONE, out_dx, io, A | K, "out"),
    ROW(1, 0xef, -1, ANY, ANY, NONE, D, ONE, out_dx, io, A | K, "out"),
    ROW(1, 0xf1, -1, ANY, ANY, NONE, V, ONE, int1, system, A | K, "int1"),
    ROW(1, 0xf4, -1, ANY, ANY, NONE, B, ONE, hlt, system, A | K, "hlt"),
    ROW(1, 0xf5, -1, ANY, ANY, NONE, B, ONE, cmc, alu, 0, "cmc"),
    ROW(1, 0xf6, 0, ANY, ANY, EIB, B, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0xf6, 1, ANY, ANY, EIB, B, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0xf6, 2, ANY, ANY, E, B, SIZED, not_8, alu, K | L, "not"),
    ROW(1, 0xf6, 3, ANY, ANY, E, B, SIZED, neg_8, alu, L, "neg"),
    ROW(1, 0xf6, 4, ANY, ANY, E, B, SIZED, mul_8, multiply, 0, "mul"),
    ROW(1, 0xf6, 5, ANY, ANY, E, B, SIZED, imul1_8, multiply, 0, "imul"),
    ROW(1, 0xf6, 6, ANY, ANY, E, B, SIZED, div_8, divide, 0, "div"),
    ROW(1, 0xf6, 7, ANY, ANY, E, B, SIZED, idiv_8, divide, 0, "idiv"),
    ROW(1, 0xf7, 0, ANY, ANY, EIZ, V, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0xf7, 1, ANY, ANY, EIZ, V, ALU, test_rr_8, alu, 0, "test"),
    ROW(1, 0xf7, 2, ANY, ANY, E, V, SIZED, not_8, alu, K | L, "not"),
    ROW(1, 0xf7, 3, ANY, ANY, E, V, SIZED, neg_8, alu, L, "neg"),
    ROW(1, 0xf7, 4, ANY, ANY, E, V, SIZED, mul_8, multiply, 0, "mul"),
    ROW(1, 0xf7, 5, ANY, ANY, E, V, SIZED, imul1_8, multiply, 0, "imul"),
    ROW(1, 0xf7, 6, ANY, ANY, E, V, SIZED, div_8, divide, 0, "div"),
    ROW(1, 0xf7, 7, ANY, ANY, E, V, SIZED, idiv_8, divide, 0, "idiv"),
    ROW(1, 0xf8, -1, ANY, ANY, NONE, B, ONE, clc, alu, 0, "clc"),
    ROW(1, 0xf9, -1, ANY, ANY, NONE, B, ONE, stc, alu, 0, "stc"),
    ROW(1, 0xfa, -1, ANY, ANY, NONE, B, ONE, cli, system, K | E, "cli"),
    ROW(1, 0xfb, -1, ANY, ANY, NONE, B, ONE, sti, system, K | E, "sti"),
    ROW(1, 0xfc, -1, ANY, ANY, NONE, B, ONE, cld, alu, K, "cld"),
    ROW(1, 0xfd, -1, ANY, ANY, NONE, B, ONE, std, alu, K, "std"),
    ROW(1, 0xfe, 0, ANY, ANY, E, B, SIZED, inc_8, alu, L, "inc"),
    ROW(1, 0xfe, 1, ANY, ANY, E, B, SIZED, dec_8, alu, L, "dec"),
    ROW(1, 0xff, 0, ANY, ANY, E, V, SIZED, inc_8, alu, L, "inc"),
    ROW(1, 0xff, 1, ANY, ANY, E, V, SIZED, dec_8, alu, L, "dec"),
    ROW(1, 0xff, 2, ANY, ANY, E, V64, ONE, call_ind, branch, K | E, "call"),
    ROW(1, 0xff, 3, ANY, MEM, E, V, ONE, call_far_mem, system, A | K | ROW_FAR_MEM, "call far"),
    ROW(1, 0xff, 4, ANY, ANY, E, V64, ONE, jmp_ind, branch, K | E, "jmp"),
    ROW(1, 0xff, 5, ANY, MEM, E, V, ONE, jmp_far_mem, system, A | K | ROW_FAR_MEM, "jmp far"),
    ROW(1, 0xff, 6, ANY, ANY, E, V64, ONE, push_rm, stack, K, "push"),

    ROW(0F, 0x00, 0, ANY, ANY, E, V, ONE, sldt, system, A | K, "sldt"),
    ROW(0F, 0x00, 1, ANY, ANY, E, V, ONE, str, system, A | K, "str"),
    ROW(0F, 0x00, 2, ANY, ANY, E, W, ONE, lldt, system, A | K, "lldt"),
    ROW(0F, 0x00, 3, ANY, ANY, E, W, ONE, ltr, system, A | K, "ltr"),
    ROW(0F, 0x00, 4, ANY, ANY, E, W, ONE, verr, system, A, "verr"),
    ROW(0F, 0x00, 5, ANY, ANY, E, W, ONE, verw, system, A, "verw"),
    ROW_MODRM(0F, 0x01, 0xec, F3, uiret, uiret, A | ROW_OWN | ROW_ONLY64, "uiret"),
    ROW_MODRM(0F, 0x01, 0xed, F3, testui, testui, ROW_OWN | ROW_ONLY64, "testui"),
    ROW_MODRM(0F, 0x01, 0xee, F3, clui, clui, A | K | ROW_OWN | ROW_ONLY64, "clui"),
    ROW_MODRM(0F, 0x01, 0xef, F3, stui, stui, A | K | ROW_OWN | ROW_ONLY64, "stui"),
    ROW_MODRM(0F, 0x01, 0xca, NONE, clac, system, A | K, "clac"),
    ROW_MODRM(0F, 0x01, 0xcb, NONE, stac, system, A | K, "stac"),
    ROW_MODRM(0F, 0x01, 0xd0, NONE, xgetbv, system, A | K, "xgetbv"),
    ROW_MODRM(0F, 0x01, 0xd1, NONE, xsetbv, system, A | K, "xsetbv"),
    ROW_FEATURE_MODRM(monitor, 0F, 0x01, 0xc8, NONE, monitor, system, A | K | ROW_OWN, "monitor"),
    ROW_FEATURE_MODRM(monitor, 0F, 0x01, 0xc9, NONE, mwait, system, A | K | ROW_OWN, "mwait"),
    ROW_MODRM(0F, 0x01, 0xe8, NONE, serialize, fence, A | K | ROW_OWN, "serialize"),
    ROW_MODRM(0F, 0x01, 0xf8, ANY, swapgs, system, A | K | ROW_ONLY64, "swapgs"),
    ROW_MODRM(0F, 0x01, 0xf9, ANY, rdtscp, rdtsc, A | K, "rdtscp"),
    ROW(0F, 0x01, 0, ANY, MEM, E, NATURAL, ONE, sgdt, system, A | K, "sgdt"),
    ROW(0F, 0x01, 1, ANY, MEM, E, NATURAL, ONE, sidt, system, A | K, "sidt"),
    ROW(0F, 0x01, 2, ANY, MEM, E, NATURAL, ONE, lgdt, system, A | K, "lgdt"),
    ROW(0F, 0x01, 3, ANY, MEM, E, NATURAL, ONE, lidt, system, A | K, "lidt"),
    ROW(0F, 0x01, 4, ANY, ANY, E, V, ONE, smsw, system, A | K, "smsw"),
    ROW(0F, 0x01, 6, ANY, ANY, E, W, ONE, lmsw, system, A | K, "lmsw"),
    ROW(0F, 0x01, 7, ANY, MEM, E, B, ONE, invlpg, system, A | K, "invlpg"),
    ROW(0F, 0x02, -1, ANY, ANY, GE, V, ONE, lar, system, A, "lar"),
    ROW(0F, 0x03, -1, ANY, ANY, GE, V, ONE, lsl, system, A, "lsl"),
    ROW(0F, 0x05, -1, ANY, ANY, NONE, Y, ONE, syscall, system, A | ROW_ONLY64, "syscall"),
    ROW(0F, 0x06, -1, ANY, ANY, NONE, B, ONE, clts, system, A | K, "clts"),
    ROW(0F, 0x07, -1, ANY, ANY, NONE, Y, ONE, sysret, system, A | ROW_ONLY64, "sysret"),
    ROW(0F, 0x08, -1, ANY, ANY, NONE, B, ONE, invd, system, A | K, "invd"),
    ROW(0F, 0x09, -1, ANY, ANY, NONE, B, ONE, wbinvd, system, A | K, "wbinvd"),
    ROW(0F, 0x0b, -1, ANY, ANY, NONE, B, ONE, ud, system, A | K, "ud2"),
    ROW(0F, 0x0d, 1, ANY, ANY, E, B, ONE, prefetchw, move, K | ROW_OWN, "prefetchw"),
    ROW(0F, 0x0d, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x18, 0, ANY, ANY, E, B, ONE, prefetch, move, K | ROW_OWN, "prefetchnta"),
    ROW(0F, 0x18, 1, ANY, ANY, E, B, ONE, prefetch, move, K | ROW_OWN, "prefetcht0"),
    ROW(0F, 0x18, 2, ANY, ANY, E, B, ONE, prefetch, move, K | ROW_OWN, "prefetcht1"),
    ROW(0F, 0x18, 3, ANY, ANY, E, B, ONE, prefetch, move, K | ROW_OWN, "prefetcht2"),
    ROW(0F, 0x18, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x19, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x1a, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x1b, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x1c, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x1d, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x1e, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x1f, -1, ANY, ANY, E, V, ONE, nop, move, K | ROW_OWN, "nop"),
    ROW(0F, 0x20, -1, ANY, ANY, EG, NATURAL, ONE, mov_from_cr, system, A | K | ROW_NO_RM_MEM, "mov"),
    ROW(0F, 0x21, -1, ANY, ANY, EG, NATURAL, ONE, mov_from_dr, system, A | K | ROW_NO_RM_MEM, "mov"),
    ROW(0F, 0x22, -1, ANY, ANY, EG, NATURAL, ONE, mov_to_cr, system, A | K | ROW_NO_RM_MEM, "mov"),
    ROW(0F, 0x23, -1, ANY, ANY, EG, NATURAL, ONE, mov_to_dr, system, A | K | ROW_NO_RM_MEM, "mov"),
    ROW_FEATURE(msr, 0F, 0x30, -1, ANY, ANY, NONE, D, ONE, wrmsr, msr, A | K, "wrmsr"),
    ROW_FEATURE(tsc, 0F, 0x31, -1, ANY, ANY, NONE, D, ONE, rdtsc, rdtsc, A | K, "rdtsc"),
    ROW_FEATURE(msr, 0F, 0x32, -1, ANY, ANY, NONE, D, ONE, rdmsr, msr, A | K, "rdmsr"),
    ROW(0F, 0x33, -1, ANY, ANY, NONE, D, ONE, rdpmc, system, A | K, "rdpmc"),
    ROW_FEATURE(sep, 0F, 0x34, -1, ANY, ANY, NONE, Y, ONE, sysenter, system, A | K, "sysenter"),
    ROW_FEATURE(sep, 0F, 0x35, -1, ANY, ANY, NONE, Y, ONE, sysexit, system, A | K, "sysexit"),
    ROW_FEATURE(cmov, 0F, 0x40, -1, ANY, ANY, GE, V, CC, cmov_8, alu, K | ROW_RANGE16, "cmov"),
    ROW(0F, 0x80, -1, ANY, ANY, JZ, V64, JCC, jcc, branch, K | E | ROW_RANGE16, "jcc"),
    ROW(0F, 0x90, -1, ANY, ANY, E, B, CC, setcc, alu, K | ROW_RANGE16, "set"),
    ROW(0F, 0xa0, -1, ANY, ANY, NONE, V64, ONE, push_seg, stack, K, "push"),
    ROW(0F, 0xa8, -1, ANY, ANY, NONE, V64, ONE, push_seg, stack, K, "push"),
    ROW(0F, 0xa1, -1, ANY, ANY, NONE, V64, ONE, pop_seg, stack, K | E, "pop"),
    ROW(0F, 0xa9, -1, ANY, ANY, NONE, V64, ONE, pop_seg, stack, K | E, "pop"),
    ROW(0F, 0xa2, -1, ANY, ANY, NONE, D, ONE, cpuid, cpuid, A | K, "cpuid"),
    BIT_ROWS(bt, 0xa3, 4, 0),
    BIT_ROWS(bts, 0xab, 5, L),
    BIT_ROWS(btr, 0xb3, 6, L),
    BIT_ROWS(btc, 0xbb, 7, L),
    ROW(0F, 0xa4, -1, ANY, ANY, EGIB, V, SIZED, shld_i_8, shift, 0, "shld"),
    ROW(0F, 0xa5, -1, ANY, ANY, EG, V, SIZED, shld_c_8, shift, 0, "shld"),
    ROW(0F, 0xac, -1, ANY, ANY, EGIB, V, SIZED, shrd_i_8, shift, 0, "shrd"),
    ROW(0F, 0xad, -1, ANY, ANY, EG, V, SIZED, shrd_c_8, shift, 0, "shrd"),
    ROW_FEATURE(fsgsbase, 0F, 0xae, 0, F3, REG, E, Y, ONE, rdfsbase, system, A | K | ROW_ONLY64, "rdfsbase"),
    ROW_FEATURE(fsgsbase, 0F, 0xae, 1, F3, REG, E, Y, ONE, rdgsbase, system, A | K | ROW_ONLY64, "rdgsbase"),
    ROW_FEATURE(fsgsbase, 0F, 0xae, 2, F3, REG, E, Y, ONE, wrfsbase, system, A | K | ROW_ONLY64, "wrfsbase"),
    ROW_FEATURE(fsgsbase, 0F, 0xae, 3, F3, REG, E, Y, ONE, wrgsbase, system, A | K | ROW_ONLY64, "wrgsbase"),
    ROW_FEATURE(sse2, 0F, 0xae, 5, NONE, REG, E, D, ONE, fence, fence, K | ROW_OWN, "lfence"),
    ROW_FEATURE(sse2, 0F, 0xae, 6, NONE, REG, E, D, ONE, fence, fence, K | ROW_OWN, "mfence"),
    ROW_FEATURE(sse, 0F, 0xae, 7, NONE, REG, E, D, ONE, fence, fence, K | ROW_OWN, "sfence"),
    ROW_FEATURE(clfsh, 0F, 0xae, 7, NONE, MEM, E, B, ONE, clflush, system, K, "clflush"),
    ROW(0F, 0xaf, -1, ANY, ANY, GE, V, SIZED, imul2_8, multiply, 0, "imul"),
    ROW(0F, 0xb0, -1, ANY, ANY, EG, B, SIZED, cmpxchg_8, alu, L, "cmpxchg"),
    ROW(0F, 0xb1, -1, ANY, ANY, EG, V, SIZED, cmpxchg_8, alu, L, "cmpxchg"),
    ROW(0F, 0xb2, -1, ANY, MEM, GE, V, ONE, lss, system, A | K | ROW_FAR_MEM, "lss"),
    ROW(0F, 0xb4, -1, ANY, MEM, GE, V, ONE, lfs, system, A | K | ROW_FAR_MEM, "lfs"),
    ROW(0F, 0xb5, -1, ANY, MEM, GE, V, ONE, lgs, system, A | K | ROW_FAR_MEM, "lgs"),
    ROW(0F, 0xb6, -1, ANY, ANY, GE, V, EXTEND, movzx8_8, move, K, "movzx"),
    ROW(0F, 0xb7, -1, ANY, ANY, GE, V, EXTEND, movzx16_8, move, K, "movzx"),
    ROW(0F, 0xbe, -1, ANY, ANY, GE, V, EXTEND, movsx8_8, move, K, "movsx"),
    ROW(0F, 0xbf, -1, ANY, ANY, GE, V, EXTEND, movsx16_8, move, K, "movsx"),
    ROW_FEATURE(popcnt, 0F, 0xb8, -1, F3, ANY, GE, V, SIZED, popcnt_8, alu, 0, "popcnt"),
    ROW(0F, 0xb9, -1, ANY, ANY, GE, V, ONE, ud, system, A | K | ROW_OWN, "ud1"),
    ROW_FEATURE(bmi1, 0F, 0xbc, -1, F3, ANY, GE, V, SIZED, tzcnt_8, alu, 0, "tzcnt"),
    ROW_FEATURE(lzcnt, 0F, 0xbd, -1, F3, ANY, GE, V, SIZED, lzcnt_8, alu, 0, "lzcnt"),
    ROW(0F, 0xbc, -1, ANY, ANY, GE, V, SIZED, bsf_8, alu, 0, "bsf"),
    ROW(0F, 0xbd, -1, ANY, ANY, GE, V, SIZED, bsr_8, alu, 0, "bsr"),
    ROW(0F, 0xc0, -1, ANY, ANY, EG, B, SIZED, xadd_8, alu, L, "xadd"),
    ROW(0F, 0xc1, -1, ANY, ANY, EG, V, SIZED, xadd_8, alu, L, "xadd"),
    ROW(0F, 0xc3, -1, NONE, MEM, EG, Y, MOV, mov_rr_8, move, K, "movnti"),
    ROW_FEATURE(cx8, 0F, 0xc7, 1, ANY, MEM, E, Y, ONE, cmpxchg8b, alu, L, "cmpxchg8b"),
    ROW_FEATURE(uintr, 0F, 0xc7, 6, F3, REG, E, Q, ONE, senduipi, senduipi, A | K | ROW_OWN | ROW_ONLY64, "senduipi"),
    ROW_FEATURE(rdpid, 0F, 0xc7, 7, F3, REG, E, NATURAL, ONE, rdpid, system, A | K | ROW_OWN, "rdpid"),
    ROW(0F, 0xc8, -1, ANY, ANY, Z, V, SIZED, bswap_8, alu, K | ROW_RANGE8, "bswap"),
    ROW(0F, 0xff, -1, ANY, ANY, GE, V, ONE, ud, system, A | K | ROW_OWN, "ud0"),

#include "opcodes_bmi.def"
#include "opcodes_sse.def"
#include "opcodes_x87.def"
#include "opcodes_xsave.def"

    ROW_FEATURE(movbe, 0F38, 0xf0, -1, NONE, MEM, GE, V, SIZED, movbe_load_8, move, K, "movbe"),
    ROW_FEATURE(movbe, 0F38, 0xf0, -1, 66, MEM, GE, V, SIZED, movbe_load_8, move, K, "movbe"),
    ROW_FEATURE(movbe, 0F38, 0xf1, -1, NONE, MEM, EG, V, SIZED, movbe_store_8, move, K, "movbe"),
    ROW_FEATURE(movbe, 0F38, 0xf1, -1, 66, MEM, EG, V, SIZED, movbe_store_8, move, K, "movbe"),
};

const size_t opcode_table_size = sizeof opcode_table / sizeof opcode_table[0];
