#include "daemon/journal/journal_replay.hpp"

#include <sqlite3.h>

#include <memory>

namespace duplexd {

std::string replay_from(const std::string& file, const std::string& output, std::uint64_t first) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database{opened, &sqlite3_close};
  const auto failed = [&] { return file + ": " + sqlite3_errmsg(opened); };
  if (code != SQLITE_OK) return failed();
  sqlite3_stmt* made = nullptr;
  if (sqlite3_exec(opened, "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr) != SQLITE_OK ||
      sqlite3_prepare_v2(opened, "UPDATE places SET number = min(number, ?2) WHERE output = ?1", -1, &made,
                         nullptr) != SQLITE_OK)
    return failed();
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> move{made, &sqlite3_finalize};
  const bool good =
      sqlite3_bind_text64(made, 1, output.data(), output.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
      sqlite3_bind_int64(made, 2, static_cast<sqlite3_int64>(first == 0 ? 0 : first - 1)) == SQLITE_OK &&
      sqlite3_step(made) == SQLITE_DONE;
  return good ? "" : failed();
}

}  // namespace duplexd
