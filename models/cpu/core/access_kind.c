/* SPDX-License-Identifier: Apache-2.0 */
/* What a timing model is told of a decoded instruction: whether it reads and writes memory, explicitly or implicitly,
 * whether it does so locked, and how wide its operand is. By the row's form where that says it; what departs is listed
 * by handler. Translation asks once per instruction. Source: SDM Vol. 2, the instructions' pages. */
#include "decode.h"

#define READS 1u
#define WRITES 2u
#define MODIFIES (READS | WRITES)

/* x87 instructions with an operand in memory read it, but for the stores. */
static unsigned x87_actions(const struct opcode_row *row)
{
    switch (row->handler) {
    case H_x87_fst_f32:
    case H_x87_fstp_f32:
    case H_x87_fst_f64:
    case H_x87_fstp_f64:
    case H_x87_fist_i16:
    case H_x87_fistp_i16:
    case H_x87_fist_i32:
    case H_x87_fistp_i32:
    case H_x87_fistp_i64:
    case H_x87_fisttp_i16:
    case H_x87_fisttp_i32:
    case H_x87_fisttp_i64:
    case H_x87_fstp_f80:
    case H_x87_fbstp:
    case H_x87_fnstcw:
    case H_x87_fnstsw:
    case H_x87_fnstenv:
    case H_x87_fnsave: return WRITES;
    default: return READS;
    }
}

/* An operand of ModRM or a moffs in memory: by its place in the form. */
static unsigned form_actions(const struct opcode_row *row)
{
    switch ((enum form)row->form) {
    case FORM_GE:
    case FORM_GEIB:
    case FORM_GEIZ:
    case FORM_AO: return READS;
    case FORM_OA: return WRITES;
    default: break;
    }
    if (row->map >= MAP_VEX_0F) /* the destination is in vvvv: BLSR and its relatives */
        return READS;
    return row->kind == KIND_MOV || row->reg_file != FILE_GPR ? WRITES : MODIFIES;
}

static unsigned operand_actions(const struct opcode_row *row)
{
    if (row->cls == TIMING_CLASS_x87)
        return x87_actions(row);
    switch (row->handler) {
    case H_lea_8: /* only the address counts, or not even that */
    case H_nop:
    case H_ud:
    case H_prefetch:
    case H_prefetchw:
    case H_clflush:
    case H_clwb:
    case H_invlpg: return 0;
    case H_cmp_rr_8:
    case H_test_rr_8:
    case H_bt_r_8:
    case H_bt_i_8:
    case H_mul_8:
    case H_imul1_8:
    case H_div_8:
    case H_idiv_8:
    case H_push_rm:
    case H_call_ind:
    case H_jmp_ind:
    case H_call_far_mem:
    case H_jmp_far_mem:
    case H_lldt:
    case H_ltr:
    case H_verr:
    case H_verw:
    case H_lgdt:
    case H_lidt:
    case H_lmsw:
    case H_sse_ldmxcsr:
    case H_fxrstor:
    case H_xrstor:
    case H_xrstors: return READS;
    case H_setcc:
    case H_mov_from_seg:
    case H_movbe_store_8:
    case H_pop_rm:
    case H_sldt:
    case H_str:
    case H_smsw:
    case H_sgdt:
    case H_sidt:
    case H_sse_stmxcsr:
    case H_fxsave:
    case H_xsavec:
    case H_xsaves: return WRITES;
    case H_xsave: /* read XSTATE_BV in the header and write it; SDM Vol. 1, "Operation of XSAVE" */
    case H_xsaveopt: return MODIFIES;
    default: return form_actions(row);
    }
}

/* Memory that no operand names: stacks, strings, a table, DS:rDI. */
static unsigned implicit_actions(const struct insn *in)
{
    switch (in->row->handler) {
    case H_push_reg:
    case H_push_seg:
    case H_push_imm:
    case H_push_rm:
    case H_pushf:
    case H_pusha:
    case H_call:
    case H_call_ind:
    case H_call_far_imm:
    case H_call_far_mem:
    case H_int_n:
    case H_int3:
    case H_int1:
    case H_into:
    case H_stos_8:
    case H_ins_8:
    case H_mmx_maskmovq:
    case H_sse_maskmovdqu: return WRITES;
    case H_pop_reg:
    case H_pop_seg:
    case H_pop_rm:
    case H_popf:
    case H_popa:
    case H_leave:
    case H_ret:
    case H_ret_imm:
    case H_ret_far:
    case H_ret_far_imm:
    case H_iret:
    case H_uiret:
    case H_lods_8:
    case H_scas_8:
    case H_cmps_8:
    case H_outs_8:
    case H_xlat: return READS;
    case H_movs_8: return MODIFIES;
    case H_enter: return (in->imm >> 16 & 31) > 1 ? MODIFIES : WRITES; /* copies the frame pointers of outer levels */
    default: return 0;
    }
}

