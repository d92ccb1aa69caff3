/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts: one line per check, a summary, and the exit status. A failing image exits with its number of failures. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Each test image defines its name. */
extern const char test_name[];

/* Prints "PASS name: text" or "FAIL name: text"; returns the condition. Any core, CPL 0. */
bool report(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* report() of got == want that prints both when they differ. */
bool report_equal(uint64_t got, uint64_t want, const char *format, ...) __attribute__((format(printf, 3, 4)));
void report_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on verdicts end with "[text]"; NULL: no longer. */
void report_context(const char *text);
/* Prints the counts; returns the exit status: failures, at most 122; 0 only if at least one check passed. */
int report_summary(void);

#endif
