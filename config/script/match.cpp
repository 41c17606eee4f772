#include "config/script/match.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/value/json_path.hpp"

namespace duplexd::config {

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 6> conditions{"$any", "$not", "$min", "$max", "$exists", "$starts"};

bool is_condition(const json& wanted) {
  return wanted.is_object() && !wanted.empty() && wanted.begin().key().starts_with('$');
}

bool fits(const json* found, const json& wanted);

bool holds(const json* found, std::string_view name, const json& argument) {
  if (name == "$exists") return (found != nullptr) == argument.get<bool>();
  if (name == "$not") return !fits(found, argument);
  if (found == nullptr) return false;
  if (name == "$any") return std::ranges::any_of(argument, [&](const json& one) { return fits(found, one); });
  if (name == "$starts")
    return found->is_string() &&
           found->get_ref<const std::string&>().starts_with(argument.get_ref<const std::string&>());
  if (!found->is_number()) return false;
  return name == "$min" ? *found >= argument : *found <= argument;
}

bool fits(const json* found, const json& wanted) {
  if (!is_condition(wanted)) return found != nullptr && *found == wanted;
  for (const auto& [name, argument] : wanted.items())
    if (!holds(found, name, argument)) return false;
  return true;
}

std::string argument_mistake(const std::string& name, const json& argument) {
  if (std::ranges::find(conditions, name) == conditions.end())
    return fmt::format("unknown condition '{}' (known: {})", name, fmt::join(conditions, ", "));
  if (argument.is_null()) return "";  // a reference: known later
  if (name == "$any" && !argument.is_array()) return "'$any' takes a list";
  if (name == "$exists" && !argument.is_boolean()) return "'$exists' takes true or false";
  if (name == "$starts" && !argument.is_string()) return "'$starts' takes a text";
  if ((name == "$min" || name == "$max") && !argument.is_number()) return "'" + name + "' takes a number";
  return "";
}

}  // namespace

bool matches(const json& data, const json& where) {
  if (!where.is_object()) return true;
  for (const auto& [path, wanted] : where.items())
    if (!fits(find_path(data, path), wanted)) return false;
  return true;
}

std::string mismatch(const json& data, const json& where) {
  if (!where.is_object()) return "";
  const auto shown = [](const json& value) {
    constexpr std::size_t longest = 60;
    std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() <= longest) return text;
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // whole characters
    return text.substr(0, end) + "…";
  };
  for (const auto& [path, wanted] : where.items()) {
    const json* found = find_path(data, path);
    if (fits(found, wanted)) continue;
    if (found == nullptr) return fmt::format("it has no {}", path);
    return fmt::format("its {} was {}, not {}", path, shown(*found), shown(wanted));
  }
  return "";
}

std::string condition_mistake(const json& where) {
  if (!where.is_object()) return "";
  for (const auto& [path, wanted] : where.items()) {
    if (!is_condition(wanted)) continue;
    for (const auto& [name, argument] : wanted.items())
      if (auto mistake = argument_mistake(name, argument); !mistake.empty()) return mistake;
  }
  return "";
}

}  // namespace duplexd::config
