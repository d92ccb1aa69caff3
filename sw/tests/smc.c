/* SPDX-License-Identifier: Apache-2.0 */
/* Code that changes: by stores next to it, by string instructions, through another mapping, on another core, across two
 * pages, and the same bytes run in two modes. SDM Vol. 3A, "Handling Self- and Cross-Modifying Code": on one core a
 * store to code takes effect with the next jump at the latest, through another linear address after a serializing
 * instruction; another core's code needs a synchronisation that ends in a serializing instruction there.
 */
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "boot.h"
#include "expect.h"
#include "paging.h"
#include "percpu.h"
#include "report.h"
#include "smp.h"
#include "string.h"
#include "trap.h"
#include "user.h"

const char test_name[] = "smc";

#define VA (TEST_VA + 0x40000000)
#define ALIAS (TEST_VA + 0x50000000)
#define PAGE (PTE_P | PTE_W | PTE_U)
enum { ROUNDS = 40 };

static void put_constant(volatile uint8_t *code, uint32_t value) /* MOV EAX, value; RET */
{
    code[0] = 0xb8;
    memcpy((void *)(code + 1), &value, 4);
    code[5] = 0xc3;
}
static uint32_t run(const volatile void *code)
{
    uint32_t result;
    __asm__ volatile("call *%1" : "=a"(result) : "r"(code) : "rcx", "rdx", "memory", "cc");
    return result;
}

/* The instruction that stores changes the one behind a jump of the same page, each round. */
static void check_same_page(void)
{
    uint8_t *page = page_alloc();
    /* MOV [RIP + 6], EDI; JMP +0; MOV EAX, imm32; RET: the store goes to the immediate. */
    static const uint8_t code[] = {0x89, 0x3d, 0x03, 0, 0, 0, 0xeb, 0x00, 0xb8, 0, 0, 0, 0, 0xc3};
    memcpy(page, code, sizeof code);
    bool is_right = true;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        uint32_t result;
        __asm__ volatile("call *%1" : "=a"(result) : "r"(page), "D"(i * 0x1010101) : "memory", "cc");
        is_right = is_right && result == i * 0x1010101;
    }
    report(is_right, "an instruction of the same page is changed before a jump to it");

    /* A loop whose body rewrites its own ADD: INC byte [RIP + disp of the immediate]; ADD EAX, imm8; DEC ECX; JNZ. */
    static const uint8_t loop[] = {0x31, 0xc0, 0xb9, 10,   0, 0,    0,    0xfe, 0x05, 0x02, 0,
                                   0,    0,    0x83, 0xc0, 0, 0xff, 0xc9, 0x75, 0xf3, 0xc3};
    memcpy(page + 64, loop, sizeof loop);
    report_equal(run(page + 64), 55, "a loop that changes its own next instruction: 1 + 2 + ... + 10");
}

static void check_string_store(void)
{
    uint8_t *page = page_alloc(), *other = page_alloc();
    bool is_right = true;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        put_constant(other, i);
        void *to = page + 128;
        const void *from = other;
        uint64_t count = 6;
        if (i & 1)
            __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
        else
            memcpy(page + 128, other, 6);
        is_right = is_right && run(page + 128) == i;
    }
    report(is_right, "code is replaced by REP MOVSB and by MOV");
    put_constant(page, 1);
    is_right = run(page) == 1;
    uint32_t old = 1, *immediate = (uint32_t *)(page + 1);
    for (uint32_t i = 2; i < ROUNDS; i++) { /* unaligned, locked */
        __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(old), "+m"(*immediate) : "r"(i) : "cc");
        is_right = is_right && old == i - 1 && run(page) == i;
        old = i;
    }
    report(is_right, "code is changed by LOCK CMPXCHG");
}

