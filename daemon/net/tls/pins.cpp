#include "daemon/net/tls/pins.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "daemon/net/tls/certificate_text.hpp"

namespace duplexd::net {

std::string pin_of(const X509* certificate) {
  unsigned char* bytes = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
  if (length <= 0) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes, static_cast<std::size_t>(length), digest.data(), &size, EVP_sha256(), nullptr);
  OPENSSL_free(bytes);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> text{};
  const int written = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(written)};
}

std::string pin_mistake(const SSL* session, const std::vector<std::string>& pins) {
  const auto is_pinned = [&](const X509* certificate) {
    return std::find(pins.begin(), pins.end(), pin_of(certificate)) != pins.end();
  };
  const X509* own = SSL_get0_peer_certificate(session);
  if (own == nullptr) return "the server showed no certificate to compare with tls.pins";
  if (SSL_get_verify_mode(session) == SSL_VERIFY_NONE) {
    if (is_pinned(own)) return {};
  } else {
    const STACK_OF(X509)* chain = SSL_get0_verified_chain(session);
    for (int i = 0; i < sk_X509_num(chain); ++i)
      if (is_pinned(sk_X509_value(chain, i))) return {};
  }
  return "no public key of the server is among tls.pins; its own is sha256:" + pin_of(own) + " (" +
         common_name(X509_get_subject_name(own)) + ")";
}

}  // namespace duplexd::net
