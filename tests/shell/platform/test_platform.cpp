// SPDX-License-Identifier: Apache-2.0
// A whole platform runs a made-up image of a few instructions: consoles, exit port, end of the run, the names of the
// statistics that are a contract.
#include "elf32_image.h"
#include "platform.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace
{

// 32-bit code at 100000H; it starts behind the Multiboot header.
const std::vector<unsigned char> CODE{
    0xb0, 'A',  0xe6, 0xe9,                   // mov al, 'A'; out e9h, al
    0xe4, 0xe9,                               // in al, e9h
    0x3c, 0xe9, 0x75, 0x0e,                   // cmp al, e9h; jne to hlt
    0xb0, 'B',  0x66, 0xba, 0xf8, 0x03, 0xee, // mov al, 'B'; mov dx, 3f8h; out dx, al
    0xb8, 0x2a, 0x00, 0x00, 0x00, 0xe7, 0xf4, // mov eax, 42; out f4h, eax
    0xf4,                                     // hlt
};

// The same for another platform in the same process, which ends later: a loop, then 7 to the exit port.
const std::vector<unsigned char> LONGER{
    0xb0, 'C',  0xe6, 0xe9,                         // mov al, 'C'; out e9h, al
    0xb9, 0x10, 0x27, 0x00, 0x00, 0xe2, 0xfe,       // mov ecx, 10000; loop to itself
    0xb8, 0x07, 0x00, 0x00, 0x00, 0xe7, 0xf4, 0xf4, // mov eax, 7; out f4h, eax; hlt
};

std::string write_image(const std::vector<unsigned char> &code)
{
    const std::vector<unsigned char> b = elf32_image(code);
    std::string path =
        "/tmp/uintr_vp_platform_" + std::to_string(getpid()) + "_" + std::to_string(code.size()) + ".elf";
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char *>(b.data()), static_cast<long>(b.size()));
    return path;
}

struct bench {
    vp::configuration config{{vp::parse_set("platform.cores=3"), vp::parse_set("platform.memory_bytes=16M")}};
    vp::run_options options;
    std::FILE *output = std::tmpfile();
    std::unique_ptr<vp::platform> platform;

    bench(const char *name, const std::vector<unsigned char> &code)
    {
        options.boot.image = write_image(code);
        options.quiet = true;
        platform = std::make_unique<vp::platform>(name, config, options, output);
        platform->boot();
    }
    void run()
    {
        platform->simulate();
        platform->close_traces();
        std::remove(options.boot.image.c_str());
    }
    std::string guest_output()
    {
        std::rewind(output);
        char text[100] = {};
        std::size_t n = std::fread(text, 1, sizeof text - 1, output);
        return std::string(text, n);
    }
};

bench *b, *longer;

} // namespace

TEST(platform, guest_output_of_both_consoles) { EXPECT_EQ(b->guest_output(), "AB"); }

TEST(platform, exit_port_ends_the_run_at_its_cycle)
{
    EXPECT_EQ(b->platform->end().reason, vp::end_reason::guest_exit);
    EXPECT_EQ(b->platform->end().value, 42u);
    EXPECT_EQ(vp::exit_status_of(b->platform->end(), false), 42);
    EXPECT_EQ(vp::exit_status_of(b->platform->end(), true), 85);
    EXPECT_EQ(b->platform->time_ps(), b->platform->end().cycle * 500);
    EXPECT_EQ(b->platform->instructions(), 10u);
}

TEST(platform, names_of_the_statistics_contract)
{
    auto s = b->platform->statistics().json();
    for (const char *name : {"time_ps", "host_seconds", "instructions", "mips", "exit_status", "exit_reason"})
        EXPECT_TRUE(s["sim"].contains(name)) << name;
    EXPECT_EQ(s["sim"]["exit_status"], 42);
    ASSERT_EQ(s["cores"].size(), 3u);
    ASSERT_EQ(s["apics"].size(), 3u);
    for (const char *name : {"instructions", "cycles", "interrupts", "exceptions", "syscalls"})
        EXPECT_TRUE(s["cores"][2].contains(name)) << name;
    for (const char *name : {"sent", "coalesced", "suppressed", "notified", "delivered", "returned"})
        EXPECT_TRUE(s["cores"][2]["uintr"].contains(name)) << name;
    for (const char *stage :
         {"post", "issue", "travel", "accept", "notify", "hold", "deliver", "handle", "return", "end_to_end"})
        for (const char *name : {"count", "min", "mean", "p50", "p95", "p99", "max"})
            EXPECT_TRUE(s["uintr"]["stages"][stage].contains(name)) << stage << '.' << name;
    EXPECT_EQ(s["config"]["platform"]["cores"], 3);
    EXPECT_EQ(s["config"]["interconnect"]["latency_cycles"], 200);
}

TEST(platform, waiting_cores_are_idle_to_the_end)
{
    auto s = b->platform->statistics().json();
    EXPECT_EQ(s["cores"][1]["idle_cycles"], b->platform->end().cycle);
    EXPECT_EQ(s["cores"][1]["instructions"], 0);
}

TEST(platform, another_one_in_the_same_process_has_its_own_end)
{
    EXPECT_EQ(longer->guest_output(), "C");
    EXPECT_EQ(longer->platform->end().reason, vp::end_reason::guest_exit);
    EXPECT_EQ(longer->platform->end().value, 7u);
    EXPECT_EQ(longer->platform->instructions(), 10005u);
    EXPECT_GT(longer->platform->time_ps(), b->platform->time_ps());
}

int sc_main(int argc, char *argv[])
{
    testing::InitGoogleTest(&argc, argv);
    sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
    bench first("platform", CODE), second("other", LONGER);
    b = &first;
    longer = &second;
    second.run(); // on past the end of the first
    first.run();
    return RUN_ALL_TESTS();
}
