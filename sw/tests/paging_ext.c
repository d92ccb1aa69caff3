/* SPDX-License-Identifier: Apache-2.0 */
/* Paging beyond paging.c: accessed and dirty bits exactly, reserved bits at each level, global pages, PCIDs and
 * INVPCID, 2 MiB and 1 GiB pages, INVLPG, accesses that cross pages, faults of implicit accesses, and the shootdown of
 * another core's translations. SDM Vol. 3A, "Paging". Stale translations are legal until they are invalidated: only
 * what must be gone is checked, and what must not be there.
 */
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "expect.h"
#include "paging.h"
#include "percpu.h"
#include "report.h"
#include "smp.h"
#include "string.h"
#include "trap.h"
#include "user.h"

const char test_name[] = "paging_ext";

#define VA (TEST_VA + 0x40000000)
#define GIANT_VA (TEST_VA + 0x100000000)
#define PAGE (PTE_P | PTE_W)
#define CR4_PCIDE 0x20000

extern uint64_t boot_pml4[];

KERNEL_CODE(do_read, "movq (%%rdi), %%rax")
KERNEL_CODE(do_write, "movq %%rax, (%%rdi)")
KERNEL_CODE(do_fetch, "call *%%rdi")
KERNEL_CODE(do_compare, "mov $1, %%eax; cmpxchg %%rcx, (%%rdi)")
KERNEL_CODE(do_rep_none, "xor %%ecx, %%ecx; rep stosb")
KERNEL_CODE(do_prefetch, "prefetcht0 (%%rdi)")
KERNEL_CODE(do_clflush, "clflush (%%rdi)")
USER_CODE(user_read, "movq (%%rdi), %%rax")

static volatile uint64_t *entry_of(int level) { return page_entry(VA, level); }
static void expect_pf(const char *what, void (*fn)(void *), uint64_t va, uint64_t error, uint64_t cr2)
{
    struct trap t = test_for_exception(fn, (void *)va);
    if (is_qemu() && error & PF_ERROR_RSVD)
        t.error |= PF_ERROR_P; /* QEMU leaves P out of it */
    report(t.vector == VECTOR_PF && t.error == error && t.cr2 == cr2, "%s: #PF %lx (%u, %lx, CR2 %lx)", what, error,
           t.vector, t.error, t.cr2);
}

/* --- accessed and dirty --- */
static uint64_t bits_after(void (*fn)(void *), uint64_t flags)
{
    for (int level = 1; level <= 4; level++)
        *entry_of(level) &= ~(PTE_A | (level == 1 ? PTE_D : 0));
    *entry_of(1) = (*entry_of(1) & PTE_ADDRESS_MASK) | flags;
    write_cr3(read_cr3());
    test_for_exception(fn, (void *)VA);
    uint64_t bits = *entry_of(1) & (PTE_A | PTE_D);
    for (int level = 2; level <= 4; level++)
        bits |= *entry_of(level) & PTE_A ? 1ull << (8 + level) : 0;
    return bits;
}
#define ALL_ABOVE 0x1c00ull

static void check_accessed_dirty(void)
{
    page_map_new(VA, PAGE);
    report_equal(bits_after(do_read, PAGE), PTE_A | ALL_ABOVE, "a read sets A at every level, not D");
    report_equal(bits_after(do_write, PAGE), PTE_A | PTE_D | ALL_ABOVE, "a write sets D too");
    report_equal(bits_after(do_rep_none, PAGE), 0, "REP STOSB of nothing sets nothing");
    report_equal(bits_after(do_compare, PAGE), PTE_A | PTE_D | ALL_ABOVE, "CMPXCHG that fails writes all the same");
    report_equal(bits_after(do_clflush, PAGE) & PTE_D, 0, "CLFLUSH sets no D");
    report_equal(bits_after(do_write, PTE_P) & (PTE_A | PTE_D), is_qemu() ? PTE_A & bits_after(do_write, PTE_P) : 0,
                 "a write that faults sets no bit of the leaf");
    report_equal(bits_after(do_read, 0) & (PTE_A | PTE_D), 0, "nothing is set in an absent entry");
    *(volatile uint8_t *)(*entry_of(1) & PTE_ADDRESS_MASK) = 0xc3;
    report_equal(bits_after(do_fetch, PAGE) & (PTE_A | PTE_D), PTE_A, "a fetch sets A");
    /* A read caches the translation with D = 0: the later write must walk again. */
    bits_after(do_read, PAGE);
    do_write((void *)VA);
    report(*entry_of(1) & PTE_D, "a write after a read sets D");
    page_unmap(VA);
    expect_ok("PREFETCH of an absent page", do_prefetch, VA);
    if (!qemu_deviates("CLFLUSH is checked like a load"))
        expect_pf("CLFLUSH of an absent page", do_clflush, VA, 0, VA);
}

