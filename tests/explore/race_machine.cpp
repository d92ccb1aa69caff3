// SPDX-License-Identifier: Apache-2.0
// The steps of the machine: see race_machine.h. Every step ends with the invariants of check().
#include "race_machine.h"

#include "race_run.h"

#include <cstdio>

namespace explore
{

namespace
{

// Choices: an agent's next step, a preemption of the thread on a core, an arrival at a core.
enum { CHOICE_AGENT = 0, CHOICE_PREEMPT = AGENTS, CHOICE_ARRIVE = AGENTS + CORES };

std::string text(const char *format, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0)
{
    char line[160];
    std::snprintf(line, sizeof line, format, static_cast<unsigned long long>(a), static_cast<unsigned long long>(b),
                  static_cast<unsigned long long>(c));
    return line;
}
void say(std::string *label, const std::string &what)
{
    if (label)
        *label = what;
}

// Component 14 of XSAVE, quadword by quadword.
enum { IMAGE_MISC = 2, IMAGE_RR = 4 };
bool image_uif(const std::uint64_t image[6]) { return image[IMAGE_MISC] >> 63 != 0; }
std::uint64_t image_uinv(const std::uint64_t image[6]) { return image[IMAGE_MISC] >> 32 & 0xff; }

} // namespace

race_machine::race_machine(const variant &v, const bounds &b) : m_variant(v), m_bounds(b)
{
    struct uintr_config config = {48, false};
    struct uintr_bus bus = make_bus();
    bus.ctx = this;
    m_u = uintr_create(&config, &bus);
}
race_machine::~race_machine() { uintr_destroy(m_u); }

void race_machine::restore(const std::uint64_t unit[6]) const
{
    std::uint8_t bytes[UINTR_XSAVE_SIZE];
    std::memcpy(bytes, unit, sizeof bytes); // little-endian host, as all hosts of this project
    uintr_xsave_done(m_u);                  // XRSTOR wants UINV = 0
    if (uintr_xrstor(m_u, bytes) != VP_OK)
        std::abort();
}

race_machine::state race_machine::initial() const
{
    state s;
    std::memset(&s, 0, sizeof s);
    s.control = NV << 16;
    s.switches = m_bounds.switches;
    s.rip = USER_RIP;
    s.rsp = STACK_TOP;
    s.core[0].mode = core_mode::user;
    const std::uint64_t unit[6] = {HANDLER_RIP, 128, UINT64_C(1) << 63 | NV << 32, UPID_LA, 0, 0};
    std::memcpy(s.core[0].unit, unit, sizeof unit);
    return s;
}

// A core with an operation or kernel code under way goes on with it. At a boundary a pending interrupt is first, then
// delivery; the timer that preempts the thread may come before either.
unsigned race_machine::choices(const state &s, unsigned out[]) const
{
    unsigned n = 0;
    for (unsigned i = 0; i < SENDERS; i++)
        if (s.posts[i] < m_bounds.posts[i])
            out[n++] = CHOICE_AGENT + i;
    for (unsigned c = 0; c < CORES; c++) {
        const core_state &core = s.core[c];
        bool is_busy = s.op[SENDERS + c].kind != op_kind::none;
        bool is_user = core.mode == core_mode::user;
        bool in_kernel = core.mode == core_mode::leaving || core.mode == core_mode::resuming;
        bool delivers = is_user && core.unit[IMAGE_RR] != 0 && image_uif(core.unit);
        if (is_busy || in_kernel || core.irr || delivers || (is_user && s.rip == HANDLER_RIP))
            out[n++] = CHOICE_AGENT + SENDERS + c;
        if (!is_busy && ((is_user && s.switches != 0) || (core.mode == core_mode::idle && s.is_out)))
            out[n++] = CHOICE_PREEMPT + c;
        if (s.in_flight[c] != 0)
            out[n++] = CHOICE_ARRIVE + c;
    }
    return n;
}

std::string race_machine::apply(state &s, unsigned choice, std::string *label) const
{
    std::string wrong;
    if (choice >= CHOICE_ARRIVE) {
        unsigned c = choice - CHOICE_ARRIVE;
        s.in_flight[c]--;
        s.core[c].irr = 1;
        say(label, text("core %llu: the IPI arrives", c));
    } else if (choice >= CHOICE_PREEMPT) {
        core_state &core = s.core[choice - CHOICE_PREEMPT];
        core.mode = core.mode == core_mode::user ? core_mode::leaving : core_mode::resuming;
        if (core.mode == core_mode::leaving)
            s.switches--;
        s.is_out = 0; // being switched: nobody else takes it
        wrong = kernel_step(s, choice - CHOICE_PREEMPT, label);
    } else if (choice < SENDERS) {
        s.op[choice].kind = op_kind::send;
        wrong = play(s, choice, label);
    } else {
        unsigned c = choice - SENDERS;
        core_state &core = s.core[c];
        operation &op = s.op[choice];
        if (op.kind != op_kind::none) {
            wrong = play(s, choice, label);
        } else if (core.mode == core_mode::leaving || core.mode == core_mode::resuming) {
            wrong = kernel_step(s, c, label);
        } else if (core.irr) {
            wrong = begin_interrupt(s, c, label);
        } else {
            op.kind = core.unit[IMAGE_RR] != 0 && image_uif(core.unit) ? op_kind::deliver : op_kind::uiret;
            wrong = play(s, choice, label);
        }
    }
    return wrong.empty() ? check(s) : wrong;
}

std::string race_machine::begin_interrupt(state &s, unsigned c, std::string *label) const
{
    core_state &core = s.core[c];
    core.irr = 0;
    if (image_uinv(core.unit) == NV) {
        s.op[SENDERS + c].kind = op_kind::notify;
        return play(s, SENDERS + c, label);
    }
    say(label, text("core %llu: UINV = 0, the vector goes through the IDT and the kernel writes EOI", c));
    return "";
}

std::string race_machine::kernel_step(state &s, unsigned c, std::string *label) const
{
    std::string wrong;
    if (s.core[c].mode == core_mode::leaving)
        leave_step(s, c, label, &wrong);
    else
        resume_step(s, c, label);
    return wrong;
}

// Out: SN, XSAVES, then the core idles with other threads' state.
void race_machine::leave_step(state &s, unsigned c, std::string *label, std::string *wrong) const
{
    core_state &core = s.core[c];
    unsigned step = static_cast<unsigned>(core.step++) + (m_variant.split_sn ? 0 : 1);
    switch (step) {
    case 0:
        core.seen = s.control;
        say(label, text("core %llu: kernel loads the UPID (SN without a lock)", c));
        break;
    case 1: {
        std::uint64_t stored = (m_variant.split_sn ? core.seen : s.control) | SN;
        if (stored != (s.control | SN))
            *wrong = text("UPID overwritten by stale data: %llx instead of %llx", stored, s.control | SN);
        s.control = stored;
        s.sn = 1;
        core.seen = 0;
        say(label, text("core %llu: kernel sets SN", c));
        break;
    }
    default: {
        std::memcpy(s.saved, core.unit, sizeof s.saved);
        restore(core.unit);
        uintr_xsave_done(m_u);
        std::uint64_t uinv = m_variant.keep_uinv ? NV : uintr_uinv(m_u);
        std::memset(core.unit, 0, sizeof core.unit); // another thread's initial state, but UINV is XSAVES's business
        core.unit[IMAGE_MISC] = uinv << 32;
        core.mode = core_mode::idle;
        core.step = 0;
        s.is_out = 1;
        say(label, text("core %llu: XSAVES; another thread runs", c));
    }
    }
}

// In: XRSTORS, then the three steps that must be in order, a self-IPI, and back to CPL 3.
void race_machine::resume_step(state &s, unsigned c, std::string *label) const
{
    static const char orders[][4] = {"NSR", "SNR", "NRS", "SRN", "SR", "NS"}; // of enum class resume_order
    core_state &core = s.core[c];
    const char *order = orders[static_cast<unsigned>(m_variant.resume)];
    std::uint64_t step = core.step++;
    if (step == 0) {
        std::memcpy(core.unit, s.saved, sizeof core.unit);
        core.unit[IMAGE_MISC] |= NV << 32;
        std::memset(s.saved, 0, sizeof s.saved);
        say(label, text("core %llu: XRSTORS, UINV; the thread is here", c));
        return;
    }
    char what = order[step - 1];
    if (what == 'N') {
        s.control = (s.control & 0xffffffff) | static_cast<std::uint64_t>(c) << 32;
        s.ndst = c;
        say(label, text("core %llu: kernel writes NDST = %llu", c, c));
    } else if (what == 'S') {
        s.control &= ~SN;
        s.sn = 0;
        say(label, text("core %llu: kernel clears SN", c));
    } else if (what == 'R') {
        core.seen = s.pir != 0;
        say(label, text("core %llu: kernel reads PIR = %llx", c, s.pir));
    } else {
        s.in_flight[c] += core.seen;
        say(label,
            core.seen ? text("core %llu: self-IPI, back to user mode", c) : text("core %llu: back to user mode", c));
        core.seen = 0;
        core.step = 0;
        core.mode = core_mode::user;
    }
}

std::string race_machine::play(state &s, unsigned agent, std::string *label) const
{
    operation &op = s.op[agent];
    run r(s, op, agent, m_variant, label);
    struct uintr_regs regs = {s.rip, s.rsp, 0x202};
    struct vp_fault fault = {};
    const std::uint64_t sender_unit[6] = {0, 0, 3, 0, 0, UITT_LA | 1};
    std::uint64_t *unit = agent < SENDERS ? nullptr : s.core[agent - SENDERS].unit;
    restore(unit ? unit : sender_unit);
    m_running = &r;
    enum vp_status status = VP_OK;
    if (op.kind == op_kind::send) {
        status = uintr_send(m_u, s.posts[agent], &fault);
    } else if (op.kind == op_kind::notify) {
        status = notify(m_u, &r, &fault);
    } else if (op.kind == op_kind::deliver) {
        status = uintr_deliver(m_u, &regs, 48, &fault);
    } else {
        regs.rsp += 8; // the handler has popped the vector
        status = uintr_uiret(m_u, &regs, 48, &fault);
    }
    m_running = nullptr;
    if (!r.wrong.empty())
        return r.wrong;
    if (r.stopped) {
        op.done++;
        return "";
    }
    if (status != VP_OK)
        return text("vector %llu: a fault where none is possible", fault.vector);

    // The operation is over: its effects on the core become the state.
    std::string wrong;
    if (op.must_send)
        wrong = "ON went from 0 to 1 and no IPI was sent";
    if (unit == nullptr) { // a sender has none
        s.posts[agent]++;
    } else {
        std::uint64_t before = unit[IMAGE_RR];
        std::uint8_t bytes[UINTR_XSAVE_SIZE];
        uintr_xsave(m_u, bytes);
        std::memcpy(unit, bytes, sizeof bytes);
        s.rip = regs.rip;
        s.rsp = regs.rsp;
        if (op.kind == op_kind::deliver) {
            std::uint64_t vector = s.stack[0], bit = UINT64_C(1) << vector;
            say(label, text("core %llu: vector %llu is delivered", agent - SENDERS, vector));
            if (!(s.owed & bit) || !(before & bit))
                wrong = text("vector %llu delivered without a post", vector);
            if (!(s.pir & bit))
                s.owed &= ~bit;
        } else if (op.kind == op_kind::uiret) {
            std::memset(s.stack, 0, sizeof s.stack);
            if (s.rip != USER_RIP || s.rsp != STACK_TOP)
                wrong = "UIRET did not return to where the thread was";
        }
    }
    std::memset(&op, 0, sizeof op);
    return wrong;
}

// After every step. `owed` is what was posted and not yet delivered: exactly that must be in PIR or in a UIRR.
std::string race_machine::check(const state &s) const
{
    const std::uint64_t want = NV << 16 | s.ndst << 32 | s.sn << 1;
    if ((s.control & ~ON) != want)
        return text("UPID fields are %llx, the kernel wrote %llx", s.control & ~ON, want);
    std::uint64_t held = s.pir | s.saved[IMAGE_RR];
    for (unsigned c = 0; c < CORES; c++) {
        if (s.op[SENDERS + c].kind == op_kind::notify)
            return ""; // between PIR and UIRR
        held |= s.core[c].unit[IMAGE_RR];
    }
    if ((s.owed & ~held) != 0)
        return text("posted vector lost: %llx posted, %llx in PIR or UIRR", s.owed, held);
    if ((held & ~s.owed) != 0)
        return text("request without a post: %llx in PIR or UIRR, %llx posted", held, s.owed);
    return "";
}

// Nothing can happen any more: the thread is in user mode with UIF = 1, so nothing may be waiting.
std::string race_machine::check_final(const state &s) const
{
    unsigned users = 0;
    for (unsigned c = 0; c < CORES; c++) {
        if (s.core[c].mode != core_mode::user)
            continue;
        users++;
        if (!image_uif(s.core[c].unit) || s.core[c].unit[IMAGE_RR] != 0)
            return "the thread ends with UIF = 0 or a request in UIRR";
    }
    if (users != 1)
        return "the thread does not run at the end";
    if (s.pir != 0 || s.owed != 0)
        return text("posted vector never delivered: PIR = %llx, nobody is on the way", s.pir);
    if (s.control & (ON | SN))
        return text("the receiver is deaf: the UPID ends as %llx, later posts would send nothing", s.control);
    return "";
}

} // namespace explore
