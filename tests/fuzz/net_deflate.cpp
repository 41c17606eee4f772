// permessage-deflate: what a server may answer and send, and what we send ourselves.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/websocket/permessage_deflate.hpp"

namespace {

using namespace duplexd::net;
using bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t limit = 64 * 1024;

void require(bool holds) {
  if (!holds) std::abort();
}

/// What is agreed to is within what was offered.
void check_answer(std::string_view header) {
  const duplexd::config::deflate_settings offered{
      .server_max_window_bits = 12, .client_max_window_bits = 11, .client_no_context_takeover = true};
  std::string why;
  const auto agreed = read_deflate_answer(header, offered, why);
  require(agreed.has_value() == why.empty());
  if (!agreed) return;
  require(agreed->server_window_bits && *agreed->server_window_bits >= 8 &&
          *agreed->server_window_bits <= 12);
  require(agreed->client_window_bits && *agreed->client_window_bits >= 8 &&
          *agreed->client_window_bits <= 11);
  require(!agreed->client_takeover);
}

/// Unpacks a message in pieces; nothing if it is refused.
std::optional<bytes> unpack(inflater& from, std::span<const std::uint8_t> payload, std::size_t piece) {
  bytes out;
  std::size_t size = 0;
  do {
    const auto part = payload.first(std::min(piece, payload.size()));
    payload = payload.subspan(part.size());
    const auto got = from.add(part, payload.empty(), limit, out, size);
    require(out.size() <= limit + 1);
    if (got != inflater::result::good) return std::nullopt;
    require(size <= limit);
  } while (!payload.empty());
  out.resize(size);
  return out;
}

/// A message unpacks to the same however its bytes come.
void check_unpack(std::span<const std::uint8_t> payload) {
  inflater whole({});
  inflater pieces({});
  require(unpack(whole, payload, payload.size() + 1) == unpack(pieces, payload, 3));
}

/// What we pack our own reader unpacks, also the messages after it.
void check_pack(std::span<const std::uint8_t> message) {
  if (message.empty()) return;
  const deflate_agreement agreed{.server_window_bits = 10, .client_window_bits = 10};
  deflater pack(agreed, {});
  inflater unpacker(agreed);
  for (int i = 0; i < 2; ++i) {
    const auto back = unpack(unpacker, pack.compress(message), 1000);
    require(back && std::equal(back->begin(), back->end(), message.begin(), message.end()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input(data, size);
  check_answer({reinterpret_cast<const char*>(data), size});
  check_unpack(input);
  check_pack(input);
  return 0;
}