/* --- reserved bits --- */
static void check_reserved(void)
{
    unsigned width = cpuid(0x80000008, 0).eax & 0xff;
    page_map_new(VA, PAGE);
    static const char *const names[] = {"", "PTE", "PDE", "PDPTE", "PML4E"};
    for (int level = 1; level <= 4; level++) {
        uint64_t old = *entry_of(level);
        if (width < 52) {
            *entry_of(level) = old | 1ull << 51;
            write_cr3(read_cr3());
            expect_pf(names[level], do_read, VA + 8, PF_ERROR_P | PF_ERROR_RSVD, VA + 8);
            *entry_of(level) = old & ~PTE_P;
            *entry_of(level) |= 1ull << 51;
            write_cr3(read_cr3());
            expect_pf("no reserved bits in an absent entry", do_read, VA, 0, VA);
        } else {
            report_skip("%s: every bit is an address bit on this machine", names[level]);
        }
        *entry_of(level) = old | 7ull << 52; /* available to software */
        write_cr3(read_cr3());
        expect_ok("bits 54:52 are ignored", do_read, VA);
        *entry_of(level) = old;
    }
    uint64_t old = *entry_of(4);
    *entry_of(4) = old | PTE_PS;
    write_cr3(read_cr3());
    if (!qemu_deviates("PS in a PML4E is reserved"))
        expect_pf("PS in a PML4E", do_read, VA, PF_ERROR_P | PF_ERROR_RSVD, VA);
    *entry_of(4) = old;
    write_cr3(read_cr3());
    uint64_t pde = *entry_of(2);
    *entry_of(2) = 0x2000000ull | 0x2000 | PAGE | PTE_PS; /* bit 13 of a 2 MiB page */
    write_cr3(read_cr3());
    expect_pf("bit 13 of a 2 MiB page", do_write, VA, PF_ERROR_P | PF_ERROR_RSVD | PF_ERROR_W, VA);
    *entry_of(2) = pde;
    write_cr3(read_cr3());
    page_unmap(VA);
}

/* --- crossing pages --- */
KERNEL_CODE(do_add, "addq $1, (%%rdi)")
KERNEL_CODE(do_movups, "movups %%xmm0, (%%rdi)")
static void check_crossing(void)
{
    uint8_t *a = page_map_new(VA, PAGE), *b = page_map_new(VA + PAGE_BYTES, PAGE);
    uint64_t edge = VA + PAGE_BYTES;
    *(volatile uint64_t *)(edge - 3) = 0x1122334455667788;
    report(a[4095] == 0x66 && b[0] == 0x55 && b[4] == 0x11, "a store across two pages goes to both frames");
    do_add((void *)(edge - 3));
    report_equal(*(volatile uint64_t *)(edge - 3), 0x1122334455667789, "ADD across two pages");
    page_map(edge, (uint64_t)b, PTE_P);
    expect_pf("a store across into a read-only page", do_write, edge - 3, PF_ERROR_P | PF_ERROR_W, edge);
    report_equal(*(volatile uint64_t *)(edge - 3), 0x1122334455667789, "nothing of it is stored");
    page_unmap(edge);
    expect_pf("16 bytes across into an absent page", do_movups, edge - 1, PF_ERROR_W, edge);
    page_map(edge, (uint64_t)b, PAGE);
    page_unmap(VA);
    expect_pf("a store out of an absent page", do_write, edge - 3, PF_ERROR_W, edge - 3);
    /* The same frame twice: the access wraps onto itself. */
    page_map(VA, (uint64_t)b, PAGE);
    *(volatile uint64_t *)(edge - 4) = 0xaaaaaaaabbbbbbbb;
    report(*(volatile uint32_t *)(b + 4092) == 0xbbbbbbbb && *(volatile uint32_t *)b == 0xaaaaaaaa,
           "two pages of one frame");
    page_unmap(VA);
    page_unmap(edge);
}

