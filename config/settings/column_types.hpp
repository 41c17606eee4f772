#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

struct output_settings;
struct session_settings;

/// What a database's column holds unchanged.
enum class column_type : std::uint8_t {
  any,
  integer,  ///< of 64 bits with their sign
  real,     ///< a double
  text,
  blob  ///< bytes: nothing of ours
};

/// By table: columns, and what they hold. One that is not there may hold anything.
using table_columns = std::map<std::string, std::map<std::string, column_type>>;

/// The column of a reply that is not a map.
inline constexpr std::string_view whole_value_column = "value";

/// The columns that the tables of an SQLite output have by the layouts of the replies that sessions give it;
/// none for other types of outputs. What has several types, in one layout or in those of several sessions, is
/// not among them. Pure.
[[nodiscard]] table_columns columns_of(const output_settings& output,
                                       const std::vector<session_settings>& sessions);

}  // namespace duplexd::config