static void check_two_mappings(void)
{
    uint64_t pa = (uint64_t)page_alloc();
    page_map(VA, pa, PAGE);
    page_map(ALIAS, pa, PAGE);
    bool is_right = true;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        put_constant((uint8_t *)(i & 1 ? VA : ALIAS), i);
        cpuid(0, 0);
        is_right = is_right && run((void *)(i & 1 ? ALIAS : VA)) == i && run((void *)VA) == i && run((void *)pa) == i;
    }
    report(is_right, "code is changed through one mapping and run through the others");

    /* Another page at the same address: the bytes are others although nobody stored. */
    uint8_t *b = page_alloc();
    put_constant((uint8_t *)pa, 1);
    put_constant(b, 2);
    is_right = true;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        page_map(VA, i & 1 ? (uint64_t)b : pa, PAGE);
        is_right = is_right && run((void *)VA) == (i & 1) + 1;
    }
    report(is_right, "another page is mapped where code ran");
}

/* An instruction whose last bytes are on the next page: that page is changed, remapped, and made absent. */
static void check_crossing(void)
{
    uint8_t *first = page_alloc(), *a = page_alloc(), *b = page_alloc();
    page_map(VA, (uint64_t)first, PAGE);
    page_map(VA + PAGE_BYTES, (uint64_t)a, PAGE);
    uint8_t *code = (uint8_t *)(VA + PAGE_BYTES - 3);
    bool is_right = true;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        put_constant(code, i << 24 | i << 16 | i << 8 | i);
        is_right = is_right && run(code) == i * 0x1010101;
        a[0] = (uint8_t)(i + 1); /* a part of the immediate */
        is_right = is_right && run(code) == ((i * 0x1010101) & ~0xff0000u) + ((i + 1) << 16);
        first[PAGE_BYTES - 1] = 7;
        is_right = is_right && (run(code) & 0xff00) == 0x700;
    }
    report(is_right, "an instruction across two pages: either half changes");
    memcpy(b, a, 16);
    b[0] = 0xee;
    page_map(VA + PAGE_BYTES, (uint64_t)b, PAGE);
    report_equal(run(code) >> 16 & 0xff, 0xee, "its second page is mapped elsewhere");
    page_unmap(VA + PAGE_BYTES);
    struct trap t = test_for_exception((void (*)(void *))(uint64_t)code, NULL);
    report(t.vector == VECTOR_PF && t.cr2 == VA + PAGE_BYTES && t.rip == (uint64_t)code,
           "its second page is absent: CR2 is that page, RIP the instruction (%u, %lx)", t.vector, t.cr2);
    page_map(VA + PAGE_BYTES, (uint64_t)a, PAGE);
    put_constant(code, 5);
    report_equal(run(code), 5, "and back");
}

/* The same physical bytes as 64-bit and as 32-bit code: 48 is REX.W there and DEC EAX here. */
extern char two_modes[];
__asm__(".text\n.code32\n.globl two_modes\ntwo_modes:\n"
        "    .byte 0xb8, 5, 0, 0, 0\n" /* MOV EAX, 5 */
        "    .byte 0x48\n"
        "    .byte 0xff, 0xc0\n" /* INC EAX or INC RAX */
        "    lret\n.code64\n");
