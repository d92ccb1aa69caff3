/* SPDX-License-Identifier: Apache-2.0 */
/* The state the machine starts in, CPUID, what the boot loader says, and the fixed devices. Needs 64 MiB or more. */
#include "boot.h"
#include "apic.h"
#include "arch/control.h"
#include "arch/insn.h"
#include "arch/msr.h"
#include "percpu.h"
#include "printf.h"
#include "report.h"
#include "string.h"
#include "trap.h"

const char test_name[] = "boot";

extern char image_start[], image_end[], bss_end[];

static uint64_t initialised = 0x0123456789abcdef;
static uint64_t zeroed[512];

static void check_mode(void)
{
    report((read_cr0() & (CR0_PE | CR0_PG | CR0_WP)) == (CR0_PE | CR0_PG | CR0_WP), "CR0 has PE, PG and WP");
    report(read_cr4() & CR4_PAE, "CR4 has PAE");
    uint64_t efer = rdmsr(MSR_EFER);
    report((efer & (EFER_LME | EFER_LMA)) == (EFER_LME | EFER_LMA), "EFER has LME and LMA (%lx)", efer);
    report(read_cs() == SEL_KERNEL_CODE && read_ss() == SEL_KERNEL_DATA, "CS and SS are the kernel's");
    uint64_t flags = read_flags();
    report((flags & (RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_ONE)) == RFLAGS_ONE,
           "RFLAGS: IF TF DF clear, bit 1 set");
    report(sizeof(void *) == 8 && initialised == 0x0123456789abcdef, "data is loaded");
    uint64_t sum = 0;
    for (int i = 0; i < 512; i++)
        sum |= zeroed[i];
    report(sum == 0, "BSS is zero");
    report((uint64_t)image_start == 0x100000 && (uint64_t)bss_end <= (uint64_t)image_end, "image lies at 1 MiB");
    uint64_t rip;
    __asm__("leaq (%%rip), %0" : "=r"(rip));
    report(rip > (uint64_t)image_start && rip < (uint64_t)image_end, "RIP is inside the image");
}

static void check_cpuid(void)
{
    struct cpuid_result r = cpuid(0, 0);
    char vendor[13] = {0};
    memcpy(vendor, &r.ebx, 4);
    memcpy(vendor + 4, &r.edx, 4);
    memcpy(vendor + 8, &r.ecx, 4);
    report(r.eax >= 1 && strlen(vendor) == 12, "CPUID.0: highest leaf %u, vendor %s", r.eax, vendor);
    uint32_t basic = r.eax;
    r = cpuid(1, 0);
    static const struct {
        uint8_t bit;
        const char *name;
    } edx[] = {{4, "TSC"}, {5, "MSR"}, {6, "PAE"}, {8, "CX8"}, {9, "APIC"}, {15, "CMOV"}};
    for (unsigned i = 0; i < sizeof edx / sizeof *edx; i++)
        report(r.edx >> edx[i].bit & 1, "CPUID.1:EDX has %s", edx[i].name);
    report(r.ecx >> 13 & 1, "CPUID.1:ECX has CMPXCHG16B");
    report(r.ebx >> 24 == apic_id(), "CPUID.1:EBX has the APIC ID");
    report(r.eax >> 8 & 15, "CPUID.1:EAX has a family (%u)", r.eax >> 8 & 15);

    r = cpuid(0x80000000, 0);
    report(r.eax >= 0x80000008, "extended leaves up to %x", r.eax);
    r = cpuid(0x80000001, 0);
    report(r.edx >> 29 & 1, "CPUID has long mode");
    report(r.edx >> 11 & 1, "CPUID has SYSCALL");
    report(r.edx >> 20 & 1, "CPUID has NX");
    r = cpuid(0x80000008, 0);
    report((r.eax & 0xff) >= 36 && (r.eax & 0xff) <= 52, "physical address width %u", r.eax & 0xff);
    report((r.eax >> 8 & 0xff) == 48 || (r.eax >> 8 & 0xff) == 57, "linear address width %u", r.eax >> 8 & 0xff);

    /* Intel: a leaf beyond the highest answers as the highest does; AMD: zeros. Neither faults. */
    r = cpuid(basic + 1, 0);
    report(true, "a leaf beyond the highest does not fault (%x)", r.eax);
    /* OSXSAVE and APIC bits mirror CR4 and the APIC's enable bit; XSAVE may be absent. */
    if (basic >= 7) {
        r = cpuid(7, 0);
        uint64_t mask = CR4_FSGSBASE | CR4_SMEP | CR4_SMAP;
        uint64_t allowed =
            (r.ebx & 1 ? CR4_FSGSBASE : 0) | (r.ebx >> 7 & 1 ? CR4_SMEP : 0) | (r.ebx >> 20 & 1 ? CR4_SMAP : 0);
        printf("INFO boot: CR4 bits enumerated: %lx of %lx; UINTR %u\n", allowed, mask, r.edx >> 5 & 1);
    }
}

