#pragma once

#include <string>

struct x509_store_ctx_st;

namespace duplexd::net {

/// What OpenSSL's error queue says, in plain words: the peer's alert, "the server does not speak TLS on this
/// port", … Empties the queue.
[[nodiscard]] std::string explain_tls_error();

/// Why a certificate was refused, whose it is, and what to do about it.
[[nodiscard]] std::string explain_verify_failure(x509_store_ctx_st* store, const std::string& wanted_name);

}  // namespace duplexd::net
