/* SPDX-License-Identifier: Apache-2.0 */
/* SSE integer arithmetic. */
#define CPU_HAS_TWINS 1
#include "sse.h"

SSE_OP(paddd, _mm_add_epi32(a, b))
