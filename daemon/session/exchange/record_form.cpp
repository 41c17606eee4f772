#include "daemon/session/exchange/record_form.hpp"

#include <iterator>
#include <nlohmann/json.hpp>

#include "config/value/json_path.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/json_tree.hpp"

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

/// A column's text, as it is; what is missing or null is empty. `room` may hold it.
std::string_view text_of(const reply_values& values, std::string_view column, std::string& room) {
  const session_event& happened = values.event();
  if (column == "time") return happened.time;
  if (column == "session") return happened.session;
  if (column == "reply") return happened.name;
  if (column == "event") return "reply";
  const auto* value =
      config::find_path(values.get(), column.starts_with("data.") ? column.substr(5) : column);
  if (value == nullptr || value->is_null()) return {};
  if (value->is_string()) return value->get_ref<const std::string&>();
  room = value->dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return room;
}

void append_csv(std::string& out, const reply_values& values, const std::vector<std::string>& columns) {
  std::string room;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    append_cell(out, text_of(values, columns[i], room));
  }
  out += '\n';
}

void append_text(std::string& out, const reply_values& values,
                 const std::vector<config::template_part>& parts) {
  std::string room;
  for (const config::template_part& each : parts) {
    out += each.literal;
    if (!each.column.empty()) out += text_of(values, each.column, room);
  }
}

}  // namespace

const ordered_json& reply_values::get() const {
  if (!parsed_) parsed_ = protocol::json_tree(event_.data);
  return *parsed_;
}

std::string_view record_of(const reply_values& values, const config::record_settings& form,
                           std::string& room) {
  using config::record_form;
  const session_event& happened = values.event();
  room.clear();
  const bool is_reply = happened.what == session_event::kind::reply;
  switch (form.form) {
    case record_form::json:
      return happened.line;
    case record_form::ndjson:
      if (is_reply) room.append(happened.data) += '\n';
      return room;
    case record_form::csv:
      if (is_reply) append_csv(room, values, form.columns);
      return room;
    case record_form::text:
      if (is_reply) append_text(room, values, form.parts);
      return room;
    case record_form::msgpack:
      ordered_json::to_msgpack(protocol::json_tree(happened.line), room);
      return room;
    case record_form::raw:
      return {reinterpret_cast<const char*>(happened.frame.bytes.data()), happened.frame.bytes.size()};
  }
  return room;
}

}  // namespace duplexd
