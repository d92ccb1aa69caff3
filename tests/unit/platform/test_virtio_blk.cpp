// SPDX-License-Identifier: Apache-2.0
// The block device alone, over a memory of the test: registers and status, every way in which a queue can be wrong, the
// arithmetic of its time, and random queues, which must neither end the process nor leave RAM nor go on for ever.
#include "config/user_error.h"
#include "devices/block_device.h"
#include "devices/guest_ram.h"
#include "scratch_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace vp;

namespace
{

constexpr std::uint64_t RAM_BYTES = 0x20000, SECTORS = 64, US = 1000000; // in ps
constexpr std::uint32_t DEPTH = 16;
constexpr std::uint64_t DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, HEADER = 0x4000, STATUS = 0x4800, DATA = 0x8000;
constexpr std::uint16_t NEXT = 1, WRITE = 2, INDIRECT = 4;
constexpr std::uint32_t OK_BITS = 15, NEEDS_RESET = 64;
constexpr std::uint64_t EVENT_IDX = virtio_mmio::F_EVENT_IDX, VERSION_1 = virtio_mmio::F_VERSION_1;

// RAM from 0, a hole, and nothing else; counts what was asked for outside.
struct test_memory : guest_memory {
    std::vector<unsigned char> bytes = std::vector<unsigned char>(RAM_BYTES);
    std::vector<std::uint64_t> written; // addresses, in order

    bool has(std::uint64_t physical, std::uint64_t size) const override
    {
        return physical < RAM_BYTES && size <= RAM_BYTES - physical;
    }
    bool read(std::uint64_t physical, void *to, std::uint64_t size) override
    {
        if (!has(physical, size))
            return false;
        std::memcpy(to, &bytes[physical], size);
        return true;
    }
    bool write(std::uint64_t physical, const void *from, std::uint64_t size) override
    {
        if (!has(physical, size))
            return false;
        std::memcpy(&bytes[physical], from, size);
        written.push_back(physical);
        return true;
    }
    template <typename T>
    void put(std::uint64_t at, T value)
    {
        std::memcpy(&bytes[at], &value, sizeof value);
    }
    template <typename T>
    T get(std::uint64_t at) const
    {
        T value{};
        std::memcpy(&value, &bytes[at], sizeof value);
        return value;
    }
};

struct bench {
    test_memory *memory = new test_memory; // owned by the device
    bool irq = false;
    unsigned edges = 0;
    std::vector<virtio_blk_report> reports;
    block_device device;

