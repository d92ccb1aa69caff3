// SPDX-License-Identifier: Apache-2.0
// Numbers with units: platform/config/units.h, and suggestions for misspelt words.
#include "config/units.h"
#include "config/user_error.h"

#include <gtest/gtest.h>

using namespace vp;

TEST(units, sizes_are_powers_of_1024)
{
    EXPECT_EQ(parse_size("4096"), 4096u);
    EXPECT_EQ(parse_size("64K"), 65536u);
    EXPECT_EQ(parse_size("256M"), 256u << 20);
    EXPECT_EQ(parse_size("1G"), 1u << 30);
    EXPECT_EQ(parse_size("1GiB"), 1u << 30);
    EXPECT_EQ(parse_size("0x1000"), 4096u);
}

TEST(units, sizes_that_are_none_are_refused)
{
    for (const char *text :
         {"", "M", "-1", "1.5G", "256X", "99999999999999999999", "18446744073709551615T", "1 2", "0x"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(units, times_become_picoseconds)
{
    EXPECT_EQ(parse_time_ps("10ms"), 10000000000u);
    EXPECT_EQ(parse_time_ps("1.5us"), 1500000u);
    EXPECT_EQ(parse_time_ps("1 s"), 1000000000000u);
    EXPECT_EQ(parse_time_ps("7ps"), 7u);
    for (const char *text : {"", "10", "ms", "-1ms", "1h", "1e30s", "99999999999s", "1..5ms"})
        EXPECT_FALSE(parse_time_ps(text)) << text;
}

TEST(units, quantum_is_auto_or_a_number_with_unit)
{
    EXPECT_EQ(parse_quantum("auto")->of, quantum::unit::automatic);
    EXPECT_EQ(parse_quantum("1insn")->of, quantum::unit::insn);
    EXPECT_EQ(parse_quantum("1insn")->count, 1u);
    EXPECT_EQ(parse_quantum("200cycles")->count, 200u);
    EXPECT_EQ(parse_quantum("50ns")->of, quantum::unit::ns);
    for (const char *text : {"", "0cycles", "100", "cycles", "-1insn", "1.5ns", "10 parsecs", "Auto"})
        EXPECT_FALSE(parse_quantum(text)) << text;
}

TEST(units, unsigned_numbers)
{
    EXPECT_EQ(parse_unsigned("2_000_000"), 2000000u);
    EXPECT_EQ(parse_unsigned("18446744073709551615"), UINT64_MAX);
    for (const char *text : {"", "_1", "1_", "1__0", "18446744073709551616", "+1", "1e3", " 1"})
        EXPECT_FALSE(parse_unsigned(text)) << text;
}

TEST(units, formatting_for_people)
{
    EXPECT_EQ(format_count(0), "0");
    EXPECT_EQ(format_count(999), "999");
    EXPECT_EQ(format_count(1234567), "1 234 567");
    EXPECT_EQ(format_size(256u << 20), "256 MiB");
    EXPECT_EQ(format_time(1500000), "1.5 us");
}

TEST(suggestions, nearest_word_is_found_and_nonsense_is_not)
{
    std::vector<std::string> keys{"platform.cores", "platform.memory_bytes", "cpu.clock_hz"};
    EXPECT_EQ(nearest("platfrom.cores", keys), "platform.cores");
    EXPECT_EQ(nearest("cores", keys), "platform.cores");
    EXPECT_EQ(nearest("cpu.clock_mhz", keys), "cpu.clock_hz");
    EXPECT_EQ(nearest("zzzzzzzz", keys), "");
    EXPECT_EQ(nearest(std::string(5000, 'p'), keys), "");
}
