// SPDX-License-Identifier: Apache-2.0
// Runs one x87, MMX or SSE instruction on the host processor and on the core with the same state, and compares: all
// registers, control, status and tag words, memory, flags, and which exception it raised.
#ifndef FX_ORACLE_H
#define FX_ORACLE_H

#include "cpu_fixture.h"
#include "fx_values.h"
#include "native_fx.h"

#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

struct fx_form {
    std::string name;
    encoding enc;              // for generated operands
    fx_memory memory = FX_ANY; // what lies at the operand
    unsigned align = 1;        // of the memory operand
    unsigned bytes = 0;        // size of the memory operand, for pointers in images that are not compared
    bool environment = false;  // memory gets pointers of the x87, which processors keep in different ways
    bool control = false;      // leaves FIP alone
    bool approximate = false;  // singles of XMM registers agree but for 1.5 * 2^-12 on either side
    int imm = -1;              // the immediate; -1: any
    std::function<void(machine_state &, fx_image &, random_source &)> prepare = nullptr;
    // Where the manual and the host differ, or nothing is defined: corrects what is expected. Before; what the host
    // did.
    std::function<void(const machine_state &, const fx_image &, machine_state &, fx_image &)> correct = nullptr;
};

class fx_oracle
{
  public:
    static constexpr unsigned MAX_REPORTS = 6;
#ifdef __SANITIZE_ADDRESS__
    static constexpr unsigned SHARE = 8; // slow: one case of so many is enough to find bad accesses
#else
    static constexpr unsigned SHARE = 1;
#endif

    fx_oracle() : random_(20260301)
    {
        for (auto &guest : guests_) {
            guest->start64();
            fx_enable(guest->core(), 0x20, 0); // NE
        }
        for (std::uint64_t i = 0; native_.is_usable() && i < native_cpu::DATA_SIZE; i++)
            *native_cpu::at(native_cpu::DATA + i) = static_cast<std::uint8_t>(random_.bits());
        for (auto &guest : guests_)
            if (native_.is_usable())
                copy_memory(*guest);
    }

    bool is_usable() const { return native_.is_usable(); }
    random_source &random() { return random_; }
    unsigned cases() const { return cases_; }

    // Fixed bytes without a memory operand.
    void check_bytes(const fx_form &f, const std::vector<std::uint8_t> &bytes, unsigned cases = 1000)
    {
        instruction in;
        in.bytes = bytes;
        reports_ = 0;
        load(in);
        for (unsigned i = 0; i < cases / SHARE && reports_ < MAX_REPORTS; i++)
            run_case(f, in, 0, i % 4 == 3);
    }
    // Generated operands of the forms that the encoding allows.
    void check(const fx_form &f, unsigned encodings = 40, unsigned cases = 30)
    {
        reports_ = 0;
        encodings = encodings / SHARE + 1;
        for (unsigned i = 0; i < encodings && reports_ < MAX_REPORTS; i++) {
            if (f.enc.register_allowed)
                check_generated(f, false, cases);
            if (f.enc.memory_allowed)
                check_generated(f, true, cases);
        }
    }

  private:
    std::uint64_t choose_target(const fx_form &f)
    {
        std::uint64_t t =
            native_cpu::DATA + (random_.one_in(8) ? 0x1000 - random_.below(17) : 0x400 + random_.below(0x1800));
        return f.align > 1 && random_.one_in(8) ? t : t & ~std::uint64_t{f.align - 1};
    }

    void load(const instruction &in)
    {
        native_.set_code(in.bytes);
        std::vector<std::uint8_t> code = in.bytes;
        code.insert(code.end(), cpu_fixture::STOP, cpu_fixture::STOP + 2);
        for (auto &guest : guests_)
            guest->write(native_fx::INSN, code);
    }

    void check_generated(const fx_form &f, bool memory, unsigned cases)
    {
        std::uint64_t fixed = choose_target(f);
        instruction in;
        do
            in = generate(f.enc, memory, f.imm < 0 ? random_.bits() : static_cast<unsigned>(f.imm), native_fx::INSN,
                          fixed, random_);
        while (memory && in.base >= 0 && in.base == in.index);
        load(in);
        bool is_fixed = memory && in.index < 0 && (in.base < 0 || in.base == 16), observed = random_.one_in(4);
        for (unsigned i = 0; i < cases && reports_ < MAX_REPORTS; i++)
            run_case(f, in, is_fixed ? fixed : choose_target(f), observed);
    }

