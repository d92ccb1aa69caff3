/* SPDX-License-Identifier: Apache-2.0 */
/* RCPPS, RSQRTPS and their scalar forms. The manual bounds the relative error by 1.5 * 2^-12 and processors differ
 * within it; here the result is the exact one rounded to nearest with 12 bits, so that it is the same on every host.
 * Source: SDM Vol. 2, "RCPPS", "RSQRTPS". */
#ifndef CPU_SSE_APPROX_H
#define CPU_SSE_APPROX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of a single in its encoding. They do not depend on MXCSR and leave it alone. */
uint32_t sse_approx_rcp(uint32_t x);
uint32_t sse_approx_rsqrt(uint32_t x);

#ifdef __cplusplus
}
#endif

#endif
