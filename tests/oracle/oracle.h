// SPDX-License-Identifier: Apache-2.0
// Runs one instruction on the host processor and on the core with the same registers, flags and memory, and compares
// all that is defined: registers, flags, data, stack, where it went, and whether it raised #DE.
#ifndef ORACLE_H
#define ORACLE_H

#include "cpu_fixture.h"
#include "insn_gen.h"
#include "native_cpu.h"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

constexpr std::uint64_t CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, DF = 0x400, OF = 0x800;
constexpr std::uint64_t STATUS = CF | PF | AF | ZF | SF | OF;

// One test case as the preparation of a family sees it.
struct oracle_case {
    machine_state state;
    instruction insn;
    std::uint64_t target; // of the memory operand
    std::uint64_t imm;
};

struct family {
    std::string name;
    encoding enc;
    std::uint64_t defined = STATUS;                                         // flags that are compared
    std::function<void(oracle_case &, random_source &)> prepare = nullptr;  // last word on the registers
    std::function<std::uint64_t(const oracle_case &)> defined_by = nullptr; // instead of `defined`
    std::function<bool(const instruction &)> accepts = nullptr;             // other instructions are generated again
    std::function<std::uint64_t(random_source &)> immediate = nullptr;      // else random
};

class oracle
{
  public:
    static constexpr unsigned MAX_REPORTS = 8;

    oracle() : random_(20260101)
    {
        for (auto &guest : guests_) {
            guest->start64();
            guest->write(native_cpu::TAKEN, cpu_fixture::STOP, sizeof cpu_fixture::STOP);
        }
        for (std::uint64_t i = 0; native_.is_usable() && i < native_cpu::DATA_SIZE; i++)
            *native_cpu::at(native_cpu::DATA + i) = static_cast<std::uint8_t>(random_.bits());
        for (auto &guest : guests_)
            if (native_.is_usable()) {
                guest->write(native_cpu::DATA, native_cpu::at(native_cpu::DATA), native_cpu::DATA_SIZE);
                guest->write(native_cpu::STACK, native_cpu::at(native_cpu::STACK), native_cpu::STACK_SIZE);
            }
    }

    bool is_usable() const { return native_.is_usable(); }
    random_source &random() { return random_; }
    unsigned cases() const { return cases_; }

    // Register and memory forms of a family, `encodings` instructions of each with `cases` sets of operands.
    void check(const family &f, unsigned encodings = 40, unsigned cases = 50)
    {
        reports_ = 0;
        for (unsigned i = 0; i < encodings && reports_ < MAX_REPORTS; i++) {
            if (f.enc.register_allowed)
                check_form(f, false, cases);
            if (f.enc.memory_allowed)
                check_form(f, true, cases);
        }
    }

    // Fixed bytes: `prepare` sets what matters.
    void check_bytes(const std::string &name, const std::vector<std::uint8_t> &bytes, std::uint64_t defined,
                     const std::function<void(oracle_case &, random_source &)> &prepare = nullptr, unsigned cases = 400,
                     const std::function<std::uint64_t(const oracle_case &)> &defined_by = nullptr)
    {
        family f;
        f.name = name;
        f.defined = defined;
        f.prepare = prepare;
        f.defined_by = defined_by;
        reports_ = 0;
        instruction in;
        in.bytes = bytes;
        load(in);
        for (unsigned i = 0; i < cases && reports_ < MAX_REPORTS; i++)
            run_case(f, in, 0, 0, i % 4 == 3);
    }

  private:
    // Somewhere in the data area, often across a page boundary.
    std::uint64_t choose_target()
    {
        if (random_.one_in(8))
            return native_cpu::DATA + 0x1000 - random_.below(17);
        return native_cpu::DATA + 0x400 + random_.below(0x1800);
    }

    void load(const instruction &in)
    {
        native_.set_code(in.bytes);
        std::vector<std::uint8_t> code = in.bytes;
        code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        for (auto &guest : guests_)
            guest->write(native_cpu::CODE, code);
    }

    void check_form(const family &f, bool memory, unsigned cases)
    {
        std::uint64_t imm = f.immediate ? f.immediate(random_) : random_.value();
        std::uint64_t fixed = choose_target();
        instruction in;
        do
            in = generate(f.enc, memory, imm, native_cpu::CODE, fixed, random_);
        while ((f.accepts && !f.accepts(in)) || (memory && in.base >= 0 && in.base == in.index));
        load(in);
        bool is_fixed = memory && in.index < 0 && (in.base < 0 || in.base == 16);
        bool observed = random_.one_in(4);
        for (unsigned i = 0; i < cases && reports_ < MAX_REPORTS; i++)
            run_case(f, in, is_fixed ? fixed : choose_target(), imm, observed);
    }

