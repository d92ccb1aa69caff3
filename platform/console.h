// SPDX-License-Identifier: Apache-2.0
// Where guest output goes: a stream (stdout), written in lines so that it is seen while the guest runs.
#ifndef PLATFORM_CONSOLE_H
#define PLATFORM_CONSOLE_H

#include <cstdio>
#include <string>

namespace vp
{

class console
{
  public:
    explicit console(std::FILE *stream) : m_stream(stream) {}
    ~console() { flush(); }
    console(const console &) = delete;
    console &operator=(const console &) = delete;

    void put(unsigned char c)
    {
        m_line.push_back(static_cast<char>(c));
        if (c == '\n' || m_line.size() >= LONGEST_LINE)
            flush();
    }
    void flush()
    {
        std::fwrite(m_line.data(), 1, m_line.size(), m_stream);
        std::fflush(m_stream);
        m_line.clear();
    }

  private:
    static constexpr std::size_t LONGEST_LINE = 512;
    std::FILE *m_stream;
    std::string m_line;
};

} // namespace vp

#endif
