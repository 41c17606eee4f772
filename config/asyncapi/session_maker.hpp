#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/asyncapi/asyncapi_document.hpp"
#include "config/asyncapi/import_address.hpp"

namespace duplexd::config {

/// A name that commands, replies and sessions can have.
[[nodiscard]] std::string name_from(std::string_view text);

/// A reply in the making.
struct reply_entry {
  nlohmann::ordered_json entry;  ///< of `protocol.replies`
  /// Pointers and values; null: the document says itself when it is meant.
  nlohmann::ordered_json conditions;
};

/// One session in the making: all channels of one address. The document must outlive it.
class session_maker {
 public:
  session_maker(const asyncapi_document& document, api_address address)
      : document_(document), address_(std::move(address)) {}

  [[nodiscard]] const api_address& address() const noexcept { return address_; }

  /// The name under which steps know it.
  std::string command(const api_value& message, const std::string& key);

  /// The same; nothing for one that cannot be told apart.
  std::optional<std::string> reply(const api_value& message, const std::string& key);

  /// Adds what confirms a command: entries of the session's `commands`.
  void confirm(const std::string& command, const nlohmann::ordered_json& rules);
  void extend_delivery(const std::string& command, const api_value& extension);

  /// An `x-duplexd` of the server or of a channel; later ones win.
  void extend(const api_value& extension);

  /// The session, once.
  [[nodiscard]] nlohmann::ordered_json take();

 private:
  [[nodiscard]] std::string name_in(const api_value& message, const std::string& key) const;

  /// `frame` and `json`, or `layout`; with `conditions` also `when`.
  [[nodiscard]] nlohmann::ordered_json body_of(const api_value& message,
                                               nlohmann::ordered_json* conditions) const;

  const asyncapi_document& document_;
  api_address address_;
  nlohmann::ordered_json commands_ = nlohmann::ordered_json::object();
  nlohmann::ordered_json delivery_ = nlohmann::ordered_json::object();
  std::vector<reply_entry> replies_;
  std::vector<api_value> extensions_;
};

}  // namespace duplexd::config
