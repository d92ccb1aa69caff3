/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which things come to life. The first boot module is the archive that fills the file system; the command
 * line, if there is one, is the program to run as process 1, else it is /sbin/init. */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "arch/multiboot.h"
#include "fs/tty.h"
#include "mm/mm.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"
#include "uintr/uintr.h"

enum { WORDS_MAX = 64, EXIT_NO_PROGRAM = 123 };

const struct multiboot_info *boot_multiboot;

static void unpack_modules(void)
{
    if (!(boot_multiboot->flags & MULTIBOOT_INFO_MODULES))
        return;
    const struct multiboot_module *m = phys_to_virt(boot_multiboot->modules_address);
    for (uint32_t i = 0; i < boot_multiboot->modules_count; i++) {
        cpio_unpack(phys_to_virt(m[i].start), m[i].end - m[i].start);
        page_add(m[i].start, m[i].end);
    }
}

/* Splits the command line into words, in place; double quotes and backslashes as the loader writes them. A loader that
 * puts the image's own name first is recognised by its ending. */
static size_t split(char *line, const char *words[])
{
    size_t n = 0;
    char *p = line;
    for (bool is_first = true;; is_first = false) {
        while (*p == ' ')
            p++;
        if (!*p)
            break;
        bool is_quoted = false;
        char *word = p, *to = p;
        for (; *p && (is_quoted || *p != ' '); p++) {
            if (*p == '"')
                is_quoted = !is_quoted;
            else
                *to++ = *p == '\\' && p[1] ? *++p : *p;
        }
        bool is_last = !*p;
        *to = 0;
        size_t length = (size_t)(to - word);
        bool is_image = is_first && length >= 4 && strcmp(to - 4, ".elf") == 0;
        if (!is_image && n < WORDS_MAX)
            words[n++] = word;
        if (is_last)
            break;
        p++;
    }
    words[n] = NULL;
    return n;
}

/* Starts argv[0], looked for in the directories of the path unless it has a slash. */
static long start_program(const char *const argv[])
{
    static const char *const environment[] = {"PATH=/sbin:/usr/sbin:/bin:/usr/bin", "HOME=/root", "TERM=linux",
                                              "USER=root", NULL};
    static const char *const folders[] = {"/sbin", "/usr/sbin", "/bin", "/usr/bin"};
    long result = -ENOENT;
    if (strchr(argv[0], '/'))
        return process_start_init(argv[0], argv, environment);
    for (size_t i = 0; i < ARRAY_SIZE(folders) && result == -ENOENT; i++) {
        char path[300];
        if (snprintf(path, sizeof path, "%s/%s", folders[i], argv[0]) >= (int)sizeof path)
            return -ENAMETOOLONG;
        result = process_start_init(path, argv, environment);
    }
    return result;
}

static void start_init(void)
{
    static char line[4096];
    static const char *words[WORDS_MAX + 1];
    static const char *const init[] = {"/sbin/init", NULL};
    if (boot_multiboot->flags & MULTIBOOT_INFO_COMMAND_LINE)
        snprintf(line, sizeof line, "%s", (const char *)phys_to_virt(boot_multiboot->command_line));
    const char *const *argv = split(line, words) ? words : init;
    long result = start_program(argv);
    if (result) {
        klog("%s cannot be run: error %ld; expected a program in the archive given as boot module", argv[0], -result);
        machine_end(EXIT_NO_PROGRAM);
    }
}

_Noreturn void kernel_main(uint32_t magic, uint32_t info)
{
    console_init();
    if (magic != MULTIBOOT_LOADER_MAGIC)
        panic("not started by a Multiboot loader");
    boot_multiboot = phys_to_virt(info);
    write_cr3(virt_to_phys(boot_pml4));
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
    tty_init();
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
