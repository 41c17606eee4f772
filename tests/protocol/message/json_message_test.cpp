#include "protocol/codec/codec_error.hpp"
#include "protocol/message/message_type.hpp"
#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

// A command and a reply of this JSON shape.
std::shared_ptr<const protocol> shaped(const node& shape, const char* style = "compact") {
  return compiled(map({{"json", text(style)},
                       {"commands", map({{"c", map({{"json", shape}})}})},
                       {"replies", list({map({{"json", shape}, {"as", text("r")}})})}}));
}

std::string sent(const std::shared_ptr<const protocol>& types, const ordered_json& values) {
  std::vector<std::uint8_t> out{'>'};
  const auto error = pack(*types->find(direction::command, "c"), values, out);
  if (error) {
    CHECK(out.size() == 1);
    return "! " + error->text();
  }
  return {out.begin() + 1, out.end()};
}

std::string received(const std::shared_ptr<const protocol>& types, const std::string& json) {
  std::string out = "before ";
  const auto error = unpack_json(*types->find(direction::reply, "r"), json, out);
  const auto seen = check_json_message(*types->find(direction::reply, "r"), json);
  CHECK(seen.has_value() == error.has_value());
  if (!error) return out.substr(7);
  CHECK(out == "before ");
  if (seen) CHECK(seen->text() == error->text());
  return "! " + error->text();
}

}  // namespace

// json.dumps writes them, and json.loads takes them.
TEST_CASE("Python's numbers that JSON does not have are texts in replies, if its JSON is spoken",
          "[json_message]") {
  const auto python = shaped(map({}), "python");
  CHECK(received(python, R"({"v":NaN})") == R"({"v":"nan"})");
  CHECK(received(python, R"({ "v" : [Infinity, -Infinity , NaN] })") == R"({"v":["inf","-inf","nan"]})");
  CHECK(received(python, R"({"NaN":"NaN","Infinity":"a \" NaN","v":NaN})") ==
        R"({"NaN":"NaN","Infinity":"a \" NaN","v":"nan"})");
  for (const char* bad : {R"({"v":nan})", R"({"v":+Infinity})", R"({"v":--Infinity})", R"({"v":NaNs})",
                          R"({"v":NaN,})", R"({NaN:1})", R"({"v":"NaN)", R"({"v":NaN "w"})"}) {
    INFO(bad);
    CHECK(received(python, bad).find("not JSON: ") != std::string::npos);
  }
  const auto slots = shaped(list({text("a"), text("b")}), "python");
  CHECK(received(slots, "[NaN, 1]") == R"({"a":"nan","b":1})");
  CHECK(received(shaped(map({}), "compact"), R"({"v":NaN})").starts_with("! "));
}

namespace {

node call_shape() {
  return list({map({{"type", integer(2)}}), text("id"), text("action"), text("payload?"), text("more?")});
}
node subscribe_shape() {
  return map({{"a", text("subscribe")}, {"v", nothing()}, {"extra?", nothing()}});
}

}  // namespace