    explicit bench(const virtio_blk_config &config = {}, std::uint32_t depth = DEPTH)
        : device(std::unique_ptr<guest_memory>(memory), disk::of_zeros(SECTORS * disk::SECTOR_BYTES), depth, config,
                 [this](bool level, std::uint64_t) { irq = level, edges += level ? 1 : 0; })
    {
        device.function.on_done = [this](const virtio_blk_report &r) { reports.push_back(r); };
    }
    std::uint32_t in(std::uint64_t offset, unsigned size = 4) { return device.transport.read(offset, size, 0); }
    void out(std::uint64_t offset, std::uint32_t value, std::uint64_t now = 0)
    {
        device.transport.write(offset, 4, value, now);
    }
    std::uint32_t negotiate(std::uint64_t features)
    {
        out(0x70, 0);
        out(0x70, 3);
        for (std::uint32_t half = 0; half < 2; half++) {
            out(0x24, half);
            out(0x20, static_cast<std::uint32_t>(features >> 32 * half));
        }
        out(0x70, 11);
        return in(0x70);
    }
    void give_queue(std::uint64_t desc = DESC, std::uint64_t avail = AVAIL, std::uint64_t used = USED,
                    std::uint32_t size = DEPTH)
    {
        out(0x38, size);
        for (auto [offset, address] : {std::pair{0x80u, desc}, std::pair{0x90u, avail}, std::pair{0xa0u, used}}) {
            out(offset, static_cast<std::uint32_t>(address));
            out(offset + 4, static_cast<std::uint32_t>(address >> 32));
        }
        out(0x44, 1);
    }
    void start(std::uint64_t features = VERSION_1 | virtio_blk::F_FLUSH)
    {
        std::fill(memory->bytes.begin(), memory->bytes.end(), 0);
        negotiate(features);
        give_queue();
        out(0x70, OK_BITS);
    }
    void desc(unsigned i, std::uint64_t address, std::uint32_t length, std::uint16_t flags, std::uint16_t next = 0)
    {
        memory->put(DESC + 16 * i, address);
        memory->put(DESC + 16 * i + 8, length);
        memory->put(DESC + 16 * i + 12, flags);
        memory->put(DESC + 16 * i + 14, next);
    }
    void offer(std::uint16_t head)
    {
        const auto index = memory->get<std::uint16_t>(AVAIL + 2);
        memory->put<std::uint16_t>(AVAIL + 4 + 2 * (index % DEPTH), head);
        memory->put<std::uint16_t>(AVAIL + 2, static_cast<std::uint16_t>(index + 1));
    }
    // Three descriptors from `first` on; header, status and data of each have places of their own.
    void request(unsigned first, std::uint32_t type, std::uint64_t sector, std::uint32_t length)
    {
        const std::uint64_t header = HEADER + 16 * first, data = DATA + 0x1000 * first;
        memory->put(header, type);
        memory->put(header + 8, sector);
        memory->put<std::uint8_t>(STATUS + first, 0xff);
        desc(first, header, 16, NEXT, static_cast<std::uint16_t>(length != 0 ? first + 1 : first + 2));
        desc(first + 1, data, length, static_cast<std::uint16_t>(type == 1 ? NEXT : NEXT | WRITE),
             static_cast<std::uint16_t>(first + 2));
        desc(first + 2, STATUS + first, 1, WRITE);
        offer(static_cast<std::uint16_t>(first));
    }
    void notify(std::uint64_t now = 0) { out(0x50, 0, now); }
    std::uint16_t used() const { return memory->get<std::uint16_t>(USED + 2); }
    void run() // until nothing is planned
    {
        for (unsigned n = 0; device.function.next_ps() != UINT64_MAX; n++) {
            ASSERT_LT(n, 100000u);
            device.transport.look(device.function.next_ps());
        }
    }
    int do_one(std::uint32_t type, std::uint64_t sector, std::uint32_t length)
    {
        request(0, type, sector, length);
        notify(device.function.stats().service_ps.count() * 1000 * US);
        run();
        return memory->get<std::uint8_t>(STATUS);
    }
    bool needs_reset() { return (in(0x70) & NEEDS_RESET) != 0; }
};

} // namespace

TEST(virtio_mmio, registers)
{
    bench b;
    EXPECT_EQ(b.in(0), 0x74726976u);
    EXPECT_EQ(b.in(4), 2u);
    EXPECT_EQ(b.in(8), 2u);
    EXPECT_EQ(b.in(0x34), DEPTH);
    EXPECT_EQ(b.in(0xfc), 0u);
    EXPECT_EQ(b.in(0xb0), UINT32_MAX) << "no shared memory";
    EXPECT_EQ(b.in(0x100), SECTORS);
    EXPECT_EQ(b.in(0x104), 0u);
    EXPECT_EQ(b.in(0x10c), DEPTH - 2);
    EXPECT_EQ(b.in(0x114), 512u);
    EXPECT_EQ(b.in(0x115, 1), 2u) << "any access to the configuration space";
    EXPECT_EQ(b.in(0, 2), 0u) << "no other access to registers";
    EXPECT_EQ(b.in(2), 0u);
    EXPECT_EQ(b.in(0xffc), 0u);
    b.out(0x30, 1);
    EXPECT_EQ(b.in(0x34), 0u);
    b.out(0x44, 1);
    EXPECT_EQ(b.in(0x44), 0u);
    EXPECT_EQ(b.in(0x70), 0u);
    virtio_blk_config read_only;
    read_only.is_read_only = true;
    EXPECT_EQ(bench(read_only).in(0x10) & 1u << 5, 1u << 5);
    EXPECT_EQ(b.in(0x10), 1u << 2 | 1u << 6 | 1u << 9 | 1u << 29);
    b.out(0x14, 1);
    EXPECT_EQ(b.in(0x10), 1u);
    b.out(0x14, 2);
    EXPECT_EQ(b.in(0x10), 0u);
}

