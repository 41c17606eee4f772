#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>

#include "protocol/document/node_json.hpp"
#include "protocol/message/protocol_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

// A scalar, or each of a list.
std::vector<nlohmann::ordered_json> alternatives(const node& from) {
  std::vector<nlohmann::ordered_json> out;
  if (from.kind != node_kind::list) return {to_json(from)};
  for (const node& item : from.items) out.push_back(to_json(item));
  return out;
}

bool all_in(const std::vector<nlohmann::ordered_json>& some, const std::vector<nlohmann::ordered_json>& all) {
  return std::ranges::all_of(some, [&](const auto& one) {
    return std::ranges::any_of(all, [&](const auto& other) { return same_json(one, other); });
  });
}

bool same_place(const opcode_rule& a, const opcode_rule& b) {
  return a.at == b.at && a.type == b.type && a.big == b.big && a.mask == b.mask && a.shift == b.shift;
}

// Whether each frame that meets `narrow` meets `wide`, too.
bool implies(const condition& narrow, const condition& wide) {
  if (narrow.what != wide.what) return false;
  switch (wide.what) {
    case condition::kind::size:
      return narrow.low >= wide.low && narrow.high <= wide.high;
    case condition::kind::opcode:
      return same_place(narrow.opcode, wide.opcode) && all_in(narrow.values, wide.values);
    case condition::kind::json:
      return narrow.pointer == wide.pointer && narrow.packed == wide.packed && narrow.schema == wide.schema &&
             (wide.values.empty() || (!narrow.values.empty() && all_in(narrow.values, wide.values)));
    case condition::kind::starts:
      return narrow.prefix.starts_with(wide.prefix);
    case condition::kind::fits:
      return false;
  }
  return false;
}

bool follows_all_of(const message_type& wide, const message_type& narrow) {
  const auto has = [&](const std::string& name) {
    return std::ranges::find(wide.after, name) != wide.after.end();
  };
  return wide.after.empty() || (!narrow.after.empty() && std::ranges::all_of(narrow.after, has));
}

bool takes_all_of(const message_type& earlier, const message_type& later) {
  return follows_all_of(earlier, later) && earlier.frame == later.frame &&
         std::ranges::all_of(earlier.when, [&](const condition& wide) {
           return std::ranges::any_of(later.when, [&](const condition& each) { return implies(each, wide); });
         });
}

}  // namespace

void protocol_compiler::selection(const node& from, message_type& type) {
  const step in(*this, "when");
  if (!is_map(from, "a map") || !known_keys(from, {"frame", "size", "opcode", "json", "slot", "cbor",
                                                   "msgpack", "protobuf", "is", "starts", "fits", "after"}))
    return;
  type.has_when = true;
  if (const node* frame = from.find("frame");
      frame != nullptr && frame->text != "text" && frame->text != "binary")
    fail(*frame, fmt::format("unknown frame '{}'", frame->text), "text or binary");
  if (const node* size = from.find("size")) size_condition(*size, type);
  if (const node* given = from.find("opcode")) {
    const step at(*this, "opcode");
    condition c;
    c.what = condition::kind::opcode;
    if (opcode(*given, c.opcode, true, &c)) type.when.push_back(std::move(c));
  }
  json_conditions(from, type);
  if (const node* starts = from.find("starts")) starts_condition(*starts, type);
  if (const node* given = from.find("after")) after_condition(*given, type);
  if (const node* fits = from.find("fits")) {
    if (fits->kind != node_kind::boolean) fail(*fits, "expected true or false");
    condition c;
    c.what = condition::kind::fits;
    if (fits->text == "true") type.when.push_back(std::move(c));
  }
}

