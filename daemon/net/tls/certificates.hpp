#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace duplexd::net {

/// When a certificate is valid, as offsets from now.
struct validity {
  std::chrono::seconds begin = -std::chrono::hours(1);  ///< clocks differ a little
  std::chrono::seconds end = std::chrono::hours(24 * 30);
};

/// A certificate and its key, PEM.
struct issued_certificate {
  std::string certificate;
  std::string key;
};

/// A certificate authority made on the spot, for trying things out: EC P-256, its key never leaves the
/// process. Not for production. Functions throw `std::runtime_error` if OpenSSL refuses something.
class throw_away_authority {
 public:
  explicit throw_away_authority(const std::string& common_name, validity when = {});

  /// A server's certificate for host names and addresses, the first of which is its common name.
  [[nodiscard]] issued_certificate issue(const std::vector<std::string>& names, validity when = {}) const;

  [[nodiscard]] const std::string& certificate() const noexcept { return certificate_pem_; }

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> certificate_;
  std::string certificate_pem_;
};

/// A certificate signed with its own key.
[[nodiscard]] issued_certificate make_self_signed(const std::vector<std::string>& names, validity when = {});

}  // namespace duplexd::net
