/* SPDX-License-Identifier: Apache-2.0 */
/* First C code on the first core, called by boot/entry.S. */
#include "boot.h"

#include "apic.h"
#include "arch/insn.h"
#include "console.h"
#include "percpu.h"
#include "string.h"
#include "trap.h"
#include "user.h"

enum { PIC1_MASK = 0x21, PIC2_MASK = 0xa1 };

struct boot_info boot_info;

_Noreturn void boot_main(uint32_t magic, uint32_t info);

bool is_qemu(void)
{
    if (!(cpuid(1, 0).ecx & 1u << 31))
        return false;
    struct cpuid_result r = cpuid(0x40000000, 0);
    return r.ebx == 0x54474354 && r.ecx == 0x43544743 && r.edx == 0x47435447; /* "TCGTCGTCGTCG" */
}

static void copy_boot_info(uint32_t magic, uint32_t info)
{
    boot_info.magic = magic;
    boot_info.multiboot = (const void *)(uint64_t)info;
    if (magic != MULTIBOOT_LOADER_MAGIC || !(boot_info.multiboot->flags & MULTIBOOT_INFO_COMMAND_LINE))
        return;
    const char *line = (const void *)(uint64_t)boot_info.multiboot->command_line;
    for (size_t i = 0; i + 1 < sizeof boot_info.command_line && line[i]; i++)
        boot_info.command_line[i] = line[i];
}

_Noreturn void boot_main(uint32_t magic, uint32_t info)
{
    console_init();
    outb(PIC1_MASK, 0xff); /* no 8259 interrupts: firmware may have left some pending */
    outb(PIC2_MASK, 0xff);
    copy_boot_info(magic, info);
    trap_init();
    percpu_init(0);
    user_init();
    apic_init();
    cpus[0].is_online = true;
    guest_exit((uint32_t)guest_main());
}
