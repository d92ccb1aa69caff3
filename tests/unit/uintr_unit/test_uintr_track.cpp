// SPDX-License-Identifier: Apache-2.0
// The tracker, rule by rule: what each border means, merging, coalescing, decoupled clocks, migration, lost interrupts.
#include "track_fixture.h"

namespace
{

constexpr std::uint64_t UPID = 0xffff880000001000, OTHER = 0xffff880000002000, FRAME = 0x7fff0000;

// The usual steps with short names; each takes the cycle last.
struct track_test : ::testing::Test, tracked {
    track_test() : tracked(4) {}

    std::uint64_t post(std::uint32_t core, std::uint8_t vector, std::uint64_t begin, std::uint64_t end,
                       bool again = false, std::uint64_t upid = UPID)
    {
        uintr_track_send_begin(t, core, begin);
        return uintr_track_posted(t, core, upid, vector, true, false, again, end);
    }
    std::uint64_t post_quiet(std::uint32_t core, std::uint8_t vector, bool suppressed, std::uint64_t begin,
                             std::uint64_t end, bool again = false)
    {
        uintr_track_send_begin(t, core, begin);
        return uintr_track_posted(t, core, UPID, vector, false, suppressed, again, end);
    }
    void notify(std::uint32_t core, std::uint64_t mask, std::uint64_t begin, std::uint64_t end,
                std::uint64_t already = 0)
    {
        uintr_track_notify_begin(t, core, begin);
        uintr_track_notified(t, core, UPID, mask, already, end);
    }
    void deliver(std::uint32_t core, std::uint8_t vector, std::uint64_t frame, std::uint64_t begin, std::uint64_t end,
                 std::uint64_t upid = UPID)
    {
        uintr_track_deliver_begin(t, core, upid, vector, begin);
        uintr_track_delivered(t, core, frame, end);
    }
    void uiret(std::uint32_t core, std::uint64_t frame, std::uint64_t begin, std::uint64_t end,
               std::uint64_t upid = UPID)
    {
        uintr_track_uiret_begin(t, core, upid, frame + 8, begin);
        uintr_track_returned(t, core, end);
    }
    void expect_borders(const struct uintr_record &r, const std::vector<std::uint64_t> &at)
    {
        ASSERT_EQ(r.reached, at.size());
        for (std::size_t i = 0; i < at.size(); i++)
            EXPECT_EQ(r.at[i], at[i]) << i;
    }
};

TEST(uintr_track_create, refuses_no_cores_and_no_listener)
{
    EXPECT_EQ(uintr_track_create(
                  0, [](void *, const struct uintr_record *, bool) {}, nullptr),
              nullptr);
    EXPECT_EQ(uintr_track_create(1, nullptr, nullptr), nullptr);
    uintr_track_destroy(nullptr);
}

TEST_F(track_test, a_whole_life_has_every_border_as_reported)
{
    EXPECT_EQ(post(0, 5, 100, 110), 1u);
    uintr_track_sent(t, 0, 115);
    uintr_track_arrived(t, 1, 1, 215);
    notify(1, 0x20, 220, 230);
    deliver(1, 5, FRAME, 240, 250);
    uiret(1, FRAME, 300, 310);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_TRUE(done[0].complete);
    const struct uintr_record &r = done[0].record;
    expect_borders(r, {100, 110, 115, 215, 220, 230, 240, 250, 300, 310});
    EXPECT_EQ(uintr_record_end_to_end(&r), 150u);
    EXPECT_EQ(r.number, 1u);
    EXPECT_EQ(r.sender, 0u);
    EXPECT_EQ(r.receiver, 1u);
    EXPECT_EQ(r.vector, 5);
    EXPECT_EQ(r.upid, UPID);
    EXPECT_EQ(r.merged, 0u);
    EXPECT_EQ(stats(0).posted, 1u);
    EXPECT_EQ(stats(0).sent, 1u);
    EXPECT_EQ(stats(0).delivered, 0u);
    EXPECT_EQ(stats(1).delivered, 1u);
    EXPECT_EQ(stats(1).returned, 1u);
    EXPECT_EQ(stats(1).untracked, 0u);
}

TEST_F(track_test, numbers_count_the_posts)
{
    for (std::uint8_t v = 0; v < 64; v++)
        EXPECT_EQ(post(0, v, 1, 2), v + 1u);
}

TEST_F(track_test, a_coalesced_post_has_no_issue_and_no_travel)
{
    post_quiet(0, 6, false, 100, 110);
    uintr_track_sent(t, 0, 150); // SENDUIPI retires: no news for a post without IPI
    notify(1, 0x40, 220, 230);
    deliver(1, 6, FRAME, 240, 250);
    uiret(1, FRAME, 300, 310);
    ASSERT_EQ(done.size(), 1u);
    expect_borders(done[0].record, {100, 110, 110, 110, 220, 230, 240, 250, 300, 310});
    EXPECT_TRUE(done[0].record.coalesced);
    EXPECT_EQ(stats(0).coalesced, 1u);
    EXPECT_EQ(stats(0).sent, 0u);
}

TEST_F(track_test, a_suppressed_post_waits_in_accept)
{
    post_quiet(0, 6, true, 100, 110);
    notify(1, 0x40, 9000, 9010);
    deliver(1, 6, FRAME, 9020, 9030);
    uiret(1, FRAME, 9100, 9110);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_TRUE(done[0].record.suppressed);
    EXPECT_EQ(uintr_record_stage(&done[0].record, UINTR_AT_ARRIVED), 9000u - 110u);
    EXPECT_EQ(stats(0).suppressed, 1u);
}

TEST_F(track_test, later_posts_of_a_bit_that_is_still_in_pir_merge_into_the_first)
{
    EXPECT_EQ(post(0, 5, 100, 110), 1u);
    EXPECT_EQ(post_quiet(2, 5, false, 120, 130, true), 1u);
    EXPECT_EQ(post_quiet(2, 5, false, 140, 150, true), 1u);
    notify(1, 0x20, 220, 230);
    deliver(1, 5, FRAME, 240, 250);
    uiret(1, FRAME, 300, 310);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.merged, 2u);
    EXPECT_EQ(done[0].record.at[UINTR_AT_SEND_BEGIN], 100u);
    EXPECT_EQ(stats(2).merged, 2u);
    EXPECT_EQ(stats(2).posted, 2u);
    EXPECT_EQ(stats(2).coalesced, 2u);
}

