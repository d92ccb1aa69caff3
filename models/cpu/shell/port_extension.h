// SPDX-License-Identifier: Apache-2.0
// Rides on every write to a port: which core writes; and the target's answer, if it is no hardware but the simulator's
// own, that the instruction costs no cycles. A target that does not know it ignores it.
#ifndef CPU_SHELL_PORT_EXTENSION_H
#define CPU_SHELL_PORT_EXTENSION_H

#include <tlm>

#include <cstdint>

struct port_extension : public tlm::tlm_extension<port_extension> {
    std::uint32_t core = 0;
    bool is_free = false; // set by the target: see cpu_write_is_free

    tlm::tlm_extension_base *clone() const override { return new port_extension(*this); }
    void copy_from(const tlm::tlm_extension_base &other) override
    {
        *this = static_cast<const port_extension &>(other);
    }
};

#endif