TEST(virtio_mmio, negotiation_and_status)
{
    bench b;
    EXPECT_EQ(b.negotiate(0), 3u) << "the legacy interface";
    EXPECT_EQ(b.negotiate(VERSION_1 | std::uint64_t{1} << 28), 3u) << "not offered";
    b.out(0x70, OK_BITS);
    EXPECT_EQ(b.in(0x70), 3u) << "no DRIVER_OK without FEATURES_OK";
    EXPECT_EQ(b.negotiate(VERSION_1), 11u);
    b.out(0x70, 1);
    EXPECT_EQ(b.in(0x70), 11u) << "bits are never cleared";
    b.out(0x70, 0xffffff00);
    EXPECT_EQ(b.in(0x70), 11u);
    b.out(0x70, OK_BITS);
    EXPECT_EQ(b.in(0x70), OK_BITS);
    b.out(0x70, 0);
    EXPECT_EQ(b.in(0x70), 0u);
    EXPECT_EQ(b.in(0x44), 0u);
}

TEST(virtio_blk, moves_bytes_when_the_request_is_done_and_not_before)
{
    bench b;
    b.start();
    std::memset(&b.memory->bytes[DATA], 'w', 1024);
    b.request(0, 1, 5, 1024);
    b.notify(7 * US);
    std::memset(&b.memory->bytes[DATA], 'x', 1024);
    const std::uint64_t done = b.device.function.next_ps();
    EXPECT_EQ(done, 87 * US + 512000) << "80 us, and 1024 bytes at 2000 MB/s";
    b.device.transport.look(done - 1);
    EXPECT_EQ(b.used(), 0u);
    EXPECT_FALSE(b.irq);
    b.device.transport.look(done);
    EXPECT_EQ(b.used(), 1u);
    EXPECT_TRUE(b.irq);
    EXPECT_EQ(b.in(0x60), 1u);
    EXPECT_EQ(b.device.media.at(5)[0], 'x');
    EXPECT_EQ(b.device.media.at(6)[511], 'x');
    EXPECT_EQ(b.device.media.at(7)[0], 0);
    b.out(0x64, 1);
    EXPECT_FALSE(b.irq);
    ASSERT_EQ(b.reports.size(), 1u);
    EXPECT_STREQ(b.reports[0].kind, "write");
    EXPECT_EQ(b.reports[0].arrived_ps, 7 * US);

    EXPECT_EQ(b.do_one(0, 4, 1024), 0);
    EXPECT_EQ(b.memory->bytes[DATA], 0);
    EXPECT_EQ(b.memory->bytes[DATA + 512], 'x');
    EXPECT_EQ(b.memory->get<std::uint32_t>(USED + 4 + 8), 0u);
    EXPECT_EQ(b.memory->get<std::uint32_t>(USED + 4 + 12), 1025u);
    const std::vector<std::uint64_t> order(b.memory->written.end() - 4, b.memory->written.end());
    EXPECT_EQ(order, (std::vector<std::uint64_t>{DATA, STATUS, USED + 12, USED + 2})) << "the index comes last";
}

TEST(virtio_blk, what_requests_answer)
{
    virtio_blk_config config;
    config.has_error_sectors = true;
    config.first_error_sector = 10;
    config.last_error_sector = 11;
    bench b(config);
    b.start();
    EXPECT_EQ(b.do_one(4, 0, 0), 0);
    EXPECT_EQ(b.do_one(8, 0, 20), 0);
    EXPECT_STREQ(reinterpret_cast<const char *>(&b.memory->bytes[DATA]), "uintr-vp disk");
    EXPECT_EQ(b.do_one(8, 0, 4), 0);
    for (std::uint32_t type : {2u, 3u, 11u, 13u, UINT32_MAX})
        EXPECT_EQ(b.do_one(type, 0, 512), 2) << type;
    EXPECT_EQ(b.do_one(0, SECTORS - 1, 512), 0);
    EXPECT_EQ(b.do_one(0, SECTORS - 1, 1024), 1);
    EXPECT_EQ(b.do_one(1, SECTORS, 512), 1);
    EXPECT_EQ(b.do_one(0, UINT64_MAX, 512), 1);
    EXPECT_EQ(b.do_one(0, UINT64_MAX / 512 + 1, 512), 1);
    EXPECT_EQ(b.do_one(0, 0, 513), 1);
    EXPECT_EQ(b.do_one(0, 9, 512), 0);
    EXPECT_EQ(b.do_one(0, 9, 1024), 1);
    EXPECT_EQ(b.do_one(1, 11, 512), 1);
    EXPECT_EQ(b.do_one(0, 12, 512), 0);
    EXPECT_EQ(b.device.function.stats().errors, 12u);
    EXPECT_EQ(b.device.function.stats().bytes_read, 3u * 512);
    EXPECT_EQ(b.device.function.stats().bytes_written, 0u);

    virtio_blk_config read_only;
    read_only.is_read_only = true;
    bench r(read_only);
    r.start(VERSION_1);
    EXPECT_EQ(r.do_one(1, 0, 512), 1);
    EXPECT_EQ(r.do_one(0, 0, 512), 0);
    EXPECT_EQ(r.do_one(4, 0, 0), 2) << "FLUSH was not negotiated";
}

