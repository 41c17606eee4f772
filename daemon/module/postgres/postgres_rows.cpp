#include "daemon/module/postgres/postgres_rows.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace duplexd {

using nlohmann::ordered_json;

namespace {

constexpr std::string_view json_type = "jsonb";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) noexcept {
  return std::ranges::find(words, text) != words.end();
}

// As layouts print them, and as PostgreSQL does; it reads both.
bool is_no_finite_number(std::string_view text) noexcept {
  return is_one_of(text, {"nan", "inf", "-inf", "NaN", "Infinity", "-Infinity"});
}

}  // namespace

const name_rules& postgres_names() {
  static const name_rules rules{.longest = 63,
                                .reserved = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}};
  return rules;
}

column_kind kind_of(std::string_view type) noexcept {
  if (type == "bool") return column_kind::boolean;
  if (is_one_of(type, {"int2", "int4", "int8", "numeric", "float4", "float8"})) return column_kind::number;
  if (is_one_of(type, {"json", "jsonb"})) return column_kind::json;
  return column_kind::any;
}

std::string_view type_for(const ordered_json& value) noexcept {
  if (value.is_boolean()) return "boolean";
  if (value.is_number()) return "numeric";
  if (value.is_string()) return "text";
  return json_type;
}

bool takes(column_kind kind, const ordered_json& value) noexcept {
  if (value.is_null()) return true;
  switch (kind) {
    case column_kind::boolean:
      return value.is_boolean();
    case column_kind::number:
      return value.is_number() ||
             (value.is_string() && is_no_finite_number(value.get_ref<const std::string&>()));
    case column_kind::json:
    case column_kind::any:
      return true;
  }
  return true;
}

// Data exceptions, constraints, check options, limits of a row, RAISE in a trigger.
bool is_refusal(std::string_view state) noexcept {
  return is_one_of(state.substr(0, 2), {"22", "23", "44", "54", "P0"}) ||
         is_one_of(state, {"42804", "42846"});
}

std::vector<missing_column> missing_columns(const postgres_table& table, const record_batch::record& event) {
  std::vector<missing_column> found;
  const std::string more{event_table::more_column};
  bool needs_more = false;
  std::set<std::size_t> places;
  const auto values = event_table::values_of(event);
  // A later run finds a column that was made for the key, and may be another key's.
  const auto shares = [&](const std::string& column) {
    const auto place = table.columns.find(column);
    return place && !places.insert(*place).second;
  };
  for (const auto& [key, value] : values.items()) {
    if (const auto place = table.columns.find(key); place && key != more) {
      const std::string& column = table.columns.columns()[*place];
      needs_more |= (!value.is_null() && shares(column)) || !takes(table.kinds.at(column), value);
    } else if (key == more || !table.columns.takes(key, found.size())) {
      needs_more = true;
    } else if (!value.is_null()) {
      needs_more |= shares(table.columns.name_for(key));
      found.push_back({key, type_for(value)});
    }
  }
  if (needs_more && !table.columns.find(more)) found.push_back({more, json_type});
  return found;
}

ordered_json row_of(const postgres_table& table, const record_batch::record& event, const std::string& id) {
  ordered_json row{{event_table::time_column, event.time}, {event_table::session_column, event.session}};
  if (!id.empty()) row[std::string(event_table::id_column)] = id;
  const std::string more_column{event_table::more_column};
  ordered_json more = ordered_json::object();
  const auto values = event_table::values_of(event);
  for (const auto& [key, value] : values.items()) {
    if (value.is_null()) continue;
    const auto place = table.columns.find(key);
    const std::string column = place && key != more_column ? table.columns.columns()[*place] : "";
    if (!column.empty() && !row.contains(column) && takes(table.kinds.at(column), value))
      row[column] = value;
    else
      more[key] = value;
  }
  if (const auto place = table.columns.find(more_column); place && !more.empty())
    row[table.columns.columns()[*place]] = std::move(more);
  return row;
}

}  // namespace duplexd
