// Our reader of frames beside Beast's: both get the same bytes, cut in the same way, in either role.
// Messages, pings, close codes and refusals must be the same; where the two differ on purpose is listed and
// explained in tests/daemon/net/websocket/beast_oracle.cpp.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "tests/daemon/net/websocket/beast_oracle.hpp"

namespace {

using namespace duplexd::net;
using namespace duplexd::net::test;

constexpr std::uint64_t message_limit = 1000;

void require(const std::string& disagreement) {
  if (disagreement.empty()) return;
  std::fprintf(stderr, "they disagree on: %s\n", disagreement.c_str());
  std::abort();
}

/// However the bytes are cut we make the same of them, compressed messages too; but of several mistakes in
/// one of those it depends on the cuts which is seen first.
void check_cuts(std::string_view frames, endpoint_role role, piece_sizes pieces) {
  for (const bool deflate : {false, true}) {
    auto whole = read_by_us(frames, role, message_limit, {}, deflate);
    const auto cut = read_by_us(frames, role, message_limit, pieces, deflate);
    if (deflate && whole.end == reading::end_kind::refused) {
      whole.code = cut.code;
      whole.text = cut.text;
    }
    require(whole == cut ? "" : "the cuts");
  }
}

}  // namespace

/// The first byte: the role, and how many bytes follow that are sizes of pieces; then frames.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto role = (data[0] & 1) != 0 ? endpoint_role::server : endpoint_role::client;
  const std::size_t pieces = std::min<std::size_t>(data[0] >> 1 & 7, size - 1);
  const piece_sizes sizes(data + 1, pieces);
  const std::string_view frames(reinterpret_cast<const char*>(data) + 1 + pieces, size - 1 - pieces);
  check_cuts(frames, role, sizes);
  require(disagreement(frames, role, message_limit, sizes));
  return 0;
}
