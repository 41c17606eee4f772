#include "daemon/output/sqlite_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "daemon/event/timestamp.hpp"
#include "daemon/output/sqlite_column.hpp"

namespace duplexd {

namespace {

using config::column_type;
using nlohmann::ordered_json;

// A value called _rowid_ would hide the order of the rows.
const name_rules sqlite_names{.folds_case = true,
                              .longest = 2 * event_table::longest_key,  // with underscores
                              .allows_empty = true,
                              .reserved = {"_rowid_"}};
constexpr auto places = event_table::places;
constexpr auto id_column = event_table::id_column;
constexpr int busy_ms = 5'000;
constexpr int rows_at_once = 10'000;  // deleted in one transaction

int parameter(std::size_t column) {
  return static_cast<int>(column) + 1;
}

}  // namespace

struct sqlite_writer::table {
  std::string name;
  std::string reply;  ///< whose it is; `_events`: what is not a reply
  bool is_of_reply = true;
  event_table columns{sqlite_names};             ///< in the order of the parameters of `insert`
  std::vector<column_type> types{};              ///< of the columns, in their order
  bool is_strict = true;                         ///< else somebody made it: its types convert what they get
  statement insert{nullptr, &sqlite3_finalize};  ///< its parameters are numbered from 1
  int id = 0;                                    ///< the parameter of the event's id; 0: there is none
};

sqlite_writer::sqlite_writer(const config::output_settings& settings, config::table_columns columns)
    : settings_(settings), columns_(std::move(columns)) {}

sqlite_writer::~sqlite_writer() {
  close();
}

void sqlite_writer::close() {
  tables_.clear();
  sqlite3_close(database_);
  database_ = nullptr;
}

std::string sqlite_writer::error() const {
  return database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
}

bool sqlite_writer::run(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return true;
  failed_ = error();
  return false;
}

sqlite_writer::statement sqlite_writer::prepare(const std::string& sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(database_, sql.c_str(), -1, &made, nullptr) != SQLITE_OK) failed_ = error();
  return {made, &sqlite3_finalize};
}

std::int64_t sqlite_writer::number_of(const std::string& sql) {
  const statement query = prepare(sql);
  return query != nullptr && sqlite3_step(query.get()) == SQLITE_ROW ? sqlite3_column_int64(query.get(), 0)
                                                                     : 0;
}

// SQLite goes on writing to a file that was deleted or renamed, which nobody would find.
void sqlite_writer::let_go_of_moved() {
  int moved = 0;
  if (sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved == 0)
    return;
  // The log has the old name: a renamed file is to have what was committed, and a new one none of it.
  (void)sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  close();
}

bool sqlite_writer::open() {
  if (database_ != nullptr) let_go_of_moved();
  if (database_ != nullptr) return true;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(settings_.path).parent_path(), ignored);
  // For the mode, which SQLite's other files take over; one that is there stays as it is.
  if (const int made = ::open(settings_.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640); made >= 0)
    ::close(made);
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int opened = sqlite3_open_v2(settings_.path.c_str(), &database_, flags, nullptr);
  sqlite3_busy_timeout(database_, busy_ms);
  // Pages of deleted rows are given back by shrink(). Only a new database takes it.
  const bool good = opened == SQLITE_OK && run("PRAGMA auto_vacuum=INCREMENTAL") &&
                    run("PRAGMA journal_mode=WAL") &&
                    run(settings_.durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL") &&
                    run(fmt::format("PRAGMA journal_size_limit={}", most_log / 4));
  if (good) return true;
  if (opened != SQLITE_OK) failed_ = error();
  close();
  return false;
}

// The table that was made for a reply stays its own, whichever comes first in another run. Empty: that
// failed.
std::string sqlite_writer::table_for(const std::string& reply) {
  const statement query = prepare("SELECT name, type FROM sqlite_schema WHERE name = ? COLLATE NOCASE");
  if (query == nullptr || bind_text(query.get(), 1, reply) != SQLITE_OK) return "";
  bool has_own = false;
  bool has_other = false;
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(query.get())) == SQLITE_ROW) {
    const std::string name{reinterpret_cast<const char*>(sqlite3_column_text(query.get(), 0))};
    const std::string type{reinterpret_cast<const char*>(sqlite3_column_text(query.get(), 1))};
    (name == reply && type != "index" ? has_own : has_other) = true;
  }
  if (code != SQLITE_DONE) failed_ = error();
  return code == SQLITE_DONE ? event_table::table_for(reply, has_own, has_other) : "";
}

