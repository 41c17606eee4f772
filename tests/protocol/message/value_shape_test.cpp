// What is known of a message's values before any came.
#include "protocol/message/value_shape.hpp"

#include "protocol/message/message_type.hpp"
#include "tests/protocol/codec_harness.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

/// A shape in short: "!" required, "*" steers, "=" a constant; "?" any, "n" a number, "t" a text, "b" a
/// boolean, "s" another scalar; maps, lists and tuples in their brackets, "+" an open map.
std::string shown(const value_shape& shape) {
  using kind = value_shape::kind;
  using json_type = value_shape::json_type;
  std::string out = std::string(shape.required ? "!" : "") + (shape.steers ? "*" : "");
  const auto members = [&](bool named) {
    std::string all;
    for (const auto& [name, inner] : shape.members)
      all += (all.empty() ? "" : " ") + (named ? name + ":" : std::string()) + shown(inner);
    return all;
  };
  switch (shape.what) {
    case kind::any:
      out += "?";
      break;
    case kind::scalar:
      out += shape.json == json_type::number    ? "n"
             : shape.json == json_type::text    ? "t"
             : shape.json == json_type::boolean ? "b"
                                                : "s";
      break;
    case kind::map:
      out += (shape.open ? "+{" : "{") + members(true) + "}";
      break;
    case kind::list:
      out += "[" + members(false) + "...]";
      break;
    case kind::tuple:
      out += "[" + members(false) + "]";
      break;
  }
  return out + (shape.constant ? "=" + shape.constant->dump() : "");
}

std::string shape_in(const std::string& text, direction way, const char* name) {
  const auto types = compiled(yaml(text));
  return shown(shape_of(*types->find(way, name)));
}
std::string of_command(const std::string& message) {
  return shape_in("{commands: {c: " + message + "}}", direction::command, "c");
}
std::string of_layout(const std::string& layout) {
  return of_command("{layout: " + layout + "}");
}
std::string of_reply(const std::string& message) {
  return shape_in("{replies: [{as: r, " + message + "}]}", direction::reply, "r");
}

}  // namespace

TEST_CASE("the shape of each type of a layout", "[value_shape]") {
  const std::pair<const char*, const char*> table[] = {
      {"'a:B'", "!{a:!n}"},
      {"'a:f b:d'", "!{a:!s b:!s}"},
      {"'a:?'", "!{a:!b}"},
      {"'a:H/100'", "!{a:!n}"},
      {"'a:s(4)'", "!{a:!t}"},
      {"'a:cbor'", "!{a:!?}"},
      {"'a:B=7'", "!{a:n=7}"},
      {"'a:s(2)=\"xy\"'", "!{a:t=\"xy\"}"},
      {"'a:str=\"xy\"'", "!{a:t=\"xy\"}"},
      {"'n:B a:B[n]'", "!{n:*n a:![!n...]}"},
      {"'n:B a:s(n)'", "!{n:*n a:!t}"},
      {"'B H'", "![!n !n]"},
      {"'B'", "![!n]"},
      {"[{a: {enum: B, names: {1: x}}}]", "!{a:!s}"},
      {"[{a: {type: B, none: 0}}]", "!{a:!s}"},
      {"[{a: {flags: B, names: {0: x}}}]", "!{a:![s...]}"},
      {"[{a: {bits: B, fields: {x: 4, y: 4}}}]", "!{a:!{x:!s y:!s}}"},
      {"[{a: 'x:B y:H'}]", "!{a:!{x:!n y:!n}}"},
      {"['k:B', {switch: k, cases: {1: 'x:B', 2: 'y:s(2)', 3: 'x:s(1)'}}]", "!{k:!*n x:s y:t}"},
      {"['k:B', {if: k, then: 'x:B', else: 'x:H'}]", "!{k:!*n x:n}"},
  };
  for (const auto& [layout, shape] : table) {
    INFO(layout);
    CHECK(of_layout(layout) == shape);
  }
}

