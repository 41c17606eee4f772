#include "config/reference/value_kinds.hpp"

#include <array>
#include <utility>

namespace duplexd::config {

using nlohmann::ordered_json;

value_kinds kind_of(const ordered_json& value) noexcept {
  if (value.is_null()) return value_kinds::null;
  if (value.is_boolean()) return value_kinds::boolean;
  if (value.is_number()) return value_kinds::number;
  if (value.is_string()) return value_kinds::text;
  if (value.is_binary()) return value_kinds::bytes;
  return value.is_array() ? value_kinds::list : value_kinds::map;
}

std::string in_words(value_kinds kinds) {
  static constexpr std::array<std::pair<value_kinds, std::string_view>, 7> words{{
      {value_kinds::text, "a text"},
      {value_kinds::bytes, "bytes"},
      {value_kinds::number, "a number"},
      {value_kinds::boolean, "true or false"},
      {value_kinds::list, "a list"},
      {value_kinds::map, "a map"},
      {value_kinds::null, "null"},
  }};
  std::string all;
  for (const auto& [kind, word] : words) {
    if (!overlap(kinds, kind) || (kind == value_kinds::bytes && !all.empty())) continue;
    if (!all.empty()) all += " or ";
    all += word;
  }
  return all;
}

std::string as_text(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_binary()) return {value.get_binary().begin(), value.get_binary().end()};
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json as_bytes(std::string_view bytes) {
  return ordered_json::binary(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
}

}  // namespace duplexd::config
