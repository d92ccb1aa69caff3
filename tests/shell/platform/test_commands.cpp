// SPDX-License-Identifier: Apache-2.0
// The program without a simulation: every mistake of a user is status 125. (A process of its own, because the address
// sanitizer does not follow exceptions once SystemC has switched stacks.)
#include "commands.h"

#include <gtest/gtest.h>

#include <string>
#include <systemc>
#include <vector>

using arguments = std::vector<std::string>;

TEST(commands, every_user_mistake_is_status_125)
{
    for (const arguments &a : {arguments{},
                               {"run"},
                               {"run", "/nonexistent"}, // builds a platform: once per process
                               {"config", "--set", "x=1"},
                               {"models", "--timing", "none"},
                               {"config", "-c", "/nonexistent.toml"},
                               {"config", "--profile", "none"},
                               {"run", "--stats", "/nonexistent/s.json", "x"},
                               {"run", "--bad", "x"}})
        EXPECT_EQ(vp::run_program(a, nullptr), 125) << testing::PrintToString(a);
}

TEST(commands, asking_is_no_mistake)
{
    for (const arguments &a : {arguments{"models"}, {"config"}, {"--help"}, {"--version"}, {"run", "-h"}})
        EXPECT_EQ(vp::run_program(a, nullptr), 0) << testing::PrintToString(a);
}

TEST(commands, shipped_profiles_are_valid)
{
    for (const char *name : {"ideal", "sapphire-rapids"})
        EXPECT_EQ(vp::run_program({"config", "--profile", name}, nullptr), 0) << name;
}

int sc_main(int argc, char *argv[])
{
    testing::InitGoogleTest(&argc, argv);
    sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
    return RUN_ALL_TESTS();
}
