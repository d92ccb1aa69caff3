/* SPDX-License-Identifier: Apache-2.0 */
/* The console: COM1 if a 16550 answers there, else the debug console at port E9H. Never both: a simulator may send both
 * to the same place.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

#define EXIT_PANIC 123 /* exit status after an unexpected exception or panic() */

void console_init(void);
void console_write(const char *text); /* whole, not interleaved with other cores */
void console_break_lock(void);        /* before last words: the lock may be held by the core that died */
_Noreturn void guest_exit(uint32_t status);

#endif
