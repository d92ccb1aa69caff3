/* SPDX-License-Identifier: Apache-2.0 */
/* The demonstration: a sender on core 0 and a receiver on core 1, both in user mode. The sender posts user interrupts
 * with SENDUIPI while the receiver spins, while it masks them with CLUI/STUI, and while it is in the kernel. The kernel
 * is not involved in any delivery: it sets up the tables and the MSRs and stays away. Every interrupt is checked; exit
 * status 0 if all were right.
 */
#include "apic.h"
#include "boot.h"
#include "printf.h"
#include "report.h"
#include "smp.h"
#include "uintr.h"
#include "user.h"
#include <x86gprintrin.h>

const char test_name[] = "uipi_demo";

enum { UITT_ENTRIES = 64, LOG_MAX = 64, QUIET_TSC = 20000 };

static struct upid upid;                /* of the receiver */
static struct uitte uitt[UITT_ENTRIES]; /* of the sender: entry n posts user vector n */
static volatile uint32_t received;      /* written by the handler only */
static volatile uint8_t received_vector[LOG_MAX];
static volatile uint32_t ready, sent; /* the two sides' progress through the scenes below */
static uint32_t failures;

/* What the sender posts in each scene, and the order in which the receiver must see it: pending vectors come highest
 * first. */
enum place { IN_USER_MODE, MASKED, IN_KERNEL_SYSRET, IN_KERNEL_IRET, IN_KERNEL_IF_0 };
static const struct scene {
    const char *title;
    enum place place;
    uint8_t posts, posted[6];
    uint8_t arrivals, expected[6];
} scenes[] = {
    {"spinning in user mode", IN_USER_MODE, 4, {3, 17, 63, 0}, 4, {3, 17, 63, 0}},
    {"masked by CLUI, then STUI", MASKED, 4, {5, 40, 9, 62}, 4, {62, 40, 9, 5}},
    {"in the kernel, back by SYSRET", IN_KERNEL_SYSRET, 3, {1, 2, 33}, 3, {33, 2, 1}},
    {"in the kernel, back by IRETQ", IN_KERNEL_IRET, 2, {12, 50}, 2, {50, 12}},
    {"in the kernel with interrupts off", IN_KERNEL_IF_0, 4, {21, 8, 21, 21}, 2, {21, 8}},
};
enum { SCENES = sizeof scenes / sizeof *scenes };

/* Runs at CPL 3 on the receiver's stack, 128 bytes below where it was. The CPU pushed vector, RIP, RFLAGS and RSP. */
static void __attribute__((interrupt)) on_user_interrupt(struct __uintr_frame *frame, unsigned long long vector)
{
    (void)frame;
    received_vector[received % LOG_MAX] = (uint8_t)vector;
    received = received + 1;
}

static void await_progress(volatile uint32_t *progress, uint32_t value)
{
    while (*progress < value)
        cpu_pause();
}

/* The receiver has taken the notification (UPID.ON = 0): the next post sends one of its own, however slow the
 * interconnect. */
static void await_notification(void)
{
    while (*(volatile uint64_t *)&upid.control & UPID_ON)
        cpu_pause();
}

/* --- core 0 --- */

static uint64_t sender(void *arg)
{
    (void)arg;
    uint32_t arrived = 0;
    for (uint32_t s = 0; s < SCENES; s++) {
        await_progress(&ready, s + 1);
        for (uint32_t i = 0; i < scenes[s].posts; i++) {
            _senduipi(scenes[s].posted[i]);
            if (scenes[s].place == IN_USER_MODE)
                await_progress(&received, arrived + i + 1); /* one at a time */
            else if (scenes[s].place != IN_KERNEL_IF_0)
                await_notification();
        }
        sent = s + 1;
        arrived += scenes[s].arrivals;
        await_progress(&received, arrived);
    }
    return arrived;
}

