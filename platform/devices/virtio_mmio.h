// SPDX-License-Identifier: Apache-2.0
// A virtio device on the memory bus. Source: VIRTIO 1.2, 4.2 "Virtio Over MMIO" (register layout 4.2.2, version 2) and
// chapter 2 (status, features, reset). The registers, the status machine, negotiation and the interrupt are here; what
// the device is for is a virtio_function. It has one queue, number 0; there is no legacy interface.
//
// Registers take aligned accesses of 32 bits only, others read 0 and are swallowed; the configuration space takes any.
// A driver that breaks its queue gets DEVICE_NEEDS_RESET and a configuration interrupt, and then nothing until it
// resets the device.
#ifndef PLATFORM_DEVICES_VIRTIO_MMIO_H
#define PLATFORM_DEVICES_VIRTIO_MMIO_H

#include "device.h"
#include "virtqueue.h"

#include <functional>

namespace vp
{

// What is behind the transport. The transport drives the queue's registers; the function takes chains and gives back.
class virtio_function
{
  public:
    enum class event { none, used, broken }; // used: the driver wants an interrupt

    virtual ~virtio_function() = default;
    virtual std::uint32_t id() const = 0; // chapter 5, "Device Types"
    virtual std::uint64_t features() const = 0;
    virtual std::uint8_t config_byte(std::uint64_t offset) const = 0; // 0 behind its end
    virtual void begin(std::uint64_t features) = 0;                   // DRIVER_OK, with what was negotiated
    virtual void reset() = 0;                                         // forgets all that is under way
    virtual event notified(std::uint64_t now_ps) = 0;                 // QueueNotify, while the driver is OK
    // Time has come to now_ps; and when it acts by itself, UINT64_MAX: not before the next notification.
    virtual event look(std::uint64_t now_ps) = 0;
    virtual std::uint64_t next_ps() const = 0;
};

class virtio_mmio : public device
{
  public:
    static constexpr std::uint64_t F_EVENT_IDX = std::uint64_t{1} << 29, F_VERSION_1 = std::uint64_t{1} << 32;

    // irq: level of the interrupt line, called when it changes. function and queue must outlive it.
    using irq_sink = std::function<void(bool level, std::uint64_t now_ps)>;
    virtio_mmio(virtio_function &function, virtqueue &queue, irq_sink irq);

    unsigned width() const override { return 4; }
    std::uint64_t size() const override { return 0x1000; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

    void look(std::uint64_t now_ps); // time has come to now_ps

  private:
    std::uint32_t register_read(std::uint64_t offset) const;
    void register_write(std::uint64_t offset, std::uint32_t value, std::uint64_t now_ps);
    void write_queue(std::uint64_t offset, std::uint32_t value, std::uint64_t now_ps);
    void write_status(std::uint32_t value, std::uint64_t now_ps);
    void set_ready(bool ready, std::uint64_t now_ps);
    void reset(std::uint64_t now_ps);
    void handle(virtio_function::event event, std::uint64_t now_ps);
    void set_interrupts(std::uint32_t interrupts, std::uint64_t now_ps);
    std::uint64_t offered() const;
    bool is_driver_ok() const;

    virtio_function &m_function;
    virtqueue &m_queue;
    const irq_sink m_irq;
    std::uint32_t m_status = 0, m_interrupts = 0;
    std::uint32_t m_device_features_sel = 0, m_driver_features_sel = 0, m_queue_sel = 0;
    std::uint64_t m_driver_features = 0;
    virtqueue_layout m_layout;
};

} // namespace vp

#endif
