/* SPDX-License-Identifier: Apache-2.0 */
/* XSAVE state component 14: 48 bytes that XSAVES and XRSTORS move. Headers, placement and the accesses themselves are
 * the CPU's. CR4.UINTR plays no part.
 *
 * Source: Intel SDM Vol. 1, "User-Interrupt State" and "Operation of XSAVES", "Operation of XRSTORS".
 */
#include "uintr_state.h"

/* The components in the order of the image; MISC is the one that also carries UIF. */
static const struct {
    uint8_t offset;
    uint32_t msr;
} image_layout[] = {
    {UINTR_XSAVE_HANDLER, UINTR_MSR_HANDLER}, {UINTR_XSAVE_STACKADJUST, UINTR_MSR_STACKADJUST},
    {UINTR_XSAVE_MISC, UINTR_MSR_MISC},       {UINTR_XSAVE_PD, UINTR_MSR_PD},
    {UINTR_XSAVE_RR, UINTR_MSR_RR},           {UINTR_XSAVE_TT, UINTR_MSR_TT},
};
#define IMAGE_FIELDS (sizeof image_layout / sizeof image_layout[0])
_Static_assert(UINTR_XSAVE_TT + 8 == UINTR_XSAVE_SIZE, "TT is the last field of the component");

bool uintr_xsave_in_use(const struct uintr *u)
{
    for (size_t i = 0; i < IMAGE_FIELDS; i++)
        if (uintr_msr_read(u, image_layout[i].msr) != 0)
            return true;
    return u->uif;
}

void uintr_xsave(const struct uintr *u, uint8_t bytes[UINTR_XSAVE_SIZE])
{
    for (size_t i = 0; i < IMAGE_FIELDS; i++) {
        uint64_t value = uintr_msr_read(u, image_layout[i].msr);
        if (image_layout[i].msr == UINTR_MSR_MISC && u->uif)
            value |= UINTR_XSAVE_MISC_UIF_MASK;
        uintr_le64_put(bytes + image_layout[i].offset, value);
    }
}

/* A thread that is switched out must not take notifications on this core: XSAVES clears UINV, and only UINV. */
void uintr_xsave_done(struct uintr *u) { u->uinv = 0; }

enum vp_status uintr_xrstor(struct uintr *u, const uint8_t bytes[UINTR_XSAVE_SIZE])
{
    /* A live UINV would be lost. Only UINV is looked at, not the rest of MISC. */
    if (u->uinv != 0)
        return VP_FAULT;
    /* All checks come before the first load, so that a fault leaves the old state; UINV is 0 then, as it must be. */
    uint64_t values[IMAGE_FIELDS];
    bool uif = false;
    for (size_t i = 0; i < IMAGE_FIELDS; i++) {
        values[i] = uintr_le64_get(bytes + image_layout[i].offset);
        if (image_layout[i].msr == UINTR_MSR_MISC) {
            uif = (values[i] & UINTR_XSAVE_MISC_UIF_MASK) != 0;
            values[i] &= ~UINTR_XSAVE_MISC_UIF_MASK;
        }
        if (!uintr_msr_is_valid(u, image_layout[i].msr, values[i]))
            return VP_FAULT;
    }
    for (size_t i = 0; i < IMAGE_FIELDS; i++)
        uintr_msr_load(u, image_layout[i].msr, values[i]);
    u->uif = uif;
    return VP_OK;
}

/* The initial configuration: all six registers 0, UIF too. The manual leaves open whether UINV != 0 faults here; it
 * does not in this model, since nothing is restored from memory. The user timer is not part of the component. */
void uintr_xrstor_init(struct uintr *u)
{
    for (size_t i = 0; i < IMAGE_FIELDS; i++)
        uintr_msr_load(u, image_layout[i].msr, 0);
    u->uif = false;
}
