/* SPDX-License-Identifier: Apache-2.0 */
/* SENDUIPI on one core that sends to itself: table and descriptor checks, what is written, operands. Group S, with
 * send_memory.c (page faults), upid.c (ON and SN), cores.c (between cores). SDM Vol. 2, SENDUIPI.
 */
#include "send.h"
#include "conformance.h"

const char test_name[] = "conf_send";

#define NOTE ((uint64_t)UINTR_NOTIFICATION_VECTOR << UPID_NV_SHIFT)

static struct upid saved;

static uint64_t user_send(void *arg)
{
    senduipi((uint64_t)arg);
    return 0;
}
static void kernel_send(void *arg) { senduipi((uint64_t)arg); }

/* With IF = 0 at CPL 0 the IPI stays in IRR: what SENDUIPI wrote can be looked at. Returns whether an IPI came. */
static bool send_and_look(uint64_t index, struct trap *trap)
{
    *trap = test_for_exception(kernel_send, (void *)index);
    settle();
    saved = upid;
    bool has_ipi = apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR);
    sti_nop_cli(); /* takes the notification */
    wrmsr(MSR_UINTR_RR, 0);
    return has_ipi;
}

static void expect_gp(const char *what, uint64_t index)
{
    struct trap t;
    bool has_ipi = send_and_look(index, &t);
    report(t.is_raised && t.vector == VECTOR_GP && t.error == 0 && !has_ipi, "%s: #GP(0), no IPI (raised %d, %u, %lx)",
           what, t.is_raised, t.vector, t.error);
}

static void check_table(void)
{
    struct trap t;
    uintr_setup_self();
    wrmsr(MSR_UINTR_TT, (uint64_t)uitt);
    expect_trap(test_for_exception(kernel_send, NULL), "S01 TT[0] = 0", VECTOR_UD, 0);
    expect_trap(user_exception(user_send, NULL), "S01 TT[0] = 0 at CPL 3", VECTOR_UD, 0);
    wrmsr(MSR_UINTR_TT, (uint64_t)uitt | UINTR_TT_ENABLE);
    report(send_and_look(UITT_ENTRIES - 1, &t) && !t.is_raised && saved.pir == 1ull << 63, "S02 index = UITTSZ works");
    expect_gp("S03 index = UITTSZ + 1", UITT_ENTRIES);
    wrmsr(MSR_UINTR_MISC, rdmsr(MSR_UINTR_MISC) | 0xffffffff);
    expect_gp("S04 index 100000000H with UITTSZ FFFFFFFFH", 0x100000000);
    expect_gp("S05 index of all ones", ~0ull);
    expect_trap(user_exception(user_send, (void *)0x100000000), "S04 at CPL 3", VECTOR_GP, 0);
    expect_trap(user_exception(user_send, (void *)~0ull), "S05 at CPL 3", VECTOR_GP, 0);
    uintr_setup_self();
    uitt[4].control = 0x400;
    expect_gp("S07 V = 0", 4);
    bool is_gp = true;
    for (int bit = 1; bit < 64; bit++) {
        if (bit >= 8 && bit < 14)
            continue;
        uitt[4].control = UITTE_V | 4 << UITTE_UV_SHIFT | 1ull << bit;
        struct trap trap = test_for_exception(kernel_send, (void *)4);
        is_gp = is_gp && trap.is_raised && trap.vector == VECTOR_GP && trap.error == 0;
    }
    report(is_gp, "S08 reserved bits of the UITT entry: #GP(0) each");
    uintr_uitte_set(&uitt[4], &upid, 4);
    is_gp = true;
    for (int bit = 0; bit < 6; bit++) {
        uitt[4].upidaddr = (uint64_t)&upid | 1ull << bit;
        struct trap trap = test_for_exception(kernel_send, (void *)4);
        is_gp = is_gp && trap.is_raised && trap.vector == VECTOR_GP && trap.error == 0;
    }
    report(is_gp, "S09 low bits of UPIDADDR: #GP(0) each");
    uitt[4].upidaddr = 0x0000800000000000;
    expect_gp("S25 non-canonical UPIDADDR", 4);
    uintr_uitte_set(&uitt[4], &upid, 4);
    is_gp = true;
    for (int bit = 2; bit < 32; bit++) {
        if (bit >= 16 && bit < 24)
            continue;
        uint64_t control = upid.control | 1ull << bit;
        struct upid before = upid;
        upid.control = control;
        struct trap trap = test_for_exception(kernel_send, (void *)4);
        is_gp = is_gp && trap.is_raised && trap.vector == VECTOR_GP && trap.error == 0 && upid.control == control &&
                upid.pir == 0;
        upid = before;
    }
    report(is_gp, "S10 reserved bits of the UPID: #GP(0) each, UPID unchanged");
    report(!apic_is_set(APIC_IRR, UINTR_NOTIFICATION_VECTOR), "S10 S07 S08 S09 no IPI came out of any of these");
}

static uint64_t read_icr(void)
{
    if (this_cpu()->x2apic)
        return rdmsr(MSR_X2APIC_FIRST + APIC_ICR / 16);
    return (uint64_t)apic_read(APIC_ICR_HIGH) << 32 | apic_read(APIC_ICR);
}

