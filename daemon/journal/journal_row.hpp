#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/event/session_event.hpp"
#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// Records for one output, in the order of their numbers, as they stand in the journal. A plain value.
struct journal_row {
  std::string output;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t count = 0;
  std::string records;

  /// A row is not added to beyond this many bytes; one record may be larger.
  static constexpr std::size_t enough = 256u << 10;
  /// What is smaller than this many bytes is stored as it is, and what is larger than that.
  static constexpr std::size_t least_compressed = 1u << 10;
  static constexpr std::size_t most_compressed = 1u << 30;
};

/// Adds a record, whose number is greater than those that are there. On the loop's thread for each event: it
/// copies and nothing else.
void append_record(journal_row& to, std::uint64_t number, const session_event& happened,
                   std::string_view text);

/// CRC-32.
[[nodiscard]] std::uint64_t checksum_of(std::string_view records);

/// Records as they are stored: compressed (zstd), if that makes them smaller. Pure.
[[nodiscard]] std::string stored_form(const std::string& records);

/// Adds to `out` those of a row's records, as they are stored, that come after a number; an event's whole
/// line gets its `event_id`. False: the bytes are not what `append_record` and `stored_form` wrote, and
/// nothing was added. Pure.
[[nodiscard]] bool read_records(std::string_view stored, std::uint64_t after, record_batch& out);

}  // namespace duplexd