static uint8_t file_bytes(unsigned file, uint8_t operand_bytes)
{
    return file == FILE_XMM ? 16 : file == FILE_MMX ? 8 : operand_bytes;
}

/* 0 for an area of more than one value: FNSTENV, FNSAVE and what restores them. */
static uint8_t x87_memory_bytes(const struct opcode_row *row)
{
    switch (row->handler) {
    case H_x87_arith_i16:
    case H_x87_fild_i16:
    case H_x87_fist_i16:
    case H_x87_fistp_i16:
    case H_x87_fisttp_i16:
    case H_x87_fldcw:
    case H_x87_fnstcw:
    case H_x87_fnstsw: return 2;
    case H_x87_arith_f64:
    case H_x87_fld_f64:
    case H_x87_fst_f64:
    case H_x87_fstp_f64:
    case H_x87_fild_i64:
    case H_x87_fistp_i64:
    case H_x87_fisttp_i64: return 8;
    case H_x87_fld_f80:
    case H_x87_fstp_f80:
    case H_x87_fbld:
    case H_x87_fbstp: return 10;
    case H_x87_fldenv:
    case H_x87_fnstenv:
    case H_x87_frstor:
    case H_x87_fnsave: return 0;
    default: return 4;
    }
}

/* Instructions on one element of an XMM register; 0: others. */
static uint8_t scalar_bytes(const struct opcode_row *row)
{
    switch (row->handler) {
    case H_sse_sqrtss:
    case H_sse_addss:
    case H_sse_mulss:
    case H_sse_subss:
    case H_sse_minss:
    case H_sse_divss:
    case H_sse_maxss:
    case H_sse_rsqrtss:
    case H_sse_rcpss:
    case H_sse_cmpss:
    case H_sse_ucomiss:
    case H_sse_comiss:
    case H_sse_roundss:
    case H_sse_movss_load:
    case H_sse_movss_store: return 4;
    case H_sse_sqrtsd:
    case H_sse_addsd:
    case H_sse_mulsd:
    case H_sse_subsd:
    case H_sse_minsd:
    case H_sse_divsd:
    case H_sse_maxsd:
    case H_sse_cmpsd:
    case H_sse_ucomisd:
    case H_sse_comisd:
    case H_sse_roundsd:
    case H_sse_movsd_load:
    case H_sse_movsd_store: return 8;
    default: return 0;
    }
}

/* Memory operands that are narrower than the register they go with. */
static uint8_t vector_memory_bytes(const struct insn *in)
{
    switch (in->row->handler) {
    case H_sse_pextrb:
    case H_sse_pinsrb: return 1;
    case H_sse_pextrw:
    case H_sse_pinsrw:
    case H_mmx_pinsrw:
    case H_sse_pmovsxbq:
    case H_sse_pmovzxbq: return 2;
    case H_mmx_punpcklbw:
    case H_mmx_punpcklwd:
    case H_mmx_punpckldq:
    case H_sse_pmovsxbd:
    case H_sse_pmovzxbd:
    case H_sse_pmovsxwq:
    case H_sse_pmovzxwq:
    case H_sse_cvtss2sd:
    case H_sse_cvttss2si_32:
    case H_sse_cvtss2si_32:
    case H_sse_insertps:
    case H_sse_extractps:
    case H_sse_ldmxcsr:
    case H_sse_stmxcsr: return 4;
    case H_sse_pmovsxbw:
    case H_sse_pmovzxbw:
    case H_sse_pmovsxwd:
    case H_sse_pmovzxwd:
    case H_sse_pmovsxdq:
    case H_sse_pmovzxdq:
    case H_sse_cvtps2pd:
    case H_sse_cvtdq2pd:
    case H_sse_cvtsd2ss:
    case H_sse_cvttsd2si_32:
    case H_sse_cvtsd2si_32:
    case H_sse_movlp_load:
    case H_sse_movlp_store:
    case H_sse_movhp_load:
    case H_sse_movhp_store:
    case H_sse_movq_load:
    case H_sse_movq_store:
    case H_sse_movddup:
    case H_mmx_cvtps2pi:
    case H_mmx_cvttps2pi: return 8;
    default: break;
    }
    uint8_t scalar = scalar_bytes(in->row);
    return scalar ? scalar : file_bytes(in->row->rm_file, in->operand_bytes);
}

