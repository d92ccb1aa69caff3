/* SPDX-License-Identifier: Apache-2.0 */
/* One decoded instruction into an operation record: picks the handler that fits operand kinds and size, fills the
 * operands. Costs and placement in the block are block.c's. */
#include "coverage.h"
#include "decode.h"
#include "handler.h"

/* Offset of an 8-bit register: without REX, 4..7 are AH CH DH BH. */
static uint8_t byte_reg(unsigned number, const struct insn *in)
{
    if (in->rex == 0 && number >= 4 && number < 8)
        return (uint8_t)((number - 4) * 8 + 1);
    return (uint8_t)(number * 8);
}

static uint8_t reg_offset(unsigned number, unsigned bytes, const struct insn *in)
{
    return bytes == 1 ? byte_reg(number, in) : (uint8_t)(number * 8);
}

/* XMM and MM registers lie 16 bytes apart, in cpu->xmm and cpu->x87.r; REX does not extend MM registers. */
static uint8_t file_offset(unsigned file, unsigned number, unsigned bytes, const struct insn *in)
{
    switch ((enum reg_file)file) {
    case FILE_XMM: return (uint8_t)(number * sizeof(union vec));
    case FILE_MMX: return (uint8_t)((number & 7) * sizeof(union vec));
    case FILE_GPR: break;
    }
    return reg_offset(number, bytes, in);
}

static unsigned size_log2(unsigned bytes) { return (unsigned)__builtin_ctz(bytes); }

static void fill_address(const struct insn *in, uint32_t mode, struct op *op)
{
    op->flags |= OPF_MEM;
    op->base = (uint8_t)((in->base < 0 || in->base == 16 ? REG_ZERO : in->base) * 8);
    op->index = (uint8_t)((in->index < 0 ? REG_ZERO : in->index) * 8);
    op->scale = in->scale;
    op->disp = in->disp;
    int def = (in->base == RSP || in->base == RBP) ? SEG_SS : SEG_DS;
    op->seg = (uint8_t)(in->seg >= 0 ? in->seg : def);
    if (in->address_bytes == 4)
        op->flags |= OPF_ADDR32;
    else if (in->address_bytes == 2)
        op->flags |= OPF_ADDR16;
    if ((mode & MODE_CODE64) && in->address_bytes == 8 && op->seg != SEG_FS && op->seg != SEG_GS)
        op->flags |= OPF_FLAT;
}

enum { ALU_RR = 0, ALU_RI = 4, ALU_RM = 8, ALU_MR = 12, ALU_MI = 16 };

/* The five forms of an arithmetic instruction or MOV; the order is that of handlers.def. */
static unsigned pick_form(const struct insn *in, struct op *op)
{
    bool mem = (op->flags & OPF_MEM) != 0;
    switch ((enum form)in->row->form) {
    case FORM_EG: return mem ? ALU_MR : ALU_RR;
    case FORM_GE:
        if (mem)
            return ALU_RM;
        { /* reg op= rm: the same as rm op= reg with the roles exchanged */
            uint8_t t = op->reg;
            op->reg = op->rm;
            op->rm = t;
        }
        return ALU_RR;
    case FORM_AIB:
    case FORM_AIZ:
    case FORM_Z:
    case FORM_ZIB:
    case FORM_ZIV: return ALU_RI;
    case FORM_AO: return ALU_RM;
    case FORM_OA: return ALU_MR;
    default: return mem ? ALU_MI : ALU_RI;
    }
}

static uint64_t truncate_to(uint64_t v, unsigned bytes) { return bytes == 8 ? v : v & ((1ull << (8 * bytes)) - 1); }

static void note_flags(struct translation_state *state, const struct insn *in, const struct op *op)
{
    if (in->row->flags & ROW_KEEPS)
        return;
    state->cc_known = CC_KNOWN_NOTHING;
    state->cc_size_log2 = size_log2(in->operand_bytes);
    switch (in->row->handler) {
    case H_sub_rr_8:
    case H_cmp_rr_8:
    case H_neg_8:
    case H_cmpxchg_8: state->cc_known = CC_KNOWN_SUB; break;
    case H_and_rr_8:
    case H_or_rr_8:
    case H_xor_rr_8:
    case H_test_rr_8: state->cc_known = CC_KNOWN_LOGIC; break;
    case H_add_rr_8:
    case H_inc_8:
    case H_dec_8:
    case H_xadd_8: state->cc_known = CC_KNOWN_RESULT; break;
    case H_shl_i_8:
    case H_shr_i_8:
    case H_sar_i_8: /* a count of 0 leaves the flags alone */
        if ((op->imm & 31) != 0)
            state->cc_known = CC_KNOWN_RESULT;
        break;
    default: break;
    }
}

