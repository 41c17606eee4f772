#include "config/fields/field.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::node;
using protocol::node_entry;
using protocol::node_kind;

field&& field::required() && {
  is_required = true;
  fallback = nullptr;  // the member's first value is none that it can have
  return std::move(*this);
}

field&& field::merged() && {
  is_merged = true;
  return std::move(*this);
}

field&& field::map_only() && {
  is_map_only = true;
  type.name = "map";
  type.schema = {{"type", "object"}};
  return std::move(*this);
}

field&& field::apart() && {
  is_apart = true;
  return std::move(*this);
}

field&& field::example(nlohmann::ordered_json value) && {
  sample = std::move(value);
  return std::move(*this);
}

field&& field::only_beside(std::vector<std::string> names) && {
  beside = std::move(names);
  return std::move(*this);
}

field&& field::of_type(value_type replacement) && {
  type = std::move(replacement);
  return std::move(*this);
}

field&& field::changed(change_rule rule) && {
  on_change = rule;
  return std::move(*this);
}

field&& field::range(double least, double greatest, std::string text) && {
  minimum = least;
  maximum = greatest;
  range_text = std::move(text);
  return std::move(*this);
}

const field* section::find(std::string_view name) const noexcept {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string> section::names() const {
  std::vector<std::string> result;
  result.reserve(fields.size());
  for (const field& each : fields) result.push_back(each.name);
  return result;
}

std::string expected(std::string_view wanted, const node& found) {
  return fmt::format("expected {}, found {}", wanted, describe(found.kind));
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string shown(text.substr(0, longest));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  while (text.size() > longest && !shown.empty() && (static_cast<unsigned char>(shown.back()) & 0x80u) != 0)
    shown.pop_back();  // no half characters
  return fmt::format("'{}{}'", shown, text.size() > longest ? "…" : "");
}

namespace {

/// A value that is not there: `key:` is a slip, `key: ~` asks for what is built in.
bool is_absent(const value_at& at, reading& in) {
  if (at.value.kind != node_kind::null) return false;
  if (at.value.text.empty()) at.complain(in, "the value is missing", "use ~ for the built-in default");
  return true;
}

void check_beside(const field& rule, const node& map, const value_at& at, protocol::position key,
                  reading& in) {
  if (rule.beside.empty()) return;
  const bool found = std::any_of(rule.beside.begin(), rule.beside.end(),
                                 [&](const std::string& name) { return map.find(name) != nullptr; });
  if (!found)
    in.mistakes.push_back(
        {key, at.path,
         fmt::format("'{}' is only allowed with '{}'", rule.name, fmt::join(rule.beside, "' or '")), ""});
}

void check_exactly_one(const section& fields, const value_at& from, protocol::position where, reading& in) {
  if (fields.exactly_one.empty()) return;
  std::vector<std::string> found;
  for (const std::string& name : fields.exactly_one)
    if (const node* value = from.value.find(name);
        value != nullptr && (value->kind != node_kind::null || value->text.empty())) {
      found.push_back(name);
      if (found.size() > 1) where = value->where;
    }
  if (found.size() == 1) return;
  const std::string what = found.empty()
                               ? "a required field is missing"
                               : fmt::format("'{}' cannot be used together", fmt::join(found, "' and '"));
  in.mistakes.push_back(
      {where, from.path, what, fmt::format("give one of: {}", fmt::join(fields.exactly_one, ", "))});
}

}  // namespace

void read_section(const section& fields, const value_at& from, protocol::position where, void* object,
                  reading& in) {
  if (from.value.kind != node_kind::map) {
    from.complain(in, expected("a map", from.value),
                  fmt::format("fields: {}", fmt::join(fields.names(), ", ")));
    return;
  }
  for (const node_entry& entry : from.value.entries) {
    const value_at at = from.entry(entry);
    const field* known = fields.find(entry.key);
    if (known == nullptr && fields.has_extensions && entry.key.starts_with("x-")) continue;
    if (known == nullptr) {
      std::string hint = protocol::suggest_or_list(entry.key, fields.names());
      const auto strange =
          std::ranges::find_if(entry.key, [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
      if (strange != entry.key.end())
        hint += fmt::format("{}it has a character here that is not ASCII", hint.empty() ? "" : "; ");
      in.mistakes.push_back(
          {entry.where, at.path, fmt::format("unknown field {}", in_quotes(entry.key)), hint});
      continue;
    }
    check_beside(*known, from.value, at, entry.where, in);
    if (!is_absent(at, in)) known->read(*known, at, object, in);
  }
  for (const field& each : fields.fields) {
    const node* value = from.value.find(each.name);
    if (each.is_required && (value == nullptr || (value->kind == node_kind::null && !value->text.empty())))
      in.mistakes.push_back({where, from.path, fmt::format("the field '{}' is missing", each.name), ""});
  }
  check_exactly_one(fields, from, where, in);
}

}  // namespace duplexd::config
