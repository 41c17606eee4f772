#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
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
        not_before{};         ///< how long that should take, if somebody said so
    std::size_t refused = 0;  ///< of the written: records that can never be taken, and are lost or elsewhere
    std::string refusal{};    ///< why, of the last of them
    bool is_kept = false;     ///< they are in a file
  };
  [[nodiscard]] virtual progress write(const record_batch& records) = 0;

  /// What can be done while there is nothing to write: whatever became too old is deleted. Called now and
  /// then.
  virtual void tidy() {}

  /// For durable outputs: the number of the last record of that journal that is in the target, if the target
  /// keeps it itself, in the same transaction as the records. Then it counts, and not what the journal knows.
  struct target_place {
    bool is_kept = false;
    std::uint64_t number = 0;  ///< 0: none
    std::string failed{};      ///< why it cannot be read
  };
  [[nodiscard]] virtual target_place find_place(const std::string& /*journal*/) { return {}; }

  /// Writes replies' values instead of records in some form.
  [[nodiscard]] virtual bool wants_values() const noexcept { return false; }
};

}  // namespace duplexd
