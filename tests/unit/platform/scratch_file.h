// SPDX-License-Identifier: Apache-2.0
// A file that a test writes and that goes away with it.
#ifndef TESTS_UNIT_PLATFORM_SCRATCH_FILE_H
#define TESTS_UNIT_PLATFORM_SCRATCH_FILE_H

#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

class scratch_file
{
  public:
    explicit scratch_file(const std::string &ending, const std::string &content = "")
    {
        static std::atomic<unsigned> count{0};
        m_path = "/tmp/uintr_vp_test_" + std::to_string(getpid()) + "_" + std::to_string(count++) + ending;
        write(content);
    }
    ~scratch_file() { std::remove(m_path.c_str()); }
    scratch_file(const scratch_file &) = delete;
    scratch_file &operator=(const scratch_file &) = delete;

    const std::string &path() const { return m_path; }
    void write(const std::string &content) { std::ofstream(m_path, std::ios::binary) << content; }
    void write(const std::vector<unsigned char> &bytes) { write(std::string(bytes.begin(), bytes.end())); }
    std::string read() const
    {
        std::ostringstream text;
        text << std::ifstream(m_path, std::ios::binary).rdbuf();
        return text.str();
    }

  private:
    std::string m_path;
};

// The message of the user_error that `statement` throws; "" if it throws none.
#define USER_ERROR_OF(statement)                                                                                       \
    [&]() -> std::string {                                                                                             \
        try {                                                                                                          \
            statement;                                                                                                 \
        } catch (const vp::user_error &caught) {                                                                       \
            return caught.what();                                                                                      \
        }                                                                                                              \
        return "";                                                                                                     \
    }()

// gtest without gmock: does `text` contain `part`?
#define EXPECT_HAS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)

#endif
