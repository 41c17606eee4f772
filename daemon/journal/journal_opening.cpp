// How the journal is opened: the lock, what is damaged, a new one.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "daemon/event/timestamp.hpp"
#include "daemon/journal/journal_file.hpp"
#include "daemon/journal/journal_mark.hpp"

namespace duplexd {

namespace {

constexpr int busy_limit_ms = 500;

std::string system_words(int error) {
  return std::generic_category().message(error);
}

// RFC 9562, version 4.
std::string make_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

// "2026-11-21T02:11:55.123456Z" without what a shell or a file system may not like.
std::string stamp(journal_file::wall_time now) {
  std::string text = timestamp(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

// A file of its own: SQLite's locks on the database are lost when anything in the process closes it.
bool journal_file::lock(std::string& error) {
  const std::string path = how_.settings.file + ".lock";
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    error = fmt::format("cannot open {}: {}", path, system_words(errno));
    return false;
  }
  std::array<char, 32> text{};
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    const ssize_t size = taken ? ::pread(lock_, text.data(), text.size() - 1, 0) : 0;
    error = !taken ? fmt::format("cannot lock {}: {}", path, system_words(errno))
            : size > 0
                ? fmt::format("another process ({}) uses the journal {}", text.data(), how_.settings.file)
                : fmt::format("another process uses the journal {}", how_.settings.file);
    return false;
  }
  // A disk that is full does not matter: the number is only for people.
  const std::string number = std::to_string(::getpid());
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, number.data(), number.size(), 0) < 0) errno = 0;
  return true;
}

void journal_file::close_database() {
  sqlite3_close(database_);
  database_ = nullptr;
}

journal_file::~journal_file() {
  close_database();
  if (lock_ >= 0) ::close(lock_);
}

bool journal_file::create() {
  id_ = make_uuid();
  return run("BEGIN IMMEDIATE") && make_variables() &&
         run("CREATE TABLE state (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
             "CREATE TABLE places (output TEXT PRIMARY KEY, number INTEGER) STRICT, WITHOUT ROWID;"
             "CREATE TABLE batches (first INTEGER PRIMARY KEY, last INTEGER, output TEXT, at INTEGER, count "
             "INTEGER, checksum INTEGER, records BLOB) STRICT;"
             "CREATE INDEX batches_of ON batches (output, first);"
             "INSERT INTO state VALUES ('last', 0), ('ended', 0)") &&
         run(fmt::format("INSERT INTO state VALUES ('journal', '{}')", id_).c_str()) &&
         run(fmt::format("PRAGMA application_id={}", journal_mark).c_str()) && run("COMMIT");
}

bool journal_file::load() {
  const auto each_row = [this](const char* sql, const auto& take) {
    const statement query = prepare(sql);
    int code = SQLITE_ERROR;
    while (query != nullptr && (code = sqlite3_step(query.get())) == SQLITE_ROW) take(query.get());
    if (query != nullptr && code != SQLITE_DONE) note_failure();
    return code == SQLITE_DONE;
  };
  const auto words = [](sqlite3_stmt* row, int column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    return std::string(text == nullptr ? "" : text);
  };
  outputs_ = how_.outputs;
  return each_row("SELECT value FROM state WHERE key = 'journal'",
                  [&](sqlite3_stmt* row) { id_ = words(row, 0); }) &&
         each_row(
             "SELECT value FROM state WHERE key = 'last'",
             [&](sqlite3_stmt* row) { last_ = static_cast<std::uint64_t>(sqlite3_column_int64(row, 0)); }) &&
         each_row("SELECT output, number FROM places",
                  [&](sqlite3_stmt* row) {
                    places_[words(row, 0)] = static_cast<std::uint64_t>(sqlite3_column_int64(row, 1));
                  }) &&
         each_row("SELECT DISTINCT output FROM batches",
                  [&](sqlite3_stmt* row) { outputs_.insert(words(row, 0)); }) &&
         make_variables() && load_variables() && run("INSERT OR REPLACE INTO state VALUES ('ended', 0)") &&
         run(fmt::format("PRAGMA application_id={}", journal_mark).c_str());
}

