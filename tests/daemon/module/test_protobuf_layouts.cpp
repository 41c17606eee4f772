// Layouts that are schemas: options, limits, what `check` says, and how replies are told apart.
#include "protocol/text/json_text.hpp"
#include "tests/daemon/module/protobuf_harness.hpp"

using namespace duplexd;
using namespace duplexd::test;
using Catch::Matchers::Contains;
using nlohmann::ordered_json;
using protocol::direction;

TEST_CASE("options of the JSON", "[protobuf]") {
  CHECK(unpacked(every_kind(", int64: number"), "208180808080808010") == R"({"anInt64":9007199254740993})");
  CHECK(unpacked(every_kind(", names: proto"), "1805") == R"({"an_int32":5})");
  CHECK(packed(every_kind(", names: proto"), R"({"an_int32":5})") == "1805");
  const ordered_json whole = ordered_json::parse(unpacked(every_kind(", defaults: true"), ""));
  CHECK(whole["anInt32"] == 0);
  CHECK(whole["anInt64"] == "0");
  CHECK(whole["side"] == "SIDE_UNKNOWN");
  CHECK(whole["numbers"] == ordered_json::array());
  CHECK(whole["byText"] == ordered_json::object());
  CHECK_FALSE(whole.contains("maybe"));
  CHECK_FALSE(whole.contains("inner"));
  CHECK_FALSE(whole.contains("chosenText"));
}

TEST_CASE("limits hold at their value and refuse beyond it", "[protobuf][limits]") {
  // limits.count: parts of lists, of maps, messages, fields that nobody knows.
  const auto few = every_kind("", "limits: {count: 3}\n");
  CHECK(unpacked(few, "ba0103010203") == R"({"numbers":[1,2,3]})");
  const std::string too_many = "more than 3 parts of lists, maps and messages (limits.count)";
  CHECK(unpacked(few, "ba010401020304") == "! numbers at byte 6: " + too_many);
  CHECK(unpacked(few, "8a01008a01008a0100") == R"({"inner":{}})");
  CHECK(unpacked(few, "8a01008a01008a01008a0100") == "! inner at byte 11: " + too_many);
  CHECK(unpacked(few, "f83e01f83e01f83e01f83e01") == "! byte 11: " + too_many);

  // limits.json_depth: levels of lists and maps, both ways.
  const auto flat = every_kind("", "limits: {json_depth: 3}\n");
  CHECK(unpacked(flat, "8a01038a0100") == R"({"inner":{"inner":{}}})");
  CHECK(unpacked(flat, "8a01068a01038a0100") ==
        "! inner.inner.inner at byte 0: its JSON is nested deeper than 3 levels (limits.json_depth)");
  CHECK(unpacked(flat, "d20103d20100") ==
        "! messages[0].messages at byte 0: its JSON is nested deeper than 3 levels (limits.json_depth)");
  CHECK(packed(flat, R"({"inner":{"inner":{}}})") == "8a01038a0100");
  CHECK(packed(flat, R"({"inner":{"inner":{"inner":{}}}})") ==
        "byte 0: the values are nested deeper than 3 levels (limits.json_depth)");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "f33e";  // groups that nobody knows, within one another
  CHECK_THAT(unpacked(flat, deep), Contains("messages are nested deeper than 12 levels"));

  // limits.inflate: bytes of the JSON, and of messages within Any.
  const auto small = every_kind("", "limits: {inflate: 21}\n");
  CHECK(unpacked(small, "720731323334353637") == R"({"aString":"1234567"})");
  CHECK(unpacked(small, "72083132333435363738") ==
        "! byte 0: its JSON takes more than 21 bytes (limits.inflate)");
  const auto any = every_kind("", "limits: {inflate: 60}\n");
  const std::string url = "0a0d742f65766572792e4b696e6473";  // t/every.Kinds
  const auto holding = [&](unsigned char bytes) {            // of a field that nobody knows
    std::string inner = "c23e";
    protocol::append_hex(inner, std::vector<std::uint8_t>{static_cast<std::uint8_t>(bytes - 3)});
    inner += std::string(2 * (bytes - 3U), '0');
    std::string held = "12";
    protocol::append_hex(held, std::vector<std::uint8_t>{bytes});
    std::string size = "b202";
    protocol::append_hex(
        size, std::vector<std::uint8_t>{static_cast<std::uint8_t>((url + held + inner).size() / 2)});
    return size + url + held + inner;
  };
  CHECK(unpacked(any, holding(60)) == R"({"any":{"@type":"t/every.Kinds"}})");
  CHECK(unpacked(any, holding(61)) ==
        "! any at byte 0: messages within Any take more than 60 bytes (limits.inflate)");
}