TEST_F(track_test, a_bit_posted_again_after_the_drain_merges_when_it_is_drained_too)
{
    post(0, 5, 100, 110);
    notify(1, 0x20, 120, 130);
    EXPECT_EQ(post(0, 5, 200, 210), 2u);
    EXPECT_EQ(post(0, 5, 220, 230, true), 2u);
    notify(1, 0x20, 250, 260, 0x20); // UIRR had the bit
    deliver(1, 5, FRAME, 270, 280);
    uiret(1, FRAME, 300, 310);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.number, 1u);
    EXPECT_EQ(done[0].record.merged, 2u);
    EXPECT_EQ(stats(0).merged, 2u);
    uintr_track_finish(t);
    EXPECT_EQ(done.size(), 1u);
}

TEST_F(track_test, a_bit_posted_again_and_not_drained_before_delivery_is_an_interrupt_of_its_own)
{
    post(0, 5, 100, 110);
    notify(1, 0x20, 120, 130);
    EXPECT_EQ(post(0, 5, 200, 210), 2u);
    deliver(1, 5, FRAME, 220, 230);
    notify(1, 0x20, 250, 260);
    uiret(1, FRAME, 300, 310);
    deliver(1, 5, FRAME, 310, 320);
    uiret(1, FRAME, 330, 340);
    ASSERT_EQ(done.size(), 2u);
    EXPECT_EQ(done[0].record.number, 1u);
    EXPECT_EQ(done[1].record.number, 2u);
    EXPECT_EQ(stats(1).delivered, 2u);
    EXPECT_EQ(stats(1).untracked, 0u);
}

TEST_F(track_test, a_core_that_lags_moves_borders_up_never_back)
{
    post_quiet(0, 5, false, 1045, 1050); // core 0 runs ahead; core 1 sees the memory early
    notify(1, 0x20, 1040, 1045);
    deliver(1, 5, FRAME, 1047, 1060);
    uiret(1, FRAME, 1100, 1110);
    ASSERT_EQ(done.size(), 1u);
    expect_borders(done[0].record, {1045, 1050, 1050, 1050, 1050, 1050, 1050, 1060, 1100, 1110});
}

TEST_F(track_test, an_ipi_that_another_notification_overtakes_ends_its_travel_there)
{
    std::uint64_t number = post(0, 5, 100, 110);
    uintr_track_sent(t, 0, 115);
    notify(1, 0x20, 150, 160);
    uintr_track_arrived(t, number, 1, 215); // comes too late to matter
    deliver(1, 5, FRAME, 240, 250);
    uiret(1, FRAME, 300, 310);
    ASSERT_EQ(done.size(), 1u);
    expect_borders(done[0].record, {100, 110, 115, 150, 150, 160, 240, 250, 300, 310});
}

