// SPDX-License-Identifier: Apache-2.0
// See virtio_blk.h. Section numbers are those of VIRTIO 1.2.
#include "virtio_blk.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace vp
{

namespace
{

// 5.2.6 "Device Operation".
enum request_type : std::uint32_t { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8 };
enum request_status : std::uint8_t { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

struct request_header {
    std::uint32_t type, reserved;
    std::uint64_t sector;
};
constexpr std::uint64_t HEADER_BYTES = 16, STATUS_BYTES = 1;
static_assert(sizeof(request_header) == HEADER_BYTES);

constexpr std::array<char, 20> ID{"uintr-vp disk"}; // NUL fills it up

// 5.2.4 "Device configuration layout": what goes with the features that are offered.
constexpr std::uint64_t CAPACITY = 0, SEG_MAX = 12, BLK_SIZE = 20;

// A header and a status are descriptors of their own in every driver.
constexpr std::uint32_t OTHER_SEGMENTS = 2;

std::uint8_t byte_of(std::uint64_t value, std::uint64_t index) { return static_cast<std::uint8_t>(value >> 8 * index); }

const char *kind_name(std::uint32_t type)
{
    switch (type) {
    case T_IN: return "read";
    case T_OUT: return "write";
    case T_FLUSH: return "flush";
    case T_GET_ID: return "identify";
    default: return "unknown";
    }
}

const char *status_name(std::uint8_t status) { return status == S_OK ? "OK" : status == S_IOERR ? "IOERR" : "UNSUPP"; }

} // namespace

virtio_blk::virtio_blk(const virtio_blk_config &config, disk &media, virtqueue &queue, guest_memory &memory)
    : m_config(config), m_disk(media), m_queue(queue), m_memory(memory), m_taken_places(config.parallel)
{
}

std::uint64_t virtio_blk::features() const
{
    return F_SEG_MAX | F_BLK_SIZE | F_FLUSH | (m_config.is_read_only ? F_RO : 0);
}

std::uint8_t virtio_blk::config_byte(std::uint64_t offset) const
{
    if (offset < CAPACITY + 8)
        return byte_of(m_disk.sectors(), offset - CAPACITY);
    if (offset >= SEG_MAX && offset < SEG_MAX + 4)
        return byte_of(m_queue.most() - OTHER_SEGMENTS, offset - SEG_MAX);
    if (offset >= BLK_SIZE && offset < BLK_SIZE + 4)
        return byte_of(disk::SECTOR_BYTES, offset - BLK_SIZE);
    return 0;
}

void virtio_blk::reset()
{
    m_waiting.clear();
    m_served.clear();
    m_taken_places.assign(m_config.parallel, false);
    m_channel_free_ps = 0;
}

// --- requests ---

bool virtio_blk::is_within(std::uint64_t sector, std::uint64_t sectors) const
{
    return sector <= m_disk.sectors() && sectors <= m_disk.sectors() - sector;
}

// The status that the request will have, and how many bytes it moves; their arrangement in buffers is the driver's
// affair (2.7.4.1). readable, writable: without header and status.
std::uint8_t virtio_blk::judge(request &r, std::uint64_t readable, std::uint64_t writable) const
{
    switch (r.type) {
    case T_IN:
    case T_OUT: break;
    case T_FLUSH: return (m_features & F_FLUSH) != 0 ? S_OK : S_UNSUPP;
    case T_GET_ID: r.bytes = std::min<std::uint64_t>(writable, ID.size()); return S_OK;
    default: return S_UNSUPP;
    }
    const std::uint64_t bytes = r.type == T_IN ? writable : readable, sectors = bytes / disk::SECTOR_BYTES;
    if (bytes % disk::SECTOR_BYTES != 0 || !is_within(r.sector, sectors) || (r.type == T_OUT && m_config.is_read_only))
        return S_IOERR;
    if (m_config.has_error_sectors && sectors != 0 && r.sector <= m_config.last_error_sector &&
        r.sector + sectors > m_config.first_error_sector)
        return S_IOERR;
    r.bytes = bytes;
    return S_OK;
}

// false: there is no place for a header or a status.
bool virtio_blk::read_request(request &r)
{
    request_header header = {};
    if (r.chain.writable.bytes() < STATUS_BYTES || !r.chain.readable.read(m_memory, 0, &header, sizeof header))
        return false;
    r.type = header.type;
    r.sector = header.sector;
    r.status = judge(r, r.chain.readable.bytes() - HEADER_BYTES, r.chain.writable.bytes() - STATUS_BYTES);
    return true;
}

virtio_function::event virtio_blk::notified(std::uint64_t now_ps)
{
    m_now_ps = std::max(m_now_ps, now_ps); // cores are a little ahead of each other
    m_stats.notifications++;
    for (;;) {
        request r;
        const virtqueue::result result = m_queue.take(r.chain);
        if (result == virtqueue::result::none)
            break;
        if (result == virtqueue::result::broken || !read_request(r)) {
            m_stats.broken_queues++;
            return event::broken;
        }
        r.arrived_ps = m_now_ps;
        m_waiting.push_back(std::move(r));
    }
    m_stats.most_in_flight = std::max<std::uint64_t>(m_stats.most_in_flight, m_waiting.size() + m_served.size());
    serve(m_now_ps);
    return event::none;
}

// --- time ---

std::uint32_t virtio_blk::take_place()
{
    const auto free = std::find(m_taken_places.begin(), m_taken_places.end(), false);
    *free = true;
    return static_cast<std::uint32_t>(free - m_taken_places.begin());
}

void virtio_blk::serve(std::uint64_t now_ps)
{
    constexpr std::uint64_t PS_PER_BYTE_AT_1_MB_S = 1000000;
    while (m_served.size() < m_config.parallel && !m_waiting.empty()) {
        request r = std::move(m_waiting.front());
        m_waiting.pop_front();
        const std::uint64_t transferred = r.type == T_IN || r.type == T_OUT ? r.bytes : 0;
        r.place = take_place();
        r.begun_ps = now_ps;
        r.done_ps = std::max(now_ps + m_config.latency_ps, m_channel_free_ps) +
                    (transferred * PS_PER_BYTE_AT_1_MB_S + m_config.bandwidth_mb_s - 1) / m_config.bandwidth_mb_s;
        m_channel_free_ps = r.done_ps;
        m_served.push_back(std::move(r));
    }
}

std::uint64_t virtio_blk::next_ps() const { return m_served.empty() ? UINT64_MAX : m_served.front().done_ps; }

virtio_function::event virtio_blk::look(std::uint64_t now_ps)
{
    event all = event::none;
    while (!m_served.empty() && m_served.front().done_ps <= now_ps) {
        const request r = std::move(m_served.front());
        m_served.pop_front();
        m_taken_places[r.place] = false;
        m_now_ps = std::max(m_now_ps, r.done_ps);
        const event one = complete(r);
        if (one == event::broken) {
            m_stats.broken_queues++;
            return one;
        }
        if (one == event::used)
            all = one;
        serve(r.done_ps);
    }
    return all;
}

// --- the end of a request ---

// 5.2.6.2: what was read must be there before the status, and both before the used ring says so.
bool virtio_blk::move_data(const request &r, std::uint32_t &written)
{
    const virtq_stream &in = r.chain.writable;
    const bool is_read = r.status == S_OK && (r.type == T_IN || r.type == T_GET_ID);
    if (is_read && r.bytes != 0) {
        const void *from = r.type == T_IN ? static_cast<const void *>(m_disk.at(r.sector)) : ID.data();
        if (!in.write(m_memory, 0, from, r.bytes))
            return false;
    } else if (r.status == S_OK && r.type == T_OUT && r.bytes != 0) {
        if (!r.chain.readable.read(m_memory, HEADER_BYTES, m_disk.change(r.sector), r.bytes))
            return false;
    }
    written = static_cast<std::uint32_t>((is_read ? r.bytes : 0) + STATUS_BYTES);
    return in.write(m_memory, in.bytes() - STATUS_BYTES, &r.status, STATUS_BYTES);
}

virtio_function::event virtio_blk::complete(const request &r)
{
    std::uint32_t written = 0;
    bool wants_interrupt = false;
    if (!move_data(r, written) || m_queue.give_back(r.chain, written, wants_interrupt) != virtqueue::result::ok)
        return event::broken;
    count(r);
    m_stats.interrupts += wants_interrupt ? 1 : 0;
    if (on_done)
        on_done({kind_name(r.type), r.sector, r.bytes, status_name(r.status), r.place, r.arrived_ps, r.begun_ps,
                 r.done_ps});
    return wants_interrupt ? event::used : event::none;
}

void virtio_blk::count(const request &r)
{
    switch (r.type) {
    case T_IN:
        m_stats.reads++;
        m_stats.bytes_read += r.bytes;
        break;
    case T_OUT:
        m_stats.writes++;
        m_stats.bytes_written += r.bytes;
        break;
    case T_FLUSH: m_stats.flushes++; break;
    default: m_stats.others++; break;
    }
    m_stats.errors += r.status != S_OK ? 1 : 0;
    m_stats.service_ps.add(r.done_ps - r.begun_ps);
    m_stats.queued_ps.add(r.begun_ps - r.arrived_ps);
}

} // namespace vp
