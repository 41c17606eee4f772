#include "config/script/match.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>

#include "config/value/json_path.hpp"
#include "config/value/text_pattern.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd::config {

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 9> conditions{"$any",    "$not",  "$min",      "$max",  "$exists",
                                                     "$starts", "$ends", "$contains", "$match"};
constexpr std::string_view alternatives = "$or";

bool is_condition(const json& wanted) {
  return wanted.is_object() && !wanted.empty() && wanted.begin().key().starts_with('$');
}

/// The pattern, compiled once. They stand in the configuration; should a reference give conditions, too, then
/// the number of patterns is bounded all the same.
const text_pattern* pattern_of(const std::string& text) {
  constexpr std::size_t most = 1'000;
  static thread_local std::map<std::string, std::shared_ptr<const text_pattern>, std::less<>> known;
  if (const auto found = known.find(text); found != known.end()) return found->second.get();
  if (known.size() >= most) known.clear();
  std::string error;
  return known.emplace(text, text_pattern::parse(text, error)).first->second.get();
}

bool fits(const json* found, const json& wanted);

bool is_about_texts(std::string_view name) {
  return name == "$starts" || name == "$ends" || name == "$match";
}

bool holds_for_text(const std::string& text, std::string_view name, const std::string& part) {
  if (name == "$starts") return text.starts_with(part);
  if (name == "$ends") return text.ends_with(part);
  if (name == "$contains") return text.find(part) != std::string::npos;
  const text_pattern* pattern = pattern_of(part);
  return pattern != nullptr && pattern->is_in(text);
}

bool holds_for_number(const json& found, std::string_view name, const json& argument) {
  return name == "$min" ? found >= argument : found <= argument;
}

bool holds(const json* found, std::string_view name, const json& argument) {
  if (name == "$exists") return argument.is_boolean() && (found != nullptr) == argument.get<bool>();
  if (name == "$not") return !fits(found, argument);
  if (found == nullptr) return false;
  if (name == "$any")
    return argument.is_array() &&
           std::ranges::any_of(argument, [&](const json& one) { return fits(found, one); });
  if (name == "$contains" && found->is_array())
    return std::ranges::any_of(*found, [&](const json& one) { return fits(&one, argument); });
  if (is_about_texts(name) || name == "$contains")
    return found->is_string() && argument.is_string() &&
           holds_for_text(found->get_ref<const std::string&>(), name, argument.get_ref<const std::string&>());
  if (!argument.is_number()) return false;
  if (found->is_string())
    if (const auto large = protocol::large_number(found->get_ref<const std::string&>()))
      return holds_for_number(*large, name, argument);
  return found->is_number() && holds_for_number(*found, name, argument);
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
  if (name == "$match") {
    std::string error = "'$match' takes a pattern, which cannot have references";
    const bool good =
        argument.is_string() && text_pattern::parse(argument.get_ref<const std::string&>(), error);
    return good ? "" : error;
  }
  if (argument.is_null()) return "";  // a reference: known later
  if (name == "$any" && !argument.is_array()) return "'$any' takes a list";
  if (name == "$exists" && !argument.is_boolean()) return "'$exists' takes true or false";
  if (is_about_texts(name) && !argument.is_string()) return fmt::format("'{}' takes a text", name);
  if ((name == "$min" || name == "$max") && !argument.is_number()) return "'" + name + "' takes a number";
  return "";
}

bool matches_any(const json& data, const json& list) {
  return list.is_array() &&
         std::ranges::any_of(list, [&](const json& one) { return one.is_object() && matches(data, one); });
}

}  // namespace

bool matches(const json& data, const json& where) {
  if (!where.is_object()) return true;
  for (const auto& [path, wanted] : where.items())
    if (path == alternatives ? !matches_any(data, wanted) : !fits(find_path(data, path), wanted))
      return false;
  return true;
}

void for_each_condition(const json& where,
                        const std::function<void(const std::string& path, const json& wanted)>& visit) {
  if (!where.is_object()) return;
  for (const auto& [path, wanted] : where.items()) {
    if (path != alternatives || !wanted.is_array())
      visit(path, wanted);
    else
      for (const json& one : wanted) for_each_condition(one, visit);
  }
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
    if (path == alternatives) {
      if (!matches_any(data, wanted)) return fmt::format("it was none of {}", shown(wanted));
      continue;
    }
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
    if (path == alternatives) {
      const bool good =
          wanted.is_array() && !wanted.empty() &&
          std::ranges::all_of(wanted, [](const json& one) { return one.is_object() && !one.empty(); });
      if (!good) return "'$or' takes a list of maps, each of paths and values";
      for (const json& one : wanted)
        if (auto mistake = condition_mistake(one); !mistake.empty()) return mistake;
      continue;
    }
    if (!is_condition(wanted)) continue;
    for (const auto& [name, argument] : wanted.items())
      if (auto mistake = argument_mistake(name, argument); !mistake.empty()) return mistake;
  }
  return "";
}

}  // namespace duplexd::config
