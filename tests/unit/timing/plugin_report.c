/* SPDX-License-Identifier: Apache-2.0 */
/* A timing model whose report is wrong in a way that its parameter chooses. */
#include "timing_model.h"

#include <stdlib.h>

enum what {
    FINE,
    NO_NAME,
    NO_UNIT,
    NO_SENTENCE,
    TWICE,
    LEAF_AND_BRANCH,
    BRANCH_AND_LEAF,
    ARRAY_AND_TABLE,
    OPEN,
    EMPTY,
    DOTS,
    NEGATIVE,
    HUGE_INDEX,
    NO_DIGITS,
    LINES,
    CRASH,
    KINDS
};
static const struct timing_param params[] = {
    {"what",
     "fine|no_name|no_unit|no_sentence|twice|leaf_and_branch|branch_and_leaf|array_and_table|open|empty|dots|negative|"
     "huge_index|no_digits|lines|crash",
     FINE, FINE, KINDS - 1, "What is wrong with the report", "this test"},
};

static void *create(const struct timing_setup *setup, char *error, size_t error_size)
{
    (void)error;
    (void)error_size;
    enum what *what = malloc(sizeof *what);
    if (what)
        *what = (enum what)setup->values[0];
    return what;
}

typedef void put_fn(void *ctx, const char *name, double value, const char *unit, const char *sentence);
static void put_names(void *ctx, put_fn *put, const char *first, const char *second)
{
    put(ctx, first, 1, "", "A value");
    if (second)
        put(ctx, second, 2, "cycles", "Another");
}

static void report(void *model, void *ctx, put_fn *put)
{
    switch (*(const enum what *)model) {
    case FINE: put_names(ctx, put, "a[1].b-c.D_0", "a[1].b-c.e[0][63]"); break;
    case NO_NAME: put(ctx, NULL, 1, "", "A value"); break;
    case NO_UNIT: put(ctx, "n", 1, NULL, "A value"); break;
    case NO_SENTENCE: put(ctx, "n", 1, "", NULL); break;
    case TWICE: put_names(ctx, put, "n[1]", "n[1]"); break;
    case LEAF_AND_BRANCH: put_names(ctx, put, "n", "n.m"); break;
    case BRANCH_AND_LEAF: put_names(ctx, put, "n.m", "n"); break;
    case ARRAY_AND_TABLE: put_names(ctx, put, "n[0]", "n.m"); break;
    case OPEN: put_names(ctx, put, "a[", NULL); break;
    case EMPTY: put_names(ctx, put, "", NULL); break;
    case DOTS: put_names(ctx, put, "..", NULL); break;
    case NEGATIVE: put_names(ctx, put, "a[-1]", NULL); break;
    case HUGE_INDEX: put_names(ctx, put, "a[99999999].b", NULL); break;
    case NO_DIGITS: put_names(ctx, put, "a[].b", NULL); break;
    case LINES: put(ctx, "n", 1, "", "A value\nand a line"); break;
    case CRASH:
    case KINDS: __builtin_trap();
    }
}

static const struct timing_model model = {
    .abi_version = TIMING_ABI_VERSION,
    .struct_size = sizeof(struct timing_model),
    .name = "report",
    .summary = "A plug-in whose report has a fault",
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .create = create,
    .destroy = free,
    .report = report,
    .setup_size = sizeof(struct timing_setup),
};

const struct timing_model *uintr_vp_timing_model(void) { return &model; }
