#pragma once

#include <string>
#include <vector>

struct x509_st;
struct X509_name_st;

namespace duplexd::net {

/// "CN=…", or the whole name if it has no common name. Printable.
[[nodiscard]] std::string common_name(const X509_name_st* name);

/// The host names and addresses that a certificate is for (subjectAltName). Printable.
[[nodiscard]] std::vector<std::string> certificate_names(const x509_st* certificate);

}  // namespace duplexd::net
