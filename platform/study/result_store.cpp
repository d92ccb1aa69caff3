// SPDX-License-Identifier: Apache-2.0
// See result_store.h.
#include "result_store.h"

#include "config/user_error.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace vp
{

namespace
{

constexpr const char *SCHEMA = "CREATE TABLE IF NOT EXISTS runs (key TEXT PRIMARY KEY, inputs TEXT NOT NULL, "
                               "exit_status INTEGER NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL, "
                               "timeout_s REAL NOT NULL, console TEXT NOT NULL, statistics TEXT NOT NULL)";
constexpr int BUSY_MILLISECONDS = 10000; // somebody reads the file

std::string quoted(const std::string &name)
{
    std::string text = "\"";
    for (const char c : name)
        text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
}

// A prepared statement; parameters count from 1, columns from 0.
class statement
{
  public:
    statement(sqlite3 *db, const std::string &sql) : m_db(db)
    {
        check(sqlite3_prepare_v2(db, sql.c_str(), -1, &m_statement, nullptr));
    }
    ~statement() { sqlite3_finalize(m_statement); }
    statement(const statement &) = delete;
    statement &operator=(const statement &) = delete;

    void bind(int at, const std::string &text)
    {
        check(sqlite3_bind_text64(m_statement, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    }
    void bind(int at, double number) { check(sqlite3_bind_double(m_statement, at, number)); }
    void bind(int at, int number) { check(sqlite3_bind_int(m_statement, at, number)); }

    bool step()
    {
        const int result = sqlite3_step(m_statement);
        if (result != SQLITE_ROW && result != SQLITE_DONE)
            check(result);
        return result == SQLITE_ROW;
    }
    void again()
    {
        check(sqlite3_reset(m_statement));
        check(sqlite3_clear_bindings(m_statement));
    }

    int integer(int column) const { return sqlite3_column_int(m_statement, column); }
    double real(int column) const { return sqlite3_column_double(m_statement, column); }
    std::string text(int column) const
    {
        const auto *bytes = reinterpret_cast<const char *>(sqlite3_column_text(m_statement, column));
        return bytes == nullptr
                   ? ""
                   : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column)));
    }

  private:
    void check(int result) const
    {
        if (result != SQLITE_OK)
            throw user_error(fmt::format("{}: {}", sqlite3_db_filename(m_db, "main"), sqlite3_errmsg(m_db)));
    }

    sqlite3 *m_db;
    sqlite3_stmt *m_statement = nullptr;
};

} // namespace

void result_store::closer::operator()(sqlite3 *db) const { sqlite3_close(db); }

result_store::result_store(const std::string &path) : m_path(path)
{
    sqlite3 *db = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    m_db.reset(db);
    if (result != SQLITE_OK)
        fail(db == nullptr ? "cannot be opened" : sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, BUSY_MILLISECONDS);
    execute(SCHEMA);
}

result_store::~result_store() = default;

void result_store::fail(const std::string &what) const
{
    throw user_error(fmt::format("{}: {}; expected a database of this command, or none", m_path, what));
}

void result_store::execute(const std::string &sql) const
{
    if (sqlite3_exec(m_db.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(sqlite3_errmsg(m_db.get()));
}

void result_store::forget_all() { execute("DELETE FROM runs"); }

void result_store::forget(const std::string &key)
{
    statement s(m_db.get(), "DELETE FROM runs WHERE key = ?");
    s.bind(1, key);
    s.step();
}

void result_store::put(const stored_run &run)
{
    statement s(m_db.get(), "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    s.bind(1, run.key);
    s.bind(2, run.inputs);
    s.bind(3, run.exit_status);
    s.bind(4, run.reason);
    s.bind(5, run.seconds);
    s.bind(6, run.timeout_s);
    s.bind(7, run.console);
    s.bind(8, run.statistics);
    s.step();
}

std::optional<stored_run> result_store::get(const std::string &key, const std::string &inputs, bool without_texts) const
{
    statement s(m_db.get(), fmt::format("SELECT exit_status, reason, seconds, timeout_s{} FROM runs WHERE key = ? AND "
                                        "inputs = ?",
                                        without_texts ? "" : ", console, statistics"));
    s.bind(1, key);
    s.bind(2, inputs);
    if (!s.step())
        return std::nullopt;
    stored_run run;
    run.key = key;
    run.inputs = inputs;
    run.exit_status = s.integer(0);
    run.reason = s.text(1);
    run.seconds = s.real(2);
    run.timeout_s = s.real(3);
    if (!without_texts) {
        run.console = s.text(4);
        run.statistics = s.text(5);
    }
    return run;
}

void result_store::replace_table(const std::string &name, const std::vector<stored_column> &columns,
                                 const std::vector<std::vector<std::string>> &rows)
{
    std::string definitions, marks;
    for (const stored_column &c : columns) {
        definitions += (definitions.empty() ? "" : ", ") + quoted(c.name) + " " + c.type;
        marks += marks.empty() ? "?" : ", ?";
    }
    execute("BEGIN IMMEDIATE");
    try {
        execute("DROP TABLE IF EXISTS " + quoted(name));
        execute("CREATE TABLE " + quoted(name) + " (" + definitions + ")");
        statement s(m_db.get(), "INSERT INTO " + quoted(name) + " VALUES (" + marks + ")");
        for (const std::vector<std::string> &row : rows) {
            for (std::size_t i = 0; i < row.size(); i++)
                if (!row[i].empty())
                    s.bind(static_cast<int>(i) + 1, row[i]);
            s.step();
            s.again();
        }
    } catch (...) {
        sqlite3_exec(m_db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
    execute("COMMIT");
}

} // namespace vp
