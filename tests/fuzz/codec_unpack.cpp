// Any bytes against any layout: no byte outside the packet is read, and what comes out is JSON or an error
// whose offset lies within the packet.
#include <cstdint>
#include <string>

#include "protocol/text/json_text.hpp"
#include "tests/fuzz/codec_generator.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decisions from(data, size);
  const auto types = make_protocol(from);
  if (!types) return 0;
  const std::vector<std::uint8_t> bytes = from.rest();
  packet_reader reader(types, direction::reply);
  reader.begin({frame_kind::binary, bytes});
  packet found;
  while (reader.next(found)) {
    std::string text;
    if (found.type == nullptr) {
      if (found.error.message.empty() || found.error.offset > bytes.size()) __builtin_trap();
      continue;
    }
    if (const auto error = write_json(found, text)) {
      if (error->message.empty() || error->offset > bytes.size() || !text.empty()) __builtin_trap();
      continue;
    }
    std::string again;
    if (copy_json(text, again, 200)) __builtin_trap();
    if (text.find('\n') != std::string::npos) __builtin_trap();
  }
  return 0;
}
