// SPDX-License-Identifier: Apache-2.0
// Instructions that exist outside 64-bit mode only, against the host processor in 32-bit code: decimal adjustments,
// one-byte INC and DEC, PUSHA and POPA, segment-free forms of the rest. Also 32-bit stacks and addresses of common
// instructions.
#include "oracle.h"

namespace
{

class oracle_32 : public testing::Test
{
  protected:
    void SetUp() override
    {
        if (!native.is_usable())
            GTEST_SKIP() << "low addresses cannot be mapped";
        if (!native.has_32_bit_code())
            GTEST_SKIP() << "the host system has no 32-bit code segment";
        guest.start32();
        opcode_coverage::leave_out("E6 ib"); // STOP
        std::memset(native_cpu::at(native_cpu::DATA), 0, native_cpu::DATA_SIZE);
        std::memset(native_cpu::at(native_cpu::STACK), 0, native_cpu::STACK_SIZE);
    }

    void TearDown() override { opcode_coverage::forget(guest.core()); }

    void load(const std::vector<std::uint8_t> &bytes)
    {
        native.set_code_32(bytes);
        std::vector<std::uint8_t> code = bytes;
        code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        guest.write(native_cpu::CODE, code);
        length = bytes.size();
    }
    // True if both agree; `what` says what does not.
    bool agrees(const machine_state &before, std::uint64_t defined)
    {
        machine_state state = before;
        bool taken;
        if (!native.run_32(state, taken))
            return false;
        cpu_regs r = guest.regs();
        std::memcpy(r.gpr, before.gpr, sizeof r.gpr);
        r.rip = native_cpu::CODE;
        r.rflags = before.rflags;
        guest.set_regs(r);
        bool stopped = guest.run_to_stop(100000);
        r = guest.regs();
        bool same =
            stopped && r.rip == native_cpu::CODE + length + 2 && ((r.rflags ^ state.rflags) & (defined | DF)) == 0;
        for (unsigned i = 0; i < 8; i++)
            same = same && static_cast<std::uint32_t>(r.gpr[i]) == static_cast<std::uint32_t>(state.gpr[i]);
        for (std::uint64_t area : {native_cpu::DATA, native_cpu::STACK})
            same = same && std::memcmp(guest.ram(area), native_cpu::at(area), 0x1000) == 0;
        if (same)
            opcode_coverage::note(guest.core());
        else
            opcode_coverage::forget(guest.core());
        if (!same)
            ADD_FAILURE() << std::hex << "eax " << before.gpr[RAX] << " flags " << before.rflags << ": eax "
                          << r.gpr[RAX] << " expected " << state.gpr[RAX] << ", flags " << r.rflags << " expected "
                          << state.rflags << ", rip " << r.rip;
        return same;
    }
    machine_state random_state()
    {
        machine_state s{};
        for (unsigned i = 0; i < 8; i++)
            s.gpr[i] = random.value() & 0xffffffff;
        s.gpr[RSP] = native_cpu::STACK + 0x800 + 4 * random.below(16);
        s.gpr[RBX] = native_cpu::DATA + random.below(0x800);
        s.rflags = 0x202 | (random.bits() & STATUS);
        return s;
    }
    void check(const char *name, const std::vector<std::uint8_t> &bytes, std::uint64_t defined, unsigned cases = 60)
    {
        SCOPED_TRACE(name);
        load(bytes);
        for (unsigned i = 0; i < cases; i++)
            if (!agrees(random_state(), defined))
                return;
    }

