#include <fmt/format.h>

#include "protocol/document/node_json.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

std::string hex_of(bytes_view bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

std::string check_unpacking(const std::shared_ptr<const protocol>& types, const message_type& type,
                            const message_example& example) {
  packet_reader reader(types, type.way);
  reader.expect(type);
  reader.begin({type.frame, example.bytes});
  packet found;
  if (!reader.next(found)) return "the bytes hold no whole packet";
  if (found.type == nullptr) return fmt::format("no rule matches it: {}", found.error.text());
  if (found.type != &type) return fmt::format("it is recognised as '{}'", name_of(*found.type));
  nlohmann::ordered_json values;
  if (const auto error = read_json(found, values)) return error->text();
  if (!same_json(values, example.values)) return fmt::format("it unpacks to {}", values.dump());
  if (packet more; reader.next(more)) return fmt::format("a second packet starts at byte {}", more.offset);
  return {};
}

std::string check_packing(const message_type& type, const message_example& example) {
  std::vector<std::uint8_t> bytes;
  if (const auto error = pack(type, example.values, bytes)) return fmt::format("packing: {}", error->text());
  if (bytes == example.bytes) return {};
  const auto [ours, theirs] =
      std::mismatch(bytes.begin(), bytes.end(), example.bytes.begin(), example.bytes.end());
  return fmt::format("it packs to {} (first difference at byte {})", hex_of(bytes), ours - bytes.begin());
}

}  // namespace

std::vector<example_result> run_examples(const std::shared_ptr<const protocol>& types) {
  std::vector<example_result> out;
  for (const direction way : {direction::command, direction::reply}) {
    for (const message_type& type : types->types(way)) {
      for (const message_example& example : type.examples) {
        std::string message = check_unpacking(types, type, example);
        if (message.empty() && !example.decode_only) message = check_packing(type, example);
        out.push_back({example.where, example.path, type.name, std::move(message)});
      }
    }
  }
  return out;
}

}  // namespace duplexd::protocol