TEST_F(track_test, the_first_arrival_counts)
{
    std::uint64_t number = post(0, 5, 100, 110);
    uintr_track_sent(t, 0, 115);
    uintr_track_arrived(t, number, 2, 200); // old core: went through the IDT there
    uintr_track_arrived(t, number, 1, 900);
    notify(1, 0x20, 1000, 1010);
    uintr_track_finish(t);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_FALSE(done[0].complete);
    expect_borders(done[0].record, {100, 110, 115, 200, 1000, 1010});
}

TEST_F(track_test, an_ipi_to_the_sender_itself_takes_issue_and_no_travel)
{
    std::uint64_t number = post(1, 5, 100, 110);
    uintr_track_arrived(t, number, 1, 326); // within the sending
    uintr_track_sent(t, 1, 326);
    notify(1, 0x20, 330, 340);
    uintr_track_finish(t);
    ASSERT_EQ(done.size(), 1u);
    expect_borders(done[0].record, {100, 110, 326, 326, 330, 340});
}

TEST_F(track_test, unknown_numbers_do_not_arrive)
{
    uintr_track_arrived(t, 0, 0, 1);
    uintr_track_arrived(t, 77, 0, 1);
    post(0, 1, 1, 2);
    uintr_track_arrived(t, 2, 0, 1);
    uintr_track_finish(t);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.reached, 2);
}

TEST_F(track_test, an_interrupt_posted_by_software_is_untracked)
{
    notify(1, 0x8, 10, 20);
    deliver(1, 3, FRAME, 30, 40);
    uiret(1, FRAME, 50, 60);
    EXPECT_TRUE(done.empty());
    EXPECT_EQ(stats(1).untracked, 1u);
    EXPECT_EQ(stats(1).delivered, 0u);
    EXPECT_EQ(stats(1).returned, 0u);
}

TEST_F(track_test, a_uirr_bit_written_by_software_does_not_take_a_record_that_is_still_in_pir)
{
    post(0, 3, 1, 2);
    deliver(1, 3, FRAME, 30, 40);
    EXPECT_EQ(stats(1).untracked, 1u);
    notify(1, 0x8, 50, 60);
    deliver(1, 3, FRAME - 64, 70, 80);
    EXPECT_EQ(stats(1).delivered, 1u);
}

TEST_F(track_test, a_pir_bit_that_software_cleared_ends_its_record_as_incomplete)
{
    EXPECT_EQ(post(0, 3, 1, 2), 1u);
    EXPECT_EQ(post(0, 3, 101, 102, false), 2u); // the bit was clear again
    ASSERT_EQ(done.size(), 1u);
    EXPECT_FALSE(done[0].complete);
    EXPECT_EQ(done[0].record.number, 1u);
    EXPECT_EQ(stats(0).merged, 0u);
}

TEST_F(track_test, a_uirr_bit_that_software_cleared_ends_its_record_as_incomplete)
{
    post(0, 3, 1, 2);
    notify(1, 0x8, 3, 4);
    post(0, 3, 101, 102);
    notify(1, 0x8, 103, 104, 0); // UIRR had not the bit
    ASSERT_EQ(done.size(), 1u);
    EXPECT_FALSE(done[0].complete);
    EXPECT_EQ(done[0].record.number, 1u);
    deliver(1, 3, FRAME, 110, 120);
    uiret(1, FRAME, 130, 140);
    ASSERT_EQ(done.size(), 2u);
    EXPECT_EQ(done[1].record.number, 2u);
    EXPECT_EQ(done[1].record.at[UINTR_AT_SEND_BEGIN], 101u);
}

TEST_F(track_test, two_upids_are_not_confused)
{
    post(0, 5, 100, 110, false, UPID);
    post(0, 5, 120, 130, false, OTHER);
    uintr_track_notify_begin(t, 1, 140);
    uintr_track_notified(t, 1, OTHER, 0x20, 0, 150);
    deliver(1, 5, FRAME, 160, 170, OTHER);
    uiret(1, FRAME, 180, 190, OTHER);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.number, 2u);
    EXPECT_EQ(done[0].record.upid, OTHER);
}

TEST_F(track_test, a_thread_may_migrate_between_drain_delivery_and_return)
{
    post(0, 5, 100, 110);
    notify(1, 0x20, 120, 130);
    deliver(2, 5, FRAME, 540, 550);
    uiret(3, FRAME, 900, 910);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_TRUE(done[0].complete);
    EXPECT_EQ(done[0].record.receiver, 2u);
    EXPECT_EQ(stats(2).delivered, 1u);
    EXPECT_EQ(stats(3).returned, 1u);
}