sqlite_writer::table* sqlite_writer::find_table(const record_batch::record& event) {
  const bool is_reply = event.what == session_event::kind::reply;
  const std::pair key{is_reply, std::string(is_reply ? event.name : event_table::other_events)};
  if (const auto known = tables_.find(key); known != tables_.end()) return &known->second;
  const std::string name = is_reply ? table_for(key.second) : key.second;
  if (name.empty()) return nullptr;
  if (!run(fmt::format("CREATE TABLE IF NOT EXISTS {} (_time TEXT, _session TEXT) STRICT", sql_name(name))))
    return nullptr;
  table made;
  made.name = name;
  made.reply = key.second;
  made.is_of_reply = is_reply;
  made.is_strict = number_of(fmt::format("SELECT strict FROM pragma_table_list({})", sql_name(name))) != 0;
  const statement columns =
      prepare(fmt::format("SELECT name, type FROM pragma_table_info({})", sql_name(name)));
  while (columns != nullptr && sqlite3_step(columns.get()) == SQLITE_ROW) {
    const std::string column{reinterpret_cast<const char*>(sqlite3_column_text(columns.get(), 0))};
    const std::string type{reinterpret_cast<const char*>(sqlite3_column_text(columns.get(), 1))};
    made.columns.add(column);
    made.types.push_back(made.is_strict ? declared_type(type) : column_type::any);
    if (column == id_column) made.id = static_cast<int>(made.columns.columns().size());
    if (!index(made, column, column)) return nullptr;
  }
  if (columns == nullptr) return nullptr;
  if (settings_.durable && made.id == 0) {
    if (!append_column(made, std::string(id_column), column_type::text)) return nullptr;
    made.columns.add(std::string(id_column));
    made.id = static_cast<int>(made.columns.columns().size());
  }
  return &tables_.emplace(key, std::move(made)).first->second;
}

// The columns of a table that is not STRICT have no type: each would convert what it gets.
bool sqlite_writer::append_column(table& to, const std::string& column, column_type type) {
  const std::string_view declared = to.is_strict ? sql_type(type) : "";
  if (!run(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", sql_name(to.name), sql_name(column), declared)))
    return false;
  to.types.push_back(to.is_strict ? type : column_type::any);
  return true;
}

// What the layouts say of a value.
config::column_type sqlite_writer::type_of(const table& at, const std::string& key) const {
  if (key == event_table::more_column || (!at.is_of_reply && key == "event")) return column_type::text;
  const auto columns = columns_.find(at.reply);
  if (columns == columns_.end()) return column_type::any;
  const auto known = columns->second.find(key);
  return known == columns->second.end() ? column_type::any : known->second;
}

bool sqlite_writer::add_column(table& to, const std::string& key) {
  const std::string column = to.columns.name_for(key);
  if (to.columns.has(column)) {
    to.columns.assign(key, column);
    return true;
  }
  if (!append_column(to, column, type_of(to, key))) return false;
  to.columns.assign(key, column);
  to.insert.reset();
  return index(to, key, column);
}

bool sqlite_writer::index(const table& at, const std::string& key, const std::string& column) {
  const auto wanted = settings_.indexes.find(at.reply);
  if (wanted == settings_.indexes.end() || std::ranges::find(wanted->second, key) == wanted->second.end())
    return true;
  const std::string name = index_name(at.name, at.name + "." + column);
  return !name.empty() && run(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} ({})", sql_name(name),
                                          sql_name(at.name), sql_name(column)));
}

// A table, or an index of another one, may have it. Empty: that failed.
std::string sqlite_writer::index_name(const std::string& of, std::string wanted) {
  const statement query = prepare(
      "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND (type <> 'index' OR tbl_name <> ?2)");
  if (query == nullptr) return "";
  while (true) {
    sqlite3_reset(query.get());
    if ((bind_text(query.get(), 1, wanted) | bind_text(query.get(), 2, of)) != SQLITE_OK) return "";
    const int code = sqlite3_step(query.get());
    if (code == SQLITE_DONE) return wanted;
    if (code != SQLITE_ROW) {
      failed_ = error();
      return "";
    }
    wanted += '_';
  }
}

