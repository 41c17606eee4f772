#include "daemon/net/tls_errors.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include "daemon/net/printable.hpp"

namespace duplexd::net {
namespace {

std::string common_name(const X509_NAME* name) {
  std::array<char, 128> text{};
  const int length =
      X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), static_cast<int>(text.size()));
  if (length > 0) return "CN=" + printable({text.data(), static_cast<std::size_t>(length)}, 80);
  const std::unique_ptr<char, void (*)(char*)> whole(X509_NAME_oneline(name, nullptr, 0),
                                                     [](char* p) { OPENSSL_free(p); });
  return whole && *whole ? printable(whole.get(), 80) : "no name";
}

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), length};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (ASN1_STRING_length(address) != 4 && ASN1_STRING_length(address) != 16) return "?";
  return inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) != nullptr ? text.data()
                                                                                                : "?";
}

/// "'a', 'b' and 3 more": the names that the certificate is for.
std::string names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* found =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
    if (name->type == GEN_DNS) {
      names.push_back(printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                                 static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))},
                                80));
    } else if (name->type == GEN_IPADD) {
      names.push_back(address_text(name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(found);
  if (names.empty()) return "no name at all (" + common_name(X509_get_subject_name(certificate)) + ")";

  constexpr std::size_t shown = 4;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
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
      return "self-signed certificate (" + subject + "): give it as tls.ca_file if you trust it";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "certificate is signed by an authority that is not trusted here (" +
             common_name(X509_get_issuer_name(certificate)) +
             "): give the authority's certificate as tls.ca_file";
    case X509_V_ERR_HOSTNAME_MISMATCH:
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
      return std::string("the peer refused TLS with the alert '") +
             SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET) + "'";
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
