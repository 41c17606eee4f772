#include "config/fields/message_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/fields/field.hpp"
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

}  // namespace

send_step message_builder::message(direction of, const unresolved_name& name, const unresolved_values& with) {
  send_step made{name.text, with.values};
  const message_type* type = find(of, name);
  if (type == nullptr || with.values.has_references()) return made;
  send_step::packet packet{frame_of(*type), {}};
  if (pack_checked(*type, name, with, packet.bytes) && of == direction::command)
    made.packed = std::move(packet);
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

}  // namespace duplexd::config
