/* SPDX-License-Identifier: Apache-2.0 */
/* Prints numeric_text on the host. */
#include "numeric_text.h"

#include <stdio.h>

static void emit(const char *line) { puts(line); }

int main(void)
{
    numeric_text(emit);
    return 0;
}
