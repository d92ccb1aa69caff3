/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the machine: commits, in turn or by name, each sin that the simulator's --lint uintr tells of, and the
 * right way beside it. The command line names one: ret iret store pir early ndst x2ndst uinv thread stack above none.
 * Needs two cores for store, pir and early; tests/guest expects what the simulator says. SDM Vol. 3A, chapter "User
 * Interrupts".
 */
#include "paging.h"
#include "printf.h"
#include "string.h"
#include "uintr_common.h"

const char test_name[] = "lint_uintr";

/* --- handlers that return the wrong way --- */
volatile uint32_t handler_ran;
void handler_ret(void), handler_iret(void);
__asm__(".text\n.globl handler_ret, handler_iret\n"
        "handler_ret:  movl $1, handler_ran; addq $8, %rsp; ret\n"
        "handler_iret: movl $1, handler_ran; addq $8, %rsp; iretq\n");

/* Does not use its stack until the handler is back, however that leaves RSP. */
static uint64_t user_interrupt_self(void *arg)
{
    (void)arg;
    __asm__ volatile("movq %%rsp, %%rbx; stui; senduipi %%rax\n"
                     "1: pause; cmpl $0, handler_ran; je 1b\n"
                     "movq %%rbx, %%rsp; clui"
                     :
                     : "a"(3ull)
                     : "rbx", "memory", "cc");
    return 0;
}
static void return_wrongly(void (*handler)(void))
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_HANDLER, (uint64_t)handler);
    handler_ran = 0;
    struct trap t = user_exception(user_interrupt_self, NULL);
    printf("handler ran %u, exception %d\n", handler_ran, t.is_raised ? (int)t.vector : -1);
}

/* --- stores without LOCK --- */
static uint64_t post_from_other_core(void *arg)
{
    (void)arg;
    uintr_setup_sender();
    senduipi(7);
    return 0;
}
static void store_plainly(bool to_pir)
{
    if (smp_start() < 2) {
        printf("needs two cores\n");
        return;
    }
    uintr_setup_receiver();
    on_cpu(1, post_from_other_core, NULL);
    settle();
    volatile uint8_t *bytes = (volatile uint8_t *)&upid;
    bytes[4] = 0; /* NDST and NV are the operating system's alone */
    if (to_pir)
        *(volatile uint64_t *)(bytes + 8) = 0;
    else
        bytes[0] = 0;
    __asm__ volatile("lock andq $0, %0" : "+m"(upid.pir)); /* the right way */
    uint64_t zero = 0;
    __asm__ volatile("xchg %0, %1" : "+r"(zero), "+m"(upid.pir));
}

/* Before anything was posted: core 1 has a table that leads to the UPID. */
static uint64_t only_set_up(void *arg)
{
    (void)arg;
    uintr_setup_sender();
    return 0;
}
static void store_early(void)
{
    if (smp_start() < 2) {
        printf("needs two cores\n");
        return;
    }
    uintr_upid_init(&upid, 0);
    on_cpu(1, only_set_up, NULL);
    ((volatile uint8_t *)&upid)[0] = 0;
}

/* --- NDST of the other mode --- */
static void wrong_ndst(bool x2apic)
{
    if (x2apic)
        apic_enter_x2apic();
    uintr_setup_self();
    upid.control = (upid.control & 0xffffffff) | 1ull << (x2apic ? 40 : 32);
    senduipi(1);
    settle();
    if (x2apic)
        apic_leave_x2apic();
}

/* --- UINV across a change of address space --- */
static uint64_t user_nothing(void *arg)
{
    (void)arg;
    return 0;
}
static void other_address_space(bool with_uinv)
{
    uint64_t old = read_cr3(), *tables = page_alloc();
    memcpy(tables, (const void *)(old & ~0xfffull), 4096);
    uintr_setup_receiver();
    run_in_user(user_nothing, NULL);
    if (!with_uinv)
        set_uinv(0);
    write_cr3((uint64_t)tables);
    run_in_user(user_nothing, NULL);
    write_cr3(old);
}

/* --- UINV across a change of thread: another thread pointer and another stack --- */
static uint8_t other_stack[8192] __attribute__((aligned(4096)));
static void other_thread(bool with_uinv)
{
    const uint64_t fs = rdmsr(MSR_FS_BASE);
    uintr_setup_receiver();
    run_in_user(user_nothing, NULL);
    wrmsr(MSR_FS_BASE, fs + 0x1000); /* the same thread gets its pointer */
    run_in_user(user_nothing, NULL);
    run_in_user_with(user_nothing, NULL, RFLAGS_IF, (uint64_t)(other_stack + sizeof other_stack)); /* a signal */
    run_in_user(user_nothing, NULL);
    if (!with_uinv)
        set_uinv(0);
    wrmsr(MSR_FS_BASE, fs + 0x2000);
    run_in_user_with(user_nothing, NULL, RFLAGS_IF, (uint64_t)(other_stack + sizeof other_stack));
    wrmsr(MSR_FS_BASE, fs);
    uintr_reset();
}

static void wrong_stack_adjust(uint64_t adjust)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_STACKADJUST, adjust);
    wrmsr(MSR_UINTR_RR, 1 << 5);
    run_in_user_with(user_open_window, NULL, RFLAGS_IF, user_stack_top() - 1024); /* there is room above */
}

/* All of it done right: nothing to tell. */
static void nothing(void)
{
    uintr_setup_self();
    wrmsr(MSR_UINTR_RR, 1 << 5);
    deliver_pending();
    senduipi(1);
    settle();
    sti_nop_cli();
    deliver_pending();
    other_address_space(false);
    other_thread(false);
}

static bool is_asked(const char *sin) { return strcmp(boot_info.command_line, sin) == 0; }

int guest_main(void)
{
    const char *word = boot_info.command_line;
    for (const char *p = word; *p; p++)
        if (*p == ' ')
            word = p + 1;
    memmove(boot_info.command_line, word, strlen(word) + 1);
    if (is_asked("ret"))
        return_wrongly(handler_ret);
    else if (is_asked("iret"))
        return_wrongly(handler_iret);
    else if (is_asked("store") || is_asked("pir"))
        store_plainly(is_asked("pir"));
    else if (is_asked("early"))
        store_early();
    else if (is_asked("ndst") || is_asked("x2ndst"))
        wrong_ndst(is_asked("x2ndst"));
    else if (is_asked("uinv"))
        other_address_space(true);
    else if (is_asked("thread"))
        other_thread(true);
    else if (is_asked("stack") || is_asked("above"))
        wrong_stack_adjust(is_asked("stack") ? 64 : -256ull);
    else if (is_asked("none"))
        nothing();
    else
        return 2;
    printf("%s done\n", boot_info.command_line);
    return 0;
}