/* SDM Vol. 1, "EFLAGS Condition Codes": E, S, P and their opposites look at one flag of the result. */
static bool asks_result_only(unsigned condition)
{
    return condition >> 1 == 2 || condition >> 1 == 4 || condition >> 1 == 5;
}

static uint16_t special_one(const struct insn *in, uint16_t handler)
{
    if (handler == H_cwde)
        return in->operand_bytes == 2 ? H_cbw : in->operand_bytes == 4 ? H_cwde : H_cdqe;
    if (handler == H_cdq)
        return in->operand_bytes == 2 ? H_cwd : in->operand_bytes == 4 ? H_cdq : H_cqo;
    if (handler == H_cmpxchg8b)
        return in->operand_bytes == 8 ? H_cmpxchg16b : H_cmpxchg8b;
    return handler;
}

/* Segment register number of PUSH/POP/MOV Sreg encodings without ModRM. */
static uint8_t implied_segment(const struct insn *in)
{
    return in->row->map == MAP_0F ? (in->opcode < 0xa8 ? SEG_FS : SEG_GS) : (uint8_t)(in->opcode >> 3);
}

static unsigned handler_of(const struct insn *in, uint32_t mode, struct op *op, struct translation_state *state)
{
    const struct opcode_row *row = in->row;
    unsigned log2 = size_log2(in->operand_bytes), h = row->handler;
    switch ((enum kind)row->kind) {
    case KIND_ONE: return special_one(in, (uint16_t)h);
    case KIND_SIZED: return h + log2;
    case KIND_Y: return h + (in->operand_bytes == 8);
    case KIND_ALU: {
        unsigned form = pick_form(in, op);
        return h + form + log2;
    }
    case KIND_MOV: {
        static const uint16_t base[5] = {H_mov_rr_8, H_mov_ri_8, H_mov_load_8, H_mov_store_8, H_mov_si_8};
        return base[pick_form(in, op) / 4] + log2;
    }
    case KIND_JCC:
        op->reg = in->opcode & 15;
        if (state->cc_known == CC_KNOWN_SUB)
            return H_jo_sub_8 + 8u * op->reg + state->cc_size_log2;
        if (state->cc_known == CC_KNOWN_LOGIC || (state->cc_known == CC_KNOWN_RESULT && asks_result_only(op->reg)))
            return H_jo_logic_8 + 8u * op->reg + state->cc_size_log2;
        return H_jcc;
    case KIND_BRANCH:
        if (row->form == FORM_JB && row->handler != H_jmp)
            op->reg = in->address_bytes; /* LOOP, JCXZ count in rCX of the address size */
        return h;
    case KIND_CC: op->imm = in->opcode & 15; return h == H_setcc ? h : h + log2;
    case KIND_XCHG:
        if (row->form == FORM_Z) {
            op->reg = RAX * 8;
            if (op->rm == RAX * 8 && !(in->rex & 1))
                return H_nop;
        }
        return h + log2;
    case KIND_EXTEND: return h + log2;
    case KIND_STACK_REG:
        if ((mode & MODE_CODE64) && in->operand_bytes == 8)
            return h == H_push_reg ? H_push_reg64 : H_pop_reg64;
        return h;
    }
    return H_undefined;
}

static bool is_off(const struct opcode_row *row, uint32_t mode)
{
    return row->unit == UNIT_SSE ? (mode & MODE_SSE_OFF) != 0 : row->unit != UNIT_INT && (mode & MODE_X87_OFF) != 0;
}

