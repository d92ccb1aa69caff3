// SPDX-License-Identifier: Apache-2.0
// See process_pool.h.
#include "process_pool.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <list>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

extern char **environ;

namespace vp
{

namespace
{

using clock_type = std::chrono::steady_clock;

constexpr const char *PARENT_VARIABLE = "UINTR_VP_PARENT"; // pid; see die_with_parent()
constexpr std::chrono::milliseconds POLL_INTERVAL{5};

struct child {
    pid_t pid = 0;
    std::size_t task = 0;
    clock_type::time_point start;
    double timeout_s = 0;

    double seconds() const { return std::chrono::duration<double>(clock_type::now() - start).count(); }
};

void check(int error, const char *what)
{
    if (error != 0)
        throw std::system_error(error, std::generic_category(), what);
}

// What posix_spawn is told besides the program.
class spawn_setup
{
  public:
    explicit spawn_setup(const process_task &task)
    {
        constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
        check(posix_spawn_file_actions_init(&m_actions), "posix_spawn_file_actions_init");
        check(posix_spawn_file_actions_addopen(&m_actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0), "posix_spawn");
        check(posix_spawn_file_actions_addopen(&m_actions, STDOUT_FILENO, task.out_path.c_str(), flags, 0666),
              "posix_spawn");
        check(posix_spawn_file_actions_addopen(&m_actions, STDERR_FILENO, task.err_path.c_str(), flags, 0666),
              "posix_spawn");
        check(posix_spawnattr_init(&m_attributes), "posix_spawnattr_init");
        check(posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETPGROUP), "posix_spawnattr_setflags");
        check(posix_spawnattr_setpgroup(&m_attributes, 0), "posix_spawnattr_setpgroup");
    }
    ~spawn_setup()
    {
        posix_spawn_file_actions_destroy(&m_actions);
        posix_spawnattr_destroy(&m_attributes);
    }
    spawn_setup(const spawn_setup &) = delete;
    spawn_setup &operator=(const spawn_setup &) = delete;

    const posix_spawn_file_actions_t *actions() const { return &m_actions; }
    const posix_spawnattr_t *attributes() const { return &m_attributes; }

  private:
    posix_spawn_file_actions_t m_actions{};
    posix_spawnattr_t m_attributes{};
};

std::vector<char *> pointers(std::vector<std::string> &texts)
{
    std::vector<char *> list;
    for (std::string &t : texts)
        list.push_back(t.data());
    list.push_back(nullptr);
    return list;
}

// The environment of a child: ours, and who its parent is.
std::vector<std::string> child_environment()
{
    std::vector<std::string> texts;
    const std::string name = std::string(PARENT_VARIABLE) + "=";
    for (char **e = environ; *e != nullptr; e++)
        if (name.compare(0, name.size(), *e, 0, name.size()) != 0)
            texts.emplace_back(*e);
    texts.push_back(name + std::to_string(getpid()));
    return texts;
}

child start(const process_task &task, std::size_t index)
{
    std::vector<std::string> arguments{"uintr-vp"};
    arguments.insert(arguments.end(), task.arguments.begin(), task.arguments.end());
    std::vector<std::string> environment = child_environment();
    const spawn_setup setup(task);
    child c;
    c.task = index;
    c.timeout_s = task.timeout_s;
    c.start = clock_type::now();
    check(posix_spawn(&c.pid, "/proc/self/exe", setup.actions(), setup.attributes(), pointers(arguments).data(),
                      pointers(environment).data()),
          "cannot start a run of this program");
    return c;
}

// The children that run; those left when it goes away are killed.
class pool
{
  public:
    pool() = default;
    ~pool()
    {
        for (const child &c : m_children)
            kill(c.pid, SIGKILL);
        for (const child &c : m_children)
            wait_for(c, 0);
    }
    pool(const pool &) = delete;
    pool &operator=(const pool &) = delete;

    std::size_t size() const { return m_children.size(); }
    void add(const child &c) { m_children.push_back(c); }

    // Reports those that have ended; kills those that take too long.
    template <typename ON_END>
    void look(ON_END on_end)
    {
        for (auto it = m_children.begin(); it != m_children.end();) {
            const child c = *it;
            process_end end;
            if (wait_for(c, WNOHANG)) {
                end.ended = WIFEXITED(m_status) ? process_end::how::exited : process_end::how::signalled;
                end.value = WIFEXITED(m_status) ? WEXITSTATUS(m_status) : WTERMSIG(m_status);
            } else if (c.timeout_s > 0 && c.seconds() > c.timeout_s) {
                kill(c.pid, SIGKILL);
                wait_for(c, 0);
                end.ended = process_end::how::timed_out;
                end.value = SIGKILL;
            } else {
                ++it;
                continue;
            }
            it = m_children.erase(it);
            end.seconds = c.seconds();
            on_end(c.task, end);
        }
    }

  private:
    bool wait_for(const child &c, int options)
    {
        pid_t got = 0;
        do
            got = waitpid(c.pid, &m_status, options);
        while (got < 0 && errno == EINTR);
        return got == c.pid;
    }

    std::list<child> m_children;
    int m_status = 0;
};

} // namespace

bool run_processes(const std::vector<process_task> &tasks, unsigned jobs, const volatile std::sig_atomic_t *interrupted,
                   const process_events &events)
{
    pool running;
    std::size_t next = 0;
    while (*interrupted == 0) {
        while (next < tasks.size() && running.size() < std::max(jobs, 1U)) {
            running.add(start(tasks[next], next));
            next++;
        }
        if (running.size() == 0)
            return true;
        if (events.on_tick)
            events.on_tick(running.size());
        std::this_thread::sleep_for(POLL_INTERVAL);
        running.look([&](std::size_t task, const process_end &end) {
            if (*interrupted == 0)
                events.on_end(task, end);
        });
    }
    return false;
}

bool die_with_parent()
{
    const char *parent = std::getenv(PARENT_VARIABLE);
    if (parent == nullptr)
        return false;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (std::to_string(getppid()) != parent) // it has died before
        std::_Exit(EXIT_FAILURE);
    unsetenv(PARENT_VARIABLE);
    return true;
}

unsigned processor_count()
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return static_cast<unsigned>(CPU_COUNT(&set));
    return std::max(std::thread::hardware_concurrency(), 1U);
}

} // namespace vp