    void run_case(const family &f, const instruction &in, std::uint64_t target, std::uint64_t imm, bool observed)
    {
        oracle_case c{};
        c.insn = in;
        c.target = target;
        c.imm = imm;
        for (auto &r : c.state.gpr)
            r = random_.value();
        c.state.gpr[RSP] = native_cpu::STACK + 0x800 + 8 * random_.below(16);
        c.state.rflags = 0x202 | (random_.bits() & STATUS);
        if (f.prepare)
            f.prepare(c, random_);
        for (unsigned tries = 0; !aim(in, c.target, c.state.gpr, random_); tries++)
            if (tries == 100)
                return; // an index register that cannot reach any address of this alignment
            else
                c.target = choose_target();
        if (in.has_memory && random_.one_in(2)) { // operands with structure, not only noise
            std::uint64_t v[2] = {random_.value(), random_.value()};
            std::memcpy(native_cpu::at(c.target), v, sizeof v);
            for (auto &guest : guests_)
                std::memcpy(guest->ram(c.target), v, sizeof v);
        }
        machine_state native = c.state;
        bool taken = false, completed = native_.run(native, taken);
        cases_++;
        for (unsigned g = 0; g < 2; g++) {
            if (g == 1 && !observed) {
                copy_memory(*guests_[1]);
                continue;
            }
            compare(f, c, *guests_[g], g == 1, native, taken, completed);
        }
    }

    void compare(const family &f, const oracle_case &c, cpu_fixture &guest, bool observed, const machine_state &native,
                 bool taken, bool completed)
    {
        cpu_regs r = guest.regs();
        std::memcpy(r.gpr, c.state.gpr, sizeof r.gpr);
        r.rflags = c.state.rflags;
        r.rip = native_cpu::CODE;
        guest.set_regs(r);
        bool stopped = guest.run_to_stop(2000000);
        r = guest.regs();
        std::string what;
        std::uint64_t end = completed ? (taken ? native_cpu::TAKEN : native_cpu::CODE + c.insn.bytes.size())
                                      : cpu_fixture::HANDLERS + 16 * 0; // #DE
        if (!stopped)
            what += " did not stop;";
        else if (r.rip != end + 2)
            what += text(" went to %lx instead of %lx;", r.rip - 2, end);
        else if (completed) {
            for (unsigned i = 0; i < 16; i++)
                if (r.gpr[i] != native.gpr[i])
                    what += text(" r%lu %lx expected %lx;", i, r.gpr[i], native.gpr[i]);
            std::uint64_t defined = f.defined_by ? f.defined_by(c) : f.defined;
            if ((r.rflags ^ native.rflags) & (defined | DF))
                what += text(" flags %lx expected %lx of %lx;", r.rflags & (STATUS | DF), native.rflags & (STATUS | DF),
                             defined);
        }
        if (std::memcmp(guest.ram(native_cpu::DATA), native_cpu::at(native_cpu::DATA), native_cpu::DATA_SIZE) != 0)
            what += first_difference(guest, native_cpu::DATA, native_cpu::DATA_SIZE);
        if (std::memcmp(guest.ram(native_cpu::STACK), native_cpu::at(native_cpu::STACK), native_cpu::STACK_SIZE) != 0)
            what += first_difference(guest, native_cpu::STACK, native_cpu::STACK_SIZE);
        if (!what.empty()) {
            report(f, c, observed, what);
            copy_memory(guest);
        }
    }

    static void copy_memory(cpu_fixture &guest)
    {
        std::memcpy(guest.ram(native_cpu::DATA), native_cpu::at(native_cpu::DATA), native_cpu::DATA_SIZE);
        std::memcpy(guest.ram(native_cpu::STACK), native_cpu::at(native_cpu::STACK), native_cpu::STACK_SIZE);
    }

    static std::string first_difference(cpu_fixture &guest, std::uint64_t la, std::uint64_t size)
    {
        for (std::uint64_t i = 0; i < size; i++)
            if (*guest.ram(la + i) != *native_cpu::at(la + i))
                return text(" byte at %lx is %lx expected %lx;", la + i, *guest.ram(la + i), *native_cpu::at(la + i));
        return "";
    }

    void report(const family &f, const oracle_case &c, bool observed, const std::string &what)
    {
        std::string bytes, regs;
        for (auto b : c.insn.bytes)
            bytes += text("%02lx ", static_cast<unsigned long>(b));
        for (unsigned i = 0; i < 16; i++)
            regs += text("r%lu=%lx ", i, c.state.gpr[i]);
        ADD_FAILURE() << f.name << (observed ? " (observed): " : ": ") << bytes << "\n " << what
                      << "\n  before: " << regs << text("flags=%lx target=%lx", c.state.rflags, c.target);
        reports_++;
    }

    template <typename... Args>
    static std::string text(const char *format, Args... args)
    {
        char buffer[160];
        std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned long>(args)...);
        return buffer;
    }

    native_cpu native_;
    std::unique_ptr<cpu_fixture> guests_[2] = {std::make_unique<cpu_fixture>(false),
                                               std::make_unique<cpu_fixture>(true)};
    random_source random_;
    unsigned reports_ = 0, cases_ = 0;
};

// One oracle for a test suite; SetUp skips where the host is not an x86-64 that lets us map low addresses.
class oracle_test : public testing::Test
{
  protected:
    static void SetUpTestSuite()
    {
        if (!oracle_)
            oracle_ = std::make_unique<oracle>();
    }
    static void TearDownTestSuite() { oracle_.reset(); } // frees the low addresses for the next suite
    void SetUp() override
    {
        if (!oracle_->is_usable())
            GTEST_SKIP() << "address " << native_cpu::BASE << " cannot be mapped";
    }
    static oracle &judge() { return *oracle_; }

  private:
    static inline std::unique_ptr<oracle> oracle_;
};

#endif
