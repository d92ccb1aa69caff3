// SPDX-License-Identifier: Apache-2.0
// Visits every state that a system of interleaved agents can reach, breadth first, so that the first trace to a
// violation is one of the shortest. States that are equal are visited once; equality is that of a 128-bit hash of all
// their bytes. The number of interleavings is the number of different paths from the initial state to a final one.
#ifndef EXPLORER_H
#define EXPLORER_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace explore
{

__extension__ typedef unsigned __int128 wide;

struct hash128 {
    std::uint64_t a, b;
    bool operator==(const hash128 &o) const { return a == o.a && b == o.b; }
};
struct hash_of_hash {
    std::size_t operator()(const hash128 &h) const { return static_cast<std::size_t>(h.a); }
};

// Two independent multiply-and-fold hashes over the words.
template <typename State>
hash128 hash_state(const State &state)
{
    static_assert(std::has_unique_object_representations_v<State> && sizeof state % 8 == 0, "no padding, whole words");
    std::uint64_t words[sizeof state / 8];
    std::memcpy(words, &state, sizeof state);
    hash128 h = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f)};
    auto fold = [](std::uint64_t x, std::uint64_t k) {
        wide product = static_cast<wide>(x) * k;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    for (std::uint64_t w : words) {
        h.a = fold(h.a ^ w, UINT64_C(0xd6e8feb86659fd93)) + UINT64_C(0x632be59bd9b4e019);
        h.b = (h.b ^ w) * UINT64_C(0xff51afd7ed558ccd);
        h.b = (h.b ^ h.b >> 32) + UINT64_C(0x2545f4914f6cdd1d);
    }
    return h;
}

struct result {
    std::uint64_t states = 0, steps = 0, final_states = 0;
    long double interleavings = 0;
    std::string violation;          // empty: none
    std::vector<std::string> trace; // to the violation
    bool complete = false;          // every reachable state was visited
};

// System: `state`; `state initial()`; `unsigned choices(const state &, unsigned out[])` with at most MAX_CHOICES;
// `std::string apply(state &, unsigned choice, std::string *label)`, a violation or nothing, label may be null;
// `std::string check_final(const state &)` of a state without choices.
constexpr unsigned MAX_CHOICES = 16;

template <typename System>
class explorer
{
  public:
    using state = typename System::state;
    explorer(const System &system, std::size_t most_states) : m_system(system), m_most(most_states) {}

    result run()
    {
        result r;
        add(m_system.initial(), 0, 0);
        for (std::uint32_t id = 0; id < m_nodes.size(); id++) {
            const state from = m_queue.front();
            m_queue.pop_front();
            unsigned choices[MAX_CHOICES];
            unsigned n = m_system.choices(from, choices);
            if (n == 0) {
                m_finals.push_back(id);
                r.violation = m_system.check_final(from);
                if (!r.violation.empty())
                    return failed(r, trace_to(id));
            }
            for (unsigned i = 0; i < n; i++) {
                state to = from;
                r.steps++;
                r.violation = m_system.apply(to, choices[i], nullptr);
                if (!r.violation.empty()) {
                    auto trace = trace_to(id);
                    state again = from;
                    std::string label;
                    m_system.apply(again, choices[i], &label);
                    trace.push_back(label);
                    return failed(r, trace);
                }
                m_edges.push_back({id, add(to, id, choices[i])});
            }
            if (m_nodes.size() > m_most) {
                r.states = m_nodes.size();
                return r;
            }
        }
        r.states = m_nodes.size();
        r.final_states = m_finals.size();
        r.complete = count_paths(&r.interleavings);
        return r;
    }

  private:
    struct node {
        std::uint32_t parent, choice;
    };
    struct edge {
        std::uint32_t from, to;
    };

    std::uint32_t add(const state &s, std::uint32_t parent, unsigned choice)
    {
        auto [place, is_new] = m_seen.try_emplace(hash_state(s), static_cast<std::uint32_t>(m_nodes.size()));
        if (is_new) {
            m_nodes.push_back({parent, choice});
            m_queue.push_back(s);
        }
        return place->second;
    }

    result failed(result &r, std::vector<std::string> trace)
    {
        r.states = m_nodes.size();
        r.trace = std::move(trace);
        return r;
    }

    // Replays the choices from the initial state, this time with words.
    std::vector<std::string> trace_to(std::uint32_t id)
    {
        std::vector<unsigned> choices;
        for (; id != 0; id = m_nodes[id].parent)
            choices.push_back(m_nodes[id].choice);
        std::vector<std::string> trace;
        state s = m_system.initial();
        for (auto c = choices.rbegin(); c != choices.rend(); ++c) {
            std::string label;
            m_system.apply(s, *c, &label);
            trace.push_back(label);
        }
        return trace;
    }

    // Paths to each state in topological order; false if there is a cycle, which would be endless interleavings.
    bool count_paths(long double *paths)
    {
        std::vector<std::uint32_t> incoming(m_nodes.size(), 0), first(m_nodes.size() + 1, 0);
        for (const edge &e : m_edges) // edges are grouped by `from` already
            incoming[e.to]++, first[e.from + 1]++;
        for (std::size_t i = 1; i < first.size(); i++)
            first[i] += first[i - 1];
        std::vector<long double> ways(m_nodes.size(), 0);
        std::vector<std::uint32_t> ready = {0};
        ways[0] = 1;
        std::size_t done = 0;
        while (!ready.empty()) {
            std::uint32_t id = ready.back();
            ready.pop_back();
            done++;
            for (std::uint32_t e = first[id]; e < first[id + 1]; e++) {
                ways[m_edges[e].to] += ways[id];
                if (--incoming[m_edges[e].to] == 0)
                    ready.push_back(m_edges[e].to);
            }
        }
        *paths = 0;
        for (std::uint32_t id : m_finals)
            *paths += ways[id];
        return done == m_nodes.size();
    }

    const System &m_system;
    std::size_t m_most;
    std::unordered_map<hash128, std::uint32_t, hash_of_hash> m_seen;
    std::vector<node> m_nodes;
    std::vector<edge> m_edges;
    std::vector<std::uint32_t> m_finals;
    std::deque<state> m_queue;
};

} // namespace explore

#endif
