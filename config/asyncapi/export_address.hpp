#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// The server of a session: the first of its URLs without the query. References to the environment become
/// variables of the server with their defaults; others become variables without, which is noted.
[[nodiscard]] nlohmann::ordered_json server_of(const std::string& name, const protocol::node& session,
                                               protocol::diagnostics& notes);

/// The WebSocket binding: the query of that URL, and the names of the session's headers. Empty: neither.
[[nodiscard]] nlohmann::ordered_json binding_of(const protocol::node& session);

}  // namespace duplexd::config
