// SPDX-License-Identifier: Apache-2.0
// An instance of a timing model with its values, and the error text of the last refusal.
#ifndef TESTS_UNIT_TIMING_TIMING_FIXTURE_H
#define TESTS_UNIT_TIMING_TIMING_FIXTURE_H

#include "timing.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

class timing_instance
{
  public:
    explicit timing_instance(const struct timing_model *model) : m_model(model)
    {
        for (std::size_t i = 0; i < model->param_count; i++)
            values.push_back(model->params[i].default_value);
    }
    ~timing_instance() { timing_destroy(&timing); }
    timing_instance(const timing_instance &) = delete;
    timing_instance &operator=(const timing_instance &) = delete;

    double &value(const char *name) { return values.at(static_cast<std::size_t>(timing_param_index(m_model, name))); }
    bool create()
    {
        std::array<char, 256> text{};
        setup.cores = cores;
        setup.clock_hz = clock_hz;
        setup.values = values.data();
        const bool done = timing_create(&timing, m_model, &setup, text.data(), text.size());
        error = text.data();
        return done;
    }
    const struct timing_model *model() const { return m_model; }
    std::uint32_t insn(enum timing_class cls) const
    {
        struct timing_insn i = {};
        i.cls = cls;
        return timing_insn_cost(&timing, &i);
    }

    // All statistics, a line each, for comparison.
    std::string statistics() const
    {
        std::string text;
        m_model->report(timing.self, &text, [](void *ctx, const char *name, double v, const char *, const char *) {
            *static_cast<std::string *>(ctx) += name + (" " + std::to_string(v)) + "\n";
        });
        return text;
    }

    std::uint32_t cores = 2;
    std::uint64_t clock_hz = 2000000000;
    std::vector<double> values;
    struct timing_setup setup = {}; // create() fills in the above
    struct timing timing = {};
    std::string error;

  private:
    const struct timing_model *m_model;
};

#define EXPECT_HAS(text, part) EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

#endif
