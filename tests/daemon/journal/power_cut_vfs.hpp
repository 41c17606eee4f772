#pragma once

#include <map>
#include <string>

struct sqlite3_vfs;

namespace duplexd::test {

/// A file system for SQLite, above the usual one, that remembers of each file what was synced last: all that
/// is sure to be there after a power cut. While one lives it is known to SQLite by its name.
class power_cut_vfs {
 public:
  power_cut_vfs();
  ~power_cut_vfs();
  power_cut_vfs(const power_cut_vfs&) = delete;
  power_cut_vfs& operator=(const power_cut_vfs&) = delete;

  static constexpr const char* name = "duplexd-power-cut";

  /// Content by path, as after a power cut now.
  std::map<std::string, std::string> synced;

 private:
  sqlite3_vfs* vfs_;
};

}  // namespace duplexd::test
