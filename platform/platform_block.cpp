// SPDX-License-Identifier: Apache-2.0
// The guest's disk: built from the keys block.*, tied to I/O APIC pin 11 and to time, drawn and counted. Without a disk
// there is no device, and its address reads all ones.
#include "address_map.h"
#include "config/user_error.h"
#include "devices/guest_ram.h"
#include "platform.h"

#include <fmt/format.h>

#include <cmath>

namespace vp
{

namespace
{

virtio_blk_config block_config_of(const configuration &config)
{
    constexpr double PS_PER_US = 1e6;
    virtio_blk_config c;
    c.parallel = static_cast<std::uint32_t>(config.integer("block.parallel"));
    c.latency_ps = static_cast<std::uint64_t>(std::llround(config.real("block.latency_us") * PS_PER_US));
    c.bandwidth_mb_s = config.integer("block.bandwidth_mb_s");
    c.is_read_only = config.text("block.writes") == "refuse";
    if (const auto range = parse_range(config.text("block.error_sectors"))) {
        c.has_error_sectors = true;
        c.first_error_sector = range->first;
        c.last_error_sector = range->last;
    }
    return c;
}

} // namespace

void platform::build_block()
{
    const std::string &path = m_config.text("block.file");
    const std::uint64_t bytes = m_config.integer("block.bytes");
    if (path.empty() && bytes == 0)
        return;
    disk media = path.empty() ? disk::of_zeros(bytes) : disk::of_file(path);
    if (m_config.text("block.writes") == "keep")
        media.check_writable();
    m_block = std::make_unique<block_device>(
        std::make_unique<guest_ram>(m_ram_core, m_layout, m_code_map.get()), std::move(media),
        static_cast<std::uint32_t>(m_config.integer("block.queue_depth")), block_config_of(m_config),
        [this](bool level, std::uint64_t ps) { m_router->set_irq(IRQ_BLOCK, level, ps); });
    device_module &module = add_device("virtio_blk", m_block->transport, m_bus, VIRTIO_BLK_BASE);
    m_block_timer =
        std::make_unique<device_timer>("block_timer", m_keeper, DEVICE_BLOCK, m_period, device_timer::felt::in_memory);
    m_block_timer->next_ps = [this] { return m_block->function.next_ps(); };
    m_block_timer->act = [this](std::uint64_t now_ps) { m_block->transport.look(now_ps); };
    m_block_timer->on_sent = m_router->on_sent;
    m_block_timer->on_idle = m_router->on_idle;
    module.after_access = [this](std::uint64_t now_ps) { m_block_timer->plan(now_ps); };
    if (!m_timeline)
        return;
    m_block->function.on_done = [this](const virtio_blk_report &r) {
        m_timeline->block_request(
            r.place, fmt::format("{} {} bytes at sector {}", r.kind, r.bytes, r.sector), r.begun_ps, r.done_ps,
            fmt::format(R"("sector":{},"bytes":{},"status":"{}","queued_ps":{},"service_ps":{})", r.sector, r.bytes,
                        r.status, r.begun_ps - r.arrived_ps, r.done_ps - r.begun_ps));
    };
}

void platform::report_block(stat_tree &tree) const
{
    if (!m_block)
        return;
    const virtio_blk_stats &s = m_block->function.stats();
#define VIRTIO_BLK_STAT(name, unit, sentence) tree.add("block." #name, s.name, unit, sentence);
#include "devices/virtio_blk_stats.def"
#undef VIRTIO_BLK_STAT
    s.service_ps.report(tree, "block.service", "requests", "ps", "From: service begins; to: the used ring has it");
    s.queued_ps.report(tree, "block.queued", "requests", "ps", "From: the driver notifies; to: service begins");
}

void platform::save_disk()
{
    if (m_block && m_config.text("block.writes") == "keep")
        m_block->media.save();
}

} // namespace vp
