/* SPDX-License-Identifier: Apache-2.0 */
/* Not a test of the guest: receives at COM1 and prints each line back, so that tests/guest can check the console. Ends
 * with status 0 at ^D on an empty line. The last word of the command line says how it receives:
 *   (none)  by interrupt, all that is there in each one
 *   single  by interrupt, without FIFOs, one byte in each
 *   poll    by reading LSR
 *   sleep   by interrupt, after a second of simulated time in which it only sleeps
 *   deaf    the interrupt is enabled, but nobody takes it
 *   tick    by interrupt, with a timer that interrupts 1000 times a second
 */
#include "apic.h"
#include "arch/insn.h"
#include "boot.h"
#include "ioapic.h"
#include "printf.h"
#include "report.h"
#include "string.h"
#include "trap.h"

const char test_name[] = "console_echo";

enum { RBR = 0x3f8, IER = 0x3f9, FCR = 0x3fa, MCR = 0x3fc, LSR = 0x3fd, DATA_READY = 1, MCR_OUT2 = 8 };
enum { VECTOR_COM1 = 0x52, VECTOR_TIMER = 0x53, CTRL_C = 3, CTRL_D = 4, RING = 1024, LINE = 120 };

static volatile uint8_t ring[RING];
static volatile uint32_t head, tail, ticks;
static bool is_single;

static bool on_input(struct trap_frame *f)
{
    (void)f;
    while (inb(LSR) & DATA_READY) {
        ring[head % RING] = inb(RBR);
        head = head + 1;
        if (is_single)
            break;
    }
    apic_eoi();
    return true;
}
static bool on_timer(struct trap_frame *f)
{
    (void)f;
    ticks = ticks + 1;
    apic_eoi();
    return true;
}

static uint8_t by_interrupt(void)
{
    cli();
    while (head == tail)
        sti_hlt();
    uint8_t byte = ring[tail % RING];
    tail = tail + 1;
    return byte;
}
static uint8_t by_polling(void)
{
    while (!(inb(LSR) & DATA_READY))
        cpu_pause();
    return inb(RBR);
}

static void start_interrupts(uint32_t pin_flags)
{
    trap_install(VECTOR_COM1, on_input);
    ioapic_set_pin(PIN_COM1, (uint8_t)apic_id(), pin_flags | VECTOR_COM1);
    outb(FCR, is_single ? 0 : 0xc7); /* trigger at 14, both cleared */
    outb(MCR, MCR_OUT2);
    outb(IER, 1);
}

static void start_timer(void)
{
    trap_install(VECTOR_TIMER, on_timer);
    ioapic_set_pin(PIN_PIT, (uint8_t)apic_id(), VECTOR_TIMER);
    pit_start(1193);
}

/* Prints lines until ^D; a line at most LINE bytes long. */
static void echo(uint8_t (*next)(void))
{
    char line[LINE + 1];
    for (size_t length = 0;;) {
        printf("> ");
        for (;;) {
            uint8_t byte = next();
            if (byte == CTRL_D && length == 0) {
                printf("end of file\n");
                return;
            }
            if (byte == CTRL_D || byte == '\n' || byte == '\r' || length == LINE)
                break;
            if (byte == CTRL_C)
                printf("^C");
            line[length++] = (char)byte;
        }
        line[length] = '\0';
        printf("line \"%s\" of %lu\n", line, length);
        length = 0;
    }
}

static bool has_word(const char *word)
{
    size_t length = strlen(boot_info.command_line), own = strlen(word);
    return length > own && strcmp(boot_info.command_line + length - own, word) == 0;
}

int guest_main(void)
{
    if (has_word("poll")) {
        (void)inb(RBR); /* from now on it wants to receive */
        echo(by_polling);
        return 0;
    }
    is_single = has_word("single");
    start_interrupts(has_word("deaf") ? PIN_MASKED : 0);
    if (has_word("tick"))
        start_timer();
    if (has_word("sleep")) {
        start_timer();
        cli();
        while (ticks < 1000)
            sti_hlt();
        pit_stop();
        printf("awake\n");
    }
    echo(by_interrupt);
    return 0;
}
