#include "config/fields/message_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "config/fields/field.hpp"
#include "config/script/match.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::direction;
using protocol::message_type;
using protocol::node;

namespace {

/// The node that a field's path ("ticks[1].price") leads to, as far as it was written.
const node& descend(const node& from, std::string_view path) {
  const node* at = &from;
  while (!path.empty()) {
    const node* next = nullptr;
    std::size_t length = 0;
    if (path[0] == '[') {
      std::size_t index = 0;
      length = std::min(path.find(']'), path.size() - 1) + 1;
      const auto [end, error] = std::from_chars(path.data() + 1, path.data() + length, index);
      if (error == std::errc{} && *end == ']' && index < at->items.size()) next = &at->items[index];
    } else {
      length = std::min(path.find_first_of(".["), path.size());
      next = at->find(path.substr(0, length));
    }
    if (next == nullptr) break;
    at = next;
    path.remove_prefix(length);
    if (path.starts_with('.')) path.remove_prefix(1);
  }
  return *at;
}

/// The simulator takes what is left out from the reply's example.
nlohmann::ordered_json completed(const message_type& type, const unresolved_values& with) {
  nlohmann::ordered_json values = example_values(type);
  if (!values.is_object() && with.source != nullptr) return with.values.unresolved();
  for (const auto& [key, value] : with.values.unresolved().items()) values[key] = value;
  return values;
}

using places = std::vector<protocol::json_pointer>;

/// Where the values stand that references give.
void find_references(const node& from, const protocol::json_pointer& at, places& to) {
  if (from.kind == protocol::node_kind::text && text_template(from.text).has_references()) to.push_back(at);
  for (const protocol::node_entry& entry : from.entries) find_references(entry.value, at / entry.key, to);
  for (std::size_t i = 0; i < from.items.size(); ++i) find_references(from.items[i], at / i, to);
}

/// Where a map's key stands.
protocol::position place_of(const unresolved_values& map, const std::string& key) {
  if (map.source != nullptr)
    for (const protocol::node_entry& entry : map.source->entries)
      if (entry.key == key) return entry.where;
  return map.source != nullptr ? map.source->where : protocol::position{};
}

/// What a path leads to; null if that cannot be told.
const protocol::value_shape* at_path(const protocol::value_shape& shape, std::string_view path) {
  const protocol::value_shape* at = &shape;
  while (!path.empty()) {
    if (const auto* whole = at->find(path)) return whole;
    const auto dot = path.find('.');
    at = at->find(path.substr(0, dot));
    if (at == nullptr || dot == std::string_view::npos) return at;
    path.remove_prefix(dot + 1);
  }
  return at;
}

/// Whether a condition, such as {$starts: x}, can hold for a value that is a text or a number.
bool can_hold(const protocol::value_shape& shape, std::string_view name) {
  using json_type = protocol::value_shape::json_type;
  const bool needs_number = name == "$min" || name == "$max";
  const bool needs_text = name == "$starts" || name == "$ends" || name == "$match" || name == "$contains";
  return shape.json == json_type::any || (needs_number && shape.json == json_type::number) ||
         (needs_text && shape.json == json_type::text) || !(needs_number || needs_text);
}

bool can_be(const protocol::value_shape& shape, const nlohmann::ordered_json& value) {
  using json_type = protocol::value_shape::json_type;
  if (shape.what != protocol::value_shape::kind::scalar || value.is_null()) return true;
  if (value.is_object() && !value.empty() && value.begin().key().starts_with('$')) {
    for (const auto& [name, argument] : value.items())
      if (!can_hold(shape, name)) return false;
    return true;
  }
  if (shape.constant && *shape.constant != value) return false;
  return shape.json == json_type::any || (shape.json == json_type::number && value.is_number()) ||
         (shape.json == json_type::text && value.is_string()) ||
         (shape.json == json_type::boolean && value.is_boolean());
}

std::string_view described(const protocol::value_shape& shape) {
  using json_type = protocol::value_shape::json_type;
  switch (shape.json) {
    case json_type::number:
      return "a number";
    case json_type::text:
      return "a text";
    case json_type::boolean:
      return "true or false";
    default:
      return "another value";
  }
}

std::string hint_for(const protocol::lost_path& lost) {
  using kind = protocol::value_shape::kind;
  if (lost.inside == kind::list) return "a list's elements are named by their numbers: 0, 1, …";
  if (lost.inside == kind::scalar) return "what stands before the dot has no fields";
  const std::string_view last = std::string_view(lost.part).substr(lost.part.rfind('.') + 1);
  return protocol::suggest_or_list(last, lost.known);
}

std::string of_replies(const std::vector<std::string>& names) {
  if (names.size() == 1) return fmt::format("the reply '{}' has no", names.front());
  return fmt::format("none of the replies '{}' has a", fmt::join(names, "', '"));
}

}  // namespace

