#include "daemon/journal/command_store.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "daemon/journal/command_peek.hpp"

namespace duplexd::command_store {

namespace {

using statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

constexpr const char* table =
    "CREATE TABLE IF NOT EXISTS commands (number INTEGER PRIMARY KEY, session TEXT, source TEXT, id TEXT, "
    "command TEXT, \"values\" TEXT, state TEXT, attempts INTEGER, accepted INTEGER, ttl INTEGER, why TEXT, "
    "reply TEXT, data TEXT, ended INTEGER) STRICT";
constexpr const char* put =
    "INSERT OR REPLACE INTO commands (number, session, source, id, command, \"values\", state, attempts, "
    "accepted, ttl, why, reply, data, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* get =
    "SELECT number, session, source, id, command, \"values\", state, attempts, accepted, ttl, why, reply, "
    "data, ended FROM commands ORDER BY number";

statement prepared(sqlite3* database, const char* sql) {
  sqlite3_stmt* made = nullptr;
  sqlite3_prepare_v2(database, sql, -1, &made, nullptr);
  return {made, &sqlite3_finalize};
}

std::int64_t milliseconds_since_epoch(kept_command::wall_time time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// Whatever stands there: nothing overflows.
kept_command::wall_time wall_of(std::int64_t milliseconds) {
  constexpr std::int64_t latest = 9'000'000'000'000;
  return kept_command::wall_time{
      std::chrono::milliseconds{std::clamp<std::int64_t>(milliseconds, 0, latest)}};
}

std::string_view stage_word(const kept_command& of) {
  switch (of.at) {
    case kept_command::stage::accepted:
      return "accepted";
    case kept_command::stage::sending:
      return "sending";
    case kept_command::stage::ended:
      break;
  }
  return of.end;
}

bool bind_all(sqlite3_stmt* to, const kept_command& what) {
  const auto text = [&](int place, std::string_view value) {
    return sqlite3_bind_text64(to, place, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  };
  const auto number = [&](int place, std::int64_t value) { return sqlite3_bind_int64(to, place, value); };
  const int bad = number(1, static_cast<std::int64_t>(what.number)) | text(2, what.session) |
                  text(3, what.source) | text(4, what.id) | text(5, what.command) | text(6, what.values) |
                  text(7, stage_word(what)) | number(8, what.attempts) |
                  number(9, milliseconds_since_epoch(what.accepted)) | number(10, what.ttl.count()) |
                  text(11, what.why) | text(12, what.reply) | text(13, what.data) |
                  number(14, milliseconds_since_epoch(what.ended));
  return bad == SQLITE_OK;
}

kept_command command_at(sqlite3_stmt* row) {
  const auto text = [row](int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    return std::string(bytes == nullptr ? "" : bytes,
                       static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
  };
  kept_command made;
  made.number = static_cast<std::uint64_t>(sqlite3_column_int64(row, 0));
  made.session = text(1);
  made.source = text(2);
  made.id = text(3);
  made.command = text(4);
  made.values = text(5);
  const std::string state = text(6);
  made.at = state == "accepted"  ? kept_command::stage::accepted
            : state == "sending" ? kept_command::stage::sending
                                 : kept_command::stage::ended;
  if (made.at == kept_command::stage::ended) made.end = state;
  made.attempts =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(sqlite3_column_int64(row, 7), 0, 1'000));
  made.accepted = wall_of(sqlite3_column_int64(row, 8));
  constexpr std::int64_t a_year = std::int64_t{365} * 86'400'000;
  made.ttl = std::chrono::milliseconds{std::clamp<std::int64_t>(sqlite3_column_int64(row, 9), 0, a_year)};
  made.why = text(10);
  made.reply = text(11);
  made.data = text(12);
  made.ended = wall_of(sqlite3_column_int64(row, 13));
  return made;
}

bool write_all(sqlite3* database, const changes& what) {
  const statement add = prepared(database, put);
  const statement cut = prepared(database, "DELETE FROM commands WHERE number = ?");
  if (add == nullptr || cut == nullptr) return false;
  for (const kept_command& each : what.rows) {
    sqlite3_reset(add.get());
    if (!bind_all(add.get(), each) || sqlite3_step(add.get()) != SQLITE_DONE) return false;
  }
  for (const std::uint64_t each : what.forgotten) {
    sqlite3_reset(cut.get());
    sqlite3_bind_int64(cut.get(), 1, static_cast<std::int64_t>(each));
    if (sqlite3_step(cut.get()) != SQLITE_DONE) return false;
  }
  return true;
}

bool read_rows(sqlite3* database, std::vector<kept_command>& out) {
  const statement query = prepared(database, get);
  int code = SQLITE_ERROR;
  while (query != nullptr && (code = sqlite3_step(query.get())) == SQLITE_ROW)
    out.push_back(command_at(query.get()));
  return code == SQLITE_DONE;
}

bool read_all(sqlite3* database, std::vector<kept_command>& out) {
  return sqlite3_exec(database, table, nullptr, nullptr, nullptr) == SQLITE_OK && read_rows(database, out);
}

bool has_table(sqlite3* database) {
  const statement query = prepared(database, "SELECT 1 FROM sqlite_schema WHERE name = 'commands'");
  return query == nullptr || sqlite3_step(query.get()) != SQLITE_DONE;
}

}  // namespace

journal_file::outcome load(journal_file& from, std::vector<kept_command>& out) {
  return from.transact([&](sqlite3* database) { return read_all(database, out); });
}

journal_file::outcome write(journal_file& to, const changes& what) {
  return to.transact([&](sqlite3* database) { return write_all(database, what); });
}

// A journal that had no command yet has no table of them.
std::string peek(const std::string& path, std::vector<kept_command>& out) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database{opened, &sqlite3_close};
  constexpr int patience = 2'000;  // ms
  if (opened != nullptr) sqlite3_busy_timeout(opened, patience);
  if (code == SQLITE_OK && (!has_table(opened) || read_rows(opened, out))) return {};
  return fmt::format("the journal {} cannot be read: {}", path,
                     opened == nullptr ? "out of memory" : sqlite3_errmsg(opened));
}

}  // namespace duplexd::command_store