void translate(struct cpu *cpu, const struct insn *in, uint64_t rip, struct op *op, struct translation_state *state)
{
    const struct opcode_row *row = in->row;
    uint32_t mode = cpu->mode;

    op->length = in->length;
    op->size = in->operand_bytes;
    op->base = op->index = REG_ZERO * 8;
    op->seg = SEG_DS;
    op->imm = in->imm;
    if (in->rep == 0xf3)
        op->flags |= OPF_REP;
    else if (in->rep == 0xf2)
        op->flags |= OPF_REPNE;
    if (in->lock)
        op->flags |= OPF_LOCK;

    unsigned rm_bytes = in->operand_bytes;
    if (row->kind == KIND_EXTEND) /* the source is narrower than the destination */
        rm_bytes = row->handler == H_movzx8_8 || row->handler == H_movsx8_8 ? 1 : 2;
    if (row->handler == H_crc32_8 && row->kind == KIND_ONE)
        rm_bytes = 1;
    if (in->has_modrm) {
        op->reg = file_offset(row->reg_file, in->reg, in->operand_bytes, in);
        if (in->mod == 3)
            op->rm = file_offset(row->rm_file, in->rm, rm_bytes, in);
        else
            fill_address(in, mode, op);
    } else {
        /* without ModRM: string instructions, moffs, accumulator, register in the opcode */
        if (in->address_bytes == 4)
            op->flags |= OPF_ADDR32;
        else if (in->address_bytes == 2)
            op->flags |= OPF_ADDR16;
        op->seg = (uint8_t)(in->seg >= 0 ? in->seg : SEG_DS);
        if ((mode & MODE_CODE64) && in->address_bytes == 8 && in->seg < 0)
            op->flags |= OPF_FLAT;
    }
    if (row->map == MAP_0F && row->opcode == 0xf7) { /* a masked move (MASKMOVQ, MASKMOVDQU): to DS:rDI */
        struct insn destination = *in;
        destination.base = RDI;
        fill_address(&destination, mode, op);
    }
    switch ((enum form)row->form) {
    case FORM_AO:
    case FORM_OA:
        op->disp = in->disp;
        op->flags |= OPF_MEM;
        op->reg = op->rm = RAX * 8;
        break;
    case FORM_AIB:
    case FORM_AIZ: op->reg = op->rm = RAX * 8; break;
    case FORM_Z:
    case FORM_ZIB:
    case FORM_ZIV:
        op->reg = op->rm = reg_offset((in->opcode & 7u) | ((in->rex & 1u) << 3), in->operand_bytes, in);
        break;
    case FORM_JB:
    case FORM_JZ: {
        uint64_t target = rip + in->length + in->imm;
        if (!(mode & MODE_CODE64))
            target = in->operand_bytes == 2 ? (uint16_t)target : (uint32_t)target;
        op->imm = target;
        break;
    }
    case FORM_FAR: op->imm = in->imm | in->imm2 << 32; break;
    default: break;
    }
    if (row->form == FORM_E && (row->opcode & ~1u) == 0xd0 && row->map == MAP_1)
        op->imm = 1; /* shift by one */
    if (row->form != FORM_JB && row->form != FORM_JZ && row->form != FORM_FAR && row->form != FORM_E &&
        in->operand_bytes < 8)
        op->imm = row->kind == KIND_ONE ? op->imm : truncate_to(op->imm, in->operand_bytes);
    if (row->cls == TIMING_CLASS_shift && row->form == FORM_EIB)
        op->imm = (uint8_t)in->imm;
    if (row->form == FORM_EGIB)
        op->imm = (uint8_t)in->imm;
    if (row->form == FORM_IB && row->handler != H_push_imm)
        op->imm = (uint8_t)in->imm;

    switch (row->handler) {
    case H_push_seg:
    case H_pop_seg: op->reg = implied_segment(in); break;
    case H_mov_from_seg:
    case H_mov_to_seg: op->reg = (in->modrm >> 3) & 7; break;
    case H_mov_from_cr:
    case H_mov_to_cr:
    case H_mov_from_dr:
    case H_mov_to_dr: op->reg = in->reg; break;
    case H_monitor:
    case H_umonitor: /* the operand is an address in a register */
        op->seg = (uint8_t)(in->seg >= 0 ? in->seg : SEG_DS);
        op->flags |= in->address_bytes == 4 ? OPF_ADDR32 : in->address_bytes == 2 ? OPF_ADDR16 : 0;
        break;
    default: break;
    }
    if (row->unit == UNIT_X87) /* FOP */
        op->imm = (in->opcode & 7u) << 8 | in->modrm;
    if (in->vex)
        op->imm = (uint8_t)in->imm | (uint64_t)file_offset(row->reg_file, in->vvvv, in->operand_bytes, in)
                                         << OP_VVVV_SHIFT;
    if (is_off(row, mode)) {
        op->imm = row->unit;
        op->fn = cpu->engine->fn[H_unit_off];
        if (VP_UNLIKELY(cpu->coverage != NULL))
            coverage_translated(cpu, op, H_unit_off, (size_t)(row - opcode_table));
        return;
    }
    unsigned handler = handler_of(in, mode, op, state);
    op->fn = cpu->engine->fn[handler];
    if (VP_UNLIKELY(cpu->coverage != NULL))
        coverage_translated(cpu, op, handler, (size_t)(row - opcode_table));
    note_flags(state, in, op);
}