static void check_effect(void)
{
    struct trap t;
    uintr_setup_self();
    uint64_t control = upid.control;
    for (int i = 0; i < 6; i++)
        upid.software[i] = 0x0101010101010101 * (uint64_t)(i + 1);
    upid.pir = 1ull << 50;
    bool has_ipi = send_and_look(5, &t);
    report(!t.is_raised && has_ipi && saved.pir == (1ull << 50 | 1 << 5) && saved.control == (control | UPID_ON),
           "S11 ON = SN = 0: PIR bit, ON = 1, IPI");
    bool is_kept = true;
    for (int i = 0; i < 6; i++)
        is_kept = is_kept && upid.software[i] == 0x0101010101010101 * (uint64_t)(i + 1);
    report(is_kept, "S16 bytes 16 to 63 of the UPID are not touched");
    bool is_right = true;
    static const uint8_t vectors[] = {0, 31, 32, 63};
    for (int i = 0; i < 4; i++) {
        has_ipi = send_and_look(vectors[i], &t);
        is_right = is_right && has_ipi && saved.pir == 1ull << vectors[i];
    }
    report(is_right, "S15 UV 0, 31, 32, 63: exactly that PIR bit");
    uint64_t id = this_cpu()->apic_id;
    if (!this_cpu()->x2apic) {
        upid.control = NOTE | (id << 8 | 0xabcd00ef) << UPID_NDST_SHIFT;
        report(send_and_look(1, &t), "S17 xAPIC: only NDST[15:8] counts");
        upid.control = NOTE | (id | 0x6600) << UPID_NDST_SHIFT;
        report(!send_and_look(1, &t), "S17 xAPIC: NDST[7:0] is no destination");
    } else {
        upid.control = NOTE | id << UPID_NDST_SHIFT;
        report(send_and_look(1, &t), "S18 x2APIC: NDST is the APIC ID");
        bool is_all = true;
        for (int bit = 8; bit < 32; bit++) {
            upid.control = NOTE | (id | 1ull << bit) << UPID_NDST_SHIFT;
            is_all = is_all && !send_and_look(1, &t) && !t.is_raised;
        }
        report(is_all, "S18 x2APIC: each of the upper 24 bits of NDST makes it another, absent core");
    }
    uintr_upid_init(&upid, 0);
    upid.control = NOTE | 0x6600ull << UPID_NDST_SHIFT; /* nobody there */
    has_ipi = send_and_look(1, &t);
    report(!t.is_raised && !has_ipi && saved.control & UPID_ON, "S28 absent destination: no fault, ON = 1");
    uintr_upid_init(&upid, 0);
    uint64_t icr = read_icr();
    send_and_look(2, &t);
    report(read_icr() == icr, "S32 the ICR that software reads is unchanged");
}

/* Every register as operand; none changes, nor a flag. */
uint64_t send_from_each(uint64_t *flags_changed);
__asm__(
    ".text\n"
    ".macro send_with reg\n"
    "    movq %rsp, saved_rsp\n"
    "    movq $6, %\\reg\n"
    "    senduipi %\\reg\n"
    "    cmpq $6, %\\reg\n"
    "    movq saved_rsp, %rsp\n"
    "    jne 9f\n"
    "    testq $0x40, upid + 8\n"
    "    jz 9f\n"
    "    movq $0, upid + 8\n"
    "    andq $~1, upid\n"
    ".endm\n"
    ".data; saved_rsp: .quad 0; .text\n"
    ".globl send_from_each\n"
    "send_from_each:\n"
    "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "    pushq $0x8d7; popfq; movl $6, %eax; senduipi %rax; pushfq; popq %rax; xorq $0x8d7, %rax; movq %rax, (%rdi)\n"
    "    movq $0, upid + 8; andq $~1, upid\n"
    "    .irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15\n"
    "    send_with \\reg\n"
    "    .endr\n"
    "    movl $1, %eax\n"
    "    jmp 8f\n"
    "9:  xorl %eax, %eax\n"
    "8:  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "    ret\n");

static void check_operands(void)
{
    uintr_setup_self();
    uint64_t flags_changed = 1;
    report_equal(send_from_each(&flags_changed), 1, "S06 each of the 16 registers as operand, none modified");
    report_equal(flags_changed, 0, "S29 flags are unchanged");
    upid.pir = 0;
    __asm__ volatile(".byte 0x66, 0xf3, 0x48, 0x0f, 0xc7, 0xf0" ::"a"(3ull) : "memory");
    report(upid.pir == 8, "S30 66H and REX.W change nothing");
    struct trap t = test_for_exception(kernel_send, (void *)0x100000003);
    report(t.vector == VECTOR_GP, "S30 all 64 bits of the operand count");
    sti_nop_cli();
    wrmsr(MSR_UINTR_RR, 0);
    if (cpuid(7, 0).ecx >> 22 & 1) {
        uint64_t id = ~0ull;
        wrmsr(MSR_TSC_AUX, 0x77);
        __asm__ volatile("rdpid %0" : "=r"(id)::"memory");
        report_equal(id, 0x77, "S31 F3 0F C7 /7 is RDPID");
    }
    if (cpuid(1, 0).ecx >> 30 & 1) {
        uint64_t first = 0, second = 0;
        bool ok1, ok2;
        __asm__ volatile("rdrand %0" : "=r"(first), "=@ccc"(ok1)::"memory");
        __asm__ volatile("rdrand %0" : "=r"(second), "=@ccc"(ok2)::"memory");
        report(ok1 && ok2 && first != second && upid.pir == 0, "S31 0F C7 /6 is RDRAND");
    }
}

static void checks(void)
{
    check_table();
    check_effect();
    check_operands();
    check_send_memory();
    struct trap t;
    uintr_setup_self();
    report(send_and_look(0, &t) && !t.is_raised, "S33 SENDUIPI at CPL 0 works");
    uintr_reset();
}

int guest_main(void) { return conformance_run(checks); }
