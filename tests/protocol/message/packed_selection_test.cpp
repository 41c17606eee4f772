// Replies that are chosen by what is in CBOR or MessagePack.
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

// "a" if the frame meets the condition, or "rest".
std::string when(const std::string& condition, const std::string& hex) {
  const auto types =
      compiled(yaml("{replies: [{as: a, when: " + condition +
                    ", layout: 'x:bytes'}, {as: rest, layout: 'x:bytes'}], limits: {json_depth: 2}}"));
  packet_reader reader(types, direction::reply);
  const std::vector<std::uint8_t> bytes = *parse_hex(hex);
  reader.begin({frame_kind::binary, bytes});
  packet found;
  return reader.next(found) && found.type != nullptr ? name_of(*found.type) : "! " + found.error.text();
}

}  // namespace

TEST_CASE("replies are chosen by CBOR and MessagePack") {
  check_rows({{"{msgpack: /t, is: x}", "81a174a178", "a"},
              {"{msgpack: /t, is: x}", "81a174a179", "rest"},
              {"{msgpack: /t, is: [1, x]}", "81a17401", "a"},
              {"{msgpack: /t}", "81a174c0", "a"},
              {"{msgpack: /u}", "81a174c0", "rest"},
              {"{msgpack: {/0: 3, /1: y}}", "9203a179", "a"},
              {"{msgpack: {/0: 3, /1: y}}", "9203a178", "rest"},
              {"{msgpack: /t, is: x}", "81a174a178ff", "rest"},  // it is not MessagePack
              {"{msgpack: /t, is: x}", "81a174", "rest"},
              {"{msgpack: /t, is: x}", "", "rest"},
              {"{cbor: /t, is: x}", "a161746178", "a"},
              {"{cbor: /t, is: x}", "81a174a178", "rest"},
              {"{cbor: {/t: x}}", "a161746178", "a"},
              {"{cbor: /t/0}", "a1617481f6", "a"},      // as deep as `json_depth`
              {"{cbor: /t/0}", "a161748180", "rest"}},  // and one level more
             when);
}

TEST_CASE("mistakes of conditions on CBOR and MessagePack") {
  check_pairs({{"{replies: [{as: a, when: {msgpack: t}}]}",
                "1:36 p.replies[0].when: 't' is not a JSON pointer (write /t)"},
               {"{replies: [{as: a, when: {cbor: /t, msgpack: /t}}]}",
                "1:46 p.replies[0].when: 'cbor' and 'msgpack' cannot be used together (json: {/0: 3, /2: x} "
                "holds several "
                "conditions)"},
               {"{replies: [{as: a, frame: text, when: {cbor: /t}}]}",
                "1:46 p.replies[0].when: 'cbor' is for binary frames"},
               {"{replies: [{as: a, when: {cbor: /t, is: {x: 1}}}]}",
                "1:41 p.replies[0].when: expected a text, a number, a boolean or null"},
               {"{replies: [{as: a, when: {cbor: /t}}, {as: b, when: {msgpack: /t}}]}", ""},
               {"{replies: [{as: a, when: {cbor: /t}}, {as: b, when: {cbor: /t, is: 1}}]}",
                "1:39 p.replies[1]: never reached: 'a' before it takes every binary frame of this one (give "
                "them different "
                "conditions, or put the one with more of them first)"}},
              mistakes_in_protocol);
}
