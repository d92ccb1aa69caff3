/* SPDX-License-Identifier: Apache-2.0 */
/* The memory accesses of SENDUIPI: supervisor privilege at any CPL, page faults, SMAP. Group S, part of the image
 * conf_send. SDM Vol. 2, SENDUIPI.
 */
#include "conformance.h"
#include "send.h"

#define VA (TEST_VA + 0x600000)

static uint64_t user_send(void *arg)
{
    senduipi((uint64_t)arg);
    return 0;
}
static void kernel_send(void *arg) { senduipi((uint64_t)arg); }
static void kernel_send_with_ac(void *arg) { __asm__ volatile("stac; senduipi %0; clac" ::"r"(arg) : "memory"); }

/* The kernel's own pages must be supervisor pages while SMAP is on. UPID at VA, UITT at VA + 1000H. */
static void check_smap(struct upid *far_upid, uint64_t table_pa)
{
    wrmsr(MSR_UINTR_TT, (VA + 0x1000) | UINTR_TT_ENABLE);
    uintr_upid_init(far_upid, 0);
    set_low_pages(false);
    write_cr4(read_cr4() | CR4_SMAP);
    page_map(VA + 0x1000, table_pa, PTE_P | PTE_W | PTE_U);
    struct trap t = test_for_exception(kernel_send, (void *)3), u = test_for_exception(kernel_send_with_ac, (void *)3);
    page_map(VA + 0x1000, table_pa, PTE_P | PTE_W);
    page_map(VA, (uint64_t)far_upid, PTE_P | PTE_W | PTE_U);
    struct trap v = test_for_exception(kernel_send, (void *)3);
    page_map(VA, (uint64_t)far_upid, PTE_P | PTE_W);
    struct trap w = test_for_exception(kernel_send, (void *)3);
    sti_nop_cli();
    write_cr4(read_cr4() & ~(uint64_t)CR4_SMAP);
    set_low_pages(true);
    report(t.vector == VECTOR_PF && t.error == PF_ERROR_P && t.cr2 == VA + 0x1030,
           "S23 SMAP: UITT in a user page: #PF (%u, %lx)", t.vector, t.error);
    report(u.vector == VECTOR_PF && u.error == PF_ERROR_P, "S23 also with AC = 1 (%u, %lx)", u.vector, u.error);
    report(v.vector == VECTOR_PF && v.error == (PF_ERROR_P | PF_ERROR_W),
           "S23 SMAP: UPID in a user page: #PF (%u, %lx)", v.vector, v.error);
    report(!w.is_raised && rdmsr(MSR_UINTR_RR) == 8, "S23 with SMAP and supervisor pages it works");
}

void check_send_memory(void)
{
    uintr_setup_self();
    /* Supervisor pages for the UPID and a UITT of two pages, physically apart. */
    struct upid *far_upid = page_map_new(VA, PTE_P | PTE_W);
    struct uitte *table = (struct uitte *)(VA + 0x1000);
    page_map_new(VA + 0x2000, PTE_P | PTE_W); /* taken first: pages are not contiguous */
    page_map_new(VA + 0x1000, PTE_P | PTE_W);
    uintr_upid_init(far_upid, 0);
    wrmsr(MSR_UINTR_PD, VA);
    for (int i = 0; i < 512; i++)
        uintr_uitte_set(&table[i], (struct upid *)VA, (uint8_t)(i % 64));
    uintr_send_through(table, 512);
    run_in_user(user_send, (void *)9);
    report(rdmsr(MSR_UINTR_RR) == 1 << 9 && far_upid->pir == 0, "S19 at CPL 3 with UITT and UPID in supervisor pages");
    run_in_user(user_send, (void *)(256 + 33));
    report(rdmsr(MSR_UINTR_RR) == (1 << 9 | 1ull << 33), "S24 an entry on the table's second page");
    wrmsr(MSR_UINTR_RR, 0);

    uint64_t pte = *page_entry(VA + 0x1000, 1);
    page_unmap(VA + 0x1000);
    struct trap t = user_exception(user_send, (void *)3);
    report(t.vector == VECTOR_PF && t.error == 0 && t.cr2 == VA + 0x1000 + 48,
           "S20 UITT page absent: #PF P=0 W=0 U=0 (%u, %lx)", t.vector, t.error);
    page_map(VA + 0x1000, pte & PTE_ADDRESS_MASK, PTE_P);
    report(!user_exception(user_send, (void *)3).is_raised && rdmsr(MSR_UINTR_RR) == 8,
           "S20 after mapping it works, read-only too");
    wrmsr(MSR_UINTR_RR, 0);
    page_map(VA, (uint64_t)far_upid, PTE_P);
    far_upid->pir = 0;
    t = user_exception(user_send, (void *)3);
    report(t.vector == VECTOR_PF && t.error == (PF_ERROR_P | PF_ERROR_W) && t.cr2 >> 12 == VA >> 12 &&
               far_upid->pir == 0,
           "S21 UPID page read-only: #PF P=1 W=1 U=0, PIR unchanged (%u, %lx)", t.vector, t.error);
    page_unmap(VA);
    t = user_exception(user_send, (void *)3);
    report(t.vector == VECTOR_PF && t.error == PF_ERROR_W && t.cr2 >> 12 == VA >> 12,
           "S22 UPID page absent: #PF W=1 U=0 (%u, %lx)", t.vector, t.error);
    page_map(VA, (uint64_t)far_upid, PTE_P | PTE_W);
    report(!user_exception(user_send, (void *)3).is_raised && rdmsr(MSR_UINTR_RR) == 8, "S22 works after mapping");
    report(*page_entry(VA, 1) & PTE_D && *page_entry(VA, 1) & PTE_A, "S22 A and D of the UPID's page are set");
    wrmsr(MSR_UINTR_RR, 0);
    wrmsr(MSR_UINTR_TT, 0x00007ffffffff000 | UINTR_TT_ENABLE);
    t = user_exception(user_send, (void *)400);
    report(t.vector == VECTOR_GP && t.error == 0, "S25 entry at a non-canonical address: #GP(0) (%u)", t.vector);

    if (cpuid(7, 0).ebx >> 20 & 1)
        check_smap(far_upid, pte & PTE_ADDRESS_MASK);
}