TEST_F(track_test, nested_deliveries_return_by_frame)
{
    post(0, 1, 1, 2);
    post(0, 2, 3, 4);
    notify(1, 0x6, 10, 20);
    deliver(1, 2, FRAME, 30, 40);
    deliver(1, 1, FRAME - 0x100, 50, 60);
    uiret(1, FRAME - 0x100, 70, 80);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.vector, 1);
    uiret(1, FRAME, 90, 100);
    ASSERT_EQ(done.size(), 2u);
    EXPECT_EQ(done[1].record.vector, 2);
}

TEST_F(track_test, handlers_that_return_out_of_order_are_matched_too)
{
    post(0, 1, 1, 2);
    post(0, 2, 3, 4);
    notify(1, 0x6, 10, 20);
    deliver(1, 2, FRAME, 30, 40);
    deliver(1, 1, FRAME - 0x100, 50, 60);
    uiret(1, FRAME, 70, 80);
    uiret(1, FRAME - 0x100, 90, 100);
    ASSERT_EQ(done.size(), 2u);
    EXPECT_EQ(done[0].record.vector, 2);
    EXPECT_EQ(done[1].record.vector, 1);
}

TEST_F(track_test, threads_with_equal_stack_addresses_are_told_apart)
{
    post(0, 1, 1, 2, false, UPID);
    post(0, 1, 3, 4, false, OTHER);
    notify(1, 0x2, 10, 20);
    uintr_track_notify_begin(t, 2, 10);
    uintr_track_notified(t, 2, OTHER, 0x2, 0, 20);
    deliver(1, 1, FRAME, 30, 40, UPID);
    deliver(2, 1, FRAME, 30, 40, OTHER);
    uiret(1, FRAME, 50, 60, OTHER); // migrated
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.upid, OTHER);
    uiret(2, FRAME, 50, 60, UPID);
    EXPECT_EQ(done.size(), 2u);
}

TEST_F(track_test, a_uiret_that_matches_nothing_is_ignored)
{
    uiret(1, FRAME, 1, 2);
    uintr_track_returned(t, 1, 3);
    EXPECT_TRUE(done.empty());
    EXPECT_EQ(stats(1).returned, 0u);
}

TEST_F(track_test, a_frame_that_another_delivery_overwrites_ends_its_record_as_incomplete)
{
    post(0, 1, 1, 2);
    notify(1, 0x2, 10, 20);
    deliver(1, 1, FRAME, 30, 40); // leaves by longjmp
    post(0, 1, 101, 102);
    notify(1, 0x2, 110, 120);
    deliver(1, 1, FRAME, 130, 140);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_FALSE(done[0].complete);
    EXPECT_EQ(done[0].record.reached, UINTR_AT_DELIVERED + 1);
    uiret(1, FRAME, 150, 160);
    ASSERT_EQ(done.size(), 2u);
    EXPECT_EQ(done[1].record.number, 2u);
}

TEST_F(track_test, a_delivery_that_faulted_begins_again)
{
    post(0, 5, 1, 2);
    notify(1, 0x20, 3, 4);
    uintr_track_deliver_begin(t, 1, UPID, 5, 10);
    deliver(1, 5, FRAME, 500, 510); // after the page fault
    uiret(1, FRAME, 520, 530);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.at[UINTR_AT_DELIVER_BEGIN], 500u);
    EXPECT_EQ(stats(1).delivered, 1u);
}

TEST_F(track_test, a_send_that_faulted_begins_again)
{
    uintr_track_send_begin(t, 0, 10);
    post(0, 5, 500, 510);
    uintr_track_finish(t);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.at[UINTR_AT_SEND_BEGIN], 500u);
}

TEST_F(track_test, a_uiret_that_faulted_begins_again_even_on_another_core)
{
    post(0, 5, 1, 2);
    notify(1, 0x20, 3, 4);
    deliver(1, 5, FRAME, 5, 6);
    uintr_track_uiret_begin(t, 1, UPID, FRAME + 8, 10);
    uiret(2, FRAME, 700, 710);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.at[UINTR_AT_UIRET_BEGIN], 700u);
    uintr_track_returned(t, 1, 720); // stale
    EXPECT_EQ(done.size(), 1u);
}

TEST_F(track_test, a_stale_core_does_not_touch_the_slot_of_another_record)
{
    post(0, 5, 1, 2);
    notify(1, 0x20, 3, 4);
    deliver(1, 5, FRAME, 5, 6);
    uintr_track_uiret_begin(t, 1, UPID, FRAME + 8, 10);
    uiret(2, FRAME, 20, 30); // frees the slot
    post(0, 6, 31, 32);      // takes it
    notify(3, 0x40, 33, 34);
    deliver(3, 6, FRAME, 35, 36);
    uintr_track_returned(t, 1, 40);
    EXPECT_EQ(done.size(), 1u);
    uiret(3, FRAME, 50, 60);
    EXPECT_EQ(done.size(), 2u);
}

