/* SPDX-License-Identifier: Apache-2.0 */
/* The handler of user interrupts of a ring: saves what the CPU does not, and calls C. */
#ifndef ASYNC_RING_HANDLER_H
#define ASYNC_RING_HANDLER_H

#include <stdbool.h>

/* Registers the handler for this thread; on_interrupt runs in it, with interrupts masked and all registers free. The
 * descriptor of its vector, or -1. */
int handler_install(void (*on_interrupt)(void));
void handler_remove(int vector_fd);
void handler_mask(void);
void handler_unmask(void);

#endif
