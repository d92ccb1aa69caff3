// SPDX-License-Identifier: Apache-2.0
// See console_input.h.
#include "console_input.h"

#include "config/user_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace vp
{

namespace
{

constexpr unsigned char CTRL_A = 0x01, CTRL_D = 0x04;
constexpr int LOOK_MS = 100;      // how often a wait looks whether the user wants to stop
constexpr int PATIENCE_MS = 2000; // after which the user is told what is waited for
constexpr std::size_t CHUNK = 4096;

} // namespace

console_input::console_input(const std::string &what, const volatile std::sig_atomic_t *interrupted)
    : m_interrupted(interrupted)
{
    if (what == "none") {
        m_has_ended = true;
        m_end_of_files = END_OF_FILES;
        return;
    }
    if (what == "stdin") {
        m_fd = STDIN_FILENO;
    } else {
        m_fd = open(what.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
        m_owns_fd = true;
        std::array<char, 1> none{};
        if (m_fd < 0 || read(m_fd, none.data(), 0) < 0) {
            const std::string why = std::strerror(errno);
            if (m_fd >= 0)
                close(m_fd);
            throw user_error(
                fmt::format("console.input: {}: {}; expected stdin, none, or a file that can be read", what, why));
        }
    }
    m_is_terminal = isatty(m_fd) == 1;
}

console_input::~console_input()
{
    m_terminal.restore();
    if (m_owns_fd)
        close(m_fd);
}

bool console_input::take(std::uint8_t &byte)
{
    if (m_next == m_bytes.size() && !m_has_ended)
        fill();
    if (m_next == m_bytes.size())
        return false;
    byte = m_bytes[m_next++];
    return true;
}

void console_input::take_back(unsigned count) { m_next -= std::min<std::size_t>(count, m_next); }

// All that was taken is forgotten, but what the UART may yet lose.
void console_input::forget_taken()
{
    if (m_next <= KEPT)
        return;
    m_bytes.erase(m_bytes.begin(), m_bytes.begin() + static_cast<std::ptrdiff_t>(m_next - KEPT));
    m_next = KEPT;
}

void console_input::fill()
{
    if (m_is_terminal) {
        if (!m_is_raw) {
            m_is_raw = true;
            m_terminal.make_raw(m_fd);
            if (on_raw)
                on_raw();
        }
        return; // poll() reads
    }
    if (!is_readable(0) && on_wait)
        on_wait();
    for (int waited = 0; m_next == m_bytes.size() && !m_has_ended && !is_interrupted(); waited += LOOK_MS) {
        if (is_readable(LOOK_MS))
            read_more();
        else if (waited >= PATIENCE_MS && !m_has_waited_long) {
            m_has_waited_long = true;
            if (on_long_wait)
                on_long_wait();
        }
    }
}

bool console_input::is_readable(int wait_ms) const
{
    struct pollfd p = {m_fd, POLLIN, 0};
    return ::poll(&p, 1, wait_ms) > 0;
}

// Once, whatever there is; a closed or broken file has ended.
void console_input::read_more()
{
    forget_taken();
    std::array<unsigned char, CHUNK> chunk{};
    const ssize_t got = read(m_fd, chunk.data(), chunk.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    m_has_ended = got <= 0;
    for (ssize_t i = 0; i < got; i++) {
        if (m_is_terminal)
            type(chunk[static_cast<std::size_t>(i)]);
        else
            m_bytes.push_back(chunk[static_cast<std::size_t>(i)]);
        m_is_in_line = chunk[static_cast<std::size_t>(i)] != '\n';
    }
}

void console_input::type(unsigned char key)
{
    if (!m_after_escape && key == CTRL_A) {
        m_after_escape = true;
        return;
    }
    if (!m_after_escape || key == CTRL_A)
        m_bytes.push_back(key);
    m_wants_to_quit = m_wants_to_quit || (m_after_escape && key == 'x');
    m_after_escape = false;
}

void console_input::poll(int wait_ms)
{
    do {
        const int step = wait_ms < 0 ? LOOK_MS : wait_ms;
        if (is_readable(step)) {
            read_more();
            return;
        }
    } while (wait_ms < 0 && !is_interrupted());
}

bool console_input::end_of_file()
{
    if (!m_has_ended || m_end_of_files == END_OF_FILES)
        return false;
    m_end_of_files++;
    forget_taken();
    m_bytes.push_back(m_is_in_line && m_end_of_files == LINE_END ? '\n' : CTRL_D);
    return true;
}

} // namespace vp
