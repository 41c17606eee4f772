#include <random>

#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

using random_source = std::mt19937;  // the same numbers everywhere

std::size_t below(random_source& from, std::size_t count) {
  return from() % count;
}

// Items by their notation: '^' is a name of its own, '#' the item's name, '%' a layout within it.
const std::vector<std::string> flat{
    "'^:b'",
    "'^:B'",
    "'> ^:h'",
    "'^:H'",
    "'> ^:i'",
    "'^:I'",
    "'^:q'",
    "'> ^:Q'",
    "'^:u24'",
    "'> ^:i24'",
    "'^:e'",
    "'> ^:f'",
    "'^:d'",
    "'^:?'",
    "'^:varint'",
    "'^:zigzag'",
    "'^:varint(4)'",
    "'^:zigzag(1)'",
    "'> ^:H/100'",
    "'^:i*0.001'",
    "'^:B/7'",
    "'^:I/10'",
    "'> ^:I@s'",
    "'^:q@us'",
    "'^:Q@ns'",
    "'^:zstr'",
    "'^:zstr(6)'",
    "'^:zstr(:B)'",
    "'^:str(4)'",
    "'^:5s'",
    "'^:c'",
    "'^:4p'",
    "'^:0p'",
    "'^:1p'",
    "'^:bytes(3)'",
    "'^:hex(:B)'",
    "'^:b64(:>H)'",
    "'^:b64(2)'",
    "'^:json(:B)'",
    "'^:cbor(:B)'",
    "'^:msgpack(:varint)'",
    "'^:2H'",
    "'> ^:b2xh'",
    "3x",
    "'@ ^:b ^:i ^:b ^:q'",
    "'@ ^:h[2] ^:d'",
    "'^:B=7'",
    "'_^:B=7'",
    "'^:B?=7'",
    "'_^:H?=7'",
    "'^:3s=\"abc\"'",
    "'> ^:H=$size'",
    "'_^:H=$rest'",
    "'_^:I=$packet'",
    "'_#:B ^:str(_#)'",
    "'_#:b ^:bytes(_# - 2)'",
    "'_#:B ^:bytes(_# * 3)'",
    "'_#:varint ^:H[_#]'",
    "'^:B[:B]'",
    "'^:str(:B)[:varint]'",
    "'^:varint[2]'",
    "'^:zstr[:B]'",
    "['#:B?=3', '^:H/#']",
    "{^: {bits: '>H', fields: {a: 3, b: '?', _c: '4=5', d: 8}}}",
    "{^: {bits: Q, fields: {a: 1, b: 63}}}",
    "{bits: B, fields: {^: 4, ^: {bits: 4, names: [zero, one]}}}",
    "{^: {flags: B, names: {0: x, 5: y}}}",
    "{^: {enum: b, names: {-1: minus, 1: one}}}",
    "{^: {enum: B, names: [zero, one], strict: true}}",
    "{^: {type: B, none: 255}}",
    "{^: {type: 'str(2)', one_of: ['  ', ab]}}",
    "'^:str(until \"\\r\\n\")'",
    "'^:bytes(until \"\\n\\n\", 5)'",
    "'^:b64(until \"\\xff\\x00\")'",
    "'^:json(until \"\\n\")'",
    "'^:str(until \" \")[:B]'",
    "'^:decnum(until \" \")'",
    "'^:hexnum(until \";\")[:decnum(2)]'",
    "'^:decnum(until \" \", 9)/100'",
    "'^:decnum(:B)'",
    "'_#:decnum(until \" \") ^:str(_#)'",
    "'_#:hexnum(3) ^:bytes(_# - 2)'",
    "'^:str(:decnum(until \"\\n\"))'",
    "'#:B?=3 ^:decnum(#)'",
    "'#:B?=3 ^:hexnum(# & 7)'",
    "{^: {enum: 'decnum(until \" \")', names: [zero, one]}}",
    "{^: {type: 'decnum(until \" \")', none: -1}}",
    "'^:>utf16(:B)'",
    "'^:<utf16(6)'",
    "{^: {type: '<utf16(:B)', invalid: replace}}",
    "{^: {type: 'str(:B)', invalid: replace}}",
    "{^: {type: 'zstr', invalid: replace}}",
    "{^: {type: '7s', invalid: replace}}",
    "{^: {type: 'str(until \"\\n\", 9)', invalid: replace}}",
    "{^: {type: '> str(:h)', none: -1}}",
    "{^: {type: 'B[:b]', none: -1}}",
    "['_#:varint', {^: {type: 'bytes(_# - 1)', none: 0}}]",
    "{^: {array: {type: 'str(:b)', none: -1}, count: ':B'}}",
    "'> ^:H[until 0]'",
    "'^:i24[until \"\\0\"]'",
    "'^:str(:B)[until \"\\0\"]'",
    "'^:zstr[until \"\\0\"]'",
    "{^: {decode: hex, size: ':B', type: 'x:bytes'}}",
    "{^: {decode: base64, size: ':B', type: 'x:bytes(:B) y:B?=2'}}",
    "{^: {type: 'str(:B)', pairs: {separator: '&', equals: =, escape: percent}}}",
    "{^: {type: 'str(:B)', pairs: {separator: a, equals: b, closed: true}}}",
    "{^: {type: 'str(until \"\\n\")', pairs: {separator: b, equals: c, escape: {aA: a, aB: b}}}}",
    "{_^: {crc: sum8}}",
    "{_^: {crc: xmodem, type: '>H'}}",
    "{size: ':B', type: ['^:B', {_^: {crc: crc32, over: rest}}, '> ^:H']}",
    "['#:B', {let: {^: '# * 2'}}]",
    "['#:B', {let: {^: {of: '# & 1', map: {0: even, 1: odd}}}}]",
    "['#:B', {require: '# < 300'}]"};
