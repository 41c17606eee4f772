#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::shared_ptr<const protocol> holding(const char* layout, long long depth = 64) {
  return with_layout(text(layout), {{"limits", map({{"json_depth", integer(depth)}})}});
}
std::string cbor(const std::string& hex) {
  return read(holding("t:cbor"), hex).front();
}
std::string msgpack(const std::string& hex) {
  return read(holding("t:msgpack"), hex).front();
}

std::string repeated(const std::string& piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

}  // namespace

TEST_CASE("CBOR values of each kind") {
  const std::pair<const char*, const char*> table[] = {
      {"f6", "null"},
      {"f5", "true"},
      {"f4", "false"},
      {"00", "0"},
      {"20", "-1"},
      {"1bffffffffffffffff", "18446744073709551615"},
      {"3b7fffffffffffffff", "-9223372036854775808"},
      {"f93e00", "1.5"},
      {"fb3ff199999999999a", "1.1"},
      {"f97e00", "\"nan\""},
      {"f9fc00", "\"-inf\""},
      {"6161", "\"a\""},
      {"62c3a9", "\"\u00e9\""},
      {"60", "\"\""},
      {"4200ff", "\"00ff\""},
      {"80", "[]"},
      {"a0", "{}"},
      {"83010203", "[1,2,3]"},
      {"82820102820304", "[[1,2],[3,4]]"},
      {"a2616101616202", "{\"a\":1,\"b\":2}"},
      {"a2616182010261628101", "{\"a\":[1,2],\"b\":[1]}"},
      {"83a1616101a0f6", "[{\"a\":1},{},null]"},
      {"85f5200000f6", "[true,-1,0,0,null]"},
      {"846161fb3ff199999999999a4100a0", "[\"a\",1.1,\"00\",{}]"},
      {"9f0102ff", "[1,2]"},
      {"a162220901", "{\"\\\"\\t\":1}"},
  };
  for (const auto& [hex, json] : table) {
    INFO(hex);
    CHECK(cbor(hex) == "r {\"t\":" + std::string(json) + "}");
  }
}

TEST_CASE("MessagePack values") {
  CHECK(msgpack("c0") == R"(r {"t":null})");
  CHECK(msgpack("93c2c3ff") == R"(r {"t":[false,true,-1]})");
  CHECK(msgpack("82a16101a162c402abcd") == R"(r {"t":{"a":1,"b":"abcd"}})");
  CHECK(msgpack("cfffffffffffffffff") == R"(r {"t":18446744073709551615})");
}

// Lists and maps alike, at the limit and one beyond.
TEST_CASE("packed values have a depth limit") {
  const auto three = holding("t:cbor", 3);
  CHECK(read(three, "81818101") == strings{R"(r {"t":[[[1]]]})"});
  CHECK(read(three, "8181818101") == strings{"! t at byte 0: not CBOR: nested too deeply"});
  CHECK(read(three, "a16161a16161a1616101") == strings{R"(r {"t":{"a":{"a":{"a":1}}}})"});
  CHECK(read(three, "a16161a16161a16161a1616101") == strings{"! t at byte 0: not CBOR: nested too deeply"});
  CHECK(read(three, "818181a0") == strings{"! t at byte 0: not CBOR: nested too deeply"});
  // What has ended does not count.
  CHECK(read(three, "83818101818101818101") == strings{R"(r {"t":[[[1]],[[1]],[[1]]]})"});
  CHECK(read(three, "83a16161a0a16161a0a16161a0") == strings{R"(r {"t":[{"a":{}},{"a":{}},{"a":{}}]})"});
  CHECK(cbor(repeated("81", 64) + "01") == "r {\"t\":" + repeated("[", 64) + "1" + repeated("]", 64) + "}");
  CHECK(cbor(repeated("81", 65) + "01") == "! t at byte 0: not CBOR: nested too deeply");
}

TEST_CASE("malformed packed values name their byte") {
  CHECK(cbor("61ff") == "! t at byte 0: not CBOR: a text that is not UTF-8");
  CHECK(cbor("a161ff01") == "! t at byte 0: not CBOR: a key that is not UTF-8");
  CHECK(cbor("") == "! t at byte 0: not CBOR: the bytes end too early or go on after the value");
  CHECK(cbor("8201") == "! t at byte 2: not CBOR: the bytes end too early or go on after the value");
  CHECK(cbor("0102") == "! t at byte 1: not CBOR: the bytes end too early or go on after the value");
  CHECK(cbor("1c") == "! t at byte 0: not CBOR: a malformed value");
  CHECK(cbor("82011c") == "! t at byte 2: not CBOR: a malformed value");
  CHECK(cbor("c001") == "! t at byte 0: not CBOR: a malformed value");  // a tag
  CHECK(msgpack("92c1") == "! t at byte 1: not MessagePack: a malformed value");
  CHECK(read(holding("a:B t:cbor"), "01611c").front().starts_with("r {"));
  CHECK(read(holding("a:B t:cbor"), "0161ff") ==
        strings{"! t at byte 1: not CBOR: a text that is not UTF-8"});
  CHECK(read(holding("a:B t:cbor"), "01821c") == strings{"! t at byte 2: not CBOR: a malformed value"});
}

// A hidden value is checked and leaves nothing behind.
TEST_CASE("hidden packed values are checked only") {
  const auto types = holding("_t:cbor(:B) a:B", 2);
  CHECK(read(types, "0682a1616101f607") == strings{R"(r {"a":7})"});
  CHECK(read(types, "0281f607") == strings{R"(r {"a":7})"});
  CHECK(read(types, "0282f607") ==
        strings{"! _t at byte 3: not CBOR: the bytes end too early or go on after the value"});
  CHECK(read(types, "0261ff07") == strings{"! _t at byte 1: not CBOR: a text that is not UTF-8"});
  CHECK(read(types, "04a161ff0007") == strings{"! _t at byte 1: not CBOR: a key that is not UTF-8"});
  CHECK(read(types,
             "0481818100"
             "07") == strings{"! _t at byte 1: not CBOR: nested too deeply"});
}
