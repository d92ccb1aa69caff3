/* SPDX-License-Identifier: Apache-2.0 */
/* irq: software interrupts, #UD, #PF, syscall/sysret and int from ring 3, and
 * self-IPIs through the local APIC (xAPIC, at its reset address). */
#include "guest.h"
#include "platform.h"
const char kernel_name[] = "irq";
const uint64_t kernel_iters = 80000;

struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};
static volatile uint64_t soft, ud, pf, ipi, sys, user_int;

/* --- handlers --- */
__attribute__((interrupt)) static void on_soft(struct frame *f)
{
    if (f->cs & 3)
        user_int++;
    else
        soft++;
}
__attribute__((interrupt)) static void on_ud(struct frame *f)
{
    ud++;
    f->rip += 2; /* past the ud2 */
}

/* One page that #PF maps and the loop unmaps again. */
#define HOLE 0x0000400000000000ull
static uint64_t page[512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
__attribute__((interrupt)) static void on_pf(struct frame *f, uint64_t error)
{
    uint64_t a;
    (void)f;
    __asm__ volatile("mov %%cr2, %0" : "=r"(a));
    if (a >> 12 == HOLE >> 12 && error == 2) {
        pf++;
        pt[0] = (uint64_t)page | 3;
    }
}

static volatile uint32_t *const apic = (uint32_t *)0xfee00000;
enum { TPR = 0x80 / 4, EOI = 0xb0 / 4, SVR = 0xf0 / 4, ICR_LO = 0x300 / 4 };
__attribute__((interrupt)) static void on_ipi(struct frame *f)
{
    (void)f;
    ipi++;
    apic[EOI] = 0;
}

/* --- ring 3 --- */
uint64_t kernel_rsp; /* where leave_user returns to */
static uint8_t user_stack[4096] __attribute__((aligned(16)));
static uint8_t trap_stack[4096] __attribute__((aligned(16)));
void enter_user(uint64_t count, void *stack);
void syscall_entry(void);

__asm__("    .text\n"
        "enter_user:\n" /* rdi: rounds; rsi: ring 3's stack */
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov  %rsp, kernel_rsp\n"
        "    mov  %rdi, %rbx\n"
        "    mov  $user, %ecx\n"
        "    mov  $0x002, %r11d\n" /* interrupts stay off in ring 3 */
        "    mov  %rsi, %rsp\n"
        "    sysretq\n"
        "user:\n" /* each round: a syscall and an int */
        "    mov  $1, %eax\n"
        "    syscall\n"
        "    int  $0x80\n"
        "    dec  %rbx\n"
        "    jnz  user\n"
        "    xor  %eax, %eax\n" /* syscall 0: back to the kernel's caller */
        "    syscall\n"
        "    ud2\n"
        "syscall_entry:\n"
        "    test %eax, %eax\n"
        "    jz   1f\n"
        "    incq sys\n"
        "    sysretq\n"
        "1:  mov  kernel_rsp, %rsp\n"
        "    mov  $0x10, %eax\n"
        "    mov  %eax, %ss\n"
        "    pop  %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n");

uint64_t kernel(uint64_t n)
{
    set_gate(0x80, on_soft, 3);
    set_gate(6, on_ud, 0);
    set_gate(14, on_pf, 0);
    set_gate(0x41, on_ipi, 0);
    pml4[128] = (uint64_t)pdpt | 3;
    pdpt[0] = (uint64_t)pd | 3;
    pd[0] = (uint64_t)pt | 3;
    tss.rsp[0] = (uint64_t)trap_stack + sizeof trap_stack;
    wrmsr(0xc0000081, 0x0018000800000000ull);   /* STAR: sysret's and syscall's selectors */
    wrmsr(0xc0000082, (uint64_t)syscall_entry); /* LSTAR */
    wrmsr(0xc0000084, 0x700);                   /* FMASK: TF, IF, DF */
    apic[TPR] = 0;
    apic[SVR] = 0x1ff;

    for (uint64_t i = 0; i < n; i++) {
        for (int k = 0; k < 4; k++)
            __asm__ volatile("int $0x80" ::: "memory");
        __asm__ volatile("ud2" ::: "memory");
        *(volatile uint64_t *)HOLE = i;
        pt[0] = 0;
        __asm__ volatile("invlpg %0" ::"m"(*(char *)HOLE) : "memory");
        apic[ICR_LO] = 0x00044041; /* self, fixed, vector 0x41 */
        __asm__ volatile("sti; nop; nop; cli" ::: "memory");
        if ((i & 15) == 15)
            enter_user(16, user_stack + sizeof user_stack);
    }
    return soft + 3 * ud + 5 * pf + 7 * ipi + 11 * sys + 13 * user_int + page[0];
}
