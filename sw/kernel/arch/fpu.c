/* SPDX-License-Identifier: Apache-2.0 */
/* Extended state: which task's it is, where its image lies, what signals see of it. SDM Vol. 1, "Managing State Using
 * the XSAVE Feature Set"; the user-interrupt component is number 14 and belongs to supervisor state (IA32_XSS).
 *
 * A task's state is in the registers only while it runs (struct cpu.fpu_owner); XSAVES clears UINV on the way out, so
 * that a notification for a task that is not here arrives as an ordinary interrupt. */
#include "arch/control.h"
#include "arch/cpu.h"
#include "arch/insn.h"
#include "mm/mm.h"
#include "string.h"
#include <asm/sigcontext.h>

enum {
    LEGACY_BYTES = 512,
    HEADER_BYTES = 64,
    COMPONENT_UINTR = 14,
    XCR0_USED = 0x7, /* x87, SSE, AVX where there is one */
    MSR_XSS = 0xda0,
    SIGNAL_BYTES_MAX = 1024
};
#define COMPACTED (UINT64_C(1) << 63)
#define INITIAL .fcw = 0x37f, .mxcsr = 0x1f80

struct fpu {
    uint16_t fcw, fsw;
    uint32_t reserved[5];
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[LEGACY_BYTES - 32];
    uint64_t present, compacted, reserved_header[6]; /* XSTATE_BV, XCOMP_BV */
    uint8_t extended[SIGNAL_BYTES_MAX - LEGACY_BYTES - HEADER_BYTES];
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct fpu, present) == LEGACY_BYTES, "the header of an XSAVE area");

static uint64_t user_mask, supervisor_mask;
static size_t user_bytes;

void fpu_init_cpu(void)
{
    struct cpuid_result leaf1 = cpuid(0xd, 1);
    if (!(leaf1.eax & 8))
        panic("this kernel needs XSAVES");
    user_mask = cpuid(0xd, 0).eax & XCR0_USED;
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)user_mask), "d"(0));
    user_bytes = cpuid(0xd, 0).ebx;
    supervisor_mask = leaf1.ecx & 1u << COMPONENT_UINTR && read_cr4() & CR4_UINTR ? 1u << COMPONENT_UINTR : 0;
    wrmsr(MSR_XSS, supervisor_mask);
    KASSERT(user_bytes <= SIGNAL_BYTES_MAX && cpuid(0xd, 1).ebx <= sizeof(struct fpu));
}

static void initialise(struct fpu *f)
{
    *f = (struct fpu){INITIAL, .compacted = COMPACTED | user_mask | supervisor_mask};
}

struct fpu *fpu_create(void)
{
    struct fpu *f = kmalloc(PAGE_BYTES); /* a whole page: aligned to 64 */
    if (f)
        initialise(f);
    return f;
}

struct fpu *fpu_copy(struct task *from)
{
    struct fpu *f = fpu_create();
    if (!f)
        return NULL;
    fpu_save(from);
    *f = *from->fpu;
    f->present &= ~supervisor_mask;
    return f;
}

void fpu_reset(struct task *t)
{
    fpu_save(t);
    initialise(t->fpu);
}

void fpu_save(struct task *t)
{
    if (!t->fpu || this_cpu()->fpu_owner != t)
        return;
    uint64_t mask = user_mask | supervisor_mask;
    __asm__ volatile("xsaves64 (%0)" ::"r"(t->fpu), "a"((uint32_t)mask), "d"(0) : "memory");
    this_cpu()->fpu_owner = NULL;
}

void fpu_restore_current(void)
{
    struct cpu *cpu = this_cpu();
    struct task *t = cpu->running;
    if (!t->fpu || cpu->fpu_owner == t)
        return;
    uint64_t mask = user_mask | supervisor_mask;
    __asm__ volatile("xrstors64 (%0)" ::"r"(t->fpu), "a"((uint32_t)mask), "d"(0) : "memory");
    cpu->fpu_owner = t;
}

/* --- signals: Linux's layout, arch/x86/include/uapi/asm/sigcontext.h --- */

size_t fpu_signal_bytes(void) { return user_bytes + sizeof(uint32_t); }

static void restore_user(const struct fpu *image)
{
    __asm__ volatile("xrstor64 (%0)" ::"r"(image), "a"((uint32_t)user_mask), "d"(0) : "memory");
}

int fpu_to_user(uint64_t to)
{
    static const struct fpu initial = {INITIAL}; /* what every handler begins with */
    struct fpu image = {0};
    struct _fpx_sw_bytes info = {.magic1 = FP_XSTATE_MAGIC1,
                                 .extended_size = (uint32_t)fpu_signal_bytes(),
                                 .xfeatures = user_mask,
                                 .xstate_size = (uint32_t)user_bytes};
    uint32_t end = FP_XSTATE_MAGIC2;
    fpu_restore_current();
    __asm__ volatile("xsave64 (%0)" ::"r"(&image), "a"((uint32_t)user_mask), "d"(0) : "memory");
    memcpy((uint8_t *)&image + offsetof(struct _fpstate_64, sw_reserved), &info, sizeof info);
    if (copy_to_user(to, &image, user_bytes) || PUT_USER(to + user_bytes, end))
        return -EFAULT;
    restore_user(&initial);
    return 0;
}

int fpu_from_user(uint64_t from)
{
    struct fpu image;
    uint64_t reserved = 0;
    if (copy_from_user(&image, from, user_bytes))
        return -EFAULT;
    for (size_t i = 0; i < ARRAY_SIZE(image.reserved_header); i++)
        reserved |= image.reserved_header[i];
    if (reserved || image.present & ~user_mask || image.compacted || image.mxcsr & ~0xffffu)
        return -EINVAL;
    fpu_restore_current();
    restore_user(&image);
    return 0;
}