TEST_CASE("the shape of a JSON template", "[value_shape]") {
  CHECK(of_command("{json: {op: put, v: ~, 'w?': ~, d: {x: ~, y: 1}}}") ==
        R"(!{op:t="put" v:!? w:? d:!{x:!? y:n=1}})");
  CHECK(of_command("{json: [{op: 2}, id, {d: {a: ~}}]}") == "!{op:n=2 id:!? d:!{a:!?}}");
  CHECK(of_reply("json: {op: put, v: ~}") == R"(!+{op:t="put" v:!?})");
  CHECK(of_command("{json: {l: [1, ~], b: true, m: {k: []}}}") ==
        R"(!{l:![n=1 !?] b:b=true m:{k:[]=[]}={"k":[]}})");
}

// What a reply has beside its fields is not known; where it leads is.
TEST_CASE("a path that leads nowhere is found", "[value_shape]") {
  const auto lost = [](const std::string& message, const char* path) -> std::string {
    const auto types = compiled(yaml("{replies: [{as: r, " + message + "}]}"));
    const auto found = find_lost(shape_of(*types->find(direction::reply, "r")), path);
    if (!found) return "";
    std::string known;
    for (const std::string& each : found->known) known += " " + each;
    return found->part + ":" + known;
  };
  const std::string layout = "layout: ['n:B price:H', {ticks: {array: 'bid:B ask:B', count: n}}]";
  CHECK(lost(layout, "price").empty());
  CHECK(lost(layout, "").empty());
  CHECK(lost(layout, "*").empty());
  CHECK(lost(layout, "prise") == "prise: n price ticks");
  CHECK(lost(layout, "ticks.0.bid").empty());
  CHECK(lost(layout, "ticks.0.bit") == "ticks.0.bit: bid ask");
  CHECK(lost(layout, "ticks.x.bid") == "ticks.x: ");
  CHECK(lost(layout, "price.x") == "price.x:");
  CHECK(lost("json: {op: a, price: ~, d: {bid: ~}}", "volume").empty());
  CHECK(lost("json: {op: a, price: ~, d: {bid: ~}}", "prise") == "prise: op price d");
  CHECK(lost("json: {op: a, price: ~, d: {bid: ~}}", "d.bib") == "d.bib: bid");
  CHECK(lost("json: {op: a, price: ~, d: {bid: ~}}", "price.whatever").empty());
}

TEST_CASE("what is certainly wrong with values of which some come later is told", "[value_shape]") {
  const auto check = [](const std::string& message, const char* values,
                        const std::vector<std::string>& later) {
    const auto types = compiled(yaml("{commands: {c: " + message + "}}"));
    std::vector<ordered_json::json_pointer> unknown;
    for (const std::string& each : later) unknown.emplace_back(each);
    strings out;
    for (const codec_error& each :
         check_partly(*types->find(direction::command, "c"), ordered_json::parse(values), unknown))
      out.push_back(each.text());
    return out;
  };
  const std::string fixed = "{layout: 'op:B=7 a:B b:s(2)'}";
  CHECK(check(fixed, R"({"a":null,"b":"xy"})", {"/a"}).empty());
  CHECK(check(fixed, R"({"op":8,"a":null,"b":"xy"})", {"/a"}) ==
        strings{"op at byte 0: it is always 7, found 8"});
  CHECK(check(fixed, R"({"op":7,"a":null,"b":"xy"})", {"/a"}).empty());
  CHECK(check(fixed, R"({"a":null})", {"/a"}) == strings{"b at byte 0: the field is missing"});
  CHECK(check(fixed, R"({"a":null,"b":"xyz"})", {"/a"}).size() == 1);
  CHECK(check(fixed, R"({"a":300,"b":null})", {"/b"}).size() == 1);
  CHECK(check(fixed, R"({"a":1,"b":"xy","c":null})", {"/c"}) ==
        strings{"c at byte 0: there is no such field; did you mean 'a'?"});
  CHECK(check(fixed, "null", {""}).empty());
  const std::string list = "{layout: ['n:B', {l: {array: 'x:B', count: n}}]}";
  CHECK(check(list, R"({"l":[{"x":1},{"x":null}]})", {"/l/1/x"}).empty());
  CHECK(check(list, R"({"l":[{"y":1},{"x":null}]})", {"/l/1/x"})
            .front()
            .starts_with("l[0].x at byte 0: the field"));
  // What depends on a value that is not known is not judged.
  const std::string cases = "{layout: ['k:B', {switch: k, cases: {1: 'x:B', 2: 'y:B'}}]}";
  CHECK(check(cases, R"({"k":null,"x":1})", {"/k"}).empty());
  CHECK(check(cases, R"({"k":null,"z":1})", {"/k"}) ==
        strings{"z at byte 0: there is no such field; did you mean 'k'?"});
  CHECK(check("{json: {op: put, v: ~}}", R"({"v":null,"op":"get"})", {"/v"}).size() == 1);
}