    void run_case(const fx_form &f, const instruction &in, std::uint64_t target, bool observed)
    {
        machine_state state{};
        for (auto &r : state.gpr)
            r = random_.value();
        state.gpr[RSP] = native_cpu::STACK + 0x800;
        state.rflags = 0x202 | (random_.bits() & 0x8d5);
        fx_image fx = random_fx(random_);
        if (f.memory >= FX_SINGLES && f.memory <= FX_TEXT)
            prepare_xmm(f, fx);
        if (f.prepare)
            f.prepare(state, fx, random_);
        for (unsigned tries = 0; !aim(in, target, state.gpr, random_); tries++)
            if (tries == 100)
                return;
            else
                target = choose_target(f);
        if (in.has_memory) {
            std::uint8_t v[16];
            fill_memory(random_, f.memory, v);
            std::memcpy(native_cpu::at(target), v, sizeof v);
            for (auto &guest : guests_)
                std::memcpy(guest->ram(target), v, sizeof v);
        }
        machine_state after = state;
        fx_image fx_after = fx;
        const int vector = native_.run(after, fx_after);
        if (f.correct && vector < 0)
            f.correct(state, fx, after, fx_after);
        cases_++;
        for (unsigned g = 0; g < 2; g++) {
            if (g == 1 && !observed)
                copy_memory(*guests_[1]);
            else
                compare(f, in, target, *guests_[g], g == 1, state, fx, after, fx_after, vector);
        }
    }

    // Registers of the operands' type; sometimes pairs that are alike, or differ in the sign, or nearly.
    void prepare_xmm(const fx_form &f, fx_image &fx)
    {
        for (auto &r : fx.xmm) {
            if (random_.one_in(6))
                continue;
            fill_memory(random_, f.memory, reinterpret_cast<std::uint8_t *>(r));
            if (random_.one_in(6)) {
                const std::uint64_t sign = f.memory == FX_SINGLES ? 0x8000000080000000 : 0x8000000000000000;
                std::memcpy(r, fx.xmm[random_.below(16)], sizeof r);
                for (auto &lane : r)
                    lane ^= (random_.one_in(2) && f.memory != FX_TEXT ? sign : 0) ^ (random_.one_in(3) ? 1 : 0);
            }
        }
    }

    void compare(const fx_form &f, const instruction &in, std::uint64_t target, cpu_fixture &guest, bool observed,
                 const machine_state &state, const fx_image &fx, const machine_state &after, const fx_image &fx_after,
                 int vector)
    {
        cpu_regs r = guest.regs();
        std::memcpy(r.gpr, state.gpr, sizeof r.gpr);
        r.rflags = state.rflags;
        r.rip = native_fx::INSN;
        guest.set_regs(r);
        fx_set(guest.core(), &fx);
        bool stopped = guest.run_to_stop(2000000);
        r = guest.regs();
        fx_image got;
        fx_get(guest.core(), &got);
        std::string what;
        std::uint64_t end =
            vector < 0 ? native_fx::INSN + in.bytes.size() : cpu_fixture::HANDLERS + 16 * static_cast<unsigned>(vector);
        if (!stopped)
            what += " did not stop;";
        else if (r.rip != end + 2)
            what += text(" went to %lx instead of %lx;", r.rip - 2, end);
        else if (vector < 0) {
            for (unsigned i = 0; i < 16; i++)
                if (r.gpr[i] != after.gpr[i])
                    what += text(" r%lu %lx expected %lx;", i, r.gpr[i], after.gpr[i]);
            if ((r.rflags ^ after.rflags) & 0xcd5)
                what += text(" flags %lx expected %lx;", r.rflags & 0xcd5, after.rflags & 0xcd5);
            what += difference(got, fx_after, f.approximate);
        } else if (vector == 16) {
            what += difference(got, fx); // nothing happened
        } else {
            what += undone(guest, vector, state, got, fx_after);
        }
        if (vector < 0 && !f.control && (got.fsw & ~fx.fsw & FSW_ES))
            what += pointer_difference(in, got, fx_after);
        if (f.environment)
            forgive_pointers(f, guest, target);
        if (std::memcmp(guest.ram(native_cpu::DATA), native_cpu::at(native_cpu::DATA), native_cpu::DATA_SIZE) != 0)
            for (std::uint64_t a = native_cpu::DATA; a < native_cpu::DATA + native_cpu::DATA_SIZE; a++)
                if (*guest.ram(a) != *native_cpu::at(a))
                    what += text(" byte at %lx is %lx expected %lx;", a, *guest.ram(a), *native_cpu::at(a));
        if (!what.empty()) {
            report(f, in, target, observed, state, fx, what);
            copy_memory(guest);
        }
    }

