// The field table, part: where events go.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "config/fields/fields.hpp"
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"
#include "config/value/path_pattern.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

// Not in the unnamed namespace: `choice_parser` finds them by their argument.
static const auto& words_of(record_form /*any*/) {
  static constexpr std::array<std::pair<record_form, std::string_view>, 5> words{
      {{record_form::json, "json"},
       {record_form::ndjson, "ndjson"},
       {record_form::csv, "csv"},
       {record_form::msgpack, "msgpack"},
       {record_form::raw, "raw"}}};
  return words;
}
static const auto& words_of(output_type /*any*/) {
  static constexpr std::array<std::pair<output_type, std::string_view>, 3> words{
      {{output_type::standard_output, "stdout"},
       {output_type::file, "file"},
       {output_type::sqlite, "sqlite"}}};
  return words;
}
static const auto& words_of(overflow_policy /*any*/) {
  static constexpr std::array<std::pair<overflow_policy, std::string_view>, 3> words{
      {{overflow_policy::block, "block"},
       {overflow_policy::drop_oldest, "drop_oldest"},
       {overflow_policy::drop_newest, "drop_newest"}}};
  return words;
}
static const auto& words_of(file_compression /*any*/) {
  static constexpr std::array<std::pair<file_compression, std::string_view>, 3> words{
      {{file_compression::none, "none"}, {file_compression::gzip, "gzip"}, {file_compression::zstd, "zstd"}}};
  return words;
}

template <>
struct value_parser<record_form> : choice_parser<record_form> {};
template <>
struct value_parser<output_type> : choice_parser<output_type> {};
template <>
struct value_parser<overflow_policy> : choice_parser<overflow_policy> {};
template <>
struct value_parser<file_compression> : choice_parser<file_compression> {};

namespace {

/// A path without references: it may have placeholders of its own.
struct output_path_parser : value_parser<std::string> {
  static value_type type() { return {"path", {{"type", "string"}}}; }
  static bool read(const value_at& at, std::string& out, reading& in) {
    if (at.value.kind != protocol::node_kind::text || at.value.text.empty()) {
      at.complain(in, expected("a path", at.value));
      return false;
    }
    out = (std::filesystem::path(in.directory) / at.value.text).lexically_normal().string();
    return true;
  }
};

/// Columns by table.
struct indexes_parser {
  using value = std::map<std::string, std::vector<std::string>>;
  static value_type type() {
    return {
        "map of lists of names",
        {{"type", "object"}, {"additionalProperties", {{"type", "array"}, {"items", {{"type", "string"}}}}}}};
  }
  static ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in) {
    if (at.value.kind != protocol::node_kind::map) {
      at.complain(in, expected("a map", at.value), "reply: [column]");
      return false;
    }
    bool good = true;
    for (const protocol::node_entry& entry : at.value.entries)
      good &= value_parser<std::vector<std::string>>::read(at.entry(entry), out[entry.key], in);
    return good;
  }
};

/// The fields that each type has beside those of all types.
struct output_fields {
  output_type type;
  std::vector<std::string_view> own;
};
const std::vector<output_fields>& fields_of_types() {
  static const std::vector<output_fields> all{
      {output_type::standard_output, {"format", "columns"}},
      {output_type::file,
       {"path", "format", "columns", "queue", "overflow", "rotate", "keep", "compress", "sync"}},
      {output_type::sqlite, {"path", "queue", "overflow", "keep", "indexes"}},
  };
  return all;
}

void check_fields_of_type(const value_at& at, const parsed_output& output, reading& in) {
  const auto& all = fields_of_types();
  const auto known = std::ranges::find(all, output.type, &output_fields::type);
  const auto word = choice_parser<output_type>::show(output.type).get<std::string>();
  for (const protocol::node_entry& entry : at.value.entries) {
    if (entry.key == "type" || std::ranges::find(known->own, entry.key) != known->own.end()) continue;
    if (section_of<parsed_output>().find(entry.key) == nullptr) continue;  // that is told already
    at.entry(entry).complain(in, fmt::format("an output of type {} has no '{}'", word, entry.key));
  }
  std::string error;
  if (output.type == output_type::file && !output.path.empty() && !path_pattern::parse(output.path, error))
    if (const protocol::node* path = at.value.find("path"))
      in.mistakes.push_back({path->where, at.path + ".path", std::move(error), ""});
  if (std::ranges::find(known->own, "path") != known->own.end() && output.path.empty())
    in.mistakes.push_back(
        {at.value.where, at.path, fmt::format("an output of type {} needs a path", word), "add path: FILE"});
}

void check_columns(const value_at& at, std::optional<record_form> form,
                   const std::vector<std::string>& columns, reading& in) {
  if (form == record_form::csv && columns.empty())
    in.mistakes.push_back({at.value.where, at.path, "csv needs its columns", "add columns: [time, FIELD]"});
  if (!columns.empty() && form != record_form::csv)
    in.mistakes.push_back({at.value.where, at.path, "columns are only allowed with format: csv", ""});
}

}  // namespace