const std::vector<std::string> deep{"['#:B', {if: '# & 1', then: %, else: %}]",
                                    "['#:B', {switch: '#', cases: {0: %, '1, 2': %, else: %}}]",
                                    "{^: %}",
                                    "{^: {size: ':B', type: %}}",
                                    "{size: ':varint', type: %}",
                                    "{^: {array: %, count: ':B', each: varint}}",
                                    "{^: {array: %, count: 2}}",
                                    "{^: {size: ':B', inflate: zlib, type: %}}",
                                    "{^: {size: ':B', fill: 200, type: %}}",
                                    "['#:B?=1', {^: {size: ':B', type: %}}, {_^: {crc: arc, over: [#, #]}}]"};

class layout_text {
 public:
  explicit layout_text(random_source& from) : from_(from) {}

  std::string layout(std::size_t depth) {
    std::string out = "[";
    const std::size_t count = 1 + below(from_, 3);
    for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? ", " : "") + item(depth);
    return out + "]";
  }

 private:
  std::string item(std::size_t depth) {
    const bool nest = depth > 0 && below(from_, 2) == 0;
    const std::string& form = nest ? deep[below(from_, deep.size())] : flat[below(from_, flat.size())];
    const std::string own = name();
    std::string out;
    for (const char c : form)
      out += c == '^' ? name() : c == '#' ? own : c == '%' ? layout(depth - 1) : std::string(1, c);
    return out;
  }
  std::string name() { return "f" + std::to_string(next_++); }

  random_source& from_;
  std::size_t next_ = 0;
};

// The JSON of the bytes, which lie in a buffer of their size; empty if they do not fit. The ways to unpack
// agree.
std::string text_of(const std::shared_ptr<const protocol>& types, const std::vector<std::uint8_t>& bytes,
                    ordered_json& values) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  packet found;
  found.type = types->find(direction::reply, "r");
  found.frame = {frame_kind::binary, {exact.get(), bytes.size()}};
  std::string out;
  codec_error error;
  codec_error same;
  const bool good = write_json(found, out, error);
  if (check(found, same) != good || error.text() != same.text()) FAIL_CHECK("check says " << same.text());
  std::string shown;
  const auto failed = explain(found, shown);
  if (failed.has_value() == good || (failed && failed->text() != error.text())) FAIL_CHECK("explain differs");
  if (!good) return {};
  if (!ordered_json::accept(out)) FAIL_CHECK("no JSON: " << out);
  if (read_json(found, values) || values != ordered_json::parse(out))
    FAIL_CHECK("read_json differs from " << out);
  return out;
}

}  // namespace

// Whatever the layout and the bytes: what they unpack to is JSON, and packs to the same bytes or others of
// the same JSON.
TEST_CASE("what is unpacked can be packed") {
  random_source from(20'240'117);
  std::size_t unpacked_count = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string layout = layout_text(from).layout(2);
    INFO(layout);
    const auto types = compiled(definition("{layout: " + layout + ", limits: {inflate: 5000, count: 1000}}"));
    const message_type& type = *types->find(direction::command, "c");
    std::vector<std::uint8_t> model;
    const ordered_json made = example_values(type);
    if (const auto error = pack(type, made, model)) FAIL_CHECK(made << " does not pack: " << error->text());
    for (int attempt = 0; attempt < 12; ++attempt) {
      std::vector<std::uint8_t> bytes = model;
      if (attempt > 0 && !bytes.empty())
        for (std::size_t i = below(from, 4); i > 0; --i)
          bytes[below(from, bytes.size())] =
              static_cast<std::uint8_t>(below(from, 2) == 0 ? below(from, 4) : from());
      for (std::size_t i = attempt > 4 ? below(from, 12) : 0; i > 0; --i)
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(from, bytes.size() + 1)),
                     static_cast<std::uint8_t>(from()));
      if (attempt > 9) bytes.resize(below(from, bytes.size() + 1));
      ordered_json values;
      const std::string text = text_of(types, bytes, values);
      if (attempt == 0 && text.empty()) FAIL_CHECK(made << " does not come back");
      if (text.empty()) continue;
      ++unpacked_count;
      std::vector<std::uint8_t> again;
      if (const auto error = pack(type, values, again))
        FAIL_CHECK(text << " does not pack: " << error->text());
      ordered_json back;
      if (again != bytes && text_of(types, again, back) != text)
        FAIL_CHECK(text << " comes back as " << back);
    }
  }
  CHECK(unpacked_count > 1'000);
}
