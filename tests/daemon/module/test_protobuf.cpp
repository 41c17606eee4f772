// Messages of Protocol Buffers and their JSON, in both directions. The bytes are those of protoc --encode.
#include "tests/daemon/module/protobuf_harness.hpp"

using namespace duplexd;
using namespace duplexd::test;
using nlohmann::ordered_json;

namespace {

/// Bytes, and the JSON that they are: each packs to the other.
void check_both_ways(const std::shared_ptr<const protocol::protocol>& types,
                     const std::vector<std::pair<const char*, const char*>>& rows) {
  for (const auto& [hex, json] : rows) {
    INFO(hex << " " << json);
    CHECK(unpacked(types, hex) == json);
    CHECK(packed(types, json) == hex);
  }
}

}  // namespace

TEST_CASE("a message of each type and its JSON", "[protobuf]") {
  check_both_ways(every_kind(), {{"", "{}"},
                                 {"18feffffffffffffffff01", R"({"anInt32":-2})"},
                                 {"208180808080808010", R"({"anInt64":"9007199254740993"})"},
                                 {"30ffffffffffffffffff01", R"({"aUint64":"18446744073709551615"})"},
                                 {"380340d1fbffffbf02", R"({"aSint32":-2,"aSint64":"-42949672681"})"},
                                 {"4dffffffff", R"({"aFixed32":4294967295})"},
                                 {"09000000000000f87f", R"({"aDouble":"NaN"})"},
                                 {"09000000000000f0ff", R"({"aDouble":"-Infinity"})"},
                                 {"15cdcccc3d", R"({"aFloat":0.1})"},
                                 {"0928356a74bd23093f150000803f", R"({"aDouble":4.795e-05,"aFloat":1.0})"},
                                 {"6801", R"({"aBool":true})"},
                                 {"7202c3bc", R"({"aString":"ü"})"},
                                 {"7a02fbff", R"({"someBytes":"+/8="})"},
                                 {"800102", R"({"side":"SIDE_SELL"})"},
                                 {"80014d", R"({"side":77})"},
                                 {"8a01038a0100", R"({"inner":{"inner":{}}})"},
                                 {"900100", R"({"maybe":0})"},
                                 {"a20100", R"({"chosenText":""})"},
                                 {"ba01040102ac02", R"({"numbers":[1,2,300]})"},
                                 {"c00101c00102", R"({"unpacked":["-1","1"]})"},
                                 {"ca0100ca010178", R"({"texts":["","x"]})"},
                                 {"d20100d201021805", R"({"messages":[{},{"anInt32":5}]})"},
                                 {"f201050a0161100a", R"({"byText":{"a":10}})"},
                                 {"fa010f08f9ffffffffffffffff011202180182020508011201"
                                  "79",
                                  R"({"byNumber":{"-7":{"anInt32":1}},"byBool":{"true":"y"}})"},
                                 {"e202016e", R"({"calledOtherwise":"n"})"}});
}

TEST_CASE("messages that have a JSON form of their own", "[protobuf]") {
  check_both_ways(
      every_kind(),
      {{"8a020c08a08bac95061080cab5ee0192021608fdffffffffffffffff0110809be588ffffffffff01",
        R"({"time":"2022-06-16T10:27:44.500Z","span":"-3.250s"})"},
       {"8a020b088092b8c398feffffff01", R"({"time":"0001-01-01T00:00:00Z"})"},
       {"ba02160a0570726963650a0d626f6f6b2e626573745f626964", R"({"mask":"price,book.bestBid"})"},
       {"c20200ca02030a0174d202030a01ff", R"({"wrappedNumber":"0","wrappedText":"t","wrappedBytes":"/w=="})"},
       {"9a02210a070a0161120208000a160a01621211320f0a0911000000000000f83f0a022000",
        R"({"free":{"a":null,"b":[1.5,false]}})"},
       {"a2020c2a0a0a080a016b12031a0176aa02040a020800", R"({"value":{"k":"v"},"list":[null]})"},
       {"a202020800", R"({"value":null})"},
       {"b202250a1f747970652e676f6f676c65617069732e636f6d2f65766572792e4b696e647312021801",
        R"({"any":{"@type":"type.googleapis.com/every.Kinds","anInt32":1}})"},
       {"b202320a2c747970652e676f6f676c65617069732e636f6d2f676f6f676c652e70726f746f6275662e4475726174696f6e12"
        "020801",
        R"({"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}})"},
       {"b202140a0e742f6e6f626f64792e4b6e6f777312020801",
        R"({"any":{"@type":"t/nobody.Knows","$bytes":"0801"}})"},
       {"b20200", R"({"any":{}})"}});
}

