// SPDX-License-Identifier: Apache-2.0
// Makes a failing case small: registers, flags, vector state and memory are cleared piece by piece, each time only if
// the case goes on failing.
#ifndef ORACLE_SHRINK_H
#define ORACLE_SHRINK_H

#include "oracle_case.h"

#include <functional>

class oracle_shrinker
{
  public:
    // `fails` runs a case and says whether it shows the same mismatch.
    oracle_shrinker(oracle_case &c, bool with_fx, std::function<bool(const oracle_case &)> fails)
        : m_c(c), m_with_fx(with_fx), m_fails(std::move(fails))
    {
    }

    void run()
    {
        for (unsigned round = 0; round < 4; round++) { // one simplification can make another possible
            m_changed = false;
            for (int i = 0; i < 16; i++)
                if (!is_address(i))
                    clear_bits(m_c.state.gpr[i], 0);
            clear_bits(m_c.state.rflags, USUAL_FLAGS);
            if (m_with_fx)
                shrink_fx();
            if (!m_c.memory.empty())
                shrink_memory();
            if (!m_changed)
                break;
        }
    }

  private:
    static constexpr std::uint64_t USUAL_FLAGS = 0x202;

    // What an address is made of stays: elsewhere is memory of the test itself.
    bool is_address(int r) const
    {
        const bool points = static_cast<std::uint32_t>(m_c.state.gpr[r]) - native_cpu::BASE < native_cpu::SIZE;
        return points || (m_c.insn.has_memory && (r == m_c.insn.base || r == m_c.insn.index));
    }
    // Sets a part of the case to `value` if it still fails then.
    template <typename T>
    bool attempt(T &part, T value)
    {
        if (std::memcmp(&part, &value, sizeof part) == 0)
            return false;
        T before = part;
        part = value;
        if (m_fails(m_c)) {
            m_changed = true;
            return true;
        }
        part = before;
        return false;
    }
    void clear_bits(std::uint64_t &part, std::uint64_t usual)
    {
        if (part == usual || attempt(part, usual))
            return;
        for (unsigned width = 32; width != 0; width /= 2)
            for (unsigned at = 0; at < 64; at += width) {
                std::uint64_t mask = (~std::uint64_t{0} >> (64 - width)) << at;
                attempt(part, (part & ~mask) | (usual & mask));
            }
    }
    void shrink_fx()
    {
        fx_image &x = m_c.fx;
        attempt(x.mxcsr, std::uint32_t{0x1f80});
        attempt(x.fcw, std::uint16_t{0x37f});
        attempt(x.fsw, std::uint16_t{0});
        attempt(x.tags, std::uint8_t{0});
        for (auto &r : x.st)
            for (auto &w : r)
                clear_bits(w, 0);
        for (auto &r : x.xmm)
            for (auto &w : r)
                clear_bits(w, 0);
    }
    // From whole areas down to bytes; a part that is not needed is not looked into.
    void shrink_memory()
    {
        std::size_t at = 0;
        for (const auto &area : native_cpu::AREAS) {
            if (area.writable)
                clear_memory(at, area.size);
            at += area.size;
        }
    }
    void clear_memory(std::size_t at, std::size_t size)
    {
        std::vector<std::uint8_t> before(m_c.memory.begin() + static_cast<std::ptrdiff_t>(at),
                                         m_c.memory.begin() + static_cast<std::ptrdiff_t>(at + size));
        if (before == std::vector<std::uint8_t>(size))
            return;
        std::memset(&m_c.memory[at], 0, size);
        if (m_fails(m_c)) {
            m_changed = true;
            return;
        }
        std::memcpy(&m_c.memory[at], before.data(), size);
        if (size > 1)
            for (std::size_t part = size / 2, i = 0; i < 2; i++)
                clear_memory(at + i * part, i ? size - part : part);
    }

    oracle_case &m_c;
    bool m_with_fx, m_changed = false;
    std::function<bool(const oracle_case &)> m_fails;
};

#endif