TEST(virtio_blk, latencies_overlap_transfers_follow_each_other_and_places_are_few)
{
    virtio_blk_config config;
    config.parallel = 2;
    config.latency_ps = 10 * US;
    config.bandwidth_mb_s = 1; // 512 us a sector
    bench b(config);
    b.start();
    for (unsigned i = 0; i < 3; i++)
        b.request(3 * i, 0, i, 512);
    b.notify(100 * US);
    b.run();
    ASSERT_EQ(b.reports.size(), 3u);
    EXPECT_EQ(b.reports[0].done_ps, 622 * US);
    EXPECT_EQ(b.reports[1].begun_ps, 100 * US);
    EXPECT_EQ(b.reports[1].done_ps, 1134 * US);
    EXPECT_EQ(b.reports[2].begun_ps, 622 * US) << "when the first place is free";
    EXPECT_EQ(b.reports[2].done_ps, 1646 * US);
    EXPECT_EQ(b.reports[2].place, 0u);
    EXPECT_EQ(b.device.function.stats().most_in_flight, 3u);
    EXPECT_EQ(b.device.function.stats().queued_ps.summary().max, 522 * US);
}

TEST(virtio_blk, interrupts_that_the_driver_does_not_want)
{
    bench b;
    b.start();
    b.memory->put<std::uint16_t>(AVAIL, 1);
    EXPECT_EQ(b.do_one(0, 0, 512), 0);
    EXPECT_FALSE(b.irq);

    b.start(VERSION_1 | EVENT_IDX);
    b.memory->put<std::uint16_t>(AVAIL, 1); // does not count now
    b.memory->put<std::uint16_t>(AVAIL + 4 + 2 * DEPTH, 2);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(b.do_one(0, 0, 512), 0);
        EXPECT_EQ(b.irq, i >= 2) << i;
        EXPECT_EQ(b.memory->get<std::uint16_t>(USED + 4 + 8 * DEPTH), i + 1);
    }
    EXPECT_EQ(b.edges, 1u);
}

TEST(virtio_blk, indices_run_over)
{
    bench b;
    b.start();
    for (unsigned i = 0; i < 70000; i++)
        ASSERT_EQ(b.do_one(0, 1, 512), 0) << i;
    EXPECT_EQ(b.used(), static_cast<std::uint16_t>(70000));
}

// --- queues that are wrong ---

TEST(virtqueue, a_place_that_is_none)
{
    const struct {
        std::uint64_t desc, avail, used;
        std::uint32_t size;
    } places[] = {{DESC, AVAIL, USED, 0},
                  {DESC, AVAIL, USED, 3},
                  {DESC, AVAIL, USED, 2 * DEPTH},
                  {DESC, AVAIL, USED, UINT32_MAX},
                  {DESC + 8, AVAIL, USED, DEPTH},
                  {DESC, AVAIL + 1, USED, DEPTH},
                  {DESC, AVAIL, USED + 2, DEPTH},
                  {RAM_BYTES - 16 * DEPTH + 16, AVAIL, USED, DEPTH},
                  {DESC, RAM_BYTES - 4 - 2 * DEPTH, USED, DEPTH},
                  {DESC, AVAIL, RAM_BYTES - 4 - 8 * DEPTH, DEPTH},
                  {UINT64_MAX - 15, AVAIL, USED, DEPTH},
                  {DESC, UINT64_MAX - 1, USED, DEPTH},
                  {DESC, AVAIL, 0xfee00000, DEPTH}};
    for (const auto &p : places) {
        bench b;
        b.negotiate(VERSION_1);
        b.give_queue(p.desc, p.avail, p.used, p.size);
        EXPECT_TRUE(b.needs_reset()) << p.desc << ' ' << p.avail << ' ' << p.used << ' ' << p.size;
        EXPECT_EQ(b.in(0x44), 0u);
        EXPECT_FALSE(b.irq);
        b.out(0x70, OK_BITS);
        EXPECT_EQ(b.in(0x60), 2u) << "told when the driver is ready";
        b.notify();
        b.run();
        b.start();
        EXPECT_EQ(b.do_one(0, 0, 512), 0) << "a reset helps";
    }
}

