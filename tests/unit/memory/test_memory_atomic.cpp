// SPDX-License-Identifier: Apache-2.0
// Indivisible read-modify-writes.
#include "memory_fixture.h"

#include <cstdlib>
#include <cstring>

namespace
{

// A modify function's argument: what it saw, what it leaves, whether to store.
struct change {
    std::uint32_t size;
    bool store;
    std::uint8_t saw[MEM_MODIFY_MAX_BYTES] = {};
    int calls = 0;

    static bool run(void *arg, void *bytes)
    {
        auto *c = static_cast<change *>(arg);
        c->calls++;
        std::memcpy(c->saw, bytes, c->size);
        std::memset(bytes, 0xee, c->size);
        return c->store;
    }
};

TEST_F(memory_test, modify_sees_the_old_bytes_and_stores_the_new_of_every_size)
{
    for (std::uint32_t size = 1; size <= MEM_MODIFY_MAX_BYTES; size++) {
        fill();
        change c{size, true};
        const std::uint64_t at = 4096 - size / 2; // most cross a page
        ASSERT_EQ(mem_modify(m, at, size, change::run, &c), MEM_OK);
        EXPECT_EQ(c.calls, 1);
        for (std::uint32_t i = 0; i < size; i++) {
            EXPECT_EQ(c.saw[i], pattern(at + i));
            EXPECT_EQ(mem_bytes(m)[at + i], 0xee);
        }
        EXPECT_EQ(mem_bytes(m)[at - 1], pattern(at - 1));
        EXPECT_EQ(mem_bytes(m)[at + size], pattern(at + size));
    }
    EXPECT_EQ(mem_stats(m)->modifies, MEM_MODIFY_MAX_BYTES);
}

TEST_F(memory_test, modify_that_answers_no_changes_nothing)
{
    fill();
    const auto before = bytes();
    change c{8, false};
    EXPECT_EQ(mem_modify(m, 16, 8, change::run, &c), MEM_OK);
    EXPECT_EQ(c.calls, 1);
    EXPECT_EQ(bytes(), before);
}

TEST_F(memory_test, modify_refuses_sizes_and_ranges_and_then_does_not_call)
{
    change c{1, true};
    const std::uint64_t far = UINT64_MAX;
    EXPECT_EQ(mem_modify(m, 0, 0, change::run, &c), MEM_OUT_OF_RANGE);
    EXPECT_EQ(mem_modify(m, 0, 17, change::run, &c), MEM_OUT_OF_RANGE);
    EXPECT_EQ(mem_modify(m, SIZE - 15, 16, change::run, &c), MEM_OUT_OF_RANGE);
    EXPECT_EQ(mem_modify(m, SIZE, 1, change::run, &c), MEM_OUT_OF_RANGE);
    EXPECT_EQ(mem_modify(m, far, 1, change::run, &c), MEM_OUT_OF_RANGE);
    EXPECT_EQ(mem_modify(m, far - 7, 16, change::run, &c), MEM_OUT_OF_RANGE);
    EXPECT_EQ(c.calls, 0);
    EXPECT_EQ(mem_stats(m)->modifies, 0u);
}

TEST_F(memory_test, modify_of_the_last_sixteen_bytes_is_inside)
{
    change c{16, true};
    EXPECT_EQ(mem_modify(m, SIZE - 16, 16, change::run, &c), MEM_OK);
    EXPECT_EQ(mem_bytes(m)[SIZE - 1], 0xee);
}

using memory_death_test = memory_test;
TEST_F(memory_death_test, modify_without_a_function_is_our_bug)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::exit(mem_modify(m, 0, 8, nullptr, nullptr)), ::testing::ExitedWithCode(127), "assertion failed");
}

} // namespace
