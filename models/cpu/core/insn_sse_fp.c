/* SPDX-License-Identifier: Apache-2.0 */
/* SSE floating-point arithmetic. */
#define CPU_HAS_TWINS 1
#include "sse.h"

SSE_FP_PS(addps, _mm_add_ps(a, b))
SSE_FP_SD(addsd, _mm_add_sd(a, b))
