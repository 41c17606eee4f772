#include "daemon/event/pretty_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t deepest = 200;                      // the most that limits.json_depth may be
constexpr std::size_t time_begin = 11, time_length = 12;  // of "2026-11-21T02:11:55.123456Z"

std::string text_at(const ordered_json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// A text without spaces stands for itself.
std::string shown(const ordered_json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty() && text.find_first_of(" =\"\t\r\n") == std::string::npos) return text;
  }
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string fields_of(const ordered_json& data) {
  if (!data.is_object()) return " " + shown(data);
  std::string out;
  for (const auto& [key, value] : data.items()) out += fmt::format(" {}={}", key, shown(value));
  return out;
}

bool is_told(const std::string& key) {
  static constexpr std::array told{"v", "time", "session", "event", "event_id", "reply", "data"};
  return std::ranges::find(told, key) != told.end();
}

}  // namespace

std::string pretty_line(std::string_view line) {
  const bool has_end = line.ends_with('\n');
  ordered_json event;
  if (protocol::parse_json(has_end ? line.substr(0, line.size() - 1) : line, event, deepest) ||
      !event.is_object() || !event.contains("event"))
    return std::string(line);
  const std::string kind = text_at(event, "event");
  const std::string time = text_at(event, "time");
  std::string out = time.size() > time_begin + time_length ? time.substr(time_begin, time_length) + " " : "";
  if (const std::string session = text_at(event, "session"); !session.empty()) out += session + " ";
  const std::string reply = text_at(event, "reply");
  if (kind == "reply") {
    out += reply + " ";
  } else {
    out += fmt::format("[{}] ", kind);
    if (!reply.empty()) out += reply + " ";
    for (const auto& [key, value] : event.items())
      if (!is_told(key)) out += fmt::format(" {}={}", key, shown(value));
  }
  if (event.contains("data")) out += fields_of(event["data"]);
  return protocol::one_line(out) + (has_end ? "\n" : "");
}

}  // namespace duplexd
