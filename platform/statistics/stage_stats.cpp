// SPDX-License-Identifier: Apache-2.0
// See stage_stats.h. Posts that sent no IPI (UPID.ON or SN set) have no `issue` and no `travel`: these two stages only
// count interrupts that travelled, so that their distributions show the interconnect and nothing else.
#include "stage_stats.h"

#include <fmt/format.h>

#include <stdexcept>

namespace vp
{

namespace
{

const char *stage_sentence(unsigned s)
{
    static constexpr std::array<const char *, TIMING_STAGE_COUNT> sentences{
#define TIMING_STAGE(name, from, to) "From: " from "; to: " to,
#include "timing_stage.def"
#undef TIMING_STAGE
    };
    return sentences[s];
}

std::string table_row(const std::string &name, const distribution &d, double ns_per_cycle)
{
    distribution_summary s = d.summary();
    if (s.count == 0)
        return fmt::format("  {:<11}{:>8}\n", name, 0);
    auto ns = [&](std::uint64_t cycles) { return static_cast<double>(cycles) * ns_per_cycle; };
    return fmt::format("  {:<11}{:>8}{:>10}{:>10}{:>10}{:>10}{:>12.1f}{:>10.1f}{:>10.1f}{:>10.1f}\n", name, s.count,
                       s.min, s.p50, s.p99, s.max, ns(s.min), ns(s.p50), ns(s.p99), ns(s.max));
}

} // namespace

void stage_stats::add(const struct uintr_record &r)
{
    if (r.at[UINTR_AT_DELIVERED] == 0) {
        m_undelivered++;
        return;
    }
    const bool travelled = !r.coalesced && !r.suppressed;
    std::uint64_t sum = 0;
    for (unsigned s = TIMING_STAGE_post; s <= TIMING_STAGE_deliver; s++) {
        if (r.at[s + 1] < r.at[s])
            throw std::logic_error(fmt::format("user interrupt {}: stage {} ends before it begins", r.number,
                                               timing_stage_name(static_cast<enum timing_stage>(s))));
        std::uint64_t cycles = r.at[s + 1] - r.at[s];
        sum += cycles;
        if (travelled || (s != TIMING_STAGE_issue && s != TIMING_STAGE_travel))
            m_stages[s].add(cycles);
    }
    const std::uint64_t whole = r.at[UINTR_AT_DELIVERED] - r.at[UINTR_AT_SEND_BEGIN];
    if (sum != whole)
        throw std::logic_error(fmt::format("user interrupt {}: the stages do not add up", r.number));
    m_end_to_end.add(whole);
    m_paths[uintr_record_path(&r)]++;
    if (r.at[UINTR_AT_UIRET_BEGIN] != 0)
        m_stages[TIMING_STAGE_handle].add(r.at[UINTR_AT_UIRET_BEGIN] - r.at[UINTR_AT_DELIVERED]);
    if (r.at[UINTR_AT_RETURNED] != 0)
        m_stages[TIMING_STAGE_return].add(r.at[UINTR_AT_RETURNED] - r.at[UINTR_AT_UIRET_BEGIN]);
}

void stage_stats::report(stat_tree &tree) const
{
    for (unsigned s = 0; s < TIMING_STAGE_COUNT; s++)
        m_stages[s].report(tree, std::string("uintr.stages.") + timing_stage_name(static_cast<enum timing_stage>(s)),
                           "interrupts", "cycles", stage_sentence(s));
    m_end_to_end.report(tree, "uintr.stages.end_to_end", "interrupts", "cycles",
                        "From: SENDUIPI begins; to: first instruction of the handler");
    tree.add("uintr.path.direct", of_path(UINTR_PATH_DIRECT), "interrupts",
             "Delivered with no kernel code on the receiver's core since the post");
    tree.add("uintr.path.resume", of_path(UINTR_PATH_RESUME), "interrupts",
             "Delivered after an IPI that the receiver's core sent to itself, as kernels do on resume");
    tree.add("uintr.path.wake", of_path(UINTR_PATH_WAKE), "interrupts",
             "Delivered after the kernel woke the receiver (told at the trace port)");
    tree.add("uintr.path.held", of_path(UINTR_PATH_HELD), "interrupts",
             "Delivered without such help, but kernel code ran on the receiver's core since the post");
}

std::string stage_stats::table(std::uint64_t clock_hz) const
{
    if (m_end_to_end.count() == 0)
        return "";
    const double ns = 1e9 / static_cast<double>(clock_hz);
    std::string out = fmt::format("  {:<11}{:>8}{:>10}{:>10}{:>10}{:>10}{:>12}{:>10}{:>10}{:>10}\n", "stage", "count",
                                  "min", "median", "p99", "max", "min", "median", "p99", "max");
    out += fmt::format("  {:<11}{:>8}{:>40}{:>42}\n", "", "", "---------- cycles ----------",
                       fmt::format("------ ns at {:g} GHz ------", static_cast<double>(clock_hz) / 1e9));
    for (unsigned s = 0; s < TIMING_STAGE_COUNT; s++) {
        out += table_row(timing_stage_name(static_cast<enum timing_stage>(s)), m_stages[s], ns);
        if (s == TIMING_STAGE_deliver)
            out += table_row("end_to_end", m_end_to_end, ns);
    }
    return out;
}

} // namespace vp
