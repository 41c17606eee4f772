#include "protocol/message/protocol.hpp"

#include <fmt/format.h>

#include "protocol/codec/framing.hpp"
#include "protocol/codec/packer.hpp"
#include "protocol/codec/unpacker.hpp"
#include "protocol/codec/value_visitor.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/message/protocol_compiler.hpp"
#include "protocol/text/json_tree.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {
std::string_view as_text(bytes_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
}  // namespace

protocol::protocol() : state_(std::make_unique<state>()) {}
protocol::~protocol() = default;

std::shared_ptr<const protocol> protocol::compile(const node& definition, const std::string& path,
                                                  diagnostics& out) {
  const std::shared_ptr<protocol> made(new protocol);
  protocol_compiler compiler(path, out);
  if (!compiler.compile(definition, *made->state_)) return nullptr;
  return made;
}

const message_type* protocol::find(direction way, std::string_view name) const noexcept {
  for (const message_type& type : types(way))
    if (type.name == name) return &type;
  return nullptr;
}

const std::vector<message_type>& protocol::types(direction way) const noexcept {
  return way == direction::command ? state_->commands : state_->replies;
}

const std::vector<std::shared_ptr<schema_layout>>& protocol::schemas() const noexcept {
  return state_->schemas;
}

// All message types have the same.
json_style style_of(const protocol& types) noexcept {
  for (const direction way : {direction::command, direction::reply})
    for (const message_type& each : types.types(way)) return each.style;
  return json_style::python;
}

namespace {

const char* close_framed(const std::optional<framing_rule>& rule, frame_kind kind,
                         std::vector<std::uint8_t>& out, std::size_t begin) {
  if (!rule || (kind != frame_kind::binary && rule->delimiter.empty())) return nullptr;
  return close_packet(*rule, out, begin);
}

std::optional<codec_error> pack_schema(const message_type& type, const ordered_json& values,
                                       std::vector<std::uint8_t>& out) {
  if (type.contents.empty()) return type.schema->pack(values, out);
  ordered_json texts = values;
  if (auto error = pack_contents(type.contents, {}, texts)) return error;
  return type.schema->pack(texts, out);
}

}  // namespace

std::optional<codec_error> unpack_text(const message_type& type, bytes_view bytes, std::string& out) {
  const std::size_t before = out.size();
  codec_error error;
  if (!type.schema) {
    if (auto failed = unpack_json(type, as_text(bytes), out)) return failed;
  } else if (!type.schema->unpack(bytes, out, error)) {
    return error;
  }
  auto failed = unpack_contents(type.contents, out, before);
  if (failed) out.resize(before);
  return failed;
}

// Text is framed by a delimiter only, and then all message types have it.
const char* add_framing(const protocol& types, frame_kind kind, std::vector<std::uint8_t>& packet) {
  for (const direction way : {direction::command, direction::reply})
    for (const message_type& each : types.types(way))
      if (each.layout.framing) return close_framed(each.layout.framing, kind, packet, 0);
  return nullptr;
}

const std::string& name_of(const message_type& type) noexcept {
  return type.name;
}
frame_kind frame_of(const message_type& type) noexcept {
  return type.frame;
}

std::optional<codec_error> pack(const message_type& type, const ordered_json& values,
                                std::vector<std::uint8_t>& out) {
  const std::size_t begin = out.size();
  const auto pack_body = [&] {
    if (type.body == message_type::body_kind::layout) return pack_layout(type.layout, values, out);
    return type.schema ? pack_schema(type, values, out) : pack_json(type, values, out);
  };
  if (auto error = pack_body()) return error;
  const char* why = close_framed(type.layout.framing, type.frame, out, begin);
  if (why == nullptr) return std::nullopt;
  out.resize(begin);
  return codec_error{"", 0, why};
}

std::optional<codec_error> write_json(const packet& from, std::string& out) {
  codec_error error;
  if (write_json(from, out, error)) return std::nullopt;
  return error;
}

bool write_json(const packet& from, std::string& out, codec_error& error) {
  const message_type& type = *from.type;
  if (type.body == message_type::body_kind::layout) {
    const std::size_t before = out.size();
    json_writer visitor(out);
    if (unpack(type.layout, from.frame.bytes, visitor, error)) return true;
    out.resize(before);
  } else {
    auto failed = unpack_text(type, from.frame.bytes, out);
    if (!failed) return true;
    error = std::move(*failed);
  }
  error.offset += from.offset;
  return false;
}

bool check(const packet& from, codec_error& error) {
  auto failed = check_fit(*from.type, from.frame);
  if (!failed) return true;
  error = std::move(*failed);
  error.offset += from.offset;
  return false;
}

std::optional<codec_error> read_json(const packet& from, ordered_json& out) {
  const message_type& type = *from.type;
  if (type.body != message_type::body_kind::layout) {
    std::string text;
    if (auto error = write_json(from, text)) return error;
    out = json_tree(text);
    return std::nullopt;
  }
  ordered_json made;
  json_builder visitor(made);
  if (auto error = visit(from, visitor)) return error;
  out = std::move(made);
  return std::nullopt;
}

std::optional<codec_error> visit(const packet& from, value_visitor& visitor) {
  codec_error error;
  if (from.type->body != message_type::body_kind::layout) {
    std::string text;
    if (auto fault = write_json(from, text)) return fault;
    visitor.json(text);
    return std::nullopt;
  }
  if (unpack(from.type->layout, from.frame.bytes, visitor, error)) return std::nullopt;
  error.offset += from.offset;
  return error;
}

}  // namespace duplexd::protocol
