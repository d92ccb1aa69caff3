// SPDX-License-Identifier: Apache-2.0
// Runs one case on the host processor and on the core and compares registers, flags, vector state, memory and faults.
// What differs is shrunk and reported with all that is needed to see it again.
#ifndef ORACLE_JUDGE_H
#define ORACLE_JUDGE_H

#include "native_fx.h"
#include "oracle_guest.h"
#include "oracle_ledger.h"
#include "oracle_shrink.h"

#include <functional>
#include <iterator>
#include <memory>

// What is not compared, and why it must not be: by form.
struct oracle_rules {
    std::string name;
    std::uint64_t flags = STATUS;
    std::function<std::uint64_t(const oracle_case &)> flags_by = nullptr; // instead of `flags`
    // Before the comparison: makes equal what the manual leaves open or the host does otherwise. Memory too.
    std::function<void(const oracle_case &, outcome &want, outcome &got, oracle_guest &)> settle = nullptr;
    // More to compare.
    std::function<std::string(const oracle_case &, const outcome &want, const outcome &got)> compare_more = nullptr;
};

class oracle_judge
{
  public:
    explicit oracle_judge(bool with_fx) : m_with_fx(with_fx), m_random(oracle_options::get().seed)
    {
        if (!is_usable())
            return;
        for (const auto &area : native_cpu::AREAS)
            for (std::uint64_t i = 0; area.writable && i < area.size; i++)
                *native_cpu::at(area.start + i) = static_cast<std::uint8_t>(m_random.bits());
        save(m_before);
        for (auto &guest : m_guests)
            restore(*guest, m_before);
    }

    bool is_usable() const { return m_native.is_usable(); }
    std::uint64_t code() const { return m_with_fx ? native_fx::INSN : native_cpu::CODE; }
    random_source &random() { return m_random; }
    oracle_guest &guest(flavour f) { return *m_guests[static_cast<unsigned>(f)]; }

    void load(const instruction &in)
    {
        if (m_with_fx)
            m_native.set_code(in.bytes);
        else
            m_native.cpu().set_code(in.bytes);
        for (auto &guest : m_guests)
            guest->load(code(), in.bytes);
    }

    // Puts bytes at an address of the data, on both sides.
    void put(std::uint64_t address, const void *bytes, std::size_t size)
    {
        std::memcpy(native_cpu::at(address), bytes, size);
        std::memcpy(m_guests[0]->at(address), bytes, size);
    }

    // The plain flavour of the core's handlers, or all of them. False if something differed.
    bool check(const oracle_rules &rules, oracle_case &c, bool all)
    {
        save(m_before);
        const outcome want = run_native(c);
        auto &form = oracle_ledger::get().at(rules.name);
        form.cases++;
        form.faults += want.vector >= 0;
        // The timed one twice: then the timing model knows the instruction's lines.
        static constexpr flavour order[] = {flavour::plain, flavour::observed, flavour::timed, flavour::timed};
        for (unsigned i = 0; i < (all ? std::size(order) : 1); i++) {
            const auto g = static_cast<unsigned>(order[i]);
            if (i > 0)
                restore(*m_guests[g], m_before);
            const std::string what = compare(rules, c, want, *m_guests[g]);
            // The host judges the instructions that it has completed; a fault says little about the rest of them.
            cpu *core = m_guests[g]->machine().core();
            if (what.empty() && want.vector < 0)
                opcode_coverage::note(core);
            else
                opcode_coverage::forget(core);
            if (what.empty())
                continue;
            report(rules, c, order[i], what);
            save(m_before); // what the last native run left
            restore(*m_guests[0], m_before);
            return false;
        }
        return true;
    }

    // For the test of the tests: changes what the core answered; takes the report instead of failing.
    std::function<void(const oracle_case &, outcome &got)> distort = nullptr;
    std::function<void(const oracle_case &shrunk, const std::string &text)> on_report = nullptr;

  private:
    using image = std::vector<std::uint8_t>;

    static void save(image &memory)
    {
        memory.resize(memory_size());
        std::uint8_t *to = memory.data();
        for (const auto &area : native_cpu::AREAS) {
            std::memcpy(to, native_cpu::at(area.start), area.size);
            to += area.size;
        }
    }
    static void restore(oracle_guest &guest, const image &memory)
    {
        const std::uint8_t *from = memory.data();
        for (const auto &area : native_cpu::AREAS) {
            std::memcpy(guest.at(area.start), from, area.size);
            from += area.size;
        }
    }
    static void restore_native(const image &memory)
    {
        const std::uint8_t *from = memory.data();
        for (const auto &area : native_cpu::AREAS) {
            if (area.writable)
                std::memcpy(native_cpu::at(area.start), from, area.size);
            from += area.size;
        }
    }

