#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/output/event_table.hpp"
#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// Names as PostgreSQL takes them: 63 bytes, letters as they are.
[[nodiscard]] const name_rules& postgres_names();

/// What a column takes.
enum class column_kind : std::uint8_t {
  boolean,
  number,
  json,
  any  ///< texts, and types that somebody else has chosen: the server judges
};
/// By a type's name in PostgreSQL: "int8".
[[nodiscard]] column_kind kind_of(std::string_view type) noexcept;

/// The type of a column that is made for a value.
[[nodiscard]] std::string_view type_for(const nlohmann::ordered_json& value) noexcept;

/// Whether a column takes a value without a loss.
[[nodiscard]] bool takes(column_kind kind, const nlohmann::ordered_json& value) noexcept;

/// Whether the server refuses what it was given, and would do so each time; by SQLSTATE.
[[nodiscard]] bool is_refusal(std::string_view state) noexcept;

/// A table of the database, as far as it is known.
struct postgres_table {
  std::string name;
  event_table columns{postgres_names()};
  std::map<std::string, column_kind> kinds{};  ///< by column
};

/// A value that needs a column, of that type.
struct missing_column {
  std::string key;
  std::string_view type;
};
[[nodiscard]] std::vector<missing_column> missing_columns(const postgres_table& table,
                                                          const record_batch::record& event);

/// An event as a JSON map of column and value. What has no column, or one that does not take it, stands in
/// `_more`. `id`: empty for none.
[[nodiscard]] nlohmann::ordered_json row_of(const postgres_table& table, const record_batch::record& event,
                                            const std::string& id);

}  // namespace duplexd
