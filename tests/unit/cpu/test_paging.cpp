// SPDX-License-Identifier: Apache-2.0
// Page walks against SDM Vol. 3, chapter "Paging": access rights, reserved bits, error codes, accessed and dirty bits,
// in 4-level, PAE and 32-bit paging.
#include "system_fixture.h"

using namespace bits;

namespace
{
constexpr std::uint64_t P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100, NX = std::uint64_t{1} << 63;
// error code
constexpr std::uint32_t PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16;
constexpr std::uint64_t TOP = 0x1000, L3 = 0x2000, L2 = 0x3000, L1 = 0x4000, FRAME = 0x123000;
constexpr std::uint64_t LA = 0x00007abcde123678; // different indexes on all levels

class paging : public system_fixture
{
  protected:
    paging()
    {
        state.cr0 |= CR0_PE | CR0_PG | CR0_WP;
        state.cr4 = CR4_PAE | CR4_PGE;
        state.efer = EFER_LME | EFER_LMA | EFER_NXE;
        state.cr3 = TOP;
        state.seg[CORE_CS].attr = 0xa09b; // 64-bit code
        set();
        link(P | W | U);
    }
    static std::uint64_t entry_at(std::uint64_t table, unsigned level)
    {
        return table + 8 * ((LA >> (3 + 9 * level)) & 511);
    }
    std::uint64_t pml4e() const { return entry_at(TOP, 4); }
    std::uint64_t pdpte() const { return entry_at(L3, 3); }
    std::uint64_t pde() const { return entry_at(L2, 2); }
    std::uint64_t pte() const { return entry_at(L1, 1); }
    void link(std::uint64_t flags)
    {
        put(pml4e(), L3 | flags);
        put(pdpte(), L2 | flags);
        put(pde(), L1 | flags);
        put(pte(), FRAME | flags);
    }
    core_fault walk(int access, int view) { return core_walk(core, LA, access, view, &t); }

    core_translation t{};
};

TEST_F(paging, four_levels_give_the_frame_and_the_offset)
{
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_EQ(t.pa, FRAME | (LA & 0xfff));
    EXPECT_FALSE(t.large);
    EXPECT_FALSE(t.global);
    EXPECT_FALSE(t.writable) << "D is clear: the first write must walk";
}

TEST_F(paging, accessed_bits_are_set_on_every_level_and_dirty_only_by_a_write)
{
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    for (std::uint64_t e : {pml4e(), pdpte(), pde(), pte()})
        EXPECT_EQ(get<std::uint64_t>(e) & (A | D), A);
    EXPECT_OK(walk(CORE_WRITE, CORE_USER));
    EXPECT_TRUE(t.writable);
    EXPECT_EQ(get<std::uint64_t>(pte()) & (A | D), A | D);
    EXPECT_EQ(get<std::uint64_t>(pde()) & D, 0u);
}

TEST_F(paging, a_walk_that_faults_changes_nothing)
{
    link(P | W);
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U);
    for (std::uint64_t e : {pml4e(), pdpte(), pde(), pte()})
        EXPECT_EQ(get<std::uint64_t>(e) & (A | D), 0u);
}

TEST_F(paging, not_present_on_any_level_has_no_p_in_the_code)
{
    for (std::uint64_t e : {pml4e(), pdpte(), pde(), pte()}) {
        std::uint64_t kept = get<std::uint64_t>(e);
        put(e, kept & ~P);
        EXPECT_FAULT(walk(CORE_READ, CORE_SUPERVISOR), EXC_PF, 0);
        EXPECT_FAULT(walk(CORE_WRITE, CORE_SUPERVISOR), EXC_PF, PF_W);
        EXPECT_FAULT(walk(CORE_WRITE, CORE_USER), EXC_PF, PF_W | PF_U);
        EXPECT_FAULT(walk(CORE_EXEC, CORE_USER), EXC_PF, PF_I | PF_U);
        put(e, kept);
    }
    const core_fault f = (put(pte(), std::uint64_t{0}), walk(CORE_READ, CORE_USER));
    EXPECT_EQ(f.address, LA);
}

