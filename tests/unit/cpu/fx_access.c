/* SPDX-License-Identifier: Apache-2.0 */
/* See fx_access.h. */
#include "fx_access.h"

#include "cpu_state.h"

#include <string.h>

_Static_assert(sizeof(struct fx_image) == 512, "the image is that of FXSAVE");

static unsigned top_of(unsigned fsw) { return (fsw >> 11) & 7; }

void fx_get(const struct cpu *cpu, struct fx_image *image)
{
    const struct x87 *x = &cpu->x87;
    memset(image, 0, sizeof *image);
    image->fcw = x->fcw;
    image->fsw = x->fsw;
    image->tags = x->valid;
    image->fop = x->fop;
    image->fip = x->fip;
    image->fdp = x->fdp;
    image->mxcsr = cpu->mxcsr;
    for (unsigned i = 0; i < 8; i++)
        memcpy(image->st[i], &x->r[(top_of(x->fsw) + i) & 7], 16);
    memcpy(image->xmm, cpu->xmm, sizeof image->xmm);
}

void fx_set(struct cpu *cpu, const struct fx_image *image)
{
    struct x87 *x = &cpu->x87;
    x->fcw = image->fcw;
    x->fsw = image->fsw;
    x->valid = image->tags;
    x->fop = image->fop;
    x->fip = image->fip;
    x->fdp = image->fdp;
    cpu->mxcsr = image->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        union vec *r = &x->r[(top_of(x->fsw) + i) & 7];
        r->u64[0] = image->st[i][0];
        r->u64[1] = (uint16_t)image->st[i][1];
    }
    memcpy(cpu->xmm, image->xmm, sizeof image->xmm);
}

void fx_enable(struct cpu *cpu, uint32_t cr0_set, uint32_t cr0_clear)
{
    cpu->cr0 = (cpu->cr0 | cr0_set) & ~(uint64_t)cr0_clear;
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu_update_mode(cpu);
}
