// Whatever a configuration says, compiling it ends and never breaks anything: lines of text as layouts, or
// JSON as the whole protocol map.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "protocol/message/message_type.hpp"
#include "protocol/message/protocol.hpp"
#include "tests/fuzz/codec_generator.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::fuzzing;

namespace {

node to_node(const nlohmann::ordered_json& value, int depth) {
  node out;
  out.where = {1, 1};
  if (value.is_object() && depth > 0) {
    out.kind = node_kind::map;
    for (const auto& [key, item] : value.items())
      out.entries.push_back({key, {1, 1}, to_node(item, depth - 1)});
  } else if (value.is_array() && depth > 0) {
    out.kind = node_kind::list;
    for (const auto& item : value) out.items.push_back(to_node(item, depth - 1));
  } else if (value.is_string()) {
    out.kind = node_kind::text;
    out.text = value.get<std::string>();
  } else if (value.is_boolean() || value.is_number()) {
    out.kind = value.is_boolean()          ? node_kind::boolean
               : value.is_number_integer() ? node_kind::integer
                                           : node_kind::real;
    out.text = value.dump();
  }
  return out;
}

node lines_of(const std::string& all) {
  std::vector<node> lines;
  std::size_t from = 0;
  while (from <= all.size()) {
    const std::size_t end = std::min(all.find('\n', from), all.size());
    lines.push_back(text_node(all.substr(from, end - from)));
    from = end + 1;
  }
  return map_node({{"layouts", map_node({{"one", lines.front()}})},
                   {"commands", map_node({{"c", list_node(std::move(lines))}})}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all(reinterpret_cast<const char*>(data), size);
  const auto json = nlohmann::ordered_json::parse(all, nullptr, false);
  diagnostics mistakes;
  const auto made = protocol::compile(json.is_object() ? to_node(json, 60) : lines_of(all), "p", mistakes);
  if ((made == nullptr) != !mistakes.empty()) __builtin_trap();
  if (!made) return 0;
  for (const direction way : {direction::command, direction::reply})
    for (const message_type& type : made->types(way)) {
      std::vector<std::uint8_t> bytes;
      (void)byte_table(type);
      (void)pack(type, example_values(type), bytes);
    }
  return 0;
}
