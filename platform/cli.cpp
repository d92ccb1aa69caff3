// SPDX-License-Identifier: Apache-2.0
// See cli.h. CLI11 does the splitting and the help; errors become one line with a suggestion.
#include "cli.h"

#include "config/units.h"
#include "config/user_error.h"
#include "statistics/stat_tree.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

namespace vp
{

namespace
{

// An option that is short for a key, so that both ways of setting it meet in one list.
struct key_option {
    const char *names, *key, *meta, *help;
};
constexpr key_option KEY_OPTIONS[] = {
    {"--cores", "platform.cores", "N", "Number of cores (platform.cores)"},
    {"--timing", "timing.model", "NAME|FILE.so", "Timing model, built in or a shared object (timing.model)"},
    {"--quantum", "platform.quantum", "Q", "auto, or N with unit insn, cycles or ns (platform.quantum)"},
    {"--memory", "platform.memory_bytes", "SIZE", "RAM, for example 256M or 1G (platform.memory_bytes)"},
    {"--disk", "block.file", "FILE", "Disk of the guest, a file of whole sectors (block.file)"},
};

struct parser {
    CLI::App app{"uintr-vp: a virtual platform for Intel user interrupts"};
    CLI::App *run = nullptr, *models = nullptr, *config = nullptr, *study = nullptr;
    std::map<const CLI::Option *, std::string> keys; // of options that set a key; "" for --set
    std::vector<std::string> texts;                  // --set and key options; only parse_order is read
    std::string profile, lint, max_time, max_insns, jobs, only, exit_status = "plain", progress_text = "auto";
    std::vector<std::string> config_files;
    run_options options;
    study_options study_choices;

    parser()
    {
        app.name("uintr-vp");
        app.set_version_flag("--version", std::string("uintr-vp ") + UINTR_VP_VERSION, "Print the version and exit");
        app.set_help_flag("-h,--help", "Print this help and exit");
        app.require_subcommand(0, 1);
        app.allow_extras();
        run =
            app.add_subcommand("run", "Simulate a Multiboot image: uintr-vp run [options] IMAGE [-- GUEST-ARGUMENTS]");
        models = app.add_subcommand("models", "List the timing models and their parameters");
        config = app.add_subcommand("config", "Print the effective configuration, each value with its origin");
        study =
            app.add_subcommand("study", "Run a grid of simulations, collect values, plot: uintr-vp study STUDY.toml");
        for (CLI::App *sub : {run, models, config, study})
            sub->allow_extras();
        configuration_options(*run);
        configuration_options(*config);
        configuration_options(*models);
        run_only_options();
        study_only_options();
        app.footer("Exit status: 0-123 from the guest, 124 limit reached, 125 bad usage, configuration or image,\n"
                   "126 guest cannot go on, 127 internal error, 130 ended by Ctrl-A x at the console.\n"
                   "'uintr-vp COMMAND -h' explains a command.");
    }

    void configuration_options(CLI::App &sub)
    {
        sub.add_option("-c,--config", config_files, "Configuration file (TOML); repeatable, later ones win")
            ->type_name("FILE.toml")
            ->allow_extra_args(false);
        keys[sub.add_option("-s,--set", texts, "Set one key; repeatable")
                 ->type_name("KEY=VALUE")
                 ->allow_extra_args(false)] = "";
        sub.add_option("--profile", profile, "Profile: a set of values with their sources")
            ->type_name("NAME|FILE.toml");
        for (const key_option &o : KEY_OPTIONS)
            keys[sub.add_option(o.names, texts, o.help)->type_name(o.meta)->allow_extra_args(false)] = o.key;
    }

    void run_only_options()
    {
        run->add_option("IMAGE", options.boot.image, "Multiboot image: 32-bit or 64-bit x86 ELF executable");
        run->add_option("--module", options.boot.modules, "Boot module (initrd); repeatable")
            ->type_name("FILE")
            ->allow_extra_args(false);
        run->add_option("--stats", options.stats_path, "Write statistics at the end")->type_name("FILE.json|FILE.txt");
        run->add_option("--trace", options.trace_path, "Write a timeline for Perfetto or chrome://tracing")
            ->type_name("FILE.json");
        run->add_option("--itrace", options.itrace_path, "Write every instruction, disassembled")->type_name("FILE");
        run->add_option("--opcodes", options.opcodes_path, "Write which encodings of instructions have completed")
            ->type_name("FILE");
        run->add_option("--state", options.state_path, "Write registers and a digest of memory at the end")
            ->type_name("FILE");
        run->add_option("--lint", lint, "Warn of guest code that the manual allows but nobody wants")
            ->type_name("uintr");
        run->add_flag("--quantum-check", options.quantum_check,
                      "Run twice, at --quantum auto and 1insn, and show what differs");
        run->add_option("--max-time", max_time, "Stop after this simulated time, for example 10ms")->type_name("T");
        run->add_option("--max-insns", max_insns, "Stop after about so many instructions of all cores")->type_name("N");
        run->add_option("--exit-status", exit_status, "How the guest's exit value becomes the exit status")
            ->type_name("plain|qemu");
        run->add_option("--progress", progress_text, "Show progress on stderr")->type_name("auto|on|off");
        run->add_flag("-q,--quiet", options.quiet, "No summary and no progress");
        run->add_flag("-v,--verbose", options.verbose, "Also print the configuration and where it came from");
    }

