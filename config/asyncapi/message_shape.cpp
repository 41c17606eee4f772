#include "config/asyncapi/message_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "protocol/document/node_json.hpp"
#include "protocol/layout/notation.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node;
using protocol::node_entry;
using protocol::node_kind;
using kind = message_shape::kind;
using member = message_shape::member;

namespace {

constexpr std::size_t deepest = 16;
constexpr std::size_t most_schemas = 10'000;

member* find(message_shape& in, const std::string& name) {
  const auto found = std::ranges::find(in.members, name, &member::name);
  return found == in.members.end() ? nullptr : &*found;
}

/// A value that a template can hold: null is a slot there.
bool can_be_constant(const ordered_json& value) {
  if (value.is_structured()) return std::ranges::all_of(value, can_be_constant);
  return !value.is_null();
}

/// Both hold.
message_shape both(message_shape a, message_shape b) {
  if (a.what == kind::any && (b.what != kind::any || a.choices.empty())) std::swap(a, b);
  if (a.title.empty()) a.title = b.title;
  if (a.what != b.what || a.what != kind::map) return a;
  for (member& each : b.members) {
    if (member* mine = find(a, each.name)) {
      mine->required = mine->required || each.required;
      mine->shape = both(std::move(mine->shape), std::move(each.shape));
    } else {
      a.members.push_back(std::move(each));
    }
  }
  return a;
}

std::vector<ordered_json> values_of(const message_shape& shape) {
  return shape.what == kind::constant ? std::vector{shape.value} : shape.choices;
}

/// One of them holds.
message_shape either(message_shape a, message_shape b) {
  if (a.what == kind::constant && b.what == kind::constant && a.value == b.value) return a;
  if (a.what == kind::map && b.what == kind::map) {
    for (member& mine : a.members) {
      const member* other = find(b, mine.name);
      mine.required = mine.required && other != nullptr && other->required;
      mine.shape = other == nullptr ? message_shape{} : either(std::move(mine.shape), other->shape);
    }
    for (const member& other : b.members)
      if (find(a, other.name) == nullptr) a.members.push_back({other.name, {}, false});
    return a;
  }
  message_shape out;
  std::vector<ordered_json> mine = values_of(a);
  const std::vector<ordered_json> others = values_of(b);
  if (mine.empty() || others.empty()) return out;
  for (const ordered_json& each : others)
    if (std::ranges::find(mine, each) == mine.end()) mine.push_back(each);
  out.choices = std::move(mine);
  return out;
}

class reader {
 public:
  explicit reader(const asyncapi_document& document) : document_(document) {}

  message_shape read(const api_value& schema) {
    if (!schema.is_map() || open_.size() == deepest || std::ranges::find(open_, schema.value) != open_.end())
      return {};
    if (read_ == most_schemas) document_.note(schema, fmt::format("more than {} schemas", most_schemas));
    if (++read_ > most_schemas) return {};
    open_.push_back(schema.value);
    message_shape out = whole(schema);
    open_.pop_back();
    return out;
  }

 private:
  message_shape whole(const api_value& schema) {
    message_shape out = own(schema);
    if (const api_value all = list(schema, "allOf"))
      for (std::size_t i = 0; i < all.value->items.size(); ++i)
        out = both(std::move(out), read(document_.item(all, i)));
    for (const char* const key : {"oneOf", "anyOf"}) {
      const api_value some = list(schema, key);
      if (!some || some.value->items.empty()) continue;
      message_shape alternatives = read(document_.item(some, 0));
      for (std::size_t i = 1; i < some.value->items.size(); ++i)
        alternatives = either(std::move(alternatives), read(document_.item(some, i)));
      out = both(std::move(out), std::move(alternatives));
    }
    require(schema, out);
    return out;
  }

  api_value list(const api_value& schema, std::string_view key) const {
    api_value found = document_.at(schema, key);
    return found && found.value->kind == node_kind::list ? found : api_value{};
  }

  message_shape own(const api_value& schema) {
    message_shape out;
    out.title = document_.text(schema, "title");
    if (const api_value given = document_.at(schema, "const")) return constant(out, {to_json(*given.value)});
    if (const api_value given = list(schema, "enum")) {
      std::vector<ordered_json> values;
      for (const node& each : given.value->items) values.push_back(to_json(each));
      return constant(out, std::move(values));
    }
    if (const api_value properties = document_.at(schema, "properties"); properties.is_map()) {
      out.what = kind::map;
      for (const node_entry& each : properties.value->entries)
        out.members.push_back({each.key, read(document_.entry(properties, each)), false});
    } else if (const api_value items = list(schema, "items")) {
      out.what = kind::tuple;
      const std::string least = document_.text(schema, "minItems");
      const auto needed = protocol::to_integer(least);
      for (std::size_t i = 0; i < items.value->items.size(); ++i)
        out.members.push_back(
            {"", read(document_.item(items, i)), !needed || static_cast<std::int64_t>(i) < *needed});
    }
    return out;
  }

