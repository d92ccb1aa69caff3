// SPDX-License-Identifier: Apache-2.0
// What the VEX prefix may stand with, where C4H and C5H are LES and LDS, and the integer extensions that the host
// cannot judge: RDRAND, RDSEED, CLWB, CLFLUSHOPT, PCID, INVPCID. Judge: SDM Vol. 2, "The VEX Prefix", the instructions'
// pages; Vol. 3, "Process-Context Identifiers (PCIDs)".
#include "insn_fixture.h"

#include <algorithm>

namespace
{
class extension : public insn_fixture
{
  protected:
    extension()
    {
        for (bool &has : config.features.has)
            has = true;
        create();
    }
};

// C4 and C5 forms with ModRM C2: reg EAX, rm EDX, vvvv ECX.
const std::vector<std::uint8_t> ANDN = {0xc4, 0xe2, 0x70, 0xf2, 0xc2};

TEST_F(extension, vex_in_64_and_32_bit_code)
{
    for (bool is_long : {true, false}) {
        if (is_long)
            start_long(3);
        else
            start_32(3);
        set_gpr(RCX, 0x0f0f), set_gpr(RDX, 0xffff);
        EXPECT_EQ(run(ANDN), COMPLETED);
        EXPECT_EQ(gpr(RAX), 0xf0f0u);
    }
    // Outside 64-bit mode W and the upper register bits mean nothing.
    start_32(3);
    set_gpr(RCX, 0x0f0f), set_gpr(RDX, 0xffff);
    EXPECT_EQ(run({0xc4, 0xe2, 0xf0, 0xf2, 0xc2}), COMPLETED);
    EXPECT_EQ(gpr(RAX), 0xf0f0u);
    EXPECT_EQ(run({0xc4, 0xc2, 0x30, 0xf2, 0xc2}), COMPLETED);
    EXPECT_EQ(gpr(RAX), 0xf0f0u);
}

TEST_F(extension, les_and_lds_remain)
{
    start_32(0);
    put(0x60000, std::uint32_t{0x1234});
    put(0x60004, std::uint16_t{DATA0});
    set_gpr(RDX, 0x60000);
    EXPECT_EQ(run({0xc4, 0x02}), COMPLETED); // les eax, [edx]
    EXPECT_EQ(gpr(RAX), 0x1234u);
    EXPECT_EQ(run({0xc5, 0x0a}), COMPLETED); // lds ecx, [edx]
    EXPECT_EQ(gpr(RCX), 0x1234u);
    // Real mode has no VEX.
    start_32(0);
    state = now();
    state.cr0 = 0x10;
    state.idt_base = 0x500, state.idt_limit = 0x3ff;
    for (auto &s : state.seg)
        s.limit = 0xffff;
    state.seg[CORE_CS] = {0, 0xffff, 0, 0x9b};
    state.rip = 0x8000;
    state.rsp = 0x7000;
    set();
    put(0x500 + 4 * EXC_UD, std::uint32_t{0x6000});
    place(ANDN, 0x8000);
    (void)step_once();
    EXPECT_EQ(now().rip, 0x6000u) << "#UD";
}

TEST_F(extension, illegal_vex_is_ud)
{
    const code cases[] = {
        {0xf0, 0xc4, 0xe2, 0x70, 0xf2, 0xc2}, // LOCK
        {0x66, 0xc4, 0xe2, 0x70, 0xf2, 0xc2},
        {0xf2, 0xc4, 0xe2, 0x70, 0xf2, 0xc2},
        {0xf3, 0xc4, 0xe2, 0x70, 0xf2, 0xc2},
        {0x40, 0xc4, 0xe2, 0x70, 0xf2, 0xc2},
        {0x48, 0xc4, 0xe2, 0x70, 0xf2, 0xc2},
        {0xc4, 0xe2, 0x74, 0xf2, 0xc2}, // L = 1
        {0xc4, 0xe0, 0x70, 0xf2, 0xc2},
        {0xc4, 0xe4, 0x70, 0xf2, 0xc2},       // maps 0, 4
        {0xc4, 0xe2, 0x71, 0xf2, 0xc2},       // pp = 66
        {0xc4, 0xe3, 0x73, 0xf0, 0xc2, 0x05}, // RORX with vvvv
        {0x0f, 0x38, 0xf2, 0xc2},             // without VEX
        {0xc4, 0xe2, 0x70, 0xf3, 0xc2},       // /0
    };
    for (const code &c : cases) {
        start_long(3);
        EXPECT_EQ(run(c), EXC_UD) << int(c[0]) << " " << int(c[1]) << " " << int(c[2]);
        EXPECT_EQ(frame64(0), CODE);
    }
    start_long(3); // a REX prefix that another prefix follows counts for nothing
    EXPECT_EQ(run({0x48, 0x2e, 0xc4, 0xe2, 0x70, 0xf2, 0xc2}), COMPLETED);
    EXPECT_EQ(run({0xc4, 0xe3, 0x7b, 0xf0, 0xc2, 0x05}), COMPLETED);
}

TEST_F(extension, a_vex_instruction_across_a_page_is_found)
{
    start_long(3);
    for (unsigned before = 1; before < ANDN.size(); before++) {
        const std::uint64_t at = CODE + 0x1000 - before;
        place(ANDN, at);
        drop_code(CODE + 0x1000);
        set_gpr(RCX, 0), set_gpr(RDX, before), set_gpr(RAX, 0);
        set_rip(at);
        EXPECT_EQ(step_once(), COMPLETED);
        EXPECT_EQ(gpr(RAX), before);
    }
}

TEST_F(extension, rdrand_and_rdseed_are_deterministic)
{
    std::vector<std::uint64_t> first;
    for (unsigned again = 0; again < 2; again++) {
        create();
        start_long(3);
        std::vector<std::uint64_t> values;
        for (unsigned n = 0; n < 32; n++) {
            cpu_regs r = regs();
            r.rflags |= 0x8d4; // the other status flags
            cpu_set_regs(core, &r);
            EXPECT_EQ(run(n & 1 ? code{0x48, 0x0f, 0xc7, 0xf0} : code{0x48, 0x0f, 0xc7, 0xf8}), COMPLETED);
            EXPECT_EQ(regs().rflags & 0x8d5, 1u) << "CF alone";
            values.push_back(gpr(RAX));
        }
        std::vector<std::uint64_t> sorted = values;
        std::sort(sorted.begin(), sorted.end());
        EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
        if (again == 0)
            first = values;
        else
            EXPECT_EQ(values, first);
    }
    config.random_seed = 1;
    create();
    start_long(3);
    EXPECT_EQ(run({0x48, 0x0f, 0xc7, 0xf8}), COMPLETED);
    EXPECT_NE(gpr(RAX), first[0]);
    for (std::uint8_t modrm : {std::uint8_t{0xf0}, std::uint8_t{0xf8}}) { // 16 bits leave the others alone
        set_gpr(RAX, 0x123456789abc0000);
        EXPECT_EQ(run({0x66, 0x0f, 0xc7, modrm}), COMPLETED);
        EXPECT_EQ(gpr(RAX) >> 16, 0x123456789abcu);
        EXPECT_EQ(regs().rflags & 0x8d5, 1u);
    }
    set_gpr(RAX, ~std::uint64_t{0});
    EXPECT_EQ(run({0x66, 0x0f, 0xc7, 0xf0}), COMPLETED);
    EXPECT_EQ(gpr(RAX) >> 16, 0xffffffffffffu) << "16 bits";
    EXPECT_EQ(run({0x0f, 0xc7, 0xf0}), COMPLETED);
    EXPECT_EQ(gpr(RAX) >> 32, 0u) << "32 bits clear the upper half";
    EXPECT_EQ(run({0xf0, 0x0f, 0xc7, 0xf0}), EXC_UD);
}

TEST_F(extension, cache_line_instructions)
{
    for (const code &c : {code{0x66, 0x0f, 0xae, 0x37}, code{0x66, 0x0f, 0xae, 0x3f}}) {
        start_long(3);
        set_gpr(RDI, 0x60001);
        EXPECT_EQ(run(c), COMPLETED);
        set_gpr(RDI, 0x40000000);
        EXPECT_EQ(run(c), EXC_PF);
    }
}

TEST_F(extension, pcid)
{
    constexpr std::uint64_t PCIDE = 1u << 17, NO_FLUSH = std::uint64_t{1} << 63;
    start_32(0);
    EXPECT_FAULT(core_write_cr(core, 4, PCIDE), EXC_GP, 0); // outside long mode
    start_long(0);
    EXPECT_FAULT(core_write_cr(core, 3, PML4 | NO_FLUSH), EXC_GP, 0);
    EXPECT_OK(core_write_cr(core, 3, PML4 | 0x18));
    EXPECT_FAULT(core_write_cr(core, 4, bits::CR4_PAE | PCIDE), EXC_GP, 0); // CR3[11:0] is not 0
    EXPECT_OK(core_write_cr(core, 3, PML4));
    EXPECT_OK(core_write_cr(core, 4, bits::CR4_PAE | PCIDE));
    EXPECT_OK(core_write_cr(core, 3, PML4 | 0xfff | NO_FLUSH));
    EXPECT_EQ(now().cr3, PML4 | 0xfff);
    EXPECT_EQ(run({0x90}), COMPLETED) << "the tables are still found";
    EXPECT_FAULT(core_write_cr(core, 3, PML4 | std::uint64_t{1} << 62), EXC_GP, 0);
    state = now();
    state.seg[CORE_CS] = {0, 0xffffffff, CODE32_0, 0xc09b};
    set();
    EXPECT_FAULT(core_write_cr(core, 0, 0x11), EXC_GP, 0); // paging cannot go off while PCIDE is set
}

TEST_F(extension, invpcid)
{
    const code insn = {0x66, 0x0f, 0x38, 0x82, 0x07}; // invpcid rax, [rdi]
    const struct {
        std::uint64_t type, pcid, address;
        bool pcide;
        int expected;
    } cases[] = {
        {0, 0, 0x1000, false, COMPLETED},
        {0, 5, 0x1000, false, EXC_GP},
        {0, 5, 0x1000, true, COMPLETED},
        {0, 0x1000, 0x1000, true, EXC_GP},
        {0, 0, 0x800000000000, true, EXC_GP},
        {1, 5, 0x800000000000, true, COMPLETED},
        {1, 5, 0, false, EXC_GP},
        {2, 0, 0, false, COMPLETED},
        {3, 0, 0, false, COMPLETED},
        {4, 0, 0, true, EXC_GP},
    };
    for (const auto &c : cases) {
        start_long(0);
        set_cr(0, c.pcide ? 1u << 17 : 0);
        put(0x60000, c.pcid);
        put(0x60008, c.address);
        set_gpr(RDI, 0x60000), set_gpr(RAX, c.type);
        EXPECT_EQ(run(insn), c.expected) << c.type << " " << c.pcid;
    }
    start_long(3);
    EXPECT_EQ(run(insn), EXC_GP);

    // A changed page table is seen afterwards, also through global entries with type 2.
    constexpr std::uint64_t PT = 0x70000;
    start_long(0);
    set_cr(0, bits::CR4_PGE);
    put(PD + 8, PT | 7);
    put(PT, std::uint64_t{0x60107}); // global
    state = now();
    set();
    put(0x60000, std::uint64_t{0x11}), put(0x61000, std::uint64_t{0x22});
    set_gpr(RDI, 0x200000);
    EXPECT_EQ(run({0x48, 0x8b, 0x07}), COMPLETED);
    EXPECT_EQ(gpr(RAX), 0x11u);
    put(PT, std::uint64_t{0x61107});
    put(0x63000, std::uint64_t{0}), put(0x63008, std::uint64_t{0});
    for (std::uint64_t type : {3u, 2u}) {
        set_gpr(RDI, 0x63000), set_gpr(RAX, type);
        EXPECT_EQ(run(insn), COMPLETED);
        set_gpr(RDI, 0x200000);
        EXPECT_EQ(run({0x48, 0x8b, 0x07}), COMPLETED);
        EXPECT_EQ(gpr(RAX), type == 3 ? 0x11u : 0x22u);
    }
}

} // namespace