// A database's columns are declared by it.
TEST_CASE("what every value of a field is", "[value_shape]") {
  const auto exact = [](const std::string& layout) {
    const auto types = compiled(yaml("{replies: [{as: r, layout: " + layout + "}]}"));
    const value_shape shape = shape_of(*types->find(direction::reply, "r"));
    const auto* found = shape.find("a");
    REQUIRE(found != nullptr);
    REQUIRE(found->what == value_shape::kind::scalar);
    switch (found->exact) {
      case value_shape::exact_type::any:
        return "any";
      case value_shape::exact_type::null:
        return "null";
      case value_shape::exact_type::boolean:
        return "boolean";
      case value_shape::exact_type::integer:
        return "integer";
      case value_shape::exact_type::real:
        return "real";
      case value_shape::exact_type::text:
        return "text";
    }
    return "";
  };
  const std::pair<const char*, const char*> table[] = {
      {"'a:B'", "integer"},
      {"'a:q'", "integer"},
      {"'a:Q'", "any"},
      {"'a:varint(4)'", "integer"},
      {"'a:varint(9)'", "integer"},
      {"'a:varint'", "any"},
      {"'a:zigzag'", "integer"},
      {"'a:decnum(4)'", "integer"},
      {"'a:hexnum(4)'", "any"},
      {"'a:?'", "boolean"},
      {"'a:f'", "real"},
      {"'a:d/10'", "real"},
      {"'a:H/100'", "real"},
      {"'a:q/100'", "real"},
      {"'a:H/3'", "real"},
      {"'a:H*10'", "integer"},
      {"'a:q*10'", "any"},
      {"'a:str'", "text"},
      {"'a:bytes'", "text"},
      {"'a:B=7'", "integer"},
      {"'a:i@s'", "text"},
      {"[{a: {type: H, none: 0}}]", "integer"},
      {"[{a: {type: 'str(:h)', none: -1}}]", "text"},
      {"[{a: {enum: B, names: {1: x}}}]", "any"},
      {"[{a: {enum: B, names: {1: x}, strict: true}}]", "text"},
      {"[{bits: B, fields: {a: 3, b: 5}}]", "integer"},
      {"['n:B', {switch: n, cases: {1: 'a:B', 2: 'a:i'}}]", "integer"},
      {"['n:B', {switch: n, cases: {1: 'a:B', 2: 'a:str'}}]", "any"},
      {"['n:B', {let: {a: n * 2}}]", "integer"},
      {"['n:B', {let: {a: {of: n, map: {1: x, 2: y}}}}]", "text"},
      {"['n:B', {let: {a: {of: n, map: {1: x, 2: 5}}}}]", "any"},
  };
  for (const auto& [layout, expected] : table) {
    CAPTURE(layout);
    CHECK(exact(layout) == std::string(expected));
  }
}