// None: `_more` is for it.
std::optional<std::size_t> sqlite_writer::column_for(const table& at, const std::string& key,
                                                     const ordered_json& value) {
  if (key == event_table::more_column) return std::nullopt;
  const auto column = at.columns.find(key);
  return column && can_hold(at.types[*column], value) ? column : std::nullopt;
}

bool sqlite_writer::insert(table& into, const record_batch::record& event, const std::string& id) {
  const ordered_json values = event_table::values_of(event);
  const std::string more_column{event_table::more_column};
  ordered_json more =
      ordered_json::object();               // what has no column, or one of another type, or of another key
  std::vector<const ordered_json*> placed;  // by column
  for (const auto& [key, value] : values.items()) {
    const bool has_column = key != more_column && into.columns.find(key);
    const bool wants_column = key != more_column && !has_column && into.columns.takes(key);
    if (wants_column && !add_column(into, key)) return false;
    const auto column = column_for(into, key, value);
    placed.resize(std::max(placed.size(), into.columns.columns().size()));
    if (column && placed[*column] == nullptr)
      placed[*column] = &value;
    else
      more[key] = value;
  }
  if (!more.empty() && !into.columns.find(more_column) && !add_column(into, more_column)) return false;
  if (into.insert == nullptr) {
    std::string names;
    std::string marks;
    for (const std::string& each : into.columns.columns()) {
      names += (names.empty() ? "" : ",") + sql_name(each);
      marks += marks.empty() ? "?" : ",?";
    }
    into.insert = prepare(fmt::format("INSERT INTO {} ({}) VALUES ({})", sql_name(into.name), names, marks));
    if (into.insert == nullptr) return false;
  }
  sqlite3_stmt* const to = into.insert.get();
  sqlite3_reset(to);
  sqlite3_clear_bindings(to);
  int bad = bind_text(to, 1, event.time) | bind_text(to, 2, event.session);
  for (std::size_t column = 0; column < placed.size(); ++column)
    if (placed[column] != nullptr) bad |= bind_value(to, parameter(column), *placed[column]);
  if (!more.empty()) bad |= bind_value(to, parameter(into.columns.find(more_column).value_or(0)), more);
  if (into.id != 0 && !id.empty()) bad |= bind_text(to, into.id, id);
  const bool good = bad == SQLITE_OK && sqlite3_step(to) == SQLITE_DONE;
  if (!good) failed_ = error();
  sqlite3_reset(to);
  return good;
}

bool sqlite_writer::insert_all(const record_batch& records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto record = records[i];
    table* const into = find_table(record);
    const std::string id = record.number == 0 ? "" : records.id_of(record);
    if (into == nullptr || !insert(*into, record, id)) return false;
  }
  return true;
}

bool sqlite_writer::make_places() {
  return run(
      fmt::format("CREATE TABLE IF NOT EXISTS {} (journal TEXT, output TEXT, number INTEGER, PRIMARY KEY "
                  "(journal, output)) STRICT",
                  places));
}

bool sqlite_writer::keep_place(const record_batch& records) {
  if (!settings_.durable || records.empty()) return true;
  if (!make_places()) return false;
  const statement put = prepare(fmt::format("INSERT OR REPLACE INTO {} VALUES (?, ?, ?)", places));
  const auto last = static_cast<std::int64_t>(records[records.size() - 1].number);
  const bool good = put != nullptr && bind_text(put.get(), 1, records.journal()) == SQLITE_OK &&
                    bind_text(put.get(), 2, settings_.name) == SQLITE_OK &&
                    sqlite3_bind_int64(put.get(), 3, last) == SQLITE_OK &&
                    sqlite3_step(put.get()) == SQLITE_DONE;
  if (!good) failed_ = error();
  return good;
}

