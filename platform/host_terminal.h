// SPDX-License-Identifier: Apache-2.0
// The user's terminal in raw mode, in which every key reaches the guest: ^C, ^Z and ^D too. Output stays as it is, so
// that lines of guest and simulator begin at the left. However the program ends, the terminal is put back as it was: by
// the destructor, at exit(), and by signals that end the program (not SIGKILL, of which nobody can know).
#ifndef PLATFORM_HOST_TERMINAL_H
#define PLATFORM_HOST_TERMINAL_H

namespace vp
{

class host_terminal
{
  public:
    host_terminal() = default;
    ~host_terminal() { restore(); }
    host_terminal(const host_terminal &) = delete;
    host_terminal &operator=(const host_terminal &) = delete;

    // One terminal of the process at a time: false if another is raw already, or this one refuses.
    bool make_raw(int fd);
    void restore(); // harmless if it is not raw

  private:
    bool m_is_raw = false;
};

// For signal handlers that are about to end the program.
void restore_terminal();

} // namespace vp

#endif
