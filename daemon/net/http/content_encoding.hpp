#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace duplexd::net {

enum class decoding : std::uint8_t {
  done,       ///< `body` is what the sender compressed
  unknown,    ///< not an encoding that is known here: `body` is unchanged
  corrupt,    ///< it is cut off, or is not what its encoding says
  too_large,  ///< it has more than `limit` bytes
};

/// Undoes a Content-Encoding (RFC 9110, 8.4): gzip, x-gzip, deflate (with zlib's frame or, as some servers
/// send it, without). Compression is not asked for, but there are servers that do not ask, either.
[[nodiscard]] decoding decode_content(std::string_view encoding, std::string& body, std::size_t limit);

}  // namespace duplexd::net
