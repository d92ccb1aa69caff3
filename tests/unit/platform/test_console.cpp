// SPDX-License-Identifier: Apache-2.0
// COM1's receiver as its data sheet says, byte by byte and in time; where its bytes come from.
#include "config/user_error.h"
#include "devices/console_input.h"
#include "devices/uart16550.h"
#include "scratch_file.h"

#include <gtest/gtest.h>

#include <deque>
#include <fcntl.h>
#include <string>
#include <termios.h>
#include <unistd.h>

using namespace vp;

namespace
{

enum { RBR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
constexpr std::uint64_t CHARACTER = 86805555; // 10 bits at 115200 baud, in ps

// A sender that can be asked what it was asked.
struct text_source : byte_source {
    std::string text;
    std::size_t next = 0;
    unsigned asked = 0;
    bool take(std::uint8_t &byte) override
    {
        asked++;
        if (next == text.size())
            return false;
        byte = static_cast<std::uint8_t>(text[next++]);
        return true;
    }
    void take_back(unsigned count) override { next -= count; }
};

class uart_receiver : public testing::Test
{
  protected:
    text_source line;
    std::string sent;
    struct change {
        bool level;
        std::uint64_t at;
        bool operator==(const change &o) const { return level == o.level && at == o.at; }
    };
    std::vector<change> irq;
    uart16550 u{[this](unsigned char c) { sent.push_back(static_cast<char>(c)); },
                [this](bool level, std::uint64_t at) {
                    irq.push_back({level, at});
                },
                &line};
    std::uint64_t now = 1000;

