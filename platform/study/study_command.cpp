// SPDX-License-Identifier: Apache-2.0
// See study_command.h.
#include "study_command.h"

#include "config/user_error.h"
#include "grid.h"
#include "plots.h"
#include "process_pool.h"
#include "result_table.h"
#include "scratch_folder.h"
#include "study_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>

namespace vp
{

namespace
{

namespace fs = std::filesystem;

constexpr int STATUS_SOME_FAILED = 1;

// The folder of results, which one study at a time may use.
class output_folder
{
  public:
    explicit output_folder(const std::string &path) : m_path(path)
    {
        std::error_code error;
        fs::create_directories(path, error);
        m_lock = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (m_lock < 0 || access(path.c_str(), W_OK) != 0)
            throw user_error(fmt::format("--output: {}: expected a folder that can be made and written", path));
        if (flock(m_lock, LOCK_EX | LOCK_NB) != 0)
            throw user_error(fmt::format("--output: {}: another study is using this folder", path));
        clear();
        fs::create_directories(running(""), error);
    }
    ~output_folder()
    {
        clear();
        close(m_lock);
    }
    output_folder(const output_folder &) = delete;
    output_folder &operator=(const output_folder &) = delete;

    const std::string &path() const { return m_path; }
    std::string file(const std::string &name) const { return m_path + "/" + name; }
    std::string running(const std::string &name) const { return m_path + "/running/" + name; } // of runs that go on

  private:
    // A study that was killed has left files.
    void clear() const
    {
        std::error_code ignored;
        fs::remove_all(running(""), ignored);
    }
    const std::string m_path;
    int m_lock = -1;
};

std::string line_with(const std::string &text, const std::string &start)
{
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.compare(0, start.size(), start) == 0)
            return line.substr(start.size());
    return "";
}

std::string last_line(const std::string &text)
{
    std::istringstream lines(text);
    std::string last;
    for (std::string line; std::getline(lines, line);)
        if (line.find_first_not_of(" \r") != std::string::npos)
            last = line;
    return last;
}

// Who ends a run by one of these says nothing about it: a user, a batch system, a host without memory.
bool is_from_outside(int signal)
{
    return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
}

// Why a run counts as failed; "" if it does not.
std::string failure_of(const process_end &end, double timeout_s, const std::string &console,
                       const std::string &messages)
{
    if (end.ended == process_end::how::timed_out)
        return fmt::format("timeout: took longer than {:g} s", timeout_s);
    if (end.ended == process_end::how::signalled)
        return fmt::format("the simulator was killed by signal {} ({})", end.value, strsignal(end.value));
    if (end.value == 0)
        return "";
    if (end.value <= EXIT_LARGEST_GUEST) {
        const std::string last = last_line(console);
        return fmt::format("the guest ended with status {}{}{}", end.value, last.empty() ? "" : ": ", last);
    }
    const std::string said = line_with(messages, "uintr-vp: ");
    return said.empty() ? fmt::format("exit status {}", end.value) : said;
}

class command
{
  public:
    command(const study_options &options, study s, std::vector<study_run> runs,
            const volatile std::sig_atomic_t *interrupted)
        : m_options(options), m_study(std::move(s)), m_runs(std::move(runs)), m_interrupted(interrupted),
          m_folder(options.output.empty() ? m_study.name + ".results" : options.output),
          m_store(m_folder.file(m_study.name + ".sqlite"))
    {
        for (const study_run &run : m_runs)
            m_inputs.push_back(m_digest.of(run));
        for (std::size_t i = 0; i < m_runs.size(); i++)
            if (options.only.empty() || std::find(options.only.begin(), options.only.end(), i) != options.only.end())
                m_wanted.push_back(i);
    }

    int run()
    {
        if (m_options.fresh)
            forget();
        const std::vector<std::size_t> missing = find_missing();
        const bool complete = simulate(missing);
        const std::vector<result_row> rows = finished_rows();
        write_results(m_study, rows, m_folder.file(m_study.name + ".csv"), m_store);
        if (!complete) {
            const auto done = std::count_if(rows.begin(), rows.end(), [&](const auto &row) { return is_wanted(row); });
            std::fprintf(stderr,
                         "uintr-vp: stopped: interrupted by the user; %td of %zu runs are done, the same command goes "
                         "on with the others\n",
                         done, m_wanted.size());
            return EXIT_LIMIT;
        }
        const std::size_t failed = report(rows, missing.size());
        draw(rows);
        return failed == 0 ? 0 : STATUS_SOME_FAILED;
    }

  private:
    bool is_wanted(const result_row &row) const
    {
        return std::binary_search(m_wanted.begin(), m_wanted.end(), row.run);
    }

    void forget()
    {
        if (m_options.only.empty())
            m_store.forget_all();
        for (const std::size_t i : m_wanted)
            m_store.forget(m_runs[i].key);
    }

    bool is_done(std::size_t run) const
    {
        const auto stored = m_store.get(m_runs[run].key, m_inputs[run], true);
        if (!stored || (m_options.retry_failed && !stored->reason.empty()))
            return false;
        if (stored->timeout_s > 0)
            return stored->timeout_s >= m_study.timeout_s; // more time may be enough
        return stored->ended_by_itself() || !is_from_outside(-stored->exit_status);
    }

    std::vector<std::size_t> find_missing() const
    {
        std::vector<std::size_t> missing;
        for (const std::size_t i : m_wanted)
            if (!is_done(i))
                missing.push_back(i);
        return missing;
    }