  static message_shape constant(message_shape out, std::vector<ordered_json> values) {
    if (values.size() == 1 && can_be_constant(values[0])) {
      out.what = kind::constant;
      out.value = std::move(values[0]);
    } else if (std::ranges::all_of(values, [](const ordered_json& each) { return each.is_primitive(); })) {
      out.choices = std::move(values);
    }
    return out;
  }

  void require(const api_value& schema, message_shape& out) const {
    const api_value names = list(schema, "required");
    if (!names || (out.what != kind::map && out.what != kind::any) || !out.choices.empty()) return;
    for (const node& each : names.value->items) {
      if (!each.is_scalar()) continue;
      out.what = kind::map;
      if (member* known = find(out, each.text))
        known->required = true;
      else
        out.members.push_back({each.text, {}, true});
    }
  }

  const asyncapi_document& document_;
  std::vector<const node*> open_;  // those around: what contains itself ends there
  std::size_t read_ = 0;
};

bool holds_slot(const ordered_json& value) {
  return value.is_null() || (value.is_structured() && std::ranges::any_of(value, holds_slot));
}

/// The part of a template for one value; null is a slot.
ordered_json place_of(const message_shape& shape) {
  if (shape.what == kind::constant) return shape.value;
  if (shape.what != kind::map || shape.members.empty()) return nullptr;
  return template_of(shape);
}

std::vector<std::string> names_of(const std::vector<member>& slots) {
  std::vector<std::string> names;
  for (const member& each : slots) {
    std::string name = each.shape.title;
    std::ranges::replace_if(name, [](char c) { return c == ' ' || c == '-' || c == '.'; }, '_');
    if (!protocol::is_field_name(name) || std::ranges::find(names, name) != names.end())
      name = fmt::format("item{}", names.size());
    names.push_back(std::move(name));
  }
  return names;
}

void add_conditions(const message_shape& shape, const std::string& pointer, ordered_json& to) {
  if (shape.what == kind::constant) {
    if (shape.value.is_primitive()) to[pointer] = shape.value;
    return;
  }
  for (std::size_t i = 0; i < shape.members.size(); ++i) {
    const member& each = shape.members[i];
    std::string part = pointer + "/";
    if (shape.what == kind::tuple)
      part += std::to_string(i);
    else
      for (const char c : each.name) part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    if (each.shape.what == kind::constant || each.required) add_conditions(each.shape, part, to);
  }
  if (shape.what == kind::any && !shape.choices.empty() && !pointer.empty()) to[pointer] = shape.choices;
}

}  // namespace

message_shape read_schema(const asyncapi_document& document, const api_value& schema) {
  return reader(document).read(schema);
}

ordered_json template_of(const message_shape& shape) {
  if (shape.what == kind::tuple && !shape.members.empty()) {
    ordered_json out = ordered_json::array();
    const std::vector<std::string> names = names_of(shape.members);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const member& each = shape.members[i];
      if (each.shape.what == kind::constant)
        out.push_back(ordered_json{{names[i], each.shape.value}});
      else
        out.push_back(each.required ? names[i] : names[i] + "?");
    }
    return out;
  }
  if (shape.what != kind::map || shape.members.empty()) return nullptr;
  ordered_json out = ordered_json::object();
  for (const member& each : shape.members) {
    ordered_json place = place_of(each.shape);
    const bool is_constant = each.shape.what == kind::constant;
    if (!each.required && !is_constant && !holds_slot(place)) place = nullptr;
    out[each.required || is_constant ? each.name : each.name + "?"] = std::move(place);
  }
  return out;
}

ordered_json conditions_of(const message_shape& shape) {
  ordered_json out = ordered_json::object();
  add_conditions(shape, "", out);
  return out;
}

bool requires_something(const message_shape& shape) {
  return (shape.what == kind::map || shape.what == kind::tuple) &&
         std::ranges::any_of(shape.members, [](const member& each) {
           return each.required || each.shape.what == kind::constant;
         });
}

}  // namespace duplexd::config
