#include "daemon/net/websocket/frame_header.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::net {
namespace {

const char* refuse_first_two(std::uint8_t first, std::uint8_t second, endpoint_role ours, bool in_message,
                             bool deflate) noexcept {
  const bool may_be_compressed = deflate && ((first & 0x0f) == 1 || (first & 0x0f) == 2);
  if ((first & (may_be_compressed ? 0x30 : 0x70)) != 0) return "reserved bits are set";
  const bool final = (first & 0x80) != 0;
  const bool masked = (second & 0x80) != 0;
  const unsigned code = first & 0x0f;
  if ((code > 2 && code < 8) || code > 10) return "reserved opcode";
  if (masked && ours == endpoint_role::client) return "a masked frame from a server";
  if (!masked && ours == endpoint_role::server) return "an unmasked frame from a client";
  if (code >= 8) {
    if (!final) return "a fragmented control frame";
    if ((second & 0x7f) > 125) return "a control frame with more than 125 bytes";
    return nullptr;
  }
  if (code == 0 && !in_message) return "a continuation without a message";
  if (code != 0 && in_message) return "a new message inside a fragmented one";
  return nullptr;
}

std::uint64_t read_big_endian(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t value = 0;
  for (const auto byte : bytes) value = value << 8 | byte;
  return value;
}

/// Length of the character that `first`, which is not a continuation byte, begins.
std::size_t character_length(std::uint8_t first) noexcept {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

}  // namespace

header_scan scan_frame_header(std::span<const std::uint8_t> bytes, endpoint_role ours, bool in_message,
                              bool deflate) noexcept {
  if (bytes.size() < 2) return {};
  if (const char* why = refuse_first_two(bytes[0], bytes[1], ours, in_message, deflate))
    return {.header = {}, .refusal = why};

  frame_header found;
  found.code = static_cast<opcode>(bytes[0] & 0x0f);
  found.final = (bytes[0] & 0x80) != 0;
  found.compressed = (bytes[0] & 0x40) != 0;
  found.length = bytes[1] & 0x7f;
  const std::size_t extended = found.length == 127 ? 8 : found.length == 126 ? 2 : 0;
  const std::size_t key = (bytes[1] & 0x80) != 0 ? 4 : 0;
  found.size = 2 + extended + key;

  if (extended != 0) {
    if (bytes.size() < 2 + extended) return {};
    found.length = read_big_endian(bytes.subspan(2, extended));
    if (found.length < (extended == 2 ? 126U : 65536U))
      return {.header = {}, .refusal = "a length that is not minimal"};
    if (found.length >> 63 != 0) return {.header = {}, .refusal = "a length over 63 bits"};
  }
  if (bytes.size() < found.size) return {};
  if (key != 0) std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(2 + extended), 4, found.mask.begin());
  return {.header = found, .refusal = nullptr};
}

bool is_sendable_close_code(std::uint16_t code) noexcept {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

close_scan scan_close_payload(std::span<const std::uint8_t> payload) noexcept {
  close_scan found;
  if (payload.empty()) return found;
  if (payload.size() == 1) {
    found.refusal = "a close frame with one byte";
    return found;
  }
  found.code = static_cast<std::uint16_t>(read_big_endian(payload.first(2)));
  const auto text = payload.subspan(2);
  found.text = {reinterpret_cast<const char*>(text.data()), text.size()};
  if (!is_sendable_close_code(found.code)) {
    found.refusal = "a close code that may not be sent";
  } else if (good_utf8(text) != text.size()) {
    found.refusal = "a close reason that is not UTF-8";
    found.bad_text = true;
  }
  return found;
}

std::string make_close_payload(std::uint16_t code, std::string_view text) {
  std::string payload;
  if (!is_sendable_close_code(code)) return payload;
  std::size_t length = std::min<std::size_t>(text.size(), 123);
  if (length < text.size()) {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  }
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code & 0xff));
  return payload.append(text.substr(0, length));
}

void apply_mask(std::span<std::uint8_t> bytes, const masking_key& mask) noexcept {
  std::array<std::uint8_t, 8> twice{};
  std::copy(mask.begin(), mask.end(), twice.begin());
  std::copy(mask.begin(), mask.end(), twice.begin() + 4);
  std::uint64_t key = 0;
  std::memcpy(&key, twice.data(), sizeof key);
  std::size_t at = 0;
  for (; at + sizeof key <= bytes.size(); at += sizeof key) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    word ^= key;
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
  for (; at < bytes.size(); ++at) bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ mask[at % 4]);
}

std::size_t good_utf8(std::span<const std::uint8_t> text) noexcept {
  return protocol::find_bad_utf8({reinterpret_cast<const char*>(text.data()), text.size()});
}

bool begins_character(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty() || bytes.size() >= character_length(bytes.front())) return false;
  // Which bytes may come second depends on the first, but the least or the greatest of all is among them.
  for (const std::uint8_t rest : {std::uint8_t{0x80}, std::uint8_t{0xbf}}) {
    std::array<std::uint8_t, 4> whole{};
    whole.fill(rest);
    std::copy(bytes.begin(), bytes.end(), whole.begin());
    const std::size_t length = character_length(bytes.front());
    if (good_utf8(std::span(whole).first(length)) == length) return true;
  }
  return false;
}

}  // namespace duplexd::net