send_step message_builder::message(direction of, const unresolved_name& name, const unresolved_values& with) {
  send_step made{name.text, with.values};
  const message_type* type = find(of, name);
  if (type == nullptr) return made;
  if (with.values.has_references()) {
    if (of == direction::command) check_partly(*type, name, with);
    return made;
  }
  send_step::packet packet{frame_of(*type), {}};
  if (pack_checked(*type, name, with, packet.bytes) && of == direction::command)
    made.packed = std::move(packet);
  return made;
}

// The chunk is a value that comes later, as one that a reference gives.
stream_step::carrier message_builder::carrier(const unresolved_name& name, const unresolved_values& with,
                                              const std::string& field, bool may_lack) {
  stream_step::carrier made{name.text, with.values};
  const message_type* type = find(direction::command, name);
  if (type == nullptr) return made;
  const protocol::value_shape& whole = *shape(direction::command, name.text);
  const protocol::value_shape* taker = at_path(whole, field);
  if (taker == nullptr && may_lack) {
    made.takes_chunk = false;
    message(direction::command, name, with);
    return made;
  }
  node values;
  values.kind = protocol::node_kind::map;
  if (with.source != nullptr) values = *with.source;
  node chunk;
  chunk.kind = protocol::node_kind::text;
  chunk.text = "${time:unix}";
  chunk.where = name.where;
  values.entries.push_back({field, name.where, std::move(chunk)});
  message(direction::command, name, {json_template(values), &values, name.path});
  using bytes_text = protocol::value_shape::bytes_text;
  made.as = stream_step::form::base64;
  if (taker == nullptr) return made;
  made.as = taker->bytes == bytes_text::hex ? stream_step::form::hex : stream_step::form::base64;
  const bool takes_bytes =
      taker->bytes != bytes_text::none || taker->what == protocol::value_shape::kind::any;
  if (!takes_bytes || taker->constant)
    in_.mistakes.push_back({name.where, name.path,
                            fmt::format("'{}' of the command '{}' takes no bytes", field, name.text),
                            "its type must be bytes, b64 or a slot of JSON"});
  return made;
}

std::vector<std::string> message_builder::replies(const unresolved_names& names) {
  std::vector<std::string> found;
  for (const unresolved_name& each : names) {
    find(direction::reply, each);
    found.push_back(each.text);
  }
  return found;
}

const message_type* message_builder::find(direction of, const unresolved_name& name) {
  if (types_ == nullptr || name.text.empty()) return nullptr;
  if (const message_type* type = types_->find(of, name.text)) return type;
  std::vector<std::string> known;
  known.reserve(types_->types(of).size());
  for (const message_type& each : types_->types(of)) known.push_back(name_of(each));
  const std::string_view kind = of == direction::command ? "command" : "reply";
  in_.mistakes.push_back({name.where, name.path,
                          fmt::format("the session's protocol has no {} {}", kind, in_quotes(name.text)),
                          protocol::suggest_or_list(name.text, known)});
  return nullptr;
}