/* --- large pages --- */
static void check_large(void)
{
    uint64_t *pde = page_entry(GIANT_VA, 2);
    *pde = 0x4000000 | PAGE | PTE_PS;
    write_cr3(read_cr3());
    *(volatile uint64_t *)0x4123458 = 0x1234;
    report_equal(*(volatile uint64_t *)(GIANT_VA + 0x123458), 0x1234, "a 2 MiB page: offset of 21 bits");
    report_equal(*pde & (PTE_A | PTE_D), PTE_A, "its A");
    *(volatile uint8_t *)(GIANT_VA + 0x1ff000) = 1;
    report_equal(*pde & (PTE_A | PTE_D), PTE_A | PTE_D, "its D");
    /* INVLPG of one address drops the translation of all of the page. */
    *(volatile uint64_t *)0x4323458 = 0x5678;
    *pde = 0x4200000 | PAGE | PTE_PS;
    invlpg((void *)(GIANT_VA + 0x1000));
    report_equal(*(volatile uint64_t *)(GIANT_VA + 0x123458), 0x5678,
                 "INVLPG anywhere in a large page drops all of it");
    *pde = 0;
    write_cr3(read_cr3());
    if (!(cpuid(0x80000001, 0).edx >> 26 & 1)) {
        report_skip("no 1 GiB pages on this machine");
        return;
    }
    uint64_t *pdpte = page_entry(GIANT_VA + 0x40000000, 3);
    *pdpte = 0 | PAGE | PTE_PS; /* the first GiB */
    write_cr3(read_cr3());
    report_equal(*(volatile uint64_t *)(GIANT_VA + 0x40000000 + 0x4323458), 0x5678, "a 1 GiB page");
    *pdpte = 0x2000 | PAGE | PTE_PS;
    write_cr3(read_cr3());
    expect_pf("bit 13 of a 1 GiB page", do_read, GIANT_VA + 0x40000000, PF_ERROR_P | PF_ERROR_RSVD,
              GIANT_VA + 0x40000000);
    *pdpte = 0;
    write_cr3(read_cr3());
}

/* --- global pages and PCIDs --- */
static uint64_t value_at(uint64_t va) { return *(volatile uint64_t *)va; }

static void check_global(void)
{
    uint64_t *a = page_alloc(), *b = page_alloc();
    a[0] = 1, b[0] = 2;
    write_cr4(read_cr4() | CR4_PGE);
    page_map(VA, (uint64_t)a, PAGE | PTE_G);
    (void)value_at(VA);
    *entry_of(1) = (uint64_t)b | PAGE | PTE_G;
    invlpg((void *)VA);
    report_equal(value_at(VA), 2, "INVLPG drops a global translation");
    *entry_of(1) = (uint64_t)a | PAGE;
    write_cr4(read_cr4() & ~(uint64_t)CR4_PGE);
    report_equal(value_at(VA), 1, "clearing CR4.PGE drops global translations");
    *entry_of(1) = (uint64_t)b | PAGE | PTE_G;
    write_cr3(read_cr3());
    report_equal(value_at(VA), 2, "without CR4.PGE G means nothing to MOV to CR3");
    write_cr0(read_cr0() & ~(uint64_t)CR0_WP);
    write_cr0(read_cr0() | CR0_WP);
}

struct invpcid {
    uint64_t pcid, address;
};
static uint64_t invpcid_type;
static void do_invpcid(void *arg)
{
    __asm__ volatile("invpcid %0, %1" ::"m"(*(struct invpcid *)arg), "r"(invpcid_type) : "memory");
}
static void expect_invpcid(const char *what, uint64_t type, uint64_t pcid, uint64_t address, bool faults)
{
    struct invpcid d = {pcid, address};
    invpcid_type = type;
    if (faults)
        expect(what, do_invpcid, (uint64_t)&d, VECTOR_GP, 0);
    else
        expect_ok(what, do_invpcid, (uint64_t)&d);
}
static void do_set_cr4(void *arg) { write_cr4((uint64_t)arg); }
static void do_set_cr3(void *arg) { write_cr3((uint64_t)arg); }
static void do_clear_pg(void *arg) { write_cr0(read_cr0() & ~(uint64_t)arg); }

