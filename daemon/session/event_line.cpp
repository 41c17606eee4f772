#include "daemon/session/event_line.hpp"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace duplexd {

namespace {

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_hex(std::string& out, protocol::bytes_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  out.reserve(out.size() + 2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

event_line::event_line(std::string_view session) : session_(json_text(session)) {}

void event_line::begin(std::string_view time, std::string_view event) {
  line_.clear();
  fmt::format_to(std::back_inserter(line_), R"({{"v":{},"time":"{}","session":{},"event":"{}",)",
                 event_schema_version, time, session_, event);
}

std::string_view event_line::compose(std::string_view time, const protocol::packet& packet,
                                     const protocol::codec_error** error) {
  *error = nullptr;
  if (packet.type != nullptr) {
    begin(time, "reply");
    line_.append(R"("reply":)").append(json_text(protocol::name_of(*packet.type))).append(R"(,"data":)");
    auto failed = protocol::write_json(packet, line_);
    if (!failed) {
      line_ += "}\n";
      return line_;
    }
    error_ = std::move(*failed);
  } else {
    error_ = packet.error;
  }
  *error = &error_;
  compose_raw(time, packet, error_);
  return line_;
}

void event_line::compose_raw(std::string_view time, const protocol::packet& packet,
                             const protocol::codec_error& why) {
  begin(time, "raw");
  const protocol::bytes_view bytes = packet.frame.bytes;
  if (packet.type != nullptr)
    line_.append(R"("reply":)").append(json_text(protocol::name_of(*packet.type))) += ',';
  if (packet.frame.kind == protocol::frame_kind::text) {
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    line_.append(R"("frame":"text","text":)").append(json_text(text));
  } else {
    line_.append(R"("frame":"binary","bytes":")");
    append_hex(line_, bytes);
    line_ += '"';
  }
  fmt::format_to(std::back_inserter(line_), R"(,"size":{},"error":{{"field":{},"offset":{},"message":{}}}}})",
                 bytes.size(), json_text(why.field), why.offset, json_text(why.message));
  line_ += '\n';
}

}  // namespace duplexd
