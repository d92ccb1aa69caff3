// SPDX-License-Identifier: Apache-2.0
// Size, bounds, reads, writes, byte enables, debug access.
#include "memory_fixture.h"

#include <array>
#include <limits>

namespace
{

constexpr std::uint64_t FAR = std::numeric_limits<std::uint64_t>::max();

TEST(mem_create, refuses_a_size_that_is_no_multiple_of_4096)
{
    for (std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4095}, std::uint64_t{4097}, FAR})
        EXPECT_EQ(mem_create(size), nullptr) << size;
}

TEST(mem_create, refuses_what_the_host_cannot_reserve)
{
    EXPECT_EQ(mem_create(std::uint64_t{1} << 62), nullptr);
    EXPECT_EQ(mem_create(std::uint64_t{1} << 63), nullptr);
    EXPECT_EQ(mem_create(FAR & ~std::uint64_t{4095}), nullptr);
}

TEST(mem_create, a_large_memory_is_zero_and_takes_no_time_to_make)
{
    const std::uint64_t size = std::uint64_t{4} << 30; // more than many a host could fill in the time of a test
    struct memory *m = mem_create(size);
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(mem_size(m), size);
    for (std::uint64_t at : {std::uint64_t{0}, size / 2 - 4, size - 8}) {
        std::uint64_t value = 1;
        EXPECT_EQ(mem_read(m, at, &value, 8), MEM_OK);
        EXPECT_EQ(value, 0u) << at;
    }
    mem_destroy(m);
}

TEST(mem_destroy, accepts_null) { mem_destroy(nullptr); }

TEST(mem_create, two_memories_share_nothing)
{
    struct memory *a = mem_create(4096), *b = mem_create(4096);
    ASSERT_TRUE(a != nullptr && b != nullptr);
    const std::uint8_t one = 1;
    EXPECT_EQ(mem_write(a, 0, &one, 1), MEM_OK);
    EXPECT_EQ(mem_bytes(b)[0], 0);
    EXPECT_EQ(mem_stats(b)->writes, 0u);
    mem_destroy(a);
    mem_destroy(b);
}

TEST_F(memory_test, what_was_written_is_read_back)
{
    const std::array<std::uint8_t, 5> in{1, 2, 3, 4, 5};
    std::array<std::uint8_t, 5> out{};
    ASSERT_EQ(mem_write(m, 4094, in.data(), in.size()), MEM_OK); // across a page
    ASSERT_EQ(mem_read(m, 4094, out.data(), out.size()), MEM_OK);
    EXPECT_EQ(in, out);
    EXPECT_EQ(mem_bytes(m)[4093], 0);
    EXPECT_EQ(mem_bytes(m)[4099], 0);
}

TEST_F(memory_test, the_last_byte_is_inside_and_the_next_is_not)
{
    std::uint8_t byte = 9;
    EXPECT_EQ(mem_write(m, SIZE - 1, &byte, 1), MEM_OK);
    EXPECT_EQ(mem_read(m, SIZE - 1, &byte, 1), MEM_OK);
    EXPECT_EQ(mem_read(m, SIZE, &byte, 1), MEM_OUT_OF_RANGE);
    EXPECT_EQ(mem_write(m, SIZE, &byte, 1), MEM_OUT_OF_RANGE);
}

TEST_F(memory_test, the_whole_is_one_access)
{
    fill();
    std::vector<std::uint8_t> all(SIZE);
    EXPECT_EQ(mem_read(m, 0, all.data(), SIZE), MEM_OK);
    EXPECT_EQ(all, bytes());
    EXPECT_EQ(mem_stats(m)->reads, 1u);
}

