#include "daemon/module/postgres/postgres_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace duplexd {

namespace {

using nlohmann::ordered_json;

std::size_t end_of_part(const record_batch& records, std::size_t first) {
  std::size_t last = first;
  for (std::size_t bytes = 0; last < records.size() && last - first < postgres_writer::most_events; ++last) {
    bytes += records[last].text.size();
    if (bytes > postgres_writer::most_bytes && last > first) break;
  }
  return last;
}

std::string id_of(const record_batch& records, const record_batch::record& event) {
  return event.number == 0 ? "" : records.id_of(event);
}

// Rows of one table on their way.
struct table_rows {
  std::string list;  // JSON, without the bracket at its end
  std::set<std::string> columns;
};

}  // namespace

postgres_writer::postgres_writer(const config::output_settings& settings, module_host& host)
    : name_(settings.name),
      url_(settings.url),
      indexes_(settings.indexes),
      durable_(settings.durable),
      host_(host),
      link_(settings.timeout) {}

void postgres_writer::close() {
  link_.close();
  tables_.clear();
  place_.reset();
}

bool postgres_writer::run(const std::string& sql, const std::vector<std::string>& parameters) {
  answer got = link_.run(sql, parameters);
  failed_ = std::move(got.error);
  return failed_.empty();
}

bool postgres_writer::open() {
  if (link_.is_open()) return true;
  const auto url = host_.resolve(url_, failed_);
  if (!url) return false;
  failed_ = link_.open(*url);
  if (!failed_.empty()) return false;
  // A commit that the server has acknowledged is to be on its disk, whatever is usual there.
  return !durable_ || run("SELECT set_config('synchronous_commit', 'on', false) "
                          "WHERE current_setting('synchronous_commit') = 'off'");
}

bool postgres_writer::read_columns(postgres_table& into) {
  answer found = link_.run(
      "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid "
      "= "
      "to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
      {sql_name(into.name)});
  failed_ = std::move(found.error);
  if (!failed_.empty()) return false;
  for (const auto& row : found.rows) {
    into.columns.add(row[0]);
    into.kinds[row[0]] = kind_of(row[1]);
  }
  return true;
}

bool postgres_writer::add_column(postgres_table& to, const std::string& column, std::string_view type) {
  to.kinds[column] = kind_of(type == "boolean" ? "bool" : type);
  return run(fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}", sql_name(to.name), sql_name(column),
                         type));
}

postgres_table* postgres_writer::find_table(const std::string& name) {
  if (const auto known = tables_.find(name); known != tables_.end()) return &known->second;
  postgres_table made;
  made.name = name;
  if (!read_columns(made)) return nullptr;
  if (made.columns.columns().empty() &&
      (!run(
           fmt::format("CREATE TABLE IF NOT EXISTS {} (_time timestamptz, _session text)", sql_name(name))) ||
       !read_columns(made)))
    return nullptr;
  const std::pair<std::string_view, std::string_view> own[] = {{event_table::time_column, "timestamptz"},
                                                               {event_table::session_column, "text"},
                                                               {event_table::id_column, "text"}};
  for (const auto& [column, type] : own) {
    if (made.columns.has(column) || (column == event_table::id_column && !durable_)) continue;
    if (!add_column(made, std::string(column), type)) return nullptr;
    made.columns.add(std::string(column));
  }
  for (const std::string& column : made.columns.columns())
    if (!index(made, column, column)) return nullptr;
  return &tables_.emplace(name, std::move(made)).first->second;
}

bool postgres_writer::index(const postgres_table& at, const std::string& key, const std::string& column) {
  const auto wanted = indexes_.find(at.name);
  if (wanted == indexes_.end() || std::ranges::find(wanted->second, key) == wanted->second.end()) return true;
  return run(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} ({})", sql_name(at.name + "." + column),
                         sql_name(at.name), sql_name(column)));
}

// Before the transaction: a column that cannot be added is no fault of the data.
bool postgres_writer::make_room(const part& events) {
  for (std::size_t i = events.first; i < events.last; ++i) {
    const auto event = events.records[i];
    postgres_table* const into = find_table(event_table::name_of(event, postgres_names()));
    if (into == nullptr) return false;
    // Again until nothing is missing: two keys can turn out to have one column, which then is too few.
    for (auto missing = missing_columns(*into, event); !missing.empty();
         missing = missing_columns(*into, event))
      for (const missing_column& each : missing) {
        const std::string column = into->columns.name_for(each.key);
        if (!into->columns.has(column) && !add_column(*into, column, each.type)) return false;
        into->columns.assign(each.key, column);
        if (!index(*into, each.key, column)) return false;
      }
  }
  return true;
}

