// SPDX-License-Identifier: Apache-2.0
// See grid.h.
#include "grid.h"

#include "config/user_error.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

namespace vp
{

namespace
{

constexpr std::size_t MOST_RUNS = 100000;

// FNV-1a, 64 bits, continued from `digest`.
constexpr std::uint64_t FNV_START = 0xcbf29ce484222325;
constexpr std::uint64_t FNV_PRIME = 0x100000001b3;
constexpr std::uint64_t ABSENT = 0; // the digest of a file that cannot be read: its runs will say so

std::uint64_t fnv(std::uint64_t digest, const char *bytes, std::size_t count)
{
    for (std::size_t i = 0; i < count; i++)
        digest = (digest ^ static_cast<unsigned char>(bytes[i])) * FNV_PRIME;
    return digest;
}

bool is_plain(const std::string &word)
{
    return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                   "_-+=./,:@%") == std::string::npos;
}

study_run make_run(const study &s, const std::vector<std::size_t> &points)
{
    std::vector<std::vector<study_setting>> layers{s.common};
    for (std::size_t d = 0; d < points.size(); d++)
        layers.push_back(s.grid[d].points[points[d]].settings);
    const std::vector<study_setting> merged = merge_settings(layers);
    study_run run;
    run.points = points;
    run.arguments = run_arguments(merged, false);
    run.key = shell_words(run_arguments(merged, true));
    for (const study_setting &setting : merged)
        run.files.insert(run.files.end(), setting.files.begin(), setting.files.end());
    return run;
}

} // namespace

std::vector<study_run> expand_grid(const study &s)
{
    std::size_t count = 1;
    for (const study_dimension &d : s.grid) {
        count *= d.points.size();
        if (count > MOST_RUNS)
            throw user_error(fmt::format("{}: grid: expected at most {} runs", s.path, MOST_RUNS));
    }
    std::vector<study_run> runs;
    std::vector<std::size_t> points(s.grid.size(), 0);
    for (std::size_t n = 0; n < count; n++) {
        std::size_t rest = n;
        for (std::size_t d = points.size(); d-- > 0; rest /= s.grid[d].points.size())
            points[d] = rest % s.grid[d].points.size();
        runs.push_back(make_run(s, points));
    }
    return runs;
}

const std::string &label_of(const study &s, const study_run &run, std::size_t dimension)
{
    return s.grid[dimension].points[run.points[dimension]].label;
}

std::string shell_words(const std::vector<std::string> &words)
{
    std::string text;
    for (const std::string &word : words) {
        text += text.empty() ? "" : " ";
        if (is_plain(word)) {
            text += word;
            continue;
        }
        text += '\'';
        for (const char c : word)
            text += c == '\'' ? std::string("'\\''") : std::string(1, c);
        text += '\'';
    }
    return text;
}

input_digest::input_digest() : m_program(of_file("/proc/self/exe")) {}

std::uint64_t input_digest::of_file(const std::string &path)
{
    if (const auto known = m_files.find(path); known != m_files.end())
        return known->second;
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return m_files[path] = ABSENT;
    std::uint64_t digest = FNV_START;
    std::array<char, 65536> block{};
    while (file.read(block.data(), block.size()) || file.gcount() > 0)
        digest = fnv(digest, block.data(), static_cast<std::size_t>(file.gcount()));
    return m_files[path] = digest;
}

std::string input_digest::of(const study_run &run)
{
    std::uint64_t digest = m_program;
    for (const std::string &path : run.files) {
        const std::uint64_t content = of_file(path);
        digest = fnv(digest, reinterpret_cast<const char *>(&content), sizeof content);
    }
    return fmt::format("{:016x}", digest);
}

} // namespace vp