TEST_CASE("proto2: required fields, groups, extensions, closed enums", "[protobuf]") {
  const auto types = proto_of("second_kind.proto", "Second");
  check_both_ways(
      types, {{"080112017818012328052432020802a206016e",
               R"({"id":1,"name":"x","level":"LOW","part":{"size":5},"next":{"id":2},"[second.note]":"n"})"},
              {"0801", R"({"id":1})"}});
  CHECK(unpacked(types, "08011807") == R"({"id":1})");  // a value that its enum does not have
  CHECK(unpacked(types, "1800") == "! id at byte 0: the field is required, and missing");
  CHECK(unpacked(types, "08013a0408013a00") ==
        "! more[0].more[0].id at byte 0: the field is required, and missing");
  CHECK(unpacked(types, "08011201ff") == "! name at byte 4: the text is not UTF-8");
  CHECK(packed(types, "{}") == "id at byte 0: the field is required, and missing");
  CHECK(packed(types, R"({"id":1,"next":{}})") == "next.id at byte 0: the field is required, and missing");
  CHECK(packed(types, R"({"id":1,"level":7})") == "level at byte 0: 7 is no value of second.Level");
}

TEST_CASE("what another program may put on the wire in another way", "[protobuf]") {
  const auto types = every_kind();
  CHECK(unpacked(types, "b80101b8010218051807") == R"({"anInt32":7,"numbers":[1,2]})");  // not packed; twice
  CHECK(unpacked(types,
                 "c2010201"
                 "02") == R"({"unpacked":["-1","1"]})");  // packed
  CHECK(unpacked(types,
                 "f20105"
                 "0a01611001"
                 "f20105"
                 "0a01611002") == R"({"byText":{"a":2}})");
  CHECK(unpacked(types, "f20100") == R"({"byText":{"":0}})");
  CHECK(unpacked(types, "8a010218058a01026801") == R"({"inner":{"anInt32":5,"aBool":true}})");  // merged
  CHECK(unpacked(types,
                 "a20101"
                 "78"
                 "a80105") == R"({"chosenNumber":"5"})");                            // the last one
  CHECK(unpacked(types, "f83e01c23e0161cb3ed03e01cc3e1805") == R"({"anInt32":5})");  // fields nobody knows
  CHECK(unpacked(types, "1d00000000") == "{}");                                      // of another wire type
}

TEST_CASE("bytes that are no message: where, and why", "[protobuf]") {
  const auto types = every_kind();
  const std::vector<std::pair<const char*, const char*>> rows{
      {"18", "! anInt32 at byte 1: a number breaks off"},
      {"18ffffffffffffffffffff01", "! anInt32 at byte 1: a number takes more than 10 bytes"},
      {"7205616263", "! aString at byte 1: expected 5 bytes, found 3"},
      {"7203616263"
       "7201ff",
       "! aString at byte 7: the text is not UTF-8"},
      {"8a010518057203ff", "! inner.aString at byte 6: expected 3 bytes, found 1"},
      {"4dffff", "! aFixed32 at byte 1: expected 4 bytes, found 2"},
      {"da0209000000000000000000", "! fixed at byte 11: expected 4 bytes, found 1"},
      {"00", "! byte 0: expected a field's number"},
      {"1801"
       "07",
       "! byte 2: expected a field's number"},
      {"1f", "! byte 0: field 3 has the unknown wire type 7"},
      {"f43e", "! byte 0: field 1006 ends a group that did not begin"},
      {"f33e1801", "! byte 4: the group of field 1006 does not end"},
      {"fa01020880", "! byNumber.key at byte 4: a number breaks off"},
      {"8a020a08"
       "ffffffffffffffff7f",
       "! time at byte 0: 9223372036854775807 seconds and 0 nanoseconds are no time of the years 1 to 9999"},
      {"b202250a1f747970652e676f6f676c65617069732e636f6d2f65766572792e4b696e647312"
       "020901",
       "! any at byte 0: expected 8 bytes, found 1"}};
  for (const auto& [hex, error] : rows) {
    INFO(hex);
    CHECK(unpacked(types, hex) == error);
  }
}

