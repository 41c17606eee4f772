#include "protocol/text/digits.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace duplexd::protocol {

bool read_digits(number_type type, std::string_view text, std::uint64_t& raw) noexcept {
  if (text.size() > longest_digits) return false;
  const bool is_hex = type == number_type::hexnum;
  const bool below = !is_hex && text.starts_with('-');
  if (below || (!is_hex && text.starts_with('+'))) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, raw, is_hex ? 16 : 10);
  if (text.empty() || error != std::errc() || stop != end) return false;
  if (is_hex) return true;
  constexpr auto top = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (raw > top + (below ? 1 : 0)) return false;
  if (below && raw > 0) raw = ~raw + 1;
  return true;
}

std::string digits_of(number_type type, std::uint64_t raw, std::size_t width) {
  const bool is_hex = type == number_type::hexnum;
  const bool below = !is_hex && raw >> 63 != 0;
  char room[24];
  const auto made = std::to_chars(room, room + sizeof room, below ? ~raw + 1 : raw, is_hex ? 16 : 10);
  const auto count = static_cast<std::size_t>(made.ptr - room);
  std::string out(below ? 1 : 0, '-');
  out.append(width - std::min(width, count + out.size()), '0');
  return out.append(room, count);
}

}  // namespace duplexd::protocol
