/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc about the system as a whole, and the few of /sys that glibc and busybox ask for. */
#include "arch/cpu.h"
#include "arch/insn.h"
#include "fs/proc.h"
#include "fs/tty.h"
#include "mm/page.h"
#include "printf.h"
#include "proc/process.h"
#include "string.h"

enum { TICK_NS = 10000000 };

#define PRINTER(name) static int name(struct proc_text *o, __attribute__((unused)) const struct proc_subject *s)
#define PRINT_TEXT(name, ...)                                                                                          \
    PRINTER(name)                                                                                                      \
    {                                                                                                                  \
        proc_print(o, __VA_ARGS__);                                                                                    \
        return 0;                                                                                                      \
    }

/* Linux's names of CPUID bits, from bit 0 on; "-": not shown. */
static const struct {
    uint32_t leaf;
    enum { EAX, EBX, ECX, EDX } output;
    const char *names;
} features[] = {
    {1, EDX,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse "
     "sse2 "
     "ss ht tm ia64 pbe"},
    {0x80000001, EDX, "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm"},
    {1, ECX,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 "
     "x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
    {0x80000001, ECX, "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch"},
    {7, EBX,
     "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq rdseed adx "
     "smap "
     "avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"},
    {0xd, EAX, "xsaveopt xsavec xgetbv1 xsaves"},
    {7, ECX,
     "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg - "
     "avx512_vpopcntdq "
     "- la57 - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd"},
    {7, EDX, "- - - - fsrm uintr - - - - md_clear - - - serialize"},
};

static void print_features(struct proc_text *o)
{
    uint32_t last = cpuid(0, 0).eax, last_extended = cpuid(0x80000000, 0).eax;
    for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
        uint32_t leaf = features[i].leaf;
        if (leaf > (leaf >> 31 ? last_extended : last))
            continue;
        struct cpuid_result r = cpuid(leaf, leaf == 0xd);
        const uint32_t outputs[] = {r.eax, r.ebx, r.ecx, r.edx};
        uint32_t bits = outputs[features[i].output];
        for (const char *name = features[i].names; *name; bits >>= 1) {
            int len = 0;
            while (name[len] && name[len] != ' ')
                len++;
            if ((bits & 1) && *name != '-') {
                proc_print(o, " ");
                proc_put(o, name, (size_t)len);
            }
            name += len + (name[len] == ' ');
        }
    }
}

/* Twelve bytes of the vendor's name, or 48 of the model's. */
static void copy_registers(char *to, const uint32_t *registers, size_t bytes)
{
    memcpy(to, registers, bytes);
    to[bytes] = 0;
}

PRINTER(print_cpuinfo)
{
    char vendor[13], model_name[49] = "unknown", *model = model_name;
    struct cpuid_result zero = cpuid(0, 0), one = cpuid(1, 0), extended = cpuid(0x80000000, 0), address;
    copy_registers(vendor, (const uint32_t[]){zero.ebx, zero.edx, zero.ecx}, 12);
    for (uint32_t i = 0; extended.eax >= 0x80000004 && i < 3; i++) {
        struct cpuid_result r = cpuid(0x80000002 + i, 0);
        copy_registers(model_name + 16 * i, (const uint32_t[]){r.eax, r.ebx, r.ecx, r.edx}, 16);
    }
    while (*model == ' ')
        model++;
    address = extended.eax >= 0x80000008 ? cpuid(0x80000008, 0) : (struct cpuid_result){.eax = 48 << 8 | 36};
    uint32_t family = one.eax >> 8 & 15, number = (one.eax >> 4 & 15) | (one.eax >> 12 & 0xf0);
    family += family == 15 ? one.eax >> 20 & 0xff : 0;
    uint64_t khz = (clock_tsc_at(1000000000) - clock_tsc_at(0)) / 1000;
    for (uint32_t i = 0; i < cpu_count; i++) {
        proc_print(o, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n", i,
                   vendor, family, number, model);
        proc_print(o, "stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n",
                   one.eax & 15, khz / 1000, khz % 1000, cpu_count, i);
        proc_print(o, "cpu cores\t: %u\napicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n",
                   cpu_count, cpus[i].apic_id, cpus[i].apic_id);
        proc_print(o, "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", zero.eax);
        print_features(o);
        proc_print(o, "\nbugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: 64\ncache_alignment\t: 64\n", khz / 500,
                   khz / 5 % 100);
        proc_print(o, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n", address.eax & 0xff,
                   address.eax >> 8 & 0xff);
    }
    return 0;
}

