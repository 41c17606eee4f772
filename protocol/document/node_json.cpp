#include "protocol/document/node_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

std::string_view without_plus(std::string_view text) noexcept {
  return text.substr(text.starts_with('+') ? 1 : 0);
}

/// An integer that needs all 64 bits: it has no sign.
std::optional<std::uint64_t> to_unsigned(std::string_view text) noexcept {
  text = without_plus(text);
  const bool is_hex = text.starts_with("0x");
  if (is_hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

ordered_json number_to_json(const node& source, std::string* error) {
  if (source.kind == node_kind::integer) {
    if (const auto value = to_integer(source.text)) return *value;
    if (const auto value = to_unsigned(source.text)) return *value;
  } else if (const auto value = to_number(source.text)) {
    return *value;
  }
  if (error != nullptr && error->empty())
    *error = fmt::format("JSON cannot hold the number {}: put it in quotes if a text is meant", source.text);
  return source.text;
}

}  // namespace

std::optional<std::int64_t> to_integer(std::string_view text) noexcept {
  return parse_integer(without_plus(text));
}

std::optional<double> to_number(std::string_view text) noexcept {
  text = without_plus(text);
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool to_boolean(std::string_view text) noexcept {
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
        return read_text ? read_text(from.text, at) : ordered_json(from.text);
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
        for (const node_entry& entry : from.entries) {
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

bool same_json(const ordered_json& a, const ordered_json& b) {
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a.items()) {
      const auto other = b.find(key);
      if (other == b.end() || !same_json(value, *other)) return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!same_json(a[i], b[i])) return false;
    return true;
  }
  return a == b;
}

}  // namespace duplexd::protocol