    // After a fault: nothing written but the flags of MXCSR; the frame shows RFLAGS and the instruction's address.
    static std::string undone(cpu_fixture &guest, int vector, const machine_state &state, const fx_image &got,
                              const fx_image &want)
    {
        std::string what;
        const cpu_regs r = guest.regs();
        for (unsigned i = 0; i < 16; i++)
            if (i != RSP && r.gpr[i] != state.gpr[i])
                what += text(" r%lu %lx before the fault %lx;", i, r.gpr[i], state.gpr[i]);
        if (got.mxcsr != want.mxcsr)
            what += text(" MXCSR at fault %lx expected %lx;", got.mxcsr, want.mxcsr);
        if (std::memcmp(got.xmm, want.xmm, sizeof got.xmm) != 0)
            what += " XMM registers differ at fault;";
        const std::uint64_t frame = r.gpr[RSP] + (vector == 13 ? 8 : 0), flags = guest.read64(frame + 16);
        if (guest.read64(frame) != native_fx::INSN)
            what += text(" RIP in the frame %lx;", guest.read64(frame));
        if ((flags ^ state.rflags) & 0xcd5)
            what += text(" flags in the frame %lx before the fault %lx;", flags, state.rflags);
        return what;
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
    static bool is_same(const std::uint64_t got[2], const std::uint64_t want[2], bool approximate)
    {
        bool same = true;
        for (unsigned i = 0; i < 4; i++) {
            const auto a = static_cast<std::uint32_t>(got[i / 2] >> (i % 2 * 32)),
                       b = static_cast<std::uint32_t>(want[i / 2] >> (i % 2 * 32));
            same = same && (approximate ? is_near(a, b) : a == b);
        }
        return same;
    }

    static std::string difference(const fx_image &got, const fx_image &want, bool approximate = false)
    {
        std::string what;
        if (got.fcw != want.fcw)
            what += text(" FCW %lx expected %lx;", got.fcw, want.fcw);
        if (got.fsw != want.fsw)
            what += text(" FSW %lx expected %lx;", got.fsw, want.fsw);
        if (got.tags != want.tags)
            what += text(" tags %lx expected %lx;", got.tags, want.tags);
        if (got.mxcsr != want.mxcsr)
            what += text(" MXCSR %lx expected %lx;", got.mxcsr, want.mxcsr);
        for (unsigned i = 0; i < 8; i++)
            if (got.st[i][0] != want.st[i][0] || got.st[i][1] != (want.st[i][1] & 0xffff))
                what += text(" ST%lu %04lx:%016lx expected %04lx:%016lx;", i, got.st[i][1], got.st[i][0],
                             want.st[i][1] & 0xffff, want.st[i][0]);
        for (unsigned i = 0; i < 16; i++)
            if (!is_same(got.xmm[i], want.xmm[i], approximate))
                what += text(" XMM%lu %016lx%016lx expected %016lx%016lx;", i, got.xmm[i][1], got.xmm[i][0],
                             want.xmm[i][1], want.xmm[i][0]);
        return what;
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
    static void forgive_pointers(const fx_form &f, cpu_fixture &guest, std::uint64_t target)
    {
        unsigned width = f.enc.size == 2 ? 2 : 4;
        std::memcpy(guest.ram(target + 3 * width), native_cpu::at(target + 3 * width), 4 * width);
    }

    static void copy_memory(cpu_fixture &guest)
    {
        std::memcpy(guest.ram(native_cpu::DATA), native_cpu::at(native_cpu::DATA), native_cpu::DATA_SIZE);
    }

    void report(const fx_form &f, const instruction &in, std::uint64_t target, bool observed,
                const machine_state &state, const fx_image &fx, const std::string &what)
    {
        std::string bytes, regs;
        for (auto b : in.bytes)
            bytes += text("%02lx ", b);
        for (unsigned i = 0; i < 8; i++)
            regs += text(" ST%lu=%04lx:%016lx", i, fx.st[i][1], fx.st[i][0]);
        for (unsigned i = 0; i < 16; i++)
            if (i == in.reg || i == in.rm)
                regs += text("\n  XMM%lu=%016lx%016lx", i, fx.xmm[i][1], fx.xmm[i][0]);
        std::string memory;
        if (in.has_memory)
            memory = text(" memory %lx", target);
        ADD_FAILURE() << f.name << (observed ? " (observed): " : ": ") << bytes << "\n " << what << "\n  before:"
                      << text(" FCW=%lx FSW=%lx tags=%lx MXCSR=%lx rax=%lx", fx.fcw, fx.fsw, fx.tags, fx.mxcsr,
                              state.gpr[0])
                      << regs << memory;
        reports_++;
    }

    template <typename... Args>
    static std::string text(const char *format, Args... args)
    {
        char buffer[200];
        std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned long>(args)...);
        return buffer;
    }

    native_fx native_;
    std::unique_ptr<cpu_fixture> guests_[2] = {std::make_unique<cpu_fixture>(false),
                                               std::make_unique<cpu_fixture>(true)};
    random_source random_;
    unsigned reports_ = 0, cases_ = 0;
};

class fx_oracle_test : public testing::Test
{
  protected:
    static void SetUpTestSuite() { oracle_ = std::make_unique<fx_oracle>(); }
    static void TearDownTestSuite() { oracle_.reset(); } // frees the low addresses for the next suite
    void SetUp() override
    {
        if (!oracle_->is_usable())
            GTEST_SKIP() << "address " << native_cpu::BASE << " cannot be mapped";
    }
    static fx_oracle &judge() { return *oracle_; }

  private:
    static inline std::unique_ptr<fx_oracle> oracle_;
};

#endif
