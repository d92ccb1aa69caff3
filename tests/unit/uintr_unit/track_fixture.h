// SPDX-License-Identifier: Apache-2.0
// A tracker whose finished records are checked as they come: borders never decrease, the stages up to the handler add
// up to end_to_end, borders not reached are 0.
#ifndef TRACK_FIXTURE_H
#define TRACK_FIXTURE_H

#include "uintr_track.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

struct finished {
    struct uintr_record record;
    bool complete;
};

class tracked
{
  public:
    struct uintr_track *t;
    std::vector<finished> done;
    std::uint32_t cores;

    explicit tracked(std::uint32_t core_count) : t(uintr_track_create(core_count, on_done, this)), cores(core_count) {}
    ~tracked() { uintr_track_destroy(t); }
    tracked(const tracked &) = delete;
    tracked &operator=(const tracked &) = delete;

    const struct uintr_track_stats &stats(std::uint32_t core) const { return *uintr_track_core_stats(t, core); }
    std::uint64_t sum(std::uint64_t uintr_track_stats::*member) const
    {
        std::uint64_t n = 0;
        for (std::uint32_t core = 0; core < cores; core++)
            n += stats(core).*member;
        return n;
    }

  private:
    std::set<std::uint64_t> m_numbers;

    static void on_done(void *ctx, const struct uintr_record *r, bool complete)
    {
        auto &self = *static_cast<tracked *>(ctx);
        self.check(*r, complete);
        self.done.push_back({*r, complete});
    }

    void check(const struct uintr_record &r, bool complete)
    {
        ASSERT_NE(r.number, 0u);
        ASSERT_TRUE(m_numbers.insert(r.number).second) << "reported twice: " << r.number;
        ASSERT_LT(r.sender, cores);
        ASSERT_LT(r.receiver, cores);
        ASSERT_LT(r.vector, 64);
        ASSERT_FALSE(r.coalesced && r.suppressed);
        ASSERT_GE(r.reached, 2);
        ASSERT_LE(r.reached, UINTR_BORDER_COUNT);
        ASSERT_EQ(complete, r.reached == UINTR_BORDER_COUNT);
        for (unsigned i = 1; i < UINTR_BORDER_COUNT; i++) {
            if (i < r.reached)
                ASSERT_GE(r.at[i], r.at[i - 1]) << i;
            else
                ASSERT_EQ(r.at[i], 0u) << i;
        }
        if (r.coalesced || r.suppressed) {
            ASSERT_EQ(uintr_record_stage(&r, 1), 0u);
            ASSERT_EQ(uintr_record_stage(&r, 2), 0u);
        }
        if (r.reached > UINTR_AT_DELIVERED) {
            std::uint64_t stages = 0;
            for (unsigned s = 0; s < UINTR_AT_DELIVERED; s++)
                stages += uintr_record_stage(&r, s);
            ASSERT_EQ(stages, uintr_record_end_to_end(&r));
        }
    }
};

#endif