static void check_pcid(void)
{
    if (!(cpuid(1, 0).ecx >> 17 & 1)) {
        report_skip("no PCID on this machine");
        return;
    }
    uint64_t cr3 = read_cr3(), cr4 = read_cr4(), *a = page_alloc(), *b = page_alloc();
    a[0] = 1, b[0] = 2;
    write_cr3(cr3 | PTE_PCD);
    expect("CR4.PCIDE with CR3 11:0 not zero", do_set_cr4, cr4 | CR4_PCIDE, VECTOR_GP, 0);
    write_cr3(cr3);
    expect_ok("CR4.PCIDE", do_set_cr4, cr4 | CR4_PCIDE);
    expect("CR0.PG cleared with CR4.PCIDE", do_clear_pg, CR0_PG, VECTOR_GP, 0);
    /* Tables of its own for each PCID: translations of one must not serve the other. */
    uint64_t *other = page_alloc();
    memcpy(other, boot_pml4, PAGE_BYTES);
    page_map(VA, (uint64_t)a, PAGE);
    other[VA >> 39 & 511] = 0;
    write_cr3((uint64_t)other | 2);
    report_equal(read_cr3(), (uint64_t)other | 2, "CR3 holds the PCID");
    expect_pf("another PCID's tables", do_read, VA, 0, VA);
    write_cr3(cr3 | 1);
    report_equal(value_at(VA), 1, "PCID 1");
    write_cr3((uint64_t)other | 2 | 1ull << 63);
    report_equal(read_cr3(), (uint64_t)other | 2, "bit 63 is not stored");
    expect_pf("PCID 2 after a MOV that keeps translations", do_read, VA, 0, VA);
    *entry_of(1) = (uint64_t)b | PAGE;
    write_cr3(cr3 | 1);
    report_equal(value_at(VA), 2, "MOV to CR3 with bit 63 = 0 drops that PCID's translations");
    expect("CR3 beyond the physical addresses", do_set_cr3, 1ull << 62, VECTOR_GP, 0);

    if (cpuid(7, 0).ebx >> 10 & 1) {
        static const char *const types[] = {"individual address", "single context", "all with global",
                                            "all but global"};
        for (uint64_t type = 0; type < 4; type++) {
            *entry_of(1) = (uint64_t)((type & 1) ? b : a) | PAGE;
            expect_invpcid(types[type], type, type < 2 ? 1 : 0, type == 0 ? VA : 0, false);
            report_equal(value_at(VA), (type & 1) ? 2 : 1, "INVPCID, %s: the translation is gone", types[type]);
        }
        expect_invpcid("INVPCID of type 4", 4, 0, 0, true);
        expect_invpcid("INVPCID with bit 12 of the PCID", 0, 0x1000, 0, true);
        if (!qemu_deviates("INVPCID: reserved bits of the descriptor for types 2 and 3"))
            expect_invpcid("INVPCID with bit 63 of the descriptor, type 2", 2, 1ull << 63, 0, true);
        expect_invpcid("INVPCID of a non-canonical address, type 0", 0, 1, 0x0000800000000000, true);
        expect_invpcid("INVPCID of a non-canonical address, type 1", 1, 1, 0x0000800000000000, false);
    } else {
        report_skip("no INVPCID on this machine");
    }
    write_cr3(cr3);
    write_cr4(cr4);
    if (cpuid(7, 0).ebx >> 10 & 1 && !qemu_deviates("INVPCID of PCID 1 without CR4.PCIDE: #GP")) {
        expect_invpcid("INVPCID of PCID 1 without CR4.PCIDE, type 1", 1, 1, 0, true);
        expect_invpcid("INVPCID of PCID 0 without CR4.PCIDE, type 1", 1, 0, 0, false);
    }
    page_unmap(VA);
}