TEST_CASE("lists with named slots are sent") {
  const auto types = shaped(call_shape());
  CHECK(sent(types, {{"id", "x"}, {"action", 5}}) == R"([2,"x",5])");
  CHECK(sent(types, {{"action", 5}, {"id", "x"}, {"payload", {{"k", 1}}}}) == R"([2,"x",5,{"k":1}])");
  CHECK(sent(types, {{"id", 1}, {"action", 2}, {"payload", 3}, {"more", 4}}) == "[2,1,2,3,4]");
  CHECK(sent(types, {{"type", 2}, {"id", 1}, {"action", nullptr}}) == "[2,1,null]");
  CHECK(sent(types, {{"type", 3}, {"id", 1}, {"action", 2}}) == "! type at byte 0: it is always 2, found 3");
  CHECK(sent(types, {{"id", 1}}) == "! action at byte 0: the field is missing");
  CHECK(sent(types, nullptr) == "! id at byte 0: the field is missing");
  CHECK(sent(types, {{"id", 1}, {"action", 2}, {"more", 4}}) ==
        "! more at byte 0: a slot before it is left out");
  CHECK(sent(types, {{"id", 1}, {"acton", 2}}) ==
        "! acton at byte 0: there is no such field; did you mean 'action'?");
  CHECK(sent(types, {{"id", 1}, {"nothing like", 2}}) == "! nothing like at byte 0: there is no such field");
  CHECK(sent(types, ordered_json::array({1})) == "! byte 0: expected a map, found a list");
  CHECK(sent(types, "x") == "! byte 0: expected a map, found a text");
  CHECK(sent(types, {{"id", "\xff"}, {"action", 2}}) == "! byte 0: a text in it is not UTF-8");
  CHECK(sent(types, {{"type", "\xff"}, {"id", 1}, {"action", 2}}) ==
        "! type at byte 0: it is always 2, found a value that is not UTF-8");
  const auto fixed = shaped(list({map({{"a", integer(1)}}), map({{"b", text("x")}})}), "python");
  CHECK(sent(fixed, nullptr) == R"([1, "x"])");
  CHECK(sent(fixed, ordered_json::object()) == R"([1, "x"])");
}

TEST_CASE("maps are sent in their own order") {
  const auto types = shaped(subscribe_shape());
  CHECK(sent(types, {{"v", 1}}) == R"({"a":"subscribe","v":1})");
  CHECK(sent(types, {{"extra", true}, {"v", 1}, {"a", "subscribe"}}) ==
        R"({"a":"subscribe","v":1,"extra":true})");
  CHECK(sent(types, {{"v", 1}, {"a", "other"}}) ==
        "! a at byte 0: it is always \"subscribe\", found \"other\"");
  CHECK(sent(types, {{"extra", 1}}) == "! v at byte 0: the field is missing");
  CHECK(sent(types, {{"v", 1}, {"w", 1}}) == "! w at byte 0: there is no such field; did you mean 'a'?");
}

// A ~ at any depth is given by the command, by maps or by its path.
TEST_CASE("slots below the top are sent") {
  const node shape = map({{"op", integer(1)},
                          {"d", map({{"v", integer(2)}, {"user", nothing()}, {"note?", nothing()}})},
                          {"params", list({nothing(), integer(3), map({{"x", nothing()}})})},
                          {"e?", map({{"f", nothing()}})}});
  const auto types = shaped(shape);
  const std::string whole = R"({"op":1,"d":{"v":2,"user":"u"},"params":[5,3,{"x":6}]})";
  CHECK(sent(types, {{"d", {{"user", "u"}}}, {"params", {5, 3, {{"x", 6}}}}}) == whole);
  CHECK(sent(types, {{"d.user", "u"}, {"params.0", 5}, {"params.2.x", 6}}) == whole);
  CHECK(sent(types, {{"d", {{"user", "u"}}}, {"params", {{"0", 5}, {"2", {{"x", 6}}}}}}) == whole);
  CHECK(sent(types, {{"d.user", nullptr}, {"d.note", 1}, {"params.0", 5}, {"params.2.x", 6}, {"e.f", 7}}) ==
        R"({"op":1,"d":{"v":2,"user":null,"note":1},"params":[5,3,{"x":6}],"e":{"f":7}})");
  const ordered_json params{5, 3, {{"x", 6}}};
  CHECK(sent(types, {{"params", params}}) == "! d.user at byte 0: the field is missing");
  CHECK(sent(types, {{"d.user", 1}}) == "! params.0 at byte 0: the field is missing");
  CHECK(sent(types, {{"d.user", 1}, {"params", {5, 4, {{"x", 6}}}}}) ==
        "! params.1 at byte 0: it is always 3, found 4");
  CHECK(sent(types, {{"d.user", 1}, {"params", {5, 3, {{"x", 6}}, 7}}}) ==
        "! params at byte 0: 4 values are given, 3 are wanted");
  CHECK(sent(types, {{"d.usr", 1}, {"params", params}}) ==
        "! d.usr at byte 0: there is no such field; did you mean 'd.user'?");
  CHECK(sent(types, {{"d", {{"usr", 1}}}, {"params", params}}) ==
        "! d.usr at byte 0: there is no such field; did you mean 'd.user'?");
  CHECK(sent(types, {{"x.y", 1}, {"d.user", 1}, {"params", params}}) ==
        "! x.y at byte 0: there is no such field");
  CHECK(sent(types, {{"d", 5}, {"params", params}}) == "! d at byte 0: expected a map, found an integer");
  CHECK(sent(types, {{"d.user", 1}, {"params", 5}}) ==
        "! params at byte 0: expected a list, found an integer");
  CHECK(sent(shaped(list({map({{"type", integer(2)}}), map({{"d", map({{"a", nothing()}})}})})),
             {{"d.a", 1}}) == R"([2,{"a":1}])");
  CHECK(example_values(*types->find(direction::command, "c")) ==
        ordered_json::parse(R"({"d":{"user":null},"params":{"0":null,"2":{"x":null}}})"));
}

