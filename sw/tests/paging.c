/* SPDX-License-Identifier: Apache-2.0 */
/* 4-level paging: page faults with their error codes and CR2, protection bits at every level, accessed and dirty bits,
 * large pages, and when a changed entry takes effect. SDM Vol. 3A, "Paging". Tests are tolerant where the manual lets a
 * stale translation live.
 */
#include "paging.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "boot.h"
#include "percpu.h"
#include "report.h"
#include "trap.h"
#include "user.h"

const char test_name[] = "paging";

#define VA (TEST_VA + 0x40000000)
#define KERNEL_PAGE (PTE_P | PTE_W)
#define USER_PAGE (PTE_P | PTE_W | PTE_U)

extern uint64_t boot_pml4[];

static void do_read(void *arg) { (void)*(volatile uint64_t *)arg; }
static void do_write(void *arg) { *(volatile uint64_t *)arg = 0x1122334455667788; }
static void do_modify(void *arg) { __asm__ volatile("lock addq $1, (%0)" ::"r"(arg) : "memory", "cc"); }
static void do_fetch(void *arg) { __asm__ volatile("call *%0" ::"r"(arg) : "memory"); }
static uint64_t user_read(void *arg) { return *(volatile uint64_t *)arg; }
static uint64_t user_write(void *arg)
{
    *(volatile uint64_t *)arg = 1;
    return 0;
}
static uint64_t user_fetch(void *arg)
{
    __asm__ volatile("call *%0" ::"r"(arg) : "memory");
    return 0;
}
static uint64_t (*user_function)(void *);
static void in_user(void *arg) { run_in_user(user_function, arg); }

/* QEMU 7.2 leaves P clear in the error code when RSVD is set; the manual says that RSVD implies P. */
static bool is_fault(struct trap t, uint64_t error, uint64_t cr2)
{
    if (is_qemu() && error & PF_ERROR_RSVD)
        t.error |= PF_ERROR_P;
    return t.is_raised && t.vector == VECTOR_PF && t.error == error && t.cr2 == cr2;
}
static void expect_fault(const char *what, void (*fn)(void *), uint64_t va, uint64_t error)
{
    struct trap t = test_for_exception(fn, (void *)va);
    report(is_fault(t, error, va), "%s: #PF error %lx (raised %d, vector %u, error %lx, CR2 off by %ld)", what, error,
           t.is_raised, t.vector, t.error, (int64_t)(t.cr2 - va));
}
static void expect_user_fault(const char *what, uint64_t (*fn)(void *), uint64_t va, uint64_t error)
{
    user_function = fn;
    struct trap t = test_for_exception(in_user, (void *)va);
    report(is_fault(t, error, va) && t.cs == SEL_USER_CODE, "CPL 3 %s: #PF error %lx (raised %d, vector %u, error %lx)",
           what, error, t.is_raised, t.vector, t.error);
}
static void expect_ok(const char *what, void (*fn)(void *), uint64_t va)
{
    struct trap t = test_for_exception(fn, (void *)va);
    report(!t.is_raised, "%s is allowed (vector %u error %lx)", what, t.vector, t.error);
}
static void expect_user_ok(const char *what, uint64_t (*fn)(void *), uint64_t va)
{
    user_function = fn;
    struct trap t = test_for_exception(in_user, (void *)va);
    report(!t.is_raised, "CPL 3 %s is allowed (vector %u error %lx)", what, t.vector, t.error);
}

static void check_not_present(void)
{
    page_unmap(VA);
    expect_fault("read, not present", do_read, VA + 8, 0);
    expect_fault("write, not present", do_write, VA + 16, PF_ERROR_W);
    if (is_qemu())
        report_skip("read-modify-write, not present: QEMU loads first and reports a read");
    else
        expect_fault("read-modify-write, not present", do_modify, VA + 24, PF_ERROR_W);
    bool has_nx = rdmsr(MSR_EFER) & EFER_NXE;
    expect_fault("fetch, not present", do_fetch, VA + 32, has_nx ? PF_ERROR_I : 0);
    expect_user_fault("read, not present", user_read, VA, PF_ERROR_U);
    expect_user_fault("write, not present", user_write, VA, PF_ERROR_U | PF_ERROR_W);
    expect_fault("read, no table at all", do_read, 0x00004f0000000000, 0);

    /* The access that crosses into an absent page reports the first absent byte. */
    page_map_new(VA - 4096, KERNEL_PAGE);
    struct trap t = test_for_exception(do_read, (void *)(VA - 3));
    report(is_fault(t, 0, VA), "a crossing read reports the second page's first byte (%lx)", t.cr2 - VA);
    uint64_t *last = (uint64_t *)(VA - 8);
    *last = 0x5555555555555555;
    t = test_for_exception(do_write, (void *)(VA - 3));
    report(is_fault(t, PF_ERROR_W, VA) && *last == 0x5555555555555555, "a crossing write that faults changes nothing");
    page_unmap(VA - 4096);
}

