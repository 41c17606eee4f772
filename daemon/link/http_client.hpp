#pragma once

#include <strings.h>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/value/url.hpp"
#include "daemon/link/fault.hpp"
#include "daemon/link/server_request.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// One HTTP/1.1 request; `address` comes from `config::parse_http_url`. Host, Connection, Content-Length and,
/// unless given, User-Agent and Accept are added. The phases of the connection have the limits of `timeouts`.
struct http_request : server_request {
  /// User and password, sent only as an answer to a Digest challenge of the first server (RFC 7616).
  struct digest_login {
    std::string username;
    std::string password;
  };
  std::string method = "GET";
  std::string body;
  std::optional<digest_login> digest{};
  std::chrono::milliseconds timeout{30'000};          ///< everything together, redirects too; positive
  std::size_t largest_answer = std::size_t{1} << 20;  ///< bytes of the body
};

/// What the server answered: any status, 4xx and 5xx too.
struct http_response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< as they came, in their order
  std::string body;                                          ///< without chunking and compression
  config::url address;                                       ///< who answered, after redirects
  std::optional<std::chrono::milliseconds> retry_after{};    ///< what Retry-After asks for (RFC 9110, 10.2.3)

  /// The first header of that name, in any case of letters; null if there is none. Lives as long as this.
  [[nodiscard]] const std::string* header(std::string_view name) const noexcept {
    for (const auto& [each, value] : headers)
      if (each.size() == name.size() && strncasecmp(each.data(), name.data(), name.size()) == 0)
        return &value;
    return nullptr;
  }
};

using http_result = std::variant<http_response, fault>;

/// Fetches documents. One for the whole daemon, used from the loop's thread.
class http_client {
 public:
  http_client() = default;
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;
  virtual ~http_client() = default;

  /// Follows up to five redirects, those that `redirects` allows: to http and https only and never from https
  /// to http. 301, 302 and 303 make a POST a GET, 307 and 308 keep method and body.
  ///
  /// Faults: `resolve`, `connect`, `tls`; `http`: no answer in time, no HTTP, a body over the limit, a
  /// redirect that may not be followed, a request that cannot be sent; `lost`: the connection ended before
  /// the answer did. Their words hold no header's value and no part of the body.
  ///
  /// Does not throw. Cancelled, it comes back early with everything closed and whatever fault comes of it:
  /// the caller asks `cancelled()`.
  virtual asio::awaitable<http_result> fetch(http_request what) = 0;
};

}  // namespace duplexd
