// SPDX-License-Identifier: Apache-2.0
// A small memory, and what every test wants to know of it: its bytes and that nothing was written past what was meant.
#ifndef TESTS_UNIT_MEMORY_MEMORY_FIXTURE_H
#define TESTS_UNIT_MEMORY_MEMORY_FIXTURE_H

#include "memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

class memory_test : public ::testing::Test
{
  protected:
    static constexpr std::uint64_t SIZE = 8192;

    void SetUp() override
    {
        m = mem_create(SIZE);
        ASSERT_NE(m, nullptr);
    }
    void TearDown() override { mem_destroy(m); }

    std::vector<std::uint8_t> bytes() const { return {mem_bytes(m), mem_bytes(m) + SIZE}; }
    // A pattern in which no byte equals its neighbours.
    void fill()
    {
        for (std::uint64_t i = 0; i < SIZE; i++)
            mem_bytes(m)[i] = pattern(i);
    }
    static std::uint8_t pattern(std::uint64_t i) { return static_cast<std::uint8_t>(i * 7 + 1); }

    struct memory *m = nullptr;
};

#endif
