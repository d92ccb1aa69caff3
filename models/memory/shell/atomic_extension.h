// SPDX-License-Identifier: Apache-2.0
// A TLM write that carries a function instead of data: the target changes data_length bytes in place, indivisibly.
// Targets that do not know it would write the payload's data: initiators check `done` after the transport.
#ifndef MEMORY_ATOMIC_EXTENSION_H
#define MEMORY_ATOMIC_EXTENSION_H

#include <tlm>

struct atomic_extension : public tlm::tlm_extension<atomic_extension> {
    bool (*modify)(void *arg, void *bytes) = nullptr; // see mem_modify_fn
    void *arg = nullptr;
    bool done = false; // set by the target

    tlm::tlm_extension_base *clone() const override { return new atomic_extension(*this); }
    void copy_from(const tlm::tlm_extension_base &other) override
    {
        *this = static_cast<const atomic_extension &>(other);
    }
};

#endif