    process_task task_of(std::size_t run) const
    {
        const std::string base = m_folder.running(fmt::format("{}", run));
        process_task task;
        task.arguments = m_runs[run].arguments;
        task.arguments.insert(task.arguments.begin() + 1, {"-q", "--stats", base + ".json"});
        task.out_path = base + ".out";
        task.err_path = base + ".err";
        task.timeout_s = m_study.timeout_s;
        return task;
    }

    stored_run collect(std::size_t run, const process_task &task, const process_end &end) const
    {
        stored_run r;
        r.key = m_runs[run].key;
        r.inputs = m_inputs[run];
        r.exit_status = end.ended == process_end::how::exited ? end.value : -end.value;
        r.seconds = end.seconds;
        r.timeout_s = end.ended == process_end::how::timed_out ? task.timeout_s : 0;
        r.console = read_whole_file(task.out_path);
        const auto statistics = nlohmann::ordered_json::parse(
            read_whole_file(m_folder.running(fmt::format("{}.json", run))), nullptr, false);
        r.statistics = statistics.is_discarded() ? "" : statistics.dump();
        r.reason = failure_of(end, task.timeout_s, r.console, read_whole_file(task.err_path));
        return r;
    }

    // False if interrupted.
    bool simulate(const std::vector<std::size_t> &missing)
    {
        std::vector<process_task> tasks;
        for (const std::size_t run : missing)
            tasks.push_back(task_of(run));
        study_progress progress(m_options.quiet ? progress_mode::off : m_options.progress, m_wanted.size(),
                                m_wanted.size() - missing.size());
        process_events events;
        events.on_tick = [&](std::size_t running) { progress.tick(running); };
        events.on_end = [&](std::size_t task, const process_end &end) {
            const stored_run r = collect(missing[task], tasks[task], end);
            m_store.put(r);
            for (const std::string &path :
                 {tasks[task].out_path, tasks[task].err_path, m_folder.running(fmt::format("{}.json", missing[task]))})
                std::remove(path.c_str());
            progress.ended(shell_words(m_runs[missing[task]].arguments), r.reason);
        };
        const bool complete =
            run_processes(tasks, m_options.jobs != 0 ? m_options.jobs : processor_count(), m_interrupted, events);
        progress.finish();
        return complete;
    }

    // Of the whole grid: with --only, the others stay as they were.
    std::vector<result_row> finished_rows() const
    {
        std::vector<result_row> rows;
        for (std::size_t i = 0; i < m_runs.size(); i++)
            if (const auto stored = m_store.get(m_runs[i].key, m_inputs[i]))
                rows.push_back(make_row(m_study, m_runs, i, *stored));
        return rows;
    }

    // Answers the number of failed runs among those that were asked for.
    std::size_t report(const std::vector<result_row> &rows, std::size_t now) const
    {
        std::size_t failed = 0;
        for (const result_row &row : rows) {
            if (!row.has_failed() || !is_wanted(row))
                continue;
            failed++;
            if (!m_options.quiet)
                std::fprintf(stderr, "uintr-vp: run %zu failed: %s\n", row.run, row.reason.c_str());
        }
        if (!m_options.quiet)
            std::fprintf(stderr, "study %s: %zu runs, %zu of them done before, %zu failed; %s\n", m_study.name.c_str(),
                         m_wanted.size(), m_wanted.size() - now, failed, m_folder.file(m_study.name + ".csv").c_str());
        return failed;
    }

    void draw(const std::vector<result_row> &rows) const
    {
        if (m_options.no_plots || m_study.plots.empty())
            return;
        const std::string gnuplot = find_gnuplot();
        for (const study_plot &plot : m_study.plots) {
            const bool drawn = draw_plot(gnuplot, m_folder.path(), plot, plot_lines(m_study, plot, rows));
            const bool removed = !drawn && remove_pictures(m_folder.path(), plot);
            if (m_options.quiet)
                continue;
            if (drawn)
                std::fprintf(stderr, "plot: %s, .png\n", m_folder.file(plot.name + ".svg").c_str());
            else
                std::fprintf(stderr, "plot %s: no run has what it shows%s\n", plot.name.c_str(),
                             removed ? "; its old picture is removed" : "");
        }
    }

    const study_options &m_options;
    const study m_study;
    const std::vector<study_run> m_runs;
    const volatile std::sig_atomic_t *m_interrupted;
    const output_folder m_folder;
    result_store m_store;
    input_digest m_digest;
    std::vector<std::string> m_inputs; // of each run
    std::vector<std::size_t> m_wanted; // runs, in the order of the grid
};

} // namespace

int run_study(const study_options &options, const std::vector<std::string> &profile_directories,
              const volatile std::sig_atomic_t *interrupted)
{
    study s = read_study(options.file, profile_directories);
    std::vector<study_run> runs = expand_grid(s);
    for (const std::size_t run : options.only)
        if (run >= runs.size())
            throw user_error(
                fmt::format("--only: {}: expected a run of {}, 0 to {}", run, options.file, runs.size() - 1));
    if (options.list) {
        for (const study_run &run : runs)
            std::printf("uintr-vp %s\n", shell_words(run.arguments).c_str());
        return 0;
    }
    // Said before the runs, not after hours.
    if (!options.no_plots && !s.plots.empty() && find_gnuplot().empty())
        throw user_error(fmt::format("{}: its plots need the program gnuplot, which is not installed (Debian package "
                                     "gnuplot-nox); --no-plots makes the tables only",
                                     options.file));
    return command(options, std::move(s), std::move(runs), interrupted).run();
}

} // namespace vp
