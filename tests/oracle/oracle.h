// SPDX-License-Identifier: Apache-2.0
// Generates cases of a form: instructions in all operand forms, random registers, flags and memory, and for some of the
// memory operands a place where they fault. oracle_judge.h runs and compares them.
#ifndef ORACLE_H
#define ORACLE_H

#include "oracle_judge.h"

struct family {
    std::string name;
    encoding enc;
    std::uint64_t defined = STATUS;                                         // flags that are compared
    std::function<void(oracle_case &, random_source &)> prepare = nullptr;  // last word on the registers
    std::function<std::uint64_t(const oracle_case &)> defined_by = nullptr; // instead of `defined`
    std::function<bool(const instruction &)> accepts = nullptr;             // other instructions are generated again
    std::function<std::uint64_t(random_source &)> immediate = nullptr;      // else random
    int feature = -1;                                                       // enum cpu_feature that the host must have
    unsigned align = 1, reach = 16; // of the memory operand; from how far before a page's end it may cross it
    std::function<void(random_source &, std::uint8_t bytes[16])> fill = nullptr; // what lies at the operand
    std::function<void(const oracle_case &, outcome &want, outcome &got, oracle_guest &)> settle = nullptr;
    std::function<std::string(const oracle_case &, const outcome &want, const outcome &got)> compare_more = nullptr;
    bool may_fault = true; // memory operands also where they fault
};

class oracle
{
  public:
    static constexpr unsigned MAX_REPORTS = 6, SHARE = oracle_ledger::SHARE;

    explicit oracle(bool with_fx = false) : m_judge(with_fx), m_random(oracle_options::get().seed) {}

    bool is_usable() const { return m_judge.is_usable(); }
    random_source &random() { return m_random; }
    unsigned cases() const { return m_cases; }
    oracle_judge &judge() { return m_judge; }

    // Register and memory forms of a family, `encodings` instructions of each with `cases` sets of operands.
    void check(const family &f, unsigned encodings = 40, unsigned cases = 50)
    {
        if (f.feature >= 0 && !oracle_ledger::get().host_has(static_cast<enum cpu_feature>(f.feature)))
            return;
        if (f.enc.register_allowed)
            check_forms(f, false, encodings, cases);
        if (f.enc.memory_allowed)
            check_forms(f, true, encodings, cases);
    }

    // Fixed bytes: `prepare` sets what matters. The name is the form: several calls may share it.
    void check_bytes(const std::string &name, const std::vector<std::uint8_t> &bytes, std::uint64_t defined,
                     const std::function<void(oracle_case &, random_source &)> &prepare = nullptr,
                     unsigned cases = oracle_ledger::CASES_PER_FORM,
                     const std::function<std::uint64_t(const oracle_case &)> &defined_by = nullptr)
    {
        family f;
        f.name = name;
        f.defined = defined;
        f.prepare = prepare;
        f.defined_by = defined_by;
        check_bytes(f, bytes, cases);
    }
    void check_bytes(const family &f, const std::vector<std::uint8_t> &bytes,
                     unsigned cases = oracle_ledger::CASES_PER_FORM)
    {
        if (f.feature >= 0 && !oracle_ledger::get().host_has(static_cast<enum cpu_feature>(f.feature)))
            return;
        instruction in;
        in.bytes = bytes;
        const oracle_rules rules = begin(f, f.name);
        m_judge.load(in);
        for (unsigned i = 0; i < cases * scale() / SHARE + 1 && m_reports < MAX_REPORTS; i++)
            run_case(f, rules, in, 0, 0, operand_place::data, i % 4 == 3);
    }

  private:
    static unsigned scale() { return oracle_options::get().scale; }

    oracle_rules begin(const family &f, const std::string &name)
    {
        m_reports = 0;
        m_random = random_source(oracle_options::get().seed_of(name, oracle_ledger::get().at(name).calls++));
        return {name, f.defined, f.defined_by, f.settle, f.compare_more};
    }

    static std::string form_name(const family &f, bool memory)
    {
        std::string s = f.name + " (";
        if (f.enc.vex_map != 0)
            s += text("VEX %lu %lu ", f.enc.vex_map, f.enc.vex_pp);
        if (f.enc.mandatory)
            s += text("%02lX ", f.enc.mandatory);
        for (auto b : f.enc.opcode)
            s += text("%02lX ", b);
        if (f.enc.ext >= 0)
            s += text("/%lu ", f.enc.ext);
        return s + text("size %lu)", f.enc.size) + (memory ? " memory" : " register");
    }

