#include "daemon/net/websocket/frame_writer.hpp"

#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>

namespace duplexd::net {
namespace {

/// Puts the header to `to`, which has room for 14 bytes, and returns its size.
std::size_t write_header(std::uint8_t* to, opcode code, std::uint64_t length,
                         const std::optional<masking_key>& mask, bool compressed) noexcept {
  const unsigned masked = mask ? 0x80 : 0;
  const unsigned extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const auto short_form = extended == 0 ? static_cast<unsigned>(length) : extended == 2 ? 126U : 127U;
  to[0] = static_cast<std::uint8_t>(0x80U | (compressed ? 0x40U : 0U) | static_cast<unsigned>(code));
  to[1] = static_cast<std::uint8_t>(masked | short_form);
  for (unsigned i = 0; i < extended; ++i)
    to[2 + i] = static_cast<std::uint8_t>(length >> (8 * (extended - 1 - i)));
  std::size_t size = 2 + extended;
  if (mask) {
    std::memcpy(to + size, mask->data(), mask->size());
    size += mask->size();
  }
  return size;
}

}  // namespace

masking_key fresh_mask() {
  thread_local std::array<std::uint8_t, 4096> pool;
  thread_local std::size_t left = 0;
  if (left == 0) {
    if (RAND_bytes(pool.data(), static_cast<int>(pool.size())) != 1)
      throw std::runtime_error("no random bytes");
    left = pool.size();
  }
  masking_key key{};
  left -= key.size();
  std::memcpy(key.data(), pool.data() + left, key.size());
  std::memset(pool.data() + left, 0, key.size());  // spent
  return key;
}

void append_frame(byte_queue& out, opcode code, std::span<const std::uint8_t> payload,
                  const std::optional<masking_key>& mask, bool compressed) {
  std::uint8_t* const to = out.prepare(14 + payload.size());
  const std::size_t header = write_header(to, code, payload.size(), mask, compressed);
  if (!payload.empty()) std::memcpy(to + header, payload.data(), payload.size());
  if (mask) apply_mask({to + header, payload.size()}, *mask);
  out.commit(header + payload.size());
}

}  // namespace duplexd::net
