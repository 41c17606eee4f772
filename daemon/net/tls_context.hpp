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
/// the next dial; links that trust the same share one context as long as any of them lives.
class client_tls {
 public:
  /// `ca_file` empty: the system's store. TLS 1.2 and newer.
  [[nodiscard]] tls_context_result get(const std::string& ca_file, bool verify);

 private:
  std::map<std::pair<std::string, bool>, std::weak_ptr<ssl_ctx_st>> known_;  ///< by the CA file's content
};

/// A server's context from a PEM chain and key.
[[nodiscard]] tls_context_result make_server_tls(const std::string& certificate_file,
                                                 const std::string& key_file);

}  // namespace duplexd::net