    void check_forms(const family &f, bool memory, unsigned encodings, unsigned cases)
    {
        const std::string name = form_name(f, memory);
        const oracle_rules rules = begin(f, name);
        auto &form = oracle_ledger::get().at(name);
        const std::uint64_t wanted = oracle_ledger::CASES_PER_FORM / SHARE; // of all calls together
        encodings = encodings * scale() / SHARE + 1;
        for (unsigned i = 0; (i < encodings || form.cases < wanted) && i < encodings + 1000; i++) {
            if (m_reports >= MAX_REPORTS)
                break;
            check_encoding(f, rules, memory, cases);
        }
    }

    bool is_faulting(const family &f, bool memory) { return memory && f.may_fault && m_random.one_in(8); }
    operand_place faulting_place(const family &f, bool has_wide_address)
    {
        operand_place place = random_place(m_random, f.align);
        return place == operand_place::non_canonical && !has_wide_address ? operand_place::absent : place;
    }

    void check_encoding(const family &f, const oracle_rules &rules, bool memory, unsigned cases)
    {
        std::uint64_t imm = f.immediate ? f.immediate(m_random) : m_random.value();
        const operand_place fixed_place =
            is_faulting(f, memory) ? faulting_place(f, false) : operand_place::data; // of an address without registers
        std::uint64_t fixed = choose_target(fixed_place, f.align, f.reach, m_random);
        instruction in;
        do
            in = generate(f.enc, memory, imm, m_judge.code(), fixed, m_random);
        while ((f.accepts && !f.accepts(in)) || (memory && in.base >= 0 && in.base == in.index));
        m_judge.load(in);
        const bool is_fixed = memory && in.index < 0 && (in.base < 0 || in.base == 16);
        const bool all_flavours = m_random.one_in(4);
        for (unsigned i = 0; i < cases && m_reports < MAX_REPORTS; i++) {
            const operand_place place = is_fixed                 ? fixed_place
                                        : is_faulting(f, memory) ? faulting_place(f, !in.address32)
                                                                 : operand_place::data;
            run_case(f, rules, in, is_fixed ? fixed : choose_target(place, f.align, f.reach, m_random), imm, place,
                     all_flavours);
        }
    }

    void run_case(const family &f, const oracle_rules &rules, const instruction &in, std::uint64_t target,
                  std::uint64_t imm, operand_place place, bool all_flavours)
    {
        oracle_case c{};
        c.insn = in;
        c.target = target;
        c.imm = imm;
        c.place = place;
        c.code = m_judge.code();
        for (auto &r : c.state.gpr)
            r = m_random.value();
        c.state.gpr[RSP] = native_cpu::STACK + 0x800 + 8 * m_random.below(16);
        c.state.rflags = 0x202 | (m_random.bits() & STATUS);
        if (f.prepare)
            f.prepare(c, m_random);
        for (unsigned tries = 0; !aim(in, c.target, c.state.gpr, m_random); tries++)
            if (tries == 100)
                return; // an index register that cannot reach any address of this alignment
            else
                c.target = choose_target(c.place, f.align, f.reach, m_random);
        if (in.has_memory && c.place == operand_place::data) {
            std::uint64_t v[2] = {m_random.value(), m_random.value()};
            if (f.fill)
                f.fill(m_random, reinterpret_cast<std::uint8_t *>(v));
            if (f.fill || m_random.one_in(2)) // operands with structure, not only noise
                m_judge.put(c.target, v, sizeof v);
        }
        m_cases++;
        if (!m_judge.check(rules, c, all_flavours))
            m_reports++;
    }

    oracle_judge m_judge;
    random_source m_random;
    unsigned m_reports = 0, m_cases = 0;
};

// One oracle for a test suite; SetUp skips where the host is not an x86-64 that lets us map low addresses.
class oracle_test : public testing::Test
{
  protected:
    static void SetUpTestSuite()
    {
        if (!m_oracle)
            m_oracle = std::make_unique<oracle>();
    }
    static void TearDownTestSuite() { m_oracle.reset(); } // frees the low addresses for the next suite
    void SetUp() override
    {
        if (!m_oracle->is_usable())
            GTEST_SKIP() << "address " << native_cpu::BASE << " cannot be mapped";
    }
    static oracle &judge() { return *m_oracle; }

  private:
    static inline std::unique_ptr<oracle> m_oracle;
};

#endif
