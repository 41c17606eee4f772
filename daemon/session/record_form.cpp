#include "daemon/session/record_form.hpp"

#include <iterator>
#include <nlohmann/json.hpp>

#include "config/value/json_path.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd {

namespace {

using nlohmann::ordered_json;

// RFC 4180: what has a comma, a quote or a line break stands in quotes.
void append_cell(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_value(std::string& out, const ordered_json* value) {
  if (value == nullptr || value->is_null()) return;
  if (value->is_string()) return append_cell(out, value->get_ref<const std::string&>());
  append_cell(out, value->dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void append_csv(std::string& out, const session_event& happened, const std::vector<std::string>& columns) {
  const ordered_json data = ordered_json::parse(happened.data, nullptr, false);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    const std::string& column = columns[i];
    if (column.starts_with("data."))
      append_value(out, config::find_path(data, std::string_view(column).substr(5)));
    else if (column == "time")
      append_cell(out, happened.time);
    else if (column == "session")
      append_cell(out, happened.session);
    else if (column == "reply")
      append_cell(out, happened.name);
    else if (column == "event")
      append_cell(out, "reply");
    else
      append_value(out, config::find_path(data, column));
  }
  out += '\n';
}

}  // namespace

std::string_view record_of(const session_event& happened, const config::record_settings& form,
                           std::string& room) {
  using config::record_form;
  room.clear();
  const bool is_reply = happened.what == session_event::kind::reply;
  switch (form.form) {
    case record_form::json:
      return happened.line;
    case record_form::ndjson:
      if (is_reply) room.append(happened.data) += '\n';
      return room;
    case record_form::csv:
      if (is_reply) append_csv(room, happened, form.columns);
      return room;
    case record_form::msgpack:
      ordered_json::to_msgpack(ordered_json::parse(happened.line, nullptr, false), room);
      return room;
    case record_form::raw:
      return {reinterpret_cast<const char*>(happened.frame.bytes.data()), happened.frame.bytes.size()};
  }
  return room;
}

}  // namespace duplexd
