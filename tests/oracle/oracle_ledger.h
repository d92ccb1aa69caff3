// SPDX-License-Identifier: Apache-2.0
// What an oracle program has done: forms and cases, mismatches, features that the host lacks. Printed at the program's
// end, where a form with too few cases is an error. A form is an opcode with prefix, operand size and kind of operand.
#ifndef ORACLE_LEDGER_H
#define ORACLE_LEDGER_H

#include "cpu.h"
#include "oracle_options.h"

#include <gtest/gtest.h>

#include <cpuid.h>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <sys/auxv.h>

class oracle_ledger
{
  public:
    static constexpr std::uint64_t CASES_PER_FORM = 1000;
#ifdef __SANITIZE_ADDRESS__
    static constexpr unsigned SHARE = 8; // slow: one case of so many is enough to find bad accesses
#else
    static constexpr unsigned SHARE = 1;
#endif

    static oracle_ledger &get()
    {
        static oracle_ledger ledger;
        return ledger;
    }

    struct form {
        std::uint64_t cases = 0, faults = 0;
        unsigned calls = 0;
    };
    form &at(const std::string &name) { return m_forms[name]; }
    void note_mismatch() { m_mismatches++; }
    void forget() { m_mismatches = 0, m_forms.clear(); } // what a test of the oracle itself did

    // Has the host this feature, and its system switched it on? If not, that is listed at the end.
    bool host_has(enum cpu_feature feature)
    {
        bool has = has_cpuid_bit(feature);
        if (feature == CPU_FEATURE_fsgsbase)
            has = has && (getauxval(AT_HWCAP2) & 2) != 0; // the system allows it (Linux, HWCAP2_FSGSBASE)
        if (feature == CPU_FEATURE_xsave)
            has = has && __builtin_cpu_supports("avx"); // which says that CR4.OSXSAVE is set
        if (!has)
            m_skipped.insert(cpu_feature_name(feature));
        return has;
    }
    void skip(const std::string &what) { m_skipped.insert(what); }

  private:
    class at_end : public testing::Environment
    {
      public:
        void SetUp() override
        {
            const oracle_options &o = oracle_options::get();
            std::printf("oracle: seed %llu, scale %u\n", static_cast<unsigned long long>(o.seed), o.scale);
        }
        void TearDown() override { oracle_ledger::get().close(); }
    };
    static inline testing::Environment *const s_registered = testing::AddGlobalTestEnvironment(new at_end);

    void close() const
    {
        std::uint64_t cases = 0, faults = 0;
        for (const auto &[name, f] : m_forms) {
            cases += f.cases;
            faults += f.faults;
            if (SHARE == 1 && m_mismatches == 0) {
                EXPECT_GE(f.cases, CASES_PER_FORM) << "too few cases of " << name;
            }
        }
        std::string skipped;
        for (const auto &name : m_skipped)
            skipped += ' ' + name;
        if (!skipped.empty())
            std::printf("oracle: skipped, the host lacks:%s\n", skipped.c_str());
        std::printf("oracle: %zu forms, %llu cases (%llu with a fault), %llu mismatches\n", m_forms.size(),
                    static_cast<unsigned long long>(cases), static_cast<unsigned long long>(faults),
                    static_cast<unsigned long long>(m_mismatches));
    }

    static bool has_cpuid_bit(enum cpu_feature feature)
    {
        unsigned a = 0, b = 0, c = 0, d = 0;
        switch (feature) {
#define CPU_FEATURE(name, leaf, sub, reg, bit, is_default, sentence)                                                   \
    case CPU_FEATURE_##name:                                                                                           \
        return __get_cpuid_count(leaf, sub, &a, &b, &c, &d) && (reg >> bit & 1);
#include "cpu_features.def"
#undef CPU_FEATURE
        default: return false;
        }
    }

    std::map<std::string, form> m_forms;
    std::set<std::string> m_skipped;
    std::uint64_t m_mismatches = 0;
};

#endif