TEST_CASE("mistakes of a .proto file have its line and column", "[protobuf][mistakes]") {
  const proto_files_of_test folder;
  folder.put("bad.proto",
             "syntax = \"proto3\";\nmessage A {\n  int32 a = 1\n}\nmessage B {\n  Nothing n = 1;\n}\n");
  folder.put("type.proto", "syntax = \"proto3\";\nmessage B {\n  Nothing n = 1;\n}\n");
  folder.put("lost.proto", "syntax = \"proto3\";\nimport \"common/types.proto\";\nmessage A {}\n");
  folder.put("good.proto",
             "syntax = \"proto3\";\npackage good;\nimport \"google/protobuf/timestamp.proto\";\n"
             "message Tick {}\nmessage Outer { message Tick {} message Inner {} }\n");
  const auto mistakes = [&](const std::string& layout) {
    std::string found;
    (void)proto_types("replies: [{as: r, layout: {" + layout + "}}]", folder.path(), found);
    return found;
  };
  CHECK(mistakes("protobuf: bad.proto, message: A") ==
        "1:38 p.replies[0].layout.protobuf: bad.proto:4:1: Expected \";\".");
  CHECK(mistakes("protobuf: type.proto, message: B") ==
        "1:38 p.replies[0].layout.protobuf: type.proto:3:3: \"Nothing\" is not defined.");
  CHECK_THAT(mistakes("protobuf: lost.proto, message: A"),
             Contains("common/types.proto: there is no such file in " + folder.path()) &&
                 Contains("lost.proto:2:1: Import \"common/types.proto\" was not found or had errors."));
  CHECK(mistakes("protobuf: no.proto, message: A") ==
        "1:38 p.replies[0].layout.protobuf: no.proto: there is no such file in " + folder.path());
  CHECK(mistakes("protobuf: good.proto, message: Inner").empty());
  CHECK(mistakes("protobuf: good.proto, message: good.Tick").empty());
  CHECK(mistakes("protobuf: good.proto, message: Tick") ==
        "1:59 p.replies[0].layout.message: there is no message 'Tick' (one of good.Tick, good.Outer.Tick)");
  CHECK(mistakes("protobuf: good.proto, message: Inber") ==
        "1:59 p.replies[0].layout.message: there is no message 'Inber' (did you mean 'Inner'?)");
  CHECK(mistakes("protobuf: good.proto, message: google.protobuf.Timestamp") ==
        "1:59 p.replies[0].layout.message: google.protobuf.Timestamp is no map in JSON, and a message's "
        "values are one");
  CHECK(mistakes("protobuf: good.proto") ==
        "1:27 p.replies[0].layout: 'message' is missing (message: the name of a message in that file)");
  CHECK(mistakes("protobuf: good.proto, message: Inner, int64: float") ==
        "1:73 p.replies[0].layout.int64: 'float' is not a valid choice (text or number)");
  CHECK_THAT(mistakes("protobuf: good.proto, message: Inner, mesage: X"), Contains("unknown key 'mesage'"));
  CHECK_THAT(mistakes("protobuf: [], message: Inner"), Contains("the list is empty"));

  folder.put("deep/common/types.proto", "syntax = \"proto3\"; message T {}");
  CHECK(mistakes("protobuf: lost.proto, message: A, import: deep").empty());
  CHECK(mistakes("protobuf: [good.proto, lost.proto], message: A, import: [deep]").empty());
}

