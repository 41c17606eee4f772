#pragma once

#include <memory>
#include <string>
#include <vector>

#include "protocol/message/protocol.hpp"
#include "protocol/text/json_tree.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/tree.hpp"

namespace duplexd::protocol::testing {

inline std::shared_ptr<const protocol> compiled(const node& definition) {
  diagnostics out;
  auto made = protocol::compile(definition, "protocol", out);
  for (const diagnostic& mistake : out)
    UNSCOPED_INFO(mistake.path << ": " << mistake.message << " " << mistake.hint);
  REQUIRE(made);
  return made;
}

/// A protocol whose command "c" and reply "r" have this layout.
inline std::shared_ptr<const protocol> with_layout(const node& layout,
                                                   std::vector<std::pair<std::string, node>> more = {}) {
  more.emplace_back("commands", map({{"c", map({{"layout", layout}})}}));
  more.emplace_back("replies", list({map({{"layout", layout}, {"as", text("r")}})}));
  return compiled(map(std::move(more)));
}

/// Hex digits of the packed command, or the error.
inline std::string packed(const protocol& types, std::string_view name,
                          const nlohmann::ordered_json& values) {
  std::vector<std::uint8_t> out;
  const auto error = pack(*types.find(direction::command, name), values, out);
  if (error) return error->text();
  std::string digits;
  append_hex(digits, out);
  return digits;
}

/// Every packet of one message as "name json" or "! error". The bytes lie in a buffer of exactly their size.
inline std::vector<std::string> read(packet_reader& reader, frame_kind kind,
                                     const std::vector<std::uint8_t>& bytes) {
  std::vector<std::string> out;
  reader.begin({kind, bytes});
  packet found;
  while (reader.next(found)) {
    std::string json;
    if (found.type == nullptr) {
      out.push_back("! " + found.error.text());
    } else if (const auto error = write_json(found, json)) {
      CHECK(json.empty());
      out.push_back("! " + error->text());
    } else {
      nlohmann::ordered_json value;
      REQUIRE_FALSE(read_json(found, value));
      CHECK(value == json_tree(json));
      out.push_back(name_of(*found.type) + " " + json);
    }
  }
  return out;
}
inline std::vector<std::string> read(const std::shared_ptr<const protocol>& types, const std::string& hex,
                                     direction way = direction::reply) {
  packet_reader reader(types, way);
  return read(reader, frame_kind::binary, *parse_hex(hex));
}
inline std::vector<std::string> read_text(const std::shared_ptr<const protocol>& types,
                                          const std::string& text) {
  packet_reader reader(types, direction::reply);
  return read(reader, frame_kind::text, {text.begin(), text.end()});
}

using strings = std::vector<std::string>;

}  // namespace duplexd::protocol::testing
