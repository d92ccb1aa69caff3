// SPDX-License-Identifier: Apache-2.0
// The device's side of one split virtqueue. Source: VIRTIO 1.2, 2.7 "Split Virtqueues". The driver owns the descriptor
// table and the available ring, and nothing in them is believed: sizes, indices, flags, loops, lengths and addresses
// are checked, and whatever a driver must not do answers BROKEN. After that only start() helps.
//
//   descriptor (16 bytes)     address 8, length 4, flags 2 (NEXT, WRITE, INDIRECT), next 2
//   available (2-aligned)     flags 2, idx 2, ring 2 * num, used_event 2
//   used (4-aligned)          flags 2, idx 2, ring (id 4, length 4) * num, avail_event 2
//
// Not offered, and so refused: indirect descriptors, the packed form, chains that complete in order.
#ifndef PLATFORM_DEVICES_VIRTQUEUE_H
#define PLATFORM_DEVICES_VIRTQUEUE_H

#include "guest_memory.h"

#include <cstddef>
#include <vector>

namespace vp
{

// Where the driver put the queue.
struct virtqueue_layout {
    std::uint32_t size = 0; // of the table and both rings, in entries
    std::uint64_t descriptors = 0, available = 0, used = 0;
};

// Buffers in guest memory that are read or written one after another as if they were one.
class virtq_stream
{
  public:
    void append(std::uint64_t physical, std::uint64_t bytes);
    std::uint64_t bytes() const { return m_bytes; }
    // false, and maybe done in part, if [offset, offset + size) is not inside or not RAM.
    [[nodiscard]] bool read(guest_memory &memory, std::uint64_t offset, void *bytes, std::uint64_t size) const;
    [[nodiscard]] bool write(guest_memory &memory, std::uint64_t offset, const void *bytes, std::uint64_t size) const;

  private:
    struct segment {
        std::uint64_t physical, bytes;
    };
    template <typename ACCESS>
    bool walk(std::uint64_t offset, std::uint64_t size, ACCESS access) const;

    std::vector<segment> m_segments;
    std::uint64_t m_bytes = 0;
};

struct virtq_chain {
    std::uint16_t head = 0;
    virtq_stream readable, writable;
};

class virtqueue
{
  public:
    enum class result { none, ok, broken };

    // memory must outlive it. most: the largest size, a power of two up to 32768.
    virtqueue(guest_memory &memory, std::uint32_t most) : m_memory(memory), m_most(most) {}

    std::uint32_t most() const { return m_most; }
    bool is_running() const { return m_is_running; }
    // false: size or addresses are not as they must be.
    [[nodiscard]] bool start(const virtqueue_layout &layout);
    void stop() { m_is_running = false; }
    void use_event_idx(bool yes) { m_has_event_idx = yes; } // VIRTIO_F_EVENT_IDX was negotiated

    // The next chain that the driver has made available; none: there is none.
    result take(virtq_chain &chain);
    // The driver has it back, with so many bytes written. wants_interrupt: does the driver want to hear of it?
    result give_back(const virtq_chain &chain, std::uint32_t written, bool &wants_interrupt);

  private:
    template <typename T>
    bool load(std::uint64_t physical, T &value);
    template <typename T>
    bool store(std::uint64_t physical, const T &value);
    result broken();
    bool read_chain(virtq_chain &chain);

    guest_memory &m_memory;
    const std::uint32_t m_most;
    virtqueue_layout m_layout;
    bool m_is_running = false, m_has_event_idx = false;
    std::uint16_t m_next = 0;  // of the available ring
    std::uint16_t m_used = 0;  // used.idx
    std::uint32_t m_taken = 0; // and not given back
};

} // namespace vp

#endif