TEST_F(paging, a_clear_user_or_write_bit_on_any_level_counts)
{
    for (std::uint64_t e : {pml4e(), pdpte(), pde(), pte()}) {
        std::uint64_t kept = get<std::uint64_t>(e);
        put(e, kept & ~U);
        EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U);
        EXPECT_OK(walk(CORE_READ, CORE_SUPERVISOR));
        put(e, kept & ~W);
        EXPECT_FAULT(walk(CORE_WRITE, CORE_USER), EXC_PF, PF_P | PF_U | PF_W);
        EXPECT_FAULT(walk(CORE_WRITE, CORE_SUPERVISOR), EXC_PF, PF_P | PF_W);
        EXPECT_OK(walk(CORE_READ, CORE_USER));
        put(e, kept);
    }
}

TEST_F(paging, without_wp_the_supervisor_writes_read_only_pages)
{
    put(pte(), FRAME | P | U);
    state.cr0 &= ~CR0_WP;
    set();
    EXPECT_OK(walk(CORE_WRITE, CORE_SUPERVISOR));
    EXPECT_TRUE(t.writable);
    EXPECT_FAULT(walk(CORE_WRITE, CORE_USER), EXC_PF, PF_P | PF_U | PF_W);
}

TEST_F(paging, no_execute_on_any_level_forbids_fetches_only)
{
    for (std::uint64_t e : {pml4e(), pdpte(), pde(), pte()}) {
        std::uint64_t kept = get<std::uint64_t>(e);
        put(e, kept | NX);
        EXPECT_FAULT(walk(CORE_EXEC, CORE_USER), EXC_PF, PF_P | PF_U | PF_I);
        EXPECT_OK(walk(CORE_READ, CORE_USER));
        EXPECT_FALSE(t.executable);
        put(e, kept);
    }
}

