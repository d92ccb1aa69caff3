// SPDX-License-Identifier: Apache-2.0
// The system that the explorer drives: two senders, two cores on which one receiving thread runs, migrates and is
// switched out, and the wires between them. SENDUIPI, notification, delivery and UIRET are the real unit; each of its
// callbacks (table read, locked access, push, pop, EOI, IPI) is one step, and any other agent may run between two.
// The unit answers a whole operation in one call, so an operation under way is kept as the unit's state at its start
// and the answers its callbacks have had: a step runs it again from there, answers as before, lets one callback more
// touch the world, and stops it by a fault. The operating system follows what Linux does: docs/references.md.
#ifndef RACE_MACHINE_H
#define RACE_MACHINE_H

#include "uintr.h"

#include <cstdint>
#include <string>
#include <vector>

namespace explore
{

constexpr unsigned SENDERS = 2, CORES = 2, AGENTS = SENDERS + CORES, MOST_STEPS = 5;

// What is done wrong on purpose; `right` nothing.
enum class notify_kind {
    core,        // the real one: ON and PIR in one locked access
    two_steps,   // clears ON, then exchanges PIR: the manual allows it
    drain_first, // exchanges PIR, then clears ON
    assign,      // UIRR = PIR instead of UIRR |= PIR
    drop_masked, // does nothing but the EOI while UIF = 0
};
enum class resume_order {
    linux_order,      // NDST, clear SN, read PIR
    clear_first,      // clear SN, NDST, read PIR
    read_before_sn,   // NDST, read PIR, clear SN
    read_before_ndst, // clear SN, read PIR, NDST
    no_ndst,          // clear SN, read PIR; NDST is forgotten
    no_self_ipi,      // NDST, clear SN; PIR is not looked at
};
struct variant {
    notify_kind notify = notify_kind::core;
    resume_order resume = resume_order::linux_order;
    bool split_post = false; // the sender's read-modify-write is a load and a store
    bool split_sn = false;   // the operating system sets SN by a load and a store of the whole quadword
    bool keep_uinv = false;  // XSAVES forgets to clear UINV
};

struct bounds {
    unsigned posts[SENDERS]; // SENDUIPIs of each sender, at most 4
    unsigned switches;       // times the thread is switched out and in again, on any core
};

enum class op_kind : std::uint64_t { none, send, notify, deliver, uiret };
enum class core_mode : std::uint64_t { idle, user, leaving, resuming };

struct operation {
    op_kind kind;
    std::uint64_t done;                       // callbacks that have touched the world
    std::uint64_t answers[MOST_STEPS - 1][2]; // what they brought
    std::uint64_t must_send;                  // sender: this post took ON from 0 to 1
};
struct core_state {
    core_mode mode;
    std::uint64_t step;    // of leaving or resuming
    std::uint64_t seen;    // what the kernel has read from the UPID
    std::uint64_t irr;     // the notification vector waits
    std::uint64_t unit[6]; // the whole user-interrupt state, as XSAVE writes it
};
struct race_state {
    std::uint64_t control, pir;     // the UPID
    std::uint64_t ndst, sn;         // what the operating system wants to be there
    std::uint64_t owed;             // vectors posted since their last delivery
    std::uint64_t in_flight[CORES]; // IPIs
    std::uint64_t posts[SENDERS];   // SENDUIPIs finished
    std::uint64_t switches;         // still allowed
    std::uint64_t is_out;           // the thread waits, its state is in `saved`
    std::uint64_t saved[6];
    std::uint64_t rip, rsp, stack[4];
    core_state core[CORES];
    operation op[AGENTS]; // senders first
};

class race_machine
{
  public:
    using state = race_state;
    race_machine(const variant &v, const bounds &b);
    ~race_machine();
    race_machine(const race_machine &) = delete;
    race_machine &operator=(const race_machine &) = delete;

    state initial() const;
    unsigned choices(const state &s, unsigned out[]) const;
    std::string apply(state &s, unsigned choice, std::string *label) const;
    std::string check_final(const state &s) const;

  private:
    struct run; // one operation being played
    static struct uintr_bus make_bus();
    std::string play(state &s, unsigned agent, std::string *label) const;
    std::string kernel_step(state &s, unsigned c, std::string *label) const;
    void leave_step(state &s, unsigned c, std::string *label, std::string *wrong) const;
    void resume_step(state &s, unsigned c, std::string *label) const;
    std::string begin_interrupt(state &s, unsigned c, std::string *label) const;
    std::string check(const state &s) const;
    enum vp_status notify(struct uintr *u, run *r, struct vp_fault *fault) const;
    void restore(const std::uint64_t unit[6]) const;

    variant m_variant;
    bounds m_bounds;
    struct uintr *m_u;
    mutable run *m_running = nullptr;
};

} // namespace explore

#endif
