// SPDX-License-Identifier: Apache-2.0
// The profiles of platform/profiles: each value has a source and a confidence, each timing parameter exists and is in
// its range, and sapphire-rapids says what the defaults of `table` say. That the platform reads them is its own test.
#include "timing_fixture.h"

#include <toml++/toml.h>

#include <filesystem>
#include <map>
#include <set>

namespace
{

struct profile_value {
    const toml::node *value;
    std::string source, confidence;
};

struct profile {
    toml::table file;
    std::map<std::string, profile_value> values; // by key, for example timing.insn_alu

    explicit profile(const std::string &name) : file(toml::parse_file(PROFILE_FOLDER "/" + name + ".toml"))
    {
        for (const auto &[section, node] : file)
            if (section.str() != "profile" && section.str() != "include")
                for (const auto &[key, inner] : *node.as_table())
                    add(std::string(section.str()) + "." + std::string(key.str()), inner);
    }
    void add(const std::string &key, const toml::node &node)
    {
        const toml::table *table = node.as_table();
        ASSERT_NE(table, nullptr) << key << " needs { value, source, confidence }";
        EXPECT_EQ(table->size(), 3u) << key;
        ASSERT_NE(table->get("value"), nullptr) << key;
        values[key] = {table->get("value"), (*table)["source"].value_or<std::string>(""),
                       (*table)["confidence"].value_or<std::string>("")};
    }
    std::string model() const { return values.at("timing.model").value->value<std::string>().value_or(""); }
};

std::set<std::string> profile_names()
{
    std::set<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(PROFILE_FOLDER))
        names.insert(entry.path().stem().string());
    return names;
}

bool is_parameter(const std::string &key) { return key.rfind("timing.", 0) == 0 && key != "timing.model"; }

// The instance that a profile makes of its timing model.
void apply(const profile &p, timing_instance &t)
{
    for (const auto &[key, v] : p.values)
        if (is_parameter(key) && timing_param_index(t.model(), key.c_str() + 7) >= 0)
            t.value(key.c_str() + 7) = v.value->value<double>().value_or(v.value->is_string() ? 0 : -1);
}

TEST(profiles, those_that_the_documents_name_are_there)
{
    EXPECT_EQ(profile_names(),
              (std::set<std::string>{"client", "functional", "ideal", "sapphire-rapids", "sapphire-rapids-mesh"}));
}

TEST(profiles, have_their_files_name_and_a_summary)
{
    for (const std::string &name : profile_names()) {
        profile p(name);
        EXPECT_EQ(p.file["profile"]["name"].value_or<std::string>(""), name);
        EXPECT_FALSE(p.file["profile"]["summary"].value_or<std::string>("").empty()) << name;
    }
}

TEST(profiles, every_value_names_its_source_and_how_sure_it_is)
{
    const std::set<std::string> words{"read", "notes", "derived", "memory"};
    for (const std::string &name : profile_names()) {
        profile p(name);
        for (const auto &[key, v] : p.values) {
            EXPECT_FALSE(v.source.empty()) << name << ": " << key;
            EXPECT_TRUE(words.count(v.confidence)) << name << ": " << key << ": " << v.confidence;
        }
    }
}

// A profile may describe several built-in models.
bool is_of_some_model(const std::string &key)
{
    for (std::size_t i = 0; timing_builtin(i) != nullptr; i++)
        if (timing_param_index(timing_builtin(i), key.c_str() + 7) >= 0)
            return true;
    return false;
}

TEST(profiles, make_an_instance_of_the_timing_model_that_they_name)
{
    for (const std::string &name : profile_names()) {
        profile p(name);
        const struct timing_model *model = timing_find(p.model().c_str());
        ASSERT_NE(model, nullptr) << name;
        for (const auto &[key, v] : p.values) {
            if (is_parameter(key)) {
                ASSERT_TRUE(is_of_some_model(key)) << name << ": " << key;
            }
        }
        timing_instance t(model);
        apply(p, t);
        EXPECT_TRUE(t.create()) << name << ": " << t.error;
    }
}

void expect_defaults(const struct timing_model *table)
{
    profile p("sapphire-rapids");
    for (std::size_t i = 0; i < table->param_count; i++) {
        const struct timing_param &param = table->params[i];
        auto it = p.values.find(std::string("timing.") + param.name);
        ASSERT_NE(it, p.values.end()) << param.name;
        const auto name = it->second.value->value<std::string>(); // of an enumeration
        const std::string first = std::string(param.unit).substr(0, std::string(param.unit).find('|'));
        if (name)
            EXPECT_EQ(*name, first) << param.name;
        else
            EXPECT_EQ(it->second.value->value<double>(), param.default_value) << param.name;
        EXPECT_EQ(it->second.source + " (" + it->second.confidence + ")", param.source) << param.name;
    }
}

TEST(profiles, sapphire_rapids_sets_every_parameter_as_the_models_have_it)
{
    EXPECT_EQ(profile("sapphire-rapids").model(), "table");
    expect_defaults(timing_find("table"));
    expect_defaults(timing_find("cache"));
}

TEST(profiles, in_ideal_the_stages_of_a_user_interrupt_are_free)
{
    profile p("ideal");
    for (const char *name : {"table", "cache"}) {
        timing_instance t(timing_find(name));
        apply(p, t);
        ASSERT_TRUE(t.create()) << t.error;
        for (unsigned s = 0; s < TIMING_STAGE_COUNT; s++)
            EXPECT_EQ(timing_uintr_cost(&t.timing, 0, static_cast<enum timing_stage>(s), 0), 0u) << name << s;
        for (enum timing_class c : {TIMING_CLASS_senduipi, TIMING_CLASS_uiret, TIMING_CLASS_clui, TIMING_CLASS_stui})
            EXPECT_EQ(t.insn(c), 1u);
    }
}

} // namespace
