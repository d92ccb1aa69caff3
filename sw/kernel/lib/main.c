/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which things come to life. The first boot module is the archive that fills the file system; the command
 * line, if there is one, is the program to run as process 1, else it is /sbin/init. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "block/block.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"
#include "uintr/uintr.h"

enum { WORDS_MAX = 64, EXIT_NO_PROGRAM = 123 };

struct multiboot_info boot_info;

static void unpack_modules(void)
{
    const struct multiboot_module *m = phys_to_virt(boot_info.modules_address);
    for (uint32_t i = 0; i < boot_info.modules_count; i++) {
        cpio_unpack(phys_to_virt(m[i].start), m[i].end - m[i].start);
        page_add(m[i].start, m[i].end);
    }
}

/* Splits the command line into words, in place; double quotes and backslashes as the loader writes them. */
static void split(char *from, const char *words[])
{
    char *to = from;
    for (size_t n = 0; n < WORDS_MAX; n++) {
        while (*from == ' ')
            from++;
        if (!*from)
            return;
        words[n] = to;
        for (bool is_quoted = false; *from && (is_quoted || *from != ' '); from++) {
            if (*from == '"')
                is_quoted = !is_quoted;
            else
                *to++ = *from == '\\' && from[1] ? *++from : *from;
        }
        from += *from != 0; /* the end of the word may overwrite it */
        *to++ = 0;
    }
}

static void start_init(void)
{
    static const char *const folders[] = {"", "/sbin/", "/usr/sbin/", "/bin/", "/usr/bin/"};
    static const char *const environment[] = {"PATH=/sbin:/usr/sbin:/bin:/usr/bin", "HOME=/root", "TERM=linux",
                                              "USER=root", NULL};
    static const char *words[WORDS_MAX + 1], *const init[] = {"/sbin/init", NULL};
    if (boot_info.flags & MULTIBOOT_INFO_COMMAND_LINE)
        split(phys_to_virt(boot_info.command_line), words);
    const char *const *argv = words[0] && words[1] ? words + 1 : init; /* the image's own name comes first */
    long result = -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(folders) && result == -ENOENT; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", folders[i], argv[0]);
        result = process_start_init(path, argv, environment);
    }
    if (result) {
        klog("%s cannot be run: error %ld; expected a program in the archive given as boot module", argv[0], -result);
        storage_end();
        machine_end(EXIT_NO_PROGRAM);
    }
}

_Noreturn void kernel_main(uint32_t magic, uint32_t info)
{
    console_init();
    if (magic != MULTIBOOT_LOADER_MAGIC)
        panic("not started by a Multiboot loader");
    boot_info = *(const struct multiboot_info *)phys_to_virt(info);
    if (!(boot_info.flags & MULTIBOOT_INFO_MODULES))
        boot_info.modules_count = 0;
    sched_create_idle(0);
    cpu_init(0);
    clock_init();
    page_init();
    klock_acquire();
    tmpfs_init();
    proc_init(); /* before files could lie where it goes */
    unpack_modules();
    dev_init();
    smp_start();
    uintr_init_cpu();
    write_cr3(virt_to_phys(kernel_pml4)); /* the identity map goes */
    storage_start();
    start_init();
    sched_start_cpu();
}

_Noreturn void kernel_main_ap(void)
{
    uint32_t index = ap_index;
    cpu_init(index);
    uintr_init_cpu();
    cpus[index].is_online = true;
    klock_acquire(); /* the first core holds it until all are started */
    write_cr3(virt_to_phys(kernel_pml4));
    sched_start_cpu();
}