// Offsets and sizes whose sum overflows must not look like small ones.
TEST_F(memory_test, bounds_do_not_overflow)
{
    std::array<std::uint8_t, 16> buffer{};
    const std::array<std::uint8_t, 1> enable{0xff};
    const std::uint64_t cases[][2] = {{SIZE - 1, 2}, {SIZE - 7, 8},   {FAR, 1},  {FAR, 8},      {FAR - 7, 8},
                                      {FAR - 7, 16}, {SIZE + 1, FAR}, {1, SIZE}, {0, SIZE + 1}, {0, FAR},
                                      {1, FAR},      {8, FAR - 7},    {FAR, FAR}};
    for (const auto &c : cases) {
        EXPECT_EQ(mem_read(m, c[0], buffer.data(), c[1]), MEM_OUT_OF_RANGE) << c[0] << " " << c[1];
        EXPECT_EQ(mem_write(m, c[0], buffer.data(), c[1]), MEM_OUT_OF_RANGE) << c[0] << " " << c[1];
        EXPECT_EQ(mem_read_enabled(m, c[0], buffer.data(), c[1], enable.data(), 1), MEM_OUT_OF_RANGE);
        EXPECT_EQ(mem_write_enabled(m, c[0], buffer.data(), c[1], enable.data(), 1), MEM_OUT_OF_RANGE);
    }
    EXPECT_EQ(mem_stats(m)->reads, 0u);
    EXPECT_EQ(mem_stats(m)->writes, 0u);
}

TEST_F(memory_test, a_refused_write_changes_nothing)
{
    fill();
    const auto before = bytes();
    const std::array<std::uint8_t, 4> in{};
    EXPECT_EQ(mem_write(m, SIZE - 2, in.data(), in.size()), MEM_OUT_OF_RANGE);
    EXPECT_EQ(bytes(), before);
}

TEST_F(memory_test, an_access_of_no_bytes_needs_no_pointer)
{
    EXPECT_EQ(mem_read(m, SIZE, nullptr, 0), MEM_OK);
    EXPECT_EQ(mem_write(m, 0, nullptr, 0), MEM_OK);
    EXPECT_EQ(mem_read(m, SIZE + 1, nullptr, 0), MEM_OUT_OF_RANGE);
}

TEST_F(memory_test, byte_enables_repeat_and_choose)
{
    fill();
    std::array<std::uint8_t, 6> data{100, 101, 102, 103, 104, 105};
    const std::array<std::uint8_t, 3> enables{0xff, 0, 1}; // anything but 0 enables
    ASSERT_EQ(mem_write_enabled(m, 10, data.data(), data.size(), enables.data(), enables.size()), MEM_OK);
    for (unsigned i = 0; i < data.size(); i++)
        EXPECT_EQ(mem_bytes(m)[10 + i], i % 3 == 1 ? pattern(10 + i) : data[i]) << i;

    data.fill(7);
    ASSERT_EQ(mem_read_enabled(m, 20, data.data(), data.size(), enables.data(), enables.size()), MEM_OK);
    for (unsigned i = 0; i < data.size(); i++)
        EXPECT_EQ(data[i], i % 3 == 1 ? 7 : pattern(20 + i)) << i;
    EXPECT_EQ(mem_stats(m)->reads, 1u); // one access, however many bytes
    EXPECT_EQ(mem_stats(m)->writes, 1u);
}

TEST_F(memory_test, debug_access_is_cut_at_the_end_and_not_counted)
{
    fill();
    std::array<std::uint8_t, 8> data{};
    EXPECT_EQ(mem_debug_read(m, SIZE - 3, data.data(), 8), 3u);
    EXPECT_EQ(data[2], pattern(SIZE - 1));
    EXPECT_EQ(data[3], 0);
    EXPECT_EQ(mem_debug_write(m, SIZE - 1, data.data(), 8), 1u);
    EXPECT_EQ(mem_bytes(m)[SIZE - 1], pattern(SIZE - 3));
    EXPECT_EQ(mem_debug_read(m, SIZE, data.data(), 8), 0u);
    EXPECT_EQ(mem_debug_write(m, FAR, data.data(), FAR), 0u);
    EXPECT_EQ(mem_debug_read(m, 0, nullptr, 0), 0u);
    EXPECT_EQ(mem_stats(m)->reads, 0u);
    EXPECT_EQ(mem_stats(m)->writes, 0u);
}

} // namespace
