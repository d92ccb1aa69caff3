/* SPDX-License-Identifier: Apache-2.0 */
/* Text of instructions, for traces: Capstone's, but for the rows that it does not know. */
#include "decode.h"

#include <string.h>

struct decoder *cpu_disassembler_create(void)
{
    struct cpu_features all;
    memset(&all, true, sizeof all);
    return decoder_create(&all);
}
void cpu_disassembler_destroy(struct decoder *d) { decoder_destroy(d); }

void text_append(char *text, size_t text_size, const char *more)
{
    size_t used = strlen(text);
    for (; *more && used + 1 < text_size; more++)
        text[used++] = *more;
    text[used] = 0;
}

uint32_t cpu_disassemble(struct decoder *d, const uint8_t *bytes, size_t size, uint64_t rip, unsigned mode_bits,
                         char *text, size_t text_size)
{
    static const char *const regs[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                       "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    uint32_t mode = mode_bits == 64 ? MODE_CODE64 : mode_bits == 32 ? MODE_CODE32 : 0;
    struct insn in;

    text[0] = 0;
    if (decode(d, bytes, size, mode, rip, &in) == DECODE_OK && (in.row->flags & ROW_OWN)) {
        text_append(text, text_size, in.row->mnemonic);
        if (in.row->handler == H_senduipi || in.row->handler == H_rdpid) {
            text_append(text, text_size, " ");
            text_append(text, text_size, regs[in.rm]);
        }
        return in.length;
    }
    const char *mnemonic, *operands;
    uint32_t length = decoder_text(d, bytes, size, rip, mode, &mnemonic, &operands);
    if (length == 0)
        return 0;
    text_append(text, text_size, mnemonic);
    if (operands[0])
        text_append(text, text_size, " ");
    text_append(text, text_size, operands);
    return length;
}
