/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in timing models. */
#ifndef TIMING_MODELS_H
#define TIMING_MODELS_H

#include "timing_model.h"

extern const struct timing_model timing_functional; /* one instruction, one cycle; everything else is free */
extern const struct timing_model timing_table;      /* a latency per instruction class, event and stage     */
extern const struct timing_model timing_cache;      /* table, caches, translation caches, branch predictor */

#endif
