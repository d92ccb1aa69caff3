// SPDX-License-Identifier: Apache-2.0
// See virtio_mmio.h. Section numbers are those of VIRTIO 1.2.
#include "virtio_mmio.h"

#include <utility>

namespace vp
{

namespace
{

// Table 4.1, "MMIO Device Register Layout".
enum register_offset : std::uint64_t {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    SHM_LEN_LOW = 0x0b0,
    SHM_LEN_HIGH = 0x0b4,
    SHM_BASE_LOW = 0x0b8,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

constexpr std::uint32_t MAGIC = 0x74726976; // "virt"
constexpr std::uint32_t MODERN = 2;
constexpr std::uint32_t VENDOR = 0x50565455; // "UTVP"

// 2.1 "Device Status Field".
constexpr std::uint32_t ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64, FAILED = 128;
constexpr std::uint32_t OF_DRIVER = ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED;

constexpr std::uint32_t INTERRUPT_USED = 1, INTERRUPT_CONFIG = 2;

std::uint32_t half(std::uint64_t value, std::uint32_t select)
{
    return select > 1 ? 0 : static_cast<std::uint32_t>(value >> 32 * select);
}

void set_half(std::uint64_t &value, std::uint32_t select, std::uint32_t to)
{
    if (select > 1)
        return;
    const std::uint64_t mask = std::uint64_t{UINT32_MAX} << 32 * select;
    value = (value & ~mask) | std::uint64_t{to} << 32 * select;
}

} // namespace

virtio_mmio::virtio_mmio(virtio_function &function, virtqueue &queue, irq_sink irq)
    : m_function(function), m_queue(queue), m_irq(std::move(irq))
{
}

std::uint64_t virtio_mmio::offered() const { return m_function.features() | F_VERSION_1 | F_EVENT_IDX; }

bool virtio_mmio::is_driver_ok() const { return (m_status & (DRIVER_OK | NEEDS_RESET | FAILED)) == DRIVER_OK; }

// --- the interrupt: a level while InterruptStatus is not 0 ---

void virtio_mmio::set_interrupts(std::uint32_t interrupts, std::uint64_t now_ps)
{
    const bool before = m_interrupts != 0, now = interrupts != 0;
    m_interrupts = interrupts;
    if (before != now)
        m_irq(now, now_ps);
}

// 2.1.2: NEEDS_RESET is told by a configuration interrupt, if the driver has come that far.
void virtio_mmio::handle(virtio_function::event event, std::uint64_t now_ps)
{
    if (event == virtio_function::event::used)
        set_interrupts(m_interrupts | INTERRUPT_USED, now_ps);
    if (event != virtio_function::event::broken)
        return;
    m_queue.stop();
    m_function.reset();
    m_status |= NEEDS_RESET;
    if ((m_status & DRIVER_OK) != 0)
        set_interrupts(m_interrupts | INTERRUPT_CONFIG, now_ps);
}

void virtio_mmio::look(std::uint64_t now_ps) { handle(m_function.look(now_ps), now_ps); }

// --- the status machine ---

void virtio_mmio::reset(std::uint64_t now_ps)
{
    m_function.reset();
    m_queue.stop();
    m_status = 0;
    m_device_features_sel = m_driver_features_sel = m_queue_sel = 0;
    m_driver_features = 0;
    m_layout = {};
    set_interrupts(0, now_ps);
}

// 2.1.1: bits are only set, but for the reset. 2.2.2, 6.2: FEATURES_OK is refused for what was not offered and for a
// driver of the legacy interface; without it there is no DRIVER_OK.
void virtio_mmio::write_status(std::uint32_t value, std::uint64_t now_ps)
{
    if (value == 0) {
        reset(now_ps);
        return;
    }
    value &= OF_DRIVER & ~m_status;
    if ((m_driver_features & ~offered()) != 0 || (m_driver_features & F_VERSION_1) == 0)
        value &= ~FEATURES_OK;
    if (((m_status | value) & FEATURES_OK) == 0)
        value &= ~DRIVER_OK;
    m_status |= value;
    if ((value & DRIVER_OK) != 0) {
        m_queue.use_event_idx((m_driver_features & F_EVENT_IDX) != 0);
        m_function.begin(m_driver_features);
        if ((m_status & NEEDS_RESET) != 0)
            set_interrupts(m_interrupts | INTERRUPT_CONFIG, now_ps);
    }
}

// --- registers ---

void virtio_mmio::set_ready(bool ready, std::uint64_t now_ps)
{
    if (ready == m_queue.is_running() || (m_status & NEEDS_RESET) != 0)
        return;
    m_function.reset();
    if (!ready)
        m_queue.stop();
    else if (!m_queue.start(m_layout))
        handle(virtio_function::event::broken, now_ps);
}

// A queue in use keeps its place (4.2.2.2).
void virtio_mmio::write_queue(std::uint64_t offset, std::uint32_t value, std::uint64_t now_ps)
{
    if (m_queue_sel != 0)
        return;
    if (offset == QUEUE_READY)
        set_ready((value & 1) != 0, now_ps);
    if (m_queue.is_running())
        return;
    switch (offset) {
    case QUEUE_NUM: m_layout.size = value; break;
    case QUEUE_DESC_LOW:
    case QUEUE_DESC_HIGH: set_half(m_layout.descriptors, offset == QUEUE_DESC_HIGH, value); break;
    case QUEUE_DRIVER_LOW:
    case QUEUE_DRIVER_HIGH: set_half(m_layout.available, offset == QUEUE_DRIVER_HIGH, value); break;
    case QUEUE_DEVICE_LOW:
    case QUEUE_DEVICE_HIGH: set_half(m_layout.used, offset == QUEUE_DEVICE_HIGH, value); break;
    default: break;
    }
}

void virtio_mmio::register_write(std::uint64_t offset, std::uint32_t value, std::uint64_t now_ps)
{
    switch (offset) {
    case DEVICE_FEATURES_SEL: m_device_features_sel = value; break;
    case DRIVER_FEATURES_SEL: m_driver_features_sel = value; break;
    case DRIVER_FEATURES: // 2.2.1: settled with FEATURES_OK
        if ((m_status & FEATURES_OK) == 0)
            set_half(m_driver_features, m_driver_features_sel, value);
        break;
    case QUEUE_SEL: m_queue_sel = value; break;
    case QUEUE_NOTIFY: // the value is the queue's number; before DRIVER_OK nothing is taken (3.1.2)
        if (value == 0 && is_driver_ok())
            handle(m_function.notified(now_ps), now_ps);
        break;
    case INTERRUPT_ACK: set_interrupts(m_interrupts & ~value, now_ps); break;
    case STATUS: write_status(value, now_ps); break;
    default: write_queue(offset, value, now_ps); break;
    }
}

// Registers that only the driver writes read 0, as those that do not exist. Of shared memory there is none: all ones.
std::uint32_t virtio_mmio::register_read(std::uint64_t offset) const
{
    switch (offset) {
    case MAGIC_VALUE: return MAGIC;
    case VERSION: return MODERN;
    case DEVICE_ID: return m_function.id();
    case VENDOR_ID: return VENDOR;
    case DEVICE_FEATURES: return half(offered(), m_device_features_sel);
    case QUEUE_NUM_MAX: return m_queue_sel == 0 ? m_queue.most() : 0;
    case QUEUE_READY: return m_queue_sel == 0 && m_queue.is_running() ? 1 : 0;
    case INTERRUPT_STATUS: return m_interrupts;
    case STATUS: return m_status;
    case SHM_LEN_LOW:
    case SHM_LEN_HIGH:
    case SHM_BASE_LOW:
    case SHM_BASE_HIGH: return UINT32_MAX;
    default: return 0; // CONFIG_GENERATION among them: it never changes
    }
}

std::uint32_t virtio_mmio::read(std::uint64_t offset, unsigned size, std::uint64_t)
{
    if (offset < CONFIG)
        return size == sizeof(std::uint32_t) && offset % size == 0 ? register_read(offset) : 0;
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= static_cast<std::uint32_t>(m_function.config_byte(offset - CONFIG + i)) << 8 * i;
    return value;
}

void virtio_mmio::write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps)
{
    if (offset < CONFIG && size == sizeof value && offset % size == 0)
        register_write(offset, value, now_ps);
}

} // namespace vp
