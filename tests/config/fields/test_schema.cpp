// The JSON Schema, piece by piece: one of each kind of field and section, in words of its own.
#include "config/fields/json_schema.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

namespace {

using nlohmann::json;

const json& schema() {
  static const json made = json_schema();
  return made;
}

/// What the schema says of a field, without its description.
json property(const std::string& section, const std::string& name) {
  json found = schema().at("$defs").at(section).at("properties").at(name);
  CHECK(found.at("description").is_string());
  found.erase("description");
  return found;
}

json definition(const std::string& section) {
  json found = schema().at("$defs").at(section);
  CHECK(found.at("description").is_string());
  found.erase("description");
  found.erase("properties");
  return found;
}

}  // namespace

TEST_CASE("bounds, defaults and examples stand in the schema", "[schema]") {
  CHECK(property("rate", "burst") == json::parse(R"({"default": 1, "anyOf": [
      {"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "null"}]})"));
  CHECK(property("rate", "messages") == json::parse(R"({"default": 0.0, "anyOf": [
      {"type": "number", "minimum": 0, "maximum": 1000000}, {"type": "null"}]})"));
  CHECK(property("fault_rule", "factor") == json::parse(R"({"examples": [1.5], "anyOf": [
      {"type": "number", "minimum": 1, "maximum": 100}, {"type": "null"}]})"));
  CHECK(property("tcp", "no_delay") ==
        json::parse(R"({"default": true, "anyOf": [{"type": "boolean"}, {"type": "null"}]})"));
  CHECK(property("log", "level") == json::parse(R"({"default": "info", "anyOf": [
      {"enum": ["debug", "info", "warning", "error"]}, {"type": "null"}]})"));
  CHECK(property("close", "code") == json::parse(R"({"default": 1000, "anyOf": [
      {"const": 1000}, {"type": "integer", "minimum": 3000, "maximum": 4999}, {"type": "null"}]})"));
  CHECK(property("close", "reason") == json::parse(R"({"examples": ["user quit"], "anyOf": [
      {"type": "string", "maxLength": 123}, {"type": "null"}]})"));
  CHECK(property("tls", "min_version") == json::parse(R"({"default": 1.2, "anyOf": [
      {"enum": [1.2, 1.3, "1.2", "1.3"]}, {"type": "null"}]})"));
  CHECK(property("limits", "frame") == json::parse(R"({"default": "0", "anyOf": [
      {"type": "string", "pattern": "^[0-9]+(B|[KMG]i?B)?$"}, {"type": "integer", "minimum": 0},
      {"type": "null"}]})"));
  CHECK(property("session", "linger").at("anyOf").at(1) == json::parse(R"({"const": 0})"));
  CHECK(property("step", "repeat") == json::parse(R"({"examples": [10], "anyOf": [
      {"const": "forever"}, {"type": "integer", "minimum": 1, "maximum": 1000000000000000}, {"type": "null"}]})"));
}

TEST_CASE("values of several kinds stand in the schema", "[schema]") {
  CHECK(property("fresh", "reply") == json::parse(R"({"type": "string", "examples": ["tick"]})"));
  CHECK(property("handler", "reply") == json::parse(R"({"examples": ["call"], "anyOf": [
      {"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]})"));
  CHECK(property("step", "set") == json::parse(R"({"examples": [{"symbol": "EURUSD"}], "anyOf": [
      {"type": "object"}, {"type": "null"}]})"));
  CHECK(property("step", "json") == json::parse(R"({"examples": [{"op": "ping"}]})"));
  CHECK(property("step", "sleep").at("anyOf").at(2) ==
        json::parse(R"({"type": "string", "pattern": "\\$\\{"})"));
  CHECK(property("step", "then").at("anyOf") == json::parse(R"([{"$ref": "#/$defs/step"},
      {"type": "array", "items": {"$ref": "#/$defs/step"}}, {"type": "null"}])"));
  CHECK(property("step", "wait").at("anyOf").at(0) == json::parse(R"({"type": "array", "minItems": 1, "items":
      {"anyOf": [{"$ref": "#/$defs/step"}, {"type": "array", "items": {"$ref": "#/$defs/step"}},
                 {"type": "string"}]}})"));
  CHECK(property("step", "race").at("anyOf").at(0).at("items").at("anyOf").size() == 2);
  CHECK(property("step", "until").at("anyOf").at(0) ==
        json::parse(R"({"enum": ["all", "first", "first_error"]})"));
  CHECK(property("session", "outputs") == json::parse(R"({"default": ["stdout"], "anyOf": [
      {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/route"}]}},
      {"type": "null"}]})"));
  CHECK(property("session", "commands") == json::parse(R"({"anyOf": [
      {"type": "object", "additionalProperties": {"$ref": "#/$defs/command"}}, {"type": "null"}]})"));
  CHECK(property("session", "headers").at("anyOf").at(0) ==
        json::parse(R"({"type": "object", "propertyNames": {"pattern": "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"},
            "additionalProperties": {"type": "string"}})"));
  CHECK(property("fault_rule", "on").at("minItems") == 1);
  CHECK(property("reconnect", "fatal").at("anyOf").at(0).at("items").at("enum").size() == 11);
  const json url = property("session", "url");
  CHECK(url.at("anyOf").size() == 2);
  CHECK(url.at("anyOf").at(1).at("minItems") == 1);
  CHECK(url.at("anyOf").at(1).at("items") == url.at("anyOf").at(0));
}

