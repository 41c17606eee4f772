#pragma once

#include <string>
#include <vector>

struct ssl_st;
struct x509_st;

namespace duplexd::net {

/// Base64 of the SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469, 2.4).
[[nodiscard]] std::string pin_of(const x509_st* certificate);

/// Why an established session does not meet any of `pins`, or nothing. Looks at the verified chain; if
/// nothing was verified, only at the certificate whose key the peer has proved to hold.
[[nodiscard]] std::string pin_mistake(const ssl_st* session, const std::vector<std::string>& pins);

}  // namespace duplexd::net