static bool map_on_fault(struct trap_frame *f)
{
    if (f->error & PF_ERROR_P || read_cr2() >> 12 != VA >> 12)
        return false;
    page_map_new(VA, KERNEL_PAGE);
    return true;
}

static void check_demand(void)
{
    page_unmap(VA);
    trap_handler *former = trap_install(VECTOR_PF, map_on_fault);
    *(volatile uint64_t *)(VA + 8) = 77;
    report(*(volatile uint64_t *)(VA + 8) == 77, "a faulting store is repeated after the page was mapped");
    page_unmap(VA);
    uint64_t value = 5;
    __asm__ volatile("lock xaddq %0, (%1)" : "+r"(value) : "r"(VA + 64) : "memory", "cc");
    report(value == 0 && *(volatile uint64_t *)(VA + 64) == 5, "a faulting LOCK XADD is repeated, once");
    page_unmap(VA);
    static uint8_t source[64];
    for (int i = 0; i < 64; i++)
        source[i] = (uint8_t)(i + 1);
    page_map_new(VA - 4096, KERNEL_PAGE);
    void *to = (void *)(VA - 20);
    const void *from = source;
    uint64_t count = 64;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    bool is_same = count == 0 && to == (void *)(VA + 44);
    for (int i = 0; i < 64; i++)
        is_same = is_same && ((volatile uint8_t *)(VA - 20))[i] == i + 1;
    report(is_same, "REP MOVSB goes on after a fault in its middle");
    page_unmap(VA);
    page_unmap(VA - 4096);
    /* PUSH with an absent stack page leaves RSP alone. */
    page_map_new(VA - 4096, KERNEL_PAGE);
    trap_install(VECTOR_PF, former);
}

static void check_write_protect(void)
{
    uint64_t pa = (uint64_t)page_alloc();
    page_map(VA, pa, PTE_P);
    expect_ok("read of a read-only page", do_read, VA);
    expect_fault("write to a read-only page with WP", do_write, VA, PF_ERROR_P | PF_ERROR_W);
    expect_fault("LOCK to a read-only page with WP", do_modify, VA, PF_ERROR_P | PF_ERROR_W);
    write_cr0(read_cr0() & ~(uint64_t)CR0_WP);
    expect_ok("supervisor write to a read-only page without WP", do_write, VA);
    page_map(VA, pa, PTE_P | PTE_U);
    expect_user_fault("write to a read-only page without WP", user_write, VA, PF_ERROR_P | PF_ERROR_W | PF_ERROR_U);
    write_cr0(read_cr0() | CR0_WP);
    expect_fault("write to a read-only user page with WP", do_write, VA, PF_ERROR_P | PF_ERROR_W);
    page_map(VA, pa, KERNEL_PAGE);
    expect_ok("write to a writable page", do_write, VA);

    /* Read-only at a higher level wins. */
    uint64_t *pde = page_entry(VA, 2);
    *pde &= ~PTE_W;
    write_cr3(read_cr3());
    expect_fault("write with W = 0 in the PDE", do_write, VA, PF_ERROR_P | PF_ERROR_W);
    *pde |= PTE_W;
    uint64_t *pdpte = page_entry(VA, 3);
    *pdpte &= ~PTE_W;
    write_cr3(read_cr3());
    expect_fault("write with W = 0 in the PDPTE", do_write, VA, PF_ERROR_P | PF_ERROR_W);
    *pdpte |= PTE_W;
    write_cr3(read_cr3());
    expect_ok("write after W was set again", do_write, VA);
}

