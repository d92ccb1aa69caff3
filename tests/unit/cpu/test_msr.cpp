// SPDX-License-Identifier: Apache-2.0
// MSRs and control registers: which exist, what they accept. Judge: SDM Vol. 4, "Architectural MSRs"; Vol. 3, "Control
// Registers".
#include "system_fixture.h"

using namespace bits;

namespace
{
constexpr std::uint64_t NOT_CANONICAL = std::uint64_t{1} << 47;

class msr : public system_fixture
{
  protected:
    std::uint64_t read(std::uint32_t number)
    {
        std::uint64_t v = 0;
        EXPECT_OK(core_msr_read(core, number, &v));
        return v;
    }
    core_fault write(std::uint32_t number, std::uint64_t value) { return core_msr_write(core, number, value); }
    void expect_storage(std::uint32_t number, std::uint64_t value)
    {
        EXPECT_OK(write(number, value));
        EXPECT_EQ(read(number), value) << std::hex << number;
    }
    void expect_refused(std::uint32_t number, std::uint64_t value)
    {
        const core_fault f = write(number, value);
        EXPECT_TRUE(f.raised) << std::hex << number << " accepts " << value;
        EXPECT_EQ(int(f.vector), EXC_GP);
        EXPECT_EQ(f.error_code, 0u);
    }
    void without(cpu_feature feature)
    {
        config.features = cpu_features_default();
        config.features.has[feature] = false;
        create();
    }
};

TEST_F(msr, unknown_numbers_are_gp)
{
    std::uint64_t v;
    for (std::uint32_t n :
         {0x2u, 0x78u, 0x9fu, 0x984u, 0x98bu, 0x7ffu, 0x900u, 0xda1u, 0xc0000085u, 0xc0000104u, 0xffffffffu}) {
        EXPECT_FAULT(core_msr_read(core, n, &v), EXC_GP, 0);
        expect_refused(n, 0);
    }
}

TEST_F(msr, storage_with_canonical_addresses)
{
    for (std::uint32_t n : {0x175u, 0x176u, 0xc0000082u, 0xc0000083u, 0xc0000100u, 0xc0000101u, 0xc0000102u}) {
        expect_storage(n, 0xffff800000123456);
        expect_storage(n, 0x00007fffffffffff);
        expect_refused(n, NOT_CANONICAL);
    }
    expect_storage(0xc0000081, 0x0023001000000000);
    expect_storage(0x174, 8);
}

TEST_F(msr, registers_of_32_bits)
{
    for (std::uint32_t n : {0xc0000084u, 0xc0000103u}) {
        expect_storage(n, 0xffffffff);
        expect_refused(n, 0x100000000);
    }
}

TEST_F(msr, fs_base_is_the_segments_base)
{
    EXPECT_OK(write(0xc0000100, 0x123456789000));
    EXPECT_EQ(now().seg[CORE_FS].base, 0x123456789000u);
    EXPECT_OK(write(0xc0000101, 0x7000));
    EXPECT_EQ(now().seg[CORE_GS].base, 0x7000u);
}

TEST_F(msr, read_only_registers)
{
    EXPECT_EQ(read(0xfe), 0x508u);
    EXPECT_EQ(read(0x179), 0u);
    EXPECT_EQ(read(0x10a), 0x400000000d10e179u) << "every defined _NO bit, no IBRS_ALL";
    for (std::uint32_t n : {0xfeu, 0x179u, 0x10au, 0x17u})
        expect_refused(n, read(n));
    EXPECT_OK(write(0x79, 0x1000)); // IA32_BIOS_UPDT_TRIG can be written only
    std::uint64_t v;
    EXPECT_FAULT(core_msr_read(core, 0x79, &v), EXC_GP, 0);
    for (std::uint32_t n : {0u, 1u}) // IA32_P5_MC_ADDR, IA32_P5_MC_TYPE
        EXPECT_EQ(read(n), 0u);
}

TEST_F(msr, performance_clocks_stand_still_while_the_core_waits)
{
    constexpr std::uint32_t TSC = 0x10, MPERF = 0xe7, APERF = 0xe8;
    expect_storage(MPERF, 1000);
    expect_storage(APERF, 0xfffffffffffffff0);
    EXPECT_EQ(read(MPERF), 1000u) << "each its own value";
    const std::uint64_t tsc = read(TSC);
    cpu_idle_until(core, tsc + 500);
    EXPECT_EQ(read(TSC), tsc + 500);
    EXPECT_EQ(read(MPERF), 1000u);
    EXPECT_EQ(read(APERF), 0xfffffffffffffff0u);
    without(CPU_FEATURE_aperfmperf);
    std::uint64_t v;
    EXPECT_FAULT(core_msr_read(core, APERF, &v), EXC_GP, 0);
    expect_refused(MPERF, 0);
}

// What drivers of the part that CPUID names read without asking.
TEST_F(msr, clocks_of_the_part)
{
    const std::uint64_t ratio = config.clock_hz / 100000000;
    EXPECT_EQ(read(0xce), ratio << 8 | ratio << 40);
    EXPECT_EQ(read(0x198), ratio << 8);
    EXPECT_EQ(read(0x1ad), ratio * 0x0101010101010101);
    for (std::uint32_t n : {0xceu, 0x198u, 0x1adu})
        expect_refused(n, 0);
    expect_storage(0xe2, 0x8403);
    expect_storage(0x1fc, 0x24400040);
    expect_storage(0x199, ratio << 8);
    expect_refused(0x199, 0x10000);
}

TEST_F(msr, misc_enable)
{
    constexpr std::uint32_t MISC = 0x1a0;
    EXPECT_EQ(read(MISC) & 0x1881, 0x1801u) << "fast strings; neither branch trace nor PEBS nor counters";
    EXPECT_OK(write(MISC, 0x80));
    EXPECT_EQ(read(MISC), 0x1800u) << "read-only bits stay";
    expect_refused(MISC, 2);

    std::uint32_t out[4];
    EXPECT_OK(write(MISC, 1u << 22));
    core_cpuid(core, 0, 0, out);
    EXPECT_EQ(out[0], 2u);
    EXPECT_OK(write(MISC, std::uint64_t{1} << 34));
    core_cpuid(core, 0, 0, out);
    EXPECT_GT(out[0], 2u);
    core_cpuid(core, 0x80000001, 0, out);
    EXPECT_EQ(out[3] >> 20 & 1, 0u) << "NX";
    expect_refused(0xc0000080, EFER_NXE);
    EXPECT_OK(write(MISC, 1));
    EXPECT_OK(write(0xc0000080, EFER_NXE));
}

TEST_F(msr, memory_types_of_the_firmware)
{
    EXPECT_EQ(read(0x2ff), 0u) << "after RESET";
    cpu_set_memory_types(core, 0xc0000000);
    EXPECT_EQ(read(0x2ff), 0xc06u);
    EXPECT_EQ(read(0x258), 0x0606060606060606u);
    EXPECT_EQ(read(0x259), 0u) << "A0000H to BFFFFH";
    EXPECT_EQ(read(0x26f), 0x0606060606060606u);
    EXPECT_EQ(read(0x200), 0xc0000000u);
    EXPECT_EQ(read(0x201), 0xffc0000800u) << "1 GiB of 40 address bits";
}

TEST_F(msr, memory_types)
{
    expect_storage(0x277, 0x0007040600070406);
    expect_storage(0x277, 0x0706050401000000);
    expect_refused(0x277, 0x0000000000000002);
    expect_refused(0x277, 0x0300000000000000);
    expect_refused(0x277, 0x08);
    for (std::uint32_t n : {0x250u, 0x258u, 0x259u, 0x268u, 0x26fu}) {
        expect_storage(n, 0x0606060606060606);
        expect_refused(n, 0x07);
    }
    EXPECT_OK(write(0x258, 1));
    EXPECT_EQ(read(0x250), 0x0606060606060606u) << "each register its own storage";
    EXPECT_EQ(read(0x259), 0x0606060606060606u);
    expect_storage(0x2ff, 0xc06);
    expect_refused(0x2ff, 0x1000);
    expect_refused(0x2ff, 0x2);
    expect_storage(0x200, 0xff00000006);
    expect_storage(0x201, 0xff00000800);
    expect_storage(0x20f, 0xff00000800);
    expect_refused(0x200, std::uint64_t{1} << 40); // beyond MAXPHYADDR
    expect_refused(0x201, 1);
    expect_refused(0x200, 7);
}

TEST_F(msr, efer)
{
    EXPECT_OK(write(0xc0000080, 0xd01)); // LMA is read-only: ignored
    EXPECT_EQ(read(0xc0000080), 0x901u);
    expect_refused(0xc0000080, 2);
    expect_refused(0xc0000080, 1u << 12);
    without(CPU_FEATURE_nx);
    expect_refused(0xc0000080, 0x800);
}

TEST_F(msr, lme_cannot_change_while_paging)
{
    state.cr0 |= CR0_PE | CR0_PG;
    state.cr4 = CR4_PAE;
    state.efer = EFER_LME | EFER_LMA;
    set();
    expect_refused(0xc0000080, 0);
    expect_storage(0xc0000080, EFER_LME | EFER_LMA | EFER_NXE);
}

TEST_F(msr, the_tsc_and_its_adjustment)
{
    EXPECT_EQ(read(0x3b), 0u);
    const std::uint64_t before = read(0x10);
    EXPECT_OK(write(0x10, before + 5000));
    EXPECT_EQ(read(0x3b), 5000u) << "a write of the TSC shows in TSC_ADJUST";
    EXPECT_EQ(apic_tsc_offset, 5000u);
    EXPECT_OK(write(0x3b, 100));
    EXPECT_EQ(read(0x10), before + 100);
    EXPECT_EQ(apic_tsc_offset, 100u);
}

TEST_F(msr, the_local_apic_answers_for_its_own)
{
    EXPECT_EQ(read(0x1b), 0xfee00900u);
    apic_msrs[0x808] = 0;
    apic_msrs[0x6e0] = 0;
    expect_storage(0x808, 0x20);
    expect_storage(0x6e0, 123456789);
    expect_refused(0x802, 0); // it says no
    without(CPU_FEATURE_x2apic);
    expect_refused(0x808, 0);
}

TEST_F(msr, user_interrupt_registers)
{
    expect_storage(0x985, 0x8000000000000001);
    expect_storage(0x986, 0x00007ffff0001234);
    expect_storage(0x987, 0x81);
    expect_storage(0x988, 0xec00001000);
    expect_storage(0x989, 0xffff888000001240);
    expect_storage(0x98a, 0xffff888000002001);
    expect_refused(0x986, NOT_CANONICAL);
    expect_refused(0x988, std::uint64_t{1} << 40);
    expect_refused(0x989, 0x20);
    expect_refused(0x98a, 2);
    without(CPU_FEATURE_uintr);
    for (std::uint32_t n = 0x985; n <= 0x98a; n++)
        expect_refused(n, 0);
}

TEST_F(msr, a_feature_brings_its_registers)
{
    without(CPU_FEATURE_rdtscp);
    expect_refused(0xc0000103, 0);
    without(CPU_FEATURE_mtrr);
    expect_refused(0x2ff, 0);
    without(CPU_FEATURE_sep);
    expect_refused(0x174, 0);
    without(CPU_FEATURE_tsc_adjust);
    expect_refused(0x3b, 0);
}

// --- control registers ---
class control : public msr
{
};

TEST_F(control, cr0_consistency)
{
    EXPECT_FAULT(core_write_cr(core, 0, CR0_PG), EXC_GP, 0);
    EXPECT_FAULT(core_write_cr(core, 0, CR0_PE | CR0_NW), EXC_GP, 0);
    EXPECT_FAULT(core_write_cr(core, 0, std::uint64_t{1} << 32), EXC_GP, 0);
    EXPECT_OK(core_write_cr(core, 0, CR0_PE | CR0_CD | CR0_NW | 0x1fe00));
    EXPECT_EQ(now().cr0, CR0_PE | CR0_CD | CR0_NW | CR0_WP | 0x10) << "reserved bits are ignored, ET is fixed";
}

TEST_F(control, long_mode_is_activated_by_paging)
{
    state.cr0 = 0x10 | CR0_PE;
    state.efer = EFER_LME;
    set();
    EXPECT_FAULT(core_write_cr(core, 0, CR0_PE | CR0_PG), EXC_GP, 0); // "PAE is off"
    EXPECT_OK(core_write_cr(core, 4, CR4_PAE));
    state = now();
    state.seg[CORE_CS].attr |= 0x2000;
    set();
    EXPECT_FAULT(core_write_cr(core, 0, CR0_PE | CR0_PG), EXC_GP, 0); // "CS.L is set"
    state.seg[CORE_CS].attr = 0xc09b;
    set();
    EXPECT_OK(core_write_cr(core, 0, CR0_PE | CR0_PG));
    EXPECT_EQ(now().efer, EFER_LME | EFER_LMA);
    EXPECT_FALSE(now().code64) << "compatibility mode first";
    EXPECT_FAULT(core_write_cr(core, 4, 0), EXC_GP, 0); // "PAE stays in long mode"
    EXPECT_OK(core_write_cr(core, 0, CR0_PE));
    EXPECT_EQ(now().efer, EFER_LME);
}

TEST_F(control, paging_cannot_be_left_from_64_bit_code)
{
    state.cr0 = 0x10 | CR0_PE | CR0_PG;
    state.cr4 = CR4_PAE;
    state.efer = EFER_LME | EFER_LMA;
    state.seg[CORE_CS].attr = 0xa09b;
    set();
    EXPECT_FAULT(core_write_cr(core, 0, CR0_PE), EXC_GP, 0);
}

TEST_F(control, cr3_beyond_the_physical_width)
{
    state.cr0 = 0x10 | CR0_PE | CR0_PG;
    state.cr4 = CR4_PAE;
    state.efer = EFER_LME | EFER_LMA;
    set();
    EXPECT_OK(core_write_cr(core, 3, 0xfffffff018));
    EXPECT_FAULT(core_write_cr(core, 3, std::uint64_t{1} << 40), EXC_GP, 0);
}

TEST_F(control, cr4_has_the_bits_of_enumerated_features)
{
    EXPECT_OK(
        core_write_cr(core, 4, CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP | CR4_SMAP | 1u << 25 | 1u << 16 | 1u << 11));
    for (unsigned bit : {12u, 13u, 14u, 22u, 23u, 24u, 26u, 63u}) // LA57, VMX, SMX, PKE, CET, PKS
        EXPECT_FAULT(core_write_cr(core, 4, std::uint64_t{1} << bit), EXC_GP, 0);
    without(CPU_FEATURE_uintr);
    EXPECT_FAULT(core_write_cr(core, 4, 1u << 25), EXC_GP, 0);
}
} // namespace
