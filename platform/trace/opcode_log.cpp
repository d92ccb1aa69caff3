// SPDX-License-Identifier: Apache-2.0
// See opcode_log.h.
#include "opcode_log.h"

#include "config/user_error.h"
#include "cpu_opcodes.h"

#include <fmt/format.h>

#include <new>

namespace vp
{

opcode_log::opcode_log(const std::string &path) : m_path(path), m_file(std::fopen(path.c_str(), "wb"))
{
    if (m_file == nullptr)
        throw user_error(fmt::format("--opcodes: {}: cannot be created", path));
}

opcode_log::~opcode_log()
{
    if (m_file != nullptr)
        std::fclose(m_file);
}

void opcode_log::watch(struct cpu *core)
{
    if (!cpu_opcode_watch(core))
        throw std::bad_alloc();
    m_cores.push_back(core);
}

void opcode_log::finish()
{
    struct cpu_opcode_set completed = {};
    for (struct cpu *core : m_cores)
        cpu_opcode_take(core, &completed);
    for (std::size_t n = 0; n < cpu_opcode_count(); n++) {
        struct cpu_opcode opcode = {};
        cpu_opcode_describe(n, &opcode);
        if (cpu_opcode_is_in(&completed, n))
            std::fprintf(m_file, "%zu\t%s\t%s\n", n, opcode.mnemonic, opcode.encoding);
    }
    bool failed = std::ferror(m_file) != 0;
    failed = std::fclose(m_file) != 0 || failed;
    m_file = nullptr;
    if (failed)
        throw user_error(fmt::format("--opcodes: {}: cannot be written", m_path));
}

} // namespace vp
