// Durable variables in the journal.
#include <sqlite3.h>

#include <algorithm>

#include "daemon/journal/journal_file.hpp"

namespace duplexd {

namespace {

bool bind_variable(sqlite3_stmt* to, int place, const std::string& text) {
  return sqlite3_bind_text64(to, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
}

std::string variable_at(sqlite3_stmt* row, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
  return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

}  // namespace

bool journal_file::make_variables() {
  return run(
      "CREATE TABLE IF NOT EXISTS variables (session TEXT, name TEXT, value TEXT, PRIMARY KEY (session, "
      "name)) STRICT, WITHOUT ROWID");
}

bool journal_file::store_variables(const variables& set) {
  if (set.empty()) return true;
  const statement put = prepare("INSERT OR REPLACE INTO variables (session, name, value) VALUES (?, ?, ?)");
  const statement remove = prepare("DELETE FROM variables WHERE session = ? AND name = ?");
  if (put == nullptr || remove == nullptr) return false;
  return std::ranges::all_of(set, [&](const auto& each) {
    const auto& [key, value] = each;
    sqlite3_stmt* const change = value.empty() ? remove.get() : put.get();
    sqlite3_reset(change);
    return bind_variable(change, 1, key.first) && bind_variable(change, 2, key.second) &&
           (value.empty() || bind_variable(change, 3, value)) && step(change);
  });
}

bool journal_file::load_variables() {
  variables_.clear();
  const statement query = prepare("SELECT session, name, value FROM variables");
  int code = SQLITE_ERROR;
  while (query != nullptr && (code = sqlite3_step(query.get())) == SQLITE_ROW)
    variables_[{variable_at(query.get(), 0), variable_at(query.get(), 1)}] = variable_at(query.get(), 2);
  if (query != nullptr && code != SQLITE_DONE) note_failure();
  return code == SQLITE_DONE;
}

}  // namespace duplexd