template <>
const section& section_of<file_rotation>() {
  using s = file_rotation;
  const fields_of<s> make;
  static const section fields{
      "rotate",
      "When a file ends and the next one begins. The ended file's name gets the time of its end.",
      {
          make.as<size_parser>("size", &s::size, "The size at which a file ends; 0 means no limit.")
              .range(0, 1e12, "0 to 1TB")
              .example("100MB"),
          make("age", &s::age, "The age at which a file ends; 0 means no limit.")
              .range(0, 400 * a_day, "0 to 9600h")
              .example("24h"),
      }};
  return fields;
}

template <>
const section& section_of<retention>() {
  using s = retention;
  const fields_of<s> make;
  static const section fields{
      "keep",
      "What is kept of what was written; the oldest is deleted first. 0 means no limit.",
      {
          make("files", &s::files, "The number of ended files (file only).").range(0, 65'535, "0 to 65535"),
          make.as<size_parser>("size", &s::size, "The size of all ended files, or of the database.")
              .range(0, 1e15, "0 to 1000TB")
              .example("10GB"),
          make("age", &s::age, "The age of a file, or of a row.")
              .range(0, 3660 * a_day, "0 to 87840h")
              .example("720h"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_output>() {
  using s = parsed_output;
  const fields_of<s> make;
  static const section fields{
      "output",
      "A place for events. `type` says which of the other fields it has (see outputs.md). The output "
      "`stdout` exists without being defined.",
      {
          make("type", &s::type, "The kind of output.").required().example("file"),
          make.as<output_path_parser>(
                  "path", &s::path,
                  "The file (file, sqlite). In a file's path `${session}` and `${reply}` stand for names, "
                  "and `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%F` for the event's time in UTC.")
              .example("events/${session}-%F.jsonl"),
          make("format", &s::form, "What an event becomes (stdout, file)."),
          make("columns", &s::columns,
               "The columns of csv: `time`, `session`, `event`, `reply`, or the path of a value; `data.time` "
               "is "
               "a value with such a name.")
              .example({"time", "price"})
              .apart(),
          make.as<size_parser>("queue", &s::queue, "The maximum size of events waiting to be written.")
              .range(64 * 1024, 1024.0 * 1024 * 1024, "64KiB to 1GiB"),
          make("overflow", &s::overflow,
               "What happens when the queue is full: the sessions that write to it stop reading (block), or "
               "events are lost, with a warning."),
          make("rotate", &s::rotate, "When a file ends and the next one begins (file)."),
          make("keep", &s::keep, "What is kept of what was written (file, sqlite)."),
          make("compress", &s::compress, "How ended files are compressed (file)."),
          make("sync", &s::sync, "Whether written events reach the disk before the next are written (file)."),
          make.as<indexes_parser>("indexes", &s::indexes, "Indexes, by table: the columns (sqlite).")
              .example({{"trade", {"symbol"}}})
              .apart(),
      }};
  return fields;
}

value_type value_parser<parsed_output>::type() {
  return {"output", {{"$ref", "#/$defs/output"}}, &section_of<parsed_output>()};
}

bool value_parser<parsed_output>::read(const value_at& at, parsed_output& out, reading& in) {
  const std::size_t before = in.mistakes.size();
  read_section(section_of<parsed_output>(), at, at.value.where, &out, in);
  if (in.mistakes.size() != before) return false;
  check_fields_of_type(at, out, in);
  out.record = {out.form, out.columns};
  check_columns(at, out.form, out.columns, in);
  out.is_good = in.mistakes.size() == before;
  return out.is_good;
}

template <>
const section& section_of<parsed_route>() {
  using s = parsed_route;
  const fields_of<s> make;
  static const section fields{
      "route",
      "Which events of a session an output gets.",
      {
          make("to", &s::to, "The output's name.").required().example("stdout"),
          make("replies", &s::replies, "The replies to write, and nothing else.").example({"tick"}),
          make("where", &s::where, "Conditions on a reply's values, as in `on` (see scripts.md).")
              .map_only()
              .only_beside({"replies"})
              .example({{"price", {{"$min", 1}}}}),
          make("format", &s::form, "What an event becomes, instead of the output's `format`.")
              .example("ndjson"),
          make("columns", &s::columns, "The columns of csv, instead of the output's `columns`.")
              .example({"time", "price"})
              .apart(),
      }};
  return fields;
}

/// A name, or a map with a name and what it gets.
value_type value_parser<parsed_route>::type() {
  return {"name or route",
          {{"anyOf", {{{"type", "string"}}, {{"$ref", "#/$defs/route"}}}}},
          &section_of<parsed_route>()};
}

bool value_parser<parsed_route>::read(const value_at& at, parsed_route& out, reading& in) {
  out.where_written = at.value.where;
  out.path = at.path;
  if (at.value.kind == protocol::node_kind::text) return value_parser<unresolved_name>::read(at, out.to, in);
  if (at.value.kind != protocol::node_kind::map) {
    at.complain(in, expected("the name of an output, or a map", at.value), "{to: NAME, replies: [REPLY]}");
    return false;
  }
  const std::size_t before = in.mistakes.size();
  read_section(section_of<parsed_route>(), at, at.value.where, &out, in);
  if (in.mistakes.size() == before && !out.columns.empty()) check_columns(at, out.form, out.columns, in);
  return in.mistakes.size() == before;
}

}  // namespace duplexd::config
