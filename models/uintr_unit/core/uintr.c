/* SPDX-License-Identifier: Apache-2.0 */
/* Creation, reset, UIF and recognition of the user-interrupt unit. The operations are in uintr_send.c, uintr_notify.c,
 * uintr_deliver.c, uintr_uiret.c; registers in uintr_msr.c and uintr_xsave.c.
 *
 * Source: Intel SDM Vol. 3, chapter "User Interrupts", "Enumeration and Enabling" and "User-Interrupt State and MSRs".
 */
#include "uintr_state.h"

#include <stdlib.h>

#define GP_VECTOR 13

static bool bus_is_complete(const struct uintr_bus *bus)
{
    return bus->load_supervisor && bus->modify_supervisor && bus->load_stack && bus->store_stack && bus->send_ipi &&
           bus->eoi && bus->step;
}

struct uintr *uintr_create(const struct uintr_config *config, const struct uintr_bus *bus)
{
    if (!config || !bus || !bus_is_complete(bus) || (config->linear_width != 48 && config->linear_width != 57))
        return NULL;
    struct uintr *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->config = *config;
    u->bus = *bus;
    return u;
}

void uintr_destroy(struct uintr *u) { free(u); }

/* The manual does not say what INIT leaves in these registers; zero is what is safe, since CR4.UINTR is 0 after INIT
 * and software must set everything up again anyway. */
void uintr_reset(struct uintr *u) { *u = (struct uintr){.config = u->config, .bus = u->bus}; }

bool uintr_uif(const struct uintr *u) { return u->uif; }

/* No shadow of one instruction: a pending user interrupt may be taken directly after STUI, none directly after CLUI. */
void uintr_set_uif(struct uintr *u, bool uif) { u->uif = uif; }

/* Recognition is a level computed from UIRR whenever it is asked for, so no operation that changes UIRR (WRMSR,
 * XRSTORS, notification, delivery) and no change of CR4.UINTR can leave it stale. */
bool uintr_is_pending(const struct uintr *u) { return u->uirr != 0; }

uint8_t uintr_uinv(const struct uintr *u) { return u->uinv; }

bool uintr_senduipi_enabled(const struct uintr *u) { return u->tt & UINTR_TT_ENABLE_MASK; }

enum vp_status uintr_gp0(struct vp_fault *fault)
{
    *fault = (struct vp_fault){.vector = GP_VECTOR, .has_error_code = true};
    return VP_FAULT;
}
