/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the image uintr_insn. */
#ifndef UINTR_INSN_H
#define UINTR_INSN_H

#include "paging.h"
#include "uintr_common.h"

void expect_trap(struct trap t, const char *what, unsigned vector, uint64_t error);
void check_uiret(void);
void check_senduipi(void);

#endif
