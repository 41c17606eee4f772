#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/link/server_request.hpp"

struct ssl_ctx_st;

namespace duplexd::net {

/// Settings and trust that many TLS sessions share.
using tls_context = std::shared_ptr<ssl_ctx_st>;

/// A context, or why there is none, for people.
struct tls_context_result {
  tls_context context;
  std::string error;
};

/// The contexts of a daemon's clients. Files are read at each `get()`, so that renewed ones are used at the
/// next dial; whoever has the same settings and files shares one context, and with it the tickets for
/// resuming sessions.
class client_tls {
 public:
  /// What the request's TLS settings and files make. Offers HTTP/1.1 by ALPN (RFC 7301).
  [[nodiscard]] tls_context_result get(const server_request& to);

 private:
  static constexpr std::size_t most_known = 64;  ///< of renewed files the old contexts are left behind

  /// By the SHA-256 of everything that a context is made of, so that no key or password is kept here.
  std::map<std::string, tls_context> known_;
};

/// A server's context from a PEM chain and key.
[[nodiscard]] tls_context_result make_server_tls(const std::string& certificate_file,
                                                 const std::string& key_file);

}  // namespace duplexd::net
