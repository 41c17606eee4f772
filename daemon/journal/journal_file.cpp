#include "daemon/journal/journal_file.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/journal/journal_plan.hpp"

namespace duplexd {

namespace {

int bind_words(sqlite3_stmt* to, int place, std::string_view text) {
  return sqlite3_bind_text64(to, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

int bind_number(sqlite3_stmt* to, int place, std::uint64_t number) {
  return sqlite3_bind_int64(to, place, static_cast<sqlite3_int64>(number));
}

std::uint64_t number_at(sqlite3_stmt* row, int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(row, column));
}

std::string_view bytes_at(sqlite3_stmt* row, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

std::int64_t milliseconds_of(journal_file::wall_time time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

bool journal_file::run(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return true;
  note_failure();
  return false;
}

void journal_file::note_failure() {
  code_ = sqlite3_extended_errcode(database_);
  failed_ = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
  if (const int cause = database_ == nullptr ? 0 : sqlite3_system_errno(database_);
      cause != 0 && (code_ & 0xff) != SQLITE_CORRUPT)
    failed_ += fmt::format(" (errno {})", cause);
}

bool journal_file::damaged() const noexcept {
  return (code_ & 0xff) == SQLITE_CORRUPT || (code_ & 0xff) == SQLITE_NOTADB;
}

journal_file::statement journal_file::prepare(const char* sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(database_, sql, -1, &made, nullptr) != SQLITE_OK) note_failure();
  return {made, &sqlite3_finalize};
}

bool journal_file::step(sqlite3_stmt* done) {
  if (done != nullptr && sqlite3_step(done) == SQLITE_DONE) return true;
  note_failure();
  return false;
}

std::int64_t journal_file::number_of(const char* sql) {
  const statement query = prepare(sql);
  if (query == nullptr) return 0;
  const int code = sqlite3_step(query.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) note_failure();
  return code == SQLITE_ROW ? sqlite3_column_int64(query.get(), 0) : 0;
}

std::uint64_t journal_file::place_of(const std::string& output) const {
  const auto known = places_.find(output);
  return known == places_.end() ? 0 : known->second;
}

std::uint64_t journal_file::last_of(const std::string& output) {
  const statement query = prepare("SELECT max(first), last FROM batches WHERE output = ?");
  if (query == nullptr || bind_words(query.get(), 1, output) != SQLITE_OK) return 0;
  return sqlite3_step(query.get()) == SQLITE_ROW ? number_at(query.get(), 1) : 0;
}

std::map<std::string, std::uint64_t> journal_file::orphans() {
  std::map<std::string, std::uint64_t> found;
  for (const std::string& each : outputs_) {
    if (how_.outputs.contains(each)) continue;
    const statement query = prepare("SELECT sum(count) FROM batches WHERE output = ? AND last > ?");
    if (query == nullptr || bind_words(query.get(), 1, each) != SQLITE_OK ||
        bind_number(query.get(), 2, place_of(each)) != SQLITE_OK)
      continue;
    if (sqlite3_step(query.get()) == SQLITE_ROW && number_at(query.get(), 0) > 0)
      found[each] = number_at(query.get(), 0);
  }
  return found;
}

std::uint64_t journal_file::used() {
  const auto pages = number_of("PRAGMA page_count") - number_of("PRAGMA freelist_count");
  return static_cast<std::uint64_t>(pages * number_of("PRAGMA page_size"));
}

// Another program that reads keeps the log from being reused, for as long as it reads.
bool journal_file::log_has_room() {
  struct stat log{};
  if (::stat((how_.settings.file + "-wal").c_str(), &log) != 0 ||
      static_cast<std::uint64_t>(log.st_size) <= most_log)
    return true;
  if (sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) ==
      SQLITE_OK)
    return true;
  code_ = SQLITE_BUSY;
  failed_ = fmt::format("its write-ahead log has {} MiB and cannot shrink while another program reads",
                        log.st_size >> 20);
  return false;
}

// The same row again is the same row: nobody knows whether a commit that failed has reached the disk.
bool journal_file::insert(const journal_row& row, const std::string& stored, wall_time now) {
  const statement add = prepare(
      "INSERT OR REPLACE INTO batches (first, last, output, at, count, checksum, records) VALUES (?, ?, ?, "
      "?, ?, ?, ?)");
  if (add == nullptr) return false;
  sqlite3_stmt* const to = add.get();
  const int bad = bind_number(to, 1, row.first) | bind_number(to, 2, row.last) |
                  bind_words(to, 3, row.output) | sqlite3_bind_int64(to, 4, milliseconds_of(now)) |
                  bind_number(to, 5, row.count) | bind_number(to, 6, checksum_of(stored)) |
                  sqlite3_bind_blob64(to, 7, stored.data(), stored.size(), SQLITE_STATIC);
  if (bad == SQLITE_OK && step(to)) return true;
  if (bad != SQLITE_OK) note_failure();
  return false;
}

bool journal_file::move_place(const std::string& output, std::uint64_t number) {
  const statement put = prepare("INSERT OR REPLACE INTO places (output, number) VALUES (?, ?)");
  return put != nullptr && bind_words(put.get(), 1, output) == SQLITE_OK &&
         bind_number(put.get(), 2, number) == SQLITE_OK && step(put.get());
}

bool journal_file::delete_taken(const std::string& output, std::uint64_t number, wall_time before) {
  const statement cut =
      prepare("DELETE FROM batches WHERE output = ?1 AND first <= ?2 AND last <= ?2 AND at <= ?3");
  return cut != nullptr && bind_words(cut.get(), 1, output) == SQLITE_OK &&
         bind_number(cut.get(), 2, number) == SQLITE_OK &&
         sqlite3_bind_int64(cut.get(), 3, milliseconds_of(before)) == SQLITE_OK && step(cut.get());
}

bool journal_file::drop_row(std::uint64_t first) {
  const statement cut = prepare("DELETE FROM batches WHERE first = ?");
  return cut != nullptr && bind_number(cut.get(), 1, first) == SQLITE_OK && step(cut.get());
}

bool journal_file::make_room(std::size_t bytes, outcome& made) {
  const statement oldest =
      prepare("SELECT first, last, count FROM batches WHERE output = ? ORDER BY first LIMIT 1");
  if (oldest == nullptr) return false;
  while (used() + bytes > how_.settings.size) {
    std::vector<journal_plan::oldest_row> rows;
    std::vector<std::pair<std::string, std::uint64_t>> counts;
    for (const std::string& each : outputs_) {
      sqlite3_reset(oldest.get());
      if (bind_words(oldest.get(), 1, each) != SQLITE_OK || sqlite3_step(oldest.get()) != SQLITE_ROW)
        continue;
      rows.push_back({.first = number_at(oldest.get(), 0),
                      .passed = number_at(oldest.get(), 1) <= place_of(each),
                      .orphan = !how_.outputs.contains(each)});
      counts.emplace_back(each, number_at(oldest.get(), 2));
    }
    sqlite3_reset(oldest.get());
    if (rows.empty()) return true;  // one row is always taken, however large
    const auto which =
        journal_plan::row_to_drop(rows, how_.settings.full == config::journal_policy::drop_oldest);
    if (!which) {
      made.full = true;
      return true;
    }
    if (!drop_row(rows[*which].first)) return false;
    if (!rows[*which].passed) made.dropped[counts[*which].first] += counts[*which].second;
  }
  return true;
}

bool journal_file::write(const std::vector<journal_row>& rows, const places& moved, wall_time now,
                         const variables& set, outcome& made) {
  for (const auto& [output, number] : moved) {
    if (!move_place(output, number)) return false;
    places_[output] = number;
    if (how_.settings.keep.count() == 0 && !delete_taken(output, number, now)) return false;
  }
  std::uint64_t last = last_;
  for (const journal_row& row : rows) {
    outputs_.insert(row.output);
    const std::string stored = stored_form(row.records);
    if (!make_room(stored.size(), made)) return false;
    if (made.full) break;
    if (!insert(row, stored, now)) return false;
    last = std::max(last, row.last);
    ++made.rows;
  }
  if (!made.full && !store_variables(set)) return false;
  const statement keep = prepare("INSERT OR REPLACE INTO state (key, value) VALUES ('last', ?)");
  return keep != nullptr && bind_number(keep.get(), 1, last) == SQLITE_OK && step(keep.get());
}

journal_file::outcome journal_file::commit(const std::vector<journal_row>& rows, const places& moved,
                                           wall_time now, const variables& set) {
  outcome made;
  code_ = SQLITE_OK;
  const places before = places_;
  if (log_has_room() && run("BEGIN IMMEDIATE") && write(rows, moved, now, set, made) && run("COMMIT")) {
    for (std::size_t i = 0; i < made.rows; ++i) last_ = std::max(last_, rows[i].last);
    return made;
  }
  made = {};
  made.failed = fmt::format("{}: {}", how_.settings.file, failed_);
  made.broken = damaged();
  places_ = before;
  if (sqlite3_get_autocommit(database_) == 0) (void)run("ROLLBACK");
  return made;
}

journal_file::outcome journal_file::transact(const std::function<bool(sqlite3*)>& what) {
  outcome made;
  code_ = SQLITE_OK;
  if (log_has_room() && run("BEGIN IMMEDIATE")) {
    const bool good = what(database_);
    if (!good) note_failure();
    if (good && run("COMMIT")) return made;
  }
  made.failed = fmt::format("{}: {}", how_.settings.file, failed_);
  made.broken = damaged();
  if (sqlite3_get_autocommit(database_) == 0) (void)run("ROLLBACK");
  return made;
}

journal_file::outcome journal_file::read(const std::string& output, std::uint64_t after, std::size_t most,
                                         record_batch& out) {
  outcome made;
  made.reached = after;
  code_ = SQLITE_OK;
  out.set_journal(id_);
  const statement query = prepare(
      "SELECT last, count, checksum, records FROM batches WHERE output = ?1 AND first >= coalesce((SELECT "
      "max(first) FROM batches WHERE output = ?1 AND first <= ?2), 0) ORDER BY first");
  int code = SQLITE_ERROR;
  if (query != nullptr && bind_words(query.get(), 1, output) == SQLITE_OK &&
      bind_number(query.get(), 2, after + 1) == SQLITE_OK)
    while (out.bytes() < most && (code = sqlite3_step(query.get())) == SQLITE_ROW) {
      const std::uint64_t last = number_at(query.get(), 0);
      if (last <= after) continue;
      const std::string_view records = bytes_at(query.get(), 3);
      if (checksum_of(records) != number_at(query.get(), 2) || !read_records(records, after, out))
        made.dropped[output] += number_at(query.get(), 1);
      made.reached = last;
    }
  made.end = code == SQLITE_DONE;
  if (made.end || code == SQLITE_ROW) return made;
  note_failure();
  made.failed = fmt::format("{}: {}", how_.settings.file, failed_);
  made.broken = damaged();
  return made;
}

void journal_file::tidy(wall_time now) {
  if (how_.settings.keep.count() > 0)
    for (const auto& [output, number] : places_)
      if (!delete_taken(output, number, now - how_.settings.keep)) return;
  const auto free =
      journal_plan::pages_to_free(static_cast<std::uint64_t>(number_of("PRAGMA page_count")),
                                  static_cast<std::uint64_t>(number_of("PRAGMA freelist_count")));
  if (free > 0) (void)run(fmt::format("PRAGMA incremental_vacuum({})", free).c_str());
}

}  // namespace duplexd
