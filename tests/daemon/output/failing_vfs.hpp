#pragma once

#include <cstddef>

struct sqlite3_vfs;

namespace duplexd::test {

/// A file system for SQLite, above the usual one, whose calls fail at a given time. While one lives it is the
/// one that SQLite uses.
class failing_vfs {
 public:
  failing_vfs();
  ~failing_vfs();
  failing_vfs(const failing_vfs&) = delete;
  failing_vfs& operator=(const failing_vfs&) = delete;

  /// So many calls that read or change a file succeed, from now on; then one fails, or all do.
  void fail_after(std::size_t calls, bool for_good);
  void mend() { is_armed_ = false; }
  /// Whether a call has failed since.
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }

  /// For the calls: whether this one is to fail.
  [[nodiscard]] bool fails_now();

 private:
  sqlite3_vfs* vfs_;
  bool is_armed_ = false;
  bool for_good_ = false;
  bool has_failed_ = false;
  std::size_t left_ = 0;
};

}  // namespace duplexd::test