// Packs the values once: what does not fit is a mistake of the file, not a surprise at run time.
bool message_builder::pack_checked(const message_type& type, const unresolved_name& name,
                                   const unresolved_values& with, std::vector<std::uint8_t>& bytes) {
  const bool simulated = type.way == direction::reply;
  const auto mistake = pack(type, simulated ? completed(type, with) : with.values.unresolved(), bytes);
  if (!mistake) return true;
  const bool has_source = with.source != nullptr;
  const protocol::position where = has_source ? descend(*with.source, mistake->field).where : name.where;
  in_.mistakes.push_back({where, has_source ? with.path : name.path,
                          fmt::format("'{}' cannot be packed: {}", name.text, mistake->text()), ""});
  return false;
}

// What can be told before the references have values.
void message_builder::check_partly(const message_type& type, const unresolved_name& name,
                                   const unresolved_values& with) {
  places unknown;
  find_references(*with.source, protocol::json_pointer{}, unknown);
  for (const protocol::codec_error& mistake :
       protocol::check_partly(type, with.values.unresolved(), unknown)) {
    in_.mistakes.push_back(
        {descend(*with.source, mistake.field).where, with.path,
         fmt::format("'{}' cannot be packed: {}: {}", name.text, mistake.field, mistake.message), ""});
  }
}

const protocol::value_shape* message_builder::shape(direction of, const std::string& name) {
  const message_type* type = types_ == nullptr ? nullptr : types_->find(of, name);
  if (type == nullptr) return nullptr;
  const auto known = shapes_.find(type);
  return known != shapes_.end() ? &known->second : &shapes_.emplace(type, shape_of(*type)).first->second;
}

void message_builder::check_path(const std::vector<std::string>& replies, std::string_view path,
                                 protocol::position where, const std::string& at) {
  std::optional<protocol::lost_path> first;
  for (const std::string& each : replies) {
    const protocol::value_shape* known = shape(direction::reply, each);
    auto lost = known == nullptr ? std::nullopt : protocol::find_lost(*known, path);
    if (!lost) return;
    if (!first) first = std::move(lost);
  }
  if (first)
    in_.mistakes.push_back(
        {where, at, fmt::format("{} field '{}'", of_replies(replies), first->part), hint_for(*first)});
}

bool message_builder::check_field(const std::string& command, std::string_view path, protocol::position where,
                                  const std::string& at) {
  const protocol::value_shape* known = shape(direction::command, command);
  if (known == nullptr) return true;
  const auto lost = protocol::find_lost(*known, path);
  if (lost)
    in_.mistakes.push_back(
        {where, at, fmt::format("the command '{}' has no field '{}'", command, lost->part), hint_for(*lost)});
  return !lost;
}

void message_builder::check_match(const std::vector<std::string>& replies, const unresolved_match& match) {
  for_each_condition(match.values.unresolved(), [&](const std::string& path, const auto& wanted) {
    const protocol::position where = place_of(match, path);
    check_path(replies, path, where, match.path);
    if (wanted.is_array() || wanted.is_null()) return;
    const protocol::value_shape* unlike = nullptr;
    bool possible = replies.empty();
    for (const std::string& each : replies) {
      const protocol::value_shape* known = shape(direction::reply, each);
      const protocol::value_shape* at = known == nullptr ? nullptr : at_path(*known, path);
      possible = possible || known == nullptr || (at == nullptr && !protocol::find_lost(*known, path)) ||
                 (at != nullptr && can_be(*at, wanted));
      if (at != nullptr) unlike = at;
    }
    if (possible || unlike == nullptr) return;
    const std::string what =
        unlike->constant ? "always " + unlike->constant->dump() : std::string(described(*unlike));
    in_.mistakes.push_back(
        {where, match.path, fmt::format("'{}' is {} and never {}", path, what, wanted.dump()), ""});
  });
}

}  // namespace duplexd::config
