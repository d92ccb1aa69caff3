// SPDX-License-Identifier: Apache-2.0
// The unit's callbacks as steps, and the notifications that are wrong on purpose.
#include "race_run.h"

#include <cstdio>

namespace explore
{

void race_machine::run::say(const char *what, std::uint64_t value)
{
    if (!label)
        return;
    char line[120];
    std::snprintf(line, sizeof line, "%s %u: %s %llx", is_sender() ? "sender" : "core",
                  is_sender() ? agent : agent - SENDERS, what, static_cast<unsigned long long>(value));
    *label = line;
}

// Sender 0 posts vectors 1, 2, 1, 2, sender 1 posts 2, 1, 2, 1: every vector is posted by both.
enum vp_status race_machine::run::load_entry(std::uint64_t la, void *bytes)
{
    gate g = next();
    if (g == STOP)
        return VP_FAULT;
    const std::uint64_t vector = 1 + (((la - UITT_LA) / 16 + agent) & 1);
    const std::uint64_t entry[2] = {1 | vector << 8, UPID_LA};
    std::memcpy(bytes, entry, sizeof entry);
    if (g == LIVE)
        say("SENDUIPI reads its table: vector", vector);
    return VP_OK;
}

// Bookkeeping of a post that has just been stored; before is the UPID that a locked access would have found.
void race_machine::run::posted(const std::uint64_t before[2])
{
    const std::uint64_t vector = 1 + ((world.posts[agent] + agent) & 1);
    world.owed |= UINT64_C(1) << vector;
    op.must_send = !(before[0] & ON) && (world.control & ON);
}

enum vp_status race_machine::run::store_half(uintr_modify_fn *fn, void *arg, const std::uint64_t loaded[2])
{
    const std::uint64_t before[2] = {world.control, world.pir};
    std::uint64_t whole[2] = {world.control, world.pir}, bytes[2] = {loaded[0], loaded[1]};
    fn(arg, whole);
    fn(arg, bytes);
    world.control = bytes[0];
    world.pir = bytes[1];
    say("SENDUIPI stores the UPID, PIR", bytes[1]);
    posted(before);
    if (bytes[0] != whole[0] || bytes[1] != whole[1])
        wrong = "UPID overwritten by stale data";
    return VP_OK;
}

enum vp_status race_machine::run::modify(uintr_modify_fn *fn, void *arg)
{
    gate g = next();
    if (g == STOP)
        return VP_FAULT;
    std::uint64_t *was = answer();
    if (g == LIVE) {
        was[0] = world.control;
        was[1] = world.pir;
    }
    std::uint64_t bytes[2] = {was[0], was[1]};
    if (is_sender() && how.split_post) {
        if (g == LIVE)
            say("SENDUIPI loads the UPID without a lock, PIR", was[1]);
        gate second = next();
        if (second == STOP)
            return VP_FAULT;
        if (second == LIVE)
            return store_half(fn, arg, was);
        fn(arg, bytes);
        return VP_OK;
    }
    fn(arg, bytes);
    if (g == REPLAY)
        return VP_OK;
    world.control = bytes[0];
    world.pir = bytes[1];
    if (is_sender()) {
        say("SENDUIPI posts, ON SN were", was[0] & (ON | SN));
        posted(was);
    } else {
        say("notification: locked access, PIR was", was[1]);
    }
    return VP_OK;
}

void race_machine::run::send_ipi(std::uint32_t ndst, std::uint8_t nv)
{
    gate g = next();
    if (g != LIVE)
        return;
    say("SENDUIPI sends the IPI to core", ndst);
    if (nv != NV || ndst >= CORES)
        wrong = "an IPI with a vector or destination that nobody wrote";
    else if (!op.must_send)
        wrong = "more than one IPI for one change of ON from 0 to 1";
    else
        world.in_flight[ndst]++;
    op.must_send = 0;
}

void race_machine::run::eoi()
{
    if (next() == LIVE)
        say("notification: EOI of", NV);
}

enum vp_status race_machine::run::push(std::uint64_t la, std::uint64_t value)
{
    gate g = next();
    if (g == STOP)
        return VP_FAULT;
    if (g == LIVE) {
        if (la < STACK_LOW || la >= STACK_LOW + 32)
            wrong = "a push outside the frame";
        else
            world.stack[(la - STACK_LOW) / 8] = value;
        say("delivery pushes", value);
    }
    return VP_OK;
}

enum vp_status race_machine::run::pop(std::uint64_t la, std::uint64_t *value)
{
    gate g = next();
    if (g == STOP)
        return VP_FAULT;
    if (g == LIVE) {
        answer()[0] = world.stack[(la - STACK_LOW) / 8 % 4];
        say("UIRET pops", answer()[0]);
    }
    *value = answer()[0];
    return VP_OK;
}

struct uintr_bus race_machine::make_bus()
{
    struct uintr_bus bus = {};
    bus.load_supervisor = [](void *ctx, std::uint64_t la, void *bytes, std::uint32_t, struct vp_fault *) {
        return static_cast<race_machine *>(ctx)->m_running->load_entry(la, bytes);
    };
    bus.modify_supervisor = [](void *ctx, std::uint64_t la, std::uint32_t size, uintr_modify_fn *fn, void *arg,
                               struct vp_fault *) {
        run &r = *static_cast<race_machine *>(ctx)->m_running;
        if (la != UPID_LA || size != 16)
            r.wrong = "a notification or post that accesses another thread's UPID";
        return r.modify(fn, arg);
    };
    bus.load_stack = [](void *ctx, std::uint64_t la, std::uint64_t *value, struct vp_fault *) {
        return static_cast<race_machine *>(ctx)->m_running->pop(la, value);
    };
    bus.store_stack = [](void *ctx, std::uint64_t la, std::uint64_t value, struct vp_fault *) {
        return static_cast<race_machine *>(ctx)->m_running->push(la, value);
    };
    bus.send_ipi = [](void *ctx, std::uint32_t ndst, std::uint8_t nv) {
        static_cast<race_machine *>(ctx)->m_running->send_ipi(ndst, nv);
    };
    bus.eoi = [](void *ctx) { static_cast<race_machine *>(ctx)->m_running->eoi(); };
    bus.step = [](void *, enum uintr_step, const struct uintr_step_info *) {};
    return bus;
}

namespace
{

struct taken {
    bool clear_on, take_pir;
    std::uint64_t pir;
};
bool take(void *arg, void *bytes)
{
    auto *t = static_cast<taken *>(arg);
    auto *upid = static_cast<std::uint64_t *>(bytes);
    if (t->clear_on)
        upid[0] &= ~ON;
    if (t->take_pir) {
        t->pir = upid[1];
        upid[1] = 0;
    }
    return true;
}

} // namespace

// The unit's notification, or one that somebody might have written instead.
enum vp_status race_machine::notify(struct uintr *u, run *r, struct vp_fault *fault) const
{
    if (m_variant.notify == notify_kind::core)
        return uintr_notify(u, fault);
    r->eoi();
    if (m_variant.notify == notify_kind::drop_masked && !uintr_uif(u))
        return VP_OK;
    bool one = m_variant.notify == notify_kind::assign || m_variant.notify == notify_kind::drop_masked;
    bool drain_first = m_variant.notify == notify_kind::drain_first;
    taken first = {one || !drain_first, one || drain_first, 0}, second = {drain_first, !drain_first, 0};
    if (r->modify(take, &first) != VP_OK)
        return VP_FAULT;
    if (!one && r->modify(take, &second) != VP_OK)
        return VP_FAULT;
    std::uint64_t old = m_variant.notify == notify_kind::assign ? 0 : uintr_msr_read(u, UINTR_MSR_RR);
    return uintr_msr_write(u, UINTR_MSR_RR, old | first.pir | second.pir);
}

} // namespace explore
