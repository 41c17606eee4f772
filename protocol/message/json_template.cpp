// Templates of JSON: a ~ at any depth is a slot, everything else is constant.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/document/node_json.hpp"
#include "protocol/message/protocol_compiler.hpp"

namespace duplexd::protocol {

namespace {

bool holds_slot(const node& from) {
  return from.kind == node_kind::null || std::ranges::any_of(from.items, holds_slot) ||
         std::ranges::any_of(from.entries, [](const node_entry& each) { return holds_slot(each.value); });
}

// The mark of what may be left out.
bool take_mark(std::string& name) {
  if (!name.ends_with('?')) return false;
  name.pop_back();
  return true;
}

}  // namespace

// A ~ anywhere in it is a slot; what holds none is constant.
void protocol_compiler::json_place(const node& from, json_part& part) {
  part.what = json_part::kind::slot;
  if (from.kind == node_kind::null) return;
  part.what = json_part::kind::constant;
  if (!holds_slot(from)) {
    part.value = to_json(from);
    return;
  }
  part.what = from.kind == node_kind::map ? json_part::kind::map : json_part::kind::list;
  for (const node_entry& entry : from.entries) {
    json_part inner;
    inner.name = entry.key;
    inner.optional = holds_slot(entry.value) && take_mark(inner.name);
    json_place(entry.value, inner);
    add_part(entry.where, std::move(inner), part.parts);
  }
  for (const node& item : from.items) {
    json_part inner;
    inner.name = std::to_string(part.parts.size());
    json_place(item, inner);
    part.parts.push_back(std::move(inner));
  }
}

void protocol_compiler::add_part(position where, json_part part, std::vector<json_part>& to) {
  node place;
  place.where = where;
  if (part.name.empty()) fail(place, "expected a name");
  for (const json_part& other : to)
    if (other.name == part.name) fail(place, fmt::format("'{}' is already defined", part.name));
  to.push_back(std::move(part));
}

void protocol_compiler::json_body(const node& from, message_type& type) {
  const step in(*this, "json");
  if (from.kind != node_kind::map && from.kind != node_kind::list) {
    fail(from, fmt::format("expected a map or a list, found {}", describe(from.kind)),
         "json: {a: subscribe, v: ~} or json: [{type: 2}, id, action, payload]; ~ and plain names are given "
         "by the command");
    return;
  }
  const auto add = [&](position where, const std::string& name, const node* value) {
    json_part part;
    part.name = name;
    part.optional = take_mark(part.name);
    if (value != nullptr) json_place(*value, part);
    add_part(where, std::move(part), type.parts);
  };
  if (from.kind == node_kind::map) {
    type.body = message_type::body_kind::json_map;
    for (const node_entry& entry : from.entries) add(entry.where, entry.key, &entry.value);
    return;
  }
  type.body = message_type::body_kind::json_list;
  for (const node& slot : from.items) {
    if (slot.kind == node_kind::map && slot.entries.size() == 1)
      add(slot.where, slot.entries[0].key, &slot.entries[0].value);
    else if (slot.kind == node_kind::text)
      add(slot.where, slot.text, nullptr);
    else
      fail(slot, "expected a slot's name, or {name: constant}");
  }
}

}  // namespace duplexd::protocol