PRINTER(print_meminfo)
{
    uint64_t files, files_left, page_kb = PAGE_BYTES / 1024;
    tmpfs_usage(&files, &files_left);
    uint64_t free_kb = pages_free() * page_kb, cached_kb = (files - files_left) * page_kb;
    const struct {
        const char *name;
        uint64_t kb;
    } rows[] = {
        {"MemTotal:", pages_total() * page_kb},
        {"MemFree:", free_kb},
        {"MemAvailable:", free_kb},
        {"Buffers:", 0},
        {"Cached:", cached_kb},
        {"SwapCached:", 0},
        {"Active:", 0},
        {"Inactive:", 0},
        {"SwapTotal:", 0},
        {"SwapFree:", 0},
        {"Dirty:", 0},
        {"Writeback:", 0},
        {"AnonPages:", 0},
        {"Mapped:", 0},
        {"Shmem:", cached_kb},
        {"SReclaimable:", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        proc_print(o, "%-15s %8lu kB\n", rows[i].name, rows[i].kb);
    return 0;
}

static uint64_t idle_ns(const struct cpu *cpu)
{
    return cpu->idle->system_ns + (cpu->running == cpu->idle ? clock_now() - cpu->idle->account_ns : 0);
}

PRINTER(print_uptime)
{
    uint64_t now = clock_now() / TICK_NS, idle = 0;
    for (uint32_t i = 0; i < cpu_count; i++)
        idle += idle_ns(&cpus[i]) / TICK_NS;
    proc_print(o, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
    return 0;
}

struct census {
    unsigned running, threads, blocked;
    int last_pid;
};

static void count_threads(const struct process *p, struct census *c)
{
    struct task *t;
    LIST_FOR_EACH(t, &p->threads, in_process)
    {
        c->threads++;
        c->running += t->state == TASK_RUNNABLE;
        c->blocked += t->state == TASK_DEEP;
    }
}

static struct census count_tasks(void)
{
    struct census c = {0};
    struct process *p;
    LIST_FOR_EACH(p, &process_list, all)
    {
        c.last_pid = p->pid;
        count_threads(p, &c);
    }
    return c;
}

PRINTER(print_loadavg) /* nobody keeps averages */
{
    struct census c = count_tasks();
    proc_print(o, "0.00 0.00 0.00 %u/%u %d\n", c.running, c.threads, c.last_pid);
    return 0;
}

/* What is not idle is shown as user time: nobody keeps the two apart for each core. */
static void print_cpu_times(struct proc_text *o, uint64_t idle, uint64_t all)
{
    proc_print(o, " %lu 0 0 %lu 0 0 0 0 0 0\n", (all > idle ? all - idle : 0) / TICK_NS, idle / TICK_NS);
}

PRINTER(print_stat)
{
    uint64_t idle = 0, switches = 0, interrupts = 0, now = clock_now();
    struct census c = count_tasks();
    for (uint32_t i = 0; i < cpu_count; i++) {
        idle += idle_ns(&cpus[i]);
        switches += cpus[i].switches;
        for (unsigned v = 32; v < 256; v++)
            interrupts += cpus[i].interrupts[v];
    }
    proc_print(o, "cpu ");
    print_cpu_times(o, idle, now * cpu_count);
    for (uint32_t i = 0; i < cpu_count; i++) {
        proc_print(o, "cpu%u", i);
        print_cpu_times(o, idle_ns(&cpus[i]), now);
    }
    proc_print(o, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %d\nprocs_running %u\nprocs_blocked %u\n", interrupts,
               switches, (clock_realtime() - now) / 1000000000, c.last_pid, c.running, c.blocked);
    return 0;
}

PRINTER(print_interrupts)
{
    static const struct {
        const char *label, *text;
        uint8_t vector;
    } rows[] = {
        {"4", "IO-APIC   4-edge      ttyS0", VECTOR_SERIAL},
        {"NMI", "Non-maskable interrupts", 2},
        {"LOC", "Local timer interrupts", VECTOR_TIMER},
        {"SPU", "Spurious interrupts", VECTOR_SPURIOUS},
        {"RES", "Rescheduling interrupts", VECTOR_RESCHEDULE},
        {"TLB", "TLB shootdowns", VECTOR_SHOOTDOWN},
        {"UIS", "User interrupt notifications through the IDT", VECTOR_UINTR},
        {"UIK", "User interrupt wake-ups", VECTOR_UINTR_KERNEL},
    };
    proc_print(o, "           ");
    for (uint32_t i = 0; i < cpu_count; i++)
        proc_print(o, "CPU%-8u", i);
    proc_print(o, "\n");
    for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
        proc_print(o, "%3s: ", rows[r].label);
        for (uint32_t i = 0; i < cpu_count; i++)
            proc_print(o, "%10lu ", cpus[i].interrupts[rows[r].vector]);
        proc_print(o, "  %s\n", rows[r].text);
    }
    return 0;
}

static void new_uuid(uint8_t id[16])
{
    kernel_random_fill(id, 16);
    id[6] = (id[6] & 0x0f) | 0x40; /* version 4: random */
    id[8] = (id[8] & 0x3f) | 0x80;
}

static int print_id(struct proc_text *o, const uint8_t id[16])
{
    for (unsigned i = 0; i < 16; i++)
        proc_print(o, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    proc_print(o, "\n");
    return 0;
}

PRINTER(print_boot_id)
{
    static uint8_t id[16];
    if (!id[6])
        new_uuid(id);
    return print_id(o, id);
}

PRINTER(print_uuid)
{
    uint8_t id[16];
    new_uuid(id);
    return print_id(o, id);
}

PRINTER(print_online)
{
    proc_print_mask(o, cpus_online());
    proc_print(o, "\n");
    return 0;
}

PRINT_TEXT(print_version, "%s version %s (uintr-vp) %s\n", system_name.sysname, system_name.release,
           system_name.version)
PRINT_TEXT(print_mounts,
           "tmpfs / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\nsysfs /sys sysfs rw,relatime 0 0\n")
PRINT_TEXT(print_filesystems, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n")
PRINT_TEXT(print_ostype, "%s\n", system_name.sysname)
PRINT_TEXT(print_osrelease, "%s\n", system_name.release)
PRINT_TEXT(print_kernel_version, "%s\n", system_name.version)
PRINT_TEXT(print_hostname, "%s\n", system_name.nodename)
PRINT_TEXT(print_pid_max, "32768\n")
PRINT_TEXT(print_uintr_vp, "1\n") /* programs that only make sense on this kernel look for it */
PRINT_TEXT(print_zero, "0\n")
PRINT_TEXT(print_console, "ttyS0\n")

static char *link_self(const struct proc_subject *s)
{
    char text[16];
    (void)s;
    snprintf(text, sizeof text, "%d", current->process ? current->process->pid : 0);
    return kstrdup(text);
}

static char *link_thread_self(const struct proc_subject *s)
{
    char text[32];
    (void)s;
    snprintf(text, sizeof text, "%d/task/%d", current->process ? current->process->pid : 0, current->tid);
    return kstrdup(text);
}

static const struct proc_entry random_entries[] = {
    {"boot_id", PROC_FILE, .print = print_boot_id}, {"uuid", PROC_FILE, .print = print_uuid}, {.name = NULL}};
static const struct proc_entry kernel_entries[] = {
    {"hostname", PROC_FILE, .print = print_hostname},       {"osrelease", PROC_FILE, .print = print_osrelease},
    {"ostype", PROC_FILE, .print = print_ostype},           {"pid_max", PROC_FILE, .print = print_pid_max},
    {"random", PROC_DIRECTORY, .children = random_entries}, {"uintr_vp", PROC_FILE, .print = print_uintr_vp},
    {"version", PROC_FILE, .print = print_kernel_version},  {.name = NULL}};
static const struct proc_entry vm_entries[] = {{"overcommit_memory", PROC_FILE, .print = print_zero}, {.name = NULL}};
static const struct proc_entry sysctl_entries[] = {{"kernel", PROC_DIRECTORY, .children = kernel_entries},
                                                   {"vm", PROC_DIRECTORY, .children = vm_entries},
                                                   {.name = NULL}};

const struct proc_entry proc_system_entries[] = {{"cpuinfo", PROC_FILE, .print = print_cpuinfo},
                                                 {"filesystems", PROC_FILE, .print = print_filesystems},
                                                 {"interrupts", PROC_FILE, .print = print_interrupts},
                                                 {"loadavg", PROC_FILE, .print = print_loadavg},
                                                 {"meminfo", PROC_FILE, .print = print_meminfo},
                                                 {"mounts", PROC_FILE, .print = print_mounts},
                                                 {"self", PROC_LINK, .link = link_self},
                                                 {"stat", PROC_FILE, .print = print_stat},
                                                 {"sys", PROC_DIRECTORY, .children = sysctl_entries},
                                                 {"thread-self", PROC_LINK, .link = link_thread_self},
                                                 {"uptime", PROC_FILE, .print = print_uptime},
                                                 {"version", PROC_FILE, .print = print_version},
                                                 {.name = NULL}};

static const struct proc_entry cpu_entries[] = {{"online", PROC_FILE, .print = print_online},
                                                {"possible", PROC_FILE, .print = print_online},
                                                {"present", PROC_FILE, .print = print_online},
                                                {.name = NULL}};
static const struct proc_entry system_entries[] = {{"cpu", PROC_DIRECTORY, .children = cpu_entries}, {.name = NULL}};
static const struct proc_entry devices_entries[] = {{"system", PROC_DIRECTORY, .children = system_entries},
                                                    {.name = NULL}};
/* busybox's cttyhack reads it. */
static const struct proc_entry console_entries[] = {{"active", PROC_FILE, .print = print_console}, {.name = NULL}};
static const struct proc_entry tty_entries[] = {{"console", PROC_DIRECTORY, .children = console_entries},
                                                {.name = NULL}};
static const struct proc_entry class_entries[] = {{"tty", PROC_DIRECTORY, .children = tty_entries}, {.name = NULL}};
const struct proc_entry sys_entries[] = {{"class", PROC_DIRECTORY, .children = class_entries},
                                         {"devices", PROC_DIRECTORY, .children = devices_entries},
                                         {.name = NULL}};
