#pragma once

#include <string>

#include "daemon/link/server_request.hpp"

struct ssl_ctx_st;

namespace duplexd::net {

/// The contents of a client's files, PEM. Empty: not given.
struct tls_files {
  std::string authorities;
  std::string certificate;
  std::string key;  ///< empty: it stands in `certificate`
};

/// Puts the request's certificate, its chain and its key into a context. Says what is wrong with which file,
/// or nothing.
[[nodiscard]] std::string use_certificate(ssl_ctx_st* context, const server_request& from,
                                          const tls_files& files);

}  // namespace duplexd::net
