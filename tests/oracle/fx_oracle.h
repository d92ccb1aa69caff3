// SPDX-License-Identifier: Apache-2.0
// The oracle of x87, MMX and SSE instructions: forms with vector state, which is compared too, and with operands of the
// type that the instruction takes.
#ifndef FX_ORACLE_H
#define FX_ORACLE_H

#include "fx_values.h"
#include "oracle.h"

#include <cmath>

struct fx_form {
    std::string name;
    encoding enc;              // for generated operands
    fx_memory memory = FX_ANY; // what lies at the operand
    unsigned align = 1;        // of the memory operand
    unsigned bytes = 0;        // size of the memory operand, where it is more than 16
    bool image = false;        // memory is accessed in several pieces, in an order that is not defined
    bool environment = false;  // memory gets pointers of the x87, which processors keep in different ways
    bool control = false;      // leaves FIP alone
    bool approximate = false;  // singles of XMM registers agree but for 1.5 * 2^-12 on either side
    int imm = -1;              // the immediate; -1: any
    std::function<void(machine_state &, fx_image &, random_source &)> prepare = nullptr;
    // Where the manual and the host differ, or nothing is defined: corrects what is expected. Before; what the host
    // did.
    std::function<void(const machine_state &, const fx_image &, machine_state &, fx_image &)> correct = nullptr;
    // Registers on which a transition to MMX state may or may not show when the instruction ends in #XM.
    bool may_transit = false;
    int feature = -1;      // enum cpu_feature that the host must have
    bool may_fault = true; // memory operands also where they fault
    // Further corrections, after the others.
    std::function<void(const oracle_case &, outcome &want, outcome &got, oracle_guest &)> settle = nullptr;
};

class fx_oracle
{
  public:
    static constexpr unsigned MAX_REPORTS = oracle::MAX_REPORTS, SHARE = oracle::SHARE;

    bool is_usable() const { return m_oracle.is_usable(); }
    random_source &random() { return m_oracle.random(); }
    unsigned cases() const { return m_oracle.cases(); }
    oracle_judge &judge() { return m_oracle.judge(); }

    // Fixed bytes without a memory operand.
    void check_bytes(const fx_form &f, const std::vector<std::uint8_t> &bytes,
                     unsigned cases = oracle_ledger::CASES_PER_FORM)
    {
        m_oracle.check_bytes(family_of(f), bytes, cases);
    }
    // Generated operands of the forms that the encoding allows.
    void check(const fx_form &f, unsigned encodings = 40, unsigned cases = 30)
    {
        m_oracle.check(family_of(f), encodings, cases);
    }

  private:
    static family family_of(const fx_form &form)
    {
        family f;
        f.name = form.name;
        f.enc = form.enc;
        f.align = form.align;
        f.reach = form.bytes > 16 ? form.bytes : 16;
        f.feature = form.feature;
        f.may_fault = form.may_fault;
        if (form.imm >= 0)
            f.immediate = [form](random_source &) { return static_cast<std::uint64_t>(form.imm); };
        f.prepare = [form](oracle_case &c, random_source &random) {
            c.fx = random_fx(random);
            if (form.memory >= FX_SINGLES && form.memory <= FX_TEXT)
                prepare_xmm(form, c.fx, random);
            if (form.prepare)
                form.prepare(c.state, c.fx, random);
            // Whether a store that an exception of its own prevents looks at its page is not defined.
            if (c.may_fault() && !(c.fx.fsw & FSW_ES))
                c.fx.fcw |= 0x3f;
        };
        f.fill = [form](random_source &random, std::uint8_t *bytes) { fill_memory(random, form.memory, bytes); };
        f.settle = [form](const oracle_case &c, outcome &want, outcome &got, oracle_guest &guest) {
            if (form.may_transit && want.vector == 19 && got.vector == 19) {
                want.fx.fsw = got.fx.fsw;
                want.fx.tags = got.fx.tags;
                std::memcpy(want.fx.st, got.fx.st, sizeof want.fx.st);
            }
            // An image is several accesses, in any order: which of them meets the bad page first is open.
            if (form.image && want.vector == 14 && want.address / native_cpu::PAGE == got.address / native_cpu::PAGE)
                want.address = got.address;
            if (form.approximate && want.vector < 0)
                forgive_approximation(want.fx, got.fx);
            if (form.correct && want.vector < 0)
                form.correct(c.state, c.fx, want.state, want.fx);
            if (form.environment && want.vector < 0)
                forgive_pointers(form, guest, c.target);
            if (form.settle)
                form.settle(c, want, got, guest);
        };
        f.compare_more = [form](const oracle_case &c, const outcome &want, const outcome &got) {
            const bool is_new = want.vector < 0 && !form.control && (got.fx.fsw & ~c.fx.fsw & FSW_ES);
            return is_new ? pointer_difference(c.insn, got.fx, want.fx) : std::string();
        };
        return f;
    }

