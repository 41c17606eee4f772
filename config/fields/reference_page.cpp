#include "config/fields/reference_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/fields/fields.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

constexpr std::string_view introduction =
    R"(<!-- Made by `duplexd schema --markdown` from the field table in config/fields/fields.cpp: edit that. -->
# The configuration, field by field

A file in YAML, or in JSON if its name ends in `.json`; both are checked alike. `duplexd check -c FILE` prints every
mistake with its place, `duplexd schema` prints a JSON Schema with which editors complete and check. To use it, put this
on the file's first line: `# yaml-language-server: $schema=duplexd.schema.json`.

## How values are written

**Durations** are `500ms`, `5s`, `1m30s`, `2h`, `1.5s` or `0`. **Sizes** are bytes, `64KB` (1000) or `16MiB` (1024).
An empty value is a mistake, `~` asks for the built-in default. Unknown and duplicate keys are mistakes.

**References** stand in texts where the type says so, and are read when a connection is made, each time anew, so that a
renewed secret is used. They never reach a log.

| reference | what it stands for |
|---|---|
| `${env:NAME}` | the environment variable |
| `${file:PATH}` | the file's content without one newline at its end |
| `${credential:NAME}` | the file of that name in `$CREDENTIALS_DIRECTORY`, where systemd puts credentials |
| `$${` | a literal `${` |

`duplexd check` looks each of them up, unless it is told `--secrets-absent`.

**Relative paths**, in `${file:…}` and in `ca_file`, start from the directory of the configuration file.

**YAML**: anchors, aliases and `<<` work, tags do not. Only `true` and `false` are booleans; `yes` and `on` are texts, and
so are numbers with a leading zero (`007`). A text with `: `, `#`, `[`, `{`, `!` or `$` in it is best put in quotes. JSON's
surrogate pairs (`\ud83d\ude00`) are not YAML: write the character.

## Many sessions

What holds for all stands once in `defaults`. What many share but for a few words stands in a template:

```yaml
version: 1
defaults:
  tls: {ca_file: ca.pem}
  reconnect: {maximum: 30s}
protocols:
  callcentre:
    byte_order: native
    commands: {to_free: 'opcode:i=0 state:b=0'}
    replies: [{as: reply, layout: 'code:i rest:bytes'}]
templates:
  agent:
    parameters: {host: ws.test.com, id:}       # id has no default: it must be given
    session:
      url: "wss://${param:host}:2443/"
      protocol: callcentre
      login: {json: {role: agent, user_id: "${param:id}", seat: "${param:session}"}}
      script: [{send: to_free}]
sessions:
  seat-1: {template: agent, with: {id: "1001"}}
  seat-2: {template: agent, with: {id: "1002", host: other.test.com}, linger: 5s}
```

A session's own fields win over its template's, and these over `defaults`. The fields marked *merged* below are taken
together key by key; all others replace what was there.
)";

std::string inline_code(const ordered_json& value) {
  if (value.is_null()) return "";
  return "`" + (value.is_string() ? value.get<std::string>() : value.dump()) + "`";
}

/// JSON on one line with blanks as YAML's flow style has them: {role: admin}.
std::string flow_style(const ordered_json& value) {
  std::string text;
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items())
      text += (text.empty() ? "" : ", ") + key + ":" + (inner.is_null() ? "" : " " + flow_style(inner));
    return "{" + text + "}";
  }
  if (value.is_array()) {
    for (const ordered_json& inner : value) text += (text.empty() ? "" : ", ") + flow_style(inner);
    return "[" + text + "]";
  }
  if (!value.is_string()) return value.dump();
  text = value.get<std::string>();
  return text.find_first_of("${}[],:# ") == std::string::npos ? text : value.dump();
}

std::string anchor(const section& to) {
  return fmt::format("[{0}](#{0})", to.id);
}

std::string type_of(const field& from) {
  if (from.type.inner == nullptr) return from.type.name;
  std::string text = from.type.name;
  const auto at = text.find(from.type.inner->id);
  return at == std::string::npos ? text
                                 : text.replace(at, from.type.inner->id.size(), anchor(*from.type.inner));
}

/// The words of a choice, or of a list of choices, from its schema; null if it is none.
ordered_json words_of(const field& from) {
  const ordered_json& schema = from.type.schema;
  return schema.value("enum", schema.value("items", ordered_json::object()).value("enum", ordered_json()));
}

std::string remarks_of(const field& from) {
  std::string text = from.doc;
  if (const ordered_json words = words_of(from); words.is_array() && words[0].is_string()) {
    text += words.size() == 1 ? " Only" : " One of";
    for (std::size_t i = 0; i < words.size(); ++i)
      text += fmt::format("{} `{}`", i == 0 ? "" : ",", words[i].get<std::string>());
    text += '.';
  }
  if (from.is_required) text += " *Required.*";
  if (from.is_merged) text += " *Merged.*";
  if (!from.range_text.empty() && from.minimum != from.maximum) text += fmt::format(" {}.", from.range_text);
  if (!from.beside.empty()) text += fmt::format(" Beside `{}`.", fmt::join(from.beside, "` or `"));
  return text;
}

/// Pipes end a table's cell.
std::string cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
    text.insert(at, "\\");
  return text;
}

/// Whether the field is shown with `chosen`, one of those that exclude each other. What goes with all of many
/// is shown with the first only, and what has a meaning beside another field where that is shown.
bool goes_with(const field& each, const section& from, const std::string& chosen) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (has(from.exactly_one, each.name)) return each.name == chosen;
  constexpr std::size_t many = 3;
  if (each.beside.empty() && from.exactly_one.size() > many) return chosen == from.exactly_one.front();
  if (each.beside.empty() || has(each.beside, chosen)) return true;
  return !has(from.exactly_one, each.beside[0]) && goes_with(*from.find(each.beside[0]), from, chosen);
}

/// One block of examples, or one for each of the fields that exclude each other.
void write_samples(const section& from, std::string& page) {
  const std::vector<std::string> all{""};
  for (const std::string& chosen : from.exactly_one.empty() ? all : from.exactly_one) {
    std::string samples;
    for (const field& each : from.fields)
      if (!each.sample.is_null() && !each.is_apart && goes_with(each, from, chosen))
        samples += fmt::format("{}: {}\n", each.name, flow_style(each.sample));
    if (!samples.empty()) page += fmt::format("\n```yaml\n{}```\n", samples);
  }
}

void write_section(const section& from, std::set<std::string>& done, std::string& page) {
  if (!done.insert(from.id).second) return;
  page += fmt::format("\n## {}\n\n{}\n\n| field | type | default | what it is |\n|---|---|---|---|\n",
                      from.id, from.doc);
  for (const field& each : from.fields)
    page += fmt::format("| `{}` | {} | {} | {} |\n", each.name, type_of(each),
                        cell(inline_code(each.fallback)), cell(remarks_of(each)));
  write_samples(from, page);
  for (const field& each : from.fields)
    if (each.type.inner != nullptr) write_section(*each.type.inner, done, page);
}

}  // namespace

std::string reference_page() {
  std::string page(introduction);
  std::set<std::string> done;
  write_section(document_fields(), done, page);
  return page;
}

}  // namespace duplexd::config
