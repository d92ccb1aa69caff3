// SPDX-License-Identifier: Apache-2.0
// See virtqueue.h. Section numbers are those of VIRTIO 1.2. Little endian on a host of the same order.
#include "virtqueue.h"

#include <algorithm>

namespace vp
{

namespace
{

constexpr std::uint16_t DESC_NEXT = 1, DESC_WRITE = 2;
constexpr std::uint16_t AVAIL_NO_INTERRUPT = 1;
constexpr std::uint64_t DESC_BYTES = 16, RING_HEAD_BYTES = 4, AVAIL_BYTES = 2, USED_BYTES = 8, EVENT_BYTES = 2;
constexpr std::uint64_t INDEX_OFFSET = 2;
constexpr std::uint64_t LONGEST_CHAIN_BYTES = std::uint64_t{1} << 32; // 2.7.5.2

struct descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags, next;
};
static_assert(sizeof(descriptor) == DESC_BYTES);

struct used_element {
    std::uint32_t id, length;
};
static_assert(sizeof(used_element) == USED_BYTES);

std::uint16_t difference(std::uint16_t a, std::uint16_t b) { return static_cast<std::uint16_t>(a - b); }

} // namespace

// --- buffers ---

void virtq_stream::append(std::uint64_t physical, std::uint64_t bytes)
{
    m_segments.push_back({physical, bytes});
    m_bytes += bytes;
}

template <typename ACCESS>
bool virtq_stream::walk(std::uint64_t offset, std::uint64_t size, ACCESS access) const
{
    if (offset > m_bytes || size > m_bytes - offset)
        return false;
    std::uint64_t done = 0;
    for (const segment &s : m_segments) {
        if (done == size)
            break;
        if (offset >= s.bytes) {
            offset -= s.bytes;
            continue;
        }
        const std::uint64_t n = std::min(s.bytes - offset, size - done);
        if (!access(s.physical + offset, done, n))
            return false;
        done += n;
        offset = 0;
    }
    return true;
}

bool virtq_stream::read(guest_memory &memory, std::uint64_t offset, void *bytes, std::uint64_t size) const
{
    return walk(offset, size, [&](std::uint64_t physical, std::uint64_t at, std::uint64_t n) {
        return memory.read(physical, static_cast<unsigned char *>(bytes) + at, n);
    });
}

bool virtq_stream::write(guest_memory &memory, std::uint64_t offset, const void *bytes, std::uint64_t size) const
{
    return walk(offset, size, [&](std::uint64_t physical, std::uint64_t at, std::uint64_t n) {
        return memory.write(physical, static_cast<const unsigned char *>(bytes) + at, n);
    });
}

// --- the queue ---

template <typename T>
bool virtqueue::load(std::uint64_t physical, T &value)
{
    return m_memory.read(physical, &value, sizeof value);
}
template <typename T>
bool virtqueue::store(std::uint64_t physical, const T &value)
{
    return m_memory.write(physical, &value, sizeof value);
}

virtqueue::result virtqueue::broken()
{
    m_is_running = false;
    return result::broken;
}

// 2.7: the size is a power of two; 2.7.1: alignment of the three parts.
bool virtqueue::start(const virtqueue_layout &layout)
{
    const std::uint64_t n = layout.size;
    m_is_running = n != 0 && n <= m_most && (n & (n - 1)) == 0 && layout.descriptors % DESC_BYTES == 0 &&
                   layout.available % 2 == 0 && layout.used % 4 == 0 &&
                   m_memory.has(layout.descriptors, DESC_BYTES * n) &&
                   m_memory.has(layout.available, RING_HEAD_BYTES + AVAIL_BYTES * n + EVENT_BYTES) &&
                   m_memory.has(layout.used, RING_HEAD_BYTES + USED_BYTES * n + EVENT_BYTES);
    m_layout = layout;
    m_next = m_used = 0;
    m_taken = 0;
    return m_is_running;
}

virtqueue::result virtqueue::take(virtq_chain &chain)
{
    if (!m_is_running)
        return result::none;
    std::uint16_t index = 0;
    if (!load(m_layout.available + INDEX_OFFSET, index))
        return broken();
    // 2.7.13.3.1: never more available than entries; and a head that the device still has cannot be available again.
    const std::uint16_t waiting = difference(index, m_next);
    if (waiting > m_layout.size || waiting + m_taken > m_layout.size)
        return broken();
    if (waiting == 0) {
        // 2.7.10: the driver notifies when it goes past this one.
        const std::uint64_t avail_event = m_layout.used + RING_HEAD_BYTES + USED_BYTES * m_layout.size;
        return !m_has_event_idx || store(avail_event, m_next) ? result::none : broken();
    }
    const std::uint64_t slot = m_next % m_layout.size;
    chain = {};
    if (!load(m_layout.available + RING_HEAD_BYTES + AVAIL_BYTES * slot, chain.head) || !read_chain(chain))
        return broken();
    m_next++;
    m_taken++;
    return result::ok;
}

// 2.7.5: at most as many descriptors as the table has, so a loop ends too; what the device writes comes last (2.7.4.2);
// buffers of no bytes are of no use and taken for a mistake.
bool virtqueue::read_chain(virtq_chain &chain)
{
    std::uint16_t index = chain.head;
    for (std::uint32_t count = 0; count < m_layout.size; count++) {
        descriptor d = {};
        if (index >= m_layout.size || !load(m_layout.descriptors + DESC_BYTES * index, d))
            return false;
        if ((d.flags & ~(DESC_NEXT | DESC_WRITE)) != 0 || d.length == 0 || !m_memory.has(d.address, d.length))
            return false;
        const bool is_writable = (d.flags & DESC_WRITE) != 0;
        if (!is_writable && chain.writable.bytes() != 0)
            return false;
        (is_writable ? chain.writable : chain.readable).append(d.address, d.length);
        if (chain.readable.bytes() + chain.writable.bytes() > LONGEST_CHAIN_BYTES)
            return false;
        if ((d.flags & DESC_NEXT) == 0)
            return true;
        index = d.next;
    }
    return false;
}

virtqueue::result virtqueue::give_back(const virtq_chain &chain, std::uint32_t written, bool &wants_interrupt)
{
    wants_interrupt = false;
    if (!m_is_running)
        return result::none;
    const std::uint64_t slot = m_used % m_layout.size;
    const std::uint16_t old = m_used++;
    m_taken--;
    if (!store(m_layout.used + RING_HEAD_BYTES + USED_BYTES * slot, used_element{chain.head, written}) ||
        !store(m_layout.used + INDEX_OFFSET, m_used))
        return broken();
    std::uint16_t word = 0; // 2.7.7 and 2.7.10: flags, or used_event behind the ring
    if (!load(m_layout.available + (m_has_event_idx ? RING_HEAD_BYTES + AVAIL_BYTES * m_layout.size : 0), word))
        return broken();
    wants_interrupt = m_has_event_idx
                          ? difference(m_used, static_cast<std::uint16_t>(word + 1)) < difference(m_used, old)
                          : (word & AVAIL_NO_INTERRUPT) == 0;
    return result::ok;
}

} // namespace vp
