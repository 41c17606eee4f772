#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bench {

/// RFC 6455, 5.2.
enum : std::uint8_t { op_text = 1, op_binary = 2, op_close = 8, op_ping = 9, op_pong = 10 };

/// Appends the header of a final frame; `key` masks it, as a client's must be.
inline void append_header(std::string& out, std::uint8_t code, std::size_t size,
                          const std::uint8_t* key = nullptr) {
  const int mask = key != nullptr ? 0x80 : 0;
  out.push_back(static_cast<char>(0x80 | code));
  if (size < 126) {
    out.push_back(static_cast<char>(mask | static_cast<int>(size)));
  } else if (size < 65536) {
    out.push_back(static_cast<char>(mask | 126));
    out.push_back(static_cast<char>(size >> 8));
    out.push_back(static_cast<char>(size & 0xff));
  } else {
    out.push_back(static_cast<char>(mask | 127));
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift & 0xff));
  }
  if (key != nullptr) out.append(reinterpret_cast<const char*>(key), 4);
}

struct frame {
  std::uint8_t code = 0;
  std::span<std::uint8_t> payload;  ///< unmasked in place
  std::size_t size = 0;             ///< header and payload
};

/// The whole frame that `bytes` begins with, if it is all there. What the peers send is trusted to be valid.
inline std::optional<frame> take_frame(std::span<std::uint8_t> bytes) {
  if (bytes.size() < 2) return std::nullopt;
  std::size_t length = bytes[1] & 0x7f;
  std::size_t at = 2;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (extended != 0) {
    if (bytes.size() < at + extended) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < extended; ++i) length = length << 8 | bytes[at + i];
    at += extended;
  }
  const bool masked = (bytes[1] & 0x80) != 0;
  if (bytes.size() < at + (masked ? 4 : 0) + length) return std::nullopt;
  std::uint8_t key[4] = {};
  if (masked) {
    std::memcpy(key, bytes.data() + at, 4);
    at += 4;
  }
  const auto payload = bytes.subspan(at, length);
  if (masked)
    for (std::size_t i = 0; i < length; ++i) payload[i] = static_cast<std::uint8_t>(payload[i] ^ key[i & 3]);
  return frame{static_cast<std::uint8_t>(bytes[0] & 0x0f), payload, at + length};
}

/// The number that every binary message of the benchmark begins with.
inline std::int32_t number_of(std::span<const std::uint8_t> payload) {
  std::int32_t number = 0;
  if (payload.size() >= sizeof number) std::memcpy(&number, payload.data(), sizeof number);
  return number;
}

}  // namespace bench
