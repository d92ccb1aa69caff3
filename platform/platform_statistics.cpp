// SPDX-License-Identifier: Apache-2.0
// What a platform tells after its run: the statistics tree (names are a contract: design, section "Statistics") and the
// registers of a guest that cannot go on.
#include "config/crash_guard.h"
#include "config/user_error.h"
#include "platform.h"
#include "statistics/reported_stats.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>

namespace vp
{

namespace
{

// Counters of a .def list, under prefix; "uintr_sent" becomes "uintr.sent".
void add_counter(stat_tree &tree, const std::string &prefix, std::string name, std::uint64_t value, const char *unit,
                 const char *sentence)
{
    if (name.compare(0, 6, "uintr_") == 0)
        name[5] = '.';
    tree.add(prefix + "." + name, value, unit, sentence);
}

void put_timing_value(void *ctx, const char *name, double value, const char *unit, const char *sentence)
{
    static_cast<reported_stats *>(ctx)->put(name, value, unit, sentence);
}

const char *mnemonic(unsigned vector)
{
    switch (vector) {
    case 0: return "#DE";
    case 6: return "#UD";
    case 8: return "#DF";
    case 10: return "#TS";
    case 11: return "#NP";
    case 12: return "#SS";
    case 13: return "#GP";
    case 14: return "#PF";
    default: return "exception";
    }
}

std::string register_text(std::uint32_t index, const struct cpu_regs &r, bool waiting)
{
    static constexpr const char *NAMES[16] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                              "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
    std::string out = fmt::format("core {}: RIP {:016x} CPL {} {}-bit RFLAGS {:08x}{}\n", index, r.rip, r.cpl,
                                  r.mode_bits, r.rflags, waiting ? " waiting" : "");
    for (unsigned i = 0; i < 16; i++)
        out += fmt::format("{}{} {:016x}{}", i % 4 == 0 ? "  " : "", NAMES[i], r.gpr[i], i % 4 == 3 ? "\n" : " ");
    out += fmt::format("  CS {:04x} SS {:04x} DS {:04x} ES {:04x} FS {:04x} GS {:04x} FS.base {:x} GS.base {:x}\n",
                       r.cs, r.ss, r.ds, r.es, r.fs, r.gs, r.fs_base, r.gs_base);
    out += fmt::format("  CR0 {:x} CR2 {:x} CR3 {:x} CR4 {:x} EFER {:x}\n", r.cr0, r.cr2, r.cr3, r.cr4, r.efer);
    return out;
}

} // namespace

stat_tree platform::statistics() const
{
    stat_tree tree;
    report_sim(tree);
    report_config(tree);
    report_cores(tree);
    report_apics(tree);
    report_uintr(tree);
    report_rest(tree);
    report_block(tree);
    return tree;
}

void platform::report_sim(stat_tree &tree) const
{
    const double mips = m_host_seconds > 0 ? static_cast<double>(instructions()) / m_host_seconds / 1e6 : 0;
    tree.add("sim.time_ps", time_ps(), "ps", "Simulated time at the end of the run");
    tree.add("sim.host_seconds", m_host_seconds, "s", "Host time that the simulation took");
    tree.add("sim.instructions", instructions(), "instructions", "Instructions retired by all cores");
    tree.add("sim.mips", mips, "MIPS", "Instructions per host microsecond");
    tree.add("sim.exit_status", static_cast<std::uint64_t>(exit_status_of(m_end, m_options.qemu_exit_status)), "",
             "Exit status of the simulator");
    tree.add("sim.exit_reason", std::string(reason_name(m_end.reason)), "", "Why the run ended");
}

void platform::report_config(stat_tree &tree) const
{
    for (const config_entry &e : m_config.entries())
        std::visit([&](const auto &v) { tree.add("config." + e.key.name, v, e.key.unit, e.key.sentence); }, e.value);
}

void platform::report_cores(stat_tree &tree) const
{
    for (std::uint32_t i = 0; i < m_core_count; i++) {
        const struct cpu_stats &s = *cpu_stats(m_cores[i]->core());
        const std::string prefix = fmt::format("cores[{}]", i);
#define CPU_STAT(name, unit, sentence) add_counter(tree, prefix, #name, s.name, unit, sentence);
#include "cpu_stats.def"
#undef CPU_STAT
    }
}

void platform::report_apics(stat_tree &tree) const
{
    for (std::uint32_t i = 0; i < m_core_count; i++) {
        const std::string prefix = fmt::format("apics[{}]", i);
        const struct lapic_stats &s = m_lapics[i]->stats();
        const struct lapic_shell_stats &shell = m_lapics[i]->shell_stats();
#define LAPIC_STAT(name, unit, sentence) add_counter(tree, prefix, #name, s.name, unit, sentence);
#include "lapic_stats.def"
#undef LAPIC_STAT
#define LAPIC_SHELL_STAT(name, unit, sentence) add_counter(tree, prefix, #name, shell.name, unit, sentence);
#include "lapic_shell_stats.def"
#undef LAPIC_SHELL_STAT
    }
}

void platform::report_uintr(stat_tree &tree) const
{
    m_stages.report(tree);
    const struct uintr_track_stats t = m_uintr.total_stats();
    tree.add("uintr.posted", t.posted, "interrupts", "SENDUIPI that updated a UPID");
    tree.add("uintr.sent", t.sent, "interrupts", "Posts that sent a notification");
    tree.add("uintr.coalesced", t.coalesced, "interrupts", "Posts that found UPID.ON set");
    tree.add("uintr.suppressed", t.suppressed, "interrupts", "Posts that found UPID.SN set");
    tree.add("uintr.merged", t.merged, "interrupts", "Posts merged into an undelivered one of the same vector");
    tree.add("uintr.delivered", t.delivered, "interrupts", "User interrupts delivered");
    tree.add("uintr.returned", t.returned, "interrupts", "User interrupts whose handler returned by UIRET");
    tree.add("uintr.untracked", t.untracked, "interrupts", "Delivered without a SENDUIPI that was seen");
    tree.add("uintr.undelivered", m_stages.undelivered(), "interrupts", "Posted but not delivered when the run ended");
    if (m_lint)
        tree.add("uintr.lint_warnings", m_lint->warnings(), "warnings",
                 "Places in the guest that --lint uintr told of");
}

void platform::report_rest(stat_tree &tree) const
{
    const struct interconnect_stats &ic = m_interconnect->stats();
#define INTERCONNECT_STAT(name, unit, sentence) add_counter(tree, "interconnect", #name, ic.name, unit, sentence);
#include "interconnect_stats.def"
#undef INTERCONNECT_STAT
    const struct mem_stats &mem = *mem_stats(m_ram_core);
#define MEM_STAT(name, unit, sentence) add_counter(tree, "memory", #name, mem.name, unit, sentence);
#include "mem_stats.def"
#undef MEM_STAT
    tree.add("quantum.late_arrivals", m_keeper.stats().late_arrivals, "messages",
             "Arrivals that a core had passed already: only with a quantum longer than the lookahead");
    tree.add("quantum.worst_late_cycles", m_keeper.stats().worst_late_cycles, "cycles", "The latest of them");
    tree.add_section("timing");
    report_timing(tree);
}

void platform::report_timing(stat_tree &tree) const
{
    if (m_timing.model.model->report == nullptr)
        return;
    reported_stats reported(tree, "timing");
    const std::string &chosen = m_timing.name;
    crash_guard::call("timing model " + chosen, "in report",
                      [&] { m_timing.model.model->report(m_timing.model.self, &reported, put_timing_value); });
    if (!reported.mistake().empty())
        throw user_error(fmt::format("timing model {}: hook report: {}", chosen, reported.mistake()));
}

std::string platform::why_stuck() const
{
    std::string out;
    if (m_end.reason == end_reason::shutdown) {
        const struct vp_fault &fault = *cpu_last_fault(m_cores[m_end.value]->core());
        struct cpu_regs regs = {};
        cpu_get_regs(m_cores[m_end.value]->core(), &regs);
        out = fmt::format("triple fault on core {} at cycle {}: last exception {} (vector {})", m_end.value,
                          m_end.cycle, mnemonic(fault.vector), fault.vector);
        if (fault.has_error_code)
            out += fmt::format(", error code {:#x}", fault.error_code);
        if (fault.vector == 14)
            out += fmt::format(", address {:#x}", fault.address);
        out += fmt::format(", RIP {:#x}\n", regs.rip);
    } else {
        out = fmt::format("all cores idle for ever since cycle {}: RIP", m_end.cycle);
        for (std::uint32_t i = 0; i < m_core_count; i++) {
            struct cpu_regs regs = {};
            cpu_get_regs(m_cores[i]->core(), &regs);
            out += fmt::format("{} {:#x} (core {})", i == 0 ? "" : ",", regs.rip, i);
        }
        out += '\n';
    }
    for (std::uint32_t i = 0; i < m_core_count; i++) {
        struct cpu_regs regs = {};
        cpu_get_regs(m_cores[i]->core(), &regs);
        out += register_text(i, regs, cpu_is_waiting(m_cores[i]->core()));
    }
    return out;
}

// Two runs that end in the same state write the same file: nothing in it depends on time.
void platform::write_state(const std::string &path) const
{
    std::string text;
    for (std::uint32_t i = 0; i < m_core_count; i++) {
        struct cpu_regs regs = {};
        cpu_get_regs(m_cores[i]->core(), &regs);
        text += register_text(i, regs, cpu_is_waiting(m_cores[i]->core()));
    }
    // FNV-1a, by words of eight bytes: RAM is a multiple of pages.
    std::uint64_t digest = 0xcbf29ce484222325;
    const std::uint8_t *bytes = mem_bytes(m_ram_core);
    for (std::uint64_t at = 0; at < mem_size(m_ram_core); at += sizeof digest) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, sizeof word);
        digest = (digest ^ word) * 0x100000001b3;
        digest ^= digest >> 32;
    }
    text += fmt::format("memory {} bytes, digest {:016x}\n", mem_size(m_ram_core), digest);
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file)
        throw user_error(fmt::format("--state: {} cannot be written", path));
}

} // namespace vp
