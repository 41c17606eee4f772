#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/reference/template.hpp"
#include "config/value/listen_address.hpp"

namespace duplexd::config {

/// Where the state of the daemon can be read, by anybody who reaches it.
struct health_settings {
  std::optional<listen_address> listen;  ///< always there once it was read
  std::vector<std::string> hosts;  ///< names that requests may be for, besides IP addresses and localhost
};

/// Where the daemon can be operated.
struct control_settings {
  std::optional<text_template> socket;   ///< path of a Unix-domain socket
  std::optional<listen_address> listen;  ///< besides; needs `token`
  std::optional<text_template> token;
  std::optional<text_template> view_socket;  ///< another one, that answers only what changes nothing
  std::optional<text_template> view_token;   ///< lets do the same over TCP
  std::vector<std::string> hosts;
};

}  // namespace duplexd::config
