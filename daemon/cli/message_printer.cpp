#include "daemon/cli/message_printer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "daemon/capture/capture.hpp"
#include "daemon/event/timestamp.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::cli {

using protocol::direction;

namespace {

std::string as_json(std::string_view text) {
  std::string out;
  const bool clean = protocol::find_bad_utf8(text) == text.size();
  protocol::append_quoted(out, clean ? text : std::string_view("?"));
  return out;
}

message message_of(const capture_entry& entry, const std::string& line, bool explain) {
  message made;
  made.kind = entry.kind;
  made.way = entry.way == capture_way::out ? direction::command : direction::reply;
  if (entry.bytes) made.bytes.assign(entry.bytes->begin(), entry.bytes->end());
  const std::string time = timestamp(entry.time);
  made.head = explain ? time + " " + entry.session + " "
                      : "\"time\":" + as_json(time) + ",\"session\":" + as_json(entry.session) + ",";
  // A login has no layout; what is left of a message without its secrets need not fit one.
  if (entry.way == capture_way::out || entry.redacted) made.line = line;
  return made;
}

}  // namespace

packet_line line_of(const protocol::packet& found, direction way, const std::string& before) {
  std::string head = before;
  if (found.type != nullptr)
    head += std::string(way == direction::command ? "\"command\":" : "\"reply\":") +
            as_json(protocol::name_of(*found.type)) + ",";
  std::string body;
  std::optional<protocol::codec_error> error = found.error;
  if (found.type != nullptr) error = protocol::write_json(found, body);
  if (!error) return {fmt::format("{{{}\"data\":{}}}", head, body)};
  std::string bytes;
  protocol::append_hex(bytes, found.frame.bytes);
  return {fmt::format(R"({{{}"error":{{"field":{},"offset":{},"message":{}}},"bytes":"{}"}})", head,
                      as_json(error->field), error->offset, as_json(error->message), bytes),
          false};
}

message_printer::message_printer(std::shared_ptr<const protocol::protocol> types, bool explain)
    : types_(std::move(types)), explain_(explain) {
  begin_link();
}

void message_printer::begin_link() {
  commands_ = std::make_unique<protocol::packet_reader>(types_, direction::command);
  replies_ = std::make_unique<protocol::packet_reader>(types_, direction::reply);
}

void message_printer::print(const message& from) {
  protocol::packet_reader& reader = from.way == direction::command ? *commands_ : *replies_;
  reader.begin({from.kind, from.bytes});
  protocol::packet found;
  while (reader.next(found)) {
    if (found.type == nullptr && !from.line.empty()) {
      std::printf("%s\n", from.line.c_str());
    } else if (explain_) {
      print_table(found, from);
    } else {
      const packet_line line = line_of(found, from.way, from.head);
      std::printf("%s\n", line.text.c_str());
      failed_ = failed_ || !line.is_unpacked;
    }
  }
}

void message_printer::print_table(const protocol::packet& found, const message& from) {
  std::string table;
  std::optional<protocol::codec_error> error = found.error;
  if (found.type != nullptr) error = protocol::explain(found, table);
  const char* name = found.type != nullptr ? protocol::name_of(*found.type).c_str() : "no layout";
  std::printf("%s%s\n%s", protocol::one_line(from.head).c_str(), name, protocol::as_lines(table).c_str());
  if (error) std::printf("error: %s\n", protocol::one_line(error->text()).c_str());
  failed_ = failed_ || error.has_value();
}

capture_printer::capture_printer(const codecs& types, std::string session, bool explain)
    : session_(std::move(session)), explain_(explain) {
  for (const auto& [name, each] : types) printers_.try_emplace(name, each, explain);
}

bool capture_printer::is_capture_line(const std::string& line) {
  const auto row = protocol::parse_json(line);
  if (!row || !row->is_object() || !row->contains("event") || !row->at("event").is_string()) return false;
  const auto& event = row->at("event").get_ref<const std::string&>();
  return event == "opened" || event == "message" || event == "close" || event == "ended";
}

void capture_printer::print(const std::string& line) {
  std::string why;
  const auto entry = parse_capture_line(line, why);
  if (!entry) return complain(why, line);
  if (!session_.empty() && entry->session != session_) return;
  message_printer* to = find(entry->session);
  if (to == nullptr) return complain("the configuration has no protocol for this line's session", line);
  if (entry->event == capture_event::opened) to->begin_link();
  if (entry->event == capture_event::message && entry->bytes)
    to->print(message_of(*entry, line, explain_));
  else
    std::printf("%s\n", line.c_str());
}

message_printer* capture_printer::only() {
  return printers_.size() == 1 ? &printers_.begin()->second : nullptr;
}

bool capture_printer::failed() const {
  return failed_ || std::ranges::any_of(printers_, [](const auto& each) { return each.second.failed(); });
}

message_printer* capture_printer::find(const std::string& session) {
  if (const auto of_all = printers_.find(""); of_all != printers_.end()) return &of_all->second;
  const auto found = printers_.find(session);
  return found == printers_.end() ? nullptr : &found->second;
}

void capture_printer::complain(const std::string& why, const std::string& line) {
  std::fprintf(stderr, "%s: %s\n", why.c_str(), protocol::one_line(line).c_str());
  failed_ = true;
}

}  // namespace duplexd::cli