/* --- implicit accesses at CPL 3 are supervisor's --- */
USER_CODE(user_load_fs, "mov %%edi, %%fs")
static void check_implicit(void)
{
    struct cpu_local *cpu = this_cpu();
    cpu->gdt[SEL_SPARE / 8] = 4095 | (VA & 0xffffff) << 16 | 0x82ull << 40 | (VA >> 24 & 0xff) << 56;
    cpu->gdt[SEL_SPARE / 8 + 1] = VA >> 32;
    uint64_t *ldt = page_map_new(VA, PAGE);
    ldt[1] = 0x00cff2000000ffff; /* not accessed yet */
    __asm__ volatile("lldt %w0" ::"r"(SEL_SPARE));
    expect_user_ok("FS from an LDT on a supervisor page", user_load_fs, (void *)15);
    report_equal(ldt[1] >> 40 & 0xff, 0xf3, "its descriptor is accessed");
    page_map(VA, (uint64_t)ldt, PTE_P);
    expect_user_ok("again, on a read-only page: nothing to write", user_load_fs, (void *)15);
    ldt[1] = 0x00cff2000000ffff;
    struct trap t = user_trap(user_load_fs, (void *)15, RFLAGS_IF);
    report(t.vector == VECTOR_PF && t.error == (PF_ERROR_P | PF_ERROR_W) && t.cr2 >> 3 == (VA + 8) >> 3,
           "setting the accessed bit on a read-only page: #PF as supervisor (%u, %lx)", t.vector, t.error);
    page_unmap(VA);
    t = user_trap(user_load_fs, (void *)15, RFLAGS_IF);
    report(t.vector == VECTOR_PF && t.error == 0, "a descriptor on an absent page: #PF as supervisor (%u, %lx)",
           t.vector, t.error);
    __asm__ volatile("mov %0, %%fs; lldt %w0" ::"r"(0));
    cpu->gdt[SEL_SPARE / 8] = cpu->gdt[SEL_SPARE / 8 + 1] = 0;
    struct trap u = user_trap(user_read, (void *)VA, RFLAGS_IF);
    report(u.error == PF_ERROR_U, "an explicit access is the user's");
}

/* --- another core's translations --- */
enum { VECTOR_SHOOT = 0x62, SHOTS = 30 };
static volatile uint32_t acknowledged, stale;
static volatile bool stop;
static bool on_shoot(struct trap_frame *f)
{
    (void)f;
    invlpg((void *)VA);
    __atomic_store_n(&acknowledged, acknowledged + 1, __ATOMIC_RELEASE);
    apic_eoi();
    return true;
}
static uint64_t reader(void *arg)
{
    (void)arg;
    uint64_t last = 0;
    sti();
    while (!stop) {
        uint32_t before = __atomic_load_n(&acknowledged, __ATOMIC_ACQUIRE);
        uint64_t v = value_at(VA);
        if (v < before || v < last) /* page n holds n: after acknowledgement n nothing older may be seen */
            stale++;
        last = v;
    }
    cli();
    return 0;
}
static void check_shootdown(void)
{
    if (smp_start() < 2) {
        report_skip("a shootdown needs two cores");
        return;
    }
    bool has_ended = true;
    page_map_new(VA, PAGE);
    trap_install(VECTOR_SHOOT, on_shoot);
    start_on_cpu(1, reader, NULL);
    for (uint32_t i = 1; i <= SHOTS && has_ended; i++) {
        uint64_t *page = page_alloc();
        page[0] = i;
        page_map(VA, (uint64_t)page, PAGE);
        apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | VECTOR_SHOOT);
        has_ended = wait_until(acknowledged == i);
    }
    stop = true;
    wait_for_cpu(1);
    trap_install(VECTOR_SHOOT, NULL);
    report(has_ended && stale == 0, "after an IPI and INVLPG another core sees the new page (%u stale)", stale);
}

int guest_main(void)
{
    write_cr4(read_cr4() | CR4_OSFXSR); /* MOVUPS */
    check_accessed_dirty();
    check_reserved();
    check_crossing();
    check_large();
    check_global();
    check_pcid();
    check_implicit();
    check_shootdown();
    return report_summary();
}
