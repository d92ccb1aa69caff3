/* SPDX-License-Identifier: Apache-2.0 */
/* Stackful coroutines. One runs until it yields; whoever resumed it goes on then. Nothing here is aware of threads or
 * interrupts: coroutines may be resumed inside a handler of user interrupts, where they run until their next yield. */
#ifndef ASYNC_COROUTINE_H
#define ASYNC_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

struct coroutine;

/* Its stack has stack_bytes (whole pages) and a guard page below. NULL: no memory. Runs nothing yet. */
struct coroutine *coroutine_create(void (*body)(void *arg), void *arg, size_t stack_bytes);
void coroutine_destroy(struct coroutine *c); /* one that is done or was never resumed */
/* Runs it until it yields or its body returns. Not from inside of itself. */
void coroutine_resume(struct coroutine *c);
void coroutine_yield(void);                /* from inside */
struct coroutine *coroutine_running(void); /* NULL outside of all */
bool coroutine_is_done(const struct coroutine *c);

#endif
