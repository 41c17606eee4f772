#include "protocol/codec/packed_value.hpp"

#include <memory>
#include <random>
#include <tuple>

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
      {"f97e00", R"({"$float":"nan"})"},
      {"f9fc00", R"({"$float":"-inf"})"},
      {"f97c00", R"({"$float":"inf"})"},
      {"f90001", "5.960464477539063e-08"},
      {"f98000", "-0.0"},
      {"fa3f8ccccd", "1.100000023841858"},
      {"3b8000000000000000", R"({"$int":"-9223372036854775809"})"},
      {"3bffffffffffffffff", R"({"$int":"-18446744073709551616"})"},
      {"f7", R"({"$undefined":true})"},
      {"a10102", R"({"$map":[[1,2]]})"},
      {"a2616101420102f6", R"({"$map":[["a",1],[{"$bytes":"0102"},null]]})"},
      {"a2616101616102", R"({"$map":[["a",1],["a",2]]})"},
      {"a1a1010203", R"({"$map":[[{"$map":[[1,2]]},3]]})"},
      {"a166246279746573"
       "01",
       R"({"$map":[["$bytes",1]]})"},
      {"a2612401616102", R"({"$":1,"a":2})"},
      {"5f4100420102ff", R"({"$bytes":"000102"})"},
      {"7f6161626263ff", "\"abc\""},
      {"bf6161019ffff6ff", R"({"$map":[["a",1],[[],null]]})"},
      {"6161", "\"a\""},
      {"62c3a9", "\"\u00e9\""},
      {"60", "\"\""},
      {"4200ff", R"({"$bytes":"00ff"})"},
      {"80", "[]"},
      {"a0", "{}"},
      {"83010203", "[1,2,3]"},
      {"82820102820304", "[[1,2],[3,4]]"},
      {"a2616101616202", "{\"a\":1,\"b\":2}"},
      {"a2616182010261628101", "{\"a\":[1,2],\"b\":[1]}"},
      {"83a1616101a0f6", "[{\"a\":1},{},null]"},
      {"85f5200000f6", "[true,-1,0,0,null]"},
      {"846161fb3ff199999999999a4100a0", R"(["a",1.1,{"$bytes":"00"},{}])"},
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
  CHECK(msgpack("82a16101a162c402abcd") == R"(r {"t":{"a":1,"b":{"$bytes":"abcd"}}})");
  CHECK(msgpack("d40501") == R"(r {"t":{"$ext":[5,"01"]}})");
  CHECK(msgpack("d6ff00000001") == R"(r {"t":{"$ext":[-1,"00000001"]}})");
  CHECK(msgpack("c70305aabbcc") == R"(r {"t":{"$ext":[5,"aabbcc"]}})");
  CHECK(msgpack("8101a161") == R"(r {"t":{"$map":[[1,"a"]]}})");
  CHECK(msgpack("d38000000000000000") == R"(r {"t":-9223372036854775808})");
  CHECK(msgpack("cb7ff0000000000000") == R"(r {"t":{"$float":"inf"}})");
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
  CHECK(cbor("5f6161ff") == "! t at byte 1: not CBOR: a malformed value");
  CHECK(cbor(repeated("7f", 100'000)) == "! t at byte 1: not CBOR: a malformed value");
  CHECK(cbor("9bffffffffffffffff") ==
        "! t at byte 9: not CBOR: the bytes end too early or go on after the value");
  CHECK(msgpack("dfffffffff") ==
        "! t at byte 5: not MessagePack: the bytes end too early or go on after the value");
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

// Bytes of every length, most of them heads of values: what fits is JSON, and packs to bytes of the same
// JSON.
TEST_CASE("what is read as JSON is packed to equivalent bytes") {
  static constexpr std::uint8_t heads[] = {0xa1, 0xa2, 0x81, 0x82, 0x9f, 0xbf, 0xff, 0x41, 0x61, 0x24,
                                           0x3b, 0x5f, 0x7f, 0xf7, 0xf9, 0xc4, 0xc7, 0xd4, 0x91, 0x92};
  const auto format = GENERATE(packed_format::cbor, packed_format::msgpack);
  std::mt19937 random(20'250'301);
  std::size_t fitting = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t size = random() % 14;
    const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[size]);
    for (std::size_t i = 0; i < size; ++i)
      bytes[i] = random() % 2 == 0 ? heads[random() % std::size(heads)] : static_cast<std::uint8_t>(random());
    std::string json;
    if (read_packed({bytes.get(), size}, format, 8, json)) continue;
    ++fitting;
    nlohmann::ordered_json value;
    std::string packed;
    std::string again;
    const bool good =
        !parse_json(json, value) && write_packed(value, format, packed).empty() &&
        !read_packed({reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size()}, format, 8, again);
    if (!good || again != json) FAIL_CHECK(json << " became " << again);
  }
  CHECK(fitting > 300);
}

TEST_CASE("lists, maps, bytes and extensions of each size are packed with the shortest head") {
  const auto format = GENERATE(packed_format::cbor, packed_format::msgpack);
  for (const std::size_t size :
       std::initializer_list<std::size_t>{0, 1, 15, 16, 23, 24, 255, 256, 65'535, 65'536}) {
    const std::string digits = "\"" + repeated("0a", static_cast<int>(size)) + "\"";
    std::string items;
    std::string pairs;
    for (std::size_t i = 0; i < size; ++i) {
      items += i > 0 ? ",0" : "0";
      pairs += (i > 0 ? ",[" : "[") + std::to_string(i) + ",0]";
    }
    std::vector<std::string> values{"[" + items + "]", R"({"$bytes":)" + digits + "}"};
    if (size > 0) values.push_back(R"({"$map":[)" + pairs + "]}");
    if (format == packed_format::msgpack) values.push_back(R"({"$ext":[-128,)" + digits + "]}");
    for (const std::string& json : values) {
      std::string packed;
      std::string again;
      CHECK(write_packed(nlohmann::ordered_json::parse(json), format, packed).empty());
      CHECK_FALSE(read_packed({reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size()}, format,
                              8, again));
      CHECK((again == json));
    }
  }
  std::string heads;
  for (const std::size_t size : {255U, 256U, 65'535U, 65'536U}) {
    std::string packed;
    REQUIRE(write_packed({{"$bytes", repeated("0a", static_cast<int>(size))}}, format, packed).empty());
    append_hex(heads, std::span(reinterpret_cast<const std::uint8_t*>(packed.data()), 5));
    heads += ' ';
  }
  CHECK(heads == (format == packed_format::msgpack ? "c4ff0a0a0a c501000a0a c5ffff0a0a c600010000 "
                                                   : "58ff0a0a0a 5901000a0a 59ffff0a0a 5a00010000 "));
}

namespace {

/// Values at the bounds of each head, with nothing that only one of the two formats has.
std::vector<nlohmann::ordered_json> bounds() {
  using json = nlohmann::ordered_json;
  std::vector<json> all{nullptr, true, false, 1.5, -0.1, 1e300};
  for (unsigned bits : {0U, 4U, 5U, 7U, 8U, 15U, 16U, 31U, 32U, 63U})
    for (int delta : {-1, 0, 1}) {
      const std::uint64_t value = (std::uint64_t{1} << bits) + static_cast<std::uint64_t>(delta);
      all.emplace_back(value);
      if (value <= std::uint64_t{1} << 63) all.emplace_back(static_cast<std::int64_t>(~value + 1));
    }
  for (std::uint64_t value : {23U, 24U, 25U}) {
    all.emplace_back(value);
    all.emplace_back(-1 - static_cast<std::int64_t>(value));
  }
  all.emplace_back(UINT64_MAX);
  for (std::size_t size : {0U, 1U, 15U, 16U, 23U, 24U, 31U, 32U, 255U, 256U, 65'535U, 65'536U}) {
    all.emplace_back(std::string(size, 'x'));
    all.emplace_back(json::array());
    for (std::size_t i = 0; i < size; ++i) all.back().push_back(i);
    if (size > 300) continue;
    all.emplace_back(json::object());
    for (std::size_t i = 0; i < size; ++i) all.back()[std::to_string(i)] = i;
  }
  return all;
}

}  // namespace

// Another implementation (nlohmann's) reads what we pack, and we read what it packs.
TEST_CASE("values at each bound are what others take them for, and nothing cut off is one") {
  const auto format = GENERATE(packed_format::cbor, packed_format::msgpack);
  using json = nlohmann::ordered_json;
  for (const json& value : bounds()) {
    INFO(value.dump().substr(0, 80));
    const auto theirs = format == packed_format::cbor ? json::to_cbor(value) : json::to_msgpack(value);
    std::string read;
    REQUIRE_FALSE(read_packed(theirs, format, 8, read));
    CHECK((json::parse(read) == value));
    std::string ours;
    REQUIRE(write_packed(value, format, ours).empty());
    const json back = format == packed_format::cbor ? json::from_cbor(ours) : json::from_msgpack(ours);
    CHECK((back == value));
    if (!value.is_number_float()) CHECK(ours == std::string(theirs.begin(), theirs.end()));
    for (std::size_t size = 0; size < std::min<std::size_t>(theirs.size(), 12); ++size) {
      const std::vector<std::uint8_t> part(theirs.begin(),
                                           theirs.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(read_packed(part, format, 8, read));
    }
  }
}

// RFC 8949, 3.2.3: each piece has a size of its own.
TEST_CASE("pieces of every size, and sizes that there are not") {
  const std::string long_piece = repeated("aa", 24);
  CHECK(cbor("5f5818" + long_piece + "41bbff") == "r {\"t\":{\"$bytes\":\"" + long_piece + "bb\"}}");
  CHECK(cbor("5f590001aa5a00000001bb5b0000000000000001ccff") == R"(r {"t":{"$bytes":"aabbcc"}})");
  for (const char* info : {"5c", "5d", "5e"})
    CHECK(cbor("5f" + std::string(info) + repeated("00", 20) + "ff") ==
          "! t at byte 1: not CBOR: a malformed value");
  CHECK(cbor("5f58") == "! t at byte 2: not CBOR: the bytes end too early or go on after the value");
  for (const char* cut : {"d0", "d1ff", "d2ffffff", "cc", "ca000000", "c4", "d9", "dc00"})
    CHECK(msgpack(cut).find("the bytes end too early") != std::string::npos);
  CHECK(msgpack("d09c") == R"(r {"t":-100})");
  CHECK(msgpack("d1ff00") == R"(r {"t":-256})");
}

TEST_CASE("a value that cannot be packed says what it takes") {
  const auto wrong = [](const char* json, packed_format format) {
    std::string bytes;
    return write_packed(nlohmann::ordered_json::parse(json), format, bytes);
  };
  const std::tuple<const char*, const char*, const char*> table[] = {
      {R"({"$bytes":"0"})", "$bytes takes hex digits, two for each byte", nullptr},
      {R"({"a":[{"$bytes":5}]})", "$bytes takes hex digits, two for each byte", nullptr},
      {R"({"$map":[[1]]})", "$map takes a list of pairs, [key, value]", nullptr},
      {R"({"$map":5})", "$map takes a list of pairs, [key, value]", nullptr},
      {R"({"$float":1.5})", "$float takes nan, inf or -inf", nullptr},
      {R"({"$int":"-"})", "$int takes the digits of an integer from -2^64 to 2^64-1", nullptr},
      {R"({"$int":"-18446744073709551617"})", "$int takes the digits of an integer from -2^64 to 2^64-1",
       nullptr},
      {R"({"$int":"-9223372036854775808"})", "", ""},
      {R"({"$int":"-9223372036854775809"})", "", "MessagePack has no integers below -2^63"},
      {R"({"$undefined":true})", "", "MessagePack has no undefined"},
      {R"({"$ext":[128,"00"]})", "CBOR has no extensions of MessagePack", "$ext takes [type, hex digits]"},
      {R"({"$ext":[1,"0"]})", "CBOR has no extensions of MessagePack", "$ext takes [type, hex digits]"},
      {R"({"$other":1})", "", ""},
      {R"({"$bytes":"0","a":1})", "", ""},
  };
  for (const auto& [json, cbor_says, msgpack_says] : table) {
    INFO(json);
    CHECK(wrong(json, packed_format::cbor) == cbor_says);
    CHECK(wrong(json, packed_format::msgpack) == (msgpack_says != nullptr ? msgpack_says : cbor_says));
  }
}
