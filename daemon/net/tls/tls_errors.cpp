#include "daemon/net/tls/tls_errors.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <string_view>
#include <vector>

#include "daemon/net/tls/certificate_text.hpp"

namespace duplexd::net {
namespace {

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), length};
}

/// "'a', 'b' and 3 more": the names that the certificate is for.
std::string names_of(X509* certificate) {
  const auto names = certificate_names(certificate);
  if (names.empty()) return "no name at all (" + common_name(X509_get_subject_name(certificate)) + ")";

  constexpr std::size_t shown = 4;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

/// Whether the certificate would be accepted if its common name counted.
bool has_common_name_only(X509* certificate, const std::string& name) {
  return X509_check_host(certificate, name.c_str(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                         nullptr) == 1;
}

/// OpenSSL's words, and those that it lacks.
std::string alert_name(int alert) {
  if (alert == SSL_AD_CERTIFICATE_REQUIRED) return "certificate required";
  if (alert == SSL_AD_MISSING_EXTENSION) return "missing extension";
  const std::string known = SSL_alert_desc_string_long(alert);
  return known == "unknown" ? std::to_string(alert) : known;
}

}  // namespace

std::string explain_verify_failure(x509_store_ctx_st* store, const std::string& wanted_name) {
  const int error = X509_STORE_CTX_get_error(store);
  X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr)
    return std::string("certificate refused: ") + X509_verify_cert_error_string(error);
  const std::string subject = common_name(X509_get_subject_name(certificate));
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "certificate has expired on " + date_of(X509_get0_notAfter(certificate)) + " (" + subject + ")";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "certificate is not valid before " + date_of(X509_get0_notBefore(certificate)) + " (" + subject +
             "): check this machine's clock";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "self-signed certificate (" + subject + "): give it as ca_file if you trust it";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "certificate is signed by an authority that is not trusted here (" +
             common_name(X509_get_issuer_name(certificate)) +
             "): give the authority's certificate as ca_file";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      if (has_common_name_only(certificate, wanted_name)) {
        return "certificate has the name '" + wanted_name +
               "' as its common name (CN) only, which is not accepted: give the server a certificate with a "
               "subject alternative name, set tls.allow_common_name, or pin its key by tls.pins";
      }
      [[fallthrough]];
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "certificate is for " + names_of(certificate) + ", not for '" + wanted_name +
             "': correct the url or give tls.server_name";
    default:
      return std::string("certificate refused: ") + X509_verify_cert_error_string(error) + " (" + subject +
             ")";
  }
}

std::string explain_tls_error() {
  const unsigned long first = ERR_peek_error();
  const unsigned long last = ERR_peek_last_error();
  ERR_clear_error();
  if (last == 0) return "TLS failed without a reason";
  if (ERR_SYSTEM_ERROR(first))
    return ERR_reason_error_string(first) != nullptr ? ERR_reason_error_string(first) : "I/O";
  const int reason = ERR_GET_REASON(last);
  if (ERR_GET_LIB(last) == ERR_LIB_SSL) {
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
      return "the peer refused TLS with the alert '" + alert_name(reason - SSL_AD_REASON_OFFSET) + "'";
    }
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
        reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
      return "the peer does not speak TLS on this port (is it a ws:// address?)";
    }
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL) return "the peer offers no TLS version from 1.2 on";
  }
  const char* text = ERR_reason_error_string(last);
  return text != nullptr ? text : "TLS error " + std::to_string(last);
}

}  // namespace duplexd::net
