#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "daemon/net/websocket/frame_header.hpp"

namespace {

using namespace duplexd::net;

void require(bool holds) {
  if (!holds) std::abort();
}

/// A header is judged the same however its bytes come: a cut one asks for more or is refused for the same
/// reason, and what stands behind it does not matter.
void check_header(std::span<const std::uint8_t> bytes, endpoint_role role, bool in_message, bool deflate) {
  const auto whole = scan_frame_header(bytes, role, in_message, deflate);
  require(!whole.header || whole.refusal == nullptr);
  for (std::size_t cut = 0; cut <= std::min<std::size_t>(bytes.size(), 14); ++cut) {
    const auto part = scan_frame_header(bytes.first(cut), role, in_message, deflate);
    if (part.refusal != nullptr) require(whole.refusal == part.refusal);
    if (part.header) {
      require(whole.header && whole.header->length == part.header->length && part.header->size <= cut);
    }
  }
  if (!whole.header) return;
  require(whole.header->size >= 2 && whole.header->size <= 14);
  require(!whole.header->compressed ||
          (deflate && (whole.header->code == opcode::text || whole.header->code == opcode::binary)));
  require(!is_control(whole.header->code) || (whole.header->length <= 125 && whole.header->final));
}

/// What is accepted of a close frame can be sent back, and reads the same.
void check_close(std::span<const std::uint8_t> payload) {
  if (payload.size() > 125) return;
  const auto scan = scan_close_payload(payload);
  if (scan.refusal != nullptr) return;
  const auto again = make_close_payload(scan.code, scan.text);
  require(again == std::string(payload.begin(), payload.end()));
}

/// A text that is right may be cut anywhere: what is behind its last whole character begins one.
void check_text(std::span<const std::uint8_t> text) {
  const auto whole = text.first(good_utf8(text));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto part = whole.first(cut);
    const std::size_t good = good_utf8(part);
    require(good == cut || begins_character(part.subspan(good)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  for (const bool in_message : {false, true}) {
    for (const bool deflate : {false, true}) {
      check_header(bytes, endpoint_role::client, in_message, deflate);
      check_header(bytes, endpoint_role::server, in_message, deflate);
    }
  }
  check_close(bytes);
  check_text(bytes.first(std::min<std::size_t>(size, 256)));
  return 0;
}
