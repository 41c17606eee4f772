#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/link/fault.hpp"
#include "daemon/link/server_request.hpp"
#include "daemon/link/transport.hpp"

namespace duplexd {

/// Everything that one attempt needs, references already resolved. Lives only as long as the attempt.
struct dial_request : server_request {
  config::limit_settings limits;
  std::optional<config::deflate_settings> deflate;
  std::vector<std::string> subprotocols;
  bool subprotocol_required = false;  ///< it must choose one of them
};

/// An open link, or why there is none.
using dial_result = std::variant<std::unique_ptr<transport>, fault>;

/// Opens links: name, TCP, TLS, WebSocket. One for the whole daemon, used from the loop's thread.
class dialer {
 public:
  dialer() = default;
  dialer(const dialer&) = delete;
  dialer& operator=(const dialer&) = delete;
  virtual ~dialer() = default;

  /// Does not throw. Cancelled, it comes back early with everything closed and whatever fault comes of it:
  /// the caller asks `cancelled()`.
  virtual asio::awaitable<dial_result> dial(dial_request request) = 0;
};

}  // namespace duplexd
