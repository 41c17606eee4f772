#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// Puts sessions into an AsyncAPI 3 document (asyncapi.com/docs/reference/specification/v3.0.0), which is
/// that of the client: a server and a channel for each session, its commands and replies as messages, and
/// what confirms a command as `reply`. Templates of JSON become schemas; what AsyncAPI cannot say (layouts,
/// conditions) stands in `x-duplexd`, from which `import_asyncapi` makes the same protocol again.
class asyncapi_export {
 public:
  /// What has no place in the document is told in `notes`, which must outlive this.
  explicit asyncapi_export(protocol::diagnostics& notes) : notes_(notes) {}

  /// Adds a session that passed `check`, with all that it takes over and its `protocol` as a map.
  void add(const std::string& name, const protocol::node& session);

  /// The whole. The values of headers, and what the session does (login, script …), are not in it.
  [[nodiscard]] nlohmann::ordered_json take() &&;

 private:
  protocol::diagnostics& notes_;
  nlohmann::ordered_json servers_ = nlohmann::ordered_json::object();
  nlohmann::ordered_json channels_ = nlohmann::ordered_json::object();
  nlohmann::ordered_json operations_ = nlohmann::ordered_json::object();
  std::string title_;
};

}  // namespace duplexd::config
