// SPDX-License-Identifier: Apache-2.0
// What the guest reads at COM1: the host's stdin, a file, or nothing (console.input). Nothing is read before the
// guest's UART asks for the first byte.
//
// From a file or a pipe a byte is waited for, and simulated time stands still meanwhile: the same input gives the same
// run, however slowly it comes. At the end a guest that waits for more gets ^D, which its terminal makes an end of file
// of (end_of_file).
//
// A terminal is put into raw mode at the first request and read by poll(); there the guest sees what has been typed.
// Its escape key is ^A: followed by x it ends the run, followed by ^A it sends ^A; other keys after it do nothing.
#ifndef PLATFORM_DEVICES_CONSOLE_INPUT_H
#define PLATFORM_DEVICES_CONSOLE_INPUT_H

#include "host_terminal.h"
#include "uart16550.h"

#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace vp
{

class console_input : public byte_source
{
  public:
    // Called when the terminal has become the guest's, before anything is read of it; when a pipe lets wait, each time;
    // and when it has for long, once. May be empty.
    std::function<void()> on_raw, on_wait, on_long_wait;

    // what: stdin, none, or the name of a file. interrupted: becomes nonzero when the user wants to stop; may be null.
    // Throws user_error if the file cannot be opened.
    explicit console_input(const std::string &what, const volatile std::sig_atomic_t *interrupted = nullptr);
    ~console_input() override;
    console_input(const console_input &) = delete;
    console_input &operator=(const console_input &) = delete;

    bool take(std::uint8_t &byte) override;
    void take_back(unsigned count) override;

    bool is_terminal() const { return m_is_terminal; }
    bool has_ended() const { return m_has_ended; } // nothing will come any more but ^D
    bool may_come() const { return !m_has_ended || m_end_of_files < END_OF_FILES; }
    bool wants_to_quit() const { return m_wants_to_quit; } // ^A x
    // A terminal only: reads what has been typed; waits for it up to wait_ms (negative: until the user wants to stop).
    void poll(int wait_ms);
    // After the end: the next byte is ^D. False if that has been so often enough: this guest does not care. If the
    // input did not end its last line, the third one is a line end instead: two ^D are an end of file to a terminal
    // that collects lines, but nothing to a shell that edits them itself.
    bool end_of_file();
    void restore_terminal() { m_terminal.restore(); }

  private:
    static constexpr unsigned END_OF_FILES = 16, LINE_END = 3;
    static constexpr std::size_t KEPT = 32; // bytes that take_back may want: a UART's FIFO and one on the line

    bool is_interrupted() const { return m_interrupted != nullptr && *m_interrupted != 0; }
    bool is_readable(int wait_ms) const;
    void read_more();
    void fill();
    void type(unsigned char key);
    void forget_taken();

    int m_fd = -1;
    bool m_owns_fd = false, m_is_terminal = false, m_has_ended = false, m_wants_to_quit = false;
    bool m_is_raw = false; // has been asked for
    bool m_has_waited_long = false;
    bool m_after_escape = false;
    unsigned m_end_of_files = 0; // given
    bool m_is_in_line = false;   // the last byte of the input was no line end
    const volatile std::sig_atomic_t *m_interrupted;
    host_terminal m_terminal;
    std::vector<unsigned char> m_bytes; // [0, m_next) were taken
    std::size_t m_next = 0;
};

} // namespace vp

#endif
