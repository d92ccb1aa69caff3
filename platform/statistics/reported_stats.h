// SPDX-License-Identifier: Apache-2.0
// What a timing model puts into the statistics (`report` in timing_model.h), checked before it is added: a name that is
// none, or that contradicts one before it, would break the tree or blow it up. The first mistake is kept and told
// afterwards, because nothing may be thrown through the model's code.
#ifndef PLATFORM_STATISTICS_REPORTED_STATS_H
#define PLATFORM_STATISTICS_REPORTED_STATS_H

#include "stat_tree.h"

#include <map>
#include <string>

namespace vp
{

class reported_stats
{
  public:
    // Names are put under prefix, a path.
    reported_stats(stat_tree &tree, std::string prefix) : m_tree(tree), m_prefix(std::move(prefix)) {}

    // Nothing is added once there was a mistake. Pointers as the model gave them.
    void put(const char *name, double value, const char *unit, const char *sentence);

    const std::string &mistake() const { return m_mistake; } // "" if there was none

  private:
    enum class node { value, table, array };

    bool claim(const std::string &path, node kind);
    bool claim_path(const std::string &name);

    stat_tree &m_tree;
    const std::string m_prefix;
    std::map<std::string, node> m_nodes; // by path below the prefix
    std::string m_mistake;
};

} // namespace vp

#endif
