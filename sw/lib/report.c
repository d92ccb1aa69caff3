/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and printing verdicts. */
#include "report.h"

#include "printf.h"

enum { FAILURES_MAX = 122, FAILURE_NO_CHECKS = 121 };

static unsigned passed, failed, skipped;
static const char *context;

void report_context(const char *text) { context = text; }

static void line(const char *verdict, const char *format, va_list list, const char *tail)
{
    char text[180];
    vsnprintf(text, sizeof text, format, list);
    if (context)
        printf("%s %s: %s%s [%s]\n", verdict, test_name, text, tail, context);
    else
        printf("%s %s: %s%s\n", verdict, test_name, text, tail);
}

bool report(bool condition, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    line(condition ? "PASS" : "FAIL", format, list, "");
    va_end(list);
    __atomic_fetch_add(condition ? &passed : &failed, 1, __ATOMIC_RELAXED);
    return condition;
}

bool report_equal(uint64_t got, uint64_t want, const char *format, ...)
{
    char tail[64] = "";
    va_list list;
    bool condition = got == want;
    if (!condition)
        snprintf(tail, sizeof tail, " (got %lx, want %lx)", got, want);
    va_start(list, format);
    line(condition ? "PASS" : "FAIL", format, list, tail);
    va_end(list);
    __atomic_fetch_add(condition ? &passed : &failed, 1, __ATOMIC_RELAXED);
    return condition;
}

void report_skip(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    line("SKIP", format, list, "");
    va_end(list);
    skipped++;
}

int report_summary(void)
{
    printf("SUMMARY %s: %u passed, %u failed, %u skipped\n", test_name, passed, failed, skipped);
    if (passed + failed + skipped == 0)
        return FAILURE_NO_CHECKS;
    return failed < FAILURES_MAX ? (int)failed : FAILURES_MAX;
}
