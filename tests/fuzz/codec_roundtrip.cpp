// Values that were unpacked can be packed, and unpack to themselves again.
#include <cstdint>
#include <cstdio>

#include "protocol/document/node_json.hpp"
#include "tests/fuzz/codec_generator.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::fuzzing;

namespace {

bool unpack(const std::shared_ptr<const protocol>& types, const std::vector<std::uint8_t>& bytes,
            nlohmann::ordered_json& values) {
  packet_reader reader(types, direction::reply);
  reader.begin({frame_kind::binary, bytes});
  packet found;
  return reader.next(found) && found.type != nullptr && !read_json(found, values);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decisions from(data, size);
  const auto types = make_protocol(from);
  if (!types) return 0;
  nlohmann::ordered_json values;
  if (!unpack(types, from.rest(), values)) return 0;
  std::vector<std::uint8_t> packed;
  if (const auto error = pack(*types->find(direction::command, "c"), values, packed)) {
    std::fprintf(stderr, "%s does not pack: %s\n", values.dump().c_str(), error->text().c_str());
    __builtin_trap();
  }
  packed.shrink_to_fit();
  nlohmann::ordered_json again;
  if (!unpack(types, packed, again) || !same_json(values, again)) {
    std::fprintf(stderr, "%s comes back as %s\n", values.dump().c_str(), again.dump().c_str());
    __builtin_trap();
  }
  return 0;
}
