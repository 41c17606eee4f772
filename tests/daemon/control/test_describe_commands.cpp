// What an operator's client learns of the commands that it may send.
#include "daemon/control/describe_commands.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd;
using nlohmann::ordered_json;

namespace {

ordered_json commands_of(const std::string& text) {
  const auto types = protocol::testing::compiled(protocol::testing::yaml(text));
  return describe_commands(*types);
}

ordered_json field(const char* name, const char* type, bool required) {
  return {{"name", name}, {"type", type}, {"required", required}};
}

}  // namespace

TEST_CASE("a layout's fields are named with their types", "[api]") {
  const ordered_json all =
      commands_of(R"({commands: {set: {layout: "code:i=2 speed:h on:? key:bytes(2) list:B[2]"}}})");
  REQUIRE(all.size() == 1);
  const ordered_json& set = all[0];
  INFO(set.dump());
  CHECK(set["command"] == "set");
  CHECK(set["frame"] == "binary");
  CHECK_FALSE(set.contains("open"));
  CHECK(set["fields"][0]["constant"] == 2);
  CHECK(set["fields"][0]["required"] == false);
  CHECK(set["fields"][1] == field("speed", "number", true));
  CHECK(set["fields"][2] == field("on", "boolean", true));
  CHECK(set["fields"][3]["bytes"] == "hex");
  CHECK(set["fields"][4]["type"] == "list");
  CHECK(set["fields"][4]["fields"] == ordered_json::array({{{"type", "number"}, {"required", true}}}));
  CHECK(set["example"].contains("speed"));
}

TEST_CASE("a JSON command has the fields that its template leaves open", "[api]") {
  const ordered_json all = commands_of("{commands: {ask: {json: {op: ask, id: null, at: {x: null}}}}}");
  INFO(all.dump());
  CHECK(all[0]["frame"] == "text");
  CHECK(all[0]["fields"][0]["constant"] == "ask");
  CHECK(all[0]["fields"][1] == field("id", "any", true));
  CHECK(all[0]["fields"][2]["type"] == "map");
  CHECK(all[0]["fields"][2]["fields"][0] == field("x", "any", true));
}

// There is nothing to make a form of: `with` is the message.
TEST_CASE("a command that is any JSON says so", "[api]") {
  const ordered_json all = commands_of("{commands: {free: {frame: text}}}");
  INFO(all.dump());
  CHECK(all[0]["fields"].empty());
  CHECK(all[0]["open"] == true);
}

TEST_CASE("a protocol without commands has none", "[api]") {
  CHECK(commands_of("{replies: [{as: r, layout: i}]}").empty());
}