    native_cpu native;
    cpu_fixture guest;
    random_source random{20260102};
    std::size_t length = 0;
};

TEST_F(oracle_32, decimal_adjustments)
{
    struct {
        const char *name;
        std::uint8_t opcode;
        std::uint64_t defined;
    } const insns[] = {{"daa", 0x27, STATUS & ~OF},
                       {"das", 0x2f, STATUS & ~OF},
                       {"aaa", 0x37, AF | CF},
                       {"aas", 0x3f, AF | CF},
                       {"salc", 0xd6, STATUS}};
    for (const auto &i : insns) {
        SCOPED_TRACE(i.name);
        load({i.opcode});
        for (unsigned ax = 0; ax < 0x10000; ax += ax % 256 == 255 ? 0x1301 : 1)
            for (std::uint64_t flags : {std::uint64_t{0}, CF, AF, CF | AF}) {
                machine_state s = random_state();
                s.gpr[RAX] = ax | 0x77770000;
                s.rflags = 0x202 | flags;
                if (!agrees(s, i.defined))
                    return;
            }
    }
    for (unsigned base = 0; base < 256; base++) {
        auto imm = static_cast<std::uint8_t>(base);
        if (base != 0)
            check("aam", {0xd4, imm}, SF | ZF | PF, 20);
        check("aad", {0xd5, imm}, SF | ZF | PF, 20);
    }
}

TEST_F(oracle_32, division_by_zero_of_aam)
{
    guest.write(native_cpu::CODE, {0xd4, 0x00});
    cpu_regs r = guest.regs();
    r.rip = native_cpu::CODE;
    guest.set_regs(r);
    EXPECT_EQ(guest.run_for(1000), CPU_STOP_SHUTDOWN) << "there is no IDT to take #DE";
}

TEST_F(oracle_32, one_byte_forms)
{
    for (unsigned r = 0; r < 8; r++) {
        auto plus = [r](unsigned opcode) { return static_cast<std::uint8_t>(opcode + r); };
        check("inc", {plus(0x40)}, STATUS);
        check("dec", {plus(0x48)}, STATUS);
        check("inc 16", {0x66, plus(0x40)}, STATUS);
        check("push", {plus(0x50)}, STATUS);
        check("pop", {plus(0x58)}, STATUS);
        check("push 16", {0x66, plus(0x50)}, STATUS);
        check("pop 16", {0x66, plus(0x58)}, STATUS);
    }
    check("pusha", {0x60}, STATUS);
    check("popa", {0x61}, STATUS);
    check("pusha 16", {0x66, 0x60}, STATUS);
    check("popa 16", {0x66, 0x61}, STATUS);
    check("pushf", {0x9c}, STATUS);
    check("push imm", {0x68, 1, 2, 3, 0x84}, STATUS);
    check("push imm8", {0x6a, 0x84}, STATUS);
    check("leave after enter", {0xc8, 0x20, 0x00, 0x00, 0xc9}, STATUS);
    check("enter nested", {0x89, 0xe5, 0xc8, 0x10, 0x00, 0x03}, STATUS);
}

TEST_F(oracle_32, addresses_and_stack)
{
    check("add [ebx + 4], ecx", {0x01, 0x4b, 0x04}, STATUS);
    check("sub edx, [ebx]", {0x2b, 0x13}, STATUS);
    for (unsigned ext = 0; ext < 8; ext++)
        check("82H group", {0x82, static_cast<std::uint8_t>(0xc1 | ext << 3), 0x91},
              ext == 1 || ext == 4 || ext == 6 ? STATUS & ~AF : STATUS);
    check("mov [disp32], eax", {0xa3, 0x10, 0x80, 0x20, 0x00}, STATUS);
    check("add [disp32], edx", {0x01, 0x15, 0x20, 0x80, 0x20, 0x00}, STATUS); // not RIP-relative
    check("call, pop", {0xe8, 0, 0, 0, 0, 0x58}, STATUS);
    check("call ret", {0xe8, 2, 0, 0, 0, 0xeb, 2, 0x41, 0xc3}, STATUS);
    check("push 0, pop eax", {0x6a, 0x00, 0x58}, STATUS);
    check("xchg [ebx], edx", {0x87, 0x13}, STATUS);
    check("jecxz", {0xe3, 0x01, 0x40}, STATUS);
    check("movzx eax, byte [ebx]", {0x0f, 0xb6, 0x03}, STATUS);
    check("lea, 16-bit address", {0x67, 0x8d, 0x42, 0x05}, STATUS);
    check("cmpxchg8b", {0x0f, 0xc7, 0x0b}, STATUS);
    check("bswap", {0x0f, 0xca}, STATUS);
    check("imul", {0x6b, 0xc2, 0x91}, CF | OF);
}

} // namespace