TEST_CASE("what sections demand stands in the schema", "[schema]") {
  CHECK(definition("tls") == json::parse(R"({"type": "object", "additionalProperties": false,
      "dependentRequired": {"key_file": ["cert_file"], "key_password": ["cert_file"]}})"));
  CHECK(definition("proxy") == json::parse(R"({"type": "object", "additionalProperties": false,
      "dependentRequired": {"username": ["url"], "password": ["username"]},
      "oneOf": [{"properties": {"url": true}, "required": ["url"]},
                {"properties": {"from_env": true}, "required": ["from_env"]}]})"));
  CHECK(definition("fresh") == json::parse(R"({"type": "object", "additionalProperties": false,
      "required": ["reply", "within"]})"));
  // Of a session nothing is demanded: defaults and templates may say the rest.
  CHECK(definition("session") == json::parse(R"({"type": "object", "additionalProperties": false})"));
  CHECK(definition("step").at("oneOf").size() == 23);
  CHECK(definition("step").at("dependentRequired").at("reply") == json::parse(R"(["call"])"));
  CHECK_FALSE(definition("step").at("dependentRequired").contains("with"));  // beside either of two
  const json& root = schema();
  CHECK(root.at("required") == json::parse(R"(["sessions"])"));
  CHECK(root.at("additionalProperties") == false);
  CHECK(root.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  CHECK(root.at("properties").at("sessions").at("propertyNames").at("pattern").is_string());
  CHECK(root.at("properties").at("sessions").at("additionalProperties") ==
        json::parse(R"({"anyOf": [{"$ref": "#/$defs/session"}, {"type": "null"}]})"));
}

// Inside of a template a parameter may stand for any value, and sections are those of templates.
TEST_CASE("templates have sections of their own in the schema", "[schema]") {
  CHECK(property("template_rate", "burst").at("anyOf") == json::parse(R"([
      {"type": "integer", "minimum": 1, "maximum": 65535}, {"$ref": "#/$defs/parameter"}, {"type": "null"}])"));
  CHECK(property("template_session", "tls").at("anyOf") == json::parse(R"([
      {"$ref": "#/$defs/template_tls"}, {"$ref": "#/$defs/parameter"}, {"type": "null"}])"));
  CHECK(property("template_liveness", "fresh").at("anyOf").at(0).at("items").at("anyOf") == json::parse(R"([
      {"$ref": "#/$defs/template_fresh"}, {"$ref": "#/$defs/parameter"}])"));
  CHECK(property("template_session", "commands")
            .at("anyOf")
            .at(0)
            .at("additionalProperties")
            .at("anyOf")
            .at(0) == json::parse(R"({"$ref": "#/$defs/template_command"})"));
  CHECK(property("template", "session") == json::parse(R"({"$ref": "#/$defs/template_session"})"));
  CHECK(schema().at("$defs").at("parameter").at("pattern") == R"(\$\{param:[^}]+\})");
  CHECK(property("step", "json").size() == 1);
  CHECK(property("template_step", "json").size() == 1);
  CHECK_FALSE(schema().at("$defs").contains("template_template"));
  // Also in what lies deeper.
  CHECK(property("template_step", "then").at("anyOf").at(0) ==
        json::parse(R"({"$ref": "#/$defs/template_step"})"));
  CHECK(property("template_step", "then").at("anyOf").at(1).at("items") == json::parse(R"({"anyOf": [
      {"$ref": "#/$defs/template_step"}, {"$ref": "#/$defs/parameter"}]})"));
}

// A protocol has a schema of its own, in a template any map will do.
TEST_CASE("protocols stand in the schema", "[schema]") {
  CHECK(property("session", "protocol").at("anyOf") == json::parse(R"([
      {"type": "string"}, {"$ref": "#/$defs/protocol"}, {"type": "null"}])"));
  CHECK(property("template_session", "protocol").at("anyOf").at(1) ==
        json::parse(R"({"$ref": "#/$defs/template_protocol"})"));
  CHECK(schema().at("properties").at("protocols").at("anyOf").at(0).at("additionalProperties") ==
        json::parse(R"({"$ref": "#/$defs/protocol"})"));
  CHECK(definition("protocol") == json::parse(R"({"type": "object", "additionalProperties": false})"));
}

// No reference leads nowhere.
TEST_CASE("all references of the schema have a definition", "[schema]") {
  std::vector<const json*> left{&schema()};
  std::size_t count = 0;
  while (!left.empty()) {
    const json& each = *left.back();
    left.pop_back();
    if (each.is_object() && each.contains("$ref") && each["$ref"].is_string()) {
      INFO(each);
      CHECK(schema().contains(json::json_pointer(each["$ref"].get<std::string>().substr(1))));
      ++count;
    }
    if (each.is_structured())
      for (const json& inner : each) left.push_back(&inner);
  }
  CHECK(count > 100);
}

}  // namespace duplexd::config
