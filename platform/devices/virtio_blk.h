// SPDX-License-Identifier: Apache-2.0
// A virtio block device behind virtio_mmio. Source: VIRTIO 1.2, 5.2 "Block Device". IN, OUT, FLUSH and GET_ID;
// everything else answers S_UNSUPP.
//
// Time: requests wait in the order in which the driver made them available, until one of `parallel` places is free.
// From then on a request takes `latency`, and then its bytes over a channel that carries one transfer after another:
//
//   begun = a place is free;  done = max(begun + latency, the transfer before is done) + bytes / bandwidth
//
// So requests end in order. At `done` all happens at once: bytes move between disk and guest memory, the status is
// written, the chain goes to the used ring. FLUSH, GET_ID and errors move no bytes over the channel.
#ifndef PLATFORM_DEVICES_VIRTIO_BLK_H
#define PLATFORM_DEVICES_VIRTIO_BLK_H

#include "disk.h"
#include "statistics/distribution.h"
#include "virtio_mmio.h"
#include "virtqueue.h"

#include <deque>
#include <functional>
#include <vector>

namespace vp
{

struct virtio_blk_config {
    std::uint32_t parallel = 8;          // requests in service at once, at least 1
    std::uint64_t latency_ps = 80000000; // of each
    std::uint64_t bandwidth_mb_s = 2000; // 10^6 bytes per second, at least 1
    bool is_read_only = false;           // VIRTIO_BLK_F_RO: OUT answers S_IOERR
    bool has_error_sectors = false;      // requests that touch [first, last] answer S_IOERR
    std::uint64_t first_error_sector = 0, last_error_sector = 0;
};

struct virtio_blk_stats {
#define VIRTIO_BLK_STAT(name, unit, sentence) std::uint64_t name = 0;
#include "virtio_blk_stats.def"
#undef VIRTIO_BLK_STAT
    distribution service_ps, queued_ps;
};

// A request as it ended.
struct virtio_blk_report {
    const char *kind; // "read", "write", "flush", "identify", "unknown"
    std::uint64_t sector, bytes;
    const char *status;  // "OK", "IOERR", "UNSUPP"
    std::uint32_t place; // which of the places for service, from 0
    std::uint64_t arrived_ps, begun_ps, done_ps;
};

class virtio_blk : public virtio_function
{
  public:
    static constexpr std::uint64_t F_SEG_MAX = 1u << 2, F_RO = 1u << 5, F_BLK_SIZE = 1u << 6, F_FLUSH = 1u << 9;

    std::function<void(const virtio_blk_report &)> on_done; // may be empty

    // All three must outlive it.
    virtio_blk(const virtio_blk_config &config, disk &media, virtqueue &queue, guest_memory &memory);

    std::uint32_t id() const override { return 2; }
    std::uint64_t features() const override;
    std::uint8_t config_byte(std::uint64_t offset) const override;
    void begin(std::uint64_t features) override { m_features = features; }
    void reset() override;
    event notified(std::uint64_t now_ps) override;
    event look(std::uint64_t now_ps) override;
    std::uint64_t next_ps() const override;

    const virtio_blk_stats &stats() const { return m_stats; }

  private:
    struct request {
        virtq_chain chain;
        std::uint32_t type = 0;
        std::uint64_t sector = 0, bytes = 0; // of data that moves; 0 if it is refused
        std::uint8_t status = 0;
        std::uint32_t place = 0;
        std::uint64_t arrived_ps = 0, begun_ps = 0, done_ps = 0;
    };

    bool read_request(request &r);
    std::uint8_t judge(request &r, std::uint64_t readable, std::uint64_t writable) const;
    bool is_within(std::uint64_t sector, std::uint64_t sectors) const;
    void serve(std::uint64_t now_ps);
    std::uint32_t take_place();
    event complete(const request &r);
    bool move_data(const request &r, std::uint32_t &written);
    void count(const request &r);

    const virtio_blk_config m_config;
    disk &m_disk;
    virtqueue &m_queue;
    guest_memory &m_memory;
    std::uint64_t m_features = 0;
    std::deque<request> m_waiting, m_served; // in the order of their arrival and end
    std::vector<bool> m_taken_places;
    std::uint64_t m_now_ps = 0;          // of the latest notification or event
    std::uint64_t m_channel_free_ps = 0; // all transfers that have begun are done
    virtio_blk_stats m_stats;
};

} // namespace vp

#endif
