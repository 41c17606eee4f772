// Texts in JSON whose bytes have a layout.
#include "protocol/message/value_shape.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

/// A command "c" and a reply "r" that say this, and what stands around them.
std::shared_ptr<const protocol> types_of(const std::string& message, const std::string& around = "") {
  return compiled(yaml("json: compact\n" + around + "commands: {c: {frame: text, " + message +
                       "}}\nreplies: [{as: r, frame: text, " + message + "}]"));
}

std::string received(const std::shared_ptr<const protocol>& types, const std::string& text) {
  return read_text(types, text).at(0).substr(2);
}

std::string sent(const std::shared_ptr<const protocol>& types, const std::string& values) {
  std::vector<std::uint8_t> out;
  const auto error = pack(*types->find(direction::command, "c"), ordered_json::parse(values), out);
  return error ? "! " + error->text() : std::string(out.begin(), out.end());
}

std::string mistakes_of_reply(const std::string& reply) {
  return mistakes_in_protocol("replies: [{as: r, " + reply + "}]");
}

}  // namespace

TEST_CASE("a text in JSON shows what is in it, and packs from it", "[contents]") {
  struct way {
    const char* message;
    const char* text;
    const char* values;
  };
  const auto each = GENERATE(values<way>({
      // A layout in base64.
      {"contents: {data: {decode: base64, type: '> id:H price:I/100'}}", R"({"n":1.5,"data":"AAkAAAQA"})",
       R"({"n":1.5,"data":{"id":9,"price":10.24}})"},
      // One value, a list, JSON, JSON in base64, compressed JSON.
      {"contents: {data: {decode: hex, type: '>H'}}", R"({"data":"0102"})", R"({"data":258})"},
      {"contents: {data: {decode: hex, type: 'B[2]'}}", R"({"data":"0102"})", R"({"data":[1,2]})"},
      {"contents: {data: json}", R"({"data":"{\"a\":[\"ü\\n\"]}"})", R"({"data":{"a":["ü\n"]}})"},
      {"contents: {data: {decode: base64, type: json}}", R"({"data":"eyJhIjoxfQ=="})", R"({"data":{"a":1}})"},
      // Text that is cut.
      {R"(contents: {data: 'what:str(until "|") id:decnum'})", R"({"data":"tick|12"})",
       R"({"data":{"what":"tick","id":12}})"},
      // Far inside, in lists, several, one within another.
      {"contents: {result.value.data.0: {decode: hex, type: 'a:B b:B'}}",
       R"({"result":{"value":{"data":["0102","hex"]}}})",
       R"({"result":{"value":{"data":[{"a":1,"b":2},"hex"]}}})"},
      {"contents: {d.1: {decode: hex, type: B}}", R"({"d":["x","02"]})", R"({"d":["x",2]})"},
      {"contents: {d.1: {decode: hex, type: B}}", R"({"d":["x"]})", R"({"d":["x"]})"},
      {"contents: {a: {decode: hex, type: B}, b: {decode: hex, type: B}}", R"({"b":"02","a":"01"})",
       R"({"b":2,"a":1})"},
      {"contents: {a: json, a.b: {decode: hex, type: B}}", R"({"a":"{\"b\":\"07\"}"})", R"({"a":{"b":7}})"},
      // What is null or not there stays.
      {"contents: {a: {decode: hex, type: B}}", R"({"a":null,"b":"x"})", R"({"a":null,"b":"x"})"},
      {"contents: {a: {decode: hex, type: B}}", R"({"b":"x"})", R"({"b":"x"})"},
      // Templates: a slot of a map, of a list.
      {"json: {type: x, d: {p: ~}}, contents: {d.p: {decode: hex, type: B}}",
       R"({"type":"x","d":{"p":"05"}})", R"({"type":"x","d":{"p":5}})"},
      {"json: [{type: 2}, id, payload], contents: {payload: {decode: hex, type: B}}", R"([2,"i","05"])",
       R"({"type":2,"id":"i","payload":5})"},
  }));
  INFO(each.message);
  const auto types = types_of(each.message);
  CHECK(received(types, each.text) == each.values);
  CHECK(sent(types, each.values) == each.text);
}

TEST_CASE("numbers beside it keep their digits", "[contents]") {
  const auto types = types_of("contents: {d: {decode: hex, type: B}}");
  CHECK(read_text(types, R"({"n":1.10,"d":"07","m":123456789012345678901234567890})").at(0) ==
        R"(r {"n":1.10,"d":7,"m":123456789012345678901234567890})");
}

TEST_CASE("what is in a text may be wrong", "[contents]") {
  const auto types = types_of("contents: {d.x: {decode: base64, type: '> id:H name:str(3)'}}");
  CHECK(received(types, R"({"d":{"x":5}})") == "d.x at byte 0: expected a text");
  CHECK(received(types, R"({"d":{"x":"AA=="}})") ==
        "d.x.id at byte 0: at byte 0 of its content: at byte 0 of the decoded bytes: expected 2 bytes, found "
        "1");
  CHECK(received(types, R"({"d":{"x":"A"}})").starts_with("d.x at byte 0: at byte 0 of its content: "));
  CHECK(received(types, R"({"d":"x"})") == R"({"d":"x"})");  // nothing is there
  CHECK(sent(types, R"({"d":{"x":{"id":70000,"name":"abc"}}})").starts_with("! d.x.id at byte 0: "));
  CHECK(sent(types, R"({"d":{"x":{"id":7}}})").starts_with("! d.x.name at byte 0: "));
  CHECK(sent(types_of("contents: {d: 'a:H'}"), R"({"d":{"a":65535}})") ==
        "! d at byte 0: its content is not UTF-8, which a text is (write decode: base64)");
}