TEST_CASE("values that do not fit name the field", "[protobuf]") {
  const auto types = every_kind();
  const std::vector<std::pair<const char*, const char*>> rows{
      {R"([1])", "byte 0: expected a map, found a list"},
      {R"({"anInt23":1})", "anInt23 at byte 0: there is no such field; did you mean 'anInt32'?"},
      {R"({"anInt32":2147483648})", "anInt32 at byte 0: expected an integer of 32 bits, found 2147483648"},
      {R"({"anInt32":1.5})", "anInt32 at byte 0: expected an integer of 32 bits, found 1.5"},
      {R"({"aUint64":-1})", "aUint64 at byte 0: expected an integer of 64 bits from 0 on, found -1"},
      {R"({"anInt64":9223372036854775808})",
       "anInt64 at byte 0: expected an integer of 64 bits, found 9223372036854775808"},
      {R"({"anInt64":1e19})", "anInt64 at byte 0: expected an integer of 64 bits, found 1e+19"},
      {R"({"anInt32":"x"})", "anInt32 at byte 0: expected an integer of 32 bits, found \"x\""},
      {R"({"aBool":1})", "aBool at byte 0: expected true or false, found an integer"},
      {R"({"aFloat":1e39})", "aFloat at byte 0: expected a number of 32 bits, found 1e+39"},
      {R"({"aString":5})", "aString at byte 0: expected a text, found an integer"},
      {R"({"someBytes":"*"})", "someBytes at byte 0: expected bytes in base64"},
      {R"({"side":"SIDE_BYE"})",
       "side at byte 0: 'SIDE_BYE' is no name of every.Side; did you mean 'SIDE_BUY'?"},
      {R"({"messages":[{},{"inner":{"texts":["a",2]}}]})",
       "messages[1].inner.texts[1] at byte 0: expected a text, found an integer"},
      {R"({"numbers":5})", "numbers at byte 0: expected a list, found an integer"},
      {R"({"numbers":[null]})", "numbers[0] at byte 0: expected an integer of 32 bits, found nothing"},
      {R"({"byText":{"k":"x"}})", "byText.k at byte 0: expected an integer of 32 bits, found \"x\""},
      {R"({"byNumber":{"x":{}}})",
       "byNumber.x at byte 0: the key does not fit: expected an integer of 64 bits, found \"x\""},
      {R"({"chosenText":"a","chosenNumber":1})",
       "chosenNumber at byte 0: 'chosenText' is given, too, and only one of them can be (oneof choice)"},
      {R"({"anInt32":1,"an_int32":1})", "an_int32 at byte 0: the field is given twice, by both of its names"},
      {R"({"time":"yesterday"})", "time at byte 0: expected a time such as \"2022-06-16T10:27:44.5Z\""},
      {R"({"span":"1m"})", "span at byte 0: expected a duration such as \"1.5s\""},
      {R"({"any":{"anInt32":1}})", "any at byte 0: expected the type of the message under '@type'"},
      {R"({"any":{"@type":"t/nobody.Knows","a":1}})",
       "any at byte 0: the files have no message 'nobody.Knows'"}};
  for (const auto& [json, error] : rows) {
    INFO(json);
    CHECK(packed(types, json) == error);
  }
}

TEST_CASE("values that mean the same pack to the same", "[protobuf]") {
  const auto types = every_kind();
  for (const char* json : {R"({"anInt32":5})", R"({"an_int32":5})", R"({"anInt32":"5"})",
                           R"({"anInt32":5.0})", R"({"anInt32":"5e0"})", R"({"anInt32":5,"aString":null})"})
    CHECK(packed(types, json) == "1805");
  for (const char* json : {R"({"someBytes":"+/8="})", R"({"someBytes":"-_8"})"})
    CHECK(packed(types, json) == "7a02fbff");
  for (const char* json : {R"({"side":2})", R"({"side":"SIDE_SELL"})"})
    CHECK(packed(types, json) == "800102");
  CHECK(packed(types, R"({"chosenText":"a","chosenNumber":null})") == "a2010161");
  CHECK(packed(types, "null").empty());
}
