#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;

namespace duplexd::net {

/// A TLS session that its server lets be resumed.
using tls_ticket = std::shared_ptr<ssl_session_st>;

/// What servers gave the clients of one context for resuming (RFC 8446, 2.2; RFC 5077). There is one store
/// for each context, so that no ticket ever meets other trust or another key than it was got with. Each is
/// given out once (RFC 8446, C.4). Used from the loop's thread.
class tls_tickets {
 public:
  /// More than this for one server: the oldest go.
  static constexpr std::size_t most_for_one = 1024;

  /// The context's own store, which lives as long as the context.
  [[nodiscard]] static tls_tickets& of(ssl_ctx_st* context);

  /// `server` names the server of the ticket, and what of it was verified.
  void keep(const std::string& server, tls_ticket ticket);

  /// The newest, which is forgotten here; null if there is none.
  [[nodiscard]] tls_ticket take(const std::string& server);

 private:
  std::map<std::string, std::vector<tls_ticket>> known_;
};

}  // namespace duplexd::net
