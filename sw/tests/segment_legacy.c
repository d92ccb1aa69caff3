/* SPDX-License-Identifier: Apache-2.0 */
/* Sets up the tables for segment_legacy.S, runs it and judges what it wrote: call gates with parameters, inner stacks,
 * task switches, limits, 16-bit code, virtual-8086 mode and real mode.
 */
#include "segment_legacy.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "arch/segment.h"
#include "boot.h"
#include "report.h"
#include "segment.h"
#include "string.h"

extern char legacy16[], legacy_gate_same[], legacy_service[], legacy_task[], legacy_stubs[], segment_real[],
    segment_real_end[], real_int40[], real_int13[];
struct legacy_result {
    uint32_t vector, error, value;
};
extern struct legacy_result legacy_results[LEGACY_CASES];
extern uint32_t legacy_tss[32], legacy_tss_other[32];
extern struct descriptor_pointer32 {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) legacy_idtr32;
void legacy_run(void);

static uint64_t idt32[64] __attribute__((aligned(16)));
static uint8_t stack0[4096] __attribute__((aligned(16))), stack_other[4096] __attribute__((aligned(16)));
static uint8_t stack16[0x10000] __attribute__((aligned(16)));

/* Gates of 8 bytes: call, interrupt and task gates. */
static uint64_t gate32(unsigned access, unsigned selector, uint32_t offset, unsigned parameters)
{
    return (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)parameters << 32 | (uint64_t)access << 40 |
           (uint64_t)(offset >> 16) << 48;
}
static void set(unsigned selector, uint64_t value) { t_gdt[selector / 8] = value; }
static uint32_t address(const void *p) { return (uint32_t)(uint64_t)p; }

static void set_tables(void)
{
    set(L_CODE32, descriptor(0, 0xfffff, 0x9b, 0xc));
    set(L_DATA32, descriptor(0, 0xfffff, 0x93, 0xc));
    set(L_CODE16, descriptor(address(legacy16), 0xffff, 0x9b, 0));
    set(L_DATA16, descriptor(address(stack16), 0xffff, 0x93, 0));
    set(L_UCODE32, descriptor(0, 0xfffff, 0xfb, 0xc));
    set(L_UDATA32, descriptor(0, 0xfffff, 0xf3, 0xc));
    set(L_CODE1, descriptor(0, 0xfffff, 0xbb, 0xc));
    set(L_GATE32, gate32(0xec, L_CODE32, address(legacy_service), 2));
    set(L_GATE_SAME, gate32(0x8c, L_CODE32, address(legacy_gate_same), 0));
    set(L_GATE_ABSENT, gate32(0x0c, L_CODE32, address(legacy_gate_same), 0));
    set(L_GATE_RING1, gate32(0xec, L_CODE1, address(legacy_service), 0));
    set(L_TSS, descriptor(address(legacy_tss), 103, 0x89, 0));
    set(L_TSS_OTHER, descriptor(address(legacy_tss_other), 103, 0x89, 0));
    set(L_TSS_SHORT, descriptor(address(legacy_tss_other), 102, 0x89, 0));
    set(L_TASK_GATE, gate32(0x85, L_TSS_OTHER, 0, 0));
    set(L_SMALL, descriptor(address(stack16), 15, 0x93, 0x4));
    set(L_DOWN, descriptor(address(stack16), 0xfff, 0x97, 0x4));
    set(L_REAL16, descriptor(REAL_BASE, 0xffff, 0x9b, 0));
    t_gdt[SEL_TSS / 8] &= ~(2ull << 40); /* not busy: it is loaded again afterwards */

    for (unsigned v = 0; v < 64; v++)
        idt32[v] = gate32(v == 0x30 ? 0xee : 0x8e, L_CODE32, address(legacy_stubs) + 16 * v, 0);
    idt32[0x31] = gate32(0x85, L_TSS_OTHER, 0, 0);
    idt32[0x33] &= ~(0x80ull << 40);
    legacy_idtr32 = (struct descriptor_pointer32){sizeof idt32 - 1, address(idt32)};

    legacy_tss[1] = address(stack0 + sizeof stack0); /* ESP0, SS0 */
    legacy_tss[2] = L_DATA32;
    legacy_tss[3] = address(stack0 + 2048); /* ESP1; SS1 is the case's */
    legacy_tss[7] = legacy_tss_other[7] = (uint32_t)read_cr3();
    legacy_tss_other[1] = address(stack0 + sizeof stack0);
    legacy_tss_other[2] = L_DATA32;
    legacy_tss_other[8] = address(legacy_task);
    legacy_tss_other[9] = RFLAGS_ONE;
    legacy_tss_other[14] = address(stack_other + sizeof stack_other);
    legacy_tss_other[18] = legacy_tss_other[20] = legacy_tss_other[21] = L_DATA32; /* ES, SS, DS */
    legacy_tss_other[19] = L_CODE32;

    memcpy((void *)REAL_BASE, segment_real, (size_t)(segment_real_end - segment_real));
    volatile uint32_t *ivt = NULL; /* C has no object at address 0: hide where it points */
    __asm__("" : "+r"(ivt));
    ivt[0x40] = (REAL_BASE / 16) << 16 | (uint32_t)(real_int40 - segment_real);
    ivt[13] = (REAL_BASE / 16) << 16 | (uint32_t)(real_int13 - segment_real);
    memcpy((void *)V86_BASE, "\xcd\x30\xf4", 3); /* INT 30H; HLT */
}

