#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

struct asyncapi_options {
  std::string server{};  ///< the one to connect to; empty: the first that speaks WebSocket
  std::string url{};     ///< takes the place of the server's address; empty: that of the document
};

/// The configuration that an AsyncAPI 3 document describes
/// (asyncapi.com/docs/reference/specification/v3.1.0): a session for each address, with commands, replies and
/// what confirms a command. What has no place in a configuration is told in `notes`, each with its place.
/// Nothing, and the reason in `mistakes`, for what is no such document or has no server to connect to.
[[nodiscard]] std::optional<nlohmann::ordered_json> import_asyncapi(const protocol::node& document,
                                                                    const asyncapi_options& options,
                                                                    protocol::diagnostics& mistakes,
                                                                    protocol::diagnostics& notes);

}  // namespace duplexd::config