static void check_user_supervisor(void)
{
    uint64_t pa = (uint64_t)page_alloc();
    page_map(VA, pa, KERNEL_PAGE);
    expect_user_fault("read of a supervisor page", user_read, VA, PF_ERROR_P | PF_ERROR_U);
    expect_user_fault("write to a supervisor page", user_write, VA, PF_ERROR_P | PF_ERROR_U | PF_ERROR_W);
    page_map(VA, pa, USER_PAGE);
    expect_user_ok("read of a user page", user_read, VA);
    expect_user_ok("write to a user page", user_write, VA);
    uint64_t *pde = page_entry(VA, 2);
    *pde &= ~PTE_U;
    write_cr3(read_cr3());
    expect_user_fault("read with U = 0 in the PDE", user_read, VA, PF_ERROR_P | PF_ERROR_U);
    *pde |= PTE_U;
    write_cr3(read_cr3());
    page_map(VA, pa, PTE_P | PTE_U);
    expect_user_fault("write to a read-only user page", user_write, VA, PF_ERROR_P | PF_ERROR_U | PF_ERROR_W);
}

static void check_no_execute(void)
{
    if (!(rdmsr(MSR_EFER) & EFER_NXE)) {
        report_skip("no NX on this machine");
        return;
    }
    uint8_t *code = page_alloc();
    code[0] = 0xc3; /* RET */
    page_map(VA, (uint64_t)code, USER_PAGE | PTE_NX);
    expect_fault("fetch from an NX page", do_fetch, VA, PF_ERROR_P | PF_ERROR_I);
    expect_user_fault("fetch from an NX page", user_fetch, VA, PF_ERROR_P | PF_ERROR_U | PF_ERROR_I);
    expect_ok("read of an NX page", do_read, VA);
    page_map(VA, (uint64_t)code, USER_PAGE);
    expect_ok("fetch without NX", do_fetch, VA);
    expect_user_ok("fetch without NX", user_fetch, VA);
    uint64_t *pde = page_entry(VA, 2);
    *pde |= PTE_NX;
    write_cr3(read_cr3());
    expect_fault("fetch with NX in the PDE", do_fetch, VA, PF_ERROR_P | PF_ERROR_I);
    *pde &= ~PTE_NX;
    write_cr3(read_cr3());
    page_map(VA, (uint64_t)code, KERNEL_PAGE);
    expect_user_fault("fetch from a supervisor page", user_fetch, VA, PF_ERROR_P | PF_ERROR_U | PF_ERROR_I);

    /* NX is a reserved bit while EFER.NXE is 0. */
    page_map(VA, (uint64_t)code, KERNEL_PAGE | PTE_NX);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_NXE);
    invlpg((void *)VA);
    struct trap t = test_for_exception(do_read, (void *)VA);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    report(is_fault(t, PF_ERROR_P | PF_ERROR_RSVD, VA), "NX with EFER.NXE = 0 is a reserved bit (%u, %lx)", t.vector,
           t.error);
    invlpg((void *)VA);
}

static void check_reserved(void)
{
    unsigned width = cpuid(0x80000008, 0).eax & 0xff;
    uint64_t pa = (uint64_t)page_alloc();
    if (width < 52) {
        page_map(VA, pa, KERNEL_PAGE | 1ull << 51);
        expect_fault("reserved address bit 51", do_read, VA, PF_ERROR_P | PF_ERROR_RSVD);
        page_map(VA, pa, KERNEL_PAGE | 1ull << width);
        expect_fault("reserved address bit MAXPHYADDR", do_write, VA, PF_ERROR_P | PF_ERROR_RSVD | PF_ERROR_W);
        page_map(VA, pa, (KERNEL_PAGE | 1ull << 51) & ~PTE_P);
        expect_fault("not present hides reserved bits", do_read, VA, 0);
        page_map(VA, pa, USER_PAGE | 1ull << 51);
        expect_user_fault("reserved address bit 51", user_read, VA, PF_ERROR_P | PF_ERROR_RSVD | PF_ERROR_U);
    }
    page_map(VA, pa, KERNEL_PAGE);
    uint64_t large = VA + 0x10000000;
    *page_entry(large, 2) = 0x200000 | KERNEL_PAGE | PTE_PS | 1ull << 13;
    write_cr3(read_cr3());
    expect_fault("reserved bit 13 of a 2 MiB page", do_read, large, PF_ERROR_P | PF_ERROR_RSVD);
    *page_entry(large, 2) = 0;
    uint64_t old = boot_pml4[7];
    boot_pml4[7] = (uint64_t)page_alloc() | KERNEL_PAGE | PTE_PS;
    write_cr3(read_cr3());
    expect_fault("bit 7 of a PML4E", do_read, 7ull << 39, PF_ERROR_P | PF_ERROR_RSVD);
    boot_pml4[7] = old;
    write_cr3(read_cr3());
}

