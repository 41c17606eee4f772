// Functions, part: texts.
#include <fmt/format.h>

#include <algorithm>

#include "config/reference/functions.hpp"
#include "config/value/text_pattern.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using outcome = resolved<ordered_json>;

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

template <char (*change)(char)>
outcome each_letter(function_call& call) {
  std::string text = as_text(call.input);
  std::ranges::transform(text, text.begin(), change);
  return {std::move(text), ""};
}

outcome trim(function_call& call) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const std::string text = as_text(call.input);
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return {"", ""};
  return {text.substr(begin, text.find_last_not_of(blanks) + 1 - begin), ""};
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

std::string not_empty(std::span<const ordered_json* const> known) {
  const bool is_empty = !known.empty() && known[0] != nullptr && *known[0] == ordered_json("");
  return is_empty ? "the text to look for cannot be empty" : "";
}

outcome empty_part() {
  return {nullptr, "the text to look for cannot be empty"};
}

outcome too_large(std::uint64_t largest) {
  return {nullptr, fmt::format("the value would take more than {} bytes (limits.variables)", largest)};
}

outcome replace(function_call& call) {
  const std::string text = as_text(call.input);
  const std::string from = as_text(call.arguments[0]);
  const std::string to = as_text(call.arguments[1]);
  if (from.empty()) return empty_part();
  const std::size_t count = count_of(text, from);
  if (to.size() > from.size() && count > 0 && (to.size() - from.size()) > call.largest / count)
    return too_large(call.largest);
  std::string made;
  made.reserve(text.size() + count * to.size() - count * from.size());
  std::size_t begin = 0;
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, begin)) {
    made.append(text, begin, at - begin).append(to);
    begin = at + from.size();
  }
  made.append(text, begin);
  return {std::move(made), ""};
}

outcome split(function_call& call) {
  const std::string text = as_text(call.input);
  const std::string separator = as_text(call.arguments[0]);
  if (separator.empty()) return empty_part();
  if (count_of(text, separator) >= call.largest / sizeof(ordered_json)) return too_large(call.largest);
  ordered_json parts = ordered_json::array();
  std::size_t begin = 0;
  for (auto at = text.find(separator); at != std::string::npos; at = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.push_back(text.substr(begin));
  return {std::move(parts), ""};
}

/// The whole and its groups as a list, or the groups that have names as a map.
outcome match(function_call& call) {
  const std::string text = as_text(call.input);
  const auto found = call.pattern->find_in(text);
  if (!found) return {nullptr, ""};
  const auto value_of = [](const std::optional<std::string_view>& group) {
    return group ? ordered_json(*group) : ordered_json();
  };
  if (!call.pattern->has_names()) {
    ordered_json groups = ordered_json::array();
    for (const auto& group : *found) groups.push_back(value_of(group));
    return {std::move(groups), ""};
  }
  ordered_json named = ordered_json::object();
  const auto& names = call.pattern->names();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].empty()) named[names[i]] = value_of((*found)[i + 1]);
  return {std::move(named), ""};
}

}  // namespace

std::vector<function_info> text_functions() {
  using enum value_kinds;
  return {
      {"lower", "lower", scalar, text, {}, 0, each_letter<to_lower>},
      {"upper", "upper", scalar, text, {}, 0, each_letter<to_upper>},
      {"trim", "trim", scalar, text, {}, 0, trim},
      {"replace", "replace(OLD, NEW)", scalar, text, {scalar, scalar}, 2, replace, not_empty},
      {"split", "split(SEPARATOR)", scalar, list, {scalar}, 1, split, not_empty},
      {"match", "match('PATTERN')", scalar, list | map | null, {text}, 1, match},
  };
}

}  // namespace duplexd::config
