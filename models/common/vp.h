/* SPDX-License-Identifier: Apache-2.0 */
/* What every model core shares: result codes, guest faults as values, compiler helpers, assertions.
 * Nothing here knows an instruction, a register or a clock. */
#ifndef VP_COMMON_VP_H
#define VP_COMMON_VP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VP_NODISCARD __attribute__((warn_unused_result))
#define VP_LIKELY(x) __builtin_expect(!!(x), 1)
#define VP_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define VP_NEVER UINT64_MAX /* a cycle that never comes */

/* Result of an operation that guest code can make fail. */
enum vp_status { VP_OK, VP_FAULT };

/* A fault as a value: what the core that called raises. SDM Vol. 3, "Interrupt and Exception Handling". */
struct vp_fault {
    uint8_t vector;      /* exception vector, 0..31                        */
    bool has_error_code; /* the vector pushes an error code                */
    uint32_t error_code; /* valid if has_error_code                        */
    uint64_t address;    /* faulting linear address; goes to CR2 for #PF   */
};

/* Our own bug: prints where and what to stderr and ends the process with status 127. */
__attribute__((noreturn)) void vp_assert_failed(const char *what, const char *file, int line);
#define VP_ASSERT(cond) (VP_LIKELY(cond) ? (void)0 : vp_assert_failed(#cond, __FILE__, __LINE__))

#ifdef __cplusplus
}
#endif
#endif
