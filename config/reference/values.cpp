// Functions, part: numbers, JSON, lists and maps.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "config/reference/arithmetic.hpp"
#include "config/reference/functions.hpp"
#include "config/value/json_path.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using outcome = resolved<ordered_json>;

outcome parsed(const std::string& text, std::size_t depth, bool is_number) {
  ordered_json value;
  const auto wrong = protocol::parse_json(text, value, depth);
  if (wrong && wrong->too_deep)
    return {nullptr, fmt::format("nested more than {} deep (limits.json_depth)", depth)};
  const auto large = is_number && value.is_string() ? protocol::large_number(text) : std::nullopt;
  if (large && std::isfinite(*large)) value = *large;
  if (wrong || (is_number && !value.is_number()))
    return {nullptr, is_number ? "the text is not a number" : "the text is not JSON"};
  return {std::move(value), ""};
}

outcome number(function_call& call) {
  return parsed(as_text(call.input), call.json_depth, true);
}

outcome json(function_call& call) {
  return parsed(as_text(call.input), call.json_depth, false);
}

outcome to_json(function_call& call) {
  std::string text;
  if (!protocol::append_json(text, call.input, protocol::json_style::compact))
    return {nullptr, "the value is not valid UTF-8"};
  return {std::move(text), ""};
}

outcome integer(function_call& call) {
  if (call.input.is_number()) return truncated(call.input);
  const auto value = parsed(as_text(call.input), call.json_depth, true);
  return value ? truncated(value.value) : value;
}

constexpr std::int64_t most_decimals = 15;

std::string check_decimals(std::span<const ordered_json* const> known) {
  if (known.empty() || known[0] == nullptr) return "";
  const bool good = known[0]->is_number_integer() && *known[0] >= 0 && *known[0] <= most_decimals;
  return good ? "" : "numbers are rounded to 0 to 15 decimals";
}

outcome round(function_call& call) {
  if (call.arguments.empty()) return rounded(call.input, 0);
  const ordered_json* first = &call.arguments[0];
  if (std::string mistake = check_decimals({&first, 1}); !mistake.empty())
    return {nullptr, std::move(mistake)};
  return rounded(call.input, call.arguments[0].get<unsigned>());
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !continues_character(c); }));
}

std::size_t length_of(const ordered_json& value) {
  if (value.is_binary()) return value.get_binary().size();
  if (value.is_structured()) return value.size();
  return characters(as_text(value));
}

outcome length(function_call& call) {
  return {length_of(call.input), ""};
}

std::string check_places(std::span<const ordered_json* const> known) {
  const bool good = std::ranges::all_of(known, [](const ordered_json* place) {
    return place == nullptr ||
           (place->is_number_integer() && *place <= std::numeric_limits<std::int64_t>::max());
  });
  return good ? "" : "places are integers";
}

/// Where a place is, counted from the beginning; negative ones are counted from the end.
std::size_t place_of(const ordered_json& place, std::size_t length) {
  const auto size = static_cast<std::int64_t>(length);
  std::int64_t at = place.get<std::int64_t>();
  if (at < 0) at = std::max<std::int64_t>(at, -size) + size;
  return static_cast<std::size_t>(std::min(at, size));
}

/// The bytes before the character with this number.
std::size_t offset_of(std::string_view text, std::size_t character) {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if (!continues_character(text[at]) && character-- == 0) break;
  return at;
}

outcome slice(function_call& call) {
  std::vector<const ordered_json*> places;
  for (const ordered_json& each : call.arguments) places.push_back(&each);
  if (std::string mistake = check_places(places); !mistake.empty()) return {nullptr, std::move(mistake)};
  const std::size_t size = length_of(call.input);
  const std::size_t begin = place_of(call.arguments[0], size);
  const std::size_t end =
      std::max(begin, call.arguments.size() > 1 ? place_of(call.arguments[1], size) : size);
  if (call.input.is_array()) {
    const auto from = call.input.begin();
    const auto at = [&](std::size_t place) { return from + static_cast<std::ptrdiff_t>(place); };
    ordered_json part = ordered_json::array();
    for (auto each = at(begin); each != at(end); ++each) part.push_back(std::move(*each));
    return {std::move(part), ""};
  }
  const std::string text = as_text(call.input);
  if (call.input.is_binary()) return {as_bytes(std::string_view(text).substr(begin, end - begin)), ""};
  const std::size_t first = offset_of(text, begin);
  return {text.substr(first, offset_of(text, end) - first), ""};
}

