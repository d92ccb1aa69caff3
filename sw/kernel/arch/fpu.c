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
    UINTR_WORDS = 6,
    XCR0_USED = 0x7, /* x87, SSE, AVX where there is one */
    MSR_XSS = 0xda0,
    SIGNAL_BYTES_MAX = 1024
};
#define COMPACTED (UINT64_C(1) << 63)

struct fpu {
    uint16_t fcw, fsw;
    uint32_t reserved[5];
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[LEGACY_BYTES - 32];
    uint64_t present, compacted, reserved_header[6]; /* XSTATE_BV, XCOMP_BV */
    uint8_t extended[];
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct fpu, present) == LEGACY_BYTES, "the header of an XSAVE area");

/* What every signal handler begins with. */
static const struct fpu initial = {.fcw = 0x37f, .mxcsr = 0x1f80};

static uint64_t user_mask, supervisor_mask;
static size_t image_bytes, user_bytes;
static size_t uintr_offset; /* of component 14 in an image; 0: none */
static bool has_xsaves;
static uint8_t user_image[CPUS_MAX][SIGNAL_BYTES_MAX] __attribute__((aligned(64)));

static inline void xsetbv(uint64_t value) { __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"(0)); }

static void save(void *image, uint64_t mask)
{
    uint32_t low = (uint32_t)mask, high = (uint32_t)(mask >> 32);
    if (has_xsaves)
        __asm__ volatile("xsaves64 (%0)" ::"r"(image), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" ::"r"(image), "a"(low), "d"(high) : "memory");
}

static void restore(const void *image, uint64_t mask)
{
    uint32_t low = (uint32_t)mask, high = (uint32_t)(mask >> 32);
    if (has_xsaves)
        __asm__ volatile("xrstors64 (%0)" ::"r"(image), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("xrstor64 (%0)" ::"r"(image), "a"(low), "d"(high) : "memory");
}

/* Offset of component 14 in the compacted format: those before it that are enabled, each rounded up to 64 if it says
 * so. */
static size_t compacted_offset(unsigned component, uint64_t enabled)
{
    size_t at = LEGACY_BYTES + HEADER_BYTES;
    for (unsigned i = 2; i <= component; i++) {
        struct cpuid_result r = cpuid(0xd, i);
        if (!(enabled >> i & 1))
            continue;
        if (r.ecx & 2)
            at = ALIGN_UP(at, 64);
        if (i < component)
            at += r.eax;
    }
    return at;
}

void fpu_init_cpu(void)
{
    struct cpuid_result leaf = cpuid(0xd, 0), leaf1 = cpuid(0xd, 1);
    user_mask = leaf.eax & XCR0_USED;
    has_xsaves = leaf1.eax >> 3 & 1;
    xsetbv(user_mask);
    user_bytes = cpuid(0xd, 0).ebx;
    if (has_xsaves) {
        supervisor_mask = leaf1.ecx & 1u << COMPONENT_UINTR && read_cr4() & CR4_UINTR ? 1u << COMPONENT_UINTR : 0;
        wrmsr(MSR_XSS, supervisor_mask);
        image_bytes = cpuid(0xd, 1).ebx;
    } else {
        image_bytes = user_bytes;
    }
    if (supervisor_mask)
        uintr_offset = compacted_offset(COMPONENT_UINTR, user_mask | supervisor_mask);
    KASSERT(user_bytes <= SIGNAL_BYTES_MAX);
}

size_t fpu_bytes(void) { return image_bytes; }

static void initialise(struct fpu *f)
{
    memset(f, 0, image_bytes);
    f->fcw = 0x37f;
    f->mxcsr = 0x1f80;
    f->compacted = has_xsaves ? COMPACTED | user_mask | supervisor_mask : 0;
}

struct fpu *fpu_create(void)
{
    struct fpu *f = kmalloc(ALIGN_UP(image_bytes, PAGE_BYTES)); /* whole pages: aligned to 64 */
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
    memcpy(f, from->fpu, image_bytes);
    f->present &= ~supervisor_mask;
    if (uintr_offset)
        memset((uint8_t *)f + uintr_offset, 0, UINTR_WORDS * sizeof(uint64_t));
    return f;
}

void fpu_free(struct fpu *f) { kfree(f); }

static void disown(struct task *t)
{
    for (uint32_t i = 0; i < cpu_count; i++)
        if (cpus[i].fpu_owner == t)
            cpus[i].fpu_owner = NULL;
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
    save(t->fpu, user_mask | supervisor_mask);
    disown(t);
}

void fpu_restore_current(void)
{
    struct cpu *cpu = this_cpu();
    struct task *t = cpu->running;
    if (!t->fpu || cpu->fpu_owner == t)
        return;
    restore(t->fpu, user_mask | supervisor_mask);
    cpu->fpu_owner = t;
}

uint64_t *fpu_uintr_words(struct task *t, bool must_exist)
{
    if (!uintr_offset || !t->fpu)
        return NULL;
    uint64_t *words = (uint64_t *)((uint8_t *)t->fpu + uintr_offset);
    if (!(t->fpu->present >> COMPONENT_UINTR & 1)) {
        if (!must_exist)
            return NULL;
        memset(words, 0, UINTR_WORDS * sizeof *words);
        t->fpu->present |= 1u << COMPONENT_UINTR;
    }
    return words;
}

/* --- signals: Linux's layout, arch/x86/include/uapi/asm/sigcontext.h --- */

size_t fpu_signal_bytes(void) { return user_bytes + sizeof(uint32_t); }

int fpu_to_user(struct task *t, uint64_t to)
{
    KASSERT(t == current);
    uint8_t *image = user_image[this_cpu()->index];
    struct _fpx_sw_bytes info = {.magic1 = FP_XSTATE_MAGIC1,
                                 .extended_size = (uint32_t)fpu_signal_bytes(),
                                 .xfeatures = user_mask,
                                 .xstate_size = (uint32_t)user_bytes};
    uint32_t end = FP_XSTATE_MAGIC2;
    fpu_restore_current();
    memset(image, 0, user_bytes);
    __asm__ volatile("xsave64 (%0)" ::"r"(image), "a"((uint32_t)user_mask), "d"(0) : "memory");
    memcpy(image + 464, &info, sizeof info);
    if (copy_to_user(to, image, user_bytes))
        return -EFAULT;
    if (copy_to_user(to + user_bytes, &end, sizeof end))
        return -EFAULT;
    __asm__ volatile("xrstor64 (%0)" ::"r"(&initial), "a"((uint32_t)user_mask), "d"(0) : "memory");
    return 0;
}

int fpu_from_user(struct task *t, uint64_t from)
{
    KASSERT(t == current);
    struct fpu *image = (struct fpu *)user_image[this_cpu()->index];
    if (copy_from_user(image, from, user_bytes))
        return -EFAULT;
    for (size_t i = 0; i < ARRAY_SIZE(image->reserved_header); i++)
        if (image->reserved_header[i])
            return -EINVAL;
    if (image->present & ~user_mask || image->compacted || image->mxcsr & ~0xffffu)
        return -EINVAL;
    fpu_restore_current();
    __asm__ volatile("xrstor64 (%0)" ::"r"(image), "a"((uint32_t)user_mask), "d"(0) : "memory");
    return 0;
}
