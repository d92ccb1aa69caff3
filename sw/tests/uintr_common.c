/* SPDX-License-Identifier: Apache-2.0 */
/* Shared parts of the user-interrupt tests. */
#include "uintr_common.h"

volatile uint64_t uintr_record_count;
volatile struct uintr_record uintr_records[UINTR_RECORDS];
struct upid upid;
struct uitte uitt[UITT_ENTRIES];

_Static_assert(sizeof(struct uintr_record) == 64 && UINTR_RECORDS == 64, "the assembly below knows both");

/* Pushes four registers: the frame is then at RSP + 32. */
__asm__(".text\n.globl uintr_record_handler\nuintr_record_handler:\n"
        "    pushfq\n"
        "    pushq %rax\n"
        "    pushq %rbx\n"
        "    pushq %rcx\n"
        "    movq uintr_record_count, %rbx\n"
        "    andl $63, %ebx\n"
        "    shll $6, %ebx\n"
        "    leaq uintr_records(%rbx), %rbx\n"
        "    movq 32(%rsp), %rax; movq %rax, (%rbx)\n"
        "    movq 40(%rsp), %rax; movq %rax, 8(%rbx)\n"
        "    movq 48(%rsp), %rax; movq %rax, 16(%rbx)\n"
        "    movq 56(%rsp), %rax; movq %rax, 24(%rbx)\n"
        "    leaq 32(%rsp), %rax; movq %rax, 32(%rbx)\n"
        "    movq 24(%rsp), %rax; movq %rax, 40(%rbx)\n"
        "    xorl %ecx, %ecx\n"
        "    testui\n"
        "    setc %cl\n"
        "    movq %rcx, 48(%rbx)\n"
        "    xorl %ecx, %ecx\n"
        "    movw %cs, %cx\n"
        "    movq %rcx, 56(%rbx)\n"
        "    incq uintr_record_count\n"
        "    popq %rcx\n"
        "    popq %rbx\n"
        "    popq %rax\n"
        "    popfq\n"
        "    leaq 8(%rsp), %rsp\n" /* the vector: UIRET wants RSP at RIP */
        "    uiret\n");

void uintr_setup_receiver(void)
{
    uintr_enable();
    uintr_reset();
    uintr_upid_init(&upid, this_cpu()->index);
    uintr_receive(uintr_record_handler, UINTR_STACK_SKIP, &upid);
    uintr_record_count = 0;
}

void uintr_setup_sender(void)
{
    for (uint32_t n = 0; n < UITT_ENTRIES; n++)
        uintr_uitte_set(&uitt[n], &upid, (uint8_t)n);
    uintr_enable();
    uintr_send_through(uitt, UITT_ENTRIES);
}

void uintr_setup_self(void)
{
    uintr_setup_receiver();
    uintr_setup_sender();
}

bool uintr_or_skip(void)
{
    if (uintr_is_supported())
        return true;
    report_skip("this processor has no user interrupts");
    return false;
}

struct user_call {
    uint64_t (*fn)(void *arg);
    void *arg;
};
static void run_user_call(void *arg)
{
    const struct user_call *call = arg;
    run_in_user(call->fn, call->arg);
}
struct trap user_exception(uint64_t (*fn)(void *arg), void *arg)
{
    struct user_call call = {fn, arg};
    return test_for_exception(run_user_call, &call);
}

uint64_t user_open_window(void *arg)
{
    (void)arg;
    uint64_t before = uintr_record_count;
    stui();
    for (int i = 0; i < 20; i++)
        cpu_pause();
    clui();
    return uintr_record_count - before;
}

uint64_t deliver_pending(void)
{
    uintr_record_count = 0;
    return run_in_user(user_open_window, NULL);
}