static void check_accessed_dirty(void)
{
    uint64_t pa = (uint64_t)page_alloc();
    volatile uint64_t *pte = page_entry(VA, 1);
    volatile uint64_t *pde = page_entry(VA, 2);
    *pde &= ~PTE_A;
    page_map(VA, pa, KERNEL_PAGE);
    write_cr3(read_cr3());
    report(!(*pte & (PTE_A | PTE_D)), "A and D are clear before the first access");
    do_read((void *)VA);
    report((*pte & (PTE_A | PTE_D)) == PTE_A && *pde & PTE_A, "a read sets A in PTE and PDE, not D");
    do_write((void *)VA);
    report((*pte & (PTE_A | PTE_D)) == (PTE_A | PTE_D), "a write sets D");
    *pte &= ~(PTE_A | PTE_D);
    invlpg((void *)VA);
    do_write((void *)VA);
    report((*pte & (PTE_A | PTE_D)) == (PTE_A | PTE_D), "a write sets A and D again after INVLPG");
    page_map(VA, pa, PTE_P);
    struct trap t = test_for_exception(do_write, (void *)VA);
    report(t.is_raised && !(*pte & PTE_D), "a write that faults does not set D");
    *pte = pa | KERNEL_PAGE;
    invlpg((void *)VA);
    do_read((void *)VA);
    *pte &= ~PTE_D;
    do_write((void *)VA);
    report(*pte & PTE_D, "a read followed by a write sets D also through a cached translation");
}

static void check_large(void)
{
    uint64_t large = VA + 0x20000000;
    uint64_t target = 0x2000000; /* 32 MiB: inside the page pool's range, unused */
    volatile uint64_t *pde = page_entry(large, 2);
    *pde = target | KERNEL_PAGE | PTE_PS;
    write_cr3(read_cr3());
    *(volatile uint64_t *)(large + 0x12345678 % LARGE_PAGE_BYTES) = 0xabcdef;
    report(*(volatile uint64_t *)(target + 0x12345678 % LARGE_PAGE_BYTES) == 0xabcdef,
           "a 2 MiB page maps 21 bits of offset");
    report(*pde & PTE_A && *pde & PTE_D, "A and D of a large page are in the PDE");
    *pde = target | PTE_P | PTE_PS;
    invlpg((void *)(large + 0x1000));
    expect_fault("write to a read-only 2 MiB page", do_write, large + 0x1ff000, PF_ERROR_P | PF_ERROR_W);
    *pde = 0;
    invlpg((void *)(large + 0x100000));
    expect_fault("INVLPG anywhere in a 2 MiB page drops it", do_read, large, 0);
    if (cpuid(0x80000001, 0).edx >> 26 & 1) {
        uint64_t *pdpte = page_entry(TEST_VA + 0x1000000000, 3);
        *pdpte = KERNEL_PAGE | PTE_PS; /* 1 GiB at physical 0 */
        write_cr3(read_cr3());
        *(volatile uint64_t *)target = 0x777;
        report(*(volatile uint64_t *)(TEST_VA + 0x1000000000 + target) == 0x777, "a 1 GiB page maps 30 bits of offset");
        *pdpte = 0;
        write_cr3(read_cr3());
    } else {
        report_skip("no 1 GiB pages on this machine");
    }
}