TEST(virtqueue, chains_that_are_none)
{
    using change = void (*)(bench &);
    const std::pair<const char *, change> sins[] = {
        {"loop", [](bench &b) { b.desc(2, STATUS, 1, WRITE | NEXT, 1); }},
        {"loop of one", [](bench &b) { b.desc(0, HEADER, 16, NEXT, 0); }},
        {"next", [](bench &b) { b.desc(0, HEADER, 16, NEXT, DEPTH); }},
        {"far next", [](bench &b) { b.desc(0, HEADER, 16, NEXT, 0xffff); }},
        {"head", [](bench &b) { b.memory->put<std::uint16_t>(AVAIL + 4, DEPTH); }},
        {"index", [](bench &b) { b.memory->put<std::uint16_t>(AVAIL + 2, DEPTH + 1); }},
        {"index backwards", [](bench &b) { b.memory->put<std::uint16_t>(AVAIL + 2, 0xffff); }},
        {"indirect", [](bench &b) { b.desc(0, HEADER, 16, INDIRECT); }},
        {"unknown flag", [](bench &b) { b.desc(1, DATA, 512, NEXT | WRITE | 8, 2); }},
        {"empty buffer", [](bench &b) { b.desc(1, DATA, 0, NEXT | WRITE, 2); }},
        {"outside", [](bench &b) { b.desc(1, RAM_BYTES - 511, 512, NEXT | WRITE, 2); }},
        {"far outside", [](bench &b) { b.desc(1, 0xfec00000, 512, NEXT | WRITE, 2); }},
        {"around the end", [](bench &b) { b.desc(1, UINT64_MAX - 100, 512, NEXT | WRITE, 2); }},
        {"long", [](bench &b) { b.desc(1, DATA, UINT32_MAX, NEXT | WRITE, 2); }},
        {"order", [](bench &b) { b.desc(2, STATUS, 1, 0); }},
        {"no status", [](bench &b) { b.desc(0, HEADER, 16, 0); }},
        {"no header", [](bench &b) { b.desc(0, STATUS, 1, WRITE); }},
        {"short header", [](bench &b) { b.desc(0, HEADER, 15, NEXT, 2); }},
    };
    for (const auto &[name, make] : sins) {
        bench b;
        b.start();
        b.request(0, 0, 0, 512);
        make(b);
        b.notify();
        EXPECT_TRUE(b.needs_reset()) << name;
        EXPECT_TRUE(b.irq) << name;
        EXPECT_EQ(b.in(0x60), 2u) << name;
        EXPECT_EQ(b.device.function.next_ps(), UINT64_MAX) << name;
        b.notify();
        b.out(0x44, 1);
        EXPECT_EQ(b.used(), 0u) << name;
        b.start();
        EXPECT_FALSE(b.irq) << name;
        EXPECT_EQ(b.do_one(0, 0, 512), 0) << name;
    }
}

TEST(virtqueue, more_chains_than_there_are_descriptors_are_not_kept)
{
    bench b;
    b.start();
    b.request(0, 0, 0, 512);
    for (unsigned i = 1; i < DEPTH; i++)
        b.offer(0);
    b.notify();
    EXPECT_FALSE(b.needs_reset()) << "the same chain many times: its driver's affair";
    b.offer(0);
    b.notify();
    EXPECT_TRUE(b.needs_reset());
}

TEST(virtqueue, a_reset_or_a_queue_taken_away_forgets_what_is_under_way)
{
    for (const std::uint64_t offset : {0x70u, 0x44u}) {
        bench b;
        b.start();
        b.request(0, 0, 0, 512);
        b.notify();
        b.out(offset, 0);
        EXPECT_EQ(b.device.function.next_ps(), UINT64_MAX);
        b.run();
        EXPECT_EQ(b.memory->get<std::uint8_t>(STATUS), 0xff);
    }
}