    // Registers of the operands' type; sometimes pairs that are alike, or differ in the sign, or nearly.
    static void prepare_xmm(const fx_form &f, fx_image &fx, random_source &random)
    {
        for (auto &r : fx.xmm) {
            if (random.one_in(6))
                continue;
            fill_memory(random, f.memory, reinterpret_cast<std::uint8_t *>(r));
            if (random.one_in(6)) {
                const std::uint64_t sign = f.memory == FX_SINGLES ? 0x8000000080000000 : 0x8000000000000000;
                std::memcpy(r, fx.xmm[random.below(16)], sizeof r);
                for (auto &lane : r)
                    lane ^= (random.one_in(2) && f.memory != FX_TEXT ? sign : 0) ^ (random.one_in(3) ? 1 : 0);
            }
        }
    }

    // Equal, or finite and near: each is within its bound of the exact value. The least normal may have become zero.
    static bool is_near(std::uint32_t a, std::uint32_t b)
    {
        float x, y;
        std::memcpy(&x, &a, sizeof x);
        std::memcpy(&y, &b, sizeof y);
        const bool is_flushed = (a ^ b) == 0x00800000 && (a & b & 0x7fffffff) == 0;
        return a == b || is_flushed ||
               (std::isfinite(x) && std::isfinite(y) && std::signbit(x) == std::signbit(y) &&
                std::abs(x - y) <= std::abs(y) * 0x3.04p-12f);
    }
    static void forgive_approximation(fx_image &want, const fx_image &got)
    {
        for (unsigned i = 0; i < 16; i++)
            for (unsigned k = 0; k < 4; k++) {
                const auto shift = k % 2 * 32;
                const auto a = static_cast<std::uint32_t>(got.xmm[i][k / 2] >> shift),
                           b = static_cast<std::uint32_t>(want.xmm[i][k / 2] >> shift);
                if (is_near(a, b))
                    want.xmm[i][k / 2] ^= static_cast<std::uint64_t>(a ^ b) << shift;
            }
    }

    // After an unmasked exception. Other processors keep them only then.
    static std::string pointer_difference(const instruction &in, const fx_image &got, const fx_image &want)
    {
        std::string what;
        if (got.fip != want.fip || got.fop != want.fop)
            what += text(" FIP %lx FOP %lx expected %lx %lx;", got.fip, got.fop, want.fip, want.fop);
        if (in.has_memory && got.fdp != want.fdp)
            what += text(" FDP %lx expected %lx;", got.fdp, want.fdp);
        return what;
    }

    // The pointer fields of an environment: the host's stand for ours.
    static void forgive_pointers(const fx_form &f, oracle_guest &guest, std::uint64_t target)
    {
        unsigned width = f.enc.size == 2 ? 2 : 4;
        std::memcpy(guest.at(target + 3 * width), native_cpu::at(target + 3 * width), 4 * width);
    }

    oracle m_oracle{true};
};

class fx_oracle_test : public testing::Test
{
  protected:
    static void SetUpTestSuite() { m_oracle = std::make_unique<fx_oracle>(); }
    static void TearDownTestSuite() { m_oracle.reset(); } // frees the low addresses for the next suite
    void SetUp() override
    {
        if (!m_oracle->is_usable())
            GTEST_SKIP() << "address " << native_cpu::BASE << " cannot be mapped";
    }
    static fx_oracle &judge() { return *m_oracle; }

  private:
    static inline std::unique_ptr<fx_oracle> m_oracle;
};

#endif
