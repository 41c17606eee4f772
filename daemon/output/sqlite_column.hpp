#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "config/settings/column_types.hpp"

struct sqlite3_stmt;

namespace duplexd {

/// How a type is written in SQL.
[[nodiscard]] std::string_view sql_type(config::column_type type) noexcept;

/// What a column of a STRICT table holds that was declared with this type, in capital or small letters.
[[nodiscard]] config::column_type declared_type(std::string_view type) noexcept;

/// Whether a column of a STRICT table holds the value as it is: SQLite would refuse or convert all others.
[[nodiscard]] bool can_hold(config::column_type type, const nlohmann::ordered_json& value) noexcept;

/// Both return SQLite's code. Integers beyond SQLite's are texts with all their digits; lists and maps are
/// JSON.
int bind_text(sqlite3_stmt* to, int place, std::string_view text);
int bind_value(sqlite3_stmt* to, int place, const nlohmann::ordered_json& value);

}  // namespace duplexd