TEST_CASE("what does not go with Protocol Buffers", "[protobuf][mistakes]") {
  const auto mistakes = [](const std::string& text) {
    std::string found;
    (void)proto_types(text, proto_folder, found);
    return found;
  };
  const std::string layout = "layout: {protobuf: every_kind.proto, message: Kinds}";
  CHECK_THAT(mistakes("replies: [{as: r, frame: text, " + layout + "}]"),
             Contains("this message is a text frame"));
  CHECK_THAT(mistakes("replies: [{as: r, trailing: drop, " + layout + "}]"),
             Contains("'trailing' does not go"));
  CHECK_THAT(mistakes("framing: {length: '>I'}\nreplies: [{as: r, " + layout + "}]"),
             Contains("strip: true"));
  CHECK_THAT(mistakes("framing: lines\nreplies: [{as: r, frame: binary, " + layout + "}]"),
             Contains("delimiter"));
  CHECK_THAT(mistakes("replies: [{as: r, when: {protobuf: /a}, layout: 'a:B'}]"),
             Contains("'protobuf' is only allowed with a layout of Protocol Buffers"));
  CHECK_THAT(mistakes("replies: [{as: r, when: {protobuf: /anInt23}, " + layout + "}]"),
             Contains("when.protobuf: the message has no field 'anInt23' (did you mean 'anInt32'?)"));
  const auto within = [&](const std::string& part) {
    return mistakes("layouts: {k: {protobuf: every_kind.proto, message: Kinds}}\nreplies: [{as: r, layout: " +
                    part + "}]");
  };
  CHECK_THAT(within("'a:B k'"), Contains("'k' is one value, so it needs a name (write name:k)"));
  CHECK_THAT(within("[{protobuf: every_kind.proto, message: Kinds}]"),
             Contains("needs a name within a layout"));
  CHECK_THAT(within("'a:B k:k=5'"), Contains("the layout 'k' cannot have a value, scale or unit"));
  CHECK_THAT(within("'a:B k:k(until \"x\")'"), Contains("may hold any byte, so a text cannot end them"));
  CHECK_THAT(within("'a:B _k:k'"), Contains("cannot be hidden as a whole"));
  CHECK_THAT(within("'k:k b:B'"), Contains("takes the rest"));
  CHECK_THAT(within("[{p: {frames: k}}]"),
             Contains("'k' is a message of Protocol Buffers, which is no packet"));
  CHECK_THAT(within("[{a: B}, {k: {protobuf: every_kind.proto, message: Nobody}}]"),
             Contains("2:78 p.replies[0].message: there is no message 'Nobody'"));
  CHECK_THAT(mistakes("replies: [{as: a, when: {protobuf: /inner}, " + layout +
                      "}, {as: b, when: {protobuf: /inner}, " + layout + "}]"),
             Contains("never reached"));
  protocol::diagnostics found;
  const auto types = protocol::protocol::compile(yaml("replies: [{as: r, " + layout + "}]"), "p", found);
  REQUIRE(types);
  CHECK(read(types, "1805") == std::vector<std::string>{"! byte 0: the schema was not read"});
  CHECK_FALSE(read_schemas(*types, nullptr, ".", found));
}

