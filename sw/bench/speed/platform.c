/* SPDX-License-Identifier: Apache-2.0 */
/* Console, descriptor tables, unexpected exceptions, exit; and main(). */
#include "platform.h"
#include "guest.h"

enum { DEBUGCON = 0xe9, EXIT = 0xf4, BOCHS_SHUTDOWN = 0x8900 };

/* One console only: a simulator may send COM1 and the debug console to the same place. */
void put(const char *s)
{
    for (const char *p = s; *p; p++)
        outb(DEBUGCON, *p);
}

_Noreturn void guest_exit(uint8_t code)
{
    outl(EXIT, code);
    for (const char *p = "Shutdown"; *p; p++) /* Bochs has no port 0xf4 */
        outb(BOCHS_SHUTDOWN, *p);
    for (;;)
        __asm__ volatile("cli; hlt");
}

struct gate {
    uint16_t lo, sel, attr, mid;
    uint32_t hi, zero;
};
static struct gate idt[256] __attribute__((aligned(16)));
struct tss tss;

void set_gate(int vector, void *handler, int dpl)
{
    uint64_t a = (uint64_t)handler;
    idt[vector] = (struct gate){a, 0x08, 0x8e00 | dpl << 13, a >> 16, a >> 32, 0};
}

struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

static _Noreturn void unexpected(int vector, uint64_t error, struct frame *f)
{
    uint64_t cr2;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    put("UNEXPECTED vector=");
    put_u64(vector, 10);
    put(" error=");
    put_u64(error, 16);
    put(" rip=");
    put_u64(f->rip, 16);
    put(" cr2=");
    put_u64(cr2, 16);
    put("\n");
    guest_exit(0x7f);
}
#define PLAIN(n)                                                                                                       \
    __attribute__((interrupt)) static void trap##n(struct frame *f) { unexpected(n, 0, f); }
#define ERROR(n)                                                                                                       \
    __attribute__((interrupt)) static void trap##n(struct frame *f, uint64_t e) { unexpected(n, e, f); }
PLAIN(0)
PLAIN(1)
PLAIN(3)
PLAIN(4)
PLAIN(5)
PLAIN(6)
PLAIN(7)
ERROR(8)
ERROR(10)
ERROR(11)
ERROR(12)
ERROR(13)
ERROR(14)
PLAIN(16)
ERROR(17)
PLAIN(19)
ERROR(21)

static void descriptor_tables(void)
{
    static const struct {
        uint8_t vector;
        void *handler;
    } traps[] = {
#define T(n) {n, trap##n}
        T(0), T(1), T(3), T(4), T(5), T(6), T(7), T(8), T(10), T(11), T(12), T(13), T(14), T(16), T(17), T(19), T(21)};
    for (unsigned i = 0; i < sizeof traps / sizeof *traps; i++)
        set_gate(traps[i].vector, traps[i].handler, 0);

    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" ::"m"(idtr));

    uint64_t base = (uint64_t)&tss;
    tss.iomap = sizeof tss;
    gdt[6] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[7] = base >> 32;
    __asm__ volatile("ltr %w0" ::"r"(0x30));
}

void main(void)
{
    outb(0x21, 0xff); /* mask both legacy PICs */
    outb(0xa1, 0xff);
    descriptor_tables();
    run_kernel();
    guest_exit(0);
}
