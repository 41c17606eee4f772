#pragma once

#include <cstddef>
#include <string>

namespace duplexd::protocol {

/// Why bytes could not be unpacked, or values not packed. Never carries a value that is a secret of the
/// configuration.
struct codec_error {
  std::string field;       ///< path of the field: "ticks[1].last_price"; empty for the whole packet
  std::size_t offset = 0;  ///< unpacking: byte offset in the message; packing: offset reached
  std::string message;     ///< "expected 4 bytes, found 3"

  /// One line for people: "code at byte 0: expected 4 bytes, found 3".
  [[nodiscard]] std::string text() const;
};

}  // namespace duplexd::protocol