static uint8_t memory_bytes(const struct insn *in)
{
    const struct opcode_row *row = in->row;
    uint8_t plain = in->operand_bytes;
    if (row->cls == TIMING_CLASS_xsave)
        return 0;
    if (row->unit == UNIT_X87)
        return x87_memory_bytes(row);
    if (row->unit != UNIT_INT)
        return vector_memory_bytes(in);
    if (row->flags & ROW_FAR_MEM)
        return (uint8_t)(plain + 2); /* offset and selector */
    switch (row->handler) {
    case H_movzx8_8:
    case H_movsx8_8: return 1;
    case H_movzx16_8:
    case H_movsx16_8:
    case H_lar:
    case H_lsl:
    case H_mov_from_seg:
    case H_sldt:
    case H_str:
    case H_smsw: return 2;
    case H_movsx32_8: return 4;
    case H_crc32_8: return row->kind == KIND_ONE ? 1 : plain;
    case H_bound: return (uint8_t)(2 * plain); /* two bounds */
    case H_cmpxchg8b: return (uint8_t)(plain == 8 ? 16 : 8);
    case H_invpcid: return 16;
    case H_sgdt:
    case H_sidt:
    case H_lgdt:
    case H_lidt: return (uint8_t)(plain == 8 ? 10 : 6); /* limit and base; SDM Vol. 2, "LGDT/LIDT" */
    default: return plain;
    }
}

/* Without an operand in memory: of the destination, or of what lies on the stack or in the string. */
static uint8_t register_bytes(const struct insn *in)
{
    const struct opcode_row *row = in->row;
    switch (row->handler) {
    case H_x87_fnstsw_ax: return 2;
    case H_mmx_pextrw: /* 32 bits of a general register, whatever the prefixes */
    case H_mmx_pmovmskb:
    case H_sse_pextrb:
    case H_sse_pextrw:
    case H_sse_pextrw_reg:
    case H_sse_extractps:
    case H_sse_pmovmskb:
    case H_umwait:
    case H_tpause:
    case H_sse_cvtsd2ss:
    case H_sse_cvtsi2ss_32: return 4;
    case H_mmx_maskmovq:
    case H_mmx_cvtpi2ps:
    case H_sse_cvtss2sd:
    case H_sse_cvtsi2sd_32:
    case H_sse_movhlps:
    case H_sse_movlhps: return 8;
    case H_crc32_8: return (uint8_t)(in->operand_bytes == 8 ? 8 : 4);
    case H_umonitor: return in->address_bytes;
    default: break;
    }
    if (row->size == SIZE_NATURAL) /* control and debug registers, RDPID: no prefix makes them 16 bits wide */
        return (uint8_t)(in->operand_bytes == 8 ? 8 : 4);
    if (scalar_bytes(row))
        return scalar_bytes(row);
    if (row->unit == UNIT_X87)
        return 10;
    bool is_reg = row->form == FORM_GE || row->form == FORM_GEIB;
    return file_bytes(is_reg ? row->reg_file : row->rm_file, in->operand_bytes);
}

struct access_kind access_kind(const struct insn *in)
{
    const struct opcode_row *row = in->row;
    bool is_mem = (in->has_modrm && in->mod != 3) || row->form == FORM_AO || row->form == FORM_OA;
    unsigned actions = implicit_actions(in) | (is_mem ? operand_actions(row) : 0);
    return (struct access_kind){
        .operand_bytes = is_mem && row->handler != H_lea_8 ? memory_bytes(in) : register_bytes(in),
        .loads = (actions & READS) != 0,
        .stores = (actions & WRITES) != 0,
        .locked = in->lock || (is_mem && row->kind == KIND_XCHG), /* SDM Vol. 2, "XCHG": locked without the prefix */
    };
}
