/* SPDX-License-Identifier: Apache-2.0 */
/* Text about numbers, the same wherever it is computed: on the simulator, under QEMU, on the host. */
#ifndef NUMERIC_TEXT_H
#define NUMERIC_TEXT_H

/* Calls emit with each line, without a newline. */
void numeric_text(void (*emit)(const char *line));

#endif