static uint32_t run_far(unsigned selector, const void *code)
{
    struct {
        uint32_t offset;
        uint16_t selector;
    } pointer = {(uint32_t)(uint64_t)code, (uint16_t)selector};
    uint32_t result;
    __asm__ volatile("lcall *%1"
                     : "=a"(result)
                     : "m"(pointer)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    return result;
}
static void check_modes(void)
{
    this_cpu()->gdt[SEL_SPARE / 8] = 0x00cf9b000000ffff; /* 32-bit */
    bool is_right = true;
    for (unsigned i = 0; i < ROUNDS; i++)
        is_right = is_right && run_far(SEL_KERNEL_CODE, two_modes) == 6 && run_far(SEL_SPARE, two_modes) == 5;
    report(is_right, "the same bytes run as 64-bit and as 32-bit code in turn");
    /* B8 imm16 in 16-bit code: MOV AX, 1234H; MOV AH, 56H; NOP; 66 CB is RET of 32 bits there, 16 bits elsewhere. */
    static const uint8_t bytes[] = {0xb8, 0x34, 0x12, 0xb4, 0x56, 0x90, 0x66, 0xcb, 0xcb};
    uint8_t *page = page_alloc();
    memcpy(page, bytes, sizeof bytes);
    uint64_t base = (uint64_t)page;
    this_cpu()->gdt[SEL_SPARE / 8 + 1] = 0x00009b000000ffff | (base & 0xffffff) << 16 | (base >> 24) << 56;
    report_equal(run_far(SEL_SPARE + 8, NULL) & 0xffff, 0x5634, "as 16-bit code");
    page[6] = page[7] = 0x90; /* now for 32-bit code: MOV EAX, 56B41234H; NOP; NOP; NOP; RET */
    report_equal(run_far(SEL_SPARE, page), 0x56b41234, "and as 32-bit code");
    this_cpu()->gdt[SEL_SPARE / 8] = this_cpu()->gdt[SEL_SPARE / 8 + 1] = 0;
}

/* At CPL 0 and CPL 3 the same code: what is privileged must be judged anew. */
static void privileged(void *code) { run(code); }
static uint64_t user_run(void *code) { return run(code); }
static void check_levels(void)
{
    uint8_t *code = page_alloc();
    static const uint8_t read_cr0[] = {0x0f, 0x20, 0xc0, 0xc3}; /* MOV RAX, CR0; RET */
    memcpy(code, read_cr0, sizeof read_cr0);
    for (unsigned i = 0; i < 3; i++) {
        struct trap t = test_for_exception(privileged, code);
        struct trap u = user_trap(user_run, code, RFLAGS_IF);
        if (t.is_raised || u.vector != VECTOR_GP) {
            report(false, "the same code at CPL 0 and CPL 3 (%u, %u)", t.vector, u.vector);
            return;
        }
    }
    report(true, "the same code at CPL 0 and CPL 3");
}

/* --- another core's code --- */
enum { VECTOR_SYNC = 0x61 };
static uint8_t *shared;
static volatile uint32_t wanted, wrong, rounds_run;
static volatile bool stop;
static bool on_sync(struct trap_frame *f)
{
    (void)f;
    cpuid(0, 0);
    uint32_t want = wanted;
    if (run(shared) != want)
        wrong++;
    __atomic_store_n(&rounds_run, rounds_run + 1, __ATOMIC_RELEASE);
    apic_eoi();
    return true;
}
/* Runs the code all the time, so that it is cached in whatever way; any complete version is right. */
static uint64_t run_shared(void *arg)
{
    (void)arg;
    sti();
    while (!stop) {
        uint32_t v = run(shared);
        if (v % 0x10001 != 0)
            wrong++;
    }
    cli();
    return 0;
}

static void check_other_core(void)
{
    if (smp_start() < 2) {
        report_skip("cross-modifying code needs two cores");
        return;
    }
    shared = (uint8_t *)((uint64_t)page_alloc() + 3); /* the immediate is aligned: it changes as a whole */
    put_constant(shared, 0x10001);
    trap_install(VECTOR_SYNC, on_sync);
    start_on_cpu(1, run_shared, NULL);
    bool has_ended = true;
    for (uint32_t i = 1; i <= ROUNDS && has_ended; i++) {
        wanted = i * 0x10001;
        *(volatile uint32_t *)(shared + 1) = wanted;
        apic_send(cpus[1].apic_id, ICR_FIXED | ICR_ASSERT | VECTOR_SYNC);
        has_ended = wait_until(rounds_run == i);
    }
    stop = true;
    wait_for_cpu(1);
    report(has_ended && wrong == 0, "another core runs the new code after an IPI and CPUID (%u of %u wrong)", wrong,
           rounds_run);
    trap_install(VECTOR_SYNC, NULL);
}

int guest_main(void)
{
    check_same_page();
    check_string_store();
    check_two_mappings();
    check_crossing();
    check_modes();
    check_levels();
    check_other_core();
    return report_summary();
}
