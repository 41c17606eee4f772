#include "daemon/journal/journal_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/journal/journal_mark.hpp"
#include "daemon/journal/journal_row.hpp"

namespace duplexd {

namespace {

constexpr int reader_busy_limit_ms = 5'000;
constexpr int steps_between_looks = 20'000;

std::uint64_t column(sqlite3_stmt* row, int at) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(row, at));
}

std::string words(sqlite3_stmt* row, int at) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, at));
  return {text == nullptr ? "" : text, static_cast<std::size_t>(sqlite3_column_bytes(row, at))};
}

std::string_view blob(sqlite3_stmt* row, int at) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, at));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, at))};
}

bool bind_output(sqlite3_stmt* to, const std::string& output, std::uint64_t number) {
  return sqlite3_bind_text64(to, 1, output.data(), output.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
         sqlite3_bind_int64(to, 2, static_cast<sqlite3_int64>(number)) == SQLITE_OK;
}

bool is_damage(int code) {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

std::uint64_t size_of_file(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

}  // namespace

journal_reader::~journal_reader() {
  sqlite3_close(database_);
}

bool journal_reader::note_failure() {
  code_ = database_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database_);
  failed_ = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
  return false;
}

journal_reader::statement journal_reader::prepare(const char* sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(database_, sql, -1, &made, nullptr) != SQLITE_OK) note_failure();
  return {made, &sqlite3_finalize};
}

journal_reader::opened journal_reader::open(const std::string& file) {
  opened out;
  const auto fail = [&](problem what, const std::string& why) {
    out.what = what;
    out.error = fmt::format("the journal {} cannot be read: {}", file, why);
    return std::move(out);
  };
  const int there = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0)
    return fail(errno == ENOENT ? problem::missing : problem::unusable,
                errno == ENOENT ? "there is no such file" : std::generic_category().message(errno));
  ::close(there);
  std::unique_ptr<journal_reader> made{new journal_reader(file)};
  const auto look = [&] {
    constexpr int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file.c_str(), &made->database_, flags, nullptr) != SQLITE_OK)
      return made->note_failure();
    sqlite3_busy_timeout(made->database_, reader_busy_limit_ms);
    const statement mark = made->prepare("PRAGMA application_id");
    if (mark == nullptr || sqlite3_step(mark.get()) != SQLITE_ROW) return made->note_failure();
    if (const std::string why = journal_mark_mistake(sqlite3_column_int64(mark.get(), 0)); !why.empty()) {
      made->failed_ = why;
      made->code_ = SQLITE_OK;
      return false;
    }
    const statement id = made->prepare("SELECT value FROM state WHERE key = 'journal'");
    if (id == nullptr) return false;
    const int code = sqlite3_step(id.get());
    if (code == SQLITE_ROW) made->id_ = words(id.get(), 0);
    if (code == SQLITE_ROW && !made->id_.empty()) return true;
    made->note_failure();
    if (code == SQLITE_DONE || code == SQLITE_ROW) made->failed_ = "it has no id";
    if (code == SQLITE_DONE || code == SQLITE_ROW) made->code_ = SQLITE_CORRUPT;
    return false;
  };
  if (look()) {
    out.reader = std::move(made);
    return out;
  }
  const bool damaged = is_damage(made->code_) || made->code_ == SQLITE_ERROR;
  return fail(damaged ? problem::damaged : problem::unusable, made->failed_);
}

std::uint64_t journal_reader::log_bytes() const {
  return size_of_file(file_ + "-wal");
}

// A batch that the output has taken a part of is looked into.
bool journal_reader::count_waiting(const std::string& output, stream& of) {
  const statement whole =
      prepare("SELECT coalesce(sum(count), 0) FROM batches WHERE output = ? AND first > ?");
  if (whole == nullptr || !bind_output(whole.get(), output, of.place) ||
      sqlite3_step(whole.get()) != SQLITE_ROW)
    return note_failure();
  of.waiting = column(whole.get(), 0);
  const statement begun =
      prepare("SELECT records FROM batches WHERE output = ?1 AND first <= ?2 AND last > ?2");
  if (begun == nullptr || !bind_output(begun.get(), output, of.place)) return note_failure();
  const int code = sqlite3_step(begun.get());
  if (code == SQLITE_ROW) {
    record_batch left;
    (void)read_records(blob(begun.get(), 0), of.place, left);
    of.waiting += left.size();
  }
  return code == SQLITE_ROW || code == SQLITE_DONE || note_failure();
}

