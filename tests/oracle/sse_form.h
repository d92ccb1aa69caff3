// SPDX-License-Identifier: Apache-2.0
// Forms of SSE instructions for fx_oracle.h. A form is named by its mandatory prefix (0: none) and opcode bytes; its
// memory operand must be aligned unless unaligned() says otherwise: one case in eight is not, and the faults compared.
#ifndef SSE_FORM_H
#define SSE_FORM_H

#include "fx_oracle.h"

#include <utility>

struct sse_row {
    const char *name;
    std::uint8_t prefix, opcode;
};

inline fx_form sse_form(const char *name, std::uint8_t prefix, std::vector<std::uint8_t> opcode,
                        fx_memory memory = FX_VECTOR)
{
    fx_form f;
    f.name = name;
    f.enc.mandatory = prefix;
    f.enc.opcode = std::move(opcode);
    f.enc.size = 4;
    f.memory = memory;
    f.align = 16;
    f.control = true;
    return f;
}
inline fx_form unaligned(fx_form f)
{
    f.align = 1;
    return f;
}
inline fx_form registers_only(fx_form f)
{
    f.enc.memory_allowed = false;
    return f;
}
inline fx_form memory_only(fx_form f)
{
    f.enc.register_allowed = false;
    return f;
}
inline fx_form with_imm(fx_form f, int imm = -1)
{
    f.enc.imm_bytes = 1;
    f.imm = imm;
    return f;
}
inline fx_form with_ext(fx_form f, int ext)
{
    f.enc.ext = ext;
    return f;
}
// Operands of 64 bits: REX.W.
inline fx_form wide(fx_form f)
{
    f.enc.size = 8;
    return f;
}

class oracle_sse : public fx_oracle_test
{
  protected:
    static constexpr std::uint8_t NP = 0, P66 = 0x66, F3 = 0xf3, F2 = 0xf2;

    // All values of the immediate, about 1500 cases each form of operand.
    static void check_all_imm(const fx_form &f)
    {
        for (int imm = 0; imm < 256; imm++)
            judge().check(with_imm(f, imm), 2, 3);
    }
};

#endif
