/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations about exceptions. */
#include "expect.h"

#include "arch/control.h"
#include "boot.h"
#include "percpu.h"
#include "report.h"
#include "trap.h"
#include "user.h"

void expect(const char *what, void (*fn)(void *), uint64_t arg, unsigned vector, uint64_t error)
{
    struct trap t = test_for_exception(fn, (void *)arg);
    report(t.is_raised && t.vector == vector && t.error == error, "%s: vector %u error %lx (raised %d, %u, %lx)", what,
           vector, error, t.is_raised, t.vector, t.error);
}

void expect_ok(const char *what, void (*fn)(void *), uint64_t arg)
{
    struct trap t = test_for_exception(fn, (void *)arg);
    report(!t.is_raised, "%s raises nothing (%u, %lx)", what, t.vector, t.error);
}

struct user_run {
    uint64_t (*fn)(void *arg);
    void *arg;
    uint64_t rflags;
};

static void in_user(void *arg)
{
    struct user_run *run = arg;
    run_in_user_with(run->fn, run->arg, run->rflags, user_stack_top());
}

struct trap user_trap(uint64_t (*fn)(void *), void *arg, uint64_t rflags)
{
    struct user_run run = {fn, arg, rflags};
    return test_for_exception(in_user, &run);
}

void expect_user_with(const char *what, uint64_t (*fn)(void *), void *arg, uint64_t rflags, unsigned vector,
                      uint64_t error)
{
    struct trap t = user_trap(fn, arg, rflags);
    report(t.is_raised && t.vector == vector && t.error == error && (t.cs & 3) == 3,
           "CPL 3 %s: vector %u error %lx (raised %d, %u, %lx)", what, vector, error, t.is_raised, t.vector, t.error);
}

void expect_user_ok_with(const char *what, uint64_t (*fn)(void *), void *arg, uint64_t rflags)
{
    struct trap t = user_trap(fn, arg, rflags);
    report(!t.is_raised, "CPL 3 %s raises nothing (%u, %lx)", what, t.vector, t.error);
}

void expect_user(const char *what, uint64_t (*fn)(void *), void *arg, unsigned vector, uint64_t error)
{
    expect_user_with(what, fn, arg, RFLAGS_IF, vector, error);
}

void expect_user_ok(const char *what, uint64_t (*fn)(void *), void *arg)
{
    expect_user_ok_with(what, fn, arg, RFLAGS_IF);
}

bool qemu_deviates(const char *what)
{
    if (is_qemu())
        report_skip("%s: QEMU deviates from the manual", what);
    return is_qemu();
}