// What is there: nothing yet, a journal, or something else. It is read through only if the last end was not
// clean.
journal_file::state journal_file::look(std::string& error) {
  code_ = SQLITE_OK;
  const std::int64_t mark = number_of("PRAGMA application_id");
  const std::int64_t tables = number_of("SELECT count(*) FROM sqlite_schema");
  const auto failed = [&] {
    error = failed_;
    return damaged() || (code_ & 0xff) == SQLITE_ERROR ? state::damaged : state::unusable;
  };
  if (code_ != SQLITE_OK) return failed();
  if (mark == 0 && tables == 0) return create() ? state::good : failed();
  error = journal_mark_mistake(mark);
  if (!error.empty()) return state::unusable;
  const bool ended = number_of("SELECT value FROM state WHERE key = 'ended'") == 1;
  if (code_ != SQLITE_OK) return failed();
  if (!ended) {
    const statement check = prepare("PRAGMA quick_check(1)");
    const int code = check == nullptr ? SQLITE_ERROR : sqlite3_step(check.get());
    if (code != SQLITE_ROW) {
      note_failure();
      return failed();
    }
    const std::string found{reinterpret_cast<const char*>(sqlite3_column_text(check.get(), 0))};
    if (found != "ok") {
      error = found;
      return state::damaged;
    }
  }
  if (!load()) return failed();
  if (!id_.empty()) return state::good;
  error = "it has no id";
  return state::damaged;
}

journal_file::state journal_file::open_database(std::string& error) {
  // For the mode, which SQLite's other files take over.
  if (const int made = ::open(how_.settings.file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      made >= 0)
    ::close(made);
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(how_.settings.file.c_str(), &database_, flags, how_.vfs) != SQLITE_OK) {
    note_failure();
    error = failed_;
    return state::unusable;
  }
  sqlite3_busy_timeout(database_, busy_limit_ms);
  // auto_vacuum is taken by a new database only. The log keeps its size: a full disk then has room for the
  // few pages that an output's progress takes.
  const std::string how = fmt::format(
      "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous={}; PRAGMA "
      "journal_size_limit={}; PRAGMA wal_autocheckpoint=4000",
      how_.synchronous, most_log / 4);
  if (run(how.c_str())) return look(error);
  error = failed_;
  return damaged() ? state::damaged : state::unusable;
}

std::string journal_file::move_aside(wall_time now) const {
  const std::string& path = how_.settings.file;
  std::string to = fmt::format("{}.corrupt-{}", path, stamp(now));
  if (::rename(path.c_str(), to.c_str()) != 0) return {};
  for (const char* part : {"-wal", "-shm"}) (void)::rename((path + part).c_str(), (to + part).c_str());
  return to;
}

journal_file::opened journal_file::open(const options& how, wall_time now) {
  opened out;
  std::unique_ptr<journal_file> made{new journal_file(how)};
  std::string error;
  if (!made->lock(error)) {
    out.error = std::move(error);
    return out;
  }
  state found = made->open_database(error);
  if (found == state::damaged && how.moves_damaged) {
    made->close_database();
    out.why = error;
    out.moved_to = made->move_aside(now);
    made->places_.clear();
    made->variables_.clear();
    made->last_ = 0;
    if (!out.moved_to.empty())
      found = made->open_database(error);
    else
      error += fmt::format("; and it cannot be moved aside: {}", system_words(errno));
  }
  if (found == state::good)
    out.file = std::move(made);
  else
    out.error = fmt::format("the journal {} cannot be used: {}", how.settings.file, error);
  return out;
}

void journal_file::close() {
  if (database_ == nullptr) return;
  (void)run("INSERT OR REPLACE INTO state VALUES ('ended', 1)");
  close_database();
}

}  // namespace duplexd
