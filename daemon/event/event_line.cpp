#include "daemon/event/event_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "protocol/text/text_encoding.hpp"

namespace duplexd {

namespace {

constexpr std::size_t kept_room = 64 * 1024;  // bytes; what a large line took is given back at the next one

const std::string line_start = fmt::format(R"({{"v":{},"time":")", event_schema_version);

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

event_line::event_line(std::string_view session) : session_(json_text(session)) {}

void event_line::give_back() {
  if (line_.capacity() <= kept_room) return;
  std::string().swap(line_);
  kept_type_ = nullptr;
}

void event_line::begin(std::string_view time) {
  give_back();
  kept_type_ = nullptr;
  line_.clear();
  line_.append(line_start).append(time);
}

// A session has few kinds of replies: a look along a short list is faster than a hash.
std::string_view event_line::head_of(const protocol::message_type& type) {
  const auto known = std::ranges::find(heads_, &type, [](const auto& head) { return head.first; });
  if (known != heads_.end()) return known->second;
  heads_.emplace_back(&type, head_of_name(protocol::name_of(type)));
  return heads_.back().second;
}

std::string event_line::head_of_name(std::string_view name) const {
  return fmt::format(R"(","session":{},"event":"reply","reply":{},"data":)", session_, json_text(name));
}

std::string_view event_line::compose(std::string_view time, const protocol::packet& packet,
                                     const protocol::codec_error** error) {
  *error = nullptr;
  if (packet.type != nullptr) {
    begin_reply(time, *packet.type);
    if (protocol::write_json(packet, line_, error_)) {
      line_.append("}\n", 2);
      return line_;
    }
  } else {
    error_ = packet.error;
  }
  *error = &error_;
  compose_raw(time, packet, error_);
  return line_;
}

const protocol::codec_error* event_line::check(const protocol::packet& packet) {
  if (packet.type == nullptr) return &packet.error;
  return protocol::check(packet, error_) ? nullptr : &error_;
}

// The messages of one turn carry the same time: all that stands before the data is there already.
void event_line::begin_reply(std::string_view time, const protocol::message_type& type) {
  give_back();
  if (kept_type_ == &type && std::string_view(line_).substr(line_start.size()).starts_with(time) &&
      line_[line_start.size() + time.size()] == '"') {
    line_.resize(kept_size_);
    return;
  }
  begin(time);
  line_.append(head_of(type));
  kept_type_ = &type;
  kept_size_ = line_.size();
}

std::string_view event_line::note(std::string_view time, std::string_view what,
                                  const nlohmann::ordered_json& fields) {
  begin(time);
  line_.append(R"(","session":)").append(session_).append(R"(,"event":)").append(json_text(what));
  for (const auto& [name, value] : fields.items())
    fmt::format_to(std::back_inserter(line_), ",{}:{}", json_text(name),
                   value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  line_ += "}\n";
  return line_;
}

std::string_view event_line::reply(std::string_view time, std::string_view name, std::string_view data) {
  begin(time);
  line_.append(head_of_name(name));
  kept_size_ = line_.size();
  line_ += data;
  line_ += "}\n";
  return line_;
}

void event_line::compose_raw(std::string_view time, const protocol::packet& packet,
                             const protocol::codec_error& why) {
  begin(time);
  line_.append(R"(","session":)").append(session_).append(R"(,"event":"raw",)");
  const protocol::bytes_view bytes = packet.frame.bytes;
  if (packet.type != nullptr)
    line_.append(R"("reply":)").append(json_text(protocol::name_of(*packet.type))) += ',';
  if (packet.frame.kind == protocol::frame_kind::text) {
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    line_.append(R"("frame":"text","text":)").append(json_text(text));
  } else {
    line_.append(R"("frame":"binary","bytes":")");
    protocol::append_hex(line_, bytes);
    line_ += '"';
  }
  fmt::format_to(std::back_inserter(line_), R"(,"size":{},"error":{{"field":{},"offset":{},"message":{}}}}})",
                 bytes.size(), json_text(why.field), why.offset, json_text(why.message));
  line_ += '\n';
}

}  // namespace duplexd
