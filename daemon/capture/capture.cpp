#include "daemon/capture/capture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/event/timestamp.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace {

using json = nlohmann::ordered_json;
using protocol::frame_kind;

constexpr std::array<std::pair<capture_event, std::string_view>, 4> event_names{{
    {capture_event::opened, "opened"},
    {capture_event::message, "message"},
    {capture_event::close, "close"},
    {capture_event::ended, "ended"},
}};

bool is_utf8(std::string_view text) {
  return protocol::find_bad_utf8(text) == text.size();
}

// Bytes that are not UTF-8 cannot stand in JSON: U+FFFD instead.
std::string as_json(std::string_view text) {
  std::string out;
  if (is_utf8(text)) {
    protocol::append_quoted(out, text);
    return out;
  }
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

void append_message(std::string& out, const capture_entry& entry) {
  const bool text = entry.kind == frame_kind::text;
  out += text ? R"(,"frame":"text")" : R"(,"frame":"binary")";
  if (entry.bytes && text && is_utf8(*entry.bytes)) {
    out += R"(,"text":)";
    protocol::append_quoted(out, *entry.bytes);
  } else if (entry.bytes) {
    out += R"(,"hex":")";
    protocol::append_hex(out,
                         {reinterpret_cast<const std::uint8_t*>(entry.bytes->data()), entry.bytes->size()});
    out += '"';
  }
  out += fmt::format(R"(,"size":{})", entry.size);
  if (entry.redacted) out += R"(,"redacted":true)";
}

std::string text_at(const json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<std::string> bytes_at(const json& row) {
  if (const auto text = row.find("text"); text != row.end() && text->is_string())
    return text->get<std::string>();
  const auto hex = row.find("hex");
  if (hex == row.end() || !hex->is_string()) return std::nullopt;
  const auto bytes = protocol::parse_hex(hex->get_ref<const std::string&>());
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

// Fills in what belongs to the entry's event; returns what is missing or wrong, or an empty text.
std::string read_parts(const json& row, capture_entry& entry) {
  const std::string way = text_at(row, "direction");
  const bool has_way = entry.event == capture_event::message || entry.event == capture_event::close;
  if (has_way && way != "in" && way != "out") return R"("direction" must be "in" or "out")";
  entry.way = way == "out" ? capture_way::out : capture_way::in;
  if (entry.event == capture_event::message) {
    const std::string frame = text_at(row, "frame");
    if (frame != "text" && frame != "binary") return R"("frame" must be "text" or "binary")";
    entry.kind = frame == "text" ? frame_kind::text : frame_kind::binary;
    entry.redacted = row.value("redacted", json(false)) == json(true);
    entry.bytes = bytes_at(row);
    if (!entry.bytes && !entry.redacted) return R"(a message needs "text", or "hex" with hex digits)";
    const json size = row.value("size", json());
    entry.size = size.is_number_unsigned() ? size.get<std::size_t>() : entry.bytes.value_or("").size();
  } else if (entry.event == capture_event::close) {
    const json code = row.value("code", json());
    if (!code.is_number_unsigned() || code.get<std::uint64_t>() > 65535)
      return R"("code" must be a close code)";
    entry.reason = {code.get<std::uint16_t>(), text_at(row, "reason")};
  } else if (entry.event == capture_event::ended) {
    entry.fault = text_at(row, "fault");
    entry.cause = text_at(row, "cause");
  }
  return {};
}

}  // namespace

void append_capture_line(std::string& out, const capture_entry& entry) {
  const auto name =
      std::ranges::find(event_names, entry.event, &std::pair<capture_event, std::string_view>::first);
  out += fmt::format(R"({{"v":{},"time":"{}","session":{},"event":"{}")", capture_version,
                     timestamp(entry.time), as_json(entry.session), name->second);
  const bool has_way = entry.event == capture_event::message || entry.event == capture_event::close;
  if (has_way) out += entry.way == capture_way::out ? R"(,"direction":"out")" : R"(,"direction":"in")";
  if (entry.event == capture_event::message) append_message(out, entry);
  if (entry.event == capture_event::close)
    out += fmt::format(R"(,"code":{},"reason":{})", entry.reason.code, as_json(entry.reason.text));
  if (!entry.fault.empty())
    out += fmt::format(R"(,"fault":{},"cause":{})", as_json(entry.fault), as_json(entry.cause));
  out += "}\n";
}

std::optional<capture_entry> parse_capture_line(std::string_view line, std::string& why) {
  json row;
  const auto fault = protocol::parse_json(line, row);
  if (fault || !row.is_object()) {
    why = fault && fault->too_deep ? fault->message : "not a JSON object";
    return std::nullopt;
  }
  capture_entry entry;
  const auto version = row.find("v");
  const auto name = std::ranges::find(event_names, text_at(row, "event"),
                                      &std::pair<capture_event, std::string_view>::second);
  const auto micros = protocol::parse_time(text_at(row, "time"), protocol::time_unit::us);
  if (version == row.end() || *version != capture_version) {
    why = fmt::format(R"("v" must be {}: the version of captures that this program reads)", capture_version);
  } else if (name == event_names.end()) {
    why = R"("event" must be "opened", "message", "close" or "ended")";
  } else if (!micros) {
    why = R"("time" must be an RFC 3339 time)";
  } else {
    entry.time += std::chrono::microseconds{*micros};
    entry.session = text_at(row, "session");
    entry.event = name->first;
    why = read_parts(row, entry);
  }
  if (!why.empty()) return std::nullopt;
  return entry;
}

std::optional<std::vector<capture_entry>> read_capture(std::istream& from, std::string& why) {
  std::vector<capture_entry> all;
  std::size_t number = 0;
  for (std::string line; std::getline(from, line);) {
    ++number;
    if (line.empty()) continue;
    std::string mistake;
    auto entry = parse_capture_line(line, mistake);
    if (!entry) {
      why = fmt::format("line {}: {}", number, mistake);
      return std::nullopt;
    }
    all.push_back(std::move(*entry));
  }
  return all;
}

}  // namespace duplexd