TEST_F(track_test, finish_reports_what_is_under_way_in_the_order_of_numbers)
{
    for (std::uint8_t v = 0; v < 20; v++)
        post(0, v, v, v);
    notify(1, 0x3f0, 30, 31);
    for (std::uint8_t v = 4; v < 8; v++)
        deliver(1, v, FRAME - 0x100u * v, 40, 41);
    uiret(1, FRAME - 0x500, 50, 60);
    done.clear();
    uintr_track_finish(t);
    ASSERT_EQ(done.size(), 19u);
    for (std::size_t i = 1; i < done.size(); i++)
        EXPECT_GT(done[i].record.number, done[i - 1].record.number);
    for (const finished &f : done)
        EXPECT_FALSE(f.complete);
    uintr_track_finish(t);
    EXPECT_EQ(done.size(), 19u);
}

TEST_F(track_test, tracking_goes_on_after_finish)
{
    post(0, 5, 1, 2);
    uintr_track_deliver_begin(t, 1, UPID, 5, 3);
    uintr_track_finish(t);
    uintr_track_delivered(t, 1, FRAME, 4);
    EXPECT_EQ(post(0, 5, 10, 20), 2u);
    notify(1, 0x20, 30, 40);
    deliver(1, 5, FRAME, 50, 60);
    uiret(1, FRAME, 70, 80);
    ASSERT_EQ(done.size(), 2u);
    EXPECT_TRUE(done[1].complete);
}

TEST_F(track_test, a_guest_that_only_posts_cannot_take_more_than_the_limit)
{
    constexpr std::uint64_t MORE = 5;
    for (std::uint64_t i = 0; i < UINTR_TRACK_LIMIT + MORE; i++) {
        std::uint64_t upid = UPID + 64 * (i / 64);
        std::uint64_t number = uintr_track_posted(t, 0, upid, static_cast<std::uint8_t>(i % 64), true, false, false, i);
        ASSERT_EQ(number, i < UINTR_TRACK_LIMIT ? i + 1 : 0);
    }
    EXPECT_EQ(stats(0).dropped, MORE);
    EXPECT_EQ(stats(0).posted, UINTR_TRACK_LIMIT + MORE);
    // Room again after one has left; what was dropped is delivered untracked.
    notify(1, 1, 10, 20);
    deliver(1, 0, FRAME, 30, 40);
    uiret(1, FRAME, 50, 60);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_NE(uintr_track_posted(t, 0, OTHER * 2, 9, true, false, false, 70), 0u);
    EXPECT_EQ(uintr_track_posted(t, 0, OTHER * 2, 10, true, false, false, 80), 0u);
}

TEST_F(track_test, a_thousand_posts_of_one_bit_are_one_record)
{
    for (int i = 0; i < 1000; i++)
        post(0, 5, 1, 2, i != 0);
    uintr_track_finish(t);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].record.merged, 999u);
}

TEST_F(track_test, the_path_tells_what_the_kernel_had_to_do)
{
    const auto path_of = [&](std::uint8_t vector, bool own_ipi, std::uint64_t user_since, std::uint64_t woken) {
        const std::uint64_t frame = FRAME + vector * 0x1000u;
        post(0, vector, 100, 110);
        uintr_track_notify_begin(t, 1, 220);
        if (own_ipi)
            uintr_track_own_ipi(t, 1);
        uintr_track_notified(t, 1, UPID, std::uint64_t{1} << vector, 0, 230);
        uintr_track_receiver(t, 1, user_since, woken);
        deliver(1, vector, frame, 240, 250);
        uiret(1, frame, 300, 310);
        return uintr_record_path(&done.back().record);
    };
    EXPECT_EQ(path_of(1, false, 0, 0), UINTR_PATH_DIRECT);
    EXPECT_EQ(path_of(2, false, 110, 109), UINTR_PATH_DIRECT) << "all before the post";
    EXPECT_EQ(path_of(3, false, 111, 0), UINTR_PATH_HELD);
    EXPECT_EQ(path_of(4, true, 111, 109), UINTR_PATH_RESUME);
    EXPECT_EQ(path_of(5, true, 111, 110), UINTR_PATH_WAKE) << "though it was resumed then";
    EXPECT_EQ(path_of(6, false, 0, 0), UINTR_PATH_DIRECT) << "nothing is left of the last notification";
}

} // namespace
