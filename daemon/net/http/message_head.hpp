#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duplexd::net {

/// The fields of an HTTP/1 head.
struct message_head {
  std::vector<std::pair<std::string, std::string>> fields;  ///< each line as it came, in their order

  /// The value of the first line of that name, in any case of letters; null if there is none.
  [[nodiscard]] const std::string* first(std::string_view name) const noexcept;

  /// All lines of that name as one list (RFC 9110, 5.3); nothing if there is none. Set-Cookie is not a list:
  /// read its lines from `fields`.
  [[nodiscard]] std::optional<std::string> list(std::string_view name) const;

  /// Whether the list of that name has this element, in any case of letters.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
};

/// Where the block of lines that ends with an empty line ends; `npos` if its end has not come. The first
/// `scanned` bytes were looked at before. A lone LF counts, so that a sender of such lines is refused at
/// once.
[[nodiscard]] std::size_t end_of_block(std::string_view text, std::size_t scanned, bool may_be_empty);

}  // namespace duplexd::net
