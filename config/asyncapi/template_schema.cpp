#include "config/asyncapi/template_schema.hpp"

#include <algorithm>
#include <string>

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

bool has_slots(const ordered_json& value) {
  return value.is_null() || (value.is_structured() && std::ranges::any_of(value, has_slots));
}

template_schema constant(const ordered_json& value) {
  return {{{"const", value}}};
}

template_schema of_nested(const ordered_json& value);

template_schema of_map(const ordered_json& map) {
  template_schema made{{{"type", "object"}}};
  ordered_json required = ordered_json::array();
  ordered_json properties = ordered_json::object();
  for (const auto& [key, value] : map.items()) {
    const bool is_optional = key.ends_with('?');
    const std::string name = key.substr(0, key.size() - (is_optional ? 1 : 0));
    template_schema part = of_nested(value);
    // A map that may be missing is read as one value.
    made.is_whole = made.is_whole && part.is_whole && (!is_optional || value.is_null());
    properties[name] = std::move(part.schema);
    if (!is_optional) required.push_back(name);
  }
  if (!required.empty()) made.schema["required"] = std::move(required);
  made.schema["properties"] = std::move(properties);
  return made;
}

// The elements of a list with named slots: "id", "payload?", {"type": 2}.
template_schema of_tuple(const ordered_json& list) {
  template_schema made{{{"type", "array"}}};
  ordered_json items = ordered_json::array();
  std::size_t required = 0;
  for (const ordered_json& each : list) {
    const bool is_slot = each.is_string();
    const bool is_constant = each.is_object() && each.size() == 1 && !has_slots(each.front());
    if (is_slot) {
      const auto& text = each.get_ref<const std::string&>();
      const bool is_optional = text.ends_with('?');
      items.push_back({{"title", text.substr(0, text.size() - (is_optional ? 1 : 0))}});
      if (!is_optional) required = items.size();
    } else if (is_constant) {
      items.push_back({{"title", each.begin().key()}, {"const", each.front()}});
      required = items.size();
    } else {
      items.push_back(ordered_json::object());
      made.is_whole = false;
    }
  }
  made.schema["items"] = std::move(items);
  made.schema["minItems"] = required;
  return made;
}

// Within a map texts are constants, and so is a list without slots.
template_schema of_nested(const ordered_json& value) {
  if (value.is_null()) return {ordered_json::object()};
  if (value.is_object() && !value.empty()) return of_map(value);
  if (!value.is_array() || !has_slots(value)) return constant(value);
  ordered_json items = ordered_json::array();
  for (const ordered_json& each : value) items.push_back(of_nested(each).schema);
  return {{{"type", "array"}, {"items", std::move(items)}}, false};
}

}  // namespace

template_schema schema_of(const ordered_json& json_template) {
  return json_template.is_array() && !json_template.empty() ? of_tuple(json_template)
                                                            : of_nested(json_template);
}

}  // namespace duplexd::config
