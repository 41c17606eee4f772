#include "config/fields/json_schema.hpp"

#include <set>
#include <string>

#include "config/fields/fields.hpp"
#include "config/fields/protocol_schema.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

constexpr std::string_view in_template = "template_";  // before the names of sections inside of templates

/// `schema`, or what `other` says.
ordered_json either(ordered_json schema, ordered_json other) {
  if (schema.empty()) return schema;  // anything goes already
  if (schema.contains("anyOf")) {
    schema["anyOf"].push_back(std::move(other));
    return schema;
  }
  return {{"anyOf", {std::move(schema), std::move(other)}}};
}

const ordered_json& parameter() {
  static const ordered_json made{{"$ref", "#/$defs/parameter"}};
  return made;
}

/// The schema of a value inside of a template, but for a parameter in its place: the sections in it are those
/// of templates.
ordered_json of_template(ordered_json schema) {
  static const std::string sections = "#/$defs/";
  if (schema.contains("$ref")) {
    const std::string id = schema["$ref"].get<std::string>().substr(sections.size());
    schema["$ref"] = sections + std::string(in_template) + id;
  }
  for (const char* inner : {"items", "additionalProperties"})
    if (schema.contains(inner)) schema[inner] = either(of_template(schema[inner]), parameter());
  if (schema.contains("anyOf"))
    for (ordered_json& each : schema["anyOf"]) each = of_template(each);
  return schema;
}

class writer {
 public:
  ordered_json write() {
    add_definitions(document_fields(), false);
    ordered_json root{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", "duplexd configuration"}};
    root.update(object_of(document_fields(), false));
    definitions_["parameter"] = {{"description", "Holds a parameter of the template."},
                                 {"type", "string"},
                                 {"pattern", R"(\$\{param:[^}]+\})"}};
    definitions_.update(protocol_definitions());
    root["$defs"] = std::move(definitions_);
    return root;
  }

 private:
  void add_definitions(const section& from, bool templated) {
    for (const field& each : from.fields) {
      const section* inner = each.type.inner;
      if (inner == nullptr) continue;
      const bool inside = templated || (from.id == "template" && inner->id == "session");
      const std::string id = (inside ? std::string(in_template) : "") + inner->id;
      if (!known_.insert(id).second) continue;
      definitions_[id] = nullptr;  // keeps the order of the table
      definitions_[id] = object_of(*inner, inside);
      add_definitions(*inner, inside);
    }
  }

  static ordered_json object_of(const section& from, bool templated) {
    ordered_json object{{"description", from.doc}, {"type", "object"}};
    ordered_json& properties = object["properties"] = ordered_json::object();
    ordered_json required = ordered_json::array();
    ordered_json beside = ordered_json::object();
    for (const field& each : from.fields) {
      properties[each.name] = property_of(each, templated);
      if (from.is_layered) continue;  // defaults and templates may say the rest
      if (each.is_required) required.push_back(each.name);
      if (each.beside.size() == 1) beside[each.name] = {each.beside[0]};
    }
    if (from.has_extensions) object["patternProperties"] = {{"^x-", true}};
    object["additionalProperties"] = false;
    if (!required.empty()) object["required"] = std::move(required);
    if (!beside.empty()) object["dependentRequired"] = std::move(beside);
    for (const std::string& name : from.exactly_one)
      object["oneOf"].push_back({{"properties", {{name, true}}}, {"required", ordered_json::array({name})}});
    return object;
  }

  static ordered_json property_of(const field& from, bool templated) {
    ordered_json schema = from.type.schema;
    if (from.type.name == "integer" || from.type.name == "number") {
      if (from.minimum && !schema.contains("anyOf")) schema["minimum"] = *from.minimum;
      if (from.maximum && !schema.contains("anyOf")) schema["maximum"] = *from.maximum;
    }
    if (templated) schema = either(of_template(std::move(schema)), parameter());
    if (!from.is_required) schema = either(std::move(schema), {{"type", "null"}});
    ordered_json property{{"description", from.doc}};
    property.update(schema);
    if (!from.fallback.is_null()) property["default"] = from.fallback;
    if (!from.sample.is_null()) property["examples"] = ordered_json::array({from.sample});
    return property;
  }

  ordered_json definitions_ = ordered_json::object();
  std::set<std::string> known_;
};

}  // namespace

ordered_json json_schema() {
  return writer().write();
}

}  // namespace duplexd::config
