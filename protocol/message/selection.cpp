#include <algorithm>

#include "protocol/codec/unpacker.hpp"
#include "protocol/codec/value_visitor.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/message/message_type.hpp"

namespace duplexd::protocol {
namespace {

using nlohmann::ordered_json;

std::string_view as_text(bytes_view bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool opcode_is(const condition& c, bytes_view bytes) {
  const opcode_rule& rule = c.opcode;
  const unsigned width = width_of(rule.type);
  if (bytes.size() < width || bytes.size() - width < rule.at) return false;
  const std::uint64_t value = (load(bytes.data() + rule.at, width, rule.big) & rule.mask) >> rule.shift;
  const std::uint64_t ones = width < 8 ? (std::uint64_t{1} << (8 * width)) - 1 : ~std::uint64_t{0};
  const auto is = [&](const ordered_json& wanted) {
    if (wanted.is_number_unsigned()) return wanted.get<std::uint64_t>() == value;
    if (!wanted.is_number_integer()) return false;
    const auto number = wanted.get<std::int64_t>();
    return (static_cast<std::uint64_t>(number) & (number < 0 ? ones : ~std::uint64_t{0})) == value;
  };
  return std::any_of(c.values.begin(), c.values.end(), is);
}

/// A frame's values by a schema, read once.
std::string_view schema_json(const schema_layout& schema, bytes_view bytes, frame_memo& memo) {
  if (memo.schema == &schema) return memo.json;
  memo.schema = &schema;
  memo.json.clear();
  (void)schema.unpack(bytes, memo.json, memo.error);
  return memo.json;
}

/// Protocol Buffers write 64-bit integers as texts.
bool is_number_as_text(const ordered_json& value, const ordered_json& wanted) {
  return value.is_string() && wanted.is_number_integer() && value == wanted.dump();
}

bool json_is(const message_type& type, const condition& c, bytes_view bytes, frame_memo& memo) {
  std::string read;
  if (c.packed && read_packed(bytes, *c.packed, type.json_depth, read)) return false;
  const std::string_view whole = c.schema != nullptr ? schema_json(*c.schema, bytes, memo)
                                 : c.packed          ? std::string_view(read)
                                                     : as_text(bytes);
  if (whole.empty()) return false;
  const auto found = find_json(whole, c.pointer);
  if (!found) return false;
  if (c.values.empty()) return true;
  if (found->front() == '{' || found->front() == '[') return false;
  const ordered_json value = ordered_json::parse(*found, nullptr, false);
  for (const ordered_json& wanted : c.values)
    if (same_json(value, wanted) || (c.schema != nullptr && is_number_as_text(value, wanted))) return true;
  return false;
}

bool holds(const message_type& type, const condition& c, frame_view frame, frame_memo& memo) {
  switch (c.what) {
    case condition::kind::size:
      return frame.bytes.size() >= c.low && frame.bytes.size() <= c.high;
    case condition::kind::opcode:
      return opcode_is(c, frame.bytes);
    case condition::kind::json:
      return json_is(type, c, frame.bytes, memo);
    case condition::kind::starts:
      return as_text(frame.bytes).starts_with(c.prefix);
    case condition::kind::fits:
      return !check_fit(type, frame);
  }
  return false;
}

}  // namespace

bool meets_conditions(const message_type& type, frame_view frame, frame_memo& memo) {
  for (const condition& c : type.when)
    if (!holds(type, c, frame, memo)) return false;
  return true;
}

prospect begins_as(const message_type& type, bytes_view front) {
  prospect out = prospect::yes;
  for (const condition& c : type.when) {
    const bool is_opcode = c.what == condition::kind::opcode;
    const std::size_t need = is_opcode ? c.opcode.at + width_of(c.opcode.type) : c.prefix.size();
    const bool known = front.size() >= need;
    const bool fits = is_opcode ? !known || opcode_is(c, front)
                                : std::string_view(c.prefix).starts_with(as_text(front).substr(0, need));
    if (!fits) return prospect::no;
    if (!known) out = prospect::open;
  }
  return out;
}

void impose_opcode(const message_type& type, std::vector<std::uint8_t>& packet) {
  for (const condition& c : type.when) {
    const opcode_rule& rule = c.opcode;
    const unsigned width = width_of(rule.type);
    const bool is_there = c.what == condition::kind::opcode && packet.size() >= rule.at + width;
    if (!is_there || opcode_is(c, packet) || c.values.empty()) continue;
    std::uint8_t* at = packet.data() + rule.at;
    const auto wanted = static_cast<std::uint64_t>(c.values.front().get<std::int64_t>());
    const std::uint64_t others = load(at, width, rule.big) & ~rule.mask;
    store(at, others | ((wanted << rule.shift) & rule.mask), width, rule.big);
  }
}

std::optional<codec_error> check_fit(const message_type& type, frame_view frame) {
  std::string ignored;
  if (type.schema || !type.contents.empty()) return unpack_text(type, frame.bytes, ignored);
  if (type.body != message_type::body_kind::layout) return check_json_message(type, as_text(frame.bytes));
  codec_error error;
  null_visitor nothing;
  if (unpack(type.layout, frame.bytes, nothing, error)) return std::nullopt;
  return error;
}

}  // namespace duplexd::protocol
