// What an operator deletes while no daemon runs.
#include <fmt/format.h>
#include <sqlite3.h>

#include "daemon/journal/journal_file.hpp"

namespace duplexd {

namespace {

// ?1 is an output, or empty: what outputs have taken.
constexpr const char* to_prune =
    " FROM batches WHERE CASE ?1 WHEN '' THEN last <= coalesce((SELECT number FROM places WHERE "
    "places.output = batches.output), 0) ELSE output = ?1 END";

}  // namespace

journal_file::pruned journal_file::prune(const std::string& output) {
  pruned made;
  const auto apply = [&](const std::string& sql) {
    const statement all = prepare(sql.c_str());
    const bool bound = all != nullptr && sqlite3_bind_text64(all.get(), 1, output.data(), output.size(),
                                                             SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
    const int code = bound ? sqlite3_step(all.get()) : SQLITE_ERROR;
    if (code == SQLITE_ROW) made.records = static_cast<std::uint64_t>(sqlite3_column_int64(all.get(), 0));
    if (code != SQLITE_ROW && code != SQLITE_DONE) note_failure();
    return code == SQLITE_ROW || code == SQLITE_DONE;
  };
  if (run("BEGIN IMMEDIATE") && apply(std::string("SELECT coalesce(sum(count), 0)") + to_prune) &&
      apply(std::string("DELETE") + to_prune) && apply("DELETE FROM places WHERE output = ?1") &&
      run("COMMIT")) {
    (void)run("PRAGMA incremental_vacuum");
    return made;
  }
  made = {.records = 0, .failed = fmt::format("{}: {}", how_.settings.file, failed_)};
  if (sqlite3_get_autocommit(database_) == 0) (void)run("ROLLBACK");
  return made;
}

}  // namespace duplexd
