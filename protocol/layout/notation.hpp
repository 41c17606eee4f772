#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::protocol {

/// A piece of a line and where it starts in it, for messages that point at it.
struct piece {
  std::string text;
  std::size_t at = 0;
};

/// What stands in "(…)" or "[…]" after a type.
struct extent_notation {
  enum class kind : std::uint8_t { absent, expression, prefix, to_end, until };
  kind what = kind::absent;
  piece text;             ///< the expression, the prefix's type without ':', or the terminator's bytes
  std::int64_t most = 0;  ///< until: bytes in front of the terminator; 0: any number
  bool number = false;    ///< until: the terminator is a number of the element's type
};

/// One token of a layout line, taken apart but not yet understood. The grammar is in docs/layouts.md.
struct token {
  std::size_t at = 0;   ///< where the token starts in its line
  bool named = false;   ///< "name:type"; otherwise a struct group or a layout's name
  bool spread = false;  ///< "...name"
  piece name;
  char order = '\0';      ///< '<', '>', '=', '!' or '@' before the type; 0: the line's
  piece type;             ///< for unnamed tokens the whole group
  extent_notation size;   ///< "(…)"
  extent_notation count;  ///< "[…]"
  enum class value_kind : std::uint8_t { absent, constant, standard };
  value_kind value = value_kind::absent;  ///< "=…" and "?=…"
  bool value_is_text = false;             ///< it stood in quotes
  piece value_text;
  std::vector<piece> scales;  ///< "/100", "*1e-7", with their sign
  piece offset;               ///< "-40", "+273.15", with its sign; empty: none
  piece unit;                 ///< "s" of "@s"; empty: none

  [[nodiscard]] bool has_scale() const noexcept { return !scales.empty() || !offset.text.empty(); }
};

/// A line taken apart.
struct layout_line {
  char order = '\0';
  std::vector<token> tokens;
};

struct notation_fault {
  std::size_t at = 0;
  std::string message;
  std::string hint;
};

/// Takes a line apart. Linear in its length.
[[nodiscard]] std::optional<layout_line> parse_line(std::string_view text, notation_fault& fault);

/// Whether `name` can be a field's name: a letter or '_', then letters, digits and '_'.
/// What people try first ("u16", "int32", "double", "string") as this notation has it; other words as they
/// are.
[[nodiscard]] std::string_view canonical_type(std::string_view word) noexcept;

[[nodiscard]] bool is_field_name(std::string_view name) noexcept;

/// Whether the text is made of struct codes and counts only, such as "2i3x" or "bid".
[[nodiscard]] bool is_struct_group(std::string_view text) noexcept;

}  // namespace duplexd::protocol
