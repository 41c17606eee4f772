#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/net/http/answer_reader.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"

/// What client and server say to each other in the WebSocket handshake (RFC 6455, 4).
namespace duplexd::net {

/// A new Sec-WebSocket-Key from the system's generator; empty if it gives none.
[[nodiscard]] std::string make_websocket_key();

/// The Sec-WebSocket-Accept that answers a key.
[[nodiscard]] std::string accept_of(std::string_view key);

/// The request as it goes over the wire. A header of the user's takes the place of one of ours.
[[nodiscard]] std::string handshake_text(const handshake_request& request, const std::string& key);

/// A server's answer that opens the link, and one that refuses it with `body` as the reason.
[[nodiscard]] std::string acceptance_text(std::string_view key, const std::string& subprotocol);
[[nodiscard]] std::string refusal_text(const handshake_answer& answer);

/// Why an answer with status 101 does not open the link (RFC 6455, 4.1), extensions apart; nothing if it
/// does.
[[nodiscard]] std::optional<std::string> handshake_mistake(const answer_head& answer,
                                                           const handshake_request& request,
                                                           const std::string& key);

}  // namespace duplexd::net
