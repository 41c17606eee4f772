#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings/column_types.hpp"
#include "config/settings/output_settings.hpp"
#include "daemon/output/event_table.hpp"
#include "daemon/output/event_writer.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace duplexd {

/// An SQLite database with a table for each reply: `_time`, `_session` and a column for each top-level value,
/// added when it first comes, of the type that the layouts say (docs/outputs.md). A batch is a transaction.
/// Other programs may read meanwhile.
class sqlite_writer final : public event_writer {
 public:
  /// `columns`: those whose types are known.
  explicit sqlite_writer(const config::output_settings& settings, config::table_columns columns = {});
  ~sqlite_writer() override;

  [[nodiscard]] progress write(const record_batch& records) override;
  /// Deletes what is not to be kept.
  void tidy() override;
  [[nodiscard]] bool wants_values() const noexcept override { return true; }
  /// A durable one keeps its place in the table `_places`, in the transaction of the rows.
  [[nodiscard]] target_place find_place(const std::string& journal) override;

  /// The write-ahead log does not grow beyond this (bytes) by more than a batch, even if somebody reads for
  /// long: then nothing is written until they have ended.
  static constexpr std::uint64_t most_log = 256u << 20;

 private:
  struct table;
  using statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

  [[nodiscard]] bool open();
  void let_go_of_moved();
  void close();
  [[nodiscard]] bool run(const std::string& sql);
  [[nodiscard]] statement prepare(const std::string& sql);
  [[nodiscard]] table* find_table(const record_batch::record& event);
  [[nodiscard]] std::string table_for(const std::string& reply);
  [[nodiscard]] bool append_column(table& to, const std::string& column, config::column_type type);
  [[nodiscard]] config::column_type type_of(const table& at, const std::string& key) const;
  [[nodiscard]] bool add_column(table& to, const std::string& key);
  [[nodiscard]] static std::optional<std::size_t> column_for(const table& at, const std::string& key,
                                                             const nlohmann::ordered_json& value);
  [[nodiscard]] std::string index_name(const std::string& of, std::string wanted);
  [[nodiscard]] bool index(const table& at, const std::string& key, const std::string& column);
  [[nodiscard]] bool insert(table& into, const record_batch::record& event, const std::string& id);
  [[nodiscard]] bool make_places();
  [[nodiscard]] bool keep_place(const record_batch& records);
  [[nodiscard]] bool insert_all(const record_batch& records);
  [[nodiscard]] bool log_has_room();
  [[nodiscard]] bool delete_old_rows(const std::vector<std::string>& tables);
  [[nodiscard]] bool shrink(const std::vector<std::string>& tables);
  [[nodiscard]] std::int64_t number_of(const std::string& sql);
  [[nodiscard]] std::string error() const;

  config::output_settings settings_;
  config::table_columns columns_;
  sqlite3* database_ = nullptr;
  std::map<std::pair<bool, std::string>, table> tables_;  ///< of a reply or not, and its name
  std::string failed_;
};

}  // namespace duplexd
