// SPDX-License-Identifier: Apache-2.0
// What the runs of a study left, in an SQLite file: table `runs` has each finished run as it ended, with its whole
// statistics and output, so that an interrupted study goes on where it was and new columns and plots need no new runs.
// Each run is a transaction: the file is consistent whenever the study is stopped.
#ifndef PLATFORM_STUDY_RESULT_STORE_H
#define PLATFORM_STUDY_RESULT_STORE_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct sqlite3;

namespace vp
{

struct stored_run {
    std::string key, inputs; // study_run::key and the digest of its files
    int exit_status = 0;     // below 0: it did not end by itself but by this signal, as -9 for SIGKILL
    std::string reason;      // of a failure; "" if there was none
    double seconds = 0;      // on the host
    double timeout_s = 0;    // if it took longer than this; otherwise 0
    std::string console, statistics;

    bool ended_by_itself() const { return exit_status >= 0; }
};

// How a table of results looks in SQL; see result_table.h.
struct stored_column {
    std::string name, type; // INTEGER, REAL, TEXT, or "" for any
};

class result_store
{
  public:
    // Makes the file if it is not there. Throws user_error if it cannot be used.
    explicit result_store(const std::string &path);
    ~result_store();
    result_store(const result_store &) = delete;
    result_store &operator=(const result_store &) = delete;

    void forget_all();
    void forget(const std::string &key);
    void put(const stored_run &run); // takes the place of one with the same key
    // As it was stored, if its inputs were the same. without_texts: leaves console and statistics empty.
    std::optional<stored_run> get(const std::string &key, const std::string &inputs, bool without_texts = false) const;

    // Replaces a table by these rows, in one transaction. A value "" is NULL; others have their column's affinity.
    void replace_table(const std::string &name, const std::vector<stored_column> &columns,
                       const std::vector<std::vector<std::string>> &rows);

  private:
    void execute(const std::string &sql) const;
    [[noreturn]] void fail(const std::string &what) const;

    struct closer {
        void operator()(sqlite3 *db) const;
    };
    const std::string m_path;
    std::unique_ptr<sqlite3, closer> m_db;
};

} // namespace vp

#endif