TEST_CASE("replies are told apart by fields", "[protobuf]") {
  const auto types = proto_types(R"(
framing: {length: B, strip: true}
layouts: {k: {protobuf: every_kind.proto, message: Kinds}}
replies:
  - {as: text, when: {protobuf: /chosenText}, layout: k}
  - {as: seven, when: {protobuf: /chosenNumber, is: 7}, layout: k}
  - {as: number, when: {protobuf: /chosenNumber}, layout: k}
  - {as: buy, when: {protobuf: {/side: [SIDE_BUY, SIDE_SELL], /inner/anInt32: 5}}, layout: k}
  - {as: first, when: {protobuf: /texts/0, is: a}, layout: k}
  - {as: rest, layout: k}
commands: {c: k}
)");
  CHECK(read(types,
             "03a2010003a8010703a80108088001018a01021805"
             "04ca010161"
             "021801"
             "0118") == std::vector<std::string>{R"(text {"chosenText":""})", R"(seven {"chosenNumber":"7"})",
                                                 R"(number {"chosenNumber":"8"})",
                                                 R"(buy {"side":"SIDE_BUY","inner":{"anInt32":5}})",
                                                 R"(first {"texts":["a"]})", R"(rest {"anInt32":1})",
                                                 "! anInt32 at byte 31: a number breaks off"});
  const std::string layout = "layout: {protobuf: every_kind.proto, message: Kinds}";
  const auto strict = proto_types("replies: [{as: r, when: {protobuf: /inner}, " + layout + "}]");
  CHECK(read(strict, "18") == std::vector<std::string>{"! anInt32 at byte 1: a number breaks off"});
  CHECK(read(strict, "1801") ==
        std::vector<std::string>{"! byte 0: no reply fits this binary packet of 2 bytes"});
  CHECK(protocol::testing::packed(*types, "c", {{"anInt32", 1}}) == "021801");
  for (const protocol::message_type& type : types->types(direction::reply)) {
    INFO(type.name);
    std::vector<std::uint8_t> bytes;
    REQUIRE_FALSE(pack(type, example_values(type), bytes));
    protocol::packet_reader reader(types, direction::reply);
    CHECK(read(reader, protocol::frame_kind::binary, bytes).front().starts_with(type.name + " "));
  }
}

TEST_CASE("what is known of a message before one came", "[protobuf]") {
  const auto types = every_kind();
  const auto& type = *types->find(direction::command, "c");
  const protocol::value_shape shape = shape_of(type);
  using kind = protocol::value_shape::kind;
  CHECK(shape.find("anInt64")->json == protocol::value_shape::json_type::text);
  CHECK(shape.find("inner")->what == kind::any);  // within itself
  CHECK(shape.find("numbers")->what == kind::list);
  CHECK(shape.find("byText")->open);
  CHECK(shape.find("time")->what == kind::scalar);
  CHECK(shape.find("someBytes")->bytes == protocol::value_shape::bytes_text::base64);
  CHECK(find_lost(shape, "numbers.0") == std::nullopt);
  CHECK(find_lost(shape, "number")->known.front() == "aDouble");
  CHECK_THAT(byte_table(type),
             Contains("field of every.Kinds") && Contains("20  chosenText: string, one of choice") &&
                 Contains("30  byText: map<string, int32>") && Contains("repeated every.Kinds"));
  CHECK(check_partly(type, {{"anInt32", nullptr}}, {ordered_json::json_pointer("/anInt32")}).empty());
  const auto wrong =
      check_partly(type, {{"anInt32", nullptr}, {"aBool", 5}}, {ordered_json::json_pointer("/anInt32")});
  REQUIRE(wrong.size() == 1);
  CHECK(wrong.front().field == "aBool");
}

TEST_CASE("a changed file is noticed", "[protobuf]") {
  const proto_files_of_test folder;
  const auto digest = [&](const std::string& field) {
    folder.put("a.proto", "syntax = \"proto3\"; import \"b.proto\"; message A { B b = 1; }");
    folder.put("b.proto", "syntax = \"proto3\"; message B { int32 " + field + " = 1; }");
    std::string mistakes;
    const auto types =
        proto_types("commands: {c: {layout: {protobuf: a.proto, message: A}}}", folder.path(), mistakes);
    REQUIRE(types);
    return protocol::schema_digest(*types);
  };
  const std::size_t first = digest("a");
  CHECK(digest("a") == first);
  CHECK(digest("b") != first);
}

