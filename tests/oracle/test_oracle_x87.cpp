// SPDX-License-Identifier: Apache-2.0
// Every x87 encoding against the host processor: all of D8..DF with register operands byte by byte, and every memory
// form with operands of its type.
#include "fx_oracle.h"

namespace
{

using oracle_x87 = fx_oracle_test;

fx_form memory_form(unsigned opcode, int ext, fx_memory memory, unsigned size = 4)
{
    fx_form f;
    char name[32];
    std::snprintf(name, sizeof name, "%02X /%d memory", opcode, ext);
    f.name = name;
    f.enc.opcode = {static_cast<std::uint8_t>(opcode)};
    f.enc.size = size;
    f.enc.ext = ext;
    f.enc.register_allowed = false;
    f.memory = memory;
    return f;
}

fx_form control_form(unsigned opcode, int ext, unsigned size = 4)
{
    fx_form f = memory_form(opcode, ext, FX_ANY, size);
    f.control = true;
    return f;
}

// FCOMI and its relatives by the manual: C1 is cleared (AMD's processors leave it alone), and flags do not change if an
// invalid operand is not masked (there they do).
void compare_to_flags(const machine_state &before, const fx_image &fx, machine_state &after, fx_image &fx_after)
{
    constexpr unsigned C1 = 0x200, IE = 1;
    if (fx_after.fsw & ~fx.fcw & ~fx.fsw & IE)
        after.rflags = before.rflags;
    fx_after.fsw = static_cast<std::uint16_t>(fx_after.fsw & ~C1);
}

// D8 C0..DF FF, one by one; what the host does not know must be #UD here too.
TEST_F(oracle_x87, registers)
{
    for (unsigned opcode = 0xd8; opcode <= 0xdf; opcode++)
        for (unsigned modrm = 0xc0; modrm <= 0xff; modrm++) {
            fx_form f;
            char name[32];
            std::snprintf(name, sizeof name, "%02X %02X", opcode, modrm);
            f.name = name;
            if ((opcode == 0xdb || opcode == 0xdf) && modrm >= 0xe8 && modrm < 0xf8)
                f.correct = compare_to_flags;
            judge().check_bytes(f, {static_cast<std::uint8_t>(opcode), static_cast<std::uint8_t>(modrm)}, 1000);
        }
}

// Prefixes mean nothing to register forms, REX.B does not extend ST(i); FIP is that of the first prefix.
TEST_F(oracle_x87, prefixes)
{
    for (unsigned prefix : {0x66u, 0x67u, 0x2eu, 0x41u, 0x48u, 0x4fu, 0xf2u, 0xf3u})
        for (unsigned opcode = 0xd8; opcode <= 0xdf; opcode++)
            for (unsigned modrm : {0xc1u, 0xc9u, 0xe0u, 0xe1u, 0xe2u, 0xf4u, 0xfau}) {
                fx_form f;
                f.name = "prefixed";
                if ((opcode == 0xdb || opcode == 0xdf) && modrm >= 0xe8 && modrm < 0xf8)
                    f.correct = compare_to_flags;
                judge().check_bytes(f,
                                    {static_cast<std::uint8_t>(prefix), static_cast<std::uint8_t>(opcode),
                                     static_cast<std::uint8_t>(modrm)},
                                    100);
            }
}

TEST_F(oracle_x87, arithmetic_memory)
{
    for (int ext = 0; ext < 8; ext++) {
        judge().check(memory_form(0xd8, ext, FX_F32));
        judge().check(memory_form(0xda, ext, FX_I32));
        judge().check(memory_form(0xdc, ext, FX_F64));
        judge().check(memory_form(0xde, ext, FX_I16));
    }
}

TEST_F(oracle_x87, loads)
{
    judge().check(memory_form(0xd9, 0, FX_F32));
    judge().check(memory_form(0xdd, 0, FX_F64));
    judge().check(memory_form(0xdb, 5, FX_F80));
    judge().check(memory_form(0xdf, 0, FX_I16));
    judge().check(memory_form(0xdb, 0, FX_I32));
    judge().check(memory_form(0xdf, 5, FX_I64));
    judge().check(memory_form(0xdf, 4, FX_BCD));
}

TEST_F(oracle_x87, stores)
{
    static constexpr struct {
        unsigned opcode;
        int ext;
    } forms[] = {{0xd9, 2}, {0xd9, 3}, {0xdd, 2}, {0xdd, 3}, {0xdb, 7}, {0xdf, 2}, {0xdf, 3},
                 {0xdb, 2}, {0xdb, 3}, {0xdf, 7}, {0xdf, 1}, {0xdb, 1}, {0xdd, 1}, {0xdf, 6}};
    for (auto &form : forms)
        judge().check(memory_form(form.opcode, form.ext, FX_ANY));
}

TEST_F(oracle_x87, control_words)
{
    judge().check(control_form(0xd9, 5)); // FLDCW
    judge().check(control_form(0xd9, 7)); // FNSTCW
    judge().check(control_form(0xdd, 7)); // FNSTSW
}

// FNSAVE is 80 bytes longer than FNSTENV.
unsigned image_bytes(unsigned opcode, unsigned size) { return (size == 2 ? 14u : 28u) + (opcode == 0xdd ? 80u : 0u); }

TEST_F(oracle_x87, images)
{
    for (unsigned size : {2u, 4u, 8u}) {
        for (unsigned opcode : {0xd9u, 0xddu}) { // FLDENV, FRSTOR; FNSTENV, FNSAVE
            fx_form load = control_form(opcode, 4, size);
            load.bytes = image_bytes(opcode, size);
            load.image = true;
            judge().check(load);
            fx_form f = control_form(opcode, 6, size);
            f.environment = true;
            f.bytes = image_bytes(opcode, size);
            f.image = true;
            judge().check(f);
        }
    }
}

// Memory forms that do not exist.
TEST_F(oracle_x87, undefined_memory)
{
    judge().check(memory_form(0xd9, 1, FX_ANY), 3, 3);
    judge().check(memory_form(0xdb, 4, FX_ANY), 3, 3);
    judge().check(memory_form(0xdb, 6, FX_ANY), 3, 3);
    judge().check(memory_form(0xdd, 5, FX_ANY), 3, 3);
}

TEST_F(oracle_x87, wait)
{
    fx_form f;
    f.name = "wait";
    judge().check_bytes(f, {0x9b});
}

} // namespace
