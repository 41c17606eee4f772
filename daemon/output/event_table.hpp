#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/output/record_batch.hpp"

namespace duplexd {

/// What a kind of database allows as the name of a table or column.
struct name_rules {
  bool folds_case = false;                   ///< `e` and `E` are one name (ASCII)
  std::size_t longest = 0;                   ///< in bytes, without U+0000
  bool allows_empty = false;                 ///< the empty name
  std::vector<std::string_view> reserved{};  ///< folded
};

/// The columns of a table of events in a database, and which value each of them holds (docs/outputs.md).
/// Pure.
class event_table {
 public:
  explicit event_table(const name_rules& rules);

  /// What is not a reply is a line of JSON in this table.
  static constexpr std::string_view other_events = "_events";
  static constexpr std::string_view places = "_places";
  /// The column of what names an event for ever; only of durable outputs.
  static constexpr std::string_view id_column = "_event_id";
  static constexpr std::string_view time_column = "_time";
  static constexpr std::string_view session_column = "_session";
  /// A table's columns beyond `most_columns` share this one, as JSON: the names may come from a server.
  static constexpr std::string_view more_column = "_more";
  static constexpr std::size_t most_columns = 500;
  /// So does a value whose key has more bytes, unless the table has a column for it.
  static constexpr std::size_t longest_key = 1'000;

  /// A column that the table has. Values of that name stand in it, unless it is one of our own.
  void add(const std::string& column);
  /// The place of the column for values of `key`; none: it has none yet.
  [[nodiscard]] std::optional<std::size_t> find(const std::string& key) const;
  /// The name of the column that values of `key` are to have; it may be there, from an earlier run.
  [[nodiscard]] std::string name_for(const std::string& key) const;
  /// From now on `column`, which the table has now, holds the values of `key`.
  void assign(const std::string& key, const std::string& column);

  [[nodiscard]] bool has(std::string_view column) const;
  /// Whether values of `key`, which have no column, may get one, beside so many that are to be added.
  [[nodiscard]] bool takes(std::string_view key, std::size_t others = 0) const noexcept {
    return columns_.size() + others < most_columns && key.size() <= longest_key;
  }
  /// In the order in which they were added.
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }

  /// An event's table.
  [[nodiscard]] static std::string name_of(const record_batch::record& event, const name_rules& rules);
  /// A reply's table in a database that does not tell names apart by their case. `has_own`: there is a table
  /// of exactly this name; `has_other`: something else has it, but for case. Then, and if the name is one of
  /// ours, the table's name has a hash of the reply's: the same in each run, and no other reply's.
  [[nodiscard]] static std::string table_for(const std::string& reply, bool has_own, bool has_other);
  /// A reply's values by key. One that is not a map has the key `value`; what is not a reply has the key
  /// `event`.
  [[nodiscard]] static nlohmann::ordered_json values_of(const record_batch::record& event);

 private:
  [[nodiscard]] std::string folded(std::string_view name) const;

  name_rules rules_;
  std::vector<std::string> columns_;
  std::map<std::string, std::size_t> places_;  ///< by key
  std::set<std::string> taken_;                ///< names, folded
};

/// A name in SQL.
[[nodiscard]] std::string sql_name(std::string_view name);

}  // namespace duplexd
