/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the host for large tables that are looked up at random: zero, aligned to lines of the host, on large pages
 * where the host gives them, and present only once it is touched. */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include "vp.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HOST_LINE 64u /* bytes */

VP_NODISCARD void *host_memory_create(size_t bytes);  /* NULL: no memory */
void host_memory_destroy(void *memory, size_t bytes); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
