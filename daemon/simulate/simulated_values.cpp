#include "daemon/simulate/simulated_values.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/script/match.hpp"
#include "config/value/json_path.hpp"

namespace duplexd::net {

using nlohmann::ordered_json;

namespace {

constexpr std::size_t longest_made_list = 1000;

std::optional<std::size_t> index_in(std::string_view part) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool is_index = error == std::errc{} && end == part.data() + part.size() && index < longest_made_list;
  return is_index ? std::optional(index) : std::nullopt;
}

void fill_slots(ordered_json& values) {
  if (values.is_null()) values = 1;
  if (values.is_structured())
    for (ordered_json& each : values) fill_slots(each);
}

ordered_json other_than(const ordered_json& value) {
  if (value.is_number()) return value.get<double>() + 1;
  if (value.is_boolean()) return !value.get<bool>();
  return value == "other" ? "another" : "other";
}

}  // namespace

void set_at(ordered_json& target, std::string_view path, const ordered_json& value) {
  ordered_json* at = &target;
  for (;;) {
    const auto dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    const auto index = index_in(part);
    if (index && !at->is_array() && at->empty()) *at = ordered_json::array();
    if (index && at->is_array()) {
      while (at->size() <= *index) at->push_back(at->empty() ? ordered_json(0) : at->back());
      at = &(*at)[*index];
    } else {
      if (!at->is_object()) *at = ordered_json::object();
      at = &(*at)[std::string(part)];
    }
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *at = value;
}

std::vector<ordered_json> starting_values(const protocol::message_type& type) {
  std::vector<ordered_json> all;
  for (const protocol::message_example& each : type.examples) all.push_back(each.values);
  if (!all.empty()) return all;
  fill_slots(all.emplace_back(example_values(type)));
  return all;
}

void meet(ordered_json& values, const std::string& path, const ordered_json& wanted) {
  if (config::matches(values, {{path, wanted}})) return;
  if (path == "$or" && wanted.is_array() && !wanted.empty() && wanted.front().is_object()) {
    for (const auto& [inner, value] : wanted.front().items()) meet(values, inner, value);
    return;
  }
  const bool is_condition = wanted.is_object() && !wanted.empty() && wanted.begin().key().starts_with('$');
  if (!is_condition) return set_at(values, path, wanted);
  const ordered_json* found = config::find_path(values, path);
  if (wanted.contains("$any") && !wanted["$any"].empty()) set_at(values, path, wanted["$any"].front());
  if (const auto part = wanted.find("$contains");
      part != wanted.end() && found != nullptr && found->is_array()) {
    ordered_json with_it = *found;
    with_it.push_back(*part);
    return set_at(values, path, with_it);
  }
  for (const char* as_given : {"$min", "$max", "$starts", "$ends", "$contains"})
    if (wanted.contains(as_given)) set_at(values, path, wanted[as_given]);
  if (wanted.contains("$not") && found != nullptr) set_at(values, path, other_than(*found));
  if (wanted.contains("$exists") && wanted["$exists"] == true && found == nullptr) set_at(values, path, 1);
}

void fill_from(ordered_json& wanted, const ordered_json& found) {
  if (wanted.is_null()) wanted = found;
  if (wanted.is_object() && found.is_object()) {
    for (auto& [key, value] : wanted.items())
      if (const auto at = found.find(key); at != found.end()) fill_from(value, *at);
  } else if (wanted.is_array() && found.is_array()) {
    for (std::size_t i = 0; i < std::min(wanted.size(), found.size()); ++i) fill_from(wanted[i], found[i]);
  }
}

bool equal_json(const ordered_json& found, const ordered_json& wanted, bool null_is_any) {
  if (null_is_any && wanted.is_null()) return true;
  if (wanted.is_object() && found.is_object()) {
    return wanted.size() == found.size() &&
           std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& entry) {
             const auto at = found.find(entry.key());
             return at != found.end() && equal_json(*at, entry.value(), null_is_any);
           });
  }
  if (wanted.is_array() && found.is_array()) {
    return std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(),
                      [&](const auto& w, const auto& f) { return equal_json(f, w, null_is_any); });
  }
  return found == wanted;
}

}  // namespace duplexd::net