event_writer::target_place sqlite_writer::find_place(const std::string& journal) {
  target_place found{.is_kept = true};
  failed_.clear();
  bool good = open() && make_places();
  if (good) {
    const statement query =
        prepare(fmt::format("SELECT number FROM {} WHERE journal = ? AND output = ?", places));
    const bool bound = query != nullptr && bind_text(query.get(), 1, journal) == SQLITE_OK &&
                       bind_text(query.get(), 2, settings_.name) == SQLITE_OK;
    const int code = bound ? sqlite3_step(query.get()) : SQLITE_ERROR;
    if (code == SQLITE_ROW) found.number = static_cast<std::uint64_t>(sqlite3_column_int64(query.get(), 0));
    good = code == SQLITE_ROW || code == SQLITE_DONE;
    if (!good) failed_ = error();
  }
  if (!good) {
    found.failed = fmt::format("{}: {}", settings_.path, failed_);
    close();
  }
  return found;
}

// A reader keeps the log from being reused, for as long as it reads.
bool sqlite_writer::log_has_room() {
  struct stat log{};
  if (::stat((settings_.path + "-wal").c_str(), &log) != 0 ||
      static_cast<std::uint64_t>(log.st_size) <= most_log)
    return true;
  if (sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) ==
      SQLITE_OK)
    return true;
  failed_ = fmt::format("its write-ahead log has {} MiB and cannot shrink while another program reads",
                        log.st_size >> 20);
  return false;
}

event_writer::progress sqlite_writer::write(const record_batch& records) {
  failed_.clear();
  const bool good = open() && log_has_room() && run("BEGIN IMMEDIATE") && insert_all(records) &&
                    keep_place(records) && run("COMMIT");
  if (good) return {records.size(), {}};
  const std::string why = fmt::format("{}: {}", settings_.path, failed_);
  if (database_ != nullptr && sqlite3_get_autocommit(database_) == 0) (void)run("ROLLBACK");
  // Columns that were added are gone with the transaction; a database that was replaced is found again.
  close();
  return {0, why};
}

bool sqlite_writer::delete_old_rows(const std::vector<std::string>& tables) {
  if (settings_.keep.age.count() == 0) return true;
  const std::string first = timestamp(std::chrono::system_clock::now() - settings_.keep.age);
  for (const std::string& name : tables) {
    bool more = true;
    while (more) {
      const statement cut =
          prepare(fmt::format("DELETE FROM {0} WHERE _rowid_ IN (SELECT _rowid_ FROM {0} ORDER BY _rowid_ "
                              "LIMIT {1}) AND _time < ?",
                              sql_name(name), rows_at_once));
      if (cut == nullptr || bind_text(cut.get(), 1, first) != SQLITE_OK ||
          sqlite3_step(cut.get()) != SQLITE_DONE)
        return false;
      more = sqlite3_changes(database_) == rows_at_once;
    }
  }
  return true;
}

// The oldest rows of the table that has most, until what is used fits.
bool sqlite_writer::shrink(const std::vector<std::string>& tables) {
  if (settings_.keep.size == 0) return true;
  const auto used = [this] {
    const auto pages = number_of("PRAGMA page_count") - number_of("PRAGMA freelist_count");
    return static_cast<std::uint64_t>(pages * number_of("PRAGMA page_size"));
  };
  while (used() > settings_.keep.size) {
    std::string largest;
    std::int64_t most = 0;
    for (const std::string& name : tables) {
      const auto rows = number_of(fmt::format("SELECT count(*) FROM {}", sql_name(name)));
      if (rows > most) {
        most = rows;
        largest = name;
      }
    }
    if (most == 0) return true;
    const auto rows = std::clamp<std::int64_t>(most / 10, 1, rows_at_once);
    if (!run(fmt::format(
            "DELETE FROM {0} WHERE _rowid_ IN (SELECT _rowid_ FROM {0} ORDER BY _rowid_ LIMIT {1})",
            sql_name(largest), rows)))
      return false;
  }
  return true;
}

void sqlite_writer::tidy() {
  if (database_ == nullptr || (settings_.keep.age.count() == 0 && settings_.keep.size == 0)) return;
  // All tables, those of an earlier run too.
  const statement names =
      prepare("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'");
  std::vector<std::string> all;
  while (names != nullptr && sqlite3_step(names.get()) == SQLITE_ROW)
    all.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(names.get(), 0)));
  std::erase_if(all, [this](const std::string& each) {
    return number_of(fmt::format("SELECT count(*) FROM pragma_table_info({}) WHERE name = '_time'",
                                 sql_name(each))) != 1;
  });
  if (delete_old_rows(all) && shrink(all)) (void)run("PRAGMA incremental_vacuum");
}

}  // namespace duplexd
