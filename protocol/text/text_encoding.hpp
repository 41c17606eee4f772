#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/text/frame.hpp"
#include "protocol/text/number_type.hpp"

namespace duplexd::protocol {

/// A time's unit on the wire.
enum class time_unit : std::uint8_t { s, ms, us, ns };

/// Appends an integer's digits.
void append_integer(std::string& out, std::int64_t value);
void append_natural(std::string& out, std::uint64_t value);

/// Appends `mantissa / 10^places` exactly, without trailing zeros: (39295, 2) is "392.95", (42000, 2) is
/// "420".
void append_decimal(std::string& out, int128 mantissa, unsigned places);

/// Appends the shortest text that reads back as the same double, in Python's spelling ("1.0", "1e+16"). NaN
/// and infinities, which JSON cannot say, are the JSON texts "nan", "inf" and "-inf".
void append_real(std::string& out, double value);

/// Appends a JSON string. Bytes that are not UTF-8 must not come here.
void append_quoted(std::string& out, std::string_view text);
/// The same with every character above ASCII as \u escapes, as Python's json.dumps writes.
void append_quoted_ascii(std::string& out, std::string_view text);

void append_hex(std::string& out, bytes_view bytes);
void append_base64(std::string& out, bytes_view bytes);

/// Bytes of hex digits (either case, no separators), or of base64 with its padding; nothing if malformed.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view text);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> parse_base64(std::string_view text);

/// Appends RFC 3339 in UTC, with as many decimals as the unit has ("2022-06-16T10:27:44Z"); false, and
/// nothing appended, if the year is not in 1 to 9999.
[[nodiscard]] bool append_time(std::string& out, std::int64_t count, time_unit unit);

/// The inverse; accepts any number of decimals that the unit can hold, and offsets other than Z.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text, time_unit unit);

/// The place of the first byte that is not well-formed UTF-8 (RFC 3629); the size if all is well.
[[nodiscard]] std::size_t find_bad_utf8(std::string_view text) noexcept;

/// "12", "0x1f", "-3" …: a whole text as an integer; nothing if it is none or does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;

}  // namespace duplexd::protocol
