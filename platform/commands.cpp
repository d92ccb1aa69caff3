// SPDX-License-Identifier: Apache-2.0
// See commands.h.
#include "commands.h"

#include "config/user_error.h"
#include "output_files.h"
#include "platform.h"
#include "quantum_check.h"
#include "study/study_command.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <new>
#include <unistd.h>

namespace vp
{

namespace
{

// SystemC speaks to stdout, which belongs to the guest. Errors stay exceptions.
void report_to_stderr(const sc_core::sc_report &report, const sc_core::sc_actions &actions)
{
    if (report.get_severity() != sc_core::SC_INFO && (actions & sc_core::SC_DISPLAY) != 0)
        std::fprintf(stderr, "uintr-vp: %s: %s\n", report.get_msg_type(), report.get_msg());
    if ((actions & sc_core::SC_THROW) != 0)
        throw report;
    if ((actions & sc_core::SC_ABORT) != 0)
        throw std::runtime_error(report.what());
}

void print_end(const platform &p, const run_options &options)
{
    const run_end &end = p.end();
    switch (end.reason) {
    case end_reason::guest_exit:
        if (end.value > EXIT_LARGEST_GUEST)
            std::fprintf(stderr, "uintr-vp: the guest wrote %u to the exit port; values above 123 become 123\n",
                         end.value);
        break;
    case end_reason::max_time: std::fprintf(stderr, "uintr-vp: stopped: --max-time reached\n"); break;
    case end_reason::max_insns:
        std::fprintf(stderr, "uintr-vp: stopped: --max-insns %llu reached\n",
                     static_cast<unsigned long long>(options.max_insns));
        break;
    case end_reason::end_of_time:
        std::fprintf(stderr, "uintr-vp: stopped: simulated time ends at %s\n", format_time(LONGEST_TIME_PS).c_str());
        break;
    case end_reason::interrupted: std::fprintf(stderr, "uintr-vp: stopped: interrupted by the user\n"); break;
    case end_reason::console: std::fprintf(stderr, "uintr-vp: stopped: ended at the console\n"); break;
    case end_reason::shutdown:
    case end_reason::all_idle:
        std::fprintf(stderr, "uintr-vp: the guest cannot go on: %s", p.why_stuck().c_str());
        break;
    case end_reason::none: break;
    }
}

void print_summary(const platform &p, const configuration &config, const run_options &options)
{
    const std::string table = p.stages().table(config.integer("cpu.clock_hz"));
    if (!table.empty())
        std::fprintf(stderr, "\nuser interrupts, stage by stage (timing model '%s')\n%s", config.timing_model()->name,
                     table.c_str());
    const double seconds = p.host_seconds();
    const double mips = seconds > 0 ? static_cast<double>(p.instructions()) / seconds / 1e6 : 0;
    std::fprintf(stderr, "\nsimulated time %s, %s instructions, %.2f s on the host, %.1f MIPS\n",
                 format_time(p.time_ps()).c_str(), format_count(p.instructions()).c_str(), seconds, mips);
    if (!options.stats_path.empty())
        std::fprintf(stderr, "statistics: %s\n", options.stats_path.c_str());
    if (!options.trace_path.empty())
        std::fprintf(stderr,
                     "timeline: %s - open it at https://ui.perfetto.dev (\"Open trace file\") or in chrome://tracing\n",
                     options.trace_path.c_str());
    if (!options.itrace_path.empty())
        std::fprintf(stderr, "instructions: %s\n", options.itrace_path.c_str());
    if (!options.opcodes_path.empty())
        std::fprintf(stderr, "encodings: %s\n", options.opcodes_path.c_str());
}

int simulate(const command_line &command, const configuration &config, const volatile std::sig_atomic_t *interrupted)
{
    sc_core::sc_report_handler::set_handler(report_to_stderr);
    const run_options &options = command.run;
    if (options.verbose)
        std::fprintf(stderr, "%s\n", config.print().c_str());

    check_output_files(command, config);
    if (!options.stats_path.empty())
        stat_tree::check_writable(options.stats_path);
    platform p("platform", config, options, stdout, interrupted);
    p.boot();
    p.simulate();
    p.close_traces();
    p.save_disk();
    print_end(p, options);
    if (!options.stats_path.empty())
        p.statistics().write(options.stats_path);
    if (!options.state_path.empty())
        p.write_state(options.state_path);
    if (!options.quiet)
        print_summary(p, config, options);
    return exit_status_of(p.end(), options.qemu_exit_status);
}

std::string model_text(const struct timing_model &m)
{
    std::string out = fmt::format("{}: {}\n", m.name, m.summary);
    for (std::size_t i = 0; i < m.param_count; i++) {
        const struct timing_param &p = m.params[i];
        const std::vector<std::string> choices = timing_choices(p);
        if (!choices.empty()) {
            std::string list;
            for (const std::string &c : choices)
                list += (list.empty() ? "" : ", ") + c;
            out += fmt::format("  timing.{} = {}   one of: {}\n      {}\n      source: {}\n", p.name,
                               choices.at(static_cast<std::size_t>(p.default_value)), list, p.sentence, p.source);
            continue;
        }
        out += fmt::format("  timing.{} = {}{}{}   range {} to {}\n      {}\n      source: {}\n", p.name,
                           p.default_value, *p.unit != '\0' ? " " : "", p.unit, p.min, p.max, p.sentence, p.source);
    }
    if (m.param_count == 0)
        out += "  (no parameters)\n";
    return out;
}

int dispatch(const std::vector<std::string> &arguments, const volatile std::sig_atomic_t *interrupted)
{
    const parsed_arguments parsed = parse_arguments(arguments);
    if (!parsed.command) {
        std::fputs(parsed.output.c_str(), stdout);
        return 0;
    }
    const command_line &command = *parsed.command;
    if (command.what == command_line::verb::study)
        return run_study(command.study, profile_directories(), interrupted);
    const std::unique_ptr<configuration> config = configure(command);
    switch (command.what) {
    case command_line::verb::run:
        if (!command.run.quantum_check)
            return simulate(command, *config, interrupted);
        if (config->text("block.writes") == "keep")
            throw user_error("--quantum-check: makes two runs; block.writes = keep cannot go with it");
        return run_quantum_check(arguments, interrupted);
    case command_line::verb::models: std::fputs(print_models(*config).c_str(), stdout); return 0;
    case command_line::verb::config: std::fputs(config->print().c_str(), stdout); return 0;
    case command_line::verb::study: break;
    }
    return EXIT_INTERNAL;
}

} // namespace

std::vector<std::string> profile_directories()
{
    std::vector<std::string> directories;
    std::array<char, 4096> exe{};
    ssize_t length = readlink("/proc/self/exe", exe.data(), exe.size() - 1);
    if (length > 0) {
        std::string path(exe.data(), static_cast<std::size_t>(length));
        directories.push_back(path.substr(0, path.rfind('/')) + "/../share/uintr-vp/profiles");
    }
    directories.emplace_back(UINTR_VP_PROFILE_DIR); // the source tree it was built from
    return directories;
}

std::unique_ptr<configuration> configure(const command_line &command)
{
    std::vector<assignment> layers;
    auto append = [&layers](const std::vector<assignment> &more) {
        layers.insert(layers.end(), more.begin(), more.end());
    };
    if (!command.profile.empty())
        append(read_toml(find_profile(command.profile, profile_directories()), true, profile_directories()));
    for (const std::string &file : command.config_files)
        append(read_toml(file, false));
    append(command.assignments);
    return std::make_unique<configuration>(layers);
}

std::string print_models(const configuration &config)
{
    std::string out;
    bool chosen_is_builtin = false;
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++) {
        out += (i == 0 ? "" : "\n") + model_text(*timing_builtin(i));
        chosen_is_builtin = chosen_is_builtin || timing_builtin(i) == config.timing_model();
    }
    if (!chosen_is_builtin)
        out += "\n" + model_text(*config.timing_model());
    return out;
}

int run_program(const std::vector<std::string> &arguments, const volatile std::sig_atomic_t *interrupted)
{
    try {
        return dispatch(arguments, interrupted);
    } catch (const user_error &e) {
        std::fprintf(stderr, "uintr-vp: error: %s\n", e.what());
        return EXIT_USER_ERROR;
    } catch (const std::bad_alloc &) {
        std::fprintf(
            stderr, "uintr-vp: error: this host has too little memory for the configuration (platform.memory_bytes)\n");
        return EXIT_USER_ERROR;
    } catch (const std::exception &e) {
        std::fprintf(stderr, "uintr-vp: internal error: %s\n", e.what());
        return EXIT_INTERNAL;
    }
}

} // namespace vp
