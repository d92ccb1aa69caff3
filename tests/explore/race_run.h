// SPDX-License-Identifier: Apache-2.0
// Private to the machine of race_machine.h: addresses, and one operation being played up to its next step.
#ifndef RACE_RUN_H
#define RACE_RUN_H

#include "race_machine.h"

#include <cstdlib>
#include <cstring>

namespace explore
{

constexpr std::uint64_t ON = 1, SN = 2, NV = 0xec;
constexpr std::uint64_t UPID_LA = 0x4000, UITT_LA = 0x5000, STACK_TOP = 0x7000, STACK_LOW = STACK_TOP - 128 - 32;
constexpr std::uint64_t USER_RIP = 0x1000, HANDLER_RIP = 0x2000;

struct race_machine::run {
    run(race_state &s, operation &o, unsigned who, const variant &v, std::string *l)
        : world(s), op(o), agent(who), how(v), label(l)
    {
    }
    race_state &world;
    operation &op;
    unsigned agent;
    const variant &how;
    std::string *label;
    unsigned at = 0;      // callback number
    bool stopped = false; // at the callback after the live one
    std::string wrong;

    enum gate { REPLAY, LIVE, STOP };
    // What the next callback may do: answer as before, touch the world, or end this run.
    gate next()
    {
        unsigned i = at++;
        if (i < op.done)
            return REPLAY;
        if (i == op.done)
            return LIVE;
        stopped = true;
        return STOP;
    }
    void say(const char *what, std::uint64_t value);
    std::uint64_t *answer() { return op.answers[at - 1]; } // of the callback that next() was asked for
    bool is_sender() const { return agent < SENDERS; }

    enum vp_status load_entry(std::uint64_t la, void *bytes);
    enum vp_status modify(uintr_modify_fn *fn, void *arg);
    enum vp_status store_half(uintr_modify_fn *fn, void *arg, const std::uint64_t loaded[2]);
    void posted(const std::uint64_t before[2]);
    void send_ipi(std::uint32_t ndst, std::uint8_t nv);
    void eoi();
    enum vp_status push(std::uint64_t la, std::uint64_t value);
    enum vp_status pop(std::uint64_t la, std::uint64_t *value);
};

} // namespace explore

#endif