    outcome run_native(const oracle_case &c)
    {
        outcome o;
        o.state = c.state;
        bool taken = false, completed;
        if (m_with_fx) {
            o.fx = c.fx;
            completed = m_native.run(o.state, o.fx);
        } else {
            completed = m_native.cpu().run(o.state, taken);
        }
        o.rip = taken ? native_cpu::TAKEN : code() + c.insn.bytes.size();
        if (!completed) {
            const native_fault &f = native_cpu::fault();
            o.vector = f.vector;
            o.error = f.error;
            o.address = f.vector == 14 ? f.address : 0;
            o.rip = f.rip;
        }
        return o;
    }

    std::string compare(const oracle_rules &rules, const oracle_case &c, outcome want, oracle_guest &guest)
    {
        outcome got = guest.run(c, m_with_fx);
        if (distort)
            distort(c, got);
        if (rules.settle)
            rules.settle(c, want, got, guest);
        std::string what;
        if (!got.stopped)
            what += " did not stop;";
        if (got.vector != want.vector)
            what += text(" vector %ld expected %ld;", got.vector, want.vector);
        if (got.rip != want.rip)
            what += text(" went to %lx instead of %lx;", got.rip, want.rip);
        if (got.error != want.error || got.address != want.address)
            what += text(" error code %lx expected %lx, CR2 %lx expected %lx;", got.error, want.error, got.address,
                         want.address);
        std::uint64_t flags = want.vector >= 0 ? STATUS : rules.flags_by ? rules.flags_by(c) : rules.flags;
        what += register_differences(got, want, flags);
        if (m_with_fx)
            what += fx_differences(got.fx, want.fx);
        if (rules.compare_more)
            what += rules.compare_more(c, want, got);
        for (const auto &area : native_cpu::AREAS)
            if (std::memcmp(guest.at(area.start), native_cpu::at(area.start), area.size) != 0)
                what += memory_differences(guest, area);
        return what;
    }

    static std::string memory_differences(oracle_guest &guest, const struct native_cpu::area &area)
    {
        std::string what;
        unsigned listed = 0;
        for (std::uint64_t a = area.start; a < area.start + area.size && listed < 16; a++)
            if (*guest.at(a) != *native_cpu::at(a)) {
                what += text(" byte at %lx is %lx expected %lx;", a, *guest.at(a), *native_cpu::at(a));
                listed++;
            }
        return what;
    }

    // What kind of mismatch it is: the words before the first number; a vector with its number.
    static std::string kind_of(const std::string &what)
    {
        return what.substr(0, what.rfind(" vector", 0) == 0 ? what.find(';') : what.find_first_of("0123456789"));
    }

    void report(const oracle_rules &rules, const oracle_case &c, flavour f, const std::string &what)
    {
        oracle_ledger::get().note_mismatch();
        oracle_case small = c;
        small.memory = m_before;
        oracle_guest &guest = this->guest(f);
        std::string last = what;
        auto mismatch = [&](const oracle_case &tried) {
            restore_native(tried.memory);
            restore(guest, tried.memory);
            const outcome want = run_native(tried);
            // Elsewhere than in the pages that both have.
            if (want.vector == 14 && want.address - native_cpu::BASE >= native_cpu::SIZE)
                return std::string();
            return compare(rules, tried, want, guest);
        };
        bool repeats = kind_of(mismatch(small)) == kind_of(what);
        if (repeats)
            oracle_shrinker(small, m_with_fx, [&](const oracle_case &tried) {
                std::string now = mismatch(tried);
                bool same = kind_of(now) == kind_of(what);
                if (same)
                    last = now;
                return same;
            }).run();
        std::string bytes;
        for (auto b : c.insn.bytes)
            bytes += text("%02lx ", b);
        static const char *const names[FLAVOURS] = {": ", " (observed): ", " (timed): "};
        std::string all = rules.name + names[static_cast<unsigned>(f)] + bytes + "at " + text("%lx", c.code) +
                          ", seed " + std::to_string(oracle_options::get().seed) + "\n " + what +
                          "\n  before: " + describe(c, m_with_fx) +
                          (repeats ? "\n  shrunk:" + last + "\n  before: " + describe(small, m_with_fx)
                                   : "\n  which the same case did not show a second time");
        if (on_report)
            on_report(small, all);
        else
            ADD_FAILURE() << all;
    }

    const bool m_with_fx;
    native_fx m_native;
    std::unique_ptr<oracle_guest> m_guests[FLAVOURS] = {std::make_unique<oracle_guest>(flavour::plain),
                                                        std::make_unique<oracle_guest>(flavour::observed),
                                                        std::make_unique<oracle_guest>(flavour::timed)};
    random_source m_random;
    image m_before;
};

#endif
