#include "daemon/output/sqlite_column.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdint>
#include <limits>
#include <string>

namespace duplexd {

using config::column_type;
using nlohmann::ordered_json;

namespace {

constexpr std::int64_t largest_exact = std::int64_t{1} << 53;  // every integer up to it is a double

bool is_beyond_sqlite(const ordered_json& value) noexcept {
  return value.is_number_unsigned() &&
         value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

bool is_exact_double(const ordered_json& value) noexcept {
  if (value.is_number_float()) return true;
  if (!value.is_number_integer() || is_beyond_sqlite(value)) return false;
  const auto number = value.get<std::int64_t>();
  return number >= -largest_exact && number <= largest_exact;
}

}  // namespace

std::string_view sql_type(column_type type) noexcept {
  switch (type) {
    case column_type::integer:
      return "INTEGER";
    case column_type::real:
      return "REAL";
    case column_type::text:
      return "TEXT";
    case column_type::blob:
      return "BLOB";
    case column_type::any:
      break;
  }
  return "ANY";
}

column_type declared_type(std::string_view type) noexcept {
  const auto is = [&](const char* name) {
    return sqlite3_strnicmp(type.data(), name, static_cast<int>(type.size())) == 0 && name[type.size()] == 0;
  };
  if (type.size() > std::string_view("INTEGER").size()) return column_type::any;
  if (is("INT") || is("INTEGER")) return column_type::integer;
  if (is("REAL")) return column_type::real;
  if (is("TEXT")) return column_type::text;
  return is("BLOB") ? column_type::blob : column_type::any;
}

bool can_hold(column_type type, const ordered_json& value) noexcept {
  if (value.is_null()) return true;
  switch (type) {
    case column_type::integer:
      return value.is_boolean() || (value.is_number_integer() && !is_beyond_sqlite(value));
    case column_type::real:
      return is_exact_double(value);
    case column_type::text:
      return value.is_string() || value.is_structured();
    case column_type::blob:
      return false;
    case column_type::any:
      break;
  }
  return true;
}

int bind_text(sqlite3_stmt* to, int place, std::string_view text) {
  return sqlite3_bind_text64(to, place, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

int bind_value(sqlite3_stmt* to, int place, const ordered_json& value) {
  if (value.is_null()) return sqlite3_bind_null(to, place);
  if (value.is_boolean()) return sqlite3_bind_int64(to, place, value.get<bool>() ? 1 : 0);
  if (is_beyond_sqlite(value)) return bind_text(to, place, fmt::format("{}", value.get<std::uint64_t>()));
  if (value.is_number_integer()) return sqlite3_bind_int64(to, place, value.get<std::int64_t>());
  if (value.is_number()) return sqlite3_bind_double(to, place, value.get<double>());
  if (value.is_string()) return bind_text(to, place, value.get_ref<const std::string&>());
  return bind_text(to, place, value.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace duplexd