// What a reply is selected by is in its example.
TEST_CASE("example values meet the conditions of their reply") {
  const auto of = [](const node& when, std::optional<node> json) {
    node reply = map({{"as", text("r")}, {"when", when}});
    if (json) reply.entries.push_back({"json", {1, 1}, *json});
    return example_values(*compiled(map({{"replies", list({reply})}}))->find(direction::reply, "r")).dump();
  };
  const node op = map({{"json", map({{"/op", text("hi")}})}});
  CHECK(of(op, std::nullopt) == R"({"op":"hi"})");
  CHECK(of(map({{"json", map({{"/a/b", integer(2)}})}}), std::nullopt) == R"({"a":{"b":2}})");
  CHECK(of(map({{"json", text("/id")}}), std::nullopt) == R"({"id":1})");
  CHECK(of(op, map({{"op", text("hi")}, {"v", nothing()}})) == R"({"v":null})");
  CHECK(of(op, map({{"op", nothing()}})) == R"({"op":"hi"})");
  CHECK(of(map({{"slot", integer(0)}, {"is", integer(3)}}), list({text("kind"), text("id")})) ==
        R"({"kind":3,"id":null})");
}

// What the template names below the top must be there; maps with a slot may have more.
TEST_CASE("slots below the top are received") {
  const auto types = shaped(map({{"d", map({{"v", integer(2)}, {"user", nothing()}})},
                                 {"p", list({nothing(), integer(3)})},
                                 {"c", map({{"x", integer(1)}})}}));
  const std::string good = R"({"d":{"v":2,"user":5,"more":6},"p":[[],3],"c":{"x":1}})";
  CHECK(received(types, good) == good);
  CHECK(received(types, R"({"d":{"v":2},"p":[1,3],"c":{"x":1}})") ==
        "! d.user at byte 0: the field is missing");
  CHECK(received(types, R"({"d":{"v":3,"user":1},"p":[1,3],"c":{"x":1}})") ==
        "! d.v at byte 0: expected 2, found 3");
  CHECK(received(types, R"({"d":[2],"p":[1,3],"c":{"x":1}})") == "! d at byte 0: expected a map");
  CHECK(received(types, R"({"d":{"v":2,"user":1},"p":[1],"c":{"x":1}})") ==
        "! p.1 at byte 0: slot 1 is missing");
  CHECK(received(types, R"({"d":{"v":2,"user":1},"p":[1,3,4],"c":{"x":1}})") ==
        "! p at byte 0: expected 2 slots, found more");
  CHECK(received(types, R"({"d":{"v":2,"user":1},"p":[1,3],"c":{"x":1,"y":2}})") ==
        R"(! c at byte 0: expected {"x":1}, found {"x":1,"y":2})");
}