// {at: 4, type: '>I', mask: 0xf0}; within 'when' also 'is', or only the value if the protocol says the rest.
bool protocol_compiler::opcode(const node& from, opcode_rule& rule, bool in_when, condition* into) {
  if (in_when && from.kind != node_kind::map) {
    if (!opcode_)
      return fail(from, "the protocol does not say where its opcode is",
                  "opcode: {at: 0, type: '>H'} beside 'replies', or {at: 0, type: B, is: 2} here");
    rule = *opcode_;
    into->values = alternatives(from);
  } else {
    if (!is_map(from, "a map") || !known_keys(from, {"at", "type", "mask", in_when ? "is" : "at"}))
      return false;
    const node* type = from.find("type");
    std::uint8_t limit = 0;
    if (type == nullptr) return fail(from, "'type' is missing", "such as B or '>H'");
    if (!integer_type(*type, rule.type, rule.big, limit)) return false;
    if (is_variable(rule.type)) return fail(*type, "an opcode needs a type of fixed size");
    if (const node* at = from.find("at"); at != nullptr && !natural(*at, rule.at, 65'536)) return false;
    if (const node* mask = from.find("mask")) {
      const auto value = parse_integer(mask->text);
      if (!value || *value <= 0) return fail(*mask, "expected a positive integer, such as 0xf0");
      rule.mask = static_cast<std::uint64_t>(*value);
      rule.shift = static_cast<unsigned>(std::countr_zero(rule.mask));
    }
    if (!in_when) return true;
    const node* is = from.find("is");
    if (is == nullptr) return fail(from, "'is' is missing");
    into->values = alternatives(*is);
  }
  for (const auto& value : into->values)
    if (!value.is_number_integer()) return fail(from, "an opcode is an integer, or a list of them");
  return true;
}

// {json: /type, is: order}, {slot: 0, is: 3}, {json: {/type: order, /v: 2}}; cbor, msgpack and protobuf as
// json.
void protocol_compiler::json_conditions(const node& from, message_type& type) {
  static constexpr std::pair<const char*, std::optional<packed_format>> kinds[] = {
      {"json", {}},
      {"slot", {}},
      {"cbor", packed_format::cbor},
      {"msgpack", packed_format::msgpack},
      {"protobuf", {}}};
  const node* is = from.find("is");
  const node* place = nullptr;
  std::string kind;
  std::optional<packed_format> packed;
  for (const auto& [name, format] : kinds) {
    const node* given = from.find(name);
    if (given == nullptr) continue;
    if (place != nullptr) {
      fail(*given, fmt::format("'{}' and '{}' cannot be used together", kind, name),
           "json: {/0: 3, /2: x} holds several conditions");
      continue;
    }
    place = given;
    kind = name;
    packed = format;
  }
  if (place == nullptr) {
    if (is != nullptr) fail(*is, "'is' is only allowed with 'json', 'slot', 'cbor', 'msgpack' or 'protobuf'");
    return;
  }
  if ((packed || kind == "protobuf") && type.frame == frame_kind::text)
    fail(*place, fmt::format("'{}' is for binary frames", kind));
  const auto add = [&](const node& at, const std::string& pointer, const node* values) {
    condition c;
    c.what = condition::kind::json;
    c.packed = packed;
    auto parts = split_pointer(pointer);
    if (!parts) {
      fail(at, fmt::format("'{}' is not a JSON pointer", pointer), fmt::format("write /{}", pointer));
      return;
    }
    c.pointer = std::move(*parts);
    if (values != nullptr) {
      c.values = alternatives(*values);
      for (const auto& value : c.values)
        if (value.is_structured()) fail(*values, "expected a text, a number, a boolean or null");
    }
    type.when.push_back(std::move(c));
  };
  if (kind == "slot") {
    std::size_t index = 0;
    if (natural(*place, index, 10'000)) add(*place, fmt::format("/{}", index), is);
  } else if (place->kind == node_kind::map) {
    if (is != nullptr) fail(*is, "a map of pointers holds its values itself");
    for (const node_entry& entry : place->entries) add(entry.value, entry.key, &entry.value);
  } else {
    add(*place, place->text, is);
  }
}

// 8, [1, 2] (from, to), or {min: 4}
void protocol_compiler::size_condition(const node& from, message_type& type) {
  const step in(*this, "size");
  constexpr std::size_t top = std::size_t{1} << 40;
  condition c;
  c.what = condition::kind::size;
  c.high = top;
  if (from.kind == node_kind::map) {
    if (!known_keys(from, {"min", "max"})) return;
    if (const node* low = from.find("min"); low != nullptr && !natural(*low, c.low, top)) return;
    if (const node* high = from.find("max"); high != nullptr && !natural(*high, c.high, top)) return;
  } else if (from.is_scalar()) {
    if (!natural(from, c.low, top)) return;
    c.high = c.low;
  } else {
    fail(from, "expected a number of bytes, or {min: 4, max: 8}");
    return;
  }
  if (c.low > c.high) fail(from, "no size is in this range");
  type.when.push_back(std::move(c));
}

// "42", or {hex: "0a0b"}
void protocol_compiler::starts_condition(const node& from, message_type& type) {
  condition c;
  c.what = condition::kind::starts;
  if (from.is_scalar()) {
    c.prefix = from.text;
  } else {
    const node* hex = from.find("hex");
    const auto bytes = hex != nullptr ? parse_hex(hex->text) : std::nullopt;
    if (!bytes) {
      fail(from, "expected a text, or {hex: 0a0b}");
      return;
    }
    c.prefix.assign(bytes->begin(), bytes->end());
  }
  type.when.push_back(std::move(c));
}

// The name of a message of the same direction, or a list of them.
void protocol_compiler::after_condition(const node& from, message_type& type) {
  const step in(*this, "after");
  const bool one = from.kind == node_kind::text;
  if (!one && (from.kind != node_kind::list || from.items.empty())) {
    fail(from, "expected the name of what comes in front, or a list of names", "after: header");
    return;
  }
  const std::span<const node> names = one ? std::span(&from, 1) : std::span(from.items);
  for (const node& name : names) {
    type.after.push_back(name.text);
    followed_.push_back({&name, name.text, type.way, path_});
  }
}

// The first reply that matches is taken.
void protocol_compiler::unreachable() {
  for (std::size_t k = 1; k < to_->replies.size() && k < places_.size(); ++k) {
    const message_type& later = to_->replies[k];
    const auto end = to_->replies.begin() + static_cast<std::ptrdiff_t>(k);
    const auto earlier = std::find_if(to_->replies.begin(), end,
                                      [&](const message_type& each) { return takes_all_of(each, later); });
    if (earlier == end) continue;
    const step at(*this, fmt::format("[{}]", k));
    const char* kind = later.frame == frame_kind::text ? "text" : "binary";
    const bool any = earlier->when.empty() && earlier->after.empty();
    const std::string what =
        any ? fmt::format("every {} frame", kind) : fmt::format("every {} frame of this one", kind);
    fail(*places_[k], fmt::format("never reached: '{}' before it takes {}", earlier->name, what),
         any ? "give the earlier one a 'when', or move it to the end"
             : "give them different conditions, or put the one with more of them first");
  }
}

}  // namespace duplexd::protocol
