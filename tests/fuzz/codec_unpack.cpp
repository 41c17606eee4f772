// Any bytes against any layout: no byte outside the packet is read, and what comes out is JSON or an error
// whose offset lies within the packet. And any text against one whose texts have layouts.
#include <cstdint>
#include <string>

#include "protocol/text/json_text.hpp"
#include "tests/fuzz/codec_generator.hpp"
#include "tests/protocol/tree.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::fuzzing;

namespace {

std::shared_ptr<const protocol> with_contents() {
  namespace tree = duplexd::protocol::testing;
  const auto decoded = [](const char* how, const char* type) {
    return tree::map({{"decode", tree::text(how)}, {"type", tree::text(type)}});
  };
  const node contents = tree::map({{"a", decoded("base64", "> id:H name:str")},
                                   {"a.name", tree::text("json")},
                                   {"b.0", decoded("hex", "B[:B]")},
                                   {"c", tree::text("what:str(until \"|\") id:decnum")},
                                   {"d", tree::text("json")}});
  diagnostics mistakes;
  return protocol::compile(
      tree::map({{"replies",
                  tree::list({tree::map(
                      {{"as", tree::text("r")}, {"frame", tree::text("text")}, {"contents", contents}})})}}),
      "p", mistakes);
}

// `check` and `write_json` agree, and what comes out is JSON on one line.
void read_text(const std::vector<std::uint8_t>& bytes) {
  static const auto types = with_contents();
  packet_reader reader(types, direction::reply);
  reader.begin({frame_kind::text, bytes});
  packet found;
  while (reader.next(found)) {
    if (found.type == nullptr) continue;
    std::string text;
    codec_error error;
    const bool is_good = write_json(found, text, error);
    codec_error same;
    if (check(found, same) != is_good || is_good == text.empty()) __builtin_trap();
    std::string again;
    if (is_good && (copy_json(text, again, 200) || text.find('\n') != std::string::npos)) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_text({data, data + size});
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