TEST_CASE("a JSON command is its values") {
  const auto command = [](const char* style) {
    return compiled(map({{"json", text(style)}, {"commands", map({{"c", map({{"frame", text("text")}})}})}}));
  };
  const auto types = command("python");
  CHECK(sent(types, {{"a", {1, "\u00e9"}}}) == R"({"a": [1, "\u00e9"]})");
  CHECK(sent(types, nullptr) == "{}");
  CHECK(sent(types, 5) == "5");
  CHECK(sent(types, "\xff") == "! byte 0: a text in it is not UTF-8");
  CHECK(sent(command("compact"), {{"a", {1, "\u00e9"}}}) == "{\"a\":[1,\"\u00e9\"]}");
}

TEST_CASE("lists with named slots are received") {
  const auto types = shaped(call_shape());
  CHECK(received(types, R"([2, "x", 5])") == R"({"type":2,"id":"x","action":5})");
  CHECK(received(types, R"([2,1,{"k": [ ]},3,4])") ==
        R"({"type":2,"id":1,"action":{"k":[]},"payload":3,"more":4})");
  CHECK(received(types, "[2,1,2,3]") == R"({"type":2,"id":1,"action":2,"payload":3})");
  CHECK(received(types, "[2,1,2,3,4,5]") == "! byte 0: expected 5 slots, found more");
  CHECK(received(types, "[2,1]") == "! action at byte 0: slot 2 is missing");
  CHECK(received(types, "[]") == "! type at byte 0: slot 0 is missing");
  CHECK(received(types, "[3,1,2]") == "! type at byte 0: expected 2, found 3");
  CHECK(received(types, "[\"" + std::string(100, 'x') + "\",1,2]") ==
        "! type at byte 0: expected 2, found \"" + std::string(79, 'x'));
  CHECK(received(types, R"({"type":2})") == "! byte 0: expected a list");
  CHECK(received(types, "5") == "! byte 0: expected a list");
  CHECK(received(types, "[2,1,]") == "! byte 5: not JSON: expected a JSON value");
  CHECK(received(shaped(list({text("a?")})), "[]") == "{}");
  CHECK(received(shaped(list({text("k\"")})), "[1]") == R"({"k\"":1})");
}

TEST_CASE("maps are received whole") {
  const auto types = shaped(subscribe_shape());
  CHECK(received(types, R"({"v": 1, "a": "subscribe", "other": [ 2 ]})") ==
        R"({"v":1,"a":"subscribe","other":[2]})");
  CHECK(received(types, R"({"v":1})") == "! a at byte 0: the field is missing");
  CHECK(received(types, R"({"a":"subscribe"})") == "! v at byte 0: the field is missing");
  CHECK(received(types, R"({"a":"other","v":1})") ==
        "! a at byte 0: expected \"subscribe\", found \"other\"");
  CHECK(received(types, "[1]") == "! byte 0: expected a map");
  CHECK(received(types, "{") == "! byte 1: not JSON: expected a key");
}

TEST_CASE("JSON messages have a depth limit") {
  const auto types = compiled(map({{"replies", list({map({{"frame", text("text")}, {"as", text("r")}})})}}));
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(received(types, nested(64)) == nested(64));
  CHECK(received(types, nested(65)) == "! byte 64: not JSON: nested too deeply");
  CHECK(received(types, " 5 ") == "5");
  CHECK(received(types, "") == "! byte 0: not JSON: the JSON text ends too early");
  const auto listed = shaped(list({text("a")}));
  CHECK(received(listed, nested(64)) == R"({"a":)" + nested(63) + "}");
  CHECK(received(listed, nested(65)) == "! byte 64: not JSON: nested too deeply");
  const auto flat = compiled(map({{"limits", map({{"json_depth", integer(2)}})},
                                  {"replies", list({map({{"frame", text("text")}, {"as", text("r")}})})}}));
  CHECK(received(flat, nested(2)) == nested(2));
  CHECK(received(flat, nested(3)) == "! byte 2: not JSON: nested too deeply");
}

TEST_CASE("an error as one line") {
  CHECK(codec_error{"a.b", 3, "why"}.text() == "a.b at byte 3: why");
  CHECK(codec_error{"", 0, "why"}.text() == "byte 0: why");
}