postgres_connection::answer postgres_writer::insert(const part& events) {
  std::vector<std::pair<const postgres_table*, table_rows>> all;  // in the order of their first events
  for (std::size_t i = events.first; i < events.last; ++i) {
    const auto event = events.records[i];
    const postgres_table& into = tables_.at(event_table::name_of(event, postgres_names()));
    auto rows = std::ranges::find_if(all, [&into](const auto& each) { return each.first == &into; });
    if (rows == all.end()) rows = all.insert(all.end(), {&into, {}});
    const ordered_json row = row_of(into, event, id_of(events.records, event));
    for (const auto& [column, value] : row.items()) rows->second.columns.insert(column);
    rows->second.list += rows->second.list.empty() ? '[' : ',';
    rows->second.list += row.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  answer made;
  for (auto& [into, rows] : all) {
    std::string names;
    for (const std::string& column : rows.columns) names += (names.empty() ? "" : ",") + sql_name(column);
    const std::string table = sql_name(into->name);
    made = link_.run(
        fmt::format("INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_recordset(null::{0}, $1::json)",
                    table, names),
        {rows.list + ']'});
    if (!made.good()) break;
  }
  return made;
}

// What went before is behind the savepoint `good`.
bool postgres_writer::insert_good(const part& events, std::vector<refusal>& refused) {
  answer made = insert(events);
  if (made.good()) return run("RELEASE SAVEPOINT good; SAVEPOINT good");
  failed_ = made.error;
  if (!is_refusal(made.state) || !run("ROLLBACK TO SAVEPOINT good")) return false;
  if (events.last - events.first == 1) {
    refused.push_back({events.first, std::move(made.error)});
    return true;
  }
  const std::size_t middle = events.first + (events.last - events.first) / 2;
  return insert_good({events.records, events.first, middle}, refused) &&
         insert_good({events.records, middle, events.last}, refused);
}

bool postgres_writer::keep_refused(const record_batch& records, const std::vector<refusal>& refused) {
  for (const refusal& each : refused)
    if (failed_ = host_.keep_refused(records[each.index], each.why); !failed_.empty()) return false;
  return true;
}

// It moves from where it was to where it will be. If a transaction of a connection that broke has moved it,
// it is read again.
bool postgres_writer::keep_place(const part& events) {
  if (!durable_) return true;
  const auto next = events.records[events.last - 1].number;
  const answer made = link_.run(
      fmt::format(
          "UPDATE {} SET number = $3::bigint WHERE journal = $1 AND output = $2 AND number = $4::bigint "
          "RETURNING number",
          event_table::places),
      {events.records.journal(), name_, std::to_string(next), std::to_string(place_.value_or(0))});
  failed_ = made.error;
  if (failed_.empty() && made.rows.empty()) failed_ = "its place is not where it was";
  return failed_.empty();
}

bool postgres_writer::write_part(const part& events, progress& made) {
  std::vector<refusal> refused;
  // Deferred constraints are judged with each statement: at the end nobody knows which event it was.
  const bool good = open() && make_room(events) &&
                    run("BEGIN; SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT good") && keep_place(events) &&
                    (durable_ ? run("RELEASE SAVEPOINT good; SAVEPOINT good") : true) &&
                    insert_good(events, refused) && keep_refused(events.records, refused) && run("COMMIT");
  if (!good) return false;
  if (durable_) place_ = events.records[events.last - 1].number;
  made.written = events.last;
  made.refused += refused.size();
  if (!refused.empty()) made.refusal = refused.back().why;
  made.is_kept = host_.keeps_refused();
  return true;
}

event_writer::progress postgres_writer::write(const record_batch& records) {
  progress made;
  while (made.written < records.size()) {
    if (write_part({records, made.written, end_of_part(records, made.written)}, made)) continue;
    made.failed = "PostgreSQL: " + std::exchange(failed_, "");
    close();  // what the connection is in the middle of is gone with it
    break;
  }
  return made;
}

// Who may not create tables may have one that somebody else has made.
bool postgres_writer::make_places() {
  const answer known = link_.run("SELECT to_regclass($1) IS NOT NULL", {std::string(event_table::places)});
  failed_ = known.error;
  if (!failed_.empty() || known.rows.at(0).at(0) == "t") return failed_.empty();
  return run(
      fmt::format("CREATE TABLE IF NOT EXISTS {} (journal text, output text, number bigint, PRIMARY KEY "
                  "(journal, output))",
                  event_table::places));
}

event_writer::target_place postgres_writer::find_place(const std::string& journal) {
  if (!durable_) return {};
  target_place found{.is_kept = true};
  bool good = open() && make_places();
  good = good &&
         run(fmt::format("INSERT INTO {} VALUES ($1, $2, 0) ON CONFLICT DO NOTHING", event_table::places),
             {journal, name_});
  if (good) {
    answer got = link_.run(
        fmt::format("SELECT number FROM {} WHERE journal = $1 AND output = $2", event_table::places),
        {journal, name_});
    failed_ = std::move(got.error);
    good = failed_.empty() && !got.rows.empty();
    if (good) {
      const std::string& text = got.rows[0][0];
      std::from_chars(text.data(), text.data() + text.size(), found.number);
      place_ = found.number;
    }
  }
  if (good) return found;
  found.failed = "PostgreSQL: " + std::exchange(failed_, "");
  close();
  return found;
}

}  // namespace duplexd
