#include "daemon/control/describe_commands.hpp"

#include <string_view>

#include "protocol/message/message_type.hpp"
#include "protocol/message/value_shape.hpp"

namespace duplexd {

namespace {

using nlohmann::ordered_json;
using protocol::value_shape;

std::string_view type_of(const value_shape& shape) {
  switch (shape.what) {
    case value_shape::kind::any:
      return "any";
    case value_shape::kind::map:
      return "map";
    case value_shape::kind::list:
      return "list";
    case value_shape::kind::tuple:
      return "tuple";
    case value_shape::kind::scalar:
      break;
  }
  switch (shape.json) {
    case value_shape::json_type::number:
      return "number";
    case value_shape::json_type::text:
      return "text";
    case value_shape::json_type::boolean:
      return "boolean";
    case value_shape::json_type::any:
      break;
  }
  return "any";
}

ordered_json fields_of(const value_shape& shape) {
  ordered_json fields = ordered_json::array();
  for (const auto& [name, member] : shape.members) {
    ordered_json field = ordered_json::object();
    if (!name.empty()) field["name"] = name;
    field["type"] = type_of(member);
    if (member.bytes == value_shape::bytes_text::hex) field["bytes"] = "hex";
    if (member.bytes == value_shape::bytes_text::base64) field["bytes"] = "base64";
    field["required"] = member.required;
    if (member.constant) field["constant"] = *member.constant;
    if (!member.members.empty()) field["fields"] = fields_of(member);
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

ordered_json describe_commands(const protocol::protocol& types) {
  ordered_json all = ordered_json::array();
  for (const protocol::message_type& type : types.types(protocol::direction::command)) {
    const value_shape shape = protocol::shape_of(type);
    ordered_json command{{"command", type.name},
                         {"frame", type.frame == protocol::frame_kind::binary ? "binary" : "text"},
                         {"fields", fields_of(shape)}};
    if (shape.what == value_shape::kind::any) command["open"] = true;
    command["example"] = protocol::example_values(type);
    all.push_back(std::move(command));
  }
  return all;
}

}  // namespace duplexd
