#include "config/fields/output_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields/fields.hpp"
#include "config/fields/output_choices.hpp"
#include "config/value/path_pattern.hpp"

namespace duplexd::config {

namespace {

/// The fields that each type has beside those of all types.
struct output_fields {
  output_type type;
  std::vector<std::string_view> own;
};
const std::vector<output_fields>& fields_of_types() {
  static const std::vector<output_fields> all{
      {output_type::standard_output, {"format", "columns", "template"}},
      {output_type::standard_error, {"format", "columns", "template"}},
      {output_type::file,
       {"path", "format", "columns", "template", "queue", "overflow", "rotate", "keep", "compress", "sync",
        "durable"}},
      {output_type::sqlite, {"path", "queue", "overflow", "keep", "indexes", "durable"}},
      {output_type::exec,
       {"program", "env", "answers", "format", "columns", "template", "queue", "overflow"}},
      {output_type::http,
       {"url", "headers", "ca_file", "cert_file", "key_file", "body", "batch", "timeout", "compress",
        "dead_letters", "sign", "idempotency", "format", "queue", "overflow"}},
      {output_type::tcp,
       {"address", "tls", "ca_file", "cert_file", "key_file", "timeout", "format", "columns", "template",
        "queue", "overflow"}},
      {output_type::udp, {"address", "format", "columns", "template", "queue", "overflow"}},
      {output_type::syslog,
       {"transport", "address", "socket", "tls", "ca_file", "cert_file", "key_file", "timeout", "facility",
        "severity", "app_name", "structured_data", "format", "columns", "template", "queue", "overflow"}},
      {output_type::journald,
       {"socket", "severity", "app_name", "format", "columns", "template", "queue", "overflow"}},
      {output_type::postgres, {"url", "timeout", "indexes", "dead_letters", "queue", "overflow", "durable"}},
      {output_type::mqtt,
       {"url",       "topic",    "user",      "password", "client_id", "qos",          "retain",
        "keepalive", "ca_file",  "cert_file", "key_file", "timeout",   "dead_letters", "format",
        "columns",   "template", "queue",     "overflow", "durable",   "commands"}},
      {output_type::nats,
       {"url", "subject", "user", "password", "token", "creds_file", "jetstream", "ca_file", "cert_file",
        "key_file", "timeout", "dead_letters", "format", "columns", "template", "queue", "overflow",
        "durable", "commands"}},
  };
  return all;
}

}  // namespace

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
  const protocol::node* const written_path = at.value.find("path");
  if (output.type == output_type::sqlite && written_path != nullptr &&
      output.path.find("${") != std::string::npos)
    in.mistakes.push_back(
        {written_path->where, at.path + ".path", "references are not allowed in this field", ""});
  if (output.type == output_type::sqlite && output.keep.files != 0)
    in.mistakes.push_back({at.value.where, at.path + ".keep", "an output of type sqlite has no 'keep.files'",
                           "keep has age and size"});
  if (output.type == output_type::file && !output.path.empty() && !path_pattern::parse(output.path, error))
    if (const protocol::node* path = at.value.find("path"))
      in.mistakes.push_back({path->where, at.path + ".path", error, ""});
  if (!output.dead_letters.empty() && !path_pattern::parse(output.dead_letters, error))
    if (const protocol::node* path = at.value.find("dead_letters"))
      in.mistakes.push_back({path->where, at.path + ".dead_letters", error, ""});
  if (std::ranges::find(known->own, "path") != known->own.end() && output.path.empty())
    in.mistakes.push_back(
        {at.value.where, at.path, fmt::format("an output of type {} needs a path", word), "add path: FILE"});
}

void check_durable(const value_at& at, const parsed_output& output, reading& in) {
  if (!output.durable) return;
  for (const char* word : {"queue", "overflow"})
    if (const protocol::node* written = at.value.find(word))
      in.mistakes.push_back({written->where, fmt::format("{}.{}", at.path, word),
                             fmt::format("a durable output has no '{}'", word),
                             "the journal has size and full"});
  if (const protocol::node* written = at.value.find("sync"))
    in.mistakes.push_back({written->where, at.path + ".sync", "a durable output is always synced", ""});
}

}  // namespace duplexd::config
