// SPDX-License-Identifier: Apache-2.0
// A disk at the memory bus: the parts of a virtio block device, in the order in which they need each other.
#ifndef PLATFORM_DEVICES_BLOCK_DEVICE_H
#define PLATFORM_DEVICES_BLOCK_DEVICE_H

#include "disk.h"
#include "guest_memory.h"
#include "virtio_blk.h"
#include "virtio_mmio.h"
#include "virtqueue.h"

#include <memory>
#include <utility>

namespace vp
{

struct block_device {
    std::unique_ptr<guest_memory> memory;
    disk media;
    virtqueue queue;
    virtio_blk function;
    virtio_mmio transport;

    block_device(std::unique_ptr<guest_memory> guest, disk content, std::uint32_t queue_depth,
                 const virtio_blk_config &config, virtio_mmio::irq_sink irq)
        : memory(std::move(guest)), media(std::move(content)), queue(*memory, queue_depth),
          function(config, media, queue, *memory), transport(function, queue, std::move(irq))
    {
    }
    block_device(const block_device &) = delete; // its parts know each other
    block_device &operator=(const block_device &) = delete;
};

} // namespace vp

#endif
