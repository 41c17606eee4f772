// A stream that layouts cut: any bytes give the same packets however they are cut into messages, and each
// packet ends where its layout does.
#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/codec_generator.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::fuzzing;

namespace {

struct cut_stream {
  std::vector<std::vector<std::uint8_t>> packets;
  bool broken = false;
};

cut_stream read_in_pieces(const std::shared_ptr<const protocol>& types, const std::vector<std::uint8_t>& all,
                          std::size_t step) {
  cut_stream out;
  packet_reader reader(types, direction::reply);
  for (std::size_t at = 0; at < all.size() && !out.broken; at += step) {
    const std::size_t size = step < all.size() - at ? step : all.size() - at;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
    const std::vector<std::uint8_t> piece(begin, begin + static_cast<std::ptrdiff_t>(size));
    reader.begin({frame_kind::binary, piece});
    packet found;
    while (!out.broken && reader.next(found)) {
      out.broken = found.type == nullptr;
      if (out.broken && found.error.message.empty()) __builtin_trap();
      if (out.broken) continue;
      out.packets.emplace_back(found.frame.bytes.begin(), found.frame.bytes.end());
      codec_error error;
      if (!check(found, error) && error.message.starts_with("expected the end") &&
          error.offset == out.packets.back().size())
        __builtin_trap();
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decisions from(data, size);
  const std::size_t step = 1 + from.below(9);
  layout_generator generator(from);
  diagnostics ignored;
  const node limits = map_node(
      {{"inflate", text_node("100000")}, {"count", text_node("1000")}, {"packet", text_node("2000")}});
  const auto types = protocol::compile(
      map_node(
          {{"framing", text_node("layouts")},
           {"limits", limits},
           {"replies", list_node({map_node({{"as", text_node("r")}, {"layout", generator.layout(2)}})})}}),
      "p", ignored);
  if (!types) return 0;
  const std::vector<std::uint8_t> bytes = from.rest();
  const cut_stream whole = read_in_pieces(types, bytes, bytes.size() + 1);
  const cut_stream pieces = read_in_pieces(types, bytes, step);
  if (whole.packets != pieces.packets || whole.broken != pieces.broken) __builtin_trap();
  return 0;
}
