#pragma once

#include <optional>
#include <string>

#include "config/asyncapi/asyncapi_document.hpp"

namespace duplexd::config {

/// How a server of the document is reached.
struct api_address {
  std::string url;  ///< with references for what the document leaves open
  nlohmann::ordered_json headers = nlohmann::ordered_json::object();
};

/// "wss://host/path" of a server that speaks WebSocket, its `security` as headers or query; nothing for
/// another protocol.
[[nodiscard]] std::optional<api_address> address_of(const asyncapi_document& document,
                                                    const api_value& server);

/// Adds a channel: its address with its parameters, and the query and the headers of its WebSocket binding.
void add_channel(const asyncapi_document& document, const api_value& channel, api_address& to);

}  // namespace duplexd::config