    void study_only_options()
    {
        study->add_option("STUDY", study_choices.file, "Study file (TOML); docs/studies.md explains it");
        study->add_option("-o,--output", study_choices.output, "Folder of results (default: STUDY.results)")
            ->type_name("FOLDER");
        study->add_option("-j,--jobs", jobs, "Runs at once (default: the host's processors)")->type_name("N");
        study->add_flag("--fresh", study_choices.fresh, "Forget finished runs and begin again");
        study->add_flag("--retry-failed", study_choices.retry_failed, "Repeat the runs that failed");
        study->add_option("--only", only, "Numbers of the runs to do, for example 0,7,12 (default: all)")
            ->type_name("RUN,...");
        study->add_flag("--list", study_choices.list, "Print the command of each run and do nothing");
        study->add_flag("--no-plots", study_choices.no_plots, "Tables only; gnuplot is not needed");
        study->add_option("--progress", progress_text, "Show progress on stderr")->type_name("auto|on|off");
        study->add_flag("-q,--quiet", study_choices.quiet, "No summary and no progress");
    }
};

std::vector<std::string> option_names(const CLI::App &app)
{
    std::vector<std::string> names;
    for (const CLI::Option *o : app.get_options())
        for (const std::string &name : o->get_lnames())
            names.push_back("--" + name);
    return names;
}

[[noreturn]] void refuse_extra(const CLI::App &app, const std::string &extra)
{
    if (extra.size() > 1 && extra[0] == '-') {
        std::string option = extra.substr(0, extra.find('='));
        throw user_error(fmt::format("unknown option '{}'{}; see 'uintr-vp {} -h'", option,
                                     suggestion(option, option_names(app)), app.get_name()));
    }
    throw user_error(fmt::format("unexpected argument '{}'; guest arguments follow after '--'; see 'uintr-vp {} -h'",
                                 extra, app.get_name()));
}

// CLI11's messages may have several lines.
std::string one_line(std::string text)
{
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

void check_choice(const char *option, const std::string &value, const std::vector<std::string> &choices)
{
    if (std::find(choices.begin(), choices.end(), value) != choices.end())
        return;
    std::string list;
    for (const std::string &c : choices)
        list += (list.empty() ? "" : ", ") + c;
    throw user_error(fmt::format("{}: '{}'{}: expected one of: {}", option, value, suggestion(value, choices), list));
}

// An unset variable of a script must not look like an option that was not given.
void refuse_empty_values(const CLI::App &sub)
{
    for (const CLI::Option *o : sub.parse_order())
        for (const std::string &value : o->get_type_size() == 0 ? std::vector<std::string>{} : o->results())
            if (value.empty())
                throw user_error(fmt::format("{}: the value is empty: expected {}", o->get_name(), o->get_type_name()));
}

// An option without its value swallows the image.
std::string swallowed_image(const CLI::App &sub)
{
    for (const CLI::Option *o : sub.parse_order())
        if (o->get_type_size() != 0 && !o->results().empty() && std::filesystem::is_regular_file(o->results().back()))
            return fmt::format("; '{}' was taken as the value of {}", o->results().back(), o->get_name());
    return "";
}

progress_mode progress_choice(const parser &p)
{
    check_choice("--progress", p.progress_text, {"auto", "on", "off"});
    return p.progress_text == "on"    ? progress_mode::on
           : p.progress_text == "off" ? progress_mode::off
                                      : progress_mode::automatic;
}

void finish_run_options(parser &p)
{
    run_options &o = p.options;
    if (o.boot.image.empty())
        throw user_error("run: no image given: expected uintr-vp run [options] IMAGE [-- GUEST-ARGUMENTS]" +
                         swallowed_image(*p.run));
    if (!p.max_time.empty()) {
        auto ps = parse_time_ps(p.max_time);
        if (!ps || *ps == 0)
            throw user_error(fmt::format(
                "--max-time: '{}': expected a time above 0 with unit ps, ns, us, ms or s, such as 10ms", p.max_time));
        o.max_time_ps = *ps;
    }
    if (!p.max_insns.empty()) {
        auto n = parse_unsigned(p.max_insns);
        if (!n || *n == 0)
            throw user_error(fmt::format("--max-insns: '{}': expected a whole number above 0", p.max_insns));
        o.max_insns = *n;
    }
    if (!p.lint.empty())
        check_choice("--lint", p.lint, {"uintr"});
    o.lint_uintr = !p.lint.empty();
    check_choice("--exit-status", p.exit_status, {"plain", "qemu"});
    o.qemu_exit_status = p.exit_status == "qemu";
    o.progress = progress_choice(p);
    if (!o.stats_path.empty())
        stat_tree::check_path(o.stats_path);
    if (o.quantum_check)
        for (const char *other : {"--quantum", "--stats", "--trace", "--itrace", "--opcodes"})
            if (p.run->get_option(other)->count() > 0)
                throw user_error(fmt::format("--quantum-check: makes two runs, at --quantum auto and 1insn, and writes "
                                             "no files; {} cannot go with it",
                                             other));
}

void finish_study_options(parser &p)
{
    study_options &o = p.study_choices;
    if (o.file.empty())
        throw user_error("study: no study file given: expected uintr-vp study [options] STUDY.toml");
    if (!p.jobs.empty()) {
        constexpr std::uint64_t MOST_JOBS = 1024;
        const auto n = parse_unsigned(p.jobs);
        if (!n || *n == 0 || *n > MOST_JOBS)
            throw user_error(fmt::format("--jobs: '{}': expected a whole number from 1 to {}", p.jobs, MOST_JOBS));
        o.jobs = static_cast<unsigned>(*n);
    }
    std::istringstream only(p.only);
    for (std::string text; std::getline(only, text, ',');) {
        const auto n = parse_unsigned(text);
        if (!n)
            throw user_error(fmt::format("--only: '{}': expected numbers of runs such as 0,7,12", p.only));
        o.only.push_back(*n);
    }
    o.progress = progress_choice(p);
}

// --set and the key options in the order in which they were given.
std::vector<assignment> assignments_in_order(const parser &p, const CLI::App &sub)
{
    std::vector<assignment> found;
    std::map<const CLI::Option *, std::size_t> seen;
    for (const CLI::Option *o : sub.parse_order()) {
        auto key = p.keys.find(o);
        if (key == p.keys.end())
            continue;
        const std::string &text = o->results().at(seen[o]++);
        if (key->second.empty()) {
            found.push_back(parse_set(text));
        } else {
            assignment a;
            a.key = key->second;
            a.value.text = text;
            a.place = "--" + o->get_lnames().front();
            found.push_back(a);
        }
    }
    return found;
}

} // namespace

parsed_arguments parse_arguments(const std::vector<std::string> &arguments)
{
    // What follows "--" belongs to the guest and is not looked at.
    auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    std::vector<std::string> own(arguments.begin(), dashes);
    parser p;
    if (dashes != arguments.end())
        p.options.boot.arguments.assign(dashes + 1, arguments.end());
    std::reverse(own.begin(), own.end()); // CLI11 takes them from the back
    try {
        p.app.parse(own);
    } catch (const CLI::CallForHelp &) {
        const auto chosen = p.app.get_subcommands();
        return {std::nullopt, chosen.empty() ? p.app.help() : chosen.front()->help()};
    } catch (const CLI::CallForVersion &) {
        return {std::nullopt, std::string("uintr-vp ") + UINTR_VP_VERSION + "\n"};
    } catch (const CLI::ParseError &e) {
        throw user_error(one_line(e.what()));
    }

    const auto chosen = p.app.get_subcommands();
    if (chosen.empty()) {
        const auto extras = p.app.remaining();
        const std::vector<std::string> verbs{"run", "models", "config", "study"};
        if (!extras.empty())
            throw user_error(fmt::format(
                "unknown command or option '{}'{}; expected one of: run, models, config, study, --help, --version",
                extras.front(), suggestion(extras.front(), verbs)));
        throw user_error("no command given; expected one of: run, models, config, study, --help, --version");
    }
    CLI::App &sub = *chosen.front();
    for (const CLI::App *app : {static_cast<const CLI::App *>(&sub), static_cast<const CLI::App *>(&p.app)})
        if (const auto extras = app->remaining(); !extras.empty())
            refuse_extra(sub, extras.front());
    if (dashes != arguments.end() && &sub != p.run)
        throw user_error(fmt::format("{}: takes no guest arguments ('--')", sub.get_name()));

    command_line c;
    c.what = &sub == p.run      ? command_line::verb::run
             : &sub == p.models ? command_line::verb::models
             : &sub == p.study  ? command_line::verb::study
                                : command_line::verb::config;
    refuse_empty_values(sub);
    if (c.what == command_line::verb::run)
        finish_run_options(p);
    if (c.what == command_line::verb::study)
        finish_study_options(p);
    c.run = p.options;
    c.study = p.study_choices;
    c.profile = p.profile;
    c.config_files = p.config_files;
    c.assignments = assignments_in_order(p, sub);
    return {c, ""};
}

} // namespace vp