// Everything a driver can write, at random: registers, rings, descriptors. Now and then it is nearly right.
TEST(virtqueue, random_drivers)
{
    std::mt19937_64 random(20260101);
    unsigned broken = 0;
    std::uint64_t served = 0;
    for (unsigned round = 0; round < 3000; round++) {
        virtio_blk_config config;
        config.parallel = 1 + random() % 8;
        config.latency_ps = random() % 100;
        bench b(config);
        b.start(VERSION_1 | (random() % 2 ? EVENT_IDX : 0));
        const bool is_wild = random() % 2 == 0;
        for (unsigned step = 0; step < 20; step++) {
            for (unsigned i = 0; i < 5; i++)
                b.request(3 * i, random() % 4 == 0 ? static_cast<std::uint32_t>(random() % 16) : random() % 2,
                          random() % (SECTORS + 4), static_cast<std::uint32_t>(random() % 8 * 256));
            for (std::uint64_t n = random() % 3; n > 0; n--) {
                const std::uint64_t base = std::array{DESC, AVAIL, USED, HEADER}[random() % 4];
                b.memory->put<std::uint16_t>(base + random() % 0x80 * 2,
                                             static_cast<std::uint16_t>(is_wild ? random() : random() % (2 * DEPTH)));
            }
            if (is_wild && random() % 4 == 0)
                b.out(random() % 0x40 * 4, static_cast<std::uint32_t>(random() % 3 ? random() % 20 : random()));
            b.notify(step * 10);
            if (random() % 2 == 0)
                b.run();
            if (b.needs_reset()) {
                broken++;
                b.start();
            }
        }
        b.run();
        served += b.reports.size();
    }
    EXPECT_GT(broken, 1000u) << "the test is worth something";
    EXPECT_GT(served, 1000u);
}

// --- what it stands on ---

TEST(guest_ram, is_ram_on_both_sides_of_the_hole_and_nothing_else)
{
    const ram_layout layout(HOLE_FIRST + 0x2000);
    struct memory *ram = mem_create(HOLE_FIRST + 0x2000); // pages that nobody touches take nothing
    ASSERT_NE(ram, nullptr);
    struct cpu_code_map *map = cpu_code_map_create(layout.top());
    ASSERT_NE(map, nullptr);
    {
        guest_ram g(ram, layout, map);
        std::uint32_t value = 0x12345678, back = 0;
        EXPECT_TRUE(g.write(HIGH_RAM_FIRST + 0x1ffc, &value, 4));
        EXPECT_TRUE(g.read(HIGH_RAM_FIRST + 0x1ffc, &back, 4));
        EXPECT_EQ(back, value);
        EXPECT_EQ(mem_debug_read(ram, HOLE_FIRST + 0x1ffc, &back, 4), 4u);
        EXPECT_EQ(back, value);
        EXPECT_TRUE(g.has(HOLE_FIRST - 4, 4));
        EXPECT_FALSE(g.has(HOLE_FIRST - 4, 5));
        EXPECT_FALSE(g.write(HOLE_FIRST, &value, 1));
        EXPECT_FALSE(g.read(0xfec00000, &back, 4));
        EXPECT_FALSE(g.has(HIGH_RAM_FIRST - 1, 2));
        EXPECT_FALSE(g.write(HIGH_RAM_FIRST + 0x1ffd, &value, 4));
        EXPECT_FALSE(g.has(UINT64_MAX, 2));
        EXPECT_FALSE(g.has(0, UINT64_MAX));
    }
    cpu_code_map_destroy(map);
    mem_destroy(ram);
}

TEST(disk, files)
{
    scratch_file odd(".img", std::string(700, 'x')), empty(".img"), good(".img", std::string(1024, 'x'));
    EXPECT_HAS(USER_ERROR_OF(disk::of_file("/nonexistent/d.img")), "/nonexistent/d.img: there is no such file");
    EXPECT_HAS(USER_ERROR_OF(disk::of_file("/")), "regular file");
    EXPECT_HAS(USER_ERROR_OF(disk::of_file(odd.path())), "700 bytes: expected a multiple of 512");
    EXPECT_HAS(USER_ERROR_OF(disk::of_file(empty.path())), "0 bytes");
    EXPECT_HAS(USER_ERROR_OF(disk::of_zeros(513)), "block.bytes = 513");
    disk d = disk::of_file(good.path());
    EXPECT_EQ(d.sectors(), 2u);
    EXPECT_EQ(d.at(1)[511], 'x');
    good.write(std::string(1024, 'y')); // somebody else's change
    d.save();
    EXPECT_EQ(good.read()[0], 'y') << "nothing was written";
    *d.change(1) = 'z';
    d.save();
    EXPECT_EQ(good.read(), std::string(512, 'x') + "z" + std::string(511, 'x'));
}
