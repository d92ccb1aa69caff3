// SPDX-License-Identifier: Apache-2.0
// UIRET. SDM Vol. 2, "UIRET". U.. are the lines of the conformance checklist.
#include "fake_machine.h"

namespace
{

constexpr std::uint64_t FRAME = 0x7fff1198, MASK = 0x254dd5, ALL = ~std::uint64_t{0};

struct uiret_machine : fake_machine {
    struct uintr_regs regs = {0x401080, FRAME, 0x202};

    explicit uiret_machine(bool flexible = false, unsigned width = 48) : fake_machine(width, flexible)
    {
        frame(0x400123, 0x202, 0x7fff1238);
    }
    void frame(std::uint64_t rip, std::uint64_t rflags, std::uint64_t rsp)
    {
        memory.put64(FRAME, rip);
        memory.put64(FRAME + 8, rflags);
        memory.put64(FRAME + 16, rsp);
    }
    enum vp_status uiret(unsigned width = 48) { return uintr_uiret(u, &regs, width, &fault); }
    void expect_unchanged(bool uif)
    {
        EXPECT_EQ(regs.rip, 0x401080u);
        EXPECT_EQ(regs.rsp, FRAME);
        EXPECT_EQ(regs.rflags, 0x202u);
        EXPECT_EQ(uintr_uif(u), uif);
    }
};

TEST(uintr_uiret, U01_loads_rip_rflags_rsp_and_sets_uif)
{
    uiret_machine m;
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.regs.rip, 0x400123u);
    EXPECT_EQ(m.regs.rsp, 0x7fff1238u);
    EXPECT_EQ(m.regs.rflags, 0x202u);
    EXPECT_TRUE(uintr_uif(m.u));
}

TEST(uintr_uiret, U02_only_the_bits_of_the_mask_are_loaded)
{
    uiret_machine m;
    m.frame(0x400123, ALL, 0);
    m.regs.rflags = 0x202;
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.regs.rflags, MASK | 0x202);
    for (unsigned bit = 0; bit < 64; bit++) {
        m.frame(0x400123, ONE << bit, 0);
        m.regs = {0x401080, FRAME, 2};
        ASSERT_EQ(m.uiret(), VP_OK);
        EXPECT_EQ(m.regs.rflags, (MASK & ONE << bit) | 2) << bit;
    }
}

TEST(uintr_uiret, U03_if_iopl_and_the_other_system_bits_are_kept)
{
    uiret_machine m;
    m.frame(0x400123, 0, 0);
    m.regs.rflags = ALL;
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.regs.rflags, ~MASK);
}

TEST(uintr_uiret, U04_a_noncanonical_rip_is_gp_and_changes_nothing)
{
    for (bool uif : {false, true}) {
        uiret_machine m;
        uintr_set_uif(m.u, uif);
        m.frame(0x0000800000000000, 0xad7, 0x1000);
        EXPECT_EQ(m.uiret(), VP_FAULT);
        expect_gp0(m.fault);
        m.expect_unchanged(uif);
    }
}

TEST(uintr_uiret, U04_canonicality_follows_the_current_paging_mode)
{
    uiret_machine m(false, 57);
    m.frame(0x0000800000000000, 0x202, 0x1000);
    EXPECT_EQ(m.uiret(48), VP_FAULT);
    EXPECT_EQ(m.uiret(57), VP_OK);
    EXPECT_EQ(m.regs.rip, 0x0000800000000000u);
}

TEST(uintr_uiret, U05_U06_U07_a_fault_of_any_pop_changes_nothing_and_a_retry_works)
{
    for (struct vp_fault with : {vp_fault{14, true, 4, 0}, vp_fault{12, true, 0, 0}, vp_fault{17, true, 0, 0}}) {
        for (int good = 0; good < 3; good++) {
            uiret_machine m;
            m.fail_what = "pop";
            m.fail_after = good;
            m.fail_with = with;
            EXPECT_EQ(m.uiret(), VP_FAULT);
            EXPECT_EQ(m.fault.vector, with.vector);
            EXPECT_EQ(m.fault.error_code, with.error_code);
            EXPECT_EQ(m.fault.address, FRAME + 8 * static_cast<unsigned>(good));
            m.expect_unchanged(false);
            EXPECT_EQ(m.step_order(), (std::vector<enum uintr_step>{UINTR_STEP_UIRET_BEGIN}));
            m.fail_what.clear();
            EXPECT_EQ(m.uiret(), VP_OK);
            EXPECT_EQ(m.regs.rip, 0x400123u);
        }
    }
}

TEST(uintr_uiret, U08_the_vector_is_not_popped)
{
    uiret_machine m;
    m.memory.put64(FRAME - 8, 5);
    m.regs.rsp = FRAME - 8;
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.regs.rip, 5u);
}

TEST(uintr_uiret, U11_flexible_uiret_takes_uif_from_bit_1)
{
    uiret_machine m(true);
    uintr_set_uif(m.u, true);
    m.frame(0x400123, 0x200, 0);
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_FALSE(uintr_uif(m.u));
    EXPECT_EQ(m.regs.rflags, 0x202u); // bit 1 of RFLAGS itself stays 1
    m.regs = {0x401080, FRAME, 0x202};
    m.frame(0x400123, 0x202, 0);
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_TRUE(uintr_uif(m.u));
}

TEST(uintr_uiret, U12_without_flexible_uiret_uif_becomes_1)
{
    uiret_machine m;
    m.frame(0x400123, 0x200, 0);
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_TRUE(uintr_uif(m.u));
    EXPECT_EQ(m.regs.rflags, 0x202u);
}

TEST(uintr_uiret, the_new_rsp_is_not_checked)
{
    uiret_machine m;
    m.frame(0x400123, 0x202, 0x0000800000000001);
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.regs.rsp, 0x0000800000000001u);
}

TEST(uintr_uiret, uirr_and_the_msrs_are_unchanged)
{
    uiret_machine m;
    m.write(0x985, 0x30);
    m.write(0x988, 0xec00000003);
    auto before = m.state();
    before[6] = 1;
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.state(), before);
}

TEST(uintr_uiret, the_steps_name_the_frame)
{
    uiret_machine m;
    ASSERT_EQ(m.uiret(), VP_OK);
    const std::vector<fake_call> expected = {{"step", UINTR_STEP_UIRET_BEGIN, 0},
                                             {"pop", FRAME, 0},
                                             {"pop", FRAME + 8, 0},
                                             {"pop", FRAME + 16, 0},
                                             {"step", UINTR_STEP_RETURNED, 0}};
    EXPECT_EQ(m.log, expected);
    EXPECT_EQ(m.steps.at(0).second.frame_la, FRAME);
    EXPECT_EQ(m.steps.at(1).second.frame_la, FRAME);
}

TEST(uintr_uiret, undoes_a_delivery_when_software_pops_the_vector)
{
    uiret_machine m;
    m.write(0x986, 0x401000);
    m.write(0x987, 0x80);
    m.write(0x985, 1);
    m.regs = {0x400555, 0x7fff2004, 0x10f47};
    ASSERT_EQ(uintr_deliver(m.u, &m.regs, 48, &m.fault), VP_OK);
    EXPECT_EQ(m.regs.rflags, 0xe47u & ~0x100u);
    m.regs.rsp += 8;
    ASSERT_EQ(m.uiret(), VP_OK);
    EXPECT_EQ(m.regs.rip, 0x400555u);
    EXPECT_EQ(m.regs.rsp, 0x7fff2004u);
    EXPECT_EQ(m.regs.rflags, 0x10f47u);
    EXPECT_TRUE(uintr_uif(m.u));
}

} // namespace
