#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

struct ssl_ctx_st;

namespace duplexd::net {

/// Settings and trust that many TLS sessions share.
using tls_context = std::shared_ptr<ssl_ctx_st>;

/// A context, or why there is none, for people.
struct tls_context_result {
  tls_context context;
  std::string error;
};

/// The contexts of a daemon's clients. The CA file is read at each `get()`, so that a renewed one is used at
/// the next dial; whoever trusts the same shares one context, and with it the tickets for resuming sessions.
class client_tls {
 public:
  /// `ca_file` empty: the system's store. TLS 1.2 and newer.
  [[nodiscard]] tls_context_result get(const std::string& ca_file, bool verify);

 private:
  static constexpr std::size_t most_known = 64;  ///< of renewed files the old contexts are left behind

  std::map<std::pair<std::string, bool>, tls_context> known_;  ///< by what is trusted
};

/// A server's context from a PEM chain and key.
[[nodiscard]] tls_context_result make_server_tls(const std::string& certificate_file,
                                                 const std::string& key_file);

}  // namespace duplexd::net