static void flip_flag(void *arg)
{
    uint64_t mask = (uint64_t)arg;
    write_flags(read_flags() ^ mask);
}

static void check_flags(void)
{
    uint64_t before = read_flags();
    flip_flag((void *)RFLAGS_ID);
    report((read_flags() ^ before) & RFLAGS_ID, "RFLAGS.ID can be changed: CPUID exists");
    flip_flag((void *)RFLAGS_ID);
    write_flags(before | 0xffc0802a); /* reserved bits and 22..31 */
    report_equal(read_flags() & 0xffc0802a, 2, "reserved bits of RFLAGS stay as they are");
    write_flags(before);
}

static void check_multiboot(void)
{
    const struct multiboot_info *mb = boot_info.multiboot;
    if (!report_equal(boot_info.magic, MULTIBOOT_LOADER_MAGIC, "EAX had the Multiboot magic"))
        return;
    report(mb->flags & MULTIBOOT_INFO_MEMORY, "memory sizes are given");
    report(mb->mem_lower >= 512 && mb->mem_lower <= 640, "lower memory: %u KiB", mb->mem_lower);
    report(mb->mem_upper >= 62 * 1024, "upper memory: %u KiB", mb->mem_upper);
    report(mb->flags & MULTIBOOT_INFO_COMMAND_LINE, "a command line is given: \"%s\"", boot_info.command_line);
    report(mb->flags & MULTIBOOT_INFO_MEMORY_MAP, "a memory map is given");
    uint64_t ram = 0, highest = 0;
    bool has_image = false, is_sane = true;
    uint64_t end = (uint64_t)mb->memory_map_address + mb->memory_map_length;
    for (uint64_t a = mb->memory_map_address; a < end;) {
        const struct multiboot_memory *m = (const void *)a;
        printf("INFO boot: memory %9lx .. %9lx type %u\n", m->address, m->address + m->length - 1, m->type);
        is_sane = is_sane && m->size >= 20;
        if (m->type == 1) {
            ram += m->length;
            highest = m->address + m->length > highest ? m->address + m->length : highest;
            has_image =
                has_image || (m->address <= (uint64_t)image_start && m->address + m->length >= (uint64_t)image_end);
        }
        if (m->size < 20)
            break;
        a += m->size + 4;
    }
    report(is_sane, "every memory map entry has at least 20 bytes");
    report(has_image, "the image lies in RAM of the memory map");
    report(ram >= 63ull << 20, "RAM in the map: %lu KiB", ram >> 10);
    volatile uint64_t *last = (volatile uint64_t *)((highest < 0xc0000000 ? highest : 0x4000000) - 4096);
    uint64_t old = *last;
    *last = ~old;
    report(*last == ~old, "the last page of RAM below 3 GiB (%lx) holds data", (uint64_t)last);
    *last = old;
    report(mb->command_line == 0 || mb->command_line >= 0x100000 || mb->command_line < 0xa0000,
           "the command line lies in RAM");
    if (string_contains(boot_info.command_line, "expect-module")) {
        report(mb->flags & MULTIBOOT_INFO_MODULES && mb->modules_count == 1, "one module is given");
        const struct multiboot_module *module = (const void *)(uint64_t)mb->modules_address;
        report(module->end > module->start && module->start % 4096 == 0, "the module is page-aligned, %u bytes",
               module->end - module->start);
        report(memcmp((const void *)(uint64_t)module->start, "module text", 11) == 0, "the module has its text");
    }
}

static void check_time(void)
{
    uint64_t a = rdtsc(), b = rdtsc();
    report(b > a, "RDTSC advances");
    if (is_qemu())
        report_skip("QEMU's IA32_TIME_STAMP_COUNTER is not RDTSC's counter");
    else
        report(rdmsr(MSR_TSC) >= b, "IA32_TIME_STAMP_COUNTER reads the same clock");
}

static void check_ports(void)
{
    outb(0x21, 0xff);
    report_equal(inb(0x21), 0xff, "the 8259's mask reads back");
    outb(0x21, 0xa5);
    report_equal(inb(0x21), 0xa5, "the 8259's mask reads back another value");
    outb(0x21, 0xff);
    report_equal(inl(0x5678), 0xffffffff, "an absent port reads all ones");
    outl(0x5678, 1);
    report(true, "a write to an absent port is ignored");
}

static void check_memory_above(void)
{
    report_equal(*(volatile uint32_t *)(APIC_PAGE + APIC_VERSION) & 0xf0, 0x10, "an integrated local APIC answers");
    report(rdmsr(MSR_APIC_BASE) & MSR_APIC_BASE_BSP, "IA32_APIC_BASE says: first core");
    report_equal(rdmsr(MSR_APIC_BASE) & 0xfffff000, APIC_PAGE, "IA32_APIC_BASE has the default address");
}

int guest_main(void)
{
    check_mode();
    check_cpuid();
    check_flags();
    check_multiboot();
    check_time();
    check_ports();
    check_memory_above();
    return report_summary();
}
