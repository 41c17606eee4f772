#include "config/document/node_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_kind;

namespace {

/// The digits of an integer without sign and prefix, and what to read them with.
struct magnitude {
  std::string_view digits;
  int base = 10;
  bool negative = false;
};

magnitude split(std::string_view text) noexcept {
  magnitude parts;
  parts.negative = text.starts_with('-');
  if (parts.negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with("0x")) {
    parts.base = 16;
    text.remove_prefix(2);
  }
  parts.digits = text;
  return parts;
}

bool to_unsigned(const magnitude& parts, std::uint64_t& out) noexcept {
  const char* end = parts.digits.data() + parts.digits.size();
  const auto [stop, error] = std::from_chars(parts.digits.data(), end, out, parts.base);
  return error == std::errc{} && stop == end;
}

ordered_json number_to_json(const node& source, std::string* error) {
  std::int64_t small = 0;
  std::uint64_t large = 0;
  double real = 0;
  if (source.kind == node_kind::integer) {
    if (to_integer(source.text, small)) return small;
    const magnitude parts = split(source.text);
    if (!parts.negative && to_unsigned(parts, large)) return large;
  } else if (to_number(source.text, real)) {
    return real;
  }
  if (error != nullptr && error->empty())
    *error = fmt::format("JSON cannot hold the number {}: put it in quotes if a text is meant", source.text);
  return nullptr;
}

}  // namespace

bool to_integer(const std::string& text, std::int64_t& out) noexcept {
  const magnitude parts = split(text);
  std::uint64_t value = 0;
  if (!to_unsigned(parts, value)) return false;
  constexpr std::uint64_t limit = std::uint64_t{1} << 63;
  if (value > limit || (value == limit && !parts.negative)) return false;
  out = static_cast<std::int64_t>(parts.negative ? 0 - value : value);
  return true;
}

bool to_number(const std::string& text, double& out) noexcept {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return error == std::errc{} && stop == digits.data() + digits.size() && std::isfinite(out);
}

bool to_boolean(const std::string& text) noexcept {
  return text.starts_with('t') || text.starts_with('T');
}

ordered_json to_json(const node& source, const text_reader& read_text, std::string* error) {
  // The place is kept in one growing pointer: depth is bounded by the readers.
  json_pointer at;
  const std::function<ordered_json(const node&)> convert = [&](const node& from) -> ordered_json {
    switch (from.kind) {
      case node_kind::null:
        return nullptr;
      case node_kind::boolean:
        return to_boolean(from.text);
      case node_kind::integer:
      case node_kind::real:
        return number_to_json(from, error);
      case node_kind::text:
        return read_text(from.text, at);
      case node_kind::list: {
        ordered_json list = ordered_json::array();
        for (const node& item : from.items) {
          at.push_back(std::to_string(list.size()));
          list.push_back(convert(item));
          at.pop_back();
        }
        return list;
      }
      case node_kind::map: {
        ordered_json map = ordered_json::object();
        for (const protocol::node_entry& entry : from.entries) {
          at.push_back(entry.key);
          map.emplace(entry.key, convert(entry.value));
          at.pop_back();
        }
        return map;
      }
    }
    return nullptr;
  };
  return convert(source);
}

}  // namespace duplexd::config
