#include "protocol/layout/struct_import.hpp"

#include <memory>
#include <random>

#include "protocol/codec/struct_format.hpp"
#include "protocol/message/protocol.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;
using nlohmann::ordered_json;

namespace {

using names = std::vector<std::string>;

std::string imported(const std::string& format, const names& given) {
  std::string error;
  const auto layout = layout_of_struct(format, given, error);
  CHECK(layout.has_value() == error.empty());
  return layout ? *layout : "error: " + error;
}

node text_node(std::string text) {
  node out;
  out.kind = node_kind::text;
  out.text = std::move(text);
  return out;
}

node map_node(std::vector<node_entry> entries) {
  node out;
  out.kind = node_kind::map;
  out.entries = std::move(entries);
  return out;
}

// A protocol with the command and the reply `m` of this layout.
std::shared_ptr<const protocol> types_of(const std::string& layout) {
  node replies;
  replies.kind = node_kind::list;
  replies.items = {map_node({{"as", {}, text_node("m")}, {"layout", {}, text_node(layout)}})};
  diagnostics mistakes;
  auto types = protocol::compile(
      map_node({{"commands", {}, map_node({{"m", {}, text_node(layout)}})}, {"replies", {}, replies}}), "",
      mistakes);
  for (const diagnostic& each : mistakes) UNSCOPED_INFO(each.message);
  REQUIRE(types);
  return types;
}

}  // namespace

TEST_CASE("a format of struct becomes a layout with names") {
  CHECK(imported("=iBH", {"code", "flags", "size"}) == "= code:i flags:B size:H");
  CHECK(imported("iB", {"code", "flags"}) == "@ code:i flags:B");
  CHECK(imported("< 10s 3x f", {"symbol", "price"}) == "< symbol:10s 3x price:f");
  CHECK(imported("!2Hq", {"a", "b", "c"}) == "! a:H b:H c:q");
  CHECK(imported("!2Hq", {"pair", "c"}) == "! pair:2H c:q");
  CHECK(imported("<2H", {"one"}) == "< one:2H");
  CHECK(imported("bx0i", {"a"}) == "@ a:b x 0i");
  CHECK(imported("<2i3x", {}) == "<2i3x");
  CHECK(imported(">", {}) == ">");
}

TEST_CASE("mistakes in formats and names say where they are") {
  CHECK(imported("<iyH", {"a"}) == "error: character 3: bad char in struct format");
  CHECK(imported("<i 12", {"a"}) == "error: character 4: repeat count given without format specifier");
  CHECK(imported("<n", {"a"}) == "error: character 2: bad char in struct format");
  CHECK(imported("<99999999999999999999i", {}) == "error: character 2: overflow in item count");
  CHECK(imported("<i0p", {"a", "b"}) == "error: character 3: a '0p' has no room for its length");
  CHECK(imported("<iH", {"a", "b", "c"}) == "error: 3 names for 2 values: 'c' is too many");
  CHECK(imported("<iH", {"a"}) == "error: 1 name for 2 values: value 2, 'H' at character 3, has none");
  CHECK(imported("<3iHB", {"a", "b"}) ==
        "error: 2 names for 5 values of 3 codes: value 3, 'i' at character 2, has none");
  CHECK(imported("<", {"a"}) == "error: 1 name for 0 values: 'a' is too many");
  CHECK(imported("<i", {"a-b"}) ==
        "error: 'a-b' is not a valid name: a letter or '_', then letters, digits and '_'");
  CHECK(imported("<ii", {"a", "a"}) == "error: the name 'a' is there twice");
}

// Whatever the format, the layout unpacks what struct packs, gives the same numbers and packs the same bytes.
TEST_CASE("imported layouts are the formats that they were made of") {
  std::mt19937 random(20);
  const auto one_of = [&](std::string_view all) { return all[random() % all.size()]; };
  for (int round = 0; round < 2'000; ++round) {
    std::string format(1, one_of("@=<>!"));
    const std::string_view codes = format == "@" ? "xcbB?hHiIlLqQnNefdspP" : "xcbB?hHiIlLqQefdsp";
    for (auto left = random() % 6 + 1; left > 0; --left) {
      const char code = one_of(codes);
      if (const auto count = random() % 5; count > 0)
        format += std::to_string(code == 'p' ? count + 1 : count);
      format += code;
    }
    std::string error;
    const auto python = struct_format::parse(format, error);
    REQUIRE(python);
    std::vector<std::uint8_t> bytes(python->size());
    for (std::uint8_t& each : bytes) each = static_cast<std::uint8_t>('A' + random() % 26);
    std::vector<struct_value> values;
    REQUIRE(python->unpack(bytes, values, error));
    bytes.clear();
    REQUIRE(python->pack(values, bytes, error));  // booleans are 1, padding is 0
    names given;
    for (std::size_t i = 0; i < python->count(); ++i) given.push_back("f" + std::to_string(i));
    const auto layout = layout_of_struct(format, given, error);
    INFO(format << " " << error);
    REQUIRE(layout);
    INFO(*layout);
    const auto types = types_of(*layout);
    packet_reader reader(types, direction::reply);
    reader.begin({frame_kind::binary, bytes});
    packet found;
    if (bytes.empty()) continue;
    REQUIRE(reader.next(found));
    ordered_json fields;
    const auto wrong = read_json(found, fields);
    if (wrong) UNSCOPED_INFO(wrong->message);
    REQUIRE_FALSE(wrong);
    const ordered_json expected = ordered_json::parse(to_json_text(values));
    if (!given.empty()) REQUIRE(fields.size() == given.size());
    for (std::size_t i = 0; i < given.size(); ++i)
      if (expected[i].is_number()) CHECK(fields[given[i]] == expected[i]);
    std::vector<std::uint8_t> packed;
    const auto refused =
        pack(*types->find(direction::command, "m"), given.empty() ? ordered_json() : fields, packed);
    if (refused) UNSCOPED_INFO(refused->message);
    REQUIRE_FALSE(refused);
    CHECK(packed == bytes);
  }
}