    void SetUp() override
    {
        out(LCR, 3); // 8N1
        out(MCR, 8); // OUT2
    }
    std::uint32_t in(std::uint64_t offset) { return u.read(offset, 1, now); }
    void out(std::uint64_t offset, std::uint32_t value) { u.write(offset, 1, value, now); }
    std::uint32_t lsr() { return in(LSR); }
    bool has_data() { return (lsr() & 1) != 0; }
    // As the platform does: the receiver acts at its own times.
    void pass(std::uint64_t ps)
    {
        const std::uint64_t until = now + ps;
        while (u.next_ps() <= until) {
            now = u.next_ps();
            u.look(now);
        }
        now = until;
    }
};

} // namespace

TEST_F(uart_receiver, a_guest_that_does_not_want_to_receive_takes_nothing)
{
    line.text = "abc";
    out(FCR, 1);
    out(IER, 2);
    out(RBR, 'x');
    for (int i = 0; i < 1000; i++, now += CHARACTER)
        EXPECT_EQ(in(LSR), 0x60u);
    in(IIR);
    out(MCR, 0x18); // loopback does not count
    out(IER, 1);
    in(RBR);
    EXPECT_FALSE(u.is_wanted());
    EXPECT_EQ(line.asked, 0u);
}

TEST_F(uart_receiver, polled_bytes_come_at_the_speed_of_the_line)
{
    line.text = "abc";
    EXPECT_EQ(in(RBR), 0u); // shows interest
    EXPECT_TRUE(u.is_wanted());
    EXPECT_FALSE(has_data());
    now += CHARACTER - 1;
    EXPECT_FALSE(has_data());
    now += 1;
    EXPECT_TRUE(has_data());
    EXPECT_EQ(in(RBR), std::uint32_t{'a'});
    EXPECT_FALSE(has_data());
    EXPECT_EQ(in(RBR), 0u) << "a read in vain takes nothing";
    now += CHARACTER;
    EXPECT_EQ(in(RBR), std::uint32_t{'b'});
    EXPECT_TRUE(irq.empty());
}

TEST_F(uart_receiver, the_divisor_and_the_frame_set_the_speed)
{
    out(LCR, 0x80);
    out(0, 12);     // 9600 baud
    out(LCR, 0x1f); // 8 data bits, even parity, 2 stop bits
    line.text = "a";
    in(RBR);
    now += 12 * CHARACTER * 12 / 10 - 1;
    EXPECT_FALSE(has_data());
    now += 12;
    EXPECT_TRUE(has_data());
}

TEST_F(uart_receiver, a_sender_waits_while_the_receiver_is_full_and_loses_nothing)
{
    for (int i = 0; i < 40; i++)
        line.text.push_back(static_cast<char>('A' + i));
    out(FCR, 1);
    in(RBR);
    now += 100 * CHARACTER;
    EXPECT_TRUE(has_data());
    EXPECT_EQ(line.next, 17u) << "16 in the FIFO, one on the line";
    std::string got;
    while (got.size() < 40) {
        EXPECT_EQ(lsr() & 2, 0u);
        if (has_data())
            got.push_back(static_cast<char>(in(RBR)));
        else
            now += CHARACTER;
    }
    EXPECT_EQ(got, line.text);
}

TEST_F(uart_receiver, without_fifos_each_byte_interrupts)
{
    line.text = "ab";
    out(IER, 1);
    EXPECT_EQ(in(IIR), 0x01u);
    pass(CHARACTER);
    EXPECT_EQ(irq, (std::vector<change>{{true, 1000 + CHARACTER}}));
    EXPECT_EQ(in(IIR), 0x04u);
    EXPECT_EQ(in(IIR), 0x04u) << "reading IIR does not reset it";
    EXPECT_EQ(in(RBR), std::uint32_t{'a'});
    EXPECT_EQ(in(IIR), 0x01u);
    pass(CHARACTER);
    EXPECT_EQ(irq.size(), 3u) << "an edge for each byte";
    EXPECT_EQ(in(RBR), std::uint32_t{'b'});
    pass(10 * CHARACTER);
    EXPECT_EQ(irq.size(), 4u);
    EXPECT_TRUE(u.is_drained());
}

TEST_F(uart_receiver, fifos_interrupt_at_their_trigger_level)
{
    const unsigned levels[] = {1, 4, 8, 14};
    for (unsigned i = 0; i < 4; i++) {
        irq.clear();
        line.text = std::string(levels[i], 'x');
        line.next = 0;
        out(IER, 0);
        out(FCR, i << 6 | 3);
        const std::uint64_t begin = now;
        out(IER, 1);
        EXPECT_EQ(in(IIR), 0xc1u);
        pass(levels[i] * CHARACTER);
        EXPECT_EQ(irq, (std::vector<change>{{true, begin + levels[i] * CHARACTER}})) << levels[i];
        EXPECT_EQ(in(IIR), 0xc4u);
        in(RBR);
        EXPECT_EQ(in(IIR), 0xc1u) << "below the level";
        while (has_data())
            in(RBR);
    }
}

TEST_F(uart_receiver, what_stays_below_the_level_times_out_after_four_characters)
{
    line.text = "ab";
    out(FCR, 0xc1);
    out(IER, 1);
    const std::uint64_t begin = now;
    pass(20 * CHARACTER);
    EXPECT_EQ(irq, (std::vector<change>{{true, begin + (2 + 4) * CHARACTER}}));
    EXPECT_EQ(in(IIR), 0xccu);
    EXPECT_EQ(in(RBR), std::uint32_t{'a'});
    EXPECT_EQ(in(IIR), 0xc1u) << "a read restarts the time";
    const std::uint64_t read = now;
    pass(20 * CHARACTER);
    EXPECT_EQ(irq.back(), (change{true, read + 4 * CHARACTER}));
    in(RBR);
    EXPECT_FALSE(irq.back().level);
}

TEST_F(uart_receiver, clearing_the_fifo_does_not_lose_input)
{
    line.text = "hello";
    out(FCR, 1);
    in(RBR);
    now += 3 * CHARACTER;
    EXPECT_TRUE(has_data());
    out(FCR, 3);
    EXPECT_FALSE(has_data());
    now += 5 * CHARACTER;
    out(FCR, 2); // bit 0 clear: FIFOs off, which clears them too
    std::string got;
    for (int i = 0; i < 10; i++, now += CHARACTER)
        if (has_data())
            got.push_back(static_cast<char>(in(RBR)));
    EXPECT_EQ(got, "hello");
}

TEST_F(uart_receiver, loopback_overruns)
{
    out(MCR, 0x18);
    out(FCR, 1);
    out(IER, 4); // line status
    for (char c = 'a'; c < 'a' + 17; c++)
        out(RBR, static_cast<unsigned char>(c));
    EXPECT_EQ(in(IIR), 0xc6u) << "the highest priority";
    EXPECT_EQ(in(LSR), 0x63u);
    EXPECT_EQ(in(LSR), 0x61u) << "reading resets OE";
    EXPECT_EQ(in(IIR), 0xc1u);
    std::string got;
    while (has_data())
        got.push_back(static_cast<char>(in(RBR)));
    EXPECT_EQ(got, "abcdefghijklmnop") << "the 17th is lost";
    out(FCR, 0);
    out(RBR, 'x');
    out(RBR, 'y');
    EXPECT_EQ(in(LSR), 0x63u);
    EXPECT_EQ(in(RBR), std::uint32_t{'y'}) << "without FIFOs it takes the place of the last";
    EXPECT_EQ(sent, "");
}

TEST_F(uart_receiver, loopback_is_cut_off_from_the_line)
{
    line.text = "ab";
    in(RBR);
    now += CHARACTER / 2;
    out(MCR, 0x18);
    now += 10 * CHARACTER;
    EXPECT_FALSE(has_data());
    out(MCR, 8);
    now += CHARACTER;
    EXPECT_EQ(in(RBR), std::uint32_t{'a'});
}

TEST_F(uart_receiver, typed_bytes_are_felt_after_they_were_typed)
{
    out(IER, 1);
    pass(1000 * CHARACTER);
    EXPECT_TRUE(u.is_drained());
    EXPECT_TRUE(u.is_listening());
    line.text = "k";
    u.look(now);
    EXPECT_FALSE(u.is_drained());
    const std::uint64_t typed = now;
    pass(2 * CHARACTER);
    EXPECT_EQ(irq, (std::vector<change>{{true, typed + CHARACTER}}));
}

TEST_F(uart_receiver, a_guest_that_polls_in_vain_is_noticed)
{
    in(RBR);
    for (unsigned i = 1; i <= 5; i++) {
        in(LSR);
        EXPECT_EQ(u.polls(), i);
    }
    out(RBR, 'x');
    EXPECT_EQ(u.polls(), 0u);
}

// --- where the bytes come from ---

namespace
{

std::string all_of(console_input &input)
{
    std::string text;
    for (std::uint8_t byte = 0; input.take(byte);)
        text.push_back(static_cast<char>(byte));
    return text;
}

} // namespace

TEST(console_input, a_file_is_read_to_its_end_and_then_gives_ends_of_file)
{
    const std::string long_text(10000, 'z');
    const scratch_file file(".txt", "ab\n" + long_text + "\n");
    console_input input(file.path());
    EXPECT_FALSE(input.is_terminal());
    EXPECT_FALSE(input.end_of_file()) << "not yet";
    EXPECT_EQ(all_of(input), "ab\n" + long_text + "\n");
    EXPECT_TRUE(input.has_ended());
    unsigned ends = 0;
    for (; input.end_of_file(); ends++)
        EXPECT_EQ(all_of(input), "\x04");
    EXPECT_EQ(ends, 16u);
    EXPECT_FALSE(input.may_come());
}

TEST(console_input, a_line_that_was_not_ended_is_ended_when_two_ends_of_file_were_not_enough)
{
    const scratch_file file(".txt", "ab");
    console_input input(file.path());
    std::string text = all_of(input);
    for (int i = 0; i < 4; i++) {
        EXPECT_TRUE(input.end_of_file());
        text += all_of(input);
    }
    EXPECT_EQ(text, "ab\x04\x04\n\x04");
}

TEST(console_input, bytes_can_be_taken_back)
{
    const scratch_file file(".txt", std::string(9000, 'a') + "0123456789abcdefgh");
    console_input input(file.path());
    std::uint8_t byte = 0;
    for (int i = 0; i < 9017; i++)
        ASSERT_TRUE(input.take(byte));
    input.take_back(17);
    EXPECT_EQ(all_of(input), "0123456789abcdefgh");
}

TEST(console_input, none_is_at_its_end_and_says_no_more)
{
    console_input input("none");
    EXPECT_TRUE(input.has_ended());
    EXPECT_FALSE(input.may_come());
    EXPECT_EQ(all_of(input), "");
    EXPECT_FALSE(input.end_of_file());
}

TEST(console_input, what_cannot_be_read_is_the_users_mistake)
{
    EXPECT_HAS(USER_ERROR_OF(console_input("/nonexistent/f")), "console.input: /nonexistent/f: No such file");
    EXPECT_HAS(USER_ERROR_OF(console_input("/tmp")), "expected stdin, none, or a file that can be read");
}

TEST(console_input, waiting_is_told_and_ends_when_the_user_wants_to_stop)
{
    const std::string path = "/tmp/uintr_vp_test_fifo_" + std::to_string(getpid());
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    const int writer = open(path.c_str(), O_RDWR | O_CLOEXEC); // keeps it open
    volatile std::sig_atomic_t interrupted = 0;
    console_input input(path, &interrupted);
    int waits = 0;
    input.on_wait = [&] {
        waits++;
        interrupted = 1;
    };
    std::uint8_t byte = 0;
    EXPECT_FALSE(input.take(byte));
    EXPECT_EQ(waits, 1);
    EXPECT_FALSE(input.has_ended());
    interrupted = 0;
    ASSERT_EQ(write(writer, "x", 1), 1);
    EXPECT_TRUE(input.take(byte));
    EXPECT_EQ(waits, 1) << "it was there";
    close(writer);
    unlink(path.c_str());
}

namespace
{

// Both ends of a terminal; the slave by its name.
struct terminal {
    int keyboard = posix_openpt(O_RDWR | O_NOCTTY);
    std::string name;
    int fd = -1;

