#include "daemon/net/websocket/frame_writer.hpp"

#include <openssl/rand.h>

#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>

namespace duplexd::net {
namespace {

constexpr std::size_t longest_header = 14;

/// Puts the header to `to`, which has room for the longest one, and returns its size.
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

void frame_writer::append(byte_queue& out, opcode code, std::span<const std::uint8_t> payload,
                          bool compressed) {
  std::optional<masking_key> mask;
  if (role_ == endpoint_role::client) mask = fresh_mask();
  std::uint8_t* const to = out.prepare(longest_header + payload.size());
  const std::size_t header = write_header(to, code, payload.size(), mask, compressed);
  if (!payload.empty()) std::memcpy(to + header, payload.data(), payload.size());
  if (mask) apply_mask({to + header, payload.size()}, *mask);
  out.commit(header + payload.size());
}

void frame_writer::message(byte_queue& out, const protocol::frame_view& what) {
  const opcode code = what.kind == protocol::frame_kind::text ? opcode::text : opcode::binary;
  const bool compressed = compression_ && compression_->wants(what.bytes.size());
  append(out, code, compressed ? compression_->compress(what.bytes) : what.bytes, compressed);
}

void frame_writer::control(byte_queue& out, opcode code, std::span<const std::uint8_t> payload) {
  append(out, code, payload, false);
}

void frame_writer::close(byte_queue& out, std::uint16_t code, std::string_view text) {
  const std::string payload = make_close_payload(code, text);
  control(out, opcode::close, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
}

}  // namespace duplexd::net