outcome contains(function_call& call) {
  const ordered_json& part = call.arguments[0];
  if (call.input.is_array()) return {std::ranges::find(call.input, part) != call.input.end(), ""};
  if (call.input.is_object()) return {call.input.contains(as_text(part)), ""};
  return {as_text(call.input).find(as_text(part)) != std::string::npos, ""};
}

outcome find(function_call& call) {
  const std::string field = as_text(call.arguments[0]);
  for (ordered_json& each : call.input) {
    const ordered_json* value = find_path(each, field);
    if (value != nullptr && *value == call.arguments[1]) return {std::move(each), ""};
  }
  return {nullptr, ""};
}

outcome keys(function_call& call) {
  ordered_json names = ordered_json::array();
  for (const auto& [name, value] : call.input.items()) names.push_back(name);
  return {std::move(names), ""};
}

outcome values(function_call& call) {
  ordered_json all = ordered_json::array();
  for (auto& [name, value] : call.input.items()) all.push_back(std::move(value));
  return {std::move(all), ""};
}

outcome join(function_call& call) {
  const std::string separator = as_text(call.arguments[0]);
  if (separator.size() > call.largest / std::max<std::size_t>(call.input.size(), 1))
    return {nullptr, fmt::format("the value would take more than {} bytes (limits.variables)", call.largest)};
  std::string text;
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    if (i > 0) text += separator;
    text += as_text(call.input[i]);
  }
  return {std::move(text), ""};
}

const ordered_json* field_of(const ordered_json& in, const ordered_json& path) {
  if (!path.is_number()) return find_path(in, as_text(path));
  if (!in.is_array() || !path.is_number_integer()) return nullptr;
  std::int64_t at = path.get<std::int64_t>();
  if (at < 0) at += static_cast<std::int64_t>(in.size());
  const bool is_inside = at >= 0 && static_cast<std::uint64_t>(at) < in.size();
  return is_inside ? &in[static_cast<std::size_t>(at)] : nullptr;
}

outcome get(function_call& call) {
  const ordered_json* found = field_of(call.input, call.arguments[0]);
  if (found != nullptr) return {*found, ""};
  if (call.arguments.size() > 1) return {std::move(call.arguments[1]), ""};
  return {nullptr,
          fmt::format("there is no '{}' in {}", as_text(call.arguments[0]), in_words(kind_of(call.input)))};
}

outcome otherwise(function_call& call) {
  return {std::move(call.input.is_null() ? call.arguments[0] : call.input), ""};
}

}  // namespace

std::vector<function_info> value_functions() {
  using k = value_kinds;
  constexpr auto index = k::text | k::number;
  return {
      {"number", "number", k::scalar, k::number, {}, 0, number},
      {"int", "int", k::text | k::bytes | k::number, k::number, {}, 0, integer},
      {"round", "round(DECIMALS)", k::number, k::number, {k::number}, 0, round, check_decimals},
      {"json", "json", k::any, k::any, {}, 0, json},
      {"to_json", "to_json", k::any, k::text, {}, 0, to_json},
      {"length", "length", k::scalar | k::list | k::map, k::number, {}, 0, length},
      {"slice",
       "slice(FROM, TO)",
       k::scalar | k::list,
       k::text | k::bytes | k::list,
       {k::number, k::number},
       1,
       slice,
       check_places},
      {"contains", "contains(PART)", k::scalar | k::list | k::map, k::boolean, {k::any}, 1, contains},
      {"join", "join(SEPARATOR)", k::list, k::text, {k::scalar}, 1, join},
      {"find", "find(FIELD, VALUE)", k::list, k::any, {index, k::any}, 2, find},
      {"get", "get(PATH, OTHERWISE)", k::list | k::map | k::null, k::any, {index, k::any}, 1, get},
      {"keys", "keys", k::map, k::list, {}, 0, keys},
      {"values", "values", k::map, k::list, {}, 0, values},
      {"default", "default(VALUE)", k::any, k::any, {k::any}, 1, otherwise},
  };
}

}  // namespace duplexd::config