TEST_CASE("what a text may become is bounded", "[contents][limits]") {
  const auto types =
      types_of("contents: {d: {decode: hex, type: 'B[*]'}}", "limits: {count: 3, inflate: 4}\n");
  CHECK(received(types, R"({"d":"010203"})") == R"({"d":[1,2,3]})");
  CHECK(received(types, R"({"d":"01020304"})").starts_with("d at byte 0: "));
  const auto texts = types_of("contents: {d: {decode: hex, type: str}}", "limits: {inflate: 4}\n");
  CHECK(received(texts, R"({"d":"61626364"})") == R"({"d":"abcd"})");
  CHECK(received(texts, R"({"d":"6162636465"})").starts_with("d at byte 0: "));
}

TEST_CASE("a message that is chosen by 'fits' must fit in its texts, too", "[contents]") {
  const auto types = compiled(yaml(R"(
replies:
  - {as: packed, when: {frame: text, fits: true}, contents: {d: {decode: hex, type: B}}}
  - {as: other, frame: text}
)"));
  CHECK(read_text(types, R"({"d":"07"})") == strings{R"(packed {"d":7})"});
  CHECK(read_text(types, R"({"d":"0708"})") == strings{R"(other {"d":"0708"})"});
}

TEST_CASE("mistakes of 'contents'", "[contents][mistakes]") {
  CHECK(mistakes_of_reply("layout: 'a:B', contents: {a: B}") ==
        "1:44 p.replies[0].contents: 'contents' is for texts in JSON and in Protocol Buffers (in a layout "
        "the type "
        "says it: data: {decode: base64, type: …})");
  CHECK(mistakes_of_reply("frame: text, contents: [a]") ==
        "1:42 p.replies[0].contents: expected a map, found a list");
  CHECK(mistakes_of_reply("frame: text, contents: {a..b: B}") ==
        "1:43 p.replies[0].contents.a..b: 'a..b' is not a path (names with dots between them: payload.data)");
  CHECK(mistakes_of_reply("json: {type: x, payload: ~}, contents: {payloat: B}") ==
        "1:59 p.replies[0].contents.payloat: the message has no field 'payloat' (did you mean 'payload'?)");
  CHECK(mistakes_of_reply("frame: text, contents: {a: {decode: base46, type: B}}")
            .find("unknown encoding 'base46'") != std::string::npos);
  CHECK(mistakes_of_reply("frame: text, contents: {a: no_such_type}").find("unknown type 'no_such_type'") !=
        std::string::npos);
}

TEST_CASE("of two fields with one name the first is looked at, as in conditions", "[contents]") {
  const auto types = types_of("contents: {d: {decode: hex, type: B}}");
  CHECK(read_text(types, R"({"d":"01","d":"02"})").at(0) == R"(r {"d":1,"d":"02"})");
}

TEST_CASE("a command's values are checked as far as they are known", "[contents]") {
  const auto types = types_of("json: {p: ~}, contents: {p: {decode: hex, type: 'id:B name:str'}}");
  const auto& command = *types->find(direction::command, "c");
  const auto mistakes = [&](const char* values, const std::vector<ordered_json::json_pointer>& unknown) {
    std::string out;
    for (const codec_error& each : check_partly(command, ordered_json::parse(values), unknown))
      out += each.field + ": " + each.message;
    return out;
  };
  using pointer = ordered_json::json_pointer;
  CHECK(mistakes(R"({"p":{"id":1,"name":"x"}})", {}).empty());
  CHECK(mistakes(R"({"p":{"id":null,"name":"x"}})", {pointer("/p/id")}).empty());
  CHECK(mistakes(R"({"p":null})", {pointer("/p")}).empty());
  CHECK(mistakes(R"({"p":{"id":null}})", {pointer("/p/id")}) == "p.name: the field is missing");
  CHECK(mistakes(R"({"p":{"id":300,"name":null}})", {pointer("/p/name")}).starts_with("p.id: "));
}

TEST_CASE("the fields of a text are known", "[contents]") {
  const auto types = types_of("json: {type: x, p: ~}, contents: {p: {decode: hex, type: 'id:B name:str'}}");
  const auto& reply = *types->find(direction::reply, "r");
  CHECK_FALSE(find_lost(shape_of(reply), "p.name"));
  const auto lost = find_lost(shape_of(reply), "p.nam");
  REQUIRE(lost);
  CHECK(lost->known == strings{"id", "name"});
  CHECK(sent(types, example_values(reply).dump()) == R"({"type":"x","p":"00"})");
  const auto open = types_of("contents: {params.data.0: {decode: hex, type: B}}");
  CHECK(example_values(*open->find(direction::reply, "r")) ==
        ordered_json::parse(R"({"params":{"data":[0]}})"));
}