enum { NONE = 0xff };
static const struct {
    const char *name;
    uint32_t vector, error, value;
    bool skips_qemu;
} want[] = {
    {"far CALL", NONE, 0, 0x77, false},
    {"CALL through a 32-bit gate, same level", NONE, 0, 0x78, false},
    {"CALL through a 32-bit gate from ring 3: parameters are copied, far RET drops them on both stacks", 0x30, 0,
     0x11112222, false},
    {"JMP through a gate to an inner level", VECTOR_GP, L_CODE32, 0, false},
    {"CALL through an absent gate", VECTOR_NP, L_GATE_ABSENT, 0, false},
    {"CALL to ring 1 whose SS is null in the TSS", VECTOR_TS, 0, 0, false},
    {"CALL to ring 1 whose SS has RPL 0 in the TSS", VECTOR_TS, L_DATA32, 0, false},
    {"INT at CPL 3 through a gate of DPL 0", VECTOR_GP, 0x32 * 8 + 2, 0, false},
    {"INT beyond the IDT", VECTOR_GP, 0x50 * 8 + 2, 0, false},
    {"INT through an absent gate", VECTOR_NP, 0x33 * 8 + 2, 0, false},
    {"CALL of a TSS and IRET", NONE, 0, 1, false},
    {"CALL through a task gate: the task goes on behind its IRET", NONE, 0, 2, false},
    {"INT through a task gate", NONE, 0, 3, false},
    {"the nested task has NT, CR0.TS and its TR", NONE, 0, 0x14000 | L_TSS_OTHER, false},
    {"JMP to a TSS and back", NONE, 0, 4, false},
    {"that task has no NT", NONE, 0, 0x10000 | L_TSS_OTHER, false},
    {"JMP to the busy TSS", VECTOR_GP, L_TSS, 0, false},
    {"CALL of a TSS whose limit is too small", VECTOR_TS, L_TSS_SHORT, 0, false},
    {"IRET with NT to a task that is not busy", VECTOR_TS, L_TSS_OTHER, 0, false},
    {"a load beyond the limit", VECTOR_GP, 0, 0, true},
    {"a load below the limit of an expand-down segment", VECTOR_GP, 0, 0, true},
    {"16-bit code: SP wraps, ESP keeps its upper half", NONE, 0, 0xfffe, false},
    {"virtual-8086 mode: INT with IOPL 0", VECTOR_GP, 0, 0, false},
    {"real mode: INT through the vector table", NONE, 0, 0xbeef, false},
    {"real mode: a word at FFFFH is vector 13", NONE, 0, 13, true},
};

void check_legacy(void)
{
    set_tables();
    uint64_t gs = rdmsr(MSR_GS_BASE);
    legacy_run();
    wrmsr(MSR_GS_BASE, gs);
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        const struct legacy_result *r = &legacy_results[i];
        if (want[i].skips_qemu && is_qemu())
            report_skip("%s: QEMU checks no limits", want[i].name);
        else
            report(r->vector == want[i].vector && r->error == want[i].error && r->value == want[i].value,
                   "%s (vector %x error %x value %x)", want[i].name, r->vector, r->error, r->value);
    }
    report_equal(stack16[0xfffe] | stack16[0xffff] << 8, 0x5678, "the 16-bit push went to the end of the segment");
    report_equal(t_gdt[L_TSS / 8] >> 40 & 0xff, 0x8b, "the task that runs is busy");
    report_equal(t_gdt[L_TSS_OTHER / 8] >> 40 & 0xff, 0x89, "the other one is not");
}
