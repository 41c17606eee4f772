#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What can be said about WebSocket bytes without a stream: frame headers, close payloads, UTF-8. Pure
/// functions, no I/O, no Boost.
namespace duplexd::net {

using masking_key = std::array<std::uint8_t, 4>;

/// Which side of the link we are: it decides who masks (RFC 6455, 5.1).
enum class endpoint_role : std::uint8_t { client, server };

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

[[nodiscard]] constexpr bool is_control(opcode code) noexcept {
  return code >= opcode::close;
}

struct frame_header {
  opcode code = opcode::continuation;
  bool final = false;
  bool compressed = false;   ///< RSV1: the message that begins here is (RFC 7692, 6)
  std::size_t size = 0;      ///< bytes of the header itself, masking key included
  std::uint64_t length = 0;  ///< bytes of the payload
  masking_key mask{};        ///< zeros when not masked
};

/// What a look at the bytes at a frame's start says.
struct header_scan {
  std::optional<frame_header> header;  ///< set when the header is whole and allowed
  const char* refusal = nullptr;  ///< why RFC 6455 forbids it, as soon as that can be seen; with code 1002
};

/// Looks at a frame that our peer sent. `in_message` says that a fragmented message is open, so that only its
/// continuation may follow (control frames always may). Neither field set: more bytes are needed.
/// RFC 6455, 5.2 to 5.5. Reserved bits are forbidden, but for RSV1 at a message's start if permessage-deflate
/// was agreed on.
[[nodiscard]] header_scan scan_frame_header(std::span<const std::uint8_t> bytes, endpoint_role ours,
                                            bool in_message, bool deflate = false) noexcept;

/// A close frame's payload (RFC 6455, 5.5.1 and 7.4). Code 1005 stands for an empty payload.
struct close_scan {
  std::uint16_t code = 1005;
  std::string_view text;          ///< points into the payload
  const char* refusal = nullptr;  ///< why the payload is malformed; with code 1002, or 1007 for bad UTF-8
  bool bad_text = false;          ///< the refusal is about UTF-8
};
[[nodiscard]] close_scan scan_close_payload(std::span<const std::uint8_t> payload) noexcept;

/// True for the codes that may stand in a close frame (RFC 6455, 7.4.1, and IANA's 1012 to 1014).
[[nodiscard]] bool is_sendable_close_code(std::uint16_t code) noexcept;

/// A close frame's payload. The text is cut to 123 bytes at a character's start. A code that may not be sent
/// gives an empty payload.
[[nodiscard]] std::string make_close_payload(std::uint16_t code, std::string_view text);

/// XORs `bytes` with the masking key, from the key's first byte on. RFC 6455, 5.3.
void apply_mask(std::span<std::uint8_t> bytes, const masking_key& mask) noexcept;

/// How many bytes at the text's start are whole characters. RFC 3629: no overlong forms, no surrogates,
/// nothing over U+10FFFF.
[[nodiscard]] std::size_t good_utf8(std::span<const std::uint8_t> text) noexcept;

/// Whether these bytes, one at least, are the beginning of a character whose end is missing.
[[nodiscard]] bool begins_character(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace duplexd::net
