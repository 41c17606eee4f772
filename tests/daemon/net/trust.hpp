#pragma once

#include <stdexcept>
#include <string>

#include "daemon/net/tls/certificates.hpp"
#include "daemon/net/tls/tls_context.hpp"
#include "tests/daemon/net/temporary_directory.hpp"

namespace duplexd::net::test {

/// An authority that a client can be told to trust, and servers' contexts made from certificates.
class trust {
 public:
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }
  [[nodiscard]] const throw_away_authority& authority() const { return authority_; }

  [[nodiscard]] tls_context server(const issued_certificate& issued) const {
    const auto certificate = directory_.write("server.pem", issued.certificate);
    const auto key = directory_.write("server.key", issued.key);
    auto made = make_server_tls(certificate, key);
    if (!made.context) throw std::runtime_error(made.error);
    return made.context;
  }

  /// A server that clients who trust `ca_file()` accept as localhost.
  [[nodiscard]] tls_context server() const { return server(authority_.issue({"localhost"})); }

  [[nodiscard]] std::string write(const std::string& name, const std::string& content) const {
    return directory_.write(name, content);
  }

 private:
  temporary_directory directory_;
  throw_away_authority authority_{"test authority"};
  std::string ca_file_ = directory_.write("ca.pem", authority_.certificate());
};

}  // namespace duplexd::net::test