TEST_CASE("a message is a part of a layout", "[protobuf][nested]") {
  const auto types_of = [](const std::string& layout, const std::string& around = "") {
    return proto_types(around +
                       "layouts: {k: {protobuf: every_kind.proto, message: Kinds}}\ncommands: {c: {layout: " +
                       layout + "}}\nreplies: [{as: r, layout: " + layout + "}]");
  };
  const auto [layout, hex, json] = GENERATE(table<const char*, const char*, const char*>({
      {"'op:B data:k'", "071805", R"({"op":7,"data":{"anInt32":5}})"},
      {"'op:B data:k'", "07", R"({"op":7,"data":{}})"},
      {"'data:k(:B) op:B'", "02180507", R"({"data":{"anInt32":5},"op":7})"},
      {"'_n:H data:k(_n) op:B'", "0200180507", R"({"data":{"anInt32":5},"op":7})"},
      {"'all:k(:B)[:B]'",
       "020218050218"
       "06",
       R"({"all":[{"anInt32":5},{"anInt32":6}]})"},
      {"[{data: {decode: hex, type: k}}]", "31383035", R"({"data":{"anInt32":5}})"},
      {"[{data: {protobuf: every_kind.proto, message: Kinds, names: proto}}]", "1805",
       R"({"data":{"an_int32":5}})"},
      {"[{op: B}, {if: 'op == 1', then: 'data:k'}]", "011805", R"({"op":1,"data":{"anInt32":5}})"},
  }));
  INFO(layout);
  const auto types = types_of(layout);
  CHECK(unpacked(types, hex) == json);
  CHECK(packed(types, json) == hex);
}

TEST_CASE("a message within a layout is bounded, and its mistakes have their place",
          "[protobuf][nested][limits]") {
  const auto types = proto_types(
      "limits: {inflate: 30}\nreplies: [{as: r, layout: [{all: {array: 'k(:B)', count: ':B'}}]}]\n"
      "commands: {c: {layout: [{all: {array: 'k(:B)', count: ':B'}}]}}\n"
      "layouts: {k: {protobuf: every_kind.proto, message: Kinds}}");
  CHECK(unpacked(types,
                 "020218050218"
                 "06") == R"({"all":[{"anInt32":5},{"anInt32":6}]})");
  CHECK(unpacked(types, "03021805021806021807") ==
        "! all[2] at byte 8: the JSON of what is in it takes more than 30 bytes (limits.inflate)");
  CHECK(unpacked(types, "0102d201") == "! all[0].messages at byte 4: a number breaks off");
  CHECK_THAT(packed(types, R"({"all":[{},{"anInt23":5}]})"), Contains("all[1].anInt23 at byte 3: "));
}

TEST_CASE("texts and bytes of a message have layouts", "[protobuf][contents]") {
  const std::string message =
      "layout: {protobuf: every_kind.proto, message: Kinds}, contents: {someBytes: {decode: base64, type: '> "
      "id:H'}, "
      "inner.aString: json}";
  const auto types = proto_types("commands: {c: {" + message + "}}\nreplies: [{as: r, " + message + "}]");
  const char* const hex =
      "7a0201028a01097207"
      "7b2261223a317d";
  const char* const json = R"({"someBytes":{"id":258},"inner":{"aString":{"a":1}}})";
  CHECK(unpacked(types, hex) == json);
  CHECK(packed(types, R"({"someBytes":{"id":258}})") == "7a020102");
  CHECK(unpacked(types, "7a0101").starts_with("! someBytes.id at byte 0: at byte 0 of its content: "));
  std::string found;
  (void)proto_types(
      "replies: [{as: r, layout: {protobuf: every_kind.proto, message: Kinds}, contents: {sumBytes: B}}]",
      proto_folder, found);
  CHECK_THAT(
      found,
      Contains("p.replies[0].contents: the message has no field 'sumBytes' (did you mean 'someBytes'?)"));
}
