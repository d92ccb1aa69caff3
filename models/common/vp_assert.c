/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where a model may end the process: an assertion of ours failed. */
#include "vp.h"

#include <stdio.h>
#include <stdlib.h>

void vp_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "uintr-vp: internal error: %s:%d: assertion failed: %s\n", file, line, what);
    _Exit(127);
}