    terminal()
    {
        grantpt(keyboard);
        unlockpt(keyboard);
        char buffer[100] = {};
        ptsname_r(keyboard, buffer, sizeof buffer);
        name = buffer;
        fd = open(buffer, O_RDWR | O_NOCTTY);
    }
    ~terminal()
    {
        close(fd);
        close(keyboard);
    }
    void type(const std::string &keys) const
    {
        ASSERT_EQ(write(keyboard, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }
    bool is_raw() const
    {
        struct termios t = {};
        tcgetattr(fd, &t);
        return (t.c_lflag & (ICANON | ISIG | ECHO)) == 0;
    }
};

} // namespace

TEST(console_input, a_terminal_is_raw_from_the_first_request_on_and_restored_after)
{
    const terminal t;
    {
        console_input input(t.name);
        int told = 0;
        input.on_raw = [&] { told++; };
        EXPECT_TRUE(input.is_terminal());
        EXPECT_FALSE(t.is_raw());
        std::uint8_t byte = 0;
        EXPECT_FALSE(input.take(byte));
        EXPECT_FALSE(input.take(byte));
        EXPECT_EQ(told, 1);
        EXPECT_TRUE(t.is_raw());
        t.type("a\003\004\r");
        input.poll(1000);
        EXPECT_EQ(all_of(input), "a\003\004\r") << "every key is the guest's";
        input.poll(0);
        EXPECT_EQ(all_of(input), "");
    }
    EXPECT_FALSE(t.is_raw());
}

TEST(console_input, ctrl_a_is_the_escape)
{
    const terminal t;
    console_input input(t.name);
    std::uint8_t byte = 0;
    input.take(byte);
    t.type("1\001\0012\001q3\001");
    input.poll(1000);
    EXPECT_EQ(all_of(input), "1\00123") << "^A ^A is ^A, ^A q nothing";
    EXPECT_FALSE(input.wants_to_quit());
    t.type("x");
    input.poll(1000);
    EXPECT_EQ(all_of(input), "");
    EXPECT_TRUE(input.wants_to_quit());
}