static uint64_t set_up_sender(void *arg)
{
    (void)arg;
    for (uint32_t n = 0; n < UITT_ENTRIES; n++)
        uintr_uitte_set(&uitt[n], &upid, (uint8_t)n);
    uintr_enable();
    uintr_send_through(uitt, UITT_ENTRIES);
    return 0;
}

/* --- core 1 --- */

/* At CPL 0. With interrupts enabled notifications are taken here, without they wait, and posts collect in the UPID
 * behind the first; either way deliveries wait for the return to user mode. */
static uint64_t stay_in_kernel(void *arg)
{
    uint32_t scene = (uint32_t)(uint64_t)arg, before = received;
    if (scenes[scene].place != IN_KERNEL_IF_0)
        sti();
    ready = scene + 1;
    await_progress(&sent, scene + 1);
    delay(QUIET_TSC);
    sti_nop_cli();
    return received - before;
}

static void check_scene(uint32_t s, uint32_t first, uint32_t early)
{
    const struct scene *scene = &scenes[s];
    uint32_t arrived = received - first;
    bool is_right = arrived == scene->arrivals && early == 0;
    char list[64] = "";
    for (uint32_t i = 0; i < arrived && i < 8; i++) {
        uint8_t vector = received_vector[(first + i) % LOG_MAX];
        is_right = is_right && i < scene->arrivals && vector == scene->expected[i];
        size_t length = 0;
        while (list[length])
            length++;
        snprintf(list + length, sizeof list - length, " %u", vector);
    }
    if (!is_right)
        failures++;
    user_printf("  %-33s  posted %u, received %u:%s%s%s\n", scene->title, scene->posts, arrived, list,
                is_right ? "  ok" : "  WRONG", early ? " (delivered too early)" : "");
}

static uint64_t receiver(void *arg)
{
    (void)arg;
    for (uint32_t s = 0; s < SCENES; s++) {
        uint32_t first = received, arrivals = scenes[s].arrivals, early = 0;
        switch (scenes[s].place) {
        case IN_USER_MODE:
            _stui();
            ready = s + 1;
            break;
        case MASKED:
            _clui();
            ready = s + 1;
            await_progress(&sent, s + 1);
            delay(QUIET_TSC);
            early = received - first;
            _stui(); /* all that is pending is delivered from here on, one after the other */
            break;
        case IN_KERNEL_IRET: early = (uint32_t)call_kernel_iret(stay_in_kernel, (void *)(uint64_t)s); break;
        case IN_KERNEL_SYSRET:
        case IN_KERNEL_IF_0: early = (uint32_t)call_kernel(stay_in_kernel, (void *)(uint64_t)s);
        }
        await_progress(&received, first + arrivals);
        check_scene(s, first, early);
    }
    return received;
}

static uint64_t run_receiver(void *arg)
{
    uintr_enable();
    uintr_receive((void (*)(void))on_user_interrupt, UINTR_STACK_SKIP, &upid);
    return run_in_user(receiver, arg);
}

int guest_main(void)
{
    if (!uintr_is_supported()) {
        printf("uipi_demo: this processor has no user interrupts (CPUID.(7,0):EDX[5] = 0).\n");
        return 2;
    }
    uint32_t cores = smp_start();
    if (cores < 2) {
        printf("uipi_demo: needs two cores, one to send and one to receive; this machine has 1 (--cores 2).\n");
        return 3;
    }
    printf("A user interrupt crosses from core 0 to core 1, both in user mode (CPL 3).\n");
    printf("The receiver is:\n");
    uintr_upid_init(&upid, 1); /* plain stores: no table leads to it yet */
    set_up_sender(NULL);
    start_on_cpu(1, run_receiver, NULL);
    uint64_t expected = run_in_user(sender, NULL);
    uint64_t total = wait_for_cpu(1);
    if (total != expected || upid.pir != 0)
        failures++;
    printf("%lu user interrupts delivered, %lu expected; %s\n", total, expected,
           failures ? "NOT as they should be." : "no kernel entry for any of them.");
    return failures ? 1 : 0;
}