bool journal_reader::summarize_rows(summary& out) {
  const auto each_row = [this](const char* sql, const auto& take) {
    const statement query = prepare(sql);
    int code = SQLITE_ERROR;
    while (query != nullptr && (code = sqlite3_step(query.get())) == SQLITE_ROW) take(query.get());
    return code == SQLITE_DONE || note_failure();
  };
  if (!each_row("SELECT value FROM state WHERE key = 'last'",
                [&](sqlite3_stmt* row) { out.given = column(row, 0); }) ||
      !each_row("SELECT output, number FROM places",
                [&](sqlite3_stmt* row) { out.outputs[words(row, 0)].place = column(row, 1); }) ||
      !each_row("SELECT output, sum(count), min(first), max(last) FROM batches GROUP BY output",
                [&](sqlite3_stmt* row) {
                  stream& of = out.outputs[words(row, 0)];
                  of.records = column(row, 1);
                  of.first = column(row, 2);
                  of.last = column(row, 3);
                }))
    return false;
  return std::ranges::all_of(out.outputs,
                             [this](auto& each) { return count_waiting(each.first, each.second); });
}

bool journal_reader::summarize(summary& out) {
  out.id = id_;
  out.bytes = size_of_file(file_) + log_bytes();
  if (sqlite3_exec(database_, "BEGIN", nullptr, nullptr, nullptr) != SQLITE_OK) return note_failure();
  const bool read = summarize_rows(out);
  (void)sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  for (const auto& [name, each] : out.outputs) {
    if (each.records == 0) continue;
    out.first = out.first == 0 ? each.first : std::min(out.first, each.first);
    out.last = std::max(out.last, each.last);
  }
  return read;
}

bool journal_reader::read(const std::string& output, std::uint64_t after, part& out) {
  out.reached = after;
  out.records.set_journal(id_);
  const statement query = prepare(
      "SELECT last, count, checksum, records FROM batches WHERE output = ?1 AND first >= coalesce((SELECT "
      "max(first) FROM batches WHERE output = ?1 AND first <= ?2), 0) ORDER BY first");
  if (query == nullptr || !bind_output(query.get(), output, after + 1)) return note_failure();
  int code = SQLITE_ROW;
  while (out.records.bytes() < part_bytes && (code = sqlite3_step(query.get())) == SQLITE_ROW) {
    const std::uint64_t last = column(query.get(), 0);
    if (last <= after) continue;
    const std::string_view records = blob(query.get(), 3);
    if (checksum_of(records) != column(query.get(), 2) || !read_records(records, after, out.records))
      out.damaged += column(query.get(), 1);
    out.reached = last;
  }
  out.end = code == SQLITE_DONE;
  return out.end || code == SQLITE_ROW || note_failure();
}

void journal_reader::check_pages(findings& found) {
  const auto look = [](void* self) {
    return static_cast<journal_reader*>(self)->log_bytes() > most_log ? 1 : 0;
  };
  sqlite3_progress_handler(database_, steps_between_looks, look, this);
  const statement query = prepare("PRAGMA quick_check(20)");
  int code = SQLITE_ERROR;
  while (query != nullptr && (code = sqlite3_step(query.get())) == SQLITE_ROW)
    if (std::string says = words(query.get(), 0); says != "ok") found.mistakes.push_back(std::move(says));
  sqlite3_progress_handler(database_, 0, nullptr, nullptr);
  found.interrupted = code == SQLITE_INTERRUPT;
  if (code == SQLITE_DONE || found.interrupted) return;
  note_failure();
  found.mistakes.push_back(failed_);
}

// A portion. Whether there is another.
bool journal_reader::check_batches(std::uint64_t& after, findings& found) {
  const statement query = prepare(
      "SELECT first, last, output, count, checksum, records FROM batches WHERE first > ? ORDER BY first");
  if (query == nullptr ||
      sqlite3_bind_int64(query.get(), 1, static_cast<sqlite3_int64>(after)) != SQLITE_OK) {
    note_failure();
    found.mistakes.push_back(failed_);
    return false;
  }
  int code = SQLITE_ROW;
  for (std::size_t bytes = 0; bytes < part_bytes && found.mistakes.size() < most_mistakes &&
                              (code = sqlite3_step(query.get())) == SQLITE_ROW;
       ++found.batches) {
    after = column(query.get(), 0);
    const std::string_view records = blob(query.get(), 5);
    bytes += records.size() + 1;
    const auto complain = [&](const char* what) {
      found.mistakes.push_back(fmt::format("batch {} of output {}: {}", after, words(query.get(), 2), what));
    };
    record_batch read;
    if (checksum_of(records) != column(query.get(), 4))
      complain("its checksum is another one");
    else if (!read_records(records, 0, read) || read.empty() || read.size() != column(query.get(), 3) ||
             read[0].number != after || read[read.size() - 1].number != column(query.get(), 1))
      complain("its records are not what it says");
  }
  if (code == SQLITE_ROW) return found.mistakes.size() < most_mistakes;
  if (code == SQLITE_DONE) return false;
  note_failure();
  found.mistakes.push_back(failed_);
  return false;
}

journal_reader::findings journal_reader::check() {
  findings found;
  check_pages(found);
  for (std::uint64_t after = 0; check_batches(after, found);) {
  }
  return found;
}

}  // namespace duplexd