TEST_F(paging, no_execute_is_reserved_without_nxe_and_fetches_are_not_told_apart)
{
    state.efer &= ~EFER_NXE;
    set();
    put(pde(), L1 | P | W | U | NX);
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
    EXPECT_FAULT(walk(CORE_EXEC, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
}

TEST_F(paging, smep_forbids_supervisor_fetches_from_user_pages)
{
    EXPECT_OK(walk(CORE_EXEC, CORE_SUPERVISOR));
    state.cr4 |= CR4_SMEP;
    set();
    EXPECT_FAULT(walk(CORE_EXEC, CORE_SUPERVISOR), EXC_PF, PF_P | PF_I);
    EXPECT_OK(walk(CORE_EXEC, CORE_USER));
    put(pte(), FRAME | P | W);
    EXPECT_OK(walk(CORE_EXEC, CORE_SUPERVISOR));
}

TEST_F(paging, smap_forbids_supervisor_data_in_user_pages_unless_ac)
{
    state.cr4 |= CR4_SMAP;
    set();
    EXPECT_FAULT(walk(CORE_READ, CORE_SUPERVISOR), EXC_PF, PF_P);
    EXPECT_FAULT(walk(CORE_WRITE, CORE_SUPERVISOR), EXC_PF, PF_P | PF_W);
    EXPECT_OK(walk(CORE_READ, CORE_SUPERVISOR_AC));
    EXPECT_OK(walk(CORE_WRITE, CORE_SUPERVISOR_AC));
    EXPECT_OK(walk(CORE_EXEC, CORE_SUPERVISOR));
    EXPECT_OK(walk(CORE_WRITE, CORE_USER));
}

TEST_F(paging, reserved_bits_fault_before_rights)
{
    const std::uint64_t beyond = std::uint64_t{1} << 40; // MAXPHYADDR is 40
    for (std::uint64_t e : {pml4e(), pdpte(), pde(), pte()}) {
        std::uint64_t kept = get<std::uint64_t>(e);
        for (std::uint64_t bit : {beyond, std::uint64_t{1} << 51}) {
            put(e, (kept & ~U) | bit);
            EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
        }
        put(e, kept | std::uint64_t{1} << 52); // available to software
        EXPECT_OK(walk(CORE_READ, CORE_USER));
        put(e, kept);
    }
    put(pml4e(), L3 | P | W | U | PS);
    EXPECT_FAULT(walk(CORE_READ, CORE_SUPERVISOR), EXC_PF, PF_P | PF_RSVD);
}

TEST_F(paging, large_pages_of_2m_and_1g)
{
    put(pde(), std::uint64_t{0x40000000} | P | W | U | PS | G);
    EXPECT_OK(walk(CORE_WRITE, CORE_USER));
    EXPECT_EQ(t.pa, 0x40000000u | (LA & 0x1fffff));
    EXPECT_TRUE(t.large);
    EXPECT_TRUE(t.global);
    EXPECT_EQ(get<std::uint64_t>(pde()) & (A | D), A | D);
    put(pde(), std::uint64_t{0x40000000} | P | W | U | PS | 0x2000); // bit 13
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
    put(pde(), std::uint64_t{0x40000000} | P | W | U | PS | 0x1000); // bit 12 is PAT
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    put(pdpte(), std::uint64_t{0x80000000} | P | W | U | PS);
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_EQ(t.pa, 0x80000000u | (LA & 0x3fffffff));
    put(pdpte(), std::uint64_t{0x80000000} | P | W | U | PS | 0x20000000);
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
}

TEST_F(paging, pages_of_1g_are_reserved_if_not_enumerated)
{
    const core_state kept = state;
    config.features.has[CPU_FEATURE_page1gb] = false;
    create();
    state = kept;
    set();
    put(pdpte(), P | W | U | PS);
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
}

TEST_F(paging, global_needs_cr4_pge)
{
    put(pte(), FRAME | P | W | U | G);
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_TRUE(t.global);
    state.cr4 &= ~CR4_PGE;
    set();
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_FALSE(t.global);
}

TEST_F(paging, debug_translation_has_no_side_effects)
{
    std::uint64_t pa = 0;
    EXPECT_TRUE(core_debug_translate(core, LA, &pa));
    EXPECT_EQ(pa, FRAME | (LA & 0xfff));
    EXPECT_EQ(get<std::uint64_t>(pte()) & A, 0u);
    EXPECT_FALSE(core_debug_translate(core, LA ^ 0x40000000, &pa));
    EXPECT_FALSE(core_debug_translate(core, std::uint64_t{1} << 47, &pa)) << "not canonical";
}

TEST_F(paging, a_write_through_the_core_reaches_the_frame)
{
    EXPECT_OK(core_view_write(core, CORE_USER, LA, 0x1122334455667788));
    EXPECT_EQ(get<std::uint64_t>(FRAME | (LA & 0xfff)), 0x1122334455667788u);
}

TEST_F(paging, a_write_over_two_pages_faults_before_the_first_byte)
{
    const std::uint64_t at = (LA & ~std::uint64_t{0xfff}) + 0xffc;
    const core_fault f = core_view_write(core, CORE_USER, at, ~std::uint64_t{0});
    EXPECT_TRUE(f.raised);
    EXPECT_EQ(f.address, at + 4) << "the address of the first byte on the absent page";
    EXPECT_EQ(get<std::uint32_t>(FRAME | 0xffc), 0u);
}

// --- PAE paging: CR3 points to four PDPTEs of their own kind ---
class pae_paging : public system_fixture
{
  protected:
    static constexpr std::uint64_t CR3 = 0x1020, LA32 = 0xc0654321, PDPTE = CR3 + 8 * 3;
    static constexpr std::uint64_t PDE = L2 + 8 * ((LA32 >> 21) & 511), PTE = L1 + 8 * ((LA32 >> 12) & 511);
    pae_paging()
    {
        state.cr0 |= CR0_PE | CR0_PG | CR0_WP;
        state.cr4 = CR4_PAE | CR4_PGE;
        state.efer = EFER_NXE;
        state.cr3 = CR3;
        set();
        put(PDPTE, L2 | P);
        put(PDE, L1 | P | W | U);
        put(PTE, FRAME | P | W | U);
    }
    core_fault walk(int access, int view) { return core_walk(core, LA32, access, view, &t); }
    core_translation t{};
};

TEST_F(pae_paging, three_levels)
{
    EXPECT_OK(walk(CORE_WRITE, CORE_USER));
    EXPECT_EQ(t.pa, FRAME | 0x321);
    EXPECT_EQ(get<std::uint64_t>(PDPTE), L2 | P) << "a PDPTE has no accessed bit";
    EXPECT_EQ(get<std::uint64_t>(PDE) & A, A);
    put(PTE, FRAME | P | W | U | NX);
    EXPECT_FAULT(walk(CORE_EXEC, CORE_USER), EXC_PF, PF_P | PF_U | PF_I);
    put(PDE, std::uint64_t{0x200000} | P | U | PS);
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_EQ(t.pa, 0x200000u | (LA32 & 0x1fffff));
    EXPECT_TRUE(t.large);
}

TEST_F(pae_paging, bits_62_to_maxphyaddr_are_reserved)
{
    for (unsigned bit : {40u, 52u, 62u}) {
        put(PTE, FRAME | P | W | U | std::uint64_t{1} << bit);
        EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
    }
}

TEST_F(pae_paging, loading_cr3_checks_the_pdptes)
{
    EXPECT_OK(core_write_cr(core, 3, CR3));
    for (std::uint64_t bad : {std::uint64_t{2}, std::uint64_t{0x20}, std::uint64_t{0x1} << 40, NX}) {
        put(PDPTE, L2 | P | bad);
        EXPECT_FAULT(core_write_cr(core, 3, CR3), EXC_GP, 0);
    }
    put(PDPTE, L2 | 2); // not present: anything goes
    EXPECT_OK(core_write_cr(core, 3, CR3));
}

// --- 32-bit paging ---
class paging_32 : public system_fixture
{
  protected:
    static constexpr std::uint64_t LA32 = 0xc0654321, PDE = TOP + 4 * (LA32 >> 22),
                                   PTE = L1 + 4 * ((LA32 >> 12) & 1023);
    paging_32()
    {
        state.cr0 |= CR0_PE | CR0_PG | CR0_WP;
        state.cr4 = CR4_PSE | CR4_PGE;
        state.cr3 = TOP;
        set();
        put(PDE, std::uint32_t(L1 | P | W | U));
        put(PTE, std::uint32_t(FRAME | P | W | U));
    }
    core_fault walk(int access, int view) { return core_walk(core, LA32, access, view, &t); }
    core_translation t{};
};

TEST_F(paging_32, two_levels)
{
    EXPECT_OK(walk(CORE_WRITE, CORE_USER));
    EXPECT_EQ(t.pa, FRAME | 0x321);
    EXPECT_EQ(get<std::uint32_t>(PDE) & (A | D), A);
    EXPECT_EQ(get<std::uint32_t>(PTE) & (A | D), A | D);
    EXPECT_EQ(get<std::uint32_t>(PTE + 4), 0u) << "only four bytes are the entry's";
    put(PTE, std::uint32_t(FRAME | P | U));
    EXPECT_FAULT(walk(CORE_WRITE, CORE_USER), EXC_PF, PF_P | PF_U | PF_W);
    EXPECT_OK(walk(CORE_EXEC, CORE_USER)); // there is no way to forbid fetches
}

TEST_F(paging_32, pages_of_4m_with_36_bit_addresses)
{
    put(PDE, std::uint32_t(0x00400000 | 0x2000 | P | W | U | PS)); // bit 13 is address bit 32
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_EQ(t.pa, 0x100400000u | (LA32 & 0x3fffff));
    EXPECT_TRUE(t.large);
    put(PDE, std::uint32_t(0x00400000 | 0x200000 | P | W | U | PS));
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
    config.features = cpu_features_default();
    config.features.has[CPU_FEATURE_pse36] = false;
    const core_state before = state;
    create();
    state = before;
    set();
    put(PDE, std::uint32_t(0x00400000 | 0x2000 | P | W | U | PS));
    EXPECT_FAULT(walk(CORE_READ, CORE_USER), EXC_PF, PF_P | PF_U | PF_RSVD);
    put(PDE, std::uint32_t(0x00400000 | P | W | U | PS));
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_EQ(t.pa, 0x400000u | (LA32 & 0x3fffff));
    state.cr4 &= ~CR4_PSE; // PS is ignored: the entry points to a table
    set();
    put(PDE, std::uint32_t(L1 | P | W | U | PS));
    EXPECT_OK(walk(CORE_READ, CORE_USER));
    EXPECT_EQ(t.pa, FRAME | 0x321);
}
} // namespace
