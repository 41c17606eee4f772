#pragma once

#include "daemon/journal/journal_file.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// More work for the journal's thread, in the same file.
class journal_work {
 public:
  journal_work() = default;
  journal_work(const journal_work&) = delete;
  journal_work& operator=(const journal_work&) = delete;
  virtual ~journal_work() = default;

  /// When there is something to do; `max()`: there is nothing.
  [[nodiscard]] virtual clock::time_point due() const = 0;
  /// Before a turn of the thread, on the loop. `all`: it is the last one.
  virtual void begin(bool all) = 0;
  /// On the thread.
  virtual void work(journal_file& file) = 0;
  /// After it, on the loop.
  virtual journal_file::outcome finish() = 0;
};

}  // namespace duplexd
