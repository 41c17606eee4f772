#include "daemon/net/tls/tls_report.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>

#include "daemon/net/tls/certificate_text.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {

tls_details describe_session(const SSL* session) {
  tls_details found;
  found.version = SSL_get_version(session);
  found.cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(session));
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(session, &protocol, &length);
  if (length != 0) found.alpn = protocol::printable({reinterpret_cast<const char*>(protocol), length}, 40);
  found.resumed = SSL_session_reused(session) == 1;
  found.verified = SSL_get_verify_mode(session) != SSL_VERIFY_NONE;
  if (const X509* shown = SSL_get0_peer_certificate(session); shown != nullptr) {
    found.subject = common_name(X509_get_subject_name(shown));
    found.issuer = common_name(X509_get_issuer_name(shown));
    found.names = certificate_names(shown);
  }
  found.not_after = end_of_certificate(session).value_or(found.not_after);
  return found;
}

std::optional<std::chrono::sys_seconds> end_of_certificate(const SSL* session) {
  const X509* shown = SSL_get0_peer_certificate(session);
  std::tm parts{};
  if (shown == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(shown), &parts) != 1) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

}  // namespace duplexd::net