static void check_invalidation(void)
{
    uint64_t *a = page_alloc(), *b = page_alloc();
    a[0] = 1;
    b[0] = 2;
    page_map(VA, (uint64_t)a, KERNEL_PAGE);
    bool is_first = *(volatile uint64_t *)VA == 1;
    *(volatile uint64_t *)page_entry(VA, 1) = (uint64_t)b | KERNEL_PAGE;
    uint64_t stale = *(volatile uint64_t *)VA;
    report(is_first && (stale == 1 || stale == 2), "without INVLPG the old or the new page is seen (%lu)", stale);
    invlpg((void *)(VA + 123));
    report(*(volatile uint64_t *)VA == 2, "after INVLPG the new page is seen");
    *(volatile uint64_t *)page_entry(VA, 1) = (uint64_t)a | KERNEL_PAGE;
    write_cr3(read_cr3());
    report(*(volatile uint64_t *)VA == 1, "after MOV to CR3 the new page is seen");
    /* A fault makes the CPU look again: permissions may be widened without INVLPG. */
    page_map(VA, (uint64_t)a, PTE_P);
    do_read((void *)VA);
    *(volatile uint64_t *)page_entry(VA, 1) = (uint64_t)a | KERNEL_PAGE;
    struct trap t = test_for_exception(do_write, (void *)VA);
    if (t.is_raised)
        t = test_for_exception(do_write, (void *)VA);
    report(!t.is_raised, "a page made writable is writable at the latest after one fault");
    if (cpuid(1, 0).edx >> 13 & 1) { /* global pages survive MOV to CR3 at will, never INVLPG or a change of CR4.PGE */
        write_cr4(read_cr4() | CR4_PGE);
        page_map(VA, (uint64_t)a, KERNEL_PAGE | PTE_G);
        do_read((void *)VA);
        *(volatile uint64_t *)page_entry(VA, 1) = (uint64_t)b | KERNEL_PAGE | PTE_G;
        write_cr3(read_cr3());
        write_cr4(read_cr4() & ~(uint64_t)CR4_PGE);
        report(*(volatile uint64_t *)VA == 2, "a change of CR4.PGE drops global translations");
    }
}

/* The same code bytes must be executed anew after they were changed by a store, by one alias or another. */
static void check_modified_code(void)
{
    uint8_t *code = page_alloc();
    page_map(VA, (uint64_t)code, KERNEL_PAGE);
    bool is_right = true;
    for (uint32_t i = 1; i <= 20; i++) {
        uint8_t *alias = i & 1 ? code : (uint8_t *)VA;
        alias[0] = 0xb8; /* MOV EAX, i; RET */
        *(volatile uint32_t *)(alias + 1) = i;
        alias[5] = 0xc3;
        cpuid(0, 0); /* serialises */
        uint32_t result;
        __asm__ volatile("call *%1" : "=a"(result) : "r"(i & 2 ? VA : (uint64_t)code) : "memory");
        is_right = is_right && result == i;
    }
    report(is_right, "changed code is executed as changed, through either mapping");
}

static void set_user_bit(uint64_t from, uint64_t to, bool is_user)
{
    for (uint64_t va = from; va < to; va += LARGE_PAGE_BYTES) {
        uint64_t *pde = page_entry(va, 2);
        *pde = is_user ? *pde | PTE_U : *pde & ~PTE_U;
    }
    write_cr3(read_cr3());
}

static void do_read_with_ac(void *arg) { __asm__ volatile("stac; mov (%0), %%rax; clac" ::"r"(arg) : "rax", "memory"); }

static void check_smep_smap(void)
{
    uint32_t features = cpuid(0, 0).eax >= 7 ? cpuid(7, 0).ebx : 0;
    uint8_t *code = page_alloc();
    code[0] = 0xc3;
    page_map(VA, (uint64_t)code, USER_PAGE);
    set_user_bit(0, 0x40000000, false); /* the kernel itself must not be user pages now */
    if (features >> 7 & 1) {
        write_cr4(read_cr4() | CR4_SMEP);
        expect_fault("SMEP: fetch from a user page", do_fetch, VA, PF_ERROR_P | PF_ERROR_I);
        expect_ok("SMEP: read of a user page", do_read, VA);
        write_cr4(read_cr4() & ~(uint64_t)CR4_SMEP);
        expect_ok("fetch from a user page without SMEP", do_fetch, VA);
    } else {
        report_skip("no SMEP on this machine");
    }
    if (features >> 20 & 1) {
        write_cr4(read_cr4() | CR4_SMAP);
        expect_fault("SMAP: read of a user page", do_read, VA, PF_ERROR_P);
        expect_fault("SMAP: write to a user page", do_write, VA + 64, PF_ERROR_P | PF_ERROR_W);
        expect_ok("SMAP: read with RFLAGS.AC", do_read_with_ac, VA);
        write_cr4(read_cr4() & ~(uint64_t)CR4_SMAP);
        expect_ok("read of a user page without SMAP", do_read, VA);
    } else {
        report_skip("no SMAP on this machine");
    }
    set_user_bit(0, 0x40000000, true);
}

int guest_main(void)
{
    check_not_present();
    check_demand();
    check_write_protect();
    check_user_supervisor();
    check_no_execute();
    check_reserved();
    check_accessed_dirty();
    check_large();
    check_invalidation();
    check_modified_code();
    check_smep_smap();
    return report_summary();
}
