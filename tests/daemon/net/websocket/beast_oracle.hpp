#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/net/websocket/frame_reader.hpp"

/// Two readers of WebSocket frames, ours and Beast's, are given the same bytes and must make the same of
/// them.
namespace duplexd::net::test {

/// What a reader made of everything that a peer sent.
struct reading {
  enum class end_kind : std::uint8_t {
    open,     ///< it would read on
    closed,   ///< by the peer's close frame
    refused,  ///< the peer broke the protocol, or a limit
  };
  std::vector<std::pair<protocol::frame_kind, std::string>> messages;
  std::vector<std::string> pings;
  end_kind end = end_kind::open;
  std::uint16_t code = 0;  ///< of the peer's close frame, or of the refusal
  std::string text;        ///< the peer's reason, or our refusal's cause

  bool operator==(const reading&) const = default;
};

/// How the bytes come: in pieces of so many, again and again; no numbers: all at once.
using piece_sizes = std::span<const std::uint8_t>;

[[nodiscard]] reading read_by_us(std::string_view bytes, endpoint_role ours, std::uint64_t message_limit,
                                 piece_sizes pieces, bool deflate = false);
[[nodiscard]] reading read_by_beast(std::string_view bytes, endpoint_role ours, std::uint64_t message_limit,
                                    piece_sizes pieces);

/// In what the two disagree though they should not; empty: in nothing. The differences that are meant are
/// listed there.
[[nodiscard]] std::string disagreement(std::string_view bytes, endpoint_role ours,
                                       std::uint64_t message_limit, piece_sizes pieces);

}  // namespace duplexd::net::test
