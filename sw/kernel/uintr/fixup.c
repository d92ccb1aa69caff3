/* SPDX-License-Identifier: Apache-2.0 */
/* SENDUIPIs that fault on purpose (generation 2). #UD: a thread whose process has a UITT but whose TT register was
 * never loaded. #GP: the receiver sleeps and wants its senders to pay for the wake-up. Everything else is the
 * program's own fault. */
#include "arch/control.h"
#include "arch/msr.h"
#include "arch/segment.h"
#include "arch/uintr.h"
#include "mm/mm.h"
#include "uintr/uintr.h"

/* Length of the SENDUIPI at rip, and the number of its register; 0: another instruction. LOCK makes it one. */
static unsigned decode_senduipi(uint64_t rip, unsigned *reg)
{
    uint8_t byte = 0, repeat = 0, rex = 0, rest[2];
    unsigned n = 0;
    for (; n < 12; n++) {
        if (GET_USER(byte, rip + n))
            return 0;
        if (byte == 0xf3 || byte == 0xf2)
            repeat = byte;
        else if ((byte & 0xf0) != 0x40 && byte != 0x66 && byte != 0x67 && (byte & 0xe7) != 0x26 &&
                 (byte & 0xfe) != 0x64)
            break;
        rex = (byte & 0xf0) == 0x40 ? byte : 0; /* counts only directly before the opcode */
    }
    if (byte != 0x0f || repeat != 0xf3 || GET_USER(rest, rip + n + 1) || rest[0] != 0xc7 || rest[1] >> 3 != 0x1e)
        return 0;
    *reg = (unsigned)(rest[1] & 7) | (rex & 1u) << 3;
    return n + 3;
}

static uint64_t register_value(const struct frame *f, unsigned reg)
{
    const uint64_t values[16] = {f->rax, f->rcx, f->rdx, f->rbx, f->rsp, f->rbp, f->rsi, f->rdi,
                                 f->r8,  f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14, f->r15};
    return values[reg];
}

bool uintr_fixup(struct frame *f, uint64_t vector)
{
    struct task *t = current;
    struct uitt *table = t->uintr && t->uintr->uitt ? t->uintr->uitt : t->mm->uitt;
    unsigned reg;
    if (!table || f->cs != SEL_USER_CODE)
        return false;
    unsigned length = decode_senduipi(f->rip, &reg);
    if (length == 0)
        return false;
    bool is_enabled = uintr_read(MSR_UINTR_TT) & UINTR_TT_ENABLE;
    if (vector == VECTOR_UD && !is_enabled) {
        uintr_set_sender(table);
        return true;
    }
    uint64_t index = register_value(f, reg);
    if (vector != VECTOR_GP || !is_enabled || !uitt_is_used(table, index))
        return false;
    struct upid_object *u = (struct upid_object *)table->entries[index].upidaddr;
    if (!(u->hw.control & UPID_BLOCKED))
        return true; /* somebody else woke it between the fault and here: send again */
    __atomic_fetch_or(&u->hw.pir, 1ull << (table->entries[index].control >> UITTE_UV_SHIFT & 63), __ATOMIC_SEQ_CST);
    uintr_wake(u);
    f->rip += length;
    return true;
}
