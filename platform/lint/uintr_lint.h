// SPDX-License-Identifier: Apache-2.0
// Guest code that the manual allows but nobody wants, where user interrupts are concerned (--lint uintr):
//   * a handler that leaves by RET or IRET instead of UIRET
//   * a store without LOCK to ON, SN or PIR of a UPID to which another core can post
//   * NDST written for the other mode of the sender's local APIC
//   * UINV left set when another address space, or another thread of it, begins to run in user mode
//   * STACKADJUST that does not keep the red zone of the interrupted code
// Each is told once per instruction (rule and RIP). Looks on only: nothing here changes what the guest does.
// Another thread of the same address space is recognised by another FS base (its thread pointer) and another stack.
#ifndef PLATFORM_LINT_UINTR_LINT_H
#define PLATFORM_LINT_UINTR_LINT_H

#include "cpu.h"
#include "uintr.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vp
{

// What the lint asks of the machine at the moment of a call.
class lint_machine
{
  public:
    virtual ~lint_machine() = default;
    virtual std::uint32_t core_count() const = 0; // APIC IDs are 0 .. core_count() - 1
    virtual struct cpu_regs registers(std::uint32_t core) = 0;
    virtual std::uint64_t uintr_msr(std::uint32_t core, std::uint32_t msr) = 0;
    virtual bool is_x2apic(std::uint32_t core) = 0;
    virtual bool read(std::uint32_t core, std::uint64_t linear, void *bytes, std::size_t size) = 0; // false: absent
    virtual bool translate(std::uint32_t core, std::uint64_t linear, std::uint64_t *physical) = 0;
};

class uintr_lint
{
  public:
    using warn_fn = std::function<void(std::uint32_t core, const std::string &text)>;

    uintr_lint(lint_machine &machine, warn_fn warn);

    // As the cores tell them, see cpu_observer.
    void insn(std::uint32_t core, const struct cpu_trace_insn &insn);
    void mem(std::uint32_t core, const struct cpu_trace_mem &access);
    void step(std::uint32_t core, enum uintr_step step, const struct uintr_step_info &info);
    void cpl_changed(std::uint32_t core, std::uint32_t cpl);

    std::uint64_t warnings() const { return m_told.size(); }

  private:
    enum class rule { handler_return, plain_store, ndst, uinv, stack };
    struct frame { // of a handler that has not returned yet
        std::uint64_t at, cr3, handler;
    };
    struct core_state {
        std::uint64_t rip = 0; // of the current instruction
        bool is_atomic = false;
        std::vector<frame> frames;
        std::uint64_t pd = 0, pd_cr3 = 0; // IA32_UINTR_PD, and the address space in which it was first seen
        std::uint64_t user_fs_base = 0;   // when user mode was left last
        std::uint64_t user_rsp = 0;       // of the first instruction after user mode was entered last
        bool is_entry = false;            // the next instruction at CPL 3 is such a one
        bool has_other_fs_base = false;   // and the kernel has changed FS base, but neither PD nor UINV
        std::uint64_t entry_rip = 0;      // of the kernel's instruction that entered user mode
        bool writes_msr = false;          // WRMSR or XRSTORS, which is not over until the next instruction
        std::uint64_t known_pd = 0, known_tt = 0, known_size = 0; // registers whose UPIDs are in m_upids
    };

    void tell(std::uint32_t core, rule what, std::uint64_t rip, const std::string &text);
    void check_return(std::uint32_t core, const struct cpu_trace_insn &insn, std::uint8_t opcode);
    void check_ndst(std::uint32_t core, std::uint64_t upid_la);
    void check_stack(std::uint32_t core, const struct uintr_step_info &info);
    void check_thread(std::uint32_t core);
    bool can_post(std::uint32_t core, std::uint64_t upid_physical);
    void look_at_msrs(std::uint32_t core);
    void add_upid(std::uint32_t core, std::uint64_t linear);
    void add_entry(std::uint32_t core, std::uint64_t linear);
    void add_written_entries(const struct cpu_trace_mem &access);

    lint_machine &m_machine;
    warn_fn m_warn;
    std::vector<core_state> m_cores;
    std::set<std::uint64_t> m_upids; // physical addresses of all that registers or tables in use have pointed to
    std::map<std::uint64_t, std::pair<std::uint32_t, std::uint64_t>> m_table_pages; // physical to core and linear
    std::vector<std::pair<std::uint32_t, std::uint64_t>> m_written;                 // entries: core and linear address
    std::set<std::pair<rule, std::uint64_t>> m_told;
};

} // namespace vp

#endif
