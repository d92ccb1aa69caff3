// SPDX-License-Identifier: Apache-2.0
// See uintr_lint.h. Layouts: SDM Vol. 3, "User Interrupts": UPID, UITT and the stack frame of delivery.
#include "uintr_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace vp
{

namespace
{

constexpr std::uint64_t FRAME_RIP = 8;        // above the frame's start, where the vector is
constexpr std::uint64_t UPID_BYTES = 16;      // of which 1 to 7 belong to the operating system alone
constexpr std::uint64_t UPID_PIR = 8;         // offset
constexpr std::int64_t RED_ZONE = 128;        // System V ABI for x86-64, "The Stack Frame"
constexpr std::size_t MAX_FRAMES = 256;       // handlers that never return must not fill the host's memory
constexpr std::uint64_t MAX_UITT_SCAN = 4096; // entries; a larger table is looked at in part
constexpr std::uint64_t UITTE_BYTES = 16;
constexpr std::uint64_t PAGE = 4096;
constexpr std::uint64_t OTHER_STACK = 4096; // two user RSPs with more between them are of two stacks

// Where legacy and REX prefixes end; is_locked is whether LOCK was among them.
unsigned opcode_at(const struct cpu_trace_insn &insn, bool *is_locked)
{
    static constexpr std::uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    *is_locked = false;
    for (unsigned i = 0; i < insn.length; i++) {
        const std::uint8_t b = insn.bytes[i];
        const bool is_rex = insn.mode_bits == 64 && (b & 0xf0) == 0x40;
        if (!is_rex && std::find(std::begin(prefixes), std::end(prefixes), b) == std::end(prefixes))
            return i;
        *is_locked = *is_locked || b == 0xf0;
    }
    return 0;
}

// WRMSR, or group 9 with reg = 3, XRSTORS: what can change the user-interrupt registers.
bool can_write_msr(const struct cpu_trace_insn &insn, unsigned at)
{
    if (insn.cpl != 0 || insn.bytes[at] != 0x0f || at + 1u >= insn.length)
        return false;
    return insn.bytes[at + 1] == 0x30 ||
           (insn.bytes[at + 1] == 0xc7 && at + 2u < insn.length && (insn.bytes[at + 2] >> 3 & 7) == 3);
}

bool is_xchg(std::uint8_t opcode) { return opcode == 0x86 || opcode == 0x87; } // locked without the prefix

} // namespace

uintr_lint::uintr_lint(lint_machine &machine, warn_fn warn)
    : m_machine(machine), m_warn(std::move(warn)), m_cores(machine.core_count())
{
}

void uintr_lint::tell(std::uint32_t core, rule what, std::uint64_t rip, const std::string &text)
{
    if (m_told.insert({what, rip}).second)
        m_warn(core, fmt::format("lint: RIP {:x}: {}", rip, text));
}

void uintr_lint::insn(std::uint32_t core, const struct cpu_trace_insn &insn)
{
    core_state &c = m_cores[core];
    if (c.writes_msr)
        look_at_msrs(core);
    if (c.is_entry && insn.cpl == 3)
        check_thread(core);
    bool is_locked = false;
    const unsigned at = opcode_at(insn, &is_locked);
    const std::uint8_t opcode = insn.bytes[at];
    c.rip = insn.rip;
    c.is_atomic = is_locked || is_xchg(opcode);
    c.writes_msr = can_write_msr(insn, at);
    if (insn.cpl == 3 && insn.mode_bits == 64 && !c.frames.empty())
        check_return(core, insn, opcode);
}

// RET and IRET that would take what delivery has pushed.
void uintr_lint::check_return(std::uint32_t core, const struct cpu_trace_insn &insn, std::uint8_t opcode)
{
    const bool is_ret = opcode == 0xc3 || opcode == 0xc2 || opcode == 0xcb || opcode == 0xca, is_iret = opcode == 0xcf;
    if (!is_ret && !is_iret)
        return;
    const struct cpu_regs r = m_machine.registers(core);
    const std::uint64_t rsp = r.gpr[4];
    std::vector<frame> &frames = m_cores[core].frames;
    const auto f = std::find_if(frames.begin(), frames.end(), [&](const frame &one) {
        return one.cr3 == r.cr3 && (rsp == one.at || rsp == one.at + FRAME_RIP);
    });
    if (f == frames.end())
        return;
    tell(core, rule::handler_return, insn.rip,
         fmt::format("the user-interrupt handler at {:x} returns with {} instead of UIRET: UIF stays 0", f->handler,
                     is_ret ? "RET" : "IRET"));
    frames.erase(f);
}

void uintr_lint::mem(std::uint32_t core, const struct cpu_trace_mem &access)
{
    if (access.access != TIMING_STORE && access.access != TIMING_MODIFY)
        return;
    for (std::uint32_t other = 0; other < m_cores.size(); other++)
        if (m_cores[other].writes_msr) // perhaps the last instruction of a core that halts
            look_at_msrs(other);
    add_written_entries(access);
    if (m_cores[core].is_atomic || m_upids.empty())
        return;
    const std::uint64_t first = access.physical, end = access.physical + access.bytes;
    auto u = m_upids.upper_bound(first); // the UPID that could contain the first byte is the one before
    if (u != m_upids.begin())
        --u;
    for (; u != m_upids.end() && *u < end; ++u) {
        const bool hits_status = first <= *u && *u < end;
        const bool hits_pir = first < *u + UPID_BYTES && *u + UPID_PIR < end;
        if (!hits_status && !hits_pir)
            continue;
        for (std::uint32_t other = 0; other < m_cores.size(); other++)
            if (other != core && can_post(other, *u)) {
                tell(core, rule::plain_store, m_cores[core].rip,
                     fmt::format("{} of the UPID at {:x} stored without LOCK while core {} may post to it: a post can "
                                 "be lost",
                                 hits_status ? "ON and SN" : "PIR", access.linear - first + *u, other));
                break;
            }
    }
}

// A UPID counts from the moment a receiver's register or a table in use points to it, not only once something is
// posted.
void uintr_lint::add_upid(std::uint32_t core, std::uint64_t linear)
{
    std::uint64_t physical;
    if (m_machine.translate(core, linear, &physical))
        m_upids.insert(physical);
}

void uintr_lint::add_entry(std::uint32_t core, std::uint64_t linear)
{
    std::uint64_t entry[2];
    if (m_machine.read(core, linear, entry, sizeof entry) && (entry[0] & 1))
        add_upid(core, entry[1]);
}

void uintr_lint::look_at_msrs(std::uint32_t core)
{
    core_state &c = m_cores[core];
    const std::uint64_t pd = m_machine.uintr_msr(core, UINTR_MSR_PD), tt = m_machine.uintr_msr(core, UINTR_MSR_TT);
    const std::uint64_t last = m_machine.uintr_msr(core, UINTR_MSR_MISC) & 0xffffffff;
    if (pd != c.known_pd && pd != 0)
        add_upid(core, pd);
    c.known_pd = pd;
    if (tt == c.known_tt && last == c.known_size)
        return;
    c.known_tt = tt;
    c.known_size = last;
    if (!(tt & 1))
        return;
    const std::uint64_t table = tt & ~std::uint64_t{15};
    const std::uint64_t end = table + UITTE_BYTES * (std::min(last, MAX_UITT_SCAN - 1) + 1);
    for (std::uint64_t page = table & ~(PAGE - 1); page < end; page += PAGE) {
        std::uint64_t physical;
        if (!m_machine.translate(core, page, &physical))
            continue;
        m_table_pages[physical] = {core, page};
        for (std::uint64_t at = std::max(page, table); at < std::min(page + PAGE, end); at += UITTE_BYTES)
            add_entry(core, at);
    }
}

// An entry is read when the next store comes: this one may not have reached memory yet.
void uintr_lint::add_written_entries(const struct cpu_trace_mem &access)
{
    for (const auto &[core, linear] : m_written)
        add_entry(core, linear);
    m_written.clear();
    const std::uint64_t first = access.physical & ~(UITTE_BYTES - 1), end = access.physical + access.bytes;
    const auto page = m_table_pages.find(first & ~(PAGE - 1));
    if (page == m_table_pages.end())
        return;
    for (std::uint64_t at = first; at < end; at += UITTE_BYTES)
        m_written.emplace_back(page->second.first, page->second.second + (at & (PAGE - 1)));
}

// Does the table that this core sends through now have an entry for that UPID?
bool uintr_lint::can_post(std::uint32_t core, std::uint64_t upid_physical)
{
    const std::uint64_t tt = m_machine.uintr_msr(core, UINTR_MSR_TT);
    if (!(tt & 1))
        return false;
    const std::uint64_t last = m_machine.uintr_msr(core, UINTR_MSR_MISC) & 0xffffffff;
    for (std::uint64_t i = 0; i <= std::min(last, MAX_UITT_SCAN - 1); i++) {
        std::uint64_t entry[2], physical;
        if (!m_machine.read(core, (tt & ~std::uint64_t{15}) + 16 * i, entry, sizeof entry))
            return false;
        if ((entry[0] & 1) && m_machine.translate(core, entry[1], &physical) && physical == upid_physical)
            return true;
    }
    return false;
}

void uintr_lint::step(std::uint32_t core, enum uintr_step step, const struct uintr_step_info &info)
{
    std::vector<frame> &frames = m_cores[core].frames;
    switch (step) {
    case UINTR_STEP_POSTED:
        add_upid(core, info.upid_la);
        if (info.notify)
            check_ndst(core, info.upid_la);
        break;
    case UINTR_STEP_DELIVERED:
        check_stack(core, info);
        if (frames.size() == MAX_FRAMES)
            frames.erase(frames.begin());
        frames.push_back({info.frame_la, m_machine.registers(core).cr3, m_machine.uintr_msr(core, UINTR_MSR_HANDLER)});
        break;
    case UINTR_STEP_RETURNED: {
        const std::uint64_t cr3 = m_machine.registers(core).cr3;
        frames.erase(std::remove_if(frames.begin(), frames.end(),
                                    [&](const frame &f) { return f.cr3 == cr3 && f.at + FRAME_RIP == info.frame_la; }),
                     frames.end());
        break;
    }
    default: break;
    }
}

// SDM Vol. 2, "SENDUIPI": in xAPIC mode the destination is NDST[15:8], in x2APIC mode NDST[31:0].
void uintr_lint::check_ndst(std::uint32_t core, std::uint64_t upid_la)
{
    std::uint32_t ndst;
    if (!m_machine.read(core, upid_la + 4, &ndst, sizeof ndst))
        return;
    const std::uint32_t cores = m_machine.core_count();
    if (!m_machine.is_x2apic(core) && (ndst & ~0xff00u) != 0)
        tell(core, rule::ndst, m_cores[core].rip,
             fmt::format("NDST {:08x} of the UPID at {:x} is not in the form of xAPIC mode: the interrupt goes to APIC "
                         "{:x}, bits 15:8",
                         ndst, upid_la, ndst >> 8 & 0xff));
    if (m_machine.is_x2apic(core) && ndst >= cores && ndst != UINT32_MAX && (ndst & 0xff) == 0 && ndst >> 8 < cores)
        tell(core, rule::ndst, m_cores[core].rip,
             fmt::format("NDST {:08x} of the UPID at {:x} is in the form of xAPIC mode, but the sender is in x2APIC "
                         "mode: there is no APIC {:x}",
                         ndst, upid_la, ndst));
}

void uintr_lint::check_stack(std::uint32_t core, const struct uintr_step_info &info)
{
    // Bit 0: another stack. Otherwise it is subtracted from RSP, and a negative one leads above it.
    const auto adjust = static_cast<std::int64_t>(m_machine.uintr_msr(core, UINTR_MSR_STACKADJUST));
    std::uint64_t interrupted[2]; // RIP, RFLAGS
    if ((adjust & 1) || adjust >= RED_ZONE || !m_machine.read(core, info.frame_la + FRAME_RIP, interrupted, 16))
        return;
    tell(core, rule::stack, m_machine.uintr_msr(core, UINTR_MSR_HANDLER),
         adjust < 0
             ? fmt::format("this user-interrupt handler is entered with STACKADJUST {}: its frame lies above RSP "
                           "of the code at {:x}, whose stack is overwritten, red zone or not",
                           adjust, interrupted[0])
             : fmt::format("this user-interrupt handler is entered with STACKADJUST {}: the {} bytes of the red "
                           "zone below RSP of the code at {:x} are overwritten",
                           adjust, RED_ZONE, interrupted[0]));
}

// The PD register stands for a thread: it belongs to the address space that was current when its value came.
void uintr_lint::cpl_changed(std::uint32_t core, std::uint32_t cpl)
{
    core_state &c = m_cores[core];
    const struct cpu_regs r = m_machine.registers(core);
    if (cpl != 3) {
        c.user_fs_base = r.fs_base;
        c.is_entry = false;
        return;
    }
    const std::uint64_t pd = m_machine.uintr_msr(core, UINTR_MSR_PD), cr3 = r.cr3;
    const std::uint64_t uinv = m_machine.uintr_msr(core, UINTR_MSR_MISC) >> 32 & 0xff;
    c.is_entry = true;
    c.entry_rip = c.rip;
    c.has_other_fs_base = false;
    if (pd != c.pd || uinv == 0) {
        c.pd = uinv == 0 ? 0 : pd;
        c.pd_cr3 = cr3;
    } else if (cr3 != c.pd_cr3) {
        tell(core, rule::uinv, c.rip,
             fmt::format("UINV {:x} and the UPID at {:x} of the address space {:x} are still set when that of {:x} "
                         "enters user mode: its user interrupts go to the wrong thread",
                         uinv, pd, c.pd_cr3, cr3));
    } else {
        c.has_other_fs_base = r.fs_base != c.user_fs_base;
    }
}

// At the first instruction in user mode, when RSP is the program's for certain. FS base alone may be a thread that has
// got its thread pointer, RSP alone a signal handler with a stack of its own.
void uintr_lint::check_thread(std::uint32_t core)
{
    core_state &c = m_cores[core];
    const struct cpu_regs r = m_machine.registers(core);
    const std::uint64_t rsp = r.gpr[4], distance = rsp > c.user_rsp ? rsp - c.user_rsp : c.user_rsp - rsp;
    if (c.has_other_fs_base && distance > OTHER_STACK)
        tell(core, rule::uinv, c.entry_rip,
             fmt::format("UINV and the UPID at {:x} of the thread with FS base {:x} are still set when that with {:x} "
                         "enters user mode: its user interrupts go to the wrong thread",
                         c.pd, c.user_fs_base, r.fs_base));
    c.user_rsp = rsp;
    c.is_entry = false;
}

} // namespace vp
