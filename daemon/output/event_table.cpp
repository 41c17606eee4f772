#include "daemon/output/event_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "config/settings/column_types.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd {

using nlohmann::ordered_json;

namespace {

std::string folded_ascii(std::string_view name) {
  std::string made{name};
  std::ranges::transform(made, made.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return made;
}

// At most so many bytes, and no half character (UTF-8).
std::string cut(std::string name, std::size_t longest) {
  if (name.size() <= longest) return name;
  while (longest > 0 && (static_cast<unsigned char>(name[longest]) & 0xc0u) == 0x80u) --longest;
  name.resize(longest);
  return name;
}

// FNV-1a.
std::uint32_t hash(std::string_view text) noexcept {
  std::uint32_t made = 0x811c9dc5u;
  for (const char c : text) made = (made ^ static_cast<unsigned char>(c)) * 0x01000193u;
  return made;
}

// `name` with so many underscores behind it. One that a database cannot have gets a hash, so that it is the
// same in each run and no other's.
std::string allowed(const std::string& name, std::size_t underscores, const name_rules& rules) {
  std::string made = name + std::string(underscores, '_');
  const bool is_there = rules.allows_empty || !made.empty();
  if (is_there && made.size() <= rules.longest && made.find('\0') == std::string::npos) return made;
  const std::string end = fmt::format("_{:08x}", hash(made));
  std::string start = cut(made, rules.longest - end.size());
  std::ranges::replace(start, '\0', '_');
  return start + end;
}

}  // namespace

event_table::event_table(const name_rules& rules) : rules_(rules) {
  for (const auto reserved : rules_.reserved) taken_.emplace(reserved);
}

std::string event_table::folded(std::string_view name) const {
  return rules_.folds_case ? folded_ascii(name) : std::string(name);
}

void event_table::add(const std::string& column) {
  const bool is_own = column == id_column || column == time_column || column == session_column;
  if (!is_own) places_[column] = columns_.size();
  columns_.push_back(column);
  taken_.insert(folded(column));
}

std::optional<std::size_t> event_table::find(const std::string& key) const {
  const auto known = places_.find(key);
  return known == places_.end() ? std::nullopt : std::optional(known->second);
}

// A key that is taken by a column of another one, or by one of ours, gets underscores.
std::string event_table::name_for(const std::string& key) const {
  std::string column = allowed(key, 0, rules_);
  for (std::size_t more = 1; taken_.contains(folded(column)); ++more) {
    if (column != key && has(column)) return column;  // made for it in an earlier run
    column = allowed(key, more, rules_);
  }
  return column;
}

void event_table::assign(const std::string& key, const std::string& column) {
  const auto known = std::ranges::find(columns_, column);
  places_[key] = static_cast<std::size_t>(known - columns_.begin());
  if (known != columns_.end()) return;
  columns_.push_back(column);
  taken_.insert(folded(column));
}

bool event_table::has(std::string_view column) const {
  return std::ranges::find(columns_, column) != columns_.end();
}

std::string event_table::name_of(const record_batch::record& event, const name_rules& rules) {
  const bool is_reply = event.what == session_event::kind::reply;
  const std::string name = allowed(std::string(is_reply ? event.name : other_events), 0, rules);
  return (rules.folds_case ? folded_ascii(name) : name) == places ? name + '_' : name;
}

std::string event_table::table_for(const std::string& reply, bool has_own, bool has_other) {
  const std::string name = folded_ascii(reply);
  if (name == places) return reply + '_';
  const bool is_of_sqlite = name.starts_with("sqlite_");
  const bool is_ours = name == other_events || name == std::string(places) + '_';
  if (!is_ours && !is_of_sqlite && (has_own || !has_other)) return reply;
  return fmt::format("{}{}_{:08x}", is_of_sqlite ? "_" : "", reply, hash(reply));
}

ordered_json event_table::values_of(const record_batch::record& event) {
  ordered_json values = protocol::json_tree(event.text);
  const bool is_reply = event.what == session_event::kind::reply;
  if (!values.is_object() || !is_reply)
    values = {{is_reply ? config::whole_value_column : "event", std::move(values)}};
  return values;
}

std::string sql_name(std::string_view name) {
  std::string made{'"'};
  for (const char c : name) {
    if (c == '"') made += '"';
    made += c == '\0' ? '_' : c;
  }
  made += '"';
  return made;
}

}  // namespace duplexd
