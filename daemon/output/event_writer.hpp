#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// A place that is written with calls that block: a file, a database. Used by one thread at a time, which is
/// not the loop's.
class event_writer {
 public:
  event_writer() = default;
  event_writer(const event_writer&) = delete;
  event_writer& operator=(const event_writer&) = delete;
  virtual ~event_writer() = default;

  struct progress {
    std::size_t written = 0;  ///< how many records, from the first on
    std::string failed{};     ///< why not all; the rest is given again later
    std::optional<std::chrono::milliseconds>
        not_before{};  ///< how long that should take, if somebody said so
  };
  [[nodiscard]] virtual progress write(const record_batch& records) = 0;

  /// What can be done while there is nothing to write: whatever became too old is deleted. Called now and
  /// then.
  virtual void tidy() {}

  /// Writes replies' values instead of records in some form.
  [[nodiscard]] virtual bool wants_values() const noexcept { return false; }
};

}  // namespace duplexd
