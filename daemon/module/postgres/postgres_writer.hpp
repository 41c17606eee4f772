#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/output_settings.hpp"
#include "daemon/module/postgres/postgres_connection.hpp"
#include "daemon/module/postgres/postgres_rows.hpp"
#include "daemon/output/event_writer.hpp"
#include "daemon/output/output_module.hpp"

namespace duplexd {

/// A PostgreSQL database with a table for each reply (docs/outputs.md). A batch is a transaction; events that
/// the server refuses are found by halving it.
class postgres_writer final : public event_writer {
 public:
  /// `host` outlives this.
  postgres_writer(const config::output_settings& settings, module_host& host);

  [[nodiscard]] progress write(const record_batch& records) override;
  [[nodiscard]] bool wants_values() const noexcept override { return true; }
  /// A durable one keeps its place in the table `_places`, in the transaction of the rows.
  [[nodiscard]] target_place find_place(const std::string& journal) override;

  /// What a transaction holds at most: so many events, and bytes unless one event has more.
  static constexpr std::size_t most_events = 1'000;
  static constexpr std::size_t most_bytes = 1u << 20;

 private:
  using answer = postgres_connection::answer;
  /// Events of a batch, the last excluded.
  struct part {
    const record_batch& records;
    std::size_t first;
    std::size_t last;
  };
  struct refusal {
    std::size_t index;
    std::string why;
  };

  [[nodiscard]] bool open();
  void close();
  /// Whether that worked; if not `failed_` says why.
  [[nodiscard]] bool run(const std::string& sql, const std::vector<std::string>& parameters = {});
  [[nodiscard]] postgres_table* find_table(const std::string& name);
  [[nodiscard]] bool read_columns(postgres_table& into);
  [[nodiscard]] bool add_column(postgres_table& to, const std::string& column, std::string_view type);
  [[nodiscard]] bool index(const postgres_table& at, const std::string& key, const std::string& column);
  [[nodiscard]] bool make_room(const part& events);
  [[nodiscard]] bool make_places();
  [[nodiscard]] bool keep_place(const part& events);
  [[nodiscard]] answer insert(const part& events);
  [[nodiscard]] bool insert_good(const part& events, std::vector<refusal>& refused);
  [[nodiscard]] bool keep_refused(const record_batch& records, const std::vector<refusal>& refused);
  [[nodiscard]] bool write_part(const part& events, progress& made);

  std::string name_;
  config::text_template url_;
  std::map<std::string, std::vector<std::string>> indexes_;
  bool durable_;
  module_host& host_;
  postgres_connection link_;
  std::map<std::string, postgres_table> tables_;
  std::optional<std::uint64_t> place_;
  std::string failed_;
};

}  // namespace duplexd
