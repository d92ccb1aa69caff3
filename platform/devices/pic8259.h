// SPDX-License-Identifier: Apache-2.0
// One 8259A programmable interrupt controller: initialisation, mask, IRR and ISR, end of interrupt. Source: Intel 8259A
// data sheet, "Programming the 8259A". Cascading is up to irq_router.
#ifndef PLATFORM_DEVICES_PIC8259_H
#define PLATFORM_DEVICES_PIC8259_H

#include "device.h"

namespace vp
{

class pic8259 : public device
{
  public:
    explicit pic8259(bool is_master) : m_is_master(is_master) {}

    std::uint64_t size() const override { return 2; }
    std::uint32_t read(std::uint64_t offset, unsigned size, std::uint64_t now_ps) override;
    void write(std::uint64_t offset, unsigned size, std::uint32_t value, std::uint64_t now_ps) override;

    void set_line(unsigned line, bool level); // an edge 0 -> 1 is remembered in IRR
    bool output() const;                      // INT: an unmasked request above what is in service
    std::uint8_t acknowledge();               // INTA: answers the vector
    bool is_waiting_for(unsigned line) const { return ((m_imr | m_irr) >> line & 1) == 0; } // an edge would matter
    std::uint8_t vector_base() const { return m_vector_base; }

  private:
    void command(std::uint8_t value);
    void end_of_interrupt(std::uint8_t value);
    int highest(std::uint8_t bits) const; // line of highest priority, or -1

    bool m_is_master;
    std::uint8_t m_irr = 0, m_isr = 0, m_imr = 0, m_lines = 0;
    std::uint8_t m_vector_base = 0, m_cascade = 0;
    std::uint8_t m_lowest = 7; // line of lowest priority, for rotation
    unsigned m_init_step = 0;  // next initialisation word that port 1 takes: 2, 3, 4; 0 if none
    bool m_needs_icw3 = false, m_needs_icw4 = false;
    bool m_read_isr = false; // OCW3: port 0 reads ISR instead of IRR
    bool m_auto_eoi = false, m_level = false, m_rotate_in_aeoi = false, m_special_mask = false;
};

} // namespace vp

#endif
